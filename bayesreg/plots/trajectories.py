"""Descents from zero: the coefficients step by step, and what the loss and the penalty come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    GREY,
    LINES,
    axis_label,
    caption,
    figure_of,
    heading,
    inches_high,
    inches_wide,
    ink,
    legend_below,
    tidy,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.trajectories_claim import claim, ended, labels_of, rounding
from bayesreg.plots.words import TEXT, shorten_all, wrap

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesreg.trajectories import Trajectory

PATHS, CURVES = 1.5, 1.15
"""Heights in inches of a panel of coefficients, and of one of a curve."""

NAME = 0.3
"""Share of the figure's width that a name in the legend may take."""

OTHERS = 200
"""Grey lines at most; more only darken the picture."""

COLOURS = (*LINES[:5], LINES[6])
"""Of coefficients; black is the descents'."""

DASHES = ("-", "--", ":", "-.")


FLAT = 1e-6
"""Share of its size by which a curve varies at least where that is shown."""

TITLES = {
    "loss": "loss (nats)",
    "penalty": "penalty (nats)",
    "excess": "above minimum (nats)",
    "support": "coefficients ≠ {place}",
}
"""What the shared panels show."""


@picture()
def trajectories(
    *trajectories: Trajectory,
    columns: Sequence[str] | None = None,
    most: int = 6,
    width: float = 7.0,
    axes: Axes | Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Draw each descent's coefficients over the iterations and, shared by all, loss, penalty, excess and support.

    Rings at the right-hand edge are the optimum, where there is one.  The excess J − min J is on a log scale, and ends
    where it is down to rounding; without any optimum its panel is left out.

    Parameters
    ----------
    *trajectories : Trajectory
        Of the same columns: several methods, or one with and without the penalty.
    columns : sequence of str, optional
        Names to draw in colour.  By default those that are largest along the descents.
    most : int, default 6
        How many in colour where `columns` does not say; the others are grey.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : matplotlib Axes or several, optional
        Where to draw: one for each descent, then, as many as there are, for loss, penalty, excess and support.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those drawn on, in that order.

    Raises
    ------
    ParameterError
        If there is no trajectory, they are of different columns, `columns` names one that there is not, `most` is not
        positive, or there are fewer axes than trajectories.
    """
    _check(trajectories)
    drawing = _Drawing(trajectories, _chosen(trajectories, columns, most))
    said = claim(trajectories)
    shown = drawing.columns.size
    if shown < drawing.p:
        kind = "as chosen" if columns is not None else "largest along the descents"
        said = said[0], f"{said[1]} In colour: {shown} of {drawing.p} coefficients ({kind}).".strip()
    if axes is None:
        return _figure(drawing, said, width)
    given = np.ravel(np.asarray(axes, dtype=object))
    count = len(trajectories)
    if given.size < count:
        msg = f"trajectories: {count} trajectories need as many axes, or up to 4 more (got {given.size})"
        raise ParameterError(msg)
    for k in range(count):
        drawing.paths(given[k], k, inches_wide(given[k]), inches_high(given[k]))
        given[k].set_xlabel("iteration", size=TEXT)
    curves = drawing.curves[: given.size - count]
    for ax, curve in zip(given[count:], curves, strict=False):
        drawing.curve(ax, curve, inches_wide(ax))
        ax.set_xlabel("iteration", size=TEXT)
    drawing.explain(given[0])
    legend_below(given[0], owned=False)
    return given[: count + len(curves)]


def _check(trajectories: Sequence[Trajectory]) -> None:
    from bayesreg.trajectories import Trajectory

    if not trajectories or not all(isinstance(one, Trajectory) for one in trajectories):
        found = ", ".join(type(one).__name__ for one in trajectories) or "none"
        msg = f"trajectories takes one or more Trajectory, each an argument (got {found}); make them with br.trajectory"
        raise ParameterError(msg)
    if any(one.names != trajectories[0].names for one in trajectories):
        msg = "trajectories: all must be of the same columns, in the same order; draw the others by themselves"
        raise ParameterError(msg)


def _chosen(trajectories: Sequence[Trajectory], columns: Sequence[str] | None, most: int) -> NDArray[np.int_]:
    names = list(trajectories[0].names)
    if columns is not None:
        unknown = [name for name in columns if name not in names]
        if unknown:
            msg = f"trajectories: columns holds {unknown[0]!r}, which is not a column (of {len(names)})"
            raise ParameterError(msg)
        return np.array([names.index(name) for name in columns], dtype=int)
    most = read_integer("trajectories: most", most, 1)
    size = np.max([np.abs(one.beta).max(axis=0) for one in trajectories], axis=0)
    return np.argsort(-size, kind="stable")[:most]


def _figure(drawing: _Drawing, said: tuple[str, str], width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    wide = width >= 5
    count, curves = len(drawing.trajectories), drawing.curves
    across = min(count, 3) if wide else 1
    down = -(-count // across)
    columns = len(curves) if wide else 2
    rows = -(-len(curves) // columns)
    heights = [(PATHS + 0.45) * down + 0.2, (CURVES + 0.15) * rows + 0.2]
    figure = plt.figure(figsize=(width, sum(heights)), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=heights)
    panels = parts[0].subplots(down, across, squeeze=False, sharex=True, sharey=True).ravel()
    below = parts[1].subplots(rows, columns, squeeze=False).ravel()
    for ax in [*panels[count:], *below[len(curves) :]]:
        ax.remove()
    for k in range(count):
        drawing.paths(panels[k], k, (width - 0.9) / across, PATHS, labelled=k % across == 0)
        if k + across >= count:
            panels[k].tick_params(labelbottom=True)
            panels[k].set_xlabel("iteration", size=TEXT)
    for k, (ax, curve) in enumerate(zip(below, curves, strict=False)):
        drawing.curve(ax, curve, width / columns - 0.35)
        if k + columns >= len(curves):
            ax.set_xlabel("iteration", size=TEXT)
    drawing.explain(panels[0])
    legend_below(panels[0], owned=True)
    caption(figure, *said)
    return np.array([*panels[:count], *below[: len(curves)]], dtype=object)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """What is drawn on any axes."""

    trajectories: Sequence[Trajectory]
    columns: NDArray[np.int_]

    @property
    def p(self) -> int:
        """Number of columns."""
        return self.trajectories[0].problem.p

    @property
    def styles(self) -> list[dict[str, Any]]:
        """How the curves of each descent look."""
        return [
            {
                "color": ink() if k < len(DASHES) else GREY,
                "linestyle": DASHES[k % len(DASHES)],
                "linewidth": 1.2,
                "label": label,
            }
            for k, label in enumerate(labels_of(self.trajectories))
        ]

    @property
    def curves(self) -> list[str]:
        """What the shared panels show."""
        compared = any(one.optimum is not None and one.passed for one in self.trajectories)
        return ["loss", "penalty", *(["excess"] if compared else []), "support"]

    @property
    def rest(self) -> NDArray[np.int_]:
        """Columns drawn in grey: the largest of them."""
        size = np.max([np.abs(one.beta).max(axis=0) for one in self.trajectories], axis=0)
        size[self.columns] = -1.0
        return np.argsort(-size, kind="stable")[: min(self.p - np.unique(self.columns).size, OTHERS)]

    def paths(self, ax: Axes, k: int, inches: float, high: float, *, labelled: bool = True) -> None:
        """Coefficients of one descent over its iterations, and its optimum at the right-hand edge."""
        one = self.trajectories[k]
        self.prepare(ax, inches)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)
        rest, steps = self.rest, np.arange(len(one), dtype=float)
        if rest.size:  # one line, with a gap between the coefficients
            x = np.tile(np.append(steps, np.nan), rest.size)
            y = np.vstack([one.beta[:, rest], np.full(rest.size, np.nan)]).T.ravel()
            ax.plot(x, y, color=GREY, linewidth=0.7, alpha=0.7, zorder=2, label="other coefficients")
        names = shorten_all([str(one.names[j]) for j in self.columns], NAME * figure_of(ax).get_figwidth())
        for n, (column, name) in enumerate(zip(self.columns, names, strict=True)):
            label = f"\u00a0{name}" if name.startswith("_") else name  # Matplotlib hides labels that start so
            colour = COLOURS[n % len(COLOURS)]
            ax.plot(steps, one.beta[:, column], color=colour, linewidth=1.3, zorder=3, label=label)
        if one.optimum is not None and one.passed and self.columns.size:
            ring: dict[str, Any] = {"markersize": 5, "markerfacecolor": "none", "markeredgecolor": ink()}
            ends = one.optimum.beta[self.columns]
            ax.plot(
                np.full(ends.size, steps[-1]), ends, "o", zorder=4, clip_on=False, label="optimum",
                markeredgewidth=0.8, **ring,
            )  # fmt: skip
        heading(ax, labels_of(self.trajectories)[k], ended(one), size=TEXT, inches=inches)
        if labelled:
            ax.set_ylabel(wrap(axis_label(one.problem, raw=False).replace(" (", "\n("), high), size=TEXT)

    def curve(self, ax: Axes, curve: str, inches: float) -> None:
        """One number over the iterations, of every descent."""
        self.prepare(ax, inches)
        known = [np.zeros(0)]
        for one, style in zip(self.trajectories, self.styles, strict=True):
            values = _values(one, curve)
            ax.plot(np.arange(len(one)), values, **style)
            known.append(values[np.isfinite(values)])
        _vertical(ax, curve, np.concatenate(known), self.p)
        located = self.trajectories[0].problem.prior.location(self.p).any()
        title = TITLES[curve].format(place="μ" if located else "0")
        ax.set_title(wrap(title, inches), loc="left", size=TEXT, pad=4)

    def prepare(self, ax: Axes, inches: float) -> None:
        """Frame and ticks of a panel over iterations."""
        from matplotlib.ticker import MaxNLocator, ScalarFormatter

        tidy(ax)
        last = max(len(one) for one in self.trajectories) - 1.0
        ax.set_xlim(-0.02 * last, last)
        ax.spines["left"].set_visible(True)
        ax.spines["left"].set_color(GREY)
        ticks = np.asarray(MaxNLocator(max(2, int(inches / 0.55)), integer=True).tick_values(0.0, last))
        ax.set_xticks(ticks[ticks <= last])
        ax.yaxis.set_major_locator(MaxNLocator(4))
        ax.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))

    def explain(self, ax: Axes) -> None:
        """Put the curves' styles into the legend of the axes that has the coefficients'."""
        for style in self.styles:
            ax.plot([], [], **style)


def _vertical(ax: Axes, curve: str, known: Array, p: int) -> None:
    """Vertical scale of a curve, given all its values."""
    from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator

    if curve == "support":
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.set_ylim(-0.04 * max(p, 1), 1.04 * max(p, 1))
    elif curve == "excess" and known.size:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(numticks=5))
        ax.yaxis.set_minor_locator(NullLocator())
    elif not known.size or np.ptp(known) <= FLAT * np.abs(known).max():  # nothing to see in its last digits
        middle = float(known.mean()) if known.size else 0.0
        ax.set_ylim(middle - 1.0, middle + 1.0)


def _values(one: Trajectory, curve: str) -> Array:
    if curve != "excess":
        return np.asarray(getattr(one, curve), dtype=float)
    if one.optimum is None or not one.passed:
        return np.full(len(one), np.nan)
    return np.where(one.excess > rounding(one), one.excess, np.nan)
