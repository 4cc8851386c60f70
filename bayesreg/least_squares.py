"""Least squares from cross-products, with its rank and an honest residual where the fit is exact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array, Block
from bayesreg.moments import QuadraticMoments
from bayesreg.problem import Problem
from bayesreg.rows import is_sparse

CANCELLED = 1e-7
"""Share of yᵀy below which yᵀy − βᵀXᵀy has lost half its digits, and the residuals are summed over the rows instead."""

SINGULAR = 1e-11
"""Relative eigenvalue of the cross-products, in units of the columns' own size, below which a direction is none."""

ROUNDING = 16 * np.finfo(float).eps
"""Multiple of the sum of its terms' sizes below which a residual is rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class LeastSquares:
    """Residual sum of squares, what of it is rounding, the rank (the intercept counted), and β (p,) that leaves it."""

    rss: float
    rounding: float
    rank: int
    beta: Array

    @property
    def exact(self) -> bool:
        """Whether the residuals are zero up to rounding."""
        return self.rss <= self.rounding


def least_squares(
    problem: Problem, m: QuadraticMoments, moving: NDArray[np.bool_] | None = None, held: Array | None = None
) -> LeastSquares:
    """Least squares on the columns `moving` (default: all), the others having coefficients `held`."""
    moving = np.ones(problem.p, dtype=bool) if moving is None else moving
    beta = np.zeros(problem.p) if held is None else held.copy()
    xx, xy, yy = _about(problem, m)
    gram, scores = xx[np.ix_(moving, moving)], (xy - xx @ beta)[moving]
    unit = np.sqrt(np.diag(gram))
    unit = np.where(unit > 0, unit, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(unit, unit))
    keep = values > SINGULAR * max(1.0, values[-1]) if values.size else np.zeros(0, dtype=bool)
    basis = vectors[:, keep] / unit[:, None]
    rank = int(keep.sum()) + int(problem.has_intercept)
    rss = yy - float((2 * xy - xx @ beta) @ beta) - float(((basis.T @ scores) ** 2 / values[keep]).sum())
    if rss > CANCELLED * yy and yy > CANCELLED * _response_size(problem):
        beta[moving] += basis @ (basis.T @ scores / values[keep])
        return LeastSquares(rss, 0.0, rank, beta)
    sums = _residual_sums(problem, m, beta)
    for _ in range(2):  # the second step takes out the rounding of the first
        beta[moving] += basis @ (basis.T @ sums[2][moving] / values[keep])
        sums = _residual_sums(problem, m, beta)
    return LeastSquares(float(sums[0][0]), ROUNDING**2 * float(sums[1][0]), rank, beta)


def _residual_sums(problem: Problem, m: QuadraticMoments, beta: Array) -> tuple[Array, ...]:
    """Σ w r², Σ w·(sum of the sizes of r's terms)² and Xᵀ(w r), with the best intercept for β, if there is one."""
    mean = m.x_mean if problem.has_intercept else np.zeros(problem.p)
    intercept = m.y_mean if problem.has_intercept else 0.0

    def fn(block: Block) -> tuple[Array, ...]:
        y, X = block.y - block.offset, block.X.toarray() - mean if is_sparse(block.X) else block.X - mean
        residual = y - intercept - X @ beta
        size = np.abs(block.y) + np.abs(block.offset) + abs(intercept) + np.abs(X) @ np.abs(beta)
        squares = (block.weighted(terms**2).sum(keepdims=True) for terms in (residual, size))
        return *squares, block.weighted(residual) @ X

    return problem.design.rows.sum(fn)


def _response_size(problem: Problem) -> float:
    """Σ w(|y| + |offset|)²: what yᵀy would be if nothing cancelled."""
    size = problem.design.rows.sum(lambda b: (b.weighted((np.abs(b.y) + np.abs(b.offset)) ** 2).sum(keepdims=True),))[0]
    return float(size[0])


def _about(problem: Problem, m: QuadraticMoments) -> tuple[Array, Array, float]:
    """Moments about the means where there is an intercept, about zero where there is none."""
    if problem.has_intercept:
        return m.xx, m.xy, m.yy
    return (
        m.xx + m.total * np.outer(m.x_mean, m.x_mean),
        m.xy + m.total * m.x_mean * m.y_mean,
        m.yy + m.total * m.y_mean**2,
    )
