"""A penalty as what it is: the negative log of a prior, and the pull that is its gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.plots.style import (
    GREY,
    LINES,
    TEXT,
    caption,
    figure_of,
    heading,
    legend_below,
    number,
    shorten,
    tidy,
)
from bayesreg.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

POINTS = 401

REACH = 4.0
"""Prior standard deviations that are shown on either side."""

FAR = 1e12
"""An endpoint of the subdifferential beyond this is infinite."""


@final
@dataclass(frozen=True, slots=True)
class _Slope:
    """One column of one prior: pen and its gradient on a grid, and the interval of the subdifferential at its kink."""

    label: str
    grid: Array
    penalty: Array
    gradient: Array
    location: float
    jump: tuple[float, float]


def penalty(
    *what: Prior | Problem | Comparison,
    column: int | str = 0,
    limits: tuple[float, float] | None = None,
    width: float = 7.0,
    axes: Sequence[Axes] | None = None,
) -> NDArray[np.object_]:
    """Draw −log prior of one coefficient, up to its constant, and its gradient: what a penalty costs, and how it pulls.

    Under a Laplace prior the pull is λ = 1/b at any size, and jumps at zero, which is why coefficients stay there;
    under a Gaussian one it is β/τ², in proportion to the size, and vanishes at zero.

    Parameters
    ----------
    *what : Prior, Problem or Comparison
        One or several, drawn over each other; a problem's unknown noise scale is at the MAP's, or 1.
    column : int or str, default 0
        Of priors that differ by column: which, by place or, of problems, by name.  All others are at their locations.
    limits : pair of float, optional
        Ends of the coefficient's axis.  By default 4 prior standard deviations about the location.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : two matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The penalty's, and the gradient's.

    Raises
    ------
    ParameterError
        If nothing is given, a column does not exist, a scale is unknown, or `limits` are not ascending.
    """
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    if given is not None and given.size != 2:
        msg = f"penalty: axes must be two (got {given.size})"
        raise ParameterError(msg)
    slopes = _slopes(what, column, limits)
    panels = _panels(width) if given is None else given
    for k, slope in enumerate(slopes):
        _draw(panels, slope, LINES[k % len(LINES)])
    for ax, title in zip(panels, ("penalty (nats)", "pull (nats per unit)"), strict=True):
        tidy(ax)
        ax.set_title(title, loc="left", size=TEXT, pad=4)
        ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
        ax.set_xlabel("coefficient", size=TEXT, loc="right")
        ax.margins(x=0)
    claim, detail = _claim(slopes)
    if given is None:
        legend_below(panels[0], owned=True)
        caption(figure_of(panels[0]), claim, detail)
    else:
        legend_below(panels[0], owned=False)
        heading(panels[0], claim, detail, lift=1.4 * TEXT)
    return panels


def _panels(width: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, 2.2), layout="constrained")
    return np.ravel(np.asarray(figure.subplots(1, 2), dtype=object))


def _slopes(
    what: Sequence[Prior | Problem | Comparison], column: int | str, limits: tuple[float, float] | None
) -> list[_Slope]:
    if not what:
        msg = "penalty: give at least one prior, problem or comparison"
        raise ParameterError(msg)
    found = [_read(each, column) for each in what]
    ends = _ends(found) if limits is None else limits
    if not ends[0] < ends[1]:
        msg = f"penalty: limits must be (low, high) with low < high (got {limits!r})"
        raise ParameterError(msg)
    return [_slope(prior, p, j, ends) for prior, p, j in found]


def _read(each: object, column: int | str) -> tuple[Prior, int, int]:
    """The prior, how many columns it is on, and which is meant."""
    if isinstance(each, Prior):
        return _known(each), *_of_prior(each, column)
    from bayesreg.comparison import Comparison

    problem = each.problem if isinstance(each, Comparison) else each
    if not isinstance(problem, Problem):
        msg = f"penalty: takes priors, problems and comparisons (got {type(each).__name__})"
        raise ParameterError(msg)
    known = each.map.sigma if isinstance(each, Comparison) else problem.likelihood.sigma_known
    fixed = problem.at(1.0 if known is None else known) if problem.scale_by_noise else problem
    names = list(problem.names)
    if isinstance(column, str) and column in names:
        return _known(fixed.prior), problem.p, names.index(column)
    if isinstance(column, int) and 0 <= column < problem.p:
        return _known(fixed.prior), problem.p, column
    msg = f"penalty: column {column!r} is none of the {problem.p}"
    raise ParameterError(msg)


def _known(prior: Prior) -> Prior:
    if prior.hyperprior is not None:
        msg = f"penalty: the scale of {prior!r} is unknown, so that it is no one penalty; fix it with prior.at(scale)"
        raise ParameterError(msg)
    return prior


def _of_prior(prior: Prior, column: int | str) -> tuple[int, int]:
    """Columns that a prior alone is on, as many as it has numbers for, and the place of the column."""
    if not isinstance(column, int) or column < 0:
        msg = f"penalty: column {column!r} must be a place ≥ 0 where a prior is given without its problem"
        raise ParameterError(msg)
    for p in (column + 1, *range(column + 2, column + 200)):
        try:
            prior.location(p)
            prior.variance(p)
        except ParameterError:
            continue
        return p, column
    msg = f"penalty: column {column} is none of {prior!r}"
    raise ParameterError(msg)


def _ends(found: Sequence[tuple[Prior, int, int]]) -> tuple[float, float]:
    ends = []
    for prior, p, j in found:
        sd, location = float(np.sqrt(prior.variance(p)[j])), float(prior.location(p)[j])
        reach = REACH * sd if np.isfinite(sd) else 1.0
        ends += [location - reach, location + reach]
    return min(ends), max(ends)


def _slope(prior: Prior, p: int, j: int, ends: tuple[float, float]) -> _Slope:
    location = prior.location(p)
    here = float(location[j])
    grid = np.linspace(*ends, POINTS)
    grid = np.unique(np.concatenate([grid, [here]])) if ends[0] < here < ends[1] else grid
    beta = np.tile(location, (grid.size, 1))
    beta[:, j] = grid
    value = prior.penalty(beta) - float(prior.penalty(location[None])[0])
    low, high = _ends_of_subdifferential(prior, beta, j)
    gradient = np.where(low == high, low, np.nan)
    at = grid == here
    jump = (float(low[at][0]), float(high[at][0])) if at.any() else (0.0, 0.0)
    return _Slope(_label(prior, p), grid, np.where(np.abs(value) < FAR, value, np.nan), gradient, here, jump)


def _ends_of_subdifferential(prior: Prior, beta: Array, j: int) -> tuple[Array, Array]:
    """Least and largest derivative (m,) of pen in column j: the elements of ∂pen nearest to −∞ and ∞."""
    found = []
    for sign in (-1.0, 1.0):
        far = np.zeros_like(beta)
        far[:, j] = sign * 10 * FAR
        end = prior.nearest_subgradient(beta, far)[:, j]
        found.append(np.where(np.abs(end) > FAR, sign * np.inf, end))
    return found[0], found[1]


def _label(prior: Prior, p: int) -> str:
    return shorten(prior.describe(p), 2.6)


def _draw(panels: NDArray[np.object_], slope: _Slope, colour: str) -> None:
    first, second = panels
    first.plot(slope.grid, slope.penalty, color=colour, linewidth=1.4, label=slope.label)
    second.plot(slope.grid, slope.gradient, color=colour, linewidth=1.4)
    low, high = slope.jump
    if low < high and np.isfinite([low, high]).all():
        second.plot([slope.location] * 2, [low, high], color=colour, linewidth=1.0, linestyle=":")


def _claim(slopes: Sequence[_Slope]) -> tuple[str, str]:
    """What the pull does with size, prior by prior."""
    kinds = [_kind(slope) for slope in slopes]
    if len(kinds) == 1:
        return f"The pull {kinds[0]}", _held(slopes[0])
    claim = "; ".join(f"{_short(slope)}: the pull {kind}" for slope, kind in zip(slopes, kinds, strict=True))
    return claim, " ".join(filter(None, dict.fromkeys(_held(slope) for slope in slopes)))


def _short(slope: _Slope) -> str:
    return shorten(slope.label, 1.6, bold=True)


def _kind(slope: _Slope) -> str:
    """How the gradient changes with the distance from the location, from its values near and far on one side."""
    side = slope.gradient[slope.grid > slope.location]
    side = side[np.isfinite(side)]
    if side.size < 8 or not np.any(side):
        return "is zero: nothing is penalised"
    near, middle, far = side[0], side[side.size // 2 - 1], side[-1]
    if abs(far - near) <= 1e-6 * abs(far):
        return "is the same at any size"
    if abs(middle - far / 2) <= 0.02 * abs(far) and abs(near) <= 0.02 * abs(far):
        return "grows in proportion to the size"
    return "grows with the size" if abs(far) > abs(near) else "weakens with the size"


def _held(slope: _Slope) -> str:
    low, high = slope.jump
    if not low < high:
        return "" if np.any(np.nan_to_num(slope.gradient)) else "A flat prior."
    if not np.isfinite([low, high]).all():
        return "At its kink it is without bound."
    where, ends = number(slope.location), f"{number(low)} to {number(high)}"
    return f"At {where} the pull is anything from {ends}: that holds a coefficient there."
