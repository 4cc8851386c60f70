"""Samplers on the same posteriors, each in cold processes of its own: effective draws a second, cold time, memory.

Sampling is the whole sampler with its warm-up, without compiling and, for ours, without the diagnostics that every
`br.sample` ends with (`whole s` has them).  ESS and R-hat are counted here from everybody's draws, by ArviZ, the
smallest ESS and the largest R-hat over the coefficients; the time of that is nobody's.  Numbers are medians.

Other packages are raced where they are to be had: Bambi and NumPyro in the Python that the environment variable
BENCH_PEERS names, R's through Rscript.
"""

from __future__ import annotations

import json
import math
import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.columns import met, print_columns
from benchmarks.measure import ROOT, cold
from benchmarks.tasks import TASKS, Data, Task

HEAD = (
    "task, sampler", "runs", "cold s", "compile s", "sample s", "whole s", "bulk ESS", "tail ESS", "R-hat", "ESS/s",
    "peak MiB", "ours: ESS/s", "ours: cold",
)  # fmt: skip
TARGET_HEAD = ("target", "asked", "reached", "met")

OURS = ("auto", "conjugate", "gibbs", "surrogate", "hmc", "nuts", "pymc")
COMPILED = ("nuts", "pymc", "pm.sample", "bambi")
"""Contenders that PyTensor compiles for: a run that is not counted fills the cache."""

LONG = ("T2", "T5")
"""Posteriors of so many rows that nobody who walks through all of them for each gradient comes to an end."""

OUR_RUNS, THEIR_RUNS = 5, 3
SLOW, SLOW_RUNS = 30.0, 2
"""Seconds of a process from which there are no more than so many."""

EMPTY = "pm.sample, empty compile cache"
ESTIMATE = "nutpie, an estimate"

LIMIT = 600.0
"""Seconds after which a process is stopped."""

ESTIMATED = 120.0
"""Seconds of sampling up to which what has been estimated is also run."""

PEERS = ("bambi", "numpyro")
R_PACKAGES = {"monomvn": ("gaussian",), "bayesreg": ("gaussian", "bernoulli"), "rstanarm": ("gaussian", "bernoulli")}
"""Packages of R, and the families of likelihoods that they take."""

MIB = 2.0**20


