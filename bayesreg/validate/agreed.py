"""Whether samplers agree: every difference, and one verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np

from bayesreg import html
from bayesreg.validate.finite import finite
from bayesreg.validate.held import Held

if TYPE_CHECKING:
    import pandas as pd

WORST = 10
"""Differences that are shown, the largest first."""

HEAVY = "their tails being too heavy for a Monte Carlo error"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """Samplers of one posterior held against each other and against an oracle.

    Parameters
    ----------
    title : str
        The problem in words.
    oracle : str
        What the oracle is; empty where there is none.
    skipped : mapping of str to str
        Samplers that were not run, or refused, with the reason.
    held : Held
        Every difference, and the limit on them.
    false_alarm : float
        Probability, at most, that any of the comparisons exceeds the limit where all samplers are right: Bonferroni's
        bound, whatever their dependence, on normal approximations (each rests on at least 400 effective draws).
    draws : int
        Draws asked of each sampler, per chain of four.
    seed : str
        Seed of the run.
    """

    title: str
    oracle: str
    skipped: Mapping[str, str]
    held: Held
    false_alarm: float
    draws: int
    seed: str

    @property
    def table(self) -> pd.DataFrame:
        """A row a pair × scalar × statistic.

        Columns first, second, variable, statistic, value_first, value_second, difference (second − first), mcse (of the
        difference) and z.  Of a quantile, z is that of the shares of draws below it, and so only about
        difference/mcse; against a rounded number z counts what exceeds the rounding.
        """
        return self.held.table

    @property
    def samplers(self) -> tuple[str, ...]:
        """Those that were judged."""
        return tuple(name for name in self.held.judged if name != "oracle")

    @property
    def unjudged(self) -> Mapping[str, str]:
        """Samplers whose draws are no basis for a judgement, with the reason.

        A gate failed, or a statistic has fewer than 400 effective draws.
        """
        return self.held.unjudged

    @property
    def limit(self) -> float:
        """|z| up to which two sources agree."""
        return self.held.limit

    @property
    def resolution(self) -> float:
        """Differences of means, in posterior sds, up to which some would not be seen: the largest of limit·mcse/sd."""
        return self.held.resolution

    @property
    def agree(self) -> bool:
        """Whether there are comparisons and all are within the limit."""
        return self.held.agree

    @property
    def passed(self) -> bool:
        """Whether all that was run could be judged, and agrees."""
        return self.agree and not self.unjudged

    @property
    def worst(self) -> pd.DataFrame:
        """The table, the largest |z| first."""
        return self.table.sort_values("z", key=np.abs, ascending=False, kind="stable", ignore_index=True)

    @property
    def verdict(self) -> str:
        """One sentence: what was found, and how often it would be found of samplers that are right."""
        if not len(self.table):
            return f"NOT JUDGED: {self._unjudged_text()}"
        row = self.worst.iloc[0]
        against = f"{row['second']} − {row['first']}"
        largest = f"largest |z| = {abs(row['z']):.2f} ({row['statistic']} of {row['variable']}, {against})"
        basis = (
            f"{len(self.table)} comparisons, {largest}, limit {self.limit:.2f}; samplers that are right pass with "
            f"probability ≥ {1 - self.false_alarm:.3g}{self._resolution_text()}"
        )
        if not self.agree:
            count = int((self.table["z"].abs() > self.limit).sum())
            return f"DISAGREE: {count} of {basis}"
        if self.unjudged:
            return f"NOT ALL JUDGED: {self._unjudged_text()}; the others agree: {basis}"
        return f"agree: {basis}"

    def _resolution_text(self) -> str:
        if not np.isfinite(self.resolution):
            return ""
        return f"; means further apart than {self.resolution:.2g} posterior sds are as likely told as not, or likelier"

    def _unjudged_text(self) -> str:
        return "; ".join(f"{name}: {reason}" for name, reason in self.unjudged.items())

    def __str__(self) -> str:
        """The verdict, the largest differences, and what was not run."""
        lines = [self.title, self._judged_text(), self.verdict]
        if len(self.table):
            shown = self.worst.head(WORST)[["first", "second", "variable", "statistic", "difference", "mcse", "z"]]
            lines += ["", shown.to_string(index=False, float_format="{:.3g}".format)]
        if self.held.heavy:
            lines.append(f"not compared, {HEAVY}: {', '.join(self.held.heavy)}")
        lines += [f"not run: {name}: {reason}" for name, reason in self.skipped.items()]
        return "\n".join(lines)

    def _judged_text(self) -> str:
        names = ", ".join(self.samplers) or "none"
        return f"judged: {names}; oracle: {self.oracle or 'none'}"

    def __repr__(self) -> str:
        """The verdict."""
        return f"Agreement({self.verdict})"

    def _repr_html_(self) -> str:
        """The verdict, the largest differences, and what was not run, for a notebook."""
        word, _, rest = self.verdict.partition(":")
        rows = [
            (
                f"{row['statistic']} of {row['variable']}",
                f"{row['second']} − {row['first']}",
                *(f"{row[name]:.3g}" for name in ("difference", "mcse", "z")),
            )
            for row in self.worst.head(WORST).to_dict("records")
        ]
        header = ("", "between", "difference", "MCSE", "z")
        parts = [html.heading(self.title), html.verdict(f"{word}:", rest.strip()), html.paragraph(self._judged_text())]
        parts += [html.table(header, rows, "The largest differences", words=("between",))] if rows else []
        parts.append(html.details("Not run", html.facts(self.skipped.items())))
        if self.held.heavy:
            parts.append(html.details(f"Not compared, {HEAVY}", html.paragraph(", ".join(self.held.heavy))))
        return html.block(*parts)

    def to_json(self) -> str:
        """Return everything as a JSON object; numbers that do not exist are null."""
        found: dict[str, Any] = {
            "title": self.title, "passed": self.passed, "agree": self.agree, "verdict": self.verdict,
            "oracle": self.oracle, "samplers": list(self.samplers), "skipped": dict(self.skipped),
            "unjudged": dict(self.unjudged), "not_compared": list(self.held.heavy),
            "comparisons": len(self.table), "limit": self.limit,
            "false_alarm": self.false_alarm, "resolution": self.resolution, "draws": self.draws,
            "seed": self.seed,
            "table": self.table.to_dict("records"),
        }  # fmt: skip
        return json.dumps(finite(found), indent=2, ensure_ascii=False, allow_nan=False)
