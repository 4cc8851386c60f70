"""Options that the commands which sample have in common."""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bayesreg.errors import DataWarning, InputError


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of its sampler and of what it leaves behind."""
    parser.add_argument(
        "--method", default="auto", help="sampler: auto, conjugate, gibbs, surrogate, hmc, nuts or pymc"
    )
    parser.add_argument("--draws", type=int, default=1000, help="draws of each of 4 chains (default 1000)")
    parser.add_argument(
        "--chains", type=int, help="default: 4 × draws on as many chains as are worth advancing together"
    )
    parser.add_argument("--seed", type=int, default=0, help="default 0; the same seed gives the same draws")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the posterior, the tables as CSV and two pictures there"
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    """Give a command the options that all have."""
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")


def add_report(parser: argparse.ArgumentParser) -> None:
    """Give a command the options of the report."""
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write the report there: one HTML file that needs nothing else"
    )
    parser.add_argument(
        "--no-explorer", action="store_true", help="leave the λ explorer, posteriors along the prior's scale, out of it"
    )


def check_report(options: argparse.Namespace) -> None:
    """Refuse a report that could not be written, before anything is computed.

    Raises
    ------
    InputError
        If --report names no HTML file in a folder, or --no-explorer stands alone.
    """
    if options.report is not None:
        from bayesreg.reporting import check_target

        check_target(options.report, "--report")
    elif options.no_explorer:
        msg = "--no-explorer is of a report; add --report FILE.html, or leave it out"
        raise InputError(msg)


def number_or_word(text: str) -> float | str:
    """A number where it is one."""
    try:
        return float(text)
    except ValueError:
        return text


def make_folder(out: Path | None) -> None:
    """Make the folder of --out: that it is impossible is found now, not after the sampling.

    Raises
    ------
    InputError
        If it is a file.
    """
    if out is None:
        return
    if out.is_file():
        msg = f"--out {out} is a file; give a folder"
        raise InputError(msg)
    out.mkdir(parents=True, exist_ok=True)


@contextmanager
def noted() -> Iterator[None]:
    """Where warnings about the data are not shown as such, because they are among the notes that the summary prints."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        yield
