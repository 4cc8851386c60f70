"""Minimise a function with kinks, exactly at them: what `graph_map` does with a compiled log density.

The function is smooth but for terms rate·‖x_g − loc_g‖₂ by block g of entries, most often of one; a rate of ∞ is a
cusp.  Second-order models with their kinks find the face of the minimum (beyond `NEWTON_WORTH` entries an orthant-wise
quasi-Newton method, OWL-QN, does); Newton steps on the smooth face, with the Hessian from differences of the gradient,
bring the residual down to rounding.  Blocks of several entries, and cusps, are released and put back one by one.

References
----------
Andrew & Gao (2007), Scalable training of L1-regularized log-linear models, ICML.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

from bayesreg.errors import FitError
from bayesreg.faces import Differences, Evaluate, QuadraticModel, State, Target, norms, smooth_slope
from bayesreg.interfaces import Array
from bayesreg.optimality import GAP_TOLERANCE

NEWTON_WORTH = 400
"""Free entries up to which Newton steps (one gradient per entry) are worth taking from a distance."""

ROUNDS = 10
"""Times that Newton's steps and the entries next to 0, solved one by one, take turns."""

MEMORY = 20
"""Pairs kept by the quasi-Newton method."""

HANDOVER = 1e-4
"""Promised decrease, in nats, at which the face has been found and plain Newton steps converge at once."""

AIM = 1e-3
"""Fraction of the KKT tolerance aimed at, so that the certificate has room."""


@dataclass(frozen=True, slots=True, eq=False)
class Minimum:
    """Where the minimiser ended: all arrays have one entry a coordinate; `margin` is 1 − |slope|/rate at a kink."""

    x: Array
    value: float
    residual: Array
    tolerance: Array
    kinked: NDArray[np.bool_]
    margin: Array
    iterations: int


def minimise(
    evaluate: Evaluate, x: Array, blocks: NDArray[np.int_] | None = None, *, newton_worth: int = NEWTON_WORTH
) -> Minimum:
    """Return the local minimum that descent from x reaches.

    `blocks` labels the blocks of entries that have a kink in common; by default each entry is one.  `newton_worth` is
    the number of entries beyond which the quasi-Newton method comes first.

    Raises
    ------
    FitError
        If the function is not finite at x, or falls without bound.
    """
    target = Target(evaluate, np.arange(x.size) if blocks is None else blocks)
    state = target(x)
    if not np.isfinite(state.value):
        msg = "the model's log density is not finite at its initial point: check the data and the priors"
        raise FitError(msg)
    # A Laplace-distributed entry starts on its kink, so that only those that must leave it do.
    kinked = target(np.where(np.isnan(state.loc) | np.isinf(state.rate), state.x, state.loc))
    state = kinked if np.isfinite(kinked.value) and kinked.value <= state.value else state
    used = 0
    if state.jumpy.any():
        state, used = _one_by_one(target, state)
    elif x.size > newton_worth:
        state, used = _owlqn(target, state)
    elif not np.isnan(state.loc).all():
        state, used = _proximal_newton(target, state)
    for _ in range(ROUNDS):
        state, steps = _newton(Differences(target, state.x), state)
        used += steps
        if _excess(state) <= 1.0:
            break
        settled = _roots_near_zero(target, state)
        if settled is state:
            break
        state = settled
    gauge = np.divide(norms(state.slope, state.blocks), state.rate, out=np.zeros_like(state.x), where=state.rate > 0)
    margin = np.where(state.kinked, 1.0 - gauge, np.nan)
    return Minimum(state.x, state.value, np.abs(state.ray), state.tolerance, state.kinked, margin, used)


