"""What is read in a minute: short sentences, each of which has its long form, with errors, further down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg.discard.scores import PREDICTORS
from bayesreg.discard.scores_text import CLEAR, NEGLIGIBLE
from bayesreg.plots.words import number, percent

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison


def lead(c: Comparison) -> str:
    """The conclusion."""
    much = "little" if c.amount.little else "not little"
    said = f"What the point estimate discards here is {much}."
    if c.audited is not None and not c.audited.sound:
        yours = f"Your fit is not the optimum of its own objective: {c.audited.verdict}."
        return f"{yours} What follows is of the optimum. {said}"
    if c.prediction.withheld:
        return f"Every check passed but one: rows left out could not be predicted. {said}"
    return f"Every check passed. {said}"


def minute(c: Comparison) -> tuple[str, ...]:
    """The numbers that it hangs on; of a comparison that passed its gates."""
    said = [_zeros(c), _pairs(c), _supports(c)] if c.problem.p else []
    return tuple(line for line in (*said, _prediction(c)) if line)


def _zeros(c: Comparison) -> str:
    """What is exactly zero, against what may be."""
    table = c.coefficients
    total, zero = len(table), int(table["zero"].sum())
    contain = int(((table["lower"] <= 0) & (table["upper"] >= 0)).sum())
    interval = f"{100 * c.interval_prob:.3g} % posterior interval"
    if total == 1:
        is_it = "is exactly 0" if zero else "is not 0"
        verb = "holds" if contain else "excludes"
        return f"The point estimate says that the coefficient {is_it}; its {interval} {verb} 0."
    if zero:
        first = f"The point estimate says that {zero} of {total} coefficients {'is' if zero == 1 else 'are'} exactly 0"
    else:
        first = f"The point estimate says of none of the {total} coefficients that it is 0"
    return f"{first}; the {interval} of {contain or 'none'} holds 0."


def _pairs(c: Comparison) -> str:
    """Where it decides what the posterior leaves open."""
    if c.problem.p < 2 or not c.tradeoffs.count:
        return ""
    row = c.tradeoffs.table.iloc[0]
    pairs = "1 pair" if c.tradeoffs.count == 1 else f"{c.tradeoffs.count} pairs"
    if c.coefficients["zero"].any():
        what = "it keeps one and drops the other"
        which = f"it keeps {row['kept']} and drops {row['dropped']}"
    else:  # nothing is dropped: what is within ε counts as small
        what = "it has one for an effect and the other for a small one"
        which = f"{row['kept']} and {row['dropped']}"
    return (
        f"In {pairs} of columns {what} where the posterior cannot tell which is the larger: {which}, and P(the first "
        f"is larger) is {percent(float(row['p_larger']))}."
    )


def _supports(c: Comparison) -> str:
    """How many other choices of columns would do as well."""
    found = c.selection
    kept = len(found.map_support)
    if kept == c.problem.p:
        return ""
    own = percent(found.map_frequency) if found.map_frequency > 0 else "none"
    columns = "It keeps no column, as do" if not kept else "Its 1 column is that of" if kept == 1 else (
        f"Its {kept} columns are those of"
    )  # fmt: skip
    return (
        f"{columns} {own} of the posterior's draws, which need {number(found.mean_size)} on average to predict what "
        "they predict."
    )


def _prediction(c: Comparison) -> str:
    """Whether predictions would be any different."""
    ledger = c.prediction
    if ledger.withheld:
        return f"Whether it predicts as well is not known: {ledger.withheld}."
    columns = ["difference", "difference_se", "mcse_difference"]
    lost, se, error = (float(v) for v in ledger.scores.loc[[PREDICTORS[0]], columns].to_numpy()[0])
    reach = CLEAR * float(np.hypot(se, np.nan_to_num(error)))
    rows = f"over {ledger.total} rows left out ({number(lost)} ± {number(se)} nats)"
    if abs(lost) + reach <= NEGLIGIBLE:
        return f"Its predictions are as good as those of the whole posterior {rows}."
    if abs(lost) <= reach:
        return f"Its predictions cannot be told from those of the whole posterior {rows}."
    return f"Its predictions are {'worse' if lost > 0 else 'better'} than those of the whole posterior {rows}."
