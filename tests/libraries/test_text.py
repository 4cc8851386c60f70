"""The formulas that people read are the arithmetic that is done."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesreg.libraries.facts import Facts, standardises
from bayesreg.libraries.objective import LibraryObjective, table
from bayesreg.libraries.rates import to_rates
from bayesreg.libraries.text import cells, markdown, rate_texts

N, SD = 20, np.array([0.5, 2.0, 3.0])
WEIGHTS = np.linspace(0.5, 2.0, N)
FACTS = Facts(
    n=N, sigma=0.7, dispersion=0.6, noise_scale=0.45, sd_y=1.7, rms_y=2.5, working_weights=12.5, weights=WEIGHTS
)

ROWS = {name: row for name, row in table().items() if not row.none}


def numbers(row: LibraryObjective) -> dict[str, Any]:
    """Values for what a row takes, standardisation on where it can be."""
    found: dict[str, Any] = {name: 0.3 for name in (row.strength, row.ratio, row.l1, row.l2) if name}
    found |= {name: np.array([0.5, 1.0, 1.5]) for name in row.factors}
    found |= {row.chooser: "elasticnet"} if row.chooser else {}
    return found | ({row.option[0]: True} if row.option is not None else {})


def evaluated(text: str, row: LibraryObjective, values: dict[str, Any]) -> Any:
    """A formula with its symbols replaced by numbers."""
    total = float(WEIGHTS.sum())
    sample = np.sqrt(N / (N - 1)) if row.columns == "sd1-rows" else np.sqrt(total / (total - WEIGHTS @ WEIGHTS / total))
    symbols: dict[str, Any] = {
        "sd₁(y)": 1.7 * sample, "sd(y)": 1.7, "rms(y)": 2.5, "sd₁": SD * sample, "sd": SD, "Σω": 12.5, "√2": np.sqrt(2),
        "σ": 0.7, "φ": 0.6, "n": N, "N": total, "s": 0.45,
    } | values  # fmt: skip
    pattern = "|".join(re.escape(name) for name in sorted(symbols, key=len, reverse=True))
    names = {name: f"v{i}" for i, name in enumerate(symbols)}
    code = re.sub(rf"(?<![A-Za-z_.])(?:{pattern})(?![A-Za-z_.\d(])", lambda found: names[found.group()], text)
    code = code.replace("²", "**2").replace("·", "*").replace("−", "-")
    return eval(code, {"__builtins__": {}}, {names[name]: value for name, value in symbols.items()})


@pytest.mark.parametrize("name", ROWS)
def test_the_formula_is_the_arithmetic(name: str) -> None:
    row = ROWS[name]
    values = numbers(row)
    assert row.option is None or standardises(row, values)
    rates = to_rates(row, values, FACTS)
    width = SD if rates.standardized else np.ones(3)
    for text, rate, power in zip(rate_texts(row), (rates.l1, rates.l2), (1, 2), strict=True):
        found = evaluated(text, row, values) * np.ones(3)
        np.testing.assert_allclose(found, rate * width**power, rtol=1e-12, err_msg=text)


def test_every_row_has_a_line_in_the_page() -> None:
    page = (Path(__file__).parents[2] / "docs" / "which-prior.md").read_text(encoding="utf-8")
    written = page[page.index("<!-- table: begin -->") : page.index("<!-- table: end -->")]
    assert markdown().strip() in written, "run: bayesreg convert --list --markdown, and put it into the page"
    assert all(len(cells(row)) == 8 for row in table().values())
