"""Priors, on coefficients and on scales, as everything else sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces.rows import Array, Tensor


class ScalePrior(ABC):
    """A prior on a positive scale (the noise sd σ, or the scale of a prior), as a density of the scale itself."""

    __slots__ = ()

    @property
    @abstractmethod
    def proper(self) -> bool:
        """Whether the density integrates to one."""

    @property
    @abstractmethod
    def power_at_zero(self) -> float:
        """Exponent a with p(s) ~ s^a as s → 0."""

    @property
    @abstractmethod
    def power_at_infinity(self) -> float:
        """Exponent a with p(s) ~ s^a as s → ∞; −∞ for a tail lighter than every power."""

    @abstractmethod
    def log_density(self, s: Array) -> Array:
        """log p(s), elementwise, in nats; an improper density is fixed at the form given in its class."""

    @abstractmethod
    def slope(self, s: Array) -> Array:
        """Derivative of `log_density` in s, elementwise."""

    @abstractmethod
    def node(self, name: str, initial: float) -> Tensor:
        """Add the PyMC variable `name` with this density to the model in context, starting at `initial`."""


class Prior(ABC):
    """A prior on the coefficients, seen as a penalty: pen(β) = −log density + constant, in nats.

    Array arguments have shape (..., p); sums run over the last axis.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def convex(self) -> bool:
        """Whether the penalty is convex."""

    @property
    @abstractmethod
    def hyperprior(self) -> ScalePrior | None:
        """The prior of the scale, or None where the scale is a number."""

    @abstractmethod
    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Prior:
        """Return the prior for columns called `names`, which belong to formula terms `terms`.

        Raises ParameterError unless the parameters fit them.
        """

    @abstractmethod
    def describe(self, p: int) -> str:
        """The penalty as a formula with its numbers, for the reader."""

    @abstractmethod
    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior with its scale fixed at `scale`, or under that prior; itself where it has no scale."""

    @abstractmethod
    def rescaled(self, factor: float) -> Self:
        """Return the prior with every scale multiplied by `factor` (locations stay)."""

    @abstractmethod
    def penalty(self, beta: Array) -> Array:
        """pen(β), zero at the location, shape (...)."""

    @abstractmethod
    def by_degree(self, away: Array) -> Mapping[float, Array]:
        """The penalty of a deviation x from the location in its homogeneous pieces, {d: c_d (...)}.

        pen(μ + r·x) = Σ_d c_d·r^d for every r ≥ 0: along a ray, or a scale, it is as many powers of one number.  Which
        degrees there are does not depend on x.
        """

    @abstractmethod
    def log_density(self, beta: Array) -> Array:
        """Normalised log density, shape (...); 0 where the density is improper."""

    @abstractmethod
    def marginal_log_density(self, beta: Array) -> Array:
        """Log density (..., p) of each column by itself, the others integrated out; 0 where it is improper."""

    @abstractmethod
    def location(self, p: int) -> Array:
        """The point (p,) at which the penalty is least."""

    @abstractmethod
    def rates(self, p: int) -> Array:
        """λ of each column (p,): the number multiplying the penalty's standard form; 0 where unpenalised."""

    @abstractmethod
    def variance(self, p: int) -> Array:
        """Prior variance of each column (p,); ∞ where improper."""

    @abstractmethod
    def nearest_subgradient(self, beta: Array, v: Array) -> Array:
        """The element of ∂pen(β) nearest to v, shape (..., p)."""

    @abstractmethod
    def at_kink(self, beta: Array) -> NDArray[np.bool_]:
        """Mark the columns (..., p) where ∂pen(β) holds more than one point."""

    @abstractmethod
    def gauge(self, beta: Array, v: Array) -> Array:
        """Least t ≥ 0 with v ∈ t·∂pen(β), by column (p,); ∞ where no t does."""

    @abstractmethod
    def curvature(self, beta: Array) -> Array:
        """Diagonal (p,) of the Hessian of the penalty, taken along a smooth side at a kink."""

    @abstractmethod
    def hessian(self, beta: Array, columns: NDArray[np.int_]) -> Array:
        """Hessian of the penalty over `columns` (c, c), zero where they are at a kink."""

    @abstractmethod
    def blocks(self, p: int) -> NDArray[np.int_]:
        """Label (p,) of the block that each column leaves its kink with: 0, 1, ... where each goes alone."""

    @abstractmethod
    def prox(self, v: Array, step: float | Array) -> Array:
        """argmin_x pen(x) + Σ (x_j − v_j)²/(2·step_j), shape (p,); a step by column is constant within a block."""

    @abstractmethod
    def conjugate(self, u: Array) -> Array:
        """pen*(u) = sup_β uᵀβ − pen(β), in parts (p,) that sum to it; ∞ outside its domain."""

    @abstractmethod
    def dual_gauge(self, u: Array) -> Array:
        """Least t ≥ 0 (p,) with u in t times the domain of `conjugate`: 0 where that has no bound."""

    @abstractmethod
    def dual_projection(self, u: Array) -> Array:
        """The point of the domain of `conjugate` nearest to u, shape (p,)."""

    @abstractmethod
    def elastic(self, p: int) -> Elastic | None:
        """The penalty as Σ l1_j |β_j − loc_j| + l2_j (β_j − loc_j)²; None where it is not of that form."""

    @abstractmethod
    def kink(self, p: int) -> Kink:
        """The kinks of the penalty."""

    @abstractmethod
    def tail(self, epsilon: Array) -> Array:
        """P(|β_j| > ε_j) of each column by itself, ε ≥ 0 of shape (p,); NaN where the prior is improper."""

    @abstractmethod
    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """Independent draws (size, p) of the prior; raises ParameterError where it is improper."""

    @abstractmethod
    def mixing(self, beta: Array, rng: np.random.Generator) -> Array | None:
        """Draw the mixing precisions (..., p) given β, where the prior is a scale mixture of normals; else None.

        Given them, β_j − loc_j is a priori N(0, 1/precision_j), independently.
        """

    @abstractmethod
    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """Log density of a PyTensor vector β (p,) in parts (p,) that sum to it, every scale multiplied by `scale`.

        Its gradient is that of the smooth part where β is exactly at a kink.
        """

    @abstractmethod
    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add the PyMC variable `name` to the model in context, its scale multiplied by `factor`."""


@dataclass(frozen=True, slots=True, eq=False)
class Elastic:
    """Rates of a penalty Σ l1|β − loc| + l2(β − loc)², each of shape (p,)."""

    l1: Array
    l2: Array
    loc: Array


@dataclass(frozen=True, slots=True, eq=False)
class Kink:
    """Where a log density has a term −rate·‖β_g − loc_g‖₂ by block g of columns.

    `loc` (p,) is NaN and `rate` (p,) 0 in smooth columns; a rate of ∞ is a cusp.  `blocks` (p,) labels the blocks.
    """

    loc: Array
    rate: Array
    blocks: NDArray[np.int_]


class SeparablePrior(Prior):
    """A prior that is a product over columns: what is asked of the subdifferential follows from one interval."""

    __slots__ = ()

    @abstractmethod
    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """Ends (lower, upper) of the interval ∂pen_j(β_j), each of shape (..., p)."""

    @final
    def log_density(self, beta: Array) -> Array:
        """Sum of the columns' own."""
        return np.asarray(self.marginal_log_density(beta).sum(axis=-1))

    @final
    def nearest_subgradient(self, beta: Array, v: Array) -> Array:
        """Project v on the interval."""
        lower, upper = self.subdifferential(beta)
        return np.clip(v, lower, upper)

    @final
    def at_kink(self, beta: Array) -> NDArray[np.bool_]:
        """Mark intervals of positive length."""
        lower, upper = self.subdifferential(beta)
        return lower < upper

    @final
    def hessian(self, beta: Array, columns: NDArray[np.int_]) -> Array:
        """Diagonal."""
        return np.diag(np.where(self.at_kink(beta), 0.0, self.curvature(beta))[columns])

    @final
    def blocks(self, p: int) -> NDArray[np.int_]:
        """Each column by itself."""
        return np.arange(p)

    @final
    def kink(self, p: int) -> Kink:
        """Half the length of the interval at the location."""
        loc = self.location(p)
        lower, upper = self.subdifferential(loc)
        rate = np.where(lower < upper, upper, 0.0)
        return Kink(np.where(rate > 0, loc, np.nan), rate, np.arange(p))

    @final
    def gauge(self, beta: Array, v: Array) -> Array:
        """Return v over the end of the interval on v's side."""
        lower, upper = self.subdifferential(beta)
        bound = np.where(v > 0, upper, lower)
        reachable = np.sign(bound) * np.sign(v) > 0
        t = np.divide(v, bound, out=np.full_like(v, np.inf), where=reachable)
        return np.where(v == 0, 0.0, t)


def is_flat(intercept: Prior | None) -> bool:
    """Whether there is an intercept that no prior holds."""
    return intercept is not None and not np.isfinite(intercept.variance(1)).all()
