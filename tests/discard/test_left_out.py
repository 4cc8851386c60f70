"""The mode without each row is the fit of the others, row by row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from bayesreg.discard import left_out
from bayesreg.discard.left_out import SLOW_ROWS, affordable, modes_without, residual_sd_without
from bayesreg.discard.refits import without
from bayesreg.errors import FitError
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.noise import resolve_noise
from bayesreg.optimality import kkt_residual, kkt_tolerance
from bayesreg.penalized import fit_at, fit_penalized
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from tests.problems import FAMILIES, P, extras, make_problem

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
    alone = found.refitted.mean()
    assert alone == 1.0 if prior == "groups" else alone < 0.7


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


def test_how_many_are_affordable(diabetes: Any) -> None:
    problem = diabetes.problem
    assert affordable(problem, fit_penalized(problem), None) > 2000
    groups = make_problem("gaussian", prior=GroupLaplace([0, 0, 1, 1], 0.3))
    assert affordable(groups, fit_penalized(groups), None) == SLOW_ROWS