def _roots_near_zero(target: Target, state: State) -> State:
    """Solve for entries next to 0 one by one, on a log scale, where Newton's steps left a residual.

    A power of |x| between 1 and 2 has a slope that is all but a jump there: only the logarithm of x resolves it.
    """
    for j in np.flatnonzero(np.isnan(state.loc) & (np.abs(state.ray) > state.tolerance) & (np.abs(state.x) < 1e-3)):
        x = state.x.copy()
        x[j] = 0.0
        side = -np.sign(target(x).slope[j])

        def slope(u: float, j: np.int_ = j, x: Array = x, side: float = side) -> float:
            x[j] = side * np.exp(u)
            return float(side * target(x).slope[j])

        lower, upper = -600.0, np.log(max(abs(state.x[j]), 1e-6)) + 5.0
        if slope(lower) < 0 < slope(upper):
            x[j] = side * np.exp(brentq(slope, lower, upper, xtol=1e-13, rtol=1e-15))
            new = target(x)
            state = new if _excess(new) < _excess(state) else state
    return state


def _one_by_one(target: Target, state: State) -> tuple[State, int]:
    """Settle on a face, put blocks back on their kinks where that is lower, release those that must leave, again."""
    used = 0
    for _ in range(100):
        state, steps = _newton(Differences(target, state.x), state, put_back=True)
        used += steps
        lower = _put_back(target, state)
        if lower is not None:
            state = lower
            continue
        released = _release(target, state)
        if released is None:
            break
        state = released
    return state, used


def _put_back(target: Target, state: State) -> State | None:
    """The state with one more block on its kink, where that is lower: of those tried, the smallest first."""
    off = np.flatnonzero(state.jumpy & ~state.kinked)
    away = norms(np.nan_to_num(state.x - state.loc), state.blocks)
    for block in dict.fromkeys(state.blocks[off[np.argsort(away[off], kind="stable")]].tolist()):
        new = target(np.where(state.blocks == block, state.loc, state.x))
        if np.isfinite(new.value) and new.value < state.value:
            return new
    return None


def _release(target: Target, state: State) -> State | None:
    """The state with blocks that must leave their kinks moved off them; None where all may stay."""
    leaving = state.grouped & state.kinked & (np.abs(state.ray) > AIM * state.tolerance)
    if not leaving.any():
        return None
    direction = np.where(leaving, -state.ray, 0.0)
    descent = float(direction @ direction)
    width = 1e-5 / np.sqrt(descent)
    bend = (float(target(state.x + width * direction).slope @ direction) + descent) / width
    reach = descent / bend if np.isfinite(bend) and bend > 0 else 1 / np.sqrt(descent)
    return _search(target, state, reach * direction)


def _project(x: Array, state: State) -> Array:
    """Entries that crossed their kink are put on it."""
    crossed = ~np.isnan(state.loc) & ~state.grouped & ((x - state.loc) * state.orthant <= 0)
    return np.where(crossed & (state.rate > 0), state.loc, x)


def _search(target: Target, state: State, direction: Array) -> State | None:
    """Backtrack along `direction`, projected on the orthant; None if nothing better than rounding was found."""
    fraction = 1.0
    slack = 1e-14 * abs(state.value)
    while fraction > 1e-10:
        point = _project(state.x + fraction * direction, state)
        new = target(point)
        if np.isfinite(new.value) and new.value <= state.value + 1e-4 * float(state.ray @ (point - state.x)) + slack:
            return new
        fraction /= 2
    return None


def _proximal_newton(target: Target, state: State) -> tuple[State, int]:
    """Minimise second-order models, kinks kept, until the next promises less than `HANDOVER` nats.

    Many entries may change sides in one such step at no cost in gradients; the face Newton steps then finish.
    """
    differences = Differences(target, state.x)
    everything = np.arange(state.x.size)
    for step in range(50):
        model = QuadraticModel(state, differences.hessian(state, everything, smooth=True))
        here = model.target(state.x)
        goal, _ = _newton(model, here)
        promised = min(goal.value - here.value, 0.0)
        fraction = 1.0
        while fraction > 1e-6:
            new = target(goal.x if fraction == 1.0 else state.x + fraction * (goal.x - state.x))
            if np.isfinite(new.value) and new.value <= state.value + 1e-4 * fraction * promised:
                break
            fraction /= 2
        else:
            return state, step
        state = new
        if promised > -HANDOVER:
            return state, step + 1
    return state, 50


