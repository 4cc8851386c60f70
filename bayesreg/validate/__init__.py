"""Whether samplers and intervals do what they promise: calibration, coverage at a fixed truth, agreement."""

from bayesreg.validate.agreed import Agreement
from bayesreg.validate.between import agreement
from bayesreg.validate.calibrated import Calibration
from bayesreg.validate.calibration import sbc
from bayesreg.validate.fixed_truth import coverage
from bayesreg.validate.fixed_truth_result import Coverage
from bayesreg.validate.quantities import TestQuantity

__all__ = ["Agreement", "Calibration", "Coverage", "TestQuantity", "agreement", "coverage", "sbc"]
