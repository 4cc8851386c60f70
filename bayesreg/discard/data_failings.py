"""Data that leave the answer to the prior: separated, more columns than rows, columns that hardly narrow it."""

from __future__ import annotations

from typing import Any

import numpy as np

from bayesreg.discard.lint_case import Case, Lint, listed
from bayesreg.discard.separated import find_separation
from bayesreg.rows import is_sparse

HARDLY_NARROWED = 0.8
"""Posterior sd over prior sd from which the data say little of a column: at 0.8 they are worth 0.3 bits."""

HARDLY_MOVED = 1.0
"""|posterior mean − prior mean| in prior sds up to which that is so: under a prior with exponential tails a clear
effect can be as wide as the prior, far out."""


def separated(case: Case) -> Lint | None:
    """Columns that separate the data: the likelihood has no maximum, and only the prior keeps the estimate finite."""
    found = find_separation(case.problem)
    if found is None:
        return None
    how = "completely" if found.complete else "but for ties"
    return Lint(
        "separation",
        f"a combination of {listed(found.columns)} separates the data ({how}): without the prior the estimate would "
        "be infinite, so that its size is the prior's choice",
        {"columns": float(len(found.columns)), "complete": float(found.complete)},
        "Say what size of effect is plausible, scale_for(problem, ...), and show the answer under other scales too",
    )


def prior_driven(case: Case) -> Lint | None:
    """Columns of which the data say little: the posterior is nearly as wide as the prior, and not far from it."""
    problem, beta = case.problem, case.posterior.beta
    prior_sd = np.sqrt(case.prior.variance(problem.p))
    sd = beta.std(axis=(0, 1), ddof=1)
    ratio = sd / prior_sd  # 0 where the prior is improper
    away = np.abs(beta.mean(axis=(0, 1)) - case.prior.location(problem.p))
    driven = np.flatnonzero((ratio >= HARDLY_NARROWED) & (away <= HARDLY_MOVED * prior_sd))
    if not driven.size:
        return None
    order = driven[np.argsort(-ratio[driven], kind="stable")]
    j = int(order[0])
    error = float(case.errors(((beta[..., j] - beta[..., j].mean()) / sd[j]) ** 2)) * float(ratio[j]) / 2
    return Lint(
        "prior-driven columns",
        f"of {driven.size} of {problem.p} columns ({listed(tuple(problem.names[k] for k in order))}) the data say "
        f"little: the posterior sd is at least {HARDLY_NARROWED:g} of the prior's, {ratio[j]:.2f} ± {error:.1g} for "
        f"{problem.names[j]!r}",
        {"columns": float(driven.size), "ratio": float(ratio[j]), "ratio_mcse": error},
        "Report these as not learnt from the data; more rows that vary in them, or a prior with reasons, would help",
    )


def more_columns_than_rows(case: Case) -> Lint | None:
    """More columns than rows: in the directions that no row sees, the posterior is the prior."""
    problem, beta = case.problem, case.posterior.beta
    block = problem.design.rows.collect()
    counts = np.ones(block.y.size, dtype=bool) if block.weights is None else block.weights > 0
    n = int(counts.sum())
    if problem.p <= n:
        return None
    rank = _rank(block.X[counts], centred=problem.flat_intercept)
    ratio = beta.std(axis=(0, 1), ddof=1) / np.sqrt(case.prior.variance(problem.p))
    typical = float(np.median(ratio))
    return Lint(
        "more columns than rows",
        f"{problem.p} columns for {n} rows: the likelihood speaks of {rank} directions, and is flat along the other "
        f"{problem.p - rank}, where the prior alone decides; the posterior sd is {typical:.2f} of the prior's in the "
        "middle column",
        {"columns": float(problem.p), "rows": float(n), "rank": float(rank), "middle_sd_ratio": typical},
        "Trust predictions of rows like these before single coefficients, and see how they move with the prior's scale",
    )


def _rank(X: Any, *, centred: bool) -> int:
    """Rank of rows (n, p) with n < p, by their products; about their mean where there is a flat intercept."""
    products = (X @ X.T).toarray() if is_sparse(X) else X @ X.T
    if centred:
        products = products - products.mean(axis=0)
        products = products - products.mean(axis=1, keepdims=True)
    values = np.linalg.eigvalsh(products)
    return int((values > max(X.shape) * np.finfo(float).eps * max(values[-1], 0.0)).sum())
