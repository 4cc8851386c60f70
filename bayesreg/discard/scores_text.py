"""A prediction ledger in words and aligned columns, for a terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.discard.scores import PredictionLedger

PLUG_INS = {"plug-in at MAP": "the plug-in at the MAP", "plug-in at mean": "the plug-in at the posterior mean"}

WIDTH = 110
"""Columns of text before a line is wrapped."""

NEGLIGIBLE = 1.0
"""Nats in sum over all rows below which a difference in prediction is called none worth having."""

CLEAR = 2.0
"""Standard errors beyond which a difference is there."""


def sentence_of(ledger: PredictionLedger) -> str:
    """Return the conclusion alone."""
    if ledger.withheld:
        return f"Prediction ({ledger.method}): WITHHELD: {ledger.withheld}"
    return " ".join(_conclusion(ledger, name) for name in PLUG_INS)


def as_text(ledger: PredictionLedger) -> str:
    """Return the conclusion and the tables; where it is withheld, the reason and no number."""
    if ledger.withheld:
        return sentence_of(ledger)
    said = [line for name in PLUG_INS for line in (_wrapped(_conclusion(ledger, name)), "")]
    parts = [*said, _wrapped(ledger.text), *(_wrapped(f"Note: {note}") for note in ledger.notes)]
    parts += ["", *_aligned(*_score_cells(ledger))]
    parts += ["", "Central predictive intervals of held-out rows: coverage ± se, mean width"]
    parts += _aligned(*_interval_cells(ledger))
    limit = 1.36 / np.sqrt(len(ledger.rows))
    parts += ["", f"PIT: sup distance from uniform; 5 % of calibrated forecasts exceed about {limit:.3f}"]
    parts += _aligned(
        ["", "distance"], [[str(name), f"{value:.3f}"] for name, value in ledger.scores["pit_distance"].items()]
    )
    if ledger.calibration is not None:
        parts += ["", "Calibration of the full posterior's probabilities: predicted, observed ± se, rows"]
        parts += _aligned(*_calibration_cells(ledger.calibration))
    return "\n".join(parts)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, subsequent_indent="  ")


def _conclusion(ledger: PredictionLedger, name: str) -> str:
    """Say how much a plug-in loses against the full posterior, with its errors, and whether that is anything."""
    columns = ["difference", "difference_se", "mcse_difference"]
    lost, se, mcse = (float(value) for value in ledger.scores.loc[[name], columns].to_numpy()[0])
    error = "" if np.isnan(mcse) else f", Monte Carlo error {mcse:.2g}"
    sense = "worse" if lost >= 0 else "better"
    text = (
        f"{PLUG_INS[name][0].upper()}{PLUG_INS[name][1:]} predicts new rows {abs(lost):.3g} ± {se:.2g} nats {sense} in "
        f"sum over {ledger.total} rows ({abs(lost) / ledger.total:.2g} a row{error}) than the full posterior"
    )
    reach = CLEAR * np.hypot(se, 0.0 if np.isnan(mcse) else mcse)
    if abs(lost) + reach <= NEGLIGIBLE:
        return f"{text}: less than a nat, also with {CLEAR:g} standard errors, so that nothing worth having is lost."
    if abs(lost) <= reach:
        return f"{text}: within {CLEAR:g} standard errors, so that these rows cannot tell the two apart."
    return f"{text}."


def _score_cells(ledger: PredictionLedger) -> tuple[list[str], list[list[str]]]:
    binary = "log_loss" in ledger.scores
    header = ["", "elpd (nats)", "± se", "full − this", "± se", "± Monte Carlo", "rmse"]
    header += ["log loss", "Brier", "slope"] if binary else []
    rows = []
    for name, row in ledger.scores.iterrows():
        cells = [str(name), f"{row['elpd']:.2f}", f"{row['elpd_se']:.2f}", f"{row['difference']:.3f}"]
        cells += [f"{row['difference_se']:.3f}", _error(row["mcse_difference"]), f"{row['rmse']:.4g}"]
        if binary:
            slope = f"{row['calibration_slope']:.2f} ± {row['calibration_slope_se']:.2f}"
            cells += [f"{row['log_loss']:.4f}", f"{row['brier']:.4f}", slope]
        rows.append(cells)
    return header, rows


def _error(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.2g}"


def _interval_cells(ledger: PredictionLedger) -> tuple[list[str], list[list[str]]]:
    table = ledger.intervals
    probabilities = table.index.get_level_values("probability").unique()
    header = ["", *(cell for p in probabilities for cell in (f"{p:.0%}", "width"))]
    rows = []
    for name in table.index.get_level_values("predictor").unique():
        cells = [str(name)]
        for p in probabilities:
            row = table.loc[(name, p)]
            cells += [f"{row['coverage']:.1%} ± {row['coverage_se']:.1%}", f"{row['width']:#.4g}"]
        rows.append(cells)
    return header, rows


def _calibration_cells(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    shown = table[table["predictor"] == "full posterior"]
    cells = []
    for _, row in shown.iterrows():
        shares = [f"{row[name]:.3f}" for name in ("predicted", "observed", "se")]
        cells.append([f"{row['bin'] + 1:g}", *shares, f"{row['count']:g}"])
    return ["bin", "predicted", "observed", "± se", "rows"], cells


def _aligned(header: list[str], rows: list[list[str]]) -> list[str]:
    """Columns, the first left-aligned and the others right-aligned."""
    widths = [max(len(line[j]) for line in (header, *rows)) for j in range(len(header))]
    return [
        "  "
        + "  ".join(c.ljust(w) if j == 0 else c.rjust(w) for j, (c, w) in enumerate(zip(line, widths, strict=True)))
        for line in (header, *rows)
    ]
