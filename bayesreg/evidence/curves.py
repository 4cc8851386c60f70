"""Curves over the log of a scale: where they are highest, and what was chosen from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.optimize import minimize_scalar

from bayesreg.interfaces import Array

GRID = 41
"""Scales at which a curve in closed form is looked at, before its highest point is refined."""

FLAT = 0.01
"""Nats that make no difference."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class EvidenceChoice:
    """A prior scale chosen by evidence, and the curve it was chosen from.

    Parameters
    ----------
    scale : float
        The scale of highest p(y | scale), in the units that the prior's scale has (of σ, under a noise-scaled prior).
    error : float
        Its Monte Carlo standard error, relative to it; 0 in closed form, NaN at an edge.
    scales : array (g,)
        Scales over which the curve is known: all that were allowed in closed form, else those within the last draws'
        reach.
    log_evidence : array (g,)
        log p(y | scale) − log p(y | chosen scale), in nats.
    edge : {"", "lower", "upper", "flat"}
        Which end of the allowed scales the maximum lies at, if any: the evidence rises to it.  "flat": no weaker prior
        is better by 0.01 nats, or with draws by two Monte Carlo standard errors, but none is worse either.
    method : str
        The sampler whose draws were reweighted, or "closed form".
    rounds : int
        Times that draws were made.
    sentence : str
        How it was chosen, for the reader.
    dispersion : float or None
        What an unknown dispersion was held at; None where it was integrated out, or there is none.
    """

    scale: float
    error: float
    scales: Array
    log_evidence: Array
    edge: str
    method: str
    rounds: int
    sentence: str
    dispersion: float | None = None


WARNING = {
    "": "",
    "lower": "; it is the least that is allowed: the data show no effects that p(y | scale) would pay for",
    "flat": "; the evidence is flat there: no scale nearby is better by 0.01 nats, or by more than Monte Carlo error",
    "upper": "; it is the greatest that is allowed: the weaker the prior, the better the fit",
}


def highest(curve: Callable[[float], float], low: float, high: float) -> tuple[float, Array, Array]:
    """Where a curve on [low, high] is highest, and the curve on a grid.

    Where it is flat, or highest at its higher end: the least of the grid at which it is as high to 0.01.
    """
    grid = np.linspace(low, high, GRID)
    values = np.array([curve(t) for t in grid])
    best = int(np.argmax(values))
    if best == GRID - 1 or np.ptp(values) <= FLAT:
        return float(grid[np.flatnonzero(values >= values[best] - FLAT)[0]]), grid, values
    return refined(curve, grid[max(best - 1, 0)], grid[min(best + 1, GRID - 1)]), grid, values


def refined(curve: Callable[[float], float], low: float, high: float) -> float:
    """Where a curve with one peak on [low, high] is highest: an end, if no point between is higher."""
    inside = minimize_scalar(lambda t: -curve(t), bounds=(low, high), method="bounded", options={"xatol": 1e-9})
    return max((low, float(inside.x), high), key=curve)


def first_peak(curve: Callable[[float], float], low: float, high: float) -> float:
    """Where a curve on [low, high] has its first peak; its higher end if there is none."""
    best, grid, values = highest(curve, low, high)
    peaks = np.flatnonzero((values[1:-1] > values[:-2]) & (values[1:-1] >= values[2:])) + 1
    return refined(curve, grid[peaks[0] - 1], grid[peaks[0] + 1]) if peaks.size else best


def edge_of(t: float, low: float, high: float) -> str:
    """Which end of [low, high] t is at; empty if neither."""
    return "lower" if t <= low + 1e-9 else "upper" if t >= high - 1e-9 else ""
