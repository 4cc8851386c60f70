"""Replications on a Dask cluster: workers may die, come late, or have several threads.

The job, which holds the rows, is sent to each worker once.  Dask runs the chunks of a worker that died elsewhere.  It
cannot make the job again if every worker that held it has died: then it is sent again, and the chunks with it.  A
chunk's seeds are its own, so that whatever runs it, and however often, finds the same.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.validate.sending import packed, unpacked
from bayesreg.validate.store import Record

WAIT = 60.0
"""Seconds that a cluster without workers is given to start one."""

RESENDS = 3
"""Times in a row that all workers may be lost without one finished chunk."""

RunChunk = Callable[[Any, list[int], np.random.SeedSequence], list[Record]]


def check_client(client: object) -> None:
    """Raise ParameterError unless this is None or a `distributed.Client` that is connected."""
    if client is None:
        return
    try:
        from distributed import Client
    except ImportError as error:
        msg = f"client: a distributed.Client is needed (got {type(client).__name__}); install bayesreg[dask]"
        raise ParameterError(msg) from error
    if not isinstance(client, Client):
        msg = f"client must be a distributed.Client, or None for processes of this machine (got {client!r})"
        raise ParameterError(msg)
    if client.asynchronous:
        msg = "client must not be asynchronous: give Client(address), whose calls return when they are done"
        raise ParameterError(msg)
    if client.status != "running":
        msg = f"client must be connected (its status is {client.status!r}): give a new Client of the cluster"
        raise ParameterError(msg)


def threads(client: Any, wait: float = WAIT) -> int:
    """How many replications run at once; ParameterError if after `wait` seconds there is still no worker."""
    try:
        client.wait_for_workers(1, timeout=wait)
    except TimeoutError as error:
        msg = f"client: its cluster has had no workers for {wait:g} s; start some, e.g. cluster.scale(2), and run again"
        raise ParameterError(msg) from error
    return max(1, sum(int(each) for each in client.nthreads().values()))


def on_cluster(
    run_chunk: RunChunk, job: Any, chunks: list[list[int]], root: np.random.SeedSequence, client: Any
) -> Iterator[Record]:
    """Records as they are finished.

    Raises
    ------
    FitError
        If a chunk's workers died again and again, or all workers did.
    ParameterError
        If the cluster is left without workers, or the client was closed.
    """
    left, lost = chunks, 0
    while left:
        before = len(left)
        left = yield from _once(run_chunk, job, left, root, client)
        lost = 0 if len(left) < before else lost + 1
        if lost > RESENDS:
            raise _died(left)


def _died(chunks: list[list[int]]) -> FitError:
    theirs = sorted(index for chunk in chunks for index in chunk)
    told = ", ".join(map(str, theirs[:8])) + (", ..." if len(theirs) > 8 else "")
    return FitError(f"workers died, again and again, that ran some of replications {told}: see their logs, and memory")


def _once(
    run_chunk: RunChunk, job: Any, chunks: list[list[int]], root: np.random.SeedSequence, client: Any
) -> Generator[Record, None, list[list[int]]]:
    """Send the job and run all chunks; return those that were lost with it."""
    from distributed import CancelledError, KilledWorker, as_completed

    check_client(client)
    threads(client)
    sent = client.scatter(packed(job), hash=False, broadcast=True)
    waiting = {client.submit(_unpack_and_run, run_chunk, sent, chunk, root, pure=False): chunk for chunk in chunks}
    lost = []
    try:
        for future in as_completed(list(waiting), loop=client.loop):
            chunk = waiting.pop(future)
            try:
                records = future.result()
            except CancelledError:
                lost.append(chunk)
                continue
            except KilledWorker as error:
                yield from _finished(waiting)
                raise _died([chunk]) from error
            except Exception:  # whatever the job raised: it ends the run, but not before what is there is kept
                yield from _finished(waiting)
                raise
            future.release()  # or it would be run again if its worker died
            yield from records
    finally:
        if client.status == "running":
            client.cancel(list(waiting))
    return lost


def _unpack_and_run(run_chunk: RunChunk, sent: Any, chunk: list[int], root: np.random.SeedSequence) -> list[Record]:
    return run_chunk(unpacked(sent), chunk, root)


def _finished(futures: Iterable[Any]) -> Iterator[Record]:
    """Records that are there already, of a run that ends with an error."""
    for future in list(futures):
        if future.status == "finished":
            yield from future.result()
