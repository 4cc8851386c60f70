"""A notebook's HTML, read strictly: tags that match, no script, no colour, a scope for every header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

ALLOWED = {
    "div": {"class", "style"},
    "p": set(),
    "strong": set(),
    "table": {"style"},
    "caption": {"style"},
    "thead": set(),
    "tbody": set(),
    "tr": set(),
    "th": {"scope", "style"},
    "td": {"style"},
    "details": set(),
    "summary": set(),
}
"""Tag -> attributes: all of them survive the sanitisers of JupyterLab, and of GitHub but for the styles."""

INSIDE = {"tr": {"thead", "tbody"}, "th": {"tr"}, "td": {"tr"}, "caption": {"table"}, "summary": {"details"}}
"""Tag -> what it must stand in."""


@dataclass
class Page:
    """Text of a page, its tables row by row, and the summaries of what is folded away."""

    text: str = ""
    tables: list[list[list[str]]] = field(default_factory=list)
    captions: list[str] = field(default_factory=list)
    folded: list[str] = field(default_factory=list)
    at_once: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.page = Page()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert tag in ALLOWED, f"<{tag}>"
        assert set(given) <= ALLOWED[tag], (tag, given)
        assert tag != "th" or given["scope"] in ("row", "col")
        assert not re.search(r"(color|background|url|position)", given.get("style") or ""), given
        assert self.open or tag == "div"
        assert tag not in INSIDE or self.open[-1] in INSIDE[tag]
        self.open.append(tag)
        if tag == "table":
            self.page.tables.append([])
        elif tag == "tr":
            self.page.tables[-1].append([])
        elif tag in ("th", "td"):
            self.page.tables[-1][-1].append("")
        elif tag == "caption":
            self.page.captions.append("")
        elif tag == "summary":
            self.page.folded.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.page.text += {"p": "\n", "tr": "\n", "caption": "\n", "summary": "\n", "th": " ", "td": " "}.get(tag, "")

    def handle_data(self, data: str) -> None:
        self.page.text += data
        if "details" not in self.open:
            self.page.at_once += data
        for tag in reversed(self.open):
            if tag in ("th", "td"):
                self.page.tables[-1][-1][-1] += data
            elif tag == "caption":
                self.page.captions[-1] += data
            elif tag == "summary":
                self.page.folded[-1] += data


def read(html: str) -> Page:
    """Return what a page says; fail unless it is well-formed."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert not reader.open
    assert html.count("<div") == html.count("</div")
    for table in reader.page.tables:
        assert len({len(row) for row in table}) == 1, table
    return reader.page
