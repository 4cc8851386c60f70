"""Priors on coefficients, each whole on one page: density, penalty, subdifferential, prox, conjugate, PyMC node.

A penalty is a prior: pen(β) = −log density + constant.  With λ multiplying the standard form of the penalty,

    Laplace(scale=b):    exp(−|β−μ|/b)       ↔  λ|β−μ|,    λ = 1/b
    Gaussian(scale=τ):   exp(−(β−μ)²/2τ²)    ↔  λ(β−μ)²,   2λ = 1/τ²
    Flat():              1                   ↔  0

`scale` and `loc` are a number or one value per column; `scale` may also be a `ScalePrior`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import ArrayLike

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Elastic, ScalePrior, SeparablePrior, Tensor
from bayesreg.scales import LARGEST, positive_number


def _frozen(values: ArrayLike) -> Array:
    array = np.array(values, dtype=float)
    array.setflags(write=False)
    return array


def _parameter(owner: str, argument: str, value: object) -> float | Array:
    """Return a finite number or a read-only vector of finite numbers, one per column."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = None
    if array is None or array.dtype != float or array.ndim > 1 or isinstance(value, bool | str | None):
        msg = f"{owner}: {argument} must be a number or one number per column (got {value!r})"
        raise ParameterError(msg)
    bad = ~np.isfinite(array)
    if bad.any():
        msg = f"{owner}: {argument} must be finite (got {array[bad].flat[0]:g})"
        raise ParameterError(msg)
    return float(array) if array.ndim == 0 else _frozen(array)


def _scale(owner: str, value: object) -> float | Array | ScalePrior:
    """Return a positive number, a read-only vector of them, or the ScalePrior as given."""
    if isinstance(value, ScalePrior):
        return value
    if isinstance(value, str | None) or np.ndim(value) == 0:  # type: ignore[arg-type]
        return positive_number(owner, "scale", value)
    array = _parameter(owner, "scale", value)
    bad = (np.asarray(array) < 1 / LARGEST) | (np.asarray(array) > LARGEST)
    if bad.any():
        worst = int(np.flatnonzero(bad)[0])
        msg = f"{owner}: every scale must be a finite number > 0 (column {worst} has {np.asarray(array)[worst]:g})"
        raise ParameterError(msg)
    return array


def _check_length(owner: str, argument: str, value: object, names: tuple[str, ...]) -> None:
    if np.ndim(value) == 1 and np.size(value) != len(names):  # type: ignore[arg-type]
        msg = (
            f"{owner}: {argument} has {np.size(value)} values for {len(names)} columns; "  # type: ignore[arg-type]
            "give one number, or one per column"
        )
        raise ParameterError(msg)


@dataclass(frozen=True, slots=True, eq=False)
class _LocationScale(SeparablePrior):
    """What Laplace and Gaussian share: a scale, a location, and their checks."""

    scale: float | Array | ScalePrior
    loc: float | Array = 0.0

    def __post_init__(self) -> None:
        """Check and freeze the parameters."""
        owner = type(self).__name__
        object.__setattr__(self, "scale", _scale(owner, self.scale))
        object.__setattr__(self, "loc", _parameter(owner, "loc", self.loc))

    @final
    @property
    def hyperprior(self) -> ScalePrior | None:
        """The prior of the scale, or None where the scale is a number."""
        return self.scale if isinstance(self.scale, ScalePrior) else None

    @final
    @property
    def fixed(self) -> float | Array:
        """The scale as a number or vector; raises ParameterError while it is a ScalePrior."""
        if isinstance(self.scale, ScalePrior):
            msg = (
                f"{type(self).__name__}: the scale has a prior ({self.scale}), so there is no single penalty; "
                "the joint mode over coefficients and scale does not exist (the density is unbounded as the scale "
                "goes to 0). Fix it with .at(scale=...), or sample the posterior"
            )
            raise ParameterError(msg)
        return self.scale

    @final
    def check(self, names: tuple[str, ...]) -> None:
        """Raise ParameterError unless scale and loc are scalars or have one value per column."""
        _check_length(type(self).__name__, "scale", self.scale if self.hyperprior is None else 1.0, names)
        _check_length(type(self).__name__, "loc", self.loc, names)

    @final
    def at(self, scale: float) -> Self:
        """Return the prior with its scale fixed at `scale`."""
        return replace(self, scale=scale)

    @final
    def rescaled(self, factor: float) -> Self:
        """Return the prior with every scale multiplied by `factor`."""
        return replace(self, scale=self.fixed * positive_number(type(self).__name__, "factor", factor))

    @final
    def location(self, p: int) -> Array:
        """The location μ, (p,)."""
        return np.broadcast_to(np.asarray(self.loc, dtype=float), (p,))

    @final
    def _deviation(self, beta: Array) -> Array:
        """(β − μ)/scale."""
        return (np.asarray(beta, dtype=float) - self.loc) / self.fixed

    @final
    def _factors(self, p: int) -> Array:
        return np.broadcast_to(np.asarray(self.fixed, dtype=float), (p,))

    @final
    def _node_parameters(self, name: str, factor: Tensor) -> tuple[Tensor, Tensor]:
        """Location and scale of the PyMC node, the scale's own variable included where it has a prior.

        As arrays: a Python float that single precision holds exactly becomes a single-precision constant in PyTensor.
        """
        loc = np.asarray(self.loc)
        if isinstance(self.scale, ScalePrior):
            return loc, self.scale.node(f"{name}_scale", 1.0) * factor
        return loc, np.asarray(self.scale) * factor


