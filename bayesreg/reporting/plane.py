"""The contour picture of the λ explorer: loss, penalty and draws of two coefficients at every place of the slider."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.reporting.grid import Walk
from bayesreg.sampling_path.weights import Point
from bayesreg.slices import LossSlice, loss_slice

SIZES = {True: 101, False: 51}
"""Points a side of the grid that contours are drawn through: more where the loss is quadratic, and points are cheap."""

LEVELS = (0.69, 3.0)
"""Nats above the least loss: of a normal with two coefficients, the regions of 50 and 95 %.  A third contour is that
through the optimum."""

DRAWS = 150
"""Draws shown at a place."""

VERTICES = 72
"""Points of a contour line."""

KEPT = 0.999
"""Share of the draws that the plane holds, at every place."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """The planes of all places, with the same ends."""

    walk: Walk
    pair: tuple[int, int]
    slices: tuple[LossSlice | None, ...]
    limits: tuple[tuple[float, float], tuple[float, float]]


def planes(walk: Walk, pair: tuple[int, int]) -> Plane:
    """Evaluate the loss at every place; where the penalised optimum is not certified there is none."""
    own = walk.penalized.optimum(walk.start + walk.own)
    first = loss_slice(_problem(walk, walk.own), own, pair, size=2)
    limits = _limits(walk, pair, first)
    slices = tuple(_slice(walk, i, pair, limits) for i in range(walk.scales.size))
    return Plane(walk, pair, slices, limits)


def _problem(walk: Walk, i: int) -> Problem:
    path = walk.penalized
    return path.problem.with_prior(path.family.at(float(path.scales[walk.start + i]) * path.factor))


def _slice(walk: Walk, i: int, pair: tuple[int, int], limits: tuple[tuple[float, float], ...]) -> LossSlice | None:
    if not walk.penalized.sound[walk.start + i]:
        return None
    problem = _problem(walk, i)
    return loss_slice(
        problem, walk.penalized.optimum(walk.start + i), pair, limits=(limits[0], limits[1]),
        size=SIZES[problem.likelihood.quadratic],
    )  # fmt: skip


def _limits(walk: Walk, pair: tuple[int, int], first: LossSlice) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ends that hold the plane at this report's scale, the MAP's whole path, and nearly all draws there."""
    chosen = list(pair)
    path = walk.penalized.beta[walk.start :][walk.penalized.sound[walk.start :]][:, chosen]
    draws = _spread_draws(walk.posterior.points[walk.own], chosen)
    tail = (1 - KEPT) / 2
    spread = np.quantile(draws, [tail, 1 - tail], axis=0)
    points = np.concatenate([np.array(first.limits).T, path, spread])
    low, high = points.min(axis=0), points.max(axis=0)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))


def plane_at(plane: Plane, i: int, *, sound: bool, passed: bool) -> dict[str, Any]:
    """One place: contours of the loss, the level set of the penalty, the two points, and draws."""
    found: dict[str, Any] = {"loss": [], "draws": _draws(plane, i) if passed else None}
    here = plane.slices[i]
    if here is None or not sound:
        return found
    levels = sorted({*LEVELS, here.optimum_loss} if here.optimum_loss > LEVELS[0] / 10 else {*LEVELS})
    found["loss"] = [
        {"level": level, "path": line} for level in levels for line in _contours(here, level)
    ]  # fmt: skip
    found["penalty"] = here.level_set
    found["optimum"] = here.optimum
    found["least"] = here.least if _inside(here.least, plane.limits) else None
    return found


def _inside(point: Array, limits: tuple[tuple[float, float], ...]) -> bool:
    return all(low <= value <= high for value, (low, high) in zip(point, limits, strict=True))


def _contours(here: LossSlice, level: float) -> list[NDArray[np.float64]]:
    from contourpy import LineType, contour_generator

    found: Any = contour_generator(here.x, here.y, here.loss, line_type=LineType.Separate).lines(level)
    return [line[np.unique(np.linspace(0, len(line) - 1, VERTICES).astype(int))] for line in found]


def _draws(plane: Plane, i: int) -> Array:
    """Draws (DRAWS, 2) of the posterior there."""
    return _spread_draws(plane.walk.posterior.points[i], list(plane.pair), DRAWS)


def _spread_draws(point: Point, columns: list[int], count: int = 2000) -> Array:
    """Evenly chosen draws (count, 2), by weight."""
    beta = point.pool.beta[:, columns]
    weights = np.full(len(beta), 1 / len(beta)) if point.weights is None else point.weights
    taken = np.searchsorted(np.cumsum(weights), (np.arange(count) + 0.5) / count)
    return beta[np.minimum(taken, len(beta) - 1)]
