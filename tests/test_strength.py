"""The scale that cross-validation picks, against a plain loop over scikit-learn's estimators."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import optimize
from scipy.special import expit
from sklearn.linear_model import Lasso, Ridge, lars_path

from bayesreg.datasets import load_dataset
from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.strength import cross_validated_scale
from bayesreg.strength import cross_validation as strength
from tests.problems import make_problem

SIGMA = 1.4


def data(n: int = 60, p: int = 6, seed: int = 0) -> tuple[Array, Array, Array]:
    """Raw columns, the same standardised over all rows, and a response to two of them."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))) * np.resize([1.0, 4.0], p) + 2.0
    y = 5.0 + X[:, 0] - 0.2 * X[:, 1] + SIGMA * rng.normal(size=n)
    return X, (X - X.mean(axis=0)) / X.std(axis=0), y


def held_out(problem: Problem, divisions: int, seed: int = 0) -> list[Array]:
    return list(strength._folds(problem, divisions, seed))


def check_choice(problem: Problem, expected: Array) -> None:
    """The whole curve of mean held-out loss (nats per row) is `expected`, so that its lowest point is too."""
    choice = cross_validated_scale(problem)
    np.testing.assert_allclose(choice.loss, expected, rtol=1e-6)
    assert choice.scale == choice.scales[np.argmin(expected)]
    assert 0 < np.argmin(expected) < choice.scales.size - 1, "the curve must have its lowest point inside"
    assert np.ptp(expected) > 1e-3


def gaussian_loss(y: Array, mean: Array, weights: Array | None = None) -> float:
    """Mean of −log N(y; mean, SIGMA²)."""
    return float(np.average((y - mean) ** 2, weights=weights) / (2 * SIGMA**2) + np.log(SIGMA * np.sqrt(2 * np.pi)))


def loop(estimators: list[object], Z: Array, y: Array, folds: list[Array], weights: Array | None = None) -> Array:
    """Mean held-out squared-error loss of each estimator, one fit after another."""
    losses = np.empty((len(folds), len(estimators)))
    for i, held in enumerate(folds):
        for j, estimator in enumerate(estimators):
            extra = {} if weights is None else {"sample_weight": weights[~held]}
            mean = estimator.fit(Z[~held], y[~held], **extra).predict(Z[held])  # type: ignore[attr-defined]
            losses[i, j] = gaussian_loss(y[held], mean, None if weights is None else weights[held])
    return losses.mean(axis=0)


def lassos(scales: Array, total: float) -> list[object]:
    """scikit-learn's objective is Σ(y − η)²/2n + α‖β‖₁, so that α = σ²/(n·b)."""
    return [Lasso(alpha=SIGMA**2 / (total * b), tol=1e-12, max_iter=200_000) for b in scales]


def ridges(scales: Array, **options: object) -> list[object]:
    """scikit-learn's objective is Σ(y − η)² + α‖β‖², so that α = σ²/τ²."""
    return [Ridge(alpha=SIGMA**2 / tau**2, solver="svd", **options) for tau in scales]  # type: ignore[arg-type]


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_curve_is_scikit_learns(kind: type, standardize: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "DIVISIONS", 2)
    monkeypatch.setattr(strength, "GRID", 20)
    X, Z, y = data()
    problem = Problem.from_arrays(X, y, prior=kind(1.0), likelihood=GaussianNoise(SIGMA), standardize=standardize)
    scales = cross_validated_scale(problem).scales
    folds = held_out(problem, strength.DIVISIONS)
    assert {held.sum() for held in folds} == {12}
    estimators = lassos(scales, 48) if kind is Laplace else ridges(scales)
    check_choice(problem, loop(estimators, Z if standardize else X, y, folds))


def test_without_an_intercept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "GRID", 20)
    X, _, y = data()
    y = y - y.mean()
    problem = Problem.from_arrays(
        X, y, prior=Gaussian(1.0), likelihood=GaussianNoise(SIGMA), intercept=None, standardize=False
    )
    scales = cross_validated_scale(problem).scales
    expected = loop(ridges(scales, fit_intercept=False), X, y, held_out(problem, strength.DIVISIONS))
    np.testing.assert_allclose(cross_validated_scale(problem).loss, expected, rtol=1e-6)


