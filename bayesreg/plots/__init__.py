"""Pictures, one a file.  Each takes a finished result, computes nothing but layout, and returns its axes.

Matplotlib is loaded when a picture is drawn, not when this package is imported.
"""

from bayesreg.plots.choices import choices
from bayesreg.plots.contours import contours
from bayesreg.plots.files import save
from bayesreg.plots.forest import forest
from bayesreg.plots.marginals import marginals
from bayesreg.plots.path import path
from bayesreg.plots.penalty import penalty
from bayesreg.plots.trajectories import trajectories

__all__ = ["choices", "contours", "forest", "marginals", "path", "penalty", "save", "trajectories"]
