"""How far from all draws the densest point lies."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.in_words import counted
from bayesreg.plots.style import (
    BLUE,
    GREY,
    VERMILLION,
    blank,
    caption,
    figure_of,
    heading,
    ink,
    legend_below,
    tidy,
)
from bayesreg.plots.style import withheld as withheld_claim
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison

BINS = 40

NEAR = 0.1
"""Nats within which a draw comes near the density of the point estimate."""


@picture("Comparison")
def typicality(comparison: Comparison, *, width: float = 7.0, ax: Axes | None = None) -> Axes:
    """Draw how far below the mode's log density those of the posterior draws lie, in nats.

    The mode is at 0.  Of a Gaussian posterior in k unknowns the draws would lie k/2 below it on average.  The farthest
    0.2 % of the draws are left out.

    Parameters
    ----------
    comparison : Comparison
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

        ax = plt.figure(figsize=(width, 2.0), layout="constrained").add_subplot()
    passed = comparison.passed
    if passed:
        _draw(ax, comparison)
    tidy(ax)
    ax.set_yticks([])
    ax.set_xlabel("nats below the point estimate" if passed else "", size=TEXT, loc="right")
    if not passed:
        blank(ax)
    claim, detail = _claim(comparison) if passed else withheld_claim(comparison)
    legend_below(ax, owned=owned)
    if owned:
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def _draw(ax: Axes, comparison: Comparison) -> None:
    found = comparison.typicality
    excess = np.ravel(found.excess)
    low, high = min(0.0, float(excess.min())), float(np.quantile(excess, 0.998))
    heights, edges = np.histogram(excess, np.linspace(low, max(high, low + 1e-9), BINS + 1))
    ax.stairs(heights / excess.size, edges, fill=True, color=BLUE, alpha=0.55, label="posterior draws")
    ax.axvline(0.0, color=VERMILLION, linewidth=1.6, label="MAP")
    ax.axvline(found.mean, color=BLUE, linewidth=1.2, linestyle="--", label="mean of the draws")
    ax.axvline(found.gaussian, color=ink(), linewidth=1.0, linestyle=":", label="of a Gaussian posterior")
    ax.axhline(0.0, color=GREY, linewidth=0.6)
    edge = 0.03 * max(high - low, 1e-9)
    ax.set_xlim(low - edge, max(high, found.gaussian) + edge)


def _claim(comparison: Comparison) -> tuple[str, str]:
    found = comparison.typicality
    if found.smallest > NEAR:
        within = math.floor(10 * found.smallest) / 10  # rounded down: true as it is read
        claim = f"No draw in {found.excess.size} comes within {within:.1f} nats of the point estimate's density"
    elif found.smallest > 0:
        claim = f"Draws lie {found.mean:.2g} nats below the point estimate's density on average; some come near it"
    else:
        share = float((found.excess < 0).mean())
        claim = f"{percent(share).capitalize()} of the draws are denser than the point estimate"
    return claim, (
        f"A typical draw lies {_below(found.mean, f'\u00a0±\u00a0{found.mcse:.2f}')} it, the densest "
        f"{_below(found.smallest)}; {counted(found.unknowns, 'unknown')}, of which a Gaussian posterior would make "
        f"{found.gaussian:.1f}."
    )


def _below(excess: float, error: str = "") -> str:
    return f"{abs(excess):.2f}{error} nats {'below' if excess >= 0 else 'above'}"
