"""Laws that tie a likelihood's nll to SciPy, to its shape, to its conjugate, to its draws and to its domain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate

from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, StudentTNoise
from bayesreg.priors import Flat
from tests.registry import ALPHA, LIKELIHOODS, LOG_2PI, NU, SIGMA, TRIALS, WITH_TRIALS, block_of

CASES = LIKELIHOODS | WITH_TRIALS
EACH = pytest.mark.parametrize("name", CASES)
predictors = st.lists(st.floats(-40, 40, allow_subnormal=False), min_size=1, max_size=5).map(np.array)
EXTREMES = np.array([-1e4, -800.0, -745.2, -700.0, 700.0, 745.2, 800.0, 1e4])
DISPERSED = ("gaussian", "student-t", "negative-binomial", "gamma")
COUNTS = ("bernoulli", "binomial", "poisson", "negative-binomial")


# -- against SciPy -------------------------------------------------------------------------------------------------


@EACH
@given(eta=predictors)
def test_nll_is_scipys_log_density_with_no_constant_dropped(name, eta):
    case = CASES[name]
    eta, y = case.pairs(eta * min(1.0, case.reach / 40))
    tolerance = 1e-13 if np.isinf(case.reach) else 1e-11  # SciPy rounds p = α/(α + μ)
    np.testing.assert_allclose(case.make().nll(eta, y), -case.log_density(eta, y), rtol=tolerance, atol=tolerance)


def mass(model, eta):
    """Integral of the density over z, with y = η + sinh z or y = e^z: tails of a power become exponential ones."""

    def integrand(z):
        y, jacobian = (np.exp(z), np.exp(z)) if model.link == "log" else (eta + np.sinh(z), np.cosh(z))
        return float(np.exp(-model.nll(np.array(eta), np.array(y))) * jacobian)

    middle = eta if model.link == "log" else 0.0
    return integrate.quad(integrand, -30, 30 if model.link == "identity" else 6, limit=400, points=[middle])[0]


@EACH
def test_densities_sum_to_one_so_that_no_constant_is_dropped(name):
    model = CASES[name].make()
    for eta in (-2.0, 0.3, 2.0):
        if name in COUNTS:
            y = np.arange({"bernoulli": 2.0, "binomial": TRIALS + 1}.get(name, 4000.0))
            total = np.exp(-model.nll(np.full(y.size, eta), y)).sum()
        else:
            total = mass(model, eta)
        assert total == pytest.approx(1, rel=1e-9)


@EACH
@given(eta=predictors)
def test_mean_is_the_inverse_link(name, eta):
    case = CASES[name]
    eta = eta * min(1.0, case.reach / 40)
    np.testing.assert_allclose(case.make().mean(eta), case.mean(eta), rtol=1e-12 if np.isfinite(case.reach) else 1e-14)


def test_gaussian_nll_in_figures():
    # ½·(3/2)² + log 2 + ½ log 2π, worked by hand.
    assert GaussianNoise(2.0).nll(np.array(1.0), np.array(4.0)) == pytest.approx(1.125 + np.log(2) + LOG_2PI / 2)


# -- shape ---------------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("field", ["nll", "d1", "d2", "d_log_sigma", "majorizer"])
def test_extreme_predictors_give_finite_values(name, field):
    case = CASES[name]
    eta, y = case.pairs(np.concatenate([np.linspace(-40, 40, 33), EXTREMES]))
    assert np.isfinite(getattr(case.make(), field)(eta, y)).all()


@EACH
def test_declared_shape_is_the_true_one(name):
    # `convex` licenses the duality gap, `quadratic` a single Newton step: neither may be claimed wrongly.
    model = CASES[name].make()
    eta, y = CASES[name].pairs(np.linspace(-6, 6, 41))
    curvature = model.d2(eta, y)
    assert model.convex == (curvature >= 0).all()
    assert model.quadratic == (np.ptp(curvature) == 0)


@EACH
@given(eta=predictors, other=predictors)
def test_majorizer_is_the_curvature_or_a_parabola_that_is_nowhere_below(name, eta, other):
    case = CASES[name]
    model = case.make()
    eta, y = case.pairs(eta)
    bend = model.majorizer(eta, y)
    assert (bend >= 0).all()
    if model.convex:
        np.testing.assert_array_equal(bend, model.d2(eta, y))
        return
    step = np.resize(other, y.size)
    parabola = model.nll(eta, y) + model.d1(eta, y) * step + 0.5 * bend * step**2
    here = model.nll(eta + step, y)
    assert (parabola >= here - 1e-12 * (1 + np.abs(here) + np.abs(parabola))).all()


def test_students_majorizer_is_the_least_parabola_that_touches():
    # One with 1 % less curvature cuts through nll on the other side of y, at the mirror image of η.
    model, eta, y = StudentTNoise(NU, SIGMA), np.array([1.0, 4.0, 9.0]), np.zeros(3)
    for shrink, above in ((1.0, True), (0.99, False)):
        bend = shrink * model.majorizer(eta, y)
        at_mirror = model.nll(eta, y) + model.d1(eta, y) * (-2 * eta) + 0.5 * bend * (2 * eta) ** 2
        assert ((at_mirror >= model.nll(-eta, y) - 1e-12) == above).all()


@EACH
def test_monotone_rows_are_those_whose_slope_never_changes_sign(name):
    case = CASES[name]
    y = np.array(case.responses)
    eta = np.linspace(-100, 100, 601)[:, None]
    slope = case.make().d1(eta, y[None, :])
    never_rises, never_falls = case.make().monotone(y)
    np.testing.assert_array_equal(never_rises, (slope <= 0).all(axis=0))
    np.testing.assert_array_equal(never_falls, (slope >= 0).all(axis=0))
    assert (never_rises.sum(), never_falls.sum()) == {
        "bernoulli": (1, 1), "binomial": (1, 1), "poisson": (0, 1), "negative-binomial": (0, 1)
    }.get(name, (0, 0))  # fmt: skip


@EACH
def test_exact_fit_makes_the_density_unbounded_and_nothing_else_does(name):
    case = CASES[name]
    model, y = case.make(), np.array(case.responses)
    fit = model.exact_fit(y)
    assert (fit is None) == (name in COUNTS)
    if fit is None:
        return
    eta, share = fit
    vanish = (lambda s: s**2) if model.dispersion_name == "alpha" else (lambda s: 1 / s)
    near, far = (model.nll_given(eta, y, vanish(s)) for s in (1e4, 1e6))
    np.testing.assert_allclose(near - far, np.log(100), rtol=1e-6)  # each row's density grows as 1/dispersion
    missed = [model.nll_given(eta + 0.5, y, vanish(s)) for s in (1e4, 1e6)]
    assert (missed[1] > missed[0]).all()
    if name == "student-t":  # the share at which what exact rows gain is what the others lose
        gain, loss = np.log(100), missed[1][0] - missed[0][0]
        assert share * gain == pytest.approx((1 - share) * loss, rel=1e-6)
    else:
        assert share == 1.0


# -- conjugate -----------------------------------------------------------------------------------------------------


@EACH
@given(eta=predictors, other=predictors)
def test_fenchel_young_inequality(name, eta, other):
    # θ is a slope of nll at some other η, which sweeps the interior of the conjugate's domain.
    case = CASES[name]
    model = case.make()
    grid, y = case.pairs(eta)
    theta = model.d1(np.resize(other, y.size), y)
    with np.errstate(invalid="raise"):
        gap = model.nll(grid, y) + model.conjugate(theta, y) - theta * grid
    assert (gap >= -1e-12 * (1 + np.abs(theta * grid) + np.abs(model.nll(grid, y)))).all()


@EACH
@given(eta=predictors)
def test_fenchel_young_equality_at_the_slope(name, eta):
    case = CASES[name]
    model = case.make()
    eta, y = case.pairs(eta)
    theta = model.d1(eta, y)
    conjugate = model.conjugate(theta, y)
    if not model.convex:
        np.testing.assert_array_equal(np.isinf(conjugate), theta != 0)
        return
    size = 1 + np.abs(theta * eta) + np.abs(model.nll(eta, y)) + np.abs(theta * y)
    assert (np.abs(model.nll(eta, y) + conjugate - theta * eta) <= 4e-14 * size).all()


DOMAINS = {
    "gaussian": lambda y: (-np.inf, np.inf),
    "student-t": lambda y: (0.0, 0.0),
    "bernoulli": lambda y: (-y, 1 - y),
    "binomial": lambda y: (-y, TRIALS - y),
    "poisson": lambda y: (-y, np.inf),
    "negative-binomial": lambda y: (-y, ALPHA),
    "gamma": lambda y: (-np.inf, ALPHA),
}


@EACH
def test_conjugate_is_finite_on_its_closed_domain_only(name):
    case = CASES[name]
    model = case.make()
    for y in case.responses:
        low, high = DOMAINS[name](y)
        edges = np.array([e for e in (low, high) if np.isfinite(e)])
        inside = np.array([max(low, -1e3), min(high, 1e3), 0.5 * (max(low, -1e3) + min(high, 1e3))])
        assert np.isfinite(model.conjugate(np.concatenate([inside, edges]), np.full(3 + edges.size, y))).all()
        outside = np.array([e + s * 1e-9 * (1 + abs(e)) for e, s in ((low, -1), (high, 1)) if np.isfinite(e)])
        assert outside.size == edges.size
        assert (model.conjugate(outside, np.full(outside.size, y)) == np.inf).all()


@pytest.mark.parametrize("theta", [1e-3, 1e-12, 1e-200])
def test_bernoulli_conjugate_keeps_its_digits_in_both_classes(theta):
    # q log q + (1 − q) log(1 − q) with q = θ for y = 0 and 1 − θ for y = 1, where 1 − θ would round.
    model = BernoulliLogit()
    expected = theta * np.log(theta) + (1 - theta) * np.log1p(-theta)
    found = model.conjugate(np.array([theta, -theta]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(found, expected, rtol=1e-14)


# -- simulation ----------------------------------------------------------------------------------------------------


def draws(model, eta, sigma=None, n=40_000):
    return model.simulate(np.full(n, eta), sigma, np.random.default_rng(5))


VARIANCE = {
    "gaussian": lambda mean: SIGMA**2,
    "bernoulli": lambda mean: mean * (1 - mean),
    "student-t": lambda mean: None,  # its fourth moment does not exist, nor an error of its variance
    "poisson": lambda mean: mean,
    "negative-binomial": lambda mean: mean + mean**2 / ALPHA,
    "gamma": lambda mean: mean**2 / ALPHA,
    "binomial": lambda mean: mean * (1 - mean / TRIALS),
}


def z_score(values, expected):
    return (values.mean() - expected) / (values.std() / np.sqrt(values.size))


@EACH
def test_variance_is_the_density_s_own_second_moment(name):
    model = CASES[name].make()
    for eta in (-1.0, 0.4):
        mean = float(model.mean(np.array([eta])).item())
        found = float(model.variance(np.array([eta]), None).item())
        if name in COUNTS:
            y = np.arange({"bernoulli": 2.0, "binomial": TRIALS + 1}.get(name, 4000.0))
            assert found == pytest.approx(np.exp(-model.nll(np.full(y.size, eta), y)) @ (y - mean) ** 2, rel=1e-9)
            continue

        def integrand(t, model=model, eta=eta, mean=mean):
            y = np.exp(t) if model.link == "log" else eta + np.sinh(t)
            slope = y if model.link == "log" else np.cosh(t)
            return float((y - mean) ** 2 * np.exp(-model.nll(np.array(eta), np.array(y))) * slope)

        moment = integrate.quad(integrand, -30, 6 if model.link == "log" else 30, limit=400, points=[0.0])[0]
        assert found == pytest.approx(moment, rel=1e-6)


def test_variance_follows_the_dispersion_it_is_given():
    for name in DISPERSED:
        model, eta = CASES[name].make(), np.array([0.4, -1.0])
        other = 1.7 * model.sigma_known
        np.testing.assert_array_equal(model.variance(eta, np.array([other])), model.at(other).variance(eta, None))
        assert (model.variance(eta, np.array([other])) != model.variance(eta, None)).all()
    assert np.isinf(StudentTNoise(2.0, 1.0).variance(np.zeros(1), None)).all()


@EACH
def test_draws_have_the_familys_moments_and_a_shifted_predictor_would_show(name):
    model, eta = CASES[name].make(), 0.4
    mean = float(model.mean(np.array([eta])).item())
    y = draws(model, eta)
    assert abs(z_score(y, mean)) < 4.5
    assert abs(z_score(draws(model, eta + 0.1), mean)) > 4.5
    score = model.d1(np.full(y.size, eta), y)  # E d1 = 0 and E d1² = E d2, whatever moments y has
    assert abs(z_score(score, 0.0)) < 4.5
    assert abs(z_score(score**2 - model.d2(np.full(y.size, eta), y), 0.0)) < 4.5
    if VARIANCE[name](mean) is not None:
        assert abs(z_score((y - mean) ** 2, VARIANCE[name](mean))) < 4.5


@pytest.mark.parametrize("name", DISPERSED)
def test_draws_follow_the_dispersion_they_are_given(name):
    # E[∂nll/∂ log σ] = 0 at the dispersion drawn from, and not at one 10 % off.
    model, eta = CASES[name].make(), 0.4
    given_ = np.full(40_000, 1.1 * model.sigma_known)
    y = draws(model, eta, given_)
    np.testing.assert_array_equal(y, draws(model.at(1.1 * model.sigma_known), eta))
    here = np.full(y.size, eta)
    assert abs(z_score(model.at(1.1 * model.sigma_known).d_log_sigma(here, y), 0.0)) < 4.5
    assert abs(z_score(model.d_log_sigma(here, y), 0.0)) > 4.5


@EACH
def test_draws_lie_in_the_domain_and_follow_the_seed(name):
    model, eta = CASES[name].make(), np.linspace(-3, 3, 200)
    first, again, other = (model.simulate(eta, None, np.random.default_rng(s)) for s in (1, 1, 2))
    trials = TRIALS if name in WITH_TRIALS else None
    assert model.check(block_of(first, trials=trials), Flat()) == ()
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


@pytest.mark.parametrize("name", ["poisson", "negative-binomial", "gamma"])
def test_draws_far_out_are_finite_and_in_the_domain(name):
    y = CASES[name].make().simulate(np.array([-745.0, 30.0, 50.0, 700.0]), None, np.random.default_rng(0))
    assert np.isfinite(y).all()
    assert (y >= 0).all() if name != "gamma" else (y > 0).all()
    assert y[1] > 1e11
