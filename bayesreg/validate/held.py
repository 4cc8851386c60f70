"""Sources of one posterior held against each other: all differences, the limit on them, and what they could show.

With M comparisons (pairs × scalars × statistics) of false-alarm rate α in all, two sources agree up to
|z| = Φ⁻¹(1 − α/2M).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any, final

import numpy as np
from scipy.special import ndtri

from bayesreg.errors import InputError
from bayesreg.validate.differences import Difference, between_draws, from_stated
from bayesreg.validate.scalars import STATISTICS, Scalars, on_the_priors_scale
from bayesreg.validate.stated import Stated

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "first", "second", "variable", "statistic", "value_first", "value_second", "difference", "mcse", "z",
)  # fmt: skip


@final
@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """What `judge` found.

    Parameters
    ----------
    judged : tuple of str
        Sources of draws that were compared.
    unjudged : mapping of str to str
        Those whose draws are no basis for a judgement, with the reason.
    heavy : tuple of str
        Means and sds that were not compared, since the tails leave their error without meaning.
    table : pandas.DataFrame
        A row a pair × scalar × statistic, of `COLUMNS`.
    limit : float
        |z| up to which two sources agree; NaN where nothing was compared.
    resolution : float
        The largest of limit·mcse/sd over the means: a difference of so many sds is seen with probability ½.  NaN where
        no mean was compared.
    """

    judged: tuple[str, ...]
    unjudged: Mapping[str, str]
    heavy: tuple[str, ...]
    table: pd.DataFrame
    limit: float
    resolution: float

    @property
    def agree(self) -> bool:
        """Whether there are comparisons and all are within the limit."""
        return bool(len(self.table)) and bool((self.table["z"].abs() <= self.limit).all())


def judge(runs: Sequence[Scalars], stated: Stated | None, level: float, *, pairs: bool = True) -> Held:
    """Compare draws of the same scalars with each other, and each with a published table.

    Parameters
    ----------
    runs : sequence of Scalars
    stated : Stated or None
    level : float
        False-alarm rate of all comparisons together.
    pairs : bool
        Whether the runs are compared with each other, on the prior's scale, and not with the table only.

    Raises
    ------
    InputError
        If the scalars of the runs differ, or the table names some that they do not have.
    """
    fit: list[tuple[Scalars, Scalars | None]] = []
    unjudged: dict[str, str] = {}
    names = on_the_priors_scale(runs[0].labels)
    for run in runs:
        if set(run.labels) != set(runs[0].labels):
            msg = f"{run.source} has draws of {', '.join(run.labels)}, {runs[0].source} of {', '.join(runs[0].labels)}"
            raise InputError(msg)
        inner = run.chosen(names, STATISTICS)
        outer = None if stated is None else run.chosen(stated.labels, stated.statistics)
        reason = (inner.unjudged() if pairs else "") or ("" if outer is None else outer.unjudged())
        if reason:
            unjudged[run.source] = reason
        else:
            fit.append((inner, outer))
    rows: list[dict[str, Any]] = []
    if pairs:
        for (one, _), (two, _) in combinations(fit, 2):
            for name in STATISTICS:
                rows += _rows(one.source, two, name, between_draws(one, two, name))
    for _, run_outer in fit:
        if stated is not None and run_outer is not None:
            for name in stated.statistics:
                rows += _rows(stated.source, run_outer, name, from_stated(stated, run_outer, name))
    return _held(fit, unjudged, rows, level, pairs=pairs)


def _rows(first: str, second: Scalars, statistic: str, found: Difference) -> list[dict[str, Any]]:
    """A row a scalar, but those of which there is nothing to compare."""
    parts = (found.first, found.second, found.second - found.first, found.mcse, found.z)
    return [
        dict(zip(COLUMNS, (first, second.source, label, statistic, *map(float, numbers)), strict=True))
        for label, *numbers in zip(second.labels, *parts, strict=True)
        if not np.isnan(numbers[-1])
    ]


def _held(
    fit: Sequence[tuple[Scalars, Scalars | None]],
    unjudged: Mapping[str, str],
    rows: Sequence[dict[str, Any]],
    level: float,
    *,
    pairs: bool,
) -> Held:
    import pandas as pd

    table = pd.DataFrame(rows, columns=list(COLUMNS))
    limit = float(-ndtri(level / 2 / len(rows))) if rows else float("nan")
    sds = {
        (inner.source, label): sd
        for inner, _ in fit
        for label, sd in zip(inner.labels, inner["sd"].value, strict=True)
    }  # fmt: skip
    shares = [
        limit * row["mcse"] / sds[row["second"], row["variable"]]
        for row in rows
        if row["statistic"] == "mean" and sds.get((row["second"], row["variable"]), 0.0) > 0
    ]
    compared = [run for inner, outer in fit for run in ((inner if pairs else None), outer) if run is not None]
    heavy = {
        f"{statistic} of {label}": None
        for run in compared
        for statistic in run.made
        for label, is_heavy in zip(run.labels, run.heavy(statistic), strict=True)
        if is_heavy
    }
    names = tuple(inner.source for inner, _ in fit)
    return Held(names, unjudged, tuple(heavy), table, limit, max(shares, default=float("nan")))
