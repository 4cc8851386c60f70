"""The coefficients along the prior's scale: where the MAP goes, and what the posterior says there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.labels import label_ends, room_for
from bayesreg.plots.path_claim import Here, claim
from bayesreg.plots.scale_axis import (
    STRENGTH_HEIGHT,
    Power,
    hatch_withheld,
    mark_choices,
    prepare,
    runs,
    scale_label,
    sparse_ticks,
    strength_axis,
)
from bayesreg.plots.style import (
    BLUE,
    GREY,
    LINES,
    VERMILLION,
    axis_label,
    caption,
    figure_of,
    heading,
    inches_high,
    inches_wide,
    legend_below,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, shorten, wrap

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.penalty_path import PenalizedPath
    from bayesreg.sampling_path import PosteriorPath
    from bayesreg.strength import ScaleChoice

OVERVIEW, PANEL = 2.3, 1.2
"""Heights in inches of the axes with all lines, and of a row of panels."""

NAME = 0.2
"""Share of the width that the name of a line may take."""


@picture("PenalizedPath")
def path(
    penalized: PenalizedPath,
    posterior: PosteriorPath | None = None,
    *,
    choice: ScaleChoice | None = None,
    rules: pd.DataFrame | None = None,
    raw: bool = False,
    columns: Sequence[str] | None = None,
    most: int = 6,
    width: float = 7.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw the MAP of every coefficient against the prior's scale and, of some, the posterior along it.

    The MAP is one line a coefficient.  With a posterior, a panel below for each of the columns that matter most shows
    its mean and central 95 % band, with the MAP on it: the bands of several coefficients in one axes would hide each
    other.  On a given `ax` there is one band, of the first of these columns.

    Parameters
    ----------
    penalized : PenalizedPath
        Where a point is not certified (stationary, where J is not convex) its line has a gap.
    posterior : PosteriorPath, optional
        Where its gate failed nothing of it is drawn: that stretch is hatched.
    choice : ScaleChoice, optional
        Its scale is marked.
    rules : pandas.DataFrame, optional
        Scales of other rules, to be marked too: `choice.alternatives`.
    raw : bool, default False
        In the data's units instead of those that the prior sees.
    columns : sequence of str, optional
        Names to draw in colour, in this order.  By default those largest along the path, and the one that the
        title names.
    most : int, default 6
        How many in colour where `columns` does not say; the others are grey.
    width : float, default 7
        Width in inches of the figure that is made where `ax` is not given.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        That with all lines; the panels are the other axes of its figure.

    Raises
    ------
    ParameterError
        If `columns` names one that there is not, `most` is not positive, or the paths are of different columns.
    """
    for name, other in (("posterior", posterior), ("choice", choice)):
        _check_same(name, penalized, other)
    named = None if choice is None else Here.of(penalized, posterior, choice).widest
    shown = _chosen(penalized, columns, most, named)
    drawing = _Drawing(penalized, posterior, choice, rules, raw, shown)
    said = claim(penalized, posterior, choice, rules, shown, chosen=columns is not None, raw=raw)
    if ax is not None:
        if posterior is not None and drawing.columns.size:
            drawing.band(ax, int(drawing.columns[0]), label=True)
        drawing.lines(ax, inches_wide(ax), inches_high(ax))
        drawing.mark(ax, label=True)
        strength_axis(ax, drawing.power, inches_wide(ax))
        legend_below(ax, owned=False)
        heading(ax, *said, lift=0.0 if drawing.power is None else STRENGTH_HEIGHT)
        drawing.name_lines(ax)
        return ax
    return _figure(drawing, said, width)


def _check_same(name: str, penalized: PenalizedPath, other: PosteriorPath | ScaleChoice | None) -> None:
    """Refuse what is of other columns, or of another family of priors."""
    if other is None:
        return
    mine, its = penalized.problem.names, other.problem.names
    if mine != its:
        msg = f"path: {name} has {len(its)} columns, the MAP path {len(mine)}, and not the same ones"
        raise ParameterError(msg)
    priors = [type(family.prior).__name__ for family in (penalized.family, other.family)]
    if priors[0] != priors[1]:
        msg = f"path: {name} is under a {priors[1]} prior, the MAP path under a {priors[0]} prior"
        raise ParameterError(msg)


def _chosen(penalized: PenalizedPath, columns: Sequence[str] | None, most: int, named: int | None) -> NDArray[np.int_]:
    names = list(penalized.problem.names)
    if columns is not None:
        unknown = [name for name in columns if name not in names]
        if unknown:
            msg = f"path: columns holds {unknown[0]!r}, which is not a column (of {len(names)})"
            raise ParameterError(msg)
        return np.array([names.index(name) for name in columns], dtype=int)
    most = read_integer("path: most", most, 1)
    size = np.abs(penalized.beta[penalized.sound]).sum(axis=0)
    largest = np.argsort(-size, kind="stable")[:most]
    if named is not None and named not in largest:
        largest[-1] = named
    return largest


