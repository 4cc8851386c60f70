"""Truths along a grid of sizes, and how large they are: in standard errors, and beside the prior."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.rows import cross_products

COPIES = 100
"""Responses that the expected information is an average over."""

SINGULAR = 1e-10
"""Least eigenvalue of an information matrix at unit diagonal up to which it determines no estimate."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """Coefficients β_g = μ + f_g(β − μ) at each factor f_g, μ the prior's location, and their sizes.

    Parameters
    ----------
    factors : array (G,)
    beta : array (G, p)
        On the scale that the prior sees.
    signal : array (G, p)
        |β_g − μ| in standard errors of the unpenalised estimate, from the expected information at the truth.
    ratio : array (G, p)
        |β_g − μ| in standard deviations of the prior; NaN where it has none, or its scale is unknown.
    alone : bool
        Whether the information is singular, and standard errors are those with the other coefficients held.
    """

    factors: Array
    beta: Array
    signal: Array
    ratio: Array
    alone: bool

    @classmethod
    def of(cls, law: Problem, truth: Array, factors: Array, intercept: float, rng: np.random.Generator) -> Truths:
        """Return the grid of one truth; `law` has the dispersion of the truth."""
        location = location_of(law)
        away = factors[:, None] * (truth - location)
        beta = location + away
        information = [expected_information(law, law.join(intercept, b), rng) for b in beta]
        alone = any(_singular(matrix) for matrix in information)
        se = np.array([_standard_errors(law, matrix, alone=alone) for matrix in information])
        variance = np.full(law.p, np.nan) if law.prior.hyperprior is not None else law.prior.variance(law.p)
        ratio = np.abs(away) / np.sqrt(np.where(np.isfinite(variance), variance, np.nan))
        return cls(factors, beta, np.abs(away) / se, ratio, alone)


def location_of(problem: Problem) -> Array:
    """The prior's location (p,), whatever its scale."""
    prior = problem.prior if problem.prior.hyperprior is None else problem.prior.at(1.0)
    return prior.location(problem.p)


def expected_information(law: Problem, theta: Array, rng: np.random.Generator) -> Array:
    """Fisher information (k, k) of θ at a truth, the average over simulated responses where they matter.

    XᵀWX with W the expected second derivative of the nll of each row, or, as that may be negative where the nll is not
    convex, the expected square of the first.
    """
    block = law.design.rows.collect()
    likelihood, eta = law.likelihood.on(block), law.linear_predictor(block, theta)
    bend = np.zeros(eta.shape)
    for _ in range(COPIES):
        y = likelihood.simulate(eta, None, rng)
        bend += (likelihood.d2(eta, y) if likelihood.convex else likelihood.d1(eta, y) ** 2) / COPIES
    bend = block.weighted(bend)
    lead = int(law.has_intercept)
    found = np.empty((theta.size, theta.size))
    found[lead:, lead:] = cross_products(block.X, bend)
    if lead:
        found[0, 0] = bend.sum()
        found[0, 1:] = found[1:, 0] = block.X.T @ bend
    return found


def _singular(information: Array) -> bool:
    diagonal = np.diag(information)
    if not (diagonal > 0).all():
        return True
    unit = np.sqrt(diagonal)
    return bool(np.linalg.eigvalsh(information / np.outer(unit, unit))[0] <= SINGULAR)


def _standard_errors(law: Problem, information: Array, *, alone: bool) -> Array:
    """Of the coefficients (p,), the others estimated too or, `alone`, the intercept only; ∞ where nothing is known."""
    if not alone:
        unit = np.sqrt(np.diag(information))
        inverse = np.linalg.inv(information / np.outer(unit, unit))
        return np.asarray((np.sqrt(np.diag(inverse)) / unit)[law.positions])
    known = np.diag(information)[law.positions].copy()
    if law.has_intercept and information[0, 0] > 0:
        known -= information[0, 1:] ** 2 / information[0, 0]
    with np.errstate(divide="ignore"):
        return np.asarray(1 / np.sqrt(np.maximum(known, 0.0)))


def read_truth(problem: Problem, truth: Mapping[str, float] | ArrayLike) -> Array:
    """Return the true coefficients (p,): one a column, or by name, those not named at the prior's location.

    Raises
    ------
    ParameterError
        If a name is no column's, or the numbers are not finite or not as many as there are columns.
    """
    if isinstance(truth, Mapping):
        strange = [name for name in truth if name not in problem.names]
        if strange:
            known = ", ".join(problem.names[:6]) + (", ..." if problem.p > 6 else "")
            msg = f"coverage: truth names {strange[0]!r}, which is no column (there are {known})"
            raise ParameterError(msg)
        values = dict(zip(problem.names, location_of(problem), strict=True)) | dict(truth)
        given: ArrayLike = [values[name] for name in problem.names]
    else:
        given = truth
    try:
        found = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        found = np.empty(0)
    if found.shape != (problem.p,) or not np.isfinite(found).all():
        msg = (
            f"coverage: truth must be {problem.p} finite numbers, one a column, or a mapping from column names to "
            f"numbers (got {truth!r:.80})"
        )
        raise ParameterError(msg)
    return found


def read_factors(signals: ArrayLike) -> Array:
    """Return the factors (G,) that the truth is multiplied by.

    Raises
    ------
    ParameterError
        Unless they are ascending finite numbers ≥ 0.
    """
    try:
        found = np.atleast_1d(np.asarray(signals, dtype=float))
    except (TypeError, ValueError):
        found = np.empty(0)
    fine = found.ndim == 1 and found.size and np.isfinite(found).all() and found.min() >= 0
    if not fine or (np.diff(found) <= 0).any():
        msg = f"coverage: signals must be ascending numbers >= 0 that the truth is multiplied by (got {signals!r:.80})"
        raise ParameterError(msg)
    return found
