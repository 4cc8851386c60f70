"""Models whose density has no highest point: it grows without end as a scale goes to 0.

Three ways there.  A free variable x with location μ and scale s, both of them or s unknown: at x = μ its log density is
−k·log s + constant for k entries, and no prior of s that is finite at 0 stops that.  And an observed y with an unknown
scale, where the data can be fitted exactly: at y = μ it is the same.  And a prior may itself be infinite at an end of
its domain, as Gamma(½, ·) is at 0.  Each is followed along a ray, log s → −∞, far enough to see the power law that
the density settles to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesreg.density import GraphDensity
from bayesreg.errors import FitError
from bayesreg.interfaces import Array, Tensor
from bayesreg.reading.forms import form_of, parameters_of
from bayesreg.reading.text import parents

RAY = np.array([75.0, 150.0, 225.0, 300.0])
"""Distances along the ray, on the log scale: scales down to 1e-130, whose squares are still in range."""

NEAR_RAY = np.array([8.0, 16.0, 24.0, 32.0])
"""The same towards the ends of domains."""

UPPER_RAY = NEAR_RAY / 2
"""The same towards an upper end, where 1 − x must keep some digits."""

EXACT = 1e-9
"""Largest residual, relative to the data, at which they count as fitted exactly."""

EACH = 200
"""Entries of a constrained variable up to which each is followed by itself, not only all at once."""

LARGEST_JACOBIAN = 2_000_000
"""Cells (rows × entries) up to which an exact fit is looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A variable with a location and a scale: the tensors of both, and where on it the density is finite."""

    rv: Tensor
    location: Tensor
    scale: Tensor
    peak: float


def check_bounded(density: GraphDensity) -> None:
    """Raise FitError where the density grows without bound: as a scale goes to 0, or at the end of a prior's domain.

    Raises
    ------
    FitError
        Names the variable and what to do.
    """
    parts = [part for rv in density.model.free_RVs if (part := _part(rv)) is not None]
    for scales, members in _by_scale(density, parts):
        _check_prior(density, scales, members)
    observed = [part for rv in density.model.observed_RVs if (part := _part(rv)) is not None]
    for scales, members in _by_scale(density, observed):
        _check_noise(density, scales, members)
    _check_edges(density)


def _part(rv: Tensor) -> _Part | None:
    import pytensor.tensor as pt

    tagged = getattr(rv.tag, "prior", None)
    if tagged is not None:
        prior, scale = tagged
        location = prior.location(int(np.size(rv.tag.kink[2])))
        return _Part(rv, pt.as_tensor(location if rv.ndim else location[0]), scale, 0.0)
    form = form_of(rv)
    if form is None:
        return None
    given = parameters_of(rv, form)
    if "Σ" in given:
        return _Part(rv, given["μ"], pt.sqrt(pt.diagonal(given["Σ"], axis1=-2, axis2=-1)), 0.0)
    if not form.scale:
        return None
    location = given[form.location] if form.location else pt.zeros_like(given[form.scale])
    return _Part(rv, location, given[form.scale], form.peak)


def _by_scale(density: GraphDensity, parts: Sequence[_Part]) -> list[tuple[list[Tensor], list[_Part]]]:
    """Free variables that are not held, each with the variables whose scale depends on it; and those of a sum together.

    A scale that is a sum of several goes to 0 only when all of them do.
    """
    free = [rv for rv in density.model.free_RVs if density.free[density.slice_of(rv.name)].all()]
    above = [[rv for rv in parents([part.scale], density.model.free_RVs) if rv in free] for part in parts]
    sets = [[rv] for rv in free] + [
        scales for i, scales in enumerate(above) if len(scales) > 1 and scales not in above[:i]
    ]
    grouped = []
    for scales in sets:
        members = [
            part for part, own in zip(parts, above, strict=True)
            if (scales[0] in own if len(scales) == 1 else own and set(own) <= set(scales))
        ]  # fmt: skip
        if members:
            grouped.append((scales, members))
    return grouped


def _check_edges(density: GraphDensity) -> None:
    start = density.start
    for rv in density.model.free_RVs:
        name, part = rv.name, density.slice_of(rv.name)
        if density.model.rvs_to_transforms[rv] is None or not density.free[part].all():
            continue
        for unit in _towards_ends(density, rv):
            for side in (-1.0, 1.0):
                direction = np.zeros(density.free.size)
                direction[part] = side * unit
                ray = NEAR_RAY if side < 0 or not _two_ended(density, rv) else UPPER_RAY
                vectors = [density.full(start) + t * direction for t in ray]
                if density.evaluate(vectors[-1]) >= density.evaluate(vectors[0]):
                    continue
                rate = _power([-density.evaluate(v) for v in vectors], ray)
                if rate > 0:
                    ends = np.ravel(density.natural_of(vectors[-1], name))
                    msg = (
                        f"the model has no mode: its density grows without bound as {name} → {_rounded(ends)}, an end "
                        f"of its domain ({rate:.3g} nats for every factor e of the distance to it). Give it, or what "
                        "depends on it, a density that is finite there (a shape of at least 1); or hold it: "
                        f"find_map(model, hold={{{name!r}: value}}); or integrate over it: pm.sample(model=model)"
                    )
                    raise FitError(msg)


def _towards_ends(density: GraphDensity, rv: Tensor) -> list[Array]:
    """Directions of a constrained variable's entries: each by itself, and all at once; of a simplex, each share."""
    part = density.slice_of(rv.name)
    size = part.stop - part.start
    if type(density.model.rvs_to_transforms[rv]).__name__ == "SimplexTransform" and rv.ndim == 1:
        return list((np.eye(size + 1) - 1 / (size + 1))[:, :-1])
    return [*(np.eye(size) if size <= EACH else []), *([np.ones(size)] if size > 1 else [])]


