"""What the data taught about each coefficient, in bits over its prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.plots.style import (
    BLUE,
    GREY,
    VERMILLION,
    blank,
    caption,
    figure_of,
    heading,
    legend_below,
    tidy,
    withheld,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import (
    TEXT,
    number,
    shorten,
    shorten_all,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison

LITTLE = 0.5
"""Bits below which little was learned: a normal posterior at the prior's centre is then 0.7 times as wide as it."""

ERRORS = 2.0
"""Monte Carlo standard errors that are drawn, and within which a number may be on the other side of half a bit."""

NAME = 1.6
"""Inches that a name may take in a claim."""


@picture("Comparison")
def information(comparison: Comparison, *, most: int = 30, width: float = 7.0, ax: Axes | None = None) -> Axes:
    """Draw the information gained over the prior by coefficient: KL(posterior ‖ prior) of the marginals, in bits.

    Parameters
    ----------
    comparison : Comparison
    most : int, default 30
        How many: those with the most bits.  What is left out is stated, and what has no number.
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
    most = read_integer("information: most", most, 1)
    table = comparison.coefficients
    known = table[np.isfinite(table["bits"].to_numpy(dtype=float))] if comparison.passed else table.iloc[:0]
    shown = known.iloc[np.argsort(-known["bits"].to_numpy(), kind="stable")[:most]]
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 0.7 + 0.22 * max(len(shown), 2)), layout="constrained").add_subplot()
    if comparison.passed:
        _draw(ax, shown)
    else:
        blank(ax)
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
        error = ERRORS * shown["bits_mcse"].fillna(0.0).to_numpy()
        ax.hlines(
            rows, bits - error, bits + error, colors="black", linewidths=1.0, label=f"± {ERRORS:g} Monte Carlo errors"
        )
    ax.axvline(0.0, color=GREY, linewidth=0.8)
    inches = 0.36 * figure_of(ax).get_figwidth()
    ax.set_yticks(rows, shorten_all([str(name) for name in shown.index], inches), parse_math=False)
    ax.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    ax.set_xlabel("bits gained over the prior", size=TEXT, loc="right")
    tidy(ax)


def _claim(comparison: Comparison, known: pd.DataFrame, shown: int) -> tuple[str, str]:
    if not comparison.passed:
        return withheld(comparison)
    table = comparison.coefficients
    total, bits = len(table), known["bits"].to_numpy()
    repeated = int(np.isinf(table["bits"].to_numpy(dtype=float)).sum())
    improper = total - len(known) - repeated
    lack = [f"{improper} of {total} have no proper prior to gain over"] if improper else []
    lack += [f"of {repeated} of {total} too many draws are equal to tell"] if repeated else []
    if not len(known):
        return "There is no coefficient whose information over its prior has a number", _sentence(lack)
    few = int((bits < LITTLE).sum())
    near = int((np.abs(bits - LITTLE) <= ERRORS * known["bits_mcse"].fillna(0.0).to_numpy()).sum())
    if few:
        claim = f"The data told less than half a bit about {few} of {total} coefficients"
    else:
        whose = f"each of {len(known)} coefficients" if lack else "every coefficient"
        claim = f"The data told more than half a bit about {whose}"
    most, least = known.index[int(np.argmax(bits))], known.index[int(np.argmin(bits))]
    detail = f"Most: {shorten(str(most), NAME)}, {number(float(bits.max()))} bits"
    if len(known) > 1:
        detail += f"; least: {shorten(str(least), NAME)}, {number(float(bits.min()))}"
    left = len(known) - shown
    return claim, _sentence(
        [
            detail,
            *([f"{near} within Monte Carlo error of half a bit"] if near else []),
            *([f"shown: {shown}, {left} left\u00a0out"] if left else []),
            *lack,
        ]
    )


def _sentence(parts: list[str]) -> str:
    said = "; ".join(parts)
    return f"{said[:1].upper()}{said[1:]}." if said else ""
