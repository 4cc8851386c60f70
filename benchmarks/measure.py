"""A row of the table, and the two ways of timing: a cold process, and a call repeated in this one."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what was timed, ours and theirs in seconds, and what is aimed at.

    Parameters
    ----------
    name : str
    ours, theirs : float
        Seconds.
    target : str
        In words; empty where there is none.
    met : bool or None
        None where there is no target.
    note : str
        What the two did, beyond being fast.
    """

    name: str
    ours: float
    theirs: float
    target: str = ""
    met: bool | None = None
    note: str = ""

    @property
    def ratio(self) -> float:
        """Their time over ours."""
        return self.theirs / self.ours


@dataclass(frozen=True, slots=True)
class Run:
    """A cold process: its wall time in seconds and what it printed."""

    seconds: float
    output: str


def cold(arguments: Sequence[str], cache: Path | None = None) -> Run:
    """Run this Python on `arguments` in a new process, with PyTensor's compile cache in `cache` if given."""
    environment = dict(os.environ, MPLBACKEND="Agg")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as users run: byte code is kept from the first run on
    if cache is not None:
        environment["PYTENSOR_FLAGS"] = f"base_compiledir={cache},generated_src_dir={cache}/src"
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        msg = f"{' '.join(arguments)} ended with status {done.returncode}:\n{done.stderr[-2000:]}"
        raise RuntimeError(msg)
    return Run(seconds, done.stdout)


def cold_median(arguments: Sequence[str], repeats: int, cache: Path | None = None) -> float:
    """Median wall time of cold processes, after one that is not counted and leaves byte code behind."""
    cold(arguments, cache)
    return statistics.median(cold(arguments, cache).seconds for _ in range(repeats))


def timed[T](call: Callable[[], T]) -> tuple[float, T]:
    """Return the seconds that a call took in this process, and what it returned."""
    start = time.perf_counter()
    value = call()
    return time.perf_counter() - start, value


def best_of(call: Callable[[], object], repeats: int = 5) -> float:
    """Least time of a call in this process, in seconds: what it costs when nothing else runs."""
    return min(timed(call)[0] for _ in range(repeats))
