"""Pictures of the draws and of leave-one-out, by arviz-plots, with the MAP marked where their axes have a place for it.

They lay out their own axes, and so take a width but no axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.discard.loo import MOST_DRAWS
from bayesreg.discard.loo_weights import khat_limit
from bayesreg.discard.scores import FULL, PREDICTORS
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.style import (
    BLUE,
    GREY,
    TEXT,
    VERMILLION,
    WITHHELD,
    caption,
    legend_below,
    number,
    shorten,
)
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import xarray as xr
    from arviz_stats import ELPDData
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison
    from bayesreg.discard import PredictionLedger

CHAINS = 8
"""Chains drawn as lines, evenly chosen where there are more: more lines hide each other."""

MANY = 10**6
"""Draws of which the k-hat that is relied on no longer depends on how many there are."""

ROW, TITLE_ROOM = 1.35, 0.35
"""Inches of a row of panels, and above all."""


def trace(
    source: Comparison | Posterior, *, names: Sequence[str] | None = None, most: int = 4, width: float = 7.0
) -> NDArray[np.object_]:
    """Draw the draws of each chain in their order (`arviz_plots.plot_trace`), with a line at the MAP.

    Parameters
    ----------
    source : Comparison or Posterior
        Of a posterior alone no MAP is marked.
    names : sequence of str, optional
        Coefficients, on the scale that the prior sees; by default those that mix worst.
    most : int, default 4
        How many where `names` does not say.
    width : float, default 7
        Inches.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        A panel a coefficient.  At most 8 chains are drawn.

    Raises
    ------
    ParameterError
        If `names` holds one that is not a column, there is none, or `most` is not positive.
    """
    posterior, chosen = _read(source, "trace", names, most)
    drawn = _few_chains(posterior)
    figure, panels = _made("plot_trace", _tree(posterior, chosen, drawn), len(chosen), 1, width)
    for ax, name in zip(panels, chosen, strict=True):
        _soften(ax, name)
        point = _point(source, name, "map")
        if point is not None:
            ax.axhline(point, color=VERMILLION, linewidth=1.3, label="MAP", zorder=5)
        ax.set_xlabel("draw" if ax is panels[-1] else "", size=TEXT, loc="right")
    return _finished(figure, panels, _sampled(source, posterior, drawn))


def rank(
    source: Comparison | Posterior, *, names: Sequence[str] | None = None, most: int = 4, width: float = 7.0
) -> NDArray[np.object_]:
    """Draw how evenly the chains' ranks are spread (`arviz_plots.plot_rank`): Δ-ECDF of fractional ranks, by chain.

    Chains that agree stay near zero; points that ArviZ marks are beyond what chance allows.  A line stands at the MAP's
    own fractional rank among all draws.  Parameters, result and errors are those of `trace`.
    """
    posterior, chosen = _read(source, "rank", names, most)
    drawn = _few_chains(posterior)
    figure, panels = _made("plot_rank", _tree(posterior, chosen, drawn), len(chosen), 2, width)
    for ax, name in zip(panels, chosen, strict=True):
        _soften(ax, name)
        _mark_quantile(ax, source, name)
        ax.set_xlabel("fractional rank", size=TEXT, loc="right")
    return _finished(figure, panels, _sampled(source, posterior, drawn))


def ess(
    source: Comparison | Posterior, *, names: Sequence[str] | None = None, most: int = 4, width: float = 7.0
) -> NDArray[np.object_]:
    """Draw the effective sample size along each marginal (`arviz_plots.plot_ess`, local), against the least wanted.

    A line stands at the MAP's own quantile: there the draws must be enough for what is said of it.  Parameters, result
    and errors are those of `trace`; all chains are used.
    """
    posterior, chosen = _read(source, "ess", names, most)
    every = np.arange(posterior.beta.shape[0])
    if posterior.beta.shape[1] < 4:
        msg = f"ess: needs 4 draws a chain (got {posterior.beta.shape[1]}); sample longer chains"
        raise ParameterError(msg)
    figure, panels = _made("plot_ess", _tree(posterior, chosen, every), len(chosen), 2, width)
    for ax, name in zip(panels, chosen, strict=True):
        _soften(ax, name)
        _mark_quantile(ax, source, name)
        ax.set_xlabel("quantile", size=TEXT, loc="right")
        ax.set_ylabel("")
    return _finished(figure, panels, _sampled(source, posterior, every))


def energy(source: Comparison | Posterior, *, width: float = 7.0) -> NDArray[np.object_]:
    """Draw the energies of Hamiltonian transitions (`arviz_plots.plot_energy`), with the BFMI of each chain.

    Energy is of position and momentum together: there is no place on its axis that is the MAP's.

    Raises
    ------
    ParameterError
        If the sampler left no energies: only `nuts` and `pymc` do.
    """
    posterior = _posterior(source, "energy")
    tree = posterior.data
    if "sample_stats" not in tree.children or "energy" not in tree["sample_stats"]:
        msg = f"energy: the sampler {posterior.attrs['sampler']} leaves no energies; those of nuts and pymc do"
        raise ParameterError(msg)
    figure, panels = _made("plot_energy", tree, 1, 1, width, per_row=2.2, multiple=True)
    for ax in panels:
        _soften(ax)
    return _finished(figure, panels, _sampled(source, posterior, np.arange(posterior.beta.shape[0])))


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
    limit = _limit(source)
    figure, panels = _made("plot_khat", _as_elpd(shape, limit), 1, 1, width, per_row=2.0)
    _soften(panels[0])
    panels[0].axhline(limit, color=VERMILLION, linewidth=1.0, linestyle="--", label="most that is relied on")
    panels[0].set_xlabel("row", size=TEXT, loc="right")
    panels[0].set_ylabel("k-hat", size=TEXT, loc="top")
    above, refitted = int((shape > limit).sum()), int(ledger.rows["refitted"].sum())
    good = "Every row's weights may be relied on"
    claim = good if not above else f"{above} of {shape.size} rows were beyond the limit"
    detail = f"k-hat ≤ {number(float(np.nanmax(shape)))}, limit {number(limit)}"
    if above:
        detail += f"; {refitted} of them refitted" if refitted else "; none refitted"
    return _finished(figure, panels, (claim, f"{detail}. {ledger.method}, {shape.size} rows."))


def loo_pit(source: Comparison | PredictionLedger, *, width: float = 7.0) -> NDArray[np.object_]:
    """Draw the leave-one-out PIT as Δ-ECDF (`arviz_plots.plot_ecdf_pit`): of the posterior, and of the plug-in at the MAP.

    A calibrated predictive distribution has uniform PIT, and stays near zero.  The PIT is the ledger's own (randomised
    where y is discrete), so that rows that were refitted count as such.  Parameters and errors are those of `khat`.
    """
    ledger = _ledger(source, "loo_pit")
    plug = PREDICTORS[0]
    pit = {name: ledger.rows[f"pit {name}"].to_numpy(dtype=float) for name in (FULL, plug)}
    figure, panels = _made("plot_ecdf_pit", _as_pit(pit[FULL]), 1, 1, width, per_row=2.0, group="pit")
    ax = panels[0]
    _soften(ax)
    levels = np.sort(pit[plug][np.isfinite(pit[plug])])
    ax.plot(
        levels, np.arange(1, levels.size + 1) / levels.size - levels, color=VERMILLION, linewidth=1.2, label=plug,
    )  # fmt: skip
    ax.plot([], [], color=BLUE, label=FULL)
    ax.set_xlabel("PIT", size=TEXT, loc="right")
    ax.set_ylabel("Δ ECDF", size=TEXT, loc="top")
    distance = float(ledger.scores["pit_distance"].loc[FULL])
    # Kolmogorov's 95 % point: 1.36/√n.
    limit = 1.36 / np.sqrt(max(int(np.isfinite(pit[FULL]).sum()), 1))
    verb = "is not told from" if distance <= limit else "departs from"
    return _finished(
        figure, panels,
        (f"The posterior's predictive distribution {verb} a calibrated one",
         f"Largest distance of the PIT from uniform {number(distance)} (95\u00a0% by chance: {number(limit)}). "
         f"{ledger.method}, {len(ledger.rows)} rows."),
    )  # fmt: skip


# -- what they share -----------------------------------------------------------------------------------------------


def _posterior(source: Comparison | Posterior, caller: str) -> Posterior:
    if isinstance(source, Posterior):
        return source
    found = getattr(source, "posterior", None)
    if not isinstance(found, Posterior):
        msg = f"{caller}: takes a Comparison or a Posterior (got {type(source).__name__})"
        raise ParameterError(msg)
    return found


def _read(
    source: Comparison | Posterior, caller: str, names: Sequence[str] | None, most: int
) -> tuple[Posterior, list[str]]:
    posterior = _posterior(source, caller)
    columns = list(posterior.problem.names)
    if names is not None:
        unknown = [name for name in names if name not in columns]
        if unknown or not len(names):
            what = f"holds {unknown[0]!r}, which is not a column (of {len(columns)})" if unknown else "is empty"
            msg = f"{caller}: names {what}"
            raise ParameterError(msg)
        return posterior, list(names)
    if most < 1 or not columns:
        what = f"most must be a number of panels ≥ 1 (got {most!r})" if columns else "there is no column"
        msg = f"{caller}: {what}"
        raise ParameterError(msg)
    found = posterior.summary(["beta"])
    effective = np.fmin(found["ess_bulk"].to_numpy(), found["ess_tail"].to_numpy())
    return posterior, [columns[j] for j in np.argsort(effective, kind="stable")[:most]]


def _few_chains(posterior: Posterior) -> NDArray[np.int_]:
    chains = posterior.beta.shape[0]
    return np.unique(np.linspace(0, chains - 1, min(chains, CHAINS)).astype(int))


def _tree(posterior: Posterior, names: Sequence[str], chains: NDArray[np.int_]) -> xr.DataTree:
    """The chosen coefficients as a tree of their own: what ArviZ draws is what it is given."""
    import xarray as xr

    places = [posterior.problem.names.index(name) for name in names]
    beta = posterior.beta[chains][:, :, places]
    coords = {"chain": chains, "draw": np.arange(beta.shape[1]), "feature": list(range(len(names)))}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"beta": (("chain", "draw", "feature"), beta)}, coords=coords)}
    )


def _made(
    kind: str, data: Any, count: int, most_across: int, width: float, *, per_row: float = ROW, multiple: bool = False,
    **given: Any,
) -> tuple[Figure, NDArray[np.object_]]:  # fmt: skip
    """Let arviz-plots draw; return its figure and the axes that hold something."""
    import arviz_plots

    across = min(count, most_across)
    size = (width, TITLE_ROOM + per_row * -(-count // across))
    layout: dict[str, Any] = {} if multiple or count == 1 else {"col_wrap": across}
    found = getattr(arviz_plots, kind)(
        data, backend="matplotlib", figure_kwargs={"figsize": size, "layout": "constrained"}, **layout, **given
    )
    figure: Figure = found.viz["figure"].item()
    used: list[Axes] = [ax for ax in figure.axes if ax.has_data()]
    for ax in [ax for ax in figure.axes if ax not in used]:
        ax.remove()
    return figure, np.array(used, dtype=object)


def _soften(ax: Axes, name: str = "") -> None:
    """Bring the text to this project's sizes."""
    ax.tick_params(labelsize=TEXT, color=GREY)
    ax.spines[["top", "right"]].set_visible(False)
    ax.set_title("")  # the panels' own, centred, would stand beside it
    ax.set_title(shorten(name, 2.4), loc="left", size=TEXT, pad=3, parse_math=False)
    for text in (ax.xaxis.label, ax.yaxis.label):
        text.set_fontsize(TEXT)


