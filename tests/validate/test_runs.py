"""Replications: the same whoever runs them, and none is lost."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import bayesreg as br
from bayesreg.validate.runs import child, run
from bayesreg.validate.store import Store


def noise(index, seed):
    return {"value": float(np.random.default_rng(seed).normal()), "twice": 2 * index}


def values(found):
    return [record["value"] for record in found.records]


def test_seeds_are_spawned_by_index():
    root = np.random.SeedSequence(3)
    assert child(root, 5).spawn_key == root.spawn(6)[5].spawn_key
    assert (
        values(run(noise, 4, seed=3, workers=1))[2]
        == np.random.default_rng(np.random.SeedSequence(3).spawn(3)[2]).normal()
    )


def test_the_number_of_workers_changes_nothing():
    alone = run(noise, 40, seed=7, workers=1)
    assert values(alone) == values(run(noise, 40, seed=7, workers=2))
    assert [record["index"] for record in alone.records] == list(range(40))
    assert values(alone) != values(run(noise, 40, seed=8, workers=1))
    assert values(alone)[:10] == values(run(noise, 10, seed=7, workers=1))


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster, Client(cluster) as client:
        yield client


def test_a_dask_cluster_gives_the_same(client):
    told = []
    found = run(noise, 30, seed=7, client=client, progress=lambda done, total: told.append((done, total)))
    assert values(found) == values(run(noise, 30, seed=7, workers=1))
    assert told[0] == (0, 30)
    assert told[-1] == (30, 30)


def test_calibration_on_a_cluster_is_that_of_this_process(client):
    from tests.validate.problems import ridge

    here = br.validate.sbc(ridge(), 24, seed=2, workers=1)
    there = br.validate.sbc(ridge(), 24, seed=2, client=client)
    assert (here.ranks == there.ranks).all()


def test_what_is_in_the_store_is_not_run_again(tmp_path):
    path, ran = tmp_path / "runs.jsonl", []

    def noted(index, seed):
        ran.append(index)
        return noise(index, seed)

    first = run(noted, 10, seed=1, workers=1, store=path, header={"what": "noise"})
    assert ran == list(range(10))
    again = run(noted, 15, seed=1, workers=1, store=path, header={"what": "noise"})
    assert ran == list(range(15))
    assert values(again)[:10] == values(first)
    assert values(again) == values(run(noise, 15, seed=1, workers=1))
    assert values(run(noted, 5, seed=1, workers=1, store=path, header={"what": "noise"})) == values(first)[:5]


def test_an_interrupt_keeps_what_is_finished(tmp_path):
    path = tmp_path / "runs.jsonl"

    def stopped(index, seed):
        if index == 6:
            raise KeyboardInterrupt
        return noise(index, seed)

    found = run(stopped, 10, seed=1, workers=1, store=path)
    assert found.interrupted
    assert len(found.records) == 6
    whole = run(noise, 10, seed=1, workers=1, store=path)
    assert not whole.interrupted
    assert values(whole) == values(run(noise, 10, seed=1, workers=1))


def test_an_error_stops_the_run_and_keeps_what_is_finished(tmp_path):
    path = tmp_path / "runs.jsonl"

    def faulty(index, seed):
        return noise(index, seed) if index < 3 else {"value": 1 / 0}

    with pytest.raises(ZeroDivisionError):
        run(faulty, 10, seed=1, workers=1, store=path)
    assert len(path.read_text().splitlines()) == 1 + 3


KILLED = """
import numpy as np, sys, time
from bayesreg.validate.runs import run
def slow(index, seed):
    time.sleep(0.05)
    return {"value": float(np.random.default_rng(seed).normal())}
run(slow, 200, seed=4, workers=int(sys.argv[2]), store=sys.argv[1], header={"what": "noise"})
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_goes_on_where_it_stopped(tmp_path, workers):
    path = tmp_path / "runs.jsonl"
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(path), str(workers)], start_new_session=True)
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not path.exists() or path.read_bytes().count(b"\n") < 20):
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    done = path.read_bytes().count(b"\n") - 1
    assert 19 <= done < 200
    ran = []

    def noted(index, seed):
        ran.append(index)
        return {"value": noise(index, seed)["value"]}

    found = run(noted, 200, seed=4, workers=1, store=path, header={"what": "noise"})
    assert len(ran) == 200 - done
    assert values(found) == values(run(noise, 200, seed=4, workers=1))


@pytest.mark.parametrize("cut", [1, 5, 30])
def test_half_a_line_is_cut_off(tmp_path, cut):
    path = tmp_path / "runs.jsonl"
    run(noise, 5, seed=1, workers=1, store=path)
    path.write_bytes(path.read_bytes()[:-cut])
    found = run(noise, 5, seed=1, workers=1, store=path)
    assert values(found) == values(run(noise, 5, seed=1, workers=1))
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_a_store_whose_first_line_was_cut_begins_anew(tmp_path):
    path = tmp_path / "runs.jsonl"
    run(noise, 2, seed=1, workers=1, store=path)
    path.write_bytes(path.read_bytes()[:10])
    assert values(run(noise, 2, seed=1, workers=1, store=path)) == values(run(noise, 2, seed=1, workers=1))


@pytest.mark.parametrize(("text", "why"), [
    ('{"what": "other", "entropy": "1", "spawn_key": []}\n', "is of another run: it differs in what"),
    ("column,value\n1,2\n", "is no store of replications"),
    ("no line end", "is no store of replications"),
])  # fmt: skip
def test_another_file_is_refused_and_left_alone(tmp_path, text, why):
    path = tmp_path / "runs.jsonl"
    path.write_text(text)
    with pytest.raises(br.InputError, match=why):
        run(noise, 2, seed=1, workers=1, store=path, header={"what": "noise"})
    assert path.read_text() == text


def test_another_seed_is_another_run(tmp_path):
    path = tmp_path / "runs.jsonl"
    run(noise, 2, seed=1, workers=1, store=path)
    with pytest.raises(br.InputError, match="differs in entropy"):
        run(noise, 2, seed=2, workers=1, store=path)


def test_a_store_in_no_folder_is_refused(tmp_path):
    with pytest.raises(br.InputError, match="is in no folder that exists"):
        Store(tmp_path / "nowhere" / "runs.jsonl", {})


@pytest.mark.parametrize(("settings", "why"), [
    ({"workers": 0}, "workers must be an integer >= 1"),
    ({"client": "tcp://localhost"}, r"client must be a distributed\.Client"),
])  # fmt: skip
def test_bad_settings_are_refused(settings, why):
    with pytest.raises(br.ParameterError, match=why):
        run(noise, 2, **settings)