def _figure(drawing: _Drawing, said: tuple[str, str], width: float) -> Axes:
    """Make the figure: all lines on top, a panel for each column in colour below where there is a posterior."""
    import matplotlib.pyplot as plt

    wide = width >= 5
    count = 0 if drawing.posterior is None else int(drawing.columns.size)
    across = min(max(count, 1), 3 if wide else 2)
    down = -(-count // across)
    heights = [OVERVIEW + 0.5] + ([PANEL * down + 0.35] if count else [])
    figure = plt.figure(figsize=(width, sum(heights)), layout="constrained")
    parts: Any = figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False)[:, 0]
    ax: Axes = parts[0].add_subplot()
    drawing.lines(ax, (1 - NAME) * width, OVERVIEW)
    panels = parts[1].subplots(down, across, squeeze=False).ravel() if count else np.array([ax])
    for k, panel in enumerate(panels if count else ()):
        if k >= count:
            panel.remove()
            continue
        drawing.panel(panel, int(drawing.columns[k]), width / across - 0.4, bottom=k + across >= count, label=k == 0)
        drawing.mark(panel, label=k == 0)
    drawing.mark(ax, label=not count)
    strength_axis(ax, drawing.power, (1 - NAME) * width)
    legend_below(panels[0], owned=True)
    caption(figure, *said)
    drawing.name_lines(ax)
    return ax


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Drawing:
    """What is drawn on any axes."""

    penalized: PenalizedPath
    posterior: PosteriorPath | None
    choice: ScaleChoice | None
    rules: pd.DataFrame | None
    raw: bool
    columns: NDArray[np.int_]

    @property
    def power(self) -> Power | None:
        """λ as a power of the scale."""
        return Power.through(self.penalized.scales, self.penalized.table["lambda_"].to_numpy(dtype=float))

    @property
    def colours(self) -> dict[int, str]:
        """Colours of the lines that have one."""
        return {int(column): LINES[k % len(LINES)] for k, column in enumerate(self.columns)}

    def units(self, values: Array, column: int) -> Array:
        """Values of one coefficient in the units drawn."""
        return values / float(self.penalized.problem.design.scale[column]) if self.raw else values

    @property
    def ends(self) -> tuple[float, float]:
        """Ends of the horizontal axis."""
        scales = self.penalized.scales
        return float(scales[0]), float(scales[-1])

    def base(self, ax: Axes, inches: float) -> None:
        """Prepare axes."""
        prepare(ax, *self.ends)
        sparse_ticks(ax, inches)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=0)

    def mark(self, ax: Axes, *, label: bool) -> None:
        """Mark the choices of the scale."""
        if self.choice is not None:
            mark_choices(ax, self.choice, self.rules, label=label)

    def curve(self, ax: Axes, column: int, **style: Any) -> None:
        """The MAP of one coefficient, with gaps where it is not certified."""
        path, label = self.penalized, style.pop("label", None)
        values = self.units(path.beta[:, column], column)
        shown = np.where(path.sound, values, np.nan)
        ax.plot(path.scales, shown, label=label, **style)
        alone = [run.start for run in runs(path.sound) if run.stop - run.start == 1]
        if alone:
            ax.plot(path.scales[alone], values[alone], linestyle="", marker=".", markersize=3, color=style["color"])

    def lines(self, ax: Axes, inches: float, high: float) -> None:
        """The MAP of every coefficient."""
        self.base(ax, inches)
        for column in range(self.penalized.beta.shape[1]):
            colour, strong = self.colours.get(column, GREY), column in self.colours
            self.curve(
                ax, column, color=colour, linewidth=1.4 if strong else 0.7, alpha=1.0 if strong else 0.7,
                zorder=3 if strong else 2,
            )  # fmt: skip
        problem = self.penalized.problem if self.posterior is None else self.posterior.problem
        ax.set_xlabel(scale_label(self.penalized.family, by_noise=problem.scale_by_noise), size=TEXT)
        ax.set_ylabel(
            wrap("MAP, " + axis_label(self.penalized.problem, raw=self.raw).replace(" (", "\n("), high), size=TEXT
        )

    def name_lines(self, ax: Axes) -> None:
        """Name the lines at their weak ends: all where there is room, else those in colour."""
        names, good = self.penalized.problem.names, np.flatnonzero(self.penalized.sound)
        if not good.size or not len(names):
            return
        room = room_for(inches_high(ax))
        named = list(range(len(names))) if len(names) <= room else [int(j) for j in self.columns[:room]]
        values = self.penalized.beta_raw if self.raw else self.penalized.beta
        colours = [self.colours.get(j, GREY) for j in named]
        label_ends(ax, [names[j] for j in named], values[good[-1], named], colours, NAME * figure_of(ax).get_figwidth())

    def band(self, ax: Axes, column: int, *, label: bool) -> None:
        """Posterior mean and central 95 % band of one coefficient, where the gate passed."""
        path = self.posterior
        assert path is not None
        mean, low, high = (self.units(values[:, column], column) for values in (path.mean, path.lower, path.upper))
        good = path.passed_at & np.isfinite(low) & np.isfinite(high)
        name: dict[str, str | None] = {"band": "posterior 95\u00a0%", "mean": "posterior mean"}
        for run in runs(good):
            said = {key: text if label else None for key, text in name.items()}
            if run.stop - run.start == 1:
                ax.vlines(path.scales[run], low[run], high[run], color=BLUE, alpha=0.3, linewidth=2)
                continue
            ax.fill_between(
                path.scales[run], low[run], high[run], color=BLUE, alpha=0.2, linewidth=0, label=said["band"]
            )
            ax.plot(path.scales[run], mean[run], color=BLUE, linewidth=1.0, label=said["mean"])
            label = False
        hatch_withheld(ax, path.scales, good, "withheld: gate failed" if column == self.columns[0] else None)

    def panel(self, ax: Axes, column: int, inches: float, *, bottom: bool, label: bool) -> None:
        """One coefficient: its band and its MAP."""
        self.base(ax, inches)
        ax.xaxis.minorticks_off()
        self.band(ax, column, label=label)
        self.curve(ax, column, color=VERMILLION, linewidth=1.5, label="MAP" if label else None, zorder=3)
        name = shorten(str(self.penalized.problem.names[column]), inches, bold=True)
        ax.set_title(name, loc="left", size=TEXT, weight="bold", pad=2, parse_math=False)
        if not bottom:
            ax.tick_params(labelbottom=False)
