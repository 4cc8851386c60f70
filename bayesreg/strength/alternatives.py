"""What every rule chooses, side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.samplers import prepare
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.choice import common_rate
from bayesreg.strength.cross_validation import pick, sentence
from bayesreg.strength.hierarchical import under_hyperprior

if TYPE_CHECKING:
    import pandas as pd

    from bayesreg.problem import Problem
    from bayesreg.strength.choice import Asked, ScaleChoice

Row = dict[str, Any]

CV = {"cv min": ("log_score", "min"), "cv 1se": ("log_score", "1se"), "cv squared error": ("squared_error", "min")}
"""Row -> loss and rule."""

HIERARCHICAL = ("hierarchical mean", "hierarchical median", "hierarchical mode")

COMPILED = ("nuts", "pymc")
"""Samplers that compile, which is more than a table is worth."""


def every_choice(asked: Asked, known: Mapping[str, Row]) -> pd.DataFrame:
    """Return the table: `known` rows as they are, the others computed."""
    import pandas as pd

    rows: dict[str, Row] = dict(known)
    if not rows.keys() >= CV.keys():
        rows |= _tried(lambda: cv_rows(_choose(asked, "cv")), tuple(CV))
    if "evidence" not in rows:
        rows |= _tried(lambda: _affordable(asked, "evidence"), ("evidence",))
    if not rows.keys() >= set(HIERARCHICAL):
        rows |= _tried(lambda: _affordable(asked, "hierarchical"), HIERARCHICAL)
    table = pd.DataFrame.from_dict({name: rows[name] for name in (*CV, "evidence", *HIERARCHICAL)}, "index")
    return table.rename_axis("rule")


def row(problem: Problem, family: ScaleFamily, scale: float, ends: tuple[float, float], said: str) -> Row:
    """One row."""
    rate = common_rate(problem, family, scale)
    return {"scale": scale, "lower": ends[0], "upper": ends[1], "lambda_": rate, "sentence": said}


def own_rows(choice: ScaleChoice) -> dict[str, Row]:
    """Return the rows that a choice knows: its own, and those of the same cross-validation."""
    if choice.by == "cv":
        return cv_rows(choice)
    return {"evidence": row_of(choice)} if choice.by == "evidence" else _hierarchical_rows(choice)


def row_of(choice: ScaleChoice) -> Row:
    """Return the row of a choice."""
    return row(choice.problem, choice.family, choice.scale, (choice.lower, choice.upper), choice.sentence)


def _hierarchical_rows(choice: ScaleChoice) -> dict[str, Row]:
    """Mean and mode beside the median: three summaries of one posterior."""
    assert choice.posterior is not None
    mean = float(choice.posterior.draws("beta_scale").mean())
    mode = _peak(np.log(choice.curve["scale"].to_numpy()), np.log(choice.curve["value"].to_numpy()))
    said = {
        "mean": (mean, f"scale = {mean:.4g}, the posterior mean"),
        "median": (choice.scale, choice.sentence),
        "mode": (mode, f"scale = {mode:.4g}, where the posterior density of log scale is highest"),
    }
    ends = choice.lower, choice.upper
    return {
        f"hierarchical {name}": row(choice.problem, choice.family, scale, ends, text)
        for name, (scale, text) in said.items()
    }


def _peak(t: Array, log_density: Array) -> float:
    """e^t at the top of the parabola through the highest point and its neighbours; an end, if it is one."""
    i = int(np.argmax(log_density))
    if i in (0, t.size - 1):
        return float(np.exp(t[i]))
    left, middle, right = log_density[i - 1 : i + 2]
    return float(np.exp(t[i] + 0.5 * (t[i + 1] - t[i]) * (right - left) / (2 * middle - left - right)))


def cv_rows(choice: ScaleChoice) -> dict[str, Row]:
    """Return the rows of both losses and rules, from one curve."""
    text = choice.sentence.partition(", chosen by ")[2].partition(" over ")[0]
    return {name: _cv_row(choice, text, loss, rule) for name, (loss, rule) in CV.items()}


def _cv_row(choice: ScaleChoice, text: str, loss: str, rule: str) -> Row:
    try:
        found = pick(choice.curve, loss, rule)
    except (FitError, ParameterError) as error:
        return _none(str(error))
    said = sentence(choice.curve, found, text, choice.family.name)
    return row(choice.problem, choice.family, found.scale, (found.lower, found.upper), said)


def _choose(asked: Asked, by: str) -> ScaleChoice:
    from bayesreg.strength.choose import OF_A_RULE, choose_by

    defaults = {name: default for name, (_, default) in OF_A_RULE.items()}
    return choose_by(
        asked.problem, by, {**defaults, **asked.options, "progress": None}, sigma=asked.sigma, seed=asked.seed
    )


def _affordable(asked: Asked, by: str) -> dict[str, Row]:
    """The rows of a rule that draws, unless it would have to compile."""
    family = ScaleFamily.of(asked.problem, by)
    problem = asked.problem.with_prior(family.at(1.0))
    if by == "hierarchical":
        problem = under_hyperprior(asked.problem, family, asked.options.get("hyperprior"))
    if by == "evidence" and not problem.likelihood.quadratic:  # which holds a dispersion
        problem = problem.conditional(problem.dispersion_guess())
    method = prepare(problem, asked.options.get("method", "auto"), 1).method
    if method in COMPILED:
        msg = f"not computed: {method} would compile a sampler; ask for it by choose_scale(problem, by={by!r})"
        raise FitError(msg)
    return own_rows(_choose(asked, by))


def _tried(compute: Callable[[], dict[str, Row]], names: tuple[str, ...]) -> dict[str, Row]:
    """The rows, or where there is no such choice rows that say why."""
    try:
        return compute()
    except (FitError, ParameterError) as error:
        return dict.fromkeys(names, _none(str(error)))


def _none(why: str) -> Row:
    return {"scale": math.nan, "lower": math.nan, "upper": math.nan, "lambda_": math.nan, "sentence": why}
