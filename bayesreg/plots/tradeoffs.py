"""Pairs of coefficients that the point estimate decides between, and the posterior does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.discard.joint import MOST_COLUMNS, correlations
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    PANEL_LIFT,
    VERMILLION,
    caption,
    figure_of,
    heading,
    inches_wide,
    legend_below,
    panel_title,
    tidy,
    withheld,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import (
    TEXT,
    TITLE,
    number,
    percent,
    shorten,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

HIGH = 2.4
"""Inches that a panel may be high."""

DRAWS = 400
"""Draws shown in a panel, evenly chosen."""

STRONGEST = 200
"""Columns with the largest |mean|/sd among which correlated pairs are sought where there are too many for all."""

NAME = 1.4
"""Inches that a name may take in a claim."""


@picture("Comparison")
def tradeoffs(
    comparison: Comparison,
    *,
    most: int = 4,
    width: float = 7.0,
    axes: Axes | Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Draw the pairs of which the MAP keeps one column and drops the other, while the posterior cannot tell.

    Where there is no such pair: those most correlated in the posterior.

    Parameters
    ----------
    comparison : Comparison
    most : int, default 4
        How many pairs, the most traded first.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : matplotlib Axes or several, optional
        Where to draw; as many pairs as there are axes.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those drawn on.

    Raises
    ------
    ParameterError
        If there are fewer than two columns, or `most` is not positive.
    """
    if comparison.problem.p < 2:
        msg = f"tradeoffs: a pair needs two columns (there are {comparison.problem.p})"
        raise ParameterError(msg)
    most = read_integer("tradeoffs: most", most, 1)
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    pairs, traded = _pairs(comparison, most if given is None else given.size)
    if not pairs:
        msg = "tradeoffs: axes is empty; give one for each pair"
        raise ParameterError(msg)
    panels = _panels(len(pairs), width) if given is None else given[: len(pairs)]
    for ax, pair in zip(panels, pairs, strict=True):
        _draw(ax, comparison, pair, width / _across(len(pairs), width) - 0.5 if given is None else inches_wide(ax))
    claim, detail = _claim(comparison, pairs, traded=traded)
    legend_below(panels[0], owned=given is None)
    if given is None:
        caption(figure_of(panels[0]), claim, detail)
    else:
        heading(panels[0], claim, detail, lift=PANEL_LIFT)
    return panels


def _pairs(comparison: Comparison, most: int) -> tuple[list[tuple[str, str]], bool]:
    """The pairs, and whether they trade off."""
    names = comparison.problem.names
    if not comparison.passed:
        return [(names[0], names[1])], False
    table = comparison.tradeoffs.table.head(most)
    if len(table):
        return list(zip(table["kept"], table["dropped"], strict=True)), True
    together = _correlations(comparison)
    size = np.abs(np.nan_to_num(together.to_numpy()))
    first, second = np.triu_indices(len(together), 1)
    order = np.argsort(-size[first, second], kind="stable")[:most]
    return [(together.index[first[k]], together.index[second[k]]) for k in order], False


def _correlations(comparison: Comparison) -> pd.DataFrame:
    """Of all columns, or of the strongest where there are too many for that."""
    if comparison.problem.p <= MOST_COLUMNS:
        return comparison.correlations
    table = comparison.coefficients
    strength = (table["mean"].abs() / table["sd"]).fillna(0.0).to_numpy()
    strongest = [comparison.problem.names[j] for j in np.argsort(-strength, kind="stable")[:STRONGEST]]
    return correlations(comparison.posterior, strongest)


