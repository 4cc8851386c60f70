"""Tail probabilities of priors: those of their own draws, and SciPy's far out."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import kve

from bayesreg.errors import ParameterError
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import HalfCauchy
from bayesreg.stacked import Stacked
from tests.registry import PRIORS, STACKED

P = 6
DRAWS = 20_000
LIMIT = 4.5
PROPER = {name: make for name, make in (PRIORS | STACKED).items() if np.isfinite(make(P).variance(P)).all()}
EACH = pytest.mark.parametrize("name", PROPER)
FRACTIONS = np.array([0.1, 1.0, 2.5])


def greatest_z(prior, away, law):
    """Largest deviation of shares of draws from `law`'s tails, in binomial standard errors, over three ε a column."""
    worst = 0.0
    for fraction in FRACTIONS:
        epsilon = fraction * np.sqrt(prior.variance(P))
        expected = law.tail(epsilon)
        share = (np.abs(away) > epsilon).mean(axis=0)
        error = np.sqrt(np.maximum(expected * (1 - expected), 1e-12) / DRAWS)
        worst = max(worst, float((np.abs(share - expected) / error).max()))
    return worst


@EACH
def test_tails_are_those_of_the_draws(name):
    prior = PROPER[name](P)
    draws = prior.draw(np.random.default_rng(5), DRAWS, P)
    assert greatest_z(prior, draws, prior) < LIMIT
    assert greatest_z(prior, draws, prior.rescaled(1.1)) > LIMIT


@EACH
def test_everything_is_beyond_zero_and_less_the_further_out(name):
    prior = PROPER[name](P)
    assert prior.tail(np.zeros(P)) == pytest.approx(np.ones(P), abs=1e-13)
    grid = [0.0, 1e-9, 0.01, 0.5, 1.0, 3.0, 10.0, 1e3]
    tails = np.array([prior.tail(np.full(P, e)) for e in grid])
    assert (np.diff(tails, axis=0) <= 1e-13).all()
    assert ((tails >= 0) & (tails <= 1)).all()


def bent(l1, l2):
    """Tail of an elastic net by quadrature, from its largest value on so that far out nothing is lost."""

    def mass(z):
        fall = l1 + 2 * l2 * z
        inner = quad(lambda u: math.exp(-u - l2 * (u / fall) ** 2), 0, 60, epsabs=0, epsrel=1e-13, limit=300)[0]
        return inner / fall, -l1 * z - l2 * z**2

    whole = 2 * quad(lambda t: math.exp(-l1 * t - l2 * t * t), 0, math.inf, epsabs=0, epsrel=1e-12)[0] / 2

    def tail(z):
        scale, log = mass(z)
        return scale / whole * math.exp(log)

    return tail


def bessel(size, rate):
    """Tail of one entry of a multivariate Laplace: density ∝ x^(d/2) K_{d/2}(λx), a normal with a gamma variance."""
    order = size / 2

    def mass(x):
        return quad(
            lambda u: (x + u) ** order * kve(order, x + u) * math.exp(-u), 0, 200, epsabs=0, epsrel=1e-12, limit=400
        )[0]

    whole = mass(1e-300)
    return lambda z: mass(rate * z) / whole * math.exp(-rate * z)


ORACLES = {
    "laplace": (Laplace(0.3), lambda z: 2 * stats.laplace(scale=0.3).sf(z)),
    "gaussian": (Gaussian(1.7), lambda z: 2 * stats.norm(scale=1.7).sf(z)),
    "bridge-0.5": (Bridge(0.9, 0.5), lambda z: 2 * stats.gennorm(0.5, scale=0.9**-2).sf(z)),
    "bridge-3": (Bridge(2.0, 3.0), lambda z: 2 * stats.gennorm(3.0, scale=2.0 ** (-1 / 3)).sf(z)),
    "elastic-net": (ElasticNet(0.7, 0.375), bent(0.7, 0.375)),
    "elastic-net-steep": (ElasticNet(3.0, 1e-9), bent(3.0, 1e-9)),
    "elastic-net-without-l1": (ElasticNet(0.0, 0.375), lambda z: 2 * stats.norm(scale=1 / math.sqrt(0.75)).sf(z)),
    "elastic-net-without-l2": (ElasticNet(0.7, 0.0), lambda z: 2 * stats.laplace(scale=1 / 0.7).sf(z)),
    **{f"group-of-{d}": (GroupLaplace([0] * d, 0.7), bessel(d, math.sqrt(d) / 0.7)) for d in (1, 2, 3, 4, 7, 50)},
}


@pytest.mark.parametrize("name", ORACLES)
def test_tails_keep_their_digits_down_to_1e_minus_30(name):
    prior, oracle = ORACLES[name]
    p = prior.index.size if isinstance(prior, GroupLaplace) else 1
    sd = math.sqrt(prior.variance(p)[0])
    least = 1.0
    for z in sd * np.array([1e-3, 0.1, 1.0, 3.0, 8.0, 20.0, 45.0, 500.0]):
        expected = oracle(z)
        if expected < 1e-250:
            break
        least = min(least, expected)
        assert prior.tail(np.full(p, z)) == pytest.approx(np.full(p, expected), rel=2e-10), z
    assert least < 1e-17


@pytest.mark.parametrize("loc", [0.4, -0.4, 5.0])
def test_a_location_moves_both_tails(loc):
    law = stats.laplace(loc, 0.3)
    for epsilon in (0.01, 0.4, 2.0, 30.0):
        expected = law.sf(epsilon) + law.cdf(-epsilon)
        for prior in (Laplace(0.3, loc), Bridge(1 / 0.3, 1.0, loc), ElasticNet(1 / 0.3, 0.0, loc)):
            assert prior.tail(np.array([epsilon])) == pytest.approx([expected], rel=1e-12)


def test_each_column_has_its_own_epsilon():
    prior, epsilon = PRIORS["group-laplace-by-column"](P), np.linspace(0.0, 2.0, P)
    each = [prior.tail(np.full(P, e))[j] for j, e in enumerate(epsilon)]
    np.testing.assert_array_equal(prior.tail(epsilon), each)


def test_an_improper_prior_has_none_and_an_unknown_scale_is_refused():
    assert np.isnan(Flat().tail(np.ones(2))).all()
    assert np.isnan(Stacked([(Flat(), 1), (Gaussian(1.0), 1)]).tail(np.ones(2))).tolist() == [True, False]
    with pytest.raises(ParameterError, match="the scale has a prior"):
        Laplace(HalfCauchy(1.0)).tail(np.ones(2))


def test_scales_at_the_ends_of_the_range_give_numbers():
    for scale in (1e-150, 1e150):
        for prior in (Laplace(scale), Gaussian(scale), GroupLaplace([0, 0], scale)):
            found = prior.tail(np.array([1e-3, 1e200]))
            assert found == pytest.approx([float(scale > 1), 0.0], abs=1e-12)
