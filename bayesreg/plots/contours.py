"""Two coefficients: where the loss pulls, where the penalty holds, and where the posterior is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    GREY,
    SAME_POINT,
    VERMILLION,
    axis_label,
    caption,
    figure_of,
    heading,
    ink,
    legend_below,
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
from bayesreg.slices import LossSlice, loss_slice

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from bayesreg.comparison import Comparison

LEVELS = (0.69, 3.0)
"""Nats above the least loss: the regions of 50 and 95 %, were the loss a normal's with two coefficients."""

MISSED = 0.05
"""Share of the draws outside the picture from which that is said."""

NAME = 1.3
"""Inches that a name may take in a claim."""


@picture("Comparison")
def contours(
    comparison: Comparison,
    pair: tuple[str, str] | None = None,
    *,
    plane: LossSlice | None = None,
    draws: int = 500,
    width: float = 7.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw contours of the loss, the penalty's level set through the optimum, and posterior draws over them.

    Loss and penalty are in the plane of two coefficients, all others held at the penalised optimum: there the two level
    sets touch.  The draws are of the whole posterior, so that they spread wider than the loss.

    Parameters
    ----------
    comparison : Comparison
    pair : two of str, optional
        Columns.  By default the first pair that trades off, or the two furthest from zero in posterior sds.
    plane : LossSlice, optional
        Of the penalised optimum, if it is at hand: `slices.loss_slice`.
    draws : int, default 500
        How many are drawn, evenly chosen; 0 for none.
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
        If there are not two such columns, or `draws` is negative.
    """
    count = read_integer("draws", draws, 0)
    if plane is None:
        plane = loss_slice(comparison.problem, comparison.penalized, default_pair(comparison) if pair is None else pair)
    elif pair is not None and tuple(pair) != plane.names:
        msg = f"contours: pair is {tuple(pair)!r}, but plane is of {plane.names!r}; leave one of them out"
        raise ParameterError(msg)
    owned = ax is None
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(width, 0.5 + 0.62 * width), layout="constrained").add_subplot()
    _draw_cloud(ax, comparison, plane, count)
    _draw_plane(ax, plane, _point_name(comparison, plane))
    _label(ax, comparison, plane)
    claim, detail = _claim(comparison, plane)
    legend_below(ax, owned=owned)
    if owned:
        caption(figure_of(ax), claim, detail)
    else:
        heading(ax, claim, detail)
    return ax


def default_pair(comparison: Comparison) -> tuple[str, str]:
    """The first pair that trades off, else the two columns furthest from zero in posterior sds.

    Raises
    ------
    ParameterError
        If there are fewer than two columns.
    """
    if comparison.problem.p < 2:
        msg = f"contours: a plane needs two columns (there are {comparison.problem.p})"
        raise ParameterError(msg)
    table = comparison.coefficients
    if comparison.passed and len(comparison.tradeoffs.table):
        first = comparison.tradeoffs.table.iloc[0]
        return str(first["kept"]), str(first["dropped"])
    strength = (table["mean"].abs() / table["sd"]).fillna(0.0).to_numpy()
    one, two = sorted(np.argsort(-strength, kind="stable")[:2])
    return comparison.problem.names[one], comparison.problem.names[two]


def _draw_cloud(ax: Axes, comparison: Comparison, plane: LossSlice, count: int) -> None:
    if not count or not comparison.passed:
        return
    beta = comparison.posterior.draws("beta")[..., list(plane.columns)].reshape(-1, 2)
    beta = beta[np.isfinite(beta).all(axis=1)]
    taken = beta[np.linspace(0, len(beta) - 1, min(count, len(beta))).astype(int)] if len(beta) else beta
    style: dict[str, Any] = {"markersize": 3.2, "alpha": 0.55, "markeredgewidth": 0, "zorder": 1}
    ax.plot(*taken.T, ".", color=BLUE, label="posterior draws", **style)


def _point_name(comparison: Comparison, plane: LossSlice) -> str:
    """What to call the point that the plane goes through."""
    table = comparison.coefficients.iloc[list(plane.columns)]
    apart = np.abs(table["map"].to_numpy() - plane.optimum)
    return "MAP" if (apart <= SAME_POINT * table["sd"].to_numpy()).all() else "penalised optimum"


def _draw_plane(ax: Axes, plane: LossSlice, name: str) -> None:
    levels = sorted({*LEVELS, plane.optimum_loss} if plane.optimum_loss > 0.1 * LEVELS[0] else {*LEVELS})
    shown = [level for level in levels if plane.loss.min() < level < plane.loss.max()]
    if shown:
        ax.contour(plane.x, plane.y, plane.loss, levels=shown, colors=ink(), linewidths=0.7, alpha=0.75, zorder=2)
        ax.plot([], [], color=ink(), linewidth=0.7, alpha=0.75, label="equal loss")
    if plane.level_set is not None:
        edge = np.vstack([plane.level_set, plane.level_set[:1]])
        ax.fill(*edge.T, color=VERMILLION, alpha=0.12, linewidth=0, zorder=2)
        ax.plot(*edge.T, color=VERMILLION, linewidth=1.3, label="equal penalty", zorder=3)
    if np.isfinite(plane.least).all():
        ax.plot(*plane.least, "x", color=ink(), markersize=5, label="least loss", zorder=4)
    ax.plot(*plane.optimum, "D", color=VERMILLION, markeredgecolor="white", markersize=5.5, label=name, zorder=5)


def _label(ax: Axes, comparison: Comparison, plane: LossSlice) -> None:
    tidy(ax)
    ax.spines["left"].set_visible(True)
    ax.spines["left"].set_color(GREY)
    ax.tick_params(axis="y", length=3)
    for line in (ax.axhline, ax.axvline):
        line(0.0, color=GREY, linewidth=0.6, zorder=0)
    ax.set_xlim(*plane.limits[0])
    ax.set_ylim(*plane.limits[1])
    inches = 0.8 * figure_of(ax).get_figwidth()
    unit = axis_label(comparison.problem, raw=False)
    first, second = (shorten(str(name), 0.42 * inches) for name in plane.names)
    ax.set_xlabel(f"{first}, {unit}" if inches > 4 else first, size=TEXT, loc="right", parse_math=False)
    ax.set_ylabel(second, size=TEXT, loc="top", parse_math=False)


def _claim(comparison: Comparison, plane: LossSlice) -> tuple[str, str]:
    if not comparison.passed:
        return withheld(comparison)
    table = comparison.coefficients.iloc[list(plane.columns)]
    names = [shorten(str(name), NAME, bold=True) for name in plane.names]
    zero = table["zero"].to_numpy(dtype=bool)
    beyond = [percent(1 - share) for share in table["p_small"]]
    ends = [f"±{number(epsilon)}" for epsilon in table["epsilon"]]
    parts: list[str] = []
    if zero.all():
        claim = f"The penalty holds {names[0]} and {names[1]} at exactly\u00a00"
        parts.append(f"Of their posterior, {beyond[0]} is beyond\u00a0{ends[0]} and {beyond[1]} beyond\u00a0{ends[1]}")
    elif zero.any():
        held = int(np.flatnonzero(zero)[0])
        mass = f"{beyond[held]} of its posterior is beyond\u00a0{ends[held]}"
        claim = f"The corner holds {names[held]} at exactly\u00a00; {mass}"
    else:
        claim = _pulled(names, table["sd"].to_numpy(), plane)
    together = float(np.corrcoef(*_flat(comparison, plane).T)[0][1])
    where = _point_name(comparison, plane)
    parts.append(f"The draws' correlation is {number(together)}. Loss and penalty: other coefficients at the {where}")
    outside = _outside(_flat(comparison, plane), plane)
    if outside > MISSED:
        parts.append(f"{percent(outside)} of the draws are outside the picture")
    if plane.expanded:
        parts.append("the loss as its quadratic expansion there")
    return claim, "; ".join(parts) + "."


def _outside(draws: Array, plane: LossSlice) -> float:
    """Share of the draws that the plane does not hold."""
    ends = np.array(plane.limits)
    return 1 - float(((draws >= ends[:, 0]) & (draws <= ends[:, 1])).all(axis=1).mean())


def _flat(comparison: Comparison, plane: LossSlice) -> Array:
    return comparison.posterior.draws("beta")[..., list(plane.columns)].reshape(-1, 2)


def _pulled(names: list[str], sd: Array, plane: LossSlice) -> str:
    """How far from the least loss the penalty holds the two."""
    if not np.isfinite(plane.least).all():
        return f"The loss alone has no least point in {names[0]} and {names[1]}: the penalty places them"
    moves: Any = np.abs(plane.optimum - plane.least) / sd
    if (moves <= SAME_POINT).all():
        return f"Nothing pulls {names[0]} and {names[1]} away from the least loss"
    return f"The penalty pulls {names[0]} and {names[1]} by {number(moves[0])} and {number(moves[1])} posterior sd"
