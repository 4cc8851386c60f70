"""Loss and penalty in the plane of two coefficients, all others held where an optimum has them.

    f(u, v) = Σ w·nll(θ* with β_j = u, β_k = v)      minus its least value in the plane      [nats]
    g(u, v) = pen(β* with β_j = u, β_k = v)

At the optimum the two level sets touch: 0 is in ∇f + ∂g, which is two rows of the optimality conditions of the whole.
The intercept is held like the rest, but of centred columns where it is flat and the data are not sparse: under Gaussian
noise, without weights, that is to have it follow the two at every point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem, require_problem

BUDGET = 30_000_000
"""Values of nll beyond which the loss is its quadratic expansion at the optimum: half a second's worth."""

REACH = 3.5
"""Standard errors about the least loss that are in the plane by default."""

ROOM = 0.08
"""Share of the plane's width around the points that must be in it."""

STEPS, HALVINGS, SETTLED, VANISHED = 60, 12, 1e-9, 1e3
"""Newton's steps and halvings in the search for the least loss; the decrement in nats at which it is found; and the
growth of a standard error on the way past which the loss is levelling out, as between classes that are apart."""

RAYS, DOUBLINGS, BISECTIONS, SAME_POINT = 128, 20, 48, 1e-9
"""Of the level set: directions (a multiple of 4, so that a diamond's corners are among them); how often the plane's
width is doubled in search of it; halvings then; and the share of a width within which a point is the location."""

FLAT = 1e-10
"""Ratio of the two curvatures of the plane below which one direction has none."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class LossSlice:
    """Loss and penalty in the plane of two coefficients.

    Parameters
    ----------
    names : tuple of str
        The two columns.
    columns : tuple of int
        Their places.
    x, y : arrays (size,)
        Values of the first and of the second, on the scale that the prior sees.
    loss : array (size, size)
        In nats above `least`; rows are y, columns x.
    penalty : array (size, size)
        In nats, not shifted.
    optimum, least : arrays (2,)
        The optimum, and where the loss alone is least in the plane; NaN where that is not (a ridge, separated data).
    optimum_loss, optimum_penalty : float
        Loss (above the least) and penalty at the optimum.
    level_set : array (128, 2) or None
        Boundary of {penalty ≤ that at the optimum}, once around: a lasso's diamond, a ridge's ellipse, corners exact.
        None where it is a point, the optimum being at the prior's location, or does not end.
    expanded : bool
        Whether the loss is its quadratic expansion at the optimum, there being many rows.
    """

    names: tuple[str, str]
    columns: tuple[int, int]
    x: Array
    y: Array
    loss: Array
    penalty: Array
    optimum: Array
    least: Array
    optimum_loss: float
    optimum_penalty: float
    level_set: Array | None
    expanded: bool

    @property
    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Ends of the plane: (x, x), (y, y)."""
        return (float(self.x[0]), float(self.x[-1])), (float(self.y[0]), float(self.y[-1]))


