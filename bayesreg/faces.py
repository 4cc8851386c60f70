"""A function with kinks at a point: its faces, and second-order models of it there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.optimality import KKT_TOLERANCE

Evaluate = Callable[[Array], tuple[float, Array, Array, Array]]
"""(value, gradient, kink locations, kink rates) at a point."""


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """−logp at x, its gradient, and the kinks: `ray` is the gradient nearest to zero in the subdifferential."""

    x: Array
    value: float
    slope: Array
    loc: Array
    rate: Array
    blocks: NDArray[np.int_]

    @property
    def grouped(self) -> NDArray[np.bool_]:
        """Entries of blocks of several."""
        return np.asarray(np.bincount(self.blocks)[self.blocks] > 1)

    @property
    def jumpy(self) -> NDArray[np.bool_]:
        """Entries that no second-order model with its kinks covers: of blocks of several, and at cusps."""
        return self.grouped | np.isinf(self.rate)

    @property
    def kinked(self) -> NDArray[np.bool_]:
        """Entries whose whole block rests on its kink."""
        off = np.bincount(self.blocks, self.x != self.loc)[self.blocks] > 0
        return np.asarray(~off & (self.rate > 0))

    @property
    def ray(self) -> Array:
        """The gradient nearest to zero in the subdifferential."""
        norm = norms(self.slope, self.blocks)
        eased = np.divide(np.maximum(norm - self.rate, 0.0), norm, out=np.zeros_like(norm), where=norm > 0)
        return np.where(self.kinked, self.slope * eased, self.slope)

    @property
    def orthant(self) -> Array:
        """Side of its kink that each entry is on, or would leave to; 0 where it has no kink, or rests on it."""
        side = np.where(self.kinked, -np.sign(self.ray), np.sign(self.x - self.loc))
        return np.where(np.isnan(self.loc) | self.grouped, 0.0, side)

    @property
    def face_slope(self) -> Array:
        """Gradient on the open orthant that x lies on or leaves to."""
        leaving = self.kinked & (self.orthant != 0)
        return self.slope + np.where(leaving, self.rate, 0.0) * self.orthant

    @property
    def tolerance(self) -> Array:
        """Largest residual that counts as zero."""
        return KKT_TOLERANCE * np.maximum(1.0, np.where(np.isinf(self.rate), 0.0, self.rate))


def norms(values: Array, blocks: NDArray[np.int_]) -> Array:
    """‖·‖₂ of each entry's block."""
    with np.errstate(over="ignore"):
        return np.asarray(np.sqrt(np.bincount(blocks, values**2))[blocks])


class Target:
    """A function to minimise, and which of its entries share a kink."""

    def __init__(self, evaluate: Evaluate, blocks: NDArray[np.int_]) -> None:
        self.evaluate, self.blocks = evaluate, blocks

    def __call__(self, x: Array) -> State:
        """State at x."""
        value, slope, loc, rate = self.evaluate(x)
        return State(x, value if np.isfinite(slope).all() else float("nan"), slope, loc, rate, self.blocks)


class Differences:
    """The graph's evaluate, with a Hessian from forward differences of its gradient, steps taken away from kinks."""

    def __init__(self, target: Target, x: Array) -> None:
        self.target = target
        self.width = 1e-6 * np.maximum(1.0, np.abs(x))

    def hessian(self, state: State, moving: NDArray[np.int_], *, smooth: bool = False) -> Array:
        """Hessian of the face that `state` moves on, or of the part without the kinked terms."""
        base = (smooth_slope(state) if smooth else state.face_slope)[moving]
        rows = np.array([self._row(state, j, moving, base, smooth) for j in moving]).reshape(moving.size, moving.size)
        return np.asarray((rows + rows.T) / 2)

    def _row(self, state: State, j: int, moving: NDArray[np.int_], base: Array, smooth: bool) -> Array:
        """Row j of the Hessian.  Widths that are far from a hundred-thousandth of a posterior sd are mended."""
        at = int(np.flatnonzero(moving == j)[0])
        found = np.zeros(moving.size)
        for _ in range(10):
            row = self._difference(state, j, self.width[j], moving, base, smooth)
            if np.isfinite(row).all():
                found = row
            curvature = abs(row[at])
            span = self.width[j] * np.sqrt(curvature)
            if not np.isfinite(span):
                self.width[j] /= 1e4
            else:
                self.width[j] = 1e-5 / np.sqrt(curvature) if curvature > 1e-100 else self.width[j] * 1e4
            if 1e-8 <= span <= 1e-2:
                break
        row, size = found, abs(state.x[j])
        if 0 < size < 1e2 * self.width[j]:
            # A power of |x| between 1 and 2 bends without end towards 0: there the width must be small beside x.
            finer = self._difference(state, j, 1e-4 * size, moving, base, smooth)
            row = finer if abs(finer[at]) > 2 * abs(row[at]) else row
        return row

    def _difference(
        self, state: State, j: int, width: float, moving: NDArray[np.int_], base: Array, smooth: bool
    ) -> Array:
        x = state.x.copy()
        x[j] += max(width, 8 * np.spacing(abs(x[j]))) * (state.orthant[j] or 1.0)
        near = self.target(x)
        leaving = near.kinked & (state.orthant != 0)
        slope = smooth_slope(near) if smooth else near.slope + np.where(leaving, near.rate, 0.0) * state.orthant
        return np.asarray((slope[moving] - base) / (x[j] - state.x[j]))


class QuadraticModel:
    """Second-order model of the smooth part at a state, with the kinks as they are there."""

    def __init__(self, state: State, hessian: Array) -> None:
        values, vectors = np.linalg.eigh(hessian)
        self.matrix = (vectors * np.maximum(np.abs(values), 1e-10 * np.abs(values).max())) @ vectors.T
        self.state, self.slope = state, smooth_slope(state)
        self.target = Target(self.evaluate, state.blocks)

    def evaluate(self, x: Array) -> tuple[float, Array, Array, Array]:
        """Value and gradient of the model, kinked terms included."""
        move, away = x - self.state.x, np.nan_to_num(x - self.state.loc)
        bend = self.matrix @ move
        value = float(self.slope @ move + 0.5 * move @ bend + self.state.rate @ np.abs(away))
        return value, self.slope + bend + self.state.rate * np.sign(away), self.state.loc, self.state.rate

    def hessian(self, state: State, moving: NDArray[np.int_], *, smooth: bool = False) -> Array:
        """The model's own matrix."""
        return np.asarray(self.matrix[np.ix_(moving, moving)])


def smooth_slope(state: State) -> Array:
    """Gradient without the kinked terms."""
    side = np.where(state.kinked | np.isnan(state.loc), 0.0, np.sign(state.x - state.loc))
    return state.slope - state.rate * side
