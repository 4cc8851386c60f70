"""Printing in columns."""

from __future__ import annotations

from collections.abc import Sequence


def print_columns(head: Sequence[str], rows: Sequence[Sequence[str]], notes: Sequence[str]) -> None:
    """Print one line a row, the first column to the left and the others to the right, and its note below."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    print(_line(head, widths), _line(["-" * width for width in widths], widths), sep="\n")
    for row, note in zip(rows, notes, strict=True):
        print(_line(row, widths))
        if note:
            print(f"    {note}")


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = cells
    return "  ".join(
        [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))]
    )


def met(reached: bool | None) -> str:
    """Whether a target is met, in a word; a dash where there is none or nothing to hold against it."""
    return {True: "yes", False: "NO", None: "–"}[reached]
