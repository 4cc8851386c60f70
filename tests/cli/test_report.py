"""`--report` of `bayesreg compare` and `bayesreg audit`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge
from skops import io

from tests.cli.conftest import Cli


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 2)), columns=["a", "<b>"])
    frame["y"] = 1 + frame["a"] + rng.normal(size=40)
    frame.to_csv(tmp_path / "data.csv", index=False)
    return tmp_path / "data.csv"


RIDGE = ("--target", "y", "--prior", "gaussian")


def test_compare_writes_the_report_and_says_so(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    done = bayesreg("compare", str(data), *RIDGE, "--report", str(path))
    assert done.status == 0
    assert f"written: {path} (" in done.err
    text = path.read_text(encoding="utf-8")
    assert f"bayesreg compare {data} --target y --prior gaussian --report {path}" in text
    assert 'id="explorer-data"' in text
    assert '"label":"highest evidence"' in text
    assert "&lt;b&gt;" in text
    assert "<b>" not in text


def test_no_explorer_leaves_it_out(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    assert bayesreg("compare", str(data), *RIDGE, "--scale", "1", "--report", str(path), "--no-explorer").status == 0
    assert "<script" not in path.read_text(encoding="utf-8")


def test_audit_writes_one_too(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    frame = pd.read_csv(data)
    io.dump(Ridge(alpha=1.0).fit(frame[["a", "<b>"]], frame["y"]), tmp_path / "m.skops")
    path = tmp_path / "r.html"
    done = bayesreg("audit", str(tmp_path / "m.skops"), str(data), "--target", "y", "--report", str(path))
    assert done.status == 0, done.err
    text = path.read_text(encoding="utf-8")
    assert "Is the audited fit an optimum?" in text
    assert "a Gaussian prior with" in text


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--report", "r.pdf"), "--report must end in .html (got 'r.pdf')"),
        (("--report", "no/r.html"), "is in no folder that exists"),
        (("--no-explorer",), "--no-explorer is of a report"),
    ],
)
def test_what_cannot_be_written_is_refused_before_anything_is_computed(
    bayesreg: Cli, data: Path, options: tuple[str, ...], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bayesreg.comparison.compare", lambda *_, **__: pytest.fail("computed"))
    done = bayesreg("compare", str(data), *RIDGE, *options)
    assert done.status == 2
    assert said in done.err
    assert len(done.err.splitlines()) == 1


def test_a_failed_gate_is_in_the_report_and_in_the_exit_status(bayesreg: Cli, data: Path, tmp_path: Path) -> None:
    path = tmp_path / "r.html"
    options = ("--prior", "laplace", "--scale", "0.2", "--method", "gibbs", "--draws", "4", "--chains", "4")
    assert bayesreg("compare", str(data), "--target", "y", *options, "--report", str(path)).status == 1
    assert "WITHHELD" in path.read_text(encoding="utf-8")
