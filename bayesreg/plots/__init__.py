"""Pictures, one a file.  Each takes a finished result, computes nothing but layout, and returns its axes.

Matplotlib is loaded when a picture is drawn, not when this package is imported.
"""

from bayesreg.plots.choices import choices
from bayesreg.plots.files import save
from bayesreg.plots.forest import forest
from bayesreg.plots.marginals import marginals
from bayesreg.plots.path import path

__all__ = ["choices", "forest", "marginals", "path", "save"]
