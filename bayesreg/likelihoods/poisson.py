"""Poisson counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaincc

from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor
from bayesreg.likelihoods.common import check_counts, draw_counts, observed_node, refuse_dispersion
from bayesreg.likelihoods.numerics import count_conjugate, exp_excess, exponential, factorial_excess


def _log(y: Array) -> Array:
    """log y, and 0 for y = 0."""
    return np.asarray(np.log(np.where(y > 0, y, 1.0)))


@final
@dataclass(frozen=True, slots=True, eq=False)
class PoissonLog(Likelihood):
    """Poisson regression: y ∈ {0, 1, 2, ...} with mean e^η, log link.

    nll = e^η − yη + log y!, computed as y·(e^t − 1 − t) plus its least value, with t = η − log y the distance from
    the best fit: what is left of numbers near y log y keeps its digits for y of any size.

    An exposure is the offset log(exposure).  Past η ≈ 700 the values stop at 1e305.

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, ch. 6.
    """

    quadratic = False
    convex = True
    location_scale = False
    discrete = True
    link = "log"
    dispersion_name = None

    @property
    def dispersion(self) -> ScalePrior | None:
        """None: the family has no dispersion parameter."""
        return None

    @property
    def sigma_known(self) -> float | None:
        """None: the family has no dispersion parameter."""
        return None

    def at(self, sigma: float) -> Self:
        """Refuse: the family has no dispersion parameter."""
        refuse_dispersion("PoissonLog", sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood itself."""
        return self

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept whole numbers ≥ 0; all of them 0 only where the intercept's prior is proper, or there is none."""
        return check_counts("PoissonLog", block, intercept)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """None: probabilities are bounded."""
        return None

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows with y = 0, whose nll e^η never falls."""
        return np.zeros(np.shape(y), dtype=bool), np.asarray(y) == 0

    def nll(self, eta: Array, y: Array) -> Array:
        """e^η − yη + log y!."""
        t = eta - _log(y)
        rate = exponential(eta)
        apart = np.where(y > 0, rate - y - y * t, rate)
        close = np.abs(t) < 1
        return np.where((y > 0) & close, y * exp_excess(np.where(close, t, 0.0)), apart) + factorial_excess(y)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """e^η − yη + log y!; there is no dispersion."""
        return self.nll(eta, y)

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """Upper regularised incomplete gamma function Q(⌊y⌋ + 1, e^η) for y ≥ 0; there is no dispersion."""
        k = np.floor(y)
        return np.where(k >= 0, gammaincc(np.maximum(k, 0.0) + 1, exponential(eta)), 0.0)

    def d1(self, eta: Array, y: Array) -> Array:
        """e^η − y, as y·(e^t − 1) near the best fit."""
        t = eta - _log(y)
        close = (np.abs(t) < 1) & (y > 0)
        return np.where(close, y * np.expm1(np.where(close, t, 0.0)), exponential(eta) - y)

    def d2(self, eta: Array, y: Array) -> Array:
        """e^η."""
        return np.broadcast_to(exponential(eta), np.broadcast(eta, y).shape)

    def majorizer(self, eta: Array, y: Array) -> Array:
        """e^η, the curvature: nll is convex, and no parabola lies above an exponential."""
        return self.d2(eta, y)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """0."""
        return np.zeros(np.broadcast(eta, y).shape)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """τ log τ − τ − log y! with τ = y + θ ≥ 0; ∞ for τ < 0."""
        return count_conjugate(theta, y) - factorial_excess(y)

    def mean(self, eta: Array) -> Array:
        """E[y | η] = e^η."""
        return exponential(eta)

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """Var[y | η] = e^η."""
        return exponential(eta)

    def response_sd(self, y_sd: float) -> float:
        """1: a unit on the log scale, a factor of e in the mean."""
        return 1.0

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw a count with mean e^η."""
        return draw_counts(exponential(eta), rng)

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.Poisson(e^η), or with weights its pmf to the power w."""
        import pymc as pm
        import pytensor.tensor as pt

        return observed_node(name, pm.Poisson, {"mu": pt.exp(eta)}, block, dims, discrete=True)
