"""The scales that a path is made of."""

from __future__ import annotations

import numpy as np

from bayesreg.descent import minimise
from bayesreg.design import column_moments
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimality import critical_factor
from bayesreg.penalty_path.reduced import Reduced
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily

DEPTH = 1e-3
"""Smallest λ tried, as a fraction of the critical λ (scikit-learn's `eps`)."""

INSIDE = 1 - 1e-9
"""Where a default path starts, as a fraction of the critical scale: at it, rounding decides what is at its kink."""


def default_scales(
    fixed: Problem, family: ScaleFamily, count: int, reduced: Reduced | None = None, critical: float = np.nan
) -> Array:
    """Scales (count,), ascending, from the one at which the first coefficient leaves its location to a weak prior.

    Where the penalty has no kink, from a prior precision of a hundred times what the data tell of a coefficient to a
    hundred-thousandth of it.  The critical scale may be given where it is known.

    Raises
    ------
    FitError
        If no column varies.
    """
    if np.isfinite(critical):
        return np.asarray(np.geomspace(1.0, 1 / DEPTH, count) * critical * INSIDE)
    unit = fixed.with_prior(family.at(1.0))
    factors = _critical_factors(unit, family, reduced)
    factors = factors[np.isfinite(factors)]
    if factors.size and factors.max() > 0:
        return np.asarray(np.geomspace(1.0, 1 / DEPTH, count) * INSIDE / factors.max())
    variance = unit.prior.variance(unit.p)
    bends = np.diag(reduced.hessian) if reduced is not None else unit.curvature_diagonal(_located(unit, family))
    told = (bends[-unit.p :] * variance)[np.isfinite(variance)]
    if not told.max() > 0:
        msg = "no column varies, so that every prior scale gives the same fit; give scales"
        raise FitError(msg)
    each = float(told.sum()) / min(told.size, fixed.n)  # by direction that the rows tell of
    return np.asarray(np.geomspace(1.0, 10**3.5, count) / np.sqrt(1e2 * each))


def critical_scale(fixed: Problem, family: ScaleFamily, reduced: Reduced | None = None) -> float:
    """Return the largest scale at which every coefficient under a proper prior is at its location.

    1 over the largest factor on the penalty's kinks (at s = 1) at which a coefficient would start to leave; NaN where
    some coefficient has no kink to be held by.
    """
    factors = _critical_factors(fixed.with_prior(family.at(1.0)), family, reduced)
    largest = float(factors.max())
    return 1 / largest if 0 < largest < np.inf else np.nan


def _critical_factors(unit: Problem, family: ScaleFamily, reduced: Reduced | None) -> Array:
    """Factor on its kink's rate at which each coefficient under a proper prior leaves; ∞ where it has no kink."""
    proper = np.isfinite(unit.prior.variance(unit.p))
    if reduced is None:
        return critical_factor(unit, _located(unit, family))[-unit.p :][proper]
    at_one = reduced.at(unit, family, 1.0)
    whole = at_one.penalty_prior
    theta, size = whole.location(len(reduced.score)).copy(), len(reduced.score)
    flat = np.flatnonzero(np.isinf(whole.variance(size)))
    if flat.size:
        rest = reduced.score - reduced.hessian @ theta
        theta[flat] += np.linalg.lstsq(reduced.hessian[np.ix_(flat, flat)], rest[flat], rcond=None)[0]
    return critical_factor(at_one, theta)[-unit.p :][proper]


def _located(unit: Problem, family: ScaleFamily) -> Array:
    """θ with every coefficient under a proper prior at its location, and the others where they are then best."""
    sd = column_moments(unit.design.rows).sd
    variance = unit.prior.variance(unit.p)
    proper = np.isfinite(variance)
    spread = float(np.sqrt((variance * sd**2)[proper].max(initial=0.0))) or 1.0
    theta = minimise(unit.with_prior(family.at(1e-8 * (unit.response_sd() or 1.0) / spread)))[0]
    theta[-unit.p :] = np.where(proper, unit.prior.location(unit.p), theta[-unit.p :])
    return theta


def read_scales(caller: str, scales: object) -> Array:
    """Return given scales, ascending and without repetition.

    Raises
    ------
    ParameterError
        If they are no finite numbers > 0.
    """
    try:
        given = np.asarray(scales, dtype=float)
    except (TypeError, ValueError):
        given = np.zeros(0)
    values = np.unique(given)
    if given.ndim > 1 or not values.size or not (np.isfinite(values) & (values > 0)).all():
        msg = f"{caller}: scales must hold finite numbers > 0 (got {scales!r})"
        raise ParameterError(msg)
    return values
