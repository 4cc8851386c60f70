"""From the data that a Pipeline was given to the columns that its last step saw, and back to raw columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.auditing.estimators import check_fitted, feature_names, kind_of
from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.rows import is_sparse

SAME = 1e-10
"""1 − |correlation| up to which a column counts as a rescaled raw column."""

LARGEST = 2_000
"""Columns up to which raw columns are looked for."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """The columns that an estimator saw.

    Parameters
    ----------
    estimator : object
        The last step.
    X : array, sparse matrix or data frame (n, p)
    names : tuple of str
    steps : tuple of str
        What the data went through before.
    sources : tuple of str
        The raw column that each column is a rescaling of, empty where it is none.
    slopes : array (p,)
        d column / d raw column; NaN where there is none.
    notes : tuple of str
    """

    estimator: Any
    X: Any
    names: tuple[str, ...]
    steps: tuple[str, ...]
    sources: tuple[str, ...]
    slopes: Array
    notes: tuple[str, ...]


def read_columns(estimator: Any, X: Any) -> Columns:
    """Unwrap an estimator, and apply what stands before it.

    Raises
    ------
    InputError
        If X has not the columns that it was fitted on.
    ParameterError
        If a Pipeline ends in no estimator.
    """
    estimator, notes = _unwrapped(estimator)
    steps, last = _steps(estimator)
    kind_of(last)  # whatever is none of those that are known is told so first
    check_fitted(estimator)
    raw = _in_order(estimator, X)
    seen = _transformed(steps, _as_fitted(estimator, raw))
    p = int(np.shape(seen)[1])
    expected = int(getattr(last, "n_features_in_", p))
    if p != expected:
        msg = f"X has {p} columns for the estimator, which was fitted on {expected}"
        raise InputError(msg)
    names = _names(steps, last, seen, p)
    sources, slopes = _sources(raw, seen, names, same=not steps)
    return Columns(last, seen, names, tuple(_step_name(step) for step in steps), sources, slopes, notes)


def _unwrapped(estimator: Any) -> tuple[Any, tuple[str, ...]]:
    """The best estimator of a search."""
    from sklearn.model_selection._search import BaseSearchCV

    if not isinstance(estimator, BaseSearchCV):
        return estimator, ()
    check_fitted(estimator)
    if not estimator.refit:
        msg = f"this {type(estimator).__name__} has refit=False: it holds no fitted estimator"
        raise ParameterError(msg)
    return estimator.best_estimator_, (f"{type(estimator).__name__} chose {estimator.best_params_} on the same data",)


def _steps(estimator: Any) -> tuple[list[Any], Any]:
    """The transforming steps, pipelines within pipelines opened, and the last one."""
    from sklearn.pipeline import Pipeline

    if not isinstance(estimator, Pipeline):
        return [], estimator
    *before, last = [step for _, step in estimator.steps]
    opened = [_steps(step) for step in before if step not in (None, "passthrough")]
    steps = [step for inner, final_step in opened for step in (*inner, final_step)]
    inner, final_step = _steps(_unwrapped(last)[0])
    return steps + inner, final_step


def _in_order(estimator: Any, X: Any) -> Any:
    """The columns of a frame that the estimator was fitted on, in its order."""
    names = feature_names(estimator)
    columns = getattr(X, "columns", None)
    if names is None or columns is None:
        return X
    missing = [name for name in names if name not in {str(column) for column in columns}]
    if missing:
        msg = f"X lacks the columns {missing} that the estimator was fitted on"
        raise InputError(msg)
    return X[list(names)]


def _as_fitted(estimator: Any, X: Any) -> Any:
    """X with names where the estimator was fitted with them, and without where it was not."""
    names, columns = feature_names(estimator), getattr(X, "columns", None)
    if names is None and columns is not None:
        return np.asarray(X)
    if names is not None and columns is None and np.ndim(X) == 2:
        import pandas as pd

        if np.shape(X)[1] != len(names):
            msg = f"X has {np.shape(X)[1]} columns, and {type(estimator).__name__} was fitted on {len(names)}"
            raise InputError(msg)

        return X if is_sparse(X) else pd.DataFrame(np.asarray(X), columns=list(names))
    return X


def _transformed(steps: list[Any], X: Any) -> Any:
    for step in steps:
        try:
            X = step.transform(X)
        except (ValueError, TypeError, KeyError) as error:
            msg = f"X does not go through {type(step).__name__}, which was fitted on other columns: {error}"
            raise InputError(msg) from error
    if np.ndim(X) != 2 and not is_sparse(X):
        msg = f"X must have two dimensions (got shape {np.shape(X)})"
        raise InputError(msg)
    return X


def _names(steps: list[Any], last: Any, seen: Any, p: int) -> tuple[str, ...]:
    """Names of the columns as the last step saw them."""
    columns = getattr(seen, "columns", None)
    if columns is not None:
        return tuple(str(column) for column in columns)
    names = feature_names(last) or _names_out(steps)
    return names if names is not None and len(names) == p else tuple(f"x{j}" for j in range(p))


def _names_out(steps: list[Any]) -> tuple[str, ...] | None:
    """Names that the steps give to what they make; None where one of them gives none."""
    names = feature_names(steps[0]) if steps else None
    for step in steps:
        namer = getattr(step, "get_feature_names_out", None)
        if namer is None:
            return None
        names = tuple(str(name) for name in (namer() if names is None else namer(names)))
    return names


def _step_name(step: Any) -> str:
    from sklearn.compose import ColumnTransformer

    if not isinstance(step, ColumnTransformer):
        return type(step).__name__
    parts = [_part_name(transformer) for _, transformer, _ in step.transformers_]
    return f"ColumnTransformer({', '.join(part for part in parts if part)})"


def _part_name(transformer: Any) -> str:
    from sklearn.preprocessing import FunctionTransformer

    if isinstance(transformer, str):
        return "" if transformer == "drop" else transformer
    if isinstance(transformer, FunctionTransformer) and transformer.func is None:
        return "passthrough"
    steps, last = _steps(transformer)
    return " → ".join(type(step).__name__ for step in [*steps, last])


def _sources(raw: Any, seen: Any, names: tuple[str, ...], *, same: bool) -> tuple[tuple[str, ...], Array]:
    """Which raw column each column is an affine function of, and with which slope, found from the numbers."""
    p = len(names)
    if same:
        return names, np.ones(p)
    labels, before = _numeric(raw)
    none = ("",) * p, np.full(p, np.nan)
    if not labels or is_sparse(seen) or max(p, len(labels)) > LARGEST:
        return none
    after = np.asarray(seen, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        old, new = ((values - values.mean(axis=0)) / values.std(axis=0) for values in (before, after))
        correlation = np.nan_to_num(new.T @ old / len(old))
    near = 1 - np.abs(correlation) < SAME
    found = near.any(axis=1)
    best = np.array([_source(name, labels, row) for name, row in zip(names, near, strict=True)], dtype=int)
    value = correlation[np.arange(p), best]
    slopes = np.where(
        found, np.sign(value) * after.std(axis=0) / np.where(found, before.std(axis=0)[best], 1.0), np.nan
    )
    return tuple(labels[k] if hit else "" for k, hit in zip(best, found, strict=True)), slopes


def _source(name: str, labels: list[str], near: NDArray[np.bool_]) -> int:
    """Of the raw columns that a column is a rescaling of the one of its own name, if there is one."""
    candidates = np.flatnonzero(near)
    own = [k for k in candidates if labels[k] in (name, name.split("__")[-1])]
    return int(own[0]) if own else int(candidates[0]) if candidates.size else 0


def _numeric(raw: Any) -> tuple[list[str], Array]:
    """The raw columns that hold numbers only."""
    if is_sparse(raw):
        return [], np.zeros((0, 0))
    columns = getattr(raw, "columns", None)
    if columns is None:
        array = np.asarray(raw)
        if array.dtype.kind not in "biuf":
            return [], np.zeros((0, 0))
        return [f"x{j}" for j in range(array.shape[1])], array.astype(float)
    kept = [name for name in columns if np.asarray(raw[name]).dtype.kind in "biuf"]
    found = [np.asarray(raw[name], dtype=float) for name in kept]
    whole = [j for j, values in enumerate(found) if np.isfinite(values).all()]
    return [str(kept[j]) for j in whole], np.column_stack([found[j] for j in whole]) if whole else np.zeros((0, 0))
