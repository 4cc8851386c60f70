"""Debiased-lasso intervals: least squares where rows suffice, the formula where not, and coverage."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import sparse, stats
from sklearn.linear_model import Lasso

from bayesreg.discard.debiased import FRACTION, can_debias, debiased
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from tests.problems import FORMS, extras, make_problem

SIGNIFICANT = 1e-4


@pytest.mark.parametrize("form", ["plain", "weights-and-offset", "no-intercept", "raw-columns"])
@pytest.mark.parametrize("scale", [10.0, 0.2, 1e-3])
def test_with_more_rows_than_columns_it_is_least_squares_at_any_penalty(form: str, scale: float) -> None:
    problem = FORMS[form]("gaussian", prior=Laplace(scale), likelihood=GaussianNoise(1.3))
    block = problem.design.rows.collect()
    A = sm.add_constant(block.X) if problem.has_intercept else block.X
    weights = np.ones(problem.n) if block.weights is None else block.weights
    fit = sm.WLS(block.y - block.offset, A, weights=weights).fit(cov_type="fixed scale", cov_kwds={"scale": 1.3**2})
    first = int(problem.has_intercept)
    table = debiased(problem).table
    np.testing.assert_allclose(table["estimate"], fit.params[first:], atol=1e-9)
    expected = fit.params[first:, None] + np.outer(fit.bse[first:], [-1, 1]) * stats.norm.ppf(0.975)
    np.testing.assert_allclose(table[["lower", "upper"]], expected, atol=1e-9)
    np.testing.assert_allclose(table["upper_raw"] * problem.design.scale, table["upper"])


def test_an_unknown_sigma_is_the_residual_sd_and_a_sparse_x_is_the_dense_one() -> None:
    problem = make_problem("gaussian", prior=Laplace(0.2), likelihood=GaussianNoise())
    block = problem.design.rows.collect()
    fit = sm.OLS(block.y, sm.add_constant(block.X)).fit()
    table = debiased(problem, interval=0.8).table
    half = stats.norm.ppf(0.9) * fit.bse[1:]
    np.testing.assert_allclose(table["upper"] - table["lower"], 2 * half)
    X = np.where(np.abs(block.X) > 0.7, block.X, 0.0)
    thin = debiased(Problem.from_arrays(sparse.csr_array(X), block.y, prior=Laplace(0.2))).table
    thick = debiased(Problem.from_arrays(X, block.y, prior=Laplace(0.2))).table
    np.testing.assert_allclose(thin[["estimate_raw", "lower_raw"]], thick[["estimate_raw", "lower_raw"]])


def wide(n: int, p: int, seed: int, **options: Any) -> tuple[Problem, Array]:
    """A sparse truth (on the standardised columns) of more columns than rows, at a penalty of the theory's size."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.3 * rng.normal(size=(n, 1))
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    truth = np.zeros(p)
    truth[:2] = [1.0, -1.0]
    y = X @ truth + rng.normal(size=n)
    scale = 1 / np.sqrt(2 * n * np.log(p))
    return Problem.from_arrays(X, y, prior=Laplace(scale), likelihood=GaussianNoise(1.0), **options), truth


@pytest.mark.parametrize("options", [{}, {"intercept": None}, extras(20)], ids=["plain", "no-intercept", "weights"])
def test_with_more_columns_than_rows_it_is_the_formula(options: dict[str, Any]) -> None:
    problem, _ = wide(20, 30, 1, **options)
    block, mode = problem.design.rows.collect(), fit_penalized(problem)
    weights = np.ones(20) if block.weights is None else block.weights
    root = np.sqrt(weights)[:, None]
    centre = np.average(block.X, axis=0, weights=weights) if problem.has_intercept else np.zeros(30)
    X = root * (block.X - centre)
    left = root[:, 0] * (block.y - block.offset - mode.intercept - block.X @ mode.beta)
    table = debiased(problem).table
    for j in range(30):
        column, others = X[:, j] / np.linalg.norm(X[:, j]), np.delete(X, j, axis=1)
        others /= np.linalg.norm(others, axis=0)
        alpha = FRACTION * np.abs(others.T @ column).max() / 20
        z = column - others @ Lasso(alpha, fit_intercept=False, max_iter=10**6, tol=1e-10).fit(others, column).coef_
        expected = mode.beta[j] + z @ left / (z @ X[:, j])
        half = stats.norm.ppf(0.975) * np.linalg.norm(z) / abs(z @ X[:, j])
        assert table["estimate"].iloc[j] == pytest.approx(expected, abs=0.05 * half)
        assert (table["upper"] - table["lower"]).iloc[j] == pytest.approx(2 * half, rel=0.02)


