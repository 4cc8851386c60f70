"""From new data to the columns that a model was built on: the same ones, in the same order, coded alike."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import DataWarning, InputError
from bayesreg.intake import Label, as_column, close_match, is_text, open_frame, read_labels, read_numbers, shown
from bayesreg.interfaces import Array


class Encoding(ABC):
    """How rows of data become rows of X, remembered with all that was learnt from the data (levels, knots, means)."""

    __slots__ = ()

    names: tuple[str, ...]
    """Names of the columns of X."""

    columns: Mapping[str, str]
    """The column of the data that each of y, weights, offset, exposure, trials came from, where given by name."""

    @abstractmethod
    def rows(self, data: Any) -> Any:
        """Return X (m, p) of new data, an array or scipy.sparse CSR; the response need not be there.

        Raises
        ------
        InputError
            If a column is missing, a level is new, or a value is not a finite number.
        """

    @abstractmethod
    def vector(self, data: Any, name: str) -> Array | None:
        """Return the column of new data that `name` ("y", "offset", "exposure", ...) came from; None if not by name."""

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return all that `encoding_from_json` needs, as JSON has it."""

    @classmethod
    @abstractmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """Return the encoding that `to_json` wrote."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class NamedColumns(Encoding):
    """Columns taken as they are: by name from a frame, by position from an array.

    Parameters
    ----------
    names : tuple of str
        Names of the columns of X.
    sources : tuple of str or None
        What the columns were called in the frame that X came from; None where X came as an array.
    columns : mapping of str to str
        The columns that the response, weights, ... were taken from.
    """

    names: tuple[str, ...]
    sources: tuple[str, ...] | None
    columns: Mapping[str, str] = field(default_factory=dict)

    def rows(self, data: Any) -> Any:
        """Return X (m, p) of new data; other columns of a frame do not matter, nor does their order.

        Columns without names are taken by position, with a DataWarning where the model's had names.
        """
        frame = open_frame(data, "the data")
        wanted = self.names if self.sources is None else self.sources
        if frame is not None and self.sources is None and not set(wanted) <= set(frame):
            self._check_count(len(frame), f"{len(frame)} columns ({shown(list(frame))})")
            wanted = tuple(frame)
        if frame is not None:
            for name in wanted:
                find_column(frame, name, "X")
            X = read_frame(frame, wanted, frame_length(frame))
            check_finite(X, "X", wanted)
            return X
        X = read_matrix(data)
        self._check_count(X.shape[1], f"{X.shape[1]} columns")
        if self.sources is not None:
            msg = f"X has no column names: its columns are taken in the order {shown(self.sources)} of the model's data"
            warnings.warn(msg, DataWarning, stacklevel=4)
        check_finite(X, "X", self.names)
        return X

    def vector(self, data: Any, name: str) -> Array | None:
        """Return the column of new data that `name` came from."""
        return named_vector(self.columns, data, name)

    def _check_count(self, count: int, found: str) -> None:
        if count != len(self.names):
            msg = f"X has {found}, but the model was built on {len(self.names)} ({shown(self.names)})"
            raise InputError(msg)

    def to_json(self) -> dict[str, Any]:
        """Return the names."""
        sources = None if self.sources is None else list(self.sources)
        return {"kind": "columns", "names": list(self.names), "sources": sources, "columns": dict(self.columns)}

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> NamedColumns:
        """Return the encoding that `to_json` wrote."""
        sources = state["sources"]
        return cls(tuple(state["names"]), None if sources is None else tuple(sources), dict(state["columns"]))


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """A column by its name: `values` (n,), or `values[codes]` where each level has one."""

    name: str
    values: Array
    codes: Any = None

    def get(self) -> Array:
        """Return the column (n,)."""
        return self.values if self.codes is None else self.values[self.codes]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns of a factor: all, and those it needs beside an intercept if all of them would span one."""

    full: Sequence[Column]
    reduced: Sequence[Column]
    spans: bool


