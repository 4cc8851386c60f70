"""Laws that tie a likelihood's nll to SciPy, to its own derivatives and to its conjugate."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesreg.likelihoods import GaussianNoise
from tests.registry import LIKELIHOODS, LOG_2PI

EACH = pytest.mark.parametrize("case", LIKELIHOODS.values(), ids=LIKELIHOODS.keys())
predictors = st.lists(st.floats(-40, 40, allow_subnormal=False), min_size=1, max_size=5).map(np.array)
EXTREMES = np.array([-1e4, -800.0, -745.2, -40.0, 40.0, 745.2, 800.0, 1e4])


def everything(case, eta):
    """Every pairing of η with the case's responses, as two flat vectors."""
    pairs = np.meshgrid(eta, case.responses)
    return np.ravel(pairs[0]), np.ravel(pairs[1])


@EACH
@given(eta=predictors)
def test_nll_is_scipys_log_density_with_no_constant_dropped(case, eta):
    eta, y = everything(case, eta)
    np.testing.assert_allclose(case.make().nll(eta, y), -case.log_density(eta, y), rtol=1e-13, atol=1e-13)


@EACH
def test_nll_agrees_far_out_in_the_tails(case):
    eta, y = everything(case, EXTREMES)
    np.testing.assert_allclose(case.make().nll(eta, y), -case.log_density(eta, y), rtol=1e-13, atol=0)


@EACH
@pytest.mark.parametrize("field", ["nll", "d1", "d2", "d_log_sigma"])
def test_extreme_predictors_give_finite_values(case, field):
    eta, y = everything(case, EXTREMES)
    assert np.isfinite(getattr(case.make(), field)(eta, y)).all()


@EACH
@given(eta=predictors)
def test_first_derivative(case, eta):
    eta, y = everything(case, eta)
    model, h = case.make(), 1e-4
    numeric = (model.nll(eta + h, y) - model.nll(eta - h, y)) / (2 * h)
    np.testing.assert_allclose(model.d1(eta, y), numeric, rtol=1e-6, atol=1e-7)


@EACH
@given(eta=predictors)
def test_second_derivative(case, eta):
    eta, y = everything(case, eta)
    model, h = case.make(), 1e-4
    numeric = (model.d1(eta + h, y) - model.d1(eta - h, y)) / (2 * h)
    np.testing.assert_allclose(model.d2(eta, y), numeric, rtol=1e-6, atol=1e-8)


@EACH
def test_first_derivative_keeps_its_digits_where_the_fit_is_near_perfect(case):
    # d1 must not be a difference of numbers near 1: at η = 40 a wrong class costs 1, a right one e⁻⁴⁰.
    eta, y = everything(case, np.array([-40.0, -20.0, 20.0, 40.0]))
    model, h = case.make(), 1e-3
    numeric = (model.nll(eta + h, y) - model.nll(eta - h, y)) / (2 * h)
    np.testing.assert_allclose(model.d1(eta, y), numeric, rtol=1e-6, atol=0)


@EACH
@given(eta=predictors)
def test_derivative_in_log_sigma(case, eta):
    model = case.make()
    eta, y = everything(case, eta)
    if not model.has_noise_scale:
        np.testing.assert_array_equal(model.d_log_sigma(eta, y), np.zeros(eta.size))
        return
    h, sigma = 1e-5, model.sigma_known
    ahead, behind = (model.at(sigma * np.exp(s * h)).nll(eta, y) for s in (1, -1))
    np.testing.assert_allclose(model.d_log_sigma(eta, y), (ahead - behind) / (2 * h), rtol=1e-6, atol=1e-6)


@EACH
def test_declared_shape_is_the_true_one(case):
    # `convex` licenses the duality gap, `quadratic` a single Newton step: neither may be claimed wrongly.
    model = case.make()
    eta, y = everything(case, np.linspace(-6, 6, 41))
    curvature = model.d2(eta, y)
    assert model.convex == (curvature >= 0).all()
    assert model.quadratic == (np.ptp(curvature) == 0)


@EACH
@given(eta=predictors, other=predictors)
def test_fenchel_young_inequality(case, eta, other):
    # θ is a slope of nll at some other η, which sweeps the interior of the conjugate's domain.
    model = case.make()
    grid, y = everything(case, eta)
    theta = model.d1(np.resize(other, y.size), y)
    gap = model.nll(grid, y) + model.conjugate(theta, y) - theta * grid
    assert (gap >= -1e-12 * (1 + np.abs(theta * grid) + np.abs(model.nll(grid, y)))).all()


@EACH
@given(eta=predictors)
def test_fenchel_young_equality_at_the_slope(case, eta):
    model = case.make()
    eta, y = everything(case, eta)
    theta = model.d1(eta, y)
    gap = model.nll(eta, y) + model.conjugate(theta, y) - theta * eta
    size = 1 + np.abs(theta * eta) + np.abs(model.nll(eta, y)) + np.abs(theta * y)
    assert (np.abs(gap) <= 1e-13 * size).all()


def test_bernoulli_conjugate_is_finite_on_its_closed_domain_only():
    model = LIKELIHOODS["bernoulli"].make()
    y = np.array([0.0, 0.0, 1.0, 1.0])
    np.testing.assert_array_equal(model.conjugate(np.array([0.0, 1.0, -1.0, 0.0]), y), np.zeros(4))
    assert np.isinf(model.conjugate(np.array([-1e-12, 1 + 1e-12, -1 - 1e-12, 1e-12]), y)).all()


@pytest.mark.parametrize("theta", [1e-3, 1e-12, 1e-200])
def test_bernoulli_conjugate_keeps_its_digits_in_both_classes(theta):
    # q log q + (1 − q) log(1 − q) with q = θ for y = 0 and 1 − θ for y = 1, where 1 − θ would round.
    model = LIKELIHOODS["bernoulli"].make()
    expected = theta * np.log(theta) + (1 - theta) * np.log1p(-theta)
    found = model.conjugate(np.array([theta, -theta]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


@EACH
@given(eta=predictors)
def test_mean_is_the_inverse_link(case, eta):
    np.testing.assert_allclose(case.make().mean(eta), case.mean(eta), rtol=1e-14)


@EACH
def test_simulated_responses_lie_in_the_domain_and_follow_the_seed(case):
    model, eta = case.make(), np.linspace(-3, 3, 200)
    first, again, other = (model.simulate(eta, None, np.random.default_rng(s)) for s in (1, 1, 2))
    assert model.check(first, None, np.zeros_like(first), np.ones(first.size, dtype=bool)) == ()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_simulation_takes_the_noise_scale_it_is_given():
    eta = np.zeros(3)
    known = GaussianNoise(2.0).simulate(eta, None, np.random.default_rng(0))
    given_ = GaussianNoise().simulate(eta, np.full(3, 2.0), np.random.default_rng(0))
    np.testing.assert_array_equal(known, given_)


def test_gaussian_nll_in_figures():
    # ½·(3/2)² + log 2 + ½ log 2π, worked by hand.
    assert GaussianNoise(2.0).nll(np.array(1.0), np.array(4.0)) == pytest.approx(1.125 + np.log(2) + LOG_2PI / 2)
