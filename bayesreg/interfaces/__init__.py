"""The four things that every algorithm is written against: `Prior`, `ScalePrior`, `Likelihood` and `Rows`.

Everything lives on one scale, the negative log-likelihood in nats, summed over rows:

    J(a, β) = Σ_i w_i · nll(y_i | η_i) + pen(β),     η_i = offset_i + a + x_iᵀβ

No algorithm names a concrete class; each asks these interfaces.  NumPy is the only third party imported here.
"""

from bayesreg.interfaces.likelihood import Likelihood
from bayesreg.interfaces.prior import Elastic, Kink, Prior, ScalePrior, SeparablePrior, is_flat
from bayesreg.interfaces.rows import Array, Block, Rows, Tensor

__all__ = [
    "Array",
    "Block",
    "Elastic",
    "Kink",
    "Likelihood",
    "Prior",
    "Rows",
    "ScalePrior",
    "SeparablePrior",
    "Tensor",
    "is_flat",
]
