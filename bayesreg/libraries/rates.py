"""The arithmetic of one row: from a library's numbers to λ₁, λ₂ in nats, and back: λ = k·s·v/c.

NumPy only, so that a conversion on the command line loads nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import ParameterError
from bayesreg.libraries.objective import LibraryObjective

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
        number = positive(name, value)
        if name == "n" and number != int(number):
            msg = f"n must be a whole number of rows (got {value!r})"
            raise ParameterError(msg)
        return number

    def total(self, row: LibraryObjective) -> float:
        """Σw, or n without weights."""
        if self.weights is not None:
            return float(self.weights.sum())
        return self.need("n", row, "the number of rows: its loss is a mean over them, so the prior depends on it")


def positive(name: str, value: object) -> float:
    """Return `value` as a float; raise ParameterError unless it is a finite number > 0."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | float | np.integer | np.floating):
        msg = f"{name} must be a number > 0 (got {value!r})"
        raise ParameterError(msg)
    if not 0 < value < math.inf:
        msg = f"{name} must be a finite number > 0 (got {value:g})"
        raise ParameterError(msg)
    return float(value)


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rates:
    """λ₁ and λ₂ in nats per unit and per unit squared: numbers, or one for each column.

    On the columns as the penalty sees them: divided by their population sd where the library standardises (in
    whatever way), as given where it does not.
    """

    l1: float | Array
    l2: float | Array
    standardized: bool

    def on(self, columns: str, sd: Array | None) -> Rates:
        """Return them for `columns` "given" or "standardized", β_standardized = sd·β_given; "library" changes nothing.

        Raises
        ------
        ParameterError
            If the sds are needed and missing.
        """
        if columns not in ("library", "given", "standardized"):
            msg = f"columns must be 'library', 'given' or 'standardized' (got {columns!r})"
            raise ParameterError(msg)
        wanted = self.standardized if columns == "library" else columns == "standardized"
        if wanted == self.standardized:
            return self
        if sd is None:
            seen = "standardised columns" if self.standardized else "the columns as given"
            msg = (
                f"columns={columns!r}: the penalty is on {seen}; pass sd=, the population sds, to say it on the others"
            )
            raise ParameterError(msg)
        factor = sd if self.standardized else 1 / sd
        return Rates(self.l1 * factor, self.l2 * factor**2, wanted)

    def reach(self, probability: float = 0.95) -> float | Array:
        """The size that a coefficient stays below with a probability under the prior ∝ exp(−λ₁|β| − λ₂β²).

        ∞ where neither is positive.
        """
        l1, l2 = np.broadcast_arrays(np.asarray(self.l1, dtype=float), np.asarray(self.l2, dtype=float))
        found = np.array([_reach(a, b, 1 - probability) for a, b in zip(l1.flat, l2.flat, strict=True)])
        return float(found[0]) if not l1.ndim else found


def _reach(l1: float, l2: float, tail: float) -> float:
    """The root q of P(|β| > q) = tail; with λ₂ > 0 that is erfc((a + q√2λ₂)/√2)/erfc(a/√2), a = λ₁/√2λ₂."""
    bounds = [-math.log(tail) / l1] if l1 > 0 else []
    if not l2 > 0:
        return bounds[0] if bounds else math.inf
    root = math.sqrt(2 * l2)
    a = l1 / root
    if a > STEEPEST:
        return bounds[0]
    low, high = 0.0, min([*bounds, 40.0 / root])
    whole = math.erfc(a / math.sqrt(2))
    for _ in range(100):
        middle = 0.5 * (low + high)
        above = math.erfc((a + middle * root) / math.sqrt(2)) > tail * whole
        low, high = (middle, high) if above else (low, middle)
    return 0.5 * (low + high)


STEEPEST = 30.0
"""λ₁/√2λ₂ from which the squared part moves the reach by less than a thousandth, and erfc comes near its smallest."""


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


def loss_multiplier(row: LibraryObjective, facts: Facts) -> float:
    """c = loss/per, the library's loss as a multiple of Σ w·nll."""
    constant, name, why = LOSSES[row.loss]
    value = 1.0
    if name:
        fact = facts.need(name, row, why)
        value = constant * (fact**2 if row.loss in ("half-rss", "rss") else fact)
    match row.per:
        case "rows":
            return value / facts.need("n", row, "the number of rows: its loss is a mean over them")
        case "weights":
            return value / facts.total(row)
        case "working":
            return value / facts.need("working_weights", row, "Σ of the IRLS weights at the fit")
    return value


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
        return math.sqrt(total / left)
    n = facts.need("n", row, "the number of rows: it standardises by another sd than the population's")
    if kind == "l2-norm":
        return math.sqrt(n)
    if n < 2:
        msg = f"{row.name}: one row has no sample sd (n = 1)"
        raise ParameterError(msg)
    return math.sqrt(n / (n - 1))


