"""How strong the prior is: its scale, chosen by evidence, by cross-validation, or given a prior of its own.

References
----------
Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, §3.4.3 (one standard error);
MacKay (1992), Neural Comput. 4:415–447 (evidence).
"""

from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.choose import choose_scale

__all__ = ["ScaleChoice", "choose_scale"]
