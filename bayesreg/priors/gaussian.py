"""Normal prior: the ridge penalty."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from scipy.special import erfc

from bayesreg.interfaces import Array, Elastic, Tensor
from bayesreg.priors.parameters import LocationScale, deviation_text, shown
from bayesreg.priors.tails import beyond


@final
@dataclass(frozen=True, slots=True, eq=False)
class Gaussian(LocationScale):
    """Normal prior, the squared L2 (ridge) penalty: pen(β) = (β−μ)²/2τ² = λ(β−μ)² with 2λ = 1/τ².

    Parameters
    ----------
    scale : float, array (p,) or ScalePrior
        τ > 0, the prior sd, in units of β.
    loc : float or array (p,), default 0
        μ, the prior mean.

    Raises
    ------
    ParameterError
        If `scale` is not finite and positive, or `loc` is not finite.

    References
    ----------
    Hoerl & Kennard (1970), Technometrics 12:55–67.
    """

    def penalty(self, beta: Array) -> Array:
        """Σ_j (β_j − μ_j)²/2τ_j²."""
        return self.by_degree(self._away(beta))[2]

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Degree 2."""
        with np.errstate(over="ignore"):
            return {2: np.asarray(0.5 * ((away / self.fixed) ** 2).sum(axis=-1))}

    def marginal_log_density(self, beta: Array) -> Array:
        """−(β − μ)²/2τ² − log τ√2π."""
        constant = np.log(np.asarray(self.fixed)) + 0.5 * math.log(2 * math.pi)
        with np.errstate(over="ignore"):
            return np.asarray(-0.5 * self._deviation(beta) ** 2 - constant)

    def rates(self, p: int) -> Array:
        """λ = 1/2τ²."""
        return 0.5 / self._factors(p) ** 2

    def variance(self, p: int) -> Array:
        """τ²."""
        return self._factors(p) ** 2

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """{(β−μ)/τ²}: one point everywhere."""
        gradient = self._deviation(beta) / self.fixed
        return gradient, gradient

    def curvature(self, beta: Array) -> Array:
        """1/τ²."""
        return 1 / self._factors(np.shape(beta)[-1]) ** 2

    def prox(self, v: Array, step: float | Array) -> Array:
        """Shrink v − μ by the factor 1/(1 + step/τ²)."""
        with np.errstate(over="ignore"):  # a step beyond the range of doubles leads to μ
            shrink = 1 + step / np.asarray(self.fixed) ** 2
        return np.asarray(self.loc + (np.asarray(v, dtype=float) - self.loc) / shrink)

    def conjugate(self, u: Array) -> Array:
        """μu + τ²u²/2."""
        return np.asarray(u * np.asarray(self.loc) + 0.5 * (np.asarray(self.fixed) * u) ** 2)

    def dual_gauge(self, u: Array) -> Array:
        """0: the conjugate is finite everywhere."""
        return np.zeros_like(u, dtype=float)

    def dual_projection(self, u: Array) -> Array:
        """Return u."""
        return np.array(u, dtype=float)

    def elastic(self, p: int) -> Elastic:
        """l1 = 0, l2 = λ."""
        return Elastic(np.zeros(p), self.rates(p), self.location(p))

    def describe(self, p: int) -> str:
        """λ Σβ² with its λ."""
        text = deviation_text(self.location(p))
        return f"λ Σ{text if text == 'β' else f'({text})'}² with {shown('λ', self.rates(p))}"

    def tail(self, epsilon: Array) -> Array:
        """erfc(ε/τ√2) about 0; about μ the two sides of it."""
        unit = self._factors(epsilon.size) * math.sqrt(2)
        return beyond(lambda z: np.asarray(erfc(z / unit)), epsilon, self.location(epsilon.size))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """Normal draws."""
        return rng.normal(self.location(p), self._factors(p), (size, p))

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array:
        """1/τ²: there is nothing to mix."""
        return np.broadcast_to(1 / self._factors(np.shape(beta)[-1]) ** 2, np.shape(beta))

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """−(β − μ)²/2τ² − log τ√2π."""
        import pytensor.tensor as pt

        z, tau = self._graph_deviation(beta, scale)
        return -0.5 * z**2 - pt.log(tau) - 0.5 * math.log(2 * math.pi)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Normal(mu=μ, sigma=τ·factor)."""
        import pymc as pm

        mu, tau = self._node_parameters(name, dims, factor)
        return pm.Normal(name, mu=mu, sigma=tau, dims=dims)
