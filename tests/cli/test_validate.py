"""`bayesreg validate`: what is printed, kept and told, and the exit status."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg import validate
from bayesreg.cli.validate_result import Checked
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Refused, Settings
from tests.cli.conftest import Cli, Run
from tests.cli.test_cold import HEAVY, loaded_after
from tests.cli.test_path import refuse


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as it should be."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b c"])
    frame["y"] = 1 + frame["a"] - 0.5 * frame["b c"] + rng.normal(size=30)
    path = tmp_path_factory.mktemp("data") / "good.csv"
    frame.to_csv(path, index=False)
    return path


RIDGE = ("--target", "y", "--prior", "gaussian", "--scale", "0.7", "--quick", "--workers", "1")


def narrow(patch: pytest.MonkeyPatch, method: str, factor: float) -> None:
    """Let a sampler draw coefficients too near to their mean."""
    module = import_module(f"bayesreg.samplers.{method}")
    honest = module.draw

    def draw(problem: Problem, settings: Settings) -> Draws:
        found = honest(problem, settings)
        centre = found.theta.mean(axis=(0, 1))
        return replace(found, theta=centre + factor * (found.theta - centre))

    patch.setattr(module, "draw", draw)


# -- what works --------------------------------------------------------------------------------------------------------


def test_a_right_sampler_is_trusted_in_the_first_line(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("validate", good, *RIDGE, "--replications", 40)
    assert (run.status, run.err) == (0, "")
    first = " ".join(run.out.partition("\n\n")[0].split())
    assert first == (
        "The sampler can be trusted on these data: conjugate is calibrated in 40 replications, and the exact posterior "
        "and gibbs agree."
    )
    said = " ".join(run.out.split())
    for words in (
        "40 times: a truth, as many new rows simulated at it", "Truths from the posterior given the data at hand, by",
        "prior scale = 0.7, as given", "Is it calibrated? passed (40 replications, 6 quantities",
        "Do samplers agree? agree: 20 comparisons", "gibbs − oracle", "may stay unseen", "Took ",
        "not run: nuts: compiles a PyMC model first; --method nuts runs it",
    ):  # fmt: skip
        assert words in said


def test_json_holds_both_checks(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("validate", good, *RIDGE, "--replications", 30, "--seed", 3, "--json")
    assert (run.status, run.err) == (0, "")
    told = json.loads(run.out, parse_constant=refuse)
    assert told["passed"] is True
    assert told["verdict"].startswith("The sampler can be trusted")
    assert (told["failures"], told["incomplete"], told["interrupted"]) == ([], [], False)
    assert set(told["seconds"]) == {"calibration", "agreement"}
    frame = pd.read_csv(good)
    problem = Problem.from_arrays(frame[["a", "b c"]], frame["y"], prior=br.Gaussian(0.7))
    found = validate.sbc(problem, 30, seed=3, workers=1)
    assert told["calibration"]["table"] == json.loads(found.to_json())["table"]
    held = validate.agreement(problem, draws=1000, seed=3)
    assert told["agreement"]["table"] == json.loads(held.to_json())["table"]


def test_options_reach_the_calibration(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    real = validate.sbc

    def noted(problem: Problem, replications: int, **options: Any) -> Any:
        seen.update(options, problem=problem, asked=replications)
        return real(problem, 4, **options)

    monkeypatch.setattr(validate, "sbc", noted)
    options = ("--target", "y", "--prior", "gaussian", "--workers", "1", "--method", "gibbs", "--truths", "posterior")
    bayesreg("validate", good, *options, "--quick", "--raw", "--seed", 5)
    assert (seen["asked"], seen["method"], seen["truths"], seen["seed"], seen["workers"]) == (
        100,
        "gibbs",
        "posterior",
        5,
        1,
    )
    assert not seen["problem"].design.standardized
    assert seen["problem"].prior.scale != 1.0  # chosen by evidence
    bayesreg("validate", good, *options)
    assert seen["asked"] == 1000


# -- what fails --------------------------------------------------------------------------------------------------------


def test_draws_that_are_too_narrow_are_status_1(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow(monkeypatch, "gibbs", 0.6)
    run = bayesreg("validate", good, *RIDGE, "--method", "gibbs", "--replications", 150)
    assert run.status == 1
    first = " ".join(run.out.partition("\n\n")[0].split())
    assert first.startswith("FAILED: do not rely on these draws: its draws are off in ")
    assert "(draws too narrow)" in first
    assert "oracle and gibbs disagree on these data, most on the" in first
    assert "trusted" not in run.out


def test_samplers_that_could_not_be_compared_are_incomplete(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(problem: Problem, settings: Settings) -> Draws:
        msg = "not on these data"
        raise Refused(msg)

    for name in ("gibbs", "nuts", "pymc"):
        monkeypatch.setattr(f"bayesreg.samplers.{name}.draw", refused)
    run = bayesreg("validate", good, *RIDGE, "--replications", 10, "--truths", "posterior")
    assert run.status == 1
    assert run.out.startswith("INCOMPLETE: nothing can be concluded: samplers were not compared")
    assert "Do samplers agree? NOT CHECKED" in run.out
    assert "gibbs: not on these data" in " ".join(run.out.split())


def test_a_sampler_that_never_draws_fails(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(problem: Problem, settings: Settings) -> Draws:
        msg = "it has failed"
        raise br.FitError(msg)

    held = agreed()
    monkeypatch.setattr("bayesreg.samplers.gibbs.draw", broken)
    monkeypatch.setattr(validate, "agreement", lambda *_, **__: held)
    run = bayesreg("validate", good, *RIDGE, "--method", "gibbs", "--replications", 4)
    assert run.status == 1
    assert run.out.startswith("FAILED: do not rely on these draws: it drew from none of 4 simulated data sets")
    assert "4 times without draws: FitError: it has failed" in run.out


def agreed() -> validate.Agreement:
    problem = Problem.from_arrays(np.eye(4)[:, :1], np.arange(4.0), prior=br.Gaussian(1.0))
    return validate.agreement(problem, draws=1000)


# -- a run that is stopped ---------------------------------------------------------------------------------------------


def test_an_interrupt_keeps_what_is_stored_and_says_how_to_go_on(
    bayesreg: Cli, good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, command = tmp_path / "runs.jsonl", ("validate", good, *RIDGE, "--replications", 30, "--json")
    whole = json.loads(bayesreg(*command).out)
    honest, calls = import_module("bayesreg.samplers.conjugate").draw, []

    def stopped(problem: Problem, settings: Settings) -> Draws:
        calls.append(problem.n)
        if len(calls) > 12:
            raise KeyboardInterrupt
        return honest(problem, settings)

    with monkeypatch.context() as patch:
        patch.setattr("bayesreg.samplers.conjugate.draw", stopped)
        run = bayesreg(*command, "--store", store)
    assert run.status == 130
    told = json.loads(run.out)
    done = len(store.read_text().splitlines()) - 1
    assert 0 < done <= 12
    assert (told["interrupted"], told["passed"], told["agreement"]) == (True, False, None)
    assert told["verdict"].startswith(f"INCOMPLETE: nothing can be concluded: {done} of 30 replications could be used")
    assert f"{done} of 30 replications are done and kept in {store}; go on with: bayesreg validate {good}" in run.err
    resumed = bayesreg(*command, "--store", store)
    assert resumed.status == 0
    assert json.loads(resumed.out)["calibration"] == whole["calibration"]
    assert len(store.read_text().splitlines()) == 31


def test_without_a_store_an_interrupt_names_it(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    honest, calls = import_module("bayesreg.samplers.conjugate").draw, []

    def stopped(problem: Problem, settings: Settings) -> Draws:
        calls.append(1)
        if len(calls) > 5:
            raise KeyboardInterrupt
        return honest(problem, settings)

    monkeypatch.setattr("bayesreg.samplers.conjugate.draw", stopped)
    run = bayesreg("validate", good, *RIDGE)
    assert run.status == 130
    assert "not kept; with --store FILE a run that is stopped can go on" in run.err


def test_an_interrupt_of_the_agreement_keeps_the_calibration(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(validate, "agreement", stop)
    run = bayesreg("validate", good, *RIDGE, "--replications", 10)
    assert run.status == 130
    assert run.out.startswith("INCOMPLETE: nothing can be concluded: samplers were not compared: the run was interr")
    assert "Is it calibrated? passed (10 replications" in run.out


def test_ctrl_c_on_a_pool_of_processes(good: Path, tmp_path: Path) -> None:
    """A terminal sends it to every process of the group."""
    store = tmp_path / "runs.jsonl"
    command = [sys.executable, "-m", "bayesreg", "validate", str(good), *RIDGE[:-1], "2", "--store", str(store)]
    command += ["--replications", "100000"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True, text=True
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and (not store.exists() or store.read_bytes().count(b"\n") < 10):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out.startswith("INCOMPLETE: nothing can be concluded")
    assert "Traceback" not in err
    assert f"replications are done and kept in {store}" in err


# -- bad input ---------------------------------------------------------------------------------------------------------


def check_refused(run: Run, *words: str) -> None:
    """Status 2, one line on standard error that holds the words, and nothing else."""
    assert (run.status, run.out) == (2, "")
    assert run.err.startswith("bayesreg: error: ")
    assert run.err.count("\n") == 1
    for word in words:
        assert word in run.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--replications", "1"), "replications must be an integer >= 2 (got 1)"),
        (("--workers", "0"), "workers must be an integer >= 1 (got 0)"),
        (("--seed", "-1"), "seed must be an integer >= 0 (got -1)"),
        (("--method", "metropolis"), "method='metropolis' is not a sampler"),
        (("--method", "pymc"), "would compile the model in every replication"),
        (("--method", "hmc"), "sigma is unknown"),
        (("--truths", "prior"), "truths cannot come from an improper prior"),
        (("--by", "cv"), "--by cv chooses a scale, but --scale 0.7 gives one"),
        (("--scheduler", "localhost:1"), "--workers 1 is for this machine"),
        (("--store", "no/such/folder/runs"), "is in no folder that exists; give a file"),
        (("--store", "."), "is a folder; give a file"),
        (("--likelihood", "bernoulli"), "outside {0, 1}"),
    ],
)
def test_bad_options(bayesreg: Cli, good: Path, options: tuple[str, ...], words: str) -> None:
    check_refused(bayesreg("validate", good, *RIDGE, *options), words)


def test_a_store_of_another_run(bayesreg: Cli, good: Path, tmp_path: Path) -> None:
    store = tmp_path / "runs.jsonl"
    assert bayesreg("validate", good, *RIDGE, "--replications", 4, "--store", store).status != 2
    check_refused(
        bayesreg("validate", good, *RIDGE, "--replications", 4, "--store", store, "--seed", 1), "is of another run"
    )


# -- a cluster ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "foo://x:1"])
def test_nobody_at_the_address(bayesreg: Cli, good: Path, address: str) -> None:
    start = time.monotonic()
    run = bayesreg("validate", good, *RIDGE[:-2], "--scheduler", address)
    check_refused(run, f"--scheduler {address}: no Dask scheduler answers there", "give HOST:PORT of one that runs")
    assert time.monotonic() - start < 10


def test_dask_that_is_not_installed(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    check_refused(bayesreg("validate", good, *RIDGE[:-2], "--scheduler", "x:1"), "pip install 'bayesreg[dask]'")


def test_replications_on_a_cluster_are_those_of_this_process(bayesreg: Cli, good: Path) -> None:
    from distributed import LocalCluster

    command = ("validate", good, *RIDGE[:-2], "--replications", 10, "--json")
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0") as cluster:
        there = bayesreg(*command, "--scheduler", cluster.scheduler_address)
    here = bayesreg(*command, "--workers", 1)
    assert json.loads(there.out)["calibration"] == json.loads(here.out)["calibration"]


# -- the rest ----------------------------------------------------------------------------------------------------------


def test_help_loads_nothing_heavy() -> None:
    code = """
