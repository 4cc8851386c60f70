"""Problem → the penalised optimum at every scale of a grid, certified."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.descent import minimise
from bayesreg.errors import ParameterError
from bayesreg.existence import check_determined
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimality import certify
from bayesreg.optimality_each import applies, certify_each
from bayesreg.optimum import Optimum, Outcome
from bayesreg.penalized import fit_at
from bayesreg.penalty_path.grid import critical_scale, default_scales, read_scales
from bayesreg.penalty_path.reduced import Reduced, with_intercept
from bayesreg.penalty_path.result import PenalizedPath, Points
from bayesreg.penalty_path.solve import followed, reduce_quadratic, solve_reduced
from bayesreg.problem import Problem, require_problem
from bayesreg.scale_family import ScaleFamily


def penalized_path(
    problem: Problem, scales: object = None, *, sigma: float | str | None = None, count: int = 100
) -> PenalizedPath:
    """Minimise J(a, β) = Σ w·nll + pen along the prior's scale, and certify every minimum.

    Parameters
    ----------
    problem : Problem
        Its prior's own scale is ignored; where columns have scales of their own, or rates, these are multiplied.
    scales : array-like (g,), optional
        Scales, or factors on them; by default `count` of them from the critical one, up to which every coefficient is
        exactly zero, to a thousand times that, evenly on the log scale.  For a penalty without a kink: from a prior a
        hundred times as precise as the data to one a hundred-thousandth as precise.
    sigma : float, {"residual", "cv_lasso"} or None
        Where σ is unknown: the one value at which the whole path is matched, see `resolve_noise`.
    count : int
        Points of the default grid.

    Returns
    -------
    PenalizedPath
        In order of ascending scale: from the strongest penalty to the weakest.

    Raises
    ------
    ParameterError
        If the prior has nothing to vary, `scales` are no positive numbers, or `sigma` cannot be used.
    FitError
        If no finite optimum exists.
    """
    require_problem(problem, "penalized_path")
    family = ScaleFamily.of(problem, "penalized_path")
    grid = None if scales is None else read_scales("penalized_path", scales)
    number = read_integer("count", count, 2)
    if sigma == "joint":
        msg = "penalized_path: sigma='joint' would be another sigma at every scale; give a number or another method"
        raise ParameterError(msg)
    unit = problem.with_prior(family.at(1.0))
    check_determined(unit)
    noise = resolve_noise(unit, sigma)
    if noise.joint:  # the default of other than Gaussian noise: at the problem's own scale, or a middling one
        noise = _plugged_in(problem, family, noise)
    fixed, factor = unit.conditional(noise.sigma), 1.0
    if problem.scale_by_noise and noise.sigma is not None:  # then the prior at s is the plain one at s·σ
        fixed, factor = fixed.with_prior(family.at(1.0)), noise.sigma
    reduced = reduce_quadratic(fixed, family)
    critical = critical_scale(fixed, family, reduced)
    grid = default_scales(fixed, family, number, reduced, critical) if grid is None else grid * factor
    points = _points(fixed, family, grid, noise, reduced)
    return PenalizedPath.of(
        problem=fixed, family=family, noise=noise, scales=grid / factor, points=points, factor=factor,
        critical=critical / factor,
    )  # fmt: skip


def _plugged_in(problem: Problem, family: ScaleFamily, noise: Noise) -> Noise:
    own = family.own if family.own is not None else 1.0
    found = fit_at(problem.with_prior(family.at(own)), noise)
    return Noise(found.sigma, noise.method, f"{found.sigma_method}, under a prior of {family.name} {own:.4g}")


def _points(fixed: Problem, family: ScaleFamily, grid: Array, noise: Noise, reduced: Reduced | None) -> Points:
    if reduced is not None:
        thetas = solve_reduced(reduced, fixed, family, grid)
        return _certified(thetas, grid, lambda s: reduced.at(fixed, family, s), family, reduced)
    if fixed.convex:
        thetas = np.array(list(followed(fixed, family, grid)))
        return _certified(thetas, grid, lambda s: fixed.with_prior(family.at(s)), family, None)
    found: list[Optimum] = []
    for s in grid:
        start = found[-1].beta if found else None
        found.append(fit_at(fixed.with_prior(family.at(float(s))), Noise(noise.sigma, "known", noise.sentence), start))
    thetas = np.array([fixed.join(best.intercept, best.beta) for best in found])
    return Points.of(thetas, np.array([best.objective for best in found]), [best.certificate for best in found])


def _certified(
    thetas: Array, grid: Array, at: Callable[[float], Problem], family: ScaleFamily, reduced: Reduced | None
) -> Points:
    """The points with their certificates: all at once, and one by one where that does not certify them."""
    unit = at(1.0)
    if reduced is not None:
        stretch, rates = reduced.stretch(family, grid), reduced.rates(family, grid)
    else:
        stretch = with_intercept(unit, family.stretch(grid, unit.p))
        rates = with_intercept(unit, family.rates(grid, unit.p), rate=True)
    if applies(unit):
        known = certify_each(unit, thetas, stretch, rates, None if reduced is None else reduced.hessian)
        points = Points(thetas, known.value, known.kkt, known.gap, known.zero, [Outcome.CERTIFIED] * len(grid))
        left = np.flatnonzero(~known.certified)
    else:
        points, left = Points.empty(thetas), np.arange(len(grid))
    for i in left:
        one = at(float(grid[i]))
        thetas[i] = minimise(one, theta=thetas[i])[0]
        points.put(int(i), one.value(thetas[i]), certify(one, thetas[i]))
    return points if reduced is None else points.moved(reduced.complete(thetas), reduced.constant)
