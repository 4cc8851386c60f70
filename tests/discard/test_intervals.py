"""Bootstrap and debiased-lasso intervals: against loops, least squares, another library, and repeated samples."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayesreg.datasets import load_dataset
from bayesreg.discard.bootstrap import bootstrap
from bayesreg.discard.debiased import can_debias, debiased
from bayesreg.discard.intervals import PROMISES, beside
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, StudentTNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import ElasticNet, Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior


def data(n: int = 50, p: int = 4, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))) * np.resize([1.0, 5.0], p) + 3.0
    return X, 1.0 + X @ np.resize([0.7, -0.1, 0.0, 0.0], p) + rng.normal(size=n)


def lasso(**options: Any) -> Problem:
    return Problem.from_arrays(*data(), **{"prior": Laplace(0.1)} | options)


# -- bootstrap ---------------------------------------------------------------------------------------------------------


def test_a_bootstrap_is_the_loop_over_copied_rows() -> None:
    problem = lasso(likelihood=GaussianNoise(1.0))
    found = bootstrap(problem, replications=200, seed=3)
    rng = np.random.default_rng(3)
    Z = problem.design.rows.collect().X
    y = data()[1]
    modes = []
    for _ in range(200):
        rows = np.repeat(np.arange(50), rng.multinomial(50, np.full(50, 1 / 50)))
        copied = Problem.from_arrays(Z[rows], y[rows], prior=Laplace(0.1), likelihood=GaussianNoise(1.0),
                                     standardize=False)  # fmt: skip
        modes.append(fit_penalized(copied).beta)
    lower, upper = np.quantile(modes, [0.025, 0.975], axis=0)
    np.testing.assert_allclose(found.table["lower"], lower, atol=1e-7)
    np.testing.assert_allclose(found.table["upper"], upper, atol=1e-7)
    np.testing.assert_allclose(found.table["zero"], (np.array(modes) == 0).mean(axis=0))
    np.testing.assert_array_equal(found.table["estimate"], fit_penalized(problem).beta)
    np.testing.assert_allclose(found.table["lower_raw"] * data()[0].std(axis=0), found.table["lower"])


def test_without_a_penalty_it_is_about_as_wide_as_the_theory_of_least_squares() -> None:
    problem = lasso(prior=Flat(), likelihood=GaussianNoise(1.0))
    found = bootstrap(problem, replications=1000)
    Z = problem.design.rows.collect().X
    width = 2 * 1.96 * np.sqrt(np.diag(np.linalg.inv(Z.T @ Z)))
    np.testing.assert_allclose(found.table["upper"] - found.table["lower"], width, rtol=0.3)


def test_rows_of_no_weight_are_not_drawn_and_weights_go_along() -> None:
    w = np.r_[np.zeros(10), np.ones(40)]
    X, y = data()
    rest = {"likelihood": GaussianNoise(1.0), "prior": Laplace(0.1), "standardize": False}
    with_zeros = bootstrap(Problem.from_arrays(X, y, weights=w, **rest), replications=50)
    without = bootstrap(Problem.from_arrays(X[10:], y[10:], **rest), replications=50)
    np.testing.assert_allclose(with_zeros.table["lower"], without.table["lower"], atol=1e-7)


def test_the_same_seed_gives_the_same_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    first = bootstrap(lasso(), replications=100, progress=lambda *done: told.append(done))
    assert first.table.equals(bootstrap(lasso(), replications=100).table)
    assert not first.table.equals(bootstrap(lasso(), replications=100, seed=1).table)
    assert told == [(50, 100), (100, 100)]


def test_classes_that_resampling_separates_are_counted_or_refused() -> None:
    X, _ = data(20)
    y = (np.arange(20) < 3).astype(float)
    proper = bootstrap(Problem.from_arrays(X, y, prior=Laplace(0.5), likelihood=BernoulliLogit()), replications=200)
    assert "of them without a finite optimum" in proper.text  # samples of one class
    few = (np.arange(20) < 1).astype(float)
    with pytest.raises(FitError, match="replications have no finite optimum"):
        bootstrap(Problem.from_arrays(X[:, :1], few, prior=Flat(), likelihood=BernoulliLogit()), replications=100)


# -- debiased ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("b", [0.02, 0.3])
def test_with_fewer_columns_than_rows_it_is_least_squares_whatever_the_penalty(b: float) -> None:
    found = debiased(lasso(prior=Laplace(b)), interval=0.9)
    X, y = data()
    A = np.column_stack([np.ones(50), X])
    beta, rss, *_ = np.linalg.lstsq(A, y)
    sigma = np.sqrt(rss[0] / 45)
    reach = stats.norm.ppf(0.95) * sigma * np.sqrt(np.diag(np.linalg.inv(A.T @ A)))[1:]
    np.testing.assert_allclose(found.table["estimate_raw"], beta[1:], rtol=1e-7)
    np.testing.assert_allclose(found.table["lower_raw"], beta[1:] - reach, rtol=1e-7)
    np.testing.assert_allclose(found.table["upper_raw"], beta[1:] + reach, rtol=1e-7)


def test_weights_offsets_and_no_intercept_are_weighted_least_squares() -> None:
    X, y = data()
    rng = np.random.default_rng(1)
    w, offset = rng.uniform(0.5, 2.0, 50), rng.normal(size=50)
    problem = Problem.from_arrays(X, y, prior=Laplace(0.1), likelihood=GaussianNoise(1.3), weights=w, offset=offset,
                                  intercept=None, standardize=False)  # fmt: skip
    found = debiased(problem)
    cov = np.linalg.inv((X * w[:, None]).T @ X)
    np.testing.assert_allclose(found.table["estimate"], cov @ (X * w[:, None]).T @ (y - offset), rtol=1e-7)
    np.testing.assert_allclose(found.table["upper"] - found.table["estimate"], 1.959964 * 1.3 * np.sqrt(np.diag(cov)),
                               rtol=1e-6)  # fmt: skip


HIDIMSTAT = {
    "age": (-0.419752, 0.2049906), "bmi": (25.062266, 0.22672935), "bp": (15.236228, 0.22361725),
    "tc": (-20.851868, 0.76462731), "ldl": (10.681283, 0.68796205), "ltg": (32.498689, 0.45818923),
    "glu": (3.320928, 0.22577515),
}  # fmt: skip
"""hidimstat 0.4.0's estimates, and widths in units of σ, on standardised diabetes data: DesparsifiedLasso(
LassoCV(alphas=[54.1542²/(442·4.6)], tol=1e-10), Lasso(tol=1e-10), preconfigure_model_x_path=None).  Of the columns
whose largest correlation is positive: it takes the largest, not the largest in size, for the penalty's scale."""


