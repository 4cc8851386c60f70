"""The sparsest coefficients that predict nearly what given ones do, for many given ones at once.

With G = X'WX about the W-weighted means, normalised, the mean square of X(β − γ) is (β − γ)'G(β − γ).  Over γ with
support S it is least at γ_S = G_SS⁻¹(Gβ)_S, where it is β'Gβ − (Gβ)_S' G_SS⁻¹ (Gβ)_S: a best-subset regression of Xβ on
the columns, in which only Gβ differs between draws.

Up to `EXHAUSTIVE` columns all subsets are tried, smallest first.  Beyond, columns enter by the greatest gain (the
residual columns are kept by a pivoted Cholesky decomposition of G, one for each draw), and then leave while the
tolerance holds; where G has an inverse, leaving one by one from all columns is tried too, and the smaller is taken.
Columns that nearly span each other cost the search its digits.  Each support that it finds is therefore proven by the
coefficients themselves, and grows where they do not keep the tolerance: such a support may not be the sparsest.
"""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.moments import check_square
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem

Mask = NDArray[np.bool_]

EXHAUSTIVE = 10
"""Columns up to which all 1,024 subsets are tried."""

BACKWARD = 60
"""Columns up to which elimination from all of them is tried as well."""

WELL_CONDITIONED = 1e8
"""Condition of the correlation matrix of the columns up to which that is done."""

SPANNED = 1e-8
"""Share of a column's square left by those chosen, below which it is in their span."""

SLACK = 1e-6
"""Share of the squared tolerance by which the proof of a support may miss it."""

RIDGE = 1e-13
"""Share of a column's square that is added to it where coefficients are solved for: refinement takes it out again."""

REFINEMENTS = 3
"""Times that coefficients are solved for, each time for what is left."""

ROUNDING = 1e-12
"""Share of β'Gβ that rounding leaves uncertain of a residual."""

CELLS = 1 << 20
"""Draws × columns, or draws × columns², worked on at once: 8 MiB."""


def metric(problem: Problem, optimum: Optimum) -> Array:
    """G (p, p) with (β − γ)'G(β − γ) the mean square of X(β − γ) under the curvature of the likelihood at a point.

    Raises
    ------
    ParameterError
        If the likelihood needs a dispersion that neither it nor the optimum has.
    FitError
        If no row has any curvature there.
    InputError
        If there are too many columns for a matrix of all pairs.
    """
    check_square(problem.p)
    if problem.likelihood.quadratic:
        moments = problem.moments()
        about = moments.xx / moments.total
        return about if problem.has_intercept else np.asarray(about + np.outer(moments.x_mean, moments.x_mean))
    if optimum.sigma is None and problem.likelihood.dispersion is not None:
        msg = "selection: the optimum has no dispersion, which is unknown here; give one of fit_penalized or find_map"
        raise ParameterError(msg)
    fixed, shift = problem.conditional(optimum.sigma).centred()
    theta = fixed.join(optimum.intercept + float(shift @ optimum.beta), optimum.beta)

    def fn(block: Block) -> tuple[Array, ...]:
        eta = fixed.linear_predictor(block, theta)
        return (block.weighted(fixed.likelihood.on(block).majorizer(eta, block.y)).sum(keepdims=True),)

    total = float(fixed.design.rows.sum(fn)[0][0])
    if not (np.isfinite(total) and total > 0):
        msg = f"selection: the likelihood has no curvature at the point estimate (over all rows: {total:g})"
        raise FitError(msg)
    hessian = fixed.curvature(theta, majorized=True) / total
    if not problem.has_intercept:
        return np.asarray(hessian)
    return np.asarray(hessian[1:, 1:] - np.outer(hessian[0, 1:], hessian[0, 1:]))


