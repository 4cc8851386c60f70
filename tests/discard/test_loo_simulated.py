"""On data simulated from the model itself, the full posterior predicts no worse than a point, and is calibrated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from bayesreg.discard.loo import prediction
from bayesreg.discard.scores import FULL, PREDICTORS
from bayesreg.interfaces import Array, Likelihood
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.scales import Exponential
from tests.monte_carlo import KS_LEVEL, LIMIT

MAP, MEAN, _ = PREDICTORS
REPLICATIONS, N, P = 48, 24, 5

ROWS = {"known σ": N, "laplace, unknown σ": 8, "logistic": 6}
"""Kind of model -> rows predicted of each data set: all where that is cheap."""


@dataclass(frozen=True)
class Simulated:
    """Over replications: full − plug-in a row (r,), PITs and coverage of 80 % of the predicted rows, pooled (r·m,)."""

    at_map: Array
    at_mean: Array
    pit: Array
    covered: Array


def simulated(kind: str, wrong: float = 1.0) -> Simulated:
    """Draw parameters from the prior, data given them, and predict; `wrong` multiplies the σ that is fitted with."""
    rng = np.random.default_rng(7)
    differences, pits, covered = [], [], []
    for seed in range(REPLICATIONS):
        X = rng.normal(size=(N, P))
        prior, likelihood, y = drawn(kind, X, rng, wrong)
        problem = Problem.from_arrays(
            X, y, likelihood=likelihood, prior=prior, intercept=Gaussian(1.0), standardize=False
        )
        posterior = sample(problem, seed=seed)
        assert posterior.verdict.passed
        found = prediction(posterior, rows=ROWS[kind], seed=seed)
        assert not found.withheld
        differences.append([found.scores.loc[name, "difference"] / found.total for name in (MAP, MEAN)])
        pits.append(found.rows[f"pit {FULL}"].to_numpy())
        covered.append(found.intervals.loc[(FULL, 0.8), "coverage"])
    at_map, at_mean = np.array(differences).T
    return Simulated(at_map, at_mean, np.concatenate(pits), np.array(covered))


def drawn(kind: str, X: Array, rng: np.random.Generator, wrong: float) -> tuple[Gaussian | Laplace, Likelihood, Array]:
    """A prior, a likelihood, and y for coefficients (and a σ) that the prior was asked for."""
    prior = Laplace(0.7) if kind == "laplace, unknown σ" else Gaussian(1.0)
    eta = rng.normal() + X @ prior.draw(rng, 1, P)[0]
    if kind == "logistic":
        return prior, BernoulliLogit(), BernoulliLogit().simulate(eta, None, rng)
    if kind == "known σ":
        return prior, GaussianNoise(1.5 * wrong), GaussianNoise(1.5).simulate(eta, None, rng)
    sigma = rng.exponential(1.5)
    return prior, GaussianNoise(Exponential(1 / 1.5)), GaussianNoise(sigma).simulate(eta, None, rng)


def z_of(values: Array) -> float:
    return float(values.mean() / (values.std(ddof=1) / np.sqrt(values.size)))


@pytest.mark.parametrize("kind", ["known σ", "laplace, unknown σ", "logistic"])
def test_the_full_posterior_predicts_no_worse_than_a_point_and_is_calibrated(kind: str) -> None:
    found = simulated(kind)
    assert z_of(found.at_map) >= -2
    assert z_of(found.at_mean) >= -2
    assert stats.kstest(found.pit, "uniform").pvalue >= KS_LEVEL
    if kind != "logistic":  # an interval of a binary response covers more than it says; the difference is smaller
        assert z_of(found.at_map) > 2
        error = np.sqrt(0.8 * 0.2 / (found.pit.size))
        assert abs(found.covered.mean() - 0.8) <= LIMIT * error


@pytest.mark.parametrize("wrong", [0.7, 1.3])
def test_a_noise_scale_off_by_a_third_is_caught_by_pit_and_coverage(wrong: float) -> None:
    found = simulated("known σ", wrong)
    folded = np.abs(2 * found.pit - 1)
    error = np.sqrt(0.8 * 0.2 / (found.pit.size))
    assert abs(found.covered.mean() - 0.8) > LIMIT * error
    assert stats.kstest(folded, "uniform").pvalue < KS_LEVEL
