"""Negative binomial counts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor
from bayesreg.likelihoods.common import (
    DEFAULT_SHAPE,
    check_counts,
    draw_counts,
    given,
    known,
    number_of,
    observed_node,
    prior_of,
    read_dispersion,
    refuse_improper,
)
from bayesreg.likelihoods.numerics import (
    beta_share,
    count_conjugate,
    digamma_rest,
    exp_excess,
    exponential,
    factorial_excess,
    log_excess,
    log_or_minus_infinity,
    logistic_excess,
    logistic_slope,
    softplus,
)


@final
@dataclass(frozen=True, slots=True, eq=False)
class NegativeBinomialLog(Likelihood):
    """Overdispersed counts: y ∈ {0, 1, 2, ...} with mean μ = e^η and variance μ + μ²/α, log link.

    nll = (α + y)·log(α + μ) − yη − α log α − log Γ(α + y) + log Γ(α) + log y!; α → ∞ is the Poisson family.

    It is computed as its least value over η, at μ = y, plus what the distance t = η − log y adds, so that nothing
    cancels for y or α of any size.  In the slot that the interface calls sigma stands α.

    Parameters
    ----------
    alpha : float or ScalePrior, default HalfCauchy(1.0)
        The shape α > 0 where it is known, else its prior, which must be proper.

    Raises
    ------
    ParameterError
        If `alpha` is neither a finite positive number nor a proper ScalePrior: as α → ∞ the likelihood tends to the
        Poisson one, a constant, and under an improper prior the posterior does not exist.

    References
    ----------
    Hilbe (2011), Negative Binomial Regression (there 1/α is called α); Lawless (1987), Can. J. Stat. 15:209–225.
    """

    alpha: float | ScalePrior = DEFAULT_SHAPE

    quadratic = False
    convex = True
    location_scale = False
    discrete = True
    link = "log"
    dispersion_name = "alpha"

    def __post_init__(self) -> None:
        """Check α."""
        object.__setattr__(self, "alpha", read_dispersion("NegativeBinomialLog", "alpha", self.alpha))
        refuse_improper(
            "NegativeBinomialLog",
            "alpha",
            self.alpha,
            "as alpha grows the likelihood tends to the Poisson one, a constant, so the posterior does not exist",
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
        return known("NegativeBinomialLog", "alpha", self.alpha)

    def at(self, sigma: float) -> Self:
        """Return the likelihood with α fixed at `sigma`."""
        return type(self)(sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood itself."""
        return self

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept whole numbers ≥ 0; all of them 0 only where the intercept's prior is proper, or there is none."""
        return check_counts("NegativeBinomialLog", block, intercept)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """None: probabilities are bounded."""
        return None

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows with y = 0, whose nll α·log(1 + e^η/α) never falls."""
        return np.zeros(np.shape(y), dtype=bool), np.asarray(y) == 0

    def nll(self, eta: Array, y: Array) -> Array:
        """−log of the probability of y."""
        return self.nll_given(eta, y, self._shape)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """−log of the probability of y, where `sigma` is α."""
        alpha = np.asarray(given("NegativeBinomialLog", "alpha", sigma), dtype=float)
        t = eta - log_or_minus_infinity(y)
        return logistic_excess(eta - np.log(alpha), t, y, alpha) + _least(y, alpha)

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Regularised incomplete beta function I_q(α, ⌊y⌋ + 1) at q = α/(α + μ), for y ≥ 0; `sigma` is α."""
        alpha = np.asarray(given("NegativeBinomialLog", "alpha", sigma), dtype=float)
        k = np.floor(y)
        return np.where(k >= 0, beta_share(alpha, np.maximum(k, 0.0) + 1, np.log(alpha) - eta), 0.0)

    def d1(self, eta: Array, y: Array) -> Array:
        """α(μ − y)/(α + μ)."""
        alpha = np.asarray(self._shape)
        return logistic_slope(eta - np.log(alpha), eta - log_or_minus_infinity(y), y, alpha)

    def d2(self, eta: Array, y: Array) -> Array:
        """α(α + y)μ/(α + μ)²."""
        s = eta - math.log(self._shape)
        return np.asarray((self._shape + y) * expit(s) * expit(-s))

    def majorizer(self, eta: Array, y: Array) -> Array:
        """Curvature: nll is convex."""
        return self.d2(eta, y)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """Derivative in log α: α·[w − log(1 + w)] − α·[ψ(α + y) − ψ(α) − log(1 + y/α)] with w = (y − μ)/(α + μ).

        Both brackets vanish as α grows, the first as w², and are computed without the terms that cancel.
        """
        alpha = self._shape
        w = -self.d1(eta, y) / alpha
        far = w < -0.5
        v = np.where(far, np.log1p(y / alpha) - softplus(eta - math.log(alpha)), np.log1p(np.where(far, 0.0, w)))
        bracket = np.where(np.abs(v) < 1, exp_excess(np.clip(v, -1, 1)), w - v)
        rest = digamma_rest(np.asarray(alpha)) - digamma_rest(y + alpha)
        return np.asarray(alpha * bracket - 0.5 * (y / (y + alpha)) + alpha * rest)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """N·[q log q + (1 − q) log(1 − q)] + θ log α − c, with N = α + y and q = (y + θ)/N ∈ [0, 1]; ∞ outside.

        c = log Γ(α) + log y! − log Γ(α + y) is the part of nll that is free of η.
        """
        alpha = self._shape
        inside = theta <= alpha
        upper = alpha * log_excess(-np.where(inside, theta, 0.0) / alpha)
        return np.where(inside, count_conjugate(theta, y) + upper, np.inf) - _least(y, np.asarray(alpha))

    def mean(self, eta: Array) -> Array:
        """E[y | η] = e^η."""
        return exponential(eta)

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] = μ + μ²/α with μ = e^η; `sigma` is α."""
        mean, alpha = exponential(eta), self._shape if sigma is None else sigma
        return np.asarray(mean + mean**2 / alpha)

    def response_sd(self, y_sd: float) -> float:
        """1: a unit on the log scale, a factor of e in the mean."""
        return 1.0

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw a Poisson count whose mean is e^η times a Gamma(α)/α draw; `sigma` is α."""
        alpha = self._shape if sigma is None else sigma
        factor = rng.gamma(alpha, size=np.broadcast(eta, alpha).shape) / alpha
        return draw_counts(exponential(eta) * factor, rng)

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.NegativeBinomial(mu=e^η, alpha=α), or with weights its pmf to the power w."""
        import pymc as pm
        import pytensor.tensor as pt

        alpha = np.float64(self._shape) if sigma is None else sigma
        parameters = {"mu": pt.exp(eta), "alpha": alpha}
        return observed_node(name, pm.NegativeBinomial, parameters, block, dims, discrete=True)


def _least(y: Array, alpha: Array) -> Array:
    """Least nll over η, at e^η = y."""
    excess = factorial_excess(y) + (factorial_excess(alpha) - factorial_excess(y + alpha))
    return np.asarray(excess + np.log1p(y / alpha))
