"""A table of checked numbers: what `Problem` is built on, whether the data came as arrays or with a formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.encoding import (
    Encoding,
    NamedColumns,
    all_finite,
    cells,
    check_finite,
    find_column,
    read_frame,
    read_matrix,
)
from bayesreg.errors import InputError, ParameterError
from bayesreg.intake import brief, check_aligned, has_nulls, open_frame, read_names, read_numbers
from bayesreg.interfaces import Array

ROLES = ("y", "weights", "offset", "exposure", "trials")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Rows of finite numbers, and where they came from.

    Parameters
    ----------
    X : array (n, p) or scipy.sparse.csr_array
        The columns, without one for the intercept.
    names : tuple of str
        Their names, each once.
    terms : tuple of str
        The formula's term that each column belongs to; its own name where there is no formula.
    response : str
        What the response is called.
    y : array (n,)
    weights : array (n,) or None
        Row weights ≥ 0; None where all are 1.
    offset : array (n,)
        The offset, and the log of the exposure.
    trials : array (n,) or None
        Whole numbers ≥ 1; None where all are 1.
    intercept : bool or None
        Whether the formula has an intercept; None without a formula.
    encoding : Encoding
        Turns new data into the same columns.
    kept : array of int (n,)
        The row of the user's data (from 0) that each row is.
    notes : tuple of str
        What was done that changes what the results mean.
    given : tuple of str
        Which of weights, offset, exposure and trials there are.
    """

    X: Any
    names: tuple[str, ...]
    terms: tuple[str, ...]
    response: str
    y: Array
    weights: Array | None
    offset: Array
    trials: Array | None
    intercept: bool | None
    encoding: Encoding
    kept: NDArray[np.int_]
    notes: tuple[str, ...]
    given: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.X, self.y, self.weights, self.offset, self.trials, self.kept):
            if isinstance(array, np.ndarray):
                array.setflags(write=False)


@dataclass(frozen=True, slots=True, eq=False)
class Gap:
    """Rows in which a value is missing: of `argument`, in one of its columns or the whole; null, or NaN."""

    argument: str
    column: str | None
    rows: NDArray[np.intp]
    null: bool

    @property
    def label(self) -> str:
        """What is counted."""
        return self.argument if self.column is None else self.column


@dataclass(frozen=True, slots=True, eq=False)
class RowData:
    """What is read beside X: vectors (n,) by role, of the rows that are kept."""

    vectors: Mapping[str, Array]
    offset: Array
    kept: NDArray[np.int_]
    notes: tuple[str, ...]


def read_arrays(
    X: Any,
    y: Any,
    *,
    names: Sequence[str] | None = None,
    weights: Any = None,
    offset: Any = None,
    exposure: Any = None,
    trials: Any = None,
    missing: str = "error",
) -> Table:
    """Return the table of X (n, p) and y (n,).

    Parameters
    ----------
    X : array-like, scipy.sparse matrix or data frame (pandas, polars, PyArrow: anything narwhals reads)
        Numbers or booleans.  What is sparse stays so.
    y : array-like (n,) or str
        The response, or the name of its column in the frame X, which is then not a predictor.
    names : sequence of str, optional
        Names of the predictors; by default a frame's own, else x0, x1, ...
    weights, offset, exposure, trials : array-like (n,) or str, optional
        Row weights ≥ 0; an offset; an exposure > 0, whose log is added to the offset; whole numbers of trials ≥ 1.
        Each an array, or the name of a column of the frame X, which is then not a predictor.
    missing : {"error", "drop"}
        Whether rows in which anything is missing (NaN, None, null) are refused or dropped.  Infinite values are
        refused in any case.

    Raises
    ------
    InputError
        If the data cannot be used; says what, where and what to do.
    ParameterError
        If `missing` is neither of the two.
    """
    check_policy(missing)
    if X is None:
        msg = "X holds None (a NoneType), not a number: pass a table of numbers, one row per observation"
        raise InputError(msg)
    if isinstance(X, Mapping) and not hasattr(X, "tocsr"):
        msg = f"X is a {type(X).__name__}: make a data frame of it, or use Problem.from_formula, which takes columns so"
        raise InputError(msg)
    frame = open_frame(X, "X")
    given = dict(zip(ROLES, (y, weights, offset, exposure, trials), strict=True))
    columns = {role: value for role, value in given.items() if isinstance(value, str)}
    for role, name in columns.items():
        find_column(frame, name, role)
    sources = None if frame is None else tuple(name for name in frame if name not in columns.values())
    matrix = read_matrix(X) if frame is None else read_frame(frame, sources or (), X.shape[0])
    n, p = matrix.shape
    own = tuple(f"x{j}" for j in range(p)) if sources is None else sources
    labels = own if names is None else read_names(names, p)
    if n == 0:
        msg = f"X has 0 rows (shape {matrix.shape}); at least 1 is needed"
        raise InputError(msg)
    for role in ROLES:
        check_aligned(X, given[role], role)
    check_finite(matrix, "X", labels, missing=False)
    gaps = []
    if not all_finite(matrix):
        null = frame is not None and any(has_nulls(frame[name]) for name in own)
        rows, where = cells(matrix, np.isnan)
        gaps = [Gap("X", labels[j], np.unique(rows[where == j]), null) for j in dict.fromkeys(where.tolist())]
    rest = read_rows(frame, n, gaps, given, missing)
    return Table(
        X=matrix if rest.kept.size == n else matrix[rest.kept],
        names=labels,
        terms=labels,
        response=columns.get("y", "y"),
        y=rest.vectors["y"],
        weights=rest.vectors.get("weights"),
        offset=rest.offset,
        trials=rest.vectors.get("trials"),
        intercept=None,
        encoding=NamedColumns(labels, sources, columns),
        kept=rest.kept,
        notes=rest.notes,
        given=tuple(role for role in rest.vectors if role != "y"),
    )


