"""The data that ships (real sets through scikit-learn, with their source), and CSV files."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import final

import numpy as np

from bayesreg.errors import InputError
from bayesreg.interfaces import Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """A table of predictors and a response.

    Parameters
    ----------
    name : str
    X : array (n, p)
        In the data's own units.
    y : array (n,)
    names : tuple of str
        Column names.
    target : str
        What y is.
    likelihood : str
        Name of the likelihood that fits y: `gaussian` or `bernoulli`.
    source : str
    """

    name: str
    X: Array
    y: Array
    names: tuple[str, ...]
    target: str
    likelihood: str
    source: str


DATASETS = {
    "diabetes": "disease progression after one year, 442 patients, 10 predictors (Efron et al. 2004)",
    "breast_cancer": "malignant (1) or benign (0), 569 tumours, 30 predictors (Wolberg & Street 1993)",
}


def load_dataset(name: str) -> Dataset:
    """Return a bundled data set.

    Parameters
    ----------
    name : {"diabetes", "breast_cancer"}

    Raises
    ------
    InputError
        If there is no such set; lists those there are.

    References
    ----------
    diabetes: Efron, Hastie, Johnstone & Tibshirani (2004), Ann. Statist. 32:407–499; in its original units.
    breast_cancer: Wolberg, Mangasarian, Street & Street (1993), UCI ML repository, CC BY 4.0.
    """
    if name == "diabetes":
        return _diabetes()
    if name == "breast_cancer":
        return _breast_cancer()
    msg = f"no bundled data set {name!r}: there are {', '.join(DATASETS)}"
    raise InputError(msg)


def _folder() -> Path:
    """scikit-learn's data folder, found without importing scikit-learn: its import costs more than the whole job."""
    spec = find_spec("sklearn")
    if spec is None or not spec.submodule_search_locations:
        msg = "the bundled data sets come with scikit-learn, which is not installed"
        raise InputError(msg)
    return Path(spec.submodule_search_locations[0]) / "datasets" / "data"


def _diabetes() -> Dataset:
    with gzip.open(_folder() / "diabetes_data_raw.csv.gz", "rt") as file:
        X = np.loadtxt(file)
    with gzip.open(_folder() / "diabetes_target.csv.gz", "rt") as file:
        y = np.loadtxt(file)
    names = ("age", "sex", "bmi", "bp", "tc", "ldl", "hdl", "tch", "ltg", "glu")
    target = "disease progression"
    return Dataset("diabetes", X, y, names, target, "gaussian", "Efron et al. (2004), through scikit-learn (BSD-3)")


def _breast_cancer() -> Dataset:
    table = np.loadtxt(_folder() / "breast_cancer.csv", delimiter=",", skiprows=1)
    measures = (
        "radius", "texture", "perimeter", "area", "smoothness",
        "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension",
    )  # fmt: skip
    names = tuple(f"{kind}_{measure}" for kind in ("mean", "error", "worst") for measure in measures)
    # The file codes benign as 1; here 1 is the event.
    source = "Wolberg & Street (1993), through scikit-learn (BSD-3)"
    return Dataset("breast_cancer", table[:, :-1], 1.0 - table[:, -1], names, "malignant", "bernoulli", source)


def read_csv(path: str | Path, target: str | None) -> Dataset:
    """Read a CSV file with a header line; every column but `target` is a predictor.

    Parameters
    ----------
    path : str or Path
        UTF-8, comma-separated.
    target : str
        Column to predict.

    Raises
    ------
    InputError
        If the file cannot be read as a table of numbers; names the file, and the line where there is one.
    """
    file = Path(path)
    if not file.is_file():
        msg = f"{file} is not a file"
        raise InputError(msg)
    header = _header(file)
    if target is None:
        msg = f"{file}: say which column to predict with --target (columns: {', '.join(header)})"
        raise InputError(msg)
    if target not in header:
        msg = f"{file}: no column {target!r} (columns: {', '.join(header)})"
        raise InputError(msg)
    columns = _cells(file, header)
    y = _numbers(file, target, columns[header.index(target)])
    names = tuple(name for name in header if name != target)
    parts = [_numbers(file, name, columns[header.index(name)]) for name in names]
    X = np.column_stack(parts) if parts else np.empty((y.size, 0))
    return Dataset(file.stem, X, y, names, target, "gaussian", str(file.name))


def _lines(file: Path) -> list[tuple[int, list[str]]]:
    """Return the file's lines that are not empty, split, with their numbers."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            return [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError as error:
        msg = f"{file} is not UTF-8 text (byte {error.start}): save it as UTF-8"
        raise InputError(msg) from error
    except csv.Error as error:
        msg = f"{file}, line {reader.line_num}: {error}"
        raise InputError(msg) from error


def _header(file: Path) -> list[str]:
    lines = _lines(file)
    if not lines:
        msg = f"{file} is empty"
        raise InputError(msg)
    header = [name.strip() for name in lines[0][1]]
    if len(header) == 1 and any(mark in header[0] for mark in ";\t"):
        mark = "';'" if ";" in header[0] else "tabs"
        msg = f"{file}, line 1: columns seem to be separated by {mark}; save it with commas"
        raise InputError(msg)
    if "" in header:
        msg = f"{file}, line 1: column {header.index('') + 1} has no name: name it, or drop it if it numbers the rows"
        raise InputError(msg)
    for name in header:
        if header.count(name) > 1:
            msg = f"{file}, line 1: column names must be unique: {name!r} appears {header.count(name)} times"
            raise InputError(msg)
    return header


def _cells(file: Path, header: list[str]) -> list[list[tuple[int, str]]]:
    """Return each column as (line number, text) pairs."""
    body = _lines(file)[1:]
    if not body:
        msg = f"{file} has a header and no rows"
        raise InputError(msg)
    for number, row in body:
        if len(row) != len(header):
            msg = f"{file}, line {number}: {len(row)} fields, but the header has {len(header)}"
            raise InputError(msg)
    return [[(number, row[j].strip()) for number, row in body] for j in range(len(header))]


def _numbers(file: Path, name: str, cells: list[tuple[int, str]]) -> Array:
    values = np.empty(len(cells))
    for i, (number, text) in enumerate(cells):
        values[i] = _number(text)
        if not np.isfinite(values[i]):
            found = f"holds {text!r}, not a finite number: encode or drop it" if text else "is missing: drop or fill it"
            msg = f"{file}, line {number}: column {name!r} {found}"
            raise InputError(msg)
    return values


def _number(text: str) -> float:
    """Return the number that a cell holds, NaN for anything else (Python's own 1_000 included)."""
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")
