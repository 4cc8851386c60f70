"""Prediction of rows held out in folds, with everything that was chosen from the rows chosen anew without them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np

from bayesreg.arguments import Seed, read_seed
from bayesreg.discard.gate import withheld_by
from bayesreg.discard.predictive import cloud_of, joined, log_density_of, say_at, say_from_draws
from bayesreg.discard.scores import PREDICTORS, HeldOut, PredictionLedger, ledger_of
from bayesreg.errors import FamilyError, FitError, InputError, ParameterError
from bayesreg.interfaces import Block
from bayesreg.noise import resolve_noise
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem, require_problem
from bayesreg.rows import ArrayRows
from bayesreg.samplers import Posterior, prepare
from bayesreg.samplers.settings import Progress
from bayesreg.strength import choose_scale
from bayesreg.strength.choose import RULES
from bayesreg.strength.folds import Index, read_folds
from bayesreg.strength.held_out import rows_at, standardizes, training_problem

MOST_DRAWS = 4000
"""Draws, about, that rows are predicted from; more are thinned."""

CELLS = 2_000_000
"""Draws × rows worked on at once."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fold: who was held out, what each predictor said of them, and Monte Carlo errors of the sums."""

    rows: Index
    at_mode: HeldOut
    at_mean: HeldOut
    full: HeldOut
    scale: float
    withheld: str


