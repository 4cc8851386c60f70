"""A quadratic −log likelihood with the unpenalised entries of θ projected out, for the samplers that draw it exactly.

With θ = (free, held), held = mean + unit·δ, and y in units of `unit`, the sum of squares least over the free entries is

    RSS(δ) = residual + ‖response − root δ‖²,     rootᵀroot = gram (k, k),  rootᵀresponse = score (k,)

and free | δ, σ is normal.  Nothing else of the data is needed: a sweep of a sampler costs nothing per row.  With no
more columns than rows the root comes of the cross-products, (k, k); with more it is the rows themselves, (n, k), and no
matrix of all pairs of columns is made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.design import column_moments
from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.least_squares import least_squares
from bayesreg.moments import QuadraticMoments
from bayesreg.problem import Problem
from bayesreg.rows import is_sparse
from bayesreg.stacked import Stacked

RANK = 1e-13
"""Eigenvalue of the cross-products at unit diagonal, relative to the largest, that counts as zero."""

FAR = 1e6
"""Sds of a column's mean from zero beyond which cross-products about zero no longer hold what distinguishes rows."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Reduction:
    """The likelihood of the penalised entries, and the way back to all of θ.

    Parameters
    ----------
    unit : float
        What y is measured in.
    mean : array (K,)
        Prior location of θ, in units of `unit`.
    free, held : array of int
        Positions in θ of unpenalised and of penalised entries.
    freedom : float
        Rows (their weights summed) less unpenalised entries.
    residual : float
        Sum of squares that no δ fits, in units of `unit`².
    root : array (r, k)
    response : array (r,)
    gram : array (k, k) or None
        None where there are more columns than rows.
    score : array (k,)
    free_root, free_mean, free_slope : arrays (f, f), (f,), (f, k)
        free | δ, σ ~ N(free_mean − free_slope·δ, σ²·free_rootfree_rootᵀ).
    shift : array (p,)
        Means taken off the columns, where the intercept is flat.
    y_mean : float
        Mean taken off y, likewise.
    lead : int
        1 where θ begins with an intercept.
    """

    unit: float
    mean: Array
    free: NDArray[np.int_]
    held: NDArray[np.int_]
    freedom: float
    residual: float
    root: Array
    response: Array
    gram: Array | None
    score: Array
    free_root: Array
    free_mean: Array
    free_slope: Array
    shift: Array
    y_mean: float
    lead: int

    def rss(self, delta: Array) -> Array:
        """RSS of δ (..., k)."""
        left = self.response - delta @ self.root.T
        return np.asarray(self.residual + np.einsum("...i,...i->...", left, left))

    def complete(self, delta: Array, sigma: Array, rng: np.random.Generator) -> Array:
        """θ (m, K) in the data's units, for δ (m, k) and σ (m,): the unpenalised entries are drawn."""
        theta = np.empty((len(delta), self.mean.size))
        theta[:, self.held] = delta
        noise = sigma[:, None] * rng.standard_normal((len(delta), self.free.size))
        theta[:, self.free] = self.free_mean - delta @ self.free_slope.T + noise @ self.free_root.T
        theta += self.mean
        if self.lead:
            theta[:, 0] += self.y_mean - theta[:, 1:] @ self.shift
        return np.asarray(theta * self.unit)


@final
@dataclass(frozen=True, slots=True, eq=False)
class CrossProducts:
    """The sum of squares as a function of θ, with `x_mean` taken off the columns and `y_mean` off y.

    Parameters
    ----------
    gram : array (K, K)
    score : array (K,)
    x_mean : array (p,)
    y_mean : float
    fitted : array (K,)
        θ of least squares.
    rss : float
        The sum of squares there.
    """

    gram: Array
    score: Array
    x_mean: Array
    y_mean: float
    fitted: Array
    rss: float

    def left_over(self, root: Array, response: Array, delta: Array, unit: float = 1.0) -> float:
        """Sum of squares, in units of `unit`², that ‖response − root δ‖² leaves; `delta` is the δ of least squares.

        Directions that are nearly none count here and not there, by the scale that each matrix is judged on: what the
        root still fits at the δ of least squares is no residual.
        """
        left = response - root @ delta
        return max(self.rss / unit / unit - float(left @ left), 0.0)


