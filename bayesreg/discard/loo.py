"""Leave-one-out prediction of every row, by the mode, by the posterior mean, and by the whole posterior.

The posterior without row i has, at the draws of the posterior with it, weights ∝ 1/p(y_i | θ)^w_i, Pareto-smoothed.
Where the shape of their tail says that they cannot be relied on, the posterior is drawn anew without the row.  The mode
without row i is found exactly.

References
----------
Vehtari, Gelman & Gabry (2017), Statistics and Computing 27:1413–1432; Vehtari, Simpson, Gelman, Yao & Gabry (2024),
JMLR 25(72); Magnusson, Andersen, Jonasson & Vehtari (2019), ICML 97:4244–4253 (samples of the rows).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import Seed, read_integer, read_seed
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.left_out import LeftOut, affordable, modes_without
from bayesreg.discard.loo_weights import at_points, khat_limit, reweigh, with_refits
from bayesreg.discard.predictive import Cloud, cloud_of
from bayesreg.discard.refits import Refit, refit_without
from bayesreg.discard.scores import PREDICTORS, PredictionLedger, ledger_of
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from bayesreg.samplers.posterior import LOG_LIKELIHOOD_CELLS, NUTS

MOST_DRAWS = 4000
"""Draws, about, that rows are predicted from; more are thinned."""

MOST_ROWS = 2000
"""Rows up to which all are predicted, where their modes and draws are affordable; of more, a simple random sample."""

MOST_REFITS = 50
"""Rows without which the posterior is drawn anew, at most."""

MOST_COMPILED = 3
"""The same where each drawing compiles a model first."""

RULES = {"joint": "joint mode", "residual": "least-squares residual", "cv_lasso": "cross-validated lasso"}
"""Ways to find a plug-in dispersion, see `resolve_noise`, and words by which the sentence of an optimum names them."""


def prediction(
    posterior: Posterior,
    optimum: Optimum | None = None,
    *,
    sigma: float | str | None = None,
    rows: int | None = None,
    seed: Seed = 0,
    progress: Callable[[int, int], None] | None = None,
) -> PredictionLedger:
    """Predict each row from all the others: by the mode, by the posterior mean, and by the whole posterior.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the same problem.
    sigma : float, {"residual", "cv_lasso", "joint"} or None
        The plug-in dispersion of the mode where it is unknown, see `resolve_noise`: found anew without each row where
        it is an estimate from the rows.  None: that of `optimum`.
    rows : int, optional
        Predict a simple random sample of so many rows, and scale sums up; by default all, but no more than 2,000, nor
        than some seconds are enough for.
    seed : int, SeedSequence, Generator or None
        Of the sample of rows, of the draws of y that interval widths are made of, and of refits.
    progress : callable, optional
        Called with (done, total) refits.

    Returns
    -------
    PredictionLedger
        Withheld where the posterior failed its gates, or where too many rows would have to be refitted.

    Raises
    ------
    ParameterError
        If a setting is outside what it can be.
    InputError
        If fewer than two rows have a weight above zero.
    FitError
        If the problem has no finite mode, or has none without some row.

    Notes
    -----
    A row of weight w is predicted by the posterior without all of it, and its log density counts w times: w·log E[p],
    where ArviZ, given weighted log-likelihoods, has log E[p^w].  Columns keep the standardisation, and the prior its
    scale, of all the rows.
    """
    require_posterior(posterior, "prediction")
    wanted = None if rows is None else read_integer("prediction: rows", rows, 2)
    sampling, predicting, refitting, pit = read_seed(seed).spawn(4)
    cloud, problem = cloud_of(posterior, MOST_DRAWS), posterior.problem
    counted = _counted(problem)
    point, base, plug_in = _point(posterior, optimum, sigma)
    most = affordable(base, point, plug_in)
    chosen = _chosen(counted, cloud, wanted, most, np.random.default_rng(sampling))
    left = _modes(base, point, chosen, plug_in)
    rng = np.random.default_rng(predicting)
    size = cloud.theta.shape[0]
    at_mode = at_points(problem, chosen, left.theta, left.sigma, rng, size)
    found = reweigh(problem, cloud, chosen, rng)
    limit = khat_limit(size)
    bad = np.flatnonzero(~(found.khat <= limit))
    withheld, refits = _refitted(posterior, chosen[bad], chosen.size, limit, refitting, progress)
    places = bad if refits else bad[:0]
    full, mean = with_refits(found, cloud, places, refits)
    done = np.zeros(chosen.size, dtype=bool)
    done[places] = [refit.said is not None for refit in refits]
    return ledger_of(
        "PSIS-LOO",
        _text(chosen.size, counted.size, size, limit, len(refits)),
        dict(zip(PREDICTORS, (replace(at_mode, mcse_difference=full.mcse), mean, full), strict=True)),
        chosen,
        problem,
        khat=found.khat,
        refitted=done,
        withheld=withheld,
        notes=_notes(point, left.sigma, problem, chosen.size, counted.size),
        seed=int(pit.generate_state(1)[0]),
    )


def _modes(problem: Problem, point: Optimum, rows: NDArray[np.int_], sigma: float | str | None) -> LeftOut:
    """The modes without each row; an error says that it is about a row left out."""
    try:
        return modes_without(problem, point, rows, sigma)
    except FitError as error:
        msg = f"prediction leaves out each row in turn, and without one of them there is no mode to predict by: {error}"
        raise FitError(msg) from error


def _counted(problem: Problem) -> NDArray[np.int_]:
    """Rows of weight above zero."""
    weights = problem.design.rows.collect().weights
    counted = np.arange(problem.n) if weights is None else np.flatnonzero(weights > 0)
    if counted.size < 2:
        msg = f"prediction: one row is predicted from the others, so two must have a weight > 0 (got {counted.size})"
        raise InputError(msg)
    return counted


def _chosen(
    counted: NDArray[np.int_], cloud: Cloud, wanted: int | None, modes: int, rng: np.random.Generator
) -> NDArray[np.int_]:
    """The rows to predict, in order: all that count, or a simple random sample of them."""
    cells = max(2, LOG_LIKELIHOOD_CELLS // max(1, cloud.theta.shape[0]))
    most = min(MOST_ROWS, cells, modes) if wanted is None else wanted
    return counted if counted.size <= most else np.sort(rng.choice(counted, size=most, replace=False))


def _point(
    posterior: Posterior, optimum: Optimum | None, sigma: float | str | None
) -> tuple[Optimum, Problem, float | str | None]:
    """The point estimate, the problem that it is the mode of, and how the plug-in dispersion is found without a row."""
    problem = posterior.problem
    if optimum is None and problem.prior.hyperprior is not None:
        optimum = point_of(posterior, None, "prediction")
    if optimum is None:
        point = point_of(posterior, None if sigma is None else fit_penalized(problem, sigma), "prediction")
        return point, problem, sigma
    point = point_of(posterior, optimum, "prediction")
    if point.problem is None:
        msg = "prediction: optimum is the mode of a PyMC model, not of a Problem; leave it out, or fit the problem"
        raise ParameterError(msg)
    unknown = problem.likelihood.has_dispersion and problem.likelihood.sigma_known is None
    rule = _rule(point) if sigma is None and unknown else sigma
    if not problem.scale_by_noise:
        return point, problem.with_prior(point.problem.prior), rule  # which may be at one scale of a hierarchical one
    if problem.prior.hyperprior is None:
        return point, problem, rule
    return point, point.problem, None


def _rule(point: Optimum) -> float | str | None:
    """How the optimum's dispersion was found, if from the rows, to be found so again without one; else its value."""
    named = [name for name, words in RULES.items() if words in point.sigma_method]
    return named[0] if named else point.sigma


