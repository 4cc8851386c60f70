"""Laws of the objective J: its derivatives, its invariances, and its joint density."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayesreg.design import Design
from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import certify, duality_gap
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from bayesreg.scales import HalfCauchy
from tests.problems import FORMS, P, data, extras, in_blocks, make_problem, theta_near
from tests.registry import LIKELIHOODS, PRIORS

KINDS = pytest.mark.parametrize("kind", LIKELIHOODS)
EVERY_FORM = pytest.mark.parametrize("form", FORMS)


@KINDS
@EVERY_FORM
@pytest.mark.parametrize("seed", range(3))
def test_gradient_is_that_of_the_summed_nll(kind, form, seed):
    problem = FORMS[form](kind)
    theta, h = theta_near(problem, seed), 1e-6
    numeric = [(problem.nll(theta + h * e) - problem.nll(theta - h * e)) / (2 * h) for e in np.eye(theta.size)]
    np.testing.assert_allclose(problem.gradient(theta), numeric, rtol=1e-6, atol=1e-6)


@KINDS
@EVERY_FORM
@pytest.mark.parametrize("seed", range(3))
def test_curvature_is_the_derivative_of_the_gradient(kind, form, seed):
    problem = FORMS[form](kind)
    theta, h = theta_near(problem, seed), 1e-5
    numeric = [
        (problem.gradient(theta + h * e) - problem.gradient(theta - h * e)) / (2 * h) for e in np.eye(theta.size)
    ]
    curvature = problem.curvature(theta)
    np.testing.assert_allclose(curvature, numeric, rtol=1e-6, atol=1e-7)
    np.testing.assert_array_equal(curvature, curvature.T)


@KINDS
def test_objective_is_the_sum_over_rows_plus_the_penalty(kind):
    problem = FORMS["weights-and-offset"](kind, prior=PRIORS["laplace-by-column"](P))
    theta = theta_near(problem, 0)
    X, y = data(kind)
    Z = (X - problem.design.centre) / problem.design.scale
    eta = theta[0] + Z @ theta[1:] + extras()["offset"]
    by_hand = -extras()["weights"] @ LIKELIHOODS[kind].log_density(eta, y)
    by_hand += np.sum(np.abs(theta[1:] - problem.prior.loc) / problem.prior.scale)
    assert problem.value(theta) == pytest.approx(by_hand, rel=1e-13)


@KINDS
def test_gradient_magnitude_is_the_sum_of_the_terms_sizes(kind):
    problem = FORMS["weights-and-offset"](kind)
    theta = theta_near(problem, 0)
    terms = [np.abs(in_rows(problem, [i]).gradient(theta)) for i in range(problem.n)]
    np.testing.assert_allclose(problem.gradient_magnitude(theta), np.sum(terms, axis=0), rtol=1e-12)


def in_rows(problem: Problem, keep: list[int]) -> Problem:
    block = problem.design.rows.collect()
    weights = None if block.weights is None else block.weights[keep]
    rows = ArrayRows(block.X[keep], block.y[keep], block.offset[keep], weights)
    return replace(problem, design=replace(problem.design, rows=rows))


@KINDS
@EVERY_FORM
@pytest.mark.parametrize("size", [1, 7, 29])
def test_splitting_the_rows_into_blocks_changes_nothing(kind, form, size):
    whole = FORMS[form](kind)
    parts = in_blocks(whole, size)
    theta = theta_near(whole, 1)
    assert parts.value(theta) == pytest.approx(whole.value(theta), rel=1e-13)
    for method in ("gradient", "curvature", "gradient_magnitude"):
        one, other = getattr(whole, method)(theta), getattr(parts, method)(theta)
        np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-11)
    assert duality_gap(parts, theta) == pytest.approx(duality_gap(whole, theta), rel=1e-11)
    one, other = fit_penalized(whole), fit_penalized(parts)
    np.testing.assert_allclose(other.beta, one.beta, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(other.zeros, one.zeros)


@KINDS
@EVERY_FORM
def test_a_row_given_twice_with_half_the_weight_changes_nothing(kind, form):
    whole = FORMS[form](kind)
    block = whole.design.rows.collect()
    X = whole.design.scale * block.X + whole.design.centre
    weights = np.ones(whole.n) if block.weights is None else block.weights
    again = Problem.from_arrays(
        np.vstack([X, X[:5]]),
        np.concatenate([block.y, block.y[:5]]),
        weights=np.concatenate([weights[:5] / 2, weights[5:], weights[:5] / 2]),
        offset=np.concatenate([block.offset, block.offset[:5]]),
        prior=whole.prior,
        likelihood=whole.likelihood,
        intercept=whole.intercept,
        standardize=form != "raw-columns",
    )
    np.testing.assert_allclose(again.design.scale, whole.design.scale, rtol=1e-12)
    theta = theta_near(whole, 2)
    assert again.value(theta) == pytest.approx(whole.value(theta), rel=1e-12)
    np.testing.assert_allclose(again.gradient(theta), whole.gradient(theta), rtol=1e-9, atol=1e-10)


@KINDS
def test_weight_two_is_the_row_given_twice(kind):
    X, y = data(kind)
    twice = Problem.from_arrays(
        np.vstack([X, X[:4]]), np.concatenate([y, y[:4]]), prior=Laplace(0.2), likelihood=LIKELIHOODS[kind].make()
    )
    weighted = make_problem(kind, weights=1.0 + (np.arange(len(y)) < 4))
    theta = theta_near(twice, 0)
    assert weighted.value(theta) == pytest.approx(twice.value(theta), rel=1e-13)
    np.testing.assert_allclose(fit_penalized(weighted).beta_raw, fit_penalized(twice).beta_raw, rtol=1e-9)


@KINDS
def test_location_moves_freely_between_intercept_and_columns(kind):
    # a + (x + c)ᵀβ = (a + cᵀβ) + xᵀβ: under a flat intercept the objective is the same function.
    X, y = data(kind)
    shift = np.array([3.0, -1.0, 0.5, 40.0])
    here, there = (
        Problem.from_arrays(Z, y, prior=Laplace(0.2), likelihood=LIKELIHOODS[kind].make(), standardize=False)
        for Z in (X, X + shift)
    )
    theta = theta_near(here, 3)
    moved = theta.copy()
    moved[0] -= shift @ theta[1:]
    assert there.value(moved) == pytest.approx(here.value(theta), rel=1e-12)
    one, other = fit_penalized(here), fit_penalized(there)
    np.testing.assert_allclose(other.beta, one.beta, rtol=1e-8, atol=1e-11)
    assert other.intercept == pytest.approx(one.intercept - shift @ one.beta, rel=1e-8)
    assert other.objective == pytest.approx(one.objective, rel=1e-13)


@KINDS
@pytest.mark.parametrize("standardize", [True, False])
def test_centred_is_the_same_problem_where_the_intercept_is_flat(kind, standardize):
    # Standardised columns are off centre again under other weights.
    weights = np.resize([0.0, 1.0, 3.0], 30)
    raw = make_problem(kind, standardize=standardize).reweighted(weights)
    centred, shift = raw.centred()
    assert (shift != 0).all()
    theta = theta_near(raw, 4)
    moved = theta.copy()
    moved[0] += shift @ theta[1:]
    assert centred.value(moved) == pytest.approx(raw.value(theta), rel=1e-12)
    np.testing.assert_allclose(weights @ centred.design.rows.collect().X, 0, atol=1e-12)
    in_units = centred.design.to_raw(moved[0], moved[1:]), raw.design.to_raw(theta[0], theta[1:])
    assert in_units[0][0] == pytest.approx(in_units[1][0], rel=1e-12)
    np.testing.assert_allclose(in_units[0][1], in_units[1][1], rtol=1e-14)


@pytest.mark.parametrize("intercept", [None, Gaussian(0.5)])
def test_centred_moves_nothing_where_the_intercept_is_penalised_or_absent(intercept):
    raw = make_problem(standardize=False, intercept=intercept)
    same, shift = raw.centred()
    assert same is raw
    np.testing.assert_array_equal(shift, np.zeros(P))


@KINDS
@EVERY_FORM
@pytest.mark.parametrize("name", ["laplace-by-column", "gaussian-by-column"])
def test_order_of_columns_changes_nothing(kind, form, name):
    order = [2, 0, 3, 1]
    prior = PRIORS[name](P)
    permuted_prior = type(prior)(prior.scale[order], loc=prior.loc[order])
    here = FORMS[form](kind, prior=prior)
    block = here.design.rows.collect()
    design = Design(
        ArrayRows(block.X[:, order], block.y, block.offset, block.weights),
        tuple(here.names[j] for j in order),
        here.design.centre[order],
        here.design.scale[order],
    )
    there = replace(here, design=design, prior=permuted_prior)
    one, other = fit_penalized(here), fit_penalized(there)
    np.testing.assert_allclose(other.beta, one.beta[order], rtol=1e-8, atol=1e-11)
    np.testing.assert_array_equal(other.zeros, one.zeros[order])
    assert other.objective == pytest.approx(one.objective, rel=1e-13)


@KINDS
@pytest.mark.parametrize("name", ["laplace-by-column", "gaussian-by-column"])
def test_rescaling_columns_with_their_priors_changes_nothing(kind, name):
    X, y = data(kind)
    factor = np.array([1e3, 1e-2, 1.0, 7.0])
    prior = PRIORS[name](P)
    scaled_prior = type(prior)(prior.scale / factor, loc=prior.loc / factor)
    here, there = (
        Problem.from_arrays(Z, y, prior=pr, likelihood=LIKELIHOODS[kind].make(), standardize=False)
        for Z, pr in ((X, prior), (X * factor, scaled_prior))
    )
    theta = theta_near(here, 5)
    moved = theta / np.concatenate([[1.0], factor])
    assert there.value(moved) == pytest.approx(here.value(theta), rel=1e-12)
    one, other = fit_penalized(here), fit_penalized(there)
    np.testing.assert_allclose(other.beta * factor, one.beta, rtol=1e-8, atol=1e-11)
    np.testing.assert_array_equal(other.zeros, one.zeros)


@EVERY_FORM
def test_splitting_and_joining_theta_are_inverse(form):
    problem = FORMS[form]("gaussian")
    theta = theta_near(problem, 0)
    intercept, beta = problem.split(theta)
    assert beta.shape == (P,)
    np.testing.assert_array_equal(problem.join(float(intercept), beta), theta)
    assert len(problem.labels) == theta.size


def test_joining_checks_the_length():
    with pytest.raises(InputError, match=r"beta has shape \(3,\) for 4 columns"):
        make_problem().join(0.0, np.zeros(3))


@KINDS
@EVERY_FORM
def test_linear_predictor_takes_many_points_at_once(kind, form):
    problem = FORMS[form](kind)
    points = np.column_stack([theta_near(problem, s) for s in range(3)])
    block = problem.design.rows.collect()
    one_by_one = np.column_stack([problem.linear_predictor(block, theta) for theta in points.T])
    np.testing.assert_allclose(problem.linear_predictor(block, points), one_by_one, rtol=1e-13, atol=1e-13)


# -- the noise scale -----------------------------------------------------------------------------------------


def test_fixing_sigma_turns_a_noise_scaled_prior_into_a_plain_one():
    scaled = make_problem(prior=Laplace(0.2, loc=0.1), likelihood=GaussianNoise(), scale_by_noise=True)
    fixed = scaled.at(3.0)
    plain = make_problem(prior=Laplace(0.6, loc=0.1), likelihood=GaussianNoise(3.0))
    theta = theta_near(scaled, 0)
    assert fixed.value(theta) == pytest.approx(plain.value(theta), rel=1e-14)
    assert not fixed.scale_by_noise


def test_conditional_keeps_a_known_sigma_and_needs_an_unknown_one():
    known = make_problem(likelihood=GaussianNoise(2.0), prior=Laplace(0.2), scale_by_noise=True)
    np.testing.assert_array_equal(known.conditional(None).prior.rates(P), np.full(P, 1 / (0.2 * 2.0)))
    np.testing.assert_array_equal(known.penalty_prior.rates(P + 1)[1:], np.full(P, 1 / (0.2 * 2.0)))
    assert make_problem("bernoulli").conditional(None).likelihood.sigma_known is None
    unknown = make_problem(likelihood=GaussianNoise(), scale_by_noise=True)
    with pytest.raises(ParameterError, match="sigma is unknown here"):
        unknown.conditional(None)
    with pytest.raises(ParameterError, match="units of the unknown sigma"):
        _ = unknown.penalty_prior


@pytest.mark.parametrize("scale_by_noise", [False, True])
def test_joint_density_keeps_every_normaliser(scale_by_noise):
    sigma, b = 1.3, 0.2
    problem = make_problem(
        prior=Laplace(b, loc=0.1),
        likelihood=GaussianNoise(HalfCauchy(0.8)),
        intercept=Gaussian(2.0, loc=1.0),
        scale_by_noise=scale_by_noise,
    )
    theta = theta_near(problem, 0)
    block = problem.design.rows.collect()
    by_hand = (
        stats.norm(theta[0] + block.X @ theta[1:], sigma).logpdf(block.y).sum()
        + stats.laplace(0.1, b * sigma if scale_by_noise else b).logpdf(theta[1:]).sum()
        + stats.norm(1.0, 2.0).logpdf(theta[0])
        + stats.halfcauchy(scale=0.8).logpdf(sigma)
    )
    assert problem.neg_log_joint(theta, sigma) == pytest.approx(-by_hand, rel=1e-13)


def test_joint_density_without_a_noise_scale():
    problem = make_problem("bernoulli", prior=Gaussian(0.7))
    theta = theta_near(problem, 0)
    density = stats.norm(0, 0.7).logpdf(theta[1:]).sum()
    assert problem.neg_log_joint(theta) == pytest.approx(problem.nll(theta) - density, rel=1e-13)


# -- summaries of the data -----------------------------------------------------------------------------------


def test_moments_are_centred_weighted_sums_of_products():
    problem = FORMS["weights-and-offset"]("gaussian", standardize=False)
    block, w = problem.design.rows.collect(), extras()["weights"]
    m, r = problem.moments(), block.y - block.offset
    mean, r_mean = w @ block.X / w.sum(), w @ r / w.sum()
    X, r = block.X - mean, r - r_mean
    assert m.total == pytest.approx(w.sum())
    np.testing.assert_allclose(m.x_mean, mean, rtol=1e-13)
    assert m.y_mean == pytest.approx(r_mean, rel=1e-13)
    np.testing.assert_allclose(m.xx, X.T @ (w[:, None] * X), rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(m.xy, X.T @ (w * r), rtol=1e-11, atol=1e-12)
    assert m.yy == pytest.approx(w @ r**2, rel=1e-12)


def test_scale_of_the_response():
    X, y = data("gaussian")
    assert make_problem().response_sd() == pytest.approx(np.std(y), rel=1e-13)
    assert make_problem("bernoulli").response_sd() == pytest.approx(stats.logistic.std(), rel=1e-14)
    weights = np.resize([0.0, 2.0], y.size)
    weighted = Problem.from_arrays(X, y, prior=Laplace(1.0), weights=weights)
    assert weighted.response_sd() == pytest.approx(np.std(y[1::2]), rel=1e-13)


def test_column_sd_is_one_where_standardised_and_zero_where_constant():
    X, y = data("gaussian")
    X[:, 2] = 5.0
    with pytest.warns(match="column 'x2' is constant"):
        problem = Problem.from_arrays(X, y, prior=Laplace(1.0))
    np.testing.assert_allclose(problem.column_sd(), [1, 1, 0, 1], rtol=1e-13)
    raw = Problem.from_arrays(X, y, prior=Laplace(1.0), standardize=False)
    np.testing.assert_allclose(raw.column_sd(), np.std(X, axis=0), rtol=1e-13, atol=0)


@KINDS
def test_reweighting_keeps_the_standardisation(kind):
    problem = make_problem(kind)
    weights = np.resize([0.0, 1.0, 3.0], problem.n)
    other = problem.reweighted(weights)
    np.testing.assert_array_equal(other.design.scale, problem.design.scale)
    theta = theta_near(problem, 0)
    parts = [w * in_rows(problem, [i]).nll(theta) for i, w in enumerate(weights)]
    assert other.nll(theta) == pytest.approx(sum(parts), rel=1e-13)


def test_the_same_problem_under_another_prior():
    problem = make_problem().with_prior(Gaussian(0.4))
    theta = theta_near(problem, 0)
    assert problem.value(theta) == pytest.approx(problem.nll(theta) + 0.5 * np.sum((theta[1:] / 0.4) ** 2))
    assert certify(problem, fit_theta(problem)).unique


def fit_theta(problem: Problem) -> Array:
    fit = fit_penalized(problem)
    return problem.join(fit.intercept, fit.beta)


def test_flat_intercept_is_the_default():
    assert isinstance(make_problem().intercept, Flat)
    assert make_problem(likelihood=BernoulliLogit(), kind="bernoulli").has_intercept
