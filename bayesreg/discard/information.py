"""What the data add to the prior of each coefficient, in bits, and where a point stands in each marginal.

References
----------
Vasicek (1976), JRSS B 38:54–59 (entropy from spacings); Beirlant, Dudewicz, Györfi & van der Meulen (1997), Int. J.
Math. Stat. Sci. 6:17–39; Lindley (1956), Ann. Math. Stat. 27:986–1005 (information of data about a parameter).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, psi

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import require_posterior, withheld_by
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.samplers import Posterior
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

CELLS = 1 << 18
"""Draws × columns worked on at once: 2 MiB, which stays in cache between a sort and its logarithms."""

SHOWN = 3
"""Columns of which the text names the information, at either end."""

CENTRAL = 0.9
"""Probability of the central interval of a marginal outside which a point is counted."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Information:
    """Information gained over the prior, KL(posterior marginal of β_j ‖ prior marginal of β_j), column by column.

    Parameters
    ----------
    names : tuple of str
        Columns.
    bits : array (p,)
        log₂ e · E[log q_j(β_j) − log π_j(β_j) | y], q_j estimated from the draws; NaN where the prior is improper, ∞
        where more draws are equal than a spacing spans.  It is ≥ 0 but for its error, and is left as it is estimated.
    mcse : array (p,)
        Its Monte Carlo standard error, in bits.
    sigma : float or None
        The noise scale at which a prior in units of σ was taken, where σ is unknown.
    withheld : str
        Why nothing may be concluded; empty where every gate passed.
    """

    names: tuple[str, ...]
    bits: Array
    mcse: Array
    sigma: float | None
    withheld: str

    @property
    def table(self) -> pd.DataFrame:
        """`bits` and `mcse`, one row a column."""
        import pandas as pd

        return pd.DataFrame({"bits": self.bits, "mcse": self.mcse}, index=pd.Index(self.names, name="column"))

    @property
    def sentence(self) -> str:
        """What the data say most and least about."""
        if self.withheld:
            return f"information over the prior: WITHHELD: {self.withheld}"
        order = self._order
        if not order.size:
            return "No column has a proper prior: information over an improper one has no number."
        most, least = order[0], order[-1]
        head = f"The data add most to the prior of {self.names[most]}, {self._told(most)} bits"
        return head + (
            "." if least == most else f", and least to that of {self.names[least]}, {self._told(least)} bits."
        )

    def __str__(self) -> str:
        """The sentence, and the columns at either end."""
        order = self._order
        if self.withheld or not order.size:
            return self.sentence
        shown = order if order.size <= 2 * SHOWN else np.concatenate([order[:SHOWN], order[-SHOWN:]])
        width = max(len(self.names[j]) for j in shown)
        rows = [f"  {self.names[j]:<{width}}  {self.bits[j]:8.3f} ± {self.mcse[j]:.3f} bits" for j in shown]
        if shown.size < order.size:
            rows.insert(SHOWN, f"  ... {order.size - shown.size} columns between them")
        if order.size < len(self.names):
            rows.append(f"Of {len(self.names) - order.size} columns with an improper prior there is no number.")
        if self.sigma is not None:
            rows.append(f"The prior is in units of σ: taken at σ = {self.sigma:.6g}.")
        return "\n".join([self.sentence, *rows])

    @property
    def _order(self) -> NDArray[np.int_]:
        """Columns that have a number, those with most information first."""
        known = np.flatnonzero(~np.isnan(self.bits))
        return np.asarray(known[np.argsort(-self.bits[known], kind="stable")])

    def _told(self, j: int) -> str:
        return f"{self.bits[j]:.3f} ± {self.mcse[j]:.3f}"


