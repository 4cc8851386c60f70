"""What simulation-based calibration found, with one verdict whose false-alarm rate is known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg import html
from bayesreg.in_words import counted, title
from bayesreg.problem import Problem
from bayesreg.validate.finite import finite
from bayesreg.validate.power import Detectable, detectable
from bayesreg.validate.reasons import tallied
from bayesreg.validate.store import Record
from bayesreg.validate.uniformity import counts_below, p_value

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 12
"""Quantities in the text."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Ranks of truths among draws, and whether they are uniform.

    Parameters
    ----------
    problem : Problem
    asked : str
        The `method` that was asked for.
    truths, sentence : str
        `prior` or `posterior`: where truths came from; the same in words.
    names : tuple of str
        Parameters and test quantities.
    levels : int
        L: ranks are 0..L.
    replications : int
        How many were asked for.
    records : tuple of dict
        One a replication: `ranks`, the `method`, its `ess`, whether that was too `short`, the `seconds` it took; or why
        it `failed`.
    false_alarm : float
        Probability, at most, that a right sampler fails.
    seed : str
    interrupted : bool
    shared : bool
        Whether truths are draws of the sampler that is checked: an error that it makes consistently is then not seen.
    """

    problem: Problem
    asked: str
    truths: str
    sentence: str
    names: tuple[str, ...]
    levels: int
    replications: int
    records: tuple[Record, ...]
    false_alarm: float
    seed: str
    interrupted: bool
    shared: bool = False
    _found: list[pd.DataFrame] = field(default_factory=list, init=False, repr=False)

    @property
    def ranks(self) -> NDArray[np.int_]:
        """Ranks (replication, quantity) of those that have them."""
        found = [record["ranks"] for record in self.records if "ranks" in record]
        return np.array(found, dtype=int).reshape(len(found), len(self.names))

    @property
    def failures(self) -> dict[str, int]:
        """Why replications ended without draws, and how many of them: those alike but for numbers by the first."""
        return tallied(record["failed"] for record in self.records if "failed" in record)

    @property
    def methods(self) -> dict[str, int]:
        """Samplers that drew, and how many posteriors each."""
        return dict(Counter(record["method"] for record in self.records if "method" in record))

    @property
    def seconds(self) -> float:
        """What all replications took, each on one processor."""
        return float(sum(record.get("seconds", 0.0) for record in self.records))

    @property
    def short(self) -> int:
        """Replications whose draws were too few to be as good as independent, after all doublings."""
        return sum(bool(record.get("short")) for record in self.records)

    @property
    def table(self) -> pd.DataFrame:
        """One row a quantity, the least likely first.

        `p_value`: probability that uniform ranks stray as far somewhere (exact).  `difference`: the ECDF's largest
        distance from uniform, with its sign, and `at`: where, as a share.  `mean_rank` (½) and `spread` (1): mean and
        sd of the ranks, over that of uniform ones; above ½ truths lie above the draws, above 1 draws are too narrow.
        """
        if not self._found:  # exact p-values take a tenth of a second each
            self._found.append(_table(self.ranks, self.names, self.levels))
        return self._found[0]

    @property
    def p(self) -> float:
        """The smallest p-value times the number of quantities: a bound, however they depend on each other."""
        return min(1.0, float(self.table["p_value"].iloc[0]) * len(self.names)) if len(self.ranks) else float("nan")

    @property
    def outside(self) -> list[str]:
        """Quantities whose ranks stray too far, the least likely first."""
        table = self.table
        return [str(name) for name in table.index[table["p_value"] * len(table) <= self.false_alarm]]

    @property
    def complete(self) -> bool:
        """Whether every replication has ranks, of draws as good as independent."""
        return len(self.ranks) == self.replications and not self.short

    @property
    def detectable(self) -> Detectable:
        """The least errors that so many ranks show with probability one half or more."""
        return detectable(len(self.ranks), self.levels, self.false_alarm / len(self.names))

    @property
    def blind(self) -> str:
        """What no ranks would show, however wrong the draws; empty if nothing."""
        own = "what the sampler makes wrong consistently is not seen, since truths are its own" * self.shared
        few = "draws that are too wide are not seen by so few replications, however wide"
        return "; ".join(part for part in (own, few * (not np.isfinite(self.detectable.wide))) if part)

    @property
    def passed(self) -> bool:
        """Whether every replication is there, and no quantity's ranks stray too far."""
        return self.complete and self.p > self.false_alarm

    @property
    def verdict(self) -> str:
        """One sentence."""
        done = len(self.ranks)
        if not done:
            return "FAILED: no replication has draws"
        found = (
            f"{counted(done, 'replication')}, {len(self.names)} quantities, adjusted p = {self.p:.2g}; a right sampler "
            f"fails with probability at most {self.false_alarm:g}"
        )
        if self.p <= self.false_alarm:
            return f"FAILED: ranks of {_listed(self.outside)} are not uniform ({found})"
        if not self.complete:
            return f"INCOMPLETE: {'; '.join(self._missing())} ({found})"
        return f"passed ({found}{f'; {self.blind}' if self.blind else ''})"

    def _missing(self) -> list[str]:
        """What is not as it should be, besides the ranks."""
        found = [f"{count} without draws: {why}" for why, count in self.failures.items()]
        left = self.replications - len(self.records)
        if left:
            found.insert(0, f"{left} of {self.replications} replications were not run")
        if self.short:
            found.append(f"{self.short} with too few effective draws for independent ranks")
        return found

    def __repr__(self) -> str:
        """The verdict."""
        return f"Calibration({self.verdict})"

    def __str__(self) -> str:
        """Verdict, what was run, and the quantities least likely to be uniform."""
        drawn = ", ".join(f"{count} by {method}" for method, count in self.methods.items())
        lines = [
            f"Simulation-based calibration: {self.verdict}",
            f"  {title(self.problem)}",
            f"  {self.sentence}; ranks among {self.levels} draws; {drawn or 'none drawn'}; seed {self.seed}",
            *(f"  {line}" for line in self._missing()),
            "",
            self.table.head(SHOWN).to_string(float_format=lambda value: f"{value:.3g}"),
        ]
        if len(self.names) > SHOWN:
            lines.append(f"({len(self.names) - SHOWN} quantities, all likelier, are not shown)")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """The same for a notebook."""
        return html.block(html.heading("Simulation-based calibration"), html.preformatted(str(self)))

    def to_json(self) -> str:
        """Everything but the problem, as JSON; numbers that do not exist are null."""
        told: dict[str, Any] = {
            "passed": self.passed, "verdict": self.verdict, "p": self.p, "false_alarm": self.false_alarm,
            "problem": title(self.problem), "truths": self.truths, "methods": self.methods, "seed": self.seed,
            "levels": self.levels, "replications": self.replications, "interrupted": self.interrupted,
            "failures": self.failures, "short": self.short, "shared": self.shared, "blind": self.blind,
            "table": self.table.reset_index().to_dict(orient="records"),
        }  # fmt: skip
        return json.dumps(finite(told), ensure_ascii=False, allow_nan=False)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(str, names[:4])) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _table(ranks: NDArray[np.int_], names: Sequence[str], levels: int) -> pd.DataFrame:
    import pandas as pd

    size = max(len(ranks), 1)
    grid = np.arange(1, levels + 1) / (levels + 1)
    away = counts_below(ranks, levels) / size - grid[:, None]
    worst = np.abs(away).argmax(axis=0)
    uniform_sd = np.sqrt((levels * (levels + 2)) / 12)
    table = pd.DataFrame(
        {
            "p_value": [p_value(ranks[:, j], levels) if len(ranks) else np.nan for j in range(len(names))],
            "difference": away[worst, np.arange(len(names))],
            "at": grid[worst],
            "mean_rank": (ranks.mean(axis=0) + 0.5) / (levels + 1) if len(ranks) else np.nan,
            "spread": ranks.std(axis=0) / uniform_sd if len(ranks) else np.nan,
        },
        index=pd.Index(names, name="quantity"),
    )
    return table.sort_values("p_value", kind="stable")
