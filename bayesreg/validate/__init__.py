"""Whether samplers and intervals do what they promise: calibration, coverage at a fixed truth, agreement."""

from bayesreg.validate.calibrated import Calibration
from bayesreg.validate.calibration import sbc
from bayesreg.validate.quantities import TestQuantity

__all__ = ["Calibration", "TestQuantity", "sbc"]
