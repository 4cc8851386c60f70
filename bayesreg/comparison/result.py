"""The result of a comparison: three answers to one problem, their certificates and gates."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.comparison.audited import AuditedFit
from bayesreg.discard import (
    Amount,
    Beside,
    Lint,
    PredictionLedger,
    Selection,
    TradeOffs,
    Typicality,
    amount,
    beside,
    bootstrap,
    correlations,
    debiased,
    lints,
    prediction,
    selection,
    tradeoffs,
    typicality,
)
from bayesreg.discard.debiased import can_debias
from bayesreg.discard.scores import withheld_ledger
from bayesreg.discard.waterfall import LibraryFit, Waterfall, waterfall
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.graph import GraphCheck
from bayesreg.in_words import title
from bayesreg.interfaces import Array
from bayesreg.optimum import Certificate, Optimum, Outcome
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.samplers.settings import Progress

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")

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
    sigma : float, str or None
        Plug-in for an unknown dispersion, as it was given.

    What takes longer than it may be wanted for (`selection`, `prediction`, ...) is computed when it is first asked for.
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
    sigma: float | str | None = None
    _found: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    # -- what the point estimate discards ----------------------------------------------------------------------------

    @property
    def epsilon(self) -> Array:
        """ε (p,) up to which an effect counts as small, on the scale that the prior sees."""
        return self.coefficients["epsilon"].to_numpy()

    @property
    def correlations(self) -> pd.DataFrame:
        """Posterior correlations of the coefficients (p, p)."""
        return self._once("correlations", lambda: correlations(self.posterior))

    @property
    def tradeoffs(self) -> TradeOffs:
        """Pairs of columns of which the MAP keeps one, while the posterior cannot tell."""
        return self._once("tradeoffs", lambda: tradeoffs(self.posterior, self.penalized, self.epsilon))

    @property
    def typicality(self) -> Typicality:
        """How far the density at the mode lies above that of the draws."""
        return self._once("typicality", lambda: typicality(self.posterior, self.penalized))

    @property
    def selection(self) -> Selection:
        """Which columns each draw needs, against those that the MAP keeps."""
        return self._once("selection", lambda: selection(self.posterior, self.penalized))

    @property
    def prediction(self) -> PredictionLedger:
        """Plug-ins against the full posterior on rows left out one by one; withheld where some row cannot be."""
        return self._once("prediction", self._predicted)

    def _predicted(self) -> PredictionLedger:
        try:
            return prediction(self.posterior, self.penalized, sigma=self.sigma)
        except (FitError, InputError) as error:
            return withheld_ledger("PSIS-LOO", str(error), self.problem)

    @property
    def lints(self) -> tuple[Lint, ...]:
        """Known failings of such models that apply to this one."""
        return self._once("lints", lambda: lints(self.posterior, self.penalized, self.epsilon))

    @property
    def amount(self) -> Amount:
        """How much the point estimate discards, in few numbers, and whether that is little."""
        return self._once(
            "amount", lambda: amount(self.posterior, self.penalized, self.epsilon, prediction=self.prediction)
        )

    @property
    def amount_so_far(self) -> Amount:
        """`amount`, or, where the rows left out have not been predicted yet, what it is without them."""
        if "prediction" in self._found or "amount" in self._found:
            return self.amount
        return self._once("amount_so_far", lambda: amount(self.posterior, self.penalized, self.epsilon))

    @property
    def computed(self) -> tuple[str, ...]:
        """Which of the results that are computed when they are first asked for have been."""
        return tuple(self._found)

    def waterfall(
        self,
        target: Comparison | None = None,
        *,
        integrate_scale: bool = True,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> Waterfall:
        """Return the steps from the audited coefficients, or from the penalised optimum, to the posterior means.

        Parameters
        ----------
        target : Comparison, optional
            Of the same data under the prior (λ, columns, intercept) that is to be ended at; by default this one.
        integrate_scale, seed, progress
            As in `discard.waterfall`.
        """
        end = self if target is None else target
        return waterfall(
            end.posterior, library=self._library(end), optimum=end.penalized, seed=seed,
            integrate_scale=integrate_scale, progress=progress,
        )  # fmt: skip

    def _library(self, end: Comparison) -> LibraryFit | None:
        """The audited coefficients; where it ends at another problem, per unit of the raw columns that it is of."""
        if self.audited is None:
            return None
        slopes = None if end is self or not self.audited.steps else self.audited.slopes
        if slopes is not None and not np.isfinite(slopes).all():
            names = [name for name, slope in zip(self.audited.names, slopes, strict=True) if not np.isfinite(slope)]
            msg = f"waterfall: the columns {', '.join(names[:5])} of the audited fit are no rescaled raw columns"
            raise ParameterError(msg)
        return LibraryFit(self.problem, self.audited.beta, self.audited.estimator, slopes)

    def beside(self, *, replications: int = 1000, seed: int = 0, progress: Progress | None = None) -> Beside:
        """Return bootstrap intervals, and under Gaussian noise and an L1 penalty debiased ones, beside the posterior's.

        Parameters
        ----------
        replications, seed, progress
            As in `discard.bootstrap`.
        """
        sampled = bootstrap(
            self.problem, sigma=self.sigma, replications=replications, interval=self.interval_prob, seed=seed,
            progress=progress,
        )  # fmt: skip
        kinds = [sampled]
        if can_debias(self.problem) and self.sigma != "joint":
            kinds.append(debiased(self.problem, sigma=self.sigma, interval=self.interval_prob))
        return beside(self.posterior, self.penalized, *kinds, interval=self.interval_prob)

    def _once(self, name: str, compute: Callable[[], T]) -> T:
        if name not in self._found:
            self._found[name] = compute()
        found: T = self._found[name]
        return found

    # -- the gates ---------------------------------------------------------------------------------------------------

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
    def optima_withheld(self) -> str:
        """Why nothing is said of the optima; empty if they are certified and agree."""
        reasons = []
        if self.map.outcome is Outcome.NOT_CERTIFIED:
            reasons.append("the MAP is not certified")
        if self.penalized.outcome is Outcome.NOT_CERTIFIED:
            reasons.append("the penalised optimum is not certified")
        if not reasons and not self.agree:
            reasons.append("MAP and penalised optimum differ")
        return "; ".join(reasons)

    @property
    def withheld(self) -> str:
        """Why no conclusion is drawn; empty if every gate passed."""
        return "; ".join(reason for reason in (self.optima_withheld, *self.posterior.verdict.reasons) if reason)

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

    def __repr__(self) -> str:
        """What was compared, and whether the gates passed."""
        return f"Comparison({title(self.problem)}: {f'WITHHELD: {self.withheld}' if self.withheld else 'passed'})"

    def _repr_html_(self) -> str:
        from bayesreg.comparison.notebook import as_html

        return as_html(self)

    def to_json(self, *, also: Mapping[str, Any] | None = None) -> str:
        """Return everything but the draws as a JSON object; numbers that do not exist, or are withheld, are null.

        `also`: results of `bayesreg.discard` to put beside it, by name.
        """
        from bayesreg.comparison.as_json import as_dict

        return json.dumps(as_dict(self, also or {}), indent=2, ensure_ascii=False, allow_nan=False)

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
