"""What the data taught about each coefficient, in bits over its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.plots.style import (
    BLUE,
    GREY,
    TEXT,
    VERMILLION,
    caption,
    figure_of,
    heading,
    legend_below,
    number,
    shorten,
    shorten_all,
    tidy,
    withheld,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison

LITTLE = 0.5
"""Bits below which little was learned: a normal posterior at the prior's centre is then 0.7 times as wide as it."""

NAME = 1.6
"""Inches that a name may take in a claim."""


def information(comparison: Comparison, *, most: int = 30, width: float = 7.0, ax: Axes | None = None) -> Axes:
    """Draw the information gained over the prior by coefficient: KL(posterior ‖ prior) of the marginals, in bits.

    Parameters
    ----------
    comparison : Comparison
    most : int, default 30
        How many: those with the most bits.  What is left out is stated.
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
        If `most` is not positive.
    """
    if most < 1:
        msg = f"information: most must be a number of rows ≥ 1 (got {most!r})"
        raise ParameterError(msg)
    table = comparison.coefficients
    known = table[table["bits"].notna()] if comparison.passed else table.iloc[:0]
    shown = known.iloc[np.argsort(-known["bits"].to_numpy(), kind="stable")[:most]]
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 0.7 + 0.22 * max(len(shown), 2)), layout="constrained").add_subplot()
    _draw(ax, shown)
    claim, detail = _claim(comparison, known, len(shown))
    legend_below(ax, owned=owned)
    if owned:
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _draw(ax: Axes, shown: pd.DataFrame) -> None:
    rows, bits = np.arange(len(shown)), shown["bits"].to_numpy()
    zero = shown["zero"].to_numpy(dtype=bool)
    for mask, colour, label in ((~zero, BLUE, "MAP not 0"), (zero, VERMILLION, "MAP exactly 0")):
        if mask.any():
            ax.barh(rows[mask], bits[mask], height=0.66, color=colour, alpha=0.8, label=label)
    if len(shown):
        error = 2 * shown["bits_mcse"].fillna(0.0).to_numpy()
        ax.hlines(rows, bits - error, bits + error, colors="black", linewidths=1.0, label="± 2 Monte Carlo errors")
    ax.axvline(0.0, color=GREY, linewidth=0.8)
    inches = 0.36 * figure_of(ax).get_figwidth()
    ax.set_yticks(rows, shorten_all([str(name) for name in shown.index], inches), parse_math=False)
    ax.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    ax.set_xlabel("bits gained over the prior", size=TEXT, loc="right")
    tidy(ax)


def _claim(comparison: Comparison, known: pd.DataFrame, shown: int) -> tuple[str, str]:
    if not comparison.passed:
        return withheld(comparison)
    total, bits = len(comparison.coefficients), known["bits"].to_numpy()
    unknown = total - len(known)
    lack = f"{unknown} of {total} have no proper prior to gain over" if unknown else ""
    if not len(known):
        return "No coefficient has a proper prior to gain information over", f"{lack}." if lack else ""
    few = int((bits < LITTLE).sum())
    most, least = known.index[int(np.argmax(bits))], known.index[int(np.argmin(bits))]
    if few:
        claim = f"The data told less than half a bit about {few} of {total} coefficients"
    else:
        claim = "The data told more than half a bit about every coefficient"
    detail = f"Most: {shorten(str(most), NAME)}, {number(float(bits.max()))} bits; least: " + (
        f"{shorten(str(least), NAME)}, {number(float(bits.min()))}"
    )
    left = len(known) - shown
    parts = [detail, f"Shown: {shown}, {left} left\u00a0out" if left else "", lack]
    return claim, "; ".join(part for part in parts if part) + "."
