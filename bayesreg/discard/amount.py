"""How much the point estimate discards, in a few numbers; and plainly that it is little, where it is.

As n grows and the posterior narrows, its sd falls as n^(−1/2) and |MAP − mean| as 1/n: in sds, as n^(−1/2) too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.discard.apart import DECIDED, column_table, fitted_move
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.scores import PREDICTORS, PredictionLedger
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

LITTLE_SHIFT = 0.25
"""|MAP − mean| in posterior sds up to which it is little: the 95 % interval laid about the MAP still holds 94.3 %."""

LITTLE_WIDTH = 0.5
"""Posterior sd in units of ε up to which it is little: mean ± 2 sd is then no wider than ± a small effect."""

LITTLE_SHARE = 0.25
"""Share of the columns up to which it is little that their size, or their sign, is left undecided."""

LITTLE_FIT = 0.5
"""Root mean square move of η in units of ε_η up to which it is little: half of what a small effect does."""

LITTLE_NATS = 1.0
"""Summed held-out log score, in nats, that the plug-in at the MAP may lose and that is little."""

MODE = PREDICTORS[0]
"""The predictor that the log score is of."""

ERRORS = 2.0
"""Monte Carlo standard errors from its limit within which a number may be on the other side of it."""

COLUMNS = ("value", "error", "limit", "little", "near", "where")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Amount:
    """The few numbers that say how much the point estimate discards.

    Parameters
    ----------
    numbers : pandas.DataFrame
        One row a quantity, with columns value, error (Monte Carlo standard error; for a share of columns, the share
        that is within two standard errors of being decided otherwise; for the log score, the paired one over rows
        and the Monte Carlo error together), limit (up to which it is little; NaN where it does not count), little, near
        (whether value is within two errors of the limit) and where (the column that it is of).  Rows:

        `largest shift`, `median shift`   |MAP − mean| in posterior sds, over the columns
        `largest width`                   posterior sd in units of ε
        `undecided`                       share of columns with 0.05 < P(|β| ≤ ε) < 0.95
        `unsigned`                        share, among the columns that the MAP keeps and whose |β| is not decided to
                                          be ≤ ε, of those with neither sign of probability 0.95; 0 where there is none
        `fitted`                          root mean square over rows of η(MAP) − E η, in units of ε_η
        `log score`                       held-out nats in sum that the plug-in at the MAP loses, where it was given
    columns : pandas.DataFrame
        What they are made of, column by column.
    little : bool
        Whether every number that counts is within its limit; False where nothing may be concluded.
    sentence : str
        "little: ..." or "not little: ...", with the numbers and their errors.
    withheld : str
        Why nothing may be concluded; empty where the draws passed every gate.
    """

    numbers: pd.DataFrame
    columns: pd.DataFrame
    little: bool
    sentence: str
    withheld: str

    def __str__(self) -> str:
        """The sentence, and the numbers beside their limits."""
        if self.withheld:
            return self.sentence
        shown = self.numbers.copy()
        shown["little"] = np.where(shown["limit"].isna(), "", np.where(shown["little"], "yes", "no"))
        shown["near"] = np.where(shown["near"], "within error of the limit", "")
        text = shown.to_string(float_format="{:.3g}".format, na_rep="-")
        return f"{self.sentence}\n\n{text}"


def amount(
    posterior: Posterior,
    optimum: Optimum | None = None,
    epsilon: float | Array | None = None,
    prediction: PredictionLedger | None = None,
) -> Amount:
    """Say how much the point estimate discards, and whether that is little.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the same problem.
    epsilon : float or array (p,), optional
        An effect with |β| ≤ ε counts as small, on the scale that the prior sees.  By default 0.1 of the scale of η
        (the sd of y; π/√3 for a logit) per sd of the column.
    prediction : PredictionLedger, optional
        What the point costs on held-out rows.  One that is itself withheld counts for nothing, and that is said.

    Returns
    -------
    Amount
        Little if the largest shift is ≤ 0.25 sd, the largest posterior sd ≤ 0.5 ε, the shares undecided and unsigned
        ≤ 0.25, fitted values move by ≤ 0.5 ε_η, and on held-out rows, where these were given, it loses ≤ 1 nat in sum.

    Raises
    ------
    ParameterError
        If an argument is none of these, or the optimum is of other columns.
    FitError
        If no optimum was given and the problem has none that is finite.
    """
    import pandas as pd

    require_posterior(posterior, "amount")
    small = small_effect(posterior.problem, epsilon)
    if prediction is not None and not isinstance(prediction, PredictionLedger):
        msg = f"amount: prediction must be a PredictionLedger, as prediction and kfold return (got {prediction!r})"
        raise ParameterError(msg)
    withheld = withheld_by(posterior)
    if withheld:
        text = f"what the point estimate discards: WITHHELD: {withheld}"
        return Amount(pd.DataFrame(columns=list(COLUMNS)), pd.DataFrame(), False, text, withheld)
    point = point_of(posterior, optimum, "amount")
    table = column_table(posterior, point, small)
    found = {**_of_columns(table), "fitted": (*fitted_move(posterior, point), LITTLE_FIT, "")}
    if prediction is not None and not prediction.withheld:
        columns = ["difference", "difference_se", "mcse_difference"]
        lost, *errors = prediction.scores.loc[[MODE], columns].to_numpy(dtype=float)[0]
        found["log score"] = (float(lost), float(np.hypot(*np.nan_to_num(errors))), LITTLE_NATS, "")
    numbers = _judged(found)
    little = bool(numbers["little"][numbers["limit"].notna()].all())
    text = _sentence(numbers, table, little=little)
    if prediction is not None and prediction.withheld:
        text += f"; what it costs in prediction is not counted: {prediction.withheld}"
    return Amount(numbers, table, little, text, "")


Flags = NDArray[np.bool_]

Measured = tuple[float, float, float, str]
"""Value, error, limit and the column it is of."""


def _of_columns(table: pd.DataFrame) -> dict[str, Measured]:
    """The numbers that are read off the columns; none where there is no column."""
    if not len(table):
        return {}
    shift, width = table["shift"].abs().to_numpy(), table["width"].to_numpy()
    most, widest = int(np.nanargmax(shift)), int(np.nanargmax(width))
    middle = np.argsort(shift)[(len(table) - 1) // 2 : len(table) // 2 + 1]
    kept = ((table["map"] != 0) & (table["p_small"] < DECIDED)).to_numpy()
    return {
        "largest shift": (shift[most], table["shift_mcse"].iloc[most], LITTLE_SHIFT, table.index[most]),
        # The columns' errors as if they were one error: no smaller than the error of their mean.
        "median shift": (float(np.median(shift)), float(table["shift_mcse"].iloc[middle].mean()), np.nan, ""),
        "largest width": (width[widest], table["width_mcse"].iloc[widest], LITTLE_WIDTH, table.index[widest]),
        "undecided": (*_share(table["undecided"].to_numpy(), _unsure(table, "p_small"), np.ones(len(table), bool)), ""),
        "unsigned": (*_share(table["unsigned"].to_numpy(), _unsure(table, "p_positive"), kept), ""),
    }


def _share(marked: Flags, unsure: Flags, among: Flags) -> tuple[float, float, float]:
    count = max(int(among.sum()), 1)
    return float((marked & among).sum() / count), float((unsure & among).sum() / count), LITTLE_SHARE


def _unsure(table: pd.DataFrame, name: str) -> Flags:
    """Whether a probability is within its Monte Carlo error of 0.05 or 0.95."""
    value, error = table[name].to_numpy(), table[f"{name}_mcse"].to_numpy()
    near = [(np.abs(value - edge) <= ERRORS * error) & (error > 0) for edge in (1 - DECIDED, DECIDED)]
    return np.asarray(near[0] | near[1])


def _judged(found: dict[str, Measured]) -> pd.DataFrame:
    import pandas as pd

    rows = {}
    for name, (value, error, limit, where) in found.items():
        # Of a share, `error` is a bound and not a standard error.
        reach = error if name in ("undecided", "unsigned") else ERRORS * error
        near = bool(error > 0 and abs(value - limit) <= reach)
        rows[name] = (value, error, limit, bool(value <= limit), near, where)
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)).rename_axis("quantity")


def _sentence(numbers: pd.DataFrame, table: pd.DataFrame, *, little: bool) -> str:
    """The numbers that are too large first, or all where it is little."""
    told = [name for name in numbers.index if little or not (numbers.at[name, "little"] or name == "median shift")]
    if little and "median shift" in told:
        told.remove("median shift")  # said with the largest
    parts = [_told(name, numbers, table) for name in told]
    near = [name for name in numbers.index if numbers.at[name, "near"]]
    text = f"{'little' if little else 'not little'}: {'; '.join(parts)}"
    if near:
        text += f" (within error of its limit, and so undecided: {', '.join(near)})"
    return text


def _told(name: str, numbers: pd.DataFrame, table: pd.DataFrame) -> str:
    row = numbers.loc[name]
    value, limit = f"{row['value']:.3g} ± {row['error']:.1g}", f"(little is up to {row['limit']:g})"
    if name == "largest shift":
        median = numbers.loc["median shift"]
        others = "" if len(table) < 2 else f", the median {median['value']:.3g} ± {median['error']:.1g} sd"
        return f"the MAP is {value} posterior sd from the mean in {row['where']!r}, the most{others} {limit}"
    if name == "largest width":
        return f"the posterior sd of {row['where']!r}, the widest, is {value} of a small effect ε {limit}"
    if name == "fitted":
        return f"fitted values at the MAP are {value} of a small effect from their means, root mean square {limit}"
    if name == "log score":
        return f"on held-out rows the plug-in at the MAP loses {value} nats in sum {limit}"
    count = int(table[name].sum())
    if name == "undecided":
        return f"whether |β| > ε is undecided in {count} of {len(table)} columns {limit}"
    kept = int(((table["map"] != 0) & (table["p_small"] < DECIDED)).sum())
    columns, have = f"{kept} column{'s' * (kept != 1)}", "has" if count == 1 else "have"
    return f"of {columns} that the MAP keeps and that may be more than small, {count} {have} no sure sign {limit}"
