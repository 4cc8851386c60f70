"""Pictures of rows left out one by one, by arviz-plots: whether their weights are even, and predictions calibrated.

They lay out their own axes, and so take a width but no axes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.discard.loo import MOST_DRAWS
from bayesreg.discard.loo_weights import khat_limit
from bayesreg.discard.scores import FULL, PREDICTORS, PredictionLedger
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.by_arviz import finished, made, soften
from bayesreg.plots.style import BLUE, VERMILLION
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT, number

if TYPE_CHECKING:
    import xarray as xr
    from arviz_stats import ELPDData
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

MANY = 10**6
"""Draws of which the k-hat that is relied on no longer depends on how many there are."""


@picture("Comparison", "PredictionLedger")
def khat(source: Comparison | PredictionLedger, *, width: float = 7.0) -> NDArray[np.object_]:
    """Draw the Pareto k-hat of each row left out (`arviz_plots.plot_khat`), against what so many draws allow.

    Parameters
    ----------
    source : Comparison or PredictionLedger
        Leave-one-out: `Comparison.prediction`, `discard.prediction`.
    width : float, default 7
        Inches.

    Raises
    ------
    ParameterError
        If prediction was withheld, or rows were not left out one by one.
    """
    ledger = _ledger(source, "khat")
    shape = ledger.rows["khat"].to_numpy(dtype=float)
    if not np.isfinite(shape).any():
        msg = f"khat: rows were held out by {ledger.method}, without importance weights: they have no k-hat"
        raise ParameterError(msg)
    limit, small = _limit(source), {"khat": {"s": 7, "color": BLUE}}
    figure, panels = made("plot_khat", _as_elpd(_by_row(ledger), limit), 1, 1, width, per_row=2.0, visuals=small)
    soften(panels[0])
    panels[0].axhline(limit, color=VERMILLION, linewidth=1.0, linestyle="--", label="most that is relied on")
    panels[0].set_xlabel("row", size=TEXT, loc="right")
    panels[0].set_ylabel("k-hat", size=TEXT, loc="top")
    above, refitted = int((shape > limit).sum()), int(ledger.rows["refitted"].sum())
    good = "Every row's weights may be relied on"
    claim = good if not above else f"{above} of {shape.size} rows were beyond the limit"
    detail = f"k-hat ≤ {number(float(np.nanmax(shape)))}, limit {number(limit)}"
    if above:
        detail += f"; {refitted} of them refitted" if refitted else "; none refitted"
    return finished(figure, panels, (claim, f"{detail}. {ledger.method}, {shape.size} rows."))


@picture("Comparison", "PredictionLedger")
def loo_pit(source: Comparison | PredictionLedger, *, width: float = 7.0) -> NDArray[np.object_]:
    """Draw the leave-one-out PIT as Δ-ECDF (`arviz_plots.plot_ecdf_pit`), and that of the plug-in at the MAP.

    A calibrated predictive distribution has uniform PIT, and stays near zero.  The PIT is the ledger's own (randomised
    where y is discrete), so that rows that were refitted count as such.  Parameters and errors are those of `khat`.
    """
    ledger = _ledger(source, "loo_pit")
    plug = PREDICTORS[0]
    pit = {name: ledger.rows[f"pit {name}"].to_numpy(dtype=float) for name in (FULL, plug)}
    figure, panels = made("plot_ecdf_pit", _as_pit(pit[FULL]), 1, 1, width, per_row=2.0, group="pit")
    ax = panels[0]
    soften(ax)
    ax.lines[-1].set(color=BLUE, label=FULL)
    levels = np.sort(pit[plug][np.isfinite(pit[plug])])
    ax.plot(
        levels, np.arange(1, levels.size + 1) / levels.size - levels, color=VERMILLION, linewidth=1.2, label=plug,
    )  # fmt: skip
    ax.set_xlabel("PIT", size=TEXT, loc="right")
    ax.set_ylabel("Δ ECDF", size=TEXT, loc="top")
    distance = float(ledger.scores["pit_distance"].to_numpy()[list(ledger.scores.index).index(FULL)])
    # Kolmogorov's 95 % point: 1.36/√n.
    limit = 1.36 / np.sqrt(max(int(np.isfinite(pit[FULL]).sum()), 1))
    verb = "is not told from" if distance <= limit else "departs from"
    return finished(
        figure, panels,
        (f"The posterior's predictive distribution {verb} a calibrated one",
         f"Largest distance of the PIT from uniform {number(distance)} (95\u00a0% by chance: {number(limit)}). "
         f"{ledger.method}, {len(ledger.rows)} rows."),
    )  # fmt: skip


def _ledger(source: Comparison | PredictionLedger, caller: str) -> PredictionLedger:
    if isinstance(source, PredictionLedger):
        found = source
    elif source.passed:
        found = source.prediction
    else:
        msg = f"{caller}: WITHHELD: {source.withheld}"
        raise ParameterError(msg)
    if found.withheld:
        msg = f"{caller}: prediction is WITHHELD: {found.withheld}"
        raise ParameterError(msg)
    return found


def _limit(source: Comparison | PredictionLedger) -> float:
    """The k-hat that is relied on, of as many draws as there are; of a ledger alone, of many."""
    size = MANY if isinstance(source, PredictionLedger) else int(np.prod(source.posterior.beta.shape[:2]))
    return khat_limit(min(size, MOST_DRAWS))


def _by_row(ledger: PredictionLedger) -> Array:
    """The k-hats with a gap for each row of the data that was not left out: arviz-plots counts places."""
    rows = ledger.rows.index.to_numpy()
    shape = np.full(int(rows.max()) + 1, np.nan)
    shape[rows] = ledger.rows["khat"]
    return shape


def _as_elpd(shape: Array, limit: float) -> ELPDData:
    """The k-hats as arviz-plots takes them; the sums that it does not draw are not given."""
    import xarray as xr
    from arviz_stats import ELPDData

    rows = xr.DataArray(shape, dims="row", coords={"row": np.arange(shape.size)}, name="pareto_k")
    nothing = float("nan")
    return ELPDData(
        elpd=nothing, se=nothing, p=nothing, n_samples=0, n_data_points=shape.size, scale="log", warning=False,
        good_k=limit, pareto_k=rows,
    )  # fmt: skip


def _as_pit(pit: Array) -> xr.DataTree:
    """PIT values as arviz-plots takes them: a sample of a single chain."""
    import xarray as xr

    good = pit[np.isfinite(pit)]
    coords = {"chain": [0], "draw": np.arange(good.size)}
    return xr.DataTree.from_dict({"pit": xr.Dataset({"y": (("chain", "draw"), good[None])}, coords=coords)})