def kfold(
    problem: Problem,
    *,
    by: str | None = "evidence",
    folds: object = 10,
    groups: object = None,
    sigma: float | str | None = None,
    method: str = "auto",
    draws: int = 1000,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> PredictionLedger:
    """Predict the rows of each fold from the others: by the mode, by the posterior mean, and by the whole posterior.

    In each fold columns are standardised, the prior's scale chosen and σ estimated anew, on the rows that are fitted:
    the price of choosing λ from the data is in the scores, which leave-one-out at one λ leaves out.

    Parameters
    ----------
    problem : Problem
    by : {"evidence", "cv", "hierarchical"} or None
        How the scale is chosen in each fold, see `choose_scale`; None: the prior stays as it is.  "hierarchical": the
        posterior integrates over the scale, and the mode is taken at its posterior median.
    folds : int, iterable or splitter, default 10
        As in `choose_scale`; no row may be held out twice.
    groups : array-like (n,), optional
        Labels of rows that stay together.
    sigma : float, str or None
        Plug-in dispersion of the mode where it is unknown, see `resolve_noise`; estimated from the rows fitted.
    method, draws
        As in `sample`.
    seed : int, SeedSequence, Generator or None
        Of the folds, and of everything drawn in them.
    progress : callable, optional
        Called with (done, total) folds.

    Returns
    -------
    PredictionLedger
        Withheld where the posterior of a fold failed its gates; names it.

    Raises
    ------
    ParameterError
        If an argument is none of these.
    FitError
        If the rows of some fold leave no finite optimum or no proper posterior to the others.
    """
    require_problem(problem, "kfold")
    if by is not None and by not in RULES:
        msg = f"kfold: by must be None or one of {', '.join(RULES)} (got {by!r})"
        raise ParameterError(msg)
    if by is not None or problem.prior.hyperprior is None:
        resolve_noise(problem, sigma)
    prepare(problem, method if problem.prior.hyperprior is None else "auto", draws)
    root = read_seed(seed)
    dealing, *own = root.spawn(2)
    block = problem.design.rows.collect()
    parts = read_folds(block, folds, None, groups, int(dealing.generate_state(1)[0]), cheap=False)
    held = np.concatenate([test for _, test in parts.splits])
    if np.unique(held).size < held.size:
        msg = "kfold: folds hold some row out more than once; give splits that hold each row out once at most"
        raise ParameterError(msg)
    asked = _Asked(problem, by, sigma, method, draws)
    found = []
    for k, (split, child) in enumerate(zip(parts.splits, own[0].spawn(len(parts.splits)), strict=True)):
        found.append(asked.fold(f"fold {k + 1} of {len(parts.splits)}", block, split, child))
        if progress is not None:
            progress(k + 1, len(parts.splits))
    return _ledger(problem, by, parts.text, found, root)


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What every fold is asked."""

    problem: Problem
    by: str | None
    sigma: float | str | None
    method: str
    draws: int

    def fold(self, name: str, block: Block, split: tuple[Index, Index], seed: np.random.SeedSequence) -> Fold:
        """Fit the rows of a fold and predict those held out."""
        choosing, sampling, predicting = seed.spawn(3)
        standardize = standardizes(self.problem)
        try:
            train = training_problem(self.problem, rows_at(block, split[0]), standardize=standardize)
            train.likelihood.check(train.design.rows.collect(), train.intercept)
            posterior, mode, scale = self._fitted(train, int(choosing.generate_state(1)[0]), sampling)
        except (FitError, FamilyError, InputError) as error:
            msg = (
                f"kfold: without the {split[1].size} rows of {name} there is nothing to predict them from ({error}); "
                "give other folds (stratified ones, or fewer), or a scale"
            )
            raise FitError(msg) from error
        test = rows_at(block, split[1])
        rows = test.transformed(train.design.centre, train.design.scale) if standardize else test
        said = _predict(train, rows, posterior, mode, np.random.default_rng(predicting))
        failed = withheld_by(posterior)
        return Fold(split[1], *said, scale, f"the posterior without {name}: {failed}" if failed else "")

    def _fitted(
        self, train: Problem, choosing: int, sampling: np.random.SeedSequence
    ) -> tuple[Posterior, Optimum, float]:
        """The posterior of the rows that are fitted, the mode, and the scale of the prior."""
        if self.by is None:
            drawn = prepare(train, self.method, self.draws, seed=sampling).run()
            return drawn, fit_penalized(_at_one_scale(train, drawn), self.sigma), math.nan
        choice = choose_scale(train, self.by, sigma=self.sigma, seed=choosing)
        drawn = prepare(choice.problem, self.method, self.draws, seed=sampling).run()
        mode = fit_penalized(train.with_prior(choice.family.at(choice.scale)), self.sigma)
        return drawn, mode, choice.scale


def _at_one_scale(train: Problem, drawn: Posterior) -> Problem:
    """The problem with a number for its prior's scale."""
    if train.prior.hyperprior is None:
        return train
    return train.with_prior(train.prior.at(float(np.median(drawn.draws("beta_scale")))))


def _predict(
    train: Problem, test: ArrayRows, posterior: Posterior, mode: Optimum, rng: np.random.Generator
) -> tuple[HeldOut, HeldOut, HeldOut]:
    """What the mode, the posterior mean and the posterior say of the rows held out."""
    cloud, block = cloud_of(posterior, MOST_DRAWS), test.collect()
    size = cloud.theta.shape[0]
    theta = train.join(mode.intercept, mode.beta)
    modes, means, fulls, moved, moved_mean = [], [], [], np.zeros(size), np.zeros(size)
    step = max(1, CELLS // size)
    for i in range(0, block.y.size, step):
        part = rows_at(block, np.arange(i, min(i + step, block.y.size))).collect()
        even = np.full((part.y.size, size), 1 / size)
        found = say_from_draws(train, part, cloud, log_density_of(train, part, cloud), even, rng)
        sigma = None if mode.sigma is None else np.full(part.y.size, mode.sigma)
        modes.append(say_at(train, part, np.tile(theta, (part.y.size, 1)), sigma, rng, size))
        means.append(found.mean)
        fulls.append(found.full)
        moved, moved_mean = moved + found.full_influence, moved_mean + found.mean_influence
    error, own, apart = cloud.error(moved), cloud.error(moved_mean), cloud.error(moved - moved_mean)
    return joined(modes, 0.0, error), joined(means, own, apart), joined(fulls, error, 0.0)


def _ledger(
    problem: Problem, by: str | None, text: str, found: list[Fold], root: np.random.SeedSequence
) -> PredictionLedger:
    """All folds together; their Monte Carlo errors are independent."""
    sides = ([one.at_mode for one in found], [one.at_mean for one in found], [one.full for one in found])
    heldouts = {
        name: joined(parts, math.hypot(*(p.mcse for p in parts)), math.hypot(*(p.mcse_difference for p in parts)))
        for name, parts in zip(PREDICTORS, sides, strict=True)
    }
    rows = np.concatenate([one.rows for one in found])
    order = np.argsort(rows)
    heldouts = {name: _ordered(one, order) for name, one in heldouts.items()}
    chosen = "the prior as it is" if by is None else f"the prior's scale chosen anew in each by {by}"
    notes: tuple[str, ...] = ()
    if by is not None:
        notes = (f"the prior's scale, fold by fold: {', '.join(f'{one.scale:.4g}' for one in found)}",)
    text = text.removesuffix(" (1 division)")
    return ledger_of(
        text if by is None else f"{text}, scale by {by}",
        f"{text[0].upper()}{text[1:]}: each of {rows.size} rows is predicted from the other folds, columns and σ of "
        f"the rows that are fitted, {chosen}",
        heldouts,
        rows[order],
        problem,
        withheld="; ".join(one.withheld for one in found if one.withheld),
        notes=notes,
        seed=int(root.spawn(1)[0].generate_state(1)[0]),
    )


def _ordered(one: HeldOut, order: Index) -> HeldOut:
    return HeldOut(
        one.log_density[order], one.pit_lower[order], one.pit_upper[order], one.width[order], one.mean[order],
        one.mcse, one.mcse_difference,
    )  # fmt: skip
