"""A reference that someone else computed: a table of means, sds and quantiles, exact, with errors, or rounded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import InputError
from bayesreg.interfaces import Array

if TYPE_CHECKING:
    import pandas as pd

READ_OVER = ("rhat", "r_hat")
"""Columns that tables of summaries have and that say nothing about an error."""

COUNTS = ("ess", "ess_bulk", "ess_tail")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """Published statistics of k scalars; NaN where a number is not stated.

    Parameters
    ----------
    source : str
    labels : tuple of str
    value, mcse, rounding : mapping of str to array (k,)
        By statistic: the number, its standard error, and half a unit of its last printed digit.
    ess : array (k,)
        Effective draws behind the table.
    """

    source: str
    labels: tuple[str, ...]
    value: Mapping[str, Array]
    mcse: Mapping[str, Array]
    rounding: Mapping[str, Array]
    ess: Array

    @property
    def statistics(self) -> tuple[str, ...]:
        """Those that are stated."""
        return tuple(self.value)


def read_stated(table: pd.DataFrame, source: str) -> Stated:
    """Return a reference table as `Stated`.

    Parameters
    ----------
    table : DataFrame
        Index: labels of scalars as in `Posterior.summary`.  Columns: `mean`, `sd`, quantiles `q5`, `q50` (or `median`),
        `q97.5`, ... (or `5%`); optionally `mcse_mean`, `mcse_sd`, `mcse_q5`, ..., `ess` (or `ess_bulk` and `ess_tail`,
        the smaller of which counts), `rounding` of the whole row and `rounding_mean`, `rounding_q5`, ... of a number.

    Raises
    ------
    InputError
        If a column is none of these, a label stands twice, there is no statistic, or an entry is no number that it
        can be.
    """
    labels = tuple(str(label) for label in table.index)
    twice = {label for label in labels if labels.count(label) > 1}
    if twice:
        msg = f"{source}: the index holds {sorted(twice)[0]!r} more than once: one row a scalar"
        raise InputError(msg)
    columns = {str(name): _numbers(table, name, source) for name in table.columns if name not in READ_OVER}
    value: dict[str, Array] = {}
    mcse: dict[str, Array] = {}
    rounding: dict[str, Array] = {}
    for name, numbers in columns.items():
        lead, _, rest = name.partition("_") if name.startswith(("mcse_", "rounding_")) else ("", "", name)
        if name not in (*COUNTS, "rounding"):
            {"": value, "mcse": mcse, "rounding": rounding}[lead][_statistic(rest, name, source)] = numbers
    if not (value and labels):
        msg = f"{source} states nothing: it needs a row a scalar and columns mean, sd or quantiles (q5, q50, q95)"
        raise InputError(msg)
    _check_beside(value, mcse, rounding, source)
    whole = columns.get("rounding", np.zeros(len(labels)))
    counts = [columns[name] for name in COUNTS if name in columns]
    ess = np.fmin.reduce([np.full(len(labels), np.nan), *counts])
    return Stated(source, labels, value, mcse, {name: rounding.get(name, whole) for name in value}, ess)


def _numbers(table: pd.DataFrame, name: object, source: str) -> Array:
    column = table[name]
    if getattr(column, "ndim", 1) != 1:
        msg = f"{source}: column {name!r} stands more than once"
        raise InputError(msg)
    if column.dtype.kind not in "iuf":
        msg = f"{source}: column {name!r} must hold numbers (got dtype {column.dtype})"
        raise InputError(msg)
    numbers = column.to_numpy(dtype=float)
    signed = not str(name).startswith(("sd", "mcse", "ess", "rounding"))
    bad = np.isinf(numbers) | (~np.isnan(numbers) & (numbers < 0) & (not signed))
    if bad.any():
        kind = "finite" if signed else "finite and >= 0"
        msg = f"{source}: {name!r} of {table.index[int(np.argmax(bad))]!r} must be {kind} (got {numbers[bad][0]:g})"
        raise InputError(msg)
    return numbers


def _statistic(text: str, column: str, source: str) -> str:
    """The statistic that a column's name stands for: "median" and "50%" are "q50"."""
    if text in ("mean", "sd"):
        return text
    found = re.fullmatch(r"q(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)%", "q50" if text == "median" else text)
    per_cent = float(found[1] or found[2]) if found else 0.0
    if not 0 < per_cent < 100:
        msg = (
            f"{source}: column {column!r} is not one of mean, sd, median, q5 (any per cent between 0 and 100), ess, "
            "ess_bulk, ess_tail, rounding, mcse_<one of these> or rounding_<one of these>"
        )
        raise InputError(msg)
    return f"q{per_cent:g}"


def _check_beside(
    value: Mapping[str, Array], mcse: Mapping[str, Array], rounding: Mapping[str, Array], source: str
) -> None:
    for kind, given in (("mcse", mcse), ("rounding", rounding)):
        alone = [name for name in given if name not in value]
        if alone:
            msg = f"{source}: column {kind}_{alone[0]} stands without {alone[0]}, whose error it would be"
            raise InputError(msg)
