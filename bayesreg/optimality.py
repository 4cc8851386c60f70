"""What makes a point an optimum, written once: KKT residual, duality gap, critical scale, certificate.

θ minimises J(θ) = f(θ) + pen(θ) with f(θ) = Σ w·nll iff −∇f(θ) ∈ ∂pen(θ).  Everything here follows from the prior's
subdifferential and the likelihood's derivatives; no prior or likelihood is named.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from bayesreg.existence import tied_columns
from bayesreg.interfaces import Array, Block
from bayesreg.optimum import Certificate
from bayesreg.problem import Problem

KKT_TOLERANCE = 1e-8
"""Largest KKT residual that is certified, in nats per unit of the coefficient, times max(1, λ)."""

GAP_TOLERANCE = 1e-9
"""Largest duality gap that is certified, in nats."""

SAME_MINIMUM = 1e-6
"""Difference of J in nats up to which two minima count as one."""

ROUNDING = 16 * np.finfo(float).eps
"""Multiple of Σ|terms| below which a gradient or an objective summed in double precision says nothing."""


DIRECT = 2000
"""Columns up to which a system of equations is solved by a factorisation, not by iteration."""


def search_text(values: Array) -> str:
    """What a search from several starts found, given J at the minimum that each of them reached."""
    above = np.sort(values) - values.min()
    others = above[above > SAME_MINIMUM]
    more = f"; the next lowest is {others[0]:.3g} nats higher" if others.size else ""
    reached = int((above <= SAME_MINIMUM).sum())
    return f"the lowest minimum of {values.size} descents, {reached} of which reached it{more}"


def kkt_residual(problem: Problem, theta: Array, gradient: Array | None = None) -> Array:
    """Distance (k,) of −∇f(θ) from ∂pen(θ), in nats per unit."""
    slope = problem.gradient(theta) if gradient is None else gradient
    return np.abs(-slope - problem.penalty_prior.nearest_subgradient(theta, -slope))


def kkt_tolerance(problem: Problem, theta: Array, *, any_unit: bool | None = None) -> Array:
    """Tolerance (k,) for the residual: KKT_TOLERANCE·max(1, λ), never below the gradient's rounding.

    A residual r leaves about r²/2h nats, h the curvature.  With `any_unit` it is also held to KKT_TOLERANCE·max(√h, λ),
    which is the same in any unit of y: by default where J is not convex, so that no duality gap says what r leaves.
    """
    rate = problem.penalty_prior.rates(theta.size)
    size = np.maximum(1.0, rate)
    if not problem.convex if any_unit is None else any_unit:
        bend = np.sqrt(problem.curvature_diagonal(theta))
        size = np.minimum(size, np.maximum(bend, np.where(np.isfinite(rate), rate, 0.0)))
    return np.maximum(KKT_TOLERANCE * size, ROUNDING * problem.gradient_uncertainty(theta))


def critical_factor(problem: Problem, theta: Array) -> Array:
    """Factor (k,) on λ at which each coefficient at a kink would start to leave: the gauge of −∇f in ∂pen(θ).

    At θ with every coefficient at its location, the largest entry times λ is the critical λ above which all stay.
    """
    return problem.penalty_prior.gauge(theta, -problem.gradient(theta))


def duality_gap(problem: Problem, theta: Array, slope: Array | None = None, tolerance: Array | None = None) -> float:
    """J(θ) − D(ν) in nats, an upper bound of J(θ) − min J, with the dual point built from the residuals at θ.

    By Fenchel's inequality, row by row and column by column,

        gap = Σ_i w_i [nll(η_i) + nll*(ν_i) − ν_i η_i] + Σ_j [pen_j(θ_j) + pen_j*(u_j) − u_j θ_j],   u = −Xᵀ(wν),

    each bracket non-negative.  ν starts as nll'(η), is moved so that u is 0 in unpenalised columns (the conjugate of a
    flat penalty is 0 at 0 and ∞ elsewhere) and is scaled down until every pen* is finite.  Where that leaves a gap, u
    is also put on ∂pen in every column that is there but for the KKT tolerance: under a very weak penalty pen*
    magnifies the gradient's rounding without end.  ∞ if J is not convex.  The gradient and `kkt_tolerance` at θ may be
    given where they are known.

    References
    ----------
    Rockafellar (1970), Convex Analysis, section 31.
    """
    if not problem.convex:
        return float("inf")
    slope, prior = problem.gradient(theta) if slope is None else slope, problem.penalty_prior
    flat = np.isinf(prior.variance(theta.size))
    gap = _gap(problem, theta, slope, flat)
    if gap <= GAP_TOLERANCE:
        return gap
    tolerance = kkt_tolerance(problem, theta) if tolerance is None else tolerance
    residual = kkt_residual(problem, theta, slope)
    kink = prior.at_kink(theta)
    room = prior.rates(theta.size) * (1 - np.where(kink, prior.gauge(theta, -slope), 1.0))
    inside = kink & (residual == 0) & (room > tolerance)
    return min(gap, _gap(problem, theta, slope, flat | ((residual <= tolerance) & ~inside)))


def _gap(problem: Problem, theta: Array, slope: Array, hold: NDArray[np.bool_]) -> float:
    """Duality gap with the dual point moved, to first order, so that −u is nearest to `slope` in −∂pen where `hold`."""
    prior = problem.penalty_prior
    held = np.flatnonzero(hold)
    correction = np.zeros(theta.size)
    if held.size:
        target = -prior.nearest_subgradient(theta, -slope)[held]
        correction[held] = _solve(problem, theta, held, slope[held] - target)
        slope = slope - problem.curvature_along(theta, correction)
        slope[held] = target
    reach = float(prior.dual_gauge(slope).max(initial=0.0))
    shrink = min(1.0, 1.0 / reach) if reach > 0 else 1.0
    u = prior.dual_projection(-shrink * slope)

    def rows_part(block: Block) -> tuple[Array, ...]:
        likelihood = problem.likelihood.on(block)
        eta = problem.linear_predictor(block, theta)
        nu = likelihood.d1(eta, block.y)
        if held.size:
            moved = problem.linear_predictor(block, correction) - block.offset
            nu = nu - likelihood.d2(eta, block.y) * moved
        nu = shrink * nu
        terms = likelihood.nll(eta, block.y) + likelihood.conjugate(nu, block.y) - nu * eta
        if block.weights is not None:  # a row of weight 0 leaves no gap, even where its conjugate is infinite
            terms = np.where(block.weights == 0, 0.0, terms)
        return (block.weighted(np.maximum(terms, 0.0)).sum(keepdims=True),)

    rows = float(problem.design.rows.sum(rows_part)[0][0])
    return rows + float(np.maximum(_penalty_gap(problem, theta, u), 0.0))


def _solve(problem: Problem, theta: Array, held: NDArray[np.int_], rhs: Array) -> Array:
    """Least-squares solution of H x = rhs over the columns `held`, H the Hessian of Σ w·nll."""
    if held.size <= DIRECT:
        return np.asarray(np.linalg.lstsq(problem.curvature(theta, held), rhs, rcond=None)[0])
    from scipy.sparse.linalg import LinearOperator, minres

    def product(x: Array) -> Array:
        whole = np.zeros(theta.size)
        whole[held] = np.ravel(x)
        return problem.curvature_along(theta, whole)[held]

    solution, _ = minres(LinearOperator((held.size, held.size), matvec=product, dtype=float), rhs, rtol=1e-14)
    return np.asarray(solution)


def _penalty_gap(problem: Problem, theta: Array, u: Array) -> float:
    prior = problem.penalty_prior
    return float(prior.penalty(theta)) + float((prior.conjugate(u) - u * theta).sum())


def certify(
    problem: Problem,
    theta: Array,
    *,
    dispersion_residual: float = float("nan"),
) -> Certificate:
    """Return the certificate of θ for a problem whose noise scale is fixed.

    Parameters
    ----------
    problem : Problem
        With a fixed (or no) noise scale and a fixed prior scale.
    theta : array (k,)
        The point, as a minimiser of J.
    dispersion_residual : float
        Residual of σ's own stationarity, where σ was optimised too; J(θ) is then judged at that σ.
    """
    prior = problem.penalty_prior
    slope = problem.gradient(theta)
    residual, tolerance = kkt_residual(problem, theta, slope), kkt_tolerance(problem, theta)
    kink = prior.at_kink(theta)
    margin = np.where(kink, 1.0 - prior.gauge(theta, -slope), np.nan)
    rows, penalty = problem.nll(theta), float(prior.penalty(theta))
    size = abs(rows) + abs(penalty) + float(problem.gradient_magnitude(theta) @ np.abs(theta))
    return Certificate(
        labels=problem.labels,
        residual=residual,
        tolerance=tolerance,
        gap=duality_gap(problem, theta, slope, tolerance),
        gap_tolerance=max(GAP_TOLERANCE, ROUNDING * size),
        zero=kink,
        margin=margin,
        dispersion_residual=dispersion_residual,
        convex=problem.convex,
        tied=tied_columns(problem, theta, margin),
    )
