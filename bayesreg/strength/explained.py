"""The share of the response's variance that coefficients explain: Bayesian R² of draws of them.

    R² = Var_i(μ_i)/(Var_i(μ_i) + mean_i Var(y_i | μ_i)),     μ_i = E[y_i | x_i, a, β]

over the rows of the data, by their weights (Gelman, Goodrich, Gabry & Vehtari 2019).  It is about what the columns
explain.  With the identity link intercept and offset drop out of it.  With others, a flat intercept is held where the
mean response at the columns' means is the data's own, an intercept with a proper prior is drawn, and the offset is held
at its mean; counts of several trials are taken trial by trial.

References
----------
Gelman, Goodrich, Gabry & Vehtari (2019), Am. Stat. 73:307–309.
"""

from __future__ import annotations

import math

import numpy as np

from bayesreg.design import column_moments
from bayesreg.interfaces import Array, Block
from bayesreg.problem import Problem

CELLS = 1 << 22
"""Rows × draws worked on at once."""

FARTHEST = 300.0
"""|η| beyond which a mean is held, so that its square stays finite."""


def explained(problem: Problem, beta: Array, sigma: Array, rng: np.random.Generator) -> Array:
    """R² (draws,) of `beta` (draws, p) under dispersions `sigma` (draws,); NaN where there is no variance."""
    spread, noise = _identity(problem, beta, sigma) if _additive(problem) else _linked(problem, beta, sigma, rng)
    whole = spread + noise
    found = np.divide(spread, whole, out=np.full(spread.shape, np.nan), where=np.isfinite(whole) & (whole > 0))
    return np.asarray(found)


def latent(problem: Problem, beta: Array) -> Array:
    """R² (draws,) of the log-odds, whose noise is logistic with variance π²/3."""
    spread = _variance(problem, beta)
    return np.asarray(spread / (spread + problem.response_sd() ** 2))


def _additive(problem: Problem) -> bool:
    return problem.likelihood.link == "identity"


def _identity(problem: Problem, beta: Array, sigma: Array) -> tuple[Array, Array]:
    return _variance(problem, beta), np.asarray(problem.likelihood.variance(np.zeros(sigma.size), sigma))


def _variance(problem: Problem, beta: Array) -> Array:
    """Variance over the rows of x_iᵀβ, (draws,)."""
    if problem.p <= problem.n:
        m = problem.moments()
        return np.asarray(np.einsum("dj,dj->d", beta @ (m.xx / m.total), beta))
    mean = beta @ column_moments(problem.design.rows).mean

    def fn(block: Block) -> tuple[Array, ...]:
        weight = block.weighted(np.ones(block.y.size))
        return weight @ (block.X @ beta.T - mean) ** 2, weight.sum(keepdims=True)

    squares, total = problem.design.rows.sum(fn)
    return np.asarray(squares / total)


def _linked(problem: Problem, beta: Array, sigma: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Variance of the mean over the rows, and mean variance about it, (draws,) each."""
    likelihood, unknown = problem.likelihood, problem.likelihood.dispersion is not None
    shift, level = _level(problem, sigma.size, rng)
    base = likelihood.mean(np.clip(level, -FARTHEST, FARTHEST))
    moved = beta @ shift

    def fn(block: Block) -> tuple[Array, ...]:
        weight = block.weighted(np.ones(block.y.size) if block.trials is None else block.trials)
        sums = np.zeros((3, sigma.size))
        step = max(1, CELLS // sigma.size)
        for i in range(0, weight.size, step):
            w = weight[i : i + step]
            eta = np.clip(level + block.X[i : i + step] @ beta.T - moved, -FARTHEST, FARTHEST)
            away = likelihood.mean(eta) - base
            sums += np.stack([w @ away, w @ away**2, w @ likelihood.variance(eta, sigma if unknown else None)])
        return sums, weight.sum(keepdims=True)

    (first, second, noise), total = problem.design.rows.sum(fn)
    return np.maximum(second / total - (first / total) ** 2, 0.0), np.asarray(noise / total)


def _level(problem: Problem, size: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """What is taken from the columns (p,), and the linear predictor (size,) where they are at that."""

    def fn(block: Block) -> tuple[Array, ...]:
        weight = block.weighted(np.ones(block.y.size))
        counted = weight if block.trials is None else weight * block.trials
        sums = [weight @ block.y, counted.sum(), weight @ block.offset, weight.sum()]
        return tuple(np.array([value]) for value in sums)

    y, counted, offset, total = (float(v[0]) for v in problem.design.rows.sum(fn))
    if problem.flat_intercept:
        mean = (y + 0.5) / (counted + 1) if y in (0.0, counted) else y / counted
        level = math.log(mean) - (math.log1p(-mean) if problem.likelihood.link == "logit" else 0.0)
        return column_moments(problem.design.rows).mean, np.full(size, level)
    held = np.full(size, offset / total)
    if problem.intercept is not None:
        held = held + problem.intercept.draw(rng, size, 1)[:, 0]
    return np.zeros(problem.p), held
