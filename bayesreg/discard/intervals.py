"""Intervals for the same coefficients, each labelled for what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.discard.gate import require_posterior, withheld_by
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

POSTERIOR = "posterior"

PROMISES = {
    POSTERIOR: "given these data and this prior, β is inside with the stated probability; of repeated samples it "
    "covers that share only on average over the prior",
    "bootstrap": "the stated share of the estimates from resampled rows is inside: where the penalised estimator "
    "lands, bias and zeros included; no promise to cover β, least of all at a zero",
    "debiased": "of repeated samples the stated share of the intervals covers β, for many rows and few nonzero "
    "coefficients, whatever the prior; none of the shrinkage is left in it",
}
"""Kind of interval -> what it promises, and what not."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """Intervals of one kind.

    Parameters
    ----------
    kind : {"bootstrap", "debiased"}
    table : DataFrame
        One row a column: `estimate`, `lower`, `upper`, on the scale that the prior sees, and with suffix `_raw` in the
        data's units; bootstrap: `zero`, the share of exact zeros.
    interval : float
        Nominal probability.
    text : str
        How they were made.
    """

    kind: str
    table: pd.DataFrame
    interval: float
    text: str

    @property
    def promise(self) -> str:
        """What they promise, and what not."""
        return PROMISES[self.kind]

    @property
    def withheld(self) -> str:
        """Empty: nothing is drawn that could fail a gate."""
        return ""

    @property
    def sentence(self) -> str:
        """What they are."""
        return f"{self.kind} {100 * self.interval:g} % intervals: {self.text}. Their promise: {self.promise}"

    def __str__(self) -> str:
        """What they are, and the table."""
        return f"{self.sentence}\n\n{self.table.to_string(float_format='{:.4g}'.format)}"


@final
@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """Posterior intervals beside those of other kinds, for the same coefficients.

    Parameters
    ----------
    table : DataFrame
        One row a column: `map`, and lower and upper ends of each kind, such as `posterior_lower`, `bootstrap_upper`;
        on the scale that the prior sees.
    promises : mapping of str to str
        Kind -> what it promises.
    texts : mapping of str to str
        Kind -> how it was made.
    interval : float
    withheld : str
        Why nothing may be concluded of the posterior's; empty if every gate passed.
    """

    table: pd.DataFrame
    promises: Mapping[str, str]
    texts: Mapping[str, str]
    interval: float
    withheld: str = ""

    @property
    def sentence(self) -> str:
        """How their widths compare."""
        if self.withheld:
            return f"intervals: WITHHELD: {self.withheld}"
        widths = {
            kind: float(np.nanmedian(self.table[f"{kind}_upper"] - self.table[f"{kind}_lower"]))
            for kind in self.promises
        }
        told = ", ".join(f"{kind} {width:.3g}" for kind, width in widths.items())
        return f"{100 * self.interval:g} % intervals of the same coefficients, median width: {told}"

    def __str__(self) -> str:
        """The sentence, the intervals, and what each kind promises."""
        if self.withheld:
            return self.sentence
        columns = {"MAP": [f"{v:.3g}" for v in self.table["map"]]}
        for kind in self.promises:
            ends = zip(self.table[f"{kind}_lower"], self.table[f"{kind}_upper"], strict=True)
            columns[kind] = [f"[{low:.3g}, {high:.3g}]" for low, high in ends]
        import pandas as pd

        shown = pd.DataFrame(columns, index=self.table.index).to_string()
        promises = "\n".join(f"  {kind}: {promise}" for kind, promise in self.promises.items())
        texts = "\n".join(f"  {kind}: {text}" for kind, text in self.texts.items())
        return f"{self.sentence}\n\n{shown}\n\nWhat each promises\n{promises}\n\nHow they were made\n{texts}"


def beside(posterior: Posterior, optimum: Optimum, *others: Intervals, interval: float = 0.95) -> Beside:
    """Put the posterior's central intervals beside those of other kinds.

    Raises
    ------
    ParameterError
        If some are of other columns, or of another probability.
    """
    import pandas as pd

    require_posterior(posterior, "beside")
    problem = posterior.problem
    for one in others:
        if not isinstance(one, Intervals) or tuple(one.table.index) != problem.names or one.interval != interval:
            msg = f"beside: intervals must be {100 * interval:g} % intervals of the columns {problem.names}"
            raise ParameterError(msg)
    tail = (1 - interval) / 2
    lower, upper = np.quantile(posterior.beta, [tail, 1 - tail], axis=(0, 1))
    columns: dict[str, Array] = {"map": optimum.beta, "posterior_lower": lower, "posterior_upper": upper}
    texts = {POSTERIOR: f"{posterior.method}, {posterior.verdict}"}
    for one in others:
        columns |= {f"{one.kind}_{end}": one.table[end].to_numpy() for end in ("lower", "upper")}
        texts[one.kind] = one.text
    return Beside(
        pd.DataFrame(columns, index=pd.Index(problem.names, name="column")),
        {kind: PROMISES[kind] for kind in texts}, texts, interval, withheld_by(posterior),
    )  # fmt: skip


def interval_table(
    problem: Problem, estimate: Array, lower: Array, upper: Array, more: Mapping[str, Array] | None = None
) -> pd.DataFrame:
    """Return the table of `Intervals`: in the data's units ends are divided by the column's scale."""
    import pandas as pd

    ends = {"estimate": estimate, "lower": lower, "upper": upper}
    raw = {f"{name}_raw": values / problem.design.scale for name, values in ends.items()}
    return pd.DataFrame({**ends, **(more or {}), **raw}, index=pd.Index(problem.names, name="column"))
