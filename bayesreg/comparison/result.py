"""The result of a comparison: three answers to one problem, their certificates and gates."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.comparison.audited import AuditedFit
from bayesreg.graph import GraphCheck
from bayesreg.optimum import Certificate, Optimum, Outcome
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior

if TYPE_CHECKING:
    import pandas as pd

AGREEMENT = 1e-6
"""Largest |MAP − penalised| that counts as the same point, in posterior sds, where the optimum is unique."""

KNOT = 1e-9
"""Margin 1 − |gradient|/λ up to which a coefficient at zero counts as just leaving it."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """MAP, penalised optimum and posterior of one problem.

    Parameters
    ----------
    problem : Problem
    map : Optimum
        From the PyMC graph.
    penalized : Optimum
        From the explicit objective at the matched λ.
    posterior : Posterior
    graph_check : GraphCheck
    coefficients : pandas.DataFrame
        One row a column of X; see `compare`.
    ledger : pandas.DataFrame
        What the point estimate discards, one row a quantity.
    interval_prob : float
        Probability of the intervals `lower` to `upper`.
    remarks : tuple of str
        What the reader must know: the plug-in σ, the prior's scale, notes on the data.
    sensitivity : pandas.DataFrame or None
        Where the data are separated: posterior mean and sd of each coefficient under half, once and twice the scale.
    audited : AuditedFit or None
        The fit of somebody's own estimator, where the comparison is an audit's.
    """

    problem: Problem
    map: Optimum
    penalized: Optimum
    posterior: Posterior
    graph_check: GraphCheck
    coefficients: pd.DataFrame
    ledger: pd.DataFrame
    interval_prob: float
    remarks: tuple[str, ...]
    sensitivity: pd.DataFrame | None = None
    audited: AuditedFit | None = None

    @property
    def certificate(self) -> Certificate:
        """Of the coefficients in question: an audited estimator's own, else the penalised optimum's."""
        return self.penalized.certificate if self.audited is None else self.audited.certificate

    @property
    def agree(self) -> bool:
        """Whether MAP and penalised optimum are the same point, or the same objective where it is not unique."""
        same_objective = abs(self.map.objective - self.penalized.objective) <= 1e-8 * max(1.0, abs(self.map.objective))
        if self.map.outcome is Outcome.NOT_UNIQUE:
            return same_objective
        table = self.coefficients
        close = (table["difference"].abs() <= AGREEMENT * table["sd"]).all()
        return bool(same_objective and close and not (self._zeros_differ & ~self._entering).any())

    @property
    def _zeros_differ(self) -> NDArray[np.bool_]:
        """Coefficients at zero in one of the two only."""
        return np.asarray(self.map.zeros != self.penalized.zeros)

    @property
    def _entering(self) -> NDArray[np.bool_]:
        """Coefficients that leave zero just at this λ, as at a knot of the lasso's path: a last bit decides on them."""
        margin = np.fmax(self.map.margin, self.penalized.margin)
        return np.nan_to_num(margin, nan=np.inf) <= KNOT

    @property
    def zeros_text(self) -> str:
        """Whether the exact zeros are the same, in words."""
        differ = self._zeros_differ
        if not differ.any():
            return "the same exact zeros"
        if (differ & ~self._entering).any():
            return "DIFFERENT exact zeros"
        names = [name for name, one in zip(self.problem.names, differ, strict=True) if one]
        return f"the same exact zeros but for {', '.join(names)}, which leaves zero just at this λ"

    @property
    def certified(self) -> bool:
        """Whether both optima are certified and agree."""
        bad = Outcome.NOT_CERTIFIED
        return self.map.outcome is not bad and self.penalized.outcome is not bad and self.agree

    @property
    def withheld(self) -> str:
        """Why no conclusion is drawn; empty if every gate passed."""
        reasons = []
        if self.map.outcome is Outcome.NOT_CERTIFIED:
            reasons.append("the MAP is not certified")
        if self.penalized.outcome is Outcome.NOT_CERTIFIED:
            reasons.append("the penalised optimum is not certified")
        if not reasons and not self.agree:
            reasons.append("MAP and penalised optimum differ")
        reasons += self.posterior.verdict.reasons
        return "; ".join(reasons)

    @property
    def passed(self) -> bool:
        """Whether every gate passed."""
        return not self.withheld

    def summary(self) -> str:
        """Return the whole comparison as plain text."""
        from bayesreg.comparison.summary import as_text

        return as_text(self)

    def __str__(self) -> str:
        """The summary."""
        return self.summary()

    def _repr_html_(self) -> str:
        from bayesreg.comparison.summary import as_html

        return as_html(self)

    def to_json(self) -> str:
        """Return everything but the draws as a JSON object; numbers that do not exist are null."""
        from bayesreg.comparison.as_json import as_dict

        return json.dumps(as_dict(self), indent=2, ensure_ascii=False, allow_nan=False)

    def save(self, path: str | Path) -> Path:
        """Write the comparison to a folder (Zarr store), draws included; an existing one is replaced.

        Raises
        ------
        InputError
            If `path` is a file.
        """
        from bayesreg.comparison.storage import save

        return save(self, path)

    @staticmethod
    def load(path: str | Path) -> Comparison:
        """Read what `save` wrote.

        Raises
        ------
        InputError
            If `path` holds no comparison.
        """
        from bayesreg.comparison.storage import load

        return load(path)
