"""How far mode and mean draw each coefficient from where the data alone would put it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.normal_means import NormalMeans, normal_means
from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Prior
from bayesreg.noise import Noise
from bayesreg.optimum import Optimum, Outcome
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

SAME = 1e-6
"""Relative difference within which the columns' standard errors, or priors, are one."""

PROBES = np.array([0.01, 0.3, 1.0, 4.0])
"""Sizes, in prior standard deviations, at which the columns' penalties are compared."""

ROOM = 1.15
"""How far beyond the estimates the curve goes."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Shrinkage:
    """Unpenalised estimate, mode and mean, column by column.

    Parameters
    ----------
    table : DataFrame
        One row a column: `unpenalized` (maximum likelihood, or where that has several
        maxima the highest found; its standard error `se` from the Hessian, NaN where that is not positive), `map`,
        `mean` with `mcse`, and the central interval's ends `lower`, `upper`.
    kept_map, kept_mean : float
        Slope of mode and of mean on the unpenalised estimate, through the prior's location: 1 is no shrinkage.
    curve : NormalMeans or None
        What they would be at each estimate were the columns uncorrelated; None where the columns have different
        standard errors then, or different priors, or the noise is not Gaussian.
    zeros : int
        Coefficients of the mode that are exactly 0.
    withheld : str
        Why nothing may be concluded from the draws; empty where every gate passed.
    level : float
        Probability of the intervals.
    located : bool
        Whether the prior is about another point than 0, so that it is the distance from there that is kept.
    """

    table: pd.DataFrame
    kept_map: float
    kept_mean: float
    curve: NormalMeans | None
    zeros: int
    withheld: str
    level: float
    located: bool

    @property
    def sentence(self) -> str:
        """How much of the estimates is kept."""
        if self.withheld:
            return f"shrinkage: WITHHELD: {self.withheld}"
        what = "distance from the prior's location" if self.located else "size"
        return (
            f"The mode keeps {100 * self.kept_map:.3g} % of the unpenalised estimates' {what}, the posterior mean "
            f"{100 * self.kept_mean:.3g} %; {self.zeros} of {len(self.table)} modes are exactly 0."
        )

    def __str__(self) -> str:
        """The sentence, and the table."""
        if self.withheld:
            return self.sentence
        return f"{self.sentence}\n\n{self.table.to_string(float_format='{:.4g}'.format)}"


def shrinkage(posterior: Posterior, optimum: Optimum | None = None, *, level: float = 0.95) -> Shrinkage:
    """Compare the unpenalised estimate with the mode and the posterior mean.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the same problem.  The unpenalised fit is at its dispersion.
    level : float, default 0.95
        Probability of the intervals.

    Returns
    -------
    Shrinkage

    Raises
    ------
    FitError
        If there is no unpenalised estimate, or not one alone: more columns than rows, collinear columns, separated
        classes.
    """
    import pandas as pd

    require_posterior(posterior, "shrinkage")
    point = point_of(posterior, optimum, "shrinkage")
    problem = posterior.problem
    free = problem.conditional(point.sigma).unpenalized()
    unpenalized = _unpenalized(free)
    beta = posterior.beta
    tail = (1 - level) / 2
    lower, upper = np.quantile(beta, [tail, 1 - tail], axis=(0, 1))
    errors = _errors(free, unpenalized)
    found = posterior.summary(["beta"]) if problem.p else None
    table = pd.DataFrame(
        {
            "unpenalized": unpenalized.beta, "se": errors, "map": point.beta, "mean": beta.mean(axis=(0, 1)),
            "mcse": np.empty(0) if found is None else found["mcse_mean"].to_numpy(), "lower": lower, "upper": upper,
        },
        index=pd.Index(problem.names, name="column"),
    )  # fmt: skip
    location = problem.prior.location(problem.p)
    away = {name: table[name].to_numpy() - location for name in ("unpenalized", "map", "mean")}
    kept = [_slope(away["unpenalized"], away[name]) for name in ("map", "mean")]
    zeros = int((point.zeros & (point.beta == 0)).sum())
    curve = _curve(problem.conditional(point.sigma), point, unpenalized, level)
    return Shrinkage(table, kept[0], kept[1], curve, zeros, withheld_by(posterior), level, bool(location.any()))


def _unpenalized(free: Problem) -> Optimum:
    found = fit_at(free, Noise(free.likelihood.sigma_known, "", ""))
    if found.outcome not in (Outcome.CERTIFIED, Outcome.STATIONARY):
        msg = f"shrinkage: there is no one unpenalised estimate to hold the mode against ({found.outcome.value})"
        raise FitError(msg)
    return found


def _errors(free: Problem, unpenalized: Optimum) -> Array:
    """Standard errors (p,) from the Hessian at the estimate."""
    hessian = free.curvature(free.join(unpenalized.intercept, unpenalized.beta))
    variance = np.diag(np.linalg.inv(hessian))[free.positions]
    return np.sqrt(np.where(variance > 0, variance, np.nan))


def _slope(x: Array, y: Array) -> float:
    """Slope of y on x through the origin; NaN where x has no size."""
    size = float(x @ x)
    return float(x @ y / size) if size > 0 else float("nan")


def _curve(fixed: Problem, point: Optimum, unpenalized: Optimum, level: float) -> NormalMeans | None:
    """The curve of uncorrelated columns, where it is one for all."""
    prior, p = fixed.prior, fixed.p
    if not fixed.likelihood.quadratic or not p or prior.hyperprior is not None:
        return None
    centred, shift = fixed.centred()
    theta = centred.join(point.intercept + float(shift @ point.beta), point.beta)
    information = centred.curvature_diagonal(theta)[centred.positions]
    location = prior.location(p)
    if not _exchangeable(prior, p) or np.ptp(information) > SAME * information.max():
        return None
    se = float(1 / np.sqrt(information[0]))
    reach = ROOM * max(float(np.abs(unpenalized.beta - location[0]).max()), 4 * se)
    z = location[0] + np.linspace(-reach, reach, 401)
    return normal_means(prior, se, column=0, columns=p, z=z, level=level)


def _exchangeable(prior: Prior, p: int) -> bool:
    """Whether the columns are independent under one and the same prior: its penalty is then the same in each."""
    location = prior.location(p)
    if len(set(prior.blocks(p).tolist())) < p or np.ptp(location) > 0:
        return False
    sd = np.sqrt(prior.variance(p))
    for reach in PROBES * float(np.where(np.isfinite(sd), sd, 1.0).max()):
        value = prior.penalty(location + reach * np.eye(p))
        if np.ptp(value) > SAME * max(1e-300, float(np.abs(value).max())):
            return False
    return True
