"""The certificate of many points at once: θ under one prior that is stretched from point to point.

A prior at scale s has pen_s(β) = pen(μ + (β − μ)/s), so that

    ∂pen_s(β) = ∂pen(μ + (β − μ)/s)/s,     pen_s*(u) = μu + pen*(su) − μ·su

and the rules of `optimality` need the prior at scale 1 alone.  Each pass over the rows is one product of matrices for
all points.  What is not certified here is left to `optimality.certify`, which also moves the dual point to the face.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Block, SeparablePrior
from bayesreg.optimality import GAP_TOLERANCE, KKT_TOLERANCE, ROUNDING
from bayesreg.problem import Problem

SINGULAR = 1e-8
"""Relative pivot below which a Hessian is not inverted."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Proofs:
    """Certificates of g points.

    Parameters
    ----------
    kkt, gap : arrays (g,)
        Largest KKT residual, in nats per unit, and Fenchel duality gap, in nats.
    zero : bool array (g, k)
        Entries exactly at a kink.
    certified : bool array (g,)
        Whether residual and gap are within the tolerances of `optimality`.
    value : array (g,)
        J in nats.
    """

    kkt: Array
    gap: Array
    zero: NDArray[np.bool_]
    certified: NDArray[np.bool_]
    value: Array


def applies(unit: Problem) -> bool:
    """Whether points can be certified together: J convex, and no column without a penalty but the intercept."""
    flat = np.flatnonzero(np.isinf(unit.penalty_prior.variance(len(unit.labels))))
    separable = all(isinstance(prior, SeparablePrior) for prior, _ in unit.penalty_prior.leaves())
    held = bool((flat < int(unit.has_intercept)).all())
    return unit.convex and separable and held and not unit.design.rows.sparse


def certify_each(unit: Problem, thetas: Array, stretch: Array, rates: Array, hessian: Array | None = None) -> Proofs:
    """Return the certificates of points θ under the prior of `unit`, stretched.

    Parameters
    ----------
    unit : Problem
        Its prior at scale 1, the dispersion fixed.
    thetas : array (g, k)
    stretch : array (g, k)
        s by point and entry; 1 where the prior stays as it is.
    rates : array (g, k)
        λ by point and entry.
    hessian : array (k, k), optional
        That of Σ w·nll, where it is one quadratic.
    """
    prior = unit.penalty_prior
    loc = prior.location(thetas.shape[1])
    slope, size, bend = _gradients(unit, thetas)
    at_one, pulled = loc + (thetas - loc) / stretch, -slope * stretch
    signed = (pulled - prior.nearest_subgradient(at_one, pulled)) / stretch
    residual = np.abs(signed)
    tolerance = np.maximum(KKT_TOLERANCE * np.maximum(1.0, rates), ROUNDING * size)
    moved, correction = slope, np.zeros(len(thetas))
    if unit.flat_intercept:  # the dual point must not pull at what nothing holds
        correction = slope[:, 0] / np.where(bend[:, 0] > 0, bend[:, 0], 1.0)
        moved = slope - correction[:, None] * bend
        moved[:, 0] = 0.0
    reach = prior.dual_gauge(moved * stretch).max(axis=1, initial=0.0)
    shrink = np.where(reach > 1, 1 / np.maximum(reach, 1.0), 1.0)
    u = prior.dual_projection(-shrink[:, None] * moved * stretch)
    penalty = np.asarray(prior.penalty(at_one))
    held = penalty + (prior.conjugate(u) - u * at_one).sum(axis=1)
    values, brackets = _brackets(unit, thetas, correction, shrink)
    gap = brackets + np.maximum(held, 0.0)
    if hessian is not None:
        gap = np.minimum(gap, _quadratic_gap(hessian, signed))
    allowed = np.maximum(GAP_TOLERANCE, ROUNDING * (np.abs(values) + penalty + (size * np.abs(thetas)).sum(axis=1)))
    sound = (residual <= tolerance).all(axis=1) & (gap <= allowed)
    return Proofs(residual.max(axis=1), gap, prior.at_kink(at_one), sound, values + penalty)


def _quadratic_gap(hessian: Array, residual: Array) -> Array:
    """½rᵀH⁻¹r (g,) of KKT residuals r (g, k): the gap of the dual point whose u is the subgradient nearest to −∇f.

    Fenchel's inequality is then an equality in the penalty's part; ∞ where H is singular to rounding.
    """
    diagonal = np.diag(hessian)
    if not diagonal.size or diagonal.min() <= 0:
        return np.full(len(residual), np.inf)
    unit = 1 / np.sqrt(diagonal)
    try:
        lower = np.linalg.cholesky(hessian * np.outer(unit, unit))
    except np.linalg.LinAlgError:
        return np.full(len(residual), np.inf)
    if np.diag(lower).min() ** 2 <= SINGULAR:
        return np.full(len(residual), np.inf)
    return np.asarray(0.5 * (np.linalg.solve(lower, (residual * unit).T) ** 2).sum(axis=0))


def _gradients(unit: Problem, thetas: Array) -> tuple[Array, Array, Array]:
    """Gradients (g, k) of Σ w·nll, Σ|their terms|, and the Hessians' rows that belong to the intercept."""

    def fn(block: Block) -> tuple[Array, ...]:
        likelihood, y = unit.likelihood.on(block), block.y[:, None]
        eta = unit.linear_predictor(block, thetas.T)
        first, second = likelihood.d1(eta, y), likelihood.d2(eta, y)
        if block.weights is not None:
            first, second = first * block.weights[:, None], second * block.weights[:, None]
        parts = [block.X.T @ first, np.abs(block.X).T @ np.abs(first), block.X.T @ second]
        if unit.has_intercept:
            parts = [
                np.vstack([s.sum(axis=0), part]) for s, part in zip((first, abs(first), second), parts, strict=True)
            ]
        return tuple(parts)

    slope, size, bend = unit.design.rows.sum(fn)
    return slope.T, size.T, bend.T


def _brackets(unit: Problem, thetas: Array, correction: Array, shrink: Array) -> tuple[Array, Array]:
    """Σ w·nll (g,), and Σ w(nll + nll* − νη) of the rows, each term non-negative."""

    def fn(block: Block) -> tuple[Array, ...]:
        likelihood, y = unit.likelihood.on(block), block.y[:, None]
        eta = unit.linear_predictor(block, thetas.T)
        nll = likelihood.nll(eta, y)
        nu = shrink * (likelihood.d1(eta, y) - likelihood.d2(eta, y) * correction)
        terms = np.maximum(nll + likelihood.conjugate(nu, y) - nu * eta, 0.0)
        if block.weights is None:
            return nll.sum(axis=0), terms.sum(axis=0)
        terms = np.where(block.weights[:, None] == 0, 0.0, terms)
        return block.weights @ nll, block.weights @ terms

    values, brackets = unit.design.rows.sum(fn)
    return values, brackets
