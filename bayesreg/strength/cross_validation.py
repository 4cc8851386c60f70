"""The prior scale whose MAP predicts held-out rows best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np

from bayesreg.errors import FamilyError, FitError, InputError, ParameterError
from bayesreg.evidence import natural_scale
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.choice import ScaleChoice, plug_in
from bayesreg.strength.folds import Folds, read_folds
from bayesreg.strength.held_out import Losses, held_out, standardizes
from bayesreg.strength.training_path import default_scales

if TYPE_CHECKING:
    import pandas as pd

GRID = 40
SMOOTH_GRID = 20
"""Values for a prior without a kink, whose curve has no corners to miss."""

LOSSES = {
    "log_score": ("value", "error", "log score"),
    "squared_error": ("squared_error", "squared_error_se", "squared error"),
}
"""Loss -> its columns in the curve, and its name."""

RULES = ("min", "1se")


@final
@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What `choose_scale` was asked for, where the rule is cross-validation."""

    scales: object = None
    folds: object = 5
    repeats: object = None
    groups: object = None
    loss: object = "log_score"
    rule: object = "min"


def cross_validation(
    problem: Problem, setting: Setting, *, sigma: float | str | None = None, seed: int = 0
) -> ScaleChoice:
    """Choose a scale by held-out loss; see `choose_scale`."""
    for name, value, allowed in (("loss", setting.loss, LOSSES), ("rule", setting.rule, RULES)):
        if not isinstance(value, str) or value not in allowed:
            msg = f"choose_scale: {name} must be one of {', '.join(allowed)} (got {value!r})"
            raise ParameterError(msg)
    family = ScaleFamily.of(problem, "cross-validation")
    held = held_dispersion(problem, family, sigma)
    # In units of σ the prior at s is, at that σ, the plain one at s·σ.
    factor = held if problem.scale_by_noise and held is not None else 1.0
    fixed = problem.with_prior(family.at(1.0)).conditional(held).with_prior(family.at(1.0))
    elastic = family.at(1.0).elastic(problem.p)
    cheap = fixed.likelihood.quadratic and elastic is not None
    folds = read_folds(problem.design.rows.collect(), setting.folds, setting.repeats, setting.groups, seed, cheap=cheap)
    if setting.scales is None:
        kinked = np.isfinite(family.at(1.0).kink(problem.p).loc).any()
        scales = default_scales(fixed, family, GRID if kinked else SMOOTH_GRID)
    else:
        scales = read_scales(setting.scales) * factor
    refit = fixed.likelihood.quadratic and problem.likelihood.sigma_known is None
    curve = curve_of(_each_fold(fixed, family, scales, folds, refit=refit), scales / factor, folds)
    chosen = pick(curve, str(setting.loss), str(setting.rule))
    said = sentence(curve, chosen, folds.text, family.name)
    if problem.likelihood.sigma_known is None and held is not None:
        said += f", at {problem.likelihood.dispersion_name} = {held:.4g}"
    return ScaleChoice(
        problem=problem.with_prior(family.at(chosen.scale)), family=family, by="cv", scale=chosen.scale,
        lower=chosen.lower, upper=chosen.upper, error=0.0, curve=curve, sentence=said, sigma=sigma, seed=seed,
    )  # fmt: skip


def held_dispersion(problem: Problem, family: ScaleFamily, sigma: float | str | None) -> float | None:
    """Return the dispersion that an unknown one is held at, at a prior as wide as the response.

    Cross-validated MAPs that minimise over σ too are not offered: "joint" is the default plug-in under Gaussian noise.
    """
    unit = problem.with_prior(family.at(natural_scale(problem, family, "cross-validation")))
    return plug_in(unit, None if sigma == "joint" else sigma)


def read_scales(scales: object) -> Array:
    """Return given scales, ascending and without repetition."""
    try:
        values = np.unique(np.asarray(scales, dtype=float))
    except (TypeError, ValueError):
        values = np.zeros(0)
    if not values.size or not (np.isfinite(values) & (values > 0)).all():
        msg = f"choose_scale: scales must hold finite numbers > 0 (got {scales!r})"
        raise ParameterError(msg)
    return values


