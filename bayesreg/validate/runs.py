"""Replications: in this process, on a pool of processes or on a Dask cluster; the same results whichever.

Each has a seed of its own, spawned from the run's by its index, and one BLAS thread: its result depends on neither the
number of workers nor the order in which they finish.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from pickle import PicklingError
from typing import Any, final

import numpy as np

from bayesreg.arguments import Seed, read_integer, read_seed
from bayesreg.errors import ParameterError
from bayesreg.samplers.settings import Progress
from bayesreg.validate.cluster import check_client, on_cluster, threads
from bayesreg.validate.one_thread import one_thread
from bayesreg.validate.sending import unsendable
from bayesreg.validate.store import Record, Store

Job = Callable[[int, np.random.SeedSequence], Record]
"""One replication: of its index and its seed.  It is sent to other processes, and so must be picklable."""

CHUNK = 8
"""Replications sent to a worker at once: what is lost at most by each worker when a run is killed."""

ROUNDS = 6
"""Chunks for each worker at least, so that none waits long for the others at the end."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Records:
    """Finished replications in the order of their indices, and whether the run was stopped before its end."""

    records: tuple[Record, ...]
    interrupted: bool


def child(seed: np.random.SeedSequence, index: int) -> np.random.SeedSequence:
    """The seed of a replication."""
    return np.random.SeedSequence(seed.entropy, spawn_key=(*seed.spawn_key, index))


def run(
    job: Job,
    count: int,
    *,
    seed: Seed = 0,
    workers: int | None = None,
    client: Any = None,
    store: str | Path | None = None,
    header: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> Records:
    """Run replications 0..count − 1 that the store does not have yet.

    Parameters
    ----------
    job : callable (index, SeedSequence) -> dict
        Its result gets the key `index`.
    count : int
    seed : int, SeedSequence, Generator or None
    workers : int, optional
        Processes; by default as many as there are processors.  1 stays in this process.
    client : distributed.Client, optional
        Runs them on its cluster instead.
    store : str or Path, optional
        File to append to, and to go on from.
    header : mapping, optional
        All that a result depends on, for the store.
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    ParameterError
        If `workers` or `client` is none, the job cannot be sent to other processes, or there is a store but no seed.
    InputError
        If the store is of another run, or of one that is going on.
    """
    workers = _workers(workers)
    if seed is None and store is not None:
        msg = "seed=None differs each time, so that no run could go on from the store: give a number, or store=None"
        raise ParameterError(msg)
    check_client(client)
    root = read_seed(seed)
    about = dict(header or {}) | {"entropy": str(root.entropy), "spawn_key": list(root.spawn_key)}
    with Store(store, about) as kept:
        todo = [index for index in range(count) if index not in kept.records]
        interrupted = False
        with closing(_results(job, todo, root, workers, client)) as results:
            try:
                _tell(progress, count - len(todo), count)
                for done, record in enumerate(results, start=count - len(todo) + 1):
                    kept.add(record)
                    _tell(progress, done, count)
            except KeyboardInterrupt:  # what is finished is kept, here and in the store
                interrupted = True
        found = tuple(kept.records[index] for index in sorted(kept.records) if index < count)
    return Records(found, interrupted)


def _tell(progress: Progress | None, done: int, count: int) -> None:
    if progress is not None:
        progress(done, count)


def _workers(given: int | None) -> int:
    if given is None:
        import joblib

        return int(joblib.cpu_count())
    return read_integer("workers", given, 1)


def _results(
    job: Job, todo: Sequence[int], root: np.random.SeedSequence, workers: int, client: Any
) -> Generator[Record]:
    """Records as they are finished, in any order."""
    if client is not None:
        chunks = _chunks(todo, threads(client)) if todo else []
        yield from on_cluster(run_chunk, job, chunks, root, client)
    elif workers == 1 or len(todo) < 2:
        for index in todo:
            yield from run_chunk(job, [index], root)
    else:
        yield from _on_pool(job, _chunks(todo, workers), root, workers)


def _chunks(todo: Sequence[int], workers: int) -> list[list[int]]:
    size = max(1, min(CHUNK, len(todo) // (workers * ROUNDS)))
    return [list(todo[start : start + size]) for start in range(0, len(todo), size)]


def _on_pool(job: Job, chunks: list[list[int]], root: np.random.SeedSequence, workers: int) -> Iterator[Record]:
    """On processes that import what they need by themselves: no fork, and no `if __name__` in the caller's script."""
    from joblib import Parallel, delayed, parallel_config

    with parallel_config(backend="loky", inner_max_num_threads=1):
        pool = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)
        try:
            with closing(pool(delayed(run_chunk)(job, chunk, root) for chunk in chunks)) as finished:
                for records in finished:
                    yield from records
        except PicklingError as error:
            why = str(error.__cause__ or error).strip('"\n').splitlines()[-1]  # of a traceback
            raise unsendable(why) from error


def run_chunk(job: Job, indices: list[int], root: np.random.SeedSequence) -> list[Record]:
    """Run some replications, with one thread of BLAS: sums then have the same last digits everywhere."""
    with one_thread():
        return [job(index, child(root, index)) | {"index": index} for index in indices]
