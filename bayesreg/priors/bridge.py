"""Bridge prior: the generalised normal, penalty λ|β|^q."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from scipy.special import gammaincc, gammaln

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, ScalePrior, SeparablePrior, Tensor
from bayesreg.mixtures import inverse_gaussian
from bayesreg.priors.parameters import (
    check_length,
    custom_node,
    deviation_text,
    read_parameter,
    read_positive,
    shown,
)
from bayesreg.priors.tails import beyond
from bayesreg.scales import positive_number

POWERS = (0.1, 20.0)

LOG_RANGE = 600.0
"""Logarithm of a shrinkage from which a proximal point is computed by logarithms throughout."""

NEAREST = 1e-150
"""Distance from the location below which the curvature for 1 < q < 2, infinite there, is that at this distance."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Bridge(SeparablePrior):
    """Bridge prior: p(β) = q·λ^(1/q)/(2Γ(1/q))·exp(−λ|β−μ|^q), pen(β) = λ|β−μ|^q.

    The generalised normal distribution with α = λ^(−1/q).  q = 1 is the lasso, q = 2 ridge (without the ½); q ≥ 1 is
    convex.  For q < 1 every coefficient at μ is a local minimum of its own, whatever the data say: optima are then
    stationary points, and are reported as such.

    Parameters
    ----------
    rate : float or array (p,)
        λ > 0, per unit of |β|^q.
    power : float
        q, between 0.1 and 20.
    loc : float or array (p,), default 0
        μ, the point to which coefficients shrink.

    Raises
    ------
    ParameterError
        If `rate` is not finite and positive, or `power` is out of range.

    References
    ----------
    Frank & Friedman (1993), Technometrics 35:109–135; Polson, Scott & Windle (2014), JRSS B 76:713–733.
    """

    rate: float | Array
    power: float
    loc: float | Array = 0.0

    def __post_init__(self) -> None:
        """Check and freeze the parameters."""
        object.__setattr__(self, "rate", read_positive("Bridge", "rate", self.rate))
        power = read_positive("Bridge", "power", self.power)
        if isinstance(power, np.ndarray):
            msg = f"Bridge: power must be one number for all columns (got {power.size})"
            raise ParameterError(msg)
        object.__setattr__(self, "power", power)
        object.__setattr__(self, "loc", read_parameter("Bridge", "loc", self.loc))
        if not POWERS[0] <= self.power <= POWERS[1]:
            msg = f"Bridge: power must lie between {POWERS[0]:g} and {POWERS[1]:g} (got {self.power:g})"
            raise ParameterError(msg)

    @property
    def convex(self) -> bool:
        """Whether q ≥ 1."""
        return self.power >= 1

    @property
    def hyperprior(self) -> ScalePrior | None:
        """None: the rate is a number."""
        return None

    def bind(self, names: tuple[str, ...], terms: tuple[str, ...]) -> Self:
        """Raise ParameterError unless rate and loc are scalars or have one value per column."""
        for name in ("rate", "loc"):
            check_length("Bridge", name, getattr(self, name), names)
        return self

    def describe(self, p: int) -> str:
        """λ Σ|β|^q with its values."""
        return f"λ Σ|{deviation_text(self.location(p))}|^{self.power:g} with {shown('λ', self.rates(p))}"

    def at(self, scale: float | ScalePrior) -> Self:
        """Return the prior itself: no scale is unknown."""
        return self

    def rescaled(self, factor: float) -> Self:
        """Return the prior of factor·β: λ/factor^q."""
        with np.errstate(over="ignore", under="ignore"):
            stretch = np.float64(positive_number("Bridge", "factor", factor)) ** self.power
            return replace(self, rate=self.rate / stretch)

    def _away(self, beta: Array) -> Array:
        return np.asarray(beta, dtype=float) - self.loc

    def _each(self, away: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.asarray(self.rate * np.abs(away) ** self.power)

    def penalty(self, beta: Array) -> Array:
        """Σ_j λ_j|β_j − μ_j|^q."""
        return self.by_degree(self._away(beta))[self.power]

    def by_degree(self, away: Array) -> dict[float, Array]:
        """Degree q."""
        return {self.power: np.asarray(self._each(away).sum(axis=-1))}

    def marginal_log_density(self, beta: Array) -> Array:
        """−λ|β−μ|^q + log(q/2) + (log λ)/q − log Γ(1/q)."""
        q = self.power
        constant = math.log(q / 2) - float(gammaln(1 / q)) + np.log(self.rates(np.shape(beta)[-1])) / q
        return np.asarray(constant - self._each(self._away(beta)))

    def location(self, p: int) -> Array:
        """The location μ, (p,)."""
        return np.broadcast_to(np.asarray(self.loc, dtype=float), (p,))

    def rates(self, p: int) -> Array:
        """λ."""
        return np.broadcast_to(np.asarray(self.rate, dtype=float), (p,))

    def variance(self, p: int) -> Array:
        """λ^(−2/q)·Γ(3/q)/Γ(1/q)."""
        q = self.power
        return np.asarray(self.rates(p) ** (-2 / q) * math.exp(float(gammaln(3 / q) - gammaln(1 / q))))

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """{λq|β−μ|^(q−1)·sign(β−μ)}; at β = μ: {0} for q > 1, [−λ, λ] for q = 1, everything for q < 1."""
        away = self._away(beta)
        rate, q, rest = self.rates(away.shape[-1]), self.power, away == 0
        with np.errstate(over="ignore"):
            slope = rate * q * np.sign(away) * np.where(rest, 1.0, np.abs(away)) ** (q - 1)
        half = np.where(rest, 0.0 if q > 1 else rate if q == 1 else np.inf, 0.0)
        return slope - half, slope + half

    def curvature(self, beta: Array) -> Array:
        """λq(q−1)|β−μ|^(q−2); 0 at a kink."""
        away, q = np.abs(self._away(beta)), self.power
        rate = self.rates(away.shape[-1])
        with np.errstate(over="ignore"):
            if q <= 1:
                return np.where(away == 0, 0.0, rate * q * (q - 1) * np.where(away == 0, 1.0, away) ** (q - 2))
            return np.asarray(rate * q * (q - 1) * (np.maximum(away, NEAREST) if q < 2 else away) ** (q - 2))

    def prox(self, v: Array, step: float | Array) -> Array:
        """μ + (v − μ)t with t the largest root of t + c·t^(q−1) = 1, c = step·λq|v − μ|^(q−2), if that beats t = 0."""
        shift = np.asarray(v, dtype=float) - self.loc
        size, q = np.abs(shift), self.power
        rate = self.rates(shift.shape[-1])
        if q == 1:
            return np.asarray(self.loc + np.sign(shift) * np.maximum(size - step * rate, 0.0))
        log_size = np.log(np.where(size > 0, size, 1.0))
        log_c = math.log(q) + np.log(step) + np.log(rate) + (q - 2) * log_size
        if q < 1:
            return np.asarray(self.loc + shift * _concave_root(log_c, q))
        log_t = _convex_root(log_c, q)
        # Where t alone would leave the range of doubles, (v − μ)t need not.
        moved = np.where(log_t > -LOG_RANGE, size * np.exp(log_t), np.exp(log_size + log_t))
        return np.asarray(self.loc + np.where(size > 0, np.sign(shift) * moved, 0.0))

    def conjugate(self, u: Array) -> Array:
        """μu + (1 − 1/q)|u|(|u|/λq)^(1/(q−1)); at q = 1, μu for |u| ≤ λ; for q < 1, 0 at 0 and ∞ elsewhere."""
        rate, q, size = self.rates(np.shape(u)[-1]), self.power, np.abs(u)
        if q > 1:
            with np.errstate(over="ignore"):
                return np.asarray(u * np.asarray(self.loc) + (1 - 1 / q) * size * (size / (rate * q)) ** (1 / (q - 1)))
        return np.where(size <= (rate if q == 1 else 0.0), u * np.asarray(self.loc), np.inf)

    def dual_gauge(self, u: Array) -> Array:
        """0 for q > 1, |u|/λ for q = 1, ∞ but at 0 for q < 1."""
        if self.power > 1:
            return np.zeros_like(u, dtype=float)
        if self.power == 1:
            return np.abs(u) / self.rates(np.shape(u)[-1])
        return np.where(np.asarray(u) == 0, 0.0, np.inf)

    def dual_projection(self, u: Array) -> Array:
        """Return u for q > 1, clipped at ±λ for q = 1, 0 for q < 1."""
        if self.power > 1:
            return np.array(u, dtype=float)
        bound = self.rates(np.shape(u)[-1]) if self.power == 1 else 0.0
        return np.clip(u, -bound, bound)

    def elastic(self, p: int) -> Elastic | None:
        """l1 = λ for q = 1, l2 = λ for q = 2, else None."""
        if self.power not in (1, 2):
            return None
        rate, none = self.rates(p), np.zeros(p)
        return Elastic(rate, none, self.location(p)) if self.power == 1 else Elastic(none, rate, self.location(p))

    def tail(self, epsilon: Array) -> Array:
        """Q(1/q, λε^q) about 0, Q the upper incomplete gamma function over Γ; about μ the two sides of it."""
        rate, q = self.rates(epsilon.size), self.power
        return beyond(lambda z: np.asarray(gammaincc(1 / q, rate * z**q)), epsilon, self.location(epsilon.size))

    def draw(self, rng: np.random.Generator, size: int, p: int) -> Array:
        """A sign, times (G/λ)^(1/q) with G ~ Gamma(1/q)."""
        away = (rng.gamma(1 / self.power, size=(size, p)) / self.rates(p)) ** (1 / self.power)
        return np.asarray(self.loc + rng.choice([-1.0, 1.0], (size, p)) * away)

    def mixing(self, beta: Array, rng: np.random.Generator) -> Array | None:
        """That of Laplace for q = 1, 2λ for q = 2; None otherwise: the mixing law (a stable one) has no density."""
        rate = self.rates(np.shape(beta)[-1])
        if self.power == 2:
            return np.broadcast_to(2 * rate, np.shape(beta))
        if self.power != 1:
            return None
        away = np.abs(self._away(beta))
        return inverse_gaussian(away / rate, np.broadcast_to(rate**2, away.shape), rng)

    def graph_log_density(self, beta: Tensor, scale: Tensor) -> Tensor:
        """−λ|(β−μ)/s|^q + log(q/2) + (log λ)/q − log Γ(1/q) − log s."""
        import pytensor.tensor as pt

        q, rate = self.power, np.asarray(self.rate, dtype=float)
        away = pt.abs((beta - np.asarray(self.loc)) / scale)
        rest = pt.eq(away, 0.0)  # |x|^q has no finite gradient at 0 for q < 1
        power = pt.switch(rest, 0.0, pt.switch(rest, 1.0, away) ** np.float64(q))
        return math.log(q / 2) - float(gammaln(1 / q)) + np.log(rate) / q - rate * power - pt.log(scale)

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add a CustomDist; PyMC has no generalised normal distribution."""
        return custom_node(self, name, dims, factor)


def _convex_root(log_c: Array, q: float) -> Array:
    """log t of the root t in (0, 1] of t + c·t^(q−1) = 1, for q > 1.

    In τ = log t the left side is convex and rises; from a point right of the root Newton's steps fall to it.  The start
    makes the larger of the two terms 1, so that nothing overflows.
    """
    tau = np.minimum(0.0, -log_c / (q - 1))
    for _ in range(100):
        bent = np.exp(log_c + (q - 1) * tau)
        step = (np.expm1(tau) + bent) / (np.exp(tau) + (q - 1) * bent)
        tau = tau - step
        if (np.abs(step) <= 1e-15 * (1 + np.abs(tau))).all():
            break
    return np.asarray(np.minimum(tau, 0.0))


def _concave_root(log_c: Array, q: float) -> Array:
    """Largest root t in (0, 1] of t + c·t^(q−1) = 1 for q < 1 where ½(1 − t)² + (c/q)t^q ≤ ½, else 0.

    The two are equal at t = 2(1 − q)/(2 − q), so that the root sought lies from there to 1: there the left side is
    convex and rises, and Newton's steps from 1 fall to the root.
    """
    least = 2 * (1 - q) / (2 - q)
    log_most = math.log(q / (2 - q)) + (1 - q) * math.log(least)
    worth = log_c <= log_most
    c = np.exp(np.where(worth, log_c, log_most))
    t = np.ones_like(c)
    for _ in range(100):
        step = (t + c * t ** (q - 1) - 1) / (1 - c * (1 - q) * t ** (q - 2))
        t = np.maximum(t - step, least)
        if (np.abs(step) <= 1e-16).all():
            break
    return np.where(worth, t, 0.0)
