"""`bayesreg compare`: what is printed and written, and the exit status."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bayesreg import cli, comparison
from bayesreg.cli.progress import shown
from bayesreg.comparison import Comparison
from bayesreg.datasets import load_dataset
from bayesreg.errors import GraphMismatchError
from tests.cli.conftest import Cli, Run
from tests.comparison.examples import around_the_mode
from tests.fakes import replace_samplers


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """A file as it should be."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 2)), columns=["a", "b c"])
    frame["y"] = 1 + frame["a"] - 0.5 * frame["b c"] + rng.normal(size=30)
    frame["class"] = (frame["y"] > 1).astype(int)
    path = tmp_path / "good.csv"
    frame.to_csv(path, index=False)
    return path


RIDGE = ("--prior", "gaussian", "--scale", "0.5")


def refuse(token: str) -> None:
    msg = f"{token} is not JSON"
    raise AssertionError(msg)


# -- what works --------------------------------------------------------------------------------------------------------


def test_ridge_on_diabetes(bayesreg: Cli) -> None:
    run = bayesreg("compare", "diabetes", "--prior", "gaussian")
    assert (run.status, run.err) == (0, "")
    for words in (
        "442 rows, 10 columns",
        "certified optimum",
        "same point",
        "of highest marginal likelihood",
        "σ = 54.1",
    ):
        assert words in run.out
    for name in load_dataset("diabetes").names:
        assert f"\n  {name} " in run.out


