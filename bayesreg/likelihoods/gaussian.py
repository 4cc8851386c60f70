"""Normal noise."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor
from bayesreg.likelihoods.common import (
    check_located,
    given,
    known,
    nowhere,
    number_of,
    observed_node,
    prior_of,
    read_dispersion,
    refuse_trials,
)
from bayesreg.scales import Jeffreys

HALF_LOG_2PI = 0.5 * math.log(2 * math.pi)


@final
@dataclass(frozen=True, slots=True, eq=False)
class GaussianNoise(Likelihood):
    """Normal noise: y | η ~ N(η, σ²), identity link.

    nll = (y − η)²/2σ² + log σ + ½ log 2π.

    Parameters
    ----------
    sigma : float or ScalePrior, default Jeffreys()
        The noise sd σ > 0 in units of y where it is known, else its prior.

    Raises
    ------
    ParameterError
        If `sigma` is neither a finite positive number nor a ScalePrior.
    """

    sigma: float | ScalePrior = Jeffreys()

    quadratic = True
    convex = True
    location_scale = True
    discrete = False
    link = "identity"
    dispersion_name = "sigma"

    def __post_init__(self) -> None:
        """Check σ."""
        object.__setattr__(self, "sigma", read_dispersion("GaussianNoise", "sigma", self.sigma))

    @property
    def dispersion(self) -> ScalePrior | None:
        """Prior of σ, or None where σ is known."""
        return prior_of(self.sigma)

    @property
    def sigma_known(self) -> float | None:
        """σ where it is known."""
        return number_of(self.sigma)

    @property
    def _sd(self) -> float:
        return known("GaussianNoise", "sigma", self.sigma)

    def at(self, sigma: float) -> Self:
        """Return the likelihood with σ fixed."""
        return type(self)(sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood itself."""
        return self

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept every finite y; a constant one only where σ is known or its prior is proper."""
        refuse_trials("GaussianNoise", block)
        return check_located(block, intercept, self.dispersion)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """η = y, in every row: the density is then σ^(−n)."""
        return y, 1.0

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """No row."""
        return nowhere(y)

    def nll(self, eta: Array, y: Array) -> Array:
        """(y − η)²/2σ² + log σ + ½ log 2π."""
        return self.nll_given(eta, y, self._sd)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """(y − η)²/2σ² + log σ + ½ log 2π."""
        sd = given("GaussianNoise", "sigma", sigma)
        return np.asarray(0.5 * ((y - eta) / sd) ** 2 + (np.log(sd) + HALF_LOG_2PI))

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Φ((y − η)/σ)."""
        return np.asarray(ndtr((y - eta) / given("GaussianNoise", "sigma", sigma)))

    def d1(self, eta: Array, y: Array) -> Array:
        """(η − y)/σ²."""
        return (eta - y) / self._sd / self._sd

    def d2(self, eta: Array, y: Array) -> Array:
        """1/σ²."""
        return np.full(np.broadcast(eta, y).shape, 1 / self._sd / self._sd)

    def majorizer(self, eta: Array, y: Array) -> Array:
        """1/σ²: nll is its own parabola."""
        return self.d2(eta, y)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """1 − (y − η)²/σ²."""
        z = (y - eta) / self._sd
        return (1 - z) * (1 + z)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """θy + σ²θ²/2 − log σ − ½ log 2π."""
        sd = self._sd
        return theta * y + 0.5 * (sd * theta) ** 2 - (math.log(sd) + HALF_LOG_2PI)

    def mean(self, eta: Array) -> Array:
        """E[y | η] = η."""
        return eta

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] = σ²."""
        sd = self._sd if sigma is None else sigma
        return np.broadcast_to(np.square(sd), np.broadcast_shapes(np.shape(eta), np.shape(sd)))

    def response_sd(self, y_sd: float) -> float:
        """Sd of y."""
        return y_sd

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw η + σ·N(0, 1)."""
        return rng.normal(eta, self._sd if sigma is None else sigma)

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.Normal(η, σ), or with weights the density N(η, σ)^w up to its normaliser."""
        import pymc as pm

        sd = np.float64(self._sd) if sigma is None else sigma
        return observed_node(name, pm.Normal, {"mu": eta, "sigma": sd}, block, dims, discrete=False)
