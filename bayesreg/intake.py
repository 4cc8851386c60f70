"""From what people have (arrays, data frames, lists) to checked float64 arrays with column names.

Everything wrong with the data is said here, before anything is computed: argument, finding, place, remedy.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np

from bayesreg.errors import DataWarning, InputError
from bayesreg.interfaces import Array
from bayesreg.scales import LARGEST

EXACT_INTEGERS = 2**53


def read_matrix(X: Any, names: Sequence[str] | None = None) -> tuple[Array, tuple[str, ...]]:
    """Return X as a finite float64 array (n, p) with its column names.

    Parameters
    ----------
    X : array-like (n, p) or data frame (pandas, polars, PyArrow: anything narwhals reads)
        Numbers or booleans.
    names : sequence of str, optional
        Column names; by default a frame's own, else x0, x1, ...

    Raises
    ------
    InputError
        For anything but a finite numeric table with unique names.
    """
    if hasattr(X, "tocsr"):
        rows, columns = X.shape
        msg = (
            f"X is a sparse matrix ({rows} x {columns}); it would take {rows * columns * 8 / 2**20:.0f} MiB dense: "
            "pass X.toarray()"
        )
        raise InputError(msg)
    try:
        frame = nw.from_native(X, eager_only=True, pass_through=True)
    except nw.exceptions.DuplicateError:
        _check_unique([str(name) for name in X.columns])
        raise
    if isinstance(frame, nw.DataFrame):
        own: tuple[str, ...] = tuple(str(name) for name in frame.columns)
        _check_unique(own)
        # By position: pandas columns may be called 0, 1, 2, which narwhals would take for rows.
        series = zip(own, frame.iter_columns(), strict=True)
        columns = [_read_column(column, f"column {name!r} of X") for name, column in series]
        matrix = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    else:
        matrix = _read_array(X, "X")
        if matrix.ndim != 2:
            hint = ": use X.reshape(-1, 1) for one predictor, or X.reshape(1, -1) for one row"
            msg = f"X is {matrix.ndim}-d with shape {matrix.shape}{hint if matrix.ndim == 1 else '; it must be 2-d'}"
            raise InputError(msg)
        own = tuple(f"x{j}" for j in range(matrix.shape[1]))
    labels = own if names is None else tuple(str(name) for name in names)
    if len(labels) != matrix.shape[1]:
        msg = f"names has {len(labels)} entries for the {matrix.shape[1]} columns of X"
        raise InputError(msg)
    _check_unique(labels)
    if matrix.shape[0] == 0:
        msg = f"X has 0 rows (shape {matrix.shape}); at least 1 is needed"
        raise InputError(msg)
    _check_finite(matrix, "X", labels)
    return matrix, labels


def read_vector(values: object, argument: str, n: int) -> Array:
    """Return `values` as a finite float64 vector (n,); a single column is flattened.

    Raises
    ------
    InputError
        For anything but n finite numbers.
    """
    if values is None:
        msg = f"{argument} is missing (None): pass one number per row of X"
        raise InputError(msg)
    series = nw.from_native(values, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(series, nw.DataFrame) and series.shape[1] == 1:
        series = next(series.iter_columns())
    vector = _read_column(series, argument) if isinstance(series, nw.Series) else _read_array(values, argument)
    if vector.ndim == 2 and vector.shape[1] == 1:
        vector = vector[:, 0]
    if vector.ndim != 1:
        msg = f"{argument} has shape {vector.shape}: it must be one column; fit one response at a time"
        raise InputError(msg)
    if vector.size != n:
        msg = f"X has {n} rows but {argument} has {vector.size}"
        raise InputError(msg)
    _check_finite(vector[:, None], argument, (argument,))
    return vector


def read_weights(weights: object, n: int) -> Array | None:
    """Return non-negative weights (n,), or None where there are none.

    Raises
    ------
    InputError
        If a weight is negative, or all are zero.
    """
    if weights is None:
        return None
    vector = read_vector(weights, "weights", n)
    negative = np.flatnonzero(vector < 0)
    if negative.size:
        msg = (
            f"weights must be >= 0 (found {negative.size} negative, first: row {negative[0]}, {vector[negative[0]]:g})"
        )
        raise InputError(msg)
    if not vector.any():
        msg = "weights are all zero: no row would count"
        raise InputError(msg)
    return vector


def check_aligned(X: Any, y: Any) -> None:
    """Raise InputError where X and y are pandas objects with explicit, different row labels."""
    left, right = (nw.get_native_namespace(o) if _is_pandas(o) else None for o in (X, y))
    if left is None or right is None:
        return
    if all(isinstance(o.index, left.RangeIndex) for o in (X, y)) or X.index.equals(y.index) or len(X) != len(y):
        return
    if set(X.index) == set(y.index):
        msg = "X and y have the same row labels in a different order: reindex y, e.g. y.loc[X.index]"
    else:
        msg = "X and y have different row labels: align them, or pass y.to_numpy() if the order is right"
    raise InputError(msg)


def check_range(matrix: Array, what: Sequence[str], remedy: str, largest: float = LARGEST) -> None:
    """Raise InputError where a column (named in `what`) holds numbers whose squares leave double precision."""
    size = np.abs(matrix).max(axis=0, initial=0.0)
    bad = np.flatnonzero((size > largest) | ((size > 0) & (size < 1 / largest)))
    if bad.size:
        msg = (
            f"{what[bad[0]]} has values of size {size[bad[0]]:.3g}, whose squares leave the range of double precision: "
            f"{remedy}"
        )
        raise InputError(msg)


def _is_pandas(data: object) -> bool:
    return type(data).__module__.split(".")[0] == "pandas"


def _check_unique(names: Sequence[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            msg = f"column names must be unique: {name!r} appears {list(names).count(name)} times"
            raise InputError(msg)
        seen.add(name)


def _check_finite(matrix: Array, argument: str, names: Sequence[str]) -> None:
    for test, word in ((np.isnan, "missing (NaN)"), (np.isinf, "infinite")):
        bad = test(matrix)
        if bad.any():
            row, column = (int(i[0]) for i in np.nonzero(bad))
            where = (
                f"row {row}"
                if matrix.shape[1] == 1 and argument == names[0]
                else (f"column {names[column]!r}, row {row}")
            )
            count = int(bad.sum())
            msg = (
                f"{argument} has {count} {word} value{'s' if count > 1 else ''} (first: {where}); "
                "drop or impute before fitting"
            )
            raise InputError(msg)


def _read_column(series: nw.Series[Any], what: str) -> Array:
    dtype = series.dtype
    if dtype.is_numeric() or dtype == nw.Boolean:
        missing = int(series.null_count())
        if missing:
            row = int(np.flatnonzero(series.is_null().to_numpy())[0])
            plural = "s" if missing > 1 else ""
            msg = f"{what} has {missing} missing value{plural} (first: row {row}); drop or impute before fitting"
            raise InputError(msg)
        return _as_float(series.to_numpy(), what)
    if dtype in (nw.Categorical, nw.Enum) or isinstance(dtype, nw.Enum):
        levels = ", ".join(str(v) for v in series.drop_nulls().unique().to_list()[:4])
        msg = f"{what} is categorical (levels {levels}); encode it as numbers, e.g. with pandas.get_dummies"
        raise InputError(msg)
    if dtype in (nw.Object, nw.Unknown):
        return _as_float(series.to_numpy(), what)
    shown = ", ".join(repr(v) for v in series.head(2).to_list())
    msg = f"{what} holds {str(dtype).lower()} values ({shown}, ...), not numbers: convert or encode it"
    raise InputError(msg)


def _read_array(values: object, argument: str) -> Array:
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        count = int(np.ma.getmaskarray(values).sum())
        msg = f"{argument} has {count} masked (missing) values; drop or impute before fitting"
        raise InputError(msg)
    try:
        array = np.asarray(values)
    except ValueError as error:
        msg = f"{argument} is not a rectangular table of numbers: {error}"
        raise InputError(msg) from error
    return _as_float(array, argument)


def _as_float(array: np.ndarray[Any, Any], what: str) -> Array:
    """Return a float64 copy; text, dates and complex numbers are refused rather than parsed or truncated."""
    if array.dtype.kind in "biuf":
        if array.dtype.kind in "iu" and array.size and max(abs(int(array.min())), int(array.max())) > EXACT_INTEGERS:
            warnings.warn(f"{what} holds whole numbers beyond 2^53, which float64 rounds", DataWarning, stacklevel=4)
        return np.array(array, dtype=float, order="C")
    if array.dtype.kind == "O":
        for item in array.ravel():
            if not isinstance(item, bool | int | float | np.bool_ | np.integer | np.floating):
                msg = f"{what} holds {item!r} (a {type(item).__name__}), not a number: convert or encode it"
                raise InputError(msg)
        return np.array(array, dtype=float, order="C")
    kind = {"U": "text", "S": "bytes", "M": "dates", "m": "durations", "c": "complex numbers"}.get(
        array.dtype.kind, str(array.dtype)
    )
    example = f" (e.g. {array.ravel()[0]!r})" if array.size else ""
    msg = f"{what} holds {kind}{example}, not real numbers: convert or encode it"
    raise InputError(msg)
