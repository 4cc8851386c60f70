"""Likelihoods against their textbook forms in arithmetic of 420 digits: no digit is lost to cancellation."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import cache

import numpy as np
import pytest

from bayesreg.interfaces import Likelihood
from bayesreg.likelihoods import GammaLog, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.likelihoods.numerics import LARGEST
from tests.registry import LIKELIHOODS, NU, TRIALS, WITH_TRIALS, with_trials

CASES = LIKELIHOODS | WITH_TRIALS
EACH = pytest.mark.parametrize("name", CASES)
REACH = np.array([-700.0, -40.0, -3.0, -0.4, 0.0, 1e-9, 0.7, 2.5, 40.0, 700.0])


# -- arithmetic in 420 digits --------------------------------------------------------------------------------------

DIGITS = 420


@cache
def log_gamma(x: Decimal) -> Decimal:
    """log Γ(x): of small whole numbers exact, of others to 50 digits by recurrence and Stirling's series."""
    if x == int(x) and x <= 400:
        return Decimal(math.factorial(int(x) - 1)).ln()
    shift = Decimal(1)
    while x < 60:
        shift *= x
        x += 1
    total = (x - Decimal("0.5")) * x.ln() - x + (2 * pi()).ln() / 2 - shift.ln()
    for k in range(1, 25):
        b = bernoulli_numbers()[2 * k] / (2 * k * (2 * k - 1))
        total += Decimal(b.numerator) / Decimal(b.denominator) / x ** (2 * k - 1)
    return total


@cache
def bernoulli_numbers() -> list[Fraction]:
    numbers = [Fraction(1)]
    for m in range(1, 50):
        numbers.append(-sum(math.comb(m + 1, k) * numbers[k] for k in range(m)) / (m + 1))
    return numbers


@cache
def pi() -> Decimal:
    """Machin's formula."""

    def arctan_of_inverse(n: int) -> Decimal:
        return sum(Decimal((-1) ** k) / ((2 * k + 1) * Decimal(n) ** (2 * k + 1)) for k in range(320))

    return 16 * arctan_of_inverse(5) - 4 * arctan_of_inverse(239)


def softplus(x: Decimal) -> Decimal:
    return (1 + x.exp()).ln()


def exact_binomial(eta, k, m):
    return k * softplus(-eta) + (m - k) * softplus(eta) - log_gamma(m + 1) + log_gamma(k + 1) + log_gamma(m - k + 1)


def exact_student(eta, y, sigma, nu):
    constant = log_gamma(nu / 2) - log_gamma((nu + 1) / 2) + (nu * pi()).ln() / 2 + sigma.ln()
    return constant + (nu + 1) / 2 * (1 + ((y - eta) / sigma) ** 2 / nu).ln()


def exact_negative_binomial(eta, y, a):
    odds = eta - a.ln()
    return log_gamma(a) - log_gamma(y + a) + log_gamma(y + 1) + a * softplus(odds) + y * softplus(-odds)


def exact_gamma(eta, y, a):
    return a * (eta + y * (-eta).exp()) - a * a.ln() - (a - 1) * y.ln() + log_gamma(a)


EXACT = {
    "gaussian": lambda eta, y, s: ((y - eta) / s) ** 2 / 2 + s.ln() + (2 * pi()).ln() / 2,
    "student-t": lambda eta, y, s: exact_student(eta, y, s, Decimal(NU)),
    "bernoulli": lambda eta, y, _: exact_binomial(eta, y, Decimal(1)),
    "binomial": lambda eta, y, _: exact_binomial(eta, y, Decimal(TRIALS)),
    "poisson": lambda eta, y, _: eta.exp() - y * eta + log_gamma(y + 1),
    "negative-binomial": exact_negative_binomial,
    "gamma": exact_gamma,
}
"""Name -> −log density, term by term as in a textbook, of Decimals η, y and the dispersion."""


def test_every_family_has_its_exact_form_and_the_arithmetic_is_right():
    assert EXACT.keys() == CASES.keys()
    with localcontext() as context:
        context.prec = DIGITS
        known = Decimal("12.80182748008146961120771787456670616428114925566316")  # log 9!
        assert abs(log_gamma(Decimal(10)) - known) < Decimal("1e-48")
        assert abs(2 * log_gamma(Decimal("0.5")) - pi().ln()) < Decimal("1e-48")


def exact_derivatives(exact, eta, y, dispersion):
    """nll, d1, d2, d_log_sigma at one point, rounded to doubles at the very end."""
    with localcontext() as context:
        context.prec = DIGITS
        x, v, s = Decimal(float(eta)), Decimal(float(y)), Decimal(float(dispersion or 1.0))
        h = Decimal("1e-40")
        low, mid, high = (exact(x + k * h, v, s) for k in (-1, 0, 1))
        first, second = (high - low) / (2 * h), (high - 2 * mid + low) / h**2
        step = Decimal("1e-12")
        slope = 0.0
        if dispersion is not None:
            slope = float((exact(x, v, s * step.exp()) - exact(x, v, s * (-step).exp())) / (2 * step))
        return float(mid), float(first), float(second), slope


