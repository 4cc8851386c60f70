"""K-fold prediction with the prior's scale chosen anew in each fold: the choice itself is then held to account too.

Leave-one-out from one posterior keeps the scale that all the rows chose.  Here, in every fold, columns are standardised
on the rows that are fitted, the scale is chosen on these, the mode is found and the posterior drawn there, and the rows
held out are predicted by all three.

References
----------
Geisser (1975), JASA 70:320–328; Vehtari, Gelman & Gabry (2017), Statistics and Computing 27:1413–1432, section 2.3.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.discard.one_fold import Asked, Fold, predict_fold
from bayesreg.discard.predictive import joined
from bayesreg.discard.scores import PREDICTORS, HeldOut, PredictionLedger, ledger_of
from bayesreg.errors import ParameterError
from bayesreg.noise import resolve_noise
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import prepare
from bayesreg.samplers.settings import Interrupted
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.folds import materialised, read_folds
from bayesreg.strength.held_out import standardizes
from bayesreg.strength.hierarchical import under_hyperprior

RULES = (None, "evidence", "cv", "hierarchical")

HOW = {
    None: "the prior as it is",
    "evidence": "scale chosen anew in each fold by evidence",
    "cv": "scale chosen anew in each fold by cross-validation",
    "hierarchical": "scale drawn anew in each fold under its prior",
}


def kfold(
    problem: Problem,
    *,
    by: str | None = "evidence",
    folds: object = 10,
    groups: object = None,
    sigma: float | str | None = None,
    method: str = "auto",
    draws: int = 1000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PredictionLedger:
    """Predict rows fold by fold, the prior's scale chosen anew from the rows that are fitted.

    Parameters
    ----------
    problem : Problem
        With `by` its prior's own scale is ignored.  Columns that it standardised are standardised anew in each fold.
    by : {"evidence", "cv", "hierarchical"} or None
        How the scale is chosen in a fold, see `choose_scale`; "hierarchical" gives it its default prior there, over
        which the posterior integrates, and finds the mode at the posterior median of the scale.  None: the prior as it
        is; where its scale has a prior, as in "hierarchical", under that prior.
    folds : int, iterable or splitter, default 10
        As in `choose_scale`: a number of folds, or splits, each of whose rows is held out once at most.
    groups : array-like (n,), optional
        Labels of rows that stay together: none is in two folds, nor in two of those that by="cv" makes within one.
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        The plug-in dispersion of the mode where it is unknown, see `resolve_noise`; found anew in each fold.
    method, draws
        Of the posteriors, as in `sample`.
    seed : int
        Of the folds, and of all that is drawn.
    progress : callable, optional
        Called with (done, total) folds.

    Returns
    -------
    PredictionLedger
        Its `rows` also have `fold`, from 1, and `scale`, chosen there (NaN for a prior as it is).  Withheld where a
        mode is not certified or a posterior failed its gates, naming the fold; and where it was interrupted.

    Raises
    ------
    ParameterError
        If a setting is outside what it can be.
    FitError
        If there are too few rows, or the rows of some fold have no mode, no proper posterior or no best scale.

    Notes
    -----
    Monte Carlo errors add up over the folds, whose draws are independent; that of a chosen scale is not in them.
    """
    asked = _read(problem, by, folds, groups, sigma, method, draws, seed)
    splits = asked.folds.splits
    streams = np.random.SeedSequence([seed, 1]).spawn(len(splits) + 1)
    done: list[Fold] = []
    for k in range(len(splits)):
        done.append(predict_fold(asked, k, streams[k]))
        if done[-1].interrupted:
            done.pop()
            break
        if progress is not None:
            progress(len(done), len(splits))
    if not done:
        msg = "kfold was interrupted in the first fold: nothing to keep"
        raise Interrupted(msg)
    return _ledger(asked, done, int(streams[-1].generate_state(1)[0]))


# -- what was asked for ------------------------------------------------------------------------------------------------


def _read(
    problem: Problem,
    by: str | None,
    folds: object,
    groups: object,
    sigma: float | str | None,
    method: str,
    draws: int,
    seed: int,
) -> Asked:
    """Refuse whatever can be refused before the first fold is fitted."""
    require_problem(problem, "kfold")
    if by is not None and (not isinstance(by, str) or by not in RULES):
        msg = f"kfold: by must be None or one of {', '.join(rule for rule in RULES if rule)} (got {by!r})"
        raise ParameterError(msg)
    read_integer("seed", seed, 0)
    if by is not None:
        family = ScaleFamily.of(problem, "kfold")
        hierarchical = by == "hierarchical"
        whole = under_hyperprior(problem, family, None) if hierarchical else problem.with_prior(family.at(1.0))
    else:
        whole = problem
    prepare(whole, method, draws, seed=seed)
    hyper = whole.prior.hyperprior
    resolve_noise(whole if hyper is None else whole.with_prior(whole.prior.at(1.0)), sigma)
    block = problem.design.rows.collect()
    found = read_folds(block, materialised(folds), None, groups, seed, cheap=False)
    rows, times = np.unique(np.concatenate([test for _, test in found.splits]), return_counts=True)
    if (times > 1).any():
        msg = (
            f"kfold: folds hold row {rows[times > 1][0]} out more than once ({int((times > 1).sum())} such rows); "
            "each row is predicted once at most: give splits that do not overlap"
        )
        raise ParameterError(msg)
    labels = None if groups is None else np.asarray(groups)
    return Asked(problem, by, found, labels, sigma, method, draws, standardizes(problem))


# -- all of them -------------------------------------------------------------------------------------------------------


def _ledger(asked: Asked, done: Sequence[Fold], seed: int) -> PredictionLedger:
    splits = asked.folds.splits
    rows = np.concatenate([test for _, test in splits[: len(done)]])
    heldouts: dict[str, HeldOut] = {}
    for i, name in enumerate(PREDICTORS):
        parts = [fold.said[i] for fold in done]
        errors = [float(np.hypot.reduce([getattr(part, kind) for part in parts])) for kind in _ERRORS]
        heldouts[name] = joined(parts, *errors)
    failed = [f"fold {k + 1} of {len(splits)}: {fold.failed}" for k, fold in enumerate(done) if fold.failed]
    if len(done) < len(splits):
        failed.append(f"interrupted after {len(done)} of {len(splits)} folds")
    name = asked.folds.text.removesuffix(" (1 division)")
    ledger = ledger_of(
        f"{name.replace(' cross-validation', '')}, {HOW[asked.by]}",
        _text(asked, name),
        heldouts,
        rows,
        asked.problem,
        withheld="; ".join(failed),
        notes=_notes(asked, done),
        seed=seed,
    )
    number = np.repeat(np.arange(len(done)), [fold.said[0].mean.size for fold in done])
    scales = np.array([fold.scale for fold in done])
    table = ledger.rows.assign(fold=number + 1, scale=scales[number])
    return replace(ledger, rows=table.sort_index())


_ERRORS = ("mcse", "mcse_difference")


def _text(asked: Asked, name: str) -> str:
    standardised = "columns standardised" if asked.standardize else "columns as given"
    where = "" if not asked.standardize else " on the rows that are fitted there"
    text = f"{name[0].upper()}{name[1:]}: in each fold {standardised}{where}, {HOW[asked.by]}, mode and posterior anew"
    if asked.by == "hierarchical" or (asked.problem.prior.hyperprior is not None and asked.by is None):
        text += "; the posterior integrates over the scale, the mode is that at its posterior median"
    return text


def _notes(asked: Asked, done: Sequence[Fold]) -> tuple[str, ...]:
    notes = []
    scales = np.array([fold.scale for fold in done])
    if np.isfinite(scales).all():
        family = ScaleFamily.of(asked.problem, "kfold")
        listed = ", ".join(f"{value:.4g}" for value in scales[:20]) + (", ..." if scales.size > 20 else "")
        notes.append(f"{family.name} by fold from {scales.min():.4g} to {scales.max():.4g}: {listed}")
    unseen = int(_counted(asked.problem) - sum(fold.said[0].mean.size for fold in done))
    if unseen:
        notes.append(f"{unseen} rows that count are in no fold; sums are scaled up to all")
    return tuple(notes)


def _counted(problem: Problem) -> int:
    weights = problem.design.rows.collect().weights
    return problem.n if weights is None else int(np.count_nonzero(weights > 0))
