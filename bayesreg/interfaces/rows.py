"""Rows of data, reached only through sums over blocks of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
"""A float64 array."""

Tensor = Any
"""A PyTensor variable.  PyTensor is imported only where a graph is built, so it cannot be named here."""


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Some rows of the data: `X` (m, p), `y`, `offset` (m,), and `weights`, `trials` (m,) or None where all are 1.

    `X` is an array, or a scipy.sparse CSR array where the data came as one.
    """

    X: Any
    y: Array
    offset: Array
    weights: Array | None
    trials: Array | None = None

    def weighted(self, values: Array) -> Array:
        """Return `values` (m,) multiplied by the row weights."""
        return values if self.weights is None else values * self.weights


class Rows(ABC):
    """A store of rows, reached only through sums over blocks of them."""

    __slots__ = ()

    @property
    @abstractmethod
    def n_rows(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def n_columns(self) -> int:
        """Number of columns of X."""

    @property
    @abstractmethod
    def sparse(self) -> bool:
        """Whether X is stored sparsely, so that it can be scaled but not centred."""

    @abstractmethod
    def sum(self, fn: Callable[[Block], tuple[Array, ...]]) -> tuple[Array, ...]:
        """Return Σ fn(block) over all row blocks, element by element of the returned tuple."""

    @abstractmethod
    def transformed(self, centre: Array, scale: Array, *, consumed: bool = False) -> Rows:
        """Return the same rows with X replaced by (X − centre) / scale.

        `consumed`: these rows are of no further use, and their memory may be taken.
        """

    @abstractmethod
    def reweighted(self, weights: Array) -> Rows:
        """Return the same rows with their weights replaced by `weights` (n,); a zero drops a row from every sum."""

    @abstractmethod
    def collect(self) -> Block:
        """Return all rows as one block; a store that does not fit in memory refuses."""
