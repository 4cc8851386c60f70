"""Improper flat prior: no penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, ScalePrior, SeparablePrior, Tensor


@final
@dataclass(frozen=True, slots=True, eq=False)
class Flat(SeparablePrior):
    """Improper prior p(β) = 1: no penalty.  For intercepts and columns that must not shrink."""

    @property
    def hyperprior(self) -> ScalePrior | None:
        """None: there is no scale."""
        return None

    @property
    def convex(self) -> bool:
        """True."""
        return True

    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Self:
        """Return the prior itself: it fits any columns."""
        return self

    def describe(self, p: int) -> str:
        """Say that there is no penalty."""
        return "0 (flat prior)"

    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior itself: there is no scale to fix."""
        return self

    def rescaled(self, factor: float) -> Self:
        """Return the prior itself: there is no scale to multiply."""
        return self

    def penalty(self, beta: Array) -> Array:
        """0."""
        return np.zeros(np.shape(beta)[:-1])

    def by_degree(self, away: Array) -> dict[float, Array]:
        """No piece."""
        return {}

    def marginal_log_density(self, beta: Array) -> Array:
        """0."""
        return np.zeros(np.shape(beta))

    def location(self, p: int) -> Array:
        """0, where optimisation starts; every point has the same penalty."""
        return np.zeros(p)

    def rates(self, p: int) -> Array:
        """0."""
        return np.zeros(p)

    def variance(self, p: int) -> Array:
        """∞."""
        return np.full(p, np.inf)

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """{0}."""
        zero = np.zeros_like(beta, dtype=float)
        return zero, zero

    def curvature(self, beta: Array) -> Array:
        """0."""
        return np.zeros_like(beta, dtype=float)

    def prox(self, v: Array, step: float | Array) -> Array:
        """Return v."""
        return np.array(v, dtype=float)

    def conjugate(self, u: Array) -> Array:
        """0 at u = 0, ∞ elsewhere."""
        return np.where(np.asarray(u) == 0, 0.0, np.inf)

    def dual_gauge(self, u: Array) -> Array:
        """∞ but at 0."""
        return np.where(np.asarray(u) == 0, 0.0, np.inf)

    def dual_projection(self, u: Array) -> Array:
        """0."""
        return np.zeros_like(u, dtype=float)

    def elastic(self, p: int) -> Elastic:
        """l1 = l2 = 0."""
        return Elastic(np.zeros(p), np.zeros(p), np.zeros(p))

    def tail(self, epsilon: Array) -> Array:
        """NaN: an improper prior has no probabilities."""
        return np.full(epsilon.size, np.nan)

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """Refuse: the prior is improper."""
        msg = "Flat: an improper prior has no draws"
        raise ParameterError(msg)

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array:
        """0: no shrinkage."""
        return np.zeros_like(beta, dtype=float)

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """0."""
        import pytensor.tensor as pt

        return pt.zeros_like(beta)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Flat."""
        import pymc as pm

        return pm.Flat(name, dims=dims)
