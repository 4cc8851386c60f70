"""Whether ranks are uniform: the ECDF's simultaneous band, exactly.

N ranks in 0..L are uniform on L + 1 values if the sampler is right.  Their number at or below k − 1 is then
Binomial(N, k/(L+1)) for each k; the test's statistic is the smallest of these L two-sided probabilities, and its
distribution follows from the chain of counts, k by k, without simulation.

References
----------
Säilynoja, Bürkner & Vehtari (2022), Statistics and Computing 32:32 (the band, there by simulation or recursion).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrc, gammaln

from bayesreg.interfaces import Array

STEPS = 40
"""Halvings of the level of a band: the counts are whole, so that it is met long before."""

SMALLEST = 1e-15
"""Probability below which none is told from another: the chain's sums have errors of this size."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Band:
    """Counts (L,) between which N uniform ranks stay, at every k at once, with probability `coverage`."""

    lower: NDArray[np.int_]
    upper: NDArray[np.int_]
    coverage: float


def counts_below(ranks: NDArray[np.int_], levels: int) -> NDArray[np.int_]:
    """Number (L, ...) of ranks (N, ...) below k, k = 1..L."""
    return np.stack([(ranks < k).sum(axis=0) for k in range(1, levels + 1)])


def tails(size: int, levels: int) -> Array:
    """Two-sided probability (L, N + 1) of each count below k."""
    share = np.arange(1, levels + 1)[:, None] / (levels + 1)
    count = np.arange(size + 1)[None, :]
    at_least = np.where(count == 0, 1.0, bdtrc(np.maximum(count - 1.0, 0.0), size, share))
    return np.asarray(np.minimum(1.0, 2 * np.minimum(bdtr(count.astype(float), size, share), at_least)))


def p_value(ranks: NDArray[np.int_], levels: int) -> float:
    """Probability that N uniform ranks stray as far as these (N,) somewhere."""
    size = len(ranks)
    table = tails(size, levels)
    smallest = max(float(table[np.arange(levels), counts_below(ranks, levels)].min()), SMALLEST)
    # Counts as unlikely as the observed one have strayed as far; rounding must not let one of them through.
    inside = table > smallest * (1 + 1e-9)
    if not inside.any(axis=1).all():
        return 1.0
    lower, upper = _edges(inside)
    return float(np.clip(1.0 - stays(lower, upper, size, levels), 0.0, 1.0))


def band(size: int, levels: int, outside: float) -> Band:
    """The widest simultaneous band that N uniform ranks leave with probability at most `outside`... by whole counts."""
    table = tails(size, levels)
    low, high = 0.0, 1.0
    best: Band | None = None
    for _ in range(STEPS):
        level = math.sqrt(max(low, 1e-18) * high) if low else high / 4
        inside = table > level
        if not inside.any(axis=1).all():
            high = level
            continue
        lower, upper = _edges(inside)
        kept = stays(lower, upper, size, levels)
        if 1 - kept <= outside:
            best, low = Band(lower, upper, kept), level
        else:
            high = level
        if low and high / low < 1.0001:
            break
    assert best is not None
    return best


def _edges(inside: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """First and last count of each row that is inside: two-sided probabilities rise, then fall."""
    return inside.argmax(axis=1), inside.shape[1] - 1 - inside[:, ::-1].argmax(axis=1)


def stays(lower: NDArray[np.int_], upper: NDArray[np.int_], size: int, levels: int) -> float:
    """Probability that lower_k ≤ number of ranks below k ≤ upper_k for every k.

    The counts are a Markov chain: of the N − c ranks at k − 1 or above, each is k − 1 with probability 1/(L + 2 − k).
    """
    log_factorial = gammaln(np.arange(size + 1) + 1.0)
    counts, mass = np.zeros(1, dtype=int), np.ones(1)
    for k in range(1, levels + 1):
        share = 1.0 / (levels + 2 - k)
        reached = np.arange(lower[k - 1], upper[k - 1] + 1)
        step = reached[None, :] - counts[:, None]
        left = (size - counts)[:, None]
        possible = (step >= 0) & (step <= left)
        taken = np.where(possible, step, 0)
        log_chance = (
            log_factorial[left] - log_factorial[taken] - log_factorial[left - taken]
            + taken * math.log(share) + (left - taken) * math.log1p(-share)
        )  # fmt: skip
        mass = mass @ np.where(possible, np.exp(log_chance), 0.0)
        counts = reached
    return float(mass.sum())
