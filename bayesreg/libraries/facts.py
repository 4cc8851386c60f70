"""What a conversion needs to know of data and noise, and the multipliers c and v that follow from it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import ParameterError
from bayesreg.libraries.objective import LibraryObjective
from bayesreg.scales import positive_number

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Facts:
    """What a conversion needs to know of the data and the noise; each is asked for where a row needs it.

    Parameters
    ----------
    n : int or None
        Rows.
    sigma : float or None
        Sd of Gaussian noise; of `rms` losses the RMS residual of the fit.
    weights : array (n,) or None
        Sample weights.
    dispersion : float or None
        φ of a gamma or Tweedie likelihood, Var y = φ·V(μ): 1/shape for gamma.
    noise_scale : float or None
        Scale s of Laplace (absolute) or asymmetric Laplace (pinball) noise: nll = loss/s; `scale_` of Huber's.
    sd_y, rms_y : float or None
        Population sd of y and √(mean y²), weighted where there are weights.
    working_weights : float or None
        Σ of the IRLS weights at the fit.
    """

    n: int | None = None
    sigma: float | None = None
    weights: Array | None = None
    dispersion: float | None = None
    noise_scale: float | None = None
    sd_y: float | None = None
    rms_y: float | None = None
    working_weights: float | None = None

    def need(self, name: str, row: LibraryObjective, why: str) -> float:
        """Return a fact as a positive number; raise ParameterError where it is missing or none."""
        value = getattr(self, name)
        if value is None:
            msg = f"{row.name}: pass {name}=, {why}"
            raise ParameterError(msg)
        number = positive_number(row.name, name, value)
        if name == "n" and number != int(number):
            msg = f"{row.name}: n must be a whole number of rows (got {value!r})"
            raise ParameterError(msg)
        return number

    def total(self, row: LibraryObjective) -> float:
        """Σw, or n without weights."""
        if self.weights is not None:
            return float(self.weights.sum())
        return self.need("n", row, PER["weights"][1])


LOSSES = {
    "nll": (0.0, "", ""),
    "half-rss": (1.0, "sigma", "the noise sd: a squared error is a likelihood only given it"),
    "rss": (2.0, "sigma", "the noise sd: a squared error is a likelihood only given it"),
    "half-deviance": (1.0, "dispersion", "φ, Var y = φ·V(μ): for gamma 1/shape"),
    "absolute": (1.0, "noise_scale", "the scale of the Laplace noise"),
    "pinball": (1.0, "noise_scale", "the scale of the asymmetric Laplace noise"),
    "huber": (2.0, "noise_scale", "the fitted scale_"),
    "rms": (1.0, "sigma", "the RMS residual of the fit"),
}
"""Loss -> (constant, fact, why it is needed): loss = constant·fact·nll, the fact squared for Gaussian noise."""


_ROWS = ("n", "the number of rows: its loss is a mean over them, so the prior depends on it")

PER = {
    "rows": _ROWS,
    "weights": _ROWS,
    "working": ("working_weights", "Σ of the IRLS weights at the fit"),
}
"""What the loss is divided by -> (fact, why it is needed)."""


def loss_multiplier(row: LibraryObjective, facts: Facts) -> float:
    """c = loss/per, the library's loss as a multiple of Σ w·nll."""
    constant, name, why = LOSSES[row.loss]
    needed = [(fact, reason) for fact, reason in ((name, why), PER.get(row.per, ("", ""))) if fact]
    missing = [(fact, reason) for fact, reason in needed if getattr(facts, fact) is None]
    if missing:
        msg = f"{row.name}: pass {'; and '.join(f'{fact}=, {reason}' for fact, reason in missing)}"
        raise ParameterError(msg)
    value = 1.0
    if name:
        fact = facts.need(name, row, why)
        value = constant * (fact**2 if row.loss in ("half-rss", "rss") else fact)
    if row.per == "weights":
        return value / facts.total(row)
    return value / facts.need(PER[row.per][0], row, PER[row.per][1]) if row.per in PER else value


def standardises(row: LibraryObjective, given: Mapping[str, Any]) -> bool:
    """Whether the library divides the columns by something, by default or as its option says."""
    if row.columns == "given":
        return False
    if row.option is None:
        return True
    value = given.get(row.option[0], row.option[1])
    if not isinstance(value, bool | np.bool_):
        msg = f"{row.name}: {row.option[0]} must be True or False (got {value!r})"
        raise ParameterError(msg)
    return bool(value)


def column_factor(row: LibraryObjective, facts: Facts) -> float:
    """v: what the library divides columns by, over their population sd."""
    return _sd_factor(row, row.columns, facts)


def _sd_factor(row: LibraryObjective, kind: str, facts: Facts) -> float:
    if kind in ("sd", "given", "rms"):
        return 1.0
    if kind == "sd1" and facts.weights is not None:
        total = float(facts.weights.sum())
        left = total - float((facts.weights**2).sum()) / total
        if not left > 0:
            msg = f"{row.name}: one row of positive weight has no sample sd"
            raise ParameterError(msg)
        return math.sqrt(total / left)
    n = facts.need("n", row, "the number of rows: it standardises by another sd than the population's")
    if kind == "l2-norm":
        return math.sqrt(n)
    if n < 2:
        msg = f"{row.name}: one row has no sample sd (n = 1)"
        raise ParameterError(msg)
    return math.sqrt(n / (n - 1))


def response_factor(row: LibraryObjective, facts: Facts) -> float:
    """What the L2 part is divided by."""
    if not row.y:
        return 1.0
    if row.y == "rms":
        return facts.need("rms_y", row, "√(mean y²): without an intercept its L2 part is divided by it")
    sd = facts.need("sd_y", row, "the population sd of y: its L2 part is divided by it")
    return sd * _sd_factor(row, row.y, facts)
