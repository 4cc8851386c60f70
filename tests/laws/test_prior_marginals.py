"""The density of one column by itself: normalised, with the prior's own tails and draws, and summing to the whole."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior, SeparablePrior
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.priors.tails import LARGE
from bayesreg.scales import HalfCauchy
from bayesreg.stacked import Stacked
from tests.registry import PRIORS, STACKED

P = 6
ALL = PRIORS | STACKED
PROPER = {name: make for name, make in ALL.items() if np.isfinite(make(P).variance(P)).all()}
EACH = pytest.mark.parametrize("name", PROPER)


def density(prior: Prior, column: int, x: float, size: int = P) -> float:
    beta = np.full(size, 0.123)
    beta[column] = x
    return math.exp(prior.marginal_log_density(beta)[column])


def mass(prior: Prior, column: int, ends: list[float], size: int = P) -> float:
    """Integral of a column's density over the pieces between `ends`."""
    pieces = pairwise(ends)
    options = {"epsabs": 1e-13, "epsrel": 1e-11, "limit": 400}
    return sum(quad(lambda x: density(prior, column, x, size), a, b, **options)[0] for a, b in pieces)


def cuts(prior: Prior, column: int, size: int = P) -> tuple[float, list[float]]:
    """Location, and distances from it between which the density is smooth and not too wide."""
    sd = math.sqrt(prior.variance(size)[column])
    return float(prior.location(size)[column]), [0.0, *(sd * np.array([1e-4, 0.01, 0.3, 2.0, 8.0, 40.0, 300.0]))]


@EACH
def test_the_density_of_each_column_integrates_to_one(name: str) -> None:
    prior = PROPER[name](P)
    for j in range(P):
        loc, away = cuts(prior, j)
        right = mass(prior, j, [loc + z for z in away])
        left = mass(prior, j, [loc - z for z in reversed(away)])
        assert left + right == pytest.approx(1.0, abs=2e-9), j


@EACH
def test_what_lies_outside_is_the_tail(name: str) -> None:
    prior = PROPER[name](P)
    epsilon = 0.8 * np.sqrt(prior.variance(P))
    tails = prior.tail(epsilon)
    for j in range(P):
        loc, away = cuts(prior, j)
        ends = sorted({-epsilon[j], epsilon[j], *(x for z in away for x in (loc - z, loc + z) if abs(x) < epsilon[j])})
        assert 1 - mass(prior, j, ends) == pytest.approx(tails[j], abs=2e-9), j


@pytest.mark.parametrize("name", ALL)
def test_columns_that_are_independent_sum_to_the_whole(name: str) -> None:
    prior, beta = ALL[name](P), np.random.default_rng(3).normal(size=(5, 2, P))
    each = prior.marginal_log_density(beta)
    assert each.shape == beta.shape
    leaves = prior.leaves() if isinstance(prior, Stacked) else [(prior, np.arange(P))]
    separable = all(isinstance(leaf, SeparablePrior) or (leaf.sizes == 1).all() for leaf, _ in leaves)
    same = np.allclose(each.sum(axis=-1), prior.log_density(beta), rtol=1e-12, atol=1e-12)
    assert same == separable, "columns held together by a group are not independent, all others are"


def worst_z(prior: Prior, draws: Array, law: Prior) -> float:
    """Largest deviation of a mean log density of draws from its expectation under `law`, in standard errors."""
    values = law.marginal_log_density(draws)
    expected = np.empty(P)
    for j in range(P):
        loc, away = cuts(law, j)
        ends = [*(loc - z for z in reversed(away)), *(loc + z for z in away[1:])]
        pieces = pairwise(ends)

        def term(x: float, j: int = j) -> float:
            f = density(law, j, x)
            return f * math.log(f) if f > 0 else 0.0

        expected[j] = sum(quad(term, a, b, limit=400)[0] for a, b in pieces)
    error = values.std(axis=0, ddof=1) / math.sqrt(values.shape[0])
    return float((np.abs(values.mean(axis=0) - expected) / error).max())


@pytest.mark.parametrize(
    "name", ["laplace-by-column", "elastic-net-located", "bridge-0.5", "group-laplace", "stacked-groups"]
)
def test_draws_have_the_densitys_entropy(name: str) -> None:
    prior = PROPER[name](P)
    draws = prior.draw(np.random.default_rng(11), 40_000, P)
    assert worst_z(prior, draws, prior) < 4.5
    assert worst_z(prior, draws, prior.rescaled(1.1)) > 4.5


def mixture(size: int, rate: float, x: float) -> float:
    """Density of N(0, v), v ~ Gamma((d+1)/2, λ²/2), by quadrature over log v."""
    law = stats.gamma((size + 1) / 2, scale=2 / rate**2)
    middle = math.log(law.median())
    wide = 40 / math.sqrt(size)

    def term(u: float) -> float:
        v = math.exp(middle + u)
        return stats.norm(scale=math.sqrt(v)).pdf(x) * law.pdf(v) * v

    return quad(term, -wide, wide, epsabs=0, epsrel=1e-11, limit=600, points=[0.0])[0]


@pytest.mark.parametrize("size", [1, 2, 3, 6, 50, LARGE, LARGE + 1, 180])
def test_one_column_of_a_group_is_a_normal_with_a_gamma_variance(size: int) -> None:
    prior = GroupLaplace([0] * size, 0.7)
    rate = math.sqrt(size) / 0.7
    sd = math.sqrt(prior.variance(size)[0])
    for x in sd * np.array([0.0, 1e-9, 1e-3, 0.3, 1.0, 2.5]):
        if size == 1 and x < 1e-6 * sd:
            continue  # the mixture has a singular integrand there
        found = prior.marginal_log_density(np.full(size, x))
        assert found == pytest.approx(np.full(size, math.log(mixture(size, rate, x))), abs=3e-9), x


