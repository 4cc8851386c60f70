"""The second-order model of J with its penalty kept exact, minimised by accelerated proximal steps.

References
----------
O'Donoghue & Candès (2015), Adaptive restart for accelerated gradient schemes, Found. Comput. Math. 15:715.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Prior
from bayesreg.problem import Problem

PROXIMAL_STEPS = 1000
"""Accelerated proximal steps on one model."""


@dataclass(eq=False)
class ProximalModel:
    """Second-order model of Σ w·nll about θ over the columns `chosen`, plus the penalty."""

    work: Problem
    theta: Array
    slope: Array
    chosen: NDArray[np.int_]
    hessian: Array

    def minimise(self, prior: Prior) -> Array:
        """Proximal gradient steps in the metric of the Hessian's diagonal, until they move next to nothing."""
        now, step = self.theta[self.chosen], self._steps(prior)
        whole, steps = self.theta.copy(), np.ones(self.theta.size)
        steps[self.chosen] = step

        def proximal(at: Array) -> Array:
            gradient = self.slope[self.chosen] + self.hessian @ (at - now)
            whole[self.chosen] = at - step * gradient
            return np.asarray(prior.prox(whole, steps)[self.chosen])

        return _iterate(proximal, now, step, accelerated=prior.convex)

    def _steps(self, prior: Prior) -> Array:
        """1/(L·D) with D the largest diagonal entry of each block, L the largest eigenvalue in those units."""
        diagonal = np.diag(self.hessian)
        blocks = prior.blocks(self.theta.size)[self.chosen]
        largest = np.zeros(int(blocks.max()) + 1)
        np.maximum.at(largest, blocks, diagonal)
        metric = largest[blocks]
        metric = np.where(metric > 0, metric, float(diagonal.max()) or 1.0)
        unit = 1 / np.sqrt(metric)
        return np.asarray(1 / (max(_largest_eigenvalue(self.hessian * np.outer(unit, unit)), 1e-12) * metric))


def _largest_eigenvalue(matrix: Array) -> float:
    """Largest eigenvalue of a positive semi-definite matrix, or a little more."""
    if matrix.shape[0] <= 200:
        return 1.0000001 * float(np.linalg.eigvalsh(matrix)[-1])
    from scipy.sparse.linalg import eigsh

    start = np.ones(matrix.shape[0])
    return 1.01 * float(eigsh(matrix, k=1, which="LA", tol=1e-3, v0=start, return_eigenvectors=False)[0])


def _iterate(proximal: Callable[[Array], Array], start: Array, step: Array, *, accelerated: bool) -> Array:
    """Accelerated fixed-point iteration, restarted where its momentum points uphill."""
    x = ahead = start
    momentum, first = 1.0, 0.0
    for _ in range(PROXIMAL_STEPS):
        new = proximal(ahead)
        moved = new - x
        length = float(np.sqrt((moved**2 / step).sum()))
        first = max(first, length)
        if length <= 1e-5 * first:
            return new
        if accelerated and float((ahead - new) / step @ moved) <= 0:
            following = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
            ahead = new + (momentum - 1) / following * moved
            momentum = following
        else:
            momentum, ahead = 1.0, new
        x = new
    return x
