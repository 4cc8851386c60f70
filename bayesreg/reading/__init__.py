"""Any PyMC model read as a penalised fit: which penalty each free variable's prior is."""

from bayesreg.reading.penalty import read_penalty
from bayesreg.reading.rows import PenaltyReading, PenaltyRow

__all__ = ["PenaltyReading", "PenaltyRow", "read_penalty"]
