"""Whether the posterior exists: said before anything is drawn, since no sampler would notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.descent import minimise
from bayesreg.errors import FitError, ParameterError
from bayesreg.least_squares import least_squares
from bayesreg.noise import ExactFit, exact_fit, fits_exactly
from bayesreg.problem import Problem


def check_proper(problem: Problem) -> None:
    """Raise where the posterior cannot be normalised.

    As σ → ∞ the marginal posterior of σ behaves as p(σ)·σ^−(N−f), with f unpenalised coefficients.  As σ → 0 it stays
    bounded away from zero wherever coefficients exist that fit y exactly, and is then p(σ)·σ^−(N−r), r the rank of X:
    under p(σ) = 1/σ with p ≥ n that has no integral.  Under a prior in units of σ only the intercept and unpenalised
    coefficients count.  Flat directions need data that hold them: no collinear columns, no separated classes.

    Raises
    ------
    FitError
        With the reason and the remedy.
    ParameterError
        If a hierarchical scale has an improper prior.
    """
    hyper = problem.prior.hyperprior
    if hyper is not None and not hyper.proper:
        msg = (
            f"the prior's scale has the improper prior {hyper}: the posterior does not exist; use e.g. HalfCauchy(1.0)"
        )
        raise ParameterError(msg)
    if problem.likelihood.dispersion is not None:
        (_check_sigma if problem.likelihood.location_scale else _check_shape)(problem)
    if hyper is not None:
        problem = problem.with_prior(problem.prior.at(1.0))  # what is flat is flat whatever the scale of the rest
    if np.isinf(problem.prior.variance(problem.p)).any():
        # A flat direction has an integral iff the nll rises along it, whatever the dispersion.
        minimise(problem.conditional(problem.dispersion_guess()))


def _check_sigma(problem: Problem) -> None:
    dispersion = problem.likelihood.dispersion
    assert dispersion is not None
    if problem.prior.hyperprior is not None:
        problem = problem.with_prior(problem.prior.at(1.0))  # no coefficient is free, whatever the scale
    total = problem.moments().total
    free = int(np.isinf(problem.prior.variance(problem.p)).sum()) + int(problem.flat_intercept)
    if dispersion.power_at_infinity - (total - free) >= -1:
        msg = (
            f"the posterior of sigma has no integral at infinity: {total:g} rows, {free} unpenalised coefficients and "
            f"the prior {dispersion}; add rows or give sigma a proper prior such as HalfNormal(scale)"
        )
        raise FitError(msg)
    found = exact_fit(problem)
    if found is None:
        return
    left = found.common - found.parameters
    if found.share < 1 and dispersion.power_at_zero - left + odds(found) * (total - found.common) <= -1:
        msg = (
            f"the posterior of sigma has no integral at zero: {found.common:g} of {total:g} rows are fitted exactly by "
            f"{found.parameters} parameter{'s' if found.parameters > 1 else ''}, and "
            f"under the prior {dispersion} the density piles up at sigma = 0; give sigma a value or a proper prior"
        )
        raise FitError(msg)
    if not found.exact:
        return
    moving = free + int(problem.has_intercept and not problem.flat_intercept)
    left = total - (moving if problem.scale_by_noise else least_squares(problem, problem.moments()).rank)
    if dispersion.power_at_zero - left <= -1:
        msg = (
            f"the posterior of sigma has no integral at zero: the {problem.p} columns can fit all {problem.n} rows "
            f"exactly, and under the prior {dispersion} the density then piles up at sigma = 0; "
            f"{_remedy(problem, left)}"
        )
        raise FitError(msg)


def odds(found: ExactFit) -> float:
    """ν of a likelihood whose density stays bounded as long as no more than a share ν/(1 + ν) is fitted exactly."""
    return found.share / (1 - found.share)


def _check_shape(problem: Problem) -> None:
    """A bounded likelihood and a proper prior leave nothing to refuse; an exact fit makes it grow as α^(N/2)."""
    dispersion = problem.likelihood.dispersion
    assert dispersion is not None
    found = exact_fit(problem)
    if found is None or not found.exact:
        return
    if dispersion.power_at_infinity + (found.total - found.rank) / 2 >= -1:
        name = problem.likelihood.dispersion_name
        msg = (
            f"the posterior of {name} has no integral at infinity: the columns fit y exactly, and under the prior "
            f"{dispersion} the density piles up there; give {name} a value"
        )
        raise FitError(msg)


def _remedy(problem: Problem, left: float) -> str:
    """What gives the posterior of σ an integral at zero, with `left` degrees of freedom that all fit exactly."""
    proper = " or a proper prior such as HalfNormal(scale)" if left < 1 else ""
    scaled = "" if fits_exactly(replace(problem, scale_by_noise=True)) else ", or use scale_by_noise=True"
    return f"give sigma a value{proper}{scaled}"