def _two_ended(density: GraphDensity, rv: Tensor) -> bool:
    return type(density.model.rvs_to_transforms[rv]).__name__ in ("LogOddsTransform", "Interval", "IntervalTransform")


def _rounded(values: Array) -> str:
    texts = ["∞" if v > 1e10 else "0" if abs(v) < 1e-6 else f"{v:.4g}" for v in values[:6]]
    return texts[0] if values.size == 1 else f"({', '.join(texts)}{', ...' if values.size > 6 else ''})"


def _check_prior(density: GraphDensity, scales: Sequence[Tensor], members: Sequence[_Part]) -> None:
    movable = [m for m in members if density.free[density.slice_of(m.rv.name)].all()]
    if not movable:
        return
    centres = density.function_of([t for m in movable for t in (m.location, m.scale)])

    def at(vector: Array) -> Array:
        for i, member in enumerate(movable):
            location, spread = centres(vector)[2 * i : 2 * i + 2]
            shape = density.natural_of(vector, member.rv.name).shape
            point = np.broadcast_to(location + member.peak * spread, shape)
            vector = density.placed(vector, {member.rv.name: point})
        return vector

    for side in (-1.0, 1.0):
        rate = _power([-density.evaluate(at(_moved(density, scales, side * t))) for t in RAY])
        if rate > 0:
            names = _listed([m.rv.name for m in movable])
            end = _end(density, scales, side)
            where = "its location" if len(movable) == 1 else "their locations"
            way = f"{_listed([s.name for s in scales])} → {end} with {names} at {where}"
            _refuse(scales, way, rate, _non_centred(movable[0]))


def _non_centred(member: _Part) -> str:
    return (
        f"; or write {member.rv.name} as its location plus its scale times a z of scale 1 (non-centred), which has "
        "another mode, since a mode depends on the parametrisation"
    )


def _check_noise(density: GraphDensity, scales: Sequence[Tensor], members: Sequence[_Part]) -> None:
    fitted = _exact_fit(density, members)
    if fitted is None:
        return
    model = density.model
    others = [rv for rv in (*model.basic_RVs, *model.potentials) if all(rv is not m.rv for m in members)]
    rest = density.function_of([model.logp(vars=others, jacobian=False), *[m.scale for m in members]])
    sizes = [int(np.size(model.rvs_to_values[m.rv].eval())) for m in members]
    for side in (-1.0, 1.0):
        heights = []
        for t in RAY:
            vector = fitted + _moved(density, scales, side * t) - density.full(density.start)
            prior, *spreads = rest(vector)
            logs = sum(-n * float(np.mean(np.log(s))) for n, s in zip(sizes, spreads, strict=True))
            heights.append(float(prior) + logs)
        rate = _power(heights)
        if rate > 0:
            names, end = _listed([m.rv.name for m in members]), _end(density, scales, side)
            way = f"{_listed([s.name for s in scales])} → {end} with {names} fitted exactly, which the others can do"
            _refuse(scales, way, rate, "")


