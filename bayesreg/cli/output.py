"""Aligned tables, wrapped lines, and values that JSON can hold."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 110
"""Columns of text before a line is wrapped."""


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


def wrapped(text: str, indent: str = "  ") -> list[str]:
    """Return lines of at most `WIDTH` columns, those after the first indented further; words stay whole."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def plain(value: Any) -> Any:
    """JSON-ready values; what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(key): plain(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
