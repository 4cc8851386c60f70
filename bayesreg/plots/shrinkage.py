"""How far mode and mean draw each coefficient from where the data alone would put it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.plots.style import (
    BLUE,
    GREY,
    VERMILLION,
    WITHHELD,
    blank,
    caption,
    figure_of,
    heading,
    legend_below,
    tidy,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison
    from bayesreg.discard import Shrinkage


@picture("Shrinkage", "Comparison")
def shrinkage(source: Shrinkage | Comparison, *, width: float = 7.0, ax: Axes | None = None) -> Axes:
    """Draw MAP and posterior mean of every coefficient against its unpenalised estimate.

    On the diagonal nothing is drawn in.  The curves are what one coefficient alone would have: the lasso's is 0 up to
    λs² and a line parallel to the diagonal beyond, the ridge's a line through 0; points off them are the work of the
    columns' correlations.

    Parameters
    ----------
    source : Shrinkage or Comparison
        Of a comparison it is computed: `discard.shrinkage`.
    width : float, default 7
        Width in inches of the figure that is made where `ax` is not given.
    ax : matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    FitError
        If there is no one unpenalised estimate.
    """
    found, why = _read(source)
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 0.4 + 0.6 * width), layout="constrained").add_subplot()
    tidy(ax)
    ax.spines["left"].set_visible(True)
    ax.spines["left"].set_color(GREY)
    ax.tick_params(axis="y", length=3)
    ax.set_xlabel("unpenalised estimate", size=TEXT, loc="right")
    ax.set_title("MAP, posterior mean", loc="left", size=TEXT, pad=3) if owned else None
    if found is not None and not why:
        _draw(ax, found)
    else:
        blank(ax)
    claim, detail = _claim(found, why)
    legend_below(ax, owned=owned)
    if owned:
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _read(source: Shrinkage | Comparison) -> tuple[Shrinkage | None, str]:
    """The numbers, and why they are withheld."""
    from bayesreg.comparison import Comparison
    from bayesreg.discard import shrinkage

    if isinstance(source, Comparison):
        if not source.passed:
            return None, source.withheld
        source = shrinkage(source.posterior, source.penalized, level=source.interval_prob)
    return source, source.withheld


def _draw(ax: Axes, found: Shrinkage) -> None:
    table, interval = found.table, f"posterior {100 * found.level:.3g}\u00a0%"
    x = table["unpenalized"].to_numpy()
    shown = [x, table["map"].to_numpy(), table["mean"].to_numpy()] if found.located else [x]
    reach = 1.08 * max(float(np.abs(np.concatenate(shown)).max(initial=0.0)), 1e-12)
    ends = np.array([-reach, reach])
    ax.plot(ends, ends, color=GREY, linewidth=0.8, label="unpenalised")
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    if found.curve is not None:
        inside = np.abs(found.curve.z) <= reach
        thin: dict[str, Any] = {"linewidth": 0.9, "linestyle": "--"}
        ax.plot(found.curve.z[inside], found.curve.map[inside], color=VERMILLION, label="MAP alone", **thin)
        ax.plot(found.curve.z[inside], found.curve.mean[inside], color=BLUE, label="mean alone", **thin)
    ax.vlines(
        x,
        table["lower"],
        table["upper"],
        color=BLUE,
        alpha=0.35,
        linewidth=1.4,
        label=interval,
    )
    ax.plot(x, table["mean"], "o", color="white", markeredgecolor=BLUE, markersize=4.6, label="posterior mean")
    ax.plot(x, table["map"], "D", color=VERMILLION, markeredgecolor="white", markersize=4.4, label="MAP")
    ax.set_xlim(*ends)


def _claim(found: Shrinkage | None, why: str) -> tuple[str, str]:
    if why or found is None:
        return WITHHELD, why
    what = "distance from the prior's location" if found.located else "size"
    claim = (
        f"The MAP keeps {100 * found.kept_map:.0f}\u00a0% of the {what}, the mean {100 * found.kept_mean:.0f}\u00a0%"
    )
    parts = [f"{found.zeros} of {len(found.table)} coefficients are exactly\u00a00 at the MAP"]
    if found.curve is not None:
        parts.append("dashed: were the columns uncorrelated")
    return claim, "; ".join(parts) + "."
