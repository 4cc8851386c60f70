"""Bernoulli and binomial responses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from bayesreg.errors import FamilyError, InputError
from bayesreg.interfaces import Array, Block, Likelihood, Prior, ScalePrior, Tensor, is_flat
from bayesreg.likelihoods.common import counted, observed_node, outside, refuse_dispersion, whole
from bayesreg.likelihoods.numerics import (
    beta_share,
    count_conjugate,
    factorial_excess,
    log_or_minus_infinity,
    logistic_excess,
    logistic_slope,
    softplus,
)


@final
@dataclass(frozen=True, slots=True, eq=False)
class BernoulliLogit(Likelihood):
    """Logistic regression: y ∈ {0, 1}, P(y = 1 | η) = 1/(1 + e^(−η)), logit link; or y successes in m trials.

    nll = m·log(1 + e^η) − yη − log C(m, y), with m = 1 unless the rows carry numbers of trials.

    Attributes
    ----------
    trials : array (m,) or None
        Numbers of trials of the rows, bound by `on(block)` from `block.trials`; None where each row is one trial.
        It goes with the rows: along the first axis where y is (m, 1), along the last where y is (m,).

    References
    ----------
    McCullagh & Nelder (1989), Generalized Linear Models, ch. 4.
    """

    trials: Array | None = field(default=None, init=False, repr=False)

    quadratic = False
    convex = True
    location_scale = False
    discrete = True
    link = "logit"
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
        refuse_dispersion("BernoulliLogit", sigma)

    def on(self, block: Block) -> Self:
        """Return the likelihood of these rows: with their numbers of trials, or itself where each is one trial."""
        if block.trials is None:
            return self
        bound = type(self)()
        trials = np.array(block.trials, dtype=float)
        trials.setflags(write=False)
        object.__setattr__(bound, "trials", trials)
        return bound

    def _failures(self, y: Array) -> Array:
        """Return trials less successes, in the shape of y: rows stand on y's first axis."""
        y = np.asarray(y, dtype=float)
        if self.trials is None:
            return 1 - y
        extra = (1,) * max(y.ndim - self.trials.ndim, 0)
        return np.asarray(self.trials.reshape(self.trials.shape + extra) - y)

    def check(self, block: Block, intercept: Prior | None) -> tuple[str, ...]:
        """Accept 0 and 1, or with trials 0, ..., m; one class only where the intercept's prior is proper, or absent."""
        if block.trials is None:
            _check_binary(block.y)
            trials = np.ones_like(block.y)
        else:
            _check_binomial(block.y, block.trials)
            trials = block.trials
        rows = counted(block)
        y, m = block.y[rows], trials[rows]
        if (y > 0).any() and (y < m).any():
            return ()
        found = f"{y[0]:g}" if block.trials is None else ("failures" if y[0] == 0 else "successes")
        if is_flat(intercept):
            msg = (
                f"y has one class only (all {found}): under a flat intercept the optimum is infinite and the "
                "posterior does not exist; pass intercept=Gaussian(scale) or data with both classes"
            )
            raise InputError(msg)
        return (f"y has one class only (all {found}): what is found rests on the priors",)

    def exact_fit(self, y: Array) -> tuple[Array, float] | None:
        """None: probabilities are bounded."""
        return None

    def monotone(self, y: Array) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Rows of successes only, whose nll never rises with η, and of failures only, whose nll never falls."""
        return self._failures(y) == 0, np.asarray(y) == 0

    def nll(self, eta: Array, y: Array) -> Array:
        """m·log(1 + e^η) − yη − log C(m, y), as the distance from the best fit, which neither overflows nor cancels."""
        if self.trials is None:
            return softplus((1 - 2 * np.asarray(y)) * eta)
        f = self._failures(y)
        return logistic_excess(eta, _distance(eta, y, f), y, f) + _least(y, f)

    def nll_given(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """m·log(1 + e^η) − yη − log C(m, y); there is no dispersion."""
        return self.nll(eta, y)

    def cdf(self, eta: Array, y: Array, sigma: float | Array | None) -> Array:
        """P(Y ≤ y): 1/(1 + e^η) for 0 ≤ y < 1, with trials I_{1/(1 + e^η)}(m − ⌊y⌋, ⌊y⌋ + 1); no dispersion."""
        k = np.floor(y)
        f = self._failures(k)
        inside = (k >= 0) & (f > 0)
        if self.trials is None:
            return np.where(inside, expit(-eta), np.where(k < 0, 0.0, 1.0))
        share = beta_share(np.where(inside, f, 1.0), np.where(inside, k, 0.0) + 1, -eta)
        return np.where(inside, share, np.where(k < 0, 0.0, 1.0))

    def d1(self, eta: Array, y: Array) -> Array:
        """m·P(η) − y, without cancellation where the fit is near perfect."""
        if self.trials is None:
            side = 1 - 2 * np.asarray(y)
            with np.errstate(over="ignore"):  # 1/(1 + ∞) = 0
                return np.asarray(side / (1 + np.exp(-side * eta)))
        f = self._failures(y)
        return logistic_slope(eta, _distance(eta, y, f), y, f)

    def d2(self, eta: Array, y: Array) -> Array:
        """m·P(1 − P)."""
        bend = expit(eta) * expit(-eta)
        if self.trials is not None:
            bend = (self._failures(y) + y) * bend
        return np.broadcast_to(bend, np.broadcast(eta, y).shape)

    def majorizer(self, eta: Array, y: Array) -> Array:
        """Curvature: nll is convex."""
        return self.d2(eta, y)

    def d_log_sigma(self, eta: Array, y: Array) -> Array:
        """0."""
        return np.zeros(np.broadcast(eta, y).shape)

    def conjugate(self, theta: Array, y: Array) -> Array:
        """m·[q log q + (1 − q) log(1 − q)] + log C(m, y) with q = (y + θ)/m ∈ [0, 1]; ∞ outside."""
        f = self._failures(y)
        theta = np.asarray(theta, dtype=float)
        return np.asarray(count_conjugate(theta, y) + count_conjugate(-theta, f) - _least(y, f))

    def mean(self, eta: Array) -> Array:
        """P(η), or with trials bound the expected successes m·P(η), the rows on the last axis of η."""
        return np.asarray(expit(eta) if self.trials is None else self.trials * expit(eta))

    def variance(self, eta: Array, sigma: Array | None) -> Array:
        """P(η)·P(−η), or with trials bound m times that, the rows on the last axis of η."""
        return np.asarray(self.mean(eta) * expit(-eta))

    def response_sd(self, y_sd: float) -> float:
        """π/√3, the sd of the logistic distribution."""
        return math.pi / math.sqrt(3)

    def simulate(self, eta: Array, sigma: Array | None, rng: np.random.Generator) -> Array:
        """Draw 0 or 1, or with trials bound the successes, the rows on the last axis of η."""
        if self.trials is None:
            return np.asarray(rng.random(np.shape(eta)) < expit(eta), dtype=float)
        return np.asarray(rng.binomial(self.trials.astype("int64"), expit(eta)), dtype=float)

    def node(self, name: str, eta: Tensor, sigma: Tensor | None, block: Block, dims: str) -> Tensor:
        """Add pm.Bernoulli(logit_p=η), or pm.Binomial with the block's trials; with weights the pmf to the power w."""
        import pymc as pm

        if block.trials is None:
            return observed_node(name, pm.Bernoulli, {"logit_p": eta}, block, dims, discrete=True)
        parameters = {"logit_p": eta, "n": block.trials.astype("int64")}
        return observed_node(name, pm.Binomial, parameters, block, dims, discrete=True)


