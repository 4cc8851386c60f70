"""The marginal posteriors of the coefficients on which the point estimate and the posterior disagree most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    ORANGE,
    SAME_POINT,
    VERMILLION,
    WITHHELD,
    blank,
    caption,
    coefficient_label,
    draw_density,
    figure_of,
    heading,
    inches_wide,
    ink,
    legend_below,
    prior_curve,
    tidy,
    withheld,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import (
    TEXT,
    number,
    percent,
    shorten,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison


PANEL_TITLE = 9.0


@picture("Comparison")
def marginals(
    comparison: Comparison,
    *,
    count: int = 4,
    names: Sequence[str] | None = None,
    raw: bool = False,
    width: float = 7.0,
    axes: Axes | Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Draw marginal posterior densities with the MAP, mean, median and the prior, one panel per coefficient.

    Parameters
    ----------
    comparison : Comparison
    count : int, default 4
        How many: those with the largest |MAP\u00a0−\u00a0mean|/sd.
    names : sequence of str, optional
        Coefficients to draw instead.
    raw : bool, default False
        In the data's units instead of those that the prior sees.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : matplotlib Axes or several, optional
        Where to draw, one for each coefficient; with `names` left out, as many are drawn as there are axes.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        Those drawn on.

    Raises
    ------
    ParameterError
        If `names` holds one that is not a column, `count` is not positive, or there are fewer axes than names.
    """
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    chosen = _chosen(comparison.coefficients, names, count if given is None else given.size)
    panels = _panels(len(chosen), width) if given is None else given[: len(chosen)]
    if len(panels) < len(chosen):
        msg = f"marginals: {len(chosen)} coefficients need as many axes (got {len(panels)})"
        raise ParameterError(msg)
    if not chosen:
        return panels
    draws = comparison.posterior.draws("beta_raw" if raw else "beta")
    columns = _columns(len(chosen), width)
    for ax, name in zip(panels, chosen, strict=True):
        inches = width / columns - 0.2 if given is None else inches_wide(ax)
        column = comparison.problem.names.index(name)
        _draw_panel(ax, comparison, column, np.ravel(draws[..., column]), inches, raw=raw)
    for ax in panels if given is not None else panels[-columns:]:
        inches = width / columns - 0.2 if given is None else inches_wide(ax)
        ax.set_xlabel(coefficient_label(comparison, inches, raw=raw), size=TEXT, loc="right")
    legend_below(panels[0], owned=given is None)
    if given is None:
        caption(figure_of(panels[0]), *_claim(comparison, chosen))
    return panels


def _chosen(table: pd.DataFrame, names: Sequence[str] | None, count: int) -> list[str]:
    if names is not None:
        unknown = [name for name in names if name not in table.index]
        if unknown:
            msg = f"marginals: names holds {unknown[0]!r}, which is not a column (of {len(table)})"
            raise ParameterError(msg)
        return list(names)
    if count < 1:
        msg = f"marginals: count must be a number of panels ≥ 1 (got {count!r})"
        raise ParameterError(msg)
    distance = table["disagreement"].abs().fillna(0.0).to_numpy()
    return [table.index[j] for j in np.argsort(-distance, kind="stable")[:count]]


def _columns(count: int, width: float) -> int:
    return min(count, 2) if width >= 5 else 1


