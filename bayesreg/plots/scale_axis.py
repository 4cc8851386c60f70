"""What pictures along the prior's scale share: the logarithmic axis, λ on top of it, choices on it, gaps in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.interfaces import Array
from bayesreg.plots.style import GREY, ink
from bayesreg.plots.words import TEXT

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from bayesreg.problem import Problem
    from bayesreg.scale_family import ScaleFamily
    from bayesreg.strength import ScaleChoice

STYLES: tuple[Any, ...] = ("--", ":", "-.", (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
"""Dashes of the rules that were not chosen."""

TICK = 0.42
"""Inches that a number on the axis takes."""

SAME_RULE = 1e-9
"""Relative difference up to which two scales are one choice."""

STRENGTH_HEIGHT = 16.0
"""Points that the axis of λ takes above the axes."""

POWER_LAW = 1e-6
"""Largest relative distance of λ from a power of the scale at which it still gets an axis."""


def scale_label(family: ScaleFamily, *, by_noise: bool) -> str:
    """Name the horizontal axis."""
    what = "factor on the prior's scales" if family.factor else "prior scale"
    return f"{what}{', in units of σ' if by_noise else ''} (→ weaker prior)"


def prepare(ax: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic, from `low` to `high`, and take away what says nothing."""
    ax.set_xscale("log")
    if low == high:
        low, high = low / 2, high * 2
    ax.set_xlim(low, high)
    ax.spines[["top", "right"]].set_visible(False)
    ax.spines[["left", "bottom"]].set_color(GREY)
    ax.tick_params(axis="both", which="both", labelsize=TEXT, color=GREY)


