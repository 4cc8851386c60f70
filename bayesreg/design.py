"""Columns, their names, and the centring and scaling between the data's units and the prior's, exactly invertible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import InputError
from bayesreg.interfaces import Array, Block, Rows

CONSTANT = 1e-13
"""A column whose sd is at most this multiple of its |mean| is constant up to rounding."""


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
        return ones.sum(keepdims=True), ones @ block.X, ones @ np.abs(block.X)

    total, sums, sizes = rows.sum(first)
    mean, size = sums / total, sizes / total
    unit = np.where(size > np.finfo(float).tiny, size, 1.0)

    def second(block: Block) -> tuple[Array, ...]:
        deviation = (block.X - mean) / unit
        ones = block.weighted(np.ones(block.y.size))
        return ones @ deviation, ones @ deviation**2

    drift, squares = rows.sum(second)
    shift = drift / total
    mean = mean + shift * unit
    sd = np.sqrt(np.maximum(squares / total - shift**2, 0.0)) * unit
    constant = (sd <= CONSTANT * np.abs(mean)) | (sd < np.finfo(float).tiny)
    return Moments(mean, sd, constant)


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
    """

    rows: Rows
    names: tuple[str, ...]
    centre: Array
    scale: Array

    def __post_init__(self) -> None:
        """Freeze the transform."""
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

    def to_prior_scale(self, X: Array) -> Array:
        """Return raw rows X (m, p) on the prior's scale."""
        return (X - self.centre) / self.scale


def standardized_design(rows: Rows, names: tuple[str, ...], *, centred: bool) -> tuple[Design, Moments]:
    """Return the design with columns divided by their population sd, and centred at their mean if `centred`.

    Constant columns keep scale 1 (a scale of 0 has no inverse); centred, they are exactly 0, rounding and all.

    Raises
    ------
    InputError
        If there is a single row: it has no sd.
    """
    if rows.n_rows < 2:
        msg = "cannot standardize 1 row: it has no sd; pass standardize=False, or more rows"
        raise InputError(msg)
    moments = column_moments(rows)
    scale = np.where(moments.constant, 1.0, moments.sd)
    centre = moments.mean if centred else np.zeros(len(names))
    divisor = np.where(moments.constant & centred, np.inf, scale)
    return Design(rows.transformed(centre, divisor), names, centre, scale), moments
