"""A library's own numbers as the two strengths s₁, s₂, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.libraries.facts import Array
from bayesreg.libraries.objective import LibraryObjective


def strengths(row: LibraryObjective, given: Mapping[str, Any]) -> tuple[float | Array, float | Array]:
    """(s₁, s₂): the numbers of the L1 and the L2 part."""
    if row.l1:
        names = [name for name in (row.l1, row.l2) if name in given]
        if not names:
            msg = f"{row.name}: give {row.l1}=, {row.l2}= or both"
            raise ParameterError(msg)
        return _number(row, row.l1, given.get(row.l1, 0.0)), _number(row, row.l2, given.get(row.l2, 0.0))
    if row.strength not in given:
        msg = f"{row.name}: give {row.strength}="
        raise ParameterError(msg)
    s = _number(row, row.strength, given[row.strength])
    if row.power != 1:
        with np.errstate(divide="ignore"):
            s = np.asarray(s, dtype=float) ** row.power
        if not np.isfinite(s).all():
            msg = f"{row.name}: {row.strength} must be > 0 (got {given[row.strength]!r})"
            raise ParameterError(msg)
    if row.only:
        return (s, 0.0) if row.only == "l1" else (0.0, s)
    share = _share(row, given)
    if share is None:
        return 0.0, 0.0
    return s * share, s * (1 - share)


def _share(row: LibraryObjective, given: Mapping[str, Any]) -> float | None:
    """The share of L1 in the penalty; None where the penalty is turned off."""
    kind = given.get(row.chooser, row.chooser_default) if row.chooser else ""
    if kind in (None, "none"):
        return None
    if kind not in ("", "l1", "l2", "elasticnet"):
        msg = f"{row.name}: {row.chooser} must be 'l1', 'l2', 'elasticnet' or None (got {kind!r})"
        raise ParameterError(msg)
    if kind in ("l1", "l2"):
        return 1.0 if kind == "l1" else 0.0
    share = given.get(row.ratio, row.ratio_default)
    share = row.ratio_default if share is None else share
    if isinstance(share, bool) or not isinstance(share, int | float | np.floating) or not 0 <= share <= 1:
        msg = f"{row.name}: {row.ratio} must be a number between 0 and 1, the share of L1 (got {share!r})"
        raise ParameterError(msg)
    return float(share)


def _number(row: LibraryObjective, name: str, value: object) -> float | Array:
    """Return a strength: a number ≥ 0 (∞ for one whose inverse it is), or one a column where the row allows that."""
    array = as_numbers(value)
    if isinstance(value, bool) or not (array >= 0).all() or (row.power == 1 and not np.isfinite(array).all()):
        msg = f"{row.name}: {name} must be a finite number >= 0 (got {value!r})"
        raise ParameterError(msg)
    if array.ndim and not (row.by_column and array.ndim == 1):
        hint = f"; by column it takes {', '.join(row.factors)}" if row.factors else ""
        msg = f"{row.name}: {name} is one number for all columns (got shape {array.shape}{hint})"
        raise ParameterError(msg)
    return array if array.ndim else float(array)


def as_numbers(value: object) -> Array:
    """`value` as an array of numbers; NaN where it is none."""
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return np.asarray(np.nan)


def factors_of(row: LibraryObjective, given: Mapping[str, Any]) -> tuple[float | Array, float | Array]:
    """Multipliers of the two parts by column."""
    found: list[float | Array] = []
    for name in row.factors:
        if given.get(name) is None:
            found.append(1.0)
            continue
        value = as_numbers(given[name])
        if value.ndim != 1 or not np.isfinite(value).all() or (value < 0).any() or not value.any():
            msg = f"{row.name}: {name} must be one number >= 0 for each column, not all 0 (got {given[name]!r})"
            raise ParameterError(msg)
        found.append(value / value.mean() if row.mean_one else value)
    return (found[0], found[-1]) if found else (1.0, 1.0)


def numbers_of(row: LibraryObjective, s1: Array, s2: Array) -> dict[str, Any]:
    """The inverse of `strengths` and `factors_of`."""
    s1, s2 = np.broadcast_arrays(s1, s2)
    factors: dict[str, Any] = {}
    if s1.ndim and not row.by_column:
        if not row.factors:
            msg = (
                f"{row.name} has one strength for all columns, and the prior one a column: multiply the columns instead"
            )
            raise ParameterError(msg)
        s1, s2, factors = _factored(row, s1, s2)
    if row.l1:
        return {row.l1: s1, row.l2: s2} | factors
    total = s1 + s2
    share = _common_share(row, s1, total)
    with np.errstate(divide="ignore"):
        strength = total ** (1 / row.power)
    numbers: dict[str, Any] = {row.strength: strength}
    if row.chooser_default:
        numbers[row.chooser] = {1.0: "l1", 0.0: "l2"}.get(share, "elasticnet")
    if row.ratio:
        numbers[row.ratio] = share
    return numbers | factors


def _factored(row: LibraryObjective, s1: Array, s2: Array) -> tuple[Array, Array, dict[str, Any]]:
    """One strength for all columns, and the multipliers by column that go with it."""
    if len(row.factors) == 1:
        total = s1 + s2
        share = _common_share(row, s1, total)
        mean = np.asarray(total.mean())
        return mean * share, mean * (1 - share), {row.factors[0]: total / mean}
    parts = [(s.mean(), s / s.mean()) if s.any() else (0.0, np.ones_like(s)) for s in (s1, s2)]
    named = dict(zip(row.factors, (parts[0][1], parts[1][1]), strict=True))
    return np.asarray(parts[0][0]), np.asarray(parts[1][0]), named


def _common_share(row: LibraryObjective, s1: Array, total: Array) -> float:
    """The one ratio of L1 that all columns share."""
    if row.only:
        return 1.0 if row.only == "l1" else 0.0
    some = np.atleast_1d(total) > 0
    if not some.any():
        return row.ratio_default
    shares = np.atleast_1d(s1)[some] / np.atleast_1d(total)[some]
    if np.ptp(shares) > 1e-12:
        msg = f"{row.name} has one {row.ratio} for all columns, and the prior's ratio differs between them"
        raise ParameterError(msg)
    return float(shares[0])


def plain(value: Any) -> Any:
    """A number where it is one."""
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        return value.item()
    return value
