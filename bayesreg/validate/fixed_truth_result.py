"""What intervals hold at fixed truths, and where shrinkage keeps them from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from bayesreg import html
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.validate.tallies import Ends, over_columns
from bayesreg.validate.truths import Truths

if TYPE_CHECKING:
    import pandas as pd

FALSE_ALARM = 0.05
"""Probability that intervals which hold their promise everywhere are said to fall short somewhere."""

NAMED = {
    "posterior": "central intervals of posterior draws",
    "laplace": "normal approximation at the MAP, the dispersion held at its plug-in",
    "bootstrap": "percentiles of the MAP on resampled rows",
}
"""Method -> what its intervals are."""

LABELS = {"posterior": "posterior intervals", "laplace": "Laplace at the MAP", "bootstrap": "bootstrap of the MAP"}
"""Method -> what a picture calls it."""

SHOWN = ("method", "signal", "ratio", "coverage", "lower", "upper", "sign_error", "replications")
"""Columns of the curve that a notebook shows."""


@final
@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Coverage:
    """Coverage and errors of sign at fixed truths, by method, size of the truth and column.

    Parameters
    ----------
    table : DataFrame
        A row a method, factor and column: `beta`, the truth; `signal`, its distance from the prior's location in
        standard errors, and `ratio`, in the prior's standard deviations; `coverage` with `mcse` and bounds `lower`,
        `upper` of it (Jeffreys, 95 %); `width`; `bias` of the point (the posterior's mean, the MAP); `sign_error`, the
        share of intervals wholly on the wrong side of 0; `wrong_point`, of points there (the side that most draws are
        on); `excludes_zero`; `zero_width`; `replications`, those that have intervals.  Where β = 0 no sign is wrong.
    truths : Truths
        The grid.
    ends : mapping of str to Ends
        Method -> every interval.
    failures : DataFrame
        `method`, `factor`, `reason`, `count` of data sets without intervals.
    names : tuple of str
        Columns.
    level : float
        What the intervals promise.
    replications : int
    setting : str
        What was simulated, in words.
    samplers : mapping of str to int
        Which samplers drew, and how many posteriors.
    """

    table: pd.DataFrame
    truths: Truths
    ends: Mapping[str, Ends]
    failures: pd.DataFrame
    names: tuple[str, ...]
    level: float
    replications: int
    setting: str
    samplers: Mapping[str, int]

    @property
    def methods(self) -> tuple[str, ...]:
        """Kinds of intervals."""
        return tuple(self.ends)

    def curve(self, column: str | None = None) -> pd.DataFrame:
        """Return one row a method and factor, of one column or the average over those whose truth moves.

        Columns signal and ratio are averages too; `mcse`, `lower` and `upper` allow for the correlation of columns.

        Raises
        ------
        ParameterError
            If there is no such column.
        """
        if column is None:
            moving = np.flatnonzero((self.truths.signal > 0).any(axis=0))
            return over_columns(self.ends, self.truths, moving if moving.size else np.arange(len(self.names)))
        if column not in self.names:
            msg = f"curve: there is no column {column!r} (there are {', '.join(self.names)})"
            raise ParameterError(msg)
        return over_columns(self.ends, self.truths, np.array([self.names.index(column)]))

    def short(self, method: str) -> pd.DataFrame:
        """Rows of the table where coverage of a method is below what is promised, beyond Monte Carlo error.

        The upper bound is at a level that all rows of the method together raise a false alarm with probability 5 % at
        most (Bonferroni).
        """
        rows = self.table[self.table["method"] == method]
        upper = _upper(rows["coverage"].to_numpy(), rows["replications"].to_numpy(), len(rows))
        return rows[upper < self.level]

    @property
    def sentence(self) -> str:
        """Where the intervals of each method fall short of their promise."""
        return "\n".join(self._of(method) for method in self.methods)

    def _of(self, method: str) -> str:
        rows, short = self.table[self.table["method"] == method], self.short(method)
        known = rows.dropna(subset=["coverage"])
        if known.empty:
            return f"{method}: no intervals were made"
        least = known.iloc[int(known["coverage"].argmin())]
        low, high = (f"{100 * least[end]:.3g}" for end in ("lower", "upper"))
        where = f"{100 * least['coverage']:.3g} % [{low}, {high}] of {least['column']}, {_size(least)}"
        promised = f"{100 * self.level:g} %"
        if short.empty:
            told = f"not seen to fall short of {promised} at any of {len(known)} columns × sizes"
            told += f" ({self._would_be_seen(known)}); least: {where}"
        else:
            told = f"falls short of {promised} at {len(short)} of {len(known)} columns × sizes; least: {where}"
            if (short["signal"] > 0).all():
                told += f"; none short below {short['signal'].min():.2g} standard errors"
        wrong = known.iloc[int(known["sign_error"].argmax())]
        if wrong["sign_error"] > 0:
            told += (
                f"; wholly on the wrong side of 0 at most {100 * wrong['sign_error']:.2g} % ± "
                f"{100 * wrong['sign_error_mcse']:.1g} ({wrong['column']}, {_size(wrong)})"
            )
        still = float(known["zero_width"].mean())
        if still > 0:
            told += f"; {100 * still:.2g} % of them have width 0 (the MAP is on a kink) and hold that point alone"
        return f"{method}: {told}"

    def _would_be_seen(self, rows: pd.DataFrame) -> str:
        """Which coverage is low enough to be told from what is promised, by so many data sets."""
        count = int(rows["replications"].min())
        shares = np.arange(count + 1) / count
        seen = shares[_upper(shares, np.full(count + 1, count), len(rows)) < self.level]
        return f"{100 * seen[-1]:.3g} % or less would be" if seen.size else "too few data sets to see any shortfall"

    @property
    def failed(self) -> str:
        """How many data sets have no intervals, and why; empty where all have."""
        if self.failures.empty:
            return ""
        total = self.replications * self.truths.factors.size
        counts = self.failures.groupby(["method", "reason"], sort=False, as_index=False)["count"].sum()
        each = zip(*(counts[name].tolist() for name in ("method", "count", "reason")), strict=True)
        told = [f"{method}, {count} of {total} data sets: {reason}" for method, count, reason in each]
        return "without intervals, and left out: " + "; ".join(told)

    def __str__(self) -> str:
        """What was done, where intervals fall short, and the curve."""
        shown = self.curve().to_string(index=False, float_format="{:.3g}".format)
        parts = [self.setting, self.sentence, self.failed, shown]
        return "\n\n".join(part for part in parts if part)

    def __repr__(self) -> str:
        """Methods, sizes and replications."""
        return (
            f"Coverage({', '.join(self.methods)}; {100 * self.level:g} % intervals, {self.truths.factors.size} sizes "
            f"of the truth × {len(self.names)} columns, {self.replications} replications)"
        )

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        curve = self.curve()
        header = ("method", "standard errors", "prior sds", "coverage %", "bounds", "wrong side %", "data sets")
        rows = [
            (method, f"{signal:.3g}", "" if np.isnan(ratio) else f"{ratio:.3g}", f"{100 * share:.3g}",
             f"{100 * low:.3g} to {100 * high:.3g}", f"{100 * wrong:.2g}", str(count))
            for method, signal, ratio, share, low, high, wrong, count in zip(
                *(curve[name].tolist() for name in SHOWN), strict=True
            )
        ]  # fmt: skip
        told = [(method, f"{NAMED[method]}. {self._of(method).partition(': ')[2]}") for method in self.methods]
        more = [html.verdict("LEFT OUT:", self.failed)] if self.failed else []
        return html.block(
            html.heading(f"Coverage of {100 * self.level:g} % intervals at fixed truths"),
            html.paragraph(self.setting),
            html.facts(told, "Where shrinkage keeps them from it"),
            *more,
            html.table(header, rows, "Average over the columns whose truth moves"),
        )


def _upper(share: ArrayLike, count: ArrayLike, rows: int) -> Array:
    """Exact upper bounds (Clopper & Pearson): so many rows keep all, but with probability FALSE_ALARM at most."""
    count = np.asarray(count, dtype=float)
    hits = np.round(np.asarray(share, dtype=float) * count)
    with np.errstate(invalid="ignore"):
        bound = betaincinv(hits + 1, count - hits, 1 - FALSE_ALARM / max(rows, 1))
    return np.where(count > 0, np.where(hits >= count, 1.0, bound), np.nan)


def _size(row: pd.Series[Any]) -> str:
    beside = "" if np.isnan(row["ratio"]) else f", {row['ratio']:.2g} prior sds"
    return f"at {row['signal']:.2g} standard errors{beside}"
