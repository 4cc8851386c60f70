"""Judge draws: an ESS floor, then |mean − expected| ≤ LIMIT Monte Carlo standard errors, quantity by quantity."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from arviz_stats.base import array_stats
from scipy import stats

from bayesreg.interfaces import Array
from bayesreg.samplers import Posterior

FLOOR = 400
"""Effective draws below which nothing is judged: the MCSE itself would be a guess."""

LIMIT = 4.5
"""Of 1000 true quantities at a fixed seed one exceeds it with probability 0.7 %."""

KS_LEVEL = 1e-4

TOLD = (0.05, 0.5, 0.95)
"""Quantiles that a table of a posterior shows."""


def columns(posterior: Posterior, *names: str) -> Array:
    """Draws (chain, draw, k) of the named variables side by side."""
    parts = [posterior.draws(name) for name in names]
    return np.concatenate([v.reshape(*v.shape[:2], -1) for v in parts], axis=2)


def mcse(draws: Array) -> Array:
    """Monte Carlo standard error of the means of draws (chain, draw, k), after the ESS floor."""
    effective = np.asarray(array_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean"))
    assert effective.min() >= FLOOR, f"ESS {effective.min():.0f} is below the floor of {FLOOR}"
    return np.asarray(draws.std(axis=(0, 1), ddof=1) / np.sqrt(effective))


def check_means(draws: Array, expected: Array, error: Array | float = 0.0, labels: Sequence[str] = ()) -> None:
    """Assert that means of draws (chain, draw, k) are `expected`, itself known to a standard error `error`."""
    z = (draws.mean(axis=(0, 1)) - expected) / np.hypot(mcse(draws), error)
    worst = int(np.abs(z).argmax())
    assert np.abs(z).max() <= LIMIT, f"z = {z[worst]:.1f} for {labels[worst] if labels else f'quantity {worst}'}"


def with_products(draws: Array, centre: Array) -> Array:
    """Deviations from `centre` and their products, pair by pair: first and second moments as means."""
    deviation = draws - centre
    left, right = np.triu_indices(deviation.shape[2])
    return np.concatenate([deviation, deviation[..., left] * deviation[..., right]], axis=2)


def check_moments(draws: Array, mean: Array, cov: Array) -> None:
    """Assert that draws (chain, draw, k) have this mean (k,) and every entry of this covariance (k, k)."""
    unit = np.sqrt(np.diag(cov))
    scaled = with_products(draws / unit, mean / unit)
    left, right = np.triu_indices(mean.size)
    expected = np.concatenate([np.zeros(mean.size), (cov / np.outer(unit, unit))[left, right]])
    labels = [f"mean {i}" for i in range(mean.size)] + [f"cov {i},{j}" for i, j in zip(left, right, strict=True)]
    check_means(scaled, expected, labels=labels)


def check_same(draws: Array, others: Array) -> None:
    """Assert that two sets of draws (chain, draw, k) agree in every first and second moment."""
    centre = (draws.mean(axis=(0, 1)) + others.mean(axis=(0, 1))) / 2
    first, second = with_products(draws, centre), with_products(others, centre)
    check_means(first, second.mean(axis=(0, 1)), mcse(second))


def check_distribution(draws: Array, cdf: object) -> None:
    """Assert, by Kolmogorov and Smirnov's test, that independent draws have this distribution function."""
    result = stats.kstest(np.ravel(draws), cdf)
    assert result.pvalue >= KS_LEVEL, f"KS distance {result.statistic:.3g}, p = {result.pvalue:.1g}"


def check_summaries(draws: Array, others: Array, labels: Sequence[str] = ()) -> None:
    """Assert that two sets of draws (chain, draw, k) agree in every mean, sd and 5, 50 and 95 % quantile.

    Allowed are LIMIT Monte Carlo standard errors of the difference.
    """
    for name, value, options in (
        ("mean", lambda x: x.mean(axis=(0, 1)), {"method": "mean"}),
        ("sd", lambda x: x.std(axis=(0, 1), ddof=1), {"method": "sd"}),
        *((f"{q:.0%}", lambda x, q=q: np.quantile(x, q, axis=(0, 1)), {"method": "quantile", "prob": q}) for q in TOLD),
    ):
        errors = []
        for each in (draws, others):
            mcse(each)  # the floor
            errors.append(np.asarray(array_stats.mcse(each, chain_axis=0, draw_axis=1, **options)))
        z = (value(draws) - value(others)) / np.hypot(*errors)
        worst = int(np.abs(z).argmax())
        where = labels[worst] if labels else f"quantity {worst}"
        assert np.abs(z).max() <= LIMIT, f"z = {z[worst]:.1f} for the {name} of {where}"
