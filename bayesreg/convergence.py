"""Effective sample size and R-hat of many scalars at once, as ArviZ defines them.

ArviZ takes one scalar at a time, and its import takes longer than drawing a whole posterior; here thousands of
coefficients share one Fourier transform.  The tests hold the gates' numbers against ArviZ's own.  The ESS behind a
Monte Carlo error is another (`ess_mean`): ArviZ's is a good gate, but no measure of the error of short chains.

References
----------
Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16:667–718 (rank-normalised split R-hat, bulk
and tail ESS); Geyer (1992), Stat. Sci. 7:473–483 (initial sequences); Margossian, Hoffman, Sountsov,
Riou-Durand, Vehtari & Gelman (2024), Bayesian Analysis (nested R-hat).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.special import ndtri

from bayesreg.interfaces import Array

TAIL = (0.05, 0.95)
"""Quantiles whose smaller ESS is the tail ESS."""

CELLS = 1 << 18
"""Draws × scalars worked on at once: with their transforms they take some 25 MB, and stay in cache."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Convergence:
    """R-hat, bulk and tail ESS of each scalar, shape (...) of draws (chain, draw, ...)."""

    rhat: Array
    bulk: Array
    tail: Array


def assess(draws: Array, superchains: int | None = None) -> Convergence:
    """Rank-normalised split R-hat, bulk ESS and tail ESS of draws (chain, draw, ...), from one ranking of them.

    Parameters
    ----------
    draws : array (chain, draw, ...)
        With fewer than 4 draws a chain every number is NaN; with a single chain R-hat is.
    superchains : int, optional
        Nested R-hat: so many groups of successive chains, each group started at one point of its own.  It compares the
        groups' means, so that chains may be short as long as a group is not.
    """
    one = draws.shape[0] < 2

    def fn(x: Array) -> Array:
        halves = _split(x)
        scores = _normal_scores(halves)
        ratio = np.full(x.shape[2], np.nan) if one else _larger(scores, halves, superchains)
        return np.stack([ratio, _geyer(scores), _tail(x)], axis=1)

    found = _by_scalar(draws, fn, 3)
    return Convergence(found[..., 0], found[..., 1], found[..., 2])


def ess_mean(draws: Array) -> Array:
    """Effective sample size of the mean of draws (chain, draw, ...), for its Monte Carlo error; shape (...).

    S/τ of S draws on chains of N, τ = Σ_k (1 − |k|/N) ρ_k over the lags of Geyer's initial positive sequence, with
    autocorrelations about the mean m of ALL chains, ρ_k ∝ Σ_c Σ_t (x_ct − m)(x_{c,t+k} − m).  Summed over every lag τ
    is exactly what the spread of the chains' means says, so that chains apart count for little; where draws forget
    within a chain the sum ends sooner, with less noise.  At most S·log₁₀S.  The sequence is not made monotone: of
    chains somewhat apart, whose ρ_k are small and level, the running minimum would be that of their noise.

    ArviZ's differs: it takes each half chain about its own mean, which lowers every ρ_k by about 2/N.  Of 64 chains of
    63 draws with ρ_1 = −0.3 its error of the mean is a seventh too small; of ρ_k = 0.95^k a tenth too large.

    Returns
    -------
    array (...)
        NaN with fewer than 4 draws a chain.
    """
    return _by_scalar(draws, lambda x: _pooled(x)[:, None], 1)[..., 0]


def _larger(scores: Array, halves: Array, superchains: int | None) -> Array:
    """The larger of the R-hats of location and of scale, given the halved chains and their normal scores."""
    folded = _normal_scores(np.abs(halves - np.median(halves, axis=(0, 1))))
    # Draws of two values are all as far from their median: of their scale there is then no R-hat.
    if superchains is None:
        return np.fmax(_ratio(scores), _ratio(folded))
    return np.fmax(_nested(scores, superchains), _nested(folded, superchains))


