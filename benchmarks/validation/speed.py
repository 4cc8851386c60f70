"""Validation: 1,000 replications of calibration against simuk's, and coverage along a grid of truths.

Each of ours is one call in a process of its own, which starts its pool of processes; importing is left out.  simuk runs
in the Python that the environment variable BENCH_PEERS names, where that has it: 20 replications, of which it is
extrapolated to as many as ours.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

import bayesreg as br
from benchmarks.measure import ROOT, Row, cold, timed

REPLICATIONS, THEIRS = 1000, 20

WORKERS = 2

GRID, EACH = (0.0, 0.5, 1.0, 2.0, 4.0), 200

CALIBRATION_SECONDS, COVERAGE_SECONDS = 60.0, 30.0

LIMIT = 1800.0

SCALES = {"scale": 1.0, "intercept": 2.0, "sigma": 1.0}
"""Of the Laplace prior, of the normal prior of the intercept and of σ's half-normal prior."""


def lasso() -> br.Problem:
    """The Bayesian lasso with 100 rows, 10 columns, an unknown σ and proper priors."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 10))
    y = X @ np.concatenate([[1.0, 0.5, 0.25], np.zeros(7)]) + rng.normal(size=100)
    return br.Problem.from_arrays(
        X, y, likelihood=br.GaussianNoise(sigma=br.HalfNormal(SCALES["sigma"])), prior=br.Laplace(SCALES["scale"]),
        intercept=br.Gaussian(SCALES["intercept"]), standardize=False,
    )  # fmt: skip


def rows() -> list[Row]:
    """Time both in processes of their own, and simuk on the same model."""
    return [_calibration(), _coverage()]


def _calibration() -> Row:
    found = _cold("calibration")
    name, theirs, note = _simuk()
    target, met = f"≤ {CALIBRATION_SECONDS:g} s", found["seconds"] <= CALIBRATION_SECONDS
    said = f"{found['verdict']}; {note}; {_load()}"
    return Row(f"calibration of the lasso, {REPLICATIONS:,} × | {name}", found["seconds"], theirs, target, met, said)


def _coverage() -> Row:
    found = _cold("coverage")
    target, met = f"≤ {COVERAGE_SECONDS:g} s", found["seconds"] <= COVERAGE_SECONDS
    title = f"coverage of the lasso, {len(GRID)} truths × {EACH} | –"
    return Row(title, found["seconds"], float("nan"), target, met, f"{found['verdict']}; {_load()}")


def _load() -> str:
    """How busy the machine is, this program among others: above the number of processors, times are too long."""
    return f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors"


def _cold(task: str) -> dict[str, float]:
    run = cold(["-m", "benchmarks.validation.speed", task], ROOT / ".pytensor", limit=LIMIT)
    return dict(json.loads(run.output.splitlines()[-1]))


def _simuk() -> tuple[str, float, str]:
    """Seconds of as many replications by simuk, extrapolated, and how that was come by."""
    python = os.environ.get("BENCH_PEERS")
    if not python:
        return "–", float("nan"), "BENCH_PEERS names no Python with simuk"
    probe = cold(["-c", "import importlib.util as u; print(int(u.find_spec('simuk') is not None))"], program=python)
    if not int(probe.output):
        return "–", float("nan"), "the Python that BENCH_PEERS names has no simuk"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lasso.npz"
        np.savez(file, X=lasso().design.rows.collect().X, **SCALES)
        arguments = ["benchmarks/validation/simuk_peer.py", str(file), str(THEIRS)]
        run = cold(arguments, ROOT / ".pytensor" / "peers", python, LIMIT)
    found = json.loads(run.output.splitlines()[-1])
    each = found["seconds"] / found["count"]
    note = (
        f"simuk {found['versions']['simuk']}, PyMC {found['versions']['pymc']}: extrapolated from {found['count']} "
        f"replications, {each:.2f} s each, and one before them that filled the compile cache ({found['first']:.1f} s)"
    )
    return "simuk", REPLICATIONS * each, note


def _calibrate() -> str:
    return br.validate.sbc(lasso(), REPLICATIONS, workers=WORKERS).verdict


def _cover() -> str:
    truth = {"x0": 1.0, "x1": 0.5, "x2": 0.25}
    found = br.validate.coverage(lasso(), truth, signals=GRID, sigma=1.0, replications=EACH, workers=WORKERS)
    return found.failed or f"all with intervals; {found.sentence.splitlines()[0]}"


TASKS = {"calibration": _calibrate, "coverage": _cover}


def main() -> None:
    """Run one of ours in this process and print what it took and found."""
    seconds, verdict = timed(TASKS[sys.argv[1]])
    print(json.dumps({"seconds": seconds, "verdict": verdict}))


if __name__ == "__main__":
    main()
