"""Optima that can be written down: ridge, soft thresholding, means, odds, the critical λ."""

import numpy as np
import pytest
from scipy.special import logit

from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import critical_factor
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from tests.problems import P, data, extras, make_problem

SIGMA = 1.3


def soft(z, threshold):
    return np.sign(z) * np.maximum(np.abs(z) - threshold, 0.0)


@pytest.mark.parametrize(("n", "p"), [(30, 4), (12, 40)])
def test_ridge(n, p):
    # With the intercept as a column of ones of prior precision 0, (AᵀWA/σ² + D)⁻¹(AᵀWr/σ² + Dμ).
    X, y = data("gaussian", n, p)
    rng = np.random.default_rng(5)
    weights, offset = rng.uniform(0.5, 2.0, n), rng.normal(size=n)
    tau, mu = rng.uniform(0.1, 2.0, p), rng.normal(size=p)
    problem = Problem.from_arrays(
        X, y, prior=Gaussian(tau, loc=mu), likelihood=GaussianNoise(SIGMA), weights=weights, offset=offset
    )
    A = np.column_stack([np.ones(n), problem.design.rows.collect().X])
    D = np.diag(np.concatenate([[0.0], tau**-2]))
    left = A.T @ (weights[:, None] * A) / SIGMA**2 + D
    right = A.T @ (weights * (y - offset)) / SIGMA**2 + D @ np.concatenate([[0.0], mu])
    exact = np.linalg.solve(left, right)
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.intercept == pytest.approx(exact[0], rel=1e-10)
    np.testing.assert_allclose(fit.beta, exact[1:], rtol=1e-9, atol=1e-11)


def test_least_squares():
    X, y = data("gaussian")
    fit = fit_penalized(make_problem(prior=Flat(), likelihood=GaussianNoise()))
    exact, rss, _, _ = np.linalg.lstsq(np.column_stack([np.ones(len(y)), X]), y)
    np.testing.assert_allclose([fit.intercept_raw, *fit.beta_raw], exact, rtol=1e-11)
    assert fit.sigma == pytest.approx(np.sqrt(rss[0] / (len(y) - P - 1)), rel=1e-12)


@pytest.mark.parametrize("located", [False, True])
def test_soft_threshold_on_an_orthogonal_design(located):
    n = 16
    columns = np.linalg.qr(np.column_stack([np.ones(n), np.random.default_rng(3).normal(size=(n, 5))]))[0][:, 1:]
    Z = columns * np.sqrt(n)  # mean 0, population sd 1, ZᵀZ = n·I
    y = Z @ [3.0, -2.0, 0.5, 0.1, 0.0] + np.random.default_rng(4).normal(size=n)
    b = np.array([0.1, 0.2, 0.1, 0.02, 0.05])
    mu = np.array([1.0, 0.0, 0.4, 0.0, 0.2]) if located else np.zeros(5)
    fit = fit_penalized(Problem.from_arrays(Z, y, prior=Laplace(b, loc=mu), likelihood=GaussianNoise(SIGMA)))
    move = soft(Z.T @ y / n - mu, SIGMA**2 / (n * b))
    np.testing.assert_allclose(fit.beta, mu + move, rtol=1e-11, atol=1e-13)
    np.testing.assert_array_equal(fit.zeros, move == 0)
    np.testing.assert_array_equal(fit.beta[fit.zeros], mu[fit.zeros])  # exactly there, not close to it
    assert 0 < fit.zeros.sum() < 5
    assert fit.intercept == pytest.approx(y.mean(), rel=1e-12)


def test_intercept_only():
    y = data("gaussian")[1]
    nothing = np.empty((y.size, 0))
    weights, offset = extras()["weights"], extras()["offset"]
    fit = fit_penalized(Problem.from_arrays(nothing, y, prior=Laplace(1.0), weights=weights, offset=offset))
    assert fit.intercept == pytest.approx(weights @ (y - offset) / weights.sum(), rel=1e-12)
    assert fit.beta.shape == fit.zeros.shape == fit.margin.shape == (0,)
    classes = data("bernoulli")[1]
    odds = fit_penalized(Problem.from_arrays(nothing, classes, prior=Laplace(1.0), likelihood=BernoulliLogit()))
    assert odds.intercept == pytest.approx(logit(classes.mean()), rel=1e-10)


def test_gaussian_intercept_is_a_weighted_mean():
    y = data("gaussian")[1]
    problem = Problem.from_arrays(
        np.empty((y.size, 0)), y, prior=Flat(), likelihood=GaussianNoise(SIGMA), intercept=Gaussian(0.2, loc=-1.0)
    )
    precision = np.array([y.size / SIGMA**2, 1 / 0.2**2])
    assert fit_penalized(problem).intercept == pytest.approx(precision @ [y.mean(), -1.0] / precision.sum(), rel=1e-12)


