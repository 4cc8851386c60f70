"""`bayesreg audit`: a model file, a CSV file, and what is printed; nothing is loaded that may not be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import skops.io
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from tests.cli.conftest import Cli
from tests.comparison.examples import around_the_mode
from tests.fakes import replace_samplers


@pytest.fixture(autouse=True)
def _no_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 3)) * [1.0, 5.0, 0.2], columns=["a", "b", "c"])
    return X.assign(y=X["a"] - 0.2 * X["b"] + rng.normal(size=50), w=rng.uniform(0.5, 2.0, 50), extra="text")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "data.csv"
    frame().to_csv(path, index=False)
    return path


def model(**options: Any) -> Any:
    X = frame()[["a", "b", "c"]]
    return make_pipeline(StandardScaler(), Lasso(0.1, **{"tol": 1e-12} | options)).fit(X, frame()["y"])


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "model.joblib"
    joblib.dump(model(), path)
    return path


def test_a_joblib_file_needs_trust(bayesreg: Cli, saved: Path, data: Path) -> None:
    refused = bayesreg("audit", saved, data, "--target", "y")
    assert (refused.status, refused.out) == (2, "")
    assert "runs any code that its maker put there" in refused.err
    found = bayesreg("audit", saved, data, "--target", "y", "--trust", "--draws", 200)
    assert found.status == 0, found.err
    assert "warning: loading" in found.err
    assert "Lasso(alpha=0.1) minimises" in found.out
    assert "your fit     the optimum" in found.out


def test_a_file_that_runs_code_does_not_run_without_trust(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    path = tmp_path / "evil.pkl"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(ran).encode() + b"'\ntR.")
    assert bayesreg("audit", path, data, "--target", "y").status == 2
    assert not ran.exists()


def test_a_skops_file(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "model.skops"
    skops.io.dump(model(), path)
    found = bayesreg("audit", path, data, "--target", "y", "--draws", 200, "--json")
    assert found.status == 0, found.err
    assert json.loads(found.out)["audited"]["estimator"] == "Lasso(alpha=0.1)"


def test_a_skops_file_with_strange_types_needs_trust(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    strange = make_pipeline(FunctionTransformer(_double), Lasso(0.1)).fit(frame()[["a", "b", "c"]], frame()["y"])
    path = tmp_path / "model.skops"
    skops.io.dump(strange, path)
    refused = bayesreg("audit", path, data, "--target", "y")
    assert refused.status == 2
    assert "not known to be harmless" in refused.err


def _double(X: Any) -> Any:
    return 2 * X


def test_a_fit_that_is_off_is_status_1(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    wrong = model()
    wrong[-1].coef_ = wrong[-1].coef_ * 2
    joblib.dump(wrong, tmp_path / "wrong.joblib")
    found = bayesreg("audit", tmp_path / "wrong.joblib", data, "--target", "y", "--trust", "--draws", 200)
    assert found.status == 1
    assert "a gate failed: the model's coefficients are NOT the optimum" in found.err


def test_out_and_weights(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    X = frame()[["a", "b", "c"]]
    joblib.dump(Lasso(0.1, tol=1e-12).fit(X, frame()["y"], frame()["w"]), tmp_path / "m.joblib")
    found = bayesreg(
        "audit", tmp_path / "m.joblib", data, "--target", "y", "--weights", "w", "--trust", "--draws", 200,
        "--out", tmp_path / "out",
    )  # fmt: skip
    assert found.status == 0, found.err
    written = pd.read_csv(tmp_path / "out" / "audited.csv", index_col=0)
    assert list(written.index) == ["a", "b", "c"]
    assert (tmp_path / "out" / "comparison.zarr").is_dir()


def test_classes_by_position(bayesreg: Cli, tmp_path: Path) -> None:
    X, y = frame()[["a", "b", "c"]], np.where(frame()["y"] > 0, "yes", "no")
    X.assign(y=y).to_csv(tmp_path / "d.csv", index=False)
    joblib.dump(LogisticRegression(tol=1e-10).fit(X.to_numpy(), y), tmp_path / "m.joblib")
    found = bayesreg("audit", tmp_path / "m.joblib", tmp_path / "d.csv", "--target", "y", "--trust", "--draws", 200)
    assert found.status == 0, found.err
    assert "log-odds of y = yes" in found.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: [a[0], "nothing.joblib", *a[2:]], "nothing.joblib is no file"),
        (lambda a: [*a[:2], "nothing.csv", *a[3:]], "nothing.csv is no file"),
        (lambda a: [a[0], a[2], a[2], *a[3:]], "a model is a .skops file"),
        (lambda a: [*a[:4], "z", *a[5:]], "--target 'z' is no column"),
        (lambda a: [*a, "--weights", "z"], "--weights 'z' is no column"),
        (lambda a: [*a, "--sigma", "joint"], "sigma='joint'"),
        (lambda a: [*a, "--weights", "extra"], "--weights extra"),
    ],
)
def test_refusals(bayesreg: Cli, saved: Path, data: Path, change: Any, words: str) -> None:
    found = bayesreg(*change(["audit", str(saved), str(data), "--target", "y", "--trust"]))
    assert (found.status, found.out) == (2, "")
    assert words in found.err


def test_a_broken_csv(bayesreg: Cli, saved: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("")
    found = bayesreg("audit", saved, tmp_path / "empty.csv", "--target", "y", "--trust")
    assert found.status == 2
    assert "cannot be read as CSV" in found.err


@pytest.mark.parametrize("name", ["junk.joblib", "junk.skops"])
def test_a_broken_model(bayesreg: Cli, data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a model")
    found = bayesreg("audit", tmp_path / name, data, "--target", "y", "--trust")
    assert found.status == 2
    assert "cannot be read as a model" in found.err
