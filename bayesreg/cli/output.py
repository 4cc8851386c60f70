"""Aligned tables, and values that JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Return lines in columns, the first `left` of them and the last flush left, the others flush right."""
    lines = [header, *rows]
    widths = [max(len(line[j]) for line in lines) for j in range(len(header))]
    last = len(header) - 1
    return [
        "  "
        + "  ".join(
            f"{cell:<{width}}" if j < left or j == last else f"{cell:>{width}}"
            for j, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def plain(value: Any) -> Any:
    """JSON-ready values; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
