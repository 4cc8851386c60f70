"""How often an interval holds the truth, when the truth is what it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    LINES,
    caption,
    figure_of,
    heading,
    ink,
    legend_below,
    tidy,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, number

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.discard import NormalMeans
    from bayesreg.validate import Coverage

COLUMNS = ("signal", "coverage")

APART = 3.0
"""Points between the bars of two methods at the same size."""

FALLS = 0.01
"""Shortfall that is called one, and coverage below which it is said to be none."""


@picture()
def coverage(
    source: pd.DataFrame | Coverage | NormalMeans | Mapping[str, pd.DataFrame | Coverage | NormalMeans],
    *,
    level: float | None = None,
    width: float = 7.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the coverage of intervals against the size of the true effect.

    Parameters
    ----------
    source : DataFrame, Coverage, NormalMeans or mapping of str to any
        A table with columns `signal` (|β| in standard errors), `coverage`, and where they have one `mcse`, the Monte
        Carlo error, bounds `lower`, `upper` to draw in place of ± 2 of it, and `method`; rows without a coverage are
        left out.  Or what simulates it, `validate.coverage`, of which the average over the columns whose truth moves is
        drawn (`Coverage.curve(column)` is one column's); or what computes it exactly, `discard.normal_means`; or
        several by name.
    level : float, optional
        What the intervals promise; by default what `Coverage` and `NormalMeans` say, and 0.95 of tables.
    width : float, default 7
        Width in inches of the figure that is made where `ax` is not given.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ParameterError
        If a table lacks a column, there is none, or intervals of different levels are to be drawn together.
    """
    tables, level = _read(source), _level(source, level)
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 2.4), layout="constrained").add_subplot()
    ax.axhline(level, color=ink(), linewidth=0.9, linestyle=":", label=f"promised, {100 * level:.3g}\u00a0%")
    for k, (name, table) in enumerate(tables.items()):
        _draw(ax, name, table, LINES[k % len(LINES)], APART * (k - (len(tables) - 1) / 2))
    tidy(ax)
    lowest = min(0.9 * level, *(float(_bars(t)[0].min()) - 0.01 for t in tables.values()))
    ax.set_ylim(max(lowest, -0.02), 1.005)
    ticks = [t for t in ax.get_yticks() if -1e-9 <= t <= 1 + 1e-9]
    ax.set_yticks(ticks, [f"{100 * t:.3g}" for t in ticks])
    ax.set_xlabel("true effect, in standard errors", size=TEXT, loc="right")
    claim, detail = _claim(tables, level)
    legend_below(ax, owned=owned)
    if owned:
        ax.set_title("coverage %", loc="left", size=TEXT, pad=3)
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _level(source: object, given: float | None) -> float:
    """What the intervals promise."""
    from collections.abc import Mapping

    from bayesreg.discard import NormalMeans
    from bayesreg.validate import Coverage

    parts = list(source.values()) if isinstance(source, Mapping) else [source]
    known = {part.level for part in parts if isinstance(part, NormalMeans | Coverage)}
    known |= set() if given is None else {given}
    if len(known) > 1:
        levels = ", ".join(f"{level:g}" for level in sorted(known))
        msg = f"coverage: the intervals promise different levels ({levels}); draw each by itself"
        raise ParameterError(msg)
    return float(known.pop()) if known else 0.95


