"""One fold: columns standardised on the rows that are fitted, the path there, and its losses on the rows held out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from scipy import linalg

from bayesreg.design import column_moments, standardized_design
from bayesreg.interfaces import Array, Block
from bayesreg.penalty_path import solve_path
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows, is_sparse
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.folds import Index

EXACT = 1e-20
"""Share of the response's own sum of squares below which nothing is left of it: the fit is exact."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """Weighted means over the held-out rows, at each scale (g,), and the weight of these rows.

    `nll` in nats, `squared` the squared error of the mean in units of y², `nonzero` coefficients off their kink.
    """

    nll: Array
    squared: Array
    nonzero: Array
    weight: float


def held_out(
    fixed: Problem, family: ScaleFamily, scales: Array, split: tuple[Index, Index], *, standardize: bool, refit: bool
) -> Losses:
    """Return the losses of one fold.

    Parameters
    ----------
    fixed : Problem
        All rows, nothing unknown but θ.
    family, scales : ScaleFamily, array (g,)
        The priors, in units of the problem `fixed` (of σ no more).
    split : (train, test)
    standardize : bool
        Whether columns are standardised anew, on the training rows.
    refit : bool
        Whether the log score's σ is that of the training rows at each scale, in place of that of `fixed`.

    Raises
    ------
    FitError, InputError, FamilyError
        If the training rows have no finite optimum, or lie outside what the likelihood takes.
    """
    block = fixed.design.rows.collect()
    train = training_problem(fixed, chosen_rows(block, split[0]), standardize=standardize)
    train.likelihood.check(train.design.rows.collect(), train.intercept)
    thetas = solve_path(train, family, scales)
    nonzero = np.array([_off_kink(train, family, s, theta) for s, theta in zip(scales, thetas, strict=True)])
    sigma: Any = _sigmas(train, family, scales, thetas)[:, None] if refit else fixed.likelihood.sigma_known
    test = chosen_rows(block, split[1])
    if standardize:
        test = test.transformed(train.design.centre, train.design.scale, consumed=True)
    nll, squared, weight = test.sum(lambda part: _losses(fixed, part, thetas, sigma))
    return Losses(nll / weight, squared / weight, nonzero, float(weight[0]))


def _losses(fixed: Problem, part: Block, thetas: Array, sigma: Any) -> tuple[Array, Array, Array]:
    likelihood = fixed.likelihood.on(part)
    eta = fixed.linear_predictor(part, thetas.T).T
    weight = part.weighted(np.ones(part.y.size))
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        nll = likelihood.nll_given(eta, part.y, sigma)
        squared = (part.y - likelihood.mean(eta)) ** 2
    if np.ndim(sigma):
        nll = np.where(sigma > 0, nll, np.inf)  # an exact fit leaves no noise to predict other rows with
    return nll @ weight, squared @ weight, weight.sum(keepdims=True)


def chosen_rows(block: Block, chosen: Index) -> ArrayRows:
    """Return some rows of a block as rows of their own."""
    X = block.X[chosen]
    if not is_sparse(X):
        X.setflags(write=False)  # it is ours: no further copy
    weights = None if block.weights is None else block.weights[chosen]
    trials = None if block.trials is None else block.trials[chosen]
    return ArrayRows(X, block.y[chosen], block.offset[chosen], weights, trials)


def standardizes(problem: Problem) -> bool:
    """Whether columns were divided by their own sd, so that a fold does the same with its training rows.

    Columns scaled otherwise (a Pipeline's range, other weights) keep what they were given.
    """
    if not (problem.design.standardized or problem.design.centred):
        return False
    columns = column_moments(problem.design.rows)
    return bool(np.allclose(columns.sd[~columns.constant], 1.0, rtol=1e-6))


def training_problem(problem: Problem, rows: ArrayRows, *, standardize: bool) -> Problem:
    """Return the problem on the training rows, its columns standardised anew on these where `standardize`.

    A column that is constant there keeps its scale; centred, it is 0, so that its coefficient stays at the prior's
    location.
    """
    whole = problem.design
    if not standardize:
        return replace(problem, design=replace(whole, rows=rows, centred=False))
    fold, _ = standardized_design(rows, whole.names, centred=problem.has_intercept, consumed=True)
    return replace(problem, design=replace(fold, terms=whole.terms))


def _off_kink(train: Problem, family: ScaleFamily, s: float, theta: Array) -> int:
    return train.p - int(family.at(float(s)).at_kink(theta[-train.p :]).sum())


def _sigmas(train: Problem, family: ScaleFamily, scales: Array, thetas: Array) -> Array:
    """√(RSS/(Σw − d.o.f.)) of the training rows at each scale; 0 where nothing is left to estimate σ from."""

    def fn(block: Block) -> tuple[Array, ...]:
        residual = block.y[:, None] - train.linear_predictor(block, thetas.T)
        weight = block.weighted(np.ones(block.y.size))
        return weight @ residual**2, weight.sum(keepdims=True), (weight @ block.y**2).reshape(1)

    rss, total, size = train.design.rows.sum(fn)
    used = degrees_of_freedom(train, family, scales, thetas)
    some = (used < total) & (rss > EXACT * size)
    return np.sqrt(np.where(some, rss, 0.0) / np.where(some, total - used, 1.0))


def degrees_of_freedom(fixed: Problem, family: ScaleFamily, scales: Array, thetas: Array) -> Array:
    """Trace (g,) of the smoother at each optimum of a quadratic loss: tr (H + P)⁻¹H over coefficients off their kink.

    H and P are the Hessians of loss and penalty.  With a lasso's penalty, P = 0, it is their number (Zou, Hastie &
    Tibshirani 2007, Ann. Statist. 35:2173–2192); with a ridge's, Σ d/(d + 1/τ²) over the eigenvalues d of H.
    """
    work, lead = fixed.centred()[0], int(fixed.has_intercept)
    own = np.zeros(0) if fixed.intercept is None else fixed.intercept.curvature(thetas[0, :1])
    hessian = None
    found = []
    for scale, theta in zip(scales, thetas, strict=True):
        prior, beta = family.at(float(scale)), theta[lead:]
        free = np.flatnonzero(~prior.at_kink(beta))
        bend = prior.hessian(beta, free)
        if free.size > fixed.n and fixed.flat_intercept and (np.diag(bend) > 0).all() and _diagonal(bend):
            found.append(1 + _wide(fixed, free, np.diag(bend)))
            continue
        bend = linalg.block_diag(np.diag(own), bend)
        taken = 0.0
        if bend.any():
            hessian = work.curvature(np.zeros(theta.size)) if hessian is None else hessian
            chosen = np.concatenate([np.arange(lead), free + lead])
            taken = float(np.trace(_solved(hessian[np.ix_(chosen, chosen)] + bend, bend)))
        found.append(lead + free.size - taken)
    return np.array(found)


def _diagonal(matrix: Array) -> bool:
    return bool(np.count_nonzero(matrix) == np.count_nonzero(np.diag(matrix)))


def _wide(fixed: Problem, free: Index, bend: Array) -> float:
    """The same about a flat intercept for more columns than rows: Σ k/(1 + k) over the eigenvalues of XP⁻¹Xᵀ."""
    block = fixed.design.rows.collect()
    X = block.X[:, free]
    X = X.toarray() if is_sparse(X) else X
    root = np.sqrt(block.weighted(fixed.likelihood.d2(np.zeros(block.y.size), block.y)))
    A, u = root[:, None] * X, root / np.linalg.norm(root)
    A = (A - np.outer(u, u @ A)) / np.sqrt(bend)
    k = np.maximum(linalg.eigvalsh(A @ A.T), 0.0)
    return float((k / (1 + k)).sum())


def _solved(matrix: Array, right: Array) -> Array:
    try:
        return np.asarray(linalg.solve(matrix, right, assume_a="pos"))
    except linalg.LinAlgError:  # directions that neither the data nor the penalty hold
        return np.asarray(linalg.lstsq(matrix, right)[0])
