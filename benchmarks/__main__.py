"""Run every benchmark and print the table: `python -m benchmarks [--quick]`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from benchmarks.measure import ROOT, Row

# Read once, when PyTensor is first imported: what is compiled in this process goes beside the tests' cache.
os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")

HEAD = ("ours | theirs", "ours s", "theirs s", "ratio", "target", "met")


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Speed, as ratios in one run.")
    parser.add_argument(
        "--quick", action="store_true", help="leave out the run with an empty compile cache (2 minutes)"
    )
    print_table(measure(quick=parser.parse_args(arguments).quick))


def measure(*, quick: bool) -> list[Row]:
    """Return all rows, saying on stderr what is being measured."""
    from benchmarks import draws, glm_fit, import_cost, lasso_fit, map_fit, ridge_compare

    def start(what: str) -> None:
        print(f"measuring {what} ...", file=sys.stderr, flush=True)

    start("the import")
    found = import_cost.rows()
    start("the ridge comparison and the tutorial route")
    compared, tutorial = ridge_compare.rows(quick=quick)
    found += compared
    start("the lasso fit")
    found += lasso_fit.rows()
    start("counts and classes on many rows")
    found += glm_fit.rows()
    start("the MAP")
    found += map_fit.rows()
    start("the draws")
    return found + draws.rows(tutorial)


def print_table(rows: Sequence[Row]) -> None:
    """Print one line a row, and its note below."""
    cells = [
        (r.name, f"{r.ours:.3g}", f"{r.theirs:.3g}", f"{r.ratio:.3g}×", r.target or "–",
         {True: "yes", False: "NO", None: "–"}[r.met])
        for r in rows
    ]  # fmt: skip
    widths = [max(map(len, column)) for column in zip(HEAD, *cells, strict=True)]
    print(_line(HEAD, widths), _line(["-" * width for width in widths], widths), sep="\n")
    for row, cell in zip(rows, cells, strict=True):
        print(_line(cell, widths))
        if row.note:
            print(f"    {row.note}")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    return "  ".join(
        [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
    )


if __name__ == "__main__":
    main()
