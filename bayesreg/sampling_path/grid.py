"""The scales that a path runs over."""

from __future__ import annotations

import math

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.descent import minimise
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimality import critical_factor
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import positive_number

DECADES = 3.0
"""How far above the critical scale the default path runs, as paths of penalised optima do."""

STRONG = 100.0
"""Where no coefficient has a kink to leave: the precision of the prior the path starts at, over the data's own."""

TINY = 1e-8
"""Of the response's sd: a prior scale that leaves coefficients no room."""


def read_scales(problem: Problem, family: ScaleFamily, scales: object, count: int) -> Array:
    """Return the scales asked for, sorted, or the default ones.

    Raises
    ------
    ParameterError
        If one is not a positive number, or two are the same.
    """
    count = read_integer("count", count, 2)
    if scales is None:
        return default_scales(problem, family, count)
    values = np.atleast_1d(np.asarray(scales))
    if values.ndim != 1 or not values.size:
        msg = f"posterior_path: scales must be one or more numbers in a row (got an array of shape {values.shape})"
        raise ParameterError(msg)
    found = np.sort([positive_number("posterior_path", "scales", value) for value in values.tolist()])
    twice = np.flatnonzero(np.diff(found) == 0)
    if twice.size:
        msg = f"posterior_path: scales must differ (got {found[twice[0]]:g} more than once)"
        raise ParameterError(msg)
    return found


def default_scales(problem: Problem, family: ScaleFamily, count: int) -> Array:
    """Scales from the critical one, at which the first coefficient of the mode leaves its location, upwards.

    An unknown dispersion counts with what it is when every coefficient is at its location.  Where the penalty has no
    kink the path starts where the prior's precision is a hundred times the data's; where it is not convex, a decade and
    a half below the prior's own scale.
    """
    lowest = _critical(problem, family) if family.prior.convex else (family.own or 1.0) / 10 ** (DECADES / 2)
    return np.asarray(np.geomspace(lowest, lowest * 10**DECADES, count))


def _critical(problem: Problem, family: ScaleFamily) -> float:
    unit = problem.response_sd() or 1.0
    guess = problem.dispersion_guess()
    units = guess if problem.scale_by_noise and problem.likelihood.sigma_known is None else 1.0
    known = problem.likelihood.sigma_known
    units = known if problem.scale_by_noise and known is not None else units
    tight = problem.with_prior(family.at(TINY * unit / units)).conditional(guess)
    theta = minimise(tight)[0]
    location = family.prior.location(problem.p)
    theta[-problem.p :] = location
    one = problem.with_prior(family.at(1.0)).conditional(guess)
    critical = critical_factor(one, theta)[-problem.p :].max()
    if np.isfinite(critical) and critical > 0:
        return float(1 / critical)
    curvature = float(np.diag(one.curvature(theta))[-problem.p :].mean())
    if not curvature > 0:
        msg = "posterior_path: no column varies, so every scale gives the prior back; give scales"
        raise ParameterError(msg)
    variance = one.penalty_prior.variance(theta.size)[-problem.p :]
    width = float(np.sqrt(variance[np.isfinite(variance)].mean()))
    return 1 / (math.sqrt(STRONG * curvature) * width)
