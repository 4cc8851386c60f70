"""The choices of the prior's scale, and the curve of the rule that was followed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.plots.scale_axis import (
    STRENGTH_HEIGHT,
    Power,
    chosen_rule,
    plain,
    prepare,
    scale_label,
    sparse_ticks,
    strength_axis,
)
from bayesreg.plots.style import (
    BLUE,
    GREY,
    VERMILLION,
    WITHHELD,
    caption,
    figure_of,
    heading,
    inches_wide,
    ink,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import (
    TEXT,
    inches_of,
    number,
    shorten_all,
    wrap,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.strength import ScaleChoice

ROW, CURVE = 0.22, 1.5
"""Heights in inches of a rule's row and of the curve below."""

HEIGHTS = {
    "cv": "held-out nll\nper row (nats)",
    "evidence": "log p(y | scale)\n− maximum (nats)",
    "hierarchical": "posterior density\nof log scale",
}
"""What the curve of each rule is."""

BANDS = {"cv": "±1 standard error", "evidence": "±1 Monte Carlo error", "hierarchical": "±1 Monte Carlo error"}
"""What the band about the curve of each rule is."""

DEEPEST = 12.0
"""Nats below its maximum down to which a log evidence is shown: a scale e¹² times less likely needs no more detail."""


@picture("ScaleChoice")
def choices(
    choice: ScaleChoice, *, rules: pd.DataFrame | None = None, width: float = 7.0, ax: Axes | None = None
) -> Axes:
    """Draw the scale that each rule chooses, with the range that it cannot tell from its choice.

    Below stands the curve that the rule which was followed chose from, with its uncertainty: ±1 standard error of the
    held-out loss, ±1 Monte Carlo error of the log evidence, or the posterior density of the scale.

    Parameters
    ----------
    choice : ScaleChoice
    rules : pandas.DataFrame, optional
        What the rules choose.  By default `choice.alternatives`, which is computed now if it was not before.
    width : float, default 7
        Width in inches of the figure that is made where `ax` is not given.
    ax : matplotlib Axes, optional
        Where to draw the rules; the curve is then left out.

    Returns
    -------
    matplotlib.axes.Axes
        That with a row for each rule; the curve is the other axes of its figure.
    """
    rules = choice.alternatives if rules is None else rules
    if ax is not None:
        _rows(ax, choice, rules, inches_wide(ax), figure_of(ax).get_figwidth())
        ax.set_xlabel(_label(choice), size=TEXT)
        lift = 0.0 if _power(choice, rules) is None else STRENGTH_HEIGHT
        heading(ax, *_claim(choice, rules), lift=lift)
        return ax
    import matplotlib.pyplot as plt

    count = max(1, len(rules))
    heights = [ROW * count + 0.25, CURVE]
    figure = plt.figure(figsize=(width, sum(heights) + 0.9), layout="constrained")
    axes = figure.subplots(2, 1, height_ratios=heights)
    for panel in axes:  # what room the labels at the left will leave
        panel.set_anchor("W")
    inches = width - 1.6
    _rows(axes[0], choice, rules, inches, width)
    axes[0].tick_params(labelbottom=False)
    _curve(axes[1], choice, inches, axes[0].get_xlim())
    head, detail = _claim(choice, rules)
    band = f" Band: {BANDS[choice.by]}." if choice.by in BANDS and choice.curve["error"].gt(0).any() else ""
    caption(figure, head, detail + band)
    rows: Axes = axes[0]
    return rows


def _label(choice: ScaleChoice) -> str:
    return scale_label(choice.family, by_noise=choice.problem.scale_by_noise)


def _power(choice: ScaleChoice, rules: pd.DataFrame) -> Power | None:
    return Power.of(choice.problem, choice.family, *_limits(choice, rules))


def _known(values: Any) -> Array:
    found = np.asarray(values, dtype=float)
    return found[np.isfinite(found) & (found > 0)]


def _limits(choice: ScaleChoice, rules: pd.DataFrame) -> tuple[float, float]:
    """All choices and their ranges, and the curve where it is worth seeing, with a margin."""
    inside = _known(np.concatenate([rules[end].to_numpy(dtype=float) for end in ("scale", "lower", "upper")]))
    shown = _known(choice.curve["scale"].to_numpy(dtype=float)[_worth(choice)])
    both = np.concatenate([inside, shown, _known([choice.scale])])
    low, high = (float(both.min()), float(both.max())) if both.size else (1.0, 1.0)
    margin = max((high / low) ** 0.04, 1.05)
    return low / margin, high * margin


