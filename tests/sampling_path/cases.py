"""Problems whose posteriors a 10 % change of the prior's scale moves by more than Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy, HalfNormal


def data(n: int = 30, p: int = 4, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
    return X, 2.0 + X @ np.resize([1.2, -0.8, 0.0, 0.4], p) + 1.5 * rng.normal(size=n)


def classes() -> tuple[Array, Array]:
    X, y = data(60, 3)
    return X, (y > 2.0).astype(float)


KNOWN = GaussianNoise(1.5)

CASES: dict[str, tuple[Callable[[], Problem], str]] = {
    "laplace": (lambda: Problem.from_arrays(*data(), prior=Laplace(0.1)), "gibbs"),
    "laplace, in units of sigma": (
        lambda: Problem.from_arrays(*data(), prior=Laplace(0.1, loc=0.05), scale_by_noise=True), "gibbs",
    ),
    "laplace, in units of a known sigma": (
        lambda: Problem.from_arrays(*data(), prior=Laplace(0.1), scale_by_noise=True, likelihood=KNOWN), "gibbs",
    ),
    "unknown scale, half-normal sigma": (
        lambda: Problem.from_arrays(
            *data(), prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise(HalfNormal(1.0))
        ), "gibbs",
    ),
    "elastic net": (lambda: Problem.from_arrays(*data(), prior=ElasticNet(8.0, 20.0)), "gibbs"),
    "groups": (lambda: Problem.from_arrays(*data(), prior=GroupLaplace([0, 0, 1, 1], 0.1)), "gibbs"),
    "scales by column, one free": (
        lambda: Problem.from_arrays(
            *data(), prior={"x0": Flat(), "x1": Laplace(0.08), "*": Laplace(0.12)}, intercept=Gaussian(2.0)
        ), "gibbs",
    ),
    "more columns than rows": (
        lambda: Problem.from_arrays(*data(8, 12), prior=Laplace(0.1), likelihood=KNOWN), "gibbs",
    ),
    "gaussian, sigma known": (
        lambda: Problem.from_arrays(*data(), prior=Gaussian(0.12), likelihood=KNOWN), "conjugate",
    ),
    "gaussian": (lambda: Problem.from_arrays(*data(), prior=Gaussian(0.12)), "conjugate"),
    "gaussian, proper intercept": (
        lambda: Problem.from_arrays(*data(), prior=Gaussian(0.12), intercept=Gaussian(3.0)), "conjugate",
    ),
    "logit, laplace": (
        lambda: Problem.from_arrays(*classes(), prior=Laplace(0.1), likelihood=BernoulliLogit()), "surrogate",
    ),
    "logit, bridge": (
        lambda: Problem.from_arrays(*classes(), prior=Bridge(20.0, power=1.5), likelihood=BernoulliLogit()), "hmc",
    ),
}  # fmt: skip
"""Name -> (problem, the sampler that `auto` takes)."""
