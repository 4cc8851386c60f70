"""What the pictures share: colours, sizes, captions, units, and the density curves that they draw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.interfaces import Array, Prior
from bayesreg.plots.words import TEXT, TITLE, inches_of, wrap
from bayesreg.problem import Problem

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from bayesreg.comparison import Comparison

# Okabe & Ito (2008): told apart by colour-blind readers, and in grey.
BLUE, VERMILLION, ORANGE, GREY = "#0072B2", "#D55E00", "#E69F00", "#767676"

LINES = (VERMILLION, BLUE, "#009E73", "#CC79A7", ORANGE, "#8C6D00", "#56B4E9")
"""Colours of lines in one axes, from the same palette."""

WITHHELD = "No conclusion: a check failed"

SAME_POINT = 1e-6
"""Largest distance, in posterior sds, at which two optima are called one point."""


def ink() -> str:
    """The colour of text: what is black on white is white on black, should the reader have chosen a dark style."""
    from matplotlib import rcParams

    return str(rcParams["text.color"])


def effect_unit(problem: Problem) -> str:
    """What a coefficient changes: y itself under an identity link, else the linear predictor by its usual name."""
    units = {"identity": "units of y", "logit": "log-odds", "log": "log mean of y"}
    return units.get(problem.likelihood.link, "units of the linear predictor")


def axis_label(problem: Problem, *, raw: bool) -> str:
    """Name the scale of the coefficients."""
    unit = effect_unit(problem)
    if raw or not problem.design.standardized:
        return f"coefficient in data units ({unit} per unit)"
    return f"standardised coefficient ({unit} per sd)"


def coefficient_label(comparison: Comparison, inches: float, *, raw: bool) -> str:
    """Name the scale of the coefficients of a comparison, in lines that fit.

    Those of an audited pipeline are of the columns that its steps make, which are not the data's own.
    """
    audited = comparison.audited
    if audited is None or not audited.steps:
        return axis_label(comparison.problem, raw=raw)
    made = f"coefficient of the columns that {' → '.join(audited.steps)} makes"
    return wrap(f"{made} ({effect_unit(comparison.problem)} per\u00a0unit)", inches)


def figure_of(ax: Axes) -> Figure:
    """Return the figure, whatever subfigure the axes sit in."""
    figure = ax.get_figure(root=True)
    if figure is None:
        msg = "the axes have been removed from their figure"
        raise ValueError(msg)
    return figure


def inches_wide(ax: Axes) -> float:
    """Width of the axes as they are laid out now."""
    return float(ax.get_window_extent().width / figure_of(ax).dpi)


def inches_high(ax: Axes) -> float:
    """Height of the axes as they are laid out now."""
    return float(ax.get_window_extent().height / figure_of(ax).dpi)


def tidy(ax: Axes) -> None:
    """Take away what says nothing: the frame, and ticks where there are labels."""
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.spines["bottom"].set_color(GREY)
    ax.tick_params(axis="both", labelsize=TEXT, color=GREY)
    ax.tick_params(axis="y", length=0)


def blank(ax: Axes) -> None:
    """Leave nothing but the heading, where no number may be shown."""
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[:].set_visible(False)


def panel_title(ax: Axes, text: str) -> None:
    """Write one line above the axes, where `heading` with a lift of `PANEL_LIFT` leaves it room."""
    ax.annotate(
        text, (0, 1), xytext=(0, 3), xycoords="axes fraction", textcoords="offset points", size=TEXT, parse_math=False
    )


PANEL_LIFT = 1.6 * TEXT
"""Points that the line of `panel_title` takes."""


def legend_below(ax: Axes, *others: Axes, owned: bool) -> None:
    """Explain the marks of all these axes, each once, below the first in even columns; our own figure grows for it."""
    found: dict[str, Any] = {}
    for one in (ax, *others):
        for handle, label in zip(*one.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    labels, handles = list(found), list(found.values())
    if not labels:
        return
    figure = figure_of(ax)
    room = (figure.get_figwidth() if owned else inches_wide(ax)) - 0.1
    widest = max(inches_of(label) for label in labels) + 0.45
    rows = -(-len(labels) // max(1, int(room / widest)))
    style: dict[str, Any] = {
        "ncols": -(-len(labels) // rows),
        "frameon": False,
        "fontsize": TEXT,
        "columnspacing": 1.2,
        "handlelength": 1.6,
    }
    if owned:
        figure.set_figheight(figure.get_figheight() + 0.175 * rows + 0.1)
        legend = figure.legend(handles, labels, loc="outside lower left", **style)
    else:
        place = {"bbox_to_anchor": (0, 0), "bbox_transform": _below(ax), "borderpad": 0}
        legend = ax.legend(handles, labels, loc="upper left", **place, **style)
    for text in legend.get_texts():  # names of columns may hold a $
        text.set_parse_math(False)


def _below(ax: Axes) -> Any:
    """Coordinates of the axes, moved down by the room that its ticks and its label take."""
    from matplotlib.transforms import ScaledTranslation

    return ax.transAxes + ScaledTranslation(0, -0.4, figure_of(ax).dpi_scale_trans)


def caption(figure: Figure, claim: str, detail: str) -> None:
    """Head a figure of ours, flush left: the claim in bold, what supports it below.  The figure grows to hold it."""
    from matplotlib.transforms import ScaledTranslation

    inches = figure.get_figwidth() - 0.12
    head, tail = wrap(claim, inches, TITLE, bold=True), wrap(detail, inches)
    drop = 0.06
    style: dict[str, Any] = {"ha": "left", "va": "top", "parse_math": False}
    for text, size, weight in ((head, TITLE, "bold"), (tail, TEXT, "normal")):
        place = figure.transFigure + ScaledTranslation(0.06, -drop, figure.dpi_scale_trans)
        figure.text(0, 1, text, transform=place, size=size, weight=weight, **style)
        drop += 1.32 * size * (text.count("\n") + 1) / 72
    height = figure.get_figheight() + drop
    figure.set_figheight(height)
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.set(rect=(0, 0, 1, 1 - drop / height))  # type: ignore[call-arg]


def heading(
    ax: Axes, claim: str, detail: str, *, size: float = TITLE, inches: float | None = None, lift: float = 0.0
) -> None:
    """Head one axes, as wide as it is now or will be: the claim in bold, what supports it below.

    `lift` is how many points above the axes it starts, over what stands on top of them.
    """
    inches = inches_wide(ax) if inches is None else inches
    below = wrap(detail, inches)
    above = lift + 4 + 1.3 * TEXT * (below.count("\n") + 1)
    ax.set_title(below, loc="left", y=1.0, size=TEXT, pad=lift + 4, parse_math=False)
    ax.annotate(
        wrap(claim, inches, size, bold=True),
        (0, 1),
        xytext=(0, above),
        xycoords="axes fraction",
        textcoords="offset points",
        size=size,
        weight="bold",
        parse_math=False,
    )


def draw_density(draws: Array, points: int = 400) -> tuple[Array, Array]:
    """Return a smooth curve (grid, density) through draws: binned, then blurred by the normal-reference bandwidth."""
    from scipy.ndimage import gaussian_filter1d

    low, high = np.quantile(draws, [0.001, 0.999])
    spread = min(float(draws.std()), float(np.subtract(*np.quantile(draws, [0.75, 0.25]))) / 1.349)
    bandwidth = 1.06 * (spread or float(draws.std()) or 1.0) * draws.size**-0.2
    edges = np.linspace(low - 3 * bandwidth, high + 3 * bandwidth, points + 1)
    heights, _ = np.histogram(draws, edges, density=True)
    step = float(edges[1] - edges[0])
    return (edges[1:] + edges[:-1]) / 2, gaussian_filter1d(heights, bandwidth / step, mode="constant")


PRIOR_DRAWS = 20_000
"""Draws that a prior's marginal density is estimated from where it has no formula in one coefficient."""


