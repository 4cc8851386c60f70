"""Row stores.  In memory: one array, summed over in cache-sized blocks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self, final

import numpy as np

from bayesreg.interfaces import Array, Block, Rows

BLOCK_CELLS = 1 << 20
"""Cells of X in one block: 8 MiB, which stays in cache between the products made of it."""


def _frozen(array: Array) -> Array:
    array.setflags(write=False)
    return array


@final
@dataclass(frozen=True, slots=True, eq=False)
class ArrayRows(Rows):
    """Rows held in memory, copied in and read-only.

    Parameters
    ----------
    X : array (n, p)
    y, offset : array (n,)
    weights : array (n,) or None
        None stands for weights of 1.
    block_rows : int or None
        Rows in one block; None for as many as make `BLOCK_CELLS` cells.
    """

    X: Array
    y: Array
    offset: Array
    weights: Array | None
    block_rows: int | None = None

    def __post_init__(self) -> None:
        """Copy the arrays in and freeze them."""
        for name in ("X", "y", "offset", "weights"):
            value = getattr(self, name)
            if value is not None and value.flags.writeable:
                object.__setattr__(self, name, _frozen(np.array(value, dtype=float, order="C")))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.X.shape[0])

    @property
    def n_columns(self) -> int:
        """Number of columns of X."""
        return int(self.X.shape[1])

    def _blocks(self) -> Iterator[Block]:
        size = self.block_rows or max(1, BLOCK_CELLS // max(1, self.n_columns))
        for start in range(0, self.n_rows, size):
            part = slice(start, start + size)
            weights = None if self.weights is None else self.weights[part]
            yield Block(self.X[part], self.y[part], self.offset[part], weights)

    def sum(self, fn: Callable[[Block], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return Σ fn(block) over the blocks."""
        blocks = self._blocks()
        total = [np.array(part, dtype=float) for part in fn(next(blocks))]
        for block in blocks:
            for running, part in zip(total, fn(block), strict=True):
                running += part
        return tuple(total)

    def transformed(self, centre: Array, scale: Array) -> Self:
        """Return the rows with X replaced by (X − centre)/scale, computed once."""
        return type(self)(_frozen((self.X - centre) / scale), self.y, self.offset, self.weights, self.block_rows)

    def reweighted(self, weights: Array) -> Self:
        """Return the rows with other weights; the arrays are shared."""
        return type(self)(self.X, self.y, self.offset, weights, self.block_rows)

    def collect(self) -> Block:
        """Return all rows as one block."""
        return Block(self.X, self.y, self.offset, self.weights)
