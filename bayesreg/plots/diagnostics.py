"""Pictures of the draws, by arviz-plots, with the MAP marked where their axes have a place for it.

They lay out their own axes, and so take a width but no axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.plots.by_arviz import finished, made, soften
from bayesreg.plots.style import VERMILLION, WITHHELD
from bayesreg.plots.takes import picture
from bayesreg.plots.words import TEXT
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from bayesreg.comparison import Comparison

CHAINS = 8
"""Chains drawn as lines, evenly chosen where there are more: more lines hide each other."""

GROUPS = 4
"""Groups that many chains are joined into where they did not start in groups."""

KEPT = 100
"""Draws of each chain that thinning leaves, whatever their ESS."""


@picture("Comparison", "Posterior")
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
    figure, panels = made("plot_trace", _tree(posterior, chosen, drawn), len(chosen), 1, width)
    for ax, name in zip(panels, chosen, strict=True):
        soften(ax, name)
        point = _point(source, name, "map")
        if point is not None:
            ax.axhline(point, color=VERMILLION, linewidth=1.3, label="MAP", zorder=5)
        ax.set_xlabel("draw" if ax is panels[-1] else "", size=TEXT, loc="right")
    return finished(figure, panels, _sampled(posterior, _share(posterior, drawn)))


@picture("Comparison", "Posterior")
def rank(
    source: Comparison | Posterior, *, names: Sequence[str] | None = None, most: int = 4, width: float = 7.0
) -> NDArray[np.object_]:
    """Draw how evenly the chains' ranks are spread (`arviz_plots.plot_rank`): Δ-ECDF of fractional ranks, by chain.

    Chains that agree stay near zero; points that ArviZ marks are beyond what chance allows, of draws thinned until they
    are as good as independent.  Of chains that disagree that would leave nothing: 100 draws of each are kept.  More
    than 8 chains are joined into groups, those that started at one point together.  A line stands at the MAP's own
    fractional rank among all draws.  Parameters, result and errors are those of `trace`; a single chain, or chains of
    fewer than 4 draws, are refused too.
    """
    posterior, chosen = _read(source, "rank", names, most)
    if min(posterior.beta.shape[0] / 2, posterior.beta.shape[1] / 4) < 1:
        chains, length = posterior.beta.shape[:2]
        msg = f"rank: compares chains, 2 or more of 4 draws or more (got {chains} of {length}); sample more"
        raise ParameterError(msg)
    tree, lines = _grouped(posterior, chosen)
    figure, panels = made("plot_rank", tree, len(chosen), 2, width, thin=False)
    for ax, name in zip(panels, chosen, strict=True):
        soften(ax, name)
        _mark_quantile(ax, source, name)
        ax.set_xlabel("fractional rank", size=TEXT, loc="right")
    return finished(figure, panels, _sampled(posterior, lines))


@picture("Comparison", "Posterior")
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
    figure, panels = made("plot_ess", _tree(posterior, chosen, every), len(chosen), 2, width)
    for ax, name in zip(panels, chosen, strict=True):
        soften(ax, name)
        _mark_quantile(ax, source, name)
        ax.set_xlabel("quantile", size=TEXT, loc="right")
        ax.set_ylabel("")
    return finished(figure, panels, _sampled(posterior))


@picture("Comparison", "Posterior")
def energy(source: Comparison | Posterior, *, width: float = 7.0) -> NDArray[np.object_]:
    """Draw the energies of Hamiltonian transitions (`arviz_plots.plot_energy`), with the BFMI of each chain.

    Energy is of position and momentum together: there is no place on its axis that is the MAP's.

    Parameters
    ----------
    source : Comparison or Posterior
    width : float, default 7
        Inches.

    Returns
    -------
    ndarray of matplotlib.axes.Axes
        That of the BFMI, and that of the energies.  At most 8 chains are drawn.

    Raises
    ------
    ParameterError
        If the sampler left no energies: only `hmc`, `nuts` and `pymc` do; or chains are too short.
    """
    posterior = _posterior(source)
    drawn = _few_chains(posterior)
    tree = _energies(posterior, drawn)
    figure, panels = made("plot_energy", tree, 1, 1, width, per_row=2.2, multiple=True)
    for legend in [*figure.legends, *(ax.get_legend() for ax in panels)]:
        if legend is not None:
            legend.remove()
    for ax in panels:
        soften(ax)
    lines = [line for line in panels[-1].lines if len(np.atleast_1d(line.get_xdata())) > 2]
    for line, label in zip(lines, ("marginal energy", "change by a transition"), strict=True):
        line.set_label(label)
    panels[0].set_title("BFMI by chain", loc="left", size=TEXT, pad=3)
    panels[-1].set_title("energy, centred", loc="left", size=TEXT, pad=3)
    panels[0].set_ylabel("")
    panels[0].set_yticks(np.arange(drawn.size), drawn.astype(str))
    return finished(figure, panels[::-1], _sampled(posterior, _share(posterior, drawn)))[::-1]


def _energies(posterior: Posterior, chains: NDArray[np.int_]) -> xr.DataTree:
    """The energies of these chains as a tree of their own."""
    import xarray as xr

    tree = posterior.data
    if "sample_stats" not in tree.children or "energy" not in tree["sample_stats"]:
        msg = f"energy: the sampler {posterior.attrs['sampler']} leaves no energies; those of hmc, nuts and pymc do"
        raise ParameterError(msg)
    found = tree["sample_stats"].to_dataset()[["energy"]].isel(chain=chains)
    least = max(4, found.sizes["chain"])
    if found.sizes["draw"] < least:
        msg = f"energy: needs {least} draws a chain (got {found.sizes['draw']}); sample longer chains"
        raise ParameterError(msg)
    return xr.DataTree.from_dict({"sample_stats": found})


def _posterior(source: Comparison | Posterior) -> Posterior:
    return source if isinstance(source, Posterior) else source.posterior


def _read(
    source: Comparison | Posterior, caller: str, names: Sequence[str] | None, most: int
) -> tuple[Posterior, list[str]]:
    posterior = _posterior(source)
    columns = list(posterior.problem.names)
    if names is not None:
        unknown = [name for name in names if name not in columns]
        if unknown or not len(names):
            what = f"holds {unknown[0]!r}, which is not a column (of {len(columns)})" if unknown else "is empty"
            msg = f"{caller}: names {what}"
            raise ParameterError(msg)
        return posterior, list(names)
    if not columns:
        msg = f"{caller}: there is no column"
        raise ParameterError(msg)
    most = read_integer(f"{caller}: most", most, 1)
    found = posterior.summary(["beta"])
    effective = np.fmin(found["ess_bulk"].to_numpy(), found["ess_tail"].to_numpy())
    return posterior, [columns[j] for j in np.argsort(effective, kind="stable")[:most]]


def _few_chains(posterior: Posterior) -> NDArray[np.int_]:
    chains = posterior.beta.shape[0]
    return np.unique(np.linspace(0, chains - 1, min(chains, CHAINS)).astype(int))


def _grouped(posterior: Posterior, names: Sequence[str]) -> tuple[xr.DataTree, str]:
    """Thinned chains, or where they are many groups of them laid end to end, and what is said of that."""
    chains, length = posterior.beta.shape[:2]
    groups = int(posterior.attrs.get("superchains", 0)) or GROUPS
    if chains <= CHAINS or chains % groups:
        few = _few_chains(posterior)
        return _tree_of(posterior, names, _thinned(posterior, names, posterior.beta[few]), few), _share(posterior, few)
    joined = posterior.beta.reshape(groups, -1, posterior.beta.shape[2])
    tree = _tree_of(posterior, names, _thinned(posterior, names, joined), np.arange(groups))
    return tree, f"; {chains} chains of {length} draws in {groups} groups"


def _thinned(posterior: Posterior, names: Sequence[str], beta: Array) -> Array:
    """Every so many-th draw, as many as there are draws to an effective one: of chains apart, at least `KEPT` each."""
    rows = [posterior.problem.names.index(name) for name in names]
    found = posterior.summary(["beta"]).iloc[rows]
    effective = np.fmin(found["ess_bulk"], found["ess_tail"]).mean()
    step = round(posterior.beta.shape[0] * posterior.beta.shape[1] / effective)
    return beta[:, :: int(np.clip(step, 1, max(1, beta.shape[1] // KEPT)))]


def _tree(posterior: Posterior, names: Sequence[str], chains: NDArray[np.int_]) -> xr.DataTree:
    return _tree_of(posterior, names, posterior.beta[chains], chains)


def _tree_of(posterior: Posterior, names: Sequence[str], beta: Array, chains: NDArray[np.int_]) -> xr.DataTree:
    """The chosen coefficients as a tree of their own: what ArviZ draws is what it is given."""
    import xarray as xr

    beta = beta[:, :, [posterior.problem.names.index(name) for name in names]]
    coords = {"chain": chains, "draw": np.arange(beta.shape[1]), "feature": list(range(len(names)))}
    return xr.DataTree.from_dict(
        {"posterior": xr.Dataset({"beta": (("chain", "draw", "feature"), beta)}, coords=coords)}
    )


def _point(source: Comparison | Posterior, name: str, column: str) -> float | None:
    """A number of the comparison's table, where there is one that may be shown."""
    if isinstance(source, Posterior) or source.optima_withheld or (column != "map" and not source.passed):
        return None
    return float(source.coefficients[column].to_numpy()[source.problem.names.index(name)])


def _mark_quantile(ax: Axes, source: Comparison | Posterior, name: str) -> None:
    where = _point(source, name, "map_quantile")
    if where is not None and np.isfinite(where):
        ax.axvline(where, color=VERMILLION, linewidth=1.2, label="MAP", zorder=5)


def _sampled(posterior: Posterior, drawn: str = "") -> tuple[str, str]:
    """Whether the draws may be relied on, and what is drawn of them."""
    verdict = posterior.verdict
    claim = "The draws may be relied on" if verdict.passed else WITHHELD
    said = str(verdict).partition(" ")[2]
    return claim, f"{said[1:-1] if verdict.passed else said}{drawn}."


def _share(posterior: Posterior, drawn: NDArray[np.int_]) -> str:
    """Say how many chains are drawn, if not all are."""
    chains, length = posterior.beta.shape[:2]
    return f"; {drawn.size} of {chains} chains of {length} draws are shown" if drawn.size < chains else ""
