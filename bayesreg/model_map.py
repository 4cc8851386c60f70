"""The mode of any PyMC model: its descents, and what is said of the point they end at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from bayesreg.density import GraphDensity
from bayesreg.errors import FitError
from bayesreg.faces import Differences, Target
from bayesreg.infinite_density import check_bounded
from bayesreg.interfaces import Array
from bayesreg.log_concavity import log_concave
from bayesreg.optimality import search_text
from bayesreg.optimum import Certificate, Optimum
from bayesreg.orthant import NEWTON_WORTH, Minimum, minimise
from bayesreg.reading.text import parents

EMPTY = 1e-8
"""Share of a simplex that counts as 0."""

STARTS = 8
"""Random starts where the density is not log-concave."""

FEW = 12
"""Free entries from which there are half as many, a Newton step costing a gradient an entry; a quarter beyond."""

RUNAWAY = 1e50
"""Size of an entry that has left every range."""

FAR = 20.0
"""Distance on an unconstrained scale from which a descent that still goes down is given up."""

REACH = 10.0
"""Distance on an unconstrained scale over which a density that does not change is taken to have ended, or be flat."""

ENDLESS, CLIMBED = 100.0, 1e-3
"""As high at this many times the way from the start, and lower there by so many nats: a density without an end."""

SAME = 1e-6
"""Difference in nats that is none."""


def model_mode(density: GraphDensity) -> Optimum:
    """Return the highest mode found of a PyMC model's density, of the variables that are not held.

    Raises
    ------
    FitError
        If the density is not finite at the start, or grows without bound.
    """
    check_bounded(density)
    concave = log_concave(density)
    first = _descend(density, density.start)
    found = [first]
    if not concave:
        found += [_descend(density, x, FEW) for x in _starts(density, first)]
    best = min(found, key=lambda one: one.value)
    _check_settled(density, best)
    ended = _ended(density, best)
    shares = _empty_shares(density, best)
    ended = np.union1d(ended, [j for part in shares.values() for j in part]).astype(np.intp)
    flat = _flat(density, best, ended)
    edges = (*(density.free_labels[j] for j in ended if not any(j in part for part in shares.values())), *shares)
    search = "" if concave else search_text(np.array([one.value for one in found]))
    found_at = (
        "mode" if (best.residual <= best.tolerance).all() else "NOT certified to be a mode: highest point reached"
    )
    mode_of = f"{found_at} {_mode_of(density, edges, flat)}"
    return _optimum(density, best, convex=concave, tied=flat, search=search, mode_of=mode_of)


def _descend(density: GraphDensity, start: Array, newton_worth: int = NEWTON_WORTH) -> Minimum:
    """`minimise`, which names the variables that run off where it fails."""
    last = [start]

    def evaluate(x: Array) -> tuple[float, Array, Array, Array]:
        last[0] = x
        return density(x)

    try:
        return minimise(evaluate, start, density.blocks, newton_worth=newton_worth)
    except FitError as error:
        away = [density.free_labels[j] for j in np.flatnonzero(np.abs(last[0]) > RUNAWAY)]
        where = f"it is {_few(away)} that runs off" if away else f"it is not for {_few(_not_finite(density, start))}"
        msg = f"{error}; {where}"
        raise FitError(msg) from error


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")


def _not_finite(density: GraphDensity, x: Array) -> list[str]:
    """Names of the model's terms that are not finite at free entries `x`."""
    model = density.model
    terms = [*model.basic_RVs, *model.potentials]
    values = density.function_of(model.logp(vars=terms, jacobian=False, sum=False))(density.full(x))
    return [term.name for term, value in zip(terms, values, strict=True) if not np.isfinite(value).all()]


