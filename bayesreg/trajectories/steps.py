"""Plain first-order steps, each as long as a parabola above the smooth part of J allows."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Block, Kink, Prior
from bayesreg.problem import Problem

ROUNDING = 16 * np.finfo(float).eps
"""Multiple of Σ|terms| below which a difference of two values of J says nothing."""

FEW = 200
"""Columns up to which the largest eigenvalue is found from the matrix itself."""

MOST_HALVED = 200
"""Times that one step is halved at most: 2⁻²⁰⁰ of the longest is no step at all."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """Iterates θ (steps + 1, k), Σ w·nll at each (steps + 1,), and the size of the step that led on from each (steps,).

    Where there is nothing to move (no columns and no intercept) the sizes are NaN.
    """

    thetas: Array
    loss: Array
    sizes: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Smooth:
    """The smooth part of a penalty, and the size of the terms it is summed from, of which rounding is a multiple."""

    value: float
    size: float


NOTHING = Smooth(0.0, 0.0)


class Rule(ABC):
    """Where a step leads, and which part of J a parabola must stay above for it."""

    __slots__ = ()

    @abstractmethod
    def force(self, theta: Array) -> Array:
        """The element of ∂pen(θ), (k,), that a step goes against."""

    @abstractmethod
    def target(self, theta: Array, slope: Array, force: Array, size: float) -> Array:
        """The point (k,) that a step of this size leads to; `slope` is the gradient of the loss."""

    @abstractmethod
    def smooth(self, theta: Array) -> Smooth:
        """What of the penalty counts as smooth, in nats."""

    @abstractmethod
    def smooth_slope(self, theta: Array, force: Array) -> Array:
        """Its gradient (k,)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Proximal(Rule):
    """θ ← argmin_x pen(x) + ‖x − (θ − t∇f)‖²/2t: the penalty is kept whole, and only the loss is smooth."""

    prior: Prior

    def force(self, theta: Array) -> Array:
        """None."""
        return np.zeros_like(theta)

    def target(self, theta: Array, slope: Array, force: Array, size: float) -> Array:
        """The proximal point of a gradient step."""
        return self.prior.prox(theta - size * slope, size)

    def smooth(self, theta: Array) -> Smooth:
        """Nothing of the penalty."""
        return NOTHING

    def smooth_slope(self, theta: Array, force: Array) -> Array:
        """0."""
        return force


@final
@dataclass(frozen=True, slots=True, eq=False)
class Subgradient(Rule):
    """θ ← θ − t(∇f + s) with s the shortest element of ∂pen(θ): its gradient, and 0 at a kink.

    sign(0) := 0 is what automatic differentiation makes of |β|.  The kinks Σ_g λ_g‖β_g − μ_g‖₂ do not overshoot however
    steep they are, and so put no bound on the step; the rest of the penalty does, if there is any (`bends`).
    """

    prior: Prior
    kink: Kink
    bends: bool

    def force(self, theta: Array) -> Array:
        """The shortest subgradient."""
        return self.prior.nearest_subgradient(theta, np.zeros_like(theta))

    def target(self, theta: Array, slope: Array, force: Array, size: float) -> Array:
        """A step along minus the gradient."""
        return theta - size * (slope + force)

    def smooth(self, theta: Array) -> Smooth:
        """The penalty without its kinks."""
        if not self.bends:
            return NOTHING
        away, norm = self._away(theta)
        share = np.divide(away**2, norm, out=np.zeros_like(away), where=norm > 0)  # sums to ‖·‖₂ over a block
        whole, kinks = float(self.prior.penalty(theta)), float(self.kink.rate @ share)
        return Smooth(whole - kinks, whole + kinks)

    def smooth_slope(self, theta: Array, force: Array) -> Array:
        """Its gradient: that of the penalty less λ_g times the direction from the kink."""
        if not self.bends:
            return np.zeros_like(theta)
        away, norm = self._away(theta)
        direction = np.divide(away, norm, out=np.zeros_like(away), where=norm > 0)
        return force - self.kink.rate * direction

    def _away(self, theta: Array) -> tuple[Array, Array]:
        """Distance from the kink (k,), and that of the whole block; 0 in columns that have none."""
        away = np.where(self.kink.rate > 0, theta - self.kink.loc, 0.0)
        return away, np.sqrt(np.bincount(self.kink.blocks, away**2))[self.kink.blocks]


