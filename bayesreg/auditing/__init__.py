"""A fitted scikit-learn estimator: which prior it assumed, whether it found that prior's mode, and what it discards."""

from bayesreg.auditing.run import audit

__all__ = ["audit"]
