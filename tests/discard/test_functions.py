"""A function of the coefficients at the mode against its posterior."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.functions import function
from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import FLOOR, LIMIT

SIGMA, TAU = 1.5, 0.8


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(25, 3)) + 0.6 * rng.normal(size=(25, 1))
    return X, 1.0 + X @ [0.8, -0.4, 0.0] + SIGMA * rng.normal(size=25)


@pytest.fixture(scope="module")
def exact() -> Posterior:
    """A Gaussian posterior, its moments known."""
    problem = Problem.from_arrays(*data(), prior=Gaussian(TAU), likelihood=GaussianNoise(SIGMA), standardize=False)
    return sample(problem, draws=4000)


def moments() -> tuple[Array, Array]:
    X, y = data()
    Z = X - X.mean(axis=0)
    cov = np.linalg.inv(Z.T @ Z / SIGMA**2 + np.eye(3) / TAU**2)
    return cov @ Z.T @ (y - y.mean()) / SIGMA**2, cov


def test_a_coefficient_is_its_own_marginal(diabetes: Posterior) -> None:
    found = function(diabetes, lambda beta: beta[2])
    draws = diabetes.beta[..., 2]
    assert found.mean == pytest.approx(draws.mean(), rel=1e-12)
    assert found.mcse == pytest.approx(float(mcse_mean(draws, independent=False)))
    mode = fit_penalized(diabetes.problem).beta[2]
    assert found.at_map == mode
    assert found.gap == mode - found.mean
    np.testing.assert_allclose([found.lower, found.median, found.upper], np.quantile(draws, [0.025, 0.5, 0.975]))
    assert found.quantile_of_map == (draws <= mode).mean()
    assert found.has_mean


def exceeds(found: Any, expected: float) -> float:
    return abs(float(found.mean) - expected) / float(found.mcse)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_mean_of_an_exponential_is_the_closed_form(exact: Posterior, sign: float) -> None:
    """E exp(aᵀβ) = exp(aᵀm + aᵀVa/2): Jensen's gap, which the mode misses."""
    m, V = moments()
    a = sign * np.array([1.5, 0.75, -0.75])
    found = function(exact, lambda beta: np.exp(beta @ a))
    assert exact.verdict.ess_bulk >= FLOOR
    expected = float(np.exp(a @ m + a @ V @ a / 2))
    assert exceeds(found, expected) <= LIMIT
    assert float(found.at_map) == pytest.approx(np.exp(a @ m), rel=1e-9)
    assert exceeds(found, float(np.exp(a @ m))) > LIMIT  # the mode's value is not the mean's
    assert exceeds(found, float(np.exp(a @ m + 1.1**2 * a @ V @ a / 2))) > LIMIT  # nor would be that of a wider prior
    law = stats.lognorm(np.sqrt(a @ V @ a), scale=np.exp(a @ m))
    assert float(found.quantile_of_map) == pytest.approx(0.5, abs=LIMIT * float(found.quantile_mcse))
    assert stats.kstest(found.draws.ravel(), law.cdf).pvalue > 1e-4


def test_arguments_go_by_name(exact: Posterior) -> None:
    new = np.array([1.0, 2.0, -1.0])
    raw = function(exact, lambda intercept_raw, beta_raw: intercept_raw + new @ beta_raw)
    own = function(exact, lambda beta, intercept: intercept + (new - exact.problem.design.centre) @ beta)
    np.testing.assert_allclose(raw.draws, own.draws)
    whole = function(exact, lambda d: d.intercept_raw + d["x0"] * new[0] + d["x1"] * new[1] + d["x2"] * new[2])
    np.testing.assert_allclose(whole.draws, raw.draws)
    scaled = function(exact, lambda beta, sigma, factor=2.0: factor * beta[0] / sigma)
    np.testing.assert_allclose(scaled.draws, 2 * exact.beta[..., 0] / SIGMA)
    assert function(exact, lambda draw: draw.sigma).sd == 0


def test_all_draws_at_once_are_the_draws_one_by_one(diabetes: Posterior) -> None:
    one = function(diabetes, lambda beta, sigma: beta[2] / sigma)
    all_of_them = function(diabetes, lambda beta, sigma: beta[:, 2] / sigma, vectorized=True)
    np.testing.assert_array_equal(one.draws, all_of_them.draws)
    assert one.at_map == all_of_them.at_map
    several = function(diabetes, lambda d: np.stack([d["bmi"], d["bp"]], axis=-1), vectorized=True)
    np.testing.assert_array_equal(several.draws, diabetes.beta_raw[..., 2:4])


