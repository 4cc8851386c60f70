"""The command line: parses, calls, prints.

Exit status 0, 1 (a gate failed: nothing may be concluded) or 2 (bad input).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bayesreg.errors import DataWarning, FitError, GraphMismatchError, InputError, ParameterError

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.datasets import Dataset
    from bayesreg.problem import Problem
    from bayesreg.samplers.settings import Progress

FAMILIES = {
    "gaussian": "GaussianNoise",
    "student": "StudentTNoise",
    "bernoulli": "BernoulliLogit",
    "poisson": "PoissonLog",
    "negative_binomial": "NegativeBinomialLog",
    "gamma": "GammaLog",
}
"""Likelihoods by the names that they have on the command line."""

OK, GATE_FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    options = _parser().parse_args(arguments)
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
    _add_compare(commands.add_parser("compare", help="MAP, penalised optimum and posterior of one data set"))
    listing = commands.add_parser("datasets", help="list the bundled data sets")
    listing.add_argument("--json", action="store_true", help="print JSON")
    listing.add_argument("--debug", action="store_true", help=argparse.SUPPRESS)
    listing.set_defaults(run=_datasets)
    return parser


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Find the MAP of the PyMC model and the explicitly penalised optimum at the matched λ, prove that they are "
        "the same point, draw the posterior, and show what the point estimate discards."
    )
    parser.add_argument("data", help="a bundled data set (see `bayesreg datasets`) or a CSV file")
    parser.add_argument("--target", help="column to predict (a CSV file needs it)")
    parser.add_argument("--likelihood", choices=tuple(FAMILIES), help="default: the data set's own, else gaussian")
    parser.add_argument(
        "--prior", choices=("laplace", "gaussian"), default="laplace", help="laplace (lasso) or gaussian (ridge)"
    )
    parser.add_argument(
        "--scale", type=float, help="prior scale, b or τ, on standardised columns (default: by cross-validation)"
    )
    parser.add_argument("--scale-by-noise", action="store_true", help="prior scale in units of σ (Park & Casella)")
    parser.add_argument(
        "--sigma",
        type=_number_or_word,
        metavar="σ",
        help="where σ (or a shape) is unknown, match at: a number, residual, cv_lasso or joint",
    )
    parser.add_argument("--raw", action="store_true", help="do not standardise the columns")
    parser.add_argument(
        "--method", default="auto", help="sampler: auto, conjugate, gibbs, surrogate, hmc, nuts or pymc"
    )
    parser.add_argument("--draws", type=int, default=1000, help="draws of each of 4 chains (default 1000)")
    parser.add_argument(
        "--chains", type=int, help="default: 4 × draws on as many chains as are worth advancing together"
    )
    parser.add_argument("--seed", type=int, default=0, help="default 0; the same seed gives the same draws")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the posterior, the table as CSV and two pictures there"
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.set_defaults(run=_compare)


def _number_or_word(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _datasets(options: argparse.Namespace) -> int:
    from bayesreg.datasets import DATASETS

    if options.json:
        print(json.dumps(DATASETS, indent=2, ensure_ascii=False))
    else:
        width = max(map(len, DATASETS))
        print("\n".join(f"{name:<{width}}  {text}" for name, text in DATASETS.items()))
    return OK


def _compare(options: argparse.Namespace) -> int:
    from bayesreg.comparison import compare

    if options.out is not None and options.out.is_file():
        msg = f"--out {options.out} is a file; give a folder"
        raise InputError(msg)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)  # found impossible now, not after the sampling
    problem, remarks = _problem(options)
    with _progress() as progress:
        comparison = compare(
            problem, sigma=options.sigma, method=options.method, draws=options.draws, chains=options.chains,
            seed=options.seed, progress=progress, remarks=remarks,
        )  # fmt: skip
    print(comparison.to_json() if options.json else comparison.summary())
    if options.out is not None:
        _write(comparison, options.out)
    if not comparison.passed:
        print(f"bayesreg: a gate failed: {comparison.withheld}", file=sys.stderr)
        return GATE_FAILED
    return OK


def _problem(options: argparse.Namespace) -> tuple[Problem, tuple[str, ...]]:
    """Return the problem and how its prior's scale was come by."""
    from bayesreg import likelihoods
    from bayesreg.priors import Gaussian, Laplace
    from bayesreg.problem import Problem

    data = _load(options)
    family = options.likelihood or data.likelihood
    kind = {"laplace": Laplace, "gaussian": Gaussian}[options.prior]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)  # they are among the notes that the summary prints
        problem = Problem.from_arrays(
            data.X,
            data.y,
            likelihood=getattr(likelihoods, FAMILIES[family])(),
            prior=kind(1.0 if options.scale is None else options.scale),
            standardize=not options.raw,
            scale_by_noise=options.scale_by_noise,
            names=data.names,
        )
    about = f"data: {data.name}, predicting {data.target} ({data.source})"
    if options.scale is not None:
        return problem, (about, f"prior scale = {options.scale:g}, as given")
    from bayesreg.strength import cross_validated_scale

    choice = cross_validated_scale(problem, sigma=options.sigma)
    return problem.with_prior(problem.prior.at(choice.scale)), (about, f"prior {choice.sentence}")


def _load(options: argparse.Namespace) -> Dataset:
    from bayesreg.datasets import DATASETS, load_dataset, read_csv

    if options.data in DATASETS:
        if options.target is not None:
            msg = f"--target is for a CSV file; the bundled set {options.data!r} has its own"
            raise InputError(msg)
        return load_dataset(options.data)
    if not Path(options.data).exists():
        msg = f"{options.data!r} is neither a file nor a bundled data set ({', '.join(DATASETS)})"
        raise InputError(msg)
    return read_csv(options.data, options.target)


@contextmanager
def _progress() -> Iterator[Progress | None]:
    """A progress bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("optimising", total=None)

        def report(done: int, total: int) -> None:
            bar.update(task, description="sampling", completed=done, total=total)

        yield report


def _write(comparison: Comparison, folder: Path) -> None:
    from bayesreg import plots

    comparison.save(folder / "comparison.zarr")
    comparison.coefficients.to_csv(folder / "coefficients.csv")
    (folder / "comparison.json").write_text(comparison.to_json(), encoding="utf-8")
    written = ["comparison.zarr", "coefficients.csv", "comparison.json"]
    for name, draw in (("forest", plots.forest), ("marginals", plots.marginals)) if comparison.problem.p else ():
        plots.save(draw(comparison), folder / f"{name}.png")
        written.append(f"{name}.png")
    print(f"written to {folder}: {', '.join(written)}", file=sys.stderr)
