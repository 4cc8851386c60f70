"""The command line: parses, calls, prints.

Exit status 0, 1 (a gate failed: nothing may be concluded) or 2 (bad input).
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from bayesreg.cli import audit, compare, convert, datasets, path, validate
from bayesreg.cli.status import BAD_INPUT, GATE_FAILED, INTERRUPTED, OK
from bayesreg.errors import FitError, GraphMismatchError, InputError, ParameterError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    options = _parser().parse_args(words, argparse.Namespace(words=words))
    try:
        return int(options.run(options))
    except BrokenPipeError:  # the reader has left, as `| head` does: nothing is wrong
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except (InputError, ParameterError, FitError, OSError) as error:
        return _fail(options, error, BAD_INPUT)
    except GraphMismatchError as error:
        return _fail(options, error, GATE_FAILED)
    except KeyboardInterrupt:
        print("bayesreg: interrupted before there was anything to keep", file=sys.stderr)
        return INTERRUPTED


def _fail(options: argparse.Namespace, error: Exception, status: int) -> int:
    if options.debug:
        raise error
    print(f"bayesreg: error: {' '.join(str(error).split())}", file=sys.stderr)
    return status


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        """Exit with status 2."""
        self.exit(BAD_INPUT, f"bayesreg: error: {message} (see {self.prog} --help)\n")


def _parser() -> argparse.ArgumentParser:
    from bayesreg import __version__

    parser = _Parser(
        prog="bayesreg",
        description="Which prior does a penalty assume, and what does the point estimate discard?",
        epilog="Exit status: 0, 1 (a gate failed: nothing may be concluded), 2 (bad input).",
    )
    parser.add_argument("--version", action="version", version=f"bayesreg {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    compare.add(commands.add_parser("compare", help="MAP, penalised optimum and posterior of one data set"))
    path.add(commands.add_parser("path", help="MAP and posterior along the prior's scale, and which scale to take"))
    convert.add(commands.add_parser("convert", help="a library's λ as a prior, and in every other library's units"))
    audit.add(
        commands.add_parser("audit", help="which prior a fitted scikit-learn model assumed, and what it discards")
    )
    validate.add(commands.add_parser("validate", help="whether the sampler can be trusted on these data"))
    datasets.add(commands.add_parser("datasets", help="list the bundled data sets"))
    return parser
