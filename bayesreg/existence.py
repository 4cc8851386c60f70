"""Whether J has a minimum, and only one: columns that trade off freely, that the data do not hold, or that run off.

It follows from the prior's subdifferential and the likelihood's derivatives; no prior or likelihood is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Block
from bayesreg.problem import Problem
from bayesreg.rows import is_sparse

MARGIN_AT_EDGE = 1e-7
"""A zero with a smaller margin than this sits on the edge of leaving; it counts when uniqueness is judged."""


RESIDUAL = 1e-8
"""Nats per unit that an optimum's gradient may be off; over λ, what a margin is uncertain by."""

LARGEST_PROGRAMME = 300_000
"""Cells (rows × columns) up to which separation is looked for."""


def tied_columns(problem: Problem, theta: Array, margin: Array) -> tuple[str, ...]:
    """Columns along which θ can move without changing J: empty iff the optimum is unique.

    J is constant along d iff X d = 0 on the rows, the penalty has no curvature along d, and d keeps every coefficient
    that sits on the edge of a kink (margin 0) moving outwards only (Tibshirani 2013, Electron. J. Stat. 7:1456–1490).
    A group of columns that sits on the edge of its kink is taken to stay there.
    """
    if not problem.convex:
        return ()
    problem, shift = problem.centred()  # the same J, better conditioned where columns have large means
    theta = problem.join(float(theta[0] + shift @ theta[1:]), theta[1:]) if problem.has_intercept else theta
    prior = problem.penalty_prior
    blocks = prior.blocks(theta.size)
    rate = prior.rates(theta.size)
    edge_of_zero = np.maximum(MARGIN_AT_EDGE, np.divide(RESIDUAL, rate, out=np.zeros_like(rate), where=rate > 0))
    grouped = np.bincount(blocks)[blocks] > 1
    loose = np.flatnonzero(
        np.where(grouped, ~prior.at_kink(theta), ~(margin > edge_of_zero) & (prior.curvature(theta) == 0))
    )
    if not loose.size:
        return ()
    null = _null_directions(problem.curvature(theta, loose) + prior.hessian(theta, loose))
    if not null.shape[1]:
        return ()
    edge = np.flatnonzero(prior.at_kink(theta)[loose])
    outward = np.sign(-problem.gradient(theta)[loose][edge])
    movable = _movable(null, edge, outward)
    return tuple(problem.labels[j] for j in loose[movable])


def _null_directions(hessian: Array) -> Array:
    """Directions, as columns, along which a positive semi-definite matrix is zero up to rounding."""
    unit = np.sqrt(np.diag(hessian))
    unit = np.where(unit > 0, unit, 1.0)
    values, vectors = np.linalg.eigh(hessian / np.outer(unit, unit))
    return np.asarray(vectors[:, values <= unit.size * 1e-12 * max(1.0, values[-1])] / unit[:, None])


def _movable(null: Array, edge: NDArray[np.int_], outward: Array) -> NDArray[np.int_]:
    """Rows of `null` that some combination of its columns moves while edge rows move outwards only."""
    if not edge.size:
        return np.flatnonzero(np.abs(null).max(axis=1) > 1e-9 * np.abs(null).max())
    from scipy.optimize import linprog

    bounds = [(-1, 1)] * null.shape[1]
    limits = -outward[:, None] * null[edge]
    moved = []
    for row in range(null.shape[0]):
        reach = 0.0
        for sign in (1.0, -1.0):
            result = linprog(-sign * null[row], A_ub=limits, b_ub=np.zeros(edge.size), bounds=bounds)
            reach = max(reach, -float(result.fun) if result.success and result.fun is not None else 0.0)
        if reach > 1e-9 * np.abs(null).max():
            moved.append(row)
    return np.array(moved, dtype=int)


def check_determined(problem: Problem) -> None:
    """`check_identified`, whether the dispersion and the prior's scale are known or not."""
    if problem.prior.hyperprior is not None:
        problem = problem.with_prior(problem.prior.at(1.0))
    check_identified(problem.conditional(problem.dispersion_guess()).centred()[0])


def check_identified(problem: Problem) -> None:
    """Raise FitError where the data leave unpenalised coefficients undetermined, so that J is flat along some line."""
    flat = _unpenalised(problem)
    if (flat < int(problem.has_intercept)).all():  # an intercept by itself is always determined
        return
    start = problem.penalty_prior.location(len(problem.labels))
    null = _null_directions(problem.curvature(start, flat, majorized=True))
    if null.shape[1]:
        moved = flat[_movable(null, np.zeros(0, dtype=int), np.zeros(0))]
        msg = (
            f"the data do not determine the unpenalised coefficients of {_listed(problem, moved)} (collinear or "
            "constant columns, or more columns than rows): give them a proper prior"
        )
        raise FitError(msg)


