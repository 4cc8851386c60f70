"""Validate every sampler and write docs/validation.md: `python -m benchmarks.validation [--quick]`."""

from __future__ import annotations

import argparse
import datetime
import os
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks.measure import ROOT
from benchmarks.references.run import markdown
from benchmarks.references.run import rows as reference_rows
from benchmarks.validation import calibrations, others, page
from benchmarks.validation.cases import SEED, cases
from benchmarks.validation.controls import all_caught

os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")

PAGE = ROOT / "docs" / "validation.md"
STORES = ROOT / ".validation"
"""Replications that are finished: a run that was stopped goes on."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all parts, write the page, and return 1 if anything failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validation", description=__doc__)
    parser.add_argument("--replications", type=int, default=200, help="of each problem (default 200)")
    parser.add_argument("--quick", action="store_true", help="20 replications, nothing compiled, nothing written")
    parser.add_argument("--workers", type=int, default=2, help="processes (default 2)")
    options = parser.parse_args(arguments)
    found = _run(20 if options.quick else options.replications, options.workers, quick=options.quick)
    text = _page(found)
    if options.quick:
        print(text)
    else:
        PAGE.write_text(text, encoding="utf-8")
        print(f"written: {PAGE}", file=sys.stderr)
    return int(not _passed(found))


def _run(replications: int, workers: int, *, quick: bool) -> dict[str, Any]:
    listed = [case for case in cases() if not quick or case.method != "nuts"]
    level = calibrations.FAMILY / len(listed)
    folder = None if quick else STORES
    if folder is not None:
        folder.mkdir(exist_ok=True)
    found: dict[str, Any] = {"level": level, "calibrations": [], "replications": replications}
    for row in calibrations.rows(replications, folder=folder, workers=workers, chosen=listed):
        _say(f"{row['likelihood']} × {row['prior']}: {row['verdict']} ({row['seconds']:.0f} s)")
        found["calibrations"].append(row)
    found["controls"] = []
    for row in all_caught(level, workers, quick=quick):
        said = "caught" if row["caught"] else "NOT CAUGHT"
        _say(f"{row['fault']}, {row['sampler']}: {said} ({row['seconds']:.0f} s)")
        found["controls"].append(row)
    found["agreements"] = list(others.agreements()) if not quick else []
    _say("agreement: done")
    found["coverages"], found["coverage_text"] = others.coverages(20 if quick else 200, workers)
    _say("coverage: done")
    found["references"] = reference_rows(compiled=not quick)
    return found


def _passed(found: dict[str, Any]) -> bool:
    return (
        all(row["passed"] for row in found["calibrations"])
        and all(row["caught"] for row in found["controls"])
        and all(row["passed"] for row in found["agreements"])
        and all(row["verdict"] == "agrees" for row in found["references"])
    )


def _page(found: dict[str, Any]) -> str:
    """The whole page."""
    seconds = sum(row["seconds"] for part in ("calibrations", "controls") for row in found[part])
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    return page.TEMPLATE.format(
        date=date, versions=page.versions(), seed=SEED, minutes=f"{seconds / 60:.0f}",
        verdict="Everything passed." if _passed(found) else "**Something failed: see below.**",
        calibrations=page.calibrations(found["calibrations"], found["level"]),
        controls=page.controls(found["controls"], found["level"]),
        agreements=page.agreements(found["agreements"]),
        coverages=page.coverages(found["coverages"]),
        coverage_text="\n".join(f"- {line}" for line in found["coverage_text"].splitlines()),
        data_sets=found["coverages"][0]["replications"],
        references=markdown(found["references"]),
    )  # fmt: skip


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
