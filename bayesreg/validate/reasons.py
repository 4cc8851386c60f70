"""Reasons for which there is no result, counted by what they have in common."""

from __future__ import annotations

import re
from collections.abc import Iterable

NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)*(?:e[-+]?\d+)?")


def alike(reason: str) -> str:
    """The same for reasons that differ in their numbers alone."""
    return NUMBER.sub("#", reason)


def tallied(reasons: Iterable[str]) -> dict[str, int]:
    """How often each was given; of those that are alike the first is told, in full."""
    said: dict[str, str] = {}
    counts: dict[str, int] = {}
    for reason in reasons:
        first = said.setdefault(alike(reason), reason)
        counts[first] = counts.get(first, 0) + 1
    return counts
