"""The arithmetic of one row: from a library's numbers to λ₁, λ₂ in nats, and back: λ = k·s·v/c.

NumPy only, so that a conversion on the command line loads nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.libraries.facts import Array, Facts, column_factor, loss_multiplier, response_factor, standardises
from bayesreg.libraries.objective import LibraryObjective
from bayesreg.libraries.strengths import factors_of, numbers_of, plain, strengths


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
        pairs, place = np.unique(np.column_stack([l1.ravel(), l2.ravel()]), axis=0, return_inverse=True)
        found = np.array([_reach(float(a), float(b), 1 - probability) for a, b in pairs])[np.ravel(place)]
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


def to_rates(row: LibraryObjective, given: Mapping[str, Any], facts: Facts) -> Rates:
    """λ₁ and λ₂ of a library's numbers, on the columns as its penalty sees them."""
    s1, s2 = strengths(row, given)
    c = loss_multiplier(row, facts)
    scaled = standardises(row, given)
    v = column_factor(row, facts) if scaled else 1.0
    f1, f2 = factors_of(row, given)
    l1 = row.k[0] * s1 * f1 * v / c
    any_l2 = np.any(np.asarray(s2) > 0)
    l2 = row.k[1] * s2 * f2 * v**2 / (c * response_factor(row, facts)) if any_l2 else 0.0 * s2 * f2
    return Rates(plain(l1), plain(l2), scaled)


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
    s2 = rates.l2 * c * response_factor(row, facts) / (row.k[1] * v**2) if any_l2 else 0.0 * np.asarray(rates.l2)
    numbers = numbers_of(row, np.asarray(s1, dtype=float), np.asarray(s2, dtype=float))
    option = {} if row.option is None else {row.option[0]: given.get(row.option[0], row.option[1])}
    return {name: plain(value) for name, value in numbers.items()} | option
