"""The plug-in noise scale without each row, in closed form where it is the residual sd of least squares."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.least_squares import least_squares
from bayesreg.noise import Noise
from bayesreg.problem import Problem

EDGE = 1e-6
"""1 − leverage, or share of RSS that a row leaves, below which the closed form has lost its digits."""

RANK = 1e-11
"""Relative eigenvalue below which `least_squares` takes a direction for none."""


def noise_without(problem: Problem, noise: Noise, rows: NDArray[np.int_]) -> Array | None:
    """Return the dispersion (m,) without each of these rows; NaN where it is to be resolved anew, row by row.

    With h_i the leverage of row i (weight included), r_i its residual in least squares, N = Σw:

        σ̂_{−i}² = (RSS − w_i r_i²/(1 − h_i)) / (N − w_i − rank)

    None where the family has no dispersion.  A value that is known, given, or of a cross-validated lasso is held.
    """
    if noise.joint:
        return np.full(rows.size, np.nan)
    if noise.sigma is None:
        return None
    if noise.method != "residual":
        return np.full(rows.size, noise.sigma)
    m, block = problem.moments(), problem.design.rows.collect()
    fit = least_squares(problem, m)
    centre, gram = m.x_mean, m.xx
    if not problem.has_intercept:
        centre, gram = np.zeros(problem.p), gram + m.total * np.outer(m.x_mean, m.x_mean)
    unit = np.sqrt(np.diag(gram))
    unit = np.where(unit > 0, unit, 1.0)
    values, vectors = np.linalg.eigh(gram / np.outer(unit, unit))
    keep = values > RANK * max(1.0, values[-1]) if values.size else np.zeros(0, dtype=bool)
    basis = vectors[:, keep] / (unit[:, None] * np.sqrt(values[keep]))
    X = block.X[rows]
    weight = np.ones(rows.size) if block.weights is None else block.weights[rows]
    mean = m.y_mean if problem.has_intercept else 0.0
    residual = (block.y - block.offset)[rows] - mean - (X @ fit.beta - centre @ fit.beta)
    own = 1 / m.total if problem.has_intercept else 0.0
    room = 1 - weight * (own + ((X @ basis - centre @ basis) ** 2).sum(axis=1))
    freedom = m.total - weight - fit.rank
    rss = fit.rss - weight * residual**2 / np.maximum(room, EDGE)
    sound = (room > EDGE) & (freedom > EDGE) & (rss > EDGE * fit.rss)
    return np.where(sound, np.sqrt(np.maximum(rss, 0.0) / np.where(sound, freedom, 1.0)), np.nan)
