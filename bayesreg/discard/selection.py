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
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.joint import kept_columns
from bayesreg.discard.projection import EXHAUSTIVE, Mask, metric, sparsest
from bayesreg.discard.supports import (
    evenly,
    named,
    needed,
    needed_within,
    numbered,
    share_of,
    support_table,
    unseen_share,
)
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

LEVEL = 0.95
"""Frequency of the set of supports that the sentence tells the number of."""


NOTHING = 1e-100
"""A tolerance within which nothing is."""


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
    mean_size, mean_size_mcse : float
        Columns of a projection on average, and the Monte Carlo standard error.
    map_support : tuple of str
        Columns that the point estimate keeps: those off their prior's kink, or where it has none off its location.
    map_frequency, map_mcse : float
        Frequency of exactly that support among the draws.
    map_projected : tuple of str
        Support of the point estimate when it is projected as the draws are.
    projected_frequency, projected_mcse : float
        Frequency of that support among the draws.
    needed : tuple of int (3,)
        Supports needed for a frequency of 95 %; and for two Monte Carlo standard errors less, and more, than that.
    unseen, unseen_error : float
        Probability that a further draw has a support that none of these has (Good & Turing), and its standard error.
        Above 0.05, these draws do not tell how many supports are needed for 95 %: more than they have.
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
    mean_size: float
    mean_size_mcse: float
    map_support: Support
    map_frequency: float
    map_mcse: float
    map_projected: Support
    projected_frequency: float
    projected_mcse: float
    needed: tuple[int, int, int]
    unseen: float
    unseen_error: float
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
        return self.table.iloc[: needed(self.table["cumulative"].to_numpy(), prob)]

    @property
    def sentence(self) -> str:
        """How often the point's support is a draw's, and how many supports there are."""
        if self.withheld:
            return f"selection: WITHHELD: {self.withheld}"
        share = _told(self.map_frequency, self.map_mcse, self.draws)
        head = f"The MAP's support of {_columns(len(self.map_support))} is that of {share}; {self._many}."
        if self.map_projected != self.map_support:
            share = _told(self.projected_frequency, self.projected_mcse, self.draws)
            head += (
                f" Projected as the draws are, it keeps {_columns(len(self.map_projected))}: the support of {share}."
            )
        kept = f"within {self.tolerance:.3g} of what the draw predicts (root mean square); {self.search}"
        return f"{head} Each draw's fewest columns {kept}; {self.mean_size:.2f} ± {self.mean_size_mcse:.1g} on average."

    @property
    def _many(self) -> str:
        """How many supports are needed for 95 %, as far as the draws tell."""
        fewest, low, high = self.needed
        count = "1 support is" if fewest == 1 else f"{fewest} supports are"
        if self.unseen > 1 - LEVEL:
            new = f"a further draw has a new one with probability {self.unseen:.3f} ± {self.unseen_error:.1g}"
            why = "no two of these draws share one" if self.unseen == 1 else new
            return f"more than {count} needed for 95 %, as {why}"
        spread = f" ({low} to {high} within Monte Carlo error)" if low < high else ""
        return f"{count} needed for 95 %{spread}"

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
    """A share and its error; of no draw, the share that so many independent draws miss with probability 0.05."""
    if frequency:
        return f"{frequency:.1%} ± {mcse:.1%} of {draws} draws"
    return f"none of {draws} draws (at most about {3 / draws:.2g})"


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
        About so many draws to project, as many of each chain and at least one, evenly spaced; fewer where they would
        take more than some seconds.

    Raises
    ------
    ParameterError
        If an argument is outside what it can be.
    FitError
        If there is no finite optimum, or no row has any curvature there.
    """
    require_posterior(posterior, "selection")
    draws = read_integer("draws", draws, 2)
    problem = posterior.problem
    # Of a response that does not vary no effect is small.
    small = max(SMALL * problem.response_sd(), NOTHING)
    reach = small if tolerance is None else tolerance
    reach = positive_number("selection", "tolerance", reach)
    point = point_of(posterior, optimum, "selection")
    gram = metric(problem, point)
    loc = problem.prior.location(problem.p)
    projected = _projected(gram, posterior.beta - loc, reach, draws)
    own = sparsest(gram, (point.beta - loc)[None], reach)[0]
    return _summary(posterior, projected, kept_columns(problem, point, 0.0), own, reach)


def _projected(gram: Array, deviations: Array, reach: float, draws: int) -> tuple[Mask, bool]:
    """Supports (chain, draw', p) of evenly spaced draws, and whether they are fewer than asked for."""
    some, fewer = evenly(deviations, draws), False
    p = some.shape[2]
    if p > EXHAUSTIVE:
        pilot = sparsest(gram, _flat(evenly(some, PILOT)), reach).sum(axis=1).astype(float)
        affordable = max(FEWEST, int(BUDGET / (p * max((pilot**2).mean(), 1.0))))
        fewer = affordable < some[..., 0].size
        some = evenly(some, affordable)
    return sparsest(gram, _flat(some), reach).reshape(some.shape), fewer


def _flat(values: Array) -> Array:
    return values.reshape(values.shape[0] * values.shape[1], values.shape[2])


def _summary(
    posterior: Posterior, projected: tuple[Mask, bool], kept: NDArray[np.bool_], own: NDArray[np.bool_], reach: float
) -> Selection:
    import pandas as pd

    masks, fewer = projected
    names, independent = posterior.problem.names, posterior.independent
    which, supports = numbered(masks)
    table = support_table(which, supports, kept, names, independent=independent)
    counts, sizes = np.unique(supports.sum(axis=1)), supports.sum(axis=1)
    unseen, unseen_error = unseen_share(np.bincount(which.ravel()))
    frequency, mcse = _share_in(table, supports, kept)
    own_frequency, own_mcse = _share_in(table, supports, own)
    search = "all subsets were tried" if len(names) <= EXHAUSTIVE else "by forward selection, then backward elimination"
    shares = share_of(masks, independent=independent)
    by_size = share_of(sizes[which][..., None] == counts, independent=independent)
    mean_size = share_of(sizes[which][..., None], independent=independent)
    return Selection(
        table=table.drop(columns="number"),
        inclusion=pd.DataFrame(
            {"frequency": shares[0], "mcse": shares[1], "map_keeps": kept}, index=pd.Index(names, name="column")
        ),
        sizes=pd.DataFrame({"frequency": by_size[0], "mcse": by_size[1]}, index=pd.Index(counts, name="size")),
        mean_size=float(mean_size[0][0]),
        mean_size_mcse=float(mean_size[1][0]),
        map_support=named(names, kept),
        map_frequency=frequency,
        map_mcse=mcse,
        map_projected=named(names, own),
        projected_frequency=own_frequency,
        projected_mcse=own_mcse,
        needed=needed_within(table, which, LEVEL, independent=independent),
        unseen=unseen,
        unseen_error=unseen_error,
        tolerance=reach,
        draws=which.size,
        search=f"{search}; fewer draws than asked for, as each takes long" if fewer else search,
        withheld=withheld_by(posterior),
    )


def _share_in(table: pd.DataFrame, supports: Mask, support: NDArray[np.bool_]) -> tuple[float, float]:
    """Frequency of a support, and its error."""
    own = (supports[table["number"]] == support).all(axis=1)
    return float(table["frequency"][own].sum()), float(table["mcse"][own].sum())
