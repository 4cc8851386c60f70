"""Separated data: only the prior keeps the estimate finite, so that its size is the prior's choice."""

from __future__ import annotations

from bayesreg.existence import Separation, separation
from bayesreg.problem import Problem


def find_separation(problem: Problem) -> Separation | None:
    """Separation of the data, where only the prior keeps the estimate finite; None where the data do, or none is."""
    if problem.likelihood.quadratic or problem.prior.hyperprior is not None or not problem.p:
        return None
    return separation(problem.conditional(problem.dispersion_guess()))


def separation_remark(found: Separation) -> str:
    """The finding, and what it means, for the reader."""
    names = ", ".join(map(repr, found.columns[:4])) + (", ..." if len(found.columns) > 4 else "")
    how = "separated" if found.complete else "separated but for ties"
    return (
        f"the data are {how} by a combination of {names}: without a prior the estimate would be infinite, so that its "
        "size is the prior's choice, not the data's; see how it moves with the prior's scale below"
    )