def _read(source: object) -> dict[str, pd.DataFrame]:
    """Tables by name of the method."""
    from collections.abc import Mapping

    import pandas as pd

    from bayesreg.discard import NormalMeans
    from bayesreg.validate import Coverage
    from bayesreg.validate.fixed_truth_result import LABELS

    if isinstance(source, Mapping):
        found: dict[str, pd.DataFrame] = {}
        for name, each in source.items():
            parts = _read(each)
            found |= {str(name) if len(parts) == 1 else f"{name}, {key}": table for key, table in parts.items()}
    elif isinstance(source, Coverage):
        curve = source.curve()
        found = _read(curve.assign(method=curve["method"].map(LABELS)))
    elif isinstance(source, NormalMeans):
        found = {"posterior interval": source.coverage()}
    elif isinstance(source, pd.DataFrame):
        missing = [name for name in COLUMNS if name not in source]
        if missing:
            msg = f"coverage: the table has no column {missing[0]!r} (it has {', '.join(map(str, source.columns))})"
            raise ParameterError(msg)
        named = source.groupby("method", sort=False, dropna=False) if "method" in source else [("intervals", source)]
        found = {str(name): table.dropna(subset=list(COLUMNS)).sort_values("signal") for name, table in named}
    else:
        kinds = "a DataFrame, a Coverage, a NormalMeans or a mapping of them"
        msg = f"coverage: takes {kinds} (got {type(source).__name__})"
        raise ParameterError(msg)
    if not found or not all(len(table) for table in found.values()):
        msg = "coverage: there is no row to draw"
        raise ParameterError(msg)
    return found


def _bars(table: pd.DataFrame) -> tuple[Array, Array]:
    """Ends of the error bars; the coverage itself where there are none."""
    if {"lower", "upper"} <= set(table):
        return table["lower"].to_numpy(dtype=float), table["upper"].to_numpy(dtype=float)
    error = 2 * table["mcse"].fillna(0.0).to_numpy(dtype=float) if "mcse" in table else 0.0
    value = table["coverage"].to_numpy(dtype=float)
    return value - error, value + error


def _draw(ax: Axes, name: str, table: pd.DataFrame, colour: str, aside: float) -> None:
    from matplotlib.transforms import ScaledTranslation

    x, y = table["signal"].to_numpy(dtype=float), table["coverage"].to_numpy(dtype=float)
    ax.plot(x, y, color=colour, linewidth=1.4, label=name)
    if "mcse" in table:  # moved aside, or those of one method would hide those of another
        moved = ax.transData + ScaledTranslation(aside / 72, 0, figure_of(ax).dpi_scale_trans)
        ax.vlines(x, *_bars(table), color=colour, linewidth=0.9, transform=moved)


def _lowest(coverage: Array) -> int:
    """The first that is the least in whole percent, as it will be said: past it coverage may stay there."""
    return int(np.argmax((coverage < FALLS) | (np.round(100 * coverage) <= np.round(100 * coverage.min()))))


def _claim(tables: dict[str, pd.DataFrame], level: float) -> tuple[str, str]:
    """Where the worst of them falls shortest."""
    least = {name: float(table["coverage"].min()) for name, table in tables.items()}
    worst = min(least, key=lambda name: least[name])
    table, low = tables[worst], least[worst]
    where = number(float(table["signal"].iloc[_lowest(table["coverage"].to_numpy(dtype=float))]))
    who = f" of {worst}" if len(tables) > 1 else ""
    share = f"under {100 * FALLS:.2g}" if low < FALLS else f"{100 * low:.0f}"
    if low >= level - FALLS:
        claim = f"The intervals hold their promise at every size: {100 * low:.3g}\u00a0% at least"
    else:
        claim = f"Coverage{who} falls to {share}\u00a0% where the effect is {where} standard errors"
    errors = np.concatenate([t["mcse"].to_numpy(dtype=float) for t in tables.values() if "mcse" in t] or [np.empty(0)])
    errors = errors[np.isfinite(errors)]
    detail = f"Promised: {100 * level:.3g}\u00a0%, on average over all effects; here at each true effect by itself"
    bounds = all({"lower", "upper"} <= set(t) for t in tables.values() if "mcse" in t)
    bars = "95\u00a0% bounds, Monte Carlo error" if bounds else "± 2 Monte Carlo errors,"
    return claim, detail + (f"; bars {bars} at most {errors.max():.2g}." if errors.size else ".")
