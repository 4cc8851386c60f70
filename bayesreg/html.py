"""HTML for notebooks: escaped text, facts, tables, and what is folded away.

Everything that comes in as `str` is text and is escaped; `Html` is what these functions made, and is put together as it
is.  There are no scripts and no style sheets, so that it survives the sanitisers of JupyterLab and GitHub, and no
colours: text and lines take those of the notebook's theme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NewType

Html = NewType("Html", str)
"""Markup whose text has been escaped."""

NO_MATHS = "tex2jax_ignore mathjax_ignore"
"""Classes by which MathJax leaves dollar signs in column names alone."""

LINE = "border-bottom:1px solid"
CAPTION = "caption-side:top;text-align:left;padding:0.2em 0"
PLACE = "padding:0.15em 0.6em"
FACT = f"text-align:left;vertical-align:top;{PLACE}"
WORDS = f"text-align:left;{PLACE}"
NUMBERS = f"text-align:right;white-space:nowrap;{PLACE}"
TABLE = "border-collapse:collapse;margin-bottom:0.8em;font-variant-numeric:tabular-nums"
"""Styles.  A line without a colour takes that of the text."""


def block(*parts: Html) -> Html:
    """Return the whole of what an object shows."""
    return Html(f'<div class="{NO_MATHS}">{"".join(parts)}</div>')


def paragraph(text: str) -> Html:
    """Return a paragraph."""
    return Html(f"<p>{escape(text)}</p>")


def heading(text: str) -> Html:
    """Return a line in bold; a heading proper would be listed among the notebook's own."""
    return Html(f"<p><strong>{escape(text)}</strong></p>")


def preformatted(text: str) -> Html:
    """Return text whose lines and spaces stay as they are."""
    return Html(f'<pre style="overflow-x:auto">{escape(text)}</pre>')


def verdict(word: str, text: str) -> Html:
    """Return a status, told by its first word and not by a colour, and what it rests on."""
    return Html(f"<p><strong>{escape(word)}</strong> {escape(text)}</p>")


def facts(pairs: Iterable[tuple[str, str]], caption: str = "") -> Html:
    """Return labelled facts, one a row, and what is said above them; empty where there is none."""
    rows = "".join(
        f'<tr><th scope="row" style="{FACT}">{escape(label)}</th><td style="{FACT}">{escape(text)}</td></tr>'
        for label, text in pairs
    )
    return Html(f'<table style="{TABLE}">{_caption(caption)}<tbody>{rows}</tbody></table>' if rows else "")


def table(
    header: Sequence[str], rows: Sequence[Sequence[str]], caption: str = "", *, words: Sequence[str] = ()
) -> Html:
    """Return a table whose first column names its rows; too wide a one scrolls.

    Parameters
    ----------
    header : sequence of str
        One a column; empty where what the cells are needs no word.
    rows : sequence of sequence of str
        Cells, as many a row as there are columns.
    caption : str
        Said above it.
    words : sequence of str
        Columns, by their header, that hold words rather than numbers.
    """
    styles = [WORDS if j == 0 or name in words else NUMBERS for j, name in enumerate(header)]
    head = "".join(
        f'<th scope="col" style="{style};{LINE}">{escape(name)}</th>' if name else f'<td style="{LINE}"></td>'
        for name, style in zip(header, styles, strict=True)
    )
    body = "".join(f"<tr>{_cells(row, styles)}</tr>" for row in rows)
    return Html(
        f'<div style="overflow-x:auto"><table style="{TABLE}">{_caption(caption)}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _caption(text: str) -> str:
    return f'<caption style="{CAPTION}">{escape(text)}</caption>' if text else ""


def _cells(row: Sequence[str], styles: Sequence[str]) -> str:
    first, *others = (f' style="{style}">{escape(cell)}' for cell, style in zip(row, styles, strict=True))
    return f'<th scope="row"{first}</th>' + "".join(f"<td{cell}</td>" for cell in others)


def details(summary: str, *parts: Html) -> Html:
    """Return parts that are folded away until they are asked for; empty where all of them are."""
    inside = "".join(parts)
    return Html(f"<details><summary>{escape(summary)}</summary>{inside}</details>" if inside else "")