def check_policy(missing: object) -> None:
    """Raise ParameterError unless `missing` says what to do with missing values."""
    if not isinstance(missing, str) or missing not in ("error", "drop"):
        msg = f'missing must be "error" or "drop" (got {brief(missing)})'
        raise ParameterError(msg)


def read_rows(
    frame: Mapping[str, Any] | None,
    n: int,
    gaps: Sequence[Gap],
    given: Mapping[str, Any],
    missing: str,
    whole: str = "X",
) -> RowData:
    """Read the vectors beside X, find the complete rows among the n there are, and check what is in them.

    Parameters
    ----------
    frame : mapping or None
        The columns that a vector given by name is taken from.
    n : int
        Number of rows of `whole`.
    gaps : sequence of Gap
        What is missing in X.
    given : mapping
        Vectors, or names of columns, by role: y must be there where it is a key, the others may be None.
    missing : {"error", "drop"}
    whole : str
        What the table is called.
    """
    gaps, vectors = list(gaps), {}
    for role, value in given.items():
        if value is None and role != "y":
            continue
        values = find_column(frame, value, role) if isinstance(value, str) else value
        vector = read_vector(values, role, n, whole)
        check_finite(vector[:, None], role, (role,), missing=False)
        if np.isnan(vector).any():
            gaps.append(Gap(role, None, np.flatnonzero(np.isnan(vector)), has_nulls(values)))
        vectors[role] = vector
    kept, notes = _complete_rows(n, gaps, missing)
    if kept.size < n:
        vectors = {role: vector[kept] for role, vector in vectors.items()}
    _check_domains(vectors, kept)
    offset = vectors.get("offset", np.zeros(kept.size))
    if "exposure" in vectors:
        offset = offset + np.log(vectors["exposure"])
    return RowData(vectors, offset, kept, notes)


def read_vector(values: Any, argument: str, n: int, whole: str = "X") -> Array:
    """Return `values` as a float64 vector (n,), NaN where missing; a single column is flattened.

    Raises
    ------
    InputError
        For anything but n numbers.
    """
    if values is None:
        msg = f"{argument} is missing (None): pass one number per row of {whole}"
        raise InputError(msg)
    if argument == "trials" and isinstance(values, int | float | np.integer | np.floating) and values is not True:
        values = np.full(n, values)
    vector = read_numbers(values, argument)
    if vector.ndim == 2 and vector.shape[1] == 1:
        vector = vector[:, 0]
    if vector.ndim == 0:
        msg = f"{argument} is a single value ({vector:g}): pass one number per row of {whole}"
        raise InputError(msg)
    if vector.ndim != 1:
        msg = f"{argument} has shape {vector.shape}: it must be one column; fit one response at a time"
        raise InputError(msg)
    if vector.size != n:
        msg = f"{whole} has {n} rows but {argument} has {vector.size}"
        raise InputError(msg)
    return vector


def _complete_rows(n: int, gaps: Sequence[Gap], missing: str) -> tuple[NDArray[np.int_], tuple[str, ...]]:
    """Return the rows in which nothing is missing, and what is to be said of the others."""
    if not gaps:
        return np.arange(n), ()
    counts = ", ".join(f"{gap.label}: {gap.rows.size}" for gap in gaps[:20]) + (", ..." if len(gaps) > 20 else "")
    if missing == "error":
        remedy = 'drop or impute before fitting, or pass missing="drop"'
        msg = f"{_finding(gaps)}; {remedy}{f' (missing in all: {counts})' if len(gaps) > 1 else ''}"
        raise InputError(msg)
    complete = np.ones(n, dtype=bool)
    for gap in gaps:
        complete[gap.rows] = False
    kept = np.flatnonzero(complete)
    if not kept.size:
        msg = f"no row is complete: all {n} have missing values ({counts}); leave out the columns with the most"
        raise InputError(msg)
    return kept, (f"dropped {n - kept.size} of {n} rows with missing values ({counts})",)


def _finding(gaps: Sequence[Gap]) -> str:
    first = gaps[0]
    table = first.column is not None and not first.null
    count = sum(gap.rows.size for gap in gaps if gap.argument == first.argument) if table else first.rows.size
    word = f"missing{'' if first.null else ' (NaN)'} value{'s' * (count > 1)}"
    if first.column is None:
        return f"{first.argument} has {count} {word} (first: row {first.rows[0]})"
    if table:
        return f"{first.argument} has {count} {word} (first: column {first.column!r}, row {first.rows[0]})"
    return f"column {first.column!r} of {first.argument} has {count} {word} (first: row {first.rows[0]})"


def _check_domains(vectors: Mapping[str, Array], kept: NDArray[np.int_]) -> None:
    for role, (domain, word, advice) in _DOMAINS.items():
        values = vectors.get(role, np.ones(1))
        wrong = {"weights": values < 0, "exposure": values <= 0, "trials": (values < 1) | (values != np.floor(values))}
        bad = np.flatnonzero(wrong[role])
        if bad.size:
            found = f"found {bad.size} {word}, first: row {kept[bad[0]]}, {values[bad[0]]:g}"
            msg = f"{role} must be {domain} ({found}){advice}"
            raise InputError(msg)
    if "weights" in vectors and not vectors["weights"].any():
        msg = "weights are all zero: no row would count"
        raise InputError(msg)


_DOMAINS = {
    "weights": (">= 0", "negative", ""),
    "exposure": ("> 0", "zero or negative", ": its log is added to the offset; leave out rows without exposure"),
    "trials": ("whole numbers >= 1", "not so", ": of so many tries y counts the successes; leave out rows without any"),
}