def check_finite(problem: Problem, theta: Array) -> None:
    """Raise FitError where J has no minimum because unpenalised coefficients run off: classes that are separated.

    So it is iff along some direction d of theirs the nll of no row ever rises: x_iᵀd ≥ 0 for rows whose nll falls with
    η all the way, ≤ 0 where it rises all the way, 0 elsewhere, and not 0 for all (Albert & Anderson 1984, Biometrika
    71:1–10).  That linear programme is solved only if at θ the curvature has all but gone in some such direction.
    """
    flat = _unpenalised(problem)
    if problem.likelihood.quadratic or not flat.size:
        return
    start = problem.penalty_prior.location(theta.size)
    first, last = (problem.curvature(at, flat, majorized=True) for at in (start, theta))
    unit = 1 / np.sqrt(np.diag(first))
    left = np.linalg.eigvalsh(last * np.outer(unit, unit))[0]
    if left > 1e-4 * np.linalg.eigvalsh(first * np.outer(unit, unit))[0]:
        return
    away = flat[_recession(problem, flat, unit)]
    if away.size:
        msg = (
            f"the optimum is infinite in {_listed(problem, away)}: the data are separated (or of one class), and an "
            "unpenalised coefficient runs off; give it a proper prior"
        )
        raise FitError(msg)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Separation:
    """A direction along which the likelihood rises without end.

    Parameters
    ----------
    columns : tuple of str
        Columns that the direction moves, those that matter most first.
    complete : bool
        Whether it tells every row from the others; otherwise some lie on the boundary.
    """

    columns: tuple[str, ...]
    complete: bool


def separation(problem: Problem) -> Separation | None:
    """Return how the data are separated, found by a linear programme over all columns; None where they are not.

    So it is iff along some direction the nll of no row ever rises and that of some row falls: the maximum-likelihood
    estimate is then infinite, and a prior alone makes it finite.  Not looked for where the programme would be large.

    References
    ----------
    Albert & Anderson (1984), Biometrika 71:1–10; Konis (2007), Linear programming algorithms for detecting separated
    data in binary logistic regression models, thesis, Oxford.
    """
    if problem.n * (problem.p + 1) > LARGEST_PROGRAMME:
        return None
    block = problem.design.rows.collect()
    falls, rises = problem.likelihood.on(block).monotone(block.y)
    counts = np.ones(block.y.size, dtype=bool) if block.weights is None else block.weights > 0
    if not (counts & (falls | rises)).any():
        return None
    everything = np.arange(len(problem.labels))
    unit = np.sqrt(problem.curvature_diagonal(problem.penalty_prior.location(everything.size)))
    direction, complete = _direction(problem, everything, 1 / np.where(unit > 0, unit, 1.0))
    size = np.abs(direction)[-problem.p :] if problem.p else direction[:0]
    moved = np.flatnonzero(size > 1e-6)
    if not moved.size:
        return None
    order = moved[np.argsort(-size[moved], kind="stable")]
    return Separation(tuple(problem.names[j] for j in order), complete)


def _recession(problem: Problem, flat: NDArray[np.int_], unit: Array) -> NDArray[np.int_]:
    """Entries of `flat` in a direction along which the nll of no row ever rises, and that of some row falls."""
    return np.flatnonzero(np.abs(_direction(problem, flat, unit)[0]) > 1e-6)


def _direction(problem: Problem, flat: NDArray[np.int_], unit: Array) -> tuple[Array, bool]:
    """Such a direction, each entry in its own unit (0 if there is none), and whether the nll of every row falls."""
    from scipy.optimize import linprog

    block = problem.design.rows.collect()
    X = _columns(problem, block, flat) * (unit * np.sqrt(block.y.size))
    falls, rises = problem.likelihood.on(block).monotone(block.y)
    counts = np.ones(block.y.size, dtype=bool) if block.weights is None else block.weights > 0
    side = np.where(falls, 1.0, -1.0)[:, None] * X
    free, fixed = side[counts & (falls | rises)], side[counts & ~(falls | rises)]
    result = linprog(
        -free.sum(axis=0),
        A_ub=-free,
        b_ub=np.zeros(len(free)),
        A_eq=fixed if len(fixed) else None,
        b_eq=np.zeros(len(fixed)) if len(fixed) else None,
        bounds=[(-1, 1)] * flat.size,
    )
    if result.x is None or float(free.sum(axis=0) @ result.x) <= 1e-4:
        return np.zeros(flat.size), False
    return np.asarray(result.x), not len(fixed) and _tells_all(free)


def _tells_all(side: Array) -> bool:
    """Whether some direction x has side @ x > 0 in every row."""
    from scipy.optimize import linprog

    n, k = side.shape
    margin = np.append(np.zeros(k), -1.0)
    result = linprog(margin, A_ub=np.column_stack([-side, np.ones(n)]), b_ub=np.zeros(n), bounds=[(-1, 1)] * (k + 1))
    return result.x is not None and float(result.x[-1]) > 1e-9


def _unpenalised(problem: Problem) -> NDArray[np.int_]:
    return np.flatnonzero(np.isinf(problem.penalty_prior.variance(len(problem.labels))))


def _columns(problem: Problem, block: Block, chosen: NDArray[np.int_]) -> Array:
    """Columns of (1, X), or of X where there is no intercept, that belong to the entries `chosen` of θ."""
    lead = int(problem.has_intercept)
    X = block.X[:, chosen[chosen >= lead] - lead]
    dense = X.toarray() if is_sparse(X) else X
    return np.column_stack([np.ones(block.y.size), dense]) if (chosen < lead).any() else dense


def _listed(problem: Problem, columns: NDArray[np.int_]) -> str:
    names = [repr(problem.labels[j]) for j in columns]
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
