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


def smoothed(log_weights: Array, efficiency: float = 1.0) -> Weights:
    """Return the Pareto-smoothed weights of draws with these log weights (m,).

    `efficiency` is the effective share of the draws: of correlated ones more of the largest make the tail.

    ArviZ's (whose import takes longer than drawing a posterior), but where it has no answer: weights whose whole tail
    is one value are bounded, and need no smoothing; the tail of fewer than 25 says nothing.
    """
    count = log_weights.size
    tail = int(3 * math.sqrt(count / efficiency)) if count * efficiency > 225 else count // 5  # as ArviZ has it
    if count < FEWEST:
        return Weights(_normalised(log_weights), math.inf)
    logs = log_weights - log_weights.max()
    places = np.argpartition(logs, (count - tail - 1, count - tail))[count - tail - 1 :]
    cutoff, order = math.exp(logs[places[0]]), places[1:][np.argsort(logs[places[1:]], kind="stable")]
    ends = logs[order[[0, -1]]]
    if ends[1] - ends[0] < np.finfo(float).tiny:
        return Weights(_normalised(logs), -math.inf)
    khat, sigma = _pareto(np.exp(logs[order]) - cutoff)
    if math.isnan(khat):
        return Weights(_normalised(logs), math.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs[order] = np.minimum(np.log(_pareto_quantiles(tail, khat, sigma, cutoff)), ends[1])
    return Weights(_normalised(logs), khat)


def _pareto(excess: Array) -> tuple[float, float]:
    """Shape and scale of a generalised Pareto distribution fitted to a sorted sample; NaN where it is far from one.

    The posterior mean of Zhang & Stephens (2009), Technometrics 51:316–325, with the shape drawn towards ½ as by 10
    observations.
    """
    n = excess.size
    quartile = excess[int(n / 4 + 0.5) - 1]
    if quartile <= excess[0]:
        return math.nan, math.nan
    size = 30 + int(math.sqrt(n))
    b = (1 - np.sqrt(size / (np.arange(1, size + 1) - 0.5))) / (3 * quartile) + 1 / excess[-1]
    shapes = np.log1p(-b[:, None] * excess).mean(axis=1)
    profile = n * (np.log(-b / shapes) - shapes - 1)
    mass = np.exp(profile - profile.max())
    mass = np.where(mass >= 10 * np.finfo(float).eps * mass.sum(), mass, 0.0)
    centre = float(b @ mass / mass.sum())
    shape = float(np.log1p(-centre * excess).mean())
    return (n * shape + 5) / (n + 10), -shape / centre


def _pareto_quantiles(count: int, shape: float, scale: float, start: float) -> Array:
    """Expected order statistics of so many draws."""
    rest = -np.log1p(-np.arange(0.5, count) / count)
    return np.asarray(start + scale * (np.expm1(shape * rest) / shape if shape else rest))


def _normalised(log_weights: Array) -> Array:
    weights = np.exp(log_weights - log_weights.max())
    return np.asarray(weights / weights.sum())
