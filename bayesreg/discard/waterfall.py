"""From a library's coefficients to the posterior mean, in steps that change one thing each and add up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.discard.gate import require_posterior
from bayesreg.discard.waterfall_states import END, STEPS, LibraryFit, states_of
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior
from bayesreg.samplers.settings import Progress

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["LibraryFit", "Waterfall", "waterfall"]

MOST_ROWS = 10
"""Coefficients shown: those that change most, in posterior sds."""

CLEAR = 2.0
"""Monte Carlo standard errors beyond which a step is there."""


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
    def sentence(self) -> str:
        """The largest step, with its numbers."""
        if self.withheld:
            return f"waterfall: WITHHELD: {self.withheld}"
        steps, errors = self.steps.to_numpy(), self.mcse.iloc[1:-1].to_numpy()
        if not steps.size:
            return "there is no coefficient to follow"
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.nan_to_num(np.abs(steps) / self.sd)
        clear = np.abs(steps) > CLEAR * errors
        if not (clear & (apart > 0)).any():
            return f"from {self.start} to the posterior mean no step is beyond its Monte Carlo error"
        i, j = divmod(int(np.argmax(np.where(clear, apart, 0.0))), steps.shape[1])
        sure = f" ± {errors[i, j]:.1g}" if errors[i, j] > 0 else ""
        return (
            f"from {self.start} to the posterior mean the largest step is {steps[i, j]:.3g}{sure} "
            f"({apart[i, j]:.2g} posterior sd), in {self.table.columns[j]!r}: {self.steps.index[i]}"
        )

    def __str__(self) -> str:
        """The sentence, the coefficients that change most, and what each step is."""
        if self.withheld:
            return self.sentence
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.nan_to_num(np.abs(self.steps.to_numpy()) / self.sd).max(axis=0, initial=0.0)
        shown = self.table.iloc[:, np.argsort(-moved, kind="stable")[:MOST_ROWS]].T
        more = self.table.shape[1] - len(shown)
        text = shown.to_string(float_format="{:.4g}".format)
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
