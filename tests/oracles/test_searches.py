"""Where J is not convex: the lowest of several minima is found, and said to be a stationary point, by both roads."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import optimize, stats

from bayesreg.graph_map import find_map
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.optimality import search_text
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Gaussian, Laplace
from bayesreg.problem import Problem


def best_subset(X: Array, y: Array, rate: float, power: float) -> float:
    """Least ½‖y − Xβ‖² + λΣ|β|^q by descent from many points on the face of every support."""
    rng = np.random.default_rng(0)
    p = X.shape[1]

    def value(b: Array) -> float:
        return float(0.5 * ((y - X @ b) ** 2).sum() + rate * (np.abs(b) ** power).sum())

    best = value(np.zeros(p))
    for support in itertools.chain.from_iterable(itertools.combinations(range(p), r) for r in range(1, p + 1)):
        on = np.array(support)
        ols = np.linalg.lstsq(X[:, on], y, rcond=None)[0]
        for start in (ols, 0.5 * ols, ols + 0.3 * rng.normal(size=on.size)):
            found = optimize.minimize(lambda b, on=on: value(np.bincount(on, b, p)), start, method="Nelder-Mead")
            best = min(best, float(found.fun))
    return best


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("power", [0.3, 0.7])
def test_a_bridge_with_cusps_ends_at_the_best_support(seed: int, power: float) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(25, 4)) + rng.normal(size=(25, 1))
    y = X @ [1.0, -0.6, 0.0, 0.4] + rng.normal(size=25)
    problem = Problem.from_arrays(
        X, y, prior=Bridge(4.0, power), likelihood=GaussianNoise(1.0), standardize=False, intercept=None
    )
    fit = fit_penalized(problem)
    constant = 12.5 * np.log(2 * np.pi)
    assert fit.outcome is Outcome.STATIONARY
    assert fit.objective - constant <= best_subset(X, y, 4.0, power) + 1e-6
    assert "descents" in fit.search


@pytest.mark.parametrize("seed", range(6))
def test_student_t_noise_with_gross_outliers(seed: int) -> None:
    # σ far below the noise, a third of the rows on another line: many minima.
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(24, 2))
    y = np.where(np.arange(24) % 3 == 0, X @ [-4.0, 3.0], X @ [2.0, 1.0]) + 0.2 * rng.normal(size=24)
    problem = Problem.from_arrays(
        X, y, prior=Gaussian(10.0), likelihood=StudentTNoise(2.0, 0.05), standardize=False, intercept=None
    )

    def value(b: Array) -> float:
        return float(-stats.t(2.0, X @ b, 0.05).logpdf(y).sum() + 0.5 * (b @ b) / 100)

    starts = [np.linalg.lstsq(X[rows], y[rows], rcond=None)[0] for rows in rng.integers(0, 24, size=(60, 2))]
    least = min(float(optimize.minimize(value, b, method="Nelder-Mead").fun) for b in starts)
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.STATIONARY
    assert fit.objective <= least + 1e-6
    assert value(np.zeros(2)) > least + 10  # a descent from nowhere would not do


def test_both_roads_say_that_they_searched() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 2))
    problem = Problem.from_arrays(X, X[:, 0] + rng.standard_t(3, 30), prior=Laplace(0.3), likelihood=StudentTNoise())
    for fit in (fit_penalized(problem), find_map(problem)):
        assert fit.outcome is Outcome.STATIONARY
        assert "not known to be convex" in fit.outcome.value
        assert "the lowest minimum of" in fit.search
        assert not fit.certificate.convex


def test_what_a_search_says() -> None:
    assert search_text(np.array([3.0, 3.0 + 1e-9, 3.5])) == (
        "the lowest minimum of 3 descents, 2 of which reached it; the next lowest is 0.5 nats higher"
    )
    assert search_text(np.array([3.0])) == "the lowest minimum of 1 descents, 1 of which reached it"


# -- far from the start ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "size"),
    [(PoissonLog(), 1e15), (GammaLog(2.0), 1e-140), (GammaLog(2.0), 1e13), (NegativeBinomialLog(2.0), 1e12)],
)
def test_means_of_any_size(likelihood: PoissonLog, size: float) -> None:
    # The intercept is far from 0, where e^η would send a Newton step to 1e15.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = size * np.exp(X @ [0.5, -0.3, 0.0] + 0.3 * rng.normal(size=40))
    y = np.round(y) if size > 1 else y
    fit = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.3), likelihood=likelihood))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.intercept == pytest.approx(np.log(size), abs=1.0)
