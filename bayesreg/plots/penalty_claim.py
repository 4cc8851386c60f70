"""What a penalty's picture claims: how the pull changes with the size, and what holds a coefficient at the kink."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.interfaces import Array
from bayesreg.plots.words import number, shorten

SAME = 1e-6
"""Relative difference within which pulls are the same, or in proportion."""


@final
@dataclass(frozen=True, slots=True)
class Slope:
    """One column of one prior: pen and its gradient on a grid, and the interval of the subdifferential at its kink."""

    label: str
    kind: str
    grid: Array
    penalty: Array
    gradient: Array
    location: float
    jump: tuple[float, float]


def claim_of(slopes: Sequence[Slope]) -> tuple[str, str]:
    """What the pull does with size, prior by prior, and what holds a coefficient at the kink."""
    if len(slopes) == 1:
        return f"The pull {_kind(slopes[0])}", _held(slopes[0])
    kinds = [slope.kind for slope in slopes]
    names = kinds if len(set(kinds)) == len(kinds) else [slope.label for slope in slopes]
    alike: dict[str, list[str]] = {}
    for name, slope in zip(names, slopes, strict=True):
        alike.setdefault(_kind(slope), []).append(f"{shorten(name, 2.0, bold=True)}'s")
    first, *others = [(" and ".join(who), kind) for kind, who in alike.items()]
    claim = "; ".join([f"{first[0]} pull {first[1]}", *(f"{who} {kind}" for who, kind in others)])
    held = [f"{_interval(slope)} of {name}" for name, slope in zip(names, slopes, strict=True) if _kinked(slope)]
    return claim, f"Pulls at the kink, which hold a coefficient there: {', '.join(held)}." if held else ""


def _kind(slope: Slope) -> str:
    """How the gradient changes with the distance from the location, on the side that more is seen of."""
    distance = slope.grid - slope.location
    seen = np.isfinite(slope.gradient) & (
        distance > 0 if (distance > 0).sum() >= (distance < 0).sum() else distance < 0
    )
    distance, pull = np.abs(distance[seen]), np.abs(slope.gradient[seen])
    if not pull.any():
        return "is zero: nothing is penalised"
    size = "size" if slope.location == 0 else f"distance from {number(slope.location)}"
    if np.ptp(pull) <= SAME * pull.max():
        return f"is the same at any {size}"
    rate = pull / distance
    if np.ptp(rate) <= SAME * rate.max():
        return f"grows in proportion to the {size}"
    return f"{'grows' if pull[distance.argmax()] > pull[distance.argmin()] else 'weakens'} with the {size}"


def _kinked(slope: Slope) -> bool:
    return slope.jump[0] < slope.jump[1]


def _interval(slope: Slope) -> str:
    """The subdifferential at the kink."""
    low, high = slope.jump
    return f"{number(low)} to {number(high)}" if np.isfinite([low, high]).all() else "without bound"


def _held(slope: Slope) -> str:
    if not _kinked(slope):
        return ""
    what = "anything from " if np.isfinite(slope.jump).all() else ""
    return f"At {number(slope.location)} the pull is {what}{_interval(slope)}: that holds a coefficient there."
