"""A problem in words: its prior and likelihood in short, its penalty, its columns; numbers to the digits they have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass

import numpy as np

from bayesreg.interfaces import Array, is_flat
from bayesreg.objective import Objective
from bayesreg.stacked import Stacked

MOST_NAMES = 6
"""Names of columns that are shown in one line."""


def short(value: object) -> str:
    """A prior or likelihood in short: numbers to five digits, a location only where it is not zero."""
    if isinstance(value, Stacked):
        keys = value.keys or ("",) * len(value.parts)
        parts = [
            (f"{key!r}: " if key else "") + short(prior) for key, (prior, _) in zip(keys, value.parts, strict=True)
        ]
        return f"{{{', '.join(parts)}}}"
    if not is_dataclass(value):
        return str(value)
    shown = []
    for field in fields(value):
        item = getattr(value, field.name)
        if not field.init or (field.name == "loc" and np.ndim(item) == 0 and item == 0):
            continue
        if isinstance(item, tuple):  # labels of groups
            shown.append(f"{len(set(item))} {field.name}")
            continue
        if isinstance(item, float):
            item = f"{item:.5g}"
        elif isinstance(item, np.ndarray):
            item = f"{item.min():.5g} to {item.max():.5g} by column"
        else:
            item = f"unknown, prior {short(item)}"
        shown.append(f"{field.name} {item}")
    return f"{type(value).__name__}({', '.join(shown)})" if shown else type(value).__name__


def counted(count: int, noun: str) -> str:
    """A number and its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def title(problem: Objective) -> str:
    """Likelihood × prior, and the size of the data."""
    return f"{short(problem.likelihood)} × {short(problem.prior)}, {problem.n} rows, {counted(problem.p, 'column')}"


def penalty_text(problem: Objective, *, note: str = "") -> str:
    """The penalised loss in its standard form with its λ; `note` says in which units the prior's scale is.

    The scale of the prior must be known.
    """
    if not problem.prior.rates(problem.p).any():
        return "none: the prior is flat"
    loss = "Σ (y − η)²/2σ²" if problem.likelihood.quadratic else "Σ nll"
    return f"{loss} + {problem.prior.describe(problem.p)}{note}"


def scale_text(problem: Objective) -> str:
    """The scale of the columns that the prior sees."""
    return "standardised columns (population sd)" if problem.design.standardized else "the data's own units"


def listed(columns: Sequence[str]) -> str:
    """Names of columns in one line."""
    if not columns:
        return "(none)"
    shown = ", ".join(map(str, columns[:MOST_NAMES]))
    return shown if len(columns) <= MOST_NAMES else f"{shown} and {len(columns) - MOST_NAMES} more"


def digits_of(sd: Array) -> Callable[[float], str]:
    """Format with two significant digits of the smallest sd, so that columns of numbers line up."""
    smallest = float(np.nanmin(sd)) if sd.size and np.isfinite(sd).any() else 1.0
    if not 1e-4 < smallest < 1e5:
        return lambda value: f"{value:.3g}"
    places = max(0, 1 - int(np.floor(np.log10(smallest))))
    return lambda value: f"{round(value, places) + 0.0:.{places}f}"  # + 0.0: no negative zero


def problem_facts(
    problem: Objective, fixed: Objective, *, scale_by_noise: bool, given: Sequence[str], notes: Sequence[str]
) -> list[tuple[str, str]]:
    """What a problem is made of, label by label; nothing is computed of its rows.

    Parameters
    ----------
    problem, fixed : Objective
        As it is, and with a known dispersion put into the prior's scale.
    scale_by_noise : bool
        Whether the prior's scale is in units of σ.
    given : sequence of str
        Which of weights, offset, exposure and trials the rows came with.
    notes : sequence of str
        What was found in the data.
    """
    n, p = problem.n, problem.p
    unit = ", its scale in units of σ" if scale_by_noise else ""
    held = (
        "none"
        if problem.intercept is None
        else "flat prior"
        if is_flat(problem.intercept)
        else short(problem.intercept)
    )
    found = [
        (
            "data",
            f"{n} row{'s' * (n != 1)} × {p} column{'s' * (p != 1)}" + (f", with {', '.join(given)}" if given else ""),
        ),
        ("likelihood", f"{short(problem.likelihood)}, {problem.likelihood.link} link"),
        ("prior", short(problem.prior) + unit if p else "none: there is no column"),
        ("intercept", held),
    ]
    if p:
        found.insert(1, ("columns", listed(problem.names)))
        found.insert(4, ("penalty", _penalty(fixed, scale_by_noise=scale_by_noise)))
        found.append(("scale", f"the prior sees {scale_text(problem)}"))
    return found + [("note", note) for note in notes]


def _penalty(fixed: Objective, *, scale_by_noise: bool) -> str:
    """The penalty with its λ, as far as that is known before any fit."""
    unknown = fixed.prior.hyperprior
    if unknown is not None:
        return f"no λ before the prior's scale is fixed: it is unknown, prior {short(unknown)}"
    note = ""
    if scale_by_noise:
        note = (
            " for β in units of σ" if fixed.likelihood.sigma_known is None else " (the prior's scale is in units of σ)"
        )
    return penalty_text(fixed, note=note)