@final
@dataclass(frozen=True, slots=True, eq=False, repr=True)
class Laplace(_LocationScale):
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
        return np.abs(self._deviation(beta)).sum(axis=-1)

    def log_density(self, beta: Array) -> Array:
        """Σ_j −|β_j − μ_j|/b_j − log 2b_j."""
        return (-np.abs(self._deviation(beta)) - np.log(2 * np.asarray(self.fixed))).sum(axis=-1)

    def rate(self, p: int) -> Array:
        """λ = 1/b."""
        return 1 / self._factors(p)

    def variance(self, p: int) -> Array:
        """2b²."""
        return 2 * self._factors(p) ** 2

    def subdifferential(self, beta: Array) -> tuple[Array, Array]:
        """{λ·sign(β−μ)} off the kink, [−λ, λ] at β = μ."""
        sign = np.sign(self._deviation(beta))
        rate = self.rate(np.shape(beta)[-1])
        return rate * np.where(sign == 0, -1.0, sign), rate * np.where(sign == 0, 1.0, sign)

    def curvature(self, beta: Array) -> Array:
        """0 on both sides of the kink."""
        return np.zeros_like(beta, dtype=float)

    def prox(self, v: Array, step: float) -> Array:
        """Soft threshold of v − μ at step·λ."""
        shift = np.asarray(v, dtype=float) - self.loc
        return self.loc + np.sign(shift) * np.maximum(np.abs(shift) - step / np.asarray(self.fixed), 0.0)

    def conjugate(self, u: Array) -> Array:
        """μu for |u| ≤ λ, ∞ beyond."""
        return np.where(np.abs(u) <= self.rate(np.shape(u)[-1]), u * np.asarray(self.loc), np.inf)

    def conjugate_bound(self, p: int) -> Array:
        """λ."""
        return self.rate(p)

    def elastic(self, p: int) -> Elastic:
        """l1 = λ, l2 = 0."""
        return Elastic(self.rate(p), np.zeros(p), self.location(p))

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Laplace(mu=μ, b=b·factor)."""
        import pymc as pm

        mu, b = self._node_parameters(name, factor)
        return pm.Laplace(name, mu=mu, b=b, dims=dims)


@final
@dataclass(frozen=True, slots=True, eq=False, repr=True)
class Gaussian(_LocationScale):
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
        return 0.5 * (self._deviation(beta) ** 2).sum(axis=-1)

    def log_density(self, beta: Array) -> Array:
        """Σ_j −(β_j − μ_j)²/2τ_j² − log τ_j√2π."""
        constant = np.log(np.asarray(self.fixed)) + 0.5 * math.log(2 * math.pi)
        return (-0.5 * self._deviation(beta) ** 2 - constant).sum(axis=-1)

    def rate(self, p: int) -> Array:
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

    def prox(self, v: Array, step: float) -> Array:
        """Shrink v − μ by the factor 1/(1 + step/τ²)."""
        return np.asarray(self.loc + (np.asarray(v, dtype=float) - self.loc) / (1 + step / np.asarray(self.fixed) ** 2))

    def conjugate(self, u: Array) -> Array:
        """μu + τ²u²/2."""
        return np.asarray(u * np.asarray(self.loc) + 0.5 * (np.asarray(self.fixed) * u) ** 2)

    def conjugate_bound(self, p: int) -> Array:
        """∞: the conjugate is finite everywhere."""
        return np.full(p, np.inf)

    def elastic(self, p: int) -> Elastic:
        """l1 = 0, l2 = λ."""
        return Elastic(np.zeros(p), self.rate(p), self.location(p))

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Normal(mu=μ, sigma=τ·factor)."""
        import pymc as pm

        mu, tau = self._node_parameters(name, factor)
        return pm.Normal(name, mu=mu, sigma=tau, dims=dims)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Flat(SeparablePrior):
    """Improper prior p(β) = 1: no penalty.  For intercepts and columns that must not shrink."""

    @property
    def hyperprior(self) -> ScalePrior | None:
        """None: there is no scale."""
        return None

    def check(self, names: tuple[str, ...]) -> None:
        """Fit any columns."""

    def at(self, scale: float) -> Self:
        """Return the prior itself: there is no scale to fix."""
        return self

    def rescaled(self, factor: float) -> Self:
        """Return the prior itself: there is no scale to multiply."""
        return self

    def penalty(self, beta: Array) -> Array:
        """0."""
        return np.zeros(np.shape(beta)[:-1])

    def log_density(self, beta: Array) -> Array:
        """0."""
        return np.zeros(np.shape(beta)[:-1])

    def location(self, p: int) -> Array:
        """0, where optimisation starts; every point has the same penalty."""
        return np.zeros(p)

    def rate(self, p: int) -> Array:
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

    def prox(self, v: Array, step: float) -> Array:
        """Return v."""
        return np.array(v, dtype=float)

    def conjugate(self, u: Array) -> Array:
        """0 at u = 0, ∞ elsewhere."""
        return np.where(np.asarray(u) == 0, 0.0, np.inf)

    def conjugate_bound(self, p: int) -> Array:
        """0."""
        return np.zeros(p)

    def elastic(self, p: int) -> Elastic:
        """l1 = l2 = 0."""
        return Elastic(np.zeros(p), np.zeros(p), np.zeros(p))

    def node(self, name: str, dims: str | None, factor: Tensor) -> Tensor:
        """Add pm.Flat."""
        import pymc as pm

        return pm.Flat(name, dims=dims)