def sparsest(gram: Array, deviations: Array, tolerance: float) -> Mask:
    """Supports (d, p) of the sparsest γ with √((β − γ)'G(β − γ)) ≤ `tolerance`, for the rows β of `deviations` (d, p).

    Of supports of one size that with the least residual; exact up to `EXHAUSTIVE` columns, by search beyond.
    """
    p = len(gram)
    limit = tolerance**2 + ROUNDING * np.einsum("dp,pq,dq->d", deviations, gram, deviations, optimize=True)
    if p <= EXHAUSTIVE:
        return every_subset(gram, deviations, limit)
    unit = 1 / np.sqrt(np.where(np.diag(gram) > 0, np.diag(gram), 1.0))
    backward = p <= BACKWARD and (np.diag(gram) > 0).all() and _condition(gram * np.outer(unit, unit))
    found = np.empty(deviations.shape, dtype=bool)
    step = max(1, CELLS // p ** (2 if backward else 1) if p <= BACKWARD else CELLS // (16 * p))
    for i in range(0, len(deviations), step):
        some = slice(i, i + step)
        beta = deviations[some]
        one = eliminated(gram, beta, limit[some], entered(gram, beta, limit[some]))
        if backward:
            other = eliminated(gram, beta, limit[some], np.ones_like(one))
            smaller = other.sum(axis=1) < one.sum(axis=1)
            one = np.where(smaller[:, None], other, one)
        found[some] = _mended(gram, beta, limit[some], one)
    return found


def _mended(gram: Array, beta: Array, limit: Array, support: Mask) -> Mask:
    """Supports (d, p) grown by the columns of the greatest own effect, until coefficients prove the tolerance."""
    effect = np.abs(beta) * np.sqrt(np.diag(gram))
    grown, more = support.copy(), 1
    over = np.flatnonzero(achieved(gram, beta, grown) > limit * (1 + SLACK))
    while over.size:
        order = np.argsort(-np.where(grown[over], -1.0, effect[over]), axis=1, kind="stable")
        grown[over[:, None], order[:, :more]] = True
        over = over[achieved(gram, beta[over], grown[over]) > limit[over] * (1 + SLACK)]
        more *= 2  # all columns leave nothing, so that this ends
    return grown


def achieved(gram: Array, beta: Array, support: Mask) -> Array:
    """Mean square (d,) of X(β − γ) for a γ on each support (d, p) that is solved for, and refined: an upper bound.

    e = β − γ is β off the support, and on it solves G_SS e_S = −G_SR β_R.
    """
    place, kept = _packed(support)
    inner = _inner(gram, place, kept)
    width = np.arange(place.shape[1])
    inner[:, width, width] *= 1 + RIDGE
    error = np.where(support, 0.0, beta)
    for _ in range(REFINEMENTS):
        slope = np.where(kept, np.take_along_axis(error @ gram, place, axis=1), 0.0)
        step = np.linalg.solve(inner, slope[..., None])[..., 0]
        np.put_along_axis(error, place, np.take_along_axis(error, place, axis=1) - step, axis=1)
    return np.asarray(((error @ gram) * error).sum(axis=1))


def _packed(support: Mask) -> tuple[NDArray[np.int_], Mask]:
    """Columns (d, k) of each support (d, p), those in it first, and which of them are in it."""
    width = int(support.sum(axis=1).max(initial=0))
    place = np.argsort(~support, axis=1, kind="stable")[:, :width]
    return place, np.take_along_axis(support, place, axis=1)


def _inner(gram: Array, place: NDArray[np.int_], kept: Mask) -> Array:
    """G_SS (d, k, k) of packed supports, bordered by the identity."""
    both = kept[:, :, None] & kept[:, None, :]
    return np.where(both, gram[place[:, :, None], place[:, None, :]], np.eye(place.shape[1]))


def _condition(correlation: Array) -> bool:
    values = np.linalg.eigvalsh(correlation)
    return bool(values[0] * WELL_CONDITIONED > values[-1])


def every_subset(gram: Array, deviations: Array, limit: Array) -> Mask:
    """Supports (d, p) of the least size that keeps the mean square within `limit` (d,), from all subsets."""
    p = len(gram)
    found = np.zeros(deviations.shape, dtype=bool)
    left = np.arange(len(deviations))
    for size in range(p + 1):
        subsets = np.array(list(combinations(range(p), size)), dtype=int).reshape(comb(p, size), size)
        residual = np.stack([_residuals(gram, deviations[left], subset) for subset in subsets], axis=1)
        best = residual.argmin(axis=1)
        within = (residual[np.arange(left.size), best] <= limit[left]) | (size == p)
        found[left[within, None], subsets[best[within]]] = True
        left = left[~within]
        if not left.size:
            break
    return found


def _residuals(gram: Array, beta: Array, subset: NDArray[np.int_]) -> Array:
    """Least mean square (d,) of X(β − γ) over γ with that support: β_R'(G_RR − G_RS G_SS⁺ G_SR)β_R, R the others."""
    rest = np.setdiff1d(np.arange(len(gram)), subset)
    cross = gram[np.ix_(subset, rest)]
    inner = gram[np.ix_(subset, subset)]
    schur = gram[np.ix_(rest, rest)] - cross.T @ np.linalg.pinv(inner, rcond=SPANNED, hermitian=True) @ cross
    return np.asarray(((beta[:, rest] @ schur) * beta[:, rest]).sum(axis=1))


def entered(gram: Array, beta: Array, limit: Array) -> Mask:
    """Supports (d, p) by forward selection: each time the column that lowers the mean square most, until within limit.

    After columns j₁ … j_k, `factor` (d, k, p) holds rows of the pivoted Cholesky decomposition of G, `left` (d, p) what
    of each column they do not explain, `slope` (d, p) its product with the residual.
    """
    count, p = beta.shape
    support = np.zeros((count, p), dtype=bool)
    slope = beta @ gram
    residual = (slope * beta).sum(axis=1)
    own = np.diag(gram)
    left = np.tile(own, (count, 1))
    factor = np.zeros((count, 16, p))
    rows = np.arange(count)
    for k in range(p):
        usable = left > SPANNED * own
        gain = np.divide(slope**2, left, out=np.zeros_like(left), where=usable)
        best = gain.argmax(axis=1)
        going = (residual > limit) & (gain[rows, best] > 0)
        if not going.any():
            break
        if k == factor.shape[1]:
            factor = np.concatenate([factor, np.zeros_like(factor)], axis=1)
        chosen = left[rows, best]
        entry = np.where(going, np.sqrt(np.where(going, chosen, 1.0)), np.inf)
        explained = (factor[rows, :k, best][:, None] @ factor[:, :k])[:, 0]
        row = (gram[best] - explained) / entry[:, None]  # 0 for draws that are within their limit
        factor[:, k] = row
        slope -= (slope[rows, best] / entry)[:, None] * row
        left -= row**2
        residual -= np.where(going, gain[rows, best], 0.0)
        support[rows[going], best[going]] = True
        left[rows[going], best[going]] = 0.0
    return support


def eliminated(gram: Array, beta: Array, limit: Array, support: Mask) -> Mask:
    """Drop from each support (d, p) the column that costs least, while the mean square stays within `limit` (d,).

    Refitted each time: with A = G_SS⁻¹ and γ = A(Gβ)_S, without column j the mean square rises by γ_j²/A_jj.
    """
    count, p = beta.shape
    place, kept = _packed(support)
    width = place.shape[1]
    inverse = np.linalg.inv(_inner(gram, place, kept))
    slope = np.where(kept, np.take_along_axis(beta @ gram, place, axis=1), 0.0)
    gamma = (inverse @ slope[..., None])[..., 0]
    residual = ((beta @ gram) * beta).sum(axis=1) - (slope * gamma).sum(axis=1)
    rows = np.arange(count)
    for _ in range(width):
        own = np.where(kept, inverse[:, np.arange(width), np.arange(width)], 1.0)
        cost = np.where(kept, gamma**2 / own, np.inf)
        least = cost.argmin(axis=1)
        going = residual + cost[rows, least] <= limit
        if not going.any():
            break
        column = np.where(going[:, None], inverse[rows, :, least], 0.0)
        pivot = np.where(going, own[rows, least], 1.0)
        residual += np.where(going, cost[rows, least], 0.0)
        gamma -= column * (gamma[rows, least] / pivot)[:, None]
        inverse -= column[:, :, None] * (column / pivot[:, None])[:, None, :]
        kept[rows[going], least[going]] = False
    found = np.zeros((count, p), dtype=bool)
    np.put_along_axis(found, place, kept, axis=1)
    return found
