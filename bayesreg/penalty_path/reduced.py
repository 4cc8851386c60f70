"""One quadratic likelihood as a problem of few rows: what a path is followed and certified on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from bayesreg.design import Design
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from bayesreg.scale_family import ScaleFamily
from bayesreg.stacked import Stacked

LARGEST = 2000
"""Columns up to which a matrix of all pairs of them is worth making: beyond, working sets of columns cost less."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reduced:
    """J(θ) = ½‖z − Rθ‖² + pen(θ) + constant of a problem with a quadratic likelihood, its flat intercept minimised out.

    Parameters
    ----------
    problem : Problem
        Rows R (m, k) and response z under noise of sd 1, without an intercept; the original's prior on θ.
    hessian : array (k, k)
        RᵀR.
    score : array (k,)
        Rᵀz.
    constant : float
        In nats.
    mean, x_mean : float, array (p,)
        The flat intercept is mean − x_meanᵀβ.
    flat : bool
        Whether there is one; otherwise θ is the original's own, the intercept included where it has a prior.
    """

    problem: Problem
    hessian: Array
    score: Array
    constant: float
    mean: float
    x_mean: Array
    flat: bool

    @classmethod
    def of(cls, fixed: Problem) -> Self:
        """Reduce a problem with nothing unknown but θ, from one pass over its rows (two where they are not centred)."""
        m, sigma = fixed.moments(), fixed.likelihood.sigma_known
        assert sigma is not None
        flat = fixed.flat_intercept
        hessian, score, total_square = m.xx, m.xy, m.yy
        if not flat:  # about 0, not about the means
            hessian = hessian + m.total * np.outer(m.x_mean, m.x_mean)
            score = score + m.total * m.y_mean * m.x_mean
            total_square = total_square + m.total * m.y_mean**2
        if fixed.has_intercept and not flat:
            edge = m.total * m.x_mean
            hessian = np.block([[np.array([[m.total]]), edge[None]], [edge[:, None], hessian]])
            score = np.concatenate([[m.total * m.y_mean], score])
        hessian, score = hessian / sigma**2, score / sigma**2
        root, response = _root(fixed, hessian, score, m.x_mean, m.y_mean, flat=flat)
        unit = fixed.likelihood.at(1.0)
        each, each_unit = (float(one.nll(np.zeros(1), np.zeros(1))[0]) for one in (fixed.likelihood, unit))
        constant = m.total * each - len(root) * each_unit
        constant += 0.5 * (total_square / sigma**2 - float(response @ response))
        names = fixed.names if flat else fixed.labels
        size = len(names)
        design = Design(
            ArrayRows(root, response, np.zeros(len(root)), None), names, np.zeros(size), np.ones(size), names
        )
        problem = Problem(design, unit, _prior(fixed), None)
        return cls(problem, hessian, score, constant, m.y_mean, m.x_mean, flat)

    def at(self, fixed: Problem, family: ScaleFamily, scale: float) -> Problem:
        """Return the reduced problem under the prior at a scale."""
        return self.problem.with_prior(_prior(fixed.with_prior(family.at(scale))))

    def stretch(self, family: ScaleFamily, scales: Array) -> Array:
        """Return what the entries' deviations from their location are divided by, (g, k)."""
        return with_intercept(self.problem, family.stretch(scales, len(self.x_mean)))

    def rates(self, family: ScaleFamily, scales: Array) -> Array:
        """Return λ of each entry (g, k)."""
        return with_intercept(self.problem, family.rates(scales, len(self.x_mean)), rate=True)

    def complete(self, points: Array) -> Array:
        """Return the original's θ (g, k) for those of the reduced problem."""
        return np.column_stack([self.mean - points @ self.x_mean, points]) if self.flat else points


def with_intercept(whole: Problem, values: Array, *, rate: bool = False) -> Array:
    """Return what is known of the coefficients (g, p) for all of θ (g, k): the intercept's prior stays as it is."""
    size = len(whole.labels)
    if values.shape[1] == size:
        return values
    own = float(whole.penalty_prior.rates(size)[0]) if rate else 1.0
    return np.column_stack([np.full(len(values), own), values])


def _prior(fixed: Problem) -> Any:
    """The prior on what is left of θ."""
    if fixed.flat_intercept or not fixed.has_intercept:
        return fixed.prior
    return Stacked([(fixed.intercept, 1), (fixed.prior, fixed.p)])  # type: ignore[list-item]


def _root(
    fixed: Problem, hessian: Array, score: Array, x_mean: Array, y_mean: float, *, flat: bool
) -> tuple[Array, Array]:
    """R and z with RᵀR the Hessian and Rᵀz the score: the rows themselves where they are fewer than the columns."""
    sigma = fixed.likelihood.sigma_known
    assert sigma is not None
    if fixed.n <= len(score) and not fixed.design.rows.sparse:
        block = fixed.design.rows.collect()
        root = np.sqrt(block.weighted(np.ones(fixed.n))) / sigma
        X, y = (block.X - x_mean, block.y - block.offset - y_mean) if flat else (block.X, block.y - block.offset)
        if fixed.has_intercept and not flat:
            X = np.column_stack([np.ones(fixed.n), X])
        return X * root[:, None], y * root
    unit = np.sqrt(np.diag(hessian))
    unit = np.where(unit > 0, unit, 1.0)
    scaled = hessian / np.outer(unit, unit)
    try:
        lower = np.linalg.cholesky(scaled)
        if np.diag(lower).min() ** 2 > 1e-10:
            return np.ascontiguousarray((unit[:, None] * lower).T), np.linalg.solve(lower, score / unit)
    except np.linalg.LinAlgError:
        pass  # collinear columns: by eigenvectors, of which those that the data do not see are left out
    values, vectors = np.linalg.eigh(scaled)
    kept = values > values.size * 1e-15 * max(values[-1], 0.0)
    root = np.sqrt(values[kept])[:, None] * vectors[:, kept].T
    return root * unit, (vectors[:, kept].T @ (score / unit)) / np.sqrt(values[kept])
