"""MAP of any PyMC model from its own log density: exact zeros under Laplace priors, and a certificate.

Sees nothing but the compiled graph: −logp, its gradient, and where a Laplace prior puts a kink.  Far from the optimum
an orthant-wise quasi-Newton method (OWL-QN) finds which coefficients leave zero; then Newton steps on the smooth face,
with the Hessian from differences of the graph's gradient, bring the residual down to rounding.

References
----------
Andrew & Gao (2007), Scalable training of L1-regularized log-linear models, ICML.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesreg.density import GraphDensity
from bayesreg.errors import FitError, ParameterError
from bayesreg.existence import check_finite, check_identified
from bayesreg.graph import build_model
from bayesreg.interfaces import Array
from bayesreg.noise import Noise, resolve_noise
from bayesreg.optimality import (
    GAP_TOLERANCE,
    KKT_TOLERANCE,
    Certificate,
    Optimum,
    certify,
)
from bayesreg.problem import Problem

NEWTON_WORTH = 400
"""Free entries up to which Newton steps (one gradient per entry) are worth taking from a distance."""

MEMORY = 20
"""Pairs kept by the quasi-Newton method."""

HANDOVER = 1e-4
"""Promised decrease, in nats, at which the face has been found and plain Newton steps converge at once."""

AIM = 1e-3
"""Fraction of the KKT tolerance aimed at, so that the certificate has room."""


def find_map(
    target: Problem | Any,
    sigma: float | str | None = None,
    *,
    hold: Mapping[str, float | Array] | None = None,
    density: GraphDensity | None = None,
) -> Optimum:
    """Maximise the log density of a PyMC model (Jacobians off), exact zeros included.

    Parameters
    ----------
    target : Problem or pymc.Model
        A problem's own model, or any model with continuous free variables.
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        For a Problem with unknown σ: the value at which the mode is taken, see `resolve_noise`; "joint" maximises over
        σ too (the density of σ, not of log σ).
    hold : mapping of str to number or array, optional
        For a pymc.Model: variables to hold fixed, on their natural scale.
    density : GraphDensity, optional
        The compiled density of the problem's model, where there already is one.

    Returns
    -------
    Optimum
        For a Problem the certificate is that of the explicit objective; for another model it is read off the graph
        (no duality gap), and `intercept`, `beta`, `sigma` are the model's variables of those names, where it has them.

    Raises
    ------
    ParameterError
        If the prior's scale is itself unknown (no joint mode exists), or `sigma` cannot be used.
    FitError
        If the density is not finite at the start, or grows without bound.
    """
    if isinstance(target, Problem):
        if hold is not None:
            msg = "hold is for a pymc.Model; for a Problem use sigma="
            raise ParameterError(msg)
        return map_at(target, resolve_noise(target, sigma), density)
    if sigma is not None:
        msg = "sigma is for a Problem; for a pymc.Model hold its variable: hold={'sigma': value}"
        raise ParameterError(msg)
    if not hasattr(target, "free_RVs"):
        msg = f"find_map takes a Problem or a pymc.Model (got {type(target).__name__})"
        raise ParameterError(msg)
    return _any_model(GraphDensity(target, hold) if density is None else density)


def map_at(problem: Problem, noise: Noise, density: GraphDensity | None = None) -> Optimum:
    """Maximise the density of the problem's model at a resolved noise scale."""
    problem.prior.elastic(problem.p)  # raises where the scale has a prior: there is no joint mode
    check_identified(problem.conditional(1.0 if noise.sigma is None else noise.sigma).centred()[0])
    if density is None:
        density = GraphDensity(build_model(problem))
    unknown = problem.likelihood.dispersion is not None
    starts = [density.start]
    if unknown and noise.sigma is not None:
        density.hold("sigma", noise.sigma)
        starts = [density.start]
    elif unknown:
        density.release("sigma")
        starts = _joint_starts(problem, density)
    best = min((_minimise(density, x) for x in starts), key=lambda found: found.value)
    values = density.natural(best.x)
    if noise.joint:
        noise = Noise(float(values["sigma"]), "joint", f"{noise.sentence}: σ = {float(values['sigma']):.6g}")
    return _problem_optimum(problem, noise, values, best)


