"""What a PyMC model is as a penalised fit: one row a variable, and how they are shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg import html
from bayesreg.interfaces import Array

if TYPE_CHECKING:
    import pandas as pd

NONE = "no reading"
"""What stands for the penalty of a variable that has none in closed form."""

Value = float | Array | str
"""A number, one per entry, or a formula in the model's variables."""

MISSING = float("nan")


@final
@dataclass(frozen=True, slots=True, eq=False)
class PenaltyRow:
    """One variable's prior as a penalty.

    Parameters
    ----------
    variable, distribution : str
    shape : tuple of int
    formula : str
        −log density of one entry (all entries' is the sum), up to a constant, in the variable's name and the symbols
        of `parameters`; "0" for none, "no reading" where there is none in closed form.
    parameters : mapping of str to float, array or str
        The symbols' values: text where they depend on other free variables.
    l1, l2 : float, array or str
        λ₁ of λ₁|x − location| and λ₂ of λ₂(x − location)²; 0 where there is no such term, NaN where the penalty is of
        another form.
    location : float, array or str
        Where those terms are least; NaN where there are none.
    depends_on : tuple of str
        Free variables among the prior's parameters.
    convex : bool or None
        Whether the penalty is convex in this variable, the others held; None where that is not known.
    domain : str
        Where the density is positive; empty for all reals.
    note : str
    """

    variable: str
    distribution: str
    shape: tuple[int, ...] = ()
    formula: str = NONE
    parameters: Mapping[str, Value] = field(default_factory=dict)
    l1: Value = MISSING
    l2: Value = MISSING
    location: Value = MISSING
    depends_on: tuple[str, ...] = ()
    convex: bool | None = None
    domain: str = ""
    note: str = ""

    @property
    def penalty(self) -> str:
        """The formula with its numbers, and where it holds."""
        used = [f"{symbol} = {shown(value)}" for symbol, value in self.parameters.items()]
        text = self.formula + (f" with {', '.join(used)}" if used else "")
        return text + (f", on {self.domain}" if self.domain and self.formula != NONE else "")


@final
@dataclass(frozen=True, slots=True, eq=False)
class PenaltyReading:
    """What `read_penalty` found.

    Parameters
    ----------
    rows : tuple of PenaltyRow
        Free variables in the model's order, then potentials.
    likelihood : tuple of str
        One sentence for each observed variable.
    notes : tuple of str
        What is to be known beyond the rows.
    """

    rows: tuple[PenaltyRow, ...]
    likelihood: tuple[str, ...]
    notes: tuple[str, ...]

    def __getitem__(self, variable: str) -> PenaltyRow:
        """Return the row of a variable."""
        by_name = {row.variable: row for row in self.rows}
        if variable not in by_name:
            msg = f"no row {variable!r} (there are {', '.join(by_name)})"
            raise KeyError(msg)
        return by_name[variable]

    @property
    def table(self) -> pd.DataFrame:
        """One row a variable."""
        import pandas as pd

        columns = ("shape", "distribution", "penalty", "l1", "l2", "location", "depends_on", "convex", "domain", "note")
        cells = {name: [getattr(row, name) for row in self.rows] for name in columns}
        cells["depends_on"] = [", ".join(row.depends_on) for row in self.rows]
        index = pd.Index([row.variable for row in self.rows], name="variable")
        return pd.DataFrame({k: pd.Series(v, index=index, dtype=object) for k, v in cells.items()})

    def __str__(self) -> str:
        width = max((len(row.variable) for row in self.rows), default=0)
        lines = ["penalties, in nats, summed over entries (−log prior up to a constant):"]
        for row in self.rows:
            lines.append(f"  {row.variable:<{width}}  {row.penalty}   [{_about(row)}{'' if row.convex else _not(row)}]")
            lines += [f"  {'':<{width}}    {row.note}"] if row.note else []
        return "\n".join([*lines, *self.likelihood, *(f"note: {note}" for note in self.notes)])

    def _repr_html_(self) -> str:
        """One row a variable, and what is to be known beyond them, for a notebook."""
        header = ("variable", "prior", "penalty", "convex", "note")
        convex = {True: "yes", False: "no", None: "not known"}
        rows = [
            (row.variable, _about(row), row.penalty, "" if row.formula == NONE else convex[row.convex], row.note)
            for row in self.rows
        ]
        caption = "Penalties, in nats, summed over entries (−log prior up to a constant)"
        said = [*self.likelihood, *(f"note: {note}" for note in self.notes)]
        return html.block(html.table(header, rows, caption, words=header), *map(html.paragraph, said))


def _about(row: PenaltyRow) -> str:
    return f"{row.distribution}{list(row.shape) if row.shape else ''}"


def _not(row: PenaltyRow) -> str:
    return "" if row.convex is None or row.formula == NONE else ", not convex"


def shown(value: object) -> str:
    """A number, the range of an array, or the text as it is."""
    if isinstance(value, str):
        return value
    array = np.asarray(value, dtype=float)
    if array.size == 0:
        return "none"
    if array.ndim > 1 and array.shape[-1] == array.shape[-2]:
        return f"a matrix {array.shape[-2]} × {array.shape[-1]}"
    low, high = float(array.min()), float(array.max())
    text = f"{low:.6g}" if low == high or np.isnan(low) else f"{low:.6g} to {high:.6g} by entry"
    return text.replace("-", "−").replace("inf", "∞")