def _worth(choice: ScaleChoice) -> Any:
    """Where the curve is not far below its maximum, if it is a log evidence."""
    value = choice.curve["value"].to_numpy(dtype=float)
    return np.isfinite(value) & ((value >= -DEEPEST) if choice.by == "evidence" else True)


def _rows(ax: Axes, choice: ScaleChoice, table: pd.DataFrame, inches: float, width: float) -> None:
    """One row a rule: its choice and its range; that which was followed stands out."""
    chosen = chosen_rule(choice, table)
    prepare(ax, *_limits(choice, table))
    sparse_ticks(ax, inches)
    places = np.arange(len(table), dtype=float)
    for place, (rule, row) in zip(places, table.iterrows(), strict=True):
        colour = VERMILLION if str(rule) == chosen else BLUE
        if np.isfinite([row["lower"], row["upper"]]).all():
            ax.hlines(place, row["lower"], row["upper"], color=colour, linewidth=1.6)
        if np.isfinite(row["scale"]):
            ax.plot(row["scale"], place, "o", color=colour, markersize=5, zorder=3)
    names = [f"{rule} (chosen)" if str(rule) == chosen else str(rule) for rule in table.index]
    ax.set_yticks(places, shorten_all(names, 0.36 * width), parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.spines["left"].set_visible(False)
    scales = [plain(float(f"{s:.3g}")) if np.isfinite(s) else "none" for s in table["scale"]]
    wide = 72 * max(map(inches_of, [*scales, choice.family.name])) + 10
    for place, said in zip(places, scales, strict=True):
        ax.annotate(
            said, (1, place), xytext=(wide, 0), xycoords=("axes fraction", "data"), ha="right", va="center",
            textcoords="offset points", size=TEXT, annotation_clip=False,
        )  # fmt: skip
    ax.annotate(
        choice.family.name,
        (1, 1),
        xytext=(wide, 7),
        xycoords="axes fraction",
        ha="right",
        textcoords="offset points",
        size=TEXT,
        annotation_clip=False,
    )
    strength_axis(ax, _power(choice, table), inches)


def _curve(ax: Axes, choice: ScaleChoice, inches: float, limits: tuple[float, float]) -> None:
    """What the rule chose from, and how sure it is of it."""
    prepare(ax, *limits)
    sparse_ticks(ax, inches)
    curve = choice.curve
    scale, value, error = (curve[name].to_numpy(dtype=float) for name in ("scale", "value", "error"))
    known = np.isfinite(value)
    ax.plot(scale[known], value[known], color=VERMILLION, linewidth=1.4)
    sure = known & np.isfinite(error)
    ax.fill_between(scale[sure], (value - error)[sure], (value + error)[sure], color=VERMILLION, alpha=0.2, linewidth=0)
    if np.isfinite([choice.lower, choice.upper]).all():
        ax.axvspan(choice.lower, choice.upper, color=GREY, alpha=0.12, linewidth=0, zorder=0)
    ax.axvline(choice.scale, color=ink(), linewidth=0.9, zorder=1)
    if choice.by == "evidence" and known.any() and value[known].min() < -DEEPEST:
        ax.set_ylim(-DEEPEST, max(0.05 * DEEPEST, float((value + np.nan_to_num(error))[known].max())))
    ax.set_xlabel(_label(choice), size=TEXT)
    ax.set_ylabel(wrap(HEIGHTS.get(choice.by, choice.by), CURVE), size=TEXT)


def _claim(choice: ScaleChoice, rules: pd.DataFrame) -> tuple[str, str]:
    """How far apart the rules are, and what was chosen."""
    found = rules["scale"].to_numpy(dtype=float)
    found = found[np.isfinite(found)]
    if not np.isfinite(choice.scale):
        return WITHHELD, choice.sentence
    chosen, rule = f"{choice.family.name} {number(choice.scale)}", chosen_rule(choice, rules)
    if found.size < 2:
        head = f"{rule[:1].upper()}{rule[1:]} chooses {chosen}"
    else:
        apart = found.max() / found.min()
        head = f"{found.size} rules choose scales up to {number(apart)} times apart; {rule} chooses {chosen}"
    sentence = f"{choice.sentence[:1].upper()}{choice.sentence[1:]}"
    return head, f"{sentence}. Lines: what a rule cannot tell from its choice."