def _joint_starts(problem: Problem, density: GraphDensity) -> list[Array]:
    """Starts at several σ: an unscaled prior can have two joint modes, one small and one large in σ."""
    base = problem.response_sd()
    whole = density.free
    return [density.at_natural({"sigma": base * factor})[whole] for factor in (0.01, 0.1, 1.0)]


def _problem_optimum(problem: Problem, noise: Noise, values: Mapping[str, Array], best: _Minimum) -> Optimum:
    fixed = problem.conditional(noise.sigma)
    beta = values["beta"]
    intercept = float(values.get("intercept", 0.0))
    theta = fixed.join(intercept, beta)
    check_finite(fixed, theta)
    intercept_raw, beta_raw = problem.design.to_raw(np.asarray(intercept), beta)
    joint = noise.joint
    return Optimum(
        intercept=intercept,
        beta=beta,
        intercept_raw=float(intercept_raw),
        beta_raw=beta_raw,
        sigma=noise.sigma,
        sigma_method=noise.sentence,
        objective=problem.neg_log_joint(theta, noise.sigma) if joint else fixed.value(theta),
        certificate=certify(fixed, theta, dispersion_residual=_residual_of("sigma", best) if joint else float("nan")),
        names=problem.names,
        iterations=best.iterations,
        point=dict(values),
    )


def _residual_of(name: str, best: _Minimum) -> float:
    return float(best.residual[[label == name for label in best.labels]].max())