def _refuse(scales: Sequence[Tensor], way: str, rate: float, more: str) -> None:
    names = [scale.name for scale in scales]
    held = ", ".join(f"{name!r}: value" for name in names)
    msg = (
        f"the model has no mode: its density grows without bound as {way} ({rate:.3g} nats for every factor e of "
        f"{_listed(names)}). Hold the scale: find_map(model, hold={{{held}}}); or integrate over it: "
        f"pm.sample(model=model){more}"
    )
    raise FitError(msg)


def _moved(density: GraphDensity, scales: Sequence[Tensor], distance: float) -> Array:
    """The start with scales moved along their ray: of a covariance factor only the diagonal, which is a log scale."""
    vector = density.full(density.start)
    for scale in scales:
        part, transform = density.slice_of(scale.name), density.model.rvs_to_transforms[scale]
        where = np.arange(part.start, part.stop)
        if type(transform).__name__ == "CholeskyCovPacked":
            side = (np.sqrt(8 * where.size + 1) - 1) / 2  # packed row by row: row i ends with its diagonal entry
            where = where[np.cumsum(np.arange(1, round(side) + 1)) - 1]
        vector[where] += distance
    return vector


def _end(density: GraphDensity, scales: Sequence[Tensor], side: float) -> str:
    """Where a variable goes along its ray, as text."""
    values = np.ravel(density.natural_of(_moved(density, scales, side * float(RAY[-1])), scales[0].name))
    size = np.abs(values)
    return "0" if size.max() < 1e-100 else ("−∞" if values[0] < 0 else "∞")


def _power(heights: Sequence[float], ray: Array = RAY) -> float:
    """Slope, in nats a unit, at which heights along a ray rise for good; 0 where they do not.

    A slope that falls by as much in each step (a normal tail of the log scale) ends in a descent; one that falls by
    less and less (a power of the log scale) does not.
    """
    if not np.isfinite(heights).all():
        return 0.0
    slopes = np.diff(heights) / np.diff(ray)
    bends = np.diff(slopes)
    settled = abs(bends[1]) <= 1e-6 * max(1.0, abs(slopes[-1])) or abs(bends[1]) < 0.8 * abs(bends[0])
    return float(slopes[-1]) if settled and slopes[-1] > 1e-3 else 0.0


def _exact_fit(density: GraphDensity, members: Sequence[_Part]) -> Array | None:
    """A whole vector at which every residual is 0, found by Gauss–Newton steps of least norm; None if none was."""
    model = density.model
    residual = density.function_of([model.rvs_to_values[m.rv] - m.location for m in members])
    size = float(max(np.abs(model.rvs_to_values[m.rv].eval()).max() for m in members))
    moving = _entries(density, parents([m.location for m in members], model.free_RVs))
    vector = density.full(density.start)

    def at(v: Array) -> Array:
        return np.concatenate([np.ravel(r) for r in residual(v)])

    now = at(vector)
    if now.size * moving.size > LARGEST_JACOBIAN and moving.size < now.size:
        return None
    for _ in range(20):
        if not np.isfinite(now).all():
            return None
        if np.abs(now).max() <= EXACT * max(size, 1e-300):
            return vector
        step = np.linalg.lstsq(_jacobian(at, vector, now, moving), -now, rcond=1e-10)[0]
        new = vector.copy()
        new[moving] += step
        trial = at(new)
        if not np.linalg.norm(trial) < 0.5 * np.linalg.norm(now):
            return None
        vector, now = new, trial
    return None


def _entries(density: GraphDensity, variables: Sequence[Any]) -> NDArray[np.intp]:
    """Places of the free entries of some variables."""
    marked = np.zeros(density.free.size, dtype=bool)
    for rv in variables:
        marked[density.slice_of(rv.name)] = True
    return np.flatnonzero(marked & density.free)


def _jacobian(at: Callable[[Array], Array], vector: Array, now: Array, moving: NDArray[np.intp]) -> Array:
    columns = []
    for j in moving:
        width = 1e-6 * max(1.0, abs(vector[j]))
        near = vector.copy()
        near[j] += width
        columns.append((at(near) - now) / (near[j] - vector[j]))
    return np.array(columns).T.reshape(now.size, len(moving))


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
