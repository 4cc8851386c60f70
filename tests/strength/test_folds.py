"""Which rows are held out, and what cannot be folds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold, RepeatedKFold, StratifiedKFold

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Block
from bayesreg.likelihoods import BernoulliLogit
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.strength import choose_scale
from bayesreg.strength.folds import Folds, read_folds
from tests.strength.oracle import data


def rows(n: int, weights: Array | None = None) -> Block:
    return Block(np.zeros((n, 1)), np.zeros(n), np.zeros(n), weights)


def divide(n: int, folds: object, repeats: object = 1, groups: object = None, seed: int = 0) -> Folds:
    return read_folds(rows(n), folds, repeats, groups, seed, cheap=False)


def held(folds: Folds, n: int) -> Array:
    """(folds, n), 1 where a row is held out."""
    return np.array([np.isin(np.arange(n), test) for _, test in folds.splits]).astype(float)


@pytest.mark.parametrize(("n", "number"), [(5, 5), (23, 5), (60, 10), (7, 2)])
def test_folds_part_the_rows_evenly_each_division_another_way(n: int, number: int) -> None:
    divisions = 1 if n == number else 3
    found = held(divide(n, number, divisions), n).reshape(divisions, number, n)
    assert (found.sum(axis=1) == 1).all()
    assert np.ptp(found.sum(axis=2)) <= 1
    if divisions > 1:
        assert (found[0] != found[1]).any()
        assert (held(divide(n, number, seed=1), n) != found[0]).any()
    np.testing.assert_array_equal(held(divide(n, number), n), found[0])


@given(st.data())
def test_no_group_is_in_two_folds(draw: st.DataObject) -> None:
    labels = draw.draw(st.lists(st.sampled_from("abcdefg"), min_size=2, max_size=40))
    number = draw.draw(st.integers(2, 7))
    n, distinct = len(labels), len(set(labels))
    if number > distinct:
        with pytest.raises(FitError, match=f"{number} folds need at least {number} groups"):
            divide(n, number, groups=labels)
        return
    folds = divide(n, number, groups=labels, seed=draw.draw(st.integers(0, 9)))
    found = held(folds, n)
    assert found.shape == (number, n)
    assert (found.sum(axis=0) == 1).all()
    assert (found.sum(axis=1) > 0).all()
    for train, test in folds.splits:
        assert not {labels[i] for i in train} & {labels[i] for i in test}
        assert train.size + test.size == n


def test_groups_are_spread_over_the_folds() -> None:
    folds = divide(300, 5, groups=np.arange(300) % 100)
    assert {len(test) for _, test in folds.splits} == {60}
    assert "by group" in folds.text
    assert divide(9, 3, None, groups=np.arange(9) % 3).text == "leave-one-group-out cross-validation"


def test_rows_of_weight_zero_are_in_no_fold() -> None:
    weights = np.resize([1.0, 0.0, 2.0], 30)
    for folds in (5, StratifiedKFold(2), [np.arange(30) < 15]):
        for train, test in read_folds(rows(30, weights), folds, None, None, 0, cheap=True).splits:
            assert (weights[train] > 0).all()
            assert (weights[test] > 0).all()


@pytest.mark.parametrize(
    ("folds", "expected"), [(5, 5), (RepeatedKFold(n_splits=5, n_repeats=3), 5), ([np.arange(20) < 4], 1)]
)
def test_divisions_of_the_same_rows_are_not_more_folds(folds: Any, expected: float) -> None:
    assert divide(20, folds, 3 if folds == 5 else None).independent == pytest.approx(expected)


def test_cheap_paths_are_divided_more_often() -> None:
    for cheap, times in ((True, 4), (False, 1)):
        folds = read_folds(rows(20), 5, None, None, 0, cheap=cheap)
        assert len(folds.splits) == 5 * times
        assert folds.text == f"5-fold cross-validation ({times} division{'s' if cheap else ''})"


def pair(train: object, test: object) -> list[tuple[object, object]]:
    return [(train, test)]


LOW, HIGH = np.arange(10), np.arange(10, 20)

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a string": ({"folds": "5"}, "folds must be an integer >= 2, an iterable"),
    "a fraction": ({"folds": 2.5}, "folds must be an integer >= 2"),
    "yes": ({"folds": True}, "folds must be an integer >= 2"),
    "one": ({"folds": 1}, "folds must be an integer >= 2"),
    "none": ({"folds": []}, "folds holds no split"),
    "no train": ({"folds": pair([], HIGH)}, r"folds\[0\]: train holds no row"),
    "no test": ({"folds": pair(LOW, [])}, r"folds\[0\]: test holds no row"),
    "overlap": ({"folds": [(LOW, HIGH), (LOW, [9, 10])]}, r"folds\[1\]: row 9 is both fitted and held out \(1 such"),
    "out of range": ({"folds": pair(LOW, [20])}, r"folds\[0\]\[1\]: row numbers run from 0 to 19"),
    "negative": ({"folds": pair([-1], HIGH)}, r"folds\[0\]\[0\]: row numbers run from 0 to 19"),
    "twice": ({"folds": pair([1, 1], HIGH)}, r"holds row 1 more than once"),
    "fractions": ({"folds": pair([0.5], HIGH)}, "must hold row numbers"),
    "short mask": ({"folds": [np.ones(19, dtype=bool)]}, "a boolean mask of the 20 rows"),
    "all held out": ({"folds": [np.ones(20, dtype=bool)]}, r"folds\[0\]: train holds no row"),
    "repeated splits": ({"folds": pair(LOW, HIGH), "repeats": 2}, "repeats=2 is for a number of folds"),
    "no repeats": ({"repeats": 0}, "repeats must be an integer >= 1"),
    "repeated leave-one-out": ({"folds": 20, "repeats": 2}, "one way to leave out each of 20 rows"),
    "groups of splits": ({"folds": pair(LOW, HIGH), "groups": np.arange(20)}, "groups= goes with a number of folds"),
    "short groups": ({"groups": np.arange(19)}, "one label for each of the 20 rows"),
    "splitter without groups": ({"folds": GroupKFold(3)}, r"GroupKFold.* cannot split these rows"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_folds_is_refused(name: str) -> None:
    options, words = REFUSED[name]
    problem = Problem.from_arrays(*data(20, 2), prior=Gaussian(1.0))
    with pytest.raises(ParameterError, match=words):
        choose_scale(problem, "cv", **options)


def test_fewer_rows_than_folds() -> None:
    problem = Problem.from_arrays(*data(4, 1), prior=Laplace(1.0))
    with pytest.raises(FitError, match=r"5 folds need at least 5 rows \(got 4\)"):
        choose_scale(problem, "cv")


def test_a_fold_of_one_class_says_which_and_why() -> None:
    rng = np.random.default_rng(0)
    problem = Problem.from_arrays(
        rng.normal(size=(20, 2)), np.arange(20) >= 15, prior=Laplace(1.0), likelihood=BernoulliLogit()
    )
    masks = [np.arange(20) < 5, np.arange(20) >= 15]
    with pytest.raises(FitError, match=r"without the 5 rows of fold 2 of 2 .*stratified"):
        choose_scale(problem, "cv", folds=masks)
    assert choose_scale(problem, "cv", folds=StratifiedKFold(5)).scale > 0


def test_a_generator_of_splits_is_read_once_and_kept() -> None:
    problem = Problem.from_arrays(*data(20, 2), prior=Gaussian(1.0))
    listed = [(LOW, HIGH), (HIGH, LOW)]
    choice = choose_scale(problem, "cv", folds=iter(listed))
    np.testing.assert_array_equal(choice.curve, choose_scale(problem, "cv", folds=listed).curve)
    assert choice.alternatives.loc["cv min", "scale"] == choice.scale
    assert "2 given splits" in choice.sentence