def rule_of(descended: Problem, method: str) -> Rule:
    """Return the rule of a method for a problem with nothing unknown but θ.

    Raises
    ------
    ParameterError
        If the penalty has a cusp and the method is not `proximal`.
    """
    prior, k = descended.penalty_prior, len(descended.labels)
    if method == "proximal":
        return Proximal(prior)
    kink = prior.kink(k)
    if np.isinf(kink.rate).any():
        msg = (
            f"trajectory: method={method!r} needs a penalty whose slope is bounded next to its kinks, unlike "
            f"{descended.prior.describe(descended.p)}; use method='proximal'"
        )
        raise ParameterError(msg)
    form = prior.elastic(k)
    return Subgradient(prior, kink, bends=form is None or bool(form.l2.any()))


def walk(fixed: Problem, theta: Array, rule: Rule, steps: int, *, diminishing: bool) -> Walk:
    """Take steps of size t, or of t/√(k + 1), from θ.

    t starts as 1/L, L the largest eigenvalue of the loss's (majorised) Hessian at the start, and is halved, for good,
    whenever a step would leave the parabola h(θ) + ∇h'd + ‖d‖²/2t below the smooth part h of J.
    """
    thetas = np.empty((steps + 1, theta.size))
    loss, sizes = np.empty(steps + 1), np.full(steps, np.nan)
    thetas[0], loss[0] = theta, fixed.nll(theta)
    if not theta.size:
        loss[:] = loss[0]
        return Walk(thetas, loss, sizes)
    longest = 1 / (largest_curvature(fixed, theta) or 1.0)
    terms = _terms(fixed, theta)
    smooth = rule.smooth(theta)
    for k in range(steps):
        slope = fixed.gradient(theta)
        force = rule.force(theta)
        bent = slope + rule.smooth_slope(theta, force)
        slack = ROUNDING * (terms + abs(loss[k]) + smooth.size)
        for _ in range(MOST_HALVED):
            size = longest / math.sqrt(k + 1) if diminishing else longest
            point = rule.target(theta, slope, force, size)
            move = point - theta
            with np.errstate(over="ignore", invalid="ignore"):  # a step too long may leave the range of doubles
                reached, there = fixed.nll(point), rule.smooth(point)
                bound = float(bent @ move) + float(move @ move) / (2 * size)
                if reached + there.value <= loss[k] + smooth.value + bound + slack:
                    break
            longest /= 2
        theta, smooth = point, there
        thetas[k + 1], loss[k + 1], sizes[k] = theta, reached, size
    return Walk(thetas, loss, sizes)


def largest_curvature(fixed: Problem, theta: Array) -> float:
    """Largest eigenvalue of the majorised Hessian of Σ w·nll at θ, or a little more."""
    if theta.size <= FEW:
        return float(np.linalg.eigvalsh(fixed.curvature(theta, majorized=True))[-1])
    from scipy.sparse.linalg import LinearOperator, eigsh

    def product(direction: Array) -> Array:
        return fixed.curvature_along(theta, np.ravel(direction), majorized=True)

    operator = LinearOperator((theta.size, theta.size), matvec=product, dtype=float)
    start = np.random.default_rng(0).normal(size=theta.size)
    return 1.01 * float(eigsh(operator, k=1, which="LA", tol=1e-3, v0=start, return_eigenvectors=False)[0])


def _terms(fixed: Problem, theta: Array) -> float:
    """Σ |w·nll|: what the rounding of the loss is a multiple of, even where its terms cancel."""

    def fn(block: Block) -> tuple[Array, ...]:
        eta = fixed.linear_predictor(block, theta)
        return (np.abs(block.weighted(fixed.likelihood.on(block).nll(eta, block.y))).sum(keepdims=True),)

    return float(fixed.design.rows.sum(fn)[0][0])
