"""Explicitly regularised optimisation: argmin Σ w·nll + pen at the matched λ.

Proximal Newton: each step minimises the quadratic model of Σ w·nll plus the exact penalty, and is accepted by a line
search on J.  Under Gaussian noise the model is exact and the second step only refines rounding.  Knows the objective,
not the PyMC graph: `graph_map` finds the same point from the graph, and shares nothing with this module but `Problem`.

References
----------
Lee, Sun & Saunders (2014), Proximal Newton-type methods for minimizing composite functions, SIAM J. Optim. 24:1420.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from bayesreg.errors import ParameterError
from bayesreg.existence import check_finite, check_identified
from bayesreg.interfaces import Array, Block
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimality import (
    GAP_TOLERANCE,
    ROUNDING,
    Optimum,
    certify,
    kkt_residual,
    kkt_tolerance,
)
from bayesreg.problem import Problem, require_problem
from bayesreg.quadratic import minimise_quadratic

MAX_STEPS = 200
"""Proximal Newton steps; convergence is quadratic, so that tens are many."""

REFINEMENT = 1e-3
"""Fraction of the KKT tolerance that the solver aims at, so that the certificate has room."""


def fit_penalized(problem: Problem, sigma: float | str | None = None, start: ArrayLike | None = None) -> Optimum:
    """Minimise the explicitly penalised loss J(a, β) = Σ w·nll + pen at λ matched to the prior.

    Parameters
    ----------
    problem : Problem
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        Where σ is unknown: the value at which to match, see `resolve_noise`; "joint" minimises over σ too.
    start : array (p,), optional
        Coefficients to start from.  The answer does not depend on them where it is unique.

    Returns
    -------
    Optimum
        With its certificate, evaluated at the returned point.

    Raises
    ------
    FitError
        If no finite optimum exists (separated classes or collinear columns without a penalty).
    ParameterError
        If the prior's scale is itself unknown, or `sigma` cannot be used.
    """
    require_problem(problem, "fit_penalized")
    return fit_at(problem, resolve_noise(problem, sigma), start)


def fit_at(problem: Problem, noise: Noise, start: ArrayLike | None = None) -> Optimum:
    """Minimise the penalised loss at a resolved noise scale."""
    if noise.joint:
        return _fit_joint(problem, noise)
    fixed = problem.conditional(noise.sigma)
    beta = None if start is None else np.asarray(start, dtype=float)
    if beta is not None and (beta.shape != (problem.p,) or not np.isfinite(beta).all()):
        msg = f"start must be {problem.p} finite numbers, one per column (got {start!r})"
        raise ParameterError(msg)
    theta, steps = minimise(fixed, beta)
    return _optimum(fixed, theta, noise.sigma, noise.sentence, steps, fixed.value(theta))


def _optimum(
    fixed: Problem,
    theta: Array,
    sigma: float | None,
    sentence: str,
    steps: int,
    objective: float,
    dispersion_residual: float = float("nan"),
) -> Optimum:
    intercept, beta = fixed.split(theta)
    intercept_raw, beta_raw = fixed.design.to_raw(intercept, beta)
    point = {"intercept": intercept} if fixed.has_intercept else {}
    return Optimum(
        intercept=float(intercept),
        beta=beta,
        intercept_raw=float(intercept_raw),
        beta_raw=beta_raw,
        sigma=sigma,
        sigma_method=sentence,
        objective=objective,
        certificate=certify(fixed, theta, dispersion_residual=dispersion_residual),
        names=fixed.names,
        positions=fixed.positions,
        iterations=steps,
        point=point | {"beta": beta} | ({} if sigma is None else {"sigma": np.asarray(sigma)}),
    )


def minimise(fixed: Problem, beta: Array | None = None) -> tuple[Array, int]:
    """Return (θ, steps) minimising J for a problem with nothing unknown but θ."""
    work, shift = fixed.centred()
    prior = work.penalty_prior
    start = prior.location(work.p + work.has_intercept) if beta is None else work.join(float(shift @ beta), beta)
    check_identified(work)
    theta, steps = _proximal_newton(work, np.array(start))
    check_finite(work, theta)
    if work.has_intercept:
        theta[0] -= shift @ theta[1:]
    return theta, steps


def _proximal_newton(work: Problem, theta: Array) -> tuple[Array, int]:
    prior = work.penalty_prior
    elastic = prior.elastic(theta.size)
    value = work.value(theta)
    hessian: Array | None = None
    best: tuple[float, Array] | None = None
    promised = -math.inf
    for step in range(MAX_STEPS):
        slope = work.gradient(theta)
        # A small residual alone may mean large units; that the last step was promised next to nothing means the end.
        if promised > -GAP_TOLERANCE:
            excess = float((kkt_residual(work, theta, slope) / kkt_tolerance(work, theta)).max(initial=0.0))
            if excess <= REFINEMENT:
                return theta, step
            if best is None or excess < 0.5 * best[0]:
                best = (excess, theta)
            elif best[0] <= 1.0:  # certified, and rounding stops further progress
                return best[1], step
        if hessian is None or not work.likelihood.quadratic:
            hessian = work.curvature(theta)
        target = minimise_quadratic(hessian, slope, elastic, theta, work.labels)
        promised = float(slope @ (target - theta)) + float(prior.penalty(target) - prior.penalty(theta))
        reached = _line_search(work, theta, target, slope, value, promised)
        if reached is None:
            break
        theta, value = reached
    return (theta if best is None else best[1]), step


def _line_search(
    work: Problem, theta: Array, target: Array, slope: Array, value: float, promised: float
) -> tuple[Array, float] | None:
    """Halve the step until J falls by a fraction of what the model promises; the full step keeps exact kinks."""
    move = target - theta
    slack = ROUNDING * (abs(value) + float(np.abs(slope) @ np.abs(move)))
    fraction = 1.0
    while fraction > 1e-12:
        point = target if fraction == 1.0 else theta + fraction * move
        reached = work.value(point)
        if reached <= value + 1e-4 * fraction * promised + slack:
            return point, reached
        fraction /= 2
    return None


def _fit_joint(problem: Problem, noise: Noise) -> Optimum:
    """Minimise −log p(y, θ, σ) over θ and σ: every root in σ of the profile's derivative, the lowest one kept."""
    start: Array | None = None
    steps = 0

    def slope(t: float) -> float:
        nonlocal start, steps
        fixed = problem.at(math.exp(t))
        theta, used = minimise(fixed, start)
        start = fixed.split(theta)[1]
        steps += used
        return dispersion_slope(problem, theta, math.exp(t))

    grid = math.log(problem.noise_guess()) + np.linspace(math.log(1e-3), math.log(10.0), 40)
    slopes = [slope(t) for t in grid]
    while slopes[0] >= 0:
        grid = np.insert(grid, 0, grid[0] - 2.0)
        slopes.insert(0, slope(grid[0]))
    while slopes[-1] <= 0:
        grid = np.append(grid, grid[-1] + 2.0)
        slopes.append(slope(grid[-1]))
    modes = [
        float(brentq(slope, grid[i], grid[i + 1], xtol=1e-14, rtol=1e-14))
        for i in range(len(grid) - 1)
        if slopes[i] < 0 <= slopes[i + 1]
    ]
    candidates = []
    for t in modes:
        fixed = problem.at(math.exp(t))
        theta, _ = minimise(fixed, start)
        candidates.append((problem.neg_log_joint(theta, math.exp(t)), math.exp(t), theta))
    value, sigma, theta = min(candidates, key=lambda c: c[0])
    others = ", ".join(f"{s:.4g} ({v - value:.3g} nats higher)" for v, s, _ in candidates if s != sigma)
    sentence = f"{noise.sentence}: σ = {sigma:.6g}" + (f"; other modes at σ = {others}" if others else "")
    residual = abs(dispersion_slope(problem, theta, sigma))
    return _optimum(problem.at(sigma), theta, sigma, sentence, steps, value, residual)


def dispersion_slope(problem: Problem, theta: Array, sigma: float) -> float:
    """∂/∂log σ of −log p(y, θ, σ) at fixed θ, in nats."""
    fixed = problem.at(sigma)

    def fn(block: Block) -> tuple[Array, ...]:
        terms = fixed.likelihood.d_log_sigma(fixed.linear_predictor(block, theta), block.y)
        return (block.weighted(terms).sum(keepdims=True),)

    total = float(fixed.design.rows.sum(fn)[0][0])
    hyper = problem.likelihood.dispersion
    if hyper is not None:
        total -= sigma * float(hyper.slope(np.asarray(sigma)))
    if problem.scale_by_noise:
        beta = fixed.split(theta)[1]
        pull = fixed.prior.nearest_subgradient(beta, np.zeros(fixed.p))
        total += float(np.isfinite(fixed.prior.variance(fixed.p)).sum())
        total -= float((beta - fixed.prior.location(fixed.p)) @ pull)
    return total
