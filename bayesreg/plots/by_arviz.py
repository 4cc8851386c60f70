"""Pictures that arviz-plots draws, brought to this project's sizes and captions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.plots.style import GREY, caption, legend_below
from bayesreg.plots.words import TEXT, shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

ROW, TITLE_ROOM = 1.35, 0.35
"""Inches of a row of panels, and above all."""


def made(
    kind: str, data: Any, count: int, most_across: int, width: float, *, per_row: float = ROW, multiple: bool = False,
    **given: Any,
) -> tuple[Figure, NDArray[np.object_]]:  # fmt: skip
    """Let arviz-plots draw; return its figure and the axes that hold something."""
    import arviz_plots

    across = min(count, most_across)
    size = (width, TITLE_ROOM + per_row * -(-count // across))
    layout: dict[str, Any] = {} if multiple or count == 1 else {"col_wrap": across}
    found = getattr(arviz_plots, kind)(
        data, backend="matplotlib", figure_kwargs={"figsize": size, "layout": "constrained"}, **layout, **given
    )
    figure: Figure = found.viz["figure"].item()
    used: list[Axes] = [ax for ax in figure.axes if ax.has_data()]
    for ax in [ax for ax in figure.axes if ax not in used]:
        ax.remove()
    return figure, np.array(used, dtype=object)


def soften(ax: Axes, name: str = "") -> None:
    """Bring the text to this project's sizes; what a test says in the middle of a picture goes, its marks stay."""
    for text in list(ax.texts):
        text.remove()
    ax.tick_params(labelsize=TEXT, color=GREY)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title("")  # the panels' own, centred, would stand beside it
    ax.set_title(shorten(name, 2.4), loc="left", size=TEXT, pad=3, parse_math=False)
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(TEXT)


def finished(figure: Figure, panels: NDArray[np.object_], said: tuple[str, str]) -> NDArray[np.object_]:
    """Give the figure its legend and caption."""
    legend_below(panels[0], owned=True)
    caption(figure, *said)
    return panels