def _panels(count: int, width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    if not count:
        return np.array([], dtype=object)
    columns = _columns(count, width)
    rows = -(-count // columns)
    figure = plt.figure(figsize=(width, 0.4 + 1.75 * rows), layout="constrained")
    # Started at about its final width: the layout makes room for whatever sticks out at the start.
    grid = figure.add_gridspec(rows, columns, left=0.01, right=0.99, wspace=0.02)
    return np.array([figure.add_subplot(grid[k // columns, k % columns]) for k in range(count)], dtype=object)


def _draw_panel(ax: Axes, comparison: Comparison, column: int, draws: Array, inches: float, *, raw: bool) -> None:
    row = comparison.coefficients.iloc[column]
    unit, scale = ("_raw", float(comparison.problem.design.scale[column])) if raw else ("", 1.0)
    _head_panel(ax, row, scale, inches, passed=comparison.passed)
    ax.set_yticks([])
    tidy(ax)
    if not comparison.passed:  # what a failed gate withholds is not drawn; the heading says so
        blank(ax)
        return
    grid, density = draw_density(draws)
    ax.plot(grid, density, color=BLUE, linewidth=1.2, label="posterior")
    ax.fill_between(grid, density, color=BLUE, alpha=0.15, linewidth=0)
    low, high, _ = _region(row, scale)
    inside = (grid >= low) & (grid <= high)
    ax.fill_between(grid, density, where=inside, color=ORANGE, alpha=0.75, linewidth=0, label="the share stated")
    mean, median, mode = (float(row[name + unit]) for name in ("mean", "median", "map"))
    ax.axvline(mean, color=BLUE, linewidth=1.2, linestyle="--", label="posterior mean")
    ax.axvline(median, color=BLUE, linewidth=0.9, linestyle=":", label="posterior median")
    ax.axvline(mode, color=VERMILLION, linewidth=1.5, label="MAP = penalised optimum" if _same(row) else "MAP")
    ends = _limits(grid, mean, mode)
    wide = np.linspace(*ends, 600)
    prior, top = prior_curve(comparison.problem, column, wide * scale), float(density.max())
    if prior is not None:
        top = max(top, min(1.5 * top, scale * float(prior.max())))
        ax.plot(wide, prior * scale, color=ink(), linewidth=1.0, linestyle=":", label="prior")
    ax.set_xlim(*ends)
    ax.set_ylim(0, 1.08 * top)


def _same(row: pd.Series) -> bool:
    return bool(abs(row["difference"]) <= SAME_POINT * row["sd"])


def _limits(grid: Array, mean: float, mode: float) -> tuple[float, float]:
    """Show the curve and both points; and zero, where it is near."""
    points = [grid[0], grid[-1], mean, mode]
    low, high = float(np.nanmin(points)), float(np.nanmax(points))
    near = 0.3 * (high - low)
    low = min(low, 0.0) if low <= near else low
    high = max(high, 0.0) if high >= -near else high
    edge = 0.03 * (high - low)
    return low - edge, high + edge


def _region(row: pd.Series, scale: float) -> tuple[float, float, str]:
    """Return the ends of the shaded region, in the units drawn, and what is to be said of its share."""
    if row["zero"]:
        epsilon = float(row["epsilon"]) / scale
        share = float(row["p_small"])
        return -epsilon, epsilon, f"{percent(share)} of the mass within ±{number(epsilon)}, {percent(1 - share)} beyond"
    above = float(row["p_positive"])
    if row["map"] >= 0:
        return -np.inf, 0.0, f"{percent(1 - above)} of the mass below\u00a00"
    return 0.0, np.inf, f"{percent(above)} of the mass above\u00a00"


def _head_panel(ax: Axes, row: pd.Series, scale: float, inches: float, *, passed: bool) -> None:
    """Name the coefficient, and say what the panel shows of it."""
    distance = float(row["disagreement"])
    side = "above" if distance >= 0 else "below"
    place = "exactly\u00a00, " if row["zero"] else ""
    said = f"MAP {place}{number(abs(distance))} sd {side} the mean\n{_region(row, scale)[2]}"
    name = shorten(str(row.name), inches, PANEL_TITLE, bold=True)
    heading(ax, name, said if passed else WITHHELD, size=PANEL_TITLE, inches=inches)


def _claim(comparison: Comparison, chosen: Sequence[str]) -> tuple[str, str]:
    if not comparison.passed:
        return withheld(comparison)
    table = comparison.coefficients
    worst = float(table["disagreement"].abs().max())
    if worst < 0.1:
        claim = f"MAP and posterior mean agree to within {number(worst)} posterior sd"
    else:
        claim = f"The MAP lies up to {number(worst)} posterior sd from the posterior mean"
    return claim, f"The {len(chosen)} of {len(table)} coefficients shown: " + (
        "those with the largest |MAP\u00a0−\u00a0mean|/sd."
        if set(chosen) == set(_chosen(table, None, len(chosen)))
        else "as chosen."
    )
