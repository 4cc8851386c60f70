"""How strong the prior is: its scale, chosen by cross-validation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from bayesreg.descent import minimise
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.noise import resolve_noise
from bayesreg.optimality import critical_factor
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem
from bayesreg.quadratic import minimise_quadratic

FOLDS = 5
DIVISIONS = 4
"""Divisions into folds where a fit costs no pass over the rows: a single one is a lottery."""
GRID = 40
SMOOTH_GRID = 20
"""Values for a prior without a kink, whose curve has no corners to miss."""

DEPTH = 1e-3
"""Smallest λ tried, as a fraction of the critical λ (scikit-learn's `eps`)."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class ScaleChoice:
    """A chosen prior scale and the curve it was chosen from.

    Parameters
    ----------
    scale : float
        The scale with the least held-out loss.
    scales : array (g,)
        The grid.
    loss : array (g,)
        Mean held-out nll per row, in nats.
    standard_error : array (g,)
        Its standard error over the folds.
    sentence : str
        How it was chosen, for the reader.
    """

    scale: float
    scales: Array
    loss: Array
    standard_error: Array
    sentence: str


def cross_validated_scale(problem: Problem, *, sigma: float | str | None = None, seed: int = 0) -> ScaleChoice:
    """Return the prior scale whose MAP predicts held-out rows best, by 5-fold cross-validation.

    Under Gaussian noise this is the scale that a cross-validated lasso or ridge picks: the loss is the held-out
    squared error over 2σ², with σ held at its plug-in.  The columns keep the standardisation of the whole data.

    Parameters
    ----------
    problem : Problem
        Its prior's own scale is ignored.
    sigma : float, str or None
        Plug-in for an unknown σ, see `resolve_noise`.
    seed : int
        Seed of the folds.

    Raises
    ------
    FitError
        If there are fewer rows than folds, or no column.
    ParameterError
        If the prior has no scale (a bridge or elastic-net prior has rates).
    """
    if (problem.prior.at(1.0).rates(problem.p) == problem.prior.at(2.0).rates(problem.p)).all() and problem.p:
        msg = f"cross-validation: {problem.prior!r} has no scale to choose; give its rates"
        raise ParameterError(msg)
    if problem.n < FOLDS or not problem.p:
        msg = f"cross-validation needs at least {FOLDS} rows and a column (got {problem.n} x {problem.p}): give a scale"
        raise FitError(msg)
    unit = problem.with_prior(problem.prior.at(1.0))
    noise = resolve_noise(unit, None if sigma == "joint" else sigma)
    dispersion = fit_at(unit, noise).sigma if noise.joint else noise.sigma
    unit = unit.conditional(dispersion)
    if problem.scale_by_noise:
        unit = unit.with_prior(problem.prior.at(1.0))
    scales = _grid(unit)
    divisions = DIVISIONS if _one_quadratic(unit) else 1
    try:
        losses = np.array([_held_out(unit, scales, held) for held in _folds(unit, divisions, seed)])
    except FitError as error:
        msg = f"cross-validation: without some rows there is no finite optimum ({error}); give a scale"
        raise FitError(msg) from error
    mean = losses.mean(axis=0)
    best = int(np.argmin(mean))
    factor = dispersion if problem.scale_by_noise and dispersion is not None else 1.0
    edge = " (the end of the grid)" if best in (0, scales.size - 1) else ""
    return ScaleChoice(
        scale=float(scales[best] / factor),
        scales=scales / factor,
        loss=mean,
        standard_error=losses.std(axis=0, ddof=1) / np.sqrt(FOLDS),  # divisions share rows, so they do not count
        sentence=f"scale = {scales[best] / factor:.4g}, chosen by {FOLDS}-fold cross-validation "
        f"({divisions} division{'s' if divisions > 1 else ''}) over {scales.size} values{edge}",
    )


def _one_quadratic(unit: Problem) -> bool:
    """Whether J is one quadratic plus |β| and β², so that a path costs one pass over the rows."""
    return unit.likelihood.quadratic and unit.prior.elastic(unit.p) is not None


def _grid(unit: Problem) -> Array:
    """Scales from the one at which every coefficient leaves zero to a weak prior."""
    flat = unit.with_prior(unit.prior.at(1e-8 * (unit.response_sd() or 1.0)))
    theta = minimise(flat)[0]
    theta[-unit.p :] = unit.prior.location(unit.p)
    critical = critical_factor(unit, theta)[-unit.p :].max()
    if np.isfinite(critical) and critical > 0:
        return np.geomspace(1 / critical, 1 / critical / DEPTH, GRID)
    # No kink: prior precision from a hundred times the data's own to a hundred-thousandth of it.
    curvature = float(np.diag(unit.curvature(theta))[-unit.p :].mean())
    if curvature <= 0:
        msg = "cross-validation: no column varies, so no prior scale predicts better than another; give a scale"
        raise FitError(msg)
    return np.asarray(np.geomspace(1.0, 10**3.5, SMOOTH_GRID) / np.sqrt(1e2 * curvature))


def _folds(problem: Problem, divisions: int, seed: int) -> Iterator[NDArray[np.bool_]]:
    """Held-out rows, fold after fold, `divisions` times over."""
    for child in np.random.SeedSequence(seed).spawn(divisions):
        fold = np.random.default_rng(child).permutation(np.arange(problem.n) % FOLDS)
        for k in range(FOLDS):
            yield fold == k


def _held_out(unit: Problem, scales: Array, held: NDArray[np.bool_]) -> Array:
    """Held-out nll per row at each scale, strongest prior first, each fit started from the last."""
    block = unit.design.rows.collect()
    weights = np.ones(unit.n) if block.weights is None else block.weights
    train = unit.reweighted(np.where(held, 0.0, weights))
    test = unit.reweighted(np.where(held, weights, 0.0))
    fits = _quadratic_path(train, scales) if _one_quadratic(unit) else _path(train, scales)
    return np.array([test.nll(theta) for theta in fits]) / weights[held].sum()


def _path(train: Problem, scales: Array) -> Iterator[Array]:
    beta = None
    for scale in scales:
        theta, _ = minimise(train.with_prior(train.prior.at(float(scale))), beta)
        beta = train.split(theta)[1]
        yield theta


def _quadratic_path(train: Problem, scales: Array) -> Iterator[Array]:
    """The same where Σ w·nll is one quadratic: its gradient and Hessian are summed over the rows once."""
    work, shift = train.centred()
    theta = start = np.zeros(len(work.labels))
    hessian, slope = work.curvature(start), work.gradient(start)
    for scale in scales:
        elastic = work.with_prior(work.prior.at(float(scale))).penalty_prior.elastic(start.size)
        assert elastic is not None
        theta = minimise_quadratic(hessian, slope + hessian @ (theta - start), elastic, theta, work.labels)
        answer = theta.copy()
        if work.has_intercept:
            answer[0] -= shift @ theta[1:]
        yield answer
