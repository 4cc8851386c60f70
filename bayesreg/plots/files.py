"""A finished picture, to a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.plots.style import figure_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

RESOLUTION = 200
"""Dots per inch, where the format has dots."""


def save(axes: Axes | Sequence[Axes] | NDArray[np.object_], path: str | Path) -> Path:
    """Write the figure that a picture was drawn on, and close it.

    Parameters
    ----------
    axes : matplotlib Axes or several
        What the picture returned.
    path : str or Path
        Its ending names the format: png, pdf, svg.

    Returns
    -------
    Path
        The file.
    """
    import matplotlib.pyplot as plt

    figure = figure_of(np.ravel(np.asarray(axes, dtype=object))[0])
    try:
        figure.savefig(path, dpi=RESOLUTION)
    finally:
        plt.close(figure)
    return Path(path)
