"""Intervals of several kinds beside one another, and what each promises."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bayesreg.discard.bootstrap import bootstrap
from bayesreg.discard.debiased import debiased
from bayesreg.discard.intervals import PROMISES, Beside, Intervals, beside
from bayesreg.errors import ParameterError
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import LIMIT


@pytest.fixture(scope="module")
def kinds(diabetes: Posterior) -> tuple[Intervals, Intervals]:
    return bootstrap(diabetes.problem, replications=200), debiased(diabetes.problem)


@pytest.fixture(scope="module")
def found(diabetes: Posterior, kinds: tuple[Intervals, Intervals]) -> Beside:
    return beside(diabetes, fit_penalized(diabetes.problem), *kinds)


def test_each_kinds_ends_stand_in_one_row_a_column(
    diabetes: Posterior, kinds: tuple[Intervals, Intervals], found: Beside
) -> None:
    table = found.table
    assert tuple(table.index) == diabetes.problem.names
    np.testing.assert_array_equal(table["map"], fit_penalized(diabetes.problem).beta)
    lower, upper = np.quantile(diabetes.beta, [0.025, 0.975], axis=(0, 1))
    np.testing.assert_allclose(table[["posterior_lower", "posterior_upper"]], np.column_stack([lower, upper]))
    for one in kinds:
        for end in ("lower", "upper"):
            np.testing.assert_array_equal(table[f"{one.kind}_{end}"], one.table[end])
    assert "debiased_lower_mcse" not in table


def test_monte_carlo_errors_of_the_ends_are_those_of_repeated_sampling(diabetes: Posterior, found: Beside) -> None:
    others = beside(sample(diabetes.problem, seed=17), fit_penalized(diabetes.problem)).table
    for end in ("posterior_lower", "posterior_upper"):
        error = np.hypot(found.table[f"{end}_mcse"], others[f"{end}_mcse"])
        z = (found.table[end] - others[end]) / error
        assert np.abs(z).max() <= LIMIT
        assert np.abs(z).max() > 0.1
        moved = (found.table[end] * 1.1 - others[end]) / error  # an end that is 10 % off
        assert np.abs(moved).max() > LIMIT


def test_every_kind_says_what_it_promises_and_how_it_was_made(
    found: Beside, kinds: tuple[Intervals, Intervals]
) -> None:
    text = str(found)
    assert list(found.promises) == ["posterior", "bootstrap", "debiased"]
    assert text.startswith(found.sentence)
    for kind, promise in found.promises.items():
        assert promise == PROMISES[kind]
        assert f"  {kind}: {promise}" in text
        assert f"  {kind}: {found.texts[kind]}" in text
    for one in kinds:
        assert one.promise == PROMISES[one.kind]
        assert str(one).startswith(one.sentence)
        assert one.promise in one.sentence
        assert one.withheld == ""
        assert isinstance(one.table, pd.DataFrame)


def test_the_sentence_counts_what_leaves_zero_out(found: Beside) -> None:
    for kind in found.promises:
        lower, upper = found.table[f"{kind}_lower"], found.table[f"{kind}_upper"]
        count, width = int(((lower > 0) | (upper < 0)).sum()), float((upper - lower).median())
        assert f"{kind} {count} without 0, median width {width:.3g}" in found.sentence
    assert "Monte Carlo error of an end at most" in found.sentence


def test_draws_that_failed_a_gate_leave_no_number_of_theirs(
    failed: Posterior, kinds: tuple[Intervals, Intervals]
) -> None:
    held = beside(failed, None, *kinds)
    assert str(held) == f"intervals: WITHHELD: {held.withheld}"
    assert held.withheld
    assert held.table.filter(like="posterior").isna().all(axis=None)
    np.testing.assert_array_equal(held.table["bootstrap_lower"], kinds[0].table["lower"])


def test_what_does_not_belong_beside_one_another(diabetes: Posterior, kinds: tuple[Intervals, Intervals]) -> None:
    with pytest.raises(ParameterError, match="takes a Posterior"):
        beside(diabetes.problem)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="90 % intervals"):
        beside(diabetes, None, *kinds, interval=0.9)
    with pytest.raises(ParameterError, match="one of each kind"):
        beside(diabetes, None, kinds[0], kinds[0])
    with pytest.raises(ParameterError, match="interval must be"):
        beside(diabetes, interval=1.5)
    block = diabetes.problem.design.rows.collect()
    other = Problem.from_arrays(block.X[:, :3], block.y, prior=Laplace(4.6))
    with pytest.raises(ParameterError, match="of the columns"):
        beside(diabetes, None, debiased(other))


def test_no_columns() -> None:
    y = np.random.default_rng(0).normal(size=20)
    found = beside(sample(Problem.from_arrays(np.empty((20, 0)), y, prior=Laplace(1.0))))
    assert found.table.empty
    assert "there are no columns" in str(found)
