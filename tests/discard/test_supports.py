"""Supports of draws, counted: errors of shares against repeated sampling, and the share that was never drawn."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.discard.supports import (
    evenly,
    named,
    needed,
    needed_within,
    numbered,
    share_of,
    support_table,
    unseen_share,
)
from bayesreg.interfaces import Array

REPEATS = 400


def sticky_chains(chains: int, length: int, stay: float, rng: np.random.Generator) -> Array:
    """Two-state chains, stationary at ½, that stay where they are with probability `stay`."""
    flips = rng.random((chains, length)) > stay
    flips[:, 0] = rng.random(chains) < 0.5
    return np.cumsum(flips, axis=1) % 2 == 1


@pytest.mark.parametrize(("length", "stay"), [(1, 0.5), (3, 0.9), (3, 0.5), (200, 0.5)])
def test_errors_of_shares_are_the_spread_of_repeated_shares(length: int, stay: float) -> None:
    rng = np.random.default_rng(length)
    found = [share_of(sticky_chains(40, length, stay, rng)[..., None], independent=False) for _ in range(REPEATS)]
    shares, errors = (np.array([one[place][0] for one in found]) for place in (0, 1))
    z = (shares - 0.5) / errors
    # Of the sd of 400 values with some 39 degrees of freedom each, the standard error is 4 %.
    assert abs(z.std() - 1) < 0.14
    assert abs(z.mean()) < 4.5 / np.sqrt(REPEATS)
    if stay > 0.5:  # as if draws of one chain did not depend on each other
        naive = (shares - 0.5) / (0.5 / np.sqrt(40 * length))
        assert naive.std() > 1.14


def test_one_dependent_chain_of_few_draws_has_no_error() -> None:
    assert np.isnan(share_of(np.array([[[True], [False]]]), independent=False)[1]).all()
    assert np.isfinite(share_of(np.array([[[True], [False]]]), independent=True)[1]).all()


def test_what_was_never_drawn_has_the_probability_that_it_is_given() -> None:
    rng = np.random.default_rng(1)
    probability = 1 / np.arange(1, 2001) ** 1.1
    probability /= probability.sum()
    z, wrong = [], []
    for _ in range(REPEATS):
        counts = rng.multinomial(1000, probability)
        share, error = unseen_share(counts[counts > 0])
        missed = probability[counts == 0].sum()
        z.append((share - missed) / error)
        wrong.append((1.1 * share - missed) / error)
    assert abs(np.mean(z)) < 4.5 / np.sqrt(REPEATS) + 0.02  # the bias is of the order of 1/N
    assert abs(np.std(z) - 1) < 0.16
    assert abs(np.mean(wrong)) > 4.5 / np.sqrt(REPEATS) + 0.02
    assert unseen_share(np.array([500, 500])) == (0.0, 0.0)
    assert unseen_share(np.ones(10, dtype=int))[0] == 1.0


def test_supports_are_numbered_and_counted() -> None:
    masks = np.random.default_rng(2).random((3, 50, 4)) < [0.9, 0.5, 0.1, 0.0]
    which, supports = numbered(masks)
    np.testing.assert_array_equal(supports[which], masks)
    assert len(np.unique(supports, axis=0)) == len(supports)
    table = support_table(which, supports, masks[0, 0], ("a", "b", "c", "d"), independent=True)
    for row in table.itertuples():
        assert row.frequency == np.mean((masks == supports[row.number]).all(axis=2))
        assert row.columns == named(("a", "b", "c", "d"), supports[row.number])
    assert table["is_map"].sum() == 1
    assert table.loc[table["is_map"], "number"].item() == which[0, 0]


def test_as_many_supports_are_needed_as_reach_the_level() -> None:
    cumulative = np.array([0.5, 0.8, 0.95, 1.0 - 1e-13])
    assert [needed(cumulative, prob) for prob in (0.1, 0.5, 0.51, 0.95, 0.96, 1.0)] == [1, 1, 2, 3, 4, 4]
    rng = np.random.default_rng(3)
    which = rng.choice(60, size=(4, 250), p=(w := 0.9 ** np.arange(60)) / w.sum())
    supports = np.array([[int(b) for b in f"{i:06b}"] for i in range(60)], dtype=bool)
    table = support_table(which, supports, supports[0], tuple("abcdef"), independent=True)
    count, low, high = needed_within(table, which, 0.95, independent=True)
    share = table["cumulative"].iloc[count - 1]
    error = np.sqrt(share * (1 - share) / 999)
    assert low < count < high
    assert table["cumulative"].iloc[low - 1] >= 0.95 - 2 * error > table["cumulative"].iloc[low - 2]
    assert table["cumulative"].iloc[high - 1] >= 0.95 + 2 * error > table["cumulative"].iloc[high - 2]


def test_draws_are_taken_evenly_from_every_chain() -> None:
    values = np.arange(2 * 10).reshape(2, 10, 1)
    np.testing.assert_array_equal(evenly(values, 10)[..., 0], [[0, 2, 4, 6, 8], [10, 12, 14, 16, 18]])
    assert evenly(values, 1).shape == (2, 1, 1)
    assert evenly(values, 10**6).shape == (2, 10, 1)