def _distance(eta: Array, y: Array, f: Array) -> Array:
    """η less its best value log(y/f); ∞ or −∞ where that is infinite."""
    return np.asarray(eta - (log_or_minus_infinity(y) - log_or_minus_infinity(f)))


def _least(y: Array, f: Array) -> Array:
    """Least nll over η: −log of the binomial probability of y at the proportion y/m."""
    return np.asarray(factorial_excess(y) + factorial_excess(f) - factorial_excess(y + f))


def _check_binary(y: Array) -> None:
    bad = (y != 0) & (y != 1)
    if bad.any():
        counts = " (for counts of successes, pass trials=)" if whole(y).all() else ""
        raise outside(y, bad, "{0, 1}", f"BernoulliLogit needs 0 and 1: recode y{counts}")


def _check_binomial(y: Array, trials: Array) -> None:
    bad = ~whole(trials) | (trials < 1)
    if bad.any():
        msg = (
            f"trials has {int(bad.sum())} values that are not whole numbers >= 1 (first: row "
            f"{int(np.flatnonzero(bad)[0])}, {trials[bad][0]:.15g}); drop rows without trials"
        )
        raise FamilyError(msg)
    bad = ~whole(y) | (y > trials)
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise outside(
            y,
            bad,
            "0, ..., trials",
            f"BernoulliLogit with trials needs y as whole numbers of successes (row {first} has {trials[first]:g} "
            "trials): give counts, not proportions",
        )
