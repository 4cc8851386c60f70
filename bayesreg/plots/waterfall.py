"""From a library's coefficients, or the penalised optimum, to the posterior means: one bar for each thing changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.discard.waterfall import CLEAR, SHORT, Waterfall
from bayesreg.discard.waterfall_states import OPTIMUM
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    GREY,
    LINES,
    ORANGE,
    VERMILLION,
    WITHHELD,
    blank,
    caption,
    figure_of,
    heading,
    inches_wide,
    ink,
    legend_below,
    tidy,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import (
    TEXT,
    TITLE,
    number,
    shorten,
    wrap,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

GREEN, SKY = LINES[2], LINES[-1]

ROW, ABOVE = 0.19, 0.85
"""Inches of a row of a panel, and of what stands above and below its rows."""

NAME, START = 1.6, 2.4
"""Inches that the name of a column, and of what it starts from, may take in the caption."""

LABELS = 0.25
"""Share of the width that the names of the steps take."""

PANEL_TITLE = 9.0

NEAR_ZERO = 0.3
"""Share of what is shown within which zero is shown too."""


@picture("Waterfall")
def waterfall(
    fall: Waterfall,
    *,
    coefficients: Sequence[str] | None = None,
    most: int = 6,
    width: float = 7.0,
    axes: Axes | Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Draw the steps between the coefficients it starts from and the posterior means, one panel per coefficient.

    Each bar goes from where the steps before it led to where it leads; on its end stand ± 2 Monte Carlo standard errors
    of the step, on the posterior mean those of the mean.  Steps in which nothing is changed in any coefficient have no
    row: the caption names them.

    Parameters
    ----------
    fall : Waterfall
        From `Comparison.waterfall`, of an audit too, or `discard.waterfall`.  Where it is withheld no number is drawn.
    coefficients : sequence of str, optional
        Names to draw, in this order.  By default those with the largest step in posterior sds.
    most : int, default 6
        How many to draw where `coefficients` does not say.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : matplotlib Axes or several, optional
        Where to draw, one for each coefficient; with `coefficients` left out, as many are drawn as there are axes.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those drawn on; none where there is no coefficient.

    Raises
    ------
    ParameterError
        If `fall` is no Waterfall, `coefficients` holds one that is not a column, `most` is not positive, or there are
        fewer axes than coefficients.
    """
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    chosen = _chosen(fall, coefficients, most if given is None else given.size)
    if given is not None and given.size < len(chosen):
        msg = f"waterfall: {len(chosen)} coefficients need as many axes (got {given.size})"
        raise ParameterError(msg)
    if fall.withheld:
        return _nothing(fall, given, width)
    if not chosen:
        return np.array([], dtype=object)
    rows = _Rows.of(fall, short=given is not None or width < 5)
    across = _across(len(chosen), width)
    panels = _panels(len(chosen), len(rows.names), width) if given is None else given[: len(chosen)]
    for k, (ax, name) in enumerate(zip(panels, chosen, strict=True)):
        rows.draw(ax, name)
        rows.label(ax, shown=given is not None or k % across == 0)
        inches = width * (1 - LABELS) / across - 0.15 if given is None else inches_wide(ax)
        heading(ax, shorten(name, inches, PANEL_TITLE, bold=True), rows.said(name), size=PANEL_TITLE, inches=inches)
        _ticks(ax, inches)
        if given is not None or k + across >= len(chosen):
            ax.set_xlabel(wrap("in data units", inches), size=TEXT, loc="right")
    legend_below(*panels, owned=given is None)
    if given is None:
        caption(figure_of(panels[0]), *_claim(fall, rows, chosen, default=coefficients is None))
    return panels


def _chosen(fall: Waterfall, coefficients: Sequence[str] | None, most: int) -> list[str]:
    columns = [str(name) for name in fall.table.columns]
    if coefficients is not None:
        unknown = [name for name in coefficients if name not in columns]
        if unknown:
            msg = f"waterfall: coefficients holds {unknown[0]!r}, which is not a column (of {len(columns)})"
            raise ParameterError(msg)
        return list(coefficients)
    most = read_integer("waterfall: most", most, 1)
    return [columns[j] for j in np.argsort(-fall.moved, kind="stable")[:most]]


