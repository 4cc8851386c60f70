"""Gamma responses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammainc

from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor
from bayesreg.likelihoods.common import (
    DEFAULT_SHAPE,
    counted,
    given,
    known,
    nowhere,
    number_of,
    observed_node,
    outside,
    prior_of,
    read_dispersion,
    refuse_improper,
    refuse_trials,
)
from bayesreg.likelihoods.numerics import (
    capped,
    digamma_rest,
    exp_excess,
    exponential,
    factorial_excess,
    log_excess,
)


@final
@dataclass(frozen=True, slots=True, eq=False)
class GammaLog(Likelihood):
    """Positive responses of constant relative spread: y ~ Gamma(shape α, mean e^η), log link; sd e^η/√α.

    nll = α(η + y·e^(−η)) − α log α − (α − 1) log y + log Γ(α), computed in t = log y − η as
    α·(e^t − 1 − t) + log y + [log Γ(α) − α log α + α].

    In the slot that the interface calls sigma stands α.  Past t ≈ 700 the values stop at 1e305.

    Parameters
    ----------
    alpha : float or ScalePrior, default HalfCauchy(1.0)
        The shape α > 0 where it is known, else its prior, which must be proper.

    Raises
    ------
    ParameterError
        If `alpha` is neither a finite positive number nor a proper ScalePrior.

    Notes
    -----
    The dispersion vanishes as α → ∞: if every row is fitted exactly, η = log y, the density grows as α^(n/2).

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, ch. 8.
    """

    alpha: float | ScalePrior = DEFAULT_SHAPE

    quadratic = False
    convex = True
    location_scale = False
    discrete = False
    link = "log"
    dispersion_name = "alpha"

    def __post_init__(self) -> None:
        """Check α."""
        object.__setattr__(self, "alpha", read_dispersion("GammaLog", "alpha", self.alpha))
        refuse_improper(
            "GammaLog",
            "alpha",
            self.alpha,
            "the likelihood is unbounded as alpha grows where the fit is exact, so the posterior need not exist",
        )

    @property
    def dispersion(self) -> ScalePrior | None:
        """Prior of α, or None where α is known."""
        return prior_of(self.alpha)

    @property
    def sigma_known(self) -> float | None:
        """α where it is known."""
        return number_of(self.alpha)

    @property
    def _shape(self) -> float:
        return known("GammaLog", "alpha", self.alpha)

    def at(self, sigma: float) -> Self:
        """Return the likelihood with α fixed at `sigma`."""
        return type(self)(sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood itself."""
        return self

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept y > 0; one that an intercept fits exactly only where α is known or its prior has a light tail."""
        refuse_trials("GammaLog", block)
        bad = ~(block.y > 0)
        if bad.any():
            raise outside(block.y, bad, "y > 0", "GammaLog needs positive responses: drop those rows or recode y")
        centred = (np.log(block.y) - block.offset)[counted(block)]
        if centred.size == 1 or np.ptp(centred) > 0 or intercept is None:
            return ()
        what = f"y is constant ({block.y[counted(block)][0]:g}{', up to the offset' if block.offset.any() else ''})"
        if self.dispersion is not None and np.isfinite(self.dispersion.power_at_infinity):
            msg = (
                f"{what}: with an intercept every row can be fitted exactly, and the posterior of alpha does not exist "
                "under a prior with a heavy tail; give alpha a value or a prior such as HalfNormal(scale)"
            )
            raise InputError(msg)
        return (f"{what}: nothing varies that X could explain",)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """η = log y, in every row: the density then grows with α."""
        return np.log(y), 1.0

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """No row."""
        return nowhere(y)

    def nll(self, eta: Array, y: Array) -> Array:
        """−log density of y."""
        return self.nll_given(eta, y, self._shape)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """−log density of y, where `sigma` is α."""
        alpha = np.asarray(given("GammaLog", "alpha", sigma), dtype=float)
        with np.errstate(over="ignore"):
            distance = capped(alpha * _distance(eta, y))
        return np.asarray(distance + np.log(y) + (factorial_excess(alpha) - np.log(alpha)))

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Lower regularised incomplete gamma function P(α, αy·e^(−η)), where `sigma` is α."""
        alpha = np.asarray(given("GammaLog", "alpha", sigma), dtype=float)
        with np.errstate(over="ignore"):
            return np.asarray(gammainc(alpha, capped(alpha * _ratio(eta, np.maximum(y, 0.0)))))

    def d1(self, eta: Array, y: Array) -> Array:
        """α(1 − y·e^(−η))."""
        with np.errstate(over="ignore"):
            return capped(-self._shape * np.where(_close(eta, y), np.expm1(_held(eta, y)), _ratio(eta, y) - 1))

    def d2(self, eta: Array, y: Array) -> Array:
        """α·y·e^(−η)."""
        with np.errstate(over="ignore"):
            return capped(self._shape * _ratio(eta, y))

    def majorizer(self, eta: Array, y: Array) -> Array:
        """Curvature: nll is convex, and no parabola lies above an exponential."""
        return self.d2(eta, y)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """Derivative in log α: α·(e^t − 1 − t) + α·(ψ(α) − log α)."""
        alpha = self._shape
        with np.errstate(over="ignore"):
            distance = capped(alpha * _distance(eta, y))
        return np.asarray(distance - 0.5 + alpha * digamma_rest(np.asarray(alpha)))

    def conjugate(self, theta: Array, y: Array) -> Array:
        """θ log y + (α − θ) log(1 − θ/α) + θ − log y − [log Γ(α) − α log α + α] for θ ≤ α; ∞ for θ > α."""
        alpha = self._shape
        theta = np.asarray(theta, dtype=float)
        inside = theta <= alpha
        held = np.where(inside, theta, 0.0)
        least = np.log(y) + float(factorial_excess(np.asarray(alpha)) - np.log(alpha))
        return np.where(inside, held * np.log(y) + alpha * log_excess(-held / alpha) - least, np.inf)

    def mean(self, eta: Array) -> Array:
        """E[y | η] = e^η."""
        return exponential(eta)

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] = μ²/α with μ = e^η; `sigma` is α."""
        return np.asarray(exponential(eta) ** 2 / (self._shape if sigma is None else sigma))

    def response_sd(self, y_sd: float) -> float:
        """1: a unit on the log scale, a factor of e in the mean."""
        return 1.0

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw e^η times a Gamma(α)/α draw, at least the smallest normal double; `sigma` is α."""
        alpha = self._shape if sigma is None else sigma
        factor = rng.gamma(alpha, size=np.broadcast(eta, alpha).shape) / alpha
        return np.asarray(np.clip(exponential(eta) * factor, np.finfo(float).tiny, None))

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.Gamma(alpha=α, beta=α·e^(−η)), or with weights its density to the power w up to its normaliser."""
        import pymc as pm
        import pytensor.tensor as pt

        alpha = np.float64(self._shape) if sigma is None else sigma
        parameters = {"beta": alpha * pt.exp(-eta), "alpha": alpha}
        return observed_node(name, pm.Gamma, parameters, block, dims, discrete=False)


def _close(eta: Array, y: Array) -> NDArray[np.bool_]:
    """Mark where |t| < 1, t = log y − η."""
    return np.asarray(np.abs(np.log(y) - eta) < 1)


def _held(eta: Array, y: Array) -> Array:
    """t = log y − η where |t| < 1, else 0."""
    return np.where(_close(eta, y), np.log(y) - eta, 0.0)


def _ratio(eta: Array, y: Array) -> Array:
    """y·e^(−η), at most LARGEST."""
    return capped(y * exponential(-eta))


def _distance(eta: Array, y: Array) -> Array:
    """e^t − 1 − t, with e^t as y·e^(−η) where that is the more accurate."""
    t = np.log(y) - eta
    return np.where(_close(eta, y), exp_excess(_held(eta, y)), _ratio(eta, y) - 1 - t)
