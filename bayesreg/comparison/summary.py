"""A comparison in words and aligned columns, for a terminal and for a notebook."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from bayesreg.comparison.result import Comparison
    from bayesreg.optimality import Optimum

MOST_ROWS = 40
"""Coefficients shown; the others are counted, and all are in `Comparison.coefficients`."""


def as_text(comparison: Comparison) -> str:
    """Return the summary as plain text."""
    c = comparison
    facts = _facts(c)
    width = max(len(label) for label, _ in facts)
    parts = [_title(c), "", *(f"  {label:<{width}}  {text}" for label, text in facts), ""]
    header, rows, left_out = _rows(c)
    parts += [_heading(c), "", *_aligned(header, rows)]
    parts += [f"  ... and {left_out} more, in .coefficients"] if left_out else []
    parts += ["", "What the point estimate discards" + _withheld(c), ""]
    parts += _aligned(("", "at the MAP", "posterior mean", "± Monte Carlo"), _ledger_rows(c))
    return "\n".join(parts) + "\n"


def as_html(comparison: Comparison) -> str:
    """Return the summary as HTML for a notebook."""
    c = comparison
    facts = "".join(
        f"<tr><th style='text-align:left'>{escape(label)}</th><td style='text-align:left'>{escape(text)}</td></tr>"
        for label, text in _facts(c)
    )
    header, rows, left_out = _rows(c)
    more = f"<p>... and {left_out} more, in <code>.coefficients</code></p>" if left_out else ""
    ledger = _html_table(("", "at the MAP", "posterior mean", "± Monte Carlo"), _ledger_rows(c))
    return (
        f"<h4>{escape(_title(c))}</h4><table>{facts}</table><p>{escape(_heading(c))}</p>{_html_table(header, rows)}{more}"
        f"<p>What the point estimate discards{escape(_withheld(c))}</p>{ledger}"
    )


def _title(c: Comparison) -> str:
    problem = c.problem
    return f"{_shown(problem.likelihood)} × {_shown(problem.prior)}, {problem.n} rows, {problem.p} columns"


def _shown(value: object) -> str:
    return repr(value).replace("FlatScale()", "flat").replace("Jeffreys()", "unknown, p(σ) ∝ 1/σ")


def _heading(c: Comparison) -> str:
    scale = "standardised columns (population sd)" if c.problem.design.standardized else "the data's own units"
    return f"Coefficients on the scale that the prior sees: {scale}" + (
        "; in the data's units: .coefficients, columns _raw" if c.problem.design.standardized else ""
    )


def _withheld(c: Comparison) -> str:
    return "" if c.passed else f" — WITHHELD, nothing may be concluded: {c.withheld}"


def _facts(c: Comparison) -> list[tuple[str, str]]:
    rate = c.problem.conditional(c.map.sigma).prior.rate(c.problem.p)
    facts = [("penalty", _penalty(c, rate))] if rate.size else []
    if c.map.sigma is not None:
        facts.append(("noise scale", f"MAP and penalised fit are {c.map.sigma_method}; the posterior integrates over σ"
                      if c.problem.likelihood.dispersion is not None else c.map.sigma_method))  # fmt: skip
    facts += [
        ("graph check", f"PyMC's logp + J is one constant to {c.graph_check.spread:.1e} over {c.graph_check.points} points"),
        ("MAP", _optimum(c.map)),
        ("penalised", _optimum(c.penalized)),
        ("same point", _agreement(c)),
        ("posterior", _posterior(c)),
    ]
    if c.problem.has_intercept:
        draws = c.posterior.intercept
        facts.append(("intercept", f"MAP {c.map.intercept:.5g}, posterior mean {draws.mean():.5g}, sd {draws.std():.2g}"))
    return facts + [("note", remark) for remark in c.remarks]


def _penalty(c: Comparison, rate: np.ndarray) -> str:
    kind = "|β|" if c.problem.prior.at_kink(c.problem.prior.location(c.problem.p)).any() else "β²"
    value = f"{rate[0]:.6g}" if np.ptp(rate) == 0 else f"{rate.min():.6g} to {rate.max():.6g}"
    loss = "Σ (y − η)²/2σ²" if c.problem.likelihood.quadratic else "Σ nll"
    scaled = " (the prior's scale is in units of σ)" if c.problem.scale_by_noise else ""
    if not rate.any():
        return "none: the prior is flat"
    return f"{loss} + λ Σ{kind} with λ = {value}{scaled}"


def _optimum(optimum: Optimum) -> str:
    certificate = optimum.certificate
    tied = f" (columns {', '.join(certificate.tied)})" if certificate.tied else ""
    zeros = int((optimum.zeros & (optimum.beta == 0)).sum())
    return (
        f"{optimum.outcome.value}{tied}; J = {optimum.objective:.6f} nats, KKT residual {certificate.kkt:.1e}, "
        f"duality gap {certificate.gap:.1e}, {zeros} exact zeros"
    )


def _agreement(c: Comparison) -> str:
    if not c.problem.p:
        return "no coefficients"
    largest = float(c.coefficients["difference"].abs().max())
    zeros = "the same exact zeros" if (c.map.zeros == c.penalized.zeros).all() else "DIFFERENT exact zeros"
    text = f"max |MAP − penalised| = {largest:.1e}, {zeros}"
    return f"yes: {text}" if c.agree else f"NO: {text}"


def _posterior(c: Comparison) -> str:
    chains, draws = c.posterior.beta.shape[:2]
    return f"{c.posterior.method} ({c.posterior.reason}), {chains} × {draws} draws: {c.posterior.verdict}"


def _rows(c: Comparison) -> tuple[tuple[str, ...], list[tuple[str, ...]], int]:
    table = c.coefficients
    if len(table) > MOST_ROWS:
        size = (table["mean"].abs() / table["sd"]).fillna(0.0)
        table = table.loc[size.sort_values(ascending=False).index[:MOST_ROWS]]
    percent = f"{100 * c.interval_prob:g} %"
    header = ("column", "MAP", "− penalised", "mean", "sd", f"{percent} interval", "P(β>0)", "P(|β|≤ε)", "zero margin")
    digits = _digits(table["sd"].to_numpy())
    rows = [
        (
            str(name),
            "0" if row["zero"] else digits(row["map"]),
            f"{row['difference']:.0e}",
            digits(row["mean"]),
            digits(row["sd"]),
            f"[{digits(row['lower'])}, {digits(row['upper'])}]",
            f"{row['p_positive']:.3f}",
            f"{row['p_small']:.3f}",
            "" if np.isnan(row["margin"]) else f"{row['margin']:.3f}",
        )
        for name, row in table.iterrows()
    ]
    return header, rows, len(c.coefficients) - len(table)


def _digits(sd: np.ndarray) -> Callable[[float], str]:
    """Format with two significant digits of the smallest posterior sd, so that columns line up."""
    smallest = float(np.nanmin(sd)) if sd.size and np.isfinite(sd).any() else 1.0
    if not 1e-4 < smallest < 1e5:
        return lambda value: f"{value:.3g}"
    places = max(0, 1 - int(np.floor(np.log10(smallest))))
    return lambda value: f"{round(value, places) + 0.0:.{places}f}"  # + 0.0: no negative zero


def _ledger_rows(c: Comparison) -> list[tuple[str, ...]]:
    return [
        (row["quantity"], f"{row['map']:.5g}", f"{row['posterior_mean']:.5g}",
         "" if np.isnan(row["mcse"]) else f"{row['mcse']:.1g}")
        for _, row in c.ledger.iterrows()
    ]  # fmt: skip


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return lines with the first column left and the others right."""
    cells = [header, *rows]
    widths = [max(len(row[j]) for row in cells) for j in range(len(header))]
    return [
        ("  " + "  ".join(f"{v:<{w}}" if j == 0 else f"{v:>{w}}" for j, (v, w) in enumerate(zip(row, widths, strict=True)))).rstrip()
        for row in cells
    ]  # fmt: skip


def _html_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
