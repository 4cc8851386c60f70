"""Every prior, likelihood and scale prior, by name: each law test runs over these tables.

A new prior, likelihood or scale prior is one entry here, and every law then holds it to account.  Some parameters
(0.375, 3, 1.75) are numbers that single precision holds exactly: PyTensor then computes in it unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior
from bayesreg.likelihoods import (
    BernoulliLogit,
    GammaLog,
    GaussianNoise,
    NegativeBinomialLog,
    PoissonLog,
    StudentTNoise,
)
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import Exponential, FlatScale, Gamma, HalfCauchy, HalfNormal, Jeffreys
from bayesreg.stacked import Stacked, prior_by_column

MakePrior = Callable[[int], Prior]


def _scales(p: int) -> Array:
    return 0.05 * 3.0 ** np.arange(p)


def _locations(p: int) -> Array:
    return np.resize([0.5, 0.0, -1.25], p)


def _groups(p: int) -> Array:
    """Of six columns: groups of three, two and one, interleaved."""
    return np.resize([7, 3, 7, 5, 3, 7], p)


def _bridges(power: float) -> dict[str, MakePrior]:
    return {
        f"bridge-{power:g}": lambda p: Bridge(0.9, power),
        f"bridge-{power:g}-by-column": lambda p: Bridge(1.5 + _scales(p), power, loc=_locations(p)),
    }


PRIORS: dict[str, MakePrior] = {
    "laplace": lambda p: Laplace(0.7),
    "laplace-located": lambda p: Laplace(0.375, loc=0.8),
    "laplace-by-column": lambda p: Laplace(_scales(p), loc=_locations(p)),
    "gaussian": lambda p: Gaussian(0.7),
    "gaussian-located": lambda p: Gaussian(3.0, loc=-0.5),
    "gaussian-by-column": lambda p: Gaussian(_scales(p), loc=_locations(p)),
    "flat": lambda p: Flat(),
    "elastic-net": lambda p: ElasticNet(0.7, 0.375),
    "elastic-net-located": lambda p: ElasticNet(3.0, 0.01, loc=0.8),
    "elastic-net-by-column": lambda p: ElasticNet(1 / _scales(p), np.resize([0.0, 2.0], p), loc=_locations(p)),
    "elastic-net-without-l1": lambda p: ElasticNet(0.0, 0.375),
    "elastic-net-without-l2": lambda p: ElasticNet(0.7, 0.0, loc=-0.5),
    "elastic-net-steep": lambda p: ElasticNet(3.0, 1e-9),
    **_bridges(0.5),
    **_bridges(1.0),
    **_bridges(1.5),
    **_bridges(2.0),
    **_bridges(3.0),
    "group-laplace": lambda p: GroupLaplace(_groups(p), 0.7),
    "group-laplace-by-group": lambda p: GroupLaplace(_groups(p), 0.1 * _groups(p), loc=0.2 * _groups(p)),
    "group-laplace-by-column": lambda p: GroupLaplace(_groups(p), 0.375, loc=_locations(p)),
    "group-laplace-of-ones": lambda p: GroupLaplace(range(p), _scales(p), loc=-0.5),
}
"""Name -> prior on p columns."""

STACKED: dict[str, MakePrior] = {
    "stacked": lambda p: Stacked([(Flat(), 1), (Laplace(_scales(p - 1), loc=0.5), p - 1)]),
    "stacked-proper": lambda p: Stacked([(Gaussian(2.0, loc=1.0), 1), (Laplace(0.7), p - 1)]),
    "stacked-groups": lambda p: Stacked([(GroupLaplace(_groups(p - 1), 0.7), p - 1), (Bridge(0.9, 1.5), 1)]),
    "stacked-interleaved": lambda p: Stacked(
        [
            (GroupLaplace(_groups(len(range(1, p, 2))), 0.7, loc=0.25), np.arange(1, p, 2)),
            (ElasticNet(0.7, 0.375, loc=-0.5), np.arange(0, p, 2)),
        ]
    ),
    "by-column": lambda p: prior_by_column(
        {"x0": Gaussian(3.0), "*": Laplace(_scales(p - 1))},
        tuple(f"x{j}" for j in range(p)),
        tuple(f"x{j}" for j in range(p)),
    ),
}
"""Priors of several parts, as `Problem.penalty_prior` and a mapping by column make them: p ≥ 2 columns."""

SHAPES: dict[str, Callable[[object], Prior]] = {
    "laplace": Laplace,
    "gaussian": Gaussian,
    "group-laplace": lambda scale: GroupLaplace([1, 0, 0, 0], scale),
}
"""Name -> constructor from a scale, for priors that have one: on four columns."""


@dataclass(frozen=True)
class LikelihoodCase:
    """A likelihood, and SciPy's account of it.

    `log_density(eta, y)`, `cdf(eta, y)` and `mean(eta)` are SciPy's, the first two good for |η| ≤ `reach`; `responses`
    are values of y that the law tests choose from.
    """

    make: Callable[[], Likelihood]
    log_density: Callable[[Array, Array], Array]
    cdf: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    responses: tuple[float, ...]
    reach: float = np.inf

    def pairs(self, eta: Array) -> tuple[Array, Array]:
        """Return every pairing of η with the responses, as two flat vectors."""
        grid = np.meshgrid(eta, self.responses)
        return np.ravel(grid[0]), np.ravel(grid[1])


SIGMA = 1.75
NU = 3.0
ALPHA = 2.5
TRIALS = 12.0


def block_of(
    y: ArrayLike, *, offset: float = 0.0, weights: ArrayLike | None = None, trials: ArrayLike | None = None
) -> Block:
    """Return rows with a response and no columns; weights and trials are one number or one a row."""
    y = np.asarray(y, dtype=float)
    like = [None if v is None else np.broadcast_to(np.asarray(v, dtype=float), y.shape) for v in (weights, trials)]
    return Block(np.empty((y.size, 0)), y, np.full(y.shape, offset), *like)


def with_trials(m: float) -> Likelihood:
    """Binomial responses with one number of trials, which goes with every row."""
    return BernoulliLogit().on(block_of([0.0], trials=m))


def _bernoulli_log_density(eta: Array, y: Array) -> Array:
    # logistic.logcdf keeps its digits in both tails, where log(1 − expit(η)) does not.
    return stats.logistic.logcdf(np.where(y == 1, eta, -eta))


LIKELIHOODS: dict[str, LikelihoodCase] = {
    "gaussian": LikelihoodCase(
        make=lambda: GaussianNoise(SIGMA),
        log_density=lambda eta, y: stats.norm(eta, SIGMA).logpdf(y),
        cdf=lambda eta, y: stats.norm(eta, SIGMA).cdf(y),
        mean=lambda eta: stats.norm(eta, SIGMA).mean(),
        responses=(-30.0, -1.5, 0.0, 0.25, 4.0, 70.0),
    ),
    "bernoulli": LikelihoodCase(
        make=BernoulliLogit,
        log_density=_bernoulli_log_density,
        cdf=lambda eta, y: np.where(y < 0, 0.0, np.where(y < 1, stats.logistic.sf(eta), 1.0)),
        mean=lambda eta: stats.bernoulli(stats.logistic.cdf(eta)).mean(),
        responses=(0.0, 1.0),
    ),
    "student-t": LikelihoodCase(
        make=lambda: StudentTNoise(NU, SIGMA),
        log_density=lambda eta, y: stats.t(NU, eta, SIGMA).logpdf(y),
        cdf=lambda eta, y: stats.t(NU, eta, SIGMA).cdf(y),
        mean=lambda eta: stats.t(NU, eta, SIGMA).mean(),
        responses=(-30.0, -1.5, 0.0, 0.25, 4.0, 70.0),
    ),
    "poisson": LikelihoodCase(
        make=PoissonLog,
        log_density=lambda eta, y: stats.poisson(np.exp(eta)).logpmf(y),
        cdf=lambda eta, y: stats.poisson(np.exp(eta)).cdf(y),
        mean=lambda eta: stats.poisson(np.exp(eta)).mean(),
        responses=(0.0, 1.0, 2.0, 7.0, 300.0),
        reach=6.0,
    ),
    "negative-binomial": LikelihoodCase(
        make=lambda: NegativeBinomialLog(ALPHA),
        log_density=lambda eta, y: stats.nbinom(ALPHA, ALPHA / (ALPHA + np.exp(eta))).logpmf(y),
        cdf=lambda eta, y: stats.nbinom(ALPHA, ALPHA / (ALPHA + np.exp(eta))).cdf(y),
        mean=lambda eta: stats.nbinom(ALPHA, ALPHA / (ALPHA + np.exp(eta))).mean(),
        responses=(0.0, 1.0, 2.0, 7.0, 300.0),
        reach=6.0,
    ),
    "gamma": LikelihoodCase(
        make=lambda: GammaLog(ALPHA),
        log_density=lambda eta, y: stats.gamma(ALPHA, scale=np.exp(eta) / ALPHA).logpdf(y),
        cdf=lambda eta, y: stats.gamma(ALPHA, scale=np.exp(eta) / ALPHA).cdf(y),
        mean=lambda eta: stats.gamma(ALPHA, scale=np.exp(eta) / ALPHA).mean(),
        responses=(0.003, 0.25, 1.0, 2.5, 70.0),
        reach=6.0,
    ),
}
"""Name -> likelihood that needs nothing but y."""

WITH_TRIALS: dict[str, LikelihoodCase] = {
    "binomial": LikelihoodCase(
        make=lambda: with_trials(TRIALS),
        log_density=lambda eta, y: stats.binom(TRIALS, stats.logistic.cdf(eta)).logpmf(y),
        cdf=lambda eta, y: stats.binom(TRIALS, stats.logistic.cdf(eta)).cdf(y),
        mean=lambda eta: stats.binom(TRIALS, stats.logistic.cdf(eta)).mean(),
        responses=(0.0, 1.0, 5.0, 6.0, 11.0, 12.0),
        reach=6.0,
    ),
}
"""Name -> likelihood bound to numbers of trials: what `on` makes of a family."""


@dataclass(frozen=True)
class ScaleCase:
    """A prior on a positive scale, and its log density as SciPy or, where improper, the definition has it."""

    make: Callable[[], ScalePrior]
    log_density: Callable[[Array], Array]


SCALE_PRIORS: dict[str, ScaleCase] = {
    "jeffreys": ScaleCase(Jeffreys, lambda s: -np.log(s)),
    "flat": ScaleCase(FlatScale, lambda s: 0.0 * s),
    "exponential": ScaleCase(lambda: Exponential(0.75), stats.expon(scale=1 / 0.75).logpdf),
    "half-normal": ScaleCase(lambda: HalfNormal(1.5), stats.halfnorm(scale=1.5).logpdf),
    "half-cauchy": ScaleCase(lambda: HalfCauchy(0.75), stats.halfcauchy(scale=0.75).logpdf),
    "gamma": ScaleCase(lambda: Gamma(2.5, 0.75), stats.gamma(2.5, scale=1 / 0.75).logpdf),
    "gamma-below-one": ScaleCase(lambda: Gamma(0.5, 0.75), stats.gamma(0.5, scale=1 / 0.75).logpdf),
}

PROPER_VARIANCE = {
    "laplace": lambda b: 2 * b**2,
    "gaussian": lambda tau: tau**2,
    "group-laplace": lambda b: np.array([2, 4 / 3, 4 / 3, 4 / 3]) * b**2,
}
"""Name -> variance at a scale, for the priors of `SHAPES`."""

LOG_2PI = math.log(2 * math.pi)