def test_a_group_of_one_is_laplace_and_its_location_is_finite() -> None:
    beta = np.array([[0.0, 0.5, -3.0], [1e-300, 700.0, -0.0]])
    laplace, group = Laplace(0.3, loc=0.5), GroupLaplace([1, 2, 3], 0.3, loc=0.5)
    np.testing.assert_allclose(group.marginal_log_density(beta), laplace.marginal_log_density(beta), rtol=1e-13)
    for size in (2, 3, 40, 90, 400):
        near = [GroupLaplace([0] * size, 0.7).marginal_log_density(np.full(size, x))[0] for x in (0.0, 1e-300, 1e-7)]
        assert near == pytest.approx([near[0]] * 3, abs=1e-9)


BESSEL = {
    (1, 1e-300): -0.6931471805599453,
    (1, 1e-08): -0.6931471905599453,
    (1, 0.03): -0.7231471805599453,
    (1, 3.0): -3.6931471805599454,
    (1, 200.0): -200.69314718055995,
    (1, 70000000.0): -70000000.69314718,
    (1, 300000000.0): -300000000.6931472,
    (1, 1e200): -1e200,
    (2, 1e-300): -1.1447298858494002,
    (2, 1e-08): -1.144729885849401,
    (2, 0.03): -1.1465869760901843,
    (2, 3.0): -3.261090271058626,
    (2, 200.0): -198.26790951705354,
    (2, 70000000.0): -69999991.88693562,
    (2, 300000000.0): -299999991.15929204,
    (2, 1e200): -1e200,
    (3, 1e-300): -1.3862943611198906,
    (3, 1e-08): -1.3862943611198906,
    (3, 0.03): -1.3867355588783463,
    (3, 3.0): -3.0,
    (3, 200.0): -196.0829894530608,
    (3, 70000000.0): -69999983.32228854,
    (3, 300000000.0): -299999981.86700135,
    (3, 1e200): -1e200,
    (7, 1e-300): -1.8562979903656263,
    (7, 1e-08): -1.8562979903656263,
    (7, 0.03): -1.8563879876662606,
    (7, 3.0): -2.615588301089668,
    (7, 200.0): -188.6394714584483,
    (7, 70000000.0): -69999950.37233071,
    (7, 300000000.0): -299999946.0064691,
    (7, 1e200): -1e200,
    (100, 1e-300): -3.2190236678603865,
    (100, 1e-08): -3.2190236678603865,
    (100, 0.03): -3.2190282596969015,
    (100, 3.0): -3.2649201002600607,
    (100, 200.0): -113.05413874342163,
    (100, 70000000.0): -69999287.35488315,
    (100, 300000000.0): -299999215.31817883,
    (100, 1e200): -1e200,
    (101, 1e-300): -3.22402358453705,
    (101, 1e-08): -3.22402358453705,
    (101, 0.03): -3.2240281299913827,
    (101, 3.0): -3.269456856957458,
    (101, 200.0): -112.58601963870974,
    (101, 70000000.0): -69999280.62796494,
    (101, 300000000.0): -299999207.8636173,
    (101, 1e200): -1e200,
    (400, 1e-300): -3.9140458074097007,
    (400, 1e-08): -3.9140458074097007,
    (400, 0.03): -3.9140469380629637,
    (400, 3.0): -3.925352017275292,
    (400, 200.0): -49.28525469278037,
    (400, 70000000.0): -69997395.78877039,
    (400, 300000000.0): -299997105.45918655,
    (400, 1e200): -1e200,
}
"""(d, x) -> log density of one of a group of d columns at a distance x for λ = 1, by mpmath."""


@pytest.mark.parametrize(("size", "x"), BESSEL)
def test_the_density_keeps_its_digits_from_zero_to_the_end_of_the_range(size: int, x: float) -> None:
    prior = GroupLaplace([0] * size, math.sqrt(size))
    assert prior.marginal_log_density(np.full(size, x))[0] == pytest.approx(BESSEL[size, x], rel=1e-12, abs=1e-9)


def test_far_out_the_density_falls_on_at_the_rate_of_the_group() -> None:
    for size in (1, 2, 7, LARGE, LARGE + 1):
        far = np.array([1e7, 0.999e8, 1.001e8, 0.9e9, 2e9, 1e12, 1e200])
        found = GroupLaplace([0] * size, math.sqrt(size)).marginal_log_density(np.tile(far[:, None], size))[:, 0]
        np.testing.assert_allclose(found, -far, rtol=1e-4)


def test_improper_columns_have_zero_and_an_unknown_scale_is_refused() -> None:
    beta = np.ones((3, 2))
    assert (Flat().marginal_log_density(beta) == 0).all()
    stacked = Stacked([(Flat(), 1), (Gaussian(1.0), 1)]).marginal_log_density(beta)
    np.testing.assert_allclose(stacked, np.tile([0.0, stats.norm.logpdf(1.0)], (3, 1)))
    assert Stacked([]).marginal_log_density(np.zeros((4, 0))).shape == (4, 0)
    with pytest.raises(ParameterError, match="the scale has a prior"):
        Laplace(HalfCauchy(1.0)).marginal_log_density(beta)
