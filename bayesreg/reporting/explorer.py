"""The numbers behind the λ explorer, as JSON that is harmless inside a <script>."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.plots.style import axis_label
from bayesreg.reporting.grid import Walk
from bayesreg.reporting.plane import Plane, plane_at, planes
from bayesreg.sampling_path.weights import Point

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison

MOST = 12
"""Columns in the table and the pictures."""

DIGITS = 5
"""Significant digits of a number in the file: less than a pixel, and than a Monte Carlo error, can show."""

PIXELS = 4
"""The same of what is only drawn."""

UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}
"""What could end a script, or start something in it."""


def as_json(walk: Walk, pair: tuple[int, int] | None, comparison: Comparison) -> str:
    """Return the explorer's data.

    Parameters
    ----------
    walk : Walk
    pair : tuple of int, optional
        The two columns of the contour picture; None where there are fewer than two.
    comparison : Comparison
        Whose posterior stands at its own scale.
    """
    shown = _shown(walk, pair)
    names = walk.penalized.problem.names
    drawn = None if pair is None else planes(walk, pair)
    data = {
        "names": [str(names[j]) for j in shown],
        "columns": len(names),
        "unit": axis_label(walk.penalized.problem, raw=False),
        "scaleName": "prior scale" if walk.penalized.family.name == "scale" else "factor on the prior's scales",
        "byNoise": walk.posterior.problem.scale_by_noise,
        "start": walk.own,
        "marks": [
            {"label": mark.label, "at": walk.place(mark.scale), "scale": mark.scale, "said": mark.said}
            for mark in walk.marks
        ],
        "pair": None if pair is None else [str(names[j]) for j in pair],
        "limits": None if drawn is None else drawn.limits,
        "points": [_point(walk, i, shown, drawn, comparison) for i in range(walk.scales.size)],
    }
    return _escaped(json.dumps(_rounded(data), ensure_ascii=False, allow_nan=False, separators=(",", ":")))


def _escaped(text: str) -> str:
    for character, code in UNSAFE.items():
        text = text.replace(character, code)
    return text


def _shown(walk: Walk, pair: tuple[int, int] | None) -> NDArray[np.int_]:
    """Columns shown, in their own order: the pair, and those that are largest along the path, by mean and by MAP."""
    size = np.abs(walk.penalized.beta[walk.start :]).sum(axis=0) + np.nan_to_num(np.abs(walk.posterior.mean)).sum(
        axis=0
    )
    size[list(pair or ())] = np.inf
    return np.sort(np.argsort(-size, kind="stable")[:MOST])


def _point(walk: Walk, i: int, shown: NDArray[np.int_], drawn: Plane | None, comparison: Comparison) -> dict[str, Any]:
    """One place: what both answers are there, or why not."""
    mode, posterior, k = walk.penalized, walk.posterior, walk.start + i
    sound, passed = bool(mode.sound[k]), bool(posterior.passed_at[i])
    point: dict[str, Any] = {
        "scale": posterior.scales[i],
        "lambda": None if walk.mixed else mode.lambda_[k],
        "nonzero": int(mode.nonzero[k]) if sound else None,
        "map": mode.beta[k, shown] if sound else None,
        "zero": mode.zero[k, shown] if sound else None,
        "trouble": posterior.trouble[i],
        "how": "drawn" if posterior.drawn[i] else "reweighted",
    }
    if i == walk.home and comparison.passed:
        point |= {"how": "this report's own", "trouble": "", **_own(comparison, shown)}
    elif passed:
        point |= {
            "mean": posterior.mean[i, shown],
            "mcse": posterior.mcse[i, shown],
            "sd": posterior.sd[i, shown],
            "lower": posterior.lower[i, shown],
            "upper": posterior.upper[i, shown],
            "positive": _positive(posterior.points[i])[shown],
        }
    if drawn is not None:
        point["plane"] = _rounded(plane_at(drawn, i, sound=sound, passed=passed), PIXELS)
    return point


def _own(c: Comparison, shown: NDArray[np.int_]) -> dict[str, Array]:
    """The comparison's own posterior, at the probabilities of the path's bands."""
    lower, upper = np.quantile(c.posterior.beta, [0.025, 0.975], axis=(0, 1))
    table = c.coefficients
    return {
        "mean": table["mean"].to_numpy()[shown], "mcse": table["mcse_mean"].to_numpy()[shown],
        "sd": table["sd"].to_numpy()[shown], "lower": lower[shown], "upper": upper[shown],
        "positive": table["p_positive"].to_numpy()[shown],
    }  # fmt: skip


def _positive(point: Point) -> Array:
    """P(β > 0) (p,) from weighted draws."""
    above = (point.pool.beta > 0).astype(float)
    return above.mean(axis=0) if point.weights is None else point.weights @ above


def _rounded(value: Any, digits: int = DIGITS) -> Any:
    """Arrays as lists, numbers to so many digits, those that do not exist as null."""
    if isinstance(value, dict):
        return {key: _rounded(item, digits) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _rounded(value.tolist(), digits)
    if isinstance(value, list | tuple):
        return [_rounded(item, digits) for item in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, float | np.floating):
        return float(f"{value:.{digits}g}") if np.isfinite(value) else None
    return value