def sparse_ticks(ax: Axes, inches: float) -> None:
    """Write as many numbers on the logarithmic axis as there is room for: powers of ten, and 2 and 5 between them.

    A short axis may hold none of these, or one: it gets others, as far apart.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    low, high = sorted(ax.get_xlim())
    decades = max(float(np.log10(high / low)), 1e-3)
    room = inches / TICK
    digits = (1.0, 2.0, 5.0) if 3 * decades <= room else (1.0, 3.0) if 2 * decades <= room else (1.0,)
    tens = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
    inside = [tick for tick in np.outer(tens, digits).ravel() if low <= tick <= high]
    few = FixedLocator(_short_ticks(low, high, room))
    ax.xaxis.set_major_locator(few if len(inside) < 2 else LogLocator(base=10, subs=digits, numticks=max(2, int(room))))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: plain(value)))
    ax.xaxis.set_minor_formatter(NullFormatter())


def _short_ticks(low: float, high: float, room: float) -> list[float]:
    """Round numbers on a logarithmic axis that is shorter than a decade, with room for each from the next."""
    from matplotlib.ticker import MaxNLocator

    apart = float(np.log(high / low)) / max(room, 1.0)
    kept: list[float] = []
    for tick in MaxNLocator(nbins=9, steps=[1, 2, 5, 10]).tick_values(low, high):
        if low <= tick <= high and (not kept or np.log(tick / kept[-1]) >= apart):
            kept.append(float(tick))
    return kept


def plain(value: float) -> str:
    """Two or three digits without an exponent, where that is short."""
    return f"{value:.6g}" if 1e-4 < abs(value) < 1e5 else f"{value:.0e}".replace("e-0", "e−").replace("e+0", "e")


@final
@dataclass(frozen=True, slots=True)
class Power:
    """λ = factor·scale^exponent."""

    factor: float
    exponent: float

    @classmethod
    def through(cls, scales: Array, strengths: Array) -> Power | None:
        """Return the power law through λ at several scales; None where λ is not one number, or not a power."""
        scales, strengths = np.asarray(scales, dtype=float), np.asarray(strengths, dtype=float)
        known = np.isfinite(strengths) & (strengths > 0) & np.isfinite(scales)
        x, y = np.log(scales[known]), np.log(strengths[known])
        if x.size < 2 or np.ptp(x) == 0:
            return None
        i, j = int(np.argmin(x)), int(np.argmax(x))
        exponent = float((y[j] - y[i]) / (x[j] - x[i]))
        if not exponent or np.abs(y - y[i] - exponent * (x - x[i])).max() > POWER_LAW:
            return None
        return cls(float(np.exp(y[i] - exponent * x[i])), exponent)

    @classmethod
    def of(cls, problem: Problem, family: ScaleFamily, low: float, high: float) -> Power | None:
        """Return it for a family of priors, looked up at `low`, `high` and between."""
        from bayesreg.strength.choice import common_rate

        scales = np.geomspace(low, high, 3)
        return cls.through(scales, np.array([common_rate(problem, family, float(s)) for s in scales]))

    def strength(self, scale: Any) -> Any:
        """λ at a scale."""
        with np.errstate(divide="ignore"):
            return self.factor * np.asarray(scale, dtype=float) ** self.exponent

    def scale(self, strength: Any) -> Any:
        """The scale at which λ is this."""
        with np.errstate(divide="ignore"):  # Matplotlib also asks for the place of 0
            return (np.asarray(strength, dtype=float) / self.factor) ** (1 / self.exponent)


def strength_axis(ax: Axes, power: Power | None, inches: float) -> None:
    """Write λ along the top, if it is one number."""
    if power is None:
        return
    top: Any = ax.secondary_xaxis("top", functions=(power.strength, power.scale))
    top.spines["top"].set_color(GREY)
    top.tick_params(axis="x", which="both", labelsize=TEXT, color=GREY)
    ax.annotate(
        "λ", (0, 1), xytext=(-16, 7), xycoords="axes fraction", ha="right", textcoords="offset points", size=TEXT
    )
    top.set_xlim(*power.strength(ax.get_xlim()))
    sparse_ticks(top, inches)


def runs(mask: NDArray[np.bool_]) -> list[slice]:
    """Stretches of neighbouring True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(int)))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def hatch_withheld(ax: Axes, scales: Array, good: NDArray[np.bool_], label: str | None) -> None:
    """Hatch where nothing is drawn because a gate failed, up to the next points that passed."""
    for run in runs(~good):
        low, high = scales[max(run.start - 1, 0)], scales[min(run.stop, scales.size - 1)]
        ax.axvspan(low, high, facecolor="none", edgecolor=GREY, hatch="////", linewidth=0, alpha=0.45, label=label)
        label = None


def chosen_rule(choice: ScaleChoice, rules: pd.DataFrame | None) -> str:
    """Name of the rule that was followed, as the table of rules has it."""
    if rules is None or not len(rules):
        return choice.by
    gap = np.abs(np.log(rules["scale"].to_numpy(dtype=float) / choice.scale))
    order = [k for k in np.argsort(gap, kind="stable") if gap[k] <= SAME_RULE]
    named = [k for k in order if str(rules.index[k]).startswith(choice.by)]
    return str(rules.index[(named or order)[0]]) if order else choice.by


def mark_choices(ax: Axes, choice: ScaleChoice, rules: pd.DataFrame | None, *, label: bool) -> None:
    """Draw a vertical line at the scale of each rule: solid where it was followed."""
    low, high = ax.get_xlim()
    chosen = chosen_rule(choice, rules)
    others = [] if rules is None else [(str(rule), float(s)) for rule, s in rules["scale"].items() if rule != chosen]
    marks = [(chosen, choice.scale, "-", 1.1)]
    marks += [(rule, s, STYLES[k % len(STYLES)], 0.9) for k, (rule, s) in enumerate(others)]
    for rule, s, dashes, thickness in marks:
        if low <= s <= high:
            said = (f"{rule} (chosen)" if dashes == "-" else rule) if label else None
            ax.axvline(s, color=ink(), linestyle=dashes, linewidth=thickness, zorder=1, label=said)
