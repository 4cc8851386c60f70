"""Double-exponential prior: the lasso penalty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.interfaces import Array, Elastic, Tensor
from bayesreg.mixtures import inverse_gaussian
from bayesreg.priors.parameters import LocationScale, deviation_text, shown
from bayesreg.priors.tails import beyond


@final
@dataclass(frozen=True, slots=True, eq=False)
class Laplace(LocationScale):
    """Double-exponential prior, the L1 (lasso) penalty: p(β) = exp(−|β−μ|/b)/2b, pen(β) = λ|β−μ| with λ = 1/b.

    Parameters
    ----------
    scale : float, array (p,) or ScalePrior
        b > 0, in units of β.  The prior variance is 2b².
    loc : float or array (p,), default 0
        μ, the point to which coefficients shrink.

    Raises
    ------
    ParameterError
        If `scale` is not finite and positive, or `loc` is not finite.

    References
    ----------
    Tibshirani (1996), JRSS B 58:267–288, section 5; Park & Casella (2008), JASA 103:681–686.
    """

    def penalty(self, beta: Array) -> Array:
        """Σ_j |β_j − μ_j|/b_j."""
        return self.by_degree(self._away(beta))[1]

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Degree 1."""
        return {1: np.asarray(np.abs(away / self.fixed).sum(axis=-1))}

    def marginal_log_density(self, beta: Array) -> Array:
        """−|β − μ|/b − log 2b."""
        return np.asarray(-np.abs(self._deviation(beta)) - np.log(2 * np.asarray(self.fixed)))

    def rates(self, p: int) -> Array:
        """λ = 1/b."""
        return 1 / self._factors(p)

    def variance(self, p: int) -> Array:
        """2b²."""
        return 2 * self._factors(p) ** 2

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """{λ·sign(β−μ)} off the kink, [−λ, λ] at β = μ."""
        sign = np.sign(np.asarray(beta, dtype=float) - self.loc)
        rate = self.rates(np.shape(beta)[-1])
        return rate * np.where(sign == 0, -1.0, sign), rate * np.where(sign == 0, 1.0, sign)

    def curvature(self, beta: Array) -> Array:
        """0 on both sides of the kink."""
        return np.zeros_like(beta, dtype=float)

    def prox(self, v: Array, step: float | Array) -> Array:
        """Soft threshold of v − μ at step·λ."""
        shift = np.asarray(v, dtype=float) - self.loc
        return self.loc + np.sign(shift) * np.maximum(np.abs(shift) - step / np.asarray(self.fixed), 0.0)

    def conjugate(self, u: Array) -> Array:
        """μu for |u| ≤ λ, ∞ beyond."""
        return np.where(np.abs(u) <= self.rates(np.shape(u)[-1]), u * np.asarray(self.loc), np.inf)

    def dual_gauge(self, u: Array) -> Array:
        """|u|/λ."""
        return np.abs(u) / self.rates(np.shape(u)[-1])

    def dual_projection(self, u: Array) -> Array:
        """Clip u at ±λ."""
        rate = self.rates(np.shape(u)[-1])
        return np.clip(u, -rate, rate)

    def elastic(self, p: int) -> Elastic:
        """l1 = λ, l2 = 0."""
        return Elastic(self.rates(p), np.zeros(p), self.location(p))

    def describe(self, p: int) -> str:
        """λ Σ|β| with its λ."""
        return f"λ Σ|{deviation_text(self.location(p))}| with {shown('λ', self.rates(p))}"

    def tail(self, epsilon: Array) -> Array:
        """exp(−ε/b) about 0; about μ the two sides of it."""
        factors = self._factors(epsilon.size)
        return beyond(lambda z: np.exp(-z / factors), epsilon, self.location(epsilon.size))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """Double-exponential draws."""
        return rng.laplace(self.location(p), self._factors(p), (size, p))

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array:
        """1/v given β, where β − μ | v ~ N(0, v) and v ~ Exp(mean 2b²): inverse Gaussian(1/(b|β−μ|), 1/b²)."""
        rate = self.rates(np.shape(beta)[-1])
        away = np.abs(np.asarray(beta) - self.loc)
        return inverse_gaussian(away / rate, np.broadcast_to(rate**2, np.shape(away)), rng)

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """−|β − μ|/b − log 2b."""
        import pytensor.tensor as pt

        z, b = self._graph_deviation(beta, scale)
        return -pt.abs(z) - pt.log(2 * b)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Laplace(mu=μ, b=b·factor)."""
        import pymc as pm

        mu, b = self._node_parameters(name, dims, factor)
        return pm.Laplace(name, mu=mu, b=b, dims=dims)