def _starts(density: GraphDensity, first: Minimum) -> list[Array]:
    """Random points: half about the first mode, three sds of the normal approximation away, half about the start."""
    rng = np.random.default_rng(0)
    count = STARTS // (1 if first.x.size <= FEW else 2 if first.x.size <= NEWTON_WORTH else 4)
    target = Target(density, density.blocks)
    state = target(first.x)
    spread = np.where(state.rate > 0, 1 / np.maximum(state.rate, 1e-8), 1.0)
    if first.x.size <= NEWTON_WORTH:
        moving = np.flatnonzero(~first.kinked)
        bend = np.diag(Differences(target, first.x).hessian(state, moving))
        spread[moving] = 1 / np.sqrt(np.clip(np.abs(bend), 1e-2, None))
    points = []
    for i in range(count):
        noise = rng.normal(size=first.x.size)
        points.append(first.x + 3 * spread * noise if i % 2 else density.start + np.minimum(spread, 1.0) * noise)
    return [x for x in points if np.isfinite(density(x)[0]) and np.isfinite(density(x)[1]).all()]


def _check_settled(density: GraphDensity, best: Minimum) -> None:
    """Raise FitError where the descent went on and on."""
    away = np.flatnonzero(density.transformed & (np.abs(best.x) > FAR) & (best.residual > best.tolerance))
    if away.size:
        names = _few([density.free_labels[j] for j in away])
        msg = (
            f"no mode was found: the density still rises far out towards an end of the range of {names}; hold it at a "
            "value, give it a prior that keeps it off that end, or integrate over it: pm.sample(model=model)"
        )
        raise FitError(msg)
    way = np.where(density.transformed, 0.0, best.x - density.start)
    ahead, back = (density(best.x + step)[0] - best.value for step in (ENDLESS * way, -way))
    if ahead <= SAME and back > CLIMBED:
        away = np.flatnonzero(np.abs(way) > 0.1 * np.abs(way).max())
        names = ", ".join(density.free_labels[j] for j in away[:4])
        msg = (
            f"the model has no mode: its density levels off and does not fall again as {names} run off to infinity, as "
            "under a flat prior where the data are separated or all counts are 0; give them a proper prior, or hold "
            "them at a value"
        )
        raise FitError(msg)


def _ended(density: GraphDensity, best: Minimum) -> NDArray[np.intp]:
    """Constrained entries beyond which, towards one end of their domain, the density does not change."""
    found = []
    for j in np.flatnonzero(density.transformed):
        changes = [_change(density, best, j, side * REACH) for side in (-1.0, 1.0)]
        back = _change(density, best, j, density.start[j] - best.x[j])
        if min(changes) <= SAME < max(*changes, back):
            found.append(j)
    return np.array(found, dtype=np.intp)


def _empty_shares(density: GraphDensity, best: Minimum) -> dict[str, list[int]]:
    """Simplexes with an entry at 0, and where their entries stand among the free ones."""
    values, found = density.natural(best.x), {}
    for rv in density.model.free_RVs:
        if type(density.model.rvs_to_transforms[rv]).__name__ == "SimplexTransform" and values[rv.name].min() < EMPTY:
            found[rv.name] = [int(j) for j in density.places_of(rv.name)[1] if j >= 0]
    return found


def _change(density: GraphDensity, best: Minimum, j: np.int_, distance: float) -> float:
    x = best.x.copy()
    x[j] += distance
    value = density(x)[0]
    return value - best.value if np.isfinite(value) else np.inf


def _flat(density: GraphDensity, best: Minimum, ended: NDArray[np.intp]) -> tuple[str, ...]:
    """Entries along which, alone or together, the density does not change: null directions of the Hessian, followed."""
    moving = np.flatnonzero(~best.kinked & ~np.isin(np.arange(best.x.size), ended))
    if not moving.size or best.x.size > NEWTON_WORTH:
        return ()
    target = Target(density, density.blocks)
    state = target(best.x)
    hessian = Differences(target, best.x).hessian(state, moving)
    unit = 1 / np.sqrt(np.maximum(np.abs(np.diag(hessian)), 1e-12))
    values, vectors = np.linalg.eigh(hessian * np.outer(unit, unit))
    size = float(np.abs(values).max())
    moved = np.zeros(moving.size, dtype=bool)
    for k in np.flatnonzero(np.abs(values) <= 1e-5 * max(size, 1e-12)):
        direction = np.zeros(best.x.size)
        direction[moving] = unit * vectors[:, k]
        size_of = np.abs(direction)
        to_kink = np.divide(np.abs(best.x - state.loc), size_of, out=np.full(best.x.size, np.inf), where=size_of > 1e-9)
        reach = min(1.0, 0.9 * float(np.nan_to_num(to_kink, nan=np.inf, posinf=np.inf).min()))
        ends = [density(best.x + step * direction)[0] - best.value for step in (-reach, reach)]
        if np.abs(ends).max() <= 1e-9 * max(1.0, abs(best.value)):
            moved |= size_of[moving] > 1e-3 * size_of.max()
    return tuple(density.free_labels[j] for j in moving[moved])


