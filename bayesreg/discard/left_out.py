"""The penalised mode with each row left out in turn: exact, by Newton steps for many rows at once where J is convex.

On the face of the mode with all rows (its zeros, the signs of the others) the Hessian without row i is that with it
less one outer product.  Steps with it settle fast, since one row changes little; each row's point is then held to the
KKT conditions of all columns, and what fails them is fitted by itself.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.descent import minimise
from bayesreg.discard.face_without import Face
from bayesreg.discard.refits import without
from bayesreg.dispersion_profile import dispersion_slope
from bayesreg.errors import FamilyError, FitError, InputError
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem

STILL = 1e-6
"""|∂ −log density/∂ log σ| at which a joint mode without a row is found."""

SECANTS = 30

SLOW_ROWS = 300
"""Rows that are predicted at most where each mode is a descent of its own."""

PASSES = 4_000_000_000
"""Multiplications, about, that modes without rows may take where many are found at once."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Modes without each of some rows.

    Parameters
    ----------
    rows : int array (m,)
    theta : array (m, k)
    sigma : array (m,) or None
        The dispersion that each is taken at; None where the family has none.
    refitted : bool array (m,)
        Those that were fitted by themselves.
    """

    rows: NDArray[np.int_]
    theta: Array
    sigma: Array | None
    refitted: NDArray[np.bool_]


def affordable(problem: Problem, optimum: Optimum, sigma: float | str | None) -> int:
    """Return how many modes without a row take no more than some seconds."""
    if resolve_noise(problem, sigma).joint or Face.of(problem.conditional(optimum.sigma), optimum) is None:
        return SLOW_ROWS
    return max(SLOW_ROWS, PASSES // (10 * problem.n * len(problem.labels)))


def modes_without(
    problem: Problem, optimum: Optimum, rows: NDArray[np.int_], sigma: float | str | None = None
) -> LeftOut:
    """Return the penalised mode without each of these rows (its weight set to 0).

    Standardisation, prior and scale stay.  A plug-in σ that is least squares' residual sd, or the joint mode's, is
    found anew without the row; any other is held.

    Parameters
    ----------
    problem : Problem
    optimum : Optimum
        The mode with all rows, at its plug-in dispersion.
    rows : int array (m,)
    sigma : float, str or None
        The rule that its dispersion is from, see `resolve_noise`.

    Raises
    ------
    FitError
        If the other rows have no finite optimum; names the row.
    """
    noise = resolve_noise(problem, sigma)
    if noise.joint:
        return _one_by_one(problem, optimum, rows, noise, None)
    held = _dispersions(problem, optimum, rows, noise)
    fixed = problem.conditional(optimum.sigma)
    # A prior in units of σ is another one for each row.
    face = None if problem.scale_by_noise and noise.method == "residual" else Face.of(fixed, optimum)
    if face is None:
        return _one_by_one(problem, optimum, rows, noise, held)
    theta, failed = face.without(rows, held)
    if failed.any():
        some = None if held is None else held[failed]
        theta[failed] = _one_by_one(problem, optimum, rows[failed], noise, some).theta
    return LeftOut(rows, theta, held, failed)


def _dispersions(problem: Problem, optimum: Optimum, rows: NDArray[np.int_], noise: Noise) -> Array | None:
    """The plug-in dispersion (m,) without each row."""
    if optimum.sigma is None:
        return None
    if noise.method != "residual":
        return np.full(rows.size, optimum.sigma)
    return residual_sd_without(problem, rows)


def residual_sd_without(problem: Problem, rows: NDArray[np.int_]) -> Array:
    """Least squares' residual sd (m,) without each row: RSS_{−i} = RSS − w_i e_i²/(1 − h_i), h_i the leverage.

    Raises
    ------
    FitError
        If the others leave no residual; names the row.
    """
    block = problem.design.rows.collect()
    X = block.X if isinstance(block.X, np.ndarray) else block.X.toarray()
    A = np.column_stack([np.ones(problem.n), X]) if problem.has_intercept else X
    weights = block.weighted(np.ones(problem.n))
    root = np.sqrt(weights)
    u, s, _ = np.linalg.svd(root[:, None] * A, full_matrices=False)
    basis = u[:, s > 1e-11 * s.max(initial=0.0)]
    y = root * (block.y - block.offset)
    left = y - basis @ (basis.T @ y)
    left -= basis @ (basis.T @ left)
    leverage = (basis[rows] ** 2).sum(axis=1)
    total, rank = float(weights.sum()), basis.shape[1]
    alone = leverage > 1 - 1e-9  # what only this row tells of goes with it
    freedom = total - weights[rows] - rank + alone
    rss = left @ left - np.where(alone, 0.0, left[rows] ** 2 / np.where(alone, 1.0, 1 - leverage))
    bad = (freedom <= 0) | (rss <= 1e-20 * (y @ y))
    if bad.any():
        msg = f"without row {rows[bad.argmax()]} least squares leaves no residual to estimate sigma from; give a number"
        raise FitError(msg)
    return np.asarray(np.sqrt(rss / freedom))


def _one_by_one(
    problem: Problem, optimum: Optimum, rows: NDArray[np.int_], noise: Noise, held: Array | None
) -> LeftOut:
    """A descent a row, from the mode with all rows."""
    thetas, sigmas = [], []
    for place, row in enumerate(rows):
        try:
            left = without(problem, int(row))
            if noise.joint:
                sigma, theta = _joint(left, noise, optimum)
                sigmas.append(sigma)
            else:
                fixed = left.conditional(None if held is None else float(held[place]))
                theta = minimise(fixed, optimum.beta)[0]
        except (FitError, FamilyError, InputError) as error:
            msg = f"without row {row} there is no mode: {error}"
            raise FitError(msg) from error
        thetas.append(theta)
    theta = np.array(thetas).reshape(rows.size, len(problem.labels))
    return LeftOut(rows, theta, np.array(sigmas) if noise.joint else held, np.ones(rows.size, dtype=bool))


def _joint(left: Problem, noise: Noise, optimum: Optimum) -> tuple[float, Array]:
    """The joint mode next to that with all rows: a secant to the root of the profile's slope in log σ."""
    beta, t = optimum.beta, math.log(float(optimum.sigma or 1.0))
    step = 5e-3
    before: tuple[float, float] | None = None
    for _ in range(SECANTS):
        theta = minimise(left.at(math.exp(t)), beta)[0]
        beta = left.split(theta)[1]
        slope = dispersion_slope(left, theta, math.exp(t))
        if abs(slope) <= STILL:
            return math.exp(t), theta
        bend = math.nan if before is None or t == before[0] else (slope - before[1]) / (t - before[0])
        before = (t, slope)
        # In the first step, and after one over which the slope fell: downhill.
        step = -slope / bend if bend > 0 else math.copysign(min(2 * abs(step), 0.5), -slope)
        t += max(-0.5, min(0.5, step))
    found = fit_at(left, replace(noise), optimum.beta)
    return float(found.sigma or 1.0), left.join(found.intercept, found.beta)
