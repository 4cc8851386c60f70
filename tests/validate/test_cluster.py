"""On a Dask cluster whose workers die, share threads or are not there: the same results, or one clear error."""

import asyncio
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from distributed import Client, LocalCluster

import bayesreg as br
from bayesreg.validate import cluster as on
from bayesreg.validate.cluster import check_client, threads
from bayesreg.validate.runs import run
from tests.validate.problems import lasso, logistic


def slow(index, seed):
    time.sleep(0.05)
    return {"value": float(np.random.default_rng(seed).normal()), "pid": os.getpid()}


def faulty(index, seed):
    if index == 30:
        time.sleep(0.5)
        msg = "replication 30 is wrong"
        raise LookupError(msg)
    return {"value": index}


def deadly(index, seed):
    if index == 5:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"value": index}


def values(found):
    return [record["value"] for record in found.records]


def local(workers, threads_each=1):
    # A free port: at the usual one a second cluster of the machine would warn that it is taken.
    return LocalCluster(n_workers=workers, threads_per_worker=threads_each, processes=True, dashboard_address=":0")


@pytest.fixture(scope="module")
def cluster():
    with local(2) as cluster:
        yield cluster


@pytest.fixture
def client(cluster):
    with Client(cluster) as client:
        yield client


@pytest.fixture
def doomed():
    """A cluster of its own: killed too often, workers are not started again."""
    with local(2) as cluster, Client(cluster) as client:
        yield client


@pytest.mark.parametrize("victims", [1, 2])
def test_workers_that_are_killed_change_nothing(doomed, victims):
    killed = []

    def kill(done, total):
        if done >= 6 and not killed:
            killed.extend(worker.pid for worker in list(doomed.cluster.workers.values())[:victims])
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    found = run(slow, 60, seed=1, client=doomed, progress=kill)
    assert len(killed) == victims
    assert [record["index"] for record in found.records] == list(range(60))
    assert values(found) == values(run(slow, 60, seed=1, workers=1))
    assert {record["pid"] for record in found.records} - set(killed)  # some were run after the kill


def test_an_error_stops_the_run_and_keeps_what_is_finished(tmp_path, client):
    path = tmp_path / "runs.jsonl"
    with pytest.raises(LookupError, match="replication 30 is wrong"):
        run(faulty, 40, client=client, store=path)
    assert 10 <= path.read_bytes().count(b"\n") - 1 < 40


def test_a_replication_that_kills_its_workers_is_named(doomed):
    with pytest.raises(br.FitError, match=r"died, again and again, that ran some of replications ([0-9], )*5\b"):
        run(deadly, 8, client=doomed)


def test_a_cluster_that_loses_every_worker_again_and_again_is_given_up(client, monkeypatch):
    rounds = []

    def all_lost(run_chunk, job, chunks, root, client):
        rounds.append(len(chunks))
        yield from ()
        return chunks

    monkeypatch.setattr(on, "_once", all_lost)
    with pytest.raises(br.FitError, match="ran some of replications 0, 1, 2, 3: see their logs"):
        run(slow, 4, client=client)
    assert rounds == [4] * (on.RESENDS + 1)


def test_threads_of_one_worker_give_the_same():
    with local(1, 2) as cluster, Client(cluster) as client:
        for problem, method in ((lasso(), "gibbs"), (logistic(), "hmc")):
            here = br.validate.sbc(problem, 12, method=method, seed=2, workers=1)
            there = br.validate.sbc(problem, 12, method=method, seed=2, client=client)
            assert (here.ranks == there.ranks).all()
            other = br.validate.sbc(problem, 12, method=method, seed=3, client=client)
            assert (here.ranks != other.ranks).any()


def test_what_cannot_be_sent_is_told(client):
    lock = threading.Lock()
    with pytest.raises(br.ParameterError, match=r"cannot be sent to other processes \(TypeError: cannot pickle"):
        run(lambda index, seed: {"value": lock.locked()}, 4, client=client)


def test_a_cluster_without_workers_is_told():
    with (
        local(0) as cluster,
        Client(cluster) as client,
        pytest.raises(br.ParameterError, match=r"client: its cluster has had no workers for 0\.2 s"),
    ):
        threads(client, 0.2)


def test_a_closed_client_is_refused(cluster):
    with Client(cluster) as client:
        check_client(client)
    with pytest.raises(br.ParameterError, match=r"client must be connected \(its status is 'closed'\)"):
        run(slow, 2, client=client)


def test_an_asynchronous_client_is_refused(cluster):
    async def refused():
        async with Client(cluster.scheduler_address, asynchronous=True) as client:
            with pytest.raises(br.ParameterError, match="client must not be asynchronous"):
                check_client(client)

    with ThreadPoolExecutor(1) as pool:  # this thread may have a loop that is running
        pool.submit(asyncio.run, refused()).result()