def coverage(n: int, p: int, replications: int) -> tuple[Array, Array]:
    """How often the debiased interval, and the mode ± its half-width, hold β of a signal and of a zero (2,)."""
    held, naive = np.zeros(2), np.zeros(2)
    for seed in range(replications):
        problem, truth = wide(n, p, 100 + seed)
        table, chosen = debiased(problem).table, [0, p - 1]
        lower, upper = table["lower"].to_numpy()[chosen], table["upper"].to_numpy()[chosen]
        held += (lower <= truth[chosen]) & (truth[chosen] <= upper)
        naive += np.abs(fit_penalized(problem).beta[chosen] - truth[chosen]) <= (upper - lower) / 2
    return held, naive


def test_of_repeated_samples_the_stated_share_covers_exactly_where_rows_suffice() -> None:
    replications = 400
    held, naive = coverage(60, 20, replications)
    for count in held:
        assert stats.binomtest(int(count), replications, 0.95).pvalue > SIGNIFICANT
    assert stats.binomtest(int(naive[0]), replications, 0.95, alternative="less").pvalue < SIGNIFICANT


def test_a_column_that_the_others_determine_is_nan_and_orthogonal_ones_are_not() -> None:
    rng = np.random.default_rng(4)
    X = np.linalg.qr(rng.normal(size=(12, 3)))[0]
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    options: dict[str, Any] = {"standardize": False, "intercept": None, "likelihood": GaussianNoise(1.0)}
    table = debiased(Problem.from_arrays(X, rng.normal(size=12), prior=Laplace(0.5), **options), nodewise=0.0).table
    assert table["estimate"].isna().tolist() == [True, True, False, True]
    orthogonal = Problem.from_arrays(X[:, :3], X[:, 0], prior=Laplace(0.5), **options)
    np.testing.assert_allclose(debiased(orthogonal, nodewise=0.5).table["estimate"], [1.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize(("problem", "said"), [
    (make_problem("bernoulli"), "Gaussian noise"), (make_problem("gaussian", prior=Gaussian(1.0)), "L1"),
    (make_problem("gaussian", prior=Flat()), "L1"), (make_problem("gaussian", p=0), "L1"),
    (make_problem("gaussian", intercept=Gaussian(1.0)), "intercept"),
    (make_problem("gaussian", prior=GroupLaplace([0, 0, 1, 1], 1.0)), "L1"),
])  # fmt: skip
def test_problems_that_it_is_not_for(problem: Problem, said: str) -> None:
    assert not can_debias(problem)
    with pytest.raises(ParameterError, match=said):
        debiased(problem)


@pytest.mark.parametrize(("options", "said"), [
    ({"interval": 0.0}, "interval"), ({"nodewise": 1.5}, "nodewise"), ({"nodewise": True}, "nodewise"),
    ({"sigma": "joint"}, "joint"),
])  # fmt: skip
def test_settings_outside_what_they_can_be(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        debiased(make_problem("gaussian", likelihood=GaussianNoise()), **options)


def test_progress_counts_the_columns_that_are_fitted_one_by_one() -> None:
    calls: list[tuple[int, int]] = []
    debiased(wide(20, 30, 1)[0], progress=lambda done, total: calls.append((done, total)))
    assert calls == [(j + 1, 30) for j in range(30)]
