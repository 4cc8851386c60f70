"""Whether the samplers can be trusted: against each other, against an oracle, against published numbers."""

from bayesreg.validate.agreed import Agreement
from bayesreg.validate.between import agreement

__all__ = ["Agreement", "agreement"]
