"""Samplers against each other and against a grid: an ESS floor, a bound in Monte Carlo errors, a control that fails."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import check_moments, check_same, columns
from tests.statistical.conftest import lasso, logistic, ridge


def exact(scale: float = 0.7) -> Array:
    return columns(sample(ridge(scale), "conjugate", draws=20_000, seed=5), "intercept", "beta", "sigma")


def test_exact_draws_agree_with_pymc(reference_ridge: Posterior) -> None:
    assert reference_ridge.verdict.passed
    check_same(columns(reference_ridge, "intercept", "beta", "sigma"), exact())


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_prior_scale_that_is_off_is_seen(factor: float, reference_ridge: Posterior) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_same(columns(reference_ridge, "intercept", "beta", "sigma"), exact(0.7 * factor))


def grid_moments(log_density: Array, axes: list[Array]) -> tuple[Array, Array]:
    """Mean and covariance of a density given on a product grid, up to its constant."""
    weight = np.exp(log_density - log_density.max())
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(axes))
    w = weight.ravel() / weight.sum()
    mean = w @ points
    return mean, (points - mean).T @ (w[:, None] * (points - mean))


def naive_grid(problem: Problem, posterior: Posterior) -> tuple[Array, Array]:
    """The posterior on a grid ±9 sds wide, each term of the density written out here."""
    flat = posterior.beta.reshape(-1, 2)
    axes = [np.linspace(m - 9 * s, m + 9 * s, 601) for m, s in zip(flat.mean(0), flat.std(0), strict=True)]
    b0, b1 = np.meshgrid(*axes, indexing="ij")
    block = problem.design.rows.collect()
    total = np.zeros_like(b0)
    weights = np.ones(problem.n) if block.weights is None else block.weights
    for x, y, offset, w in zip(block.X, block.y, block.offset, weights, strict=True):
        eta = offset + x[0] * b0 + x[1] * b1
        if problem.likelihood.sigma_known is not None:
            total += w * -0.5 * ((y - eta) / problem.likelihood.sigma_known) ** 2
        else:
            total += w * (y * eta - np.logaddexp(0, eta))
    scale, loc = problem.prior.scale, np.broadcast_to(problem.prior.loc, 2)
    total -= (np.abs(b0 - loc[0]) + np.abs(b1 - loc[1])) / scale
    return grid_moments(total, axes)


@pytest.mark.parametrize("name", ["lasso", "logistic"])
def test_whitened_nuts_agrees_with_a_grid(name: str, request: pytest.FixtureRequest) -> None:
    posterior = request.getfixturevalue(f"nuts_{name}")
    problem = {"lasso": lasso, "logistic": logistic}[name]()
    assert posterior.verdict.passed
    check_moments(posterior.beta, *naive_grid(problem, posterior))


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("name", ["lasso", "logistic"])
def test_a_penalty_that_is_off_is_seen(name: str, factor: float, request: pytest.FixtureRequest) -> None:
    posterior = request.getfixturevalue(f"nuts_{name}")
    make, scale = {"lasso": (lasso, 0.4), "logistic": (logistic, 0.8)}[name]
    with pytest.raises(AssertionError, match="z ="):
        check_moments(posterior.beta, *naive_grid(make(scale * factor), posterior))


def test_the_same_seed_gives_the_same_chains(reference_ridge: Posterior) -> None:
    again = sample(ridge(), "pymc", draws=6000, seed=11)
    np.testing.assert_array_equal(again.beta, reference_ridge.beta)
