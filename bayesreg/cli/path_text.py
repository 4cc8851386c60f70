"""What `bayesreg path` prints."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from bayesreg.cli.output import aligned, wrapped
from bayesreg.cli.path_result import PathResult, parameters_text

if TYPE_CHECKING:
    from bayesreg.sampling_path import PosteriorPath

ROWS = 12
"""Rows of the MAP path that are shown."""

NAMES = 4
"""Coefficients named in a row; the others are counted."""


def as_text(result: PathResult) -> str:
    """Return the summary of both paths and the choices."""
    return "\n".join(
        [
            *_header(result),
            "",
            *_map_path(result),
            "",
            *_posterior_path(result.posterior),
            "",
            *_rules(result),
        ]
    )


def _header(result: PathResult) -> list[str]:
    from bayesreg.in_words import counted
    from bayesreg.noise import SYMBOLS

    path = result.penalized
    problem, family = path.problem, path.family
    columns = "standardised columns" if problem.design.standardized else "columns as given"
    unit = ", in units of σ" if result.by_noise else ""
    likelihood = type(problem.likelihood).__name__
    lines = [f"{likelihood} × {type(family.prior).__name__}, {problem.n} rows, {counted(problem.p, 'column')}"]
    lines += wrapped(result.about)
    lines += wrapped(f"prior: {type(family.prior).__name__}({family.name}{unit}) on {columns}; a larger one is weaker")
    if problem.likelihood.dispersion_name is not None:
        symbol = SYMBOLS[problem.likelihood.dispersion_name]
        known = path.noise.method == "known"
        lines += wrapped(path.noise.sentence + ("" if known else f"; the posterior integrates over {symbol}"))
    return lines


# -- the MAP path ------------------------------------------------------------------------------------------------------


def _map_path(result: PathResult) -> list[str]:
    path, choice = result.penalized, result.choice
    good, total = int(path.sound.sum()), path.sound.size
    proved = "certified" if path.problem.convex else "stationary"
    sure = f"all {proved}" if good == total else f"{good} of them {proved}"
    ends = f"{path.family.name} {_short(path.scales[0])} to {_short(path.scales[-1])}"
    title = f"MAP path: {total} points, {ends}, {sure} (KKT residual ≤ {path.kkt.max():.1e}"
    gap = path.gap[np.isfinite(path.gap)]
    title += f", duality gap ≤ {gap.max():.1e} nats)" if gap.size else ")"
    header = (path.family.name, "λ", "nonzero", proved, "enters (+), leaves (−)")
    strengths = path.table["lambda_"].to_numpy(dtype=float)
    shown = np.unique(np.linspace(0, total - 1, min(ROWS, total)).round().astype(int))
    chosen = np.array([], dtype=int) if choice is None else np.flatnonzero(path.scales == choice.scale)
    shown = np.union1d(shown, chosen)
    rows = []
    for k, before in zip(shown, (None, *shown[:-1]), strict=True):
        changed = _changes(path.problem.names, path.zero[k], None if before is None else path.zero[before])
        sure = "yes" if path.sound[k] else "NO"
        mark = f"  <- {result.followed}" if k in chosen else ""
        nonzero = str(int((~path.zero[k]).sum()))
        rows.append((_short(path.scales[k]), _short(strengths[k]), nonzero, sure, f"{changed}{mark}"))
    left_out = total - shown.size
    more = [f"  ({left_out} points between these are not shown)"] if left_out else []
    return [title, "", *aligned(header, rows, left=0), *more]


def _changes(names: tuple[str, ...], zero: NDArray[np.bool_], before: NDArray[np.bool_] | None) -> str:
    """Which coefficients are no longer exactly zero, and which are again, since the row above."""
    before = np.ones_like(zero) if before is None else before
    changed = [f"+{names[j]}" for j in np.flatnonzero(before & ~zero)]
    changed += [f"−{names[j]}" for j in np.flatnonzero(~before & zero)]
    if len(changed) == len(names) > NAMES and not zero.any():
        return "all"
    more = len(changed) - NAMES
    return " ".join(changed[:NAMES]) + (f" and {more} more" if more > 0 else "")


# -- the posterior path ------------------------------------------------------------------------------------------------


def _posterior_path(path: PosteriorPath) -> list[str]:
    total, good = path.scales.size, int(path.passed_at.sum())
    ends = f"{path.family.name} {_short(path.scales[0])} to {_short(path.scales[-1])}"
    lines = [f"Posterior path: {total} points, {ends}, from {path.fits} fit{'s' if path.fits != 1 else ''}", ""]
    facts = [f"{good} of {total} points passed their gate" + ("" if good == total else "; the others are withheld")]
    for name, values, form in (("ESS", path.ess, "{:.0f}"), ("k-hat", path.khat, "{:.2f}")):
        known = values[np.isfinite(values)]
        if known.size:
            facts.append(f"{name} {form.format(known.min())} to {form.format(known.max())}")
    lines += wrapped("; ".join(facts))
    return lines if path.passed else lines + wrapped(path.sentence)


# -- the choices -------------------------------------------------------------------------------------------------------


def _rules(result: PathResult) -> list[str]:
    table, library, elsewhere = result.rules, result.library, result.elsewhere
    name = result.penalized.family.name
    header = ("rule", name, "not told apart from it", "λ", library or "")
    rows = []
    for rule, row in table.iterrows():
        ends = (row["lower"], row["upper"])
        width = " to ".join(map(_short, ends)) if np.isfinite(ends).any() else "–"
        told = parameters_text(elsewhere.get(str(rule))) or "–"
        rows.append((str(rule), _short(row["scale"]), width, _short(row["lambda_"]), told if library else ""))
    lines = ["Which scale?", "", *aligned(header, rows), *_failures(result)]
    if result.choice is not None:
        lines += ["", *wrapped(f"followed: {result.choice.sentence}", "")]
    if result.next is not None:
        lines += ["", f"next: {result.next}"]
    return lines


def _failures(result: PathResult) -> Iterator[str]:
    """Why rules found nothing."""
    for rule, row in result.rules.iterrows():
        if not math.isfinite(row["scale"]):
            yield from wrapped(f"{rule}: {' '.join(row['sentence'].split())}")


def _short(value: Any) -> str:
    if not isinstance(value, int | float | np.number):
        return str(value)
    return f"{value:.4g}" if math.isfinite(value) else "–"
