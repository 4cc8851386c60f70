"""The minimum of J at each scale of a family, each started from the last."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bayesreg.descent import minimise
from bayesreg.interfaces import Array, Elastic
from bayesreg.penalty_path.face import Face
from bayesreg.penalty_path.reduced import LARGEST, Reduced, with_intercept
from bayesreg.problem import Problem
from bayesreg.quadratic import Lasso, minimise_quadratic
from bayesreg.scale_family import ScaleFamily


def reduce_quadratic(fixed: Problem, family: ScaleFamily) -> Reduced | None:
    """Return the problem of few rows; None where there is none, or where it would not be small."""
    elastic = family.at(1.0).elastic(fixed.p)
    small = fixed.p <= LARGEST
    return Reduced.of(fixed) if fixed.likelihood.quadratic and elastic is not None and small else None


def solve_path(fixed: Problem, family: ScaleFamily, scales: Array) -> Array:
    """Return θ (g, k), the minimum of J under the prior at each scale (ascending), each started from the last.

    Raises
    ------
    FitError
        If J has no finite minimum.
    """
    reduced = reduce_quadratic(fixed, family)
    if reduced is not None:
        return reduced.complete(solve_reduced(reduced, fixed, family, scales))
    return np.array(list(followed(fixed, family, scales)))


def followed(fixed: Problem, family: ScaleFamily, scales: Array) -> Iterator[Array]:
    """Go to each scale's minimum from the parabola through the last three, over the logarithm of the scale.

    A coefficient at its location, and one that the parabola would take past it, starts there.  Only the first and the
    last point are looked at for whether the minimum is finite: between them it is, if it is at both.
    """
    loc, lead = fixed.prior.location(fixed.p), int(fixed.has_intercept)
    unit = fixed.with_prior(family.at(1.0))
    one = unit.penalty_prior.elastic(len(fixed.labels))
    face = Face.of(unit, one)
    stretch = with_intercept(unit, family.stretch(scales, fixed.p))
    last: list[tuple[float, Array]] = []
    for i, scale in enumerate(scales):
        start = _continued(last, float(scale), loc, lead) if last else None
        ends = i in (0, len(scales) - 1)
        theta = None
        if face is not None and one is not None and start is not None and not ends:
            part = Elastic(one.l1 / stretch[i], one.l2 / stretch[i] ** 2, one.loc)
            theta = face.minimise(part, start)
        if theta is None:
            theta, _ = minimise(fixed.with_prior(family.at(float(scale))), theta=start, judged=ends or not fixed.convex)
        last = [*last[-2:], (float(scale), theta)]
        yield theta


def _continued(last: list[tuple[float, Array]], scale: float, loc: Array, lead: int) -> Array:
    t = np.log([known for known, _ in last])
    share = [np.prod((np.log(scale) - np.delete(t, i)) / (t[i] - np.delete(t, i))) for i in range(t.size)]
    points = np.array([point for _, point in last])
    theta, ahead = points[-1], np.asarray(np.array(share) @ points)
    here, there = theta[lead:] - loc, ahead[lead:] - loc
    ahead[lead:] = np.where(here * there > 0, ahead[lead:], np.where(here == 0, loc, theta[lead:]))
    return ahead


def solve_reduced(reduced: Reduced, fixed: Problem, family: ScaleFamily, scales: Array) -> Array:
    """Return the minima (g, k) of a reduced problem: the same active set, kept from one scale to the next."""
    size, labels = len(reduced.score), reduced.problem.labels
    found = np.empty((len(scales), size))
    parts = _elastics(reduced, fixed, family, scales)
    theta = parts[0].loc.copy()
    smooth = any(part.l2.any() or not part.l1.all() for part in parts)
    root, response = _rows(reduced.problem)
    if len(root) < size and not any(part.l1.any() or not part.l2.all() for part in parts):
        return np.array([_ridge(root, response, part) for part in parts])
    for i, part in enumerate(parts):
        gradient = reduced.hessian @ theta - reduced.score
        if smooth:
            theta = minimise_quadratic(reduced.hessian, gradient, part, theta, labels)
        else:
            v = Lasso(reduced.hessian, gradient, part.l1, theta - part.loc).minimise(one_by_one=True)
            theta = np.where(v == 0, part.loc, part.loc + v)
        found[i] = theta
    return found


def _rows(problem: Problem) -> tuple[Array, Array]:
    block = problem.design.rows.collect()
    return np.asarray(block.X), block.y


def _ridge(root: Array, response: Array, part: Elastic) -> Array:
    """argmin ½‖z − Rθ‖² + Σ l2(θ − μ)² for fewer rows than columns: μ + VRᵀ(RVRᵀ + I)⁻¹(z − Rμ), V = 1/2l2."""
    spread = 0.5 / part.l2
    system = (root * spread) @ root.T + np.eye(len(root))
    return np.asarray(part.loc + spread * (root.T @ np.linalg.solve(system, response - root @ part.loc)))


def _elastics(reduced: Reduced, fixed: Problem, family: ScaleFamily, scales: Array) -> list[Elastic]:
    """The penalty's rates at each scale: 1/s times those at 1 where there is a kink, 1/s² where there is none."""
    size = len(reduced.score)
    one = reduced.at(fixed, family, 1.0).penalty_prior.elastic(size)
    assert one is not None
    by = reduced.stretch(family, scales)
    return [Elastic(one.l1 / s, one.l2 / s**2, one.loc) for s in by]
