"""The certificate holds at the optimum and at nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from bayesreg.dispersion_profile import dispersion_slope
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, StudentTNoise
from bayesreg.optimality import certify, duality_gap, kkt_residual
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfNormal
from tests.problems import FAMILIES, FORMS, PAIRS, P, make_problem, pair_problem, sparse_problem

KINDS = pytest.mark.parametrize("kind", FAMILIES)
EVERY_FORM = pytest.mark.parametrize("form", FORMS)
EVERY_PAIR = pytest.mark.parametrize("pair", PAIRS, ids="/".join)
CONVEX_PAIRS = [pair for pair in PAIRS if pair_problem(*pair).convex]
EVERY_CONVEX_PAIR = pytest.mark.parametrize("pair", CONVEX_PAIRS, ids="/".join)


def expected(problem):
    return Outcome.CERTIFIED if problem.convex else Outcome.STATIONARY


def optimum(problem):
    fit = fit_penalized(problem)
    assert fit.outcome is expected(problem)
    return fit, problem.join(fit.intercept, fit.beta)


def test_only_student_t_noise_and_cusps_are_not_convex():
    others = {pair for pair in PAIRS if pair not in CONVEX_PAIRS}
    assert others == {(k, f, p) for k, f, p in PAIRS if k == "student-t" or p.startswith("bridge-0.5")}


@EVERY_PAIR
def test_optimum_is_certified(pair):
    problem = pair_problem(*pair)
    fit, theta = optimum(problem)
    certificate = fit.certificate
    rates = problem.penalty_prior.rates(theta.size)
    assert (certificate.residual <= 1e-8 * np.maximum(1.0, rates)).all()
    assert certificate.convex == problem.convex
    assert bool(fit.search) == (not problem.convex)
    if problem.convex:
        assert 0 <= certificate.gap <= 1e-9
    else:
        assert certificate.gap == np.inf
    assert certificate.gap_tolerance == 1e-9
    assert certificate.labels == problem.labels
    assert certificate.kkt == certificate.residual.max()
    assert fit.objective == problem.value(theta)


# -- negative controls ---------------------------------------------------------------------------------------


@EVERY_PAIR
def test_a_moved_coefficient_is_not_certified(pair):
    problem = pair_problem(*pair)
    fit, theta = optimum(problem)
    for j in np.flatnonzero(~fit.certificate.zero):
        moved = theta.copy()
        moved[j] += 1e-4
        assert certify(problem, moved).outcome is Outcome.NOT_CERTIFIED


@KINDS
def test_a_zero_that_is_not_quite_zero_is_not_certified(kind):
    problem = sparse_problem(kind)
    fit, theta = optimum(problem)
    almost = theta.copy()
    almost[1 + np.flatnonzero(fit.zeros)[0]] = 1e-6
    assert certify(problem, almost).outcome is Outcome.NOT_CERTIFIED


@KINDS
@pytest.mark.parametrize("factor", [0.9, 0.999, 1.001, 1.1])
@pytest.mark.parametrize("shape", [Laplace, Gaussian])
def test_a_wrong_scale_is_not_certified(kind, factor, shape):
    problem = make_problem(kind, prior=shape(0.2))
    _, theta = optimum(problem)
    wrong = problem.with_prior(shape(0.2 * factor))
    assert certify(wrong, theta).outcome is Outcome.NOT_CERTIFIED


def test_a_wrong_sigma_is_not_certified():
    problem = make_problem(likelihood=GaussianNoise(1.0))
    _, theta = optimum(problem)
    wrong = replace(problem, likelihood=GaussianNoise(1.001))
    assert certify(wrong, theta).outcome is Outcome.NOT_CERTIFIED


def test_a_joint_mode_with_a_wrong_sigma_is_not_certified():
    problem = make_problem(likelihood=GaussianNoise(HalfNormal(2.0)))
    fit = fit_penalized(problem, sigma="joint")
    wrong = fit.sigma * 1.001
    theta = optimum(problem.at(wrong))[1]  # the best coefficients for that σ: only σ itself is off
    slope = dispersion_slope(problem, theta, wrong)
    certificate = certify(problem.at(wrong), theta, dispersion_residual=abs(slope))
    assert certificate.outcome is Outcome.NOT_CERTIFIED
    assert replace(certificate, dispersion_residual=float("nan")).outcome is Outcome.CERTIFIED


@pytest.mark.parametrize(
    ("field", "value", "outcome"),
    [
        ("gap", float("nan"), Outcome.NOT_CERTIFIED),
        ("gap", float("inf"), Outcome.NOT_CERTIFIED),
        ("gap", 2e-9, Outcome.NOT_CERTIFIED),
        ("residual", np.full(P + 1, np.nan), Outcome.NOT_CERTIFIED),
        ("residual", np.full(P + 1, 1e-3), Outcome.NOT_CERTIFIED),
        ("dispersion_residual", 1e-3, Outcome.NOT_CERTIFIED),
        ("convex", False, Outcome.STATIONARY),
        ("tied", ("x0", "x1"), Outcome.NOT_UNIQUE),
    ],
)
def test_verdict_follows_from_the_evidence(field, value, outcome):
    certificate = fit_penalized(make_problem()).certificate
    assert certificate.outcome is Outcome.CERTIFIED
    assert replace(certificate, **{field: value}).outcome is outcome


def test_a_gap_says_nothing_where_the_objective_is_not_convex():
    certificate = fit_penalized(make_problem()).certificate
    assert replace(certificate, convex=False, gap=float("inf")).outcome is Outcome.STATIONARY


# -- the parts -----------------------------------------------------------------------------------------------


@KINDS
def test_margin_is_how_far_a_zero_is_from_leaving(kind):
    problem = sparse_problem(kind)
    fit, theta = optimum(problem)
    slope, rate = problem.gradient(theta)[1:], problem.prior.rates(P)
    assert fit.zeros.any()
    assert not fit.zeros.all()
    np.testing.assert_allclose(fit.margin[fit.zeros], (1 - np.abs(slope) / rate)[fit.zeros], rtol=1e-12)
    assert np.isnan(fit.margin[~fit.zeros]).all()
    # and a prior as much wider as the margin allows leaves it a zero, a wider one does not
    j = int(np.flatnonzero(fit.zeros)[0])
    for factor, stays in ((1 - 1e-6, True), (1 + 1e-6, False)):
        scale = np.array(problem.prior.scale)
        scale[j] *= factor / (1 - fit.margin[j])
        assert fit_penalized(problem.with_prior(Laplace(scale, loc=problem.prior.loc))).zeros[j] == stays


@KINDS
@EVERY_FORM
def test_kkt_residual_is_the_slope_in_the_steepest_direction(kind, form):
    # The largest directional decrease of J along an axis, by differences of J itself.
    problem = FORMS[form](kind)
    _, theta = optimum(problem)
    theta = theta + np.where(np.arange(theta.size) % 2, 0.0, 0.3)
    h = 1e-7
    for j, unit in enumerate(np.eye(theta.size)):
        slopes = [(problem.value(theta + s * h * unit) - problem.value(theta)) / h for s in (1, -1)]
        assert kkt_residual(problem, theta)[j] == pytest.approx(max(0.0, -min(slopes)), rel=1e-4, abs=1e-4)


@EVERY_CONVEX_PAIR
def test_gap_bounds_the_distance_to_the_optimum(pair):
    problem = pair_problem(*pair)
    _, theta = optimum(problem)
    least, rng = problem.value(theta), np.random.default_rng(0)
    for step in np.repeat([1.0, 1e-2, 1e-4], 10):
        point = theta + step * rng.normal(size=theta.size) * (rng.random(theta.size) < 0.7)
        above = problem.value(point) - least
        assert duality_gap(problem, point) >= above - 1e-11 * (1 + abs(least))


@EVERY_CONVEX_PAIR
def test_gap_closes_as_the_optimum_is_approached(pair):
    problem = pair_problem(*pair)
    _, theta = optimum(problem)
    direction = np.random.default_rng(1).normal(size=theta.size)
    gaps = [duality_gap(problem, theta + step * direction) for step in (1e-2, 1e-4, 1e-6)]
    assert gaps[0] > gaps[1] > gaps[2]
    assert gaps[2] < 1e-3 * gaps[0]


def test_a_row_of_weight_zero_leaves_no_gap():
    # Here its dual variable leaves the conjugate's domain, and 0·∞ is not a number.
    x = np.append(np.resize([0.1, -0.1], 20), -100.0)
    y = np.append(np.resize([0.0, 0.0, 1.0, 1.0], 20), 0.0)
    weights = np.append(np.ones(20), 0.0)
    with_it, without = (
        Problem.from_arrays(
            x[:n, None],
            y[:n],
            weights=weights[:n],
            prior=Laplace(0.2),
            likelihood=BernoulliLogit(),
            standardize=False,
        )
        for n in (21, 20)
    )
    theta = np.array([1.2, 1.0])
    gap = duality_gap(without, theta)
    assert np.isfinite(gap)
    assert duality_gap(with_it, theta) == pytest.approx(gap, rel=1e-12)


def test_rounding_is_allowed_for_where_gradients_are_large():
    # With columns of size 1e9 the gradient's terms are of size 1e10: 1e-8 of a nat per unit is beyond rounding.
    problem = make_problem(standardize=False)
    block = problem.design.rows.collect()
    rows = type(problem.design.rows)(block.X * 1e9, block.y, block.offset, None)
    large = replace(problem, design=replace(problem.design, rows=rows), prior=Laplace(0.2e-9))
    fit = fit_penalized(large)
    assert fit.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(fit.beta * 1e9, fit_penalized(problem).beta, rtol=1e-9, atol=1e-12)
    moved = large.join(fit.intercept, fit.beta * (1 + 1e-6))
    assert certify(large, moved).outcome is Outcome.NOT_CERTIFIED


# -- units -----------------------------------------------------------------------------------------------------

NOT_CONVEX = {
    "a bridge with a cusp": lambda t: (GaussianNoise(sigma=t), Bridge(0.3 * t, 0.5)),
    "Student-t noise": lambda t: (StudentTNoise(sigma=t, nu=4.0), Laplace(0.3 * t)),
}


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("kind", NOT_CONVEX)
def test_without_a_duality_gap_the_unit_of_y_changes_no_verdict(kind, unit):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 3))
    y = X @ [1.0, 0.0, -0.5] + rng.normal(size=60)
    likelihood, prior = NOT_CONVEX[kind](unit)
    problem = Problem.from_arrays(X, unit * y, likelihood=likelihood, prior=prior)
    _, theta = optimum(problem)
    assert certify(problem, theta).stationary
    assert not certify(problem, 1.01 * theta).stationary
    assert not certify(problem, theta * (1 + 1e-6)).stationary
