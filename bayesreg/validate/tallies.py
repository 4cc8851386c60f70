"""Counts of what intervals held, as tables with their Monte Carlo errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from bayesreg.interfaces import Array
from bayesreg.validate.reasons import alike
from bayesreg.validate.truths import Truths

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("lower", "upper", "point", "side")

BOUND = 0.95
"""Probability of the bounds of a share."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Ends, point and side of intervals by one method, each (R, G, p); NaN where there are none."""

    lower: Array
    upper: Array
    point: Array
    side: Array

    @classmethod
    def of(cls, records: Sequence[Mapping[str, Any]], method: str, shape: tuple[int, int]) -> Ends:
        """What replications found, at G truths of p coefficients."""
        nothing = [np.nan] * shape[1]
        found = [[point["found"].get(method) for point in record["points"]] for record in records]
        parts = (
            np.array([[nothing if each is None else each[part] for each in row] for row in found], dtype=float)
            for part in PARTS
        )
        return cls(*(part.reshape(len(records), *shape) for part in parts))

    @property
    def made(self) -> NDArray[np.bool_]:
        """Whether there are intervals (R, G)."""
        return np.asarray(np.isfinite(self.lower).all(axis=2))


def jeffreys_bounds(share: ArrayLike, count: ArrayLike, probability: float = BOUND) -> tuple[Array, Array]:
    """Return bounds of a share of `count` trials: quantiles of Beta(x + ½, n − x + ½), 0 below none, 1 above all.

    References
    ----------
    Brown, Cai & DasGupta (2001), Statist. Sci. 16:101–133.
    """
    share, count = np.broadcast_arrays(np.asarray(share, dtype=float), np.asarray(count, dtype=float))
    hits = share * count
    tail = (1 - probability) / 2
    with np.errstate(invalid="ignore"):
        lower = np.where(hits <= 0, 0.0, betaincinv(hits + 0.5, count - hits + 0.5, tail))
        upper = np.where(hits >= count, 1.0, betaincinv(hits + 0.5, count - hits + 0.5, 1 - tail))
    none = ~(count > 0)
    return np.where(none, np.nan, lower), np.where(none, np.nan, upper)


def indicators(ends: Ends, beta: Array) -> dict[str, Array]:
    """What each interval did (R, G, p): 1 or 0, NaN where there is none; signs are never wrong of a β of 0."""
    sign = np.sign(beta)
    shares = {
        "coverage": (ends.lower <= beta) & (beta <= ends.upper),
        "sign_error": ((ends.lower > 0) & (sign < 0)) | ((ends.upper < 0) & (sign > 0)),
        "wrong_point": ends.side * sign < 0,
        "excludes_zero": (ends.lower > 0) | (ends.upper < 0),
        "zero_width": ends.lower == ends.upper,
    }
    known = ends.made[:, :, None]
    return {name: np.where(known, value.astype(float), np.nan) for name, value in shares.items()}


def by_column(ends: Mapping[str, Ends], truths: Truths, names: Sequence[str]) -> pd.DataFrame:
    """One row a method, factor and column."""
    import pandas as pd

    factors, p = truths.factors.size, len(names)
    parts = []
    for method, each in ends.items():
        count = np.repeat(each.made.sum(axis=0)[:, None], p, axis=1)
        bias, bias_error = _mean(each.point - truths.beta)
        found = indicators(each, truths.beta)
        share = {name: _mean(value)[0] for name, value in found.items()}
        lower, upper = jeffreys_bounds(share["coverage"], count)
        columns = {
            "factor": np.repeat(truths.factors[:, None], p, axis=1),
            "beta": truths.beta, "signal": truths.signal, "ratio": truths.ratio,
            "coverage": share["coverage"], "mcse": _mean(found["coverage"])[1], "lower": lower, "upper": upper,
            "width": _mean(each.upper - each.lower)[0], "bias": bias, "bias_mcse": bias_error,
            "sign_error": share["sign_error"], "sign_error_mcse": _mean(found["sign_error"])[1],
            "wrong_point": share["wrong_point"], "wrong_point_mcse": _mean(found["wrong_point"])[1],
            "excludes_zero": share["excludes_zero"], "zero_width": share["zero_width"], "replications": count,
        }  # fmt: skip
        table = pd.DataFrame({name: value.ravel() for name, value in columns.items()})
        table.insert(0, "column", list(names) * factors)
        table.insert(0, "method", method)
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def over_columns(ends: Mapping[str, Ends], truths: Truths, columns: NDArray[np.int_]) -> pd.DataFrame:
    """One row a method and factor: averages over columns, whose errors allow for their correlation.

    The bounds are those of as many independent trials as would have the same error.
    """
    import pandas as pd

    parts = []
    for method, each in ends.items():
        found = indicators(each, truths.beta)
        each_mean = {name: value[:, :, columns].mean(axis=2) for name, value in found.items()}
        (covered, error), (wrong, wrong_error) = (_mean(each_mean[name]) for name in ("coverage", "sign_error"))
        count = each.made.sum(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            trials = np.where(error > 0, covered * (1 - covered) / error**2, count)
        lower, upper = jeffreys_bounds(covered, trials)
        parts.append(pd.DataFrame({
            "method": method, "factor": truths.factors, "signal": truths.signal[:, columns].mean(axis=1),
            "ratio": truths.ratio[:, columns].mean(axis=1), "coverage": covered, "mcse": error, "lower": lower,
            "upper": upper, "width": _mean((each.upper - each.lower)[:, :, columns].mean(axis=2))[0],
            "sign_error": wrong, "sign_error_mcse": wrong_error, "replications": count,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def reasons(records: Sequence[Mapping[str, Any]], factors: Array) -> pd.DataFrame:
    """One row a method, factor and reason for which there are no intervals: how often.

    Reasons are the same where they begin the same, but for numbers, up to the first colon; the first is told in full.
    """
    import pandas as pd

    counted: dict[tuple[str, float, str], int] = {}
    said: dict[str, str] = {}
    for record in records:
        for factor, point in zip(factors, record["points"], strict=True):
            for method, reason in point["failed"].items():
                key = (method, float(factor), said.setdefault(alike(reason.partition(":")[0]), reason))
                counted[key] = counted.get(key, 0) + 1
    rows = [(*key, count) for key, count in sorted(counted.items())]
    return pd.DataFrame(rows, columns=["method", "factor", "reason", "count"])


def _mean(values: Array) -> tuple[Array, Array]:
    """Mean over replications (R, ...), NaN left out, and its standard error; of a share, √(q(1 − q)/n)."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    filled = np.where(known, values, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = filled.sum(axis=0) / count
        square = (np.where(known, values - mean, 0.0) ** 2).sum(axis=0) / count
        return np.asarray(mean), np.asarray(np.sqrt(square / count))