def test_weights_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "GRID", 20)
    X, _, y = data()
    weights = np.resize([1.0, 2.0, 0.5], 60)
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=GaussianNoise(SIGMA), weights=weights)
    centre, sd = problem.design.centre, problem.design.scale
    scales = cross_validated_scale(problem).scales
    folds = held_out(problem, strength.DIVISIONS)
    losses = loop(ridges(scales), (X - centre) / sd, y, folds, weights)
    check_choice(problem, losses)


def test_more_columns_than_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "DIVISIONS", 1)
    X, Z, y = data(40, 60)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(SIGMA))
    choice = cross_validated_scale(problem)
    losses = []
    for held in held_out(problem, 1):
        centre = Z[~held].mean(axis=0)
        # The whole path at its kinks: coordinate descent would not get to the weak end of it.
        alphas, _, coefficients = lars_path(Z[~held] - centre, y[~held] - y[~held].mean(), method="lasso")
        wanted = SIGMA**2 / (32 * choice.scales)
        beta = np.array([np.interp(wanted, alphas[::-1], row[::-1]) for row in coefficients])
        means = y[~held].mean() + (Z[held] - centre) @ beta
        losses.append([gaussian_loss(y[held], mean) for mean in means.T])
    np.testing.assert_allclose(choice.loss, np.mean(losses, axis=0), rtol=1e-6)
    assert choice.scale == choice.scales[np.argmin(np.mean(losses, axis=0))]


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
def test_classes(kind: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strength, "GRID", 8)
    X, Z, y = data(80, 3)
    y = (y > np.median(y)).astype(float)
    problem = Problem.from_arrays(X, y, prior=kind(1.0), likelihood=BernoulliLogit())
    choice = cross_validated_scale(problem)
    losses = np.empty((5, choice.scales.size))
    for i, held in enumerate(held_out(problem, 1)):
        for j, scale in enumerate(choice.scales):
            l1, l2 = (1 / scale, 0.0) if kind is Laplace else (0.0, 0.5 / scale**2)
            theta = logistic(Z[~held], y[~held], l1, l2)
            side = np.where(y[held] == 1, 1.0, -1.0)
            losses[i, j] = np.logaddexp(0, -side * (theta[0] + Z[held] @ theta[1:])).mean()
    np.testing.assert_allclose(choice.loss, losses.mean(axis=0), rtol=1e-5)
    assert choice.scale == choice.scales[np.argmin(losses.mean(axis=0))]


@pytest.mark.parametrize("form", ["plain", "weights", "no-intercept", "raw", "wide", "located"])
@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_path_from_sums_is_the_path_fit_by_fit(kind: type, form: str) -> None:
    options = {
        "plain": {},
        "weights": {"weights": np.arange(30) % 3},
        "no-intercept": {"intercept": None},
        "raw": {"standardize": False},
        "wide": {"n": 12, "p": 20},
        "located": {"intercept": Gaussian(2.0, loc=1.0)},
    }[form]
    prior = kind(1.0, loc=0.3 if form == "located" else 0.0)
    problem = make_problem(prior=prior, **options)
    scales = np.geomspace(0.01, 3.0, 12)
    for fast, slow in zip(strength._quadratic_path(problem, scales), strength._path(problem, scales), strict=True):
        np.testing.assert_allclose(fast, slow, rtol=1e-6, atol=1e-9)


# -- folds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [5, 23, 60])
def test_folds_part_the_rows_evenly_each_division_another_way(n: int) -> None:
    problem = Problem.from_arrays(np.arange(n * 1.0)[:, None], np.arange(n * 1.0), prior=Laplace(1.0))
    folds = np.array(held_out(problem, 3)).reshape(3, 5, n)
    assert (folds.sum(axis=1) == 1).all()
    assert np.ptp(folds.sum(axis=2)) <= 1
    assert (folds[0] != folds[1]).any()
    np.testing.assert_array_equal(np.array(held_out(problem, 3)).reshape(3, 5, n), folds)
    assert n == 5 or (np.array(held_out(problem, 3, seed=1)).reshape(3, 5, n) != folds).any()


# -- what is chosen and said -----------------------------------------------------------------------------------------