def _each_fold(fixed: Problem, family: ScaleFamily, scales: Array, folds: Folds, *, refit: bool) -> list[Losses]:
    standardize = standardizes(fixed)
    found = []
    for k, split in enumerate(folds.splits):
        try:
            found.append(held_out(fixed, family, scales, split, standardize=standardize, refit=refit))
        except (FitError, FamilyError, InputError) as error:
            msg = (
                f"cross-validation: without the {split[1].size} rows of fold {k + 1} of {len(folds.splits)} there is "
                f"no finite optimum ({error}); give other folds (stratified ones, or fewer), or a scale"
            )
            raise FitError(msg) from error
    return found


# -- from the losses of the folds to a choice --------------------------------------------------------------------------


def curve_of(found: Sequence[Losses], scales: Array, folds: Folds) -> pd.DataFrame:
    """Return the mean losses over all held-out rows, and their standard errors over the folds of one division."""
    import pandas as pd

    weight = np.array([one.weight for one in found])
    weight = weight / weight.sum()

    def summed(parts: Array) -> tuple[Array, Array]:
        mean = weight @ parts
        if len(found) == 1:
            return mean, np.full(mean.size, np.nan)
        with np.errstate(invalid="ignore"):
            variance = weight @ (parts - mean) ** 2 * len(found) / (len(found) - 1)
        return mean, np.sqrt(variance / folds.independent)

    value, error = summed(np.array([one.nll for one in found]))
    squared, squared_se = summed(np.array([one.squared for one in found]))
    nonzero = np.mean([one.nonzero for one in found], axis=0)
    columns = {"scale": scales, "value": value, "error": error}
    return pd.DataFrame({**columns, "squared_error": squared, "squared_error_se": squared_se, "nonzero": nonzero})


@final
@dataclass(frozen=True, slots=True, eq=False)
class Picked:
    """A point of the curve, the range that its loss does not tell it from, and by what loss and rule."""

    scale: float
    lower: float
    upper: float
    loss: str
    rule: str


def pick(curve: pd.DataFrame, loss: str, rule: str) -> Picked:
    """Return the scale of least mean loss, or the strongest penalty within one standard error of it.

    Raises
    ------
    FitError
        If the loss is finite at no scale.
    ParameterError
        If there is one fold, so that there is no standard error.
    """
    value, error, called = LOSSES[loss]
    scales, losses, errors = (curve[name].to_numpy() for name in ("scale", value, error))
    if not np.isfinite(losses).any():
        msg = f"cross-validation: the held-out {called} is finite at no scale; give a known sigma, or another loss"
        raise FitError(msg)
    best = int(np.argmin(np.where(np.isfinite(losses), losses, np.inf)))
    if not np.isfinite(errors[best]):
        if rule == "1se":
            msg = "choose_scale: rule='1se' needs a standard error, and so two folds or more (got one)"
            raise ParameterError(msg)
        return Picked(float(scales[best]), np.nan, np.nan, loss, rule)
    near = scales[losses <= losses[best] + errors[best]]
    return Picked(float(near[0] if rule == "1se" else scales[best]), float(near[0]), float(near[-1]), loss, rule)


def sentence(curve: pd.DataFrame, chosen: Picked, text: str, name: str) -> str:
    """Return how a point of the curve was chosen."""
    scales = curve["scale"].to_numpy()
    rule = "the least mean held-out" if chosen.rule == "min" else "the strongest within one standard error of the least"
    end = ""
    if scales.size > 1 and chosen.scale in (scales[0], scales[-1]):
        end = f" (the end of the grid: the {'strongest' if chosen.scale == scales[0] else 'weakest'} penalty tried)"
    return (
        f"{name} = {chosen.scale:.4g}, chosen by {text} over {scales.size} values, {rule} {LOSSES[chosen.loss][2]}{end}"
    )