def _response_factor(row: LibraryObjective, facts: Facts) -> float:
    """What the L2 part is divided by."""
    if not row.y:
        return 1.0
    if row.y == "rms":
        return facts.need("rms_y", row, "√(mean y²): without an intercept its L2 part is divided by it")
    sd = facts.need("sd_y", row, "the population sd of y: its L2 part is divided by it")
    return sd * _sd_factor(row, row.y, facts)


def to_rates(row: LibraryObjective, given: Mapping[str, Any], facts: Facts) -> Rates:
    """λ₁ and λ₂ of a library's numbers, on the columns as its penalty sees them."""
    s1, s2 = _strengths(row, given)
    c = loss_multiplier(row, facts)
    scaled = standardises(row, given)
    v = column_factor(row, facts) if scaled else 1.0
    f1, f2 = _factors(row, given)
    l1 = row.k[0] * s1 * f1 * v / c
    any_l2 = np.any(np.asarray(s2) > 0)
    l2 = row.k[1] * s2 * f2 * v**2 / (c * _response_factor(row, facts)) if any_l2 else 0.0 * s2 * f2
    return Rates(_plain(l1), _plain(l2), scaled)


def from_rates(row: LibraryObjective, rates: Rates, given: Mapping[str, Any], facts: Facts) -> dict[str, Any]:
    """Return the library's numbers that make λ₁ and λ₂ on the columns as its penalty sees them."""
    for part, rate in (("l1", rates.l1), ("l2", rates.l2)):
        if row.only not in ("", part) and np.any(np.asarray(rate) > 0):
            msg = f"{row.name} has no {part.upper()} part"
            raise ParameterError(msg)
    c = loss_multiplier(row, facts)
    v = column_factor(row, facts) if standardises(row, given) else 1.0
    s1 = rates.l1 * c / (row.k[0] * v)
    any_l2 = np.any(np.asarray(rates.l2) > 0)
    s2 = rates.l2 * c * _response_factor(row, facts) / (row.k[1] * v**2) if any_l2 else 0.0 * np.asarray(rates.l2)
    numbers = _numbers(row, np.asarray(s1, dtype=float), np.asarray(s2, dtype=float))
    option = {} if row.option is None else {row.option[0]: given.get(row.option[0], row.option[1])}
    return {name: _plain(value) for name, value in numbers.items()} | option


def _strengths(row: LibraryObjective, given: Mapping[str, Any]) -> tuple[float | Array, float | Array]:
    """(s₁, s₂): the numbers of the L1 and the L2 part."""
    if row.l1:
        names = [name for name in (row.l1, row.l2) if name in given]
        if not names:
            msg = f"{row.name}: give {row.l1}=, {row.l2}= or both"
            raise ParameterError(msg)
        return _number(row, row.l1, given.get(row.l1, 0.0)), _number(row, row.l2, given.get(row.l2, 0.0))
    if row.strength not in given:
        msg = f"{row.name}: give {row.strength}="
        raise ParameterError(msg)
    s = _number(row, row.strength, given[row.strength])
    if row.power != 1:
        with np.errstate(divide="ignore"):
            s = np.asarray(s, dtype=float) ** row.power
        if not np.isfinite(s).all():
            msg = f"{row.name}: {row.strength} must be > 0 (got {given[row.strength]!r})"
            raise ParameterError(msg)
    if row.only:
        return (s, 0.0) if row.only == "l1" else (0.0, s)
    share = _share(row, given)
    if share is None:
        return 0.0, 0.0
    return s * share, s * (1 - share)