def assert_exact(model, exact, eta, y):
    """Assert every derivative to 13 digits or so, allowing for the rounding of η and log y themselves."""
    reference = [exact_derivatives(exact, e, v, model.sigma_known) for e, v in zip(eta, y, strict=True)]
    nll, d1, d2, slope = np.clip(reference, -LARGEST, LARGEST).T
    tiny = np.finfo(float).tiny * 1e3
    moved = 8e-16 * (1 + np.abs(eta) + np.abs(np.log(np.where(y > 0, y, 1.0))))
    never, always = model.monotone(y)
    floor = np.where(never | always, tiny, 2e-14)  # a monotone nll comes arbitrarily near 0, and must keep its digits
    assert (np.abs(model.nll(eta, y) - nll) <= 4e-15 * np.abs(nll) + moved * np.abs(d1) + floor).all()
    assert (np.abs(model.d1(eta, y) - d1) <= 4e-15 * np.abs(d1) + moved * np.abs(d2) + tiny).all()
    assert (np.abs(model.d2(eta, y) - d2) <= (1e-14 + 2 * moved) * np.abs(d2) + tiny).all()
    # What the part of nll that is free of η adds to its slope in log α: for counts it vanishes as α grows.
    unit = y / (y + model.sigma_known) if isinstance(model, NegativeBinomialLog) else 1.0
    allowed = 2e-14 * (np.abs(slope) + unit) + moved * np.abs(d1) + tiny
    assert (np.abs(model.d_log_sigma(eta, y) - slope) <= allowed).all()
    return nll, d1, d2, slope


@EACH
def test_nll_and_its_derivatives_are_exact_over_the_whole_reach(name):
    case = CASES[name]
    eta, y = case.pairs(REACH)
    model = case.make()
    *_, d1, d2, slope = assert_exact(model, EXACT[name], eta, y)
    assert np.ptp(d1) > 0
    assert np.abs(d2).max() > 0
    assert (np.abs(slope).max() > 0) == model.has_dispersion


@dataclass(frozen=True)
class Large:
    """A family with large numbers in it, its exact form, and the η at which it fits y best."""

    model: Likelihood
    exact: Callable[[Decimal, Decimal, Decimal], Decimal]
    y: float
    best: float


def _counts(model, name, y):
    return Large(model, EXACT[name], y, math.log(max(y, 1.0)))


def _binomial(m, y):
    return Large(with_trials(m), lambda eta, v, _: exact_binomial(eta, v, Decimal(m)), y, math.log(y / (m - y)))


def _student(nu):
    return Large(StudentTNoise(nu, 0.5), lambda eta, v, s: exact_student(eta, v, s, Decimal(nu)), 3.0, 3.0)


LARGE = {
    "poisson-1e9": _counts(PoissonLog(), "poisson", 1e9),
    "binomial-1e9": _binomial(1e9, 4e8),
    "binomial-near-all": _binomial(1e9, 1e9 - 3),
    "gamma-alpha-1e10": _counts(GammaLog(1e10), "gamma", 70.0),
    "gamma-alpha-1e-8": _counts(GammaLog(1e-8), "gamma", 70.0),
    "negative-binomial-1e9": _counts(NegativeBinomialLog(0.3), "negative-binomial", 1e9),
    "negative-binomial-to-poisson": _counts(NegativeBinomialLog(1e10), "negative-binomial", 40.0),
    "negative-binomial-both": _counts(NegativeBinomialLog(1e10), "negative-binomial", 1e9),
    "negative-binomial-zero": _counts(NegativeBinomialLog(1e10), "negative-binomial", 0.0),
    "negative-binomial-alpha-1e-8": _counts(NegativeBinomialLog(1e-8), "negative-binomial", 12.0),
    "student-nu-1e8": _student(1e8),
    "student-nu-small": _student(0.01),
}


@pytest.mark.parametrize("which", LARGE)
def test_nothing_cancels_where_counts_or_shapes_are_large(which):
    # Near the best fit the textbook form is a difference of numbers near y log y: 2e10 for y = 1e9.
    case = LARGE[which]
    eta = case.best + np.array([-9.0, -0.6, -1e-3, -1e-7, 0.0, 1e-5, 0.3, 0.8, 1.2, 35.0])
    assert_exact(case.model, case.exact, eta, np.full(eta.size, case.y))


@pytest.mark.parametrize("which", [name for name, case in LARGE.items() if case.model.convex])
def test_fenchel_young_gap_is_small_even_where_counts_and_shapes_are_large(which):
    # A certificate compares sums of these with tolerances of 1e-8 nats.
    case = LARGE[which]
    model, eta = case.model, case.best + np.array([-3.0, -0.6, -1e-3, -1e-7, 0.0, 1e-5, 0.3, 1.2, 3.0])
    y = np.full(eta.size, case.y)
    theta = model.d1(eta, y)
    gap = model.nll(eta, y) + model.conjugate(theta, y) - theta * eta
    assert (np.abs(gap) <= 1e-14 * (1 + np.abs(theta * eta) + np.abs(model.nll(eta, y)))).all()


def test_an_even_coin_tossed_often_keeps_its_digits_next_to_the_best_fit():
    # At η = 0 nothing is lost to the rounding of η, so that log(½ + ½e^t) − t/2 ≈ t²/8 must not be a difference.
    model, eta, y = with_trials(1e9), np.array([-0.3, -1e-3, 1e-4, 1e-3, 0.3]), 5e8
    exact = [exact_derivatives(lambda e, v, _: exact_binomial(e, v, Decimal(10**9)), e, y, None)[0] for e in eta]
    np.testing.assert_allclose(model.nll(eta, np.full(5, y)), exact, rtol=5e-15)
