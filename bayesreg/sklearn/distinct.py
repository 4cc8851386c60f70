"""Rows with weights in one form, whatever way they were given: weight 2 or a row twice, weight 0 or no row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.errors import InputError
from bayesreg.interfaces import Array
from bayesreg.table import read_vector


@final
@dataclass(frozen=True, slots=True, eq=False)
class WeightedRows:
    """Rows X (m, p), y (m,) and their weights (m,) > 0; None where all are 1."""

    X: Array
    y: Array
    weights: Array | None


def distinct_rows(X: Array, y: Array, weights: Array) -> WeightedRows:
    """Return the rows of positive weight, equal ones once, with the sum of their weights.

    Where every row counts once they stay as they are; otherwise they are sorted, so that the same rows and weights give
    the same table to the last bit, and every sampler the same draws.

    Parameters
    ----------
    X : array (n, p)
    y : array (n,)
    weights : array (n,)
        ≥ 0, not all 0.
    """
    counted = weights > 0
    if not counted.all():
        X, y, weights = X[counted], y[counted], weights[counted]
    table = np.ascontiguousarray(np.column_stack([X, y]) + 0.0)  # −0.0 is 0.0, in bits too
    keys = table.view(np.dtype((np.void, table.shape[1] * table.itemsize))).ravel()
    _, first, row = np.unique(keys, return_index=True, return_inverse=True)
    if first.size == y.size and (weights == 1).all():
        return WeightedRows(X, y, None)
    total = np.bincount(row.ravel(), weights)
    return WeightedRows(X[first], y[first], None if (total == 1).all() else total)


def read_weights(sample_weight: Any, n: int) -> Array:
    """Return weights (n,), ones where there are none.

    Raises
    ------
    InputError
        Unless they are n finite numbers ≥ 0, one of them above 0.
    """
    if sample_weight is None:
        return np.ones(n)
    weights = read_vector(np.asarray(sample_weight), "sample_weight", n)
    bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
    if bad.size:
        msg = f"sample_weight must be finite and >= 0 (row {bad[0]} has {weights[bad[0]]:g})"
        raise InputError(msg)
    if not weights.any():
        msg = "sample_weight: weights are all zero, so no row would count"
        raise InputError(msg)
    return weights
