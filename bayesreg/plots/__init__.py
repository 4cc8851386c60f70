"""Pictures, one a file.  Each takes a finished Comparison, computes nothing but layout, and returns its axes.

Matplotlib is loaded when a picture is drawn, not when this package is imported.
"""

from bayesreg.plots.files import save
from bayesreg.plots.forest import forest
from bayesreg.plots.marginals import marginals

__all__ = ["forest", "marginals", "save"]
