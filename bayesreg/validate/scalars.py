"""Named scalars of one sampler: their means, sds and quantiles, each with its Monte Carlo error and its ESS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.diagnostics import MIN_ESS, effective, mcse_quantile
from bayesreg.errors import InputError
from bayesreg.importance import tail_shape
from bayesreg.interfaces import Array
from bayesreg.samplers import Posterior
from bayesreg.samplers.once import Once

STATISTICS = ("mean", "sd", "q5", "q50", "q95")
"""The mean, the sd, and the quantiles (q, and the per cent below) that a table of a posterior shows."""


HEAVIEST = {"mean": 0.4, "sd": 0.15}
"""Shape k-hat of the tail of |x − median| up to which a statistic has a Monte Carlo error worth the name.

The error of a mean needs a variance (k < ½), that of an sd a fourth moment (k < ¼), as β of 5 rows does not have under
p(σ) ∝ 1/σ; a margin, since k-hat is itself an estimate.  Quantiles need no moment.
"""


def probability(statistic: str) -> float:
    """The probability below a quantile, 0.05 for "q5"; NaN for the mean and the sd."""
    return float("nan") if statistic in ("mean", "sd") else float(statistic[1:]) / 100


@final
@dataclass(frozen=True, slots=True, eq=False)
class Estimates:
    """One statistic of k scalars.

    Parameters
    ----------
    value, error, ess : array (k,)
        The statistic, its Monte Carlo standard error and the effective draws behind it: those of x for a mean, of
        (x − mean)² for an sd, of 1{x ≤ q} for a quantile q.
    """

    value: Array
    error: Array
    ess: Array


@final
@dataclass(frozen=True, slots=True, eq=False)
class Scalars:
    """Draws of named scalars.

    Parameters
    ----------
    source : str
        Whose draws they are.
    labels : tuple of str
        Names of the k scalars, as in `Posterior.summary`: "intercept", "beta[age]", "sigma", ...
    draws : array (chain, draw, k)
    independent : bool
        Whether draws are independent by construction: their ESS is then their number.
    reasons : tuple of str
        Gates of the sampler that failed: nothing may be concluded from the draws.
    made : mapping of str to Once
        The statistics, computed at first use.
    shape : Once
        Shape k-hat (k,) of the tail of |x − median|.
    """

    source: str
    labels: tuple[str, ...]
    draws: Array
    independent: bool
    reasons: tuple[str, ...]
    made: Mapping[str, Once]
    shape: Once

    @classmethod
    def of(
        cls,
        source: str,
        labels: Sequence[str],
        draws: Array,
        *,
        independent: bool = False,
        reasons: tuple[str, ...] = (),
        statistics: Sequence[str] = STATISTICS,
    ) -> Scalars:
        """Scalars with these statistics to come."""
        made = {name: Once(partial(_estimates, draws, name, independent=independent)) for name in statistics}
        return cls(source, tuple(labels), draws, independent, reasons, made, Once(partial(_shapes, draws)))

    def __getitem__(self, statistic: str) -> Estimates:
        found = self.made[statistic]()
        assert isinstance(found, Estimates)
        return found

    def heavy(self, statistic: str) -> NDArray[np.bool_]:
        """Whether (k,) the tails of a scalar leave the error of a statistic without meaning; see `HEAVIEST`."""
        if statistic not in HEAVIEST:
            return np.zeros(len(self.labels), dtype=bool)
        return np.asarray(self.shape() > HEAVIEST[statistic])

    def chosen(self, labels: Sequence[str], statistics: Sequence[str]) -> Scalars:
        """The scalars of these labels, in their order, with these statistics.

        Raises
        ------
        InputError
            If there is no such scalar.
        """
        unknown = [label for label in labels if label not in self.labels]
        if unknown:
            msg = f"{self.source} has no draws of {unknown[0]!r}: there are {', '.join(self.labels)}"
            raise InputError(msg)
        places = [self.labels.index(label) for label in labels]
        return Scalars.of(
            self.source, labels, self.draws[..., places], independent=self.independent, reasons=self.reasons,
            statistics=statistics,
        )  # fmt: skip

    def unjudged(self) -> str:
        """Why these draws cannot be judged: a failed gate, or too few effective draws of a statistic; else empty."""
        if self.reasons:
            return "; ".join(self.reasons)
        for statistic in self.made:
            ess = self[statistic].ess
            least = int(np.argmin(ess)) if ess.size else 0
            if ess.size and not ess[least] >= MIN_ESS:
                name = f"the {statistic} of {self.labels[least]}"
                return f"ESS of {name} is {ess[least]:.0f} < {MIN_ESS}: ask for more draws"
        return ""


def scalars_of(posterior: Posterior, source: str) -> Scalars:
    """Every scalar of a posterior, those in the data's units (`_raw`) included."""
    parts = [values.reshape(*values.shape[:2], -1) for values in posterior.arrays.values()]
    labels = [
        f"{name}[{feature}]" if values.ndim > 2 else name
        for name, values in posterior.arrays.items()
        for feature in (posterior.problem.names if values.ndim > 2 else ("",))
    ]
    return Scalars.of(
        source, labels, np.concatenate(parts, axis=2), independent=posterior.independent,
        reasons=posterior.verdict.reasons,
    )  # fmt: skip


def on_the_priors_scale(labels: Sequence[str]) -> list[str]:
    """The labels but those of coefficients in the data's units, which the same draws give."""
    return [label for label in labels if not label.split("[")[0].endswith("_raw")]


def _shapes(draws: Array) -> Array:
    """Shape of the tail of |x − median| of each scalar of draws (chain, draw, k)."""
    flat = draws.reshape(-1, draws.shape[2])
    return np.array([tail_shape(column) for column in np.abs(flat - np.median(flat, axis=0)).T])


def _estimates(draws: Array, statistic: str, *, independent: bool) -> Estimates:
    if statistic == "mean":
        return _moment(draws, draws.mean(axis=(0, 1)), independent=independent)
    if statistic == "sd":
        sd = draws.std(axis=(0, 1), ddof=1)
        # Var' = 2·sd·sd': (x − mean)²/(2 sd) has the error of the sd.
        unit = np.where(sd > 0, 2 * sd, 1.0)
        return _moment((draws - draws.mean(axis=(0, 1))) ** 2 / unit, sd, independent=independent)
    p = probability(statistic)
    value = np.quantile(draws, p, axis=(0, 1))
    error = mcse_quantile(draws, p, independent=independent)
    return Estimates(value, error, effective((draws <= value).astype(float), independent=independent))


def _moment(values: Array, value: Array, *, independent: bool) -> Estimates:
    """The statistic that is, to first order, a mean of `values`."""
    ess = effective(values, independent=independent)
    return Estimates(value, np.asarray(values.std(axis=(0, 1), ddof=1) / np.sqrt(ess)), ess)
