"""Run the benchmarks and print the tables: `python -m benchmarks [PART] [--quick]`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module

from benchmarks.columns import met, print_columns
from benchmarks.measure import ROOT, Row
from benchmarks.tasks import BY_NAME, TASKS

# Read once, when PyTensor is first imported: what is compiled in this process goes beside the tests' cache.
os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")

TABLES = {
    "discards": ("benchmarks.discards", "what the point estimate discards"),
    "report": ("benchmarks.report", "the report"),
    "validation": ("benchmarks.validation.speed", "calibration and coverage"),
}
"""Part -> the module that has its `rows`, and what is measured."""

HEAD = ("ours | theirs", "ours s", "theirs s", "ratio", "target", "met")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios in one run.")
    parser.add_argument(
        "part", nargs="?", choices=("all", "posteriors", "map", "paths", *TABLES), default="all",
        help="`posteriors`: the samplers only; `map`: modes of PyMC models only; `paths`: paths over λ only; "
        "`discards`: what the point estimate discards only; `report`: the report only; `validation`: calibration and "
        "coverage only",
    )  # fmt: skip
    parser.add_argument(
        "--quick", action="store_true", help="once each, without the runs with an empty compile cache or of minutes"
    )
    parser.add_argument("--tasks", nargs="+", choices=sorted(BY_NAME), help="of the samplers' tasks only these")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # an orderly end, which stops the processes being measured
    if options.part == "all":
        print_table(measure(quick=options.quick))
        print()
    if options.part in ("paths", "all"):
        print_table(measure_paths(quick=options.quick))
        print()
    if options.part == "paths":
        return
    for part, (module, what) in TABLES.items():
        if options.part in (part, "all"):
            _say(what)
            print_table(import_module(module).rows())
            print()
    if options.part in TABLES:
        return
    if options.part in ("map", "all"):
        from benchmarks import any_model

        any_model.print_found(*any_model.measure(_say))
        print()
    if options.part == "map":
        return
    from benchmarks import posteriors

    tasks = [task for task in TASKS if options.tasks is None or task.name in options.tasks]
    posteriors.print_found(posteriors.measure(quick=options.quick, say=_say, tasks=tasks))


def _say(what: str) -> None:
    print(f"measuring {what} ...", file=sys.stderr, flush=True)


def measure(*, quick: bool) -> list[Row]:
    """Return all rows, saying on stderr what is being measured."""
    from benchmarks import draws, glm_fit, import_cost, lasso_fit, map_fit, ridge_compare

    _say("the import")
    found = import_cost.rows()
    _say("the ridge comparison and the tutorial route")
    compared, tutorial = ridge_compare.rows(quick=quick)
    found += compared
    _say("the lasso fit")
    found += lasso_fit.rows()
    _say("counts and classes on many rows")
    found += glm_fit.rows()
    _say("the MAP")
    found += map_fit.rows()
    _say("the draws")
    return found + draws.rows(tutorial)


def measure_paths(*, quick: bool) -> list[Row]:
    """Return the rows of paths over λ."""
    from benchmarks import penalty_paths, posterior_paths

    _say("the penalised paths")
    found = penalty_paths.rows(repeats=1 if quick else 5)
    _say("the posteriors along a path")
    return found + posterior_paths.rows(quick=quick)


def print_table(rows: Sequence[Row]) -> None:
    """Print one line a row, and its note below."""
    cells = [
        (r.name, f"{r.ours:.3g}", f"{r.theirs:.3g}", f"{r.ratio:.3g}×", r.target or "–", met(r.met))
        for r in rows
    ]  # fmt: skip
    print_columns(HEAD, cells, [row.note for row in rows])


if __name__ == "__main__":
    main()
