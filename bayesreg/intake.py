"""From what people have (arrays, data frames, lists) to float64 arrays: one column, one vector or one table at a time.

Everything wrong with the data is said here, before anything is computed: argument, finding, place, remedy.  What is
missing (NaN, None, null) comes out as NaN, and whether it may be is decided by `bayesreg.table`.
"""

from __future__ import annotations

import difflib
import reprlib
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import DataWarning, InputError
from bayesreg.interfaces import Array
from bayesreg.scales import LARGEST

EXACT_INTEGERS = 2**53
type Label = str | int | float | bool
"""A level of a categorical column: what JSON can carry."""

_REPR = reprlib.Repr(maxstring=60, maxother=60)
_KINDS = {"U": "text", "S": "bytes", "M": "dates", "m": "durations", "c": "complex numbers"}


def open_frame(data: Any, what: str) -> dict[str, Any] | None:
    """Return the columns of a data frame or of a mapping by name, or None where `data` is neither.

    Raises
    ------
    InputError
        If two columns have one name, or the frame is lazy.
    """
    if isinstance(data, Mapping) and not hasattr(data, "tocsr"):  # a sparse matrix may be a dict of keys
        names = [str(name) for name in data]
        check_unique(names)
        return dict(zip(names, data.values(), strict=True))
    if isinstance(data, nw.DataFrame | nw.LazyFrame):
        data = data.to_native()
    if hasattr(data, "collect") and hasattr(data, "collect_schema"):
        msg = f"{what} is lazy (a {type(data).__name__}): collect it first, e.g. {what}.collect()"
        raise InputError(msg)
    try:
        frame = nw.from_native(data, eager_only=True, pass_through=True)
    except nw.exceptions.DuplicateError:
        check_unique([str(name) for name in data.columns])
        raise
    if not isinstance(frame, nw.DataFrame):
        return None
    own = [str(name) for name in frame.columns]
    check_unique(own)
    # By position: pandas columns may be called 0, 1, 2, which narwhals would take for rows.
    return dict(zip(own, frame.iter_columns(), strict=True))


def as_column(values: Any) -> Any:
    """Return `values` as a narwhals series where they are one, or a frame of one column; otherwise as they are."""
    series = nw.from_native(values, eager_only=True, allow_series=True, pass_through=True)
    if isinstance(series, nw.DataFrame) and series.shape[1] == 1:
        return next(series.iter_columns())
    return series


def read_numbers(values: Any, what: str) -> Array:
    """Return `values` as a new float64 array of any shape, NaN where they are missing.

    Raises
    ------
    InputError
        For text, dates, complex numbers and all else that is not a real number or a boolean.
    """
    values = as_column(values)
    if isinstance(values, nw.Series):
        return _read_series(values, what)
    if np.ma.isMaskedArray(values) and np.ma.getmaskarray(values).any():
        count = int(np.ma.getmaskarray(values).sum())
        msg = f"{what} has {count} masked (missing) values; drop or impute before fitting"
        raise InputError(msg)
    try:
        array = np.asarray(values)
    except (ValueError, TypeError) as error:
        msg = f"{what} is not a rectangular table of numbers: {' '.join(str(error).split())}"
        raise InputError(msg) from error
    return _as_float(array, what)


def has_nulls(values: Any) -> bool:
    """Whether a column of a frame has nulls, as told from NaN among numbers."""
    values = as_column(values)
    return isinstance(values, nw.Series) and bool(values.null_count())


def is_text(values: Any) -> bool:
    """Whether a column holds levels rather than numbers: text, or a categorical type."""
    values = as_column(values)
    if isinstance(values, nw.Series) and values.dtype not in (nw.Object, nw.Unknown):
        return _is_categorical(values) or (values.dtype == nw.String and len(values) > int(values.null_count()))
    return any(isinstance(item, str) for item in _items(values))