def loss_slice(
    problem: Problem,
    optimum: Optimum,
    columns: tuple[str | int, str | int],
    *,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    size: int = 81,
) -> LossSlice:
    """Evaluate loss and penalty in the plane of two coefficients.

    Parameters
    ----------
    problem : Problem
        An unknown dispersion is held at the optimum's.
    optimum : Optimum
        Of this problem.
    columns : two of str or int
        Names or places.
    limits : pair of pairs of float, optional
        Ends of the plane in the first and the second coefficient.  By default it holds zero, the optimum, and the least
        loss with 3.5 standard errors around it.
    size : int, default 81
        Points a side.

    Returns
    -------
    LossSlice

    Raises
    ------
    ParameterError
        If a column does not exist, both are the same, or `limits` are not two ascending pairs.
    """
    require_problem(problem, "loss_slice")
    size = read_integer("size", size, 2)
    pair = _pair(problem, columns)
    if not isinstance(optimum, Optimum) or optimum.names != problem.names:
        msg = f"loss_slice: optimum must be an Optimum of this problem (got {optimum!r})"
        raise ParameterError(msg)
    plane = _Plane.of(problem, optimum, pair, size)
    least = plane.least()
    ends = plane.limits(least) if limits is None else _read_limits(limits)
    x, y = (np.linspace(low, high, size) for low, high in ends)
    points = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = plane.loss(points)
    lowest = float(plane.loss(least[None])[0]) if np.isfinite(least).all() else float(values.min())
    here = plane.at[None]
    spans = np.array([x[-1] - x[0], y[-1] - y[0]])
    return LossSlice(
        names=(problem.names[pair[0]], problem.names[pair[1]]), columns=pair, x=x, y=y,
        loss=np.maximum(values - lowest, 0.0).reshape(size, size), penalty=plane.penalty(points).reshape(size, size),
        optimum=plane.at, least=least, optimum_loss=max(float(plane.loss(here)[0]) - lowest, 0.0),
        optimum_penalty=float(plane.penalty(here)[0]), level_set=plane.level_set(spans),
        expanded=plane.parabola and not problem.likelihood.quadratic,
    )  # fmt: skip


def _pair(problem: Problem, columns: tuple[str | int, str | int]) -> tuple[int, int]:
    if not isinstance(columns, tuple | list) or len(columns) != 2:
        msg = f"loss_slice: columns must be two names or places (got {columns!r})"
        raise ParameterError(msg)
    first, second = (_place(problem, column) for column in columns)
    if first == second:
        msg = f"loss_slice: columns must be two different ones (got {columns!r})"
        raise ParameterError(msg)
    return first, second


def _place(problem: Problem, column: str | int) -> int:
    if isinstance(column, str):
        if column in problem.names:
            return problem.names.index(column)
    elif isinstance(column, int | np.integer) and not isinstance(column, bool) and 0 <= column < problem.p:
        return int(column)
    msg = f"loss_slice: columns holds {column!r}, which is not a column (of {problem.p})"
    raise ParameterError(msg)


