"""One fold: the scale chosen, the mode found and the posterior drawn on the fitted rows; the others predicted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.discard.gate import withheld_by
from bayesreg.discard.predictive import Cloud, cloud_of, joined, log_density_of, rows_of, say_at, say_from_draws
from bayesreg.discard.scores import HeldOut
from bayesreg.errors import FamilyError, FitError, InputError
from bayesreg.evidence import evidence_scale
from bayesreg.interfaces import Array, Block
from bayesreg.optimum import Optimum, Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.samplers.settings import Interrupted
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength import choose_scale
from bayesreg.strength.folds import Folds, Index
from bayesreg.strength.held_out import chosen_rows, training_problem
from bayesreg.strength.hierarchical import under_hyperprior

MOST_DRAWS = 4000
"""Draws, about, that rows are predicted from; more are thinned."""

CELLS = 2_000_000
"""Rows × draws that are worked on at once."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What `kfold` was asked for, checked."""

    problem: Problem
    by: str | None
    folds: Folds
    labels: Array | None
    sigma: float | str | None
    method: str
    draws: int
    standardize: bool


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """What was said of one fold's rows: by the three predictors, with the errors of the sums, at which scale.

    `failed` says why nothing may be concluded; empty where every gate passed.
    """

    said: tuple[HeldOut, HeldOut, HeldOut]
    scale: float
    failed: str
    interrupted: bool


def predict_fold(asked: Asked, k: int, seed: np.random.SeedSequence) -> Fold:
    """Return what is said of the rows that fold k holds out, from the others; an error says which fold.

    Raises
    ------
    FitError
        If the fitted rows have no mode, no proper posterior or no best scale.
    """
    test = asked.folds.splits[k][1]
    try:
        return _fold(asked, k, seed)
    except (FitError, FamilyError, InputError) as error:
        if isinstance(error, Interrupted):
            raise
        msg = (
            f"kfold: the {test.size} rows of fold {k + 1} of {len(asked.folds.splits)} cannot be predicted from the "
            f"others ({error}); give other folds (stratified ones, or more), or another prior"
        )
        raise FitError(msg) from error


def _fold(asked: Asked, k: int, seed: np.random.SeedSequence) -> Fold:
    block = asked.problem.design.rows.collect()
    fitted, held = asked.folds.splits[k]
    train = training_problem(asked.problem, chosen_rows(block, fitted), standardize=asked.standardize)
    train.likelihood.check(train.design.rows.collect(), train.intercept)
    choosing, drawing, predicting = seed.spawn(3)
    model, scale = _with_scale(asked, train, fitted, int(choosing.generate_state(1)[0]))
    posterior = sample(model, asked.method, asked.draws, seed=drawing)
    if model.prior.hyperprior is not None:
        scale = float(np.median(posterior.draws("beta_scale")))
        model = model.with_prior(model.prior.at(scale))
    point = fit_penalized(model, asked.sigma)
    rows = chosen_rows(block, held)
    if asked.standardize:
        rows = rows.transformed(train.design.centre, train.design.scale, consumed=True)
    said = _say(posterior, point, rows.collect(), np.random.default_rng(predicting))
    return Fold(said, scale, _failed(posterior, point), posterior.interrupted)


def _with_scale(asked: Asked, train: Problem, fitted: Index, seed: int) -> tuple[Problem, float]:
    """The problem of the fitted rows under the prior chosen there, and its scale (NaN where that is not a choice)."""
    if asked.by is None:
        return train, float("nan")
    family = ScaleFamily.of(train, "kfold")
    if asked.by == "hierarchical":
        return under_hyperprior(train, family, None), float("nan")
    if asked.by == "evidence":
        scale = evidence_scale(train, seed=seed, sigma=asked.sigma).scale
    else:
        labels = None if asked.labels is None else asked.labels[fitted]
        scale = choose_scale(train, "cv", sigma=asked.sigma, seed=seed, groups=labels).scale
    return train.with_prior(family.at(scale)), scale


def _failed(posterior: Posterior, point: Optimum) -> str:
    reasons = [withheld_by(posterior)]
    if point.outcome is Outcome.NOT_CERTIFIED:
        reasons.append("the mode is not certified")
    return "; ".join(reason for reason in reasons if reason)


def _say(
    posterior: Posterior, point: Optimum, held: Block, rng: np.random.Generator
) -> tuple[HeldOut, HeldOut, HeldOut]:
    """What the mode, the mean and the mixture say of the held-out rows, with the Monte Carlo errors of the sums."""
    cloud = cloud_of(posterior, MOST_DRAWS)
    size, problem = cloud.theta.shape[0], posterior.problem
    theta = problem.join(point.intercept, point.beta)
    parts: list[list[HeldOut]] = [[], [], []]
    influences = np.zeros((2, size))
    step = max(1, CELLS // size)
    for i in range(0, held.y.size, step):
        part = rows_of(held, np.arange(i, min(i + step, held.y.size)))
        m = part.y.size
        even = np.full((m, size), 1 / size)
        found = say_from_draws(problem, part, cloud, log_density_of(problem, part, cloud), even, rng)
        parts[0].append(say_at(problem, part, np.tile(theta, (m, 1)), point.sigma, rng, size))
        parts[1].append(found.mean)
        parts[2].append(found.full)
        influences += np.stack([found.mean_influence, found.full_influence])
    return _with_errors(parts, influences, cloud)


def _with_errors(parts: list[list[HeldOut]], influences: Array, cloud: Cloud) -> tuple[HeldOut, HeldOut, HeldOut]:
    mean, full, between = (cloud.error(each) for each in (*influences, influences[1] - influences[0]))
    return joined(parts[0], 0.0, full), joined(parts[1], mean, between), joined(parts[2], full, 0.0)
