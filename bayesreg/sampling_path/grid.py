"""The scales that a path of posteriors runs over."""

from __future__ import annotations

import numpy as np

from bayesreg import penalty_path
from bayesreg.arguments import read_integer
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily

DECADES = 3.0
"""How far the default path runs about the prior's own scale, where the penalty is not convex."""


def read_scales(problem: Problem, family: ScaleFamily, scales: object, count: int) -> Array:
    """Return the scales asked for, sorted, or the default ones.

    Raises
    ------
    ParameterError
        If one is not a positive number.
    FitError
        If no column varies, so that every scale gives the prior back.
    """
    count = read_integer("count", count, 2)
    if scales is None:
        return default_scales(problem, family, count)
    return penalty_path.read_scales("posterior_path", scales)


def default_scales(problem: Problem, family: ScaleFamily, count: int) -> Array:
    """The scales of a penalised path, an unknown dispersion being what it is with every coefficient at its location.

    Where the penalty is not convex: three decades about the prior's own scale.
    """
    if not family.prior.convex:
        reach = 10 ** (DECADES / 2)
        return np.asarray((family.own or 1.0) * np.geomspace(1 / reach, reach, count))
    guess, unit = problem.dispersion_guess(), problem.with_prior(family.at(1.0))
    known = problem.likelihood.sigma_known
    factor = 1.0 if not problem.scale_by_noise else guess if known is None else known
    fixed = unit.conditional(guess).with_prior(family.at(1.0))
    return penalty_path.default_scales(fixed, family, count) / factor
