"""A slice-sampling step leaves its density as it is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.samplers.slice import slice_step

DENSITIES = {
    "normal": (stats.norm(1.0, 0.5), 1.5),
    "log-gamma": (stats.loggamma(2.0), 4.0),
    "narrow": (stats.norm(0.0, 1e-4), 3.0),
    "wide": (stats.norm(0.0, 50.0), 1.0),
    "skewed": (stats.gamma(1.5), 2.0),
}


@pytest.mark.parametrize("name", DENSITIES)
def test_exact_draws_stay_exact_and_move(name: str) -> None:
    law, width = DENSITIES[name]
    rng = np.random.default_rng(3)
    start = law.rvs(20_000, random_state=rng)
    moved = start
    for _ in range(3):
        moved = slice_step(law.logpdf, moved, width, rng)
    assert stats.kstest(moved, law.cdf).pvalue > 1e-4
    assert (moved != start).mean() > 0.99
    assert abs(np.corrcoef(moved, start)[0, 1]) < 0.95


def test_a_step_is_one_of_a_reversible_chain() -> None:
    """From exact draws (old, new) and (new, old) have one distribution, also where a slice is of two intervals."""
    rng = np.random.default_rng(5)
    centre = rng.choice([-2.0, 2.5], 40_000, p=[0.3, 0.7])
    start = centre + rng.normal(size=centre.size) * np.where(centre < 0, 0.6, 1.0)

    def log_density(t: Array) -> Array:
        left, right = 0.3 / 0.6 * np.exp(-0.5 * ((t + 2) / 0.6) ** 2), 0.7 * np.exp(-0.5 * (t - 2.5) ** 2)
        return np.asarray(np.log(left + right))

    moved = slice_step(log_density, start, 1.5, rng)
    # Flux of probability there and back: of two Poisson counts the difference has the variance of their sum.
    edges = np.quantile(start, [0.0, 0.15, 0.3, 0.5, 0.75, 1.0])[1:-1]
    counts = np.zeros((5, 5))
    np.add.at(counts, (np.searchsorted(edges, start), np.searchsorted(edges, moved)), 1)
    z = (counts - counts.T) / np.sqrt(np.maximum(counts + counts.T, 1))
    assert (counts.sum(axis=1) > 1000).all()
    assert (moved != start).mean() > 0.99
    assert np.abs(z).max() < 4.5
    # A step that is not of the density: the flux shows.
    drifted = slice_step(lambda t: log_density(t) + 0.1 * t, start, 1.5, rng)
    counts = np.zeros((5, 5))
    np.add.at(counts, (np.searchsorted(edges, start), np.searchsorted(edges, drifted)), 1)
    assert np.abs((counts - counts.T) / np.sqrt(np.maximum(counts + counts.T, 1))).max() > 4.5


def test_draws_of_another_density_are_told() -> None:
    law, rng = stats.norm(), np.random.default_rng(3)
    moved = law.rvs(20_000, random_state=rng)
    for _ in range(30):
        moved = slice_step(stats.norm(0, 1.1).logpdf, moved, 3.0, rng)
    assert stats.kstest(moved, law.cdf).pvalue < 1e-4
    assert stats.kstest(moved, stats.norm(0, 1.1).cdf).pvalue > 1e-4


def test_a_density_without_an_end_is_refused() -> None:
    with pytest.raises(FitError, match="improper"):
        slice_step(np.zeros_like, np.zeros(3), 1.0, np.random.default_rng(0))