def information(posterior: Posterior, sigma: float | None = None) -> Information:
    """Return the information that the data add to the prior of each coefficient, in bits.

    The estimate is the mean over the draws of log q̂_j(β_j) − log π_j(β_j).  For q̂_j the draws are brought to (0, 1)
    by the distribution function of the logistic with their mean and sd, whose tails are as heavy as a Laplace prior's;
    the density there at a draw is that of the spacing of 2m order statistics about it, log q̂ = ψ(r) − ψ(N + 1) − log
    spacing with r the spacings in it, which would be unbiased of logistic draws.  Of others its bias is O((m/N)²) where
    the density is smooth, and O(m/N) at a cusp, in other tails and between modes; the latter is extrapolated away, as
    twice the estimate at m minus that at 2m.  What is left at 4,000 independent draws is less than 0.001 bits for
    normal, Laplace and two-peaked marginals, 0.004 for lognormal ones (σ = ½), 0.008 for a bridge's with q = ½ and
    0.014 for Student's t with 3 degrees of freedom: less than half of an MCSE.  m = N/4√ESS, so that draws that
    cluster, as those of chains do, pass for density by less than an MCSE; what draws that are equal (rejected
    proposals, resampling) add is taken off.

    Parameters
    ----------
    posterior : Posterior
    sigma : float, optional
        Where the prior is in units of an unknown σ (`scale_by_noise`): the σ at which to take it, such as that of the
        point estimate.

    Raises
    ------
    ParameterError
        If `posterior` is none, the prior's scale is unknown, `sigma` is no finite number > 0, or the prior is in units
        of an unknown σ and `sigma` is not given.
    """
    require_posterior(posterior, "information")
    problem = posterior.problem
    sigma = None if sigma is None else positive_number("information", "sigma", sigma)
    scaled = problem.scale_by_noise and problem.likelihood.sigma_known is None
    if scaled and sigma is None:
        msg = "information: the prior is in units of the unknown sigma; give the sigma at which to take it"
        raise ParameterError(msg)
    prior = problem.conditional(sigma).prior if problem.scale_by_noise else problem.prior
    proper = np.isfinite(prior.variance(problem.p))
    bits, mcse = np.full((2, problem.p), np.nan)
    beta = posterior.beta
    reach = half_window(beta.shape[0] * beta.shape[1], posterior.verdict.ess_bulk)
    log_prior = prior.marginal_log_density(beta)
    step = max(1, CELLS // (beta.shape[0] * beta.shape[1]))
    for start in range(0, problem.p, step):
        chunk = np.arange(start, min(start + step, problem.p))
        chunk = chunk[proper[chunk]]
        terms = (log_density_at(beta[..., chunk], reach) - log_prior[..., chunk]) / math.log(2)
        bits[chunk] = terms.mean(axis=(0, 1))
        finite = np.isfinite(bits[chunk])
        mcse[chunk[finite]] = mcse_mean(terms[..., finite], independent=posterior.independent)
    return Information(problem.names, bits, mcse, sigma if scaled else None, withheld_by(posterior))


def half_window(size: int, effective: float) -> int:
    """m, the order statistics taken on either side of a draw: N/4√ESS, at least 3 and at most N/8."""
    effective = min(max(effective, 1.0), size) if np.isfinite(effective) else size
    return max(3, min(math.ceil(0.25 * size / math.sqrt(effective)), size // 8))


def log_density_at(draws: Array, reach: int) -> Array:
    """Log density of each column of draws (chain, draw, c) at each of them, in nats, from spacings.

    Twice that of spacings of 2·`reach` order statistics, minus that of 4·`reach`; ∞ where one of 2·`reach` is zero: so
    many draws are equal.
    """
    lead, count = draws.shape[:2], draws.shape[2]
    flat = np.ascontiguousarray(draws.reshape(lead[0] * lead[1], count).T)
    unit = flat.std(axis=1, keepdims=True) * math.sqrt(3) / math.pi
    z = (flat - flat.mean(axis=1, keepdims=True)) / np.where(unit > 0, unit, 1.0)
    order = np.argsort(z, axis=1)
    z = np.take_along_axis(z, order, axis=1)
    u = expit(z)
    near, far = uniform_log_density(u, reach), uniform_log_density(u, 2 * reach)
    with np.errstate(divide="ignore"):
        logistic = -np.abs(z) - 2 * np.log1p(np.exp(-np.abs(z))) - np.log(unit)
    found = 2 * near - np.where(np.isfinite(far), far, 0.0) + logistic
    values = np.empty_like(flat)
    np.put_along_axis(values, order, found, axis=1)
    return values.T.reshape(*lead, count)


def uniform_log_density(u: Array, reach: int) -> Array:
    """Log density of ordered rows of draws (c, N) from (0, 1) at each of them, from spacings of 2·`reach`.

    The log of a spacing that holds r draws in clumps of c equal ones has the mean of one that holds r/c of c times the
    width: to first order −(c − 1)/2r is what the clumps add to ψ(r).
    """
    size = u.shape[1]
    place, ends = np.arange(1, size + 1), np.zeros((u.shape[0], 1))
    lower, upper = np.maximum(place - reach, 0), np.minimum(place + reach, size + 1)
    closed = np.concatenate([ends, u, ends + 1.0], axis=1)
    expected = psi(upper - lower) - psi(size + 1) - np.multiply.outer(repeats(u) - 1, 0.5 / (upper - lower))
    with np.errstate(divide="ignore"):
        return np.asarray(expected - np.log(closed[:, upper] - closed[:, lower]))


def repeats(ordered: Array) -> Array:
    """Mean number of times (c,) that a draw's value occurs in its ordered row (c, N): 1 where no two are equal."""
    rows, size = ordered.shape
    first = np.ones((rows, size), dtype=bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=rows * size)
    return np.asarray(np.bincount(starts // size, weights=lengths.astype(float) ** 2, minlength=rows) / size)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Quantile:
    """Where a point stands in the marginal posterior of each column: P(β_j ≤ b_j | y), and its Monte Carlo error.

    Parameters
    ----------
    names : tuple of str
        Columns.
    quantile : array (p,)
    mcse : array (p,)
        Of a point outside all draws it is 0: all that is known is that the point lies beyond about one draw in ESS.
    withheld : str
        Why nothing may be concluded; empty where every gate passed.
    """

    names: tuple[str, ...]
    quantile: Array
    mcse: Array
    withheld: str

    @property
    def table(self) -> pd.DataFrame:
        """`quantile` and `mcse`, one row a column."""
        import pandas as pd

        return pd.DataFrame({"quantile": self.quantile, "mcse": self.mcse}, index=pd.Index(self.names, name="column"))

    @property
    def sentence(self) -> str:
        """Where the point is farthest from the middle of its marginal, and in how many columns it is far."""
        if self.withheld:
            return f"quantiles of the point: WITHHELD: {self.withheld}"
        if not self.names:
            return "No column: there is no quantile."
        away = np.abs(self.quantile - 0.5)
        worst, outside = int(away.argmax()), int((away > CENTRAL / 2).sum())
        value = self.quantile[worst]
        at = f"at its {value:.3f} ± {self.mcse[worst]:.1g} quantile"
        if value in (0.0, 1.0):
            at = "above every draw" if value else "below every draw"
        return (
            f"The point stands farthest from the middle of its marginal in {self.names[worst]}, {at}; in {outside} of "
            f"{len(self.names)} columns it lies outside the central {100 * CENTRAL:g} %."
        )

    def __str__(self) -> str:
        """The sentence."""
        return self.sentence


def quantile_of(posterior: Posterior, beta: ArrayLike) -> Quantile:
    """Return P(β_j ≤ b_j | y) of each column of a point b (p,) on the scale that the prior sees.

    Raises
    ------
    ParameterError
        If `posterior` is none, or `beta` does not have one finite number a column.
    """
    require_posterior(posterior, "quantile_of")
    point, p = np.asarray(beta, dtype=float), posterior.problem.p
    if point.shape != (p,) or not np.isfinite(point).all():
        msg = f"quantile_of: beta must be {p} finite numbers, one a column (got {_shown(point)})"
        raise ParameterError(msg)
    below = (posterior.beta <= point).astype(float)
    mcse = mcse_mean(below, independent=posterior.independent) if p else np.zeros(0)
    return Quantile(posterior.problem.names, below.mean(axis=(0, 1)), mcse, withheld_by(posterior))


def _shown(point: Array) -> str:
    return f"shape {point.shape}" if np.isfinite(point).all() else f"{point[~np.isfinite(point)].flat[0]:g} among them"
