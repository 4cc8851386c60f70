"""The table in words: λ₁ and λ₂ as formulas in a library's own names, and the whole as lines or Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from bayesreg.libraries.objective import LibraryObjective, table

PER = {"sum": "", "rows": "n", "weights": "N", "working": "Σω"}
LOSS = {
    "nll": [], "half-rss": ["σ²"], "rss": ["2", "σ²"], "half-deviance": ["φ"], "absolute": ["s"], "pinball": ["s"],
    "huber": ["2", "s"], "rms": ["σ"],
}  # fmt: skip
HALVES = {1.0: [], 0.5: ["2"], 0.25: ["4"]}
WIDTH = {"given": "", "sd": "sd", "sd1": "sd₁", "sd1-rows": "sd₁", "l2-norm": "‖x‖"}
RESPONSE = {"": "", "sd": "sd(y)", "sd1": "sd₁(y)", "rms": "rms(y)"}

LEGEND = (
    "n rows, N = Σw (n without weights), σ noise sd, φ dispersion, s scale of the noise, sd population sd of each "
    "column, sd₁ sample sd, Σω sum of IRLS weights"
)


def rate_texts(row: LibraryObjective) -> tuple[str, str]:
    """λ₁ and λ₂ as formulas; "0" where the library has no such part, "none" where no prior corresponds."""
    if row.none:
        return "none", "none"
    return _rate(row, 1), _rate(row, 2)


def _rate(row: LibraryObjective, part: int) -> str:
    """k·s·v/c in symbols."""
    if row.only == f"l{3 - part}":
        return "0"
    name = (row.l1, row.l2)[part - 1] or row.strength
    above, below = [PER[row.per]], [*LOSS[row.loss]]
    (above if row.power > 0 else below).append(f"{name}²" if row.power == -2 else name)
    if row.ratio:
        above.append(row.ratio if part == 1 else f"(1−{row.ratio})")
    if row.factors:
        above.append(row.factors[0 if part == 1 else -1])
    k = row.k[part - 1]
    if k in HALVES:
        below = [*HALVES[k], *below]
    else:
        above.insert(0, "√2")
    width = WIDTH[row.columns]
    above.append(width and f"{width}{'' if part == 1 else '²'}")
    if part == 2:
        below.append(RESPONSE[row.y])
    return _fraction([t for t in above if t], _doubled([t for t in below if t]))


def _doubled(factors: list[str]) -> list[str]:
    """Two factors 2 as one 4."""
    return ["4", *[f for f in factors if f != "2"]] if factors.count("2") == 2 else factors


def _fraction(above: list[str], below: list[str]) -> str:
    over = "·".join(above) or "1"
    if not below:
        return over
    under = "".join(below[:1]) if len(below) == 1 else f"({'·'.join(below)})"
    return f"{over}/{under}"


def columns_text(row: LibraryObjective) -> str:
    """What the penalty sees, in words."""
    if row.columns == "given":
        return "as given"
    by = {"sd": "population sd", "sd1": "sample sd", "sd1-rows": "sample sd", "l2-norm": "l2 norm"}[row.columns]
    if row.option is None:
        return f"always divided by their {by}"
    name, default = row.option
    return f"divided by their {by} {f'unless {name}=False' if default else f'with {name}=True'}"


def error_text(value: float | None) -> str:
    """Largest error of a coefficient at some tolerance."""
    return "" if value is None else f"{value:.0e}".replace("e-0", "e-").replace("0e+00", "0")


HEAD = ("library", "λ₁", "λ₂", "columns", "intercept", "weights", "tight", "default")


def cells(row: LibraryObjective) -> tuple[str, ...]:
    """One row of the whole table."""
    l1, l2 = rate_texts(row)
    tight = error_text(row.tight) if row.verified else "not run"
    columns = "" if row.none or row.family == "prior" else columns_text(row)
    intercept = "" if row.none or row.family == "prior" else row.intercept
    weights = "" if row.none or row.weights == "none" else row.weights
    return row.name, l1, l2, columns, intercept, weights, tight, error_text(row.default)


def markdown() -> str:
    """The whole table as Markdown, a section a library, with what to know of each row."""
    parts: list[str] = []
    for key in dict.fromkeys(row.library for row in table().values()):
        rows = [row for row in table().values() if row.library == key]
        parts += [f"### {rows[0].title} ({rows[0].version})", "", *_markdown_table(rows), ""]
        notes = [f"- `{row.name}`: {row.none or row.note}." for row in rows if row.none or row.note]
        parts += [*notes, ""] if notes else []
    return "\n".join(parts).rstrip() + "\n"


def _markdown_table(rows: Iterable[LibraryObjective]) -> list[str]:
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for row in rows:
        name, l1, l2, *others = cells(row)
        shown = [f"`{name}`", *(text if text in ("0", "none") else f"`{text}`" for text in (l1, l2)), *others]
        lines.append(f"| {' | '.join(shown)} |")
    return lines
