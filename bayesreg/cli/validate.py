"""`bayesreg validate`: whether the sampler can be trusted on these data and this model."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bayesreg.arguments import read_integer
from bayesreg.cli.cluster import cluster
from bayesreg.cli.options import add_output, noted
from bayesreg.cli.problem import add_problem, add_scale, scaled_problem
from bayesreg.cli.progress import Stage, staged
from bayesreg.cli.status import GATE_FAILED, INTERRUPTED, OK
from bayesreg.cli.validate_result import Checked
from bayesreg.errors import InputError, ParameterError

if TYPE_CHECKING:
    from bayesreg.problem import Problem
    from bayesreg.validate import Agreement, Calibration

REPLICATIONS, DRAWS = 1000, 4000
"""Replications of the calibration, and draws of each of 4 chains of each sampler that is held against others."""

QUICK = (100, 1000)
"""The same with --quick."""


def add(parser: argparse.ArgumentParser) -> None:
    """Give the command its options."""
    parser.description = (
        "Simulate data of this model on your columns again and again, and see whether the sampler's posteriors hold "
        "the truths as often as they promise (simulation-based calibration); then hold all samplers that apply against "
        "each other on your data. Says whether the draws can be trusted, not whether the model is right."
    )
    parser.epilog = (
        "Exit status: 0 (nothing speaks against the sampler; the first line says whether that is enough to trust it), "
        "1 (a check failed, or is incomplete), 2 (bad input), 130 (interrupted)."
    )
    add_problem(parser)
    add_scale(parser)
    parser.add_argument("--method", default="auto", help="sampler: auto, conjugate, gibbs, surrogate, hmc or nuts")
    parser.add_argument(
        "--truths", choices=("auto", "prior", "posterior"), default="auto",
        help="where simulated truths come from: the prior (default, if it is proper), or the posterior given the data",
    )  # fmt: skip
    parser.add_argument(
        "--replications", type=int, metavar="N", help=f"data sets that are simulated (default {REPLICATIONS})"
    )
    parser.add_argument("--quick", action="store_true", help=f"{QUICK[0]} replications and shorter runs: a first look")
    parser.add_argument("--seed", type=int, default=0, help="default 0; the same seed gives the same numbers")
    parser.add_argument("--workers", type=int, metavar="N", help="processes (default: as many as processors)")
    parser.add_argument("--scheduler", metavar="HOST:PORT", help="run replications on this Dask cluster instead")
    parser.add_argument(
        "--store",
        type=Path,
        metavar="FILE",
        help="append every replication there; a run that was stopped goes on from it",
    )
    add_output(parser)
    parser.set_defaults(run=_validate)


def _validate(options: argparse.Namespace) -> int:
    _check(options)
    from bayesreg.cli.validate_text import as_text

    with cluster(options.scheduler) as client, staged() as stage, noted():
        checked = _checked(options, client, stage)
    told = json.dumps(checked.as_dict(), ensure_ascii=False, allow_nan=False) if options.json else as_text(checked)
    print(told)
    if checked.interrupted:
        print(f"bayesreg: interrupted: {_how_to_go_on(options, checked)}", file=sys.stderr)
        return INTERRUPTED
    return OK if checked.passed else GATE_FAILED


def _check(options: argparse.Namespace) -> None:
    """Refuse options that are out of range or contradict each other, before anything is computed."""
    for name, least in (("replications", 2), ("seed", 0), ("workers", 1)):
        value = getattr(options, name)
        if value is not None:
            read_integer(name, value, least)
    if options.workers is not None and options.scheduler is not None:
        msg = f"--workers {options.workers} is for this machine; with --scheduler the cluster has its own: leave it out"
        raise InputError(msg)
    if options.store is not None and (options.store.is_dir() or not options.store.parent.is_dir()):
        what = "is a folder" if options.store.is_dir() else "is in no folder that exists"
        msg = f"--store {options.store} {what}; give a file"
        raise InputError(msg)


def _checked(options: argparse.Namespace, client: Any, stage: Stage) -> Checked:
    """Run both checks; an interrupt of the first leaves out the second."""
    stage("reading, choosing the prior's scale")
    problem, about, _ = scaled_problem(options)
    start = time.monotonic()
    calibration = _calibration(options, problem, client, stage)
    seconds = {"calibration": time.monotonic() - start}
    if calibration.interrupted:
        return Checked(about, calibration, None, "the run was interrupted", seconds, interrupted=True)
    start = time.monotonic()
    alone = _alone(options, problem)
    if alone:
        return Checked(about, calibration, None, alone, seconds, interrupted=False, waived=True)
    try:
        agreement, unmade = _agreement(options, problem, stage), ""
    except ParameterError as error:  # all but one refused these data: no reason to lose what the first check found
        agreement, unmade = None, str(error)
    except KeyboardInterrupt:
        return Checked(about, calibration, None, "the run was interrupted", seconds, interrupted=True)
    seconds["agreement"] = time.monotonic() - start
    return Checked(about, calibration, agreement, unmade, seconds, interrupted=False)


def _calibration(options: argparse.Namespace, problem: Problem, client: Any, stage: Stage) -> Calibration:
    from bayesreg.validate import sbc

    count = options.replications or (QUICK[0] if options.quick else REPLICATIONS)
    return sbc(
        problem, count, method=options.method, truths=options.truths, seed=options.seed, workers=options.workers,
        client=client, store=options.store, progress=stage("calibration"),
    )  # fmt: skip


def _free(problem: Problem) -> list[str]:
    """Samplers that apply and compile nothing."""
    from bayesreg.samplers import COMPILED, LADDER, refusal

    return [name for name in LADDER if name not in COMPILED and not refusal(problem, name)]


def _alone(options: argparse.Namespace, problem: Problem) -> str:
    """Why samplers are not compared in a first look: all others would have to be compiled; empty if they are."""
    free = _free(problem)
    if not options.quick or len(free) > 1 or "conjugate" in free or options.method not in ("auto", *free):
        return ""
    who = f"{free[0]} is the only one that compiles nothing" if free else "every one compiles a PyMC model"
    return f"{who}; without --quick NUTS is compiled and compared, a minute or so"


def _agreement(options: argparse.Namespace, problem: Problem, stage: Stage) -> Agreement:
    """All samplers that compile nothing, and those that compile if there are not two, or they are asked for."""
    from bayesreg.samplers import COMPILED
    from bayesreg.validate import agreement

    methods = ("all", options.method) if _free(problem) and options.method in COMPILED else "all"
    draws = QUICK[1] if options.quick else DRAWS
    return agreement(problem, methods, draws=draws, seed=options.seed, progress=stage("agreement of samplers"))


def _how_to_go_on(options: argparse.Namespace, checked: Checked) -> str:
    found = checked.calibration
    done = f"{len(found.records)} of {found.replications} replications are done"
    if options.store is None:
        return f"{done}, and not kept; with --store FILE a run that is stopped can go on"
    return f"{done} and kept in {options.store}; go on with: {shlex.join(['bayesreg', *options.words])}"
