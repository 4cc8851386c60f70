"""What a page of the report is made of: chapters of blocks, which the template turns into HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True, slots=True)
class Said:
    """Paragraphs; `kind` is "plain", "lead" or "withheld"."""

    lines: tuple[str, ...]
    kind: str = "plain"
    block: str = "said"


@final
@dataclass(frozen=True, slots=True)
class Facts:
    """Terms and what is said of each."""

    rows: tuple[tuple[str, str], ...]
    block: str = "facts"


@final
@dataclass(frozen=True, slots=True)
class Table:
    """A table; the first column heads its rows.  `note` stands below it."""

    caption: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    block: str = "table"


@final
@dataclass(frozen=True, slots=True)
class Gate:
    """One check: what it is of, whether it passed (None: there was nothing to check), and what it found."""

    name: str
    passed: bool | None
    found: str


@final
@dataclass(frozen=True, slots=True)
class Gates:
    """The checks, side by side."""

    gates: tuple[Gate, ...]
    block: str = "gates"


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the source of an <img>, and in words for those who do not see it."""

    source: str
    claim: str
    detail: str
    width: int
    height: int
    block: str = "picture"


@final
@dataclass(frozen=True, slots=True)
class Gallery:
    """Pictures side by side where there is room."""

    pictures: tuple[Picture | Said, ...]
    block: str = "gallery"


@final
@dataclass(frozen=True, slots=True)
class Code:
    """Text to be copied."""

    text: str
    label: str
    block: str = "code"


@final
@dataclass(frozen=True, slots=True)
class Interactive:
    """Where the λ explorer stands; `fallback` is shown where there is no JavaScript."""

    data: str
    fallback: Gallery
    block: str = "interactive"


@final
@dataclass(frozen=True, slots=True)
class Details:
    """Blocks that are folded away until asked for."""

    title: str
    blocks: tuple[Block, ...]
    block: str = "details"


Block = Said | Facts | Table | Gates | Picture | Gallery | Code | Interactive | Details


@final
@dataclass(frozen=True, slots=True)
class Chapter:
    """A heading and what stands under it; `anchor` is its place in the page."""

    anchor: str
    title: str
    blocks: Sequence[Block]
