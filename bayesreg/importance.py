"""Importance weights, smoothed and judged by the tail of the largest (PSIS).

References
----------
Vehtari, Simpson, Gelman, Yao & Gabry (2024), JMLR 25(72).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.interfaces import Array

MAX_KHAT = 0.7
"""Shape of the weights' tail up to which means under them can be relied on."""

FEWEST = 25
"""Draws of which a fifth, the tail, are enough to fit a shape to."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """Normalised weights (m,), and the shape of their tail: −∞ where the largest are tied, ∞ where it is not known."""

    weights: Array
    khat: float


def smoothed(log_weights: Array) -> Weights:
    """Return the Pareto-smoothed weights of draws with these log weights (m,).

    ArviZ's, but where it has no answer: weights whose whole tail is one value are bounded, and need no smoothing; the
    tail of fewer than 25 says nothing.
    """
    count = log_weights.size
    tail = int(3 * math.sqrt(count)) if count > 225 else count // 5  # as ArviZ has it
    if count < FEWEST:
        return Weights(_normalised(log_weights), math.inf)
    if np.ptp(np.partition(log_weights, count - tail)[count - tail :]) < np.finfo(float).tiny:
        return Weights(_normalised(log_weights), -math.inf)
    from arviz_stats.base import array_stats

    smooth, khat = array_stats.psislw(-log_weights)  # it takes what is to be weighed down
    return Weights(_normalised(smooth), math.inf if np.isnan(khat) else float(khat))


def _normalised(log_weights: Array) -> Array:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())