def _mode_of(density: GraphDensity, edges: tuple[str, ...], flat: tuple[str, ...]) -> str:
    names = [rv.name for rv in density.model.free_RVs if density.free[density.slice_of(rv.name)].any()]
    held = [rv.name for rv in density.model.free_RVs if rv.name not in names]
    text = f"of the density of ({', '.join(names)}) on their natural scale, no Jacobian"
    text += f", given {', '.join(held)}" if held else ""
    text += "; in other variables (a logarithm, a non-centred form) the mode is another point"
    text += "".join(_warnings(density))
    if edges:
        text += f"; at the edge of its domain: {', '.join(edges)} (the density rises all the way there)"
    if flat:
        text += f"; the density is flat along {', '.join(flat)}: one of many points of the same height"
    return text


def _warnings(density: GraphDensity) -> Iterator[str]:
    """What makes a descent in these variables less than sure."""
    model = density.model
    for rv in (*model.free_RVs, *model.observed_RVs):
        unknown = [t.name for t in parents(rv.owner.inputs, model.free_RVs) if t is not rv]
        kind = type(rv.owner.op).__name__
        if "Mixture" in kind and unknown:
            yield (
                f"; {rv.name} is a mixture: where a component of unknown scale shrinks onto one point its density has "
                "no bound, which is not looked for"
            )
        if kind == "LaplaceRV" and (at := parents([rv.owner.op.dist_params(rv.owner)[0]], model.free_RVs)):
            if rv in model.free_RVs:
                way = f"write {rv.name} as {at[0].name} plus a Laplace effect about 0"
                yield f"; the kinks of {rv.name} move with {at[0].name}, and a descent may stop on one: {way}"
            else:
                yield f"; {rv.name} has kinks in its likelihood, and a mode that lies on one is not certified"


def _optimum(
    density: GraphDensity, best: Minimum, *, convex: bool, tied: tuple[str, ...], search: str, mode_of: str
) -> Optimum:
    values = density.natural(best.x) | density.deterministics(best.x)
    scalar = {name: float(values[name]) for name in ("intercept", "sigma") if np.size(values.get(name, [])) == 1}
    beta = np.ravel(values.get("beta", np.zeros(0)))
    names, positions = density.places_of("beta")
    if positions.size != beta.size:  # a deterministic, or a simplex, has no entries of its own
        names, positions = tuple(f"beta[{i}]" for i in range(beta.size)), np.full(beta.size, -1)
    return Optimum(
        intercept=scalar.get("intercept", 0.0),
        beta=beta,
        intercept_raw=scalar.get("intercept", 0.0),
        beta_raw=beta,
        sigma=scalar.get("sigma"),
        sigma_method="as the model has it",
        objective=best.value,
        certificate=Certificate(
            labels=density.free_labels,
            residual=best.residual,
            tolerance=best.tolerance,
            gap=float("nan"),
            gap_tolerance=float("nan"),
            zero=best.kinked,
            margin=best.margin,
            dispersion_residual=float("nan"),
            convex=convex,
            tied=tied,
        ),
        names=names,
        positions=positions,
        iterations=best.iterations,
        point=values,
        search=search,
        mode_of=mode_of,
    )
