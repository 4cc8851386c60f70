"""Modes in the coefficients and σ together."""

import re

import numpy as np
import pytest
from scipy.optimize import minimize

from bayesreg.dispersion_profile import dispersion_slope
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import Jeffreys
from tests.problems import P, make_problem, theta_near
from tests.registry import SCALE_PRIORS

SCALED = pytest.mark.parametrize("scale_by_noise", [False, True])


def one_column(scale_by_noise):
    """n = 10, XᵀX = 1, Xᵀy = 5, yᵀy = 26, λ = 3, p(σ) ∝ 1/σ, no intercept: two modes, worked out by hand."""
    X, y = np.zeros((10, 1)), np.zeros(10)
    X[0], y[:2] = 1.0, (5.0, 1.0)
    return Problem.from_arrays(
        X,
        y,
        prior=Laplace(1 / 3),
        likelihood=GaussianNoise(Jeffreys()),
        intercept=None,
        standardize=False,
        scale_by_noise=scale_by_noise,
    )


@pytest.mark.parametrize("route", [fit_penalized, find_map])
def test_an_unscaled_laplace_prior_has_two_modes_and_the_better_is_found(route):
    # 11 log σ + RSS/2σ² + 3|β| is stationary where β = 5 − 3σ², 11σ² = RSS; and at β = 0, 11σ² = 26.
    fit = route(one_column(scale_by_noise=False), sigma="joint")
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[0] == pytest.approx(4.70, abs=5e-3)
    assert fit.sigma**2 == pytest.approx(0.099, abs=5e-4)
    assert fit.beta[0] == pytest.approx(5 - 3 * fit.sigma**2, rel=1e-9)


def test_the_other_mode_is_named():
    fit = fit_penalized(one_column(scale_by_noise=False), sigma="joint")
    (other,) = re.findall(r"other modes at σ = ([0-9.]+) \(([0-9.]+) nats higher\)", fit.sigma_method)
    assert float(other[0]) ** 2 == pytest.approx(26 / 11, rel=1e-3)  # 2.36
    at_zero = one_column(scale_by_noise=False).neg_log_joint(np.zeros(1), np.sqrt(26 / 11))
    assert float(other[1]) == pytest.approx(at_zero - fit.objective, rel=1e-2)


@pytest.mark.parametrize("route", [fit_penalized, find_map])
def test_a_noise_scaled_prior_has_one_mode(route):
    # Park & Casella: β = 5 − 3σ and 12σ² = RSS + 3σβ.
    fit = route(one_column(scale_by_noise=True), sigma="joint")
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[0] == pytest.approx(1.06, abs=5e-3)
    assert fit.sigma**2 == pytest.approx(1.73, abs=5e-3)
    assert "other modes" not in fit.sigma_method


@SCALED
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("name", SCALE_PRIORS)
def test_slope_in_log_sigma(name, shape, scale_by_noise):
    problem = make_problem(
        prior=shape(0.3, loc=0.1), likelihood=GaussianNoise(SCALE_PRIORS[name].make()), scale_by_noise=scale_by_noise
    )
    theta, sigma, h = theta_near(problem, 0), 1.4, 1e-5
    ahead, behind = (problem.neg_log_joint(theta, sigma * np.exp(s * h)) for s in (1, -1))
    assert dispersion_slope(problem, theta, sigma) == pytest.approx((ahead - behind) / (2 * h), rel=1e-7, abs=1e-6)


@SCALED
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("name", SCALE_PRIORS)
def test_no_sigma_on_a_grid_does_better(name, shape, scale_by_noise):
    problem = make_problem(
        prior=shape(0.3), likelihood=GaussianNoise(SCALE_PRIORS[name].make()), scale_by_noise=scale_by_noise
    )
    fit = fit_penalized(problem, sigma="joint")
    assert fit.objective == problem.neg_log_joint(problem.join(fit.intercept, fit.beta), fit.sigma)
    for sigma in np.geomspace(0.05, 20, 20):
        at = fit_penalized(problem, sigma=float(sigma))
        value = problem.neg_log_joint(problem.join(at.intercept, at.beta), float(sigma))
        assert value >= fit.objective - 1e-10


@SCALED
def test_a_general_optimiser_ends_there_too(scale_by_noise):
    problem = make_problem(prior=Gaussian(0.3), likelihood=GaussianNoise(), scale_by_noise=scale_by_noise)
    fit = fit_penalized(problem, sigma="joint")

    def objective(v):
        return problem.neg_log_joint(v[:-1], float(np.exp(v[-1])))

    found = minimize(objective, np.zeros(P + 2), method="BFGS", options={"gtol": 1e-7})
    assert fit.objective == pytest.approx(found.fun, rel=1e-9)
    assert fit.sigma == pytest.approx(np.exp(found.x[-1]), rel=1e-4)
    np.testing.assert_allclose(fit.beta, found.x[1:-1], atol=1e-4)
