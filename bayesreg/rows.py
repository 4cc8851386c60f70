"""Row stores.  In memory: one array, dense or sparse, summed over in cache-sized blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Rows

BLOCK_CELLS = 1 << 20
"""Cells of X in one block: 8 MiB, which stays in cache between the products made of it."""


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


def is_sparse(X: Any) -> bool:
    """Whether a block's X is a scipy.sparse array."""
    return hasattr(X, "tocsr")


def cross_products(X: Any, weight: Array) -> Array:
    """XᵀWX (p, p) as an array, symmetric to the last bit."""
    if is_sparse(X):
        return np.asarray((X.T @ X.multiply(weight[:, None]).tocsr()).toarray())
    if (weight < 0).any():
        product = X.T @ (weight[:, None] * X)
        return np.asarray((product + product.T) / 2)
    root = np.sqrt(weight)[:, None] * X
    return np.asarray(root.T @ root)


@final
@dataclass(frozen=True, slots=True, eq=False)
class ArrayRows(Rows):
    """Rows held in memory, copied in and read-only.

    Parameters
    ----------
    X : array or scipy.sparse CSR array (n, p)
        A sparse one is used as it is.
    y, offset : array (n,)
    weights, trials : array (n,) or None
        None stands for 1 in every row.
    block_rows : int or None
        Rows in one block; None for as many as make `BLOCK_CELLS` cells.
    """

    X: Any
    y: Array
    offset: Array
    weights: Array | None
    trials: Array | None = None
    block_rows: int | None = None

    def __post_init__(self) -> None:
        """Copy the arrays in and freeze them."""
        for name in ("X", "y", "offset", "weights", "trials"):
            value = getattr(self, name)
            if value is not None and not is_sparse(value) and value.flags.writeable:
                object.__setattr__(self, name, _frozen(np.array(value, dtype=float, order="C")))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns of X."""
        return int(self.X.shape[1])

    @property
    def sparse(self) -> bool:
        """Whether X is stored sparsely."""
        return is_sparse(self.X)

    def _blocks(self) -> Iterator[Block]:
        cells = self.X.nnz / max(1, self.n_rows) if self.sparse else self.n_columns
        size = self.block_rows or max(1, int(BLOCK_CELLS // max(1, cells)))
        if size >= self.n_rows:
            yield self.collect()
            return
        for start in range(0, self.n_rows, size):
            part = slice(start, start + size)
            weights = None if self.weights is None else self.weights[part]
            trials = None if self.trials is None else self.trials[part]
            yield Block(self.X[part], self.y[part], self.offset[part], weights, trials)

    def sum(self, fn: Callable[[Block], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return Σ fn(block) over the blocks."""
        blocks = self._blocks()
        total = [np.array(part, dtype=float) for part in fn(next(blocks))]
        for block in blocks:
            for running, part in zip(total, fn(block), strict=True):
                running += part
        return tuple(total)

    def transformed(self, centre: Array, scale: Array, *, consumed: bool = False) -> Self:
        """Return the rows with X replaced by (X − centre)/scale, computed once.

        `consumed`: these rows are of no further use, so that a dense X is transformed where it stands.

        Raises
        ------
        InputError
            If a sparse X would have to be centred: that makes it dense.
        """
        if not self.sparse:
            X = self.X if consumed else self.X.copy()
            X.setflags(write=True)
            X -= centre
            X /= scale
            return self._with(_frozen(X))
        if np.any(centre):
            msg = "a sparse X cannot be centred: it would become dense"
            raise InputError(msg)
        X = self.X.copy()
        X.data = X.data / scale[X.indices]
        return self._with(X)

    def _with(self, X: Any) -> Self:
        return type(self)(X, self.y, self.offset, self.weights, self.trials, self.block_rows)

    def reweighted(self, weights: Array) -> Self:
        """Return the rows with other weights; the arrays are shared."""
        return type(self)(self.X, self.y, self.offset, weights, self.trials, self.block_rows)

    def collect(self) -> Block:
        """Return all rows as one block."""
        return Block(self.X, self.y, self.offset, self.weights, self.trials)
