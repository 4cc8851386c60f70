"""rstanarm's posteriors of real data: 40,000 draws of Stan's NUTS each, every number with its own Monte Carlo error.

Each is met twice: by importance sampling of the problem's own density, and, where no exact sampler exists, by ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import Exponential
from tests.monte_carlo import LIMIT, check_means, columns
from tests.reference.importance import Weighted, density_of, sample_by_importance

pytestmark = pytest.mark.reference


def pima(shared: Path, prior: Gaussian | Laplace) -> Problem:
    frame = pd.read_csv(shared / "data/pima_tr.csv")
    y = (frame.pop("type") == "Yes").to_numpy(float)
    return Problem.from_arrays(frame, y, prior=prior, intercept=Gaussian(5.0), likelihood=BernoulliLogit())


def prostate(shared: Path, scale: float) -> Problem:
    frame = pd.read_csv(shared / "data/prostate_esl.csv").drop(columns="train")
    noise = GaussianNoise(Exponential(1.0))
    y = frame.pop("lpsa").to_numpy(float)
    return Problem.from_arrays(frame, y, prior=Laplace(scale), intercept=Gaussian(10.0), likelihood=noise)


def quine(shared: Path, scale: float) -> Problem:
    frame = pd.read_csv(shared / "data/quine.csv")
    return Problem.from_formula(
        "Days ~ Eth + Sex + Age + Lrn", frame, prior=Laplace(scale), intercept=Gaussian(10.0), likelihood=PoissonLog()
    )


def longley(shared: Path, scale: float) -> Problem:
    frame = pd.read_csv(shared / "data/longley.csv")
    noise = GaussianNoise(Exponential(1.0))
    y = frame.pop("Employed").to_numpy(float)
    return Problem.from_arrays(frame, y, prior=Gaussian(scale), intercept=Gaussian(100.0), likelihood=noise)


MAKE = {
    "pima_tr_logit_normal0.5": lambda shared, factor=1.0: pima(shared, Gaussian(0.5 * factor)),
    "pima_tr_logit_laplace0.5": lambda shared, factor=1.0: pima(shared, Laplace(0.5 * factor)),
    "prostate_gauss_laplace0.2": lambda shared, factor=1.0: prostate(shared, 0.2 * factor),
    "quine_poisson_laplace0.1": lambda shared, factor=1.0: quine(shared, 0.1 * factor),
    "longley_gauss_normal1": longley,
}

SAMPLED = ["pima_tr_logit_laplace0.5", "prostate_gauss_laplace0.2", "quine_poisson_laplace0.1"]


def summary(shared: Path, name: str) -> pd.DataFrame:
    answer = json.loads((shared / f"reference/rstanarm/{name}.json").read_text(encoding="utf-8"))
    return pd.DataFrame(answer["summary"]).set_index("variable")


def weighted(shared: Path, name: str, factor: float = 1.0) -> tuple[Weighted, Array]:
    """Draws by importance sampling, and (θ, σ) at each: the search for them starts at the published answer."""
    problem, table = MAKE[name](shared, factor), summary(shared, name)
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


@pytest.mark.parametrize("name", SAMPLED)
def test_nuts_draws_have_the_published_moments(name: str, shared: Path, posteriors: Callable[[str], Posterior]) -> None:
    assert posteriors(name).verdict.passed, str(posteriors(name).verdict)
    draws, table = drawn(posteriors(name)), summary(shared, name)
    labels = table.index.tolist()
    check_means(draws, table["mean"].to_numpy(), table["mcse_mean"].to_numpy(), labels)
    # Var' = 2·sd·sd': the error of the sd, carried over to the variance.  About the draws' own mean, as R's sd is.
    spread = (draws - draws.mean(axis=(0, 1))) ** 2
    error = (2 * table["sd"] * table["mcse_sd"]).to_numpy()
    check_means(spread, table["sd"].to_numpy() ** 2, error, labels)


@pytest.mark.parametrize("name", SAMPLED)
def test_nuts_draws_are_told_from_a_posterior_of_another_scale(
    name: str, shared: Path, posteriors: Callable[[str], Posterior]
) -> None:
    found, values = weighted(shared, name, 1.25)
    with pytest.raises(AssertionError, match="z = "):
        check_means(drawn(posteriors(name)), *found.mean(values))