@dataclass(frozen=True, slots=True)
class Line:
    """What a contender did on a posterior: seconds, ESS and MiB as medians; NaN where there is nothing to say.

    `runs` are cold processes and `calls` timed calls in them; `size` is the number of draws of a call; `imported` the
    memory before there were data.
    """

    task: str
    name: str
    runs: int = 0
    calls: int = 0
    cold: float = math.nan
    compiling: float = math.nan
    sampling: float = math.nan
    whole: float = math.nan
    bulk: float = math.nan
    tail: float = math.nan
    rhat: float = math.nan
    size: int = 0
    peak: float = math.nan
    imported: float = math.nan
    note: str = ""

    @property
    def speed(self) -> float:
        """Smallest bulk ESS of a second of sampling."""
        return self.bulk / self.sampling

    def cells(self, ours: Line) -> tuple[str, ...]:
        """Its cells, beside the line that is ours."""
        seconds = map(number, (self.cold, self.compiling, self.sampling, self.whole))
        rhat = f"{self.rhat:.3f}" if math.isfinite(self.rhat) else "–"
        counts = (number(self.bulk), number(self.tail), rhat, number(self.speed), number(self.peak))
        ratios = (ours.speed / self.speed, self.cold / ours.cold)
        runs = f"{self.runs}/{self.calls}" if self.runs else "–"
        return (
            f"{self.task} {self.name}", runs, *seconds, *counts,
            *(f"{number(ratio)}×" if math.isfinite(ratio) else "–" for ratio in ratios),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Target:
    """A target, and what was reached of it."""

    what: str
    asked: str
    reached: str = "–"
    met: bool | None = None
    note: str = ""


@dataclass(slots=True)
class Found:
    """All that was measured.  `one_pass`: seconds of a pass over T2's rows, and of a bare XᵀX."""

    lines: list[Line] = field(default_factory=list)
    one_pass: tuple[float, float] = (math.nan, math.nan)
    left_out: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def line(self, task: str, *names: str) -> Line:
        """The first of a task's lines that has one of these names; an empty one if there is none."""
        found = {line.name.split(" → ")[0]: line for line in self.lines if line.task == task}
        return next((found[name] for name in names if name in found), Line(task, names[0]))


@dataclass(frozen=True, slots=True)
class Place:
    """Where things are: a folder for the data and draws, PyTensor's cache, the file of the task."""

    folder: Path
    cache: Path
    file: Path


def measure(*, quick: bool, say: Callable[[str], None], tasks: Sequence[Task] = TASKS) -> Found:
    """Race everybody on every posterior; `quick`: once each, and without those that take minutes."""
    found = Found(versions=_versions())
    peers = _peers(found)
    with _folders(quick) as (folder, cache):
        for task in tasks:
            place = Place(folder, cache, task.write(folder))
            if task is tasks[0]:
                say(f"nothing yet: {task.name}, auto, for the byte code that it leaves behind")
                _line(place, task, "auto", "auto", 1, Found())
            for name in (*_contenders(task, quick, found), *(name for name in peers if _takes(name, task))):
                say(f"{task.name}, {name}")
                found.lines += _race(place, task, name, quick, found)
            if task.name == "T2":
                say("T2, one pass over its rows")
                said = _said(cold(["-m", "benchmarks.posterior_task", str(place.file), "moments"]).output)
                found.one_pass = said["moments"], said["product"]
            place.file.unlink()
    return found


@contextmanager
def _folders(quick: bool) -> Iterator[tuple[Path, Path]]:
    """Where data and draws go, and PyTensor's cache: empty at first, but for `quick` kept from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder), ROOT / ".pytensor" / "benchmarks" if quick else Path(folder) / "cache"


def _contenders(task: Task, quick: bool, found: Found) -> list[str]:
    """Methods of ours and plain PyMC, without those that would take too long; notes what is left out."""
    if task.name in LONG:
        found.left_out.append(f"{task.name} nuts, pymc: each gradient walks through all rows, as in the estimate")
        return [*OURS[:-2], "estimate"]
    if quick and task.name == "T3":
        found.left_out.append("T3 nuts, pymc, pm.sample: minutes (--quick)")
        return list(OURS[:-2])
    if quick:
        found.left_out.append(f"{task.name} pymc: pm.sample and our diagnostics (--quick)")
    return [*(OURS[:-1] if quick else OURS), "pm.sample"]


def _race(place: Place, task: Task, name: str, quick: bool, found: Found) -> list[Line]:
    """Lines of one contender: two where the first run, with an empty cache, is of interest too."""
    lines = []
    runs = 1 if quick else OUR_RUNS if name in OURS and name not in COMPILED else THEIR_RUNS
    if name == "pm.sample" and task.name == "T1" and not quick:
        empty = Place(place.folder, place.folder / "empty", place.file)
        lines.append(_line(empty, task, name, EMPTY, 1, found))
    if name in COMPILED and task.name != "T3":
        _fill(place, task, name, quick)
    if name == "estimate":
        # What else this process takes is the measuring, not the sampler.
        estimate = replace(_line(place, task, name, ESTIMATE, 1, found), cold=math.nan, whole=math.nan)
        if not estimate.sampling <= ESTIMATED:
            return [estimate]
        return [estimate, _line(place, task, "pm.sample", "pm.sample", runs, found)]
    return [*lines, _line(place, task, name, name, runs, found)]


def _fill(place: Place, task: Task, name: str, quick: bool) -> None:
    """Run once for the compile cache, which for `quick` may be as an earlier run left it."""
    mark = place.cache / f"filled-{task.name}-{name}"
    if quick and mark.exists():
        return
    if _line(place, task, name, name, 1, Found()).runs:
        mark.touch()


def _line(place: Place, task: Task, name: str, label: str, runs: int, found: Found) -> Line:
    """Run a contender so many times, or fewer if it takes long, and take the medians."""
    said: list[dict[str, Any]] = []
    counts: list[tuple[float, float, float, int]] = []
    while len(said) < runs:
        try:
            one, draws = _one(place, name, 100 * len(said))
        except (RuntimeError, OSError, ValueError) as error:  # the others' numbers are not lost for it
            return Line(task.name, label, note=str(error).strip().splitlines()[-1])
        if "refused" in one:
            why = one["refused"]
            return Line(task.name, label, note=why if "does not apply" in why else f"does not apply: {why}")
        said.append(one)
        counts += [effective(draw) for draw in draws]
        if one["seconds"] > SLOW:
            runs = min(runs, SLOW_RUNS)
    found.versions |= said[0].get("versions", {})
    return summarise(task.name, label, said, counts)


def summarise(
    task: str, label: str, said: Sequence[dict[str, Any]], counts: Sequence[tuple[float, float, float, int]]
) -> Line:
    """Medians over processes, and over the calls in them."""
    bulk, tail, rhat, size = zip(*counts, strict=True)
    samplings, wholes = ([seconds for one in said for seconds in one[key]] for key in ("sampling", "whole"))
    alone = {key: median(one[key] for one in said) for key in ("cold", "compiling", "peak", "imported")}
    method = said[0]["method"]
    return Line(
        task, f"{label} → {method}" if method and method != label else label, len(said), len(samplings),
        sampling=median(samplings), whole=median(wholes), bulk=median(bulk), tail=median(tail), rhat=median(rhat),
        size=size[0], note=next((one["note"] for one in said if one["note"]), ""), **alone,
    )  # fmt: skip


def effective(draws: np.ndarray) -> tuple[float, float, float, int]:
    """Smallest bulk and tail ESS and largest R-hat over the coefficients of draws (chain, draw, p); their number."""
    from arviz_stats.base import array_stats

    axes = {"chain_axis": 0, "draw_axis": 1}
    bulk = array_stats.ess(draws, method="bulk", **axes)
    tail = array_stats.ess(draws, method="tail", prob=(0.05, 0.95), **axes)
    return float(bulk.min()), float(tail.min()), float(array_stats.rhat(draws, **axes).max()), draws[..., 0].size


# -- processes ---------------------------------------------------------------------------------------------------------


def _one(place: Place, name: str, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """Run a contender in a cold process; what it said, and its draws (call, chain, draw, p)."""
    if name.startswith("R "):
        return _one_of_r(place, name.removeprefix("R "), seed)
    kept = place.folder / "draws.npy"
    kept.unlink(missing_ok=True)
    rest = [name, str(place.file), "--seed", str(seed), "--draws", str(kept)]
    if name in PEERS:
        run = cold(["benchmarks/peers.py", *rest], place.cache / "peers", os.environ["BENCH_PEERS"], LIMIT)
    else:
        rest[:2] = rest[1::-1]
        run = cold(["-m", "benchmarks.posterior_task", *rest], place.cache, limit=LIMIT)
    said = _said(run.output) | {"seconds": run.seconds}
    return said, np.load(kept) if kept.exists() else np.empty(0)


def _one_of_r(place: Place, package: str, seed: int) -> tuple[dict[str, Any], np.ndarray]:
    """The same for a package of R, which reads and writes text."""
    data = Data.read(place.file)
    table, kept = place.folder / "table.csv", place.folder / "draws.csv"
    np.savetxt(table, np.column_stack([data.y, data.standardised()]), delimiter=",")
    options = [package, data.family, data.prior, str(data.scale), str(table), str(kept), str(seed)]
    run = cold(["benchmarks/peers.R", *options], None, "Rscript", LIMIT)
    draws = np.loadtxt(kept, delimiter=",", ndmin=2)
    return _said(run.output) | {"seconds": run.seconds, "cold": run.seconds}, draws.reshape(1, 4, -1, draws.shape[1])


def _said(output: str) -> dict[str, Any]:
    """The JSON in the last line."""
    said: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
    return said


def _peers(found: Found) -> list[str]:
    """Other packages that are there; notes those that are not."""
    return [*_python_peers(found), *_r_peers(found)]


def _python_peers(found: Found) -> list[str]:
    python = os.environ.get("BENCH_PEERS")
    if not python:
        found.left_out.append(f"{', '.join(PEERS)}: BENCH_PEERS names no Python that has them")
        return []
    return [name for name in PEERS if _there(found, name, ["-c", f"import {name}"], python)]


def _r_peers(found: Found) -> list[str]:
    if shutil.which("Rscript") is None:
        found.left_out.append(f"R's {', '.join(R_PACKAGES)}: there is no Rscript")
        return []
    code = 'quit(status = !requireNamespace("{}", quietly = TRUE))'
    return [f"R {name}" for name in R_PACKAGES if _there(found, f"R's {name}", ["-e", code.format(name)], "Rscript")]


def _there(found: Found, name: str, arguments: list[str], program: str) -> bool:
    try:
        cold(arguments, program=program)
    except (RuntimeError, OSError):
        found.left_out.append(f"{name}: not installed where it was looked for")
        return False
    return True


def _takes(peer: str, task: Task) -> bool:
    """Whether another package is raced on a posterior: not for hours, nor on what it has no model for."""
    if task.name in (*LONG, "T3"):
        return False
    return peer in PEERS or (task.family in R_PACKAGES[peer.removeprefix("R ")] and task.prior == "laplace")


def _versions() -> dict[str, str]:
    names = ("bayesreg", "numpy", "scipy", "pymc", "pytensor", "nutpie", "arviz-stats")
    return {"python": platform.python_version()} | {name: version(name) for name in names}


# -- the tables --------------------------------------------------------------------------------------------------------


def print_found(found: Found) -> None:
    """Print the table of samplers, what it was measured with, and the table of targets."""
    cells = [line.cells(found.line(line.task, "auto")) for line in found.lines]
    print_columns(HEAD, cells, [line.note for line in found.lines])
    print(
        "\nruns: cold processes / timed calls.  ours: how many times as fast `auto` is, by ESS/s and by the cold time."
    )
    for task in TASKS:
        print(f"{task.name}: {task.title}")
    print("versions:", ", ".join(f"{name} {number}" for name, number in found.versions.items()))
    for what in found.left_out:
        print(f"left out: {what}")
    print()
    rows = targets(found)
    print_columns(TARGET_HEAD, [(t.what, t.asked, t.reached, met(t.met)) for t in rows], [t.note for t in rows])


def number(value: float) -> str:
    """Three digits, or all before the point."""
    if not math.isfinite(value):
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def targets(found: Found) -> list[Target]:
    """What was asked for, and whether this run reached it."""
    exact = found.line("T1r", "conjugate")
    return [
        _speed(found, "T1", 50_000),
        _cold(found, "T1", 10, "pm.sample"),
        _cold(found, "T1", 60, EMPTY),
        _at_least("T1r independent draws/s", 500_000, exact.size / exact.sampling, _whole(exact, exact.size)),
        _after_the_pass(found),
        _one_pass(found),
        _speed(found, "T3", 500),
        _speed(found, "T4", 500),
        _speed(found, "T4s", 300),
        _cold(found, "T4", 4, "pm.sample"),
        _cold(found, "T4s", 4, "pm.sample"),
        _against_nutpie(found),
        _memory_of_long(found),
        *(_memory(found, name) for name in ("T1", "T1r", "T2", "T3", "T4", "T4s")),
    ]


def _at_least(what: str, least: float, value: float, note: str = "", unit: str = "") -> Target:
    return _target(what, f"≥ {least:,g}{unit}", value, value >= least, note, unit)


def _at_most(what: str, most: float, value: float, note: str = "", unit: str = "") -> Target:
    return _target(what, f"≤ {most:,g}{unit}", value, value <= most, note, unit)


def _target(what: str, asked: str, value: float, reached: bool, note: str, unit: str) -> Target:
    """A target; where there is nothing to hold against it, that and no more."""
    return Target(what, asked, f"{number(value)}{unit}", reached, note) if math.isfinite(value) else Target(what, asked)


def _whole(line: Line, draws: float) -> str:
    """What the same draws come to a second when the diagnostics are counted with them."""
    return "" if math.isnan(line.whole) else f"with the diagnostics of br.sample {number(draws / line.whole)}/s"


def _speed(found: Found, task: str, least: float) -> Target:
    line = found.line(task, "auto")
    return _at_least(f"{task} ESS/s, warm-up included", least, line.speed, _whole(line, line.bulk))


def _cold(found: Found, task: str, least: float, name: str) -> Target:
    ours, theirs = found.line(task, "auto"), found.line(task, name)
    note = f"{number(ours.cold)} s and {number(theirs.cold)} s from the first import to the printed summary"
    return _at_least(f"{task} cold process against {name}", least, theirs.cold / ours.cold, note, "×")


def _after_the_pass(found: Found) -> Target:
    line, seconds = found.line("T2", "auto"), found.one_pass[0]
    left = line.sampling - seconds
    value = line.bulk / left if left > 0 else math.nan
    note = f"{number(line.sampling)} s of sampling, of which the pass takes {number(seconds)} s"
    return _at_least("T2 ESS/s after one pass over the rows", 5_000, value, note)


def _one_pass(found: Found) -> Target:
    moments, product = found.one_pass
    note = f"problem.moments() {number(1e3 * moments)} ms, XᵀX {number(1e3 * product)} ms"
    return _at_most("T2 that pass against a bare XᵀX", 2, moments / product, note, "×")


def _against_nutpie(found: Found) -> Target:
    ours, theirs = found.line("T5", "auto"), found.line("T5", "pm.sample", ESTIMATE)
    return _at_least("T5 ESS/s against plain nutpie", 50, ours.speed / theirs.speed, theirs.note, "×")


def _memory_of_long(found: Found) -> Target:
    line = found.line("T5", "auto")
    data = 100_000 * 51 * 8 / MIB
    note = f"{number(line.peak)} MiB, of which {number(line.imported)} after the imports; the data are {data:.0f} MiB"
    return _at_most(
        "T5 peak memory above the imports, in units of the data", 3, (line.peak - line.imported) / data, note
    )


def _memory(found: Found, task: str) -> Target:
    return _at_most(f"{task} peak memory", 400, found.line(task, "auto").peak, unit=" MiB")
