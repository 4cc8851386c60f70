"""Elastic-net prior: Laplace times normal."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtri_exp

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, ScalePrior, SeparablePrior, Tensor
from bayesreg.mixtures import inverse_gaussian
from bayesreg.priors.parameters import (
    check_length,
    custom_node,
    deviation_text,
    frozen,
    read_parameter,
    shown,
)
from bayesreg.priors.tails import beyond
from bayesreg.scales import LARGEST, positive_number

STEEP = 5.0
"""l1/√(2·l2) from which the variance is integrated by Gauss–Laguerre: its closed form cancels."""

EXPONENTIAL = 1e4
"""l1/√(2·l2) from which draws leave out the quadratic term: inversion would lose as many digits, 8 of 16."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ElasticNet(SeparablePrior):
    """Elastic-net prior: p(β) = exp(−λ₁|β−μ| − λ₂(β−μ)²)/Z, pen(β) = λ₁|β−μ| + λ₂(β−μ)².

    Z = √(π/λ₂)·erfcx(λ₁/2√λ₂), and 2/λ₁ at λ₂ = 0.  Both parts are *added*: there is no ½, and no mixing ratio.

    Parameters
    ----------
    l1, l2 : float or array (p,)
        λ₁, λ₂ ≥ 0, not both 0; λ₁ per unit of β, λ₂ per unit squared.
    loc : float or array (p,), default 0
        μ, the point to which coefficients shrink.

    Raises
    ------
    ParameterError
        If a rate is negative or not finite, or both are 0.

    References
    ----------
    Zou & Hastie (2005), JRSS B 67:301–320; Li & Lin (2010), Bayesian Analysis 5:151–170.
    """

    l1: float | Array
    l2: float | Array
    loc: float | Array = 0.0

    def __post_init__(self) -> None:
        """Check and freeze the parameters."""
        for name in ("l1", "l2", "loc"):
            object.__setattr__(self, name, read_parameter("ElasticNet", name, getattr(self, name)))
        for name in ("l1", "l2"):
            rate = np.atleast_1d(getattr(self, name))
            bad = (rate < 0) | ((rate > 0) & ((rate < 1 / LARGEST) | (rate > LARGEST)))
            if bad.any():
                span = f"between {1 / LARGEST:g} and {LARGEST:g}"
                msg = f"ElasticNet: {name} must be 0, or a number > 0 {span} (got {rate[bad][0]:g})"
                raise ParameterError(msg)
        sizes = np.size(self.l1), np.size(self.l2)
        if np.ndim(self.l1) and np.ndim(self.l2) and sizes[0] != sizes[1]:
            msg = f"ElasticNet: l1 has {sizes[0]} values but l2 has {sizes[1]}; give one number, or one per column"
            raise ParameterError(msg)
        if (np.asarray(self.l1) + np.asarray(self.l2) == 0).any():
            msg = "ElasticNet: l1 and l2 are both 0, which is no prior; use Flat() for unpenalised columns"
            raise ParameterError(msg)

    @property
    def convex(self) -> bool:
        """True."""
        return True

    @property
    def hyperprior(self) -> ScalePrior | None:
        """None: the rates are numbers."""
        return None

    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Self:
        """Raise ParameterError unless the rates and loc are scalars or have one value per column."""
        for name in ("l1", "l2", "loc"):
            check_length("ElasticNet", name, getattr(self, name), names)
        return self

    def describe(self, p: int) -> str:
        """λ₁ Σ|β| + λ₂ Σβ² with their values."""
        l1, l2 = self._both(p)
        text = deviation_text(self.location(p))
        square = text if text == "β" else f"({text})"
        return f"λ₁ Σ|{text}| + λ₂ Σ{square}² with {shown('λ₁', l1)}, {shown('λ₂', l2)}"

    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior itself: no scale is unknown."""
        return self

    def rescaled(self, factor: float) -> Self:
        """Return the prior of factor·β: λ₁/factor, λ₂/factor²."""
        factor = positive_number("ElasticNet", "factor", factor)
        return replace(self, l1=self.l1 / factor, l2=self.l2 / factor**2)

    def _both(self, p: int) -> tuple[Array, Array]:
        return np.broadcast_to(np.asarray(self.l1, float), (p,)), np.broadcast_to(np.asarray(self.l2, float), (p,))

    def _away(self, beta: Array) -> Array:
        return np.asarray(beta, dtype=float) - self.loc

    def _log_normaliser(self, l1: Array, l2: Array) -> Array:
        both = np.where(l2 > 0, l2, 1.0)
        quadratic = np.log(np.sqrt(np.pi / both) * erfcx(l1 / (2 * np.sqrt(both))))
        return np.asarray(np.where(l2 > 0, quadratic, np.log(2 / np.where(l2 > 0, 1.0, l1))))

    def _each(self, beta: Array) -> Array:
        away = self._away(beta)
        with np.errstate(over="ignore"):
            return np.asarray(self.l1 * np.abs(away) + self.l2 * away**2)

    def penalty(self, beta: Array) -> Array:
        """Σ_j λ₁|β_j − μ_j| + λ₂(β_j − μ_j)²."""
        return np.asarray(self._each(beta).sum(axis=-1))

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Degrees 1 and 2."""
        l1, l2 = self._both(np.shape(away)[-1])
        with np.errstate(over="ignore"):
            return {1: np.asarray(np.abs(away) @ l1), 2: np.asarray(away**2 @ l2)}

    def marginal_log_density(self, beta: Array) -> Array:
        """−λ₁|β−μ| − λ₂(β−μ)² − log Z."""
        return -self._each(beta) - self._log_normaliser(*self._both(np.shape(beta)[-1]))

    def location(self, p: int) -> Array:
        """The location μ, (p,)."""
        return np.broadcast_to(np.asarray(self.loc, dtype=float), (p,))

    def rates(self, p: int) -> Array:
        """λ₁ + λ₂, the slope and curvature that the standard forms are multiplied by."""
        return np.add(*self._both(p))

    def variance(self, p: int) -> Array:
        """(1 + a² − a·h)/2λ₂ with a = λ₁/√(2λ₂), h = √(2/π)/erfcx(a/√2): a normal truncated to one side."""
        l1, l2 = self._both(p)
        root = np.sqrt(2 * l2)
        a = np.divide(l1, root, out=np.full(p, np.inf), where=root > 0)
        steep = a > STEEP
        mild = np.where(steep, 1.0, a)
        closed = (1 + mild**2 - mild * np.sqrt(2 / np.pi) / erfcx(mild / np.sqrt(2))) / np.where(steep, 1.0, 2 * l2)
        nodes, weights = np.polynomial.laguerre.laggauss(60)
        bend = np.exp(-np.multiply.outer(0.5 * (1 / np.where(steep, a, 1.0)) ** 2, nodes**2)) * weights
        integral = (bend @ nodes**2) / bend.sum(axis=-1) / np.where(steep, l1, 1.0) ** 2
        return np.asarray(np.where(steep, integral, closed))

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """2λ₂(β−μ) + λ₁·sign(β−μ), with [−λ₁, λ₁] for the sign's part at β = μ."""
        away = self._away(beta)
        l1, l2 = self._both(away.shape[-1])
        sign, slope = np.sign(away), 2 * l2 * away
        return slope + l1 * np.where(sign == 0, -1.0, sign), slope + l1 * np.where(sign == 0, 1.0, sign)

    def curvature(self, beta: Array) -> Array:
        """2λ₂."""
        return 2 * self._both(np.shape(beta)[-1])[1]

    def prox(self, v: Array, step: float | Array) -> Array:
        """Soft threshold of v − μ at step·λ₁, shrunk by 1/(1 + 2·step·λ₂)."""
        shift = np.asarray(v, dtype=float) - self.loc
        with np.errstate(over="ignore"):  # a step beyond the range of doubles leads to μ
            soft = np.sign(shift) * np.maximum(np.abs(shift) - step * np.asarray(self.l1), 0.0)
            return np.asarray(self.loc + soft / (1 + 2 * step * np.asarray(self.l2)))

    def conjugate(self, u: Array) -> Array:
        """μu + (|u| − λ₁)₊²/4λ₂; at λ₂ = 0, ∞ for |u| > λ₁."""
        l1, l2 = self._both(np.shape(u)[-1])
        excess = np.maximum(np.abs(u) - l1, 0.0)
        with np.errstate(over="ignore"):
            square = np.divide(excess**2, 4 * l2, out=np.where(excess > 0, np.inf, 0.0), where=l2 > 0)
        return np.asarray(u * np.asarray(self.loc) + square)

    def dual_gauge(self, u: Array) -> Array:
        """0 where λ₂ > 0, else |u|/λ₁."""
        l1, l2 = self._both(np.shape(u)[-1])
        return np.divide(np.abs(u), l1, out=np.zeros(np.shape(u)), where=l2 == 0)

    def dual_projection(self, u: Array) -> Array:
        """Clip u at ±λ₁ where λ₂ = 0."""
        l1, l2 = self._both(np.shape(u)[-1])
        return np.where(l2 > 0, u, np.clip(u, -l1, l1))

    def elastic(self, p: int) -> Elastic:
        """Its own form."""
        return Elastic(*self._both(p), self.location(p))

    def tail(self, epsilon: Array) -> Array:
        """exp(−λ₁ε − λ₂ε²)·erfcx(ε√λ₂ + h)/erfcx(h) about 0, h = λ₁/2√λ₂; about μ the two sides of it."""
        l1, l2 = self._both(epsilon.size)
        root = np.sqrt(np.where(l2 > 0, l2, 1.0))
        half = np.where(l2 > 0, l1 / (2 * root), 0.0)

        def distance_tail(z: Array) -> Array:
            bent = np.where(l2 > 0, erfcx(root * z + half) / erfcx(half), 1.0)
            return np.asarray(np.exp(-l1 * z - l2 * z**2) * bent)

        return beyond(distance_tail, epsilon, self.location(epsilon.size))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """A sign, times a normal truncated to one side by inversion in logarithms."""
        l1, l2 = self._both(p)
        root = np.sqrt(2 * l2)
        a = np.divide(l1, root, out=np.full(p, np.inf), where=root > 0)
        flat = np.where(a < EXPONENTIAL, a, 0.0)
        u = 1 - rng.random((size, p))
        inverted = -ndtri_exp(np.log(u) + log_ndtr(-flat)) - flat
        size_of = np.where(
            a < EXPONENTIAL, inverted / np.where(root > 0, root, 1.0), -np.log(u) / np.where(l1 > 0, l1, 1.0)
        )
        return np.asarray(self.loc + rng.choice([-1.0, 1.0], (size, p)) * size_of)

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array:
        """2λ₂ + 1/v, where 1/v given β is inverse Gaussian(λ₁/|β−μ|, λ₁²)."""
        l1, l2 = self._both(np.shape(beta)[-1])
        sharp = np.where(l1 > 0, l1, 1.0)
        away = np.abs(self._away(beta))
        precision = inverse_gaussian(away / sharp, np.broadcast_to(sharp**2, away.shape), rng)
        return 2 * l2 + np.where(l1 > 0, precision, 0.0)

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """−λ₁|β−μ| − λ₂(β−μ)² − log Z, with erfcx by PyTensor's own."""
        import pytensor.tensor as pt

        shape = np.broadcast(self.l1, self.l2, self.loc).shape
        l1, l2, loc = (np.array(np.broadcast_to(v, shape), dtype=float) for v in (self.l1, self.l2, self.loc))
        away = (beta - loc) / scale
        both = frozen(np.where(l2 > 0, l2, 1.0))
        quadratic = 0.5 * np.log(np.pi / both) + pt.log(pt.erfcx(pt.as_tensor(l1 / (2 * np.sqrt(both)))))
        normaliser = pt.switch(l2 > 0, quadratic, np.log(2 / np.where(l2 > 0, 1.0, l1)))
        return -l1 * pt.abs(away) - l2 * away**2 - normaliser - pt.log(scale)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add a CustomDist; PyMC has no elastic-net distribution."""
        return custom_node(self, name, dims, factor)
