"""The mode without each row is the fit of the others, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from bayesreg.discard import face_without, left_out
from bayesreg.discard.left_out import SLOW_ROWS, affordable, modes_without, residual_sd_without
from bayesreg.discard.refits import without
from bayesreg.discard.reweighted import Reweighted
from bayesreg.errors import DataWarning, FitError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.noise import resolve_noise
from bayesreg.optimality import kkt_residual, kkt_tolerance
from bayesreg.penalized import fit_at, fit_penalized
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from tests.problems import FAMILIES, FORMS, P, extras, make_problem

PRIORS: dict[str, Callable[[], Any]] = {
    "laplace": lambda: Laplace(0.15),
    "laplace-located": lambda: Laplace(np.full(P, 0.1), loc=np.array([0.3, 0.0, -0.2, 0.0])),
    "gaussian": lambda: Gaussian(0.5),
    "elastic-net": lambda: ElasticNet(4.0, 1.0),
    "groups": lambda: GroupLaplace([0, 0, 1, 1], 0.3),
}


def check(problem: Problem, sigma: float | str | None = None, atol: float = 1e-6, most: int = 100) -> left_out.LeftOut:
    """Every row's mode (of the first so many) is that of a fit without it, dispersion included."""
    optimum = fit_penalized(problem, sigma)
    weights = problem.design.rows.collect().weights
    rows = np.arange(problem.n) if weights is None else np.flatnonzero(weights > 0)
    rows = rows[:most]
    found = modes_without(problem, optimum, rows, sigma)
    assert found.theta.shape == (rows.size, len(problem.labels))
    held = resolve_noise(problem, sigma).method in ("given", "cv_lasso")
    for k, row in enumerate(rows):
        left = without(problem, int(row))
        noise = resolve_noise(problem if held else left, sigma)
        alone = fit_at(left, noise, optimum.beta)
        np.testing.assert_allclose(found.theta[k], left.join(alone.intercept, alone.beta), atol=atol)
        if found.sigma is not None:
            assert found.sigma[k] == pytest.approx(alone.sigma, rel=1e-6)
        fixed = left.conditional(None if found.sigma is None else float(found.sigma[k]))
        assert (kkt_residual(fixed, found.theta[k]) <= kkt_tolerance(fixed, found.theta[k])).all()
    return found


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson", "gamma", "binomial"])
def test_every_pair_at_a_known_dispersion(kind: str, prior: str) -> None:
    found = check(make_problem(kind, prior=PRIORS[prior]()))
    assert found.refitted.mean() < 0.8


@pytest.mark.parametrize("kind", sorted(FAMILIES))
def test_weights_offsets_and_no_intercept(kind: str) -> None:
    most = 4 if kind == "student-t" else 30  # whose fits search from many starts
    check(make_problem(kind, prior=Laplace(0.15), **extras()), atol=2e-6, most=most)
    check(make_problem(kind, prior=Gaussian(0.4), intercept=None), atol=2e-6, most=most)
    check(make_problem(kind, prior=Laplace(0.3), intercept=Gaussian(1.0), standardize=False), atol=2e-6, most=most)


@pytest.mark.parametrize("sigma", [None, "residual", "cv_lasso", 1.3, "joint"])
def test_an_unknown_sigma_is_found_as_it_was(sigma: float | str | None) -> None:
    found = check(make_problem("gaussian", prior=Laplace(0.15), likelihood=GaussianNoise()), sigma)
    assert found.sigma is not None
    assert bool(np.ptp(found.sigma) == 0) is (sigma in ("cv_lasso", 1.3))


def test_weights_with_an_unknown_sigma() -> None:
    check(make_problem("gaussian", prior=Laplace(0.15), likelihood=GaussianNoise(), **extras()))
    check(make_problem("gaussian", prior=Gaussian(0.15), likelihood=GaussianNoise(), scale_by_noise=True))


@pytest.mark.parametrize("likelihood", [NegativeBinomialLog(), GammaLog(), StudentTNoise(4.0)])
def test_other_dispersions_at_the_joint_mode(likelihood: Any) -> None:
    kind = {"NegativeBinomialLog": "negative-binomial", "GammaLog": "gamma"}.get(type(likelihood).__name__, "student-t")
    check(make_problem(kind, prior=Gaussian(0.3), likelihood=likelihood), atol=1e-5, most=4)


def test_sparse_rows_and_more_columns_than_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4)) * (rng.uniform(size=(30, 4)) < 0.5)
    y = X[:, 0] + rng.normal(size=30)
    check(Problem.from_arrays(sparse.csr_array(X), y, prior=Laplace(0.2), likelihood=GaussianNoise(1.0)))
    wide = rng.normal(size=(15, 40))
    y = wide[:, 0] + rng.normal(size=15)
    check(Problem.from_arrays(wide, y, prior=Laplace(0.1), likelihood=GaussianNoise(1.0)))


