"""`bayesreg path`: what is printed and written, and the exit status."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg import penalty_path, sampling_path
from bayesreg.cli.output import aligned, plain
from bayesreg.cli.progress import staged
from bayesreg.errors import FitError
from bayesreg.penalty_path import penalized_path
from tests.cli.conftest import Cli, Run


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as it should be."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["a", "b c", "d"])
    frame["y"] = 1 + frame["a"] - 0.5 * frame["b c"] + rng.normal(size=40)
    frame["class"] = (frame["y"] > 1).astype(int)
    path = tmp_path_factory.mktemp("data") / "good.csv"
    frame.to_csv(path, index=False)
    return path


RIDGE = ("--target", "y", "--prior", "gaussian", "--count", "6", "--draws", "200")


def refuse(token: str) -> None:
    msg = f"{token} is not JSON"
    raise AssertionError(msg)


def problem_of(good: Path, prior: Any, **settings: Any) -> br.Problem:
    frame = pd.read_csv(good)
    return br.Problem.from_arrays(frame.drop(columns="y"), frame["y"], prior=prior, **settings)


# -- what works --------------------------------------------------------------------------------------------------------


def test_lasso_by_cross_validation_as_text(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("path", good, "--target", "y", "--by", "cv", "--folds", "3", "--count", "30", "--draws", "200")
    assert (run.status, run.err) == (0, "")
    path = penalized_path(problem_of(good, br.Laplace(1.0)), count=30)
    words = (
        "GaussianNoise × Laplace, 40 rows, 4 columns", "predicting y", "MAP path: 30 points", "all certified",
        "the posterior integrates over σ", "Posterior path: 15 points", "15 of 15 points passed their gate",
        "cv min", "cv 1se", "sklearn.Lasso", "followed: scale = ", "points between these are not shown)",
    )  # fmt: skip
    for word in words:
        assert word in run.out
    first = int(np.flatnonzero((~path.zero).any(axis=1))[0])
    name = path.problem.names[int(np.flatnonzero(~path.zero[first])[0])]
    entered = [line for line in run.out.splitlines() if f"+{name}" in line]
    assert len(entered) == 1
    assert "evidence" not in run.out
    command = run.out.splitlines()[-1].removeprefix("next: bayesreg ").split()
    assert command[:5] == ["compare", str(good), "--prior", "laplace", "--target"]
    assert command[-2] == "--scale"


def test_every_rule_as_json(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("path", good, *RIDGE, "--json")
    assert (run.status, run.err) == (0, "")
    told = json.loads(run.out, parse_constant=refuse)
    assert set(told["choices"]) == {"cv min", "cv 1se", "cv squared error", "evidence"} | {
        f"hierarchical {point}" for point in ("mean", "median", "mode")
    }
    assert told["passed"] is True
    problem = problem_of(good, br.Gaussian(1.0))
    path = penalized_path(problem, told["map_path"]["scale"])
    np.testing.assert_allclose(told["map_path"]["beta"], path.beta, rtol=1e-9)
    assert told["chosen"]["scale"] in told["map_path"]["scale"]
    assert told["chosen"]["scale"] in told["posterior_path"]["scale"]
    assert len(told["posterior_path"]["mean"]) == len(told["posterior_path"]["scale"]) == 3
    chosen = told["chosen"]
    assert chosen["by"] == "evidence"
    assert chosen["scale"] == told["choices"]["evidence"]["scale"]
    assert set(chosen["curve"]) >= {"scale", "value", "error"}
    assert told["next"].endswith(f"--scale {chosen['scale']:.4g}")


@pytest.mark.parametrize("by_noise", [False, True])
def test_the_number_of_the_library_is_that_of_the_map(bayesreg: Cli, good: Path, by_noise: bool) -> None:
    """scikit-learn's ridge at the alpha that is told is the MAP at the scale that is told."""
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import StandardScaler

    noise = ("--scale-by-noise",) if by_noise else ()
    told = json.loads(bayesreg("path", good, *RIDGE, "--by", "cv", "--sigma", "1.3", *noise, "--json").out)
    assert told["library"] == "sklearn.Ridge"
    frame = pd.read_csv(good)
    X = StandardScaler().fit_transform(frame.drop(columns="y"))
    fit = Ridge(**told["elsewhere"]["cv min"]).fit(X, frame["y"])
    problem = problem_of(good, br.Gaussian(told["choices"]["cv min"]["scale"]), scale_by_noise=by_noise)
    np.testing.assert_allclose(fit.coef_, br.fit_penalized(problem, sigma=1.3).beta, rtol=1e-8)


