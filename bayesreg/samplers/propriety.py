"""Whether the posterior exists: said before anything is drawn, since no sampler would notice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.noise import fits_exactly, least_squares
from bayesreg.penalized import minimise
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
        _check_sigma(problem)
    if hyper is None and np.isinf(problem.prior.variance(problem.p)).any():
        minimise(problem.conditional(1.0))  # a flat direction has an integral iff the likelihood falls off along it


def _check_sigma(problem: Problem) -> None:
    dispersion = problem.likelihood.dispersion
    assert dispersion is not None
    if problem.prior.hyperprior is not None:
        problem = problem.with_prior(problem.prior.at(1.0))  # no coefficient is free, whatever the scale
    total = problem.moments().total
    free = int(np.isinf(problem.prior.variance(problem.p)).sum())
    flat_intercept = problem.intercept is not None and bool(np.isinf(problem.intercept.variance(1)).all())
    free += int(flat_intercept)
    if dispersion.power_at_infinity - (total - free) >= -1:
        msg = (
            f"the posterior of sigma has no integral at infinity: {total:g} rows, {free} unpenalised coefficients and "
            f"the prior {dispersion}; add rows or give sigma a proper prior such as HalfNormal(scale)"
        )
        raise FitError(msg)
    if not fits_exactly(problem):
        return
    moving = free + int(problem.has_intercept and not flat_intercept)
    left = total - (moving if problem.scale_by_noise else least_squares(problem, problem.moments()).rank)
    if dispersion.power_at_zero - left <= -1:
        msg = (
            f"the posterior of sigma has no integral at zero: the {problem.p} columns can fit all {problem.n} rows "
            f"exactly, and under the prior {dispersion} the density then piles up at sigma = 0; "
            f"{_remedy(problem, left)}"
        )
        raise FitError(msg)


def _remedy(problem: Problem, left: float) -> str:
    """What gives the posterior of σ an integral at zero, with `left` degrees of freedom that all fit exactly."""
    proper = " or a proper prior such as HalfNormal(scale)" if left < 1 else ""
    scaled = "" if fits_exactly(replace(problem, scale_by_noise=True)) else ", or use scale_by_noise=True"
    return f"give sigma a value{proper}{scaled}"
