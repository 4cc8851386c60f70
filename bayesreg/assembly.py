"""From a table of checked numbers to the parts of a problem: standardised columns, and remarks on what they tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.design import Design, identical_columns, standardized_design
from bayesreg.errors import InputError, ParameterError
from bayesreg.intake import check_range
from bayesreg.interfaces import Likelihood, Prior
from bayesreg.likelihoods import GaussianNoise
from bayesreg.rows import ArrayRows
from bayesreg.table import Table

UNEVEN = 1e6
"""Ratio of the columns' sizes from which leaving them as they are is remarked on."""


def assemble(
    table: Table,
    likelihood: Likelihood | None,
    prior: Prior | Mapping[str, Prior],
    intercept: Prior | None,
    *,
    standardize: bool,
    scaled: bool,
) -> dict[str, Any]:
    """Return the arguments of `Problem` for a table; `Problem.from_arrays` documents the others, and what is raised."""
    likelihood = GaussianNoise() if likelihood is None else likelihood
    if not isinstance(likelihood, Likelihood):
        msg = f"likelihood must be a bayesreg Likelihood such as GaussianNoise() (got {likelihood!r})"
        raise ParameterError(msg)
    if table.intercept is False:
        intercept = None
    check_range(table.y[:, None], (table.response,), "rescale it")
    if not standardize:
        _check_sizes(table)
    rows = ArrayRows(table.X, table.y, table.offset, table.weights, table.trials)
    notes = [*table.notes, *likelihood.check(rows.collect(), intercept)]
    if standardize:
        design, constant = _standardized(rows, table, intercept)
        notes += constant
    else:
        p = len(table.names)
        design = Design(rows, table.names, np.zeros(p), np.ones(p), table.terms)
        notes += _uneven(design)
    notes += _identical(design)
    return {
        "design": design,
        "likelihood": likelihood,
        "prior": prior,
        "intercept": intercept,
        "scale_by_noise": scaled,
        "notes": tuple(notes),
        "encoding": table.encoding,
    }


def _check_sizes(table: Table) -> None:
    if isinstance(table.X, np.ndarray):
        check_range(table.X, [f"column {n!r} of X" for n in table.names], "rescale it, or use standardize=True")
    elif table.X.nnz:
        check_range(table.X.data[:, None], ("X",), "rescale it, or use standardize=True")


def _standardized(rows: ArrayRows, table: Table, intercept: Prior | None) -> tuple[Design, list[str]]:
    if rows.sparse and intercept is not None and np.isfinite(intercept.variance(1)).all():
        msg = (
            "X is sparse: a proper prior on the intercept is meant for centred columns, and centring would make X "
            f"dense ({rows.n_rows * rows.n_columns * 8 / 2**30:.3g} GiB); use intercept=Flat(), standardize=False, "
            "or a dense X"
        )
        raise InputError(msg)
    design, moments = standardized_design(rows, table.names, centred=intercept is not None)
    idle = moments.constant & ((intercept is not None) | (moments.mean == 0))
    notes = [
        f"column {table.names[j]!r} is constant: it has no sd and is left unscaled; "
        "the data say nothing about its coefficient, which keeps its prior"
        for j in np.flatnonzero(idle)
    ]
    return replace(design, terms=table.terms), notes


def _uneven(design: Design) -> list[str]:
    from bayesreg.design import column_moments

    if not design.names:
        return []
    moments = column_moments(design.rows)
    size = np.where(moments.constant, np.abs(moments.mean), moments.sd)
    varying = np.flatnonzero(size > 0)
    if not varying.size:
        return []
    small, large = varying[size[varying].argmin()], varying[size[varying].argmax()]
    if size[large] < UNEVEN * size[small]:
        return []
    return [
        f"columns are not standardised and differ in size by a factor {size[large] / size[small]:.1e} "
        f"({design.names[large]!r} against {design.names[small]!r}): one prior scale means different things for them"
    ]


def _identical(design: Design) -> list[str]:
    notes = []
    for columns in identical_columns(design.rows):
        names = " and ".join(repr(design.names[j]) for j in columns[:6]) + (", ..." if columns.size > 6 else "")
        notes.append(
            f"columns {names} are identical up to sign{' once standardised' if design.standardized else ''}: the data "
            "tell only their sum, the prior how it is shared; under a Laplace prior the MAP is not unique"
        )
    return notes
