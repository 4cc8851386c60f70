"""How strong the prior is: its scale, chosen by evidence, by cross-validation, or given a prior of its own.

And before any data: what a scale says, and the scale that says what is asked.

References
----------
Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, §3.4.3 (one standard error);
MacKay (1992), Neural Comput. 4:415–447 (evidence).
"""

from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.choose import choose_scale
from bayesreg.strength.prior_predictive import PriorSummary, prior_summary
from bayesreg.strength.scale_for import scale_for

__all__ = ["PriorSummary", "ScaleChoice", "choose_scale", "prior_summary", "scale_for"]