def _refitted(
    posterior: Posterior,
    rows: NDArray[np.int_],
    total: int,
    limit: float,
    seed: np.random.SeedSequence,
    progress: Callable[[int, int], None] | None,
) -> tuple[str, list[Refit]]:
    """Why nothing may be concluded, or refits without each of these rows."""
    withheld = withheld_by(posterior)
    if withheld:
        return withheld, []
    most = MOST_COMPILED if posterior.method in NUTS else MOST_REFITS
    if rows.size > most:
        return (
            f"k-hat exceeds {limit:.2f} in {rows.size} of {total} rows, more than the {most} that are refitted: "
            "leave-one-out by importance weights is unreliable here; use K-fold"
        ), []
    refits = refit_without(posterior, rows, MOST_DRAWS, seed.spawn(rows.size), progress)
    return "; ".join(dict.fromkeys(refit.reason for refit in refits if refit.reason)), refits


def _text(predicted: int, counted: int, draws: int, limit: float, refits: int) -> str:
    which = f"each of {counted} rows" if predicted == counted else f"each of {predicted} rows, drawn from {counted},"
    again = f"; the posterior was drawn anew without {refits} of them, where k-hat > {limit:.2f}" if refits else ""
    return (
        f"Leave-one-out: {which} is predicted from the others, by {draws} posterior draws with Pareto-smoothed weights"
        f"{again}; the mode is found exactly without each"
    )


def _notes(point: Optimum, sigma: Array | None, problem: Problem, predicted: int, counted: int) -> tuple[str, ...]:
    notes = []
    if point.sigma is not None and problem.likelihood.sigma_known is None:
        anew = sigma is not None and np.ptp(sigma) > 0
        how = "found anew without each row" if anew else "the same without each row, though found or given with it"
        notes.append(f"plug-in at the MAP: {point.sigma_method}; {how}")
    if predicted < counted:
        notes.append(f"sums are scaled up from {predicted} rows to {counted}; the error of that is in each se")
    if problem.prior.hyperprior is not None:
        notes.append("the mode holds the prior's scale at one value, the posterior integrates over it")
    return tuple(notes)