def _across(count: int, width: float) -> int:
    """Panels beside each other: as many as there is room for, and no row all but empty."""
    down = -(-count // max(1, int(width / 1.9)))
    return -(-count // down)


def _panels(count: int, width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    across = _across(count, width)
    down = -(-count // across)
    figure = plt.figure(figsize=(width, 0.35 + down * min(0.95 * width / max(across, 2), HIGH)), layout="constrained")
    made = np.ravel(np.asarray(figure.subplots(down, across, squeeze=False), dtype=object))
    for ax in made[count:]:
        ax.remove()
    return made[:count]


def _draw(ax: Axes, comparison: Comparison, pair: tuple[str, str], inches: float) -> None:
    places = [comparison.problem.names.index(name) for name in pair]
    table = comparison.coefficients.iloc[places]
    seen = [np.zeros((1, 2))]
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0.0, color=GREY, linewidth=0.6, zorder=0)
    if not comparison.optima_withheld:
        seen.append(table["map"].to_numpy(dtype=float)[None])
        ax.plot(*seen[-1].T, "D", color=VERMILLION, markeredgecolor="white", markersize=6, label="MAP")
    if comparison.passed:
        beta = comparison.posterior.draws("beta")[..., places].reshape(-1, 2)
        shown = beta[np.linspace(0, len(beta) - 1, min(DRAWS, len(beta))).astype(int)]
        seen.append(shown)
        style: dict[str, Any] = {"markersize": 1.9, "alpha": 0.6, "markeredgewidth": 0, "zorder": 1.5}
        ax.plot(*shown.T, "o", color=BLUE, label="posterior draws", **style)
        panel_title(ax, f"correlation {number(_correlation(comparison, pair))}")
    centre = comparison.problem.prior.location(comparison.problem.p)[places]
    _small(ax, centre, table["epsilon"].to_numpy(dtype=float), np.vstack(seen))
    tidy(ax)
    ax.spines["left"].set_visible(True)
    ax.spines["left"].set_color(GREY)
    ax.tick_params(axis="y", length=3)
    ax.set_xlabel(shorten(str(pair[0]), inches), size=TEXT, loc="right", parse_math=False)
    ax.set_ylabel(shorten(str(pair[1]), 1.2), size=TEXT, loc="top", parse_math=False)


def _small(ax: Axes, centre: Array, epsilon: Array, seen: Array) -> None:
    """Shade effects that count as small, and show of the bands what does not make all else small."""
    label = "within ±ε" if not centre.any() else "within ±ε of the prior's location"
    style: dict[str, Any] = {"color": ORANGE, "alpha": 0.18, "linewidth": 0, "zorder": 0}
    low, high = centre - epsilon, centre + epsilon
    ax.axvspan(low[0], high[0], label=label, **style)
    ax.axhspan(low[1], high[1], **style)
    for k, name in enumerate(("xlim", "ylim")):
        first, last = float(seen[:, k].min()), float(seen[:, k].max())
        span = (last - first) or 1.0
        first = min(first, max(float(low[k]), first - span / 2))
        last = max(last, min(float(high[k]), last + span / 2))
        edge = 0.04 * (last - first)
        ax.set(**{name: (first - edge, last + edge)})


def _correlation(comparison: Comparison, pair: tuple[str, str]) -> float:
    """Of the two coefficients: from the table of trade-offs if it has the pair."""
    table = comparison.tradeoffs.table
    found = table[(table["kept"] == pair[0]) & (table["dropped"] == pair[1])]
    if len(found):
        return float(found["correlation"].iloc[0])
    together: Any = _correlations(comparison).loc[pair[0], pair[1]]
    return float(together)


def _claim(comparison: Comparison, pairs: Sequence[tuple[str, str]], *, traded: bool) -> tuple[str, str]:
    if not comparison.passed:
        return withheld(comparison)
    found, first = comparison.tradeoffs, pairs[0]
    kept, dropped = (shorten(str(name), NAME, TITLE, bold=True) for name in first)
    if not traded:
        claim = "In no pair does the MAP decide what the posterior leaves open"
        return (
            claim,
            f"Shown: the {len(pairs)} most correlated, of {found.kept} kept columns and {found.dropped} dropped.",
        )
    row = found.table.iloc[0]
    claim = f"The MAP keeps {kept} and drops {dropped}; the posterior cannot tell"
    detail = f"P(|{shorten(str(first[0]), NAME)}| is the larger) is {percent(float(row['p_larger']))}"
    if comparison.problem.prior.location(comparison.problem.p).any():
        detail += " (distances from the prior's location)"
    if found.count > len(pairs):
        return claim, f"{detail}; {len(pairs)} of {found.count} such pairs are shown."
    return claim, detail + (f"; there are {found.count} such pairs." if found.count > 1 else ".")
