"""The curve of held-out losses, against a plain loop over scikit-learn's estimators."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import optimize, sparse
from scipy.special import expit
from sklearn.linear_model import PoissonRegressor, lars_path
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    TimeSeriesSplit,
    cross_val_score,
)

from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.penalty_path.solve import followed, solve_path
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength import ScaleChoice, choose_scale
from bayesreg.strength.held_out import degrees_of_freedom
from tests.problems import make_problem
from tests.strength.oracle import SIGMA, data, lasso, log_score, ridge, scaled, squared_errors

KNOWN = GaussianNoise(SIGMA)
SCALES = np.geomspace(0.02, 3.0, 8)


def squared(choice: ScaleChoice) -> Array:
    return choice.curve["squared_error"].to_numpy()


def check_curve(choice: ScaleChoice, errors: Array, sizes: Array, sigma: float = SIGMA) -> None:
    """The whole curve is `errors` (folds, g) of folds of these sizes, in both losses; its shape could be got wrong."""
    mean = sizes @ errors / sizes.sum()
    np.testing.assert_allclose(squared(choice), mean, rtol=1e-6)
    np.testing.assert_allclose(choice.curve["value"], log_score(mean, sigma), rtol=1e-6)
    assert choice.scale == choice.curve["scale"][np.argmin(mean)]
    assert np.ptp(mean) > 1e-2 * mean.min()


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_curve_is_scikit_learns(kind: Any, standardize: bool) -> None:
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=kind(1.0), likelihood=KNOWN, standardize=standardize)
    make = lasso if kind is Laplace else ridge
    splits = KFold(5, shuffle=True, random_state=1)
    expected = squared_errors(
        lambda s, n: scaled(make(s, n)) if standardize else make(s, n), SCALES, X, y, splits.split(X)
    )
    check_curve(choose_scale(problem, "cv", folds=splits, scales=SCALES), *expected)


def test_standardising_on_all_rows_would_be_another_curve() -> None:
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=KNOWN)
    expected = squared_errors(ridge, SCALES, problem.design.rows.collect().X, y, KFold(5).split(X))
    with pytest.raises(AssertionError):
        check_curve(choose_scale(problem, "cv", folds=KFold(5), scales=SCALES), *expected)


GROUPS = np.random.default_rng(5).integers(0, 9, 60)


@pytest.mark.parametrize(
    "splitter", [GroupKFold(4), TimeSeriesSplit(4), LeaveOneOut(), ShuffleSplit(3, random_state=0)]
)
def test_splitters_are_cross_val_scores(splitter: Any) -> None:
    X, y = data()
    groups = GROUPS if isinstance(splitter, GroupKFold) else None
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=KNOWN)
    choice = choose_scale(problem, "cv", folds=splitter, groups=groups, scales=SCALES)
    sizes = np.array([len(test) for _, test in splitter.split(X, y, groups)])
    scoring = {"scoring": "neg_mean_squared_error", "cv": splitter, "groups": groups}
    errors = -np.array([cross_val_score(scaled(ridge(s, 0)), X, y, **scoring) for s in SCALES]).T
    check_curve(choice, errors, sizes)
    rows = [np.isin(np.arange(60), test) for _, test in splitter.split(X, y, groups)]
    if not isinstance(splitter, TimeSeriesSplit):
        masks = choose_scale(problem, "cv", folds=rows, scales=SCALES)
        np.testing.assert_array_equal(masks.curve, choice.curve)


def test_as_many_folds_as_rows_leave_one_out() -> None:
    X, y = data(20, 3)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=KNOWN)
    given, named = (choose_scale(problem, "cv", folds=folds, scales=SCALES) for folds in (LeaveOneOut(), 20))
    np.testing.assert_allclose(named.curve, given.curve, rtol=1e-9)
    assert "leave-one-out cross-validation" in named.sentence


def test_without_an_intercept() -> None:
    X, y = data()
    y = y - y.mean()
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=KNOWN, intercept=None, standardize=False)
    expected = squared_errors(lambda s, n: ridge(s, n, fit_intercept=False), SCALES, X, y, KFold(5).split(X))
    check_curve(choose_scale(problem, "cv", folds=KFold(5), scales=SCALES), *expected)


def test_a_sparse_x_is_scaled_and_not_centred() -> None:
    X, y = data()
    X = np.where(np.random.default_rng(1).random(X.shape) < 0.5, 0.0, X)
    problem = Problem.from_arrays(sparse.csr_array(X), y, prior=Gaussian(1.0), likelihood=KNOWN)
    # A flat intercept takes the means up, whether they were taken off the columns or not.
    expected = squared_errors(lambda s, n: scaled(ridge(s, n)), SCALES, X, y, KFold(5).split(X))
    check_curve(choose_scale(problem, "cv", folds=KFold(5), scales=SCALES), *expected)


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_a_column_that_is_constant_in_a_fold_stays_at_the_prior(kind: Any) -> None:
    X, y = data()
    X[:, 2] = np.arange(60) < 9  # KFold's first fold holds out every row where it is not 0
    problem = Problem.from_arrays(X, y, prior=kind(1.0), likelihood=KNOWN)
    make = lasso if kind is Laplace else ridge
    expected = squared_errors(lambda s, n: scaled(make(s, n)), SCALES, X, y, KFold(5).split(X))
    check_curve(choose_scale(problem, "cv", folds=KFold(5), scales=SCALES), *expected)


def test_more_columns_than_rows() -> None:
    X, y = data(40, 60)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=KNOWN)
    choice = choose_scale(problem, "cv", folds=KFold(5))
    scales = choice.curve["scale"].to_numpy()
    errors = []
    for train, test in KFold(5).split(X):
        centre, sd, mean = X[train].mean(axis=0), X[train].std(axis=0), y[train].mean()
        # The whole path at its kinks: coordinate descent would not get to the weak end of it.
        alphas, _, coefficients = lars_path((X[train] - centre) / sd, y[train] - mean, method="lasso")
        wanted = SIGMA**2 / (32 * scales)
        beta = np.array([np.interp(wanted, alphas[::-1], row[::-1]) for row in coefficients])
        errors.append(((y[test, None] - mean - (X[test] - centre) / sd @ beta) ** 2).mean(axis=0))
    check_curve(choice, np.array(errors), np.full(5, 8))


def test_weights_weigh_fits_columns_and_losses_and_no_weight_is_no_row() -> None:
    X, y = data()
    weights = np.resize([1.0, 2.0, 0.5, 0.0], 60)
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=KNOWN, weights=weights)
    choice = choose_scale(problem, "cv", folds=KFold(5), scales=SCALES)
    kept = np.flatnonzero(weights > 0)
    errors, sizes = [], []
    for train, test in KFold(5).split(kept):
        train, test = kept[train], kept[test]
        centre = np.average(X[train], axis=0, weights=weights[train])
        sd = np.sqrt(np.average((X[train] - centre) ** 2, axis=0, weights=weights[train]))
        Z = (X - centre) / sd
        fits = [ridge(s, 0).fit(Z[train], y[train], sample_weight=weights[train]) for s in SCALES]
        errors.append([np.average((y[test] - f.predict(Z[test])) ** 2, weights=weights[test]) for f in fits])
        sizes.append(weights[test].sum())
    check_curve(choice, np.array(errors), np.array(sizes))


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_weight_two_is_the_row_given_twice(kind: Any) -> None:
    X, y = data(30, 3)
    weights = 1 + np.arange(30) % 3
    ids = np.repeat(np.arange(30), weights)
    masks = [np.arange(30) % 3 == k for k in range(3)]
    weighted = Problem.from_arrays(X, y, prior=kind(1.0), weights=weights)
    repeated = Problem.from_arrays(X[ids], y[ids], prior=kind(1.0))
    one = choose_scale(weighted, "cv", folds=masks, scales=SCALES)
    two = choose_scale(repeated, "cv", folds=[mask[ids] for mask in masks], scales=SCALES)
    np.testing.assert_allclose(one.curve, two.curve, rtol=1e-6)


# -- the log score where σ is unknown ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_an_unknown_sigma_is_estimated_from_the_training_rows(kind: Any) -> None:
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=kind(1.0))
    choice = choose_scale(problem, "cv", folds=KFold(5), scales=SCALES, sigma=SIGMA)
    expected = np.zeros((5, SCALES.size))
    for i, (train, test) in enumerate(KFold(5).split(X)):
        Z = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
        for j, s in enumerate(SCALES):
            fit = (lasso if kind is Laplace else ridge)(s, 48).fit(Z[train], y[train])
            hat = Z[train] @ np.linalg.solve(Z[train].T @ Z[train] + (SIGMA / s) ** 2 * np.eye(6), Z[train].T)
            used = 1 + (np.count_nonzero(fit.coef_) if kind is Laplace else np.trace(hat))
            variance = np.sum((y[train] - fit.predict(Z[train])) ** 2) / (48 - used)
            expected[i, j] = log_score(np.mean((y[test] - fit.predict(Z[test])) ** 2), np.sqrt(variance))
    np.testing.assert_allclose(choice.curve["value"], expected.mean(axis=0), rtol=1e-6)
    known = choose_scale(problem.at(SIGMA), "cv", folds=KFold(5), scales=SCALES)
    np.testing.assert_allclose(squared(choice), squared(known), rtol=1e-9)
    assert (np.abs(choice.curve["value"] - known.curve["value"]) > 1e-3).all()


def test_where_nothing_is_left_to_estimate_sigma_from_the_log_score_is_infinite() -> None:
    X, y = data(20, 30)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    curve = choose_scale(problem, "cv", sigma=1.0, scales=np.geomspace(1e-2, 1e6, 12)).curve
    assert np.isinf(curve["value"].iloc[-1])
    assert np.isfinite(curve["value"].iloc[0])
    assert np.isfinite(curve["squared_error"]).all()


def test_degrees_of_freedom_are_the_trace_of_the_smoother() -> None:
    """∂ŷ/∂y by differences: of ridges (one of more columns than rows), a lasso, a group lasso, an elastic net."""
    from bayesreg.penalized import fit_penalized
    from bayesreg.priors import ElasticNet, GroupLaplace

    y = data(15)[1]

    def fitted(prior: Any, p: int, response: Array) -> tuple[Array, Problem, Array]:
        problem = Problem.from_arrays(data(15, p)[0], response, prior=prior, likelihood=KNOWN)
        fit = fit_penalized(problem)
        theta = problem.join(fit.intercept, fit.beta)
        return problem.linear_predictor(problem.design.rows.collect(), theta), problem, theta

    counts = []
    groups = GroupLaplace([0, 0, 1, 1, 2, 2], 0.2)
    for prior, p in (
        (Gaussian(0.4), 6),
        (Gaussian(0.4), 30),
        (Laplace(0.2), 6),
        (groups, 6),
        (ElasticNet(4.0, 2.0), 6),
    ):
        _, problem, theta = fitted(prior, p, y)
        family = ScaleFamily(prior.bind(problem.names, problem.design.terms), 1.0, factor=True)
        found = float(degrees_of_freedom(problem, family, np.ones(1), theta[None])[0])
        h = 1e-4 * np.eye(15)
        trace = sum((fitted(prior, p, y + h[i])[0][i] - fitted(prior, p, y - h[i])[0][i]) / 2e-4 for i in range(15))
        assert found == pytest.approx(trace, rel=1e-4)
        counts.append(found)
    assert len({round(count, 2) for count in counts}) == len(counts)


# -- other families ----------------------------------------------------------------------------------------------------


def logistic(Z: Array, y: Array, l1: float, l2: float) -> Array:
    """(intercept, coefficients) minimising Σ nll + l1‖β‖₁ + l2‖β‖², β in its positive and negative parts."""
    p = Z.shape[1]
    A = np.column_stack([np.ones(y.size), Z, -Z])

    def objective(v: Array) -> tuple[float, Array]:
        eta = A @ v
        beta = v[1 : p + 1] - v[p + 1 :]
        value = np.logaddexp(0, eta).sum() - y @ eta + l1 * v[1:].sum() + l2 * beta @ beta
        slope = A.T @ (expit(eta) - y)
        slope[1:] += l1 + 2 * l2 * np.concatenate([beta, -beta])
        return value, slope

    bounds = [(None, None)] + [(0, None)] * (2 * p)
    options = {"ftol": 1e-15, "gtol": 1e-9}
    best = optimize.minimize(objective, np.zeros(2 * p + 1), jac=True, bounds=bounds, options=options).x
    return np.append(best[0], best[1 : p + 1] - best[p + 1 :])


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_classes(kind: Any) -> None:
    X, y = data(80, 3)
    y = (y > np.median(y)).astype(float)
    problem = Problem.from_arrays(X, y, prior=kind(1.0), likelihood=BernoulliLogit())
    folds = StratifiedKFold(4)
    choice = choose_scale(problem, "cv", folds=folds, scales=SCALES)
    nll, brier = np.empty((2, 4, SCALES.size))
    for i, (train, test) in enumerate(folds.split(X, y)):
        Z = (X - X[train].mean(axis=0)) / X[train].std(axis=0)
        for j, scale in enumerate(SCALES):
            theta = logistic(Z[train], y[train], *((1 / scale, 0.0) if kind is Laplace else (0.0, 0.5 / scale**2)))
            eta = theta[0] + Z[test] @ theta[1:]
            nll[i, j] = np.logaddexp(0, -np.where(y[test] == 1, 1.0, -1.0) * eta).mean()
            brier[i, j] = ((y[test] - expit(eta)) ** 2).mean()
    np.testing.assert_allclose(choice.curve["value"], nll.mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(squared(choice), brier.mean(axis=0), rtol=1e-5)
    assert choice.scale == SCALES[np.argmin(nll.mean(axis=0))]


def test_counts_with_exposure() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3)) * [1.0, 2.0, 0.5]
    exposure = rng.uniform(0.5, 3.0, 60)
    y = rng.poisson(exposure * np.exp(0.3 + 0.4 * X[:, 0])).astype(float)
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=PoissonLog(), exposure=exposure)
    choice = choose_scale(problem, "cv", folds=KFold(4), scales=SCALES)
    errors = np.empty((4, SCALES.size))
    for i, (train, test) in enumerate(KFold(4).split(X)):
        for j, s in enumerate(SCALES):
            # y/exposure weighted by exposure: the same likelihood, divided by Σ exposure.
            alpha = 1 / (exposure[train].sum() * s**2)
            fit = scaled(PoissonRegressor(alpha=alpha, solver="newton-cholesky", tol=1e-10)).fit(
                X[train], y[train] / exposure[train], poissonregressor__sample_weight=exposure[train]
            )
            errors[i, j] = np.mean((y[test] - exposure[test] * fit.predict(X[test])) ** 2)
    np.testing.assert_allclose(squared(choice), errors.mean(axis=0), rtol=1e-6)


# -- the two paths -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["plain", "weights", "no-intercept", "raw", "wide", "located"])
@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_path_from_sums_is_the_path_fit_by_fit(kind: Any, form: str) -> None:
    options: dict[str, Any] = {
        "plain": {},
        "weights": {"weights": np.arange(30) % 3},
        "no-intercept": {"intercept": None},
        "raw": {"standardize": False},
        "wide": {"n": 12, "p": 20},
        "located": {"intercept": Gaussian(2.0, loc=1.0)},
    }[form]
    problem = make_problem(prior=kind(1.0, loc=0.3 if form == "located" else 0.0), **options)
    family, scales = ScaleFamily.of(problem, "test"), np.geomspace(0.01, 3.0, 12)
    paths = (path(problem, family, scales) for path in (solve_path, followed))
    for fast, slow in zip(*paths, strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-6, atol=1e-9)
