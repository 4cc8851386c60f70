"""Sampler runs, each compiled once for the whole session: compiling takes far longer than sampling."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample


def _columns(n: int, p: int, seed: int) -> tuple[Array, np.random.Generator]:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)) + 0.8 * rng.normal(size=(n, 1)), rng


def ridge(scale: float = 0.7) -> Problem:
    """Few rows and a strong prior, so that a wrong prior scale moves the posterior by much of its sd."""
    X, rng = _columns(25, 3, 1)
    y = 1.0 + X @ [1.0, -0.5, 0.0] + 1.5 * rng.normal(size=25)
    return Problem.from_arrays(X, y, prior=Gaussian(scale))


def lasso(scale: float = 0.4) -> Problem:
    """Two coefficients, σ known, no intercept: the posterior fits on a grid."""
    X, rng = _columns(20, 2, 2)
    y = X @ [0.8, 0.1] + 1.2 * rng.normal(size=20)
    return Problem.from_arrays(
        X, y, prior=Laplace(scale, loc=[0.0, 0.2]), likelihood=GaussianNoise(1.2), intercept=None
    )


def logistic(scale: float = 0.8) -> Problem:
    """Two coefficients, no intercept, rows of unequal weight and an offset."""
    X, rng = _columns(30, 2, 3)
    offset = 0.3 * rng.normal(size=30)
    y = (rng.random(30) < 1 / (1 + np.exp(-offset - X @ [1.2, -0.4]))).astype(float)
    return Problem.from_arrays(
        X,
        y,
        prior=Laplace(scale),
        likelihood=BernoulliLogit(),
        intercept=None,
        weights=rng.integers(1, 4, 30),
        offset=offset,
    )


@pytest.fixture(scope="session")
def reference_ridge() -> Posterior:
    """`pm.sample` on the plain PyMC model."""
    return sample(ridge(), "pymc", draws=6000, seed=11)


@pytest.fixture(scope="session")
def nuts_ridge() -> Posterior:
    return sample(ridge(), "nuts", draws=6000, seed=14)


@pytest.fixture(scope="session")
def nuts_lasso() -> Posterior:
    return sample(lasso(), "nuts", draws=8000, seed=12)


@pytest.fixture(scope="session")
def nuts_logistic() -> Posterior:
    return sample(logistic(), "nuts", draws=8000, seed=13)