def test_several_numbers_have_a_row_each(diabetes: Posterior) -> None:
    found = function(diabetes, lambda beta_raw: beta_raw[:3])
    assert found.table.shape[0] == 3
    np.testing.assert_allclose(found.table["mean"], diabetes.beta_raw[..., :3].mean(axis=(0, 1)))
    assert "the one of 3 numbers with the largest gap" in str(found)
    grid = function(diabetes, lambda beta: beta[:4].reshape(2, 2))
    assert grid.table.index.tolist() == ["0, 0", "0, 1", "1, 0", "1, 1"]


def test_a_model_without_an_intercept_has_one_of_zero() -> None:
    X, y = data()
    bare = sample(Problem.from_arrays(X, y, prior=Gaussian(1.0), intercept=None, standardize=False))
    found = function(bare, lambda intercept_raw, beta_raw: intercept_raw + beta_raw[0])
    np.testing.assert_array_equal(found.draws, bare.beta_raw[..., 0])


def test_a_mean_that_does_not_exist_is_not_told(exact: Posterior) -> None:
    ratio = function(exact, lambda beta: beta[0] / beta[2])
    assert not ratio.has_mean
    assert "its mean may not exist: read the median" in str(ratio)
    assert "posterior mean" not in str(ratio)
    assert function(exact, lambda beta: beta[0] / 3).has_mean


def test_infinite_values_have_no_mean(exact: Posterior) -> None:
    found = function(exact, lambda beta: np.inf if beta[0] > 1.2 else beta[0])
    assert not found.has_mean
    assert np.isfinite(found.median)


def test_a_constant_has_no_spread(exact: Posterior) -> None:
    assert str(function(exact, lambda beta: 7.0)) == "g is 7 at the MAP and at every draw"


def test_a_gap_within_error_is_said_to_be_none(exact: Posterior) -> None:
    assert "which is within Monte Carlo error of none" in str(function(exact, lambda beta: beta[0]))
    assert "Monte Carlo error of none" not in str(function(exact, lambda beta: np.exp(3 * beta[0])))


def test_draws_that_failed_are_withheld(failed: Posterior) -> None:
    found = function(failed, lambda beta: beta[0])
    assert str(found).startswith("g: WITHHELD: ")
    assert f"{float(found.mean):.4g}" not in str(found)


def test_another_mode_may_be_given(exact: Posterior) -> None:
    mode = fit_penalized(exact.problem)
    moved = replace(mode, beta=mode.beta + 1)
    assert function(exact, lambda beta: beta[0], optimum=moved).at_map == mode.beta[0] + 1


@pytest.mark.parametrize(
    ("g", "error", "said"),
    [
        (3.0, ParameterError, "g must be a function"),
        (lambda beta, gamma: 0.0, ParameterError, "g has the parameter 'gamma'; parameters are named after"),
        (lambda a, b: 0.0, ParameterError, "g has the parameter 'a'"),
        (lambda beta: "high", InputError, "must return numbers"),
        (lambda beta: np.nan, InputError, "g is NaN at 16000 of 16000 draws"),
        (lambda beta: beta[: 1 + (beta[0] > 0.8)], InputError, "let it return one shape"),
        (lambda d: d["age"], ParameterError, "there is no column 'age': there are x0, x1, x2"),
        (lambda d: d.alpha, AttributeError, "a draw has no variable 'alpha'"),
    ],
)
def test_what_cannot_be_used_is_refused(exact: Posterior, g: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        function(exact, g)


def test_errors_of_the_function_say_where(exact: Posterior) -> None:
    def broken(beta: Array) -> float:
        return float(1 / (1 if beta[0] < 1.0 else 0))

    with pytest.raises(ZeroDivisionError) as caught:
        function(exact, broken)
    assert "called the function at draw" in caught.value.__notes__[0]


def test_settings_are_read(exact: Posterior) -> None:
    with pytest.raises(ParameterError, match="interval must be a number between 0 and 1"):
        function(exact, lambda beta: beta[0], interval=95)
    with pytest.raises(ParameterError, match=r"function takes a Posterior \(got Problem\)"):
        function(exact.problem, lambda beta: beta[0])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one value for each of the 16000 draws"):
        function(exact, lambda beta: beta[0], vectorized=True)
