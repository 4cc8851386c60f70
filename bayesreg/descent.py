"""Proximal Newton descent on J: minimise its second-order model with the penalty kept exact, and search along the step.

Where the penalty is Σ l1|β − loc| + l2(β − loc)² the model is minimised exactly (`quadratic`).  Otherwise accelerated
proximal steps find the face (which blocks rest at their kinks), and Newton steps on the face do the rest.  A likelihood
that is not convex is modelled by the parabolas above it, so that every step descends.  Beyond `LARGE` columns only
those that are off their kink, or must leave it, are worked on; smooth penalties are then solved by conjugate gradients.

References
----------
Lee, Sun & Saunders (2014), Proximal Newton-type methods for minimizing composite functions, SIAM J. Optim. 24:1420;
Massias, Gramfort & Salmon (2018), Celer, ICML (working sets).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bayesreg.errors import FitError
from bayesreg.existence import check_finite, check_identified
from bayesreg.interfaces import Array, Block, Prior
from bayesreg.optimality import GAP_TOLERANCE, KKT_TOLERANCE, ROUNDING, kkt_residual, kkt_tolerance
from bayesreg.problem import Problem
from bayesreg.proximal import ProximalModel
from bayesreg.quadratic import minimise_quadratic

MAX_STEPS = 500
"""Steps; convergence is quadratic once the face is found, so that tens are many."""

REFINEMENT = 1e-3
"""Fraction of the KKT tolerance that the solver aims at, so that the certificate has room."""

WELL_WITHIN = 0.1
"""The same fraction for a point that is judged by its duality gap later."""

LARGE = 1000
"""Columns up to which all are worked on at once."""

LARGEST = 6000
"""Columns up to which a Hessian is made: 290 MB."""

FEWEST = 100
"""Columns that a working set may always grow by."""

NEXT_TO_ZERO = 1e-4
"""Distance from its location up to which a coefficient may be solved for by itself."""

FAR = 4.0
"""A Newton step of the intercept, on the scale of η, from which it is looked for by itself first."""


def minimise(
    fixed: Problem,
    beta: Array | None = None,
    enough: float = 0.0,
    theta: Array | None = None,
    *,
    judged: bool = True,
) -> tuple[Array, int]:
    """Return (θ, steps): a minimum of J for a problem with nothing unknown but θ, or a local one if J is not convex.

    It starts from the coefficients `beta`, or from all of `theta`, where they are given.  With `enough` > 0 it ends as
    soon as a step promises less than so many nats.  Not `judged`: it ends as soon as the KKT residual is well within
    its tolerance, and the caller is to judge the point, and to look whether there is a finite minimum at all.

    Raises
    ------
    FitError
        If J has no finite minimum.
    """
    work, shift = fixed.centred()
    prior = work.penalty_prior
    check_identified(work)
    if theta is not None:
        intercept, beta = work.split(theta)
        start = work.join(float(intercept + shift @ beta), beta)
    elif beta is not None:
        start = work.join(float(shift @ beta), beta)
    else:
        start = _with_intercept(work, np.array(prior.location(work.p + work.has_intercept)))
    theta, steps = _Descent(work, np.array(start)).run(enough, loose=not judged)
    if judged:
        check_finite(work, theta)
    if work.has_intercept:
        theta[0] -= shift @ theta[1:]
    return theta, steps


def _with_intercept(work: Problem, theta: Array) -> Array:
    """θ with a flat intercept put where Σ w·nll is least in it, if its own Newton step from θ would go very far.

    Counts of 10^15 want an intercept of 35, but the first step on e^η from 0 is one of 10^15.
    """
    if not work.flat_intercept or work.likelihood.quadratic or not work.likelihood.convex:
        return theta
    moving = bool(theta[1:].any())

    def derivatives(a: float) -> tuple[float, float]:
        def fn(block: Block) -> tuple[Array, ...]:
            eta = a + (block.X @ theta[1:] if moving else 0.0) + block.offset
            likelihood = work.likelihood.on(block)
            return tuple(block.weighted(d(eta, block.y)).sum(keepdims=True) for d in (likelihood.d1, likelihood.d2))

        first, second = work.design.rows.sum(fn)
        return float(first[0]), float(second[0])

    def slope(a: float) -> float:
        return derivatives(a)[0]

    here, bend = derivatives(theta[0])
    if abs(here) <= FAR * bend:
        return theta
    side, reach = -math.copysign(1.0, here), FAR
    while slope(theta[0] + side * reach) * here > 0:
        if reach > 700:
            return theta
        reach *= 2
    root = brentq(slope, float(theta[0]), float(theta[0] + side * reach), xtol=1e-6)
    return np.concatenate([[root], theta[1:]])


class _Descent:
    """The state of one descent."""

    def __init__(self, work: Problem, theta: Array) -> None:
        self.work, self.theta = work, theta
        self.prior: Prior = work.penalty_prior
        self.elastic = self.prior.elastic(theta.size)
        self.value = work.value(theta)
        self.promised = -math.inf
        self.hessian: tuple[NDArray[np.int_], Array] | None = None

    def run(self, enough: float = 0.0, *, loose: bool = False) -> tuple[Array, int]:
        """Descend until the KKT residual is down to rounding, or no step helps."""
        best: tuple[float, Array] | None = None
        exact = self.elastic is not None and self.work.likelihood.convex
        settled = False
        step = 0
        for step in range(MAX_STEPS):
            slope = self.work.gradient(self.theta)
            residual = kkt_residual(self.work, self.theta, slope)
            # A small residual alone may mean large units; that the last step promised next to nothing means the end.
            if self.promised > -enough or (loose and (residual <= WELL_WITHIN * KKT_TOLERANCE).all()):
                return self.theta, step
            if self.promised > -GAP_TOLERANCE:
                excess = float((residual / kkt_tolerance(self.work, self.theta)).max(initial=0.0))
                if excess <= REFINEMENT:
                    return self.theta, step
                if best is None or excess < 0.5 * best[0]:
                    best = (excess, self.theta)
                elif best[0] <= 1.0:  # certified, and rounding stops further progress
                    return best[1], step
            if not exact and self.promised > -GAP_TOLERANCE and self._near_zero(slope, residual):
                continue
            if not exact and settled and self._on_face(slope, residual):
                continue
            kinks = self.prior.at_kink(self.theta)
            if not self._proximal(slope):
                break
            settled = bool((kinks == self.prior.at_kink(self.theta)).all())
        return (self.theta if best is None else best[1]), step

    # -- one step on the model with its kinks --------------------------------------------------------------------

    def _proximal(self, slope: Array) -> bool:
        chosen = self._working_set(slope)
        target = self.theta.copy()
        if self.elastic is not None and (chosen.size <= LARGE or self.elastic.l1[chosen].any()):
            hessian = self._curvature(chosen)
            part = type(self.elastic)(*(getattr(self.elastic, name)[chosen] for name in ("l1", "l2", "loc")))
            labels = tuple(self.work.labels[j] for j in chosen)
            target[chosen] = minimise_quadratic(hessian, slope[chosen], part, self.theta[chosen], labels)
        elif self.elastic is not None:
            target += self._conjugate_gradients(slope + 2 * self.elastic.l2 * (self.theta - self.elastic.loc))
        else:
            target[chosen] = self._accelerated(slope, chosen)
        move = target - self.theta
        self.promised = float(slope @ move) + float(self.prior.penalty(target) - self.prior.penalty(self.theta))
        if self.elastic is None and self.promised >= 0:  # an unfinished model promises by its quadratic term too
            self.promised = -abs(float(slope @ move)) * np.finfo(float).eps
        return self._search(move, slope, target)

    def _working_set(self, slope: Array) -> NDArray[np.int_]:
        """All columns, or of very many those off their kink and the worst of those that must leave it."""
        everything = np.arange(self.theta.size)
        kinks = self.prior.at_kink(self.theta)
        if self.theta.size <= LARGE or not kinks.any():
            return everything
        reach = np.where(kinks, self.prior.gauge(self.theta, -slope), np.inf)
        active = int((~kinks).sum())
        violating = np.flatnonzero(kinks & (reach > 1))
        worst = violating[np.argsort(-reach[violating], kind="stable")[: max(FEWEST, active)]]
        blocks = self.prior.blocks(self.theta.size)
        member = np.zeros(int(blocks.max()) + 1, dtype=bool)
        member[blocks[~kinks]] = member[blocks[worst]] = True
        return np.flatnonzero(member[blocks])

    def _curvature(self, chosen: NDArray[np.int_]) -> Array:
        """Hessian over `chosen`, by the parabolas above the nll where it is not convex; kept where it is constant."""
        if chosen.size > LARGEST:
            msg = (
                f"{chosen.size} coefficients are to be found at once: their Hessian would take "
                f"{chosen.size**2 * 8 / 2**30:.1f} GiB. Use a stronger prior with a kink (Laplace, ElasticNet, "
                "GroupLaplace), which leaves fewer, or a Gaussian one, which needs no Hessian"
            )
            raise FitError(msg)
        likelihood = self.work.likelihood
        if self.hessian is not None and likelihood.quadratic and np.array_equal(self.hessian[0], chosen):
            return self.hessian[1]
        hessian = self.work.curvature(self.theta, chosen, majorized=not likelihood.convex)
        self.hessian = (chosen, hessian)
        return hessian

    def _conjugate_gradients(self, gradient: Array) -> Array:
        """Newton step of a smooth J without its Hessian."""
        from scipy.sparse.linalg import LinearOperator, cg

        assert self.elastic is not None
        added = 2 * self.elastic.l2
        convex = self.work.likelihood.convex
        unit = 1 / np.sqrt(self.work.curvature_diagonal(self.theta) + added)

        def product(x: Array) -> Array:
            move = unit * np.ravel(x)
            return unit * (self.work.curvature_along(self.theta, move, majorized=not convex) + added * move)

        shape = (gradient.size, gradient.size)
        tolerance = 1e-10 if self.work.likelihood.quadratic else 1e-4
        solution, _ = cg(LinearOperator(shape, matvec=product, dtype=float), -unit * gradient, rtol=tolerance)
        return np.asarray(unit * solution)

    def _accelerated(self, slope: Array, chosen: NDArray[np.int_]) -> Array:
        """Minimise the model over `chosen` by proximal steps, accelerated where the penalty is convex."""
        model = ProximalModel(self.work, self.theta, slope, chosen, self._curvature(chosen))
        return model.minimise(self.prior)

    # -- one step on the face ------------------------------------------------------------------------------------

    def _on_face(self, slope: Array, residual: Array) -> bool:
        """Newton step of the columns off their kink; False where others must move, or the face is not convex here."""
        kinks = self.prior.at_kink(self.theta)
        face = np.flatnonzero(~kinks)
        leaving = kinks & (residual > KKT_TOLERANCE * np.maximum(1.0, self.prior.rates(self.theta.size)))
        if leaving.any() or not face.size or face.size > 2 * LARGE:
            return False
        hessian = self.work.curvature(self.theta, face) + self.prior.hessian(self.theta, face)
        gradient = slope[face] + self.prior.nearest_subgradient(self.theta, -slope)[face]
        step = _newton_step(hessian, gradient)
        if step is None:
            return False
        move = np.zeros(self.theta.size)
        move[face] = step
        before = self.promised
        self.promised = float(gradient @ step)
        if self._search(move, slope, self.theta + move, fewest=0.05):
            return True
        self.promised = before
        return False

    def _near_zero(self, slope: Array, residual: Array) -> bool:
        """Solve for each coefficient next to its location by itself: there a power just above 1 all but jumps.

        So small are they that none is felt by the others.  False if the residual does not fall.
        """
        tolerance = kkt_tolerance(self.work, self.theta)
        away = np.abs(self.theta - self.prior.location(self.theta.size))
        stiff = (residual > tolerance) & (away > 0) & (away < NEXT_TO_ZERO)
        if not stiff.any():
            return False
        step = 1 / np.maximum(self.work.curvature_diagonal(self.theta), np.finfo(float).tiny)
        target = np.where(stiff, self.prior.prox(self.theta - step * slope, step), self.theta)
        left = kkt_residual(self.work, target)
        if float((left / tolerance).max()) >= 0.5 * float((residual / tolerance).max()):
            return False
        self.theta, self.value = target, self.work.value(target)
        return True

    def _search(self, move: Array, slope: Array, target: Array, fewest: float = 1e-12) -> bool:
        """Halve the step until J falls by a fraction of what the model promises; the full step keeps exact kinks."""
        slack = ROUNDING * (abs(self.value) + float(np.abs(slope) @ np.abs(move)))
        fraction = 1.0
        while fraction > fewest:
            point = target if fraction == 1.0 else self.theta + fraction * move
            reached = self.work.value(point)
            if reached <= self.value + 1e-4 * fraction * self.promised + slack:
                self.theta, self.value = point, reached
                return True
            fraction /= 2
        return False


def _newton_step(hessian: Array, gradient: Array) -> Array | None:
    """−H⁻¹g, across flat directions of H as short as can be; None where H bends down."""
    from scipy.linalg import cho_solve

    diagonal = np.diag(hessian)
    if not np.isfinite(hessian).all() or (diagonal <= 0).any():
        return None
    unit = 1 / np.sqrt(diagonal)
    scaled = hessian * np.outer(unit, unit)
    try:
        factor = np.linalg.cholesky(scaled)
    except np.linalg.LinAlgError:
        factor = None
    if factor is not None and np.diag(factor).min() ** 2 > 1e-13:
        return np.asarray(-unit * cho_solve((factor, True), unit * gradient))
    values, vectors = np.linalg.eigh(scaled)
    if values[0] < -1e-12 * values.size:
        return None
    kept = values > 1e-13 * values.size
    return np.asarray(-unit * (vectors[:, kept] @ ((vectors[:, kept].T @ (unit * gradient)) / values[kept])))
