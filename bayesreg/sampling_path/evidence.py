"""log p(y | s) along the path, from the posterior mean of d log p(β | s)/d log s.

    d log p(y | s)/dt = E[ℓ'],     d² log p(y | s)/dt² = E[ℓ''] + Var[ℓ'],     ℓ(t) = log p(β | e^t), t = log s

(for a Laplace prior ℓ' = ‖β‖₁/s − p), integrated by the trapezoidal rule with its end correction, whose error is of
fourth order.  Monte Carlo errors are those of the draws' influence on the whole sum, by batches, since neighbouring
scales share draws.  What the rule misses is estimated by doubling its steps.  The bridges between neighbouring fits are
another estimate from the same draws, of another form: a gap at which they differ by more than their difference's error
is told.

References
----------
Gelman & Meng (1998), Stat. Sci. 13:163–185 (path sampling).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import final

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.sampling_path.weights import Point, Pool

OVERLAP = 0.1
"""Overlap of two fits' draws below which their bridge says nothing."""

DISAGREE = 5.0
"""Standard errors of the difference from which two estimates of the evidence disagree."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """log p(y | s) (g,), 0 at its maximum; errors (g,); and the worst disagreement with a bridge, in errors."""

    values: Array
    errors: Array
    disagreement: float


def integrated(t: Array, points: Sequence[Point]) -> Curve:
    """Integrate along a path."""
    slope, bend = (np.array([getattr(point, name) for point in points]) for name in ("slope", "bend"))
    influence = np.stack([point.influence for point in points])  # g, batches, 2
    values = _sum(t, slope, bend)
    noise = _sum(t, influence[..., 0], influence[..., 1])
    best = int(np.argmax(values))
    spread = noise - noise[best]
    batches = influence.shape[1]
    errors = np.sqrt(batches * spread.var(axis=1, ddof=1))
    missed = _missed(t, slope, bend)
    errors = np.hypot(errors, np.abs(missed - missed[best]))
    return Curve(values - values[best], errors, _disagreement(points, values, noise, missed))


def _sum(t: Array, slope: Array, bend: Array) -> Array:
    """Cumulative integral (g, ...) from the first scale."""
    h = np.diff(t).reshape(-1, *[1] * (slope.ndim - 1))
    steps = h * (slope[:-1] + slope[1:]) / 2 + h**2 * (bend[:-1] - bend[1:]) / 12
    return np.concatenate([np.zeros((1, *slope.shape[1:])), np.cumsum(steps, axis=0)])


def _missed(t: Array, slope: Array, bend: Array) -> Array:
    """Size of what the rule misses from the first scale to each."""
    if t.size < 3:
        return np.append(0.0, np.abs(np.diff(t) ** 2 * np.diff(bend) / 12))[: t.size]
    fine, coarse = _sum(t, slope, bend), np.zeros(t.size)
    coarse[::2] = _sum(t[::2], slope[::2], bend[::2])
    doubled = np.abs(np.diff(fine[::2] - coarse[::2])) / 15
    missed = np.zeros(t.size)
    missed[2::2] = np.cumsum(doubled)
    missed[1::2] = np.append(missed[2::2], missed[-2 + t.size % 2])[: missed[1::2].size]
    return missed


def _disagreement(points: Sequence[Point], values: Array, noise: Array, missed: Array) -> float:
    """Largest |integral − bridge| between neighbouring fits, beyond what the rule misses, in standard errors."""
    drawn = [i for i, point in enumerate(points) if point.weights is None]
    worst = 0.0
    for i, j in pairwise(drawn):
        one = points[i].pool
        pool = Pool.of([*one.fits, *points[j].pool.fits], one.batches, one.tilt)
        if pool.overlap() < OVERLAP:
            continue
        spread = noise[j] - noise[i] - pool.bridge_influence()
        error = float(np.sqrt(one.batches * spread.var(ddof=1)))
        difference = abs(values[j] - values[i] - pool.bridge) - abs(missed[j] - missed[i])
        worst = max(worst, float(difference) / max(error, np.finfo(float).tiny))
    return worst
