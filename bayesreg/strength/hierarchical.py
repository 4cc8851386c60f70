"""The prior's scale as one more unknown: a prior on it, and its posterior.

The posterior of s integrates over everything else, and the coefficients' posterior over s: nothing is plugged in.  It
is not the joint mode of coefficients and scale, which does not exist: as b → 0 and β → μ together the density of

    p(β | b) p(b) = Π exp(−|β_j − μ_j|/b)/2b · p(b)

grows as b^−p, without bound.  The density of log s is the mean over the draws of p(log s | β), which is known up to a
constant (Rao–Blackwell): of smaller error than one made of the draws of s themselves.

References
----------
Gelman (2006), Bayesian Analysis 1:515–534; Park & Casella (2008), JASA 103:681–686; Gelfand & Smith (1990), JASA
85:398–409 (densities as means of conditional ones).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Prior, ScalePrior
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import Posterior, prepare
from bayesreg.samplers.settings import Progress
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import HalfCauchy
from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.sensitivity import ENDS, sensitivity_table, short_name

if TYPE_CHECKING:
    import pandas as pd

GRID = 401
CELLS = 10_000_000
"""Draws × coefficients × scales that the density is averaged over, at most."""

SHOWN = 1e-4
"""Least density that is shown, as a share of the highest."""


def hierarchical_scale(
    problem: Problem,
    *,
    hyperprior: ScalePrior | None = None,
    method: str = "auto",
    draws: int = 1000,
    tune: int | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> ScaleChoice:
    """Give the prior's scale a prior, draw it with everything else, and return the median of its posterior.

    Parameters
    ----------
    problem : Problem
        Its prior's own scale is ignored.
    hyperprior : ScalePrior, optional
        Proper: HalfCauchy, HalfNormal, Exponential or Gamma.  By default the problem's own where it has one; else
        HalfCauchy(c), c the scale at which a priori the columns together give η the size of its own scale (the sd of y;
        π/√3 for a logit, 1 for a log; σ under `scale_by_noise`).
    method, draws, tune, seed, progress
        As in `sample`.

    Returns
    -------
    ScaleChoice
        `curve` is the posterior density of log scale with its Monte Carlo standard error; `posterior` has the draws, of
        coefficients too; `sensitivity` what other priors of the scale would have said.

    Raises
    ------
    ParameterError
        If `hyperprior` is improper or not a ScalePrior, or the prior has no one scale that can be drawn.
    FitError
        If the posterior is improper, or its draws cannot be trusted.
    """
    require_problem(problem, "choose_scale")
    family = ScaleFamily.of(problem, "hierarchical")
    there = under_hyperprior(problem, family, hyperprior)
    posterior = prepare(there, method, draws, seed=seed, tune=tune, progress=progress).run()
    if not posterior.verdict.passed:
        why = "; ".join(posterior.verdict.reasons)
        msg = f"hierarchical: the draws cannot be trusted ({why}); take more, e.g. draws={4 * draws}, or a longer tune="
        raise FitError(msg)
    hyper = there.prior.hyperprior
    assert hyper is not None
    scale = posterior.draws("beta_scale")
    lower, median, upper = (float(v) for v in np.quantile(scale, (ENDS[0], 0.5, ENDS[1])))
    error = _median_error(scale)
    curve = density_of_log_scale(posterior, hyper)
    sensitivity = sensitivity_table(posterior, hyper)
    unit = " σ" if problem.scale_by_noise else ""
    by_default = hyperprior is None and family.own is not None
    default = ", a scale at which the columns together move η by its own scale" if by_default else ""
    sentence = (
        f"scale = {median:.4g}{unit} ± {error / median:.1%} Monte Carlo, the posterior median (95 %: {lower:.3g} to "
        f"{upper:.3g}) under {short_name(hyper)}{default}, by {posterior.method}{_range(sensitivity)}"
    )
    return ScaleChoice(
        problem=there, family=family, by="hierarchical", scale=median, lower=lower, upper=upper, error=error / median,
        curve=curve, sentence=sentence, posterior=posterior, sensitivity=sensitivity, seed=seed,
    )  # fmt: skip


def under_hyperprior(problem: Problem, family: ScaleFamily, hyperprior: ScalePrior | None) -> Problem:
    """The problem with a proper prior on the scale of its prior.

    Raises
    ------
    ParameterError
        If that prior is improper, or the problem's prior has no one scale that can be drawn.
    """
    if hyperprior is not None and not isinstance(hyperprior, ScalePrior):
        msg = f"hierarchical: hyperprior must be a prior of a scale such as HalfCauchy(1.0) (got {hyperprior!r})"
        raise ParameterError(msg)
    if family.factor:
        msg = _no_scale(problem.prior)
        raise ParameterError(msg)
    hyper = hyperprior or problem.prior.hyperprior or HalfCauchy(_default_scale(problem, family))
    if not hyper.proper:
        msg = (
            f"hierarchical: {hyper} is improper, and so is the posterior of the scale: the likelihood does not vanish "
            "as it goes to 0 or to ∞; use e.g. HalfCauchy(1.0)"
        )
        raise ParameterError(msg)
    try:
        prior = problem.prior.at(hyper)
    except ParameterError as error:
        raise ParameterError(_no_scale(problem.prior)) from error
    return problem.with_prior(prior)


def _no_scale(prior: Prior) -> str:
    return (
        f"hierarchical: {prior!r} has no one scale to draw (rates, or scales by column or part); choose a factor on "
        "all of them by='evidence' or by='cv', or give one scale to a Laplace, Gaussian or GroupLaplace prior"
    )


def _default_scale(problem: Problem, family: ScaleFamily) -> float:
    """s at which Σ Var β_j·Var x_j, the variance of η over rows of unrelated columns, is the square of its scale."""
    variance = family.at(1.0).variance(problem.p)
    spread = float((np.where(np.isfinite(variance), variance, 0.0) * problem.column_sd() ** 2).sum())
    size = 1.0 if problem.scale_by_noise else problem.response_sd() or 1.0
    return size / math.sqrt(spread or 1.0)


def density_of_log_scale(posterior: Posterior, hyper: ScalePrior) -> pd.DataFrame:
    """Return the posterior density of log s on a grid: `scale`, `value` and its Monte Carlo standard `error`.

    The mean over the draws of p(log s | β) ∝ p(s)·s·p((β − μ)/σ | s), each normalised over the grid.
    """
    import pandas as pd

    problem, beta, scale = posterior.problem, posterior.beta, posterior.draws("beta_scale")
    prior = problem.prior
    moving = prior.at(2.0).variance(problem.p) != prior.at(1.0).variance(problem.p)
    if problem.scale_by_noise:
        known = problem.likelihood.sigma_known
        sigma = posterior.draws("sigma")[..., None] if known is None else known
        location = prior.at(1.0).location(problem.p)
        beta = location + (beta - location) / sigma
    step = max(1, math.ceil(beta.size * GRID / CELLS))
    beta = beta[:, ::step]
    # p(log s | β) falls at least as s^−k for large s, and faster than any power for small s.
    low, high = np.log(scale.min()) - 2.0, np.log(scale.max()) + 14.0 / (int(moving.sum()) + 1)
    t = np.linspace(low, high, GRID)
    log = np.stack([prior.at(math.exp(v)).log_density(beta) for v in t], axis=-1) + hyper.log_density(np.exp(t)) + t
    each = np.exp(log - log.max(axis=-1, keepdims=True))
    each /= each.sum(axis=-1, keepdims=True) * (t[1] - t[0])
    value = each.mean(axis=(0, 1))
    shown = value > SHOWN * value.max()
    error = mcse_mean(each[..., shown], independent=posterior.independent)
    return pd.DataFrame({"scale": np.exp(t[shown]), "value": value[shown], "error": error})


def _median_error(scale: Array) -> float:
    from arviz_stats.base import array_stats

    return float(array_stats.mcse(scale[..., None], chain_axis=0, draw_axis=1, method="quantile", prob=0.5)[0])


def _range(sensitivity: pd.DataFrame) -> str:
    """The medians under the other priors of the scale."""
    found = sensitivity["scale"].to_numpy(dtype=float)[1:]
    known = found[np.isfinite(found)]
    if not known.size:
        return "; the draws do not tell what another prior of the scale would have said"
    shift = float(np.nanmax(np.abs(sensitivity["shift"].to_numpy(dtype=float))))
    told = "" if known.size == found.size else f" ({known.size} of {found.size} of them)"
    return (
        f"; under other priors of the scale{told} {known.min():.4g} to {known.max():.4g}, and posterior means move by "
        f"up to {shift:.2g} sd"
    )
