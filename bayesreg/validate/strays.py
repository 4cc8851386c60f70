"""What ranks that are not uniform say of the draws."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MARKED = 3.0
"""Standard errors from which a mean or a spread of ranks is said to be off."""


def strays(row: Mapping[Any, Any], size: int) -> str:
    """What is wrong with the draws of one quantity: too low or high, too narrow or wide, whichever is clearer.

    Parameters
    ----------
    row : mapping
        `mean_rank` and `spread`, as in `Calibration.table`.  Of N uniform ranks their standard errors are √(1/12N) and
        √(1/5N): a uniform variable's fourth moment is 9/5 of its squared variance.
    size : int
        N.
    """
    lean = (row["mean_rank"] - 0.5) * math.sqrt(12 * size)
    wide = (row["spread"] - 1) * math.sqrt(5 * size)
    if max(abs(lean), abs(wide)) < MARKED:
        return "draws spread unevenly"
    if abs(lean) >= max(MARKED, wide):  # ranks that crowd at one end are close together, but not for wide draws
        return "draws too low" if lean > 0 else "draws too high"
    return "draws too narrow" if wide > 0 else "draws too wide"
