"""How strong the prior is: its scale, chosen by cross-validation."""

from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.cross_validation import cross_validated_scale

__all__ = ["ScaleChoice", "cross_validated_scale"]
