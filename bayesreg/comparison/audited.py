"""Somebody's own fit, held against the optimum of the objective that it claims to minimise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.optimum import Certificate

if TYPE_CHECKING:
    import pandas as pd

NEAR, NEAR_SDS = 0.01, 0.1
"""Nats above the optimum, and posterior sds from it, up to which a fit counts as sound without being certified."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class AuditedFit:
    """A fitted estimator's coefficients, the prior that they assume, and how far they are from that prior's mode.

    Parameters
    ----------
    estimator : str
        The estimator with the numbers of its penalty.
    convention : str
        Its row in the table of conventions.
    assumed : str
        Which prior it assumes, in one paragraph.
    names : tuple of str
        Columns, as the estimator sees them.
    intercept, beta : float, array (p,)
        Its coefficients, on those columns.
    objective, excess : float
        J at them, and how far that lies above J at the polished optimum, in nats.
    certificate : Certificate
        Of these coefficients.
    optimum : array (p,)
        The polished optimum (`Comparison.penalized`).
    posterior_sd : array (p,)
        Sd of each coefficient in the posterior.
    wrongly_zero, wrongly_nonzero : tuple of str
        Columns at zero which the optimum has elsewhere, and the other way round; tied columns are not counted.
    column_sd : array (p,)
        Population sd of each column.
    reach : array (p,)
        The effect on η of a change by one sd that the prior stays below with probability 0.95.
    steps : tuple of str
        What the raw columns went through before the estimator saw them.
    sources : tuple of str
        The raw column that each column is a rescaling of; empty where it is none.
    slopes : array (p,)
        d column / d raw column; NaN where there is no source.
    notes : tuple of str
        Traps that apply.
    """

    estimator: str
    convention: str
    assumed: str
    names: tuple[str, ...]
    intercept: float
    beta: Array
    objective: float
    excess: float
    certificate: Certificate
    optimum: Array
    posterior_sd: Array
    wrongly_zero: tuple[str, ...]
    wrongly_nonzero: tuple[str, ...]
    column_sd: Array
    reach: Array
    steps: tuple[str, ...]
    sources: tuple[str, ...]
    slopes: Array
    notes: tuple[str, ...] = ()

    @property
    def error(self) -> Array:
        """Its coefficients minus the optimum's, (p,)."""
        return self.beta - self.optimum + 0.0  # no negative zero

    @property
    def error_in_sds(self) -> Array:
        """|error| in posterior sds, (p,); 0 where the posterior has no spread."""
        positive = self.posterior_sd > 0
        return np.divide(np.abs(self.error), self.posterior_sd, out=np.zeros_like(self.beta), where=positive)

    @property
    def certified(self) -> bool:
        """Whether the KKT conditions hold at its own coefficients, within the tolerance of a certificate."""
        return self.certificate.stationary

    @property
    def sound(self) -> bool:
        """Whether what is wrong with it is too small to matter: within `NEAR` nats and `NEAR_SDS` posterior sds."""
        return self.certified or (self.excess <= NEAR and float(self.error_in_sds.max(initial=0.0)) <= NEAR_SDS)

    @property
    def verdict(self) -> str:
        """What the coefficients are, in one sentence."""
        kkt = f"KKT residual {self.certificate.kkt:.1e}"
        if self.certified:
            return f"the optimum: {kkt}, {self.excess:.1e} nats above the polished optimum"
        parts = [f"{'near the optimum' if self.sound else 'NOT the optimum'}: {self.excess:.2g} nats above it, {kkt}"]
        if self.beta.size:
            worst = int(np.argmax(self.error_in_sds))
            parts.append(
                f"largest error {self.error[worst]:.2g} in {self.names[worst]!r} "
                f"({self.error_in_sds[worst]:.2g} posterior sd)"
            )
        for found, text in ((self.wrongly_zero, "wrongly zero"), (self.wrongly_nonzero, "wrongly not zero")):
            if found:
                more = f" and {len(found) - 5} more" if len(found) > 5 else ""
                parts.append(f"{text}: {', '.join(found[:5])}{more}")
        if not self.sound:
            parts.append("a tighter tolerance and more iterations, or the wrong data, are what to look at")
        return "; ".join(parts)

    @property
    def table(self) -> pd.DataFrame:
        """One row a column: its coefficient, the optimum's, their difference, and what the prior said of it.

        Columns `audited`, `optimum`, `error`, `error_in_sds`, `column_sd`, `reach` (of a change by one sd),
        `source`, `reach_per_unit` (of a change of the raw column by one unit).
        """
        import pandas as pd

        with np.errstate(divide="ignore", invalid="ignore"):
            per_unit = np.abs(self.slopes) * self.reach / self.column_sd
        columns = {
            "audited": self.beta, "optimum": self.optimum, "error": self.error, "error_in_sds": self.error_in_sds,
            "column_sd": self.column_sd, "reach": self.reach, "source": list(self.sources),
            "reach_per_unit": per_unit,
        }  # fmt: skip
        return pd.DataFrame(columns, index=pd.Index(self.names, name="column"))
