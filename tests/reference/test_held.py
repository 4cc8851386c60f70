"""Every sampler against everything that others published of a posterior: means, sds, quantiles, within their errors.

The rows are those of the table that `python -m benchmarks.references` prints.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks import references
from benchmarks.references import bugs, lasso, least_squares, markdown, posteriordb, rows, rstanarm, run_case
from benchmarks.references.case import half_unit
from benchmarks.references.run import HEAD, LEVEL, MISSING, samplers_of

PARTS = pytest.mark.parametrize("part", [posteriordb, rstanarm, bugs, lasso, least_squares], ids=lambda m: m.__name__)


@pytest.mark.reference
@PARTS
def test_every_sampler_that_applies_agrees(part: ModuleType, shared: Path) -> None:
    found = [run_case(case, sampler) for case in part.cases(shared) for sampler in samplers_of(case)]
    assert len(found) >= len(part.cases(shared))
    differing = [row for row in found if row.verdict != "agrees"]
    assert not differing
    assert sum(row.comparisons for row in found) >= 80


@pytest.mark.reference
@PARTS
def test_each_reference_tells_a_posterior_that_is_off(part: ModuleType, shared: Path) -> None:
    controlled = [case for case in part.cases(shared) if np.isfinite(case.control)]
    assert controlled
    for case in controlled:
        row = run_case(case, samplers_of(case)[0], factor=case.control)
        assert row.verdict == "differs", row


def test_without_the_references_there_are_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references.run, "shared_folder", lambda: None)
    references.cases.cache_clear()
    assert rows() == []
    assert markdown([]).strip() == MISSING
    references.cases.cache_clear()


def test_the_table() -> None:
    row = references.Row("a | b", "someone", "gibbs", 30, 1.234, 4.65, "q5 of x", "agrees", "not all", "1")
    refused = references.Row("c", "someone", "surrogate", 0, np.nan, np.nan, "", "refused: uneven", "", "1")
    text = markdown([asdict(row), asdict(refused)])
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert lines[0] == f"| {' | '.join(HEAD)} |"
    assert lines[2] == r"| a \| b | someone | gibbs | 30 | 1.23 | q5 of x | 4.65 | agrees |"
    assert lines[3] == "| c | someone | surrogate | 0 | – |  | – | refused: uneven |"
    assert "- a | b: not all" in text
    assert f"{1 - 2 * LEVEL:.3g}" in text


@pytest.mark.parametrize(
    ("number", "digits", "expected"),
    [(-39.82, 4, 0.005), (6.25, 4, 0.0005), (0.03988, 4, 5e-6), (0.798, 4, 5e-5), (12.7, 4, 0.005), (0.0, 4, 0.0)],
)
def test_half_a_unit_of_the_last_digit(number: float, digits: int, expected: float) -> None:
    assert half_unit(number, digits) == pytest.approx(expected)
