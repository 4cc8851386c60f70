"""`bayesreg path`: the MAP and the posterior along the prior's scale, and what each rule would choose."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.cli.options import add_output, make_folder, noted
from bayesreg.cli.path_result import PathResult, as_json, write
from bayesreg.cli.path_text import as_text
from bayesreg.cli.problem import add_problem, read_problem
from bayesreg.cli.progress import Stage, staged
from bayesreg.cli.status import GATE_FAILED, OK
from bayesreg.errors import FitError, InputError, ParameterError

if TYPE_CHECKING:
    from bayesreg.interfaces import Array
    from bayesreg.problem import Problem
    from bayesreg.strength import ScaleChoice

STAGES = {"cv": "cross-validation", "evidence": "evidence", "hierarchical": "hierarchical"}
"""Rule -> what the progress bar calls it."""

COUNT = 100
"""Points of the MAP path; the posterior path has half as many."""


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = (
        "Follow the MAP and the posterior as the prior goes from strong to weak, and say how strong it should be.\n\n"
        "rules that choose a scale (--by):\n"
        "  cv            least loss of the MAP on held-out rows: what a cross-validated lasso or ridge picks;\n"
        "                its table also has the strongest penalty within one standard error (1se)\n"
        "  evidence      highest marginal likelihood p(y | scale), all coefficients integrated out\n"
        "  hierarchical  a prior on the scale itself; its posterior median\n"
        "  all           every rule side by side; the scale followed is that of evidence"
    )
    add_problem(parser)
    parser.add_argument(
        "--by", choices=(*STAGES, "all"), default="all", help="rule that chooses the scale (default all)"
    )
    parser.add_argument("--folds", type=int, metavar="K", help="folds of the cross-validation (default 5)")
    parser.add_argument("--rule", choices=("min", "1se"), help="with --by cv: which scale to follow (default min)")
    parser.add_argument(
        "--count", type=int, default=COUNT, metavar="N", help=f"scales of the MAP path (default {COUNT})"
    )
    parser.add_argument(
        "--draws", type=int, default=1000, help="draws of each of 4 chains, where one is run (default 1000)"
    )
    parser.add_argument("--seed", type=int, default=0, help="default 0; the same seed gives the same draws and folds")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write the paths and choices as CSV, JSON and two pictures there"
    )
    add_output(parser)
    parser.set_defaults(run=_path)


def _path(options: argparse.Namespace) -> int:
    _check(options)
    make_folder(options.out)
    problem, about = read_problem(options)
    with staged() as stage, noted():
        result = _computed(options, problem, about, stage)
    print(as_json(result) if options.json else as_text(result))
    if options.out is not None:
        write(result, options.out)
    if result.reasons:
        print(f"bayesreg: a gate failed: {'; '.join(result.reasons)}", file=sys.stderr)
        return GATE_FAILED
    return OK


def _check(options: argparse.Namespace) -> None:
    """Refuse options that contradict each other, before anything is computed."""
    for name, value in (("--folds", options.folds), ("--rule", options.rule)):
        if value is not None and options.by not in ("cv", "all"):
            msg = f"{name} {value} is for --by cv (got --by {options.by}); leave it out"
            raise InputError(msg)
    if options.rule is not None and options.by == "all":
        msg = f"--rule {options.rule} is for --by cv; --by all shows both, and follows evidence"
        raise InputError(msg)
    for name, least in (("count", 2), ("draws", 1), ("seed", 0)):
        read_integer(name, getattr(options, name), least)


def _computed(options: argparse.Namespace, problem: Problem, about: str, stage: Stage) -> PathResult:
    """Compute one stage after another: what fails at once comes first."""
    from bayesreg.penalty_path import penalized_path
    from bayesreg.sampling_path import posterior_path

    stage("MAP path")
    first = penalized_path(problem, sigma=options.sigma, count=options.count)
    rules = tuple(STAGES) if options.by == "all" else (options.by,)
    found = {rule: _choice(options, problem, rule, stage) for rule in rules}
    followed = "evidence" if options.by == "all" else options.by
    choice = found[followed]
    stage("MAP path")
    through = _through(first.scales, choice)
    penalized = first if through is None else penalized_path(problem, through, sigma=options.sigma)
    grid = _posterior_scales(problem, first.scales, max(2, options.count // 2))
    progress = stage("posterior path")
    through = _through(grid, choice)
    posterior = posterior_path(
        problem, grid if through is None else through, draws=options.draws, seed=options.seed, progress=progress
    )
    return PathResult(about, penalized, posterior, found, followed, _next(options))


def _posterior_scales(problem: Problem, along: Array, count: int) -> Array:
    """Scales of the posterior path: to the end of the MAP path, from where paths of posteriors start by default.

    That is later: with an unknown σ, y has to be explained by noise alone before the prior holds every coefficient.
    """
    from bayesreg.sampling_path.grid import default_scales
    from bayesreg.scale_family import ScaleFamily

    start = float(default_scales(problem, ScaleFamily.of(problem, "posterior_path"), 2)[0])
    low = start if along[0] < start < along[-1] else along[0]
    return np.geomspace(low, along[-1], count)


def _through(grid: Array, choice: ScaleChoice | str) -> Array | None:
    """The grid with the scale that is followed in place of the nearest, so that both paths go through it."""
    if isinstance(choice, str) or not grid[0] < choice.scale < grid[-1]:
        return None
    moved = grid.copy()
    moved[np.argmin(np.abs(np.log(grid / choice.scale)))] = choice.scale
    return moved


def _choice(options: argparse.Namespace, problem: Problem, rule: str, stage: Stage) -> ScaleChoice | str:
    """What a rule chooses; of several rules, one that finds nothing says why."""
    from bayesreg.strength import choose_scale

    progress = stage(STAGES[rule])
    own: dict[str, Any] = {"progress": progress}
    if rule == "cv":
        own = {"folds": options.folds, "rule": options.rule}
    given = {name: value for name, value in own.items() if value is not None}
    try:
        return choose_scale(problem, rule, sigma=options.sigma, seed=options.seed, **given)
    except (FitError, ParameterError) as error:
        if options.by != "all":
            raise
        return str(error)


def _next(options: argparse.Namespace) -> tuple[str, ...]:
    """The command that shows what the point estimate discards, but for its scale."""
    words = ["bayesreg", "compare", str(options.data), "--prior", options.prior]
    for name in ("target", "likelihood", "sigma"):
        value = getattr(options, name)
        words += [] if value is None else [f"--{name}", str(value)]
    words += [f"--{name}" for name in ("scale-by-noise", "raw") if getattr(options, name.replace("-", "_"))]
    return tuple(words)
