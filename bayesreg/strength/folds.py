"""Which rows are fitted and which are held out, fold after fold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import read_integer
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Block

Index = NDArray[np.intp]

DIVISIONS = 4
"""Divisions into folds where a fit costs no pass over the rows: a single one is a lottery."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Folds:
    """Splits of the rows that count, those of positive weight.

    Parameters
    ----------
    splits : tuple of (train, test)
        Row numbers, ascending.
    text : str
        What they are called.
    """

    splits: tuple[tuple[Index, Index], ...]
    text: str

    @property
    def independent(self) -> float:
        """Number of folds over the times that a row is held out: several divisions of the same rows count as one."""
        held = np.concatenate([test for _, test in self.splits])
        return len(self.splits) * np.unique(held).size / held.size


def materialised(folds: object) -> object:
    """Return given splits as a tuple, so that they can be read twice; anything else as it is."""
    if isinstance(folds, str) or is_splitter(folds) or not isinstance(folds, Iterable):
        return folds
    return tuple(folds)


def is_splitter(folds: object) -> bool:
    """Whether `folds` splits rows by itself, as scikit-learn's splitters do."""
    return not isinstance(folds, str) and callable(getattr(folds, "split", None))


def read_folds(block: Block, folds: object, repeats: object, groups: object, seed: int, *, cheap: bool) -> Folds:
    """Return the folds that `choose_scale` was asked for.

    Parameters
    ----------
    block : Block
        All rows.
    folds, repeats, groups, seed
        As in `choose_scale`.
    cheap : bool
        Whether a path costs no pass over the rows, so that several divisions are the default.

    Raises
    ------
    ParameterError
        If they are none of what is taken, or do not fit the rows.
    FitError
        If there are fewer rows than folds.
    """
    counts = np.arange(block.y.size) if block.weights is None else np.flatnonzero(block.weights > 0)
    labels = None if groups is None else _labels(groups, block.y.size)
    if isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        number = read_integer("folds", folds, 2)
        return _divided(counts, number, repeats, None if labels is None else labels[counts], seed, cheap=cheap)
    if repeats is not None:
        msg = f"repeats={repeats!r} is for a number of folds: given splits are taken as they are; leave it out"
        raise ParameterError(msg)
    if is_splitter(folds):
        return _of_splitter(block, folds, labels, counts)
    if labels is not None:
        msg = "groups= goes with a number of folds or with a splitter; the given splits already say who is held out"
        raise ParameterError(msg)
    if isinstance(folds, str) or not isinstance(folds, Iterable):
        msg = (
            "folds must be an integer >= 2, an iterable of (train, test) index arrays or test masks, or a splitter "
            f"with a method split (got {folds!r})"
        )
        raise ParameterError(msg)
    splits = _given(folds, block.y.size, counts)
    return Folds(splits, f"cross-validation over {len(splits)} given split{'s' if len(splits) > 1 else ''}")


# -- by number ---------------------------------------------------------------------------------------------------------


def _divided(counts: Index, number: int, repeats: object, groups: Index | None, seed: int, *, cheap: bool) -> Folds:
    units = counts.size if groups is None else np.unique(groups).size
    what = "rows" if groups is None else "groups"
    if units < number:
        msg = f"cross-validation: {number} folds need at least {number} {what} (got {units}): give fewer, or a scale"
        raise FitError(msg)
    each = units == number
    divisions = (DIVISIONS if cheap and not each else 1) if repeats is None else read_integer("repeats", repeats, 1)
    if each and divisions > 1:
        msg = f"repeats={repeats!r}: there is one way to leave out each of {units} {what} in turn; leave repeats out"
        raise ParameterError(msg)
    splits = []
    for child in np.random.SeedSequence(read_integer("seed", seed, 0)).spawn(divisions):
        rng = np.random.default_rng(child)
        fold = rng.permutation(np.arange(units) % number) if groups is None else _by_group(groups, number, rng)
        splits += [(counts[fold != k], counts[fold == k]) for k in range(number)]
    name = f"{number}-fold cross-validation" if not each else f"leave-one-{what[:-1]}-out cross-validation"
    name = name.replace("one-row", "one")
    if groups is not None and not each:
        name += " by group"
    times = "" if each else f" ({divisions} division{'s' if divisions > 1 else ''})"
    return Folds(tuple(splits), name + times)


