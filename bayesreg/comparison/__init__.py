"""The heart: MAP, penalised optimum and posterior of one problem side by side, and what the point estimate discards."""

from bayesreg.comparison.result import Comparison
from bayesreg.comparison.run import compare

__all__ = ["Comparison", "compare"]
