"""Where the penalised estimator lands on resampled rows."""

from __future__ import annotations

import contextlib

import numpy as np

from bayesreg.arguments import Seed, generator, read_integer
from bayesreg.descent import minimise
from bayesreg.discard.intervals import Intervals, interval_table
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.settings import Progress


def bootstrap(
    problem: Problem,
    *,
    sigma: float | str | None = None,
    replications: int = 1000,
    interval: float = 0.95,
    seed: Seed = 0,
    progress: Progress | None = None,
) -> Intervals:
    """Resample rows, find the penalised mode again, and return percentile intervals.

    The rows of a replication are drawn with replacement; λ, the plug-in σ and the columns' standardisation are those of
    all rows.  Rows of weight 0 are not drawn; a row's weight goes with it.

    Parameters
    ----------
    problem : Problem
    sigma : float, str or None
        Plug-in for an unknown dispersion, see `resolve_noise`.
    replications : int
    interval : float
        Share of the replications inside.
    seed : int, SeedSequence, Generator or None
    progress : callable, optional
        Called with (done, total).

    Raises
    ------
    ParameterError
        If a setting is outside what it can be, or the objective is not convex.
    FitError
        If the problem, or a tenth of the replications, has no finite optimum.

    References
    ----------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, chapter 13; Chatterjee & Lahiri (2010), Proc. AMS
    138:4497–4509 (why it does not cover zeros of a lasso).
    """
    require_problem(problem, "bootstrap")
    replications = read_integer("replications", replications, 10)
    if isinstance(interval, bool) or not isinstance(interval, int | float) or not 0 < interval < 1:
        msg = f"bootstrap: interval must be a number between 0 and 1 (got {interval!r})"
        raise ParameterError(msg)
    if not problem.convex:
        msg = "bootstrap: the objective is not convex, so that a mode found again need not be the same one"
        raise ParameterError(msg)
    noise = resolve_noise(problem, sigma)
    mode = fit_at(problem, noise)
    fixed = problem.conditional(mode.sigma)
    found, failed = _replications(fixed, mode.beta, replications, generator(seed), progress)
    if failed > replications / 10:
        msg = f"bootstrap: {failed} of {replications} replications have no finite optimum; give a proper prior"
        raise FitError(msg)
    tail = (1 - interval) / 2
    lower, upper = np.quantile(found, [tail, 1 - tail], axis=0)
    zero = (found == problem.prior.location(problem.p)).mean(axis=0)
    left_out = f", {failed} of them without a finite optimum" if failed else ""
    text = f"{replications} samples of the rows{left_out}, the mode found again at the same λ; percentiles"
    return Intervals("bootstrap", interval_table(problem, mode.beta, lower, upper, {"zero": zero}), interval, text)


def _replications(
    fixed: Problem, start: Array, replications: int, rng: np.random.Generator, progress: Progress | None
) -> tuple[Array, int]:
    """Modes (replications, p) on resampled rows, and how many there were not.

    Weights in place of copies of rows: scipy.stats.bootstrap would hand out rows.
    """
    block = fixed.design.rows.collect()
    weights = np.ones(fixed.n) if block.weights is None else block.weights
    counted = np.flatnonzero(weights > 0)
    found: list[Array] = []
    for r in range(replications):
        drawn = np.zeros(fixed.n)
        drawn[counted] = rng.multinomial(counted.size, np.full(counted.size, 1 / counted.size))
        with contextlib.suppress(FitError):  # counted by the caller, and reported
            found.append(fixed.split(minimise(fixed.reweighted(weights * drawn), start)[0])[1])
        if progress is not None and (r + 1) % 50 == 0:
            progress(r + 1, replications)
    return np.array(found).reshape(-1, fixed.p), replications - len(found)
