"""Names written at the ends of lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.plots.style import GREY, figure_of, inches_high
from bayesreg.plots.words import TEXT, shorten_all

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation

LINE = 1.25 * TEXT / 72
"""Inches from one label to the next."""

GAP = 0.14
"""Inches from the end of a line to its name."""


def spread(places: Array, apart: float, low: float, high: float) -> Array:
    """Return places at least `apart` from each other, between `low` and `high` if they fit, as near as can be.

    Least squares under x₁ + apart ≤ x₂, …: the isotonic regression of places less their least offsets.
    """
    order = np.argsort(places, kind="stable")
    offsets = apart * np.arange(places.size)
    values = places[order] - offsets
    blocks: list[tuple[float, int]] = []
    for value in values:
        total, count = float(value), 1
        while blocks and blocks[-1][0] / blocks[-1][1] >= total / count:
            before = blocks.pop()
            total, count = total + before[0], count + before[1]
        blocks.append((total, count))
    level = np.concatenate([np.full(count, total / count) for total, count in blocks]) if blocks else values
    level = np.clip(level, low, max(low, high - offsets[-1] if offsets.size else high))
    spaced = np.empty_like(places)
    spaced[order] = level + offsets
    return spaced


def room_for(inches: float) -> int:
    """How many labels fit one above another."""
    return max(1, int(inches / LINE))


def label_ends(ax: Axes, names: Sequence[str], ends: Array, colours: Sequence[str], wide: float) -> list[Annotation]:
    """Write each name beside the right-hand end of its line, moved apart where they would overprint.

    Call it last: it lays the figure out to find how high the axes are.

    Parameters
    ----------
    ax : Axes
        Its limits are final.
    names, ends, colours
        Of each line: its name, its height at the end in data units, its colour.
    wide : float
        Inches that a name may take.
    """
    from matplotlib.transforms import ScaledTranslation

    figure = figure_of(ax)
    figure.draw_without_rendering()
    inches = inches_high(ax)
    low, high = ax.get_ylim()
    fractions = (np.asarray(ends, dtype=float) - low) / (high - low)
    placed = spread(fractions, LINE / inches, 0.0, 1.0)
    short = shorten_all([str(name) for name in names], wide)
    beside = ax.transAxes + ScaledTranslation(GAP, 0, figure.dpi_scale_trans)
    lead: dict[str, Any] = {"arrowstyle": "-", "color": GREY, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 1}
    return [
        ax.annotate(
            name, (1, end), xytext=(1, place), xycoords="axes fraction", textcoords=beside, va="center", ha="left",
            size=TEXT, color=colour, parse_math=False, annotation_clip=False,
            arrowprops={**lead, "relpos": (0, 0.5)},
        )
        for name, end, place, colour in zip(short, fractions, placed, colours, strict=True)
    ]  # fmt: skip