def _across(count: int, width: float) -> int:
    """Panels beside each other: at most three (two in a narrow figure), and no row all but empty."""
    widest = 3 if width >= 5 else 2
    down = -(-count // widest)
    return -(-count // down)


def _panels(count: int, rows: int, width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    across = _across(count, width)
    down = -(-count // across)
    figure = plt.figure(figsize=(width, down * (ROW * rows + ABOVE)), layout="constrained")
    # Started at about its final width: the layout makes room for whatever sticks out at the start.
    grid = figure.add_gridspec(down, across, left=0.01, right=0.99, wspace=0.05)
    return np.array([figure.add_subplot(grid[k // across, k % across]) for k in range(count)], dtype=object)


def _nothing(fall: Waterfall, given: NDArray[np.object_] | None, width: float) -> NDArray[np.object_]:
    """Empty axes that say why."""
    if given is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 0.2), layout="constrained").add_subplot()
        caption(figure_of(ax), WITHHELD, fall.withheld)
        panels = np.array([ax], dtype=object)
    else:
        panels = given
        heading(panels[0], WITHHELD, fall.withheld)
    for ax in panels:
        blank(ax)
    return panels


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """What is drawn in every panel: the start, the steps in which something changes, the posterior mean."""

    fall: Waterfall
    table: pd.DataFrame
    mcse: pd.DataFrame
    idle: tuple[str, ...]
    names: tuple[str, ...]

    @classmethod
    def of(cls, fall: Waterfall, *, short: bool) -> _Rows:
        """Return them, with the names of the steps in full or short."""
        still = (fall.table.to_numpy() == 0).all(axis=1) & (fall.mcse.to_numpy() == 0).all(axis=1)
        still[[0, -1]] = False
        steps = [str(name) for name in fall.table.index]
        kept = [SHORT.get(name, name) if short else name for name, idle in zip(steps, still, strict=True) if not idle]
        kept[0] = "start"
        idle = tuple(name for name, left in zip(steps, still, strict=True) if left)
        return cls(fall, fall.table[~still], fall.mcse[~still], idle, tuple(kept))

    def draw(self, ax: Axes, column: str) -> None:
        """Bars, what joins them, and their errors."""
        values, errors = (table[column].to_numpy(dtype=float) for table in (self.table, self.mcse))
        steps = values[1:-1]
        level = np.cumsum(values[:-1])
        places = np.arange(values.size, dtype=float)
        before, at = level[:-1], places[1:-1]
        joins = np.append(level, values[-1])
        ax.vlines(level, places[:-1], places[1:], color=GREY, linewidth=0.7, zorder=1)
        for mask, colour, label in ((steps > 0, SKY, "step up"), (steps < 0, ORANGE, "step down")):
            if mask.any():
                ax.barh(at[mask], steps[mask], 0.62, before[mask], color=colour, zorder=2, label=label)
        style: dict[str, Any] = {"markersize": 4.6, "zorder": 3, "linestyle": "none"}
        marker, colour = ("D", VERMILLION) if self.fall.start == OPTIMUM else ("^", GREEN)  # as in the forest
        ax.plot(values[:1], places[:1], marker, color=colour, label=shorten(self.fall.start, START), **style)
        ax.plot(values[-1:], places[-1:], "o", color=BLUE, label="posterior mean", **style)
        sure = errors > 0
        reach = CLEAR * errors
        if sure.any():
            ax.hlines(
                places[sure], (joins - reach)[sure], (joins + reach)[sure], colors=ink(), linewidths=1.0, zorder=4,
                label=f"± {CLEAR:g} Monte Carlo errors",
            )  # fmt: skip
        low, high = _limits(np.concatenate([joins - reach, joins + reach]))
        ax.set_xlim(low, high)
        ax.set_ylim(values.size - 0.4, -0.6)
        if low < 0 < high:
            ax.axvline(0.0, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0)

    def label(self, ax: Axes, *, shown: bool) -> None:
        """Name the rows, or leave them to the panel at the left."""
        tidy(ax)
        ax.set_yticks(np.arange(len(self.names)), self.names, parse_math=False)
        if not shown:
            ax.tick_params(labelleft=False)

    def said(self, column: str) -> str:
        """How far one coefficient goes in all."""
        total = float(self.fall.total[column])
        sd = float(self.fall.sd[[str(name) for name in self.fall.table.columns].index(column)])
        far = f" ({number(abs(total) / sd)}\u00a0sd)" if sd > 0 else ""
        return f"{total:+.3g}".replace("-", "−") + f" in\u00a0all{far}"


def _limits(reached: Array) -> tuple[float, float]:
    """All that is drawn, and zero where it is near."""
    known = reached[np.isfinite(reached)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    spread = (high - low) or max(abs(low), 1.0) * 0.1
    low = min(low, 0.0) if low <= NEAR_ZERO * spread else low
    high = max(high, 0.0) if high >= -NEAR_ZERO * spread else high
    edge = 0.06 * max(high - low, spread)
    return low - edge, high + edge


def _ticks(ax: Axes, inches: float) -> None:
    """Few round numbers, without an offset or a power set apart."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = ax.get_xlim()
    tiny = 1e-9 * (high - low)
    ax.xaxis.set_major_locator(MaxNLocator(max(2, int(inches / 0.55)), min_n_ticks=2))
    ax.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: "0" if abs(value) < tiny else f"{value:.6g}".replace("-", "−"))
    )


def _claim(fall: Waterfall, rows: _Rows, chosen: Sequence[str], *, default: bool) -> tuple[str, str]:
    largest = fall.largest
    start = shorten(fall.start, START)
    if largest is None:
        claim = f"From {start} to the posterior mean, no step is beyond its Monte Carlo error"
    else:
        name = shorten(largest.column, NAME, TITLE, bold=True)
        claim = f"The largest step, {largest.step}, moves {name} by {number(largest.sds)} posterior sd"
    total = fall.table.shape[1]
    how = "largest steps in sd" if default else "as chosen"
    parts = [f"From {start} to the posterior mean, one thing changed at a time"]
    if len(chosen) < total:
        parts.append(f"Shown: {len(chosen)} of {total} coefficients ({how})")
    if rows.idle:
        parts.append(f"Nothing to change: {', '.join(rows.idle)}")
    return claim, ". ".join(parts) + "."
