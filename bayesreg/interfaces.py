"""The four things that every algorithm is written against: `Prior`, `ScalePrior`, `Likelihood` and `Rows`.

Everything lives on one scale, the negative log-likelihood in nats, summed over rows:

    J(a, β) = Σ_i w_i · nll(y_i | η_i) + pen(β),     η_i = offset_i + a + x_iᵀβ

No algorithm names a concrete class; each asks these interfaces.  NumPy is the only third party imported here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""A float64 array."""

Tensor = Any
"""A PyTensor variable.  PyTensor is imported only where a graph is built, so it cannot be named here."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of the data: `X` (m, p), `y` (m,), `offset` (m,) and `weights` (m,), or None where all are 1."""

    X: Array
    y: Array
    offset: Array
    weights: Array | None

    def weighted(self, values: Array) -> Array:
        """Return `values` (m,) multiplied by the row weights."""
        return values if self.weights is None else values * self.weights


class Rows(ABC):
    """A store of rows, reached only through sums over blocks of them."""

    __slots__ = ()

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def n_columns(self) -> int:
        """Number of columns of X."""

    @abstractmethod
    def sum(self, fn: Callable[[Block], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return Σ fn(block) over all row blocks, element by element of the returned tuple."""

    @abstractmethod
    def transformed(self, centre: Array, scale: Array) -> Rows:
        """Return the same rows with X replaced by (X − centre) / scale."""

    @abstractmethod
    def reweighted(self, weights: Array) -> Rows:
        """Return the same rows with their weights replaced by `weights` (n,); a zero drops a row from every sum."""

    @abstractmethod
    def collect(self) -> Block:
        """Return all rows as one block; a store that does not fit in memory refuses."""


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
    def hyperprior(self) -> ScalePrior | None:
        """The prior of the scale, or None where the scale is a number."""

    @abstractmethod
    def check(self, names: tuple[str, ...]) -> None:
        """Raise ParameterError unless the parameters fit columns called `names`."""

    @abstractmethod
    def at(self, scale: float) -> Self:
        """Return the prior with its unknown scale fixed at `scale`."""

    @abstractmethod
    def rescaled(self, factor: float) -> Self:
        """Return the prior with every scale multiplied by `factor` (locations stay)."""

    @abstractmethod
    def penalty(self, beta: Array) -> Array:
        """pen(β), zero at the location, shape (...)."""

    @abstractmethod
    def log_density(self, beta: Array) -> Array:
        """Normalised log density, shape (...); 0 where the density is improper."""

    @abstractmethod
    def location(self, p: int) -> Array:
        """The point (p,) at which the penalty is least."""

    @abstractmethod
    def rate(self, p: int) -> Array:
        """λ of each column (p,): the number multiplying the penalty's standard form; 0 where unpenalised."""

    @abstractmethod
    def variance(self, p: int) -> Array:
        """Prior variance of each column (p,); ∞ where improper."""

    @abstractmethod
    def nearest_subgradient(self, beta: Array, v: Array) -> Array:
        """The element of ∂pen(β) nearest to v, shape (p,)."""

    @abstractmethod
    def at_kink(self, beta: Array) -> NDArray[np.bool_]:
        """Mark the columns (p,) where ∂pen(β) holds more than one point."""

    @abstractmethod
    def gauge(self, beta: Array, v: Array) -> Array:
        """Least t ≥ 0 with v ∈ t·∂pen(β), by column (p,); ∞ where no t does."""

    @abstractmethod
    def curvature(self, beta: Array) -> Array:
        """Second derivative of the penalty by column (p,), taken along a smooth side at a kink."""

    @abstractmethod
    def prox(self, v: Array, step: float) -> Array:
        """argmin_x pen(x) + ‖x − v‖² / (2·step), shape (p,)."""

    @abstractmethod
    def conjugate(self, u: Array) -> Array:
        """pen*(u) = sup_β uᵀβ − pen(β), by column (p,); ∞ outside its domain."""

    @abstractmethod
    def conjugate_bound(self, p: int) -> Array:
        """Largest |u_j| at which `conjugate` is finite, by column (p,)."""

    @abstractmethod
    def elastic(self, p: int) -> Elastic:
        """The penalty as Σ l1_j |β_j − loc_j| + l2_j (β_j − loc_j)²."""

    @abstractmethod
    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add the PyMC variable `name` to the model in context, its scale multiplied by `factor`."""


@dataclass(frozen=True, slots=True, eq=False)
class Elastic:
    """Rates of a penalty Σ l1|β − loc| + l2(β − loc)², each of shape (p,)."""

    l1: Array
    l2: Array
    loc: Array


class SeparablePrior(Prior):
    """A prior that is a product over columns: what is asked of the subdifferential follows from one interval."""

    __slots__ = ()

    @abstractmethod
    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """Ends (lower, upper) of the interval ∂pen_j(β_j), each of shape (p,)."""

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
    def gauge(self, beta: Array, v: Array) -> Array:
        """Return v over the end of the interval on v's side."""
        lower, upper = self.subdifferential(beta)
        bound = np.where(v > 0, upper, lower)
        reachable = bound * v > 0
        t = np.divide(v, bound, out=np.full_like(v, np.inf), where=reachable)
        return np.where(v == 0, 0.0, t)


class Likelihood(ABC):
    """How y_i depends on η_i: nll in nats, with no constant dropped, and its derivatives in η.

    Array arguments broadcast; results are elementwise and unweighted.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def dispersion(self) -> ScalePrior | None:
        """Prior of the unknown noise scale σ, or None where it is known or there is none."""

    @property
    @abstractmethod
    def sigma_known(self) -> float | None:
        """The known noise scale, or None."""

    @property
    @abstractmethod
    def has_noise_scale(self) -> bool:
        """Whether the family has a noise scale σ at all."""

    @property
    @abstractmethod
    def quadratic(self) -> bool:
        """Whether nll is quadratic in η, so that its curvature is constant."""

    @property
    @abstractmethod
    def convex(self) -> bool:
        """Whether nll is convex in η."""

    @abstractmethod
    def at(self, sigma: float) -> Self:
        """Return the likelihood with its noise scale fixed at `sigma`."""

    @abstractmethod
    def check(self, y: Array, intercept: Prior | None, offset: Array, counts: NDArray[np.bool_]) -> tuple[str, ...]:
        """Raise unless every y lies in the domain and leaves a proper posterior; return remarks on telling data.

        `counts` marks the rows of positive weight.
        """

    @abstractmethod
    def nll(self, eta: Array, y: Array) -> Array:
        """−log p(y | η)."""

    @abstractmethod
    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """−log p(y | η, σ) at a given σ, whatever the likelihood's own; None where the family has no noise scale."""

    @abstractmethod
    def d1(self, eta: Array, y: Array) -> Array:
        """First derivative of `nll` in η."""

    @abstractmethod
    def d2(self, eta: Array, y: Array) -> Array:
        """Second derivative of `nll` in η."""

    @abstractmethod
    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """Derivative of `nll` in log σ at fixed η; 0 where the family has no noise scale."""

    @abstractmethod
    def conjugate(self, theta: Array, y: Array) -> Array:
        """Fenchel conjugate sup_η θη − nll(η); ∞ outside its domain."""

    @abstractmethod
    def mean(self, eta: Array) -> Array:
        """E[y | η], the inverse link."""

    @abstractmethod
    def response_sd(self, y_sd: float) -> float:
        """Scale of η against which an effect is small or large, given the sd of y; sets the default ε."""

    @abstractmethod
    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw y given η (and σ where the family has one)."""

    @abstractmethod
    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add the observed PyMC variable `name` to the model in context."""