def split_free(prior: Stacked, size: int) -> tuple[NDArray[np.int_], NDArray[np.int_]]:
    """Positions of unpenalised and of penalised entries of θ."""
    variance = prior.variance(size)
    return np.flatnonzero(np.isinf(variance)), np.flatnonzero(np.isfinite(variance))


def reduce_gram(
    gram: Array, score: Array, mean: Array, prior: Stacked, labels: tuple[str, ...], *, unit: float = 1.0
) -> Reduction:
    """Project the unpenalised entries out of −½θᵀ·gram·θ + scoreᵀθ, θ about `mean`; `residual` and `freedom` are 0."""
    free, held = split_free(prior, score.size)
    root, slope = _free_root(gram, free, held, labels)
    projected = root.T @ score[free]
    cross = root.T @ gram[np.ix_(free, held)]
    gram = gram[np.ix_(held, held)] - cross.T @ cross
    score = score[held] - cross.T @ projected
    R, response = root_of(gram, score)
    return Reduction(
        unit=unit, mean=mean, free=free, held=held, freedom=0.0, residual=0.0, root=R, response=response, gram=gram,
        score=score, free_root=root, free_mean=root @ projected, free_slope=slope, shift=np.zeros(0), y_mean=0.0,
        lead=0,
    )  # fmt: skip


def reduce_rows(
    X: Array, y: Array, mean: Array, prior: Stacked, labels: tuple[str, ...], *, unit: float = 1.0
) -> Reduction:
    """Project the unpenalised columns out of ‖y − Xθ‖², θ about `mean`, rows already multiplied by their √weights."""
    free, held = split_free(prior, mean.size)
    Q, triangle = np.linalg.qr(X[:, free])
    size = np.abs(np.diag(triangle))
    if free.size and not size.min() > 1e-11 * size.max():
        raise _undetermined(labels, free)
    inverse = np.linalg.inv(triangle)
    y = y - X @ mean
    cross, projected = Q.T @ X[:, held], Q.T @ y
    root = X[:, held] - Q @ cross
    response = y - Q @ projected
    return Reduction(
        unit=unit, mean=mean, free=free, held=held, freedom=0.0, residual=0.0, root=root, response=response, gram=None,
        score=root.T @ response, free_root=inverse, free_mean=inverse @ projected, free_slope=inverse @ cross,
        shift=np.zeros(0), y_mean=0.0, lead=0,
    )  # fmt: skip


def reduce_problem(problem: Problem, prior: Stacked, m: QuadraticMoments) -> Reduction:
    """Reduce Gaussian noise from its moments; `prior` is that of θ."""
    unit = problem.dispersion_guess()
    sums = cross_products_about(problem, m)
    mean = prior.location(sums.score.size) / unit
    made = reduce_gram(sums.gram, sums.score / unit - sums.gram @ mean, mean, prior, problem.labels, unit=unit)
    residual = sums.left_over(made.root, made.response, (sums.fitted / unit - mean)[made.held], unit)
    return replace(
        made, freedom=m.total - made.free.size, residual=residual, shift=sums.x_mean, y_mean=sums.y_mean / unit,
        lead=int(problem.has_intercept),
    )  # fmt: skip


def reduce_wide(problem: Problem, prior: Stacked) -> Reduction:
    """Reduce Gaussian noise with more columns than rows: the rows stay, no pairs of columns are made."""
    unit = problem.dispersion_guess()
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    rows = np.sqrt(weights)[:, None]
    X = block.X.toarray() if is_sparse(block.X) else block.X
    X = np.concatenate([np.ones((problem.n, 1)), X], axis=1) if problem.has_intercept else X
    mean = prior.location(X.shape[1]) / unit
    y = (block.y - block.offset) / unit
    made = reduce_rows(rows * X, rows[:, 0] * y, mean, prior, problem.labels, unit=unit)
    return replace(made, freedom=float(weights.sum()) - made.free.size)


