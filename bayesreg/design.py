"""Columns, their names, and the centring and scaling between the data's units and the prior's, exactly invertible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Rows
from bayesreg.rows import is_sparse

CONSTANT = 1e-13
"""A column whose sd is at most this multiple of its |mean| is constant up to rounding."""


SAME = 1e-12
"""Relative difference up to which two columns are the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Weighted column means and population sds (divisor Σw, ddof = 0) of raw rows, each (p,)."""

    mean: Array
    sd: Array
    constant: NDArray[np.bool_]


def column_moments(rows: Rows) -> Moments:
    """Return means and sds from three sums; squares are taken of numbers near 1, so none overflows."""

    def first(block: Block) -> tuple[Array, ...]:
        ones = block.weighted(np.ones(block.y.size))
        return ones.sum(keepdims=True), block.X.T @ ones, abs(block.X).T @ ones

    total, sums, sizes = rows.sum(first)
    mean, size = sums / total, sizes / total
    unit = np.where(size > np.finfo(float).tiny, size, 1.0)

    def second(block: Block) -> tuple[Array, ...]:
        ones = block.weighted(np.ones(block.y.size))
        if is_sparse(block.X):
            return _sparse_deviations(block.X, ones, mean, unit)
        X = block.X if block.weights is None else np.where(ones[:, None] > 0, block.X, mean)  # as 0·∞ is no number
        deviation = (X - mean) / unit
        return ones @ deviation, ones @ deviation**2

    drift, squares = rows.sum(second)
    shift = drift / total
    mean = mean + shift * unit
    sd = np.sqrt(np.maximum(squares / total - shift**2, 0.0)) * unit
    constant = (sd <= CONSTANT * np.abs(mean)) | (sd < np.finfo(float).tiny)
    return Moments(mean, sd, constant)


def _sparse_deviations(X: Any, ones: Array, mean: Array, unit: Array) -> tuple[Array, Array]:
    """Weighted sums of (x − mean)/unit and of its square by column: stored entries one by one, zeros all at once."""
    entries = X.tocoo()
    column, weight = entries.col, ones[entries.row]
    deviation = (entries.data - mean[column]) / unit[column]
    rest, zero = ones.sum() - np.bincount(column, weight, mean.size), -mean / unit
    first = np.bincount(column, weight * deviation, mean.size) + rest * zero
    return first, np.bincount(column, weight * deviation**2, mean.size) + rest * zero**2


@final
@dataclass(frozen=True, slots=True, eq=False)
class Design:
    """Rows on the scale that the prior sees, z = (x − centre)/scale, with what is needed to go back.

    Parameters
    ----------
    rows : Rows
        The rows, already transformed.
    names : tuple of str
        Column names.
    centre, scale : array (p,)
        What was subtracted, and divided by.
    terms : tuple of str, optional
        The formula term that each column belongs to; by default its own name.
    centred : bool
        Whether every column was centred at its mean.
    """

    rows: Rows
    names: tuple[str, ...]
    centre: Array
    scale: Array
    terms: tuple[str, ...] = ()
    centred: bool = False

    def __post_init__(self) -> None:
        """Freeze the transform."""
        object.__setattr__(self, "terms", self.terms or self.names)
        for name in ("centre", "scale"):
            value = np.array(getattr(self, name), dtype=float)
            if value.shape != (len(self.names),) or self.rows.n_columns != len(self.names):
                counts = f"{len(self.names)} names and {self.rows.n_columns} columns"
                msg = f"Design: {name} has shape {value.shape} for {counts}"
                raise InputError(msg)
            value.setflags(write=False)
            object.__setattr__(self, name, value)

    @property
    def standardized(self) -> bool:
        """Whether the transform does anything."""
        return bool((self.centre != 0).any() or (self.scale != 1).any())

    def to_raw(self, intercept: Array, beta: Array) -> tuple[Array, Array]:
        """Return (intercept_raw (...), beta_raw (..., p)) in the data's units, such that η is the same."""
        beta_raw = np.asarray(beta) / self.scale
        return np.asarray(intercept) - beta_raw @ self.centre, beta_raw

    def from_raw(self, intercept: Array, beta: Array) -> tuple[Array, Array]:
        """Return (intercept (...), beta (..., p)) on the prior's scale: the inverse of `to_raw`."""
        return np.asarray(intercept) + np.asarray(beta) @ self.centre, np.asarray(beta) * self.scale

    def to_prior_scale(self, X: Any) -> Any:
        """Return raw rows X (m, p) on the prior's scale."""
        if is_sparse(X):
            X = X if not self.centre.any() else X.toarray()
        if not is_sparse(X):
            return (X - self.centre) / self.scale
        scaled = X.copy()
        scaled.data = X.data / self.scale[X.indices]
        return scaled


def standardized_design(
    rows: Rows, names: tuple[str, ...], *, centred: bool, consumed: bool = False
) -> tuple[Design, Moments]:
    """Return the design with columns divided by their population sd, and centred at their mean if `centred`.

    Constant columns keep scale 1 (a scale of 0 has no inverse); centred, they are exactly 0, rounding and all.
    `consumed`: `rows` are of no further use, and their memory may be taken for the design's.

    Raises
    ------
    InputError
        If there is a single row: it has no sd.
    """
    if rows.n_rows < 2:
        msg = "cannot standardize 1 row: it has no sd; pass standardize=False, or more rows"
        raise InputError(msg)
    moments = column_moments(rows)
    centred = centred and not rows.sparse
    scale = np.where(moments.constant, 1.0, moments.sd)
    centre = moments.mean if centred else np.zeros(len(names))
    divisor = np.where(moments.constant & centred, np.inf, scale)
    transformed = rows.transformed(centre, divisor, consumed=consumed)
    return Design(transformed, names, centre, scale, centred=centred), moments


def identical_columns(rows: Rows) -> list[NDArray[np.int_]]:
    """Groups of columns that are the same up to sign and rounding (constant ones not counted).

    Columns whose products with two random vectors agree are compared entry by entry.
    """
    if rows.n_columns < 2:
        return []
    rng = np.random.default_rng(0)

    def products(block: Block) -> tuple[Array, ...]:
        probes = rng.normal(size=(block.y.size, 2))
        return block.X.T @ probes, abs(block.X).T @ np.abs(probes)

    marks, size = rows.sum(products)
    X = rows.collect().X
    known = size[:, 0] > 0
    marks = marks * np.where(marks[:, :1] < 0, -1.0, 1.0)
    order = np.flatnonzero(known)[np.argsort(marks[known, 0], kind="stable")]
    close = (np.abs(np.diff(marks[order], axis=0)) <= SAME * size[order[1:]]).all(axis=1)
    runs = np.split(order, np.flatnonzero(~close) + 1)
    return [np.sort(run) for run in runs if run.size > 1 and _same(X, run)]


def _same(X: Any, columns: NDArray[np.int_]) -> bool:
    values = X[:, columns]
    dense = values.toarray() if is_sparse(values) else values
    first = dense[:, :1]
    sign = np.sign((first * dense).sum(axis=0))
    largest = np.abs(first).max()
    return bool((np.abs(sign * dense - first) <= SAME * largest).all() and np.ptp(first) > 0)