def _owlqn(target: Target, state: State) -> tuple[State, int]:
    """Orthant-wise L-BFGS, down to a residual that the Newton steps take over from."""
    pairs: deque[tuple[Array, Array]] = deque(maxlen=MEMORY)
    for step in range(2000):
        ray = state.ray
        if (np.abs(ray) <= 1e-4 * np.maximum(1.0, state.rate)).all():
            return state, step
        direction = -_two_loop(ray, pairs)
        direction = np.where(direction * ray < 0, direction, 0.0)
        if not pairs:
            direction = direction / np.linalg.norm(direction)
        new = _search(target, state, direction)
        if new is None:
            return state, step
        move, change = new.x - state.x, smooth_slope(new) - smooth_slope(state)
        if float(move @ change) > 1e-12 * float(change @ change):
            pairs.append((move, change))
        state = new
    return state, 2000


def _two_loop(ray: Array, pairs: deque[tuple[Array, Array]]) -> Array:
    r = ray.copy()
    weights = []
    for s, y in reversed(pairs):
        weight = float(s @ r) / float(s @ y)
        weights.append(weight)
        r -= weight * y
    if pairs:
        s, y = pairs[-1]
        r *= float(s @ y) / float(y @ y)
    for (s, y), weight in zip(pairs, reversed(weights), strict=True):
        r += (weight - float(y @ r) / float(s @ y)) * s
    return r


def _newton(oracle: Differences | QuadraticModel, state: State, *, put_back: bool = False) -> tuple[State, int]:
    """Newton steps on the face of entries that are off their kink or must leave it (blocks of several do not here).

    `put_back`: after every step, put blocks on their kinks where that is lower.
    """
    best, stalled, promised = state, 0, -np.inf
    for step in range(200):
        # A small gradient alone may mean large units; that the last step was promised next to nothing means the end.
        moving = np.flatnonzero(~state.kinked | ((state.ray != 0) & ~state.grouped))
        if (np.abs(state.ray[moving]) <= AIM * state.tolerance[moving]).all() and (
            promised > -GAP_TOLERANCE or not moving.size
        ):
            return state, step
        direction = np.zeros(state.x.size)
        direction[moving] = _downhill(oracle.hessian(state, moving), state.ray[moving])
        promised = float(state.ray @ direction) / 2
        new = _search(oracle.target, state, direction)
        if new is None:
            return best, step
        if np.abs(new.x).max() > 1e100:
            msg = "the density grows without bound: some variable has no proper prior and the data do not hold it"
            raise FitError(msg)
        state = (_put_back(oracle.target, new) or new) if put_back else new
        settled = promised > -GAP_TOLERANCE
        stalled = 0 if not settled or _excess(state) < 0.5 * _excess(best) else stalled + 1
        best = state if not settled or _excess(state) < _excess(best) or _excess(best) > 1.0 else best
        if stalled >= (2 if _excess(best) <= 1.0 else 10):  # rounding stops further progress
            return best, step
    return best, 200


def _excess(state: State) -> float:
    return float((np.abs(state.ray) / state.tolerance).max(initial=0.0))


def _downhill(hessian: Array, ray: Array) -> Array:
    """Newton direction with eigenvalues made positive, so that it goes down whatever the curvature."""
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-100))
    values, vectors = np.linalg.eigh(hessian * np.outer(unit, unit))
    size = np.maximum(np.abs(values), 1e-12 * (np.abs(values).max() or 1.0))
    return np.asarray(-unit * (vectors @ ((vectors.T @ (unit * ray)) / size)))
