"""From a library's coefficients to the posterior mean, in steps that change one thing each and add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.discard.gate import require_posterior
from bayesreg.discard.waterfall_states import (
    CHANCE,
    COLUMNS,
    END,
    LAMBDA,
    MEAN,
    NOISE,
    SCALE,
    SOLVER,
    STEPS,
    LibraryFit,
    states_of,
)
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior
from bayesreg.samplers.settings import Progress

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LargestStep", "LibraryFit", "Waterfall", "waterfall"]

MOST_ROWS = 10
"""Coefficients shown: those that change most, in posterior sds."""

SHORT = {
    SOLVER: "solver", LAMBDA: "λ", COLUMNS: "columns", MEAN: "to mean", NOISE: "σ integr.", SCALE: "λ integr.",
    CHANCE: "chance", END: "mean",
}  # fmt: skip
"""Step -> head of its column of text."""

CLEAR = 2.0
"""Monte Carlo standard errors beyond which a step is there."""


@final
@dataclass(frozen=True, slots=True)
class LargestStep:
    """One step of one coefficient: its size and Monte Carlo error in the data's units, and its size in posterior sds.

    Parameters
    ----------
    step, column : str
    size, mcse, sds : float
    """

    step: str
    column: str
    size: float
    mcse: float
    sds: float


@final
@dataclass(frozen=True, slots=True, eq=False)
class Waterfall:
    """What lies between a library's coefficients and the posterior mean.

    Parameters
    ----------
    table : DataFrame
        Coefficients in the data's units, one column each.  Rows: where it starts (the library's coefficients, or the
        penalised optimum), the steps, and the posterior mean.  The start and the steps add up to the end.
    mcse : DataFrame
        Monte Carlo standard errors of the same.
    notes : mapping of str to str
        Step -> what was changed, or why nothing is.
    sd : array (p,)
        Posterior sd of each coefficient.
    withheld : str
        Why nothing may be concluded; empty if every run passed its gates.
    """

    table: pd.DataFrame
    mcse: pd.DataFrame
    notes: Mapping[str, str]
    sd: Array
    withheld: str = ""

    @property
    def start(self) -> str:
        """What it starts from."""
        return str(self.table.index[0])

    @property
    def steps(self) -> pd.DataFrame:
        """The steps alone."""
        return self.table.iloc[1:-1]

    @property
    def total(self) -> pd.Series[float]:
        """Posterior mean minus start, by column."""
        return self.table.iloc[-1] - self.table.iloc[0]

    @property
    def moved(self) -> Array:
        """Largest step of each coefficient (p,), up or down, in posterior sds."""
        return np.asarray(self._in_sds.max(axis=0, initial=0.0))

    @property
    def largest(self) -> LargestStep | None:
        """The largest step in posterior sds of those beyond two Monte Carlo errors; None where there is none."""
        steps, errors = self.steps.to_numpy(), self.mcse.iloc[1:-1].to_numpy()
        apart = np.where(np.abs(steps) > CLEAR * errors, self._in_sds, 0.0)
        if not (apart > 0).any():
            return None
        i, j = divmod(int(np.argmax(apart)), steps.shape[1])
        name, column = str(self.steps.index[i]), str(self.table.columns[j])
        return LargestStep(name, column, float(steps[i, j]), float(errors[i, j]), float(apart[i, j]))

    @property
    def _in_sds(self) -> Array:
        """Sizes of the steps (step, p) in posterior sds; 0 where there is neither step nor spread."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nan_to_num(np.abs(self.steps.to_numpy()) / self.sd)

    @property
    def sentence(self) -> str:
        """The largest step, with its numbers."""
        if self.withheld:
            return f"waterfall: WITHHELD: {self.withheld}"
        if not self.steps.size:
            return "there is no coefficient to follow"
        largest = self.largest
        if largest is None:
            return f"from {self.start} to the posterior mean no step is beyond its Monte Carlo error"
        sure = f" ± {largest.mcse:.1g}" if largest.mcse > 0 else ""
        return (
            f"from {self.start} to the posterior mean the largest step is {largest.size:.3g}{sure} "
            f"({largest.sds:.2g} posterior sd), in {largest.column!r}: {largest.step}"
        )

    def __str__(self) -> str:
        """The sentence, the coefficients that change most, and what each step is."""
        if self.withheld:
            return self.sentence
        shown = self.table.iloc[:, np.argsort(-self.moved, kind="stable")[:MOST_ROWS]].T.rename(columns=SHORT)
        shown.columns.name = None
        more = self.table.shape[1] - len(shown)
        shown = shown.rename(columns={self.start: "start"})
        text = shown.map("{:.4g}".format).to_string()
        left_out = f"\n... and {more} more, in .table" if more > 0 else ""
        notes = "\n".join(f"  {step}: {note}" for step, note in self.notes.items())
        return f"{self.sentence}\n\n{text}{left_out}\n\n{notes}"