def _share(row: LibraryObjective, given: Mapping[str, Any]) -> float | None:
    """The share of L1 in the penalty; None where the penalty is turned off."""
    kind = given.get(row.chooser, row.chooser_default) if row.chooser else ""
    if kind in (None, "none"):
        return None
    if kind not in ("", "l1", "l2", "elasticnet"):
        msg = f"{row.name}: {row.chooser} must be 'l1', 'l2', 'elasticnet' or None (got {kind!r})"
        raise ParameterError(msg)
    if kind in ("l1", "l2"):
        return 1.0 if kind == "l1" else 0.0
    share = given.get(row.ratio, row.ratio_default)
    share = row.ratio_default if share is None else share
    if isinstance(share, bool) or not isinstance(share, int | float | np.floating) or not 0 <= share <= 1:
        msg = f"{row.name}: {row.ratio} must be a number between 0 and 1, the share of L1 (got {share!r})"
        raise ParameterError(msg)
    return float(share)


def _number(row: LibraryObjective, name: str, value: object) -> float | Array:
    """Return a strength: a number ≥ 0 (∞ for one whose inverse it is), or one a column where the row allows that."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        array = np.asarray(np.nan)
    if isinstance(value, bool) or not (array >= 0).all() or (row.power == 1 and not np.isfinite(array).all()):
        msg = f"{row.name}: {name} must be a finite number >= 0 (got {value!r})"
        raise ParameterError(msg)
    if array.ndim and not (row.by_column and array.ndim == 1):
        hint = f"; by column it takes {', '.join(row.factors)}" if row.factors else ""
        msg = f"{row.name}: {name} is one number for all columns (got shape {array.shape}{hint})"
        raise ParameterError(msg)
    return array if array.ndim else float(array)


def _factors(row: LibraryObjective, given: Mapping[str, Any]) -> tuple[float | Array, float | Array]:
    """Multipliers of the two parts by column."""
    found: list[float | Array] = []
    for name in row.factors:
        if given.get(name) is None:
            found.append(1.0)
            continue
        value = np.asarray(given[name], dtype=float)
        if value.ndim != 1 or not np.isfinite(value).all() or (value < 0).any() or not value.any():
            msg = f"{row.name}: {name} must be one number >= 0 for each column, not all 0 (got {given[name]!r})"
            raise ParameterError(msg)
        found.append(value / value.mean() if row.mean_one else value)
    return (found[0], found[-1]) if found else (1.0, 1.0)


def _numbers(row: LibraryObjective, s1: Array, s2: Array) -> dict[str, Any]:
    """The inverse of `_strengths` and `_factors`."""
    s1, s2 = np.broadcast_arrays(s1, s2)
    factors: dict[str, Any] = {}
    if s1.ndim and not row.by_column:
        if not row.factors:
            msg = (
                f"{row.name} has one strength for all columns, and the prior one a column: multiply the columns instead"
            )
            raise ParameterError(msg)
        s1, s2, factors = _factored(row, s1, s2)
    if row.l1:
        return {row.l1: s1, row.l2: s2} | factors
    total = s1 + s2
    share = _common_share(row, s1, total)
    with np.errstate(divide="ignore"):
        strength = total ** (1 / row.power)
    numbers: dict[str, Any] = {row.strength: strength}
    if row.chooser_default:
        numbers[row.chooser] = {1.0: "l1", 0.0: "l2"}.get(share, "elasticnet")
    if row.ratio:
        numbers[row.ratio] = share
    return numbers | factors


def _factored(row: LibraryObjective, s1: Array, s2: Array) -> tuple[Array, Array, dict[str, Any]]:
    """One strength for all columns, and the multipliers by column that go with it."""
    if len(row.factors) == 1:
        total = s1 + s2
        share = _common_share(row, s1, total)
        mean = np.asarray(total.mean())
        return mean * share, mean * (1 - share), {row.factors[0]: total / mean}
    parts = [(s.mean(), s / s.mean()) if s.any() else (0.0, np.ones_like(s)) for s in (s1, s2)]
    named = dict(zip(row.factors, (parts[0][1], parts[1][1]), strict=True))
    return np.asarray(parts[0][0]), np.asarray(parts[1][0]), named


def _common_share(row: LibraryObjective, s1: Array, total: Array) -> float:
    """The one ratio of L1 that all columns share."""
    if row.only:
        return 1.0 if row.only == "l1" else 0.0
    some = np.atleast_1d(total) > 0
    if not some.any():
        return row.ratio_default
    shares = np.atleast_1d(s1)[some] / np.atleast_1d(total)[some]
    if np.ptp(shares) > 1e-12:
        msg = f"{row.name} has one {row.ratio} for all columns, and the prior's ratio differs between them"
        raise ParameterError(msg)
    return float(shares[0])


def _plain(value: Any) -> Any:
    """A number where it is one."""
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        return value.item()
    return value
