"""How strong the prior is: its scale, chosen by cross-validation, and what a scale says before any data."""

from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.cross_validation import cross_validated_scale
from bayesreg.strength.prior_predictive import PriorSummary, prior_summary
from bayesreg.strength.scale_for import scale_for

__all__ = ["PriorSummary", "ScaleChoice", "cross_validated_scale", "prior_summary", "scale_for"]
