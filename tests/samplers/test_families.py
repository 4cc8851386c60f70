"""Samplers take families, priors and dispersions that they have never heard of: NUTS against hand-written densities.

The oracle is importance sampling of a density made of SciPy's parts, which shares nothing with the package.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayesreg.interfaces import Array
from bayesreg.likelihoods import GammaLog, NegativeBinomialLog, StudentTNoise
from bayesreg.priors import Bridge, ElasticNet, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import Exponential, HalfCauchy, HalfNormal
from tests.monte_carlo import check_means, columns, with_products
from tests.reference.importance import Weighted, sample_by_importance

N, NU = 25, 7.0
EXPOSURE = np.exp(np.cos(np.arange(N)))


def _data(p: int, seed: int) -> tuple[Array, Array, np.random.Generator]:
    """Columns, the same standardised by hand, and what draws the noise."""
    rng = np.random.default_rng(seed)
    X = (rng.normal(size=(N, p)) + 0.6 * rng.normal(size=(N, 1))) * np.linspace(0.5, 2.0, p) + 1.0
    return X, (X - X.mean(axis=0)) / X.std(axis=0), rng


@dataclass(frozen=True)
class Case:
    """A problem, the variables to compare, and SciPy's account of it.

    `log_prior(points, s)` is the log density of points (m, k) on the unconstrained scale under priors whose scales are
    multiplied by s; `given(eta, d)` the distribution of y; the last `scales` columns of the points are logarithms.
    """

    problem: Problem
    Z: Array
    y: Array
    offset: Array
    names: tuple[str, ...]
    log_prior: Callable[[Array, float], Array]
    given: Callable[[Array, Array], Any]
    mean: Callable[[Array], Array]

    @property
    def size(self) -> int:
        return 1 + self.Z.shape[1] + len(self.names) - 2

    def eta(self, points: Array) -> Array:
        """Linear predictor (m, n)."""
        p = self.Z.shape[1]
        return points[:, :1] + points[:, 1 : p + 1] @ self.Z.T + self.offset

    def dispersion(self, points: Array) -> Array:
        """σ or α, (m, 1)."""
        return np.exp(points[:, [self.Z.shape[1] + 1]])

    def log_density(self, points: Array, s: float = 1.0) -> Array:
        law = self.given(self.eta(points), self.dispersion(points))
        rows = (law.logpmf if hasattr(law.dist, "logpmf") else law.logpdf)(self.y).sum(axis=1)
        # The logarithms' Jacobian.
        return np.asarray(rows + self.log_prior(points, s) + points[:, self.Z.shape[1] + 1 :].sum(axis=1))


def counts() -> Case:
    """Negative binomial counts with exposure, a group of two columns and one of one."""
    X, Z, rng = _data(3, 1)
    mean = EXPOSURE * np.exp(0.6 + 0.5 * Z[:, 0] - 0.3 * Z[:, 1])
    y = rng.negative_binomial(3.0, 3.0 / (3.0 + mean)).astype(float)
    problem = Problem.from_arrays(
        X, y, prior=GroupLaplace(["a", "b", "a"], 0.2), intercept=Gaussian(1.0), exposure=EXPOSURE,
        likelihood=NegativeBinomialLog(HalfCauchy(2.0)),
    )  # fmt: skip

    def log_prior(v: Array, s: float) -> Array:
        # The multivariate Laplace in two dimensions: λ²/2π·exp(−λ‖β‖), λ = √2/b.
        b = 0.2 * s
        pair = 2 * np.log(np.sqrt(2) / b) - np.sqrt(2) / b * np.hypot(v[:, 1], v[:, 3])
        single = stats.laplace.logpdf(v[:, 2], scale=b)
        return pair + single + stats.norm.logpdf(v[:, 0]) + stats.halfcauchy.logpdf(np.exp(v[:, 4]), scale=2.0)

    def given(eta: Array, alpha: Array) -> Any:
        return stats.nbinom(alpha, alpha / (alpha + np.exp(eta)))

    return Case(problem, Z, y, np.log(EXPOSURE), ("intercept", "beta", "alpha"), log_prior, given, np.exp)


def robust() -> Case:
    """Student's t noise, and a prior of another kind on every column."""
    X, Z, rng = _data(3, 2)
    y = 1.0 + Z @ [0.8, -0.5, 0.2] + rng.standard_t(NU, N)
    prior = {"x0": ElasticNet(2.0, 1.5), "x1": Bridge(4.0, power=1.5), "*": Laplace(0.3, loc=0.2)}
    problem = Problem.from_arrays(
        X, y, prior=prior, intercept=Gaussian(2.0, loc=0.5), likelihood=StudentTNoise(NU, HalfNormal(1.5))
    )

    def log_prior(v: Array, s: float) -> Array:
        elastic = -2.0 * np.abs(v[:, 1]) / s - 1.5 * (v[:, 1] / s) ** 2
        bridge = stats.gennorm.logpdf(v[:, 2], 1.5, scale=s * 4.0 ** (-1 / 1.5))
        laplace = stats.laplace.logpdf(v[:, 3], 0.2, 0.3 * s)
        noise = stats.halfnorm.logpdf(np.exp(v[:, 4]), scale=1.5)
        return elastic + bridge + laplace + noise + stats.norm.logpdf(v[:, 0], 0.5, 2.0)

    return Case(
        problem, Z, y, np.zeros(N), ("intercept", "beta", "sigma"), log_prior,
        lambda eta, sigma: stats.t(NU, eta, sigma), lambda eta: eta,
    )  # fmt: skip


