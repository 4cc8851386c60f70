"""Posteriors that the tests of what is discarded share: nothing here compiles."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.datasets import load_dataset
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample


@pytest.fixture(scope="session")
def diabetes() -> Posterior:
    """Laplace prior, σ unknown, 442 × 10: the MAP has exact zeros."""
    data = load_dataset("diabetes")
    return sample(Problem.from_arrays(data.X, data.y, names=data.names, prior=Laplace(scale=4.6)))


@pytest.fixture(scope="session")
def logistic() -> Posterior:
    """A logistic lasso of 200 rows and 5 columns, two of them without effect."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(200, 5)) + 0.7 * rng.normal(size=(200, 1))
    y = rng.binomial(1, 1 / (1 + np.exp(0.3 - X @ [1.2, -0.8, 0.5, 0.0, 0.0]))).astype(float)
    return sample(Problem.from_arrays(X, y, likelihood=BernoulliLogit(), prior=Laplace(scale=0.2)))


@pytest.fixture(scope="session")
def failed(diabetes: Posterior) -> Posterior:
    """Draws too few to pass any gate."""
    posterior = sample(diabetes.problem, draws=8, chains=2)
    assert not posterior.verdict.passed
    return posterior