def _by_scalar(draws: Array, fn: Callable[[Array], Array], numbers: int) -> Array:
    """fn of (chain, draw, scalar), which gives (scalar, numbers), some scalars at a time; shape (..., numbers)."""
    chains, length, *rest = draws.shape
    if length < 4:
        return np.full((*rest, numbers), np.nan)
    flat = draws.reshape(chains, length, -1)
    step = max(1, CELLS // (chains * length))
    parts = [fn(flat[:, :, i : i + step]) for i in range(0, flat.shape[2], step)]
    return np.concatenate([np.zeros((0, numbers)), *parts]).reshape(*rest, numbers)


def _split(x: Array) -> Array:
    """Halves of the chains as chains, first halves first; the middle draw of an odd number is left out."""
    half = x.shape[1] // 2
    return np.concatenate([x[:, :half], x[:, -half:]])


def _normal_scores(x: Array) -> Array:
    """Φ⁻¹((rank − 3/8)/(size + 1/4)) over all chains, ties sharing their average rank."""
    size = x.shape[0] * x.shape[1]
    flat = np.ascontiguousarray(x.reshape(size, -1).T)
    order = np.argsort(flat, axis=1)
    ordered = np.take_along_axis(flat, order, axis=1)
    # Of a run of ties from place `first` to `last` the average rank is (first + last)/2 + 1: a half-integer at most.
    score = ndtri((np.arange(2 * size - 1) / 2 + 0.625) / (size + 0.25))
    scores = np.empty(flat.shape)
    new = ordered[:, 1:] != ordered[:, :-1]
    if new.all():
        np.put_along_axis(scores, order, np.broadcast_to(score[::2], flat.shape), axis=1)
    else:
        edge, place = np.ones((flat.shape[0], 1), dtype=bool), np.arange(size)
        first = np.maximum.accumulate(np.where(np.concatenate([edge, new], axis=1), place, 0), axis=1)
        ends = np.where(np.concatenate([new, edge], axis=1), place, size)
        last = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
        np.put_along_axis(scores, order, score[first + last], axis=1)
    return scores.T.reshape(x.shape)


def _tail(x: Array) -> Array:
    lower, upper = np.quantile(x, TAIL, axis=(0, 1))
    return np.minimum(*(_geyer(_split((x <= q).astype(float))) for q in (lower, upper)))


def _geyer(x: Array) -> Array:
    """ESS of draws (chain, draw, scalar) by Geyer's initial monotone sequence."""
    chains, length, _ = x.shape
    covariance = _mean_autocovariance(x - x.mean(axis=1, keepdims=True))
    within = covariance[0] * length / (length - 1)
    total = covariance[0] + (x.mean(axis=1).var(axis=0, ddof=1) if chains > 1 else 0.0)
    still = np.ptp(x, axis=(0, 1)) < np.finfo(float).resolution
    rho = 1 - (within - covariance) / np.where(still, 1.0, total)
    rho[0] = 1.0
    pairs = rho[0 : length // 2 * 2 : 2] + rho[1::2][: length // 2]
    # Pairs count up to the first that is not positive; of the one after the last its even term, if that is positive.
    limit = max(1, -(-(length - 2) // 2))
    negative = pairs[:limit] <= 0
    count = np.where(negative.any(axis=0), np.minimum(negative.argmax(axis=0) + 1, limit), limit)
    kept = np.arange(limit)[:, None] < count - 1
    total_rho = (np.minimum.accumulate(pairs[:limit], axis=0) * kept).sum(axis=0)
    columns = np.arange(x.shape[2])
    even, pair = rho[2 * count - 2, columns], pairs[count - 1, columns]
    tau = -1 + 2 * total_rho + np.where((even > 0) | (pair >= 0), even, 0.0)
    size = chains * length
    return np.asarray(np.where(still, size, size / np.maximum(tau, 1 / np.log10(size))))


def _pooled(x: Array) -> Array:
    """ESS of draws (chain, draw, scalar) by Geyer's initial positive sequence about the mean of all chains."""
    size = x.shape[0] * x.shape[1]
    still = np.ptp(x, axis=(0, 1)) < np.finfo(float).resolution
    covariance = _mean_autocovariance(x - x.mean(axis=(0, 1)))
    rho = covariance / np.where(still, 1.0, covariance[0])
    pairs = rho[0:-1:2] + rho[1::2]
    kept = np.logical_and.accumulate(pairs > 0, axis=0)
    tau = -1 + 2 * (pairs * kept).sum(axis=0)
    return np.asarray(np.where(still, size, size / np.maximum(tau, 1 / np.log10(size))))


def _mean_autocovariance(x: Array) -> Array:
    """Autocovariance (lag, scalar) of centred draws (chain, draw, scalar), averaged over the chains.

    Of lag k, a sum of N − k products over N: weighted by 1 − k/N.
    """
    length = x.shape[1]
    padded = next_fast_len(2 * length, real=True)
    spectrum = rfft(x, n=padded, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0)
    return np.asarray(irfft(power, n=padded, axis=0)[:length] / length)


def _ratio(x: Array) -> Array:
    """√((B/W + N − 1)/N) of draws (chain, draw, scalar)."""
    length = x.shape[1]
    between = length * x.mean(axis=1).var(axis=0, ddof=1)
    within = x.var(axis=1, ddof=1).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt((between / within + length - 1) / length))


def _nested(x: Array, superchains: int) -> Array:
    """√(1 + B/W), B the variance of the superchains' means, W that within them; split chains, first halves first."""
    grouped = x.reshape(2, superchains, -1, *x.shape[1:])  # half, superchain, chain, draw, scalar
    means = np.moveaxis(grouped.mean(axis=3), 1, 0).reshape(superchains, -1, x.shape[2])
    within = grouped.var(axis=3, ddof=1).mean(axis=(0, 2))
    inside = (within + means.var(axis=1, ddof=1)).mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.sqrt(1 + means.mean(axis=1).var(axis=0, ddof=1) / inside))


def superchain_ids(chains: int, superchains: int) -> NDArray[np.int_]:
    """The superchain of each chain, as ArviZ's `rhat_nested` takes them."""
    return np.repeat(np.arange(superchains), chains // superchains)
