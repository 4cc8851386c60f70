"""A penalty as what it is: the negative log of a prior, and the pull that is its gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.in_words import short
from bayesreg.interfaces import Array, Prior
from bayesreg.plots.penalty_claim import Slope, claim_of
from bayesreg.plots.style import (
    GREY,
    LINES,
    caption,
    figure_of,
    heading,
    inches_wide,
    legend_below,
    tidy,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, shorten, wrap
from bayesreg.problem import Problem
from bayesreg.stacked import Stacked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

POINTS = 401

LABELS = 0.65
"""Inches beside a panel that its numbers may take."""

REACH = 4.0
"""Standard deviations, of the narrowest prior, that are shown on either side."""

BESIDE = 0.01
"""Share of the axis within which a gradient that has no bound at the kink is not looked at for the axis's ends."""

FAR = 1e12
"""An endpoint of the subdifferential beyond this is infinite."""


@picture()
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
        Ends of the coefficient's axis.  By default 4 standard deviations of the narrowest prior about the
        locations.
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
    _bound(panels[1], slopes)
    for ax, title in zip(panels, ("penalty (nats)", "pull: gradient (nats/unit)"), strict=True):
        tidy(ax)
        room = inches_wide(ax) if given is not None else width / 2 - LABELS
        ax.set_title(wrap(title, room), loc="left", size=TEXT, pad=4)
        ax.axhline(0.0, color=GREY, linewidth=0.6, zorder=0)
        ax.set_xlabel("coefficient", size=TEXT, loc="right")
        ax.margins(x=0)
    claim, detail = claim_of(slopes)
    if any(isinstance(each, Problem) and _in_sigmas(each) for each in what):
        detail = f"{detail} The noise scale, which the prior's is in units of, is taken as 1.".lstrip()
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
) -> list[Slope]:
    if not what:
        msg = "penalty: give at least one prior, problem or comparison"
        raise ParameterError(msg)
    found = [_read(each, column) for each in what]
    ends = _ends(found) if limits is None else _read_limits(limits)
    return [_slope(prior, p, j, ends) for prior, p, j in found]


def _read_limits(limits: object) -> tuple[float, float]:
    try:
        ends = np.asarray(limits, dtype=float)
    except (TypeError, ValueError):
        ends = np.empty(0)
    if ends.shape != (2,) or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        msg = f"penalty: limits must be (low, high) with low < high (got {limits!r})"
        raise ParameterError(msg)
    return float(ends[0]), float(ends[1])


def _in_sigmas(problem: Problem) -> bool:
    """Whether the penalty is known only up to the unknown noise scale."""
    return problem.scale_by_noise and problem.likelihood.sigma_known is None


def _read(each: object, column: int | str) -> tuple[Prior, int, int]:
    """The prior, how many columns it is on, and which is meant."""
    if isinstance(each, Prior):
        return _known(each), *_of_prior(each, column)
    from bayesreg.comparison import Comparison

    problem = each.problem if isinstance(each, Comparison) else each
    if not isinstance(problem, Problem):
        msg = f"penalty: takes priors, problems and comparisons (got {type(each).__name__})"
        raise ParameterError(msg)
    fixed = problem
    if problem.scale_by_noise:
        fixed = problem.conditional(each.map.sigma if isinstance(each, Comparison) else 1.0)
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
    if isinstance(column, np.integer):
        column = int(column)
    if not isinstance(column, int) or column < 0:
        msg = f"penalty: column {column!r} must be a place ≥ 0 where a prior is given without its problem"
        raise ParameterError(msg)
    for p in (column + 1, *range(column + 2, column + 200)):
        try:
            if prior.location(p).size == prior.variance(p).size == p:
                return p, column
        except (ParameterError, ValueError):
            continue
    msg = f"penalty: column {column} is none of {prior!r}"
    raise ParameterError(msg)


def _ends(found: Sequence[tuple[Prior, int, int]]) -> tuple[float, float]:
    sd = min(float(np.sqrt(prior.variance(p)[j])) for prior, p, j in found)
    locations = [float(prior.location(p)[j]) for prior, p, j in found]
    reach = REACH * sd if np.isfinite(sd) else 1.0
    return min(locations) - reach, max(locations) + reach


def _slope(prior: Prior, p: int, j: int, ends: tuple[float, float]) -> Slope:
    location = prior.location(p)
    here = float(location[j])
    grid = np.linspace(*ends, POINTS)
    if ends[0] <= here <= ends[1]:  # as a point of its own, none a rounding error beside it
        grid = np.sort(np.append(grid[np.abs(grid - here) > 0.1 * (grid[1] - grid[0])], here))
    beta = np.tile(location, (grid.size, 1))
    beta[:, j] = grid
    value = prior.penalty(beta) - float(prior.penalty(location[None])[0])
    low, high = _ends_of_subdifferential(prior, beta, j)
    gradient = np.where(low == high, low, np.nan)
    at = grid == here
    jump = (float(low[at][0]), float(high[at][0])) if at.any() else (0.0, 0.0)
    kind, label = _names(prior, j)
    return Slope(label, kind, grid, np.where(np.abs(value) < FAR, value, np.nan), gradient, here, jump)


def _ends_of_subdifferential(prior: Prior, beta: Array, j: int) -> tuple[Array, Array]:
    """Least and largest derivative (m,) of pen in column j: the elements of ∂pen nearest to −∞ and ∞."""
    found = []
    for sign in (-1.0, 1.0):
        far = np.zeros_like(beta)
        far[:, j] = sign * 10 * FAR
        end = prior.nearest_subgradient(beta, far)[:, j]
        found.append(np.where(np.abs(end) > FAR, sign * np.inf, end))
    return found[0], found[1]


def _names(prior: Prior, column: int) -> tuple[str, str]:
    """The prior of the column in short, without and with its numbers."""
    if isinstance(prior, Stacked):
        prior = next(leaf for leaf, columns in prior.leaves() if column in columns)
    return type(prior).__name__, shorten(short(prior), 2.6)


def _draw(panels: NDArray[np.object_], slope: Slope, colour: str) -> None:
    first, second = panels
    first.plot(slope.grid, slope.penalty, color=colour, linewidth=1.4, label=slope.label)
    second.plot(slope.grid, slope.gradient, color=colour, linewidth=1.4, label=slope.label)
    low, high = slope.jump
    if low < high and np.isfinite([low, high]).all():
        at = [slope.location] * 2
        second.plot(at, [low, high], color=colour, linewidth=1.0, linestyle=":", label=f"{slope.label}, at its kink")


def _bound(ax: Axes, slopes: Sequence[Slope]) -> None:
    """End the axis of the gradient where it is seen, though a cusp's has no end."""
    seen = [0.0]
    for slope in slopes:
        far = np.abs(slope.grid - slope.location) > BESIDE * (slope.grid[-1] - slope.grid[0])
        seen += [*slope.gradient[far], *slope.jump]
    values = np.array(seen)[np.isfinite(seen)]
    if np.ptp(values) > 0:
        room = 0.06 * np.ptp(values)
        ax.set_ylim(values.min() - room, values.max() + room)
