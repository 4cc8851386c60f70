"""How large an error must be for ranks to show it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import ndtr, ndtri

from bayesreg.interfaces import Array
from bayesreg.validate.uniformity import Band, band

HALVINGS = 30


@final
@dataclass(frozen=True, slots=True, eq=False)
class Detectable:
    """Errors of a normal posterior that N ranks show with probability one half or more.

    Parameters
    ----------
    shift : float
        Draws off by so many posterior sds.
    narrow, wide : float
        sd of draws over what it should be, below and above 1.  Infinite or 0 where no error is large enough.
    """

    shift: float
    narrow: float
    wide: float


def detectable(size: int, levels: int, outside: float) -> Detectable:
    """Return the least errors whose expected ECDF touches the band that uniform ranks leave with this probability.

    A truth z ~ N(δ, r²) in units of the draws has the rank's share Φ(z), whose distribution function at u is
    Φ((Φ⁻¹(u) − δ)/r).  Where that touches the band, about half of all samples leave it there already.

    Parameters
    ----------
    size : int
        N: ranks.
    levels : int
        L: ranks are 0..L.
    outside : float
        Probability with which uniform ranks leave the band.
    """
    edges = band(size, levels, outside)
    z = ndtri(np.arange(1, levels + 1) / (levels + 1))
    return Detectable(
        _least(edges, size, lambda t: ndtr(z - t)),
        1 / (1 + _least(edges, size, lambda t: ndtr(z / (1 + t)))),
        1 + _least(edges, size, lambda t: ndtr(z * (1 + t))),
    )


def _least(edges: Band, size: int, shares: Callable[[float], Array]) -> float:
    """The least t ≥ 0 at which size·shares(t) is outside the band; infinite if there is none up to a thousand."""
    low, high = 0.0, 1000.0
    if not _leaves(edges, size * shares(high)):
        return float("inf")
    for _ in range(HALVINGS):
        middle = (low + high) / 2 if low else high / 2
        low, high = (low, middle) if _leaves(edges, size * shares(middle)) else (middle, high)
    return high


def _leaves(edges: Band, counts: Array) -> bool:
    return bool(((counts < edges.lower) | (counts > edges.upper)).any())
