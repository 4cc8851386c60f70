"""The mode without each row: held to one full fit a row."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from bayesreg.discard import left_out_face
from bayesreg.discard.left_out import LeftOut, modes_without
from bayesreg.discard.left_out_noise import noise_without
from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, StudentTNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at, fit_penalized
from bayesreg.priors import Bridge, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from tests.problems import DISPERSED, FAMILIES, FORMS, make_problem
from tests.registry import PRIORS

SOME = ("laplace-by-column", "gaussian-located", "elastic-net", "group-laplace-by-column", "bridge-1.5", "flat")


def one_by_one(problem: Problem, rows: Array, sigma: float | str | None = None) -> tuple[Array, Array]:
    block = problem.design.rows.collect()
    thetas, sigmas = [], []
    for i in rows:
        weights = np.ones(problem.n) if block.weights is None else block.weights.copy()
        weights[i] = 0.0
        left = problem.reweighted(weights)
        found = fit_at(left, resolve_noise(left, sigma))
        thetas.append(problem.join(found.intercept, found.beta))
        sigmas.append(np.nan if found.sigma is None else found.sigma)
    return np.array(thetas), np.array(sigmas)


def check_left_out(problem: Problem, rows: Array | None = None, sigma: float | str | None = None) -> LeftOut:
    chosen = np.arange(0, problem.n, 3) if rows is None else rows
    found = modes_without(problem, fit_penalized(problem, sigma), chosen, sigma)
    theta, dispersion = one_by_one(problem, chosen, sigma)
    unit = np.maximum(1.0, np.abs(theta).max(axis=0))
    np.testing.assert_allclose(found.theta / unit, theta / unit, atol=2e-6)
    if found.sigma is None:
        assert np.isnan(dispersion).all()
    else:
        np.testing.assert_allclose(found.sigma, dispersion, rtol=1e-6)
    np.testing.assert_array_equal(found.rows, chosen)
    return found


@pytest.mark.parametrize("prior", SOME)
@pytest.mark.parametrize("kind", [kind for kind in FAMILIES if FAMILIES[kind].make().convex])
def test_equals_one_fit_a_row(kind: str, prior: str) -> None:
    check_left_out(make_problem(kind, prior=PRIORS[prior](4)))


@pytest.mark.parametrize("prior", ["laplace", "group-laplace"])
@pytest.mark.parametrize("form", [form for form in FORMS if form != "plain"])
@pytest.mark.parametrize("kind", ["gaussian", "binomial", "poisson"])
def test_equals_one_fit_a_row_in_every_form_of_problem(kind: str, form: str, prior: str) -> None:
    check_left_out(FORMS[form](kind, prior=PRIORS[prior](4)))


@pytest.mark.parametrize("form", list(FORMS))
@pytest.mark.parametrize("scale_by_noise", [False, True])
def test_an_unknown_noise_scale_is_estimated_without_the_row(form: str, scale_by_noise: bool) -> None:
    problem = FORMS[form]("gaussian", likelihood=GaussianNoise(), scale_by_noise=scale_by_noise, prior=Laplace(0.1))
    found = check_left_out(problem)
    assert found.sigma is not None
    assert np.ptp(found.sigma) > 0


def test_a_group_prior_in_units_of_the_noise_is_stretched_with_it() -> None:
    prior = GroupLaplace([0, 0, 1, 1], 0.3)
    found = check_left_out(make_problem(likelihood=GaussianNoise(), scale_by_noise=True, prior=prior))
    assert not found.refitted.all()


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_sparse_rows(kind: str) -> None:
    problem = make_problem(kind)
    block = problem.design.rows.collect()
    X = sparse.csr_array(np.where(np.abs(block.X) > 0.7, block.X, 0.0))
    likelihood = FAMILIES[kind].make()
    check_left_out(Problem.from_arrays(X, block.y, likelihood=likelihood, prior=Laplace(0.3)))


def test_more_columns_than_rows_and_no_columns() -> None:
    wide = make_problem(n=20, p=50, prior=Laplace(0.1), likelihood=GaussianNoise(1.0))
    found = check_left_out(wide)
    assert found.refitted.any()
    check_left_out(make_problem(p=0, likelihood=GaussianNoise()))


def test_a_dispersion_that_is_given_is_held_and_a_joint_one_is_optimised_anew() -> None:
    problem = make_problem(likelihood=GaussianNoise())
    rows = np.array([0, 7, 20])
    held = check_left_out(problem, rows, 1.3)
    assert held.sigma is not None
    assert (held.sigma == 1.3).all()
    joint = check_left_out(problem, rows, "joint")
    assert joint.sigma is not None
    assert np.ptp(joint.sigma) > 0


def test_a_noise_scale_of_a_cross_validated_lasso_is_held() -> None:
    problem = make_problem(likelihood=GaussianNoise())
    found = modes_without(problem, fit_penalized(problem, "cv_lasso"), np.array([3, 4]), "cv_lasso")
    assert found.sigma is not None
    assert (found.sigma == resolve_noise(problem, "cv_lasso").sigma).all()


@pytest.mark.parametrize("problem", [
    make_problem("student-t"), make_problem(prior=Bridge(1.0, 0.5)),
    make_problem("gamma", likelihood=DISPERSED["gamma"]()), make_problem("student-t", likelihood=StudentTNoise(3.0)),
], ids=["student-t", "bridge", "gamma", "student-t-joint"])  # fmt: skip
def test_where_nothing_is_convex_every_row_is_fitted(problem: Problem) -> None:
    assert check_left_out(problem, np.array([11])).refitted.all()


def test_a_row_of_weight_zero_changes_nothing() -> None:
    weights = np.ones(30)
    weights[4] = 0.0
    problem = make_problem(weights=weights, likelihood=GaussianNoise())
    optimum = fit_penalized(problem)
    found = modes_without(problem, optimum, np.array([4]))
    np.testing.assert_allclose(found.theta[0], problem.join(optimum.intercept, optimum.beta), atol=1e-9)
    assert found.sigma is not None
    assert found.sigma[0] == pytest.approx(optimum.sigma, rel=1e-12)


def test_least_squares_without_a_row_is_the_textbook_formula() -> None:
    problem = make_problem(prior=Flat(), likelihood=GaussianNoise())
    block = problem.design.rows.collect()
    A = np.column_stack([np.ones(30), block.X])
    hat = A @ np.linalg.pinv(A)
    residual = block.y - hat @ block.y
    theta = np.linalg.pinv(A) @ block.y
    change = (np.linalg.pinv(A) * (residual / (1 - np.diag(hat)))).T
    found = modes_without(problem, fit_penalized(problem), np.arange(30))
    np.testing.assert_allclose(found.theta, theta - change, atol=1e-9)
    press = np.sqrt((residual @ residual - residual**2 / (1 - np.diag(hat))) / (30 - 1 - 5))
    np.testing.assert_allclose(found.sigma, press, rtol=1e-10)


def test_on_the_face_is_found_what_a_fit_finds_and_elsewhere_is_told(diabetes: Posterior) -> None:
    problem = diabetes.problem
    found = check_left_out(problem, np.arange(0, 442, 40))
    assert not found.refitted.all()
    fixed = problem.conditional(resolve_noise(problem).sigma)
    off = fit_penalized(fixed.with_prior(Laplace(0.5)))  # the face of a much stronger prior
    wrong, held = left_out_face.steps_on_face(
        fixed, problem.join(off.intercept, off.beta), np.arange(5), np.ones(5), scaled=False
    )
    assert not held.any()
    assert np.isfinite(wrong).all()


def test_the_oracle_tells_a_penalty_that_is_ten_per_cent_off() -> None:
    problem = make_problem(prior=Laplace(0.2))
    off = problem.with_prior(Laplace(0.22))
    found = modes_without(off, fit_penalized(off), np.arange(5))
    theta, _ = one_by_one(problem, np.arange(5))
    assert np.abs(found.theta - theta).max() > 1e-4


def test_a_row_that_alone_holds_a_column_is_refused_by_name() -> None:
    X, y = np.eye(12)[:, :2], np.linspace(-1, 1, 12)
    X[2:, 1] = np.linspace(0, 1, 10)
    problem = Problem.from_arrays(X, y, prior=Flat(), likelihood=GaussianNoise(1.0))
    optimum = fit_penalized(problem)
    assert modes_without(problem, optimum, np.array([5])).theta.shape == (1, 3)
    with pytest.raises(FitError, match="without row 0"):
        modes_without(problem, optimum, np.array([5, 0]))


def test_a_row_that_alone_keeps_classes_apart_from_separation_is_refused() -> None:
    x = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0, 2.5])
    y = np.array([0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0])
    problem = Problem.from_arrays(x[:, None], y, prior=Flat(), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="without row 6"):
        modes_without(problem, fit_penalized(problem), np.array([6]))


def test_a_single_success_cannot_be_left_out() -> None:
    y = np.zeros(20)
    y[3] = 1.0
    X = np.random.default_rng(0).normal(size=(20, 2))
    problem = Problem.from_arrays(X, y, prior=Gaussian(0.5), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="without row 3"):
        modes_without(problem, fit_penalized(problem), np.array([3]))


def test_a_dummy_column_of_one_row_leaves_the_noise_scale_to_be_resolved_anew() -> None:
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=15), np.eye(15)[0]])
    problem = Problem.from_arrays(X, rng.normal(size=15), prior=Laplace(0.5))
    assert np.isnan(noise_without(problem, resolve_noise(problem), np.arange(15))).tolist() == [True] + [False] * 14
    check_left_out(problem)


@pytest.mark.parametrize("prior", [Laplace(0.2), GroupLaplace([0, 0, 1, 1], 0.3)])
def test_rows_in_small_pieces_give_the_same(prior: Prior, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = make_problem("poisson", prior=prior)
    optimum = fit_penalized(problem)
    whole = modes_without(problem, optimum, np.arange(30))
    monkeypatch.setattr(left_out_face, "CELLS", 100)
    pieces = modes_without(problem, optimum, np.arange(30))
    np.testing.assert_allclose(pieces.theta, whole.theta, atol=1e-12)


def test_the_optimum_may_be_at_another_noise_scale() -> None:
    problem = make_problem(likelihood=GaussianNoise())
    optimum = fit_penalized(problem, 2.0)
    found = modes_without(problem, replace(optimum), np.arange(4))
    theta, _ = one_by_one(problem, np.arange(4))
    np.testing.assert_allclose(found.theta, theta, atol=2e-6)