from bayesreg.cli import main
try:
    main(['validate', '--help'])
except SystemExit as stopped:
    assert stopped.code == 0
"""
    assert not loaded_after(code) & (HEAVY | {"joblib", "distributed", "rich"})


def test_a_verdict_says_what_is_wrong_first() -> None:
    """A failure is never hidden behind what is missing."""
    problem = Problem.from_arrays(np.eye(4)[:, :1], np.arange(4.0), prior=br.Gaussian(1.0))
    records = tuple({"index": i, "ranks": [0, 5], "method": "gibbs", "ess": 99.0, "short": False} for i in range(50))
    found = validate.Calibration(problem, "gibbs", "prior", "", ("one", "two"), 9, 100, records, 0.01, "0", True)
    checked = Checked((), found, None, "the run was interrupted", {}, interrupted=True)
    assert not checked.passed
    assert checked.verdict.startswith("FAILED: do not rely on these draws: its draws are off in one (draws too high)")
    assert checked.gaps[0] == "50 of 100 replications could be used"


def test_a_first_look_compiles_nothing(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from bayesreg.cli import main
    from bayesreg.validate import between

    monkeypatch.setattr(between, "sample", None)  # nothing is drawn for a comparison
    arguments = ["validate", "diabetes", "--prior", "laplace", "--scale", "10", "--quick", "--replications", "5"]
    assert main([*arguments, "--workers", "1"]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert text.startswith(
        "Nothing speaks against gibbs in 5 replications, but what the sampler makes wrong consistently is not seen, "
        "since truths are its own; draws that are too wide are not seen by so few replications, however wide."
    )
    assert "can be trusted" not in text
    assert "Draws that are too wide stay unseen by so few, however far. An error that truths and draws" in text
    assert "Do samplers agree? not checked: gibbs is the only one that compiles nothing; without --quick" in text
