"""Draws of one or two fits as weighted draws of the posterior at a scale, and what follows from them.

Draws of two fits A and B are one sample of their mixture, and count at scale s by

    w(β) = p(β | s) / (n_A p(β | s_A) + n_B p(β | s_B) Z_A/Z_B)

whatever fit a draw is of (multiple importance sampling, deterministic mixture).  Z_B/Z_A, the ratio of the two
evidences, is that at which the weights of each fit's own posterior sum to one (Bennett; Shirts & Chodera).  Between two
fits these weights are bounded.

Monte Carlo errors come of the draws' influence: summed over batches of successive draws, batch b of A with batch b of
B, since there the chains of B may have gone on from those of A.

References
----------
Bennett (1976), J. Comput. Phys. 22:245–268; Veach & Guibas (1995), SIGGRAPH, 419–428; Shirts & Chodera (2008), J. Chem.
Phys. 129:124105; Elvira, Martino, Luengo & Bugallo (2019), Stat. Sci. 34:129–155.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bayesreg.importance import smoothed
from bayesreg.interfaces import Array
from bayesreg.sampling_path.fits import Fit
from bayesreg.sampling_path.tilt import Tilt

ITERATIONS = 60


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """Draws of one fit, or of two with the bridge between them.

    Parameters
    ----------
    fits : sequence of Fit
    batches : int
    tilt : Tilt
    bridge : float
        log Z_B − log Z_A.
    log_mixture : array (m,)
        Log of the denominator of the weights.
    share : array (m,)
        Probability that a draw is of B, given where it is.
    """

    fits: Sequence[Fit]
    batches: int
    tilt: Tilt
    bridge: float
    log_mixture: Array
    share: Array

    @classmethod
    def of(cls, fits: Sequence[Fit], batches: int, tilt: Tilt) -> Pool:
        """Join fits, and find the bridge between two."""
        statistic = np.concatenate([fit.statistic for fit in fits])
        logs = [tilt.log_density(statistic, fit.t) for fit in fits]
        if len(fits) == 1:
            return cls(fits, batches, tilt, 0.0, logs[0], np.zeros(fits[0].size))
        difference, odds = logs[1] - logs[0], np.log(fits[1].size / fits[0].size)
        bridge = _bridge(difference + odds, fits[0].size, fits[1].size)
        log_mixture = np.logaddexp(logs[0], logs[1] + odds - bridge)
        return cls(fits, batches, tilt, bridge, log_mixture, expit(difference + odds - bridge))

    @property
    def statistic(self) -> Array:
        """Statistics (m, q) of all draws."""
        return np.concatenate([fit.statistic for fit in self.fits])

    @property
    def beta(self) -> Array:
        """Coefficients (m, p) of all draws."""
        return self.fits[0].beta if len(self.fits) == 1 else np.concatenate([fit.beta for fit in self.fits])

    def log_weights(self, t: float) -> Array:
        """Log weights (m,) at log scale t."""
        return self.tilt.log_density(self.statistic, t) - self.log_mixture

    def sums(self, values: Array) -> Array:
        """Sums of values (m, q) over batches (batches, q), those of the same number in each fit together."""
        total, start = np.zeros((self.batches, values.shape[1])), 0
        for fit in self.fits:
            edges = np.linspace(0, fit.size, self.batches, endpoint=False).astype(int)
            total += np.add.reduceat(values[start : start + fit.size], edges, axis=0)
            start += fit.size
        return total

    def overlap(self) -> float:
        """How far the two fits' draws are the same posterior's, from 0 to 1: 4·mean share(1 − share)."""
        return float(4 * (self.share * (1 - self.share)).mean())

    def bridge_influence(self) -> Array:
        """Influence (batches,) of the draws on the bridge."""
        spread = float((self.share * (1 - self.share)).sum())
        centred = self.sums(self.share[:, None])[:, 0]
        return (centred - centred.mean()) / max(spread, np.finfo(float).tiny)


def _bridge(logit: Array, first: int, second: int) -> float:
    """The c at which expit(logit − c) sums to `second`: increasing steps that are halved until they hold."""
    low, high = float(logit.min()) - 40.0, float(logit.max()) + 40.0
    c = float(np.clip(np.mean([logit[:first].mean(), logit[first:].mean()]), low, high))
    for _ in range(ITERATIONS):
        share = expit(logit - c)
        excess = float(share.sum()) - second
        low, high = (c, high) if excess > 0 else (low, c)
        step = excess / max(float((share * (1 - share)).sum()), 1e-300)
        before, c = c, c + step
        if not low < c < high:
            c = (low + high) / 2
        if abs(c - before) < 1e-10:
            break
    return c


@final
@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """A posterior at one scale, from weighted draws.

    Parameters
    ----------
    weights : array (m,) or None
        None for draws that all count the same.
    khat : float
        NaN for those.
    share : float
        (Σw)²/Σw², in draws.
    slope, bend : float
        First and second derivative of log p(y | s) in log s.
    influence : array (batches, 2)
        Of the draws on the two.
    """

    pool: Pool
    t: float
    weights: Array | None
    khat: float
    share: float
    slope: float
    bend: float
    influence: Array

    @classmethod
    def of(cls, pool: Pool, t: float) -> Point:
        """Weigh a pool."""
        weights, khat = None, np.nan
        if len(pool.fits) > 1 or pool.fits[0].t != t:
            found = smoothed(pool.log_weights(t))
            weights, khat = found.weights, found.khat
        size = sum(fit.size for fit in pool.fits)
        w = np.full(size, 1 / size) if weights is None else weights
        first, second = pool.tilt.slopes(pool.statistic, t)
        slope = float(w @ first)
        curved = second + (first - slope) ** 2
        bend = float(w @ curved)
        influence = _influence(pool, w, np.stack([first - slope, curved - bend], axis=1))
        return cls(pool, t, weights, khat, float(1 / (w @ w)), slope, bend, influence)


def _influence(pool: Pool, w: Array, centred: Array) -> Array:
    """Influence (batches, q) of the draws on weighted means, through their values and through the bridge."""
    weighted = w[:, None] * centred
    sums = pool.sums(weighted)
    if len(pool.fits) > 1:
        sums += np.outer(pool.bridge_influence(), pool.share @ weighted)
    return np.asarray(sums - sums.mean(axis=0))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Marginals:
    """Moments and quantiles (p,) of every coefficient, the mean's Monte Carlo error, and its ESS (p,)."""

    mean: Array
    sd: Array
    mcse: Array
    quantiles: Array
    ess: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Ordered:
    """Coefficients of a pool's draws, and by column their order and sorted values (p, m)."""

    beta: Array
    order: NDArray[np.int_]
    values: Array

    @classmethod
    def of(cls, pool: Pool) -> Ordered:
        """Sort once what every scale of the pool weighs anew."""
        beta = pool.beta
        columns = np.ascontiguousarray(beta.T)
        order = np.argsort(columns, axis=1)
        return cls(beta, order, np.take_along_axis(columns, order, axis=1))

    def quantiles(self, weights: Array, levels: Array) -> Array:
        """Quantiles (levels, p); a draw stands for the middle of its own share of the probability, lines between."""
        mass = weights[self.order]
        reached = np.cumsum(mass, axis=1)
        reached -= 0.5 * mass
        found = [np.interp(levels, at, values) for at, values in zip(reached, self.values, strict=True)]
        return np.array(found).reshape(-1, levels.size).T


def weighted_marginals(point: Point, ordered: Ordered, levels: Array) -> Marginals:
    """Marginals of weighted draws."""
    w = point.weights
    assert w is not None
    mean = w @ ordered.beta
    centred = ordered.beta - mean
    influence = _influence(point.pool, w, centred)
    mcse = np.sqrt(point.pool.batches * influence.var(axis=0, ddof=1))
    centred *= centred
    variance = w @ centred
    with np.errstate(divide="ignore", invalid="ignore"):
        ess = np.where(mcse > 0, variance / mcse**2, np.inf)
    return Marginals(mean, np.sqrt(variance), mcse, ordered.quantiles(w, levels), ess)
