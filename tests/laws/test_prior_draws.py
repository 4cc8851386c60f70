"""A prior's density integrates to one; its variance, draws and mixing precisions are those of that density."""

import math
from functools import cache

import numpy as np
import pytest
from scipy import stats

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Prior
from bayesreg.mixtures import inverse_gaussian
from bayesreg.priors import Bridge, ElasticNet, Flat
from tests.registry import PRIORS, STACKED

P = 6
DRAWS = 8000
LIMIT = 4.5
"""Standard errors within which a mean must lie: of 1000 quantities one fails with probability 0.7 %."""

PROPER = {name: make for name, make in (PRIORS | STACKED).items() if np.isfinite(make(P).variance(P)).all()}
EACH = pytest.mark.parametrize("name", PROPER)


legendre = cache(np.polynomial.legendre.leggauss)


def directions(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Points on the unit sphere with weights that integrate smooth functions over it."""
    if size == 1:
        return np.array([[1.0], [-1.0]]), np.ones(2)
    turn = (np.arange(16) + 0.5) * math.pi / 8
    ring = np.column_stack([np.cos(turn), np.sin(turn)])
    if size == 2:
        return ring, np.full(16, math.pi / 8)
    heights, weights = legendre(8)
    points = [(math.sqrt(1 - z * z) * x, math.sqrt(1 - z * z) * y, z) for z in heights for x, y in ring]
    return np.array(points), np.repeat(weights, 16) * math.pi / 8


@cache
def integrals(name: str) -> list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, float]]:
    """For each block: its columns; radii and the distribution function there; second moments; log ∫exp(−pen)."""
    prior = PROPER[name](P)
    location, blocks = prior.location(P), prior.blocks(P)
    t, weights = (2.2 * v for v in legendre(300))
    t = t + 2.2
    found = []
    for block in np.unique(blocks):
        columns = np.flatnonzero(blocks == block)
        unit, area = directions(columns.size)
        spread = math.sqrt(prior.variance(P)[columns].max())
        radii = spread * t**4  # t⁴ keeps a cusp at 0 and a heavy tail smooth
        away = radii[:, None, None] * unit
        beta = np.broadcast_to(location, (*away.shape[:2], P)).copy()
        beta[..., columns] += away
        measure = weights * 4 * t**3 * spread * radii ** (columns.size - 1)
        mass = np.exp(-prior.penalty(beta)) * measure[:, None] * area
        total = mass.sum()
        assert np.abs(np.einsum("rd,rdc->c", mass, away)).max() < 1e-9 * total * spread
        second = np.einsum("rd,rdc->c", mass, away**2) / total
        shells = mass.sum(axis=1)
        found.append((columns, radii, (np.cumsum(shells) - shells / 2) / total, second, math.log(total)))
    return found


@EACH
def test_density_integrates_to_one_and_has_the_stated_variance(name):
    prior = PROPER[name](P)
    parts = integrals(name)
    assert sum(log_total for *_, log_total in parts) == pytest.approx(-prior.log_density(prior.location(P)), abs=1e-8)
    for columns, _, _, second, _ in parts:
        np.testing.assert_allclose(second, prior.variance(P)[columns], rtol=1e-8)


def radius_pvalues(name: str, away: np.ndarray) -> np.ndarray:
    """P-value of Kolmogorov and Smirnov's test of each block's distance from the location."""
    radii = [(np.linalg.norm(away[:, columns], axis=1), r, cdf) for columns, r, cdf, _, _ in integrals(name)]
    return np.array([stats.kstest(np.interp(norms, r, cdf), "uniform").pvalue for norms, r, cdf in radii])


def greatest_z(values: np.ndarray, expected: float | np.ndarray = 0.0) -> float:
    """Greatest deviation of the means of independent rows from `expected`, in standard errors."""
    error = values.std(axis=0, ddof=1) / math.sqrt(len(values))
    return float(np.abs((values.mean(axis=0) - expected) / error).max())


@EACH
def test_draws_follow_the_density(name):
    prior = PROPER[name](P)
    # Not seed 1: every fifth normal number of its stream is 5 standard errors too often negative, by chance.
    away = prior.draw(np.random.default_rng(11), DRAWS, P) - prior.location(P)
    assert away.shape == (DRAWS, P)
    assert radius_pvalues(name, away).min() > 1e-4
    assert greatest_z(np.sign(away)) < LIMIT
    left, right = np.triu_indices(P, 1)
    assert greatest_z(np.sign(away[:, left] * away[:, right])) < LIMIT
    assert greatest_z(away**2, prior.variance(P)) < LIMIT or getattr(prior, "power", 1) < 1  # that needs more draws
    assert radius_pvalues(name, 1.1 * away).min() < 1e-4  # what a wrong scale does


@EACH
def test_precisions_given_the_coefficients_mix_back_to_the_prior(name):
    prior, rng = PROPER[name](P), np.random.default_rng(2)
    beta = prior.draw(rng, DRAWS, P)
    precisions = prior.mixing(beta, rng)
    if precisions is None:
        parts = prior.parts if hasattr(prior, "parts") else [(prior, None)]
        assert any(isinstance(part, Bridge) and part.power not in (1, 2) for part, _ in parts)
        return
    assert precisions.shape == beta.shape
    away = beta - prior.location(P)
    again = rng.normal(size=beta.shape) / np.sqrt(precisions)
    assert radius_pvalues(name, again).min() > 1e-4
    # Two coefficients with their precisions between them are exchangeable.
    one, other = np.abs(away), np.abs(again)
    assert greatest_z(one * other**2 - one**2 * other) < LIMIT
    assert greatest_z(np.sign(away) * np.sign(again)) < LIMIT
    assert radius_pvalues(name, again / math.sqrt(1.2)).min() < 1e-4  # what rates a tenth off do
    single = prior.mixing(beta[0], rng)
    assert single is not None
    assert single.shape == (P,)


def test_the_mixing_law_is_tested_for_most_priors():
    mixed = [name for name, make in PROPER.items() if make(P).mixing(np.ones(P), np.random.default_rng(0)) is not None]
    assert len(mixed) > 15


def test_precisions_are_finite_and_positive_at_kinks_and_extreme_scales():
    rng = np.random.default_rng(3)
    for name, make in PROPER.items():
        if (precisions := make(P).mixing(make(P).location(P), rng)) is not None:
            assert (np.isfinite(precisions) & (precisions > 0)).all(), name
    inverse_mean, shape = (
        np.array(v) for v in ([0.0, 1e-200, 1e200, 1e-100, 1e100], [1e-300, 1e300, 1e-300, 1e300, 1.0])
    )
    draws = inverse_gaussian(inverse_mean, shape, rng)
    assert (np.isfinite(draws) & (draws > 0)).all()


@pytest.mark.parametrize(("inverse_mean", "shape"), [(0.5, 3.0), (4.0, 0.2), (1e-4, 1.0), (0.0, 2.0)])
def test_inverse_gaussian_draws(inverse_mean, shape):
    draws = inverse_gaussian(np.full(20_000, inverse_mean), np.full(20_000, shape), np.random.default_rng(4))
    law = stats.invgauss(1 / (inverse_mean * shape), scale=shape) if inverse_mean else stats.levy(scale=shape)
    assert stats.kstest(draws, law.cdf).pvalue > 1e-4
    assert stats.kstest(1.1 * draws, law.cdf).pvalue < 1e-4


ERFCX = {1e-8: 0.9999999887162084, 0.1: 0.8964569799691267, 5.0: 0.11070463773306863, 1e8: 5.641895835477562e-09}
"""exp(x²)·erfc(x) to sixteen digits, by mpmath."""


@pytest.mark.parametrize("ratio", ERFCX)
@pytest.mark.parametrize("l2", [1e-12, 1.0, 1e12])
def test_normaliser_of_the_elastic_net_at_any_ratio(ratio, l2):
    prior = ElasticNet(2 * ratio * math.sqrt(l2), l2)
    exact = math.log(math.sqrt(math.pi / l2) * ERFCX[ratio])
    assert prior.log_density(np.zeros(1)) == pytest.approx(-exact, rel=1e-14, abs=1e-14)


VARIANCES = {
    0.1: 0.9237382528469064,
    4.9: 0.06983985936357187,
    5.1: 0.06523315376329746,
    30.0: 0.002209976989688888,
    1e4: 1.9999999000000073e-08,
}


@pytest.mark.parametrize("steepness", VARIANCES)
def test_variance_of_the_elastic_net_at_any_ratio(steepness):
    # At λ₂ = ½ and λ₁ = a it is 1 + a² − a·h(a), h the hazard of the normal: by mpmath.
    assert ElasticNet(steepness, 0.5).variance(1)[0] == pytest.approx(VARIANCES[steepness], rel=1e-12)


@pytest.mark.parametrize("power", [0.1, 0.3, 1.0, 2.0, 7.0, 20.0])
def test_bridge_is_the_generalised_normal(power):
    prior = Bridge(1.7, power, loc=0.3)
    law = stats.gennorm(power, loc=0.3, scale=1.7 ** (-1 / power))
    x = 0.3 + np.array([-2.0, -1e-3, 0.0, 0.5, 1.5])
    np.testing.assert_allclose([prior.log_density(np.array([v])) for v in x], law.logpdf(x), rtol=1e-12, atol=1e-12)
    assert prior.variance(1)[0] == pytest.approx(law.var(), rel=1e-10)
    assert stats.kstest(prior.draw(np.random.default_rng(5), DRAWS, 1)[:, 0], law.cdf).pvalue > 1e-4


def test_improper_priors_have_no_draws():
    for prior in (Flat(), STACKED["stacked"](P)):
        assert isinstance(prior, Prior)
        with pytest.raises(ParameterError, match="improper"):
            prior.draw(np.random.default_rng(6), 10, P)
    np.testing.assert_array_equal(Flat().mixing(np.ones(P), np.random.default_rng(6)), 0)
