"""The coefficients: posterior intervals, with the MAP and the penalised optimum on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Outcome
from bayesreg.plots.style import (
    BLUE,
    GREY,
    LINES,
    SAME_POINT,
    VERMILLION,
    caption,
    coefficient_label,
    figure_of,
    heading,
    inches_wide,
    ink,
    legend_below,
    tidy,
    withheld,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, number, shorten_all

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison
    from bayesreg.comparison.audited import AuditedFit

OFFSET = 0.27
"""Rows between the interval and what stands above it (the two optima) and below it (an audited fit's coefficient)."""

GREEN = LINES[2]

ROW, AUDITED_ROW = 0.24, 0.29
"""Inches of a row, without and with an audited fit's coefficient."""


@picture("Comparison")
def forest(
    comparison: Comparison,
    *,
    raw: bool = False,
    coefficients: Sequence[str] | None = None,
    most: int = 30,
    width: float = 7.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw one row per coefficient: posterior intervals and mean, the MAP, and the penalised optimum.

    Parameters
    ----------
    comparison : Comparison
        Of an audit, the audited coefficients are drawn too ("yours").
    raw : bool, default False
        In the data's units instead of those that the prior sees; an audited pipeline's are of the columns that its
        steps make in either case, as in `Comparison.coefficients`.
    coefficients : sequence of str, optional
        Names to draw, in this order.  By default those with the largest |mean|/sd, strongest first.
    most : int, default 30
        How many to draw where `coefficients` does not say; what is left out is stated.
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
        If `coefficients` names a column that there is not, or `most` is not positive.
    """
    names = _chosen(comparison.coefficients, coefficients, most)
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        row = ROW if comparison.audited is None else AUDITED_ROW
        ax = plt.figure(figsize=(width, 0.7 + row * len(names)), layout="constrained").add_subplot()
    table = comparison.coefficients.loc[names]
    _draw_rows(ax, table, comparison, "_raw" if raw else "")
    _label_rows(ax, names, 0.36 * figure_of(ax).get_figwidth())
    inches = 0.6 * width if owned else inches_wide(ax)
    ax.set_xlabel(coefficient_label(comparison, inches, raw=raw), size=TEXT, loc="right")
    claim, detail = _claim(comparison, len(names), chosen=coefficients is not None)
    legend_below(ax, owned=owned)
    if owned:
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _chosen(table: pd.DataFrame, coefficients: Sequence[str] | None, most: int) -> list[str]:
    if coefficients is not None:
        unknown = [name for name in coefficients if name not in table.index]
        if unknown:
            msg = f"forest: coefficients names {unknown[0]!r}, which is not a column (of {len(table)})"
            raise ParameterError(msg)
        return list(coefficients)
    most = read_integer("forest: most", most, 1)
    strength = (table["mean"].abs() / table["sd"]).fillna(0.0).to_numpy()
    return [table.index[j] for j in np.argsort(-strength, kind="stable")[:most]]


def _draw_rows(ax: Axes, table: pd.DataFrame, comparison: Comparison, unit: str) -> None:
    rows = np.arange(len(table), dtype=float)
    ax.axvline(0.0, color=GREY, linewidth=0.8, zorder=0)
    if comparison.passed:  # what a failed gate withholds is not drawn
        _draw_posterior(ax, rows, table, unit, f"{100 * comparison.interval_prob:.3g}\u00a0%")
    zero = table["zero"].to_numpy(dtype=bool)
    for mask, fill, label in ((~zero, VERMILLION, "MAP"), (zero, "white", "MAP, exactly 0")):
        if mask.any():
            points = table.loc[mask, "map" + unit]
            ax.plot(
                points, rows[mask] - OFFSET, "D", color=fill, markersize=3.8, markeredgecolor=VERMILLION, label=label
            )
    optimum = table["penalized" + unit]
    ring: dict[str, Any] = {
        "markersize": 7.6,
        "markerfacecolor": "none",
        "markeredgecolor": ink(),
        "markeredgewidth": 0.8,
    }
    ax.plot(optimum, rows - OFFSET, "o", label="penalised optimum", **ring)
    if comparison.audited is not None:
        _draw_yours(ax, table.index, comparison, raw=bool(unit))


def _draw_posterior(ax: Axes, rows: Array, table: pd.DataFrame, unit: str, outer: str) -> None:
    """Intervals and means."""
    lines = {f"posterior {outer}": ("lower", "upper", 1.2), "posterior 50\u00a0%": ("lower50", "upper50", 3.6)}
    for label, (low, high, thickness) in lines.items():
        ax.hlines(rows, table[low + unit], table[high + unit], colors=BLUE, linewidths=thickness, label=label)
    style: dict[str, Any] = {"markersize": 4.6, "markeredgecolor": BLUE, "markeredgewidth": 1.2, "zorder": 3}
    ax.plot(table["mean" + unit], rows, "o", color="white", label="posterior mean", **style)


def _draw_yours(ax: Axes, names: pd.Index[str], comparison: Comparison, *, raw: bool) -> None:
    """The audited coefficients, as they are: whether they are an optimum or not."""
    assert comparison.audited is not None
    places = [comparison.problem.names.index(name) for name in names]
    beta = comparison.audited.beta / comparison.problem.design.scale if raw else comparison.audited.beta
    values, rows = beta[places], np.arange(len(places), dtype=float) + OFFSET
    zero = values == 0
    for mask, fill, label in ((~zero, GREEN, "yours"), (zero, "white", "yours, exactly 0")):
        if mask.any():
            ax.plot(
                values[mask], rows[mask], "^", color=fill, markersize=4.6, markeredgecolor=GREEN, label=label, zorder=3
            )


def _label_rows(ax: Axes, names: Sequence[str], inches: float) -> None:
    ax.set_yticks(np.arange(len(names)), shorten_all([str(name) for name in names], inches), parse_math=False)
    ax.set_ylim(len(names) - 0.4, -0.8)
    tidy(ax)


def _claim(comparison: Comparison, drawn: int, *, chosen: bool) -> tuple[str, str]:
    """Return what the picture shows, and the numbers behind it, over all coefficients."""
    if not comparison.passed:
        return withheld(comparison)
    table = comparison.coefficients
    total = len(table)
    at_zero = int(table["zero"].sum())
    contain = int(((table["lower"] <= 0) & (table["upper"] >= 0)).sum())
    interval = f"{100 * comparison.interval_prob:.3g}\u00a0%"
    detail = f"{contain} of {total} posterior {interval} intervals contain\u00a00"
    if at_zero:
        detail = f"{at_zero} of {total} coefficients are exactly\u00a00 there; {detail}"
    if drawn < total:
        kind = "as chosen" if chosen else "largest |mean|/sd"
        detail += f". Shown: {drawn} ({kind}); {total - drawn} left\u00a0out"
    if comparison.audited is not None:
        return _of_yours(comparison, comparison.audited), f"{_agreement(comparison)}; {detail}."
    return _agreement(comparison), detail + "."


def _of_yours(comparison: Comparison, yours: AuditedFit) -> str:
    """Say whether the audited coefficients are the mode of the prior that they assume."""
    apart = number(float(yours.error_in_sds.max(initial=0.0)))
    if yours.certified and comparison.penalized.outcome is Outcome.NOT_UNIQUE:
        return "Your fit is one of several optima that tie"
    if yours.certified:
        return "Your fit is the MAP of the prior that it assumes"
    if yours.sound:
        return f"Your fit is near the MAP of the prior that it assumes: within {apart} posterior sd"
    return f"Your fit is not the MAP: {number(yours.excess)} nats worse, up to {apart} posterior sd from it"


def _agreement(comparison: Comparison) -> str:
    table = comparison.coefficients
    apart = float((table["difference"].abs() / table["sd"]).max()) if len(table) else 0.0
    if apart <= SAME_POINT:
        return "MAP and penalised optimum are one point"
    if comparison.map.outcome is Outcome.NOT_UNIQUE:
        return "MAP and penalised optimum tie: the optimum is not unique"
    return f"MAP and penalised optimum differ by up to {number(apart)} posterior sd"
