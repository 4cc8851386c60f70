"""Student's t noise."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

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
from bayesreg.likelihoods.numerics import factorial_excess
from bayesreg.scales import Jeffreys, positive_number

FAR = 1e8
"""Past this u, log(1 + u²) is 2·log u in double precision."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class StudentTNoise(Likelihood):
    """Student's t noise: y = η + σ·t_ν, identity link; large residuals count little.

    nll = log Γ(ν/2) − log Γ((ν+1)/2) + ½ log νπ + log σ + ½(ν+1)·log(1 + (y − η)²/νσ²).

    It is not convex in η: several optima are possible.  η is the median and the mode of y, and its mean where ν > 1;
    σ is a scale, the sd of y being σ√(ν/(ν−2)) where ν > 2.

    Parameters
    ----------
    nu : float, default 4.0
        Degrees of freedom ν > 0, a fixed number.
    sigma : float or ScalePrior, default Jeffreys()
        The scale σ > 0 in units of y where it is known, else its prior.

    Raises
    ------
    ParameterError
        If `nu` is not a finite positive number, or `sigma` neither that nor a ScalePrior.

    Notes
    -----
    As σ → 0 a row that is fitted exactly contributes σ^(−1) to the density and any other σ^ν: it is unbounded as soon
    as more than the share ν/(1+ν) of the rows is fitted exactly, which tied responses can bring about.

    References
    ----------
    Fernández & Steel (1999), Biometrika 86:153–167; Lange, Little & Taylor (1989), JASA 84:881–896.
    """

    nu: float = 4.0
    sigma: float | ScalePrior = Jeffreys()

    quadratic = False
    convex = False
    location_scale = True
    discrete = False
    link = "identity"
    dispersion_name = "sigma"

    def __post_init__(self) -> None:
        """Check ν and σ."""
        object.__setattr__(self, "nu", positive_number("StudentTNoise", "nu", self.nu))
        object.__setattr__(self, "sigma", read_dispersion("StudentTNoise", "sigma", self.sigma))

    @property
    def dispersion(self) -> ScalePrior | None:
        """Prior of σ, or None where σ is known."""
        return prior_of(self.sigma)

    @property
    def sigma_known(self) -> float | None:
        """σ where it is known."""
        return number_of(self.sigma)

    @property
    def _scale(self) -> float:
        return known("StudentTNoise", "sigma", self.sigma)

    @property
    def _constant(self) -> float:
        """log Γ(ν/2) − log Γ((ν+1)/2) + ½ log νπ, which tends to ½ log 2π: no difference of large numbers."""
        x = self.nu / 2
        excess = float(factorial_excess(np.array(x)) - factorial_excess(np.array(x + 0.5)))
        step = math.log1p(0.5 / x)
        return excess + (0.5 - x * step) + 0.5 * step + 0.5 * math.log(2 * math.pi)

    def _residual(self, eta: Array, y: Array, sigma: float | Array) -> Array:
        """(η − y)/(σ√ν)."""
        return np.asarray((eta - y) / sigma / math.sqrt(self.nu))

    def _weight(self, u: Array) -> Array:
        """1/(1 + u²)."""
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + u * u))

    def at(self, sigma: float) -> Self:
        """Return the likelihood with σ fixed."""
        return replace(self, sigma=sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood itself."""
        return self

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept every finite y; a constant one only where σ is known or its prior is proper."""
        refuse_trials("StudentTNoise", block)
        return check_located(block, intercept, self.dispersion)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """η = y, in more than the share ν/(1+ν) of the rows."""
        return y, self.nu / (1 + self.nu)

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """No row."""
        return nowhere(y)

    def nll(self, eta: Array, y: Array) -> Array:
        """Constants + log σ + ½(ν+1)·log(1 + (y − η)²/νσ²)."""
        return self.nll_given(eta, y, self._scale)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Constants + log σ + ½(ν+1)·log(1 + (y − η)²/νσ²)."""
        scale = given("StudentTNoise", "sigma", sigma)
        u = np.abs(self._residual(eta, y, scale))
        log1p_square = np.log1p(np.minimum(u, FAR) ** 2) + 2 * np.log(np.maximum(u / FAR, 1.0))
        return np.asarray(0.5 * (self.nu + 1) * log1p_square + (np.log(scale) + self._constant))

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Distribution function of Student's t_ν at (y − η)/σ."""
        return np.asarray(stdtr(self.nu, (y - eta) / given("StudentTNoise", "sigma", sigma)))

    def d1(self, eta: Array, y: Array) -> Array:
        """(ν + 1)r/(νσ² + r²) with r = η − y."""
        u = self._residual(eta, y, self._scale)
        far = np.abs(u) > 1
        slope = np.where(far, 1 / np.where(far, u + 1 / np.where(far, u, 1.0), 1.0), u * self._weight(u))
        return np.asarray((self.nu + 1) / (self._scale * math.sqrt(self.nu)) * slope)

    def d2(self, eta: Array, y: Array) -> Array:
        """(ν + 1)(νσ² − r²)/(νσ² + r²)²; negative far out."""
        u = self._residual(eta, y, self._scale)
        a = self._weight(u)
        near = np.minimum(np.abs(u), 2.0)
        return self._peak * np.where(np.abs(u) < 2, (1 - near) * (1 + near) * a * a, a * (2 * a - 1))

    @property
    def _peak(self) -> float:
        """(ν + 1)/νσ², the curvature at r = 0."""
        return (self.nu + 1) / self.nu / self._scale / self._scale

    def majorizer(self, eta: Array, y: Array) -> Array:
        """(ν + 1)/(νσ² + r²), the weight of iterated least squares: log is concave in r²."""
        return self._peak * self._weight(self._residual(eta, y, self._scale))

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """1 − (ν + 1)r²/(νσ² + r²)."""
        u = self._residual(eta, y, self._scale)
        a = self._weight(u)
        z = np.minimum(np.abs(u), 1.0) * math.sqrt(self.nu)
        return np.where(np.abs(u) <= 1, (1 - z) * (1 + z) * a, (self.nu + 1) * a - self.nu)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """∞, but −min nll at θ = 0: nll grows as a logarithm, slower than any line."""
        theta, _ = np.broadcast_arrays(np.asarray(theta, dtype=float), y)
        return np.where(theta == 0, -(math.log(self._scale) + self._constant), np.inf)

    def mean(self, eta: Array) -> Array:
        """η: the median of y, and E[y | η] where ν > 1 (for ν ≤ 1 there is none)."""
        return eta

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] = σ²ν/(ν − 2); ∞ where ν ≤ 2."""
        scale = self._scale if sigma is None else sigma
        factor = self.nu / (self.nu - 2) if self.nu > 2 else math.inf
        return np.broadcast_to(factor * np.square(scale), np.broadcast_shapes(np.shape(eta), np.shape(scale)))

    def response_sd(self, y_sd: float) -> float:
        """Sd of y."""
        return y_sd

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw η + σ·t_ν."""
        scale = self._scale if sigma is None else sigma
        shape = np.broadcast(eta, scale).shape
        return np.asarray(eta + scale * rng.standard_t(self.nu, size=shape))

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.StudentT(ν, η, σ), or with weights its density to the power w up to its normaliser."""
        import pymc as pm

        scale = np.float64(self._scale) if sigma is None else sigma
        parameters = {"mu": eta, "sigma": scale, "nu": np.float64(self.nu)}
        return observed_node(name, pm.StudentT, parameters, block, dims, discrete=False)