def test_the_strongest_scale_keeps_every_coefficient_at_zero() -> None:
    X, _, y = data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(SIGMA))
    scales = cross_validated_scale(problem).scales
    assert scales[-1] / scales[0] == pytest.approx(1000)
    assert not fit_penalized(problem.with_prior(Laplace(scales[0] * (1 - 1e-9)))).beta.any()
    assert fit_penalized(problem.with_prior(Laplace(scales[0] * (1 + 1e-4)))).beta.any()


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_priors_own_scale_does_not_matter(kind: type) -> None:
    X, _, y = data()
    first, second = (cross_validated_scale(Problem.from_arrays(X, y, prior=kind(scale))) for scale in (0.01, 10.0))
    assert first.scale == second.scale


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_units_of_y_carry_over(kind: type) -> None:
    X, _, y = data()
    small, large = (cross_validated_scale(Problem.from_arrays(X, c * y, prior=kind(1.0))) for c in (1.0, 1000.0))
    assert large.scale == pytest.approx(1000 * small.scale, rel=1e-9)


def test_a_scale_in_units_of_sigma_is_the_same_prior() -> None:
    X, _, y = data()
    plain = Problem.from_arrays(X, y, prior=Laplace(1.0))
    choice = cross_validated_scale(plain, sigma=2.0)
    scaled = cross_validated_scale(replace(plain, scale_by_noise=True), sigma=2.0)
    assert scaled.scale * 2.0 == pytest.approx(choice.scale)
    np.testing.assert_allclose(scaled.loss, choice.loss, rtol=1e-9)


def test_sigma_moves_the_scale_and_not_the_fit() -> None:
    # Under Gaussian noise only σ²/b counts, so that the chosen penalty is the same whatever σ.
    X, _, y = data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    first, second = (cross_validated_scale(problem, sigma=sigma).scale / sigma**2 for sigma in (1.0, 3.0))
    assert first == pytest.approx(second, rel=1e-9)


def test_the_joint_mode_takes_the_default_plug_in() -> None:
    X, _, y = data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    assert cross_validated_scale(problem, sigma="joint").scale == cross_validated_scale(problem).scale


def test_the_same_seed_picks_the_same_scale() -> None:
    problem = make_problem()
    losses = [cross_validated_scale(problem, seed=seed).loss for seed in (0, 0, 1)]
    np.testing.assert_array_equal(losses[0], losses[1])
    assert (losses[0] != losses[2]).any()


def test_the_sentence_says_how() -> None:
    X, _, y = data()
    choice = cross_validated_scale(Problem.from_arrays(X, y, prior=Laplace(1.0)))
    assert choice.sentence == (
        f"scale = {choice.scale:.4g}, chosen by 5-fold cross-validation (4 divisions) over 40 values"
    )
    assert (choice.standard_error > 0).all()


def test_the_sentence_says_where_the_grid_ended() -> None:
    X, _, _ = data()
    noise = np.random.default_rng(3).normal(size=60)
    choice = cross_validated_scale(Problem.from_arrays(X, noise, prior=Laplace(1.0)))
    assert choice.scale == choice.scales[0]
    assert choice.sentence.endswith("(the end of the grid)")
    y = X @ np.full(6, 3.0) + 1e-3 * noise
    choice = cross_validated_scale(Problem.from_arrays(X, y, prior=Gaussian(1.0)), sigma=1.0)
    assert choice.scale == choice.scales[-1]
    assert choice.sentence.endswith("(the end of the grid)")


@pytest.mark.parametrize(("n", "p"), [(4, 1), (20, 0)])
def test_too_little_to_divide(n: int, p: int) -> None:
    rng = np.random.default_rng(0)
    problem = Problem.from_arrays(rng.normal(size=(n, p)), rng.normal(size=n), prior=Laplace(1.0))
    with pytest.raises(FitError, match=f"needs at least 5 rows and a column \\(got {n} x {p}\\)"):
        cross_validated_scale(problem)


def test_diabetes() -> None:
    data = load_dataset("diabetes")
    problem = Problem.from_arrays(data.X, data.y, prior=Laplace(1.0))
    choice = cross_validated_scale(problem)
    fit = fit_penalized(problem.with_prior(Laplace(choice.scale)))
    # What LassoCV leaves out of these data, over a range of divisions, is age and a few of the lipids.
    assert fit.beta[0] == 0
    assert 6 <= np.count_nonzero(fit.beta) <= 9
