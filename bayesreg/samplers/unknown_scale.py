"""The two Gibbs steps of a prior's unknown scale s, of many chains at once.

    s | β        p(s)·s^−k·exp(−pen((β − μ)/s)), the precisions integrated out
    s | β/s      p(s)·exp(−RSS/2σ²): β moves with s, and only the likelihood and p(s) change

Where one is slow the other is fast.  Either is one slice-sampling step of t = log s along a function of few numbers a
chain: a penalty along a scale is a sum of powers of it, RSS a parabola.

References
----------
Yu & Meng (2011), J. Comput. Graph. Stat. 20:531–570 (interweaving).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Prior, ScalePrior
from bayesreg.samplers.reduction import Reduction
from bayesreg.samplers.slice import slice_step

SMALLEST = -230.0
"""Logarithm of an unknown scale, in units of where it starts, below which it does not go.  A proper prior leaves no
probability there, but a chain whose first point is far out may be thrown to 10⁻¹⁶⁹, where precisions overflow."""


def penalty_along(prior: Prior, standard: Array) -> Callable[[Array], Array]:
    """r (..., C) ↦ pen(μ + r·x) (..., C) for deviations x (C, k): sums over the columns once, then powers of r."""
    pieces = [(degree, piece) for degree, piece in prior.by_degree(standard).items() if piece.any()]
    return lambda ratio: np.asarray(sum(piece * ratio**degree for degree, piece in pieces))


@final
@dataclass(frozen=True, slots=True, eq=False)
class UnknownScale:
    """Steps of s.

    Parameters
    ----------
    prior : Prior
        On the penalised entries (k,), at s = 1.
    hyper : ScalePrior
        p(s).
    moving : array of bool (k,)
        Entries that s multiplies.
    start : float
        Where s starts.
    """

    prior: Prior
    hyper: ScalePrior
    moving: NDArray[np.bool_]
    start: float
    count: int = field(init=False)
    width: float = field(init=False)
    least: float = field(init=False)

    def __post_init__(self) -> None:
        """Count the entries that move; of so many the log scale's conditional sd is about 1/√k."""
        count = int(self.moving.sum())
        object.__setattr__(self, "count", count)
        object.__setattr__(self, "width", 4 / math.sqrt(max(count, 1)))
        object.__setattr__(self, "least", SMALLEST + math.log(self.start))

    def log_prior(self, t: Array) -> Array:
        """Log density of t = log s."""
        log_density = self.hyper.log_density(np.exp(np.maximum(t, self.least)))
        return np.where(t < self.least, -np.inf, log_density + t)

    def _moved(self, log_density: Callable[[Array], Array], t: Array, rng: np.random.Generator) -> Array:
        with np.errstate(over="ignore"):  # an interval may end where s, or 1/s, or a power of it, is ∞
            return slice_step(log_density, t, self.width, rng)

    def centred(self, standard: Array, scale: Array, rng: np.random.Generator) -> Array:
        """The next s (C,) of chains at `scale` (C,), given deviations from the location (C, k) in units of scales."""
        start = np.log(scale)
        penalty = penalty_along(self.prior, standard * self.moving)

        def log_density(t: Array) -> Array:
            return self.log_prior(t) - self.count * t - penalty(np.exp(start - t))

        return np.asarray(np.exp(self._moved(log_density, start, rng)))

    def interwoven(
        self, r: Reduction, delta: Array, sigma: Array, scale: Array, rng: np.random.Generator
    ) -> tuple[Array, Array]:
        """The next δ (C, k) and s (C,) of chains at these, δ/s held where s multiplies."""
        moving = (delta * self.moving) @ r.root.T
        rest = r.response - (delta * ~self.moving) @ r.root.T
        slope = np.einsum("ci,ci->c", rest, moving) / sigma**2
        bend = 0.5 * np.einsum("ci,ci->c", moving, moving) / sigma**2
        start = np.log(scale)

        def log_density(t: Array) -> Array:
            ratio = np.exp(t - start)
            return np.asarray(self.log_prior(t) + ratio * (slope - ratio * bend))

        found = self._moved(log_density, start, rng)
        return np.where(self.moving, np.exp(found - start)[:, None], 1.0) * delta, np.exp(found)
