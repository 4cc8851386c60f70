"""A comparison in words and aligned columns, for a terminal; its facts and cells are a notebook's too."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.comparison.sections import sections, withheld
from bayesreg.comparison.tables import shown_coefficients
from bayesreg.in_words import digits_of, penalty_text, scale_text, title
from bayesreg.noise import SYMBOLS

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.comparison.result import Comparison
    from bayesreg.optimum import Optimum

WIDTH = 110
"""Columns of text before a line is wrapped."""

MOST_ROWS = 40
"""Coefficients shown; the others are counted, and all are in `Comparison.coefficients`."""


def as_text(comparison: Comparison) -> str:
    """Return the summary as plain text."""
    c = comparison
    header, rows, left_out = coefficient_rows(c)
    parts = [title(c.problem), "", *_paragraphs(facts(c)), "", heading(c), "", *_aligned(header, rows)]
    parts += [f"  ... and {left_out} more, in .coefficients"] if left_out else []
    if not c.passed:
        return "\n".join([*parts, "", *textwrap.wrap(withheld(c), WIDTH)]) + "\n"
    parts += _sensitivity_text(c)
    for section in sections(c):
        parts += ["", section.title, ""]
        parts += [line for said in section.said for line in _wrapped(said)]
        parts += ["", *_aligned(section.header, section.rows)] if section.rows else []
    return "\n".join(parts) + "\n"


def _wrapped(said: str) -> list[str]:
    return textwrap.wrap(said, WIDTH, initial_indent="  ", subsequent_indent="  ")


SENSITIVITY = "Under half, once and twice the prior's scale b: posterior mean ± sd"


def _sensitivity_text(c: Comparison) -> list[str]:
    table = sensitivity_cells(c)
    return [] if table is None else ["", SENSITIVITY, "", *_aligned(*table)]


def sensitivity_cells(c: Comparison, most: int = MOST_ROWS) -> tuple[tuple[str, ...], list[tuple[str, ...]]] | None:
    """Header and rows of the columns shown in the coefficient table."""
    if c.sensitivity is None:
        return None
    table = c.sensitivity.loc[[row[0] for row in coefficient_rows(c, most)[1]]]
    scales = [name.removeprefix("mean at ") for name in table.columns if name.startswith("mean at ")]
    rows = [
        (str(name), *(f"{row[f'mean at {s}']:.3g} ± {row[f'sd at {s}']:.2g}" for s in scales))
        for name, row in table.iterrows()
    ]
    return ("column", *scales), rows


def _paragraphs(told: Sequence[tuple[str, str]]) -> list[str]:
    """Labelled facts, wrapped with a hanging indent."""
    width = max(len(label) for label, _ in told) + 4
    return [
        line
        for label, text in told
        for line in textwrap.wrap(text, WIDTH, initial_indent=f"  {label}".ljust(width), subsequent_indent=" " * width)
    ]


def heading(c: Comparison) -> str:
    """Say on which scale the coefficients are."""
    scale = scale_text(c.problem)
    if c.audited is not None and c.audited.steps:
        scale = f"what {' → '.join(c.audited.steps)} makes of the columns"
    return f"Coefficients on the scale that the prior sees: {scale}" + (
        "; in the data's units: .coefficients, columns _raw" if c.problem.design.standardized else ""
    )


def facts(c: Comparison) -> list[tuple[str, str]]:
    """Return what was assumed, and how each of the three answers was had, label by label."""
    told = [] if c.audited is None else [("your prior", c.audited.assumed), ("your fit", c.audited.verdict)]
    told += [("penalty", _penalty(c))] if c.problem.p else []
    if c.map.sigma is not None:
        likelihood = c.problem.likelihood
        symbol = SYMBOLS.get(likelihood.dispersion_name or "", "the dispersion")
        integrated = f"MAP and penalised fit are {c.map.sigma_method}; the posterior integrates over {symbol}"
        what = "noise scale" if likelihood.location_scale else "dispersion"
        told.append((what, c.map.sigma_method if likelihood.dispersion is None else integrated))
    told += [
        (
            "graph check",
            f"PyMC's logp + J is one constant to {c.graph_check.spread:.1e} over {c.graph_check.points} points",
        ),
        ("MAP", _optimum(c.map)),
        ("penalised", _optimum(c.penalized)),
        ("same point", _agreement(c)),
        ("posterior", _posterior(c)),
    ]
    if c.problem.has_intercept and c.passed:
        draws = c.posterior.intercept
        told.append(
            ("intercept", f"MAP {c.map.intercept:.5g}, posterior mean {draws.mean():.5g}, sd {draws.std():.2g}")
        )
    if c.problem.p:
        epsilon = c.coefficients["epsilon"]
        value = (
            f"{epsilon.iloc[0]:.4g}"
            if np.allclose(epsilon, epsilon.iloc[0])
            else f"{epsilon.min():.4g} to {epsilon.max():.4g} by column"
        )
        told.append(("small", f"an effect with |β| ≤ ε counts as small: ε = {value}"))
    traps = () if c.audited is None else c.audited.notes
    return told + [("note", remark) for remark in (*c.remarks, *traps)]


def _penalty(c: Comparison) -> str:
    note = " (the prior's scale is in units of σ)" if c.problem.scale_by_noise else ""
    return penalty_text(c.problem.conditional(c.map.sigma), note=note)


def _optimum(optimum: Optimum) -> str:
    certificate = optimum.certificate
    tied = f" (columns {', '.join(certificate.tied)})" if certificate.tied else ""
    given = "" if np.isnan(certificate.dispersion_residual) else " at this dispersion"
    gap = f"duality gap {certificate.gap:.1e}{given}, " if certificate.convex else ""
    searched = f"; {optimum.search}" if optimum.search else ""
    zeros = int((optimum.zeros & (optimum.beta == 0)).sum())
    return (
        f"{optimum.outcome.value}{tied}; J = {optimum.objective:.6f} nats, KKT residual {certificate.kkt:.1e}, "
        f"{gap}{zeros} exact zeros{searched}"
    )


def _agreement(c: Comparison) -> str:
    if not c.problem.p:
        return "no coefficients"
    largest = float(c.coefficients["difference"].abs().max())
    text = f"max |MAP − penalised| = {largest:.1e}, {c.zeros_text}"
    return f"yes: {text}" if c.agree else f"NO: {text}"


def _posterior(c: Comparison) -> str:
    chains, draws = c.posterior.beta.shape[:2]
    cut = ", interrupted" if c.posterior.interrupted else ""
    return f"{c.posterior.method} ({c.posterior.reason}), {chains} × {draws} draws{cut}: {c.posterior.verdict}"


ELSEWHERE = ("− optimum", "− penalised", "bits", "P(β ≤ MAP)", "zero's margin")
"""Columns that a brief table of coefficients leaves out."""


def coefficient_rows(
    c: Comparison, most: int = MOST_ROWS, *, brief: bool = False
) -> tuple[tuple[str, ...], list[tuple[str, ...]], int]:
    """Return header and rows of the coefficients, and how many rows are left out.

    What a failed gate withholds has no column.  Of more than `most` coefficients the most certain ones are shown,
    those of largest |mean|/sd.
    """
    optima, posterior = not c.optima_withheld, c.posterior.verdict.passed
    table = shown_coefficients(c.coefficients, optima=optima, posterior=posterior)
    if len(table) > most:
        size = (table["mean"] / table["sd"] if posterior else table["map"]).abs().fillna(0.0)
        table = table.loc[size.sort_values(ascending=False).index[:most]]
    digits = digits_of(table["sd"].to_numpy() if posterior else c.coefficients["sd"].to_numpy())
    columns: dict[str, list[str]] = {"column": [str(name) for name in table.index], **_audited_cells(c, table, digits)}
    columns |= _optima_cells(table, digits) if optima else {}
    columns |= _posterior_cells(table, digits, c.interval_prob) if posterior else {}
    if optima and posterior:
        columns["P(β ≤ MAP)"] = [f"{v:.3f}" for v in table["map_quantile"]]
    if optima and table["margin"].notna().any():
        columns["zero's margin"] = ["" if np.isnan(v) else f"{v:.3f}" for v in table["margin"]]
    kept = {name: cells for name, cells in columns.items() if not (brief and name in ELSEWHERE)}
    rows = [tuple(cells) for cells in zip(*kept.values(), strict=True)]
    return tuple(kept), rows, len(c.coefficients) - len(table)


def _optima_cells(table: pd.DataFrame, digits: Callable[[float], str]) -> dict[str, list[str]]:
    return {
        "MAP": ["0" if zero else digits(v) for zero, v in zip(table["zero"], table["map"], strict=True)],
        "− penalised": [f"{v:.0e}" for v in table["difference"]],
    }


def _posterior_cells(table: pd.DataFrame, digits: Callable[[float], str], probability: float) -> dict[str, list[str]]:
    return {
        "mean": [digits(v) for v in table["mean"]],
        "sd": [digits(v) for v in table["sd"]],
        f"{100 * probability:g} % interval": [
            f"[{digits(a)}, {digits(b)}]" for a, b in zip(table["lower"], table["upper"], strict=True)
        ],
        "P(β>0)": [f"{v:.3f}" for v in table["p_positive"]],
        "P(|β|≤ε)": [f"{v:.3f}" for v in table["p_small"]],
        "bits": ["" if np.isnan(v) else f"{v:.2f}" for v in table["bits"]],
    }


def _audited_cells(c: Comparison, table: pd.DataFrame, digits: Callable[[float], str]) -> dict[str, list[str]]:
    """The audited coefficients, where there are any."""
    if c.audited is None:
        return {}
    yours = c.audited.table.loc[table.index]
    return {
        "yours": ["0" if v == 0 else digits(v) for v in yours["audited"]],
        "− optimum": [f"{v:.0e}" for v in yours["error"]],
    }


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column left and the others right."""
    cells = [header, *rows]
    widths = [max(len(row[j]) for row in cells) for j in range(len(header))]
    lines = []
    for row in cells:
        first, *others = (f"{v:>{w}}" for v, w in zip(row, widths, strict=True))
        lines.append("  ".join(["", f"{row[0]:<{len(first)}}", *others]).rstrip())
    return lines
