"""`bayesreg compare`: MAP, penalised optimum and posterior of one data set."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bayesreg.cli.options import add_output, add_sampling, make_folder
from bayesreg.cli.problem import add_problem, read_problem
from bayesreg.cli.progress import shown
from bayesreg.cli.status import GATE_FAILED, OK
from bayesreg.errors import InputError

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.problem import Problem


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Find the MAP of the PyMC model and the explicitly penalised optimum at the matched λ, prove that they are "
        "the same point, draw the posterior, and show what the point estimate discards."
    )
    add_problem(parser)
    parser.add_argument(
        "--scale", type=float, help="prior scale, b or τ, on standardised columns (default: chosen, see --by)"
    )
    parser.add_argument(
        "--by", choices=("evidence", "cv"),
        help="rule that chooses the scale: highest marginal likelihood (default), or least held-out loss of the MAP",
    )  # fmt: skip
    add_sampling(parser)
    add_output(parser)
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from bayesreg.comparison import compare

    make_folder(options.out)
    problem, remarks = _problem(options)
    with shown() as progress:
        comparison = compare(
            problem, sigma=options.sigma, method=options.method, draws=options.draws, chains=options.chains,
            seed=options.seed, progress=progress, remarks=remarks,
        )  # fmt: skip
    print(comparison.to_json() if options.json else comparison.summary())
    if options.out is not None:
        write(comparison, options.out)
    if not comparison.passed:
        print(f"bayesreg: a gate failed: {comparison.withheld}", file=sys.stderr)
        return GATE_FAILED
    return OK


def _problem(options: argparse.Namespace) -> tuple[Problem, tuple[str, ...]]:
    """Return the problem and how its prior's scale was come by."""
    if options.scale is not None and options.by is not None:
        msg = f"--by {options.by} chooses a scale, but --scale {options.scale:g} gives one; leave one of them out"
        raise InputError(msg)
    if options.scale is not None:
        problem, about = read_problem(options, options.scale)
        return problem, (about, f"prior scale = {options.scale:g}, as given")
    from bayesreg.strength import choose_scale

    problem, about = read_problem(options)
    choice = choose_scale(problem, options.by or "evidence", sigma=options.sigma, seed=options.seed)
    return choice.problem, (about, f"prior {choice.sentence}")


def write(comparison: Comparison, folder: Path) -> None:
    """Write a comparison, its table and its pictures to a folder."""
    from bayesreg import plots

    comparison.save(folder / "comparison.zarr")
    comparison.coefficients.to_csv(folder / "coefficients.csv")
    (folder / "comparison.json").write_text(comparison.to_json(), encoding="utf-8")
    written = ["comparison.zarr", "coefficients.csv", "comparison.json"]
    for name, draw in (("forest", plots.forest), ("marginals", plots.marginals)) if comparison.problem.p else ():
        plots.save(draw(comparison), folder / f"{name}.png")
        written.append(f"{name}.png")
    print(f"written to {folder}: {', '.join(written)}", file=sys.stderr)