def test_no_columns_and_a_flat_prior() -> None:
    y = np.random.default_rng(0).normal(size=12)
    found = check(Problem.from_arrays(np.empty((12, 0)), y, prior=Gaussian(1.0), likelihood=GaussianNoise(1.0)))
    np.testing.assert_allclose(found.theta[:, 0], (y.sum() - y) / 11)
    check(make_problem("gaussian", prior=Flat(), likelihood=GaussianNoise()))


def test_a_penalty_that_is_not_convex_stays_near_the_mode() -> None:
    problem = make_problem("gaussian", prior=Bridge(1.0, 0.5))
    optimum = fit_penalized(problem)
    found = modes_without(problem, optimum, np.arange(problem.n))
    assert found.refitted.all()
    for row, theta in enumerate(found.theta):
        left = without(problem, row)
        assert (kkt_residual(left, theta) <= kkt_tolerance(left, theta)).all()
        assert left.value(theta) <= left.value(problem.join(optimum.intercept, optimum.beta)) + 1e-9


def test_the_point_of_all_rows_is_not_that_without_one() -> None:
    """What a check against the mode of all rows would let pass."""
    problem = make_problem("gaussian", prior=Laplace(0.15))
    optimum = fit_penalized(problem)
    found = modes_without(problem, optimum, np.arange(problem.n))
    assert np.abs(found.theta - problem.join(optimum.intercept, optimum.beta)).max(axis=1).min() > 1e-6


def test_residual_sds_are_least_squares_without_the_row() -> None:
    problem = make_problem("gaussian", prior=Laplace(0.15), likelihood=GaussianNoise(), **extras())
    weights = problem.design.rows.collect().weights
    assert weights is not None
    rows = np.flatnonzero(weights)
    expected = [resolve_noise(without(problem, int(row)), "residual").sigma for row in rows]
    np.testing.assert_allclose(residual_sd_without(problem, rows), expected, rtol=1e-10)


def test_a_row_that_alone_tells_of_a_column() -> None:
    X = np.zeros((10, 2))
    X[3, 1] = 1.0
    X[:, 0] = np.random.default_rng(0).normal(size=10)
    y = X[:, 0] + np.random.default_rng(1).normal(size=10)
    raw = Problem.from_arrays(X, y, prior=Gaussian(1.0), standardize=False)
    expected = [resolve_noise(without(raw, i), "residual").sigma for i in range(10)]
    np.testing.assert_allclose(residual_sd_without(raw, np.arange(10)), expected, rtol=1e-10)


def test_rows_that_leave_nothing_are_named() -> None:
    X = np.random.default_rng(0).normal(size=(5, 3))
    problem = Problem.from_arrays(X, X[:, 0] + [0, 0, 1, 0, 1], prior=Laplace(1.0))
    with pytest.raises(FitError, match="without row 0 least squares leaves no residual"):
        modes_without(problem, fit_penalized(problem), np.arange(5))
    y = np.array([0.0, 0, 0, 0, 0, 1])
    x = np.random.default_rng(0).normal(size=(6, 1))
    x[-1] = 0.0
    one = Problem.from_arrays(x, y, prior=Flat(), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="without row 5"):
        modes_without(one, fit_penalized(one), np.arange(6))


def test_how_many_are_affordable(diabetes: Posterior) -> None:
    problem = diabetes.problem
    assert affordable(problem, fit_penalized(problem), None) > 2000
    cusps = make_problem("gaussian", prior=Bridge(1.0, 0.5))
    assert affordable(cusps, fit_penalized(cusps), None) == SLOW_ROWS
    assert affordable(problem, fit_penalized(problem), "joint") == SLOW_ROWS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("prior", [Laplace(0.1), GroupLaplace([0, 0, 1, 1], 0.5), Bridge(0.9, 1.5)], ids=repr)
@pytest.mark.parametrize("scaled", [False, True])
def test_every_form_with_sigma_found_anew(form: str, prior: Any, scaled: bool) -> None:
    problem = FORMS[form]("gaussian", likelihood=GaussianNoise(), scale_by_noise=scaled, prior=prior)
    found = check(problem, most=12)
    assert found.sigma is not None
    assert np.ptp(found.sigma) > 0
    assert not found.refitted.all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", ["bernoulli", "binomial", "poisson"])
def test_every_form_of_groups(kind: str, form: str) -> None:
    check(FORMS[form](kind, prior=GroupLaplace([0, 0, 1, 1], 0.3)), atol=2e-6, most=12)


def test_all_at_zero_and_no_intercept_leave_nothing_to_solve_for() -> None:
    found = check(make_problem("gaussian", prior=Laplace(1e-3), intercept=None))
    assert not found.theta.any()
    assert not found.refitted.any()