def is_missing(value: Any) -> bool:
    """Whether a single value stands for nothing: None, NaN, pandas.NA, NaT."""
    if isinstance(value, float | np.floating):
        return bool(np.isnan(value))
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def read_labels(values: Any, what: str) -> tuple[list[Label | None], list[Label]]:
    """Return a column's values as labels, None where missing, and the levels in their order.

    The order is the one declared (a pandas categorical, an ordered or enumerated type), otherwise sorted.  Whole
    numbers are whole whatever their type, as a missing value makes pandas turn them into floats.

    Raises
    ------
    InputError
        If the values are neither all text, nor all numbers, nor all booleans.
    """
    values = as_column(values)
    known: dict[Any, Label | None] = {}
    labels: list[Label | None] = []
    try:
        for item in _items(values):
            if item not in known:
                known[item] = _label(item, what)
            labels.append(known[item])
    except TypeError as error:
        msg = f"{what} holds {brief(item)} (a {type(item).__name__}), not text or numbers: convert it"
        raise InputError(msg) from error
    levels = list(dict.fromkeys(level for level in known.values() if level is not None))
    if len({type(level) if isinstance(level, str | bool) else float for level in levels}) > 1:
        msg = f"{what} mixes text, numbers or booleans ({shown(levels)}): make it all of one kind"
        raise InputError(msg)
    present = set(levels)
    declared = [_label(item, what) for item in _declared(values)]
    return labels, [v for v in declared if v is not None and v in present] or sorted(levels, key=_rank)


def check_unique(names: Sequence[str]) -> None:
    """Raise InputError where two columns have the same name."""
    if len(set(names)) < len(names):
        name = next(name for name in names if names.count(name) > 1)
        msg = f"column names must be unique: {name!r} appears {names.count(name)} times"
        raise InputError(msg)


def read_names(names: object, p: int) -> tuple[str, ...]:
    """Return names given for p columns, or raise InputError unless there is one each and no two are alike."""
    if isinstance(names, str) or not isinstance(names, Iterable):
        msg = f"names must be a list of column names (got {brief(names)}, a {type(names).__name__})"
        raise InputError(msg)
    labels = tuple(str(name) for name in names)
    if len(labels) != p:
        msg = f"names has {len(labels)} entries for the {p} columns of X"
        raise InputError(msg)
    check_unique(labels)
    return labels


def check_aligned(X: Any, other: Any, argument: str = "y") -> None:
    """Raise InputError where X and `other` are pandas objects with explicit, different row labels."""
    if not (_is_pandas(X) and _is_pandas(other)):
        return
    plain = nw.get_native_namespace(X).RangeIndex
    both = (X, other)
    if all(isinstance(o.index, plain) for o in both) or X.index.equals(other.index) or len(X) != len(other):
        return
    if set(X.index) == set(other.index):
        msg = (
            f"X and {argument} have the same row labels in a different order: reindex {argument}, "
            f"e.g. {argument}.loc[X.index]"
        )
    else:
        msg = (
            f"X and {argument} have different row labels: align them, "
            f"or pass {argument}.to_numpy() if the order is right"
        )
    raise InputError(msg)


def check_range(
    matrix: Array, what: Sequence[str], remedy: str, largest: float = LARGEST, smallest: float = 1 / LARGEST
) -> None:
    """Raise InputError where a column (named in `what`) holds numbers of sizes out of range."""
    size = np.maximum(matrix.max(axis=0, initial=0.0), -matrix.min(axis=0, initial=0.0))  # no copy of the matrix
    bad = np.flatnonzero((size > largest) | ((size > 0) & (size < smallest)))
    if bad.size:
        msg = (
            f"{what[bad[0]]} has values of size {size[bad[0]]:.3g}: sums of squares leave the range of double "
            f"precision; {remedy}"
        )
        raise InputError(msg)


def close_match(name: str, known: Iterable[str]) -> str:
    """Return ": did you mean 'age'?" where a known name is like `name`, otherwise the names that there are."""
    known = list(known)
    near = difflib.get_close_matches(name, known, n=1)
    return f": did you mean {near[0]!r}?" if near else f" (there are: {shown(known, 8)})"


def shown(values: Sequence[Any], most: int = 6) -> str:
    """Return the first values, separated by commas."""
    return ", ".join(brief(v) for v in values[:most]) + (", ..." if len(values) > most else "")


def brief(value: object) -> str:
    """Return a value's repr on one line, cut where it is long."""
    return " ".join(_REPR.repr(value).split())


def _is_pandas(data: object) -> bool:
    return type(data).__module__.split(".")[0] == "pandas"


def _is_categorical(series: nw.Series[Any]) -> bool:
    return series.dtype == nw.Categorical or isinstance(series.dtype, nw.Enum)


