"""`bayesreg compare`: MAP, penalised optimum and posterior of one data set."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesreg.cli.also import TITLES, add_also, add_epsilon, compute, read_epsilon, withheld
from bayesreg.cli.options import add_output, add_report, add_sampling, check_report, make_folder, noted
from bayesreg.cli.problem import add_problem, add_scale, scaled_problem
from bayesreg.cli.progress import shown, staged
from bayesreg.cli.status import GATE_FAILED, OK

if TYPE_CHECKING:
    from bayesreg.comparison import Comparison
    from bayesreg.strength import ScaleChoice


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Find the MAP of the PyMC model and the explicitly penalised optimum at the matched λ, prove that they are "
        "the same point, draw the posterior, and show what the point estimate discards."
    )
    add_problem(parser)
    add_scale(parser)
    add_sampling(parser)
    add_epsilon(parser)
    add_also(parser)
    add_report(parser)
    add_output(parser)
    parser.set_defaults(run=_compare)


def _compare(options: argparse.Namespace) -> int:
    from bayesreg.comparison import compare
    from bayesreg.effects import small_effect

    epsilon, raw = read_epsilon("--epsilon", options.epsilon), read_epsilon("--epsilon-raw", options.epsilon_raw)
    check_report(options)
    make_folder(options.out)
    problem, remarks, choice = scaled_problem(options)
    small_effect(problem, epsilon, raw=raw)
    with shown() as progress:
        comparison = compare(
            problem, sigma=options.sigma, method=options.method, draws=options.draws, chains=options.chains,
            seed=options.seed, epsilon=epsilon, epsilon_raw=raw, progress=progress, remarks=remarks,
        )  # fmt: skip
    return conclude(comparison, options, choice=choice)


def conclude(
    comparison: Comparison,
    options: argparse.Namespace,
    reasons: Sequence[str] = (),
    *,
    choice: ScaleChoice | None = None,
) -> int:
    """Print a comparison and what is wanted beside it, write what is to be kept, and return the exit status.

    `reasons`: why nothing may be concluded, beyond those of the comparison.  `choice`: how its scale was chosen.
    """
    found = compute(comparison, options.also, options.seed) if comparison.passed else {}
    print(comparison.to_json(also=found) if options.json else text_of(comparison, found))
    if options.out is not None:
        write(comparison, options.out)
    if options.report is not None:
        write_report(comparison, options, choice, {TITLES[name]: result for name, result in found.items()})
    reasons = [*reasons, *([comparison.withheld] if comparison.withheld else []), *withheld(found)]
    if reasons:
        print(f"bayesreg: a gate failed: {'; '.join(reasons)}", file=sys.stderr)
        return GATE_FAILED
    return OK


def write_report(
    comparison: Comparison, options: argparse.Namespace, choice: ScaleChoice | None, also: Mapping[str, object]
) -> None:
    """Write the report, with the command that it is of, and what was wanted beside it."""
    from bayesreg.reporting import report

    with staged() as stage, noted():
        written = report(
            comparison, options.report, choice=choice, explorer=False if options.no_explorer else None,
            command=shlex.join(["bayesreg", *options.words]), also=also, progress=stage("report"),
        )  # fmt: skip
    print(f"written: {written} ({written.stat().st_size / 1e6:.1f} MB)", file=sys.stderr)


def text_of(comparison: Comparison, found: Mapping[str, Any]) -> str:
    """Return the summary, and under it what was wanted beside it."""
    return "\n".join([comparison.summary(), *(f"{TITLES[name]}\n\n{result}\n" for name, result in found.items())])


def write(comparison: Comparison, folder: Path) -> None:
    """Write a comparison, its table and its pictures to a folder."""
    from bayesreg import plots
    from bayesreg.comparison.tables import shown_coefficients

    comparison.save(folder / "comparison.zarr")
    optima, posterior = not comparison.optima_withheld, comparison.posterior.verdict.passed
    table = shown_coefficients(comparison.coefficients, optima=optima, posterior=posterior)
    table.to_csv(folder / "coefficients.csv")
    (folder / "comparison.json").write_text(comparison.to_json(), encoding="utf-8")
    written = ["comparison.zarr", "coefficients.csv", "comparison.json"]
    for name, draw in (("forest", plots.forest), ("marginals", plots.marginals)) if comparison.problem.p else ():
        plots.save(draw(comparison), folder / f"{name}.png")
        written.append(f"{name}.png")
    print(f"written to {folder}: {', '.join(written)}", file=sys.stderr)