def _by_group(groups: Index, number: int, rng: np.random.Generator) -> Index:
    """Fold of each row: groups in random order, each to the fold that has the fewest rows so far."""
    _, member, size = np.unique(groups, return_inverse=True, return_counts=True)
    fold, filled = np.empty(size.size, dtype=np.intp), np.zeros(number)
    for group in rng.permutation(size.size):
        fold[group] = np.argmin(filled)
        filled[fold[group]] += size[group]
    if not filled.all():  # large groups came first and the small ones last: one a fold, then
        order = np.argsort(-size, kind="stable")
        fold[order[:number]] = np.arange(number)
    return np.asarray(fold[member])


def _labels(groups: object, n: int) -> Index:
    labels = np.asarray(groups)
    if labels.shape != (n,):
        msg = f"groups must hold one label for each of the {n} rows (got shape {labels.shape})"
        raise ParameterError(msg)
    try:
        return np.asarray(np.unique(labels, return_inverse=True)[1])
    except TypeError as error:
        msg = f"groups must hold labels of one kind, such as strings or integers ({error})"
        raise ParameterError(msg) from error


# -- as given ----------------------------------------------------------------------------------------------------------


def _of_splitter(block: Block, splitter: Any, labels: Index | None, counts: Index) -> Folds:
    """Folds of a scikit-learn splitter; it sees the rows that count only."""
    try:
        parts = list(splitter.split(block.X[counts], block.y[counts], None if labels is None else labels[counts]))
    except ValueError as error:
        msg = f"folds={splitter!r} cannot split these rows: {error}"
        raise ParameterError(msg) from error
    splits = _given(parts, counts.size, np.arange(counts.size))
    called = f"cross-validation over {len(splits)} split{'s' if len(splits) > 1 else ''} of {type(splitter).__name__}"
    return Folds(tuple((counts[train], counts[test]) for train, test in splits), called)


def _given(folds: Iterable[Any], n: int, counts: Index) -> tuple[tuple[Index, Index], ...]:
    splits = tuple(_split(i, one, n, counts) for i, one in enumerate(folds))
    if not splits:
        msg = "folds holds no split; give at least one (train, test)"
        raise ParameterError(msg)
    return splits


def _split(i: int, given: Any, n: int, counts: Index) -> tuple[Index, Index]:
    if isinstance(given, tuple | list) and len(given) == 2 and np.ndim(given[0]) == 1:
        train, test = (_rows(f"folds[{i}][{k}]", part, n) for k, part in enumerate(given))
    else:
        mask = np.asarray(given)
        if mask.dtype != bool or mask.shape != (n,):
            msg = f"folds[{i}] must be a pair (train, test), or a boolean mask of the {n} rows that are held out"
            raise ParameterError(msg)
        train, test = np.flatnonzero(~mask), np.flatnonzero(mask)
    both = np.intersect1d(train, test)
    if both.size:
        msg = f"folds[{i}]: row {both[0]} is both fitted and held out ({both.size} such rows); take it from one of them"
        raise ParameterError(msg)
    train, test = np.intersect1d(train, counts), np.intersect1d(test, counts)
    for name, rows in (("train", train), ("test", test)):
        if not rows.size:
            msg = (
                f"folds[{i}]: {name} holds no row of positive weight; every fold needs rows to fit and rows to hold out"
            )
            raise ParameterError(msg)
    return train, test


def _rows(name: str, given: Any, n: int) -> Index:
    rows = np.asarray(given)
    if rows.dtype == bool and rows.shape == (n,):
        return np.flatnonzero(rows)
    if not rows.size:
        return np.zeros(0, dtype=np.intp)
    if rows.dtype.kind not in "iu" or rows.ndim != 1:
        msg = f"{name} must hold row numbers, or a boolean for each of the {n} rows (got {rows.dtype} {rows.shape})"
        raise ParameterError(msg)
    if rows.min() < 0 or rows.max() >= n:
        msg = f"{name}: row numbers run from 0 to {n - 1} (got {rows.min()} to {rows.max()})"
        raise ParameterError(msg)
    unique, times = np.unique(rows, return_counts=True)
    if (times > 1).any():
        msg = f"{name} holds row {unique[times > 1][0]} more than once; a row counts once, or more by its weight"
        raise ParameterError(msg)
    return np.asarray(unique, dtype=np.intp)
