"""Where no finite optimum exists, a FitError says so and names the columns, whichever route was asked."""

import numpy as np
import pytest

from bayesreg.errors import FitError, ParameterError
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy, HalfNormal
from tests.problems import data, make_problem

ROUTES = pytest.mark.parametrize("route", [fit_penalized, find_map])


def logistic(X, y, prior, **options):
    return Problem.from_arrays(X, y, prior=prior, likelihood=BernoulliLogit(), **options)


def separated():
    """Rows split by the sign of the first column alone, and a second column that has nothing to do with it."""
    X = np.random.default_rng(0).normal(size=(20, 2))
    return X, (X[:, 0] > 0).astype(float)


def half_separated():
    """Where the first column is 1, y is always 1; where it is 0, both occur."""
    X = np.column_stack([np.repeat([0.0, 1.0], 10), np.random.default_rng(0).normal(size=20)])
    return X, np.concatenate([np.resize([0.0, 1.0], 10), np.ones(10)])


@ROUTES
@pytest.mark.parametrize("make", [separated, half_separated])
def test_separated_classes_without_a_penalty(route, make):
    X, y = make()
    with pytest.raises(FitError, match=r"the optimum is infinite in .*'a'.*separated.*proper prior"):
        route(logistic(X, y, Flat(), names=["a", "b"]))


def test_half_separated_classes_do_not_blame_the_other_column():
    X, y = half_separated()
    with pytest.raises(FitError) as caught:
        fit_penalized(logistic(X, y, Flat(), names=["a", "b"]))
    assert "'b'" not in str(caught.value)


@ROUTES
def test_one_class_left_by_the_weights(route):
    X, _ = separated()
    y = np.resize([0.0, 1.0], 20)
    with pytest.raises(FitError, match=r"the optimum is infinite in 'intercept'"):
        route(logistic(X, y, Laplace(1.0)).reweighted(y))


@pytest.mark.parametrize("scale", [1.0, 1e3, 1e6])
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
def test_separated_classes_under_any_proper_prior_have_an_optimum(shape, scale):
    # However weak, and however little curvature it leaves to the flat intercept.
    X, y = separated()
    fit = fit_penalized(logistic(X, y, shape(scale)))
    assert fit.outcome is Outcome.CERTIFIED
    assert np.isfinite([fit.intercept, *fit.beta]).all()


def test_an_all_but_separated_problem_has_an_optimum():
    X, y = separated()
    y[np.argmax(X[:, 0])] = 0.0
    fit = fit_penalized(logistic(X, y, Flat()))
    assert fit.outcome is Outcome.CERTIFIED


def test_a_rare_class_is_not_a_separated_one():
    # One event in 200,000: the curvature at the optimum is 1e-5 of that at 0, and still finite.
    y = (np.arange(200_000) == 7).astype(float)
    fit = fit_penalized(logistic(np.empty((y.size, 0)), y, Flat()))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.intercept == pytest.approx(np.log(1 / (y.size - 1)), rel=1e-8)


@ROUTES
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_collinear_columns_without_a_penalty(route, kind):
    X, y = data(kind)
    X = np.column_stack([X, X[:, 1] - 2 * X[:, 3]])
    problem = Problem.from_arrays(X, y, prior=Flat(), likelihood=make_problem(kind).likelihood)
    with pytest.raises(FitError, match=r"unpenalised coefficients of 'x1', 'x3', 'x4' \(collinear"):
        route(problem)


@ROUTES
def test_a_constant_column_without_a_penalty(route):
    X, y = data("gaussian")
    X[:, 2] = 3.0
    with pytest.warns(match="column 'x2' is constant"):
        problem = Problem.from_arrays(X, y, prior=Flat())
    with pytest.raises(FitError, match=r"unpenalised coefficients of 'x2' \("):
        route(problem)


@ROUTES
def test_more_columns_than_rows_without_a_penalty(route):
    X, y = data("gaussian", 10, 15)
    with pytest.raises(FitError, match=r"'x0', .*more columns than rows.*proper prior"):
        route(Problem.from_arrays(X, y, prior=Flat(), likelihood=GaussianNoise(1.0)))


@ROUTES
@pytest.mark.parametrize("scale_by_noise", [False, True])
def test_no_joint_mode_where_y_can_be_fitted_exactly(route, scale_by_noise):
    X, y = data("gaussian")
    if scale_by_noise:  # then only what is unpenalised may fit y exactly as σ → 0: a constant y
        y = np.full(y.size, 2.0)
        with pytest.warns(match="y is constant"):
            problem = Problem.from_arrays(
                X, y, prior=Laplace(1.0), likelihood=GaussianNoise(HalfNormal(1.0)), scale_by_noise=True
            )
    else:
        problem = Problem.from_arrays(X, X @ [1.0, 2.0, 3.0, 4.0], prior=Laplace(1.0))
    with pytest.raises(ParameterError, match="fit y exactly, so the joint density grows without bound"):
        route(problem, sigma="joint")


@ROUTES
def test_unpenalised_columns_that_fit_y_exactly_leave_no_joint_mode_either(route):
    X, _ = data("gaussian")
    problem = Problem.from_arrays(X, X @ [1.0, 2.0, 3.0, 4.0], prior=Flat(), scale_by_noise=True)
    with pytest.raises(ParameterError, match="fit y exactly, so the joint density grows without bound"):
        route(problem, sigma="joint")


@ROUTES
def test_no_joint_mode_with_as_many_columns_as_rows(route):
    X, y = data("gaussian", 10, 12)
    with pytest.raises(ParameterError, match="grows without bound"):
        route(Problem.from_arrays(X, y, prior=Laplace(1.0)), sigma="joint")


def test_a_noise_scaled_prior_has_a_joint_mode_even_then():
    X, y = data("gaussian", 10, 12)
    fit = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.3), scale_by_noise=True), sigma="joint")
    assert fit.outcome is Outcome.CERTIFIED


@ROUTES
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
def test_no_joint_mode_with_an_unknown_prior_scale(route, shape):
    problem = make_problem(prior=shape(HalfCauchy(1.0)))
    with pytest.raises(ParameterError, match=r"the scale has a prior .* joint mode .* does not exist"):
        route(problem)


def test_no_sigma_to_estimate_where_the_fit_is_exact():
    X, _ = data("gaussian")
    with pytest.raises(FitError, match="fit y exactly, so that no residual is left"):
        fit_penalized(Problem.from_arrays(X, 5.0 + X @ [1.0, 2.0, 3.0, 4.0], prior=Laplace(1.0)))


def test_a_small_residual_is_not_an_exact_fit():
    # Residuals 1e-9 of y: yᵀy − βᵀXᵀy would be rounding, the residuals themselves are not.
    X, _ = data("gaussian")
    noise = 1e-9 * np.random.default_rng(0).normal(size=len(X))
    y = 5.0 + X @ [1.0, 2.0, 3.0, 4.0] + noise
    fit = fit_penalized(Problem.from_arrays(X, y, prior=Flat()))
    residual = (
        noise - np.column_stack([np.ones(len(X)), X]) @ np.linalg.lstsq(np.column_stack([np.ones(len(X)), X]), noise)[0]
    )
    assert fit.sigma == pytest.approx(np.sqrt(residual @ residual / (len(X) - 5)), rel=1e-4)