class Rows:
    """The columns of a frame that are asked for, as numbers or as labels, NaN or None where missing."""

    __slots__ = ("kept", "labels", "levels", "numbers")

    def __init__(self, frame: Mapping[str, Any], uses: Iterable[tuple[str, bool]]) -> None:
        """Read columns by name, each as labels or (False) as numbers."""
        n = frame_length(frame)
        self.kept: NDArray[np.int_] = np.arange(n)
        self.numbers: dict[str, Array] = {}
        self.labels: dict[str, NDArray[np.object_]] = {}
        self.levels: dict[str, list[Label]] = {}
        for name, text in dict.fromkeys(uses):
            what = f"column {name!r}"
            values = find_column(frame, name, "formula")
            if text:
                labels, self.levels[name] = read_labels(values, what)
                self.labels[name] = np.array([*labels, None], dtype=object)[:-1]
                check_rows(self.labels[name].shape, what, n)
            elif is_text(values):
                example = f"I({name} == {next(iter(read_labels(values, what)[1]), '')!r})"
                msg = f"{what} holds text: in a formula it stands alone, in C({name}), or in a comparison, {example}"
                raise InputError(msg)
            else:
                self.numbers[name] = read_column(frame, name, what, n)
                check_finite(self.numbers[name][:, None], what, (what,), missing=False)

    def gaps(self) -> dict[str, NDArray[np.intp]]:
        """Return the rows in which a column has nothing, for the columns where there are any."""
        gaps = {name: np.flatnonzero(np.isnan(values)) for name, values in self.numbers.items()}
        gaps |= {name: np.flatnonzero([v is None for v in values]) for name, values in self.labels.items()}
        return {name: rows for name, rows in gaps.items() if rows.size}

    def take(self, kept: NDArray[np.int_]) -> None:
        """Keep these rows, and the levels that occur in them."""
        if kept.size < self.kept.size:
            self.kept = kept
            self.numbers = {name: values[kept] for name, values in self.numbers.items()}
            self.labels = {name: values[kept] for name, values in self.labels.items()}
            there = {name: set(values.tolist()) for name, values in self.labels.items()}
            self.levels = {name: [v for v in levels if v in there[name]] for name, levels in self.levels.items()}


def coding(levels: list[Any], contrasts: Any) -> dict[str, list[Any]]:
    """Return, in full and reduced, what each column's name ends in, and its value for each level."""
    if len(levels) == 1:
        return {"full": [[f"[{levels[0]}]", [1.0]]], "reduced": []}
    found = {}
    for form, reduced in (("full", False), ("reduced", True)):
        style = contrasts.get_factor_format(levels, reduced_rank=reduced)
        names = contrasts.get_coding_column_names(levels, reduced_rank=reduced)
        matrix = np.asarray(contrasts.get_coding_matrix(levels, reduced_rank=reduced), dtype=float)
        found[form] = [
            [style.format(name="", field=field), column.tolist()] for field, column in zip(names, matrix.T, strict=True)
        ]
    return found