def _point(source: Comparison | Posterior, name: str, column: str) -> float | None:
    """A number of the comparison's table, where there is one that may be shown."""
    if isinstance(source, Posterior) or source.optima_withheld:
        return None
    return float(source.coefficients.loc[name, column])


def _mark_quantile(ax: Axes, source: Comparison | Posterior, name: str) -> None:
    where = _point(source, name, "map_quantile")
    if where is not None and np.isfinite(where):
        ax.axvline(where, color=VERMILLION, linewidth=1.2, label="MAP", zorder=5)


def _sampled(source: Comparison | Posterior, posterior: Posterior, drawn: NDArray[np.int_]) -> tuple[str, str]:
    """Whether the draws may be relied on, and what is drawn of them."""
    chains, length = posterior.beta.shape[:2]
    verdict = posterior.verdict
    claim = "The draws may be relied on" if verdict.passed else WITHHELD
    said = str(verdict).partition(" ")[2].strip("()")
    some = f"; {drawn.size} of {chains} chains of {length} draws are shown" if drawn.size < chains else ""
    return claim, f"{said}{some}."


def _ledger(source: Comparison | PredictionLedger, caller: str) -> PredictionLedger:
    from bayesreg.discard import PredictionLedger

    if isinstance(source, PredictionLedger):
        found = source
    elif hasattr(source, "prediction"):
        if not source.passed:
            msg = f"{caller}: WITHHELD: {source.withheld}"
            raise ParameterError(msg)
        found = source.prediction
    else:
        msg = f"{caller}: takes a Comparison or a PredictionLedger (got {type(source).__name__})"
        raise ParameterError(msg)
    if found.withheld:
        msg = f"{caller}: prediction is WITHHELD: {found.withheld}"
        raise ParameterError(msg)
    return found


def _limit(source: Comparison | PredictionLedger) -> float:
    """The k-hat that is relied on, of as many draws as there are; of a ledger alone, of many."""
    from bayesreg.discard import PredictionLedger

    size = MANY if isinstance(source, PredictionLedger) else int(np.prod(source.posterior.beta.shape[:2]))
    return khat_limit(min(size, MOST_DRAWS))


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


def _finished(figure: Figure, panels: NDArray[np.object_], said: tuple[str, str]) -> NDArray[np.object_]:
    legend_below(panels[0], owned=True)
    caption(figure, *said)
    return panels
