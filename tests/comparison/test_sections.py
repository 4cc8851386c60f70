"""What a comparison says of what the point estimate discards, and that a failed gate says none of it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from bayesreg.comparison import Comparison, compare
from bayesreg.comparison.sections import LEFT_OUT
from bayesreg.datasets import load_dataset
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from tests.comparison.examples import compare_lasso, ridge

TITLES = (
    "What the point estimate discards",
    "Pairs that trade off",
    "Supports",
    "The mode among the draws",
    "Prediction of rows left out (PSIS-LOO)",
    "Known failings that apply",
)


@pytest.fixture(scope="module")
def diabetes() -> Comparison:
    data = load_dataset("diabetes")
    return compare(Problem.from_arrays(data.X, data.y, names=data.names, prior=Laplace(scale=4.6)))


def test_every_section_is_there_and_says_what_its_result_says(diabetes: Comparison) -> None:
    text = " ".join(diabetes.summary().split())
    html = diabetes._repr_html_()
    for title in TITLES:
        assert title in text
        assert title in html
    c = diabetes
    for result in (c.amount, c.tradeoffs, c.selection, c.typicality, c.prediction):
        assert " ".join(result.sentence.split()) in text
    for lint in c.lints:
        assert str(lint) in text
    assert c.tradeoffs is c.tradeoffs  # computed once


def test_numbers_in_json_are_those_of_the_results(diabetes: Comparison) -> None:
    told = json.loads(diabetes.to_json())
    assert told["typicality"]["mean"] == pytest.approx(diabetes.typicality.mean)
    assert told["prediction"]["scores"][0]["elpd"] == pytest.approx(diabetes.prediction.scores["elpd"].iloc[0])
    assert told["selection"]["table"][0]["columns"] == list(diabetes.selection.table["columns"].iloc[0])
    assert told["tradeoffs"]["count"] == diabetes.tradeoffs.count
    assert told["amount"]["little"] is diabetes.amount.little
    assert [lint["name"] for lint in told["lints"]] == [lint.name for lint in diabetes.lints]
    assert told["also"] == {}
    also = json.loads(diabetes.to_json(also={"waterfall": diabetes.waterfall(integrate_scale=False)}))["also"]
    assert also["waterfall"]["table"][0]["step"] == "the penalised optimum"


def numbers_of(text: str) -> set[str]:
    return set(re.findall(r"-?\d+\.\d+", text))


def test_draws_that_failed_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    c = compare_lasso(monkeypatch, draws=8)
    assert not c.passed
    text, html, told = c.summary(), c._repr_html_(), json.loads(c.to_json())
    assert f"WITHHELD, nothing may be concluded: {c.withheld}. Not printed: {', '.join(LEFT_OUT)}." in " ".join(
        text.split()
    )
    for page in (text, html):
        for words in (*TITLES, "P(β>0)", "95 % interval", "bits"):
            assert words not in page
        table = c.coefficients
        for column in ("mean", "lower", "upper", "median"):
            for value in table[column]:
                assert f"{value:.2f}" not in numbers_of(page)
        assert "MAP" in page
    for part in ("ledger", "amount", "tradeoffs", "typicality", "selection", "prediction", "lints"):
        assert told[part] is None
    for row in told["coefficients"]:
        assert row["mean"] is row["p_positive"] is row["map_quantile"] is row["bits"] is None
        assert row["map"] is not None


def test_an_optimum_without_proof_leaves_the_posterior(lasso_comparison: Comparison) -> None:
    bad = replace(lasso_comparison.map, certificate=replace(lasso_comparison.map.certificate, residual=np.full(4, 1.0)))
    c = replace(lasso_comparison, map=bad)
    told = json.loads(c.to_json())
    text = c.summary()
    assert "WITHHELD" in text
    assert "95 % interval" in text
    assert "P(β ≤ MAP)" not in text
    assert re.search(r"^ +column +mean", text, flags=re.M)  # neither optimum has a column
    assert told["coefficients"][0]["mean"] is not None
    assert told["coefficients"][0]["map"] is told["coefficients"][0]["map_quantile"] is None
    assert told["ledger"] is None


def test_a_row_that_cannot_be_left_out_withholds_its_section_alone() -> None:
    x = np.array([-1.0, 0.5, 2.0, -2.0, 1.0, 0.3, -0.4, 1.2])
    y = np.array([0.0, 0, 0, 0, 0, 0, 1, 0])
    c = compare(Problem.from_arrays(x[:, None], y, prior=Gaussian(1.0), likelihood=BernoulliLogit()), draws=2000)
    assert c.passed
    assert "one class only" in c.prediction.withheld
    assert "WITHHELD" in c.summary()
    assert "The mode among the draws" in c.summary()
    json.loads(c.to_json())


def test_one_column_and_none() -> None:
    one = compare(ridge(), draws=500)
    assert "Pairs that trade off" in one.summary()
    y = np.random.default_rng(0).normal(size=30)
    none = compare(Problem.from_arrays(np.empty((30, 0)), y, prior=Gaussian(1.0)), draws=500)
    text = none.summary()
    assert "Supports" not in text
    assert "Prediction of rows left out" in text