def test_json(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--json")
    assert (run.status, run.err) == (0, "")
    told = json.loads(run.out, parse_constant=refuse)
    assert told["problem"]["names"] == ["a", "b c", "class"]
    assert told["passed"] is True
    assert told["remarks"] == ["data: good, predicting y (good.csv)", "prior scale = 0.5, as given"]


def test_out_writes_everything(bayesreg: Cli, good: Path, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "er"
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--out", out)
    assert run.status == 0
    assert run.err.startswith(f"written to {out}: comparison.zarr, coefficients.csv, comparison.json, forest.png")
    assert {path.name for path in out.iterdir()} == {
        "comparison.zarr", "coefficients.csv", "comparison.json", "forest.png", "marginals.png",
    }  # fmt: skip
    loaded = Comparison.load(out / "comparison.zarr")
    assert run.out == loaded.summary() + "\n"
    assert (out / "comparison.json").read_text(encoding="utf-8") == loaded.to_json()
    table = pd.read_csv(out / "coefficients.csv", index_col="column")
    pd.testing.assert_frame_equal(table, loaded.coefficients, check_index_type=False)
    for name in ("forest.png", "marginals.png"):
        picture = (out / name).read_bytes()
        assert picture.startswith(b"\x89PNG")
        assert len(picture) > 5000
    assert bayesreg("compare", good, "--target", "y", *RIDGE, "--out", out, "--seed", 1).status == 0
    assert Comparison.load(out / "comparison.zarr").summary() != loaded.summary()


def test_options_reach_the_comparison(bayesreg: Cli, good: Path) -> None:
    run = bayesreg(
        "compare", good, "--target", "y", *RIDGE, "--json", "--raw", "--scale-by-noise", "--sigma", "1.5",
        "--draws", "300", "--chains", "2", "--seed", "5", "--method", "conjugate", "--likelihood", "gaussian",
    )  # fmt: skip
    told = json.loads(run.out)
    assert told["problem"]["standardized"] is False
    assert told["problem"]["scale_by_noise"] is True
    assert told["map"]["sigma"] == 1.5
    assert told["posterior"]["ess_bulk"] == 600
    assert told["posterior"]["seed"] == "5"
    assert told["posterior"]["reason"] == "as asked"
    assert "Gaussian(scale=0.5" in told["problem"]["prior"]


@pytest.mark.parametrize("sigma", ["joint", "residual", "cv_lasso"])
def test_sigma_may_be_a_word(bayesreg: Cli, good: Path, sigma: str) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--sigma", sigma, "--json")
    assert run.status == 0
    words = {"joint": "joint mode", "residual": "least-squares residual", "cv_lasso": "cross-validated lasso"}
    assert words[sigma] in json.loads(run.out)["map"]["sigma_method"]


def test_the_same_seed_prints_the_same(bayesreg: Cli, good: Path) -> None:
    first, second, other = (
        bayesreg("compare", good, "--target", "y", *RIDGE, "--seed", seed).out for seed in (3, 3, 4)
    )
    assert first == second != other


def test_the_rule_that_chooses_the_scale(bayesreg: Cli, good: Path) -> None:
    told = []
    for options in ((), ("--by", "evidence"), ("--by", "cv"), ("--by", "cv", "--seed", "1")):
        run = bayesreg("compare", good, "--target", "y", "--prior", "gaussian", "--json", *options)
        assert run.status == 0
        told.append(json.loads(run.out))
    default, evidence, cv, other = ((one["problem"]["prior"], one["remarks"][1]) for one in told)
    assert default == evidence
    assert "of highest marginal likelihood" in evidence[1]
    assert cv[0] != evidence[0]
    assert "chosen by 5-fold cross-validation" in cv[1]
    assert other[1] != cv[1]


def test_a_rule_for_a_scale_that_is_given(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--by", "cv")
    check_refused(run, "--by cv chooses a scale, but --scale 0.5 gives one")


def test_classes_with_a_scale_by_cross_validation(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)
    run = bayesreg("compare", good, "--target", "class", "--likelihood", "bernoulli", "--json", "--by", "cv")
    told = json.loads(run.out)
    assert run.status == 0
    assert told["problem"]["likelihood"] == "BernoulliLogit()"
    assert told["problem"]["prior"].startswith("Laplace(")
    assert "chosen by 5-fold cross-validation" in told["remarks"][1]


def test_a_file_with_a_byte_order_mark_and_spaces(bayesreg: Cli, good: Path) -> None:
    good.write_bytes(b"\xef\xbb\xbf" + good.read_bytes().replace(b"a,b c", b" a , b c").replace(b"\n", b"\r\n"))
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--json")
    assert run.status == 0
    assert json.loads(run.out)["problem"]["names"] == ["a", "b c", "class"]


def test_a_target_alone_is_an_intercept(bayesreg: Cli, tmp_path: Path) -> None:
    (tmp_path / "y.csv").write_text("y\n" + "\n".join(map(str, range(20))))
    run = bayesreg("compare", tmp_path / "y.csv", "--target", "y", *RIDGE, "--out", tmp_path / "out")
    assert run.status == 0
    assert "no coefficients" in run.out
    assert not (tmp_path / "out" / "forest.png").exists()


# -- gates -----------------------------------------------------------------------------------------------------------


def test_a_failed_gate_is_status_1(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--draws", 20)
    assert run.status == 1
    assert run.err.startswith("bayesreg: a gate failed: bulk ESS of ")
    assert run.err.count("\n") == 1
    assert "WITHHELD" in run.out


def test_a_failed_gate_still_writes_and_prints_json(bayesreg: Cli, good: Path, tmp_path: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--draws", 20, "--json", "--out", tmp_path / "out")
    assert run.status == 1
    assert json.loads(run.out)["passed"] is False
    assert (tmp_path / "out" / "forest.png").exists()


def test_a_graph_that_is_not_the_objective_is_status_1(
    bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mismatch(*args: object, **kwargs: object) -> None:
        msg = "the PyMC graph is not the objective"
        raise GraphMismatchError(msg)

    monkeypatch.setattr(comparison, "compare", mismatch)
    run = bayesreg("compare", good, "--target", "y", *RIDGE)
    assert (run.status, run.err) == (1, "bayesreg: error: the PyMC graph is not the objective\n")


def test_an_interrupt_is_status_130(bayesreg: Cli, good: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*args: object, **kwargs: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(comparison, "compare", stop)
    run = bayesreg("compare", good, "--target", "y", *RIDGE)
    assert run.status == 130
    assert run.err.count("\n") == 1


# -- bad input ---------------------------------------------------------------------------------------------------------


def check_refused(run: Run, *words: str) -> None:
    """Status 2, one line on standard error that holds the words, and nothing else."""
    assert run.status == 2
    assert run.out == ""
    assert run.err.startswith("bayesreg: error: ")
    assert run.err.count("\n") == 1
    assert run.err.endswith("\n")
    assert "Traceback" not in run.err
    for word in words:
        assert word in run.err


ROWS = "".join(f"{i},{i % 3},{i * 0.7 + i % 2}\n" for i in range(12))

BAD_FILES: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "empty": (b"", ("bad.csv is empty",)),
    "blank lines only": (b"\n\n\n", ("bad.csv is empty",)),
    "header only": (b"a,b,y\n", ("a header and no rows",)),
    "ragged": (f"a,b,y\n{ROWS}1,2\n".encode(), ("bad.csv, line 14: 2 fields, but the header has 3",)),
    "ragged after a blank line": (f"a,b,y\n\n{ROWS}1,2,3,4\n".encode(), ("line 15: 4 fields",)),
    "duplicate header": (f"a,a,y\n{ROWS}".encode(), ("line 1", "must be unique: 'a' appears 2 times")),
    "semicolons": (f"a,b,y\n{ROWS}".replace(",", ";").encode(), ("line 1", "separated by ';'")),
    "tabs": (f"a,b,y\n{ROWS}".replace(",", "\t").encode(), ("line 1", "separated by tabs")),
    "text": (f"a,b,y\n{ROWS}red,1,2\n".encode(), ("line 14: column 'a' holds 'red', not a finite number",)),
    "missing cell": (f"a,b,y\n{ROWS}1,,2\n".encode(), ("line 14: column 'b' is missing",)),
    "missing response": (f"a,b,y\n{ROWS}1,2,\n".encode(), ("line 14: column 'y' is missing",)),
    "NA": (f"a,b,y\n{ROWS}1,NA,2\n".encode(), ("line 14: column 'b' holds 'NA'",)),
    "nan": (f"a,b,y\n{ROWS}1,nan,2\n".encode(), ("line 14: column 'b' holds 'nan', not a finite number",)),
    "infinite": (f"a,b,y\n{ROWS}1,inf,2\n".encode(), ("line 14: column 'b' holds 'inf', not a finite number",)),
    "grouped digits": (f"a,b,y\n{ROWS}1,1_000,2\n".encode(), ("line 14: column 'b' holds '1_000'",)),
    "unnamed column": (f",b,y\n{ROWS}".encode(), ("line 1: column 1 has no name",)),
    "Latin-1": (f"a,b,y\n{ROWS}é,1,2\n".encode("latin-1"), ("is not UTF-8 text (byte",)),
    "UTF-16": (f"a,b,y\n{ROWS}".encode("utf-16"), ("is not UTF-8 text (byte 0)",)),
    "open quote": (f'a,b,y\n{ROWS}"1,2,3\n'.encode(), ("line 14: unexpected end of data",)),
    "zip archive": (b"PK\x03\x04\x00\xff\xfe" * 20, ("is not UTF-8 text",)),
    "one row": (b"a,b,y\n1,2,3\n", ("1 row",)),
    "constant response": (b"a,b,y\n" + b"".join(b"%d,%d,5\n" % (i, i % 3) for i in range(12)), ("y is constant (5)",)),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(bayesreg: Cli, name: str, tmp_path: Path) -> None:
    content, words = BAD_FILES[name]
    file = tmp_path / "bad.csv"
    file.write_bytes(content)
    check_refused(bayesreg("compare", file, "--target", "y", *RIDGE), *words)


def test_a_missing_target_lists_the_columns(bayesreg: Cli, good: Path) -> None:
    check_refused(bayesreg("compare", good, *RIDGE), "with --target (columns: a, b c, y, class)")


def test_an_unknown_target_lists_the_columns(bayesreg: Cli, good: Path) -> None:
    check_refused(bayesreg("compare", good, "--target", "z", *RIDGE), "no column 'z' (columns: a, b c, y, class)")


def test_a_folder_is_not_a_file(bayesreg: Cli, tmp_path: Path) -> None:
    check_refused(bayesreg("compare", tmp_path, "--target", "y", *RIDGE), "is not a file")


def test_neither_a_file_nor_a_data_set(bayesreg: Cli) -> None:
    check_refused(bayesreg("compare", "diabets"), "neither a file nor a bundled data set (diabetes, breast_cancer)")


def test_a_bundled_set_has_its_own_target(bayesreg: Cli) -> None:
    check_refused(bayesreg("compare", "diabetes", "--target", "y"), "--target is for a CSV file")


def test_a_response_outside_the_domain(bayesreg: Cli, good: Path) -> None:
    check_refused(
        bayesreg("compare", good, "--target", "y", "--likelihood", "bernoulli", *RIDGE),
        "y has 30 values outside {0, 1}", "recode y",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--scale", "-1"), "scale must be a finite number > 0"),
        (("--scale", "0"), "scale must be a finite number > 0"),
        (("--scale", "nan"), "scale must be a finite number > 0"),
        (("--scale", "inf"), "scale must be a finite number > 0"),
        (
            ("--method", "stan"),
            "method='stan' is not a sampler: use one of auto, conjugate, gibbs, surrogate, hmc, nuts, pymc",
        ),
        (
            ("--prior", "laplace", "--method", "conjugate"),
            "does not apply: the prior is not Gaussian",
        ),
        (("--draws", "0"), "draws must be an integer >= 1 (got 0)"),
        (("--chains", "-2"), "chains must be an integer >= 1 (got -2)"),
        (("--seed", "-1"), "seed must be an integer >= 0 (got -1)"),
        (("--sigma", "guess"), "sigma='guess' is not a method"),
        (("--sigma", "-1"), "sigma must be a finite number > 0"),
        (("--likelihood", "bernoulli", "--scale-by-noise"), "needs a likelihood with a noise scale"),
    ],
)
def test_bad_options(bayesreg: Cli, good: Path, options: tuple[str, ...], words: str) -> None:
    target = "class" if "bernoulli" in options else "y"
    check_refused(bayesreg("compare", good, "--target", target, *RIDGE, *options), words)


def test_bad_options_are_refused_without_a_scale_too(bayesreg: Cli, tmp_path: Path) -> None:
    (tmp_path / "few.csv").write_text("a,y\n1,2\n2,3\n3,5\n")
    run = bayesreg("compare", tmp_path / "few.csv", "--target", "y", "--by", "cv")
    check_refused(run, "cross-validation: 5 folds need at least 5 rows (got 3): give fewer, or a scale")


def test_out_may_not_be_a_file(bayesreg: Cli, good: Path) -> None:
    before = good.read_bytes()
    check_refused(bayesreg("compare", good, "--target", "y", *RIDGE, "--out", good), "is a file; give a folder")
    assert good.read_bytes() == before


def test_errors_of_the_system_are_one_line(bayesreg: Cli, good: Path) -> None:
    run = bayesreg("compare", good, "--target", "y", *RIDGE, "--out", good / "inside")
    assert run.status == 2
    assert run.err.startswith("bayesreg: error: ")
    assert run.err.count("\n") == 1


def test_debug_shows_the_traceback(bayesreg: Cli, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="is not a file"):
        bayesreg("compare", tmp_path, "--target", "y", "--debug")


@pytest.mark.parametrize("arguments", [[], ["compare"], ["nonsense"], ["compare", "diabetes", "--scale", "x"]])
def test_what_cannot_be_parsed_is_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("bayesreg: error: ")
    assert told.endswith("--help)\n")
    assert told.count("\n") == 1


# -- the rest --------------------------------------------------------------------------------------------------------


def test_datasets(bayesreg: Cli) -> None:
    plain, told = bayesreg("datasets"), bayesreg("datasets", "--json")
    assert (plain.status, plain.err, told.status) == (0, "", 0)
    assert set(json.loads(told.out)) == {"diabetes", "breast_cancer"}
    assert plain.out.startswith("diabetes       disease progression")


@pytest.mark.parametrize("arguments", [["--help"], ["compare", "--help"], ["datasets", "--help"], ["--version"]])
def test_help(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 0
    assert "bayesreg" in capsys.readouterr().out


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with shown() as progress:
        assert progress is None
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with shown() as progress:
        assert progress is not None
        progress(5, 10)
    assert "sampling" in terminal.getvalue()
    assert capsys.readouterr().out == ""