def test_nodewise_lassos_are_those_of_hidimstat() -> None:
    d = load_dataset("diabetes")
    problem = Problem.from_arrays(d.X, d.y, names=d.names, prior=Laplace(scale=4.6))
    sigma = resolve_noise(problem).sigma
    table = debiased(problem, nodewise=0.01).table.loc[list(HIDIMSTAT)]
    estimate, width = np.array(list(HIDIMSTAT.values())).T
    np.testing.assert_allclose(table["estimate"], estimate, atol=2e-4)
    np.testing.assert_allclose((table["upper"] - table["lower"]) / sigma, width, rtol=1e-4)


def test_intervals_do_not_depend_on_the_units_of_the_columns() -> None:
    X, y = data()
    for nodewise in (None, 0.05):
        small, large = (
            debiased(Problem.from_arrays(X * unit, y, prior=Laplace(0.1)), nodewise=nodewise).table for unit in (1, 1e4)
        )
        np.testing.assert_allclose(small["estimate"], large["estimate"], rtol=1e-6)
        np.testing.assert_allclose(small["upper_raw"], 1e4 * large["upper_raw"], rtol=1e-6)


def covered(kind: str, replications: int = 200) -> Array:
    """Share of replications in which intervals of 60 × 80 lassos cover each of the first three coefficients."""
    rng = np.random.default_rng(7)
    X = rng.normal(size=(60, 80))
    truth = np.zeros(80)
    truth[:2] = [1.0, 0.5]
    hits = np.zeros(3)
    for _ in range(replications):
        y = X @ truth + rng.normal(size=60)
        problem = Problem.from_arrays(X, y, prior=Laplace(0.08), likelihood=GaussianNoise(1.0), standardize=False)
        if kind == "debiased":
            table = debiased_first(problem)
        else:  # the lasso's own estimate, as if it had least squares' error
            beta = fit_penalized(problem).beta[:3]
            table = np.stack([beta - 1.96 / np.sqrt(60), beta + 1.96 / np.sqrt(60)])
        hits += (table[0] <= truth[:3]) & (truth[:3] <= table[1])
    return hits / replications