def test_out_writes_everything(bayesreg: Cli, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er"
    run = bayesreg("path", good, *RIDGE, "--by", "cv", "--folds", 3, "--out", out, "--json")
    assert run.status == 0
    names = ["path.csv", "posterior_path.csv", "choices.csv", "path.json", "path.png", "choices.png"]
    assert run.err == f"written to {out}: {', '.join(names)}\n"
    assert {path.name for path in out.iterdir()} == set(names)
    told = json.loads(run.out)
    assert json.loads((out / "path.json").read_text(encoding="utf-8")) == told
    table = pd.read_csv(out / "path.csv")
    np.testing.assert_allclose(table[["a", "b c", "d", "class"]], told["map_path"]["beta"])
    posterior = pd.read_csv(out / "posterior_path.csv")
    np.testing.assert_allclose(posterior["mean a"], [row[0] for row in told["posterior_path"]["mean"]])
    rules = pd.read_csv(out / "choices.csv", index_col="rule")
    assert list(rules.index) == ["cv min", "cv 1se", "cv squared error"]
    assert rules.loc["cv 1se", "sklearn.Ridge"].startswith("alpha=")
    for name in ("path.png", "choices.png"):
        assert (out / name).read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_prints_the_same(bayesreg: Cli, good: Path) -> None:
    first, second = (bayesreg("path", good, *RIDGE, "--by", "cv", "--seed", 3).out for _ in range(2))
    assert first == second


def test_options_reach_the_paths(bayesreg: Cli, good: Path) -> None:
    run = bayesreg(
        "path", good, *RIDGE, "--by", "cv", "--rule", "1se", "--folds", 4, "--raw", "--sigma", "1.5", "--json"
    )
    told = json.loads(run.out)
    assert told["problem"]["standardized"] is False
    assert "1.5, as given" in told["problem"]["noise"]
    assert "4-fold" in told["chosen"]["sentence"]
    assert told["chosen"]["scale"] == told["choices"]["cv 1se"]["scale"]
    assert "--sigma 1.5 --raw --scale" in told["next"]


def test_more_columns_than_rows(bayesreg: Cli, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(12, 20)), columns=[f"x{j}" for j in range(20)])
    frame["y"] = frame["x0"] * 3 + rng.normal(size=12)
    frame.to_csv(tmp_path / "wide.csv", index=False)
    run = bayesreg(
        "path", tmp_path / "wide.csv", "--target", "y", "--prior", "gaussian", "--by", "evidence", "--count", 6,
        "--scale-by-noise", "--draws", 200,
    )  # fmt: skip
    assert run.status == 0
    assert "12 rows, 20 columns" in run.out


# -- gates -------------------------------------------------------------------------------------------------------------


