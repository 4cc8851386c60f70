"""The mode with each row left out in turn.

Where J is convex, most rows leave the face that the mode lies on (which coefficients are at a kink) as it is: Newton
steps on it, all rows at once, find the mode without each.  Each is then held to its KKT conditions, and where they fail
(a coefficient enters, leaves or changes its sign) the row is fitted by itself, from there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.discard.left_out_face import steps_on_face
from bayesreg.discard.left_out_noise import noise_without
from bayesreg.discard.refits import without
from bayesreg.discard.reweighted import Reweighted
from bayesreg.errors import FamilyError, FitError, InputError
from bayesreg.existence import check_determined
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem


@final
@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Modes without one row each.

    Parameters
    ----------
    rows : int array (m,)
    theta : array (m, k)
        θ on the scale that the prior sees.
    sigma : array (m,) or None
        The dispersion that each is taken at; None where the family has none.
    refitted : bool array (m,)
        Which were found by a fit of their own, and not by steps from the mode on its face.
    """

    rows: NDArray[np.int_]
    theta: Array
    sigma: Array | None
    refitted: NDArray[np.bool_]


def modes_without(
    problem: Problem, optimum: Optimum, rows: NDArray[np.int_], sigma: float | str | None = None
) -> LeftOut:
    """Return the penalised mode without each of these rows in turn.

    The row's weight is 0; standardisation, prior and scale stay.

    Parameters
    ----------
    problem : Problem
    optimum : Optimum
        Its mode on all rows, which is started from.
    rows : int array (m,)
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        The plug-in dispersion where it is unknown, see `resolve_noise`.  `residual` is estimated anew without each row,
        `joint` optimised anew; that of a cross-validated lasso, or a number, is held.

    Raises
    ------
    FitError
        If there is no finite mode without some row, or nothing to estimate σ from.
    ParameterError
        If `sigma` cannot be used.

    Notes
    -----
    With H the Hessian of J on the face at the mode, and row i contributing the curvature c_i x_i x_iᵀ, a step is

        θ_i ← θ_i − (H − c_i x_i x_iᵀ)⁻¹ ∇J_i(θ_i)

    by the formula of Sherman and Morrison.  Under quadratic noise one step is exact; otherwise they converge at a rate
    of the row's influence.
    """
    noise = resolve_noise(problem, sigma)
    found = noise_without(problem, noise, rows)
    start = np.tile(problem.join(optimum.intercept, optimum.beta), (rows.size, 1))
    theta, certified = start, np.zeros(rows.size, dtype=bool)
    fixed = None if noise.joint else problem.conditional(noise.sigma)
    faces = None
    if fixed is not None and fixed.convex and rows.size:
        ratio = np.ones(rows.size) if found is None or noise.sigma is None else found / noise.sigma
        theta, certified = steps_on_face(fixed, start[0], rows, ratio, scaled=problem.scale_by_noise)
        faces = Reweighted.of(problem, fixed)
    sigmas = np.full(rows.size, np.nan) if found is None else found.copy()
    for i in np.flatnonzero(~certified):
        theta[i], sigmas[i] = _refitted(problem, noise, sigma, int(rows[i]), float(sigmas[i]), theta[i], faces)
    return LeftOut(rows, theta, None if np.isnan(sigmas).any() else sigmas, ~certified)


def _refitted(
    problem: Problem,
    noise: Noise,
    rule: float | str | None,
    row: int,
    sigma: float,
    theta: Array,
    faces: Reweighted | None,
) -> tuple[Array, float]:
    """θ and dispersion without one row, by a fit of its own."""
    try:
        left = without(problem, row)
        check_determined(left)
        if noise.joint or (np.isnan(sigma) and noise.sigma is not None):
            noise = resolve_noise(left, rule)
            sigma = np.nan if noise.sigma is None else noise.sigma
        if faces is not None:
            weights = left.design.rows.collect().weights
            assert weights is not None
            return faces.mode(weights, None if np.isnan(sigma) else sigma, theta), sigma
        point = fit_at(left, noise, problem.split(theta)[1])
    except (FamilyError, InputError, FitError) as error:
        msg = f"without row {row} (counted from 0) there is no mode: {error}"
        raise FitError(msg) from error
    return problem.join(point.intercept, point.beta), np.nan if point.sigma is None else point.sigma
