"""Pictures, one a file.  Each takes a finished result, computes nothing but layout, and returns its axes.

Matplotlib is loaded when a picture is drawn, not when this package is imported.
"""

from bayesreg.plots.calibration import calibration
from bayesreg.plots.choices import choices
from bayesreg.plots.contours import contours
from bayesreg.plots.coverage import coverage
from bayesreg.plots.diagnostics import energy, ess, rank, trace
from bayesreg.plots.files import save
from bayesreg.plots.forest import forest
from bayesreg.plots.information import information
from bayesreg.plots.leave_one_out import khat, loo_pit
from bayesreg.plots.marginals import marginals
from bayesreg.plots.path import path
from bayesreg.plots.penalty import penalty
from bayesreg.plots.sbc import sbc
from bayesreg.plots.shrinkage import shrinkage
from bayesreg.plots.tradeoffs import tradeoffs
from bayesreg.plots.trajectories import trajectories
from bayesreg.plots.typicality import typicality
from bayesreg.plots.waterfall import waterfall

__all__ = [
    "calibration",
    "choices",
    "contours",
    "coverage",
    "energy",
    "ess",
    "forest",
    "information",
    "khat",
    "loo_pit",
    "marginals",
    "path",
    "penalty",
    "rank",
    "save",
    "sbc",
    "shrinkage",
    "trace",
    "tradeoffs",
    "trajectories",
    "typicality",
    "waterfall",
]
