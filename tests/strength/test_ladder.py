"""Known truths, from no effects to many strong ones: the chosen scale grows, and predicts nearly as the grid's best.

A ridge's best scale is the size of the effects.  A lasso's best penalty is set by the noise, once there are effects to
find: its scale grows from nothing to some, and hardly from some to strong.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pytest

from bayesreg.interfaces import Array
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.strength import choose_scale
from bayesreg.strength.training_path import solve_path

N, P, REPLICATIONS = 80, 15, 8

CELLS = [(2, 0.3), (2, 1.0), (8, 0.3), (8, 1.0)]
"""Number of effects, and the size of each in units of σ."""

PRIORS: dict[str, Any] = {"laplace": Laplace(1.0), "gaussian": Gaussian(1.0)}

SCALES = np.geomspace(0.02, 3.0, 12)


def problem_of(prior: str, nonzero: int, signal: float, seed: int, **options: Any) -> tuple[Problem, Array]:
    rng = np.random.default_rng([nonzero, int(10 * signal), seed])
    X, beta = rng.normal(size=(N, P)), signal * (np.arange(P) < nonzero)
    return Problem.from_arrays(X, X @ beta + rng.normal(size=N), prior=PRIORS[prior], **options), beta


@cache
def by_cv(prior: str, nonzero: int, signal: float) -> Array:
    """(replications, 4): log of the chosen scale; risk over the grid's least, of the choice and of both its ends.

    The risk is E(y − η)² of a new row, known because truth and columns' law are: 1 + ‖β̂ − β‖² in raw columns, and the
    square of what the intercept is off by.
    """
    found = []
    for seed in range(REPLICATIONS):
        problem, beta = problem_of(prior, nonzero, signal, seed)
        choice = choose_scale(problem, "cv", sigma=1.0, repeats=1, scales=SCALES)
        thetas = solve_path(problem.at(1.0), choice.family, SCALES)
        intercept, raw = problem.design.to_raw(thetas[:, 0], thetas[:, 1:])
        risk = 1 + ((raw - beta) ** 2).sum(axis=1) + intercept**2
        here = risk[choice.scale == SCALES][0]
        found.append([np.log(choice.scale), *(np.array([here, risk[0], risk[-1]]) / risk.min())])
    return np.array(found)


@cache
def by_evidence(nonzero: int, signal: float) -> Array:
    """Logs (replications,) of the ridge's scale of highest evidence, in units of σ = 1."""
    problems = (problem_of("gaussian", nonzero, signal, seed, scale_by_noise=True)[0] for seed in range(REPLICATIONS))
    return np.log([choose_scale(problem).scale for problem in problems])


def mean_and_error(values: Array) -> tuple[float, float]:
    return float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size))


@pytest.mark.parametrize("nonzero", [2, 8])
@pytest.mark.parametrize("by", ["cv", "evidence"])
def test_a_ridges_scale_is_the_size_of_the_effects(by: str, nonzero: int) -> None:
    weak, strong = (
        by_cv("gaussian", nonzero, signal)[:, 0] if by == "cv" else by_evidence(nonzero, signal)
        for signal in (0.3, 1.0)
    )
    gain, error = mean_and_error(strong - weak)
    assert gain > 3 * error
    if by == "evidence":
        # Root mean square of the effects; of 15 coefficients it is known to 1/√30, and each choice has its own error.
        size, spread = mean_and_error(strong - np.log(np.sqrt(nonzero / P)))
        assert abs(size) < 3 * np.hypot(spread, 1 / np.sqrt(2 * P * REPLICATIONS))


def test_a_lassos_scale_grows_from_no_effects_to_some() -> None:
    for signal in (0.3, 1.0):
        gain, error = mean_and_error(by_cv("laplace", 8, signal)[:, 0] - by_cv("laplace", 8, 0.0)[:, 0])
        assert gain > 3 * error


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("prior", PRIORS)
def test_the_risk_is_close_to_the_least_of_the_grid(prior: str, cell: tuple[int, float]) -> None:
    found = by_cv(prior, *cell)
    excess, error = mean_and_error(found[:, 1] - 1)
    assert excess + 2 * error < 0.1
    # Either end of the grid is worse than what was chosen: a wrong choice would show.
    worst, spread = mean_and_error(found[:, 2:].max(axis=1) - found[:, 1])
    assert worst > 3 * spread
