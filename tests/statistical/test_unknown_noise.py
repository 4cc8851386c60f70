"""NUTS where σ is unknown and the prior is in its units (Park & Casella), against brute force; what its trees hold.

The posterior is over two coefficients and σ, with a kink along each coefficient's zero.
"""

from __future__ import annotations

from collections.abc import Callable

import arviz as az
import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import LIMIT, check_means, check_moments, columns, mcse, with_products
from tests.samplers.naive import Naive
from tests.statistical.conftest import ridge
from tests.statistical.quadrature import Grid, integrate, rule

SCALE = 0.2

SMALL = 0.1
"""Where the features below jump: the grid's panels end there."""


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 2)) + 0.8 * rng.normal(size=(30, 1))
    return X, X @ [0.1, 0.0] + rng.normal(size=30)


@pytest.fixture(scope="module")
def lasso() -> Posterior:
    """The one sampler run of this file."""
    problem = Problem.from_arrays(*data(), prior=Laplace(SCALE), scale_by_noise=True, intercept=None, standardize=False)
    return sample(problem, "nuts", draws=4000, seed=2)


def grid(*, scale: float = SCALE, scaled: bool = True, power: float = 1.0, nodes: int = 24) -> Grid:
    """p(β, log σ | y) with p(σ) = σ^−power and β ~ Laplace(scale·σ), or Laplace(scale)."""
    X, y = data()

    def log_density(points: Array) -> Array:
        beta, log_sigma = points[:, :2], points[:, 2]
        b = scale * (np.exp(log_sigma) if scaled else np.ones(len(points)))
        squares = y @ y - 2 * beta @ (X.T @ y) + ((beta @ (X.T @ X)) * beta).sum(axis=1)
        logs = -y.size * log_sigma - 0.5 * squares * np.exp(-2 * log_sigma)
        logs += -np.abs(beta).sum(axis=1) / b - 2 * np.log(b)
        return logs + (1 - power) * log_sigma

    side = rule(-1.4, 1.4, cuts=(-SMALL, 0.0, SMALL), nodes=nodes)
    found = integrate(log_density, [side, side, rule(-1.1, 1.3, nodes=2 * nodes)])
    return Grid(np.column_stack([found.points[:, :2], np.exp(found.points[:, 2])]), found.mass)


def features(points: Array) -> Array:
    """What a lasso is asked for: signs, sizes, whether all coefficients are small."""
    beta = points[..., :2]
    small = np.abs(beta) <= SMALL
    parts = [beta > 0, small, np.abs(beta), np.abs(beta).sum(axis=-1, keepdims=True), small.all(axis=-1, keepdims=True)]
    return np.concatenate(parts, axis=-1).astype(float)


def check_grid(posterior: Posterior, exact: Grid) -> None:
    draws = columns(posterior, "beta", "sigma")
    check_moments(draws, *exact.moments())
    check_means(features(draws), exact.mean(features))


def test_the_grid_is_exact_to_far_less_than_a_monte_carlo_error() -> None:
    coarse, fine = grid(), grid(nodes=36)
    for found, refined in zip(coarse.moments(), fine.moments(), strict=True):
        np.testing.assert_allclose(found, refined, rtol=0, atol=1e-7)
    np.testing.assert_allclose(coarse.mean(features), fine.mean(features), rtol=0, atol=1e-7)


def test_draws_are_the_posterior(lasso: Posterior) -> None:
    assert lasso.verdict.passed
    check_grid(lasso, grid())


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda: grid(scale=SCALE * 1.1), id="scale too wide"),
        pytest.param(lambda: grid(scale=SCALE / 1.1), id="scale too narrow"),
        pytest.param(lambda: grid(scaled=False), id="not in units of sigma"),
        pytest.param(lambda: grid(power=0.0), id="flat prior of sigma"),
        pytest.param(lambda: grid(power=3.0), id="two more degrees of freedom"),
    ],
)
def test_another_posterior_is_told_apart(wrong: Callable[[], Grid], lasso: Posterior) -> None:
    with pytest.raises(AssertionError, match="z = "):
        check_grid(lasso, wrong())


# -- pm.sample against the textbook, and the power to tell --


def textbook(scale: float = 0.7) -> Naive:
    block = ridge().design.rows.collect()
    variance = np.append(np.inf, np.full(3, scale**2))
    A = np.column_stack([np.ones(25), block.X])
    return Naive(A, block.y, np.zeros(4), variance, log_prior=lambda s: -np.log(s))


def test_pymc_draws_are_the_textbook_posterior(reference_ridge: Posterior) -> None:
    check_moments(columns(reference_ridge, "intercept", "beta", "sigma"), *textbook().moments())


@pytest.mark.parametrize("factor", [1 / 1.5, 1 / 1.1, 1.1, 1.5])
def test_a_wrong_scale_is_seen_by_more_than_luck(factor: float, reference_ridge: Posterior) -> None:
    # By the textbook alone, some moment at the wrong scale is 1.5 limits from the true one, in the MCSE of these draws.
    draws = columns(reference_ridge, "intercept", "beta", "sigma")
    mean, cov = textbook().moments()
    wrong_mean, wrong_cov = textbook(0.7 * factor).moments()
    left, right = np.triu_indices(5)
    apart = wrong_mean - mean
    moved = np.concatenate([apart, (wrong_cov - cov + np.outer(apart, apart))[left, right]])
    assert np.abs(moved / mcse(with_products(draws, mean))).max() > 1.5 * LIMIT


# -- trees -----------------------------------------------------------------------------------------------------------


# One of the 25 rows has a k-hat of about 0.7, above or below by Monte Carlo error: here the tree's layout is tested.
@pytest.mark.filterwarnings("ignore:Estimated shape parameter of Pareto distribution:UserWarning")
@pytest.mark.parametrize("name", ["lasso", "reference_ridge"])
def test_trees_hold_what_arviz_needs(name: str, request: pytest.FixtureRequest) -> None:
    posterior: Posterior = request.getfixturevalue(name)
    stats = posterior.data["sample_stats"]
    for statistic in ("diverging", "energy", "acceptance_rate", "tree_depth", "reached_max_treedepth"):
        assert stats[statistic].shape == posterior.beta.shape[:2]
    assert stats["diverging"].dtype == bool
    assert {"pymc", "nutpie"} <= set(posterior.data.attrs)
    assert not posterior.interrupted
    assert not posterior.independent
    assert (az.summary(posterior.data, round_to="none")["r_hat"] <= 1.01).all()
    assert np.isfinite(az.loo(posterior.data).elpd)
