"""Priors on a positive scale: the noise sd σ, or the scale of a prior on coefficients.

A scale is a number or one of these.  Densities are those of the scale itself, not of its logarithm.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, ScalePrior, Tensor

LARGEST = 1e150
"""Scales outside [1/LARGEST, LARGEST] are refused: their squares leave the range of double precision."""


def positive_number(owner: str, argument: str, value: object) -> float:
    """Return `value` as a float, or raise ParameterError unless it is a usable positive scale or rate."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        msg = f"{owner}: {argument} must be a number > 0 (got {value!r}, a {type(value).__name__})"
        raise ParameterError(msg)
    number = math.inf if isinstance(value, int) and abs(value) > LARGEST else float(value)  # it may fit no double
    if not (1 / LARGEST <= number <= LARGEST):
        msg = (
            f"{owner}: {argument} must be a finite number > 0, between {1 / LARGEST:g} and {LARGEST:g} (got {number:g})"
        )
        raise ParameterError(msg)
    return number


@final
@dataclass(frozen=True, slots=True, eq=False)
class Jeffreys(ScalePrior):
    """Scale-invariant improper prior, p(s) = 1/s on s > 0: flat in log s.

    References
    ----------
    Jeffreys (1946), Proc. R. Soc. A 186:453–461.
    """

    proper = False
    power_at_zero = -1.0
    power_at_infinity = -1.0

    def log_density(self, s: Array) -> Array:
        """log p(s) = −log s."""
        return -np.log(s)

    def slope(self, s: Array) -> Array:
        """d log p / ds = −1/s."""
        return -1.0 / np.asarray(s)

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as a CustomDist on s > 0 with log density −log s."""
        import pytensor.tensor as pt

        return _improper_node(name, initial, lambda value: -pt.log(value), "log(x)")


@final
@dataclass(frozen=True, slots=True, eq=False)
class FlatScale(ScalePrior):
    """Flat improper prior, p(s) = 1 on s > 0."""

    proper = False
    power_at_zero = 0.0
    power_at_infinity = 0.0

    def log_density(self, s: Array) -> Array:
        """log p(s) = 0."""
        return np.zeros_like(s, dtype=float)

    def slope(self, s: Array) -> Array:
        """d log p / ds = 0."""
        return np.zeros_like(s, dtype=float)

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as a CustomDist on s > 0 with log density 0."""
        import pytensor.tensor as pt

        return _improper_node(name, initial, pt.zeros_like, "0")


def _improper_node(name: str, initial: float, log_density: object, penalty: str) -> Tensor:
    """Add a scalar on (0, ∞), sampled on the log scale, with an improper log density; its tag has −log p(x) as text.

    HalfFlat plus a Potential would give the same density, but a Potential makes predictive sampling warn.
    """
    import pymc as pm
    from pymc.distributions.transforms import log

    rv = pm.CustomDist(name, logp=log_density, transform=log, initval=initial, signature="->()", dtype="float64")
    rv.tag.penalty = penalty
    return rv


@final
@dataclass(frozen=True, slots=True, eq=False)
class Exponential(ScalePrior):
    """p(s) = rate·exp(−rate·s), mean 1/rate."""

    rate: float

    proper = True
    power_at_zero = 0.0
    power_at_infinity = -math.inf

    def __post_init__(self) -> None:
        """Check the rate."""
        object.__setattr__(self, "rate", positive_number("Exponential", "rate", self.rate))

    def log_density(self, s: Array) -> Array:
        """log p(s) = log rate − rate·s."""
        return math.log(self.rate) - self.rate * np.asarray(s)

    def slope(self, s: Array) -> Array:
        """d log p / ds = −rate."""
        return np.full_like(s, -self.rate, dtype=float)

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as pm.Exponential."""
        import pymc as pm

        return pm.Exponential(name, lam=np.float64(self.rate), initval=initial)


@final
@dataclass(frozen=True, slots=True, eq=False)
class HalfNormal(ScalePrior):
    """p(s) = √(2/π)/scale · exp(−s²/2scale²)."""

    scale: float

    proper = True
    power_at_zero = 0.0
    power_at_infinity = -math.inf

    def __post_init__(self) -> None:
        """Check the scale."""
        object.__setattr__(self, "scale", positive_number("HalfNormal", "scale", self.scale))

    def log_density(self, s: Array) -> Array:
        """log p(s), normalised."""
        return 0.5 * math.log(2 / math.pi) - math.log(self.scale) - 0.5 * (np.asarray(s) / self.scale) ** 2

    def slope(self, s: Array) -> Array:
        """d log p / ds = −s/scale²."""
        return -np.asarray(s) / self.scale**2

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as pm.HalfNormal."""
        import pymc as pm

        return pm.HalfNormal(name, sigma=np.float64(self.scale), initval=initial)


@final
@dataclass(frozen=True, slots=True, eq=False)
class HalfCauchy(ScalePrior):
    """p(s) = 2/(π·scale) · 1/(1 + s²/scale²), median `scale`."""

    scale: float

    proper = True
    power_at_zero = 0.0
    power_at_infinity = -2.0

    def __post_init__(self) -> None:
        """Check the scale."""
        object.__setattr__(self, "scale", positive_number("HalfCauchy", "scale", self.scale))

    def log_density(self, s: Array) -> Array:
        """log p(s), normalised."""
        return math.log(2 / math.pi) - math.log(self.scale) - np.log1p((np.asarray(s) / self.scale) ** 2)

    def slope(self, s: Array) -> Array:
        """d log p / ds = −2s/(scale² + s²)."""
        s = np.asarray(s)
        return -2 * s / (self.scale**2 + s**2)

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as pm.HalfCauchy."""
        import pymc as pm

        return pm.HalfCauchy(name, beta=np.float64(self.scale), initval=initial)


SMALLEST_SHAPE = 0.1
"""Least shape of a `Gamma`: below it more than 1e-15 of the mass lies at scales whose squares are 0 in doubles."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Gamma(ScalePrior):
    """p(s) = rate^shape/Γ(shape) · s^(shape−1)·exp(−rate·s), mean shape/rate.

    A shape below 1 has its mode at 0, a shape above 1 keeps the scale away from 0; at 1 it is `Exponential`.

    Parameters
    ----------
    shape : float
        At least 0.1.
    rate : float
        Per unit of s, > 0.
    """

    shape: float
    rate: float

    proper = True
    power_at_infinity = -math.inf

    def __post_init__(self) -> None:
        """Check shape and rate."""
        for name in ("shape", "rate"):
            object.__setattr__(self, name, positive_number("Gamma", name, getattr(self, name)))
        if self.shape < SMALLEST_SHAPE:
            msg = (
                f"Gamma: shape must be at least {SMALLEST_SHAPE:g}, below which scales get too small for double "
                f"precision (got {self.shape:g})"
            )
            raise ParameterError(msg)

    @property
    def power_at_zero(self) -> float:
        """Shape − 1."""
        return self.shape - 1

    def log_density(self, s: Array) -> Array:
        """log p(s), normalised."""
        s = np.asarray(s)
        constant = self.shape * math.log(self.rate) - math.lgamma(self.shape)
        return np.asarray(constant + (self.shape - 1) * np.log(s) - self.rate * s)

    def slope(self, s: Array) -> Array:
        """d log p / ds = (shape − 1)/s − rate."""
        return np.asarray((self.shape - 1) / np.asarray(s) - self.rate)

    def node(self, name: str, initial: float) -> Tensor:
        """Add `name` as pm.Gamma."""
        import pymc as pm

        return pm.Gamma(name, alpha=np.float64(self.shape), beta=np.float64(self.rate), initval=initial)
