"""Comparisons to test on: exact draws, or draws about the MAP in the place of a sampler that would have to compile."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesreg.comparison import Comparison, compare
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Settings
from tests.fakes import replace_samplers

NAMES = ("age", "bmi", "bp")


def data(n: int = 40, p: int = 3, seed: int = 0) -> tuple[Array, Array]:
    """Columns of unequal mean and scale; the second coefficient is small, the third negative."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = 3.0 + X @ np.resize([1.0, 0.02, -0.6], p) + rng.normal(size=n)
    return X * np.resize([1.0, 5.0, 0.1], p) + np.resize([0.0, 20.0, -3.0], p), y


def ridge(**options: Any) -> Problem:
    """A ridge problem with named columns; `options` go to `Problem.from_arrays`."""
    X, y = data()
    return Problem.from_arrays(X, y, **{"prior": Gaussian(0.3), "names": NAMES} | options)


def lasso(**options: Any) -> Problem:
    """A lasso problem of known noise whose MAP has an exact zero."""
    return ridge(**{"prior": Laplace(0.1), "likelihood": GaussianNoise(1.0)} | options)


def around_the_mode(problem: Problem, settings: Settings) -> Draws:
    """Draws about the penalised optimum, with no claim to independence."""
    optimum = fit_penalized(problem)
    theta = problem.join(optimum.intercept, optimum.beta)
    chains = settings.chains or 4
    noise = settings.generator().normal(size=(chains, settings.draws, theta.size))
    stats = {"diverging": np.zeros((chains, settings.draws), dtype=bool)}
    unknown = problem.likelihood.dispersion is not None
    dispersion = optimum.sigma * np.exp(0.1 * settings.generator().normal(size=noise.shape[:2])) if unknown else None
    return Draws(theta + 0.15 * noise, dispersion, stats=stats)


def compare_lasso(monkeypatch: pytest.MonkeyPatch, **options: Any) -> Comparison:
    """Compare a lasso problem, with `around_the_mode` for a sampler."""
    replace_samplers(monkeypatch, around_the_mode)
    return compare(lasso(), **options)
