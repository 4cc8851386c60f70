"""`--also` and `--epsilon`: what is computed beside a comparison where it is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesreg.cli import also
from tests.cli.conftest import Cli

RIDGE = ("--prior", "gaussian", "--scale", "0.5")
LASSO = ("--prior", "laplace", "--scale", "0.3")


@pytest.fixture
def good(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2)) * [1.0, 5.0], columns=["a", "b c"])
    frame["y"] = 1 + frame["a"] - 0.1 * frame["b c"] + rng.normal(size=40)
    path = tmp_path / "good.csv"
    frame.to_csv(path, index=False)
    return path


def test_everything_that_compiles_nothing(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *LASSO, "--also", "kfold", "waterfall", "intervals")
    assert run.status == 0
    for words in (
        "Prediction, fold by fold", "10-fold cross-validation", "The waterfall", "mode to mean:",
        "Beside the frequentist answers", "bootstrap: the stated share", "debiased: of repeated samples",
    ):  # fmt: skip
        assert words in run.out
    told = json.loads(bayesreg("compare", good, "--target", "y", *LASSO, "--also", "waterfall", "--json").out)
    table = {row.pop("step"): row for row in told["also"]["waterfall"]["table"]}
    start = table.pop("the penalised optimum")
    end = table.pop("posterior mean")
    assert start["a"] + sum(row["a"] for row in table.values()) == pytest.approx(end["a"], abs=1e-12)


def test_ridge_has_no_bias_of_an_l1_penalty_to_take_out(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--also", "intervals")
    assert run.status == 0
    assert "bootstrap" in run.out
    assert "debiased" not in run.out


def test_nothing_is_computed_beside_draws_that_failed(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(also, "compute", lambda *_: pytest.fail("computed"))
    run = bayesreg("compare", good, "--target", "y", *LASSO, "--draws", "8", "--chains", "2", "--also", "kfold")
    assert run.status == 1
    assert "WITHHELD" in run.out


def test_what_is_small(bayesreg: Cli, good: Path) -> None:
    def epsilon(*options: str) -> list[float]:
        run = bayesreg("compare", good, "--target", "y", *RIDGE, "--json", *options)
        assert run.status == 0
        return [row["epsilon_raw"] for row in json.loads(run.out)["coefficients"]]

    by_default = epsilon()
    assert epsilon("--epsilon-raw", "b c=0.25") == [by_default[0], 0.25]
    assert epsilon("--epsilon-raw", "0.25") == [0.25, 0.25]
    sds = pd.read_csv(good)[["a", "b c"]].std(ddof=0)
    np.testing.assert_allclose(epsilon("--epsilon", "0.1"), 0.1 / sds)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--epsilon", "wide"), "--epsilon takes one number, or NAME=NUMBER"),
        (("--epsilon", "0.1", "a=0.2"), "--epsilon takes one number, or NAME=NUMBER"),
        (("--epsilon-raw", "a=0.1", "a=0.2"), "--epsilon-raw takes one number, or NAME=NUMBER"),
        (("--epsilon-raw", "height=0.1"), "epsilon_raw names 'height', which is no column (a, b c)"),
        (("--epsilon", "-1"), "must be one number >= 0"),
        (("--epsilon", "1", "--epsilon-raw", "1"), "the same number in two units"),
    ],
)
def test_what_cannot_be_is_refused(bayesreg: Cli, good: Path, options: tuple[str, ...], said: str) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, *options)
    assert run.status == 2
    assert said in run.err
    assert run.out == ""


def test_what_there_is_not_is_refused(bayesreg: Cli, good: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        bayesreg("compare", good, "--target", "y", *RIDGE, "--also", "everything")
    assert stopped.value.code == 2
