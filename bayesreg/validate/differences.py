"""How far apart two sources of a statistic are, in Monte Carlo standard errors.

Means and sds differ by so many combined errors.  A quantile is compared as the share of draws below it: its error
√(p(1−p)/ESS) is known, where that of the quantile itself would be estimated from the few draws around it, and a ratio
to so uncertain an error exceeds any limit too often.  Where tails are too heavy for a mean or an sd to have an error
(`HEAVIEST`), it is not compared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.validate.scalars import Scalars, probability
from bayesreg.validate.stated import Stated

DENSITY = 0.1
"""Half-width, in sds, of the interval around a quantile that its density is read from."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Difference:
    """How far apart two sources of one statistic of k scalars are.

    Parameters
    ----------
    first, second : array (k,)
        The statistic.
    mcse : array (k,)
        Monte Carlo standard error of the difference, in the scalar's units.
    z : array (k,)
        The difference in its errors, that of a quantile by shares; NaN where nothing is stated, or tails are too heavy.
    """

    first: Array
    second: Array
    mcse: Array
    z: Array


def from_stated(stated: Stated, scalars: Scalars, statistic: str) -> Difference:
    """Draws against a reference of the same labels.

    Within the rounding there is no difference; beyond it what exceeds it counts, in combined errors: those of the
    draws, and the reference's own.  A quantile q is compared as the share of draws below it, whose error √(p(1−p)/ESS)
    need not be estimated from a few order statistics.  Where the reference has effective draws but no error of a
    statistic, it is ours times √(ESS/its ESS).
    """
    found, value, slack = scalars[statistic], stated.value[statistic], stated.rounding[statistic]
    ess = _effective(stated, scalars)
    own = np.where(np.isnan(ess), 0.0, found.error * np.sqrt(found.ess / ess))
    theirs = np.nan_to_num(own) if statistic not in stated.mcse else _else(stated.mcse[statistic], own)
    mcse = np.hypot(found.error, theirs)
    if statistic in ("mean", "sd"):
        z = ratio(_beyond(found.value - value, slack), mcse)
        return Difference(value, found.value, mcse, np.where(scalars.heavy(statistic), np.nan, z))
    p = probability(statistic)
    above = p - _share(scalars.draws, value + slack)
    below = p - _share(scalars.draws, value - slack)
    apart = np.where(above > 0, above, np.where(below < 0, below, 0.0))
    given = stated.mcse.get(statistic, np.full(value.shape, np.nan))
    counted = np.where(np.isnan(ess), 0.0, np.sqrt(p * (1 - p) / ess))
    error = np.hypot(np.sqrt(p * (1 - p) / found.ess), _else(given * _density(scalars, value), counted))
    return Difference(value, found.value, mcse, np.where(np.isnan(value), np.nan, ratio(apart, error)))


def ratio(difference: Array, error: Array) -> Array:
    """The difference in errors; 0 where there is none, whatever its error."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(difference == 0, 0.0, difference / error)


def _beyond(difference: Array, slack: Array) -> Array:
    return np.asarray(np.sign(difference) * np.maximum(np.abs(difference) - slack, 0.0))


def _else(preferred: Array, other: Array) -> Array:
    return np.where(np.isnan(preferred), other, preferred)


def _share(draws: Array, value: Array) -> Array:
    return np.asarray((draws <= value).mean(axis=(0, 1)))


def _effective(stated: Stated, scalars: Scalars) -> Array:
    """The reference's effective draws (k,): stated, or as the error of its mean has them; the smaller."""
    if "mean" not in stated.mcse:
        return stated.ess
    sd = scalars.draws.std(axis=(0, 1), ddof=1)
    with np.errstate(divide="ignore"):
        implied = (sd / stated.mcse["mean"]) ** 2
    return np.fmin(stated.ess, implied)


def _density(scalars: Scalars, value: Array) -> Array:
    """The density at these points, as the share of draws within DENSITY sds of them."""
    width = DENSITY * scalars.draws.std(axis=(0, 1), ddof=1)
    return (_share(scalars.draws, value + width) - _share(scalars.draws, value - width)) / (2 * width)


def between_draws(first: Scalars, second: Scalars, statistic: str) -> Difference:
    """Two sets of draws of the same labels, second − first; a quantile as shares of draws below the pooled one."""
    one, two = first[statistic], second[statistic]
    mcse = np.hypot(one.error, two.error)
    if statistic in ("mean", "sd"):
        heavy = first.heavy(statistic) | second.heavy(statistic)
        return Difference(one.value, two.value, mcse, np.where(heavy, np.nan, ratio(two.value - one.value, mcse)))
    p, k = probability(statistic), len(first.labels)
    pooled = np.quantile(np.concatenate([each.draws.reshape(-1, k) for each in (first, second)]), p, axis=0)
    apart = _share(first.draws, pooled) - _share(second.draws, pooled)
    error = np.sqrt(p * (1 - p) * (1 / one.ess + 1 / two.ess))
    return Difference(one.value, two.value, mcse, ratio(apart, error))