def waterfall(
    posterior: Posterior,
    *,
    library: LibraryFit | None = None,
    optimum: Optimum | None = None,
    sigma: float | str | None = None,
    seed: int = 0,
    integrate_scale: bool = True,
    longer: int = 4,
    progress: Progress | None = None,
) -> Waterfall:
    """Go from a library's coefficients to the posterior mean, changing one thing at a time.

    | step | before | after |
    |---|---|---|
    | solver error | the library's coefficients | the optimum of its own objective |
    | unmatched λ | its penalty | the penalty, and the σ it is matched at, of the problem here |
    | intercept and standardisation | its columns and intercept | those of the problem here |
    | mode to mean | argmax p(β | y, σ, λ) | E[β | y, σ, λ] |
    | σ integrated | E[β | y, σ, λ] | E[β | y, λ] |
    | λ integrated | E[β | y, λ] | E[β | y] |
    | Monte Carlo error | the mean of a longer run | that of a run as long as `posterior` |

    A step whose thing is the same on both sides is exactly 0.  σ integrated: only where it is unknown.

    Parameters
    ----------
    posterior : Posterior
        Of the problem to end at.  Where the prior's scale has a prior, its mean is the end; the mode is taken at the
        posterior median of the scale.
    library : LibraryFit, optional
        Somebody's coefficients, and the problem that they claim to solve; by default it starts at the optimum here.
    optimum : Optimum, optional
        The mode of the problem here; by default the penalised fit.
    sigma : float, str or None
        Plug-in for an unknown σ, see `resolve_noise`; without `optimum`.
    seed : int
        Of the runs.
    integrate_scale : bool
        Whether a prior's scale that is a number is given the default prior of `choose_scale(by="hierarchical")`.
        Where that cannot be drawn without compiling, the step is left out, and says why.
    longer : int
        How many times as many draws the runs have that means are taken from.
    progress : callable, optional
        Called with (done, total) runs.

    Raises
    ------
    ParameterError
        If an argument is none of these, or the library's problem has other rows or columns.
    FitError
        If a problem on the way has no finite optimum or no proper posterior.
    """
    import pandas as pd

    require_posterior(posterior, "waterfall")
    states = states_of(
        posterior, library, optimum, sigma, seed=seed, integrate_scale=integrate_scale, longer=longer, progress=progress
    )
    names = list(posterior.problem.names)
    rows, errors = [states[0].beta], [states[0].error]
    index, notes = [states[0].name], {}
    for before, after in pairwise(states):
        rows.append(after.beta - before.beta)
        errors.append(np.zeros_like(after.error) if after.same else np.hypot(before.error, after.error))
        index.append(after.name)
        notes[after.name] = after.note
    rows.append(states[-1].beta)
    errors.append(states[-1].error)
    index.append(END)
    return Waterfall(
        pd.DataFrame(rows, index=pd.Index(index, name="step"), columns=names),
        pd.DataFrame(errors, index=pd.Index(index, name="step"), columns=names),
        {step: notes[step] for step in STEPS if step in notes},
        posterior.beta_raw.std(axis=(0, 1)),
        "; ".join(dict.fromkeys(state.withheld for state in states if state.withheld)),
    )
