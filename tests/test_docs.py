"""The pages: what their code prints is what they say it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesreg.errors import FitError
from benchmarks.validation.cases import cases
from benchmarks.validation.controls import controls
from benchmarks.validation.page import TEMPLATE

DOCS = Path(__file__).resolve().parents[1] / "docs"

PAGE = DOCS / "which-prior.md"


def blocks(page: Path = PAGE) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def quoted(name: str) -> list[str]:
    """Lines of the page between two marks."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(f"<!-- {name}: begin -->") : text.index(f"<!-- {name}: end -->")].splitlines()[1:]


def test_conversions() -> None:
    names: dict[str, Any] = {}
    first, *rest = (line for line in blocks()[0].splitlines() if line.strip())
    exec(first, names)
    for line in rest:
        call, _, said = line.partition("#")
        found = repr(eval(call, names)).replace("'", '"')
        for number in re.findall(r"\d+\.\d+…", said):  # given to as many digits as are written
            assert number.rstrip("…") in found
        said_words = re.sub(r"\d+\.\d+…?", "", said).strip()
        assert said_words == "one row a library" or re.sub(r"\d+\.\d+", "", found).startswith(said_words[:9])


def test_the_audit() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[1].replace("print(", "str("), names)
    said = " ".join(line.removeprefix("> ") for line in quoted("audit"))
    assert said.strip() == names["audit"].audited.assumed
    table = names["audit"].coefficients
    for column, mean, sd in (("tc", -29.0, 18.0), ("ldl", 15.9, 14.9), ("hdl", 0.8, 9.2)):
        assert abs(table.loc[column, "mean"] - mean) < 0.05 + 5 * table.loc[column, "mcse_mean"]
        assert abs(table.loc[column, "sd"] - sd) < 0.5


def test_the_reading_of_a_model() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[2].replace("print(", "str("), names)
    found = str(names["br"].read_penalty(names["model"])).splitlines()
    assert found == [line.removeprefix("    ") for line in quoted("reading") if line]
    with pytest.raises(FitError, match="grows without bound as tau → 0"):
        names["br"].find_map(names["model"])
    assert (names["br"].find_map(names["model"], hold={"tau": 0.5}).point["w"] == 0).any()


def test_how_strong() -> None:
    """The page's code runs, and what the page says of the evidence holds."""
    import matplotlib.pyplot as plt

    names: dict[str, Any] = {}
    first, human, along = blocks(DOCS / "how-strong.md")
    exec(first.replace("print(", "str(").replace("comparison = br.compare(choice.problem, seed=0)", ""), names)
    exec(human.replace("print(", "str("), names)
    exec(along, names)
    choice, problem, br = names["choice"], names["problem"], names["br"]
    # At the maximum the prior's expected size of the coefficients is the posterior's.
    posterior = br.sample(choice.problem, draws=2000, seed=1)
    size = abs(posterior.beta).sum(axis=-1)
    expected = problem.p * choice.scale
    slack = 5 * size.std() / posterior.summary(["beta"])["ess_bulk"].min() ** 0.5 + 5 * choice.error * expected
    assert abs(size.mean() - expected) < slack < 0.1 * expected
    assert set(choice.alternatives.index) >= {"cv min", "cv 1se", "evidence", "hierarchical median"}
    assert names["mode"].passed
    assert names["along"].passed
    assert choice.sensitivity is None
    plt.close("all")


def test_discards(capsys: pytest.CaptureFixture[str]) -> None:
    """The page's code runs, and what the page says of it holds."""
    names: dict[str, Any] = {}
    for block in blocks(DOCS / "discards.md"):
        exec(block, names)
    c = names["c"]
    assert c.passed
    assert "WITHHELD" not in capsys.readouterr().out
    # Functions: the mode's norm is smaller; a ratio over a coefficient that may be 0 has no mean.
    assert names["size"].at_map < names["size"].mean
    assert names["ratio"].has_mean
    assert not names["wild"].has_mean
    assert "read the median" in str(names["wild"])
    # Decisions: a dose that keeps its distance from the edge; plants that little is known of.
    choice = names["choice"]
    assert float(choice.action) < float(choice.map_action)
    assert choice.regret > 3 * choice.mcse
    ranking = names["ranking"]
    assert not ranking.agree
    assert ranking.regret > 3 * ranking.mcse
    seldom = {f"plant {i}" for i in range(1, 12, 2)}
    assert set(ranking.actions) - set(ranking.map_actions) <= seldom
    # The waterfall starts at the Pipeline's coefficients per unit of the raw columns, and adds up.
    fall, early, X = names["fall"], names["early"], names["X"]
    np.testing.assert_allclose(fall.table.iloc[0], early[-1].coef_ / X.std(axis=0), rtol=1e-9)
    np.testing.assert_allclose(fall.table.iloc[:-1].sum(), fall.table.iloc[-1], rtol=1e-9, atol=1e-9)
    assert fall.steps.loc["solver error"].abs().max() > 0.01
    assert (fall.steps.loc["intercept and standardisation"] == 0).all()
    assert names["by_fold"].withheld == ""


def test_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's code runs, names every picture, and what it says of coverage and of trajectories holds."""
    import matplotlib.pyplot as plt

    import bayesreg as br

    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks(DOCS / "pictures.md"):
        exec(block, names)
        plt.close("all")
    text = (DOCS / "pictures.md").read_text(encoding="utf-8")
    missing = [name for name in br.plots.__all__ if f"{name}(" not in text]
    assert missing == []
    assert (tmp_path / "forest.png").stat().st_size > 10_000
    assert (tmp_path / "report.html").stat().st_size <= 3_000_000
    # About half of the effects of five standard errors; hardly any.
    lasso = names["lasso"].set_index("signal")["coverage"]
    assert 0.4 < float(lasso.iloc[-11]) < 0.6
    normal = br.discard.normal_means(br.Gaussian(1.0), se=1.0).coverage([5.0])
    assert float(normal["coverage"].iloc[0]) < 0.02
    # A proximal step reaches the zeros, the others step over them; without a penalty nothing is at zero.
    gradient, subgradient, proximal = names["descents"]
    assert proximal.zeros[-1].sum() == names["c"].penalized.zeros.sum() > 0
    assert not gradient.zeros[-1].any()
    assert not subgradient.zeros[-1].any()
    assert not names["free"].zeros[-1].any()
    assert "prediction" in names["c"].computed
    capsys.readouterr()


def test_the_code_of_the_validation_page(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = blocks(DOCS / "validation.md")
    assert code in TEMPLATE
    exec(code, {})
    told = capsys.readouterr().out
    assert "Simulation-based calibration: passed (20 replications" in told
    assert "the exact posterior" in told or "oracle" in told


def test_the_committed_validation_is_of_every_case_and_passed() -> None:
    text = (DOCS / "validation.md").read_text(encoding="utf-8")
    assert "\nEverything passed. Run on " in text
    assert len(re.findall(r"^\| .* \| passed \|$", text, flags=re.MULTILINE)) == len(cases())
    assert len(re.findall(r"^\| .* \| caught \|$", text, flags=re.MULTILINE)) == len(controls())
