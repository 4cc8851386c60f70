"""Every prior, likelihood and scale prior, by name: each law test runs over these tables.

A new prior, likelihood or scale prior is one entry here, and every law then holds it to account.  Some parameters
(0.375, 3, 1.75) are numbers that single precision holds exactly: PyTensor then computes in it unless told otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats

from bayesreg.interfaces import Array, Likelihood, ScalePrior, SeparablePrior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.scales import Exponential, FlatScale, HalfCauchy, HalfNormal, Jeffreys
from bayesreg.stacked import Stacked

MakePrior = Callable[[int], SeparablePrior]


def _scales(p: int) -> Array:
    return 0.05 * 3.0 ** np.arange(p)


def _locations(p: int) -> Array:
    return np.resize([0.5, 0.0, -1.25], p)


PRIORS: dict[str, MakePrior] = {
    "laplace": lambda p: Laplace(0.7),
    "laplace-located": lambda p: Laplace(0.375, loc=0.8),
    "laplace-by-column": lambda p: Laplace(_scales(p), loc=_locations(p)),
    "gaussian": lambda p: Gaussian(0.7),
    "gaussian-located": lambda p: Gaussian(3.0, loc=-0.5),
    "gaussian-by-column": lambda p: Gaussian(_scales(p), loc=_locations(p)),
    "flat": lambda p: Flat(),
}
"""Name -> prior on p columns."""

STACKED: dict[str, MakePrior] = {
    "stacked": lambda p: Stacked([(Flat(), 1), (Laplace(_scales(p - 1), loc=0.5), p - 1)]),
    "stacked-proper": lambda p: Stacked([(Gaussian(2.0, loc=1.0), 1), (Laplace(0.7), p - 1)]),
}
"""What `Problem.penalty_prior` makes of the intercept's prior and the coefficients': p ≥ 2 columns."""

SHAPES: dict[str, Callable[[object], SeparablePrior]] = {"laplace": Laplace, "gaussian": Gaussian}
"""Name -> constructor from a scale, for priors that have one."""


@dataclass(frozen=True)
class LikelihoodCase:
    """A likelihood, and SciPy's account of it.

    `log_density(eta, y)` and `mean(eta)` are SciPy's; `responses` are values of y that the law tests choose from.
    """

    make: Callable[[], Likelihood]
    log_density: Callable[[Array, Array], Array]
    mean: Callable[[Array], Array]
    responses: tuple[float, ...]


SIGMA = 1.75


def _bernoulli_log_density(eta: Array, y: Array) -> Array:
    # logistic.logcdf keeps its digits in both tails, where log(1 − expit(η)) does not.
    return stats.logistic.logcdf(np.where(y == 1, eta, -eta))


LIKELIHOODS: dict[str, LikelihoodCase] = {
    "gaussian": LikelihoodCase(
        make=lambda: GaussianNoise(SIGMA),
        log_density=lambda eta, y: stats.norm(eta, SIGMA).logpdf(y),
        mean=lambda eta: stats.norm(eta, SIGMA).mean(),
        responses=(-30.0, -1.5, 0.0, 0.25, 4.0, 70.0),
    ),
    "bernoulli": LikelihoodCase(
        make=BernoulliLogit,
        log_density=_bernoulli_log_density,
        mean=lambda eta: stats.bernoulli(stats.logistic.cdf(eta)).mean(),
        responses=(0.0, 1.0),
    ),
}


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
}

PROPER_VARIANCE = {"laplace": lambda b: 2 * b**2, "gaussian": lambda tau: tau**2}
"""Name -> variance at a scale, for the priors of `SHAPES`."""

LOG_2PI = math.log(2 * math.pi)
