"""Nothing is concluded from draws that failed a gate; and which point estimate draws are held against."""

from __future__ import annotations

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_penalized
from bayesreg.samplers import Posterior


def withheld_by(posterior: Posterior) -> str:
    """Return why nothing may be concluded from these draws; empty where every gate passed."""
    return "; ".join(posterior.verdict.reasons)


def require_posterior(value: object, caller: str) -> None:
    """Raise ParameterError unless `value` is a Posterior."""
    if not isinstance(value, Posterior):
        msg = f"{caller} takes a Posterior (got {type(value).__name__}); draw one with bayesreg.sample(problem)"
        raise ParameterError(msg)


def point_of(posterior: Posterior, optimum: Optimum | None, caller: str) -> Optimum:
    """Return the point estimate to hold the draws against: that given, or the penalised fit of the same problem.

    Where the prior's scale has a prior there is no mode of all unknowns: the fit is at the scale's posterior median.

    Raises
    ------
    ParameterError
        If `optimum` is no Optimum, or is one of other columns.
    FitError
        If the problem has no finite optimum.
    """
    if optimum is None:
        problem = posterior.problem
        if problem.prior.hyperprior is not None:
            problem = problem.with_prior(problem.prior.at(float(np.median(posterior.draws("beta_scale")))))
        return fit_penalized(problem)
    if not isinstance(optimum, Optimum):
        msg = f"{caller}: optimum must be an Optimum, as find_map and fit_penalized return (got {optimum!r})"
        raise ParameterError(msg)
    if optimum.names != posterior.problem.names:
        msg = f"{caller}: the optimum has the columns {optimum.names}, the posterior {posterior.problem.names}"
        raise ParameterError(msg)
    return optimum
