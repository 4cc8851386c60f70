"""Laws of the row store: whatever the blocks, the sums are those of all rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bayesreg.rows import BLOCK_CELLS, ArrayRows
from tests.problems import data

N = 30


def store(block_rows=None, weights=True):
    X, y = data("gaussian", N)
    w = np.random.default_rng(0).random(N) if weights else None
    return ArrayRows(X, y, np.linspace(-1, 1, N), w, block_rows=block_rows)


def products(block):
    return block.X.T @ block.weighted(block.y - block.offset), block.weighted(np.ones(block.y.size)).sum()


@pytest.mark.parametrize("weights", [True, False])
@given(size=st.integers(1, N + 5))
def test_sums_do_not_depend_on_the_blocks(weights, size):
    whole, parts = store(weights=weights).sum(products), store(size, weights=weights).sum(products)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [1, 7, N, N + 5])
def test_each_row_is_seen_once_in_blocks_no_larger_than_asked(size):
    seen = []

    def fn(block):
        seen.append(block)
        return (np.zeros(1),)

    rows = store(size)
    rows.sum(fn)
    assert all(block.y.size <= size for block in seen)
    for field in ("X", "y", "offset", "weights"):
        joined = np.concatenate([getattr(block, field) for block in seen])
        np.testing.assert_array_equal(joined, getattr(rows, field))


def test_by_default_a_block_holds_a_bounded_number_of_cells():
    seen = []
    rows = ArrayRows(np.zeros((5000, 1000)), np.zeros(5000), np.zeros(5000), None)
    rows.sum(lambda block: (seen.append(block.X.size) or np.zeros(1),))
    assert sum(seen) == 5_000_000
    assert max(seen) <= BLOCK_CELLS


def test_a_sum_is_not_written_into_what_the_function_returned():
    kept = np.ones(2)
    store(7).sum(lambda block: (kept, np.ones(1)))
    np.testing.assert_array_equal(kept, np.ones(2))


def test_rows_are_copied_in_and_read_only():
    X = np.ones((3, 2))
    rows = ArrayRows(X, np.zeros(3), np.zeros(3), None)
    X[0, 0] = 99.0
    assert rows.X[0, 0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        rows.X[0, 0] = 2.0


def test_transformed_rows_keep_the_rest():
    rows = store(7)
    moved = rows.transformed(np.full(4, 2.0), np.full(4, 4.0))
    np.testing.assert_array_equal(moved.X, (rows.X - 2) / 4)
    for field in ("y", "offset", "weights", "block_rows"):
        assert getattr(moved, field) is getattr(rows, field)


def test_a_zero_weight_drops_the_row_from_every_sum():
    keep = np.ones(N)
    keep[::3] = 0.0
    rows = store(weights=False)
    dropped = ArrayRows(*(getattr(rows, f)[keep > 0] for f in ("X", "y", "offset")), None)
    for one, other in zip(rows.reweighted(keep).sum(products), dropped.sum(products), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-12)