def prior_curve(problem: Problem, column: int, grid: Array) -> Array | None:
    """Density of the prior of one coefficient on `grid`; None where it is improper or its scale is unknown."""
    prior = problem.prior
    if prior.hyperprior is not None or problem.scale_by_noise or not isinstance(prior, Prior):
        return None
    sd = float(np.sqrt(prior.variance(problem.p)[column]))
    if not np.isfinite(sd):
        return None
    location = prior.location(problem.p)

    blocks = prior.blocks(problem.p)
    if (blocks == blocks[column]).sum() > 1:  # not independent of the others: a marginal is no slice
        from scipy.stats import gaussian_kde

        draws = prior.draw(np.random.default_rng(0), PRIOR_DRAWS, problem.p)[:, column]
        return np.asarray(gaussian_kde(draws)(grid))

    def relative(x: Array) -> Array:
        beta = np.tile(location, (x.size, 1))
        beta[:, column] = x
        return np.exp(prior.log_density(beta) - prior.log_density(location))

    wide = location[column] + sd * np.linspace(-30, 30, 6001)
    return relative(grid) / float(np.trapezoid(relative(wide), wide))


def withheld(comparison: Comparison) -> tuple[str, str]:
    """Return the caption of a picture whose checks failed."""
    return WITHHELD, comparison.withheld