def hierarchical() -> Case:
    """Gamma responses, and a Laplace prior whose scale is itself unknown.

    Both effects are clear, so that the density of small scales, a funnel, has no mass to speak of.
    """
    X, Z, rng = _data(2, 3)
    y = rng.gamma(3.0, np.exp(1.0 + Z @ [1.0, -0.8]) / 3.0)
    problem = Problem.from_arrays(
        X, y, prior=Laplace(HalfNormal(0.3)), intercept=Gaussian(2.0), likelihood=GammaLog(Exponential(0.5))
    )

    def log_prior(v: Array, s: float) -> Array:
        b = np.exp(v[:, 4])
        coefficients = stats.laplace.logpdf(v[:, 1:3], scale=b[:, None]).sum(axis=1)
        scales = stats.halfnorm.logpdf(b, scale=0.3 * s) + stats.expon.logpdf(np.exp(v[:, 3]), scale=2.0)
        return coefficients + scales + stats.norm.logpdf(v[:, 0], scale=2.0)

    return Case(
        problem, Z, y, np.zeros(N), ("intercept", "beta", "alpha", "beta_scale"), log_prior,
        lambda eta, alpha: stats.gamma(alpha, scale=np.exp(eta) / alpha), np.exp,
    )  # fmt: skip


CASES = {"counts": counts, "robust": robust, "hierarchical": hierarchical}
EVERY = pytest.mark.parametrize("name", CASES)


@cache
def case(name: str) -> Case:
    return CASES[name]()


@cache
def drawn(name: str) -> Posterior:
    """NUTS draws, compiled at first use."""
    return sample(case(name).problem, "nuts", draws=5000, seed=31)


@cache
def weighted(name: str, s: float = 1.0) -> Weighted:
    held = case(name)
    return sample_by_importance(lambda v: held.log_density(v, s), np.zeros(held.size), np.full(held.size, 0.7), seed=7)


def natural(name: str, s: float = 1.0) -> Array:
    """The oracle's points with dispersion and scale on their natural scale."""
    values = weighted(name, s).points.copy()
    first = case(name).Z.shape[1] + 1
    values[:, first:] = np.exp(values[:, first:])
    return values


def check_moments(name: str, s: float = 1.0) -> None:
    """Every first and second moment, to the Monte Carlo errors of both."""
    draws, found, values = columns(drawn(name), *case(name).names), weighted(name, s), natural(name, s)
    centre = found.mean(values)[0]
    expected, error = found.mean(with_products(values[:, None], centre)[:, 0])
    check_means(with_products(draws, centre), expected, error)


@EVERY
def test_first_and_second_moments(name: str) -> None:
    assert drawn(name).verdict.passed, str(drawn(name).verdict)
    assert set(case(name).names) <= set(drawn(name).arrays)
    check_moments(name)


@EVERY
@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_prior_scale_that_is_off_is_seen(name: str, factor: float) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_moments(name, factor)


@EVERY
def test_predictions_of_the_rows(name: str) -> None:
    held, found, posterior = case(name), weighted(name), drawn(name)
    eta, dispersion = held.eta(found.points), held.dispersion(found.points)
    check_means(posterior.predict(kind="link").draws, *found.mean(eta))
    mean, error = found.mean(held.mean(eta))
    check_means(posterior.predict().draws, mean, error)
    new = posterior.predict(kind="predictive", seed=1).draws
    check_means(new, mean, error)
    # The whole distribution of a new response: how often it is at most the one observed.
    below = found.mean(held.given(eta, dispersion).cdf(held.y))
    check_means((new <= held.y).astype(float), *below)


@EVERY
def test_predictions_are_told_from_those_of_a_dispersion_that_is_off(name: str) -> None:
    held, found = case(name), weighted(name)
    wrong = held.given(held.eta(found.points), 1.25 * held.dispersion(found.points)).cdf(held.y)
    below = (drawn(name).predict(kind="predictive", seed=1).draws <= held.y).astype(float)
    with pytest.raises(AssertionError, match="z ="):
        check_means(below, *found.mean(wrong))


def test_predictions_of_new_rows_with_their_own_exposure() -> None:
    held, found = case("counts"), weighted("counts")
    X = _data(3, 1)[0]
    rows, exposure = X[:4] + 0.3, np.array([1.0, 2.0, 0.5, 10.0])
    Z = (rows - X.mean(axis=0)) / X.std(axis=0)
    mean = found.mean(exposure * np.exp(found.points[:, :1] + found.points[:, 1:4] @ Z.T))
    check_means(drawn("counts").predict(rows, exposure=exposure).draws, *mean)
    assert held.y.min() >= 0