def test_an_uncertified_point_is_status_1(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spoiled(*args: Any, **kwargs: Any) -> Any:
        path = penalized_path(*args, **kwargs)
        certified = path.certified.copy()
        certified[2] = False
        return replace(path, certified=certified)

    monkeypatch.setattr(penalty_path, "penalized_path", spoiled)
    run = bayesreg("path", good, *RIDGE, "--by", "cv")
    assert run.status == 1
    assert run.err == "bayesreg: a gate failed: 1 of 6 points of the MAP path is not certified\n"
    assert "5 of them certified" in run.out
    assert "next:" not in run.out


def test_a_posterior_path_without_a_passed_point_is_status_1(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = sampling_path.posterior_path

    def spoiled(*args: Any, **kwargs: Any) -> Any:
        path = real(*args, **kwargs)
        none = np.zeros_like(path.passed_at)
        return replace(path, passed_at=none, trouble=("as the test wants",) * none.size)

    monkeypatch.setattr(sampling_path, "posterior_path", spoiled)
    run = bayesreg("path", good, *RIDGE, "--by", "cv", "--out", tmp_path)
    assert run.status == 1
    assert "bayesreg: a gate failed: none of 3 points of the posterior path passed\n" in run.err
    assert "0 of 3 points passed their gate; the others are withheld" in run.out
    assert (tmp_path / "path.png").exists()


def test_a_rule_that_finds_nothing_is_told_and_is_status_1_if_it_is_followed(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bayesreg import strength

    real = strength.choose_scale
    broken = {"hierarchical"}

    def choose(problem: br.Problem, by: str, **options: Any) -> Any:
        if by in broken:
            msg = f"{by} is out of order"
            raise FitError(msg)
        return real(problem, by, **options)

    monkeypatch.setattr(strength, "choose_scale", choose)
    run = bayesreg("path", good, *RIDGE)
    assert run.status == 0
    assert "hierarchical: hierarchical is out of order" in run.out
    assert "followed: scale" in run.out
    broken.add("evidence")
    run = bayesreg("path", good, *RIDGE)
    assert run.status == 1
    assert run.err == "bayesreg: a gate failed: evidence found no scale: evidence is out of order\n"
    assert "followed" not in run.out


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
        (("--target", "z"), "no column 'z'"),
        (("--target", "y", "--count", "1"), "count must be an integer >= 2 (got 1)"),
        (("--target", "y", "--draws", "0"), "draws must be an integer >= 1 (got 0)"),
        (("--target", "y", "--seed", "-1"), "seed must be an integer >= 0 (got -1)"),
        (("--target", "y", "--sigma", "guess"), "sigma='guess' is not a method"),
        (("--target", "y", "--by", "evidence", "--folds", "4"), "--folds 4 is for --by cv"),
        (("--target", "y", "--rule", "1se"), "--rule 1se is for --by cv"),
        (("--target", "y", "--by", "cv", "--folds", "1"), "folds"),
        (("--target", "y", "--likelihood", "bernoulli"), "outside {0, 1}"),
        (
            ("--target", "class", "--likelihood", "bernoulli", "--scale-by-noise"),
            "needs a likelihood with a noise scale",
        ),
    ],
)
def test_bad_options(bayesreg: Cli, good: Path, options: tuple[str, ...], words: str) -> None:
    check_refused(bayesreg("path", good, *options), words)


def test_no_column_is_nothing_to_choose(bayesreg: Cli, tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("y\n" + "\n".join(map(str, range(20))))
    check_refused(bayesreg("path", tmp_path / "y.csv", "--target", "y"), "there is no column")


def test_neither_a_file_nor_a_data_set(bayesreg: Cli, good: Path) -> None:
    check_refused(bayesreg("path", "diabets"), "neither a file nor a bundled data set")
    check_refused(bayesreg("path", good, *RIDGE, "--out", good), "is a file; give a folder")


# -- its parts ---------------------------------------------------------------------------------------------------------


def test_stages_have_names_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    with staged() as stage:
        assert stage("evidence") is None
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with staged() as stage:
        for name in ("MAP path", "evidence"):
            progress = stage(name)
            assert progress is not None
            progress(5, 10)
    assert "evidence" in terminal.getvalue()


def test_aligned_columns() -> None:
    assert aligned(("rule", "scale", "x"), [("a", "1.5", ""), ("long", "10", "z")]) == [
        "  rule  scale  x", "  a       1.5", "  long     10  z",
    ]  # fmt: skip


def test_plain_values_are_json() -> None:
    value = {"a": np.array([1.0, np.nan]), 2: (np.float64(np.inf), True, "x", None)}
    assert plain(value) == {"a": [1.0, None], "2": [None, True, "x", None]}