def _read_limits(limits: object) -> NDArray[np.float64]:
    try:
        ends = np.asarray(limits, dtype=float)
    except (TypeError, ValueError):
        ends = np.empty(0)
    if ends.shape != (2, 2) or not np.isfinite(ends).all() or (ends[:, 0] >= ends[:, 1]).any():
        msg = f"loss_slice: limits must be ((low, high), (low, high)) with low < high (got {limits!r})"
        raise ParameterError(msg)
    return ends


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Plane:
    """The plane through an optimum, and the derivatives of f there; `parabola`: whether its expansion stands for f."""

    problem: Problem
    theta: Array
    places: NDArray[np.int_]
    gradient: Array
    hessian: Array
    parabola: bool

    @classmethod
    def of(cls, problem: Problem, optimum: Optimum, pair: tuple[int, int], size: int) -> Self:
        """Lay the plane; under Gaussian noise the expansion is the loss itself."""
        fixed, shift = problem.conditional(optimum.sigma).centred()
        theta = fixed.join(optimum.intercept + float(shift @ optimum.beta), optimum.beta)
        places = fixed.positions[list(pair)]
        parabola = fixed.likelihood.quadratic or fixed.n * size**2 > BUDGET
        return cls(fixed, theta, places, fixed.gradient(theta)[places], fixed.curvature(theta, places), parabola)

    @property
    def at(self) -> Array:
        """The optimum (2,)."""
        return self.theta[self.places]

    def thetas(self, points: Array) -> Array:
        """θ (m, k) at points (m, 2) of the plane."""
        thetas = np.tile(self.theta, (len(points), 1))
        thetas[:, self.places] = points
        return thetas

    def loss(self, points: Array) -> Array:
        """f (m,) in nats; as an expansion, relative to the optimum."""
        if self.parabola:
            moves = points - self.at
            return np.asarray(moves @ self.gradient + 0.5 * np.einsum("mi,ij,mj->m", moves, self.hessian, moves))
        return self.problem.nll_each(self.thetas(points))

    def penalty(self, points: Array) -> Array:
        """g (m,) in nats."""
        return np.asarray(self.problem.penalty_prior.penalty(self.thetas(points)))

    def level_set(self, spans: Array) -> Array | None:
        """The boundary of {g ≤ g(optimum)}, ray by ray from the location, on which every penalty grows."""
        centre = self.problem.penalty_prior.location(self.theta.size)[self.places]
        if (np.abs(self.at - centre) <= SAME_POINT * spans).all():
            return None
        angles = 2 * np.pi * np.arange(RAYS) / RAYS
        rays = np.stack([np.cos(angles), np.sin(angles)], axis=1) * spans
        level = float(self.penalty(self.at[None])[0])
        low, high = np.zeros(RAYS), np.ones(RAYS)
        for _ in range(DOUBLINGS):
            below = self.penalty(centre + high[:, None] * rays) <= level
            if not below.any():
                break
            low, high = np.where(below, high, low), np.where(below, 2 * high, high)
        else:
            return None
        for _ in range(BISECTIONS):
            middle = (low + high) / 2
            below = self.penalty(centre + middle[:, None] * rays) <= level
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return np.asarray(centre + low[:, None] * rays)

    def least(self) -> Array:
        """Where f is least (2,): Newton's steps, halved until they descend; NaN where none is found."""
        here, gradient = self.at, self.gradient
        if self.parabola:
            return here + _step(gradient, self.hessian)
        hessian = start = self.problem.curvature(self.theta, self.places, majorized=True)
        value = float(self.loss(here[None])[0])
        for _ in range(STEPS):
            step = _step(gradient, hessian)
            if not np.isfinite(step).all() or -gradient @ step <= SETTLED:
                break
            tried = here + 0.5 ** np.arange(HALVINGS)[:, None] * step
            values = self.loss(tried)
            lower = np.flatnonzero(values < value)
            if not lower.size:
                break
            here, value = tried[lower[0]], float(values[lower[0]])
            theta = self.thetas(here[None])[0]
            gradient = self.problem.gradient(theta)[self.places]
            hessian = self.problem.curvature(theta, self.places, majorized=True)
        settled = np.isfinite(step).all() and -gradient @ step <= SETTLED * max(1.0, abs(value))
        curved = (_errors(hessian) <= VANISHED * _errors(start)).all()
        return here if settled and curved else np.full(2, np.nan)

    def limits(self, least: Array) -> list[tuple[float, float]]:
        """Ends that hold zero, the optimum, and the least loss with `REACH` standard errors around it."""
        errors = _errors(self.hessian)
        centre = np.where(np.isfinite(least), least, self.at)
        points = np.stack([np.zeros(2), self.at, centre - REACH * errors, centre + REACH * errors])
        low, high = points.min(axis=0), points.max(axis=0)
        room = ROOM * np.where(high > low, high - low, 1.0)
        return [(float(a), float(b)) for a, b in zip(low - room, high + room, strict=True)]


def _step(gradient: Array, hessian: Array) -> Array:
    """Newton's step (2,); NaN where the plane has a direction without curvature."""
    values, vectors = np.linalg.eigh(hessian)
    if values[0] <= FLAT * max(values[1], np.finfo(float).tiny):
        return np.full(2, np.nan)
    return np.asarray(-(vectors @ ((vectors.T @ gradient) / values)))


def _errors(hessian: Array) -> Array:
    """Standard errors (2,) of the two coefficients in the plane; along a flat direction, those of each alone."""
    values = np.linalg.eigvalsh(hessian)
    if values[0] > FLAT * values[1]:
        return np.asarray(np.sqrt(np.diag(np.linalg.inv(hessian))))
    alone = np.diag(hessian)
    return np.divide(1.0, np.sqrt(np.abs(alone)), out=np.ones(2), where=alone > 0)