def pack(value: Any) -> Any:
    """Return what was learnt from the data as JSON has it: arrays and the keys of mappings keep their types."""
    if isinstance(value, np.ndarray):
        return {"array": value.tolist()}
    if isinstance(value, Mapping):
        return {"map": [[pack(key), pack(item)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [pack(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def unpack(value: Any) -> Any:
    """Return what `pack` was given."""
    if isinstance(value, Mapping):
        return np.array(value["array"]) if "array" in value else {unpack(k): unpack(v) for k, v in value["map"]}
    return [unpack(item) for item in value] if isinstance(value, list) else value


def find_column(frame: Mapping[str, Any] | None, name: str, argument: str) -> Any:
    """Return the column `name`, or raise InputError saying which names are near, or there."""
    if frame is None:
        msg = f"{argument} is given as the column name {name!r}, but the data are not a data frame with named columns"
        raise InputError(msg)
    if name not in frame:
        msg = f"{argument}: there is no column {name!r} in the data{close_match(name, frame)}"
        raise InputError(msg)
    return as_column(frame[name])


def named_vector(columns: Mapping[str, str], data: Any, name: str) -> Array | None:
    """Return the column that `name` came from by the names in `columns`; None where it was not given by name."""
    if name not in columns:
        return None
    frame = open_frame(data, "the data")
    values = read_numbers(find_column(frame, columns[name], name), name)
    check_rows(values.shape, name, frame_length(frame or {}))
    check_finite(values[:, None], name, (name,))
    return values


def frame_length(frame: Mapping[str, Any]) -> int:
    """Return the number of rows of a frame's first column, 0 where it has none."""
    for values in frame.values():
        return int(np.size(values)) if np.ndim(values) == 0 else len(values)
    return 0


def read_sparse(X: Any) -> Any:
    """Return a copy of a scipy.sparse matrix or array as float64 CSR, duplicates summed and indices sorted."""
    from scipy import sparse

    if X.ndim != 2 or X.dtype.kind not in "biuf":
        msg = f"X is a sparse {X.ndim}-d array of {X.dtype}; it must be 2-d and of real numbers"
        raise InputError(msg)
    matrix = sparse.csr_array(X, dtype=np.float64, copy=True)
    matrix.sum_duplicates()
    matrix.sort_indices()
    return matrix


def read_matrix(X: Any) -> Any:
    """Return X as a float64 array (n, p), or as CSR where it is sparse; NaN where missing."""
    if hasattr(X, "tocsr"):
        return read_sparse(X)
    matrix = read_numbers(X, "X")
    if matrix.ndim != 2:
        hint = ": use X.reshape(-1, 1) for one predictor, or X.reshape(1, -1) for one row"
        msg = f"X is {matrix.ndim}-d with shape {matrix.shape}{hint if matrix.ndim == 1 else '; it must be 2-d'}"
        raise InputError(msg)
    return matrix


def read_frame(frame: Mapping[str, Any], names: Sequence[str], n: int) -> Array:
    """Return columns of a frame of n rows side by side, NaN where missing."""
    X = np.empty((n, len(names)))
    for j, name in enumerate(names):
        X[:, j] = read_column(frame, name, f"column {name!r} of X", n)
    return X


def read_column(frame: Mapping[str, Any], name: str, what: str, n: int) -> Array:
    """Return a column of numbers (n,), NaN where missing."""
    values = read_numbers(frame[name], what)
    check_rows(values.shape, what, n)
    return values


def check_rows(shape: tuple[int, ...], what: str, n: int) -> None:
    """Raise InputError unless a column's shape is (n,)."""
    if len(shape) != 1:
        msg = f"{what} has shape {shape}: it must be one-dimensional; give a list of values, one per row"
        raise InputError(msg)
    if shape != (n,):
        msg = f"{what} has {shape[0]} rows, but the first column has {n}: they must all be of one length"
        raise InputError(msg)


def cells(X: Any, test: Any) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows and columns, by rows, of the entries of X, dense or CSR, at which `test` holds."""
    if isinstance(X, np.ndarray):
        rows, columns = np.nonzero(test(X))
        return rows, columns
    at = np.flatnonzero(test(X.data))
    return np.searchsorted(X.indptr, at, side="right") - 1, X.indices[at].astype(np.intp)


def all_finite(X: Any) -> bool:
    """Whether every entry of X, dense or sparse, is finite."""
    return bool(np.isfinite(X if isinstance(X, np.ndarray) else X.data).all())


def check_finite(X: Any, argument: str, names: tuple[str, ...], *, missing: bool = True) -> None:
    """Raise InputError at the first missing (unless `missing` is False) or infinite entry of X, dense or CSR."""
    if all_finite(X):
        return
    tests = ((np.isnan, "missing (NaN)"), (np.isinf, "infinite"))
    for test, word in tests if missing else tests[1:]:
        rows, columns = cells(X, test)
        if rows.size:
            where = f"row {rows[0]}" if names == (argument,) else f"column {names[columns[0]]!r}, row {rows[0]}"
            msg = f"{argument} has {rows.size} {word} value{'s' * (rows.size > 1)} (first: {where}); drop or impute it"
            raise InputError(msg)
