"""What a fitted estimator assumed, in one paragraph, in the units of its columns and of the raw ones."""

from __future__ import annotations

import numpy as np

from bayesreg.auditing.columns import Columns
from bayesreg.auditing.estimators import Reading
from bayesreg.effects import bounded_move, unit_of
from bayesreg.interfaces import Array
from bayesreg.libraries.objective import LibraryObjective
from bayesreg.priors import Flat
from bayesreg.problem import Problem


def paragraph(
    reading: Reading, row: LibraryObjective, columns: Columns, problem: Problem, noise: str, response: str, reach: Array
) -> str:
    """Say which prior was assumed: the objective, the prior, and what it says of the effects of the columns."""
    sentences = [
        _objective(reading, row, columns, problem, noise),
        *_effects(reading, columns, problem, response, reach),
    ]
    return " ".join(sentences)


def _objective(reading: Reading, row: LibraryObjective, columns: Columns, problem: Problem, noise: str) -> str:
    where = f"what {' → '.join(columns.steps)} makes of the columns" if columns.steps else "the columns as given"
    weights = problem.design.rows.collect().weights
    rows = f"n = {problem.n}" if weights is None else f"n = {problem.n} (Σw = {weights.sum():.6g})"
    given = f"With {rows}{f' and {noise},' if noise else ''}"
    if isinstance(problem.prior, Flat):
        return f"{reading.title} minimises {row.formula}: there is no penalty, and the prior is flat."
    penalty = problem.prior.describe(problem.p)
    return (
        f"{reading.title} minimises {row.formula}. {given} that is −log posterior with the penalty {penalty}: "
        f"{_prior_text(problem)} on the coefficients of {where}. {_intercept(problem)}"
    )


def _prior_text(problem: Problem) -> str:
    """The prior with its scale, as people write it."""
    elastic = problem.prior.elastic(problem.p)
    if elastic is None:
        return repr(problem.prior)
    lasso, ridge = elastic.l1.any(), elastic.l2.any()
    with np.errstate(divide="ignore"):
        scale = 1 / elastic.l1 if lasso else 1 / np.sqrt(2 * elastic.l2)
    size = f"{scale.min():.4g}" if np.ptp(scale) <= 1e-12 * scale.max() else f"{scale.min():.4g} to {scale.max():.4g}"
    if lasso and ridge:
        return f"an elastic-net prior (λ₁ = {elastic.l1.max():.4g}, λ₂ = {elastic.l2.max():.4g})"
    return f"a Laplace prior with b = {size}" if lasso else f"a Gaussian prior with sd τ = {size}"


def _intercept(problem: Problem) -> str:
    if problem.intercept is None:
        return "There is no intercept."
    if isinstance(problem.intercept, Flat):
        return "The intercept is free."
    return f"The intercept is penalised too: {problem.intercept!r}."


def _effects(reading: Reading, columns: Columns, problem: Problem, response: str, reach: Array) -> list[str]:
    """What a change by one sd, and by one raw unit, may do according to the prior."""
    moving = np.flatnonzero(np.isfinite(reach) & (reach > 0))
    if not moving.size:
        return []
    first = int(moving[np.argmax(np.abs(reading.beta[moving]) * reach[moving])])
    name = columns.names[first]
    moves = _moves(reading, problem, response, reach[first])
    text = f"So you assumed that a 1-sd change in {name} {moves} with probability 0.95"
    if np.ptp(reach[moving]) <= 1e-6 * reach[moving].max():
        same = ", and so of every other column" if moving.size > 1 else ""
        sentences = [f"{text}{same}."]
    else:
        widest, narrowest = (int(moving[pick(reach[moving])]) for pick in (np.argmax, np.argmin))
        sd = problem.column_sd()[moving]
        cause = (
            "The prior is not the same for all columns"
            if np.ptp(sd) <= 1e-6 * sd.max()
            else "The columns have different sds, so the prior says different things of them"
        )
        span = " to ".join(f"{reach[j]:.3g} for {columns.names[j]}" for j in (narrowest, widest))
        sentences = [f"{text}. {cause}: from {span}{unit_of(problem.likelihood.link)}."]
    return sentences + _raw_units(columns, problem, reach, first)


def _moves(reading: Reading, problem: Problem, response: str, reach: float) -> str:
    subject = f"{response} = {reading.classes[1]}" if problem.likelihood.link == "logit" else response
    return bounded_move(problem.likelihood.link, subject, reach)


def _raw_units(columns: Columns, problem: Problem, reach: Array, first: int) -> list[str]:
    """The same per unit of the raw column, where there is one."""
    source, slope = columns.sources[first], columns.slopes[first]
    sd = float(problem.column_sd()[first])
    if not source or not sd > 0:
        return []
    unit = abs(float(slope)) / sd
    scaled = (
        f" (it enters divided by {1 / abs(slope):.4g})" if columns.steps and not np.isclose(abs(slope), 1.0) else ""
    )
    return [f"Per unit of {source}{scaled} that is {reach[first] * unit:.3g}{unit_of(problem.likelihood.link)}."]