def debiased_first(problem: Problem) -> Array:
    table = debiased(problem, nodewise=0.3).table
    return np.stack([table["lower"].to_numpy()[:3], table["upper"].to_numpy()[:3]])


def test_of_repeated_samples_debiased_intervals_cover_and_the_lassos_own_do_not() -> None:
    few = 40
    found = covered("debiased", few)
    least = stats.binom.ppf(1e-3, few, 0.95) / few  # by theory 0.95
    assert (found >= least).all()
    naive = covered("naive")
    assert naive[0] < stats.binom.ppf(1e-6, 200, 0.95) / 200


def test_a_column_that_the_others_determine_has_no_interval() -> None:
    X, y = data()
    X = np.column_stack([X, np.ones(50)])
    with pytest.warns(match="constant"):
        problem = Problem.from_arrays(X, y, prior=Laplace(0.1), likelihood=GaussianNoise(1.0))
    table = debiased(problem, nodewise=0.0).table
    assert np.isnan(table["estimate"].iloc[-1])
    assert np.isfinite(table["estimate"].iloc[:-1]).all()


# -- beside ------------------------------------------------------------------------------------------------------------


def test_beside_holds_all_three_and_their_promises(diabetes: Posterior) -> None:
    mode = fit_penalized(diabetes.problem)
    kinds = (bootstrap(diabetes.problem, replications=100), debiased(diabetes.problem))
    found = beside(diabetes, mode, *kinds)
    assert list(found.promises) == ["posterior", "bootstrap", "debiased"]
    np.testing.assert_array_equal(found.table["debiased_upper"], kinds[1].table["upper"])
    np.testing.assert_array_equal(found.table["bootstrap_lower"], kinds[0].table["lower"])
    np.testing.assert_allclose(found.table["posterior_lower"], np.quantile(diabetes.beta, 0.025, axis=(0, 1)))
    for promise in PROMISES.values():
        assert promise in str(found)
    with pytest.raises(ParameterError, match="must be 90 % intervals of the columns"):
        beside(diabetes, mode, *kinds, interval=0.9)
    assert "Their promise: of repeated samples" in str(kinds[1])


def test_draws_that_failed_are_withheld(failed: Posterior) -> None:
    found = beside(failed, fit_penalized(failed.problem), debiased(failed.problem))
    assert str(found).startswith("intervals: WITHHELD: ")
    assert "\n" not in str(found)


@pytest.mark.parametrize(
    ("problem", "said"),
    [
        (lasso(prior=Gaussian(1.0)), "takes out the bias of an L1 penalty"),
        (lasso(prior=ElasticNet(0.0, 1.0)), "takes out the bias of an L1 penalty"),
        (lasso(likelihood=StudentTNoise(4.0)), "is for Gaussian noise; the problem has StudentTNoise"),
        (lasso(intercept=Gaussian(1.0)), "intercept must be flat"),
    ],
)
def test_what_debiased_is_not_for(problem: Problem, said: str) -> None:
    assert not can_debias(problem)
    with pytest.raises(ParameterError, match=said):
        debiased(problem)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: debiased(lasso(), interval=95), "interval must be a number between 0 and 1"),
        (lambda: debiased(lasso(), nodewise=2.0), "nodewise must be a share"),
        (lambda: debiased(lasso(), sigma="joint"), "sigma='joint' is no estimate"),
        (lambda: bootstrap(lasso(), interval=0), "interval must be a number between 0 and 1"),
        (lambda: bootstrap(lasso(), replications=1), "replications must be an integer >= 10"),
        (lambda: bootstrap(lasso(likelihood=StudentTNoise(3.0))), "not convex"),
    ],
)
def test_settings_are_read(call: Any, said: str) -> None:
    assert can_debias(lasso())
    with pytest.raises(ParameterError, match=said):
        call()
