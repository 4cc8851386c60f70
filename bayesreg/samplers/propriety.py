"""Whether the posterior exists: said before anything is drawn, since no sampler would notice."""

from __future__ import annotations

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.noise import fits_exactly, least_squares_rank
from bayesreg.problem import Problem


def check_proper(problem: Problem) -> None:
    """Raise where the posterior cannot be normalised.

    As σ → ∞ the marginal posterior of σ behaves as p(σ)·σ^−(N−f), with f unpenalised coefficients.  As σ → 0 it stays
    bounded away from zero wherever coefficients exist that fit y exactly, and is then p(σ)·σ^−(N−r), r the rank of X:
    under p(σ) = 1/σ with p ≥ n that has no integral.

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


def _check_sigma(problem: Problem) -> None:
    dispersion = problem.likelihood.dispersion
    assert dispersion is not None
    total = problem.moments().total
    free = 0 if problem.prior.hyperprior is not None else int(np.isinf(problem.prior.variance(problem.p)).sum())
    if problem.intercept is not None:
        free += int(np.isinf(problem.intercept.variance(1)).sum())
    if dispersion.power_at_infinity - (total - free) >= -1:
        msg = (
            f"the posterior of sigma has no integral at infinity: {total:g} rows, {free} unpenalised coefficients and "
            f"the prior {dispersion}; add rows or give sigma a proper prior such as HalfNormal(scale)"
        )
        raise FitError(msg)
    if not problem.scale_by_noise and fits_exactly(problem):
        rank = least_squares_rank(problem)
        if dispersion.power_at_zero - (total - rank) <= -1:
            msg = (
                f"the posterior of sigma has no integral at zero: the {problem.p} columns can fit all {problem.n} rows "
                f"exactly, and the prior {dispersion} then piles up at sigma = 0; give sigma a value or a proper prior "
                "such as HalfNormal(scale), or use scale_by_noise=True"
            )
            raise FitError(msg)
