"""Random problems solved by a general convex solver (Clarabel, through CVXPY) that knows nothing of ours."""

import cvxpy as cp
import numpy as np
import pytest

from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from tests.problems import data

SIGMA = 1.3
INTERCEPTS = {"flat": Flat(), "gaussian": Gaussian(0.5, loc=1.0), "none": None}


def solve(X, y, kind, shape, scale, loc, intercept, weights, offset):
    """Least objective (without constants) and its (a, β), in CVXPY's own words."""
    beta, a = cp.Variable(X.shape[1]), cp.Variable()
    eta = X @ beta + a + offset
    if kind == "gaussian":
        loss = weights @ cp.square(y - eta) / (2 * SIGMA**2)
    else:
        loss = weights @ (cp.logistic(eta) - cp.multiply(y, eta))
    away = cp.multiply(1 / scale, beta - loc)
    penalty = cp.norm1(away) if shape is Laplace else cp.sum_squares(away) / 2
    if intercept == "gaussian":
        penalty += cp.square((a - 1.0) / 0.5) / 2
    constraints = [a == 0] if intercept == "none" else []
    problem = cp.Problem(cp.Minimize(loss + penalty), constraints)
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-12, tol_gap_rel=1e-12, tol_feas=1e-12)
    return problem.value, float(a.value), beta.value


@pytest.mark.parametrize("intercept", INTERCEPTS)
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
@pytest.mark.parametrize(("n", "p"), [(40, 6), (20, 35)])
def test_same_optimum(n, p, kind, shape, intercept):
    X, y = data(kind, n, p, seed=n)
    rng = np.random.default_rng(n + p)
    scale, loc = rng.uniform(0.1, 0.5, p), rng.choice([0.0, 0.5, -1.0], p)
    weights, offset = rng.uniform(0.5, 2.0, n), rng.normal(size=n)
    least, a, beta = solve(X, y, kind, shape, scale, loc, intercept, weights, offset)
    problem = Problem.from_arrays(
        X,
        y,
        prior=shape(scale, loc=loc),
        likelihood=GaussianNoise(SIGMA) if kind == "gaussian" else BernoulliLogit(),
        intercept=INTERCEPTS[intercept],
        standardize=False,
        weights=weights,
        offset=offset,
    )
    fit = fit_penalized(problem)
    constant = weights.sum() * (np.log(SIGMA) + np.log(2 * np.pi) / 2) if kind == "gaussian" else 0.0
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.objective - constant == pytest.approx(least, rel=1e-8)
    # An interior-point answer with objective within 1e-9 has coefficients within about the root of that.
    np.testing.assert_allclose(fit.beta, beta, atol=2e-4)
    assert fit.intercept == pytest.approx(a, abs=2e-4)
    if shape is Laplace:
        assert (np.abs(beta - loc)[fit.zeros] < 2e-4).all()
        assert 0 < fit.zeros.sum() < p


@pytest.mark.parametrize("seed", range(3))
def test_many_columns(seed):
    # Beyond 64 columns coordinate descent finds the start.
    X, y = data("gaussian", 50, 120, seed=seed)
    problem = Problem.from_arrays(X, y, prior=Laplace(0.3), likelihood=GaussianNoise(SIGMA))
    Z = problem.design.rows.collect().X
    least, _, beta = solve(Z, y, "gaussian", Laplace, np.full(120, 0.3), 0.0, "flat", np.ones(50), np.zeros(50))
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.objective - 50 * (np.log(SIGMA) + np.log(2 * np.pi) / 2) == pytest.approx(least, rel=1e-8)
    np.testing.assert_allclose(fit.beta, beta, atol=2e-4)
