"""rstanarm's posteriors of real data: 40,000 draws of Stan's NUTS each, every number with its own Monte Carlo error.

Each is met twice: by importance sampling of the problem's own density, and, where no exact sampler exists, by ours.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.samplers import Posterior, sample
from benchmarks.references import Row, hold, rstanarm
from benchmarks.references.rstanarm import MAKE, summary
from benchmarks.references.run import NUTS_ON
from tests.monte_carlo import LIMIT, check_means, columns
from tests.reference.importance import Weighted, density_of, sample_by_importance

pytestmark = pytest.mark.reference


def weighted(shared: Path, name: str, factor: float = 1.0) -> tuple[Weighted, Array]:
    """Draws by importance sampling, and (θ, σ) at each: the search for them starts at the published answer."""
    problem, table = MAKE[name](shared, factor=factor), summary(shared, name)
    mean, sd = table["mean"].to_numpy(copy=True), table["sd"].to_numpy(copy=True)
    if problem.likelihood.dispersion is not None:
        mean[-1], sd[-1] = np.log(mean[-1]), sd[-1] / mean[-1]
    found = sample_by_importance(density_of(problem), mean, sd)
    values = found.points.copy()
    if problem.likelihood.dispersion is not None:
        values[:, -1] = np.exp(values[:, -1])
    return found, values


def check_weighted(shared: Path, name: str, factor: float = 1.0) -> None:
    """Means and sds within both sides' Monte Carlo errors; the error of an sd is that of the variance over 2·sd."""
    found, values = weighted(shared, name, factor)
    table = summary(shared, name)
    mean, error = found.mean(values)
    z = (mean - table["mean"]) / np.hypot(error, table["mcse_mean"])
    assert np.abs(z).max() <= LIMIT, f"z = {np.abs(z).max():.1f}"
    variance, spread = found.mean((values - mean) ** 2)
    z = (np.sqrt(variance) - table["sd"]) / np.hypot(spread / (2 * np.sqrt(variance)), table["mcse_sd"])
    assert np.abs(z).max() <= LIMIT, f"z = {np.abs(z).max():.1f}"


@pytest.mark.parametrize("name", MAKE)
def test_the_density_has_the_published_moments(name: str, shared: Path) -> None:
    check_weighted(shared, name)


@pytest.mark.parametrize("factor", [1 / 1.1, 1.1])
@pytest.mark.parametrize("name", MAKE)
def test_a_prior_scale_ten_per_cent_off_is_seen(name: str, factor: float, shared: Path) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_weighted(shared, name, factor)


@pytest.fixture(scope="module")
def posteriors(shared: Path) -> Callable[[str], Posterior]:
    """NUTS draws of each posterior, compiled at first use."""
    return cache(lambda name: sample(MAKE[name](shared), "nuts", draws=3000, seed=21))


def drawn(posterior: Posterior) -> Array:
    return columns(posterior, "intercept", "beta", *(["sigma"] if "sigma" in posterior.arrays else []))


def row(name: str, shared: Path, posterior: Posterior) -> Row:
    (case,) = (case for case in rstanarm.cases(shared) if case.name == name)
    return hold(case, posterior)


@pytest.mark.parametrize("name", NUTS_ON)
def test_nuts_draws_have_the_published_summaries(
    name: str, shared: Path, posteriors: Callable[[str], Posterior]
) -> None:
    assert posteriors(name).verdict.passed, str(posteriors(name).verdict)
    found = row(name, shared, posteriors(name))
    assert found.verdict == "agrees", found


@pytest.mark.parametrize("name", NUTS_ON)
def test_nuts_draws_are_told_from_a_posterior_of_another_scale(
    name: str, shared: Path, posteriors: Callable[[str], Posterior]
) -> None:
    found, values = weighted(shared, name, 1.25)
    with pytest.raises(AssertionError, match="z = "):
        check_means(drawn(posteriors(name)), *found.mean(values))
