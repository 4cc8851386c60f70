"""Which columns are selected, draw by draw: the supports behind the one support of a sparse point estimate.

A posterior under a continuous prior has no exact zeros.  Each draw β_s is therefore summarised by its own sparse
projection: the fewest coefficients γ that predict what β_s does, the intercept being free, to within a tolerance.  Of
posterior draws that is a distribution over supports, and a point estimate's support is one of them.

References
----------
Hahn & Carvalho (2015), JASA 110:435–448 (decoupled shrinkage and selection); Woody, Carvalho & Murray (2021), JCGS
30:144–161 (posterior summaries draw by draw); Piironen, Paasiniemi & Vehtari (2020), EJS 14:2155–2197 (projection).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.joint import kept_columns
from bayesreg.discard.projection import EXHAUSTIVE, Mask, metric, sparsest
from bayesreg.effects import SMALL
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior
from bayesreg.scales import positive_number

if TYPE_CHECKING:
    import pandas as pd

Support = tuple[str, ...]

PILOT = 32
"""Draws that are projected first where columns are many, to tell from the size of their supports what all will take."""

BUDGET = 2.5e9
"""Draws × columns × size² over which fewer draws are projected: some seconds."""

FEWEST = 100
"""Draws that are projected all the same."""

SHOWN = 5
"""Supports in the text."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Supports of the sparse projections of posterior draws.

    Parameters
    ----------
    table : DataFrame
        One row a support, the most frequent first: `columns` (a tuple of names), `size`, `frequency` among the draws,
        `mcse` its Monte Carlo standard error, `cumulative` frequency, `is_map`.
    inclusion : DataFrame
        One row a column: `frequency` of the draws whose projection has it, `mcse`, and `map_keeps`.
    sizes : DataFrame
        One row a size of support: `frequency`, `mcse`.
    map_support : tuple of str
        Columns that the point estimate keeps: those off their prior's kink, or where it has none off its location.
    map_frequency, map_mcse : float
        Frequency of exactly that support among the draws.
    map_projected : tuple of str
        Support of the point estimate when it is projected as the draws are.
    projected_frequency, projected_mcse : float
        Frequency of that support among the draws.
    tolerance : float
        Root mean square, on the scale of η, to within which a projection predicts what its draw does.
    draws : int
        Draws that were projected, evenly spaced.
    search : str
        How the sparsest projection was looked for.
    withheld : str
        Why nothing may be concluded; empty where every gate passed.
    """

    table: pd.DataFrame
    inclusion: pd.DataFrame
    sizes: pd.DataFrame
    map_support: Support
    map_frequency: float
    map_mcse: float
    map_projected: Support
    projected_frequency: float
    projected_mcse: float
    tolerance: float
    draws: int
    search: str
    withheld: str

    def credible_set(self, prob: float = 0.95) -> pd.DataFrame:
        """Return the fewest supports that together have a frequency of at least `prob`: rows of `table`.

        Raises
        ------
        ParameterError
            If `prob` is not in (0, 1].
        """
        if isinstance(prob, bool) or not isinstance(prob, int | float | np.floating) or not 0 < prob <= 1:
            msg = f"credible_set: prob must be a number in (0, 1] (got {prob!r})"
            raise ParameterError(msg)
        reached = self.table["cumulative"].to_numpy() >= prob - 1e-12
        return self.table.iloc[: int(reached.argmax()) + 1]

    @property
    def sentence(self) -> str:
        """How often the point's support is a draw's, and how many supports there are."""
        if self.withheld:
            return f"selection: WITHHELD: {self.withheld}"
        needed = len(self.credible_set())
        count = "1 support is" if needed == 1 else f"{needed} supports are"
        share = _told(self.map_frequency, self.map_mcse, self.draws)
        head = f"The MAP's support of {_columns(len(self.map_support))} is that of {share}; {count} needed for 95 %."
        if self.map_projected != self.map_support:
            share = _told(self.projected_frequency, self.projected_mcse, self.draws)
            head += (
                f" Projected as the draws are, it keeps {_columns(len(self.map_projected))}: the support of {share}."
            )
        middle = float(self.sizes["frequency"] @ self.sizes.index.to_numpy(dtype=float))
        kept = f"within {self.tolerance:.3g} of what the draw predicts (root mean square); {self.search}"
        return f"{head} Each draw's fewest columns {kept}; {middle:.1f} on average."

    def __str__(self) -> str:
        """The sentence, and the most frequent supports."""
        if self.withheld:
            return self.sentence
        lines = [self.sentence]
        shown = self.table.iloc[:SHOWN]
        for columns, share, error, own in zip(*(shown[c] for c in _TOLD), strict=True):
            lines.append(f"  {share:6.1%} ± {error:.1%}  {_listed(columns)}{'   <- the MAP' if own else ''}")
        if len(self.table) > SHOWN:
            lines.append(f"  ... {len(self.table) - SHOWN} more")
        return "\n".join(lines)


_TOLD = ("columns", "frequency", "mcse", "is_map")


def _told(frequency: float, mcse: float, draws: int) -> str:
    return f"{frequency:.1%} ± {mcse:.1%} of {draws} draws" if frequency else f"none of {draws} draws"


def _columns(count: int) -> str:
    return f"{count} column{'s' * (count != 1)}"


def _listed(columns: Support) -> str:
    if not columns:
        return "(none)"
    return ", ".join(columns) if len(columns) <= 12 else f"{', '.join(columns[:10])}, ... {len(columns) - 10} more"


def selection(
    posterior: Posterior, optimum: Optimum | None = None, *, tolerance: float | None = None, draws: int = 1000
) -> Selection:
    """Return the supports of the sparse projections of posterior draws, beside that of the point estimate.

    Of draw β the projection is the sparsest γ, off the prior's location on its support alone, with

        √(Σ_i W_i (x_iᵀ(β − γ) − mean)² / Σ_i W_i) ≤ tolerance,

    the mean taken off where there is an intercept, which is free; W_i = w_i·nll''(η_i) at the point estimate, so that
    under Gaussian noise W is the row weights.  All subsets are tried up to 10 columns; beyond, forward selection is
    followed by backward elimination, each with all coefficients refitted.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the posterior's problem.
    tolerance : float, optional
        On the scale of η; by default a tenth of the response's scale, so that what a draw predicts is kept to within a
        small effect.
    draws : int
        Draws to project at most, evenly spaced; fewer where they would take more than some seconds.

    Raises
    ------
    ParameterError
        If an argument is outside what it can be.
    FitError
        If there is no finite optimum, or no row has any curvature there.
    """
    require_posterior(posterior, "selection")
    draws = read_integer("draws", draws, 1)
    problem = posterior.problem
    reach = SMALL * problem.response_sd() if tolerance is None else tolerance
    reach = positive_number("selection", "tolerance", reach)
    point = point_of(posterior, optimum, "selection")
    gram = metric(problem, point)
    loc = problem.prior.location(problem.p)
    projected = _projected(gram, posterior.beta - loc, reach, draws)
    own = sparsest(gram, (point.beta - loc)[None], reach)[0]
    return _summary(posterior, projected, kept_columns(problem, point, 0.0), own, reach)


def _projected(gram: Array, deviations: Array, reach: float, draws: int) -> tuple[Mask, bool]:
    """Supports (chain, draw', p) of evenly spaced draws, and whether they are fewer than asked for."""
    some, fewer = _evenly(deviations, draws), False
    p = some.shape[2]
    if p > EXHAUSTIVE:
        pilot = sparsest(gram, _flat(_evenly(some, PILOT)), reach).sum(axis=1).astype(float)
        affordable = max(FEWEST, int(BUDGET / (p * max((pilot**2).mean(), 1.0))))
        fewer = affordable < some[..., 0].size
        some = _evenly(some, affordable)
    return sparsest(gram, _flat(some), reach).reshape(some.shape), fewer


def _evenly(values: Array, draws: int) -> Array:
    """About so many draws, as many from each chain and at least one, evenly spaced."""
    chains, length = values.shape[:2]
    each = min(length, max(1, draws // chains))
    return values[:, np.arange(each) * length // each]


def _flat(values: Array) -> Array:
    return values.reshape(values.shape[0] * values.shape[1], values.shape[2])


def _summary(
    posterior: Posterior, projected: tuple[Mask, bool], kept: NDArray[np.bool_], own: NDArray[np.bool_], reach: float
) -> Selection:
    import pandas as pd

    masks, fewer = projected
    names = posterior.problem.names
    number: dict[bytes, int] = {}
    keys = [masks[place].tobytes() for place in np.ndindex(masks.shape[:2])]
    which = np.array([number.setdefault(key, len(number)) for key in keys]).reshape(masks.shape[:2])
    supports = np.array([np.frombuffer(key, dtype=bool) for key in number]).reshape(len(number), len(names))
    found = _shares(posterior, which, np.arange(len(number)))
    sizes = supports.sum(axis=1)
    order = np.lexsort((sizes, -found["frequency"]))
    table = pd.DataFrame(
        {
            "columns": [_named(names, supports[i]) for i in order],
            "size": sizes[order],
            "frequency": found["frequency"][order],
            "mcse": found["mcse"][order],
            "cumulative": np.cumsum(found["frequency"][order]),
            "is_map": (supports[order] == kept).all(axis=1),
        }
    )
    counts = np.unique(sizes)
    inclusion: dict[str, Any] = _share_of(posterior, masks)
    frequency, mcse = _share_at(found, number.get(kept.tobytes()))
    own_frequency, own_mcse = _share_at(found, number.get(own.tobytes()))
    search = "all subsets were tried" if len(names) <= EXHAUSTIVE else "by forward selection, then backward elimination"
    return Selection(
        table=table,
        inclusion=pd.DataFrame({**inclusion, "map_keeps": kept}, index=pd.Index(names, name="column")),
        sizes=pd.DataFrame(_shares(posterior, sizes[which], counts), index=pd.Index(counts, name="size")),
        map_support=_named(names, kept),
        map_frequency=frequency,
        map_mcse=mcse,
        map_projected=_named(names, own),
        projected_frequency=own_frequency,
        projected_mcse=own_mcse,
        tolerance=reach,
        draws=which.size,
        search=f"{search}; fewer draws than asked for, as each takes long" if fewer else search,
        withheld=withheld_by(posterior),
    )


def _named(names: tuple[str, ...], support: NDArray[np.bool_]) -> Support:
    return tuple(names[j] for j in np.flatnonzero(support))


def _shares(posterior: Posterior, labels: NDArray[np.int_], values: NDArray[np.int_]) -> dict[str, Array]:
    """Share of the draws (chain, draw) labelled with each of the values, and its error."""
    return _share_of(posterior, labels[..., None] == values)


def _share_of(posterior: Posterior, events: NDArray[np.bool_]) -> dict[str, Array]:
    """Share of the draws with each event (chain, draw, m), and its error."""
    mcse = mcse_mean(events.astype(float), independent=posterior.independent)
    return {"frequency": events.mean(axis=(0, 1)), "mcse": mcse}


def _share_at(shares: dict[str, Array], place: int | None) -> tuple[float, float]:
    return (0.0, 0.0) if place is None else (float(shares["frequency"][place]), float(shares["mcse"][place]))
