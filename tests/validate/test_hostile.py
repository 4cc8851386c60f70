"""What users may do to a run: interrupt it, write into draws, send what cannot be sent, start from a bare script."""

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

import bayesreg as br
from bayesreg.samplers.settings import Interrupted
from bayesreg.validate import calibration
from bayesreg.validate.one_thread import _controller, one_thread
from bayesreg.validate.uniformity import SMALLEST, p_value
from tests.validate.problems import lasso, ridge


def test_an_interrupt_before_the_first_draw_is_no_failure(monkeypatch, tmp_path):
    path, count = tmp_path / "runs.jsonl", []
    real = calibration.Job._draws

    def stopped(self, problem, seeds):
        count.append(1)
        if len(count) == 4:
            msg = "sampling was interrupted before the first draw: nothing to keep"
            raise Interrupted(msg)
        return real(self, problem, seeds)

    monkeypatch.setattr(calibration.Job, "_draws", stopped)
    found = br.validate.sbc(ridge(), 10, workers=1, store=path)
    assert found.interrupted
    assert len(found.records) == 3
    assert not found.failures
    whole = br.validate.sbc(ridge(), 10, workers=1, store=path)
    assert (whole.ranks == br.validate.sbc(ridge(), 10, workers=1).ranks).all()


BARE = """
import sys
import numpy as np, bayesreg as br
rng = np.random.default_rng(0)
noise = br.GaussianNoise(sigma=br.HalfNormal(1.0))
problem = br.Problem.from_arrays(
    rng.normal(size=(12, 3)), rng.normal(size=12), likelihood=noise, prior=br.Laplace(1.0), intercept=br.Gaussian(1.0)
)
def largest(draws, problem):
    return draws["beta"].max(axis=1)
count = int(sys.argv[1])
tell = lambda done, total: print(done, flush=True) if done else None
found = br.validate.sbc(problem, count, {"largest": largest, "s": lambda d, p: d["sigma"]}, workers=2, progress=tell)
print("end", found.interrupted, len(found.records), len(found.failures))
"""


def script(tmp_path, count):
    file = tmp_path / "bare.py"
    file.write_text(BARE)
    command = [sys.executable, str(file), str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_script_without_a_guard_runs_on_a_pool(tmp_path):
    output = script(tmp_path, 24).communicate(timeout=300)[0].splitlines()
    assert output[-1] == "end False 24 0"
    assert output.count("24") == 1  # the script itself ran once


def test_an_interrupted_pool_ends_at_once_with_what_it_has(tmp_path):
    process = script(tmp_path, 100_000)
    while process.stdout.readline().strip() != "20":
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    last = process.communicate(timeout=60)[0].splitlines()[-1].split()
    assert process.returncode == 0
    assert last[:2] == ["end", "True"]
    assert 20 <= int(last[2]) < 100_000
    assert last[3] == "0"


def test_what_cannot_be_sent_is_told_and_runs_in_this_process():
    lock = threading.Lock()

    def locked(draws, problem):
        with lock:
            return draws["sigma"]

    with pytest.raises(br.ParameterError, match=r"cannot be sent to other processes \(TypeError: cannot pickle"):
        br.validate.sbc(ridge(), 12, {"locked": locked}, workers=2)
    assert len(br.validate.sbc(ridge(), 2, {"locked": locked}, workers=1).records) == 2


def test_a_quantity_that_writes_into_draws_is_stopped():
    def writes(draws, problem):
        draws["beta"] -= 100.0
        return draws["sigma"]

    with pytest.raises(ValueError, match="read-only"):
        br.validate.sbc(ridge(), 2, {"writes": writes}, workers=1)


def test_a_quantity_does_not_take_a_parameters_name():
    with pytest.raises(br.ParameterError, match="'sigma' is the name of a parameter"):
        br.validate.sbc(ridge(), 2, {"sigma": lambda draws, problem: draws["sigma"]}, workers=1)


def test_large_rows_give_the_same_on_a_pool():
    problem = lasso(n=20_000, p=8, sigma=1.0)  # above a megabyte joblib sends arrays as files
    here = br.validate.sbc(problem, 6, workers=1)
    assert (here.ranks == br.validate.sbc(problem, 6, workers=2).ranks).all()
    assert (here.ranks != br.validate.sbc(problem, 6, seed=1, workers=1).ranks).any()


def test_a_quantity_of_few_values_keeps_uniform_ranks():
    def sign(draws, problem):
        return np.sign(draws["beta"][:, 0])

    found = br.validate.sbc(ridge(), 200, {"sign": sign, "constant": lambda d, p: np.zeros(len(d["sigma"]))})
    assert found.passed
    assert len(np.unique(found.ranks[:, -1])) > 50  # ties are broken at random, not all one way


def test_no_columns_and_no_intercept():
    y = np.random.default_rng(0).normal(size=12)
    noise = br.GaussianNoise(sigma=br.HalfNormal(1.0))
    settings = {"likelihood": noise, "prior": br.Laplace(1.0)}
    bare = br.Problem.from_arrays(np.empty((12, 0)), y, intercept=br.Gaussian(1.0), **settings)
    assert br.validate.sbc(bare, 4, workers=1).names == ("intercept", "sigma", "log_likelihood", "log_prior")
    X = np.random.default_rng(1).normal(size=(12, 2))
    flat = br.Problem.from_arrays(X, y, intercept=None, **settings)
    assert br.validate.sbc(flat, 4, workers=1).names[:3] == ("beta[x0]", "beta[x1]", "sigma")


def blas():
    return [each["num_threads"] for each in _controller().info() if each["user_api"] == "blas"]


def test_threads_of_python_share_one_limit():
    with _controller().limit(limits=2):
        before, first, second = blas(), one_thread(), one_thread()
        assert 2 in before  # not all: one that has a single thread cannot have two
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas()) == {1}  # one of them is still inside
        second.__exit__(None, None, None)
        assert blas() == before


def test_a_hopeless_sampler_has_its_p_value_at_once():
    assert p_value(np.zeros(5000, dtype=int), 99) <= 1e3 * SMALLEST
