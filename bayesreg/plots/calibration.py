"""Whether predictions hold what they promise, on rows that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.discard.scores import FULL, INTERVALS, PREDICTORS, PredictionLedger
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    GREY,
    ORANGE,
    PANEL_LIFT,
    VERMILLION,
    WITHHELD,
    blank,
    caption,
    figure_of,
    heading,
    inches_wide,
    ink,
    legend_below,
    panel_title,
    tidy,
    withheld,
)
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, inches_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

STYLES = dict(zip(PREDICTORS, ((VERMILLION, "D"), (ORANGE, "s"), (BLUE, "o")), strict=True))
"""Predictor -> colour and marker."""

MOST_BINS, ROWS_A_BIN = 10, 20
"""Bins of the PIT histogram: at most so many, and so many rows in each."""

SURE, ENOUGH = 0.3, 40
"""Standard error of the slope up to which it is called calibrated, and rows from which a promise is called held: of
fewer, next to any number of rows inside would be no surprise."""

LEVEL = 0.95


@picture("Comparison", "PredictionLedger")
def calibration(
    comparison: Comparison | PredictionLedger,
    *,
    width: float = 7.0,
    axes: Sequence[Axes] | NDArray[np.object_] | None = None,
) -> NDArray[np.object_]:
    """Draw promised against observed on rows left out: coverage of intervals (of classes, frequencies), and the PIT.

    Left: for each predictor the share of rows inside its central 50, 80 and 95 % interval, ± one binomial standard
    error; of a binary response the observed frequency in bins of the predicted probability.  Right: the posterior's
    probability integral transforms F(y), uniform if it is calibrated (randomised where y is discrete), with the band
    that each bar alone would stay in with probability 0.95.

    Parameters
    ----------
    comparison : Comparison or PredictionLedger
        The ledger of `Comparison.prediction`, or of `discard.kfold`.
    width : float, default 7
        Width in inches of the figure that is made where `axes` is not given.
    axes : two matplotlib Axes, optional
        Where to draw.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        The two.

    Raises
    ------
    ParameterError
        If `axes` are not two.
    """
    given = None if axes is None else np.ravel(np.asarray(axes, dtype=object))
    if given is not None and given.size != 2:
        msg = f"calibration: axes must be two (got {given.size})"
        raise ParameterError(msg)
    ledger, why = _ledger(comparison)
    panels = _panels(width, 0.1 if why else 0.3 + 0.45 * width) if given is None else given
    if not why:
        assert ledger is not None
        _promised(panels[0], ledger)
        _transforms(panels[1], ledger, inches=width / 2 - 0.5 if given is None else inches_wide(panels[1]))
    for ax in panels:
        (blank if why else tidy)(ax)
    claim, detail = why or _claim(ledger)
    legend_below(panels[0], *panels[1:] if given is None else (), owned=given is None)
    if given is None:
        caption(figure_of(panels[0]), claim, detail)
    else:
        legend_below(panels[1], owned=False)
        heading(panels[0], claim, detail, lift=PANEL_LIFT)
    return panels


def _ledger(comparison: Comparison | PredictionLedger) -> tuple[PredictionLedger | None, tuple[str, str] | None]:
    """The ledger, or the caption that says why there is none."""
    if not isinstance(comparison, PredictionLedger):
        if not comparison.passed:
            return None, withheld(comparison)
        comparison = comparison.prediction
    return comparison, (WITHHELD, comparison.withheld) if comparison.withheld else None


def _panels(width: float, high: float) -> NDArray[np.object_]:
    import matplotlib.pyplot as plt

    figure = plt.figure(figsize=(width, high), layout="constrained")
    return np.ravel(np.asarray(figure.subplots(1, 2), dtype=object))


def _promised(ax: Axes, ledger: PredictionLedger) -> None:
    ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, zorder=0)
    panel_title(ax, "observed % ± se")
    ticks = np.linspace(0, 1, 5)
    ax.set_xticks(ticks, [f"{100 * t:.0f}" for t in ticks])
    ax.set_yticks(ticks, [f"{100 * t:.0f}" for t in ticks])
    if ledger.calibration is not None:
        _frequencies(ax, ledger)
        ax.set_xlabel("predicted %", size=TEXT, loc="right")
        return
    ax.set_xlabel("promised %", size=TEXT, loc="right")
    for k, name in enumerate(name for name in PREDICTORS if name in ledger.intervals.index.get_level_values(0)):
        found = ledger.intervals.loc[name]
        colour, marker = STYLES[name]
        at = np.array(INTERVALS) + 0.022 * (k - 1)  # beside each other, so that all are seen
        ax.errorbar(
            at, found["coverage"].loc[list(INTERVALS)], found["coverage_se"].loc[list(INTERVALS)], color=colour,
            marker=marker, markersize=3.6, linewidth=1.0, linestyle="none", label=name,
        )  # fmt: skip
    lowest = float((ledger.intervals["coverage"] - ledger.intervals["coverage_se"]).min())
    ax.set_xlim(0.3, 1.02)
    ax.set_ylim(min(0.3, max(lowest, 0.0) - 0.03), 1.03)


def _frequencies(ax: Axes, ledger: PredictionLedger) -> None:
    assert ledger.calibration is not None
    for name, rows in ledger.calibration.groupby("predictor", sort=False):
        colour, marker = STYLES[str(name)]
        ax.errorbar(
            rows["predicted"], rows["observed"], rows["se"], color=colour, marker=marker, markersize=3.2,
            linewidth=0.9, elinewidth=0.8, label=str(name),
        )  # fmt: skip
    ax.set_xlim(-0.03, 1.03)
    ax.set_ylim(-0.05, 1.05)


def _transforms(ax: Axes, ledger: PredictionLedger, inches: float) -> None:
    from scipy.stats import binom

    pit = _pit(ledger)
    bins = int(np.clip(pit.size // ROWS_A_BIN, 2, MOST_BINS))
    counts, edges = np.histogram(pit, np.linspace(0, 1, bins + 1))
    tail = (1 - LEVEL) / 2
    low, high = (binom.ppf(q, pit.size, 1 / bins) / pit.size * bins for q in (tail, 1 - tail))
    density = counts / pit.size * bins
    ax.axhspan(low, high, color=ink(), alpha=0.14, linewidth=0, zorder=0, label="if calibrated (95\u00a0% a bar)")
    ax.axhline(1.0, color=GREY, linewidth=0.8, zorder=0)
    ax.stairs(density, edges, fill=True, color=BLUE, alpha=0.25, zorder=1)
    ax.stairs(density, edges, color=BLUE, linewidth=1.3, zorder=2, label="PIT, full posterior")
    wide, short = "PIT density, full posterior", "PIT density"
    panel_title(ax, wide if inches_of(wide) <= inches else short)
    ax.set_xlabel("PIT, randomised" if ledger.calibration is not None else "PIT", size=TEXT, loc="right")
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1.08 * max(float(density.max()), high))


def _pit(ledger: PredictionLedger) -> Array:
    pit = ledger.rows[f"pit {FULL}"].to_numpy(dtype=float)
    return pit[np.isfinite(pit)]


def _claim(ledger: PredictionLedger | None) -> tuple[str, str]:
    assert ledger is not None
    rows = len(_pit(ledger))
    if ledger.calibration is not None:
        slope, error = (_value(ledger.scores, FULL, f"calibration_slope{end}") for end in ("", "_se"))
        if not np.isfinite(slope):
            return "The classes are apart: calibration has no slope", f"{ledger.method}, {rows} rows."
        sound = "calibrated" if error <= SURE else "not told from calibrated ones"
        said = sound if abs(slope - 1) <= 2 * error else "too sure" if slope < 1 else "too unsure"
        claim = f"The posterior's probabilities are {said}: slope {slope:.2f}"
        return claim, f"± {error:.2g}, 1 if calibrated; {ledger.method}, {rows} rows."
    widest = INTERVALS[-1]
    coverage, error = (_value(ledger.intervals, (FULL, widest), name) for name in ("coverage", "coverage_se"))
    near = abs(coverage - widest) <= 2 * max(error, float(np.sqrt(widest * (1 - widest) / max(rows, 1))))
    verb = "misses" if not near else "holds" if rows >= ENOUGH else "is not told from"
    claim = f"The posterior's 95\u00a0% interval {verb} its promise: it has {100 * coverage:.1f}\u00a0% of the rows"
    plugged = 100 * _value(ledger.intervals, (PREDICTORS[0], widest), "coverage")
    return claim, f"{ledger.method}, {rows} rows; the plug-in at the MAP's has {plugged:.1f}\u00a0%."


def _value(table: pd.DataFrame, row: Any, column: str) -> float:
    found: Any = table[column].loc[row]
    return float(found)
