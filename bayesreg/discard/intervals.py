"""Intervals for the same coefficients, each labelled for what it promises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.diagnostics import mcse_quantile
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

POSTERIOR = "posterior"

ENDS = ("lower", "upper", "lower_mcse", "upper_mcse")

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
        data's units; bootstrap: `lower_mcse`, `upper_mcse`, Monte Carlo standard errors of the ends, and `zero`, the
        share of exact zeros.
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
        on the scale that the prior sees.  `posterior_lower_mcse`, ... are Monte Carlo standard errors of ends that are
        quantiles of draws.  What is the posterior's is NaN where it is withheld.
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
        """How wide each kind is, how many of them leave 0 out, and the Monte Carlo error of the ends."""
        if self.withheld:
            return f"intervals: WITHHELD: {self.withheld}"
        told = "; ".join(self._told(kind) for kind in self.promises) if len(self.table) else "there are no columns"
        return f"{100 * self.interval:g} % intervals of the same {len(self.table)} coefficients: {told}"

    def _told(self, kind: str) -> str:
        lower, upper = self.table[f"{kind}_lower"].to_numpy(), self.table[f"{kind}_upper"].to_numpy()
        width = float(np.median((upper - lower)[np.isfinite(upper - lower)])) if np.isfinite(upper).any() else np.nan
        errors = [self.table[name].max() for name in (f"{kind}_lower_mcse", f"{kind}_upper_mcse") if name in self.table]
        error = f" (Monte Carlo error of an end at most {max(errors):.1g})" if errors else ""
        return f"{kind} {int(((lower > 0) | (upper < 0)).sum())} without 0, median width {width:.3g}{error}"

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


def beside(posterior: Posterior, optimum: Optimum | None = None, *others: Intervals, interval: float = 0.95) -> Beside:
    """Put the posterior's central intervals beside those of other kinds.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the same problem.
    *others : Intervals
        Of other kinds, one each.
    interval : float

    Raises
    ------
    ParameterError
        If some are of other columns, of another probability, or of the same kind.
    """
    import pandas as pd

    require_posterior(posterior, "beside")
    problem, withheld = posterior.problem, withheld_by(posterior)
    check_interval(interval, "beside")
    for one in others:
        if not isinstance(one, Intervals) or tuple(one.table.index) != problem.names or one.interval != interval:
            what = f"{100 * interval:g} % intervals of the columns {problem.names}"
            msg = f"beside: each of the others must be {what} (got {one!r:.80})"
            raise ParameterError(msg)
    kinds = [one.kind for one in others]
    if len(set(kinds)) < len(kinds):
        msg = f"beside: give one of each kind of intervals (got {', '.join(kinds)})"
        raise ParameterError(msg)
    columns = {"map": point_of(posterior, optimum, "beside").beta, **_of_posterior(posterior, interval, withheld)}
    texts = {POSTERIOR: f"{posterior.method}, {posterior.verdict}"}
    for one in others:
        ends = [name for name in ENDS if name in one.table]
        columns |= {f"{one.kind}_{name}": one.table[name].to_numpy() for name in ends}
        texts[one.kind] = one.text
    table = pd.DataFrame(columns, index=pd.Index(problem.names, name="column"))
    return Beside(table, {kind: PROMISES[kind] for kind in texts}, texts, interval, withheld)


def _of_posterior(posterior: Posterior, interval: float, withheld: str) -> dict[str, Array]:
    """Ends of the central intervals and their Monte Carlo errors; NaN where they are withheld."""
    tails = ((1 - interval) / 2, (1 + interval) / 2)
    if withheld:
        values = [np.full(posterior.problem.p, np.nan)] * 4
    else:
        errors = [mcse_quantile(posterior.beta, tail, independent=posterior.independent) for tail in tails]
        values = [*np.quantile(posterior.beta, tails, axis=(0, 1)), *errors]
    return dict(zip((f"{POSTERIOR}_{name}" for name in ENDS), values, strict=True))


def check_interval(interval: object, caller: str) -> None:
    """Raise ParameterError unless `interval` is a probability strictly between 0 and 1."""
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"{caller}: interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)


def interval_table(
    problem: Problem, estimate: Array, lower: Array, upper: Array, more: Mapping[str, Array] | None = None
) -> pd.DataFrame:
    """Return the table of `Intervals`: in the data's units ends are divided by the column's scale."""
    import pandas as pd

    ends = {"estimate": estimate, "lower": lower, "upper": upper}
    raw = {f"{name}_raw": values / problem.design.scale for name, values in ends.items()}
    return pd.DataFrame({**ends, **(more or {}), **raw}, index=pd.Index(problem.names, name="column"))
