"""The mode with each row left out in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.noise import resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem


@final
@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Modes θ (m, k) without each of `rows` (m,), the dispersion (m,) they are taken at, and which were refitted."""

    rows: NDArray[np.int_]
    theta: Array
    sigma: Array | None
    refitted: NDArray[np.bool_]


def modes_without(
    problem: Problem, optimum: Optimum, rows: NDArray[np.int_], sigma: float | str | None = None
) -> LeftOut:
    """Return the penalised mode without each of these rows, by one fit a row."""
    block = problem.design.rows.collect()
    thetas, sigmas = [], []
    for i in rows:
        weights = np.ones(problem.n) if block.weights is None else block.weights.copy()
        weights[i] = 0.0
        without = problem.reweighted(weights)
        found = fit_at(without, resolve_noise(without, sigma), optimum.beta)
        thetas.append(without.join(found.intercept, found.beta))
        sigmas.append(np.nan if found.sigma is None else found.sigma)
    held = np.array(sigmas)
    theta = np.array(thetas).reshape(rows.size, len(problem.labels))
    return LeftOut(rows, theta, None if np.isnan(held).any() else held, np.ones(rows.size, dtype=bool))
