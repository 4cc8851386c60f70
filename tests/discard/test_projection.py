"""The sparsest projection against an enumeration of all subsets by least squares, and orthogonal columns by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from bayesreg.discard.projection import EXHAUSTIVE, Mask, achieved, eliminated, entered, every_subset, sparsest
from bayesreg.interfaces import Array

DRAWS = 60


def columns(n: int, p: int, shared: float, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + shared * rng.normal(size=(n, 1))
    return X - X.mean(axis=0)


def draws(p: int, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    return rng.laplace(size=(DRAWS, p)) * np.array([3.0, 0.3])[rng.integers(0, 2, (DRAWS, p))]


def least(X: Array, beta: Array, support: tuple[int, ...]) -> float:
    """Root mean square that least squares on some columns leaves of Xβ."""
    target = X @ beta
    if support:
        target = target - X[:, support] @ np.linalg.lstsq(X[:, support], target, rcond=None)[0]
    return float(np.sqrt((target**2).mean()))


def smallest(X: Array, beta: Array, tolerance: float) -> tuple[int, list[set[int]]]:
    """Least size of a support within the tolerance, and all supports of that size that are."""
    p = X.shape[1]
    for size in range(p + 1):
        found = [set(s) for s in combinations(range(p), size) if least(X, beta, s) <= tolerance * (1 + 1e-9)]
        if found:
            return size, found
    raise AssertionError


def searched(gram: Array, beta: Array, tolerance: float) -> Mask:
    """What is done beyond the columns that are enumerated."""
    limit = np.full(len(beta), tolerance**2)
    return eliminated(gram, beta, limit, entered(gram, beta, limit))


CASES = [(5, 0.0, 0.5), (8, 0.5, 0.7), (8, 2.0, 0.7), (7, 0.5, 0.1), (6, 1.0, 3.0)]


@pytest.mark.parametrize(("p", "shared", "tolerance"), CASES)
def test_supports_are_of_the_least_size_that_enumeration_finds(p: int, shared: float, tolerance: float) -> None:
    X, beta = columns(40, p, shared, p), draws(p, 1)
    gram = X.T @ X / len(X)
    whole, search = sparsest(gram, beta, tolerance), searched(gram, beta, tolerance)
    expected = [smallest(X, b, tolerance) for b in beta]
    for mask, (size, supports) in zip(whole, expected, strict=True):
        assert mask.sum() == size
        assert set(np.flatnonzero(mask)) in supports
    assert np.mean([mask.sum() == size for mask, (size, _) in zip(search, expected, strict=True)]) >= 0.97
    tighter = sparsest(gram, beta, 0.5 * tolerance)  # what a wrong tolerance would look like
    assert any(mask.sum() != size for mask, (size, _) in zip(tighter, expected, strict=True))


@pytest.mark.parametrize("p", [8, 20, 45, 90, 150])
def test_what_is_left_out_is_within_the_tolerance_and_no_column_can_leave(p: int) -> None:
    n = 100
    X, beta = columns(n, p, 0.5, p), draws(p, 2)
    for tolerance in (0.3, 2.0):
        masks = sparsest(X.T @ X / n, beta, tolerance)
        for mask, b in zip(masks, beta, strict=True):
            support = tuple(np.flatnonzero(mask))
            assert least(X, b, support) <= tolerance * (1 + 1e-6)
            for j in support[:5]:
                assert least(X, b, tuple(i for i in support if i != j)) > tolerance * (1 - 1e-6)
        assert masks.sum(axis=1).max() <= min(n - 1, p)


def test_orthogonal_columns_are_dropped_from_the_least_on() -> None:
    p = 20
    Q = np.linalg.qr(columns(64, p, 0.0, 3))[0] * 8.0  # mean square 1
    scale = np.linspace(0.5, 2.0, p)
    X, beta = Q * scale, draws(p, 4)
    for tolerance in (0.2, 1.0, 4.0):
        effect = np.sort((beta * scale) ** 2, axis=1)
        dropped = (np.cumsum(effect, axis=1) <= tolerance**2).sum(axis=1)
        masks = sparsest(X.T @ X / 64, beta, tolerance)
        np.testing.assert_array_equal(masks.sum(axis=1), p - dropped)
        for mask, b, count in zip(masks, beta, dropped, strict=True):
            assert set(np.flatnonzero(~mask)) == set(np.argsort(np.abs(b * scale))[:count])


def test_all_subsets_and_the_search_choose_the_same_support_nearly_always() -> None:
    X, beta = columns(60, EXHAUSTIVE, 0.5, 9), draws(EXHAUSTIVE, 5)
    gram = X.T @ X / 60
    exact = every_subset(gram, beta, np.full(DRAWS, 0.49))
    assert (searched(gram, beta, 0.7) == exact).all(axis=1).mean() > 0.9


@pytest.mark.parametrize("p", [4, 15])
def test_columns_that_say_the_same_are_not_taken_twice(p: int) -> None:
    X = columns(50, p, 0.0, 6)
    X[:, 1], X[:, 2] = 2.0 * X[:, 0], 0.0
    beta = draws(p, 7)
    masks = sparsest(X.T @ X / 50, beta, 1e-3)
    assert not (masks[:, 0] & masks[:, 1]).any()
    assert not masks[:, 2].any()
    for mask, b in zip(masks, beta, strict=True):
        assert least(X, b, tuple(np.flatnonzero(mask))) <= 1e-3 * (1 + 1e-6)


def powers(n: int, p: int) -> Array:
    """Powers of a variable: columns that nearly span each other."""
    X = np.linspace(-1, 1, n)[:, None] ** np.arange(1, p + 1)
    X = X - X.mean(axis=0)
    return X / X.std(axis=0)


@pytest.mark.parametrize("p", [14, 25])
def test_columns_that_nearly_span_each_other_keep_the_tolerance(p: int) -> None:
    X = powers(300, p)
    gram = X.T @ X / 300
    values, vectors = np.linalg.eigh(gram)
    # Draws of which the directions that predict nothing are large, as under a weak prior.
    spread = 1 / np.sqrt(300 * np.maximum(values, 0) + 1e-6)
    beta = (np.random.default_rng(1).normal(size=(200, p)) * spread) @ vectors.T + 2.0 * np.eye(p)[0]
    for tolerance in (0.2, 0.02):
        left = [
            least(X, b, tuple(np.flatnonzero(m))) for m, b in zip(sparsest(gram, beta, tolerance), beta, strict=True)
        ]
        assert max(left) <= tolerance * (1 + 1e-5)
    before = [least(X, b, tuple(np.flatnonzero(m))) for m, b in zip(searched(gram, beta, 0.02), beta, strict=True)]
    assert max(before) > 0.02 * (1 + 1e-3)  # the search by itself loses it


def test_what_is_achieved_is_what_least_squares_leaves() -> None:
    X, beta = columns(50, 30, 0.5, 11), draws(30, 12)
    support = np.random.default_rng(13).random(beta.shape) < 0.4
    support[0], support[1] = False, True
    found = achieved(X.T @ X / 50, beta, support)
    expected = [least(X, b, tuple(np.flatnonzero(m))) ** 2 for m, b in zip(support, beta, strict=True)]
    np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)


def test_nothing_is_chosen_where_nothing_is_predicted() -> None:
    for p in (0, 3, 12):
        assert not sparsest(np.eye(p), np.zeros((4, p)), 1e-6).any()


def test_more_columns_than_rows() -> None:
    X = columns(100, 1000, 0.0, 8)
    beta = np.random.default_rng(1).laplace(size=(1000, 1000))
    gram = X.T @ X / 100
    scale = np.sqrt(np.einsum("dp,pq,dq->d", beta, gram, beta, optimize=True))
    masks = sparsest(gram, beta / scale[:, None], 0.2)
    assert 1 < masks.sum(axis=1).mean() < 60
