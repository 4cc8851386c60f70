"""Likelihoods, each whole on one page: nll in nats with no constant dropped, its derivatives in η, domain, PyMC node.

η = offset + intercept + Xβ is the linear predictor; nll(y | η) is per row and unweighted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, xlog1py, xlogy

from bayesreg.errors import FamilyError, InputError, ParameterError
from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor
from bayesreg.scales import Jeffreys, positive_number


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

    def __post_init__(self) -> None:
        """Check σ."""
        if not isinstance(self.sigma, ScalePrior):
            object.__setattr__(self, "sigma", positive_number("GaussianNoise", "sigma", self.sigma))

    quadratic = True
    convex = True
    has_noise_scale = True

    @property
    def dispersion(self) -> ScalePrior | None:
        """Prior of σ, or None where σ is known."""
        return self.sigma if isinstance(self.sigma, ScalePrior) else None

    @property
    def sigma_known(self) -> float | None:
        """σ where it is known."""
        return None if isinstance(self.sigma, ScalePrior) else self.sigma

    @property
    def _sd(self) -> float:
        if isinstance(self.sigma, ScalePrior):
            msg = "GaussianNoise: sigma is unknown here; fix it with .at(sigma=...)"
            raise ParameterError(msg)
        return self.sigma

    def at(self, sigma: float) -> Self:
        """Return the likelihood with σ fixed."""
        return type(self)(sigma)

    def check(self, y: Array, intercept: Prior | None, offset: Array, counts: NDArray[np.bool_]) -> tuple[str, ...]:
        """Accept every finite y; a constant one only where σ is known or its prior is proper."""
        y = (y - offset)[counts]
        if y.size == 1 or np.ptp(y) > 0 or intercept is None:
            return ()
        what = f"y is constant ({y[0]:g}{', the offset taken off' if offset.any() else ''})"
        if self.dispersion is not None and not self.dispersion.proper:
            msg = (
                f"{what}: with an intercept every residual can be 0, and under an improper prior on "
                "sigma the posterior does not exist; give sigma a value"
            )
            raise InputError(msg)
        return (f"{what}: nothing varies that X could explain",)

    def nll(self, eta: Array, y: Array) -> Array:
        """(y − η)²/2σ² + log σ + ½ log 2π."""
        return self.nll_given(eta, y, self._sd)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """(y − η)²/2σ² + log σ + ½ log 2π."""
        if sigma is None:
            msg = "GaussianNoise: sigma must be given"
            raise ParameterError(msg)
        return np.asarray(0.5 * ((y - eta) / sigma) ** 2 + (np.log(sigma) + 0.5 * math.log(2 * math.pi)))

    def d1(self, eta: Array, y: Array) -> Array:
        """(η − y)/σ²."""
        return (eta - y) / self._sd / self._sd

    def d2(self, eta: Array, y: Array) -> Array:
        """1/σ²."""
        return np.full(np.broadcast(eta, y).shape, 1 / self._sd / self._sd)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """1 − (y − η)²/σ²."""
        return 1.0 - ((y - eta) / self._sd) ** 2

    def conjugate(self, theta: Array, y: Array) -> Array:
        """θy + σ²θ²/2 − log σ − ½ log 2π."""
        sd = self._sd
        return theta * y + 0.5 * (sd * theta) ** 2 - (math.log(sd) + 0.5 * math.log(2 * math.pi))

    def mean(self, eta: Array) -> Array:
        """E[y | η] = η."""
        return eta

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
        if block.weights is None:
            return pm.Normal(name, mu=eta, sigma=sd, observed=block.y, dims=dims)
        return pm.CustomDist(
            name,
            eta,
            sd,
            block.weights,
            logp=lambda y, mu, s, w: w * pm.logp(pm.Normal.dist(mu, s), y),
            dist=lambda mu, s, w, size: pm.Normal.dist(mu, s, size=size) + 0.0 * w,
            observed=block.y,
            dims=dims,
        )


@final
@dataclass(frozen=True, slots=True, eq=False)
class BernoulliLogit(Likelihood):
    """Logistic regression: y ∈ {0, 1}, P(y = 1 | η) = 1/(1 + e^(−η)), logit link.

    nll = log(1 + e^η) − yη.
    """

    quadratic = False
    convex = True
    has_noise_scale = False

    @property
    def dispersion(self) -> ScalePrior | None:
        """None: the family has no noise scale."""
        return None

    @property
    def sigma_known(self) -> float | None:
        """None: the family has no noise scale."""
        return None

    def at(self, sigma: float) -> Self:
        """Refuse: the family has no noise scale."""
        msg = f"BernoulliLogit has no noise scale to fix (got sigma={sigma:g})"
        raise ParameterError(msg)

    def check(self, y: Array, intercept: Prior | None, offset: Array, counts: NDArray[np.bool_]) -> tuple[str, ...]:
        """Accept 0 and 1 only; a single class only where the intercept's prior is proper, or there is none."""
        bad = (y != 0) & (y != 1)
        if bad.any():
            values = np.unique(y)
            shown = ", ".join(f"{v:g}" for v in values[:6]) + (", ..." if values.size > 6 else "")
            msg = (
                f"y has {int(bad.sum())} values outside {{0, 1}} (first: row {int(np.flatnonzero(bad)[0])}, "
                f"{y[bad][0]:g}; values found: {shown}); BernoulliLogit needs 0 and 1: recode y"
            )
            raise FamilyError(msg)
        y = y[counts]
        if np.ptp(y) > 0:
            return ()
        if intercept is not None and not np.isfinite(intercept.variance(1)).all():
            msg = (
                f"y has one class only (all {y[0]:g}): under a flat intercept the optimum is infinite and the "
                "posterior does not exist; pass intercept=Gaussian(scale) or data with both classes"
            )
            raise InputError(msg)
        return (f"y has one class only (all {y[0]:g}): what is found rests on the priors",)

    def nll(self, eta: Array, y: Array) -> Array:
        """log(1 + e^η) − yη, as log1p(e^(−|η|)) + max(η, 0) − yη, which neither overflows nor cancels."""
        return np.log1p(np.exp(-np.abs(eta))) + np.where(y == 1, np.maximum(-eta, 0), np.maximum(eta, 0))

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """log(1 + e^η) − yη; there is no σ."""
        return self.nll(eta, y)

    def d1(self, eta: Array, y: Array) -> Array:
        """P(y = 1 | η) − y, without cancellation where the fit is near perfect."""
        return np.where(y == 1, -expit(-eta), expit(eta))

    def d2(self, eta: Array, y: Array) -> Array:
        """P(1 − P)."""
        return np.broadcast_to(expit(eta) * expit(-eta), np.broadcast(eta, y).shape)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """0."""
        return np.zeros(np.broadcast(eta, y).shape)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """q log q + (1 − q) log(1 − q) with q = y + θ ∈ [0, 1]; ∞ outside."""
        small = np.where(y == 1, -theta, theta)  # distance of q from y, exact where 1 + θ would round
        inside = (small >= 0) & (small <= 1)
        small = np.where(inside, small, 0.5)
        return np.where(inside, xlogy(small, small) + xlog1py(1 - small, -small), np.inf)

    def mean(self, eta: Array) -> Array:
        """P(y = 1 | η)."""
        return expit(eta)

    def response_sd(self, y_sd: float) -> float:
        """π/√3, the sd of the logistic distribution."""
        return math.pi / math.sqrt(3)

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw 0 or 1."""
        return (rng.random(np.shape(eta)) < expit(eta)).astype(float)

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.Bernoulli(logit_p=η), or with weights its pmf to the power w."""
        import pymc as pm

        observed = block.y.astype("int64")
        if block.weights is None:
            return pm.Bernoulli(name, logit_p=eta, observed=observed, dims=dims)
        return pm.CustomDist(
            name,
            eta,
            block.weights,
            logp=lambda y, logit_p, w: w * pm.logp(pm.Bernoulli.dist(logit_p=logit_p), y),
            dist=lambda logit_p, w, size: pm.Bernoulli.dist(logit_p=logit_p + 0.0 * w, size=size),
            observed=observed,
            dtype="int64",
            dims=dims,
        )