def _any_model(density: GraphDensity) -> Optimum:
    best = _minimise(density, density.start)
    values = density.natural(best.x)
    scalar = {name: float(values[name]) for name in ("intercept", "sigma") if np.size(values.get(name, [])) == 1}
    beta = np.ravel(values.get("beta", np.zeros(0)))
    return Optimum(
        intercept=scalar.get("intercept", 0.0),
        beta=beta,
        intercept_raw=scalar.get("intercept", 0.0),
        beta_raw=beta,
        sigma=scalar.get("sigma"),
        sigma_method="as the model has it",
        objective=best.value,
        certificate=Certificate(
            labels=best.labels,
            residual=best.residual,
            tolerance=best.tolerance,
            gap=float("nan"),
            gap_tolerance=float("nan"),
            zero=best.kinked,
            margin=best.margin,
            dispersion_residual=float("nan"),
            convex=False,
            tied=(),
        ),
        names=tuple(label for label in best.labels if label.startswith("beta")),
        iterations=best.iterations,
        point=values,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """−logp at x, its gradient, and the kinks: `ray` is the gradient nearest to zero in the subdifferential."""

    x: Array
    value: float
    slope: Array
    loc: Array
    rate: Array

    @property
    def kinked(self) -> NDArray[np.bool_]:
        return np.asarray(self.x == self.loc)

    @property
    def ray(self) -> Array:
        eased = np.sign(self.slope) * np.maximum(np.abs(self.slope) - self.rate, 0.0)
        return np.where(self.kinked, eased, self.slope)

    @property
    def orthant(self) -> Array:
        """Side of its kink that each entry is on, or would leave to; 0 where it has no kink or rests on it."""
        side = np.where(self.kinked, -np.sign(self.ray), np.sign(self.x - self.loc))
        return np.where(np.isnan(self.loc), 0.0, side)

    @property
    def face_slope(self) -> Array:
        """Gradient on the open orthant that x lies on or leaves to."""
        return self.slope + np.where(self.kinked, self.rate * self.orthant, 0.0)

    @property
    def tolerance(self) -> Array:
        return KKT_TOLERANCE * np.maximum(1.0, self.rate)


@dataclass(frozen=True, slots=True, eq=False)
class _Minimum:
    """Where the minimiser ended."""

    x: Array
    value: float
    residual: Array
    tolerance: Array
    kinked: NDArray[np.bool_]
    margin: Array
    labels: tuple[str, ...]
    iterations: int


Evaluate = Callable[[Array], tuple[float, Array, Array, Array]]
"""(value, gradient, kink locations, kink rates) at a point."""


def _state(evaluate: Evaluate, x: Array) -> _State:
    value, slope, loc, rate = evaluate(x)
    return _State(x, value if np.isfinite(slope).all() else float("nan"), slope, loc, rate)


class _Differences:
    """The graph's density, with a Hessian from forward differences of its gradient, steps taken away from kinks."""

    def __init__(self, density: GraphDensity, x: Array) -> None:
        self.evaluate: Evaluate = density
        self.width = 1e-6 * np.maximum(1.0, np.abs(x))

    def hessian(self, state: _State, moving: NDArray[np.int_], *, smooth: bool = False) -> Array:
        """Hessian of the face that `state` moves on, or of the part without the kinked terms."""
        base = (_smooth(state) if smooth else state.face_slope)[moving]
        rows = np.array([self._row(state, j, moving, base, smooth) for j in moving]).reshape(moving.size, moving.size)
        return (rows + rows.T) / 2

    def _row(self, state: _State, j: int, moving: NDArray[np.int_], base: Array, smooth: bool) -> Array:
        """Row j of the Hessian.  Widths that are far from a hundred-thousandth of a posterior sd are mended."""
        at = int(np.flatnonzero(moving == j)[0])
        for _ in range(10):
            x = state.x.copy()
            x[j] += self.width[j] * (state.orthant[j] or 1.0)
            near = _state(self.evaluate, x)
            slope = _smooth(near) if smooth else near.slope + np.where(near.kinked, near.rate * state.orthant, 0.0)
            row = (slope[moving] - base) / (x[j] - state.x[j])
            curvature = abs(row[at])
            span = self.width[j] * np.sqrt(curvature)
            if not np.isfinite(span):
                self.width[j] /= 1e4
            else:
                self.width[j] = 1e-5 / np.sqrt(curvature) if curvature > 1e-100 else self.width[j] * 1e4
            if 1e-8 <= span <= 1e-2:
                break
        return np.asarray(row)


class _QuadraticModel:
    """Second-order model of the smooth part at a state, with the kinks as they are there."""

    def __init__(self, state: _State, hessian: Array) -> None:
        values, vectors = np.linalg.eigh(hessian)
        self.matrix = (vectors * np.maximum(np.abs(values), 1e-10 * np.abs(values).max())) @ vectors.T
        self.state, self.slope = state, _smooth(state)

    def evaluate(self, x: Array) -> tuple[float, Array, Array, Array]:
        """Value and gradient of the model, kinked terms included."""
        move, away = x - self.state.x, np.nan_to_num(x - self.state.loc)
        bend = self.matrix @ move
        value = float(self.slope @ move + 0.5 * move @ bend + self.state.rate @ np.abs(away))
        return value, self.slope + bend + self.state.rate * np.sign(away), self.state.loc, self.state.rate

    def hessian(self, state: _State, moving: NDArray[np.int_], *, smooth: bool = False) -> Array:
        """The model's own matrix."""
        return np.asarray(self.matrix[np.ix_(moving, moving)])


def _minimise(density: GraphDensity, x: Array) -> _Minimum:
    state = _state(density, x)
    if not np.isfinite(state.value):
        msg = "the model's log density is not finite at its initial point: check the data and the priors"
        raise FitError(msg)
    # A Laplace-distributed entry starts on its kink, so that only those that must leave it do.
    rest = np.where(np.isnan(state.loc), state.x, state.loc)
    kinked = _state(density, rest)
    state = kinked if np.isfinite(kinked.value) and kinked.value <= state.value else state
    used = 0
    if x.size > NEWTON_WORTH:
        state, used = _owlqn(density, state)
    elif not np.isnan(state.loc).all():
        state, used = _proximal_newton(density, state)
    state, steps = _newton(_Differences(density, state.x), state)
    margin = np.where(
        state.kinked,
        1.0 - np.divide(np.abs(state.slope), state.rate, out=np.zeros_like(state.x), where=state.rate > 0),
        np.nan,
    )
    labels = tuple(label for label, free in zip(density.labels, density.free, strict=True) if free)
    return _Minimum(
        state.x, state.value, np.abs(state.ray), state.tolerance, state.kinked, margin, labels, used + steps
    )


def _project(x: Array, loc: Array, orthant: Array) -> Array:
    """Entries that crossed their kink are put on it."""
    crossed = ~np.isnan(loc) & ((x - loc) * orthant <= 0)
    return np.where(crossed, loc, x)


def _search(evaluate: Evaluate, state: _State, direction: Array) -> _State | None:
    """Backtrack along `direction`, projected on the orthant; None if nothing better than rounding was found."""
    fraction = 1.0
    slack = 1e-14 * abs(state.value)
    while fraction > 1e-10:
        point = _project(state.x + fraction * direction, state.loc, state.orthant)
        new = _state(evaluate, point)
        if np.isfinite(new.value) and new.value <= state.value + 1e-4 * float(state.ray @ (point - state.x)) + slack:
            return new
        fraction /= 2
    return None


def _proximal_newton(density: GraphDensity, state: _State) -> tuple[_State, int]:
    """Minimise second-order models, kinks kept, until the next promises less than `HANDOVER` nats.

    Many entries may change sides in one such step at no cost in gradients; the face Newton steps then finish.
    """
    differences = _Differences(density, state.x)
    everything = np.arange(state.x.size)
    for step in range(50):
        model = _QuadraticModel(state, differences.hessian(state, everything, smooth=True))
        here = _state(model.evaluate, state.x)
        target, _ = _newton(model, here)
        promised = min(target.value - here.value, 0.0)
        fraction = 1.0
        while fraction > 1e-6:
            point = target.x if fraction == 1.0 else state.x + fraction * (target.x - state.x)
            new = _state(density, point)
            if np.isfinite(new.value) and new.value <= state.value + 1e-4 * fraction * promised:
                break
            fraction /= 2
        else:
            return state, step
        state = new
        if promised > -HANDOVER:
            return state, step + 1
    return state, 50


def _owlqn(density: GraphDensity, state: _State) -> tuple[_State, int]:
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
        new = _search(density, state, direction)
        if new is None:
            return state, step
        move, change = new.x - state.x, _smooth(new) - _smooth(state)
        if float(move @ change) > 1e-12 * float(change @ change):
            pairs.append((move, change))
        state = new
    return state, 2000


def _smooth(state: _State) -> Array:
    """Gradient without the kinked terms."""
    side = np.where(state.kinked | np.isnan(state.loc), 0.0, np.sign(state.x - state.loc))
    return state.slope - state.rate * side


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


def _newton(oracle: _Differences | _QuadraticModel, state: _State) -> tuple[_State, int]:
    """Newton steps on the face of entries that are off their kink or must leave it."""
    best, stalled, promised = state, 0, -np.inf
    for step in range(200):
        # A small gradient alone may mean large units; that the last step was promised next to nothing means the end.
        moving = np.flatnonzero(~state.kinked | (state.ray != 0))
        if (np.abs(state.ray) <= AIM * state.tolerance).all() and (promised > -GAP_TOLERANCE or not moving.size):
            return state, step
        direction = np.zeros(state.x.size)
        direction[moving] = _downhill(oracle.hessian(state, moving), state.ray[moving])
        promised = float(state.ray @ direction) / 2
        new = _search(oracle.evaluate, state, direction)
        if new is None:
            return best, step
        if np.abs(new.x).max() > 1e100:
            msg = "the density grows without bound: some variable has no proper prior and the data do not hold it"
            raise FitError(msg)
        state = new
        settled = promised > -GAP_TOLERANCE
        stalled = 0 if not settled or _excess(state) < 0.5 * _excess(best) else stalled + 1
        best = state if not settled or _excess(state) < _excess(best) or _excess(best) > 1.0 else best
        if stalled >= (2 if _excess(best) <= 1.0 else 10):  # rounding stops further progress
            return best, step
    return best, 200


def _excess(state: _State) -> float:
    return float((np.abs(state.ray) / state.tolerance).max(initial=0.0))


def _downhill(hessian: Array, ray: Array) -> Array:
    """Newton direction with eigenvalues made positive, so that it goes down whatever the curvature."""
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-100))
    values, vectors = np.linalg.eigh(hessian * np.outer(unit, unit))
    size = np.maximum(np.abs(values), 1e-12 * np.abs(values).max())
    return np.asarray(-unit * (vectors @ ((vectors.T @ (unit * ray)) / size)))
