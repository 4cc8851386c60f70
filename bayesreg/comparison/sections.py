"""What the point estimate discards, section by section, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from bayesreg.discard.scores import INTERVALS, PredictionLedger
from bayesreg.in_words import listed

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.comparison.result import Comparison

MOST_PAIRS, MOST_SUPPORTS = 5, 5
"""Rows of a section that are shown."""

LEDGER = "What the point estimate discards"

LEFT_OUT = (
    "posterior means, intervals and probabilities",
    "the ledger",
    "pairs that trade off",
    "supports",
    "the mode among the draws",
    "prediction of rows left out",
    "known failings",
)
"""What a failed gate withholds, in the order in which it would be printed."""


@final
@dataclass(frozen=True, slots=True)
class Section:
    """A heading, what is said under it, and a table; header and rows may be empty."""

    title: str
    said: tuple[str, ...]
    header: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


def sections(c: Comparison, of: Collection[str] | None = None) -> list[Section]:
    """Return the sections of a comparison that passed its gates: all, or those made of the results named `of`."""
    made = [make(c) for name, make in MADE_OF.items() if of is None or name in of]
    return [section for section in made if section is not None]


def withheld(c: Comparison) -> str:
    """Say what is not printed, and why."""
    left_out = LEFT_OUT[1:] if c.posterior.verdict.passed else LEFT_OUT  # draws that passed are shown
    return f"WITHHELD, nothing may be concluded: {c.withheld}. Not printed: {', '.join(left_out)}."


def _ledger(c: Comparison) -> Section:
    return Section(LEDGER, (c.amount.sentence,), *ledger_cells(c))


def ledger_cells(c: Comparison) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Header and rows of the ledger."""
    rows = [
        (str(row["quantity"]), f"{row['map']:.5g}", f"{row['posterior_mean']:.5g}", _error(row["mcse"]))
        for _, row in c.ledger.iterrows()
    ]
    return ("", "at the MAP", "posterior mean", "± Monte Carlo"), tuple(rows)


def _error(value: float, form: str = ".1g") -> str:
    return "" if value != value else f"{value:{form}}"


def _pairs(c: Comparison) -> Section | None:
    if c.problem.p < 2:
        return None
    found = c.tradeoffs
    shown = found.table.head(MOST_PAIRS)
    rows = tuple(
        (
            f"{row.kept} / {row.dropped}", f"{row.correlation:.2f}", _error(together, ".2f"),
            f"{row.p_larger:.3f} ± {row.p_larger_mcse:.1g}", f"{row.p_both_small:.3f}",
        )
        for row, together in zip(shown.itertuples(), shown["column_correlation"].to_numpy(dtype=float), strict=True)
    )  # fmt: skip
    header = ("kept / dropped", "posterior corr.", "columns' corr.", "P(|kept| > |dropped|)", "P(both ≤ ε)")
    return Section("Pairs that trade off", (found.sentence,), header if rows else (), rows)


def _supports(c: Comparison) -> Section | None:
    if not c.problem.p:
        return None
    found = c.selection
    shown = found.table.head(MOST_SUPPORTS)
    told = (shown[name].tolist() for name in ("columns", "size", "frequency", "mcse", "cumulative", "is_map"))
    rows = tuple(
        (listed(columns), str(size), f"{share:.3f} ± {error:.1g}", f"{total:.3f}", "the MAP's" if own else "")
        for columns, size, share, error, total, own in zip(*told, strict=True)
    )
    return Section("Supports", (found.sentence,), ("columns", "size", "frequency", "in all", ""), rows)


def _typical(c: Comparison) -> Section:
    return Section("The mode among the draws", (c.typicality.sentence,))


def _prediction(c: Comparison) -> Section:
    found = c.prediction
    if found.withheld:
        return Section("Prediction of rows left out", (f"WITHHELD: {found.withheld}",))
    binary = "log_loss" in found.scores
    header = (
        "",
        "log score (nats)",
        "full − this",
        *(BINARY if binary else (f"inside {100 * q:g} %" for q in INTERVALS)),
    )
    rows = []
    for name, row in found.scores.iterrows():
        difference = "" if not row["difference_se"] > 0 else f"{row['difference']:.2f} ± {row['difference_se']:.2g}"
        lead = (str(name), f"{row['elpd']:.2f} ± {row['elpd_se']:.2g}", difference)
        rows.append((*lead, *(_calibrated(row) if binary else _covered(found, str(name)))))
    title = f"Prediction of rows left out ({found.method})"
    return Section(title, (found.sentence, *found.notes), header, tuple(rows))


BINARY = ("log loss", "Brier", "calibration slope")
"""What is shown of classes, whose intervals say nothing."""


def _calibrated(row: pd.Series[float]) -> tuple[str, ...]:
    found = row["calibration_slope"] == row["calibration_slope"]  # none where the classes are apart
    slope = f"{row['calibration_slope']:.2f} ± {row['calibration_slope_se']:.2g}" if found else "none"
    return f"{row['log_loss']:.4f}", f"{row['brier']:.4f}", slope


def _covered(found: PredictionLedger, name: str) -> tuple[str, ...]:
    inside = [found.intervals.xs((name, level)) for level in INTERVALS]
    return tuple(f"{one['coverage']:.3f} (width {one['width']:.3g})" for one in inside)


def _failings(c: Comparison) -> Section | None:
    if not c.lints:
        return None
    return Section("Known failings that apply", tuple(map(str, c.lints)))


MADE_OF: dict[str, Callable[[Comparison], Section | None]] = {
    "amount": _ledger,
    "tradeoffs": _pairs,
    "selection": _supports,
    "typicality": _typical,
    "prediction": _prediction,
    "lints": _failings,
}
"""Result of a comparison, computed at first use, -> the section that it makes, in the order of the page."""
