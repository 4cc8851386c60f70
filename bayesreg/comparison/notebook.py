"""A comparison in a notebook: verdict, amount and coefficients at once, the rest folded away, nothing slow computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bayesreg import html
from bayesreg.comparison.sections import LEDGER, MADE_OF, Section, ledger_cells, sections, withheld
from bayesreg.comparison.summary import SENSITIVITY, coefficient_rows, facts, heading, sensitivity_cells
from bayesreg.html import Html
from bayesreg.in_words import title

if TYPE_CHECKING:
    from bayesreg.comparison.result import Comparison

MOST_ROWS = 12
"""Coefficients shown at once."""

CHEAP = {
    "amount": (500_000, 2_000_000, 2_000_000),
    "tradeoffs": (500_000, 2_000_000, 2_000_000),
    "typicality": (500_000, 2_000_000, 5_000),
    "lints": (500_000, 100_000, 5_000),
}
"""Results that are computed for the page, up to so many numbers in the draws of β, numbers in X, and rows.

That is a fifth of a second in all.  The amount is then the one without prediction.  What takes long in large data is
the density of every draw for typicality, and for the known failings whether classes are separated (a linear programme).
"""

WORDS = ("kept / dropped", "columns", "")
"""Headers of columns of words, in any of the tables."""


def as_html(comparison: Comparison) -> str:
    """Return what a notebook shows."""
    c = comparison
    top = [html.heading(title(c.problem)), *_verdict(c)]
    folded = [_facts(c), *_all_numbers(c)]
    if not c.passed:
        return html.block(*top, *_coefficients(c), *folded)
    ready = _ready(c)
    folded += [html.details(LEDGER, html.table(*ledger_cells(c), words=WORDS))]
    folded += [_section(section) for section in sections(c, [name for name in ready if name != "amount"])]
    return html.block(*top, *_coefficients(c), *folded, *_not_yet(c, ready))


def _verdict(c: Comparison) -> list[Html]:
    """Whether the gates passed; the audited fit's own; and how much is discarded, so far as that is known cheaply."""
    yours = [] if c.audited is None else [html.verdict("Your fit:", c.audited.verdict)]
    if not c.passed:
        word, _, rest = withheld(c).partition(",")
        return [html.verdict(f"{word},", rest.strip()), *yours]
    point = c.map.outcome.value.partition(":")[0]
    chains, draws = c.posterior.beta.shape[:2]
    drawn = f"the draws passed their gates ({c.posterior.method}, {chains} × {draws})"
    shown = [html.verdict("Passed:", f"MAP and penalised fit agree ({point}); {drawn}"), *yours]
    counted = bool({"amount", "prediction"} & set(c.computed))
    if not (counted or _cheap(c, "amount")):
        return shown
    little, _, numbers = c.amount_so_far.sentence.partition(": ")
    word = f"{little.capitalize()} is discarded{'' if counted else ', prediction not yet counted'}:"
    return [*shown, html.verdict(word, numbers)]


def _cheap(c: Comparison, name: str) -> bool:
    drawn, given, rows = CHEAP.get(name, (-1, -1, -1))
    return c.posterior.beta.size <= drawn and c.problem.n * c.problem.p <= given and c.problem.n <= rows


def _ready(c: Comparison) -> list[str]:
    """Results that have been computed, or that it takes no time to compute."""
    return [name for name in MADE_OF if name in c.computed or (name != "amount" and _cheap(c, name))]


def _coefficients(c: Comparison) -> list[Html]:
    if not c.problem.p:
        return []
    header, rows, left_out = coefficient_rows(c, MOST_ROWS, brief=True)
    more = [html.paragraph(f"... and {left_out} more of {c.problem.p}, in .coefficients")] if left_out else []
    return [html.table(header, rows, heading(c)), *more]


def _all_numbers(c: Comparison) -> list[Html]:
    """The coefficients with every column, and under other scales where the data are separated."""
    if not c.problem.p:
        return []
    header, rows, left_out = coefficient_rows(c)
    more = [html.paragraph(f"... and {left_out} more, in .coefficients")] if left_out else []
    parts = [html.details("Coefficients with every number", html.table(header, rows), *more)]
    scales = sensitivity_cells(c) if c.passed else None
    return parts if scales is None else [*parts, html.details(SENSITIVITY, html.table(*scales))]


def _facts(c: Comparison) -> Html:
    found = facts(c)
    notes = sum(label == "note" for label, _ in found)
    told = f", and {notes} note{'s' * (notes != 1)}" if notes else ""
    return html.details(f"Prior, certificates and draws{told}", html.facts(found))


def _section(section: Section) -> Html:
    said = [html.paragraph(one) for one in section.said]
    rows = [html.table(section.header, section.rows, words=WORDS)] if section.rows else []
    return html.details(section.title, *said, *rows)


NAMED = {
    "amount": "how much is discarded, prediction counted",
    "tradeoffs": "pairs that trade off",
    "selection": "supports",
    "typicality": "the mode among the draws",
    "prediction": "prediction of rows left out",
    "lints": "known failings",
}


def _not_yet(c: Comparison, ready: list[str]) -> list[Html]:
    """Name what is computed only when it is asked for."""
    none = () if c.problem.p else ("selection",)
    waiting = [f"{words} (.{name})" for name, words in NAMED.items() if name not in (*ready, *none)]
    if not waiting:
        return []
    return [html.paragraph(f"Not computed yet: {', '.join(waiting)}. print(...) computes and shows all of it.")]
