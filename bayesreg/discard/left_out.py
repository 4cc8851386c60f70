"""The penalised mode with each row left out in turn: exact, by Newton steps for many rows at once where J is convex.

Most rows leave the face that the mode lies on (which coefficients are at a kink) as it is.  The Hessian on it without
row i is that with all rows less one outer product, and steps with it settle fast, since one row changes little.  Each
row's point is then held to the KKT conditions of all columns, and what fails them is fitted by itself, from there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.descent import minimise
from bayesreg.discard.face_without import MOST_FREE, steps_on_face
from bayesreg.discard.refits import without
from bayesreg.discard.reweighted import Reweighted
from bayesreg.dispersion_profile import dispersion_slope
from bayesreg.errors import FamilyError, FitError, InputError
from bayesreg.interfaces import Array
from bayesreg.least_squares import SINGULAR
from bayesreg.moments import response_moments
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.rows import is_sparse

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
        On the scale that the prior sees.
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
    if resolve_noise(problem, sigma).joint or not problem.convex or int((~optimum.zeros).sum()) >= MOST_FREE:
        return SLOW_ROWS
    return max(SLOW_ROWS, PASSES // (10 * problem.n * max(1, len(problem.labels))))


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

    Notes
    -----
    With H the Hessian of J on the face of the mode, to which row i contributes c_i x_i x_iᵀ, a step is

        θ_i ← θ_i − (H − c_i x_i x_iᵀ)⁻¹ ∇J_i(θ_i)

    by the formula of Sherman and Morrison.  Under Gaussian noise one is exact; elsewhere the error shrinks in each by a
    factor about as small as what the row changes.
    """
    noise = resolve_noise(problem, sigma)
    if noise.joint:
        return _jointly(problem, optimum, rows, noise)
    held = _dispersions(problem, optimum, rows, noise)
    fixed, theta = problem.conditional(optimum.sigma), problem.join(optimum.intercept, optimum.beta)
    thetas, found = np.tile(theta, (rows.size, 1)), np.zeros(rows.size, dtype=bool)
    if fixed.convex:
        ratio = np.ones(rows.size) if held is None or optimum.sigma is None else held / optimum.sigma
        thetas, found = steps_on_face(fixed, theta, rows, ratio, scaled=problem.scale_by_noise)
    if found.all():
        return LeftOut(rows, thetas, held, ~found)
    many = Reweighted.of(problem, fixed)
    for place in np.flatnonzero(~found):
        row = int(rows[place])
        try:
            weights = without(problem, row).design.rows.collect().weights
            assert weights is not None
            thetas[place] = many.mode(weights, None if held is None else float(held[place]), thetas[place])
        except (FitError, FamilyError, InputError) as error:
            msg = f"without row {row} there is no mode: {error}"
            raise FitError(msg) from error
    return LeftOut(rows, thetas, held, ~found)


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
    X = block.X.toarray() if is_sparse(block.X) else block.X
    weights = block.weighted(np.ones(problem.n))
    root = np.sqrt(weights)[:, None]
    lead = root / np.linalg.norm(root) if problem.has_intercept else np.zeros((problem.n, 0))
    # About the means and in units of the columns' own size, as `least_squares` judges the rank.
    centre = weights @ X / weights.sum() if problem.has_intercept else 0.0
    A = root * (X - centre)
    size = np.linalg.norm(A, axis=0)
    u, s, _ = np.linalg.svd(A / np.where(size > 0, size, 1.0), full_matrices=False)
    basis = np.column_stack([lead, u[:, s**2 > SINGULAR * max(1.0, s.max(initial=0.0) ** 2)]])
    mean = response_moments(problem.design.rows)[1] if problem.has_intercept else 0.0
    y = root[:, 0] * (block.y - block.offset - mean)
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


def _jointly(problem: Problem, optimum: Optimum, rows: NDArray[np.int_], noise: Noise) -> LeftOut:
    """A search over the dispersion a row, from the mode with all rows."""
    thetas, sigmas = [], []
    for row in rows:
        try:
            sigma, theta = _joint(without(problem, int(row)), noise, optimum)
        except (FitError, FamilyError, InputError) as error:
            msg = f"without row {row} there is no mode: {error}"
            raise FitError(msg) from error
        thetas.append(theta)
        sigmas.append(sigma)
    theta = np.array(thetas).reshape(rows.size, len(problem.labels))
    return LeftOut(rows, theta, np.array(sigmas), np.ones(rows.size, dtype=bool))


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
    found = fit_at(left, noise, optimum.beta)
    return float(found.sigma or 1.0), left.join(found.intercept, found.beta)
