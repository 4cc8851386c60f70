"""How far the point estimate and the posterior are apart: column by column, and in what the model fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.diagnostics import mcse_mean
from bayesreg.effects import SMALL
from bayesreg.interfaces import Array, Block
from bayesreg.optimum import Optimum
from bayesreg.rows import cross_products
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

DECIDED = 0.95
"""Probability from which a statement about a coefficient counts as decided; its opposite from 1 − that."""


def column_table(posterior: Posterior, optimum: Optimum, epsilon: Array) -> pd.DataFrame:
    """Return a row for each column: the point, the posterior, and what the posterior leaves undecided.

    Columns, with Monte Carlo standard errors in `_mcse`: map, mean, sd; shift = (map − mean)/sd; epsilon;
    width = sd/ε; p_small = P(|β| ≤ ε); p_positive = P(β > 0); undecided, whether p_small lies between 0.05 and 0.95;
    unsigned, whether the MAP keeps the column (β ≠ 0), its |β| is not decided to be ≤ ε, and neither sign has
    probability 0.95.

    The errors of shift and width are those of the means of their influence functions, the delta method: with
    z = (β − mean)/sd, −z − shift·(z² − 1)/2 and width·(z² − 1)/2.
    """
    import pandas as pd

    beta = posterior.beta
    flat = beta.reshape(beta.shape[0] * beta.shape[1], beta.shape[2])
    mean, sd = flat.mean(axis=0), flat.std(axis=0, ddof=1)
    z = (beta - mean) / np.where(sd > 0, sd, np.nan)
    spread = (z**2 - 1) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        shift, width = (optimum.beta - mean) / sd, sd / epsilon
        relative = _errors(spread, posterior)
    small, positive = (np.abs(beta) <= epsilon).astype(float), (beta > 0).astype(float)
    p_small, p_positive = small.mean(axis=(0, 1)), positive.mean(axis=(0, 1))
    sure = np.maximum(p_positive, 1 - p_positive) >= DECIDED
    return pd.DataFrame(
        {
            "map": optimum.beta, "mean": mean, "mean_mcse": _errors(beta, posterior), "sd": sd,
            "shift": shift, "shift_mcse": _errors(-z - shift * spread, posterior),
            "epsilon": epsilon, "width": width, "width_mcse": np.where(np.isfinite(width), width * relative, np.nan),
            "p_small": p_small, "p_small_mcse": _errors(small, posterior),
            "p_positive": p_positive, "p_positive_mcse": _errors(positive, posterior),
            "undecided": (p_small > 1 - DECIDED) & (p_small < DECIDED),
            "unsigned": (optimum.beta != 0) & (p_small < DECIDED) & ~sure,
        },
        index=pd.Index(posterior.problem.names, name="column"),
    )  # fmt: skip


def _errors(draws: Array, posterior: Posterior) -> Array:
    """Monte Carlo standard errors of means of draws (chain, draw, p), p = 0 included."""
    if not draws.shape[2]:
        return np.zeros(0)
    return mcse_mean(draws, independent=posterior.independent)


def fitted_move(posterior: Posterior, optimum: Optimum) -> tuple[float, float]:
    """Root mean square over the rows of η(MAP) − E η, by weight, in units of ε_η; and its Monte Carlo error.

    ε_η is the small effect of a column of sd 1: 0.1 of the scale of η.  The error is the root mean square over the rows
    of the Monte Carlo standard error of E η: by the triangle inequality the move is known to within the size of that.
    With M = Σ w x xᵀ/Σ w = L Lᵀ, x with its 1 for the intercept, it is the norm of the errors of E Lᵀθ.
    """
    problem = posterior.problem
    lead = [posterior.intercept[..., None]] if problem.has_intercept else []
    theta = np.concatenate([*lead, posterior.beta], axis=-1)
    centre = theta.mean(axis=(0, 1))
    moved = problem.join(optimum.intercept, optimum.beta) - centre
    first = int(problem.has_intercept)

    def fn(block: Block) -> tuple[Array, ...]:
        weight = block.weighted(np.ones(block.y.size))
        eta = block.X @ moved[first:] + (moved[0] if first else 0.0)
        matrix = np.empty((moved.size, moved.size))
        matrix[first:, first:] = cross_products(block.X, weight)
        if first:
            matrix[0, 0] = weight.sum()
            matrix[0, 1:] = matrix[1:, 0] = block.X.T @ weight
        return (weight @ eta**2).reshape(1), matrix, weight.sum(keepdims=True)

    square, matrix, total = problem.design.rows.sum(fn)
    values, vectors = np.linalg.eigh(matrix / total[0])
    along = (theta - centre) @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    error = np.linalg.norm(_errors(along, posterior))
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.float64(SMALL * problem.response_sd())
        return float(np.sqrt(square[0] / total[0]) / unit), float(error / unit)
