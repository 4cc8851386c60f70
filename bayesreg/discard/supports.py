"""Supports of draws, counted: their shares with Monte Carlo errors, and what share was never drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bayesreg.diagnostics import mcse_mean
from bayesreg.interfaces import Array

if TYPE_CHECKING:
    import pandas as pd

ESS_NEEDS = 4
"""Draws a chain below which there is no ESS."""

ERRORS = 2.0
"""Monte Carlo standard errors to each side in what is said to be within error."""


def evenly(values: Array, draws: int) -> Array:
    """About so many of draws (chain, draw, ...), as many from each chain and at least one, evenly spaced."""
    chains, length = values.shape[:2]
    each = min(length, max(1, draws // chains))
    return values[:, np.arange(each) * length // each]


def share_of(events: NDArray[np.bool_] | NDArray[np.int_], *, independent: bool) -> tuple[Array, Array]:
    """Share of the draws with each event (chain, draw, m), or mean of each count, and its Monte Carlo standard error.

    Of chains that were thinned to fewer draws than an ESS takes, the error is that of the mean of the chains' means,
    sd/√chains, which holds however the draws of one chain depend on each other; NaN for one such chain.
    """
    values = events.astype(float)
    chains, length = values.shape[:2]
    if independent or length >= ESS_NEEDS:
        error = mcse_mean(values, independent=independent)
    elif chains > 1:
        error = values.mean(axis=1).std(axis=0, ddof=1) / np.sqrt(chains)
    else:
        error = np.full(values.shape[2:], np.nan)
    return values.mean(axis=(0, 1)), np.asarray(error)


def unseen_share(counts: NDArray[np.int_]) -> tuple[float, float]:
    """Probability that a further draw has a value that none had, and its standard error, from how often each was drawn.

    With f₁ values drawn once and f₂ twice among N draws it is f₁/N (Good & Turing), with the standard error
    √(f₁(1 − f₁/N) + 2f₂)/N (Esty).  Of draws that depend on each other, so that values repeat, it is too low.

    References
    ----------
    Good (1953), Biometrika 40:237–264; Esty (1983), Annals of Statistics 11:905–912.
    """
    total, once, twice = int(counts.sum()), int((counts == 1).sum()), int((counts == 2).sum())
    return once / total, float(np.sqrt(once * (1 - once / total) + 2 * twice) / total)


def numbered(masks: NDArray[np.bool_]) -> tuple[NDArray[np.int_], NDArray[np.bool_]]:
    """Return which support each draw (chain, draw) has, and the supports (m, p)."""
    number: dict[bytes, int] = {}
    keys = [masks[place].tobytes() for place in np.ndindex(masks.shape[:2])]
    which = np.array([number.setdefault(key, len(number)) for key in keys]).reshape(masks.shape[:2])
    return which, np.array([np.frombuffer(key, dtype=bool) for key in number]).reshape(len(number), masks.shape[2])


def support_table(
    which: NDArray[np.int_],
    supports: NDArray[np.bool_],
    kept: NDArray[np.bool_],
    names: tuple[str, ...],
    *,
    independent: bool,
) -> pd.DataFrame:
    """Return one row a support, the most frequent first, of those the smallest; `number` is its place in `supports`."""
    import pandas as pd

    frequency, mcse = share_of(which[..., None] == np.arange(len(supports)), independent=independent)
    sizes = supports.sum(axis=1)
    order = np.lexsort((sizes, -frequency))
    return pd.DataFrame(
        {
            "columns": [named(names, supports[i]) for i in order],
            "size": sizes[order],
            "frequency": frequency[order],
            "mcse": mcse[order],
            "cumulative": np.cumsum(frequency[order]),
            "is_map": (supports[order] == kept).all(axis=1),
            "number": order,
        }
    )


def needed(cumulative: Array, prob: float) -> int:
    """Return how many supports it takes to a cumulative frequency of `prob`; all, where rounding keeps them below 1."""
    return min(int(np.searchsorted(cumulative, prob - 1e-12)) + 1, cumulative.size)


def needed_within(
    table: pd.DataFrame, which: NDArray[np.int_], level: float, *, independent: bool
) -> tuple[int, int, int]:
    """Return how many supports a frequency of `level` takes; `ERRORS` errors of that set's frequency less; and more."""
    cumulative = table["cumulative"].to_numpy()
    count = needed(cumulative, level)
    inside = np.isin(which, table["number"].to_numpy()[:count])
    error = ERRORS * np.nan_to_num(share_of(inside[..., None], independent=independent)[1][0])
    low, high = (needed(cumulative, min(level + side * error, 1.0)) for side in (-1, 1))
    return count, low, high


def named(names: tuple[str, ...], support: NDArray[np.bool_]) -> tuple[str, ...]:
    """Names of the columns of a support (p,)."""
    return tuple(names[j] for j in np.flatnonzero(support))
