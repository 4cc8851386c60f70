"""Monte Carlo errors as reported are those of the estimates: their sd from seed to seed; the old rule as control."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
from arviz_stats.base import array_stats
from scipy.signal import lfilter

from bayesreg.diagnostics import mcse_mean, mcse_quantile
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, PoissonLog
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from tests.monte_carlo import FLOOR

SEEDS = 200

SLACK = 0.05
"""Relative error of a Monte Carlo error that is still right; what Geyer's rule cuts off costs 1 to 4 %."""

LIMIT = 3.0
"""Standard errors of the ratio that are allowed besides."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The sd over seeds of an estimate by its reported error (root mean squares, over scalars too); its own error."""

    value: float
    error: float

    @classmethod
    def of(cls, estimates: Array, errors: Array) -> Ratio:
        """The ratio of estimates (seed, k) with reported errors (seed, k)."""
        seeds = len(estimates)
        reported = np.sqrt((errors**2).mean(axis=0))  # one is noisy itself, that of a quantile by a sixth
        squares = (((estimates - estimates.mean(axis=0)) / reported) ** 2).mean(axis=1) * seeds / (seeds - 1)
        value = float(np.sqrt(squares.mean()))
        return cls(value, float(squares.std(ddof=1) / np.sqrt(seeds) / (2 * value)))

    def check(self) -> None:
        """Assert that the reported errors are right."""
        assert self.error <= 0.04, f"{self.error:.3f}: too few seeds to tell"
        assert abs(self.value - 1) <= SLACK + LIMIT * self.error, f"errors off: {self.value:.3f} ± {self.error:.3f}"


def arviz_error(draws: Array) -> Array:
    """The error of the mean from half chains, each about its own mean."""
    effective = array_stats.ess(draws, chain_axis=0, draw_axis=1, method="mean")
    return np.asarray(draws.std(axis=(0, 1), ddof=1) / np.sqrt(effective))


def poisson() -> Problem:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 8)) + 0.5 * rng.normal(size=(40, 1))
    y = rng.poisson(np.exp(0.3 * X @ np.resize([1.0, -0.5, 0.0], 8)))
    return Problem.from_arrays(X, y, likelihood=PoissonLog(), prior=Gaussian(0.5))


def lasso() -> Problem:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(40, 8)) + 0.5 * rng.normal(size=(40, 1))
    y = X @ np.resize([1.0, -0.5, 0.0], 8) + 2 * rng.normal(size=40)
    return Problem.from_arrays(X, y, likelihood=GaussianNoise(), prior=Laplace(0.3))


CASES = {"hmc": poisson, "gibbs": lasso}


@cache
def runs(method: str) -> dict[str, Ratio]:
    """The ratio for the mean, the median and the mean's error by ArviZ, over seeds of one problem."""
    problem = CASES[method]()
    kinds: dict[str, tuple[Any, Any]] = {
        "mean": (lambda x: x.mean(axis=(0, 1)), mcse_mean),
        "median": (lambda x: np.median(x, axis=(0, 1)), lambda x: mcse_quantile(x, 0.5)),
        "arviz": (lambda x: x.mean(axis=(0, 1)), arviz_error),
    }
    found: dict[str, list[tuple[Array, Array]]] = {kind: [] for kind in kinds}
    for seed in range(SEEDS):
        posterior = sample(problem, method, seed=seed)
        assert posterior.verdict.ess_bulk >= FLOOR
        assert posterior.beta.shape[:2] == (64, 63)
        for kind, (estimate, error) in kinds.items():
            found[kind].append((estimate(posterior.beta), error(posterior.beta)))
    return {kind: Ratio.of(*(np.array(part) for part in zip(*pairs, strict=True))) for kind, pairs in found.items()}


@pytest.mark.parametrize("kind", ["mean", "median"])
@pytest.mark.parametrize("method", CASES)
def test_reported_errors_are_the_spread_over_seeds(method: str, kind: str) -> None:
    ratio = runs(method)[kind]
    ratio.check()
    assert ratio.value <= 1.1


def test_half_chains_about_their_own_means_say_too_little() -> None:
    """The rule before, of antithetic draws on short chains."""
    with pytest.raises(AssertionError, match="errors off: 1"):
        runs("hmc")["arviz"].check()


def test_independent_draws_are_told_so() -> None:
    rng = np.random.default_rng(3)
    draws = [rng.normal(size=(4, 250, 8)) for _ in range(SEEDS)]
    means = np.array([x.mean(axis=(0, 1)) for x in draws])
    Ratio.of(means, np.array([mcse_mean(x, independent=True) for x in draws])).check()


def autoregression(chains: int, length: int, phi: float) -> Array:
    """Stationary draws (chain, draw, 400) with autocorrelations φ^k."""
    noise = np.random.default_rng(4).normal(size=(chains, length + 200, 400))
    return np.asarray(lfilter([1.0], [1.0, -phi], noise, axis=1)[:, 200:])


def true_error(chains: int, length: int, phi: float) -> float:
    """√(Σ_k (1 − |k|/N) φ^|k| / (C N (1 − φ²)))."""
    lags = np.arange(1, length)
    tau = 1 + 2 * ((1 - lags / length) * phi**lags).sum()
    return float(np.sqrt(tau / (chains * length) / (1 - phi**2)))


@pytest.mark.parametrize("phi", [-0.35, 0.0, 0.5, 0.8, 0.95])
@pytest.mark.parametrize(("chains", "length"), [(64, 63), (32, 125), (8, 500), (4, 1000)])
def test_errors_of_an_autoregression_are_the_exact_ones(chains: int, length: int, phi: float) -> None:
    found = mcse_mean(autoregression(chains, length, phi)) / true_error(chains, length, phi)
    spread = found.std() / np.sqrt(found.size)
    assert abs(found.mean() - 1) <= SLACK + LIMIT * spread


@pytest.mark.parametrize("phi", [-0.35, 0.8, 0.95])
def test_the_rule_before_is_off_for_an_autoregression_on_short_chains(phi: float) -> None:
    found = arviz_error(autoregression(64, 63, phi)) / true_error(64, 63, phi)
    assert abs(found.mean() - 1) > SLACK + LIMIT * found.std() / np.sqrt(found.size)
