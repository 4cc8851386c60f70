"""The PyMC graph and the explicit objective: one density, one optimum, found by two routes that share no code."""

from functools import cache

import numpy as np
import pytest

from bayesreg.density import GraphDensity
from bayesreg.graph import build_model, check_graph
from bayesreg.graph_map import find_map, map_at
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.noise import resolve_noise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy
from tests.problems import FAMILIES, ROUTES, P, data, theta_near

EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES)
DISPERSED = [name for name in ROUTES if name.startswith(("sigma/", "noise-scaled/", "dispersion/"))]


@cache
def prepared(route):
    """The problem and its compiled density: compiled once, used by every test of this page."""
    problem = ROUTES[route]()
    return problem, GraphDensity(build_model(problem))


def released(density):
    """Undo what a find_map at a fixed σ has held."""
    for name in ("sigma", "alpha"):
        if name in density.model.named_vars:
            density.release(name)
    return density


@EVERY_ROUTE
def test_graph_is_the_joint_density_with_no_constant_dropped(route):
    problem, density = prepared(route)
    check = check_graph(problem, density=density)
    assert check.passed
    assert check.points == 24
    # pm.HalfCauchy's own constant is 2e-9 off (see the laws of scales); all others are rounding.
    off = isinstance(problem.likelihood.dispersion, HalfCauchy)
    assert abs(check.constant) <= (2e-9 if off else 1e-12)


@EVERY_ROUTE
def test_graph_gradient_is_that_of_the_objective(route):
    # Away from kinks: ∇(−logp) = ∇(Σ w·nll) + pen'.
    problem, density = prepared(route)
    unknown = problem.likelihood.dispersion is not None
    sigma = 1.3 if unknown else None
    fixed = problem.conditional(sigma)
    theta = theta_near(problem, 7)
    name = problem.likelihood.dispersion_name
    point = {"beta": fixed.split(theta)[1]} | ({name: sigma} if unknown else {})
    if problem.has_intercept:
        point["intercept"] = theta[0]
    whole = density.at_natural(point)
    _, slope, _, _ = released(density)(whole)
    slopes = dict(zip(density.labels, slope, strict=True))
    assert not fixed.penalty_prior.at_kink(theta).any()
    mine = fixed.gradient(theta) + fixed.penalty_prior.nearest_subgradient(theta, np.zeros(theta.size))
    theirs = [slopes[f"beta[{name}]"] for name in problem.names]
    np.testing.assert_allclose(theirs, mine[-problem.p :], rtol=1e-11, atol=1e-11)
    if problem.has_intercept:
        assert slopes["intercept"] == pytest.approx(mine[0], rel=1e-11, abs=1e-11)


@EVERY_ROUTE
def test_both_routes_end_at_one_point(route):
    problem, density = prepared(route)
    graph, explicit = find_map(problem, density=density), fit_penalized(problem)
    if not problem.convex:  # of several minima each may have found another: given the other's, they agree
        graph = map_at(problem, resolve_noise(problem), density, start=explicit.point)
        explicit = fit_penalized(problem, start=graph.beta)
        assert "descents" in graph.search
        assert "descents" in explicit.search
    assert graph.outcome is explicit.outcome is (Outcome.CERTIFIED if problem.convex else Outcome.STATIONARY)
    np.testing.assert_allclose(graph.beta, explicit.beta, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(graph.beta_raw, explicit.beta_raw, rtol=1e-7, atol=1e-9)
    assert graph.intercept == pytest.approx(explicit.intercept, rel=1e-7, abs=1e-9)
    assert graph.intercept_raw == pytest.approx(explicit.intercept_raw, rel=1e-7, abs=1e-9)
    assert graph.objective == pytest.approx(explicit.objective, rel=1e-13)
    assert graph.sigma == (None if explicit.sigma is None else pytest.approx(explicit.sigma, rel=1e-9))
    np.testing.assert_array_equal(graph.zeros, explicit.zeros)
    np.testing.assert_allclose(graph.margin, explicit.margin, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("route", DISPERSED)
def test_both_routes_end_at_one_joint_mode(route):
    problem, density = prepared(route)
    graph, explicit = find_map(problem, sigma="joint", density=density), fit_penalized(problem, sigma="joint")
    assert graph.outcome is explicit.outcome is (Outcome.CERTIFIED if problem.convex else Outcome.STATIONARY)
    assert graph.sigma == pytest.approx(explicit.sigma, rel=1e-7)
    np.testing.assert_allclose(graph.beta, explicit.beta, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(graph.zeros, explicit.zeros)
    assert graph.objective == pytest.approx(explicit.objective, rel=1e-12)
    assert graph.certificate.dispersion_residual <= 1e-6
    assert explicit.certificate.dispersion_residual <= 1e-6


def test_the_routes_include_sparse_and_dense_optima():
    # Otherwise "the same zeros" would compare nothing.
    counts = {route: int(fit_penalized(ROUTES[route]()).zeros.sum()) for route in ROUTES}
    for kind in FAMILIES:
        assert 0 < counts[f"{kind}/sparse"] < P
        assert counts[f"{kind}/gaussian"] == counts[f"{kind}/flat"] == 0


X, Y = data("gaussian")
CLASSES = data("bernoulli")[1]
UNITS = np.array([1e-12, 1.0, 1e4, 1e9])
IN_ODD_UNITS = {
    "response in trillions": lambda: Problem.from_arrays(X, Y * 1e13, prior=Laplace(0.1), scale_by_noise=True),
    "response in billionths": lambda: Problem.from_arrays(X, Y * 1e-9, prior=Laplace(0.1), scale_by_noise=True),
    "raw columns": lambda: Problem.from_arrays(X * UNITS, Y, prior=Laplace(0.3 / UNITS), standardize=False),
    "raw columns, flat": lambda: Problem.from_arrays(X * UNITS, Y, prior=Flat(), standardize=False),
    "raw columns, classes": lambda: Problem.from_arrays(
        X * UNITS, CLASSES, prior=Laplace(0.3 / UNITS), likelihood=BernoulliLogit(), standardize=False
    ),
    "years": lambda: Problem.from_arrays(X + 2000, Y, prior=Laplace(0.3), standardize=False),
    "a very weak prior": lambda: Problem.from_arrays(X, Y, prior=Gaussian(1e12)),
}


@pytest.mark.filterwarnings("ignore:columns are not standardised and differ:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("case", IN_ODD_UNITS)
def test_units_do_not_matter_to_either_route(case):
    # The graph's gradient may be 1e-13 at its start, or 1e9: neither is an optimum.
    problem = IN_ODD_UNITS[case]()
    graph, explicit = find_map(problem), fit_penalized(problem)
    assert graph.outcome is explicit.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(graph.beta, explicit.beta, rtol=1e-8, atol=1e-10 * np.abs(explicit.beta).min())
    assert graph.intercept == pytest.approx(explicit.intercept, rel=1e-8)
    np.testing.assert_array_equal(graph.zeros, explicit.zeros)
