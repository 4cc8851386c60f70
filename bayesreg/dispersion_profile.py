"""The joint density's minimum over θ as a function of the dispersion: its derivative, and the modes found on it."""

from __future__ import annotations

import math

import numpy as np
from scipy.optimize import brentq

from bayesreg.descent import minimise
from bayesreg.interfaces import Array, Block
from bayesreg.problem import Problem

ROUGH = 1e-3
"""Nats to which fits are made that only show on which side of a root in σ they are."""

Mode = tuple[float, float, Array]
"""(−log density, σ, θ)."""


class Profile:
    """The joint density's minimum over θ as a function of t = log σ."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.steps = 0

    def at(self, t: float, start: Array | None, enough: float = 0.0) -> tuple[float, Array]:
        """Derivative in t of the profile, and θ: the minimum at σ = e^t that descent from the coefficients reaches."""
        theta, used = minimise(self.problem.at(math.exp(t)), start, enough)
        self.steps += used
        return dispersion_slope(self.problem, theta, math.exp(t)), theta

    def modes(self, centre: float) -> list[Mode]:
        """Every minimum in a bracket, which is widened until it holds one; each fit starts from the last."""
        grid = list(centre + np.linspace(math.log(1e-3), math.log(10.0), 40))
        slopes: list[float] = []
        betas: list[Array | None] = []
        for t in grid:
            slope, theta = self.at(t, betas[-1] if betas else None, ROUGH)
            slopes.append(slope)
            betas.append(self.problem.split(theta)[1])
        while slopes[0] >= 0:
            slope, theta = self.at(grid[0] - 2.0, betas[0])
            grid.insert(0, grid[0] - 2.0)
            slopes.insert(0, slope)
            betas.insert(0, self.problem.split(theta)[1])
        while slopes[-1] <= 0:
            slope, theta = self.at(grid[-1] + 2.0, betas[-1])
            grid.append(grid[-1] + 2.0)
            slopes.append(slope)
            betas.append(self.problem.split(theta)[1])
        changes = [i for i in range(len(grid) - 1) if slopes[i] < 0 <= slopes[i + 1]]
        return [mode for i in changes for mode in self._root(grid[i], grid[i + 1], betas[i + 1])]

    def near(self, t: float, start: Array) -> list[Mode]:
        """The minimum that a walk downhill from t leads to."""
        found = self._downhill(t, start)
        if found is None:
            return []
        (one, _), (other, _), beta = found
        return self._root(min(one, other), max(one, other), beta)

    def rough(self, t: float) -> float | None:
        """log σ of the minimum that a walk downhill from t leads to, to some hundredths; None if it leads to none."""
        found = self._downhill(t, None)
        if found is None:
            return None
        (one, slope), (other, following), _ = found
        return one + (other - one) * slope / (slope - following)

    def _downhill(self, t: float, start: Array | None) -> tuple[tuple[float, float], tuple[float, float], Array] | None:
        """Two t half a unit apart with a minimum between them, each with its slope, and coefficients at the first."""
        slope, theta = self.at(t, start, ROUGH)
        step = -0.5 if slope > 0 else 0.5
        for _ in range(40):
            beta = self.problem.split(theta)[1]
            following, theta = self.at(t + step, beta, ROUGH)
            if (following > 0) != (slope > 0):
                return (t, slope), (t + step, following), beta
            t, slope = t + step, following
        return None

    def _root(self, lower: float, upper: float, start: Array | None) -> list[Mode]:
        """Where the derivative vanishes between two t, every fit started alike: empty if it then does not.

        Rough fits may have put the root in the cell beside its own, so that the ends may have to move out.
        """
        width = upper - lower
        if self.at(lower, start)[0] >= 0:
            lower -= width
        if self.at(upper, start)[0] < 0:
            upper += width
        if self.at(lower, start)[0] >= 0 or self.at(upper, start)[0] < 0:
            return []
        t = float(brentq(lambda t: self.at(t, start)[0], lower, upper, xtol=1e-14, rtol=1e-14))
        theta = self.at(t, start)[1]
        return [(self.problem.neg_log_joint(theta, math.exp(t)), math.exp(t), theta)]


def dispersion_slope(problem: Problem, theta: Array, sigma: float) -> float:
    """∂/∂log σ of −log p(y, θ, σ) at fixed θ, in nats; σ is the dispersion parameter, whatever its name."""
    fixed = problem.at(sigma)

    def fn(block: Block) -> tuple[Array, ...]:
        terms = fixed.likelihood.on(block).d_log_sigma(fixed.linear_predictor(block, theta), block.y)
        return (block.weighted(terms).sum(keepdims=True),)

    total = float(fixed.design.rows.sum(fn)[0][0])
    hyper = problem.likelihood.dispersion
    if hyper is not None:
        total -= sigma * float(hyper.slope(np.asarray(sigma)))
    if problem.scale_by_noise:
        beta = fixed.split(theta)[1]
        pull = fixed.prior.nearest_subgradient(beta, np.zeros(fixed.p))
        total += float(np.isfinite(fixed.prior.variance(fixed.p)).sum())
        total -= float((beta - fixed.prior.location(fixed.p)) @ pull)
    return total
