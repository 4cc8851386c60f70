"""Likelihoods as everything else sees them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces.prior import Prior, ScalePrior
from bayesreg.interfaces.rows import Array, Block, Tensor


class Likelihood(ABC):
    """How y_i depends on η_i: nll in nats, with no constant dropped, and its derivatives in η.

    Array arguments broadcast; results are elementwise and unweighted.
    """

    __slots__ = ()

    @property
    @abstractmethod
    def dispersion(self) -> ScalePrior | None:
        """Prior of the unknown dispersion parameter, or None where it is known or there is none."""

    @property
    @abstractmethod
    def dispersion_name(self) -> str | None:
        """What the dispersion parameter is called (`sigma`, `alpha`); None where the family has none."""

    @property
    @abstractmethod
    def sigma_known(self) -> float | None:
        """The known value of the dispersion parameter, or None."""

    @property
    @abstractmethod
    def location_scale(self) -> bool:
        """Whether y = η + σ·(noise), so that the dispersion parameter is a noise scale in units of y."""

    @final
    @property
    def has_dispersion(self) -> bool:
        """Whether the family has a dispersion parameter at all."""
        return self.dispersion_name is not None

    @property
    @abstractmethod
    def link(self) -> str:
        """Name of the link: `identity`, `logit` or `log`."""

    @property
    @abstractmethod
    def discrete(self) -> bool:
        """Whether y is a whole number, so that F(y−) = F(y − 1)."""

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
        """Return the likelihood with its dispersion parameter fixed at `sigma`."""

    @abstractmethod
    def on(self, block: Block) -> Self:
        """Return the likelihood of the rows of a block: itself, unless rows carry their own numbers of trials."""

    @abstractmethod
    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Raise unless every y lies in the domain and leaves a proper posterior; return remarks on telling data."""

    @abstractmethod
    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """η that makes the density of y unbounded as the dispersion vanishes, and the share of the rows that suffices.

        None where the density is bounded.
        """

    @abstractmethod
    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows whose nll never rises with η, and rows whose nll never falls."""

    @abstractmethod
    def nll(self, eta: Array, y: Array) -> Array:
        """−log p(y | η)."""

    @abstractmethod
    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """−log p(y | η) at a given dispersion, whatever the likelihood's own; None where the family has none."""

    @abstractmethod
    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """F(y | η) = P(Y ≤ y | η) at a given dispersion, as in `nll_given`, for any real y: right-continuous."""

    @abstractmethod
    def d1(self, eta: Array, y: Array) -> Array:
        """First derivative of `nll` in η."""

    @abstractmethod
    def d2(self, eta: Array, y: Array) -> Array:
        """Second derivative of `nll` in η."""

    @abstractmethod
    def majorizer(self, eta: Array, y: Array) -> Array:
        """Curvature ≥ 0 of a parabola that touches nll at η and is nowhere below it, or `d2` where nll is convex."""

    @abstractmethod
    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """Derivative of `nll` in the log of the dispersion at fixed η; 0 where the family has none."""

    @abstractmethod
    def conjugate(self, theta: Array, y: Array) -> Array:
        """Fenchel conjugate sup_η θη − nll(η); ∞ outside its domain."""

    @abstractmethod
    def mean(self, eta: Array) -> Array:
        """E[y | η], the inverse link."""

    @abstractmethod
    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] (and the dispersion, where it is not known); ∞ where there is none."""

    @abstractmethod
    def response_sd(self, y_sd: float) -> float:
        """Scale of η against which an effect is small or large, given the sd of y; sets the default ε."""

    @abstractmethod
    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw y given η (and the dispersion, where it is not known)."""

    @abstractmethod
    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add the observed PyMC variable `name` to the model in context."""