@pytest.mark.parametrize("standardize", [True, False])
def test_logistic_regression_on_one_binary_column_is_a_table_of_odds(standardize):
    group = np.repeat([0.0, 1.0], [12, 20])
    y = np.concatenate([np.arange(12) < 3, np.arange(20) < 13]).astype(float)
    fit = fit_penalized(
        Problem.from_arrays(group[:, None], y, prior=Flat(), likelihood=BernoulliLogit(), standardize=standardize)
    )
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.intercept_raw == pytest.approx(logit(3 / 12), rel=1e-9)
    assert fit.beta_raw[0] == pytest.approx(logit(13 / 20) - logit(3 / 12), rel=1e-9)


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("location", [0.0, 0.3])
def test_critical_scale_is_where_the_first_coefficient_leaves(kind, location):
    # At the null fit, the gauge of the gradient times λ is the λ above which every coefficient stays.
    null = make_problem(kind, prior=Laplace(1e-6, loc=location))
    at_null = fit_penalized(null)
    assert at_null.zeros.all()
    theta = null.join(at_null.intercept, at_null.beta)
    critical = critical_factor(null, theta)[1:].max() / 1e-6
    stays = fit_penalized(make_problem(kind, prior=Laplace(1 / (critical * (1 + 1e-6)), loc=location)))
    leaves = fit_penalized(make_problem(kind, prior=Laplace(1 / (critical * (1 - 1e-6)), loc=location)))
    assert stays.zeros.all()
    assert stays.margin.min() == pytest.approx(1e-6, rel=1e-3)
    assert leaves.zeros.sum() == P - 1
    np.testing.assert_array_equal(stays.beta, np.full(P, location))


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("scale", [1e10, 1e100, 1e150])
def test_a_vanishing_penalty_gives_the_unpenalised_optimum(kind, shape, scale):
    weak, flat = (fit_penalized(make_problem(kind, prior=prior)) for prior in (shape(scale), Flat()))
    assert weak.outcome is flat.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(weak.beta, flat.beta, rtol=1e-8)


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("scale", [1e4, 1e6, 1e7, 1e8, 1e9])
def test_weak_penalties_are_certified_in_spite_of_rounding(kind, shape, scale):
    # A gradient rounded by 1e-15 is outside ±λ by 1e-8 of it, which by itself would be a gap of 1e-7 nats.
    assert fit_penalized(make_problem(kind, prior=shape(scale))).outcome is Outcome.CERTIFIED


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
@pytest.mark.parametrize("scale", [1e-10, 1e-100, 1e-150])
def test_an_overwhelming_penalty_gives_the_location(kind, shape, scale):
    fit = fit_penalized(make_problem(kind, prior=shape(scale, loc=0.5)))
    assert fit.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(fit.beta, 0.5, rtol=1e-8)
    assert fit.zeros.all() == (shape is Laplace)


@pytest.mark.parametrize("factor", [1e-12, 1e13, 1e100])
def test_fit_is_equivariant_in_the_units_of_y(factor):
    # With the prior's scale in units of σ, nothing but the units changes: not even for y in the trillions.
    X, y = data("gaussian")
    one, other = (
        fit_penalized(Problem.from_arrays(X, y * c, prior=Laplace(0.1), scale_by_noise=True)) for c in (1.0, factor)
    )
    assert one.outcome is other.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(other.beta / factor, one.beta, rtol=1e-10)
    assert other.intercept / factor == pytest.approx(one.intercept, rel=1e-10)
    assert other.sigma / factor == pytest.approx(one.sigma, rel=1e-12)
    np.testing.assert_array_equal(other.zeros, one.zeros)


@pytest.mark.filterwarnings("ignore:columns are not standardised and differ:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_unpenalised_fit_is_equivariant_in_the_units_of_raw_columns(kind):
    X, y = data(kind)
    units = np.array([1e-12, 1.0, 1e9, 1e12])
    fits = [
        fit_penalized(
            Problem.from_arrays(X * u, y, prior=Flat(), likelihood=make_problem(kind).likelihood, standardize=False)
        )
        for u in (np.ones(P), units)
    ]
    assert fits[0].outcome is fits[1].outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(fits[1].beta * units, fits[0].beta, rtol=1e-8)


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_the_start_does_not_matter(kind):
    problem = make_problem(kind)
    cold = fit_penalized(problem)
    for start in (np.full(P, 10.0), -5 * cold.beta, cold.beta):
        warm = fit_penalized(problem, start=start)
        np.testing.assert_allclose(warm.beta, cold.beta, rtol=1e-8, atol=1e-11)
        np.testing.assert_array_equal(warm.zeros, cold.zeros)