def _declared(values: Any) -> list[Any]:
    """Return the levels in the order that the type declares; that in which polars or Arrow store them says nothing."""
    if isinstance(values, nw.Series) and isinstance(values.dtype, nw.Enum):
        return list(values.dtype.categories)
    if isinstance(values, nw.Series) and values.dtype == nw.Categorical and _is_pandas(values.to_native()):
        return list(values.to_native().cat.categories)
    categories = getattr(values, "categories", None) if _is_pandas(values) else None  # a bare pandas.Categorical
    return [] if categories is None else list(categories)


def _items(values: Any) -> list[Any]:
    if isinstance(values, nw.Series):
        return values.to_list()
    if isinstance(values, list | tuple):
        return list(values)
    array = np.ma.filled(values.astype(object), None) if np.ma.isMaskedArray(values) else np.asarray(values)
    if array.dtype.kind in "SMmcV":
        array = array.astype(object)
    return list(array.tolist()) if array.ndim else [array.tolist()]


def _label(item: Any, what: str) -> Label | None:
    if isinstance(item, np.generic):
        item = item.item()
    if is_missing(item):
        return None
    if isinstance(item, float) and item.is_integer() and abs(item) <= EXACT_INTEGERS:
        return int(item)
    if not isinstance(item, str | int | float | bool) or item in (np.inf, -np.inf):
        msg = f"{what} holds {brief(item)} (a {type(item).__name__}), not text or finite numbers: convert it"
        raise InputError(msg)
    return item


def _rank(level: Label) -> tuple[float, str]:
    return (0.0, level) if isinstance(level, str) else (float(level), "")


def _read_series(series: nw.Series[Any], what: str) -> Array:
    dtype = series.dtype
    if len(series) and int(series.null_count()) == len(series):
        return np.full(len(series), np.nan)
    if dtype.is_numeric() or dtype == nw.Boolean:
        odd = dtype.is_decimal() or dtype in (nw.Int128, nw.UInt128)
        return _as_float((series.cast(nw.Float64) if odd else series).to_numpy(), what)
    if dtype in (nw.Object, nw.Unknown):
        return _as_float(np.asarray(series.to_numpy()), what)
    remedy = ", or use Problem.from_formula, which codes it" if what.startswith("column") else ""
    if _is_categorical(series):
        levels = ", ".join(brief(v).strip("'") for v in read_labels(series, what)[1][:4])
        msg = f"{what} is categorical (levels {levels}); encode it as numbers, e.g. with pandas.get_dummies{remedy}"
        raise InputError(msg)
    example = ", ".join(brief(v) for v in series.head(2).to_list())
    remedy = remedy if dtype == nw.String else ""
    msg = f"{what} holds {str(dtype).lower()} values ({example}, ...), not numbers: convert or encode it{remedy}"
    raise InputError(msg)


def _as_float(array: NDArray[Any], what: str) -> Array:
    """Return a float64 copy; text, dates and complex numbers are refused rather than parsed or truncated."""
    if array.dtype.kind in "biuf":
        if array.dtype.kind in "iu" and array.size and max(abs(int(array.min())), int(array.max())) > EXACT_INTEGERS:
            warnings.warn(f"{what} holds whole numbers beyond 2^53, which float64 rounds", DataWarning, stacklevel=4)
        with np.errstate(over="ignore"):  # what does not fit in a double is infinite, and is found as such
            return np.array(array, dtype=float, order="C")
    if array.dtype.kind == "O":
        flat = np.empty(array.size)
        for i, item in enumerate(array.ravel()):
            missing = array.ndim > 0 and is_missing(item)
            if not missing and not isinstance(item, bool | int | float | np.bool_ | np.integer | np.floating):
                msg = f"{what} holds {brief(item)} (a {type(item).__name__}), not a number: convert or encode it"
                raise InputError(msg)
            try:
                flat[i] = np.nan if missing else float(item)
            except OverflowError:
                flat[i] = np.inf
        return flat.reshape(array.shape)
    kind = _KINDS.get(array.dtype.kind, str(array.dtype))
    example = f" (e.g. {brief(array.ravel()[0])})" if array.size else ""
    msg = f"{what} holds {kind}{example}, not real numbers: convert or encode it"
    raise InputError(msg)
