"""The penalised optimum at each of a family's priors, and the scales to look at."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayesreg.descent import minimise
from bayesreg.design import column_moments
from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.optimality import critical_factor
from bayesreg.problem import Problem
from bayesreg.quadratic import minimise_quadratic
from bayesreg.scale_family import ScaleFamily

DEPTH = 1e-3
"""Smallest λ tried, as a fraction of the critical λ (scikit-learn's `eps`)."""

WIDE, FEW = 4, 256
"""Columns, as a multiple of the rows or at least so many, up to which a path is found from sums over pairs of them."""


def default_scales(fixed: Problem, family: ScaleFamily, count: int) -> Array:
    """Scales (count,), ascending, from the one at which every coefficient leaves its location to a weak prior.

    Raises
    ------
    FitError
        If no column varies.
    """
    unit = fixed.with_prior(family.at(1.0))
    theta = _at_the_location(unit, family)
    critical = critical_factor(unit, theta)[-unit.p :].max()
    if np.isfinite(critical) and critical > 0:
        return np.asarray(np.geomspace(1 / critical, 1 / critical / DEPTH, count))
    # No kink: prior precision from a hundred times the data's own to a hundred-thousandth of it.
    variance = unit.prior.variance(unit.p)
    told = np.diag(unit.curvature(theta))[-unit.p :] * np.where(np.isfinite(variance), variance, np.nan)
    if not np.nanmax(told) > 0:
        msg = "cross-validation: no column varies, so no prior scale predicts better than another; give a scale"
        raise FitError(msg)
    own = np.nansum(told) / min(np.isfinite(told).sum(), fixed.n)  # by direction that the rows tell of
    return np.asarray(np.geomspace(1.0, 10**3.5, count) / np.sqrt(1e2 * own))


def _at_the_location(unit: Problem, family: ScaleFamily) -> Array:
    """θ with every coefficient under a proper prior at its location, and the others where they are then best."""
    sd = column_moments(unit.design.rows).sd
    variance = unit.prior.variance(unit.p)
    spread = np.sqrt(np.where(np.isfinite(variance), variance * np.maximum(sd, 1e-300) ** 2, 0.0).max()) or 1.0
    tight = unit.with_prior(family.at(1e-8 * (unit.response_sd() or 1.0) / spread))
    theta = minimise(tight)[0]
    theta[-unit.p :] = np.where(np.isfinite(variance), unit.prior.location(unit.p), theta[-unit.p :])
    return theta


def solve_path(fixed: Problem, family: ScaleFamily, scales: Array) -> Array:
    """Return θ (g, k), the minimum of J under the prior at each scale (ascending), each started from the last.

    Raises
    ------
    FitError
        If J has no finite minimum.
    """
    quadratic = fixed.likelihood.quadratic and family.at(1.0).elastic(fixed.p) is not None
    quadratic = quadratic and fixed.p <= max(FEW, WIDE * fixed.n)
    return np.array(list(_quadratic_path(fixed, family, scales) if quadratic else _path(fixed, family, scales)))


def _path(train: Problem, family: ScaleFamily, scales: Array) -> Iterator[Array]:
    beta = None
    for scale in scales:
        theta, _ = minimise(train.with_prior(family.at(float(scale))), beta)
        beta = train.split(theta)[1]
        yield theta


def _quadratic_path(train: Problem, family: ScaleFamily, scales: Array) -> Iterator[Array]:
    """The same where Σ w·nll is one quadratic: its gradient and Hessian are summed over the rows once."""
    work, shift = train.centred()
    theta = start = np.zeros(len(work.labels))
    hessian, slope = work.curvature(start), work.gradient(start)
    for scale in scales:
        elastic = work.with_prior(family.at(float(scale))).penalty_prior.elastic(start.size)
        assert elastic is not None
        theta = minimise_quadratic(hessian, slope + hessian @ (theta - start), elastic, theta, work.labels)
        answer = theta.copy()
        if work.has_intercept:
            answer[0] -= shift @ theta[1:]
        yield answer
