"""How large an effect is: what counts as small, and what a change of a column does, in words."""

from __future__ import annotations

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem

SMALL = 0.1
"""Default ε: this fraction of the scale of η, per sd of the column (Kruschke 2018, AMPPS 1:270–280)."""


def small_effect(problem: Problem, epsilon: float | Array | None, argument: str = "epsilon") -> Array:
    """Return ε (p,) up to which an effect counts as small, on the scale that the prior sees.

    Raises
    ------
    ParameterError
        If `epsilon` is neither None nor one number ≥ 0, or one a column; it is called `argument` there.
    """
    if epsilon is None:
        sd = problem.column_sd()
        return np.asarray(SMALL * problem.response_sd() / np.where(sd > 0, sd, 1.0))
    try:
        values = np.broadcast_to(np.asarray(epsilon, dtype=float), (problem.p,))
    except (TypeError, ValueError):
        values = np.full(1, np.nan)
    if not (np.isfinite(values) & (values >= 0)).all():
        msg = f"{argument} must be one number >= 0, or one for each of the {problem.p} columns (got {epsilon!r})"
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
