"""Laws that tie a likelihood's distribution function to SciPy's, to its own nll and to its draws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats

from bayesreg.interfaces import Array, Likelihood
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from tests.registry import ALPHA, LIKELIHOODS, NU, SIGMA, TRIALS, WITH_TRIALS, block_of, with_trials

CASES = LIKELIHOODS | WITH_TRIALS
EACH = pytest.mark.parametrize("name", CASES)
COUNTS = ("bernoulli", "binomial", "poisson", "negative-binomial")
predictors = st.lists(st.floats(-40, 40, allow_subnormal=False), min_size=1, max_size=5).map(np.array)


def dispersion(name: str) -> float | None:
    return {"gaussian": SIGMA, "student-t": SIGMA, "negative-binomial": ALPHA, "gamma": ALPHA}.get(name)


def own(name: str, eta: Array, y: Array) -> Array:
    return CASES[name].make().cdf(eta, y, dispersion(name))


@EACH
@given(eta=predictors)
def test_cdf_is_scipys(name: str, eta: Array) -> None:
    case = CASES[name]
    eta, y = case.pairs(eta * min(1.0, case.reach / 40))
    exact = np.isinf(case.reach)
    np.testing.assert_allclose(own(name, eta, y), case.cdf(eta, y), rtol=1e-13 if exact else 1e-9, atol=1e-300)


@EACH
def test_a_tenth_more_in_eta_is_caught(name: str) -> None:
    eta, y = CASES[name].pairs(np.array([0.4, 1.0]))
    some = (own(name, eta, y) > 1e-6) & (own(name, eta, y) < 1 - 1e-6)
    assert some.any()
    with pytest.raises(AssertionError):
        np.testing.assert_allclose(own(name, 1.1 * eta, y)[some], CASES[name].cdf(eta, y)[some], rtol=1e-3)


@EACH
def test_discrete_is_said_of_the_families_of_counts(name: str) -> None:
    assert CASES[name].make().discrete == (name in COUNTS)


@EACH
def test_cdf_sums_up_the_density(name: str) -> None:
    model, eta = CASES[name].make(), np.array(0.3)
    if name in COUNTS:
        y = np.arange({"bernoulli": 2.0, "binomial": TRIALS + 1}.get(name, 40.0))
        total = np.cumsum(np.exp(-model.nll(np.full(y.size, eta), y)))
        np.testing.assert_allclose(own(name, np.full(y.size, eta), y), total, rtol=1e-12)
        np.testing.assert_allclose(own(name, np.full(y.size, eta), y + 0.7), total, rtol=1e-12)  # flat in between
        below = own(name, np.full(y.size, eta), y - 1)
        np.testing.assert_allclose(below, total - np.exp(-model.nll(np.full(y.size, eta), y)), atol=1e-12)
        return
    start = 1e-300 if model.link == "log" else -np.inf
    for end in (0.2, 1.0, 3.0):
        area = integrate.quad(lambda y: float(np.exp(-model.nll(eta, np.array(y)))), start, end)[0]
        assert own(name, eta, np.array(end)) == pytest.approx(area, rel=1e-7)


@EACH
@given(eta=predictors)
def test_cdf_rises_with_y_and_falls_with_eta(name: str, eta: Array) -> None:
    y = np.sort(np.concatenate([CASES[name].responses, [-0.5, 0.5, 1.5]]))
    eta = np.sort(eta)
    values = own(name, eta[:, None], y[None, :])
    assert values.shape == (eta.size, y.size)
    assert ((values >= 0) & (values <= 1)).all()
    assert (np.diff(values, axis=1) >= -1e-14).all()
    assert (np.diff(values, axis=0) <= 1e-14).all()


@EACH
@pytest.mark.parametrize("eta", [-1e4, -745.2, 745.2, 1e4])
def test_extreme_predictors_leave_a_probability(name: str, eta: float) -> None:
    grid, y = CASES[name].pairs(np.array([eta]))
    values = own(name, grid, y)
    assert ((values >= 0) & (values <= 1)).all()


@pytest.mark.parametrize(
    ("model", "eta", "y", "sigma", "expected"),
    [
        (GaussianNoise(), 0.0, -30.0, 1.0, stats.norm.cdf(-30.0)),
        (BernoulliLogit(), 200.0, 0.0, None, np.exp(-200.0)),
        (with_trials(3.0), 200.0, 0.0, None, np.exp(-600.0)),
        (PoissonLog(), np.log(600.0), 0.0, None, np.exp(-600.0)),
        (NegativeBinomialLog(), np.log(1e100), 0.0, 2.0, 1e-200 * 4.0),
        (GammaLog(), 0.0, 1e-100, 2.0, 2.0 * 1e-200),
    ],
)
def test_lower_tails_keep_their_digits(
    model: Likelihood, eta: float, y: float, sigma: float | None, expected: float
) -> None:
    assert model.cdf(np.array(eta), np.array(y), sigma) == pytest.approx(expected, rel=1e-11, abs=0)


def test_negative_binomial_of_a_large_shape_is_poisson() -> None:
    eta, y = np.full(6, np.log(3.0)), np.arange(6.0)
    found = NegativeBinomialLog().cdf(eta, y, 1e12)
    np.testing.assert_allclose(found, PoissonLog().cdf(eta, y, None), rtol=1e-9)


def test_trials_go_with_the_rows_and_dispersion_with_the_draws() -> None:
    eta = np.random.default_rng(0).normal(size=(5, 3))
    y, m = np.array([0.0, 2.0, 4.0]), np.array([1.0, 3.0, 4.0])
    bound = BernoulliLogit().on(block_of(y, trials=m))
    np.testing.assert_allclose(bound.cdf(eta, y, None), stats.binom(m, stats.logistic.cdf(eta)).cdf(y), rtol=1e-11)
    alpha = np.linspace(0.5, 4, 5)[:, None]
    mean = np.exp(eta)
    expected = stats.nbinom(alpha, alpha / (alpha + mean)).cdf(y)
    np.testing.assert_allclose(NegativeBinomialLog().cdf(eta, y, alpha), expected, rtol=1e-11)


@EACH
@pytest.mark.parametrize("shift", [0.0, 0.15])
def test_draws_have_this_distribution_and_not_one_moved_a_little(name: str, shift: float) -> None:
    model, eta = CASES[name].make(), np.full(20_000, 0.4)
    y = model.simulate(eta, None, np.random.default_rng(3))
    u = np.random.default_rng(4).uniform(size=y.size)
    at = own(name, eta + shift, y)
    below = own(name, eta + shift, y - 1) if model.discrete else at
    agree = stats.kstest(below + u * (at - below), "uniform").pvalue > 1e-4
    assert agree == (shift == 0)


def test_student_of_many_degrees_of_freedom_is_normal() -> None:
    eta, y = np.zeros(5), np.linspace(-3, 3, 5)
    np.testing.assert_allclose(StudentTNoise(1e9).cdf(eta, y, 1.5), GaussianNoise().cdf(eta, y, 1.5), rtol=1e-6)
    assert np.abs(StudentTNoise(NU).cdf(eta, y, 1.5) - GaussianNoise().cdf(eta, y, 1.5)).max() > 0.01
