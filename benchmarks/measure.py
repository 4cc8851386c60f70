"""A row of the table, and the two ways of timing: a cold process, and a call repeated in this one."""

from __future__ import annotations

import os
import signal
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


def cold(
    arguments: Sequence[str], cache: Path | None = None, program: str = sys.executable, limit: float | None = None
) -> Run:
    """Run a program (by default this Python) on `arguments` in a new process.

    Parameters
    ----------
    arguments : sequence of str
    cache : Path, optional
        Where PyTensor's compile cache is to be.
    program : str
    limit : float, optional
        Seconds after which the process is stopped, with all that it has started.

    Raises
    ------
    RuntimeError
        If it fails.
    TimeoutError
        If it was stopped.
    """
    environment = dict(os.environ, MPLBACKEND="Agg")
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as users run: byte code is kept from the first run on
    if cache is not None:
        environment["PYTENSOR_FLAGS"] = f"base_compiledir={cache},generated_src_dir={cache}/src"
    start = time.perf_counter()
    process = subprocess.Popen(
        [program, *arguments], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        msg = f"stopped after {limit:.0f} s"
        raise TimeoutError(msg) from None
    finally:
        if process.poll() is None:  # stopped, or this program was interrupted: its workers end with it
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    seconds = time.perf_counter() - start
    if process.returncode:
        msg = f"{' '.join(arguments)} ended with status {process.returncode}:\n{errors[-2000:]}"
        raise RuntimeError(msg)
    return Run(seconds, output)


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
