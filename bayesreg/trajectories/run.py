"""Problem → the iterates of a plain descent from zero."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import ArrayLike

from bayesreg.arguments import read_integer
from bayesreg.descent import minimise
from bayesreg.design import Design
from bayesreg.errors import FitError, ParameterError
from bayesreg.existence import check_determined
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.rows import ArrayRows
from bayesreg.stacked import Stacked
from bayesreg.trajectories.result import Trajectory
from bayesreg.trajectories.steps import rule_of, walk

MOST_NUMBERS = 200_000_000
"""Numbers in all iterates: 1.6 GB."""

METHODS = ("gradient", "subgradient", "proximal")


def trajectory(
    problem: Problem,
    method: str = "proximal",
    steps: int = 200,
    *,
    penalized: bool = True,
    sigma: float | str | None = None,
    start: ArrayLike | None = None,
) -> Trajectory:
    """Descend J(a, β) = Σ w·nll + pen from zero by plain steps, and keep every iterate.

    =============  ======================================================  ==============================
    method         step                                                    size
    =============  ======================================================  ==============================
    `gradient`     θ − t(∇f + ∂pen), sign(0) := 0 as autodiff has it       t, constant
    `subgradient`  the same                                                t/√(k + 1)
    `proximal`     argmin_x pen(x) + ‖x − (θ − t∇f)‖²/2t                   t, constant; J never rises
    =============  ======================================================  ==============================

    t is one over the largest curvature of the loss f at the start, and is halved for good where a step would rise above
    the parabola that it promises.  Only proximal steps reach exact zeros: see `bayesreg.trajectories` for why.

    Parameters
    ----------
    problem : Problem
    method : {"proximal", "gradient", "subgradient"}
    steps : int, default 200
        ≥ 1.
    penalized : bool, default True
        Whether J is descended, or the loss alone, all priors left out (the intercept's too).
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        Where σ is unknown: the value at which it is held, as in `fit_penalized`; the same with and without the penalty.
    start : array (p,), optional
        Coefficients to start from, on the scale that the prior sees; by default 0, wherever the prior's location is.

    Returns
    -------
    Trajectory
        The intercept starts at its optimum given the first coefficients, and moves like a coefficient from there.

    Raises
    ------
    ParameterError
        If an argument is outside what it can be, the prior's scale is itself unknown, or the penalty has a cusp (bridge
        with q < 1) and `method` is not "proximal".
    FitError
        If nothing determines σ, or the intercept given the first coefficients is infinite.
    """
    require_problem(problem, "trajectory")
    if method not in METHODS:
        msg = f"trajectory: method must be one of {', '.join(map(repr, METHODS))} (got {method!r})"
        raise ParameterError(msg)
    if not isinstance(penalized, bool | np.bool_):
        msg = f"trajectory: penalized must be True or False (got {penalized!r})"
        raise ParameterError(msg)
    count = read_integer("steps", steps, 1)
    if count * max(1, len(problem.labels)) > MOST_NUMBERS:
        msg = f"trajectory: steps = {count} iterates of {len(problem.labels)} numbers do not fit; take fewer steps"
        raise ParameterError(msg)
    if problem.prior.hyperprior is not None:
        problem.prior.penalty(np.zeros(problem.p))  # raises, and says what to do
    beta = _start(problem, start)
    held = _held(problem, sigma, penalized=bool(penalized))
    descended = held.problem if penalized else held.problem.unpenalized()
    first, rule = _with_intercept(descended, beta), rule_of(descended, method)
    path = walk(descended, first, rule, count, diminishing=method == "subgradient")
    intercept, betas = descended.split(path.thetas)
    penalty = held.problem.penalty_prior.penalty(path.thetas)
    return Trajectory(
        problem=held.problem, method=method, penalized=bool(penalized), noise=held.noise, intercept=intercept,
        beta=betas, loss=path.loss, penalty=penalty, objective=path.loss + (penalty if penalized else 0.0),
        step=path.sizes, optimum=held.optimum, least=held.least, reason=held.reason,
    )  # fmt: skip


def _start(problem: Problem, start: ArrayLike | None) -> Array:
    if start is None:
        return np.zeros(problem.p)
    try:
        beta = np.asarray(start, dtype=float)
    except (TypeError, ValueError):
        beta = np.empty(0)
    if beta.shape != (problem.p,) or not np.isfinite(beta).all():
        msg = f"trajectory: start must be {problem.p} finite numbers, one per column (got {start!r})"
        raise ParameterError(msg)
    return beta


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """The problem with its dispersion held, and the minimum of what is descended: NaN, and why, where there is none."""

    problem: Problem
    noise: Noise
    optimum: Optimum | None
    least: float
    reason: str


def _held(problem: Problem, sigma: float | str | None, *, penalized: bool) -> _Held:
    noise = resolve_noise(problem, sigma)
    found: Optimum | None = None
    if noise.joint:  # the plug-in is then the joint mode's, found by the penalised fit
        found = fit_at(problem, noise)
        noise = Noise(found.sigma, noise.method, found.sigma_method)
    fixed = problem.conditional(noise.sigma)
    reason = ""
    if not penalized or found is None:
        try:
            found = _minimum(fixed if penalized else fixed.unpenalized(), noise)
        except FitError as error:
            found, reason = None, str(error)
    if found is None:
        return _Held(fixed, noise, None, float("nan"), reason)
    descended = fixed if penalized else fixed.unpenalized()
    return _Held(fixed, noise, found, descended.value(fixed.join(found.intercept, found.beta)), reason)


def _minimum(fixed: Problem, noise: Noise) -> Optimum:
    check_determined(fixed)
    return fit_at(fixed, Noise(noise.sigma, "known", noise.sentence))


def _with_intercept(fixed: Problem, beta: Array) -> Array:
    """θ = (a, β) with the intercept where J is least given β: the minimum of a problem without columns."""
    if not fixed.has_intercept:
        return beta
    block = fixed.design.rows.collect()
    offset = block.offset + block.X @ beta
    rows = ArrayRows(np.empty((fixed.n, 0)), block.y, offset, block.weights, block.trials)
    alone = replace(fixed, design=Design(rows, (), np.zeros(0), np.zeros(0)), prior=Stacked([]))
    return fixed.join(float(minimise(alone)[0][0]), beta)
