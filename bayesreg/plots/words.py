"""Names, numbers and sentences as the pictures write them: cut, wrapped, and with no character that cannot be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

TEXT = 8.0
"""Font size in points: legible where a column of 3.5 inches is printed at its own size."""

TITLE = 9.5

SHORTEST, LONGEST = 6, 200
"""Characters of a name that are left at least, and looked at at most."""


def number(value: float) -> str:
    """Two significant digits, with a real minus sign; no powers of ten up to a million."""
    text = f"{value:.2g}"
    if "e" in text and 1 <= abs(value) < 1e6:
        text = f"{float(text):.0f}"
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share of the draws; the ends are not claimed beyond what thousands of draws can tell."""
    if share < 0.001:
        return "under 0.1\u00a0%"
    if share > 0.999:
        return "over 99.9\u00a0%"
    digits = 1 if share < 0.01 or share > 0.99 else 0
    return f"{100 * share:.{digits}f}\u00a0%"


def drawable(text: str) -> str:
    """Text without what the fonts have no glyph for, which would be drawn as boxes: such characters by their code.

    Characters that break or hide text (line breaks, controls) become spaces; a font set in Matplotlib's `font.family`
    that has a character draws it.
    """
    if text.isascii() and text.isprintable():
        return text
    from matplotlib import rcParams

    settings: Any = rcParams
    named = tuple(name for family in settings["font.family"] for name in settings.get(f"font.{family}", [family]))
    known = _glyphs(named)
    shown = [" " if not ch.isprintable() else ch if ord(ch) in known else f"\\u{ord(ch):04x}" for ch in text]
    return "".join(shown)


@cache
def _glyphs(families: tuple[str, ...]) -> frozenset[int]:
    """Characters that some installed font of these families has."""
    from matplotlib.font_manager import findfont, get_font

    found: set[int] = set()
    for family in families:
        try:
            found |= set(get_font(findfont(family, fallback_to_default=False)).get_charmap())
        except ValueError:  # not installed
            continue
    return frozenset(found or get_font(findfont("DejaVu Sans")).get_charmap())


def inches_of(text: str, size: float = TEXT, *, bold: bool = False) -> float:
    """Width of one line of text in the font that Matplotlib will use, with room for hinting at screen resolution."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(size=size, weight="bold" if bold else "normal")
    return 1.06 * float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0]) / 72


def shorten(name: str, inches: float, size: float = TEXT, *, bold: bool = False, head: float = 0.5) -> str:
    """Cut the middle out of a name that is too long; `head` is the share of what stays that comes from its start."""
    name = drawable(name)
    if inches_of(name, size, bold=bold) <= inches:
        return name
    low, high = SHORTEST, min(len(name), LONGEST) - 1
    while low < high:  # the most characters that fit
        keep = (low + high + 1) // 2
        low, high = (keep, high) if inches_of(_cut(name, keep, head), size, bold=bold) <= inches else (low, keep - 1)
    return _cut(name, max(low, SHORTEST), head)


def _cut(name: str, keep: int, head: float) -> str:
    start = int(head * keep)
    return f"{name[:start]}…{name[len(name) - (keep - start) :]}"


def shorten_all(names: Sequence[str], inches: float) -> list[str]:
    """Shorten names such that they stay distinct, if any cut does that."""
    for head in (0.5, 0.75, 0.25, 0.0):
        short = [shorten(name, inches, head=head) for name in names]
        if len(set(short)) == len(set(names)):
            return short
    return [
        name if inches_of(name) <= inches else f"{shorten(name, inches - 0.3)} ({row + 1})"
        for row, name in enumerate(names)
    ]


def wrap(text: str, inches: float, size: float = TEXT, *, bold: bool = False) -> str:
    """Break lines at spaces to fit a width; a no-break space holds, and a line break stays."""
    if "\n" in text:
        return "\n".join(wrap(line, inches, size, bold=bold) for line in text.split("\n"))
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and inches_of(longer, size, bold=bold) <= inches:
            lines[-1] = longer
        else:
            lines.append(word)
    return "\n".join(lines)
