"""The choice by evidence in closed form, and all rules side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesreg.evidence import allowed
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.priors import Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.strength import ScaleChoice, choose_scale
from tests.markup import read
from tests.strength.oracle import SIGMA, data, problem_of

# -- by evidence, in closed form ---------------------------------------------------------------------------------------


def test_the_curve_of_the_evidence_and_the_scales_within_two_nats() -> None:
    from bayesreg.evidence import evidence_scale
    from bayesreg.samplers import conjugate

    problem = problem_of(Gaussian(1.0))
    choice, best = choose_scale(problem), evidence_scale(problem)
    assert (choice.by, choice.scale, choice.error, choice.sentence) == ("evidence", best.scale, 0.0, best.sentence)
    evidence = conjugate.Evidence.of(problem)
    scales, values = choice.curve["scale"].to_numpy(), choice.curve["value"].to_numpy()
    assert (np.diff(scales) > 0).all()
    assert values.max() == pytest.approx(0.0, abs=1e-9)
    assert values[scales == best.scale] == 0
    for i in (0, 30, 60, -1):
        assert values[i] == pytest.approx(evidence(float(scales[i])) - evidence(best.scale), abs=1e-9)
    for end in (choice.lower, choice.upper):
        assert evidence(end) - evidence(best.scale) == pytest.approx(-2.0, abs=0.02)
    assert choice.lower < choice.scale < choice.upper
    assert choice.problem.prior.variance(6) == pytest.approx(np.full(6, choice.scale**2))


def test_an_end_of_the_allowed_scales_bounds_the_range() -> None:
    rng = np.random.default_rng(2)
    X, noise = rng.normal(size=(100, 5)), rng.normal(size=100)
    y = noise - X @ np.linalg.lstsq(X, noise)[0]
    choice = choose_scale(Problem.from_arrays(X, y - y.mean(), prior=Gaussian(1.0)))
    assert choice.lower == choice.scale == choice.curve["scale"].iloc[0]
    assert np.isfinite(choice.upper)
    assert np.isnan(choice.error)


# -- all rules side by side --------------------------------------------------------------------------------------------


def check_row(choice: ScaleChoice, name: str, other: ScaleChoice) -> None:
    row = choice.alternatives.loc[name]
    assert (row["scale"], row["lower"], row["upper"]) == (other.scale, other.lower, other.upper)
    assert row["lambda_"] == other.lambda_


def test_alternatives_are_what_the_other_rules_choose() -> None:
    problem = problem_of(Gaussian(1.0))
    options: dict[str, Any] = {"folds": 4, "groups": np.arange(60) % 12, "seed": 3}
    choice = choose_scale(problem, "cv", rule="1se", **options)
    assert "cv min" not in str(choice), "they are computed when asked for"
    check_row(choice, "cv 1se", choice)
    check_row(choice, "cv min", choose_scale(problem, "cv", **options))
    check_row(choice, "cv squared error", choose_scale(problem, "cv", loss="squared_error", **options))
    check_row(choice, "evidence", choose_scale(problem))
    table = choose_scale(problem, seed=3).alternatives
    drawn = ["hierarchical mean", "hierarchical median", "hierarchical mode"]
    assert list(table.index) == ["cv min", "cv 1se", "cv squared error", "evidence", *drawn]
    assert list(table.columns) == ["scale", "lower", "upper", "lambda_", "sentence"]
    assert table.loc["cv min", "scale"] == choose_scale(problem, "cv", seed=3).scale
    assert "cv min" in str(choice)
    (shown,) = read(choice._repr_html_()).tables
    assert [row[0] for row in shown[1:]] == list(table.index)
    assert shown[0] == ["rule", "scale", "lower", "upper", "λ"]
    assert shown[1][1] == f"{table['scale'].iloc[0]:.4g}"


def test_a_rule_without_an_answer_says_why() -> None:
    problem = Problem.from_arrays(*data(4, 1), prior=Gaussian(1.0))
    table = choose_scale(problem).alternatives
    assert np.isnan(table.loc["cv min", "scale"])
    assert "5 folds need at least 5 rows" in table.loc["cv min", "sentence"]
    assert table.loc["evidence", "scale"] > 0


def test_what_the_scale_is_called_elsewhere() -> None:
    X, y = data()
    weights = np.resize([1.0, 2.0], 60)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), weights=weights, scale_by_noise=True)
    choice = choose_scale(problem, "cv", sigma=SIGMA, repeats=1)
    table = choice.conventions()
    expected = SIGMA**2 / (weights.sum() * SIGMA * choice.scale)
    assert table.loc["sklearn.Lasso", "parameters"]["alpha"] == pytest.approx(expected)
    assert "no L1 part" in table.loc["sklearn.Ridge", "why_not"]
    assert choice.conventions(sigma=2.0).loc["sklearn.Lasso", "parameters"]["alpha"] > expected
    groups = choose_scale(problem_of(GroupLaplace([0, 0, 1, 1, 2, 2], 1.0)), "cv", repeats=1).conventions()
    assert groups.loc["sklearn.Lasso", "parameters"] is None


def test_a_choice_can_be_pickled() -> None:
    import pickle

    choice = choose_scale(problem_of(Gaussian(1.0)), "cv")
    again = pickle.loads(pickle.dumps(choice))
    assert again.scale == choice.scale
    np.testing.assert_array_equal(again.alternatives["scale"], choice.alternatives["scale"])


def test_where_no_effects_may_do_as_well_the_range_reaches_the_least_scale_allowed() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 4))
    y = (rng.random(40) < 1 / (1 + np.exp(-0.5 * X[:, 0]))).astype(float)
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=BernoulliLogit())
    choice = choose_scale(problem)
    least = np.exp(allowed(problem)[0])
    assert choice.curve["value"].iloc[0] > -2
    assert choice.lower == pytest.approx(least, rel=1e-6)
    assert choice.curve["scale"].iloc[0] == pytest.approx(least, rel=1e-6)