def test_least_squares_without_a_row_is_the_textbook_formula() -> None:
    problem = make_problem("gaussian", prior=Flat(), likelihood=GaussianNoise())
    block = problem.design.rows.collect()
    A = np.column_stack([np.ones(problem.n), block.X])
    inverse = np.linalg.pinv(A)
    theta, hat = inverse @ block.y, np.diag(A @ inverse)
    change = (inverse * ((block.y - A @ theta) / (1 - hat))).T
    found = modes_without(problem, fit_penalized(problem), np.arange(problem.n))
    np.testing.assert_allclose(found.theta, theta - change, atol=1e-9)


def test_columns_of_very_unequal_units_and_means_keep_their_rank() -> None:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(20, 3)) * [1e7, 1e-7, 1.0] + [0.0, 0.0, 1e6]
    with pytest.warns(DataWarning, match="not standardised"):
        raw = Problem.from_arrays(X, rng.normal(size=20), prior=Gaussian(1.0), standardize=False)
    expected = [resolve_noise(without(raw, i), "residual").sigma for i in range(20)]
    np.testing.assert_allclose(residual_sd_without(raw, np.arange(20)), expected, rtol=1e-6)


def test_a_row_of_weight_zero_changes_nothing() -> None:
    weights = np.ones(30)
    weights[4] = 0.0
    problem = make_problem("gaussian", weights=weights, likelihood=GaussianNoise())
    optimum = fit_penalized(problem)
    found = modes_without(problem, optimum, np.array([4]))
    np.testing.assert_allclose(found.theta[0], problem.join(optimum.intercept, optimum.beta), atol=1e-9)
    assert found.sigma is not None
    assert found.sigma[0] == pytest.approx(optimum.sigma, rel=1e-12)


def test_steps_on_the_wrong_face_are_told(diabetes: Posterior) -> None:
    problem = diabetes.problem
    fixed = problem.conditional(resolve_noise(problem).sigma)
    off = fit_penalized(fixed.with_prior(Laplace(0.5)))  # that of a much stronger prior
    theta = problem.join(off.intercept, off.beta)
    found, held = face_without.steps_on_face(fixed, theta, np.arange(5), np.ones(5), scaled=False)
    assert not held.any()
    assert np.isfinite(found).all()


def test_the_check_tells_a_penalty_that_is_ten_per_cent_off() -> None:
    problem = make_problem("gaussian", prior=Laplace(0.2))
    off = problem.with_prior(Laplace(0.22))
    found = modes_without(off, fit_penalized(off), np.arange(5))
    right = modes_without(problem, fit_penalized(problem), np.arange(5))
    assert np.abs(found.theta - right.theta).max() > 1e-4


def test_rows_in_small_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem("poisson", prior=GroupLaplace([0, 0, 1, 1], 0.3))
    optimum = fit_penalized(problem)
    whole = modes_without(problem, optimum, np.arange(30))
    monkeypatch.setattr(face_without, "CELLS", 100)
    pieces = modes_without(problem, optimum, np.arange(30))
    np.testing.assert_allclose(pieces.theta, whole.theta, atol=1e-12)


def test_a_row_that_alone_keeps_classes_from_being_separated_is_named() -> None:
    x = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 2.5])
    y = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    problem = Problem.from_arrays(x[:, None], y, prior=Flat(), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="without row 6"):
        modes_without(problem, fit_penalized(problem), np.array([6]))


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "gamma"])
@pytest.mark.parametrize("prior", PRIORS)
def test_other_weights_from_a_point_nearby_have_the_mode_of_a_fit(kind: str, prior: str) -> None:
    problem = make_problem(kind, prior=PRIORS[prior]())
    start = fit_penalized(problem)
    weights: Array = np.random.default_rng(2).multinomial(30, np.full(30, 1 / 30)).astype(float)
    many = Reweighted.of(problem, problem)
    found = many.mode(weights, None, problem.join(start.intercept, start.beta))
    alone = fit_penalized(problem.reweighted(weights))
    np.testing.assert_allclose(found, problem.join(alone.intercept, alone.beta), atol=2e-6)


@pytest.mark.parametrize("unit", [1e-9, 1e6, 1e9, 1e12])
def test_the_unit_of_y_changes_nothing_but_units(unit: float) -> None:
    """A tolerance in nats per unit would be met by anything where y is large."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1, 0, -0.5] + rng.normal(size=60)
    found = []
    for t in (1.0, unit):
        problem = Problem.from_arrays(X, y * t, prior=Laplace(0.3 * t))
        left = left_out.modes_without(problem, fit_penalized(problem), np.arange(60))
        found.append((left.theta / t, left.sigma / t, left.refitted.sum()))
    assert found[0][2] > 5  # by steps on the face, and by a descent
    np.testing.assert_allclose(found[1][0], found[0][0], atol=1e-9)
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-12)
