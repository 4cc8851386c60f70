"""Whether the ranks of simulation-based calibration are uniform."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.plots.style import GREY, LINES, caption, figure_of, heading, ink, legend_below, tidy
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, number, shorten
from bayesreg.validate.strays import strays
from bayesreg.validate.uniformity import band, counts_below

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesreg.validate import Calibration

NAMED = ("log_likelihood", "log_prior")
"""Quantities that are named whether or not they stray."""

STYLES = dict(zip(NAMED, ("--", ":"), strict=True))

MOST = 4
"""Quantities outside the band that have a colour of their own; the others share the last."""


@picture("Calibration")
def sbc(calibration: Calibration, *, width: float = 7.0, ax: Axes | None = None) -> Axes:
    """Draw how far the ECDF of the ranks of each quantity is from that of uniform ranks.

    Over the exact simultaneous band: all ranks of a right sampler stay inside at once with the probability that its
    verdict promises.  Draws that are too narrow rise, then fall; too wide ones do the reverse; too high ones stay
    above; too low ones below.

    Parameters
    ----------
    calibration : Calibration
        What `validate.sbc` found.
    width : float, default 7
        Width in inches of the figure that is made where `ax` is not given.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
    """
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 2.4), layout="constrained").add_subplot()
    if len(calibration.ranks):
        _band(ax, calibration)
        _lines(ax, calibration, width / 2 if owned else 2.0)
    tidy(ax)
    ax.set_xlim(0, 1)
    ax.set_xlabel("rank of the truth among the draws, as a share", size=TEXT, loc="right")
    claim, detail = _claim(calibration)
    legend_below(ax, owned=owned)
    if owned:
        ax.set_title("ECDF − uniform", loc="left", size=TEXT, pad=3)
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _grid(levels: int) -> Array:
    return np.arange(levels + 2) / (levels + 1)


def _band(ax: Axes, calibration: Calibration) -> None:
    """The band of one quantity, so wide that all of them stay inside together."""
    size, levels = len(calibration.ranks), calibration.levels
    edges = band(size, levels, calibration.false_alarm / len(calibration.names))
    grid = _grid(levels)
    low, high = (np.array([0, *counts, size]) / size - grid for counts in (edges.lower, edges.upper))
    label = f"uniform ranks of all quantities stay inside ({100 * (1 - calibration.false_alarm):.4g}\u00a0%)"
    ax.fill_between(grid, low, high, color=ink(), alpha=0.14, linewidth=0, label=label)
    ax.axhline(0.0, color=GREY, linewidth=0.8)


def _lines(ax: Axes, calibration: Calibration, inches: float) -> None:
    size, names = len(calibration.ranks), calibration.names
    grid = _grid(calibration.levels)
    below = counts_below(calibration.ranks, calibration.levels) / size
    away = np.vstack([np.zeros(len(names)), below, np.ones(len(names))]) - grid[:, None]
    outside = calibration.outside
    plain = "other quantities" if outside or set(NAMED) & set(names) else "quantities"
    for j, name in enumerate(names):
        if name in outside:
            place = min(outside.index(name), MOST)
            label = shorten(name, inches) if place < MOST else f"{len(outside) - MOST} more outside"
            ax.plot(grid, away[:, j], color=LINES[place], linewidth=1.4, zorder=3, label=label)
        elif name in NAMED:
            ax.plot(grid, away[:, j], color=ink(), linewidth=1.0, linestyle=STYLES[name], zorder=2.5, label=name)
        else:
            ax.plot(grid, away[:, j], color=GREY, linewidth=0.7, alpha=0.7, label=plain)


def _claim(calibration: Calibration) -> tuple[str, str]:
    size, count = len(calibration.ranks), len(calibration.names)
    by = " and ".join(calibration.methods) or "the sampler"
    if not size:
        return f"There is nothing to judge: no posterior was drawn by {by}", calibration.verdict + "."
    detail = f"{size} replications by {by}, ranks among {calibration.levels} draws; {calibration.sentence}."
    outside = calibration.outside
    if outside:
        first = outside[0]
        row = calibration.table.loc[[first]].to_dict("records")[0]
        more = f", and of {len(outside) - 1} more" if len(outside) > 1 else ""
        return f"Ranks of {shorten(first, 2.5)} are not uniform{more}: {strays(row, size)}", detail
    if not calibration.complete:
        return f"Incomplete: {size} of {calibration.replications} replications, no rank outside the band", detail
    p = number(calibration.p)
    return f"Ranks of all {count} quantities are uniform: nothing speaks against {by} (p = {p})", detail
