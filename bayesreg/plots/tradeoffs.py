"""Pairs of coefficients that the point estimate decides between, and the posterior does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    TEXT,
    TITLE,
    VERMILLION,
    caption,
    figure_of,
    heading,
    legend_below,
    number,
    percent,
    shorten,
    tidy,
    withheld,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

DRAWS = 400
"""Draws shown in a panel, evenly chosen."""

NAME = 1.4
"""Inches that a name may take in a claim."""


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
    if most < 1:
        msg = f"tradeoffs: most must be a number of pairs ≥ 1 (got {most!r})"
        raise ParameterError(msg)
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    pairs, traded = _pairs(comparison, most if given is None else given.size)
    panels = _panels(len(pairs), width) if given is None else given[: len(pairs)]
    for ax, pair in zip(panels, pairs, strict=True):
        _draw(ax, comparison, pair, width / _across(len(pairs), width) - 0.5)
    claim, detail = _claim(comparison, pairs, traded=traded)
    legend_below(panels[0], owned=given is None)
    if given is None:
        caption(figure_of(panels[0]), claim, detail)
    else:
        heading(panels[0], claim, detail, lift=1.6 * TEXT)
    return panels


def _pairs(comparison: Comparison, most: int) -> tuple[list[tuple[str, str]], bool]:
    """The pairs, and whether they trade off."""
    if comparison.passed:
        table = comparison.tradeoffs.table.head(most)
        if len(table):
            return list(zip(table["kept"], table["dropped"], strict=True)), True
    names = comparison.problem.names
    size = np.abs(np.nan_to_num(comparison.correlations.to_numpy())) if comparison.passed else np.eye(len(names))
    first, second = np.triu_indices(len(names), 1)
    order = np.argsort(-size[first, second], kind="stable")[: most if comparison.passed else 1]
    return [(names[first[k]], names[second[k]]) for k in order], False


def _across(count: int, width: float) -> int:
    return min(count, max(1, int(width / 1.9)))


def _panels(count: int, width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    across = _across(count, width)
    down = -(-count // across)
    figure = plt.figure(figsize=(width, 0.35 + 0.95 * down * width / max(across, 2)), layout="constrained")
    made = np.ravel(np.asarray(figure.subplots(down, across, squeeze=False), dtype=object))
    for ax in made[count:]:
        ax.remove()
    return made[:count]


def _draw(ax: Axes, comparison: Comparison, pair: tuple[str, str], inches: float) -> None:
    places = [comparison.problem.names.index(name) for name in pair]
    table = comparison.coefficients.iloc[places]
    beta = comparison.posterior.draws("beta")[..., places].reshape(-1, 2)
    beta = beta[np.isfinite(beta).all(axis=1)]
    ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
    ax.axvline(0.0, color=GREY, linewidth=0.6, zorder=0)
    if comparison.passed and len(beta):
        shown = beta[np.linspace(0, len(beta) - 1, min(DRAWS, len(beta))).astype(int)]
        style: dict[str, Any] = {"markersize": 2.6, "alpha": 0.55, "markeredgewidth": 0}
        ax.plot(*shown.T, ".", color=BLUE, label="posterior draws", **style)
        epsilon = table["epsilon"].to_numpy()
        ax.axvspan(-epsilon[0], epsilon[0], color=ORANGE, alpha=0.18, linewidth=0, zorder=0, label="within ±ε")
        ax.axhspan(-epsilon[1], epsilon[1], color=ORANGE, alpha=0.18, linewidth=0, zorder=0)
    if not comparison.optima_withheld:
        ax.plot(*table["map"].to_numpy(), "D", color=VERMILLION, markeredgecolor="white", markersize=6, label="MAP")
    tidy(ax)
    ax.spines["left"].set_visible(True)
    ax.spines["left"].set_color(GREY)
    ax.tick_params(axis="y", length=3)
    ax.set_xlabel(shorten(str(pair[0]), inches), size=TEXT, loc="right", parse_math=False)
    ax.set_ylabel(shorten(str(pair[1]), 1.2), size=TEXT, loc="top", parse_math=False)
    if comparison.passed:
        together = float(comparison.correlations.to_numpy()[places[0], places[1]])
        ax.set_title(f"correlation {number(together)}", loc="left", size=TEXT, pad=3)


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
    if found.count > len(pairs):
        return claim, f"{detail}; {len(pairs)} of {found.count} such pairs are shown."
    return claim, detail + (f"; there are {found.count} such pairs." if found.count > 1 else ".")