def unscaled_intercept(problem: Problem) -> str:
    """Why σ cannot be taken out of every prior: the intercept's is not in its units; empty where it can."""
    if problem.scale_by_noise and problem.has_intercept and not problem.flat_intercept:
        return "the intercept's prior is not in units of sigma, but the coefficients' is"
    return ""


def far_off(problem: Problem) -> str:
    """Why cross-products would not do: nothing centres columns whose means are far from zero; empty where they do."""
    if problem.flat_intercept:
        return ""
    m = column_moments(problem.design.rows)
    far = np.flatnonzero(~m.constant & (np.abs(m.mean) > FAR * m.sd))
    if not far.size:
        return ""
    name = problem.names[far[0]]
    return f"column {name!r} lies {abs(m.mean[far[0]] / m.sd[far[0]]):.1g} of its sds from zero and nothing centres it"


def cross_products_about(problem: Problem, m: QuadraticMoments) -> CrossProducts:
    """Return the cross-products for θ, about the means where the intercept is flat, so that nothing cancels."""
    p, lead = problem.p, int(problem.has_intercept)
    x_mean, y_mean = (m.x_mean, m.y_mean) if problem.flat_intercept else (np.zeros(p), 0.0)
    x, y = m.x_mean - x_mean, m.y_mean - y_mean
    G, h = np.zeros((p + lead, p + lead)), np.zeros(p + lead)
    G[lead:, lead:] = m.xx + m.total * np.outer(x, x)
    h[lead:] = m.xy + m.total * x * y
    if lead:
        G[0, 0], h[0] = m.total, m.total * y
        G[0, 1:] = G[1:, 0] = m.total * x
    best = least_squares(problem, m)
    return CrossProducts(G, h, x_mean, y_mean, problem.join(y - float(x @ best.beta), best.beta), best.rss)


def eigen_root(gram: Array) -> tuple[Array, Array, Array]:
    """(values (r,), vectors (k, r), unit (k,)) of cross-products brought to unit diagonal, r their rank."""
    unit = np.sqrt(np.maximum(np.diag(gram), 0.0))
    unit = np.where(unit > 0, unit, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(unit, unit))
    keep = values > RANK * max(1.0, values[-1]) if values.size else np.zeros(0, dtype=bool)
    return values[keep], vectors[:, keep], unit


def root_of(gram: Array, score: Array) -> tuple[Array, Array]:
    """R (r, k) and c (r,) with RᵀR = gram and Rᵀc = score."""
    values, vectors, unit = eigen_root(gram)
    half = np.sqrt(values)
    return (vectors * half).T * unit, vectors.T @ (score / unit) / half


def _free_root(
    G: Array, free: NDArray[np.int_], held: NDArray[np.int_], labels: tuple[str, ...]
) -> tuple[Array, Array]:
    """Return R with RRᵀ = (G_ff)⁻¹ for unpenalised columns f, and (G_ff)⁻¹G_fh."""
    block = G[np.ix_(free, free)]
    unit = 1 / np.sqrt(np.maximum(np.diag(block), np.finfo(float).tiny))
    values, vectors = np.linalg.eigh(block * np.outer(unit, unit))
    if values.size and values[0] <= 1e-12 * values[-1]:
        raise _undetermined(labels, free)
    root = unit[:, None] * (vectors / np.sqrt(values))
    return root, root @ (root.T @ G[np.ix_(free, held)])


def _undetermined(labels: tuple[str, ...], free: NDArray[np.int_]) -> FitError:
    names = ", ".join(repr(labels[j]) for j in free)
    return FitError(f"the posterior is improper: the data do not determine the unpenalised coefficients of {names}")
