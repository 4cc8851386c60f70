"""How large an effect is: what counts as small, and what a change of a column does, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem

SMALL = 0.1
"""Default ε: this fraction of the scale of η, per sd of the column (Kruschke 2018, AMPPS 1:270–280)."""


def small_effect(
    problem: Problem,
    epsilon: float | Array | Mapping[str, float] | None = None,
    argument: str = "epsilon",
    *,
    raw: float | Array | Mapping[str, float] | None = None,
) -> Array:
    """Return ε (p,) up to which an effect counts as small, on the scale that the prior sees.

    Parameters
    ----------
    problem : Problem
    epsilon : float, array (p,), mapping of column name to float, or None
        ε on that scale.  Columns that a mapping leaves out have the default: `SMALL` times the scale of η (the sd of y;
        π/√3 for a logit, 1 for a log link) per sd of the column.
    argument : str
        What `epsilon` is called in an error.
    raw : float, array (p,), mapping of column name to float, or None
        ε in the data's units instead: the effect on η of one unit of the column as it was given.

    Raises
    ------
    ParameterError
        If both are given, or one is none of these: every ε is a number ≥ 0.
    """
    if raw is None:
        return _per_column(problem, epsilon, argument, _default(problem))
    if epsilon is not None:
        msg = f"{argument} and {argument}_raw are the same number in two units (both were given): leave one of them out"
        raise ParameterError(msg)
    scale = problem.design.scale
    return _per_column(problem, raw, f"{argument}_raw", _default(problem) / scale) * scale


def _default(problem: Problem) -> Array:
    sd = problem.column_sd()
    return np.asarray(SMALL * problem.response_sd() / np.where(sd > 0, sd, 1.0))


def _per_column(
    problem: Problem, given: float | Array | Mapping[str, float] | None, argument: str, default: Array
) -> Array:
    """One value a column, of one number, of one a column, or by name."""
    if given is None:
        return default
    value: object = given
    if isinstance(given, Mapping):
        unknown = [name for name in given if name not in problem.names]
        if unknown:
            msg = f"{argument} names {unknown[0]!r}, which is no column ({', '.join(problem.names[:12])})"
            raise ParameterError(msg)
        value = [given.get(name, size) for name, size in zip(problem.names, default, strict=True)]
    try:
        values = np.broadcast_to(np.asarray(value, dtype=float), (problem.p,))
    except (TypeError, ValueError):
        values = np.full(1, np.nan)
    if not (np.isfinite(values) & (values >= 0)).all():
        msg = (
            f"{argument} must be one number >= 0, one for each of the {problem.p} columns, or a mapping from their "
            f"names (got {given!r})"
        )
        raise ParameterError(msg)
    return values


def bounded_move(link: str, response: str, reach: float) -> str:
    """Say that η moves by less than `reach`, as what that does to the mean of the response (a class, for a logit)."""
    if link == "logit":
        odds = f" (the odds by a factor between {np.exp(-reach):.3g} and {np.exp(reach):.3g})" if reach < 50 else ""
        return f"moves the log-odds of {response} by less than {reach:.3g}{odds}"
    if link == "log":
        factor = np.exp(min(reach, 700.0))
        return f"multiplies the mean of {response} by a factor between {1 / factor:.3g} and {factor:.3g}"
    return f"moves {response} by less than {reach:.3g}"


def unit_of(link: str) -> str:
    """Where the numbers live, if not on the response's own scale."""
    return {"logit": " in log-odds", "log": " in the log of the mean"}.get(link, "")
