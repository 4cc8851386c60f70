"""A posterior in a notebook: the verdict first and, if it passed, the marginals with their Monte Carlo errors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bayesreg import html
from bayesreg.diagnostics import mcse_mean
from bayesreg.html import Html
from bayesreg.in_words import digits_of, scale_text, title
from bayesreg.interfaces import Array

if TYPE_CHECKING:
    from bayesreg.samplers.posterior import Posterior

MOST_ROWS = 12
"""Coefficients shown; the others are counted."""

INTERVAL = (0.025, 0.975)
"""Ends of the central 95 % interval."""

HIDDEN = ("beta", "beta_raw", "intercept_raw")
"""Variables that have no row of their own."""


def as_html(posterior: Posterior) -> Html:
    """Return what a notebook shows."""
    s = posterior
    word, _, told = str(s.verdict).partition(" ")
    if s.verdict.passed:
        word, told = "Passed:", told.removeprefix("(").removesuffix(")")
    chains, draws = s.beta.shape[:2]
    drawn = f"{chains} chain{'s' * (chains != 1)} × {draws} draws" + (", interrupted" if s.interrupted else "")
    parts = [
        html.heading(title(s.problem)),
        html.verdict(word, told),
        html.facts([("method", f"{s.method} ({s.reason})"), ("draws", drawn)], "How it was drawn"),
    ]
    if not s.verdict.passed:
        return html.block(*parts, html.verdict("WITHHELD:", "means, sds and intervals; the draws are in .data"))
    return html.block(*parts, *_marginals(s))


def _marginals(s: Posterior) -> list[Html]:
    """One row a scalar, and one each of the coefficients whose sign is surest: those of largest |mean|/sd."""
    scalars = [(_label(name), values) for name, values in s.arrays.items() if name not in HIDDEN and values.ndim == 2]
    p = s.beta.shape[2]
    shown = np.arange(p)
    if p > MOST_ROWS:
        size = np.abs(s.beta.mean(axis=(0, 1))) / np.maximum(s.beta.std(axis=(0, 1)), np.finfo(float).tiny)
        shown = np.argsort(-size, kind="stable")[:MOST_ROWS]
    labels = [*(label for label, _ in scalars), *(s.problem.names[j] for j in shown)]
    if not labels:
        return []
    draws = np.concatenate([*(values[..., None] for _, values in scalars), s.beta[..., shown]], axis=-1)
    header = ("variable", "mean", "± Monte Carlo", "sd", "95 % interval")
    caption = f"Coefficients on the scale that the prior sees: {scale_text(s.problem)}"
    units = "; in the data's units: .summary(raw=True)" if s.problem.design.standardized else ""
    table = html.table(header, _rows(labels, draws, independent=s.independent), f"{caption}{units}")
    return [table, *([html.paragraph(f"... and {p - MOST_ROWS} more of {p}, in .summary()")] if p > MOST_ROWS else [])]


def _label(name: str) -> str:
    """A scalar's name, which a column may have too."""
    return f"({name})"


def _rows(labels: list[str], draws: Array, *, independent: bool) -> list[tuple[str, ...]]:
    """Cells of draws (chain, draw, scalar), each row with two digits of its sd."""
    mean, sd = draws.mean(axis=(0, 1)), draws.std(axis=(0, 1), ddof=1)
    error = mcse_mean(draws, independent=independent)
    lower, upper = np.quantile(draws, INTERVAL, axis=(0, 1))
    rows: list[tuple[str, ...]] = []
    for j, label in enumerate(labels):
        digits = digits_of(sd[j : j + 1])
        interval = f"[{digits(lower[j])}, {digits(upper[j])}]"
        rows.append((label, digits(mean[j]), f"{error[j]:.1g}", digits(sd[j]), interval))
    return rows
