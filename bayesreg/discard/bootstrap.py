"""Where the penalised estimator lands on resampled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray

from bayesreg.arguments import Seed, generator, read_integer
from bayesreg.diagnostics import mcse_quantile
from bayesreg.discard.intervals import Intervals, check_interval, interval_table
from bayesreg.discard.reweighted import Reweighted
from bayesreg.errors import FitError, ParameterError
from bayesreg.existence import check_determined
from bayesreg.interfaces import Array
from bayesreg.noise import SYMBOLS, resolve_noise
from bayesreg.penalized import fit_at
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.settings import Progress
from bayesreg.strength import choose_scale

RULES = ("cv", "evidence")

MOST_FAILED = 0.1
"""Share of the replications that may be without a finite optimum: the percentiles are then of the others."""


def bootstrap(
    problem: Problem,
    *,
    sigma: float | str | None = None,
    replications: int = 1000,
    interval: float = 0.95,
    rescale: str | None = None,
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
    rescale : {"cv", "evidence"} or None
        Choose the prior's scale anew in every replication, see `choose_scale`, which takes about as long as there, each
        time; by default λ is held, and what its choice adds to the scatter is left out.
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
    check_interval(interval, "bootstrap")
    if not problem.convex:
        msg = "bootstrap: the objective is not convex, so that a mode found again need not be the same one"
        raise ParameterError(msg)
    if rescale is not None and rescale not in RULES:
        msg = f"bootstrap: rescale must be one of {', '.join(RULES)}, or None to hold λ (got {rescale!r})"
        raise ParameterError(msg)
    check_determined(problem)
    mode = fit_at(problem, resolve_noise(problem, sigma))
    resampled = _Resampled.of(problem, mode.sigma, problem.join(mode.intercept, mode.beta), rescale)
    found, failed = resampled.modes(replications, generator(seed), progress)
    if failed > MOST_FAILED * replications:
        msg = f"bootstrap: {failed} of {replications} replications have no finite optimum; give a proper prior"
        raise FitError(msg)
    ends = _ends(problem, found, interval)
    left_out = f", {failed} of them without a finite optimum" if failed else ""
    how = "at the same λ" if rescale is None else f"with its λ chosen anew ({rescale})"
    symbol = SYMBOLS.get(problem.likelihood.dispersion_name or "")
    at = "" if mode.sigma is None else f", at {symbol} = {mode.sigma:.5g}"
    text = f"{replications} samples of the rows{left_out}, the mode found again {how}{at}; percentiles"
    return Intervals("bootstrap", interval_table(problem, mode.beta, *ends[:2], ends[2]), interval, text)


def _ends(problem: Problem, found: Array, interval: float) -> tuple[Array, Array, dict[str, Array]]:
    """Lower and upper ends (p,), their Monte Carlo errors, and the share of exact zeros."""
    tails = ((1 - interval) / 2, (1 + interval) / 2)
    lower, upper = np.quantile(found, tails, axis=0)
    errors = [mcse_quantile(found[None], tail, independent=True) for tail in tails]
    zero = (found == problem.prior.location(problem.p)).mean(axis=0)
    return lower, upper, {"lower_mcse": errors[0], "upper_mcse": errors[1], "zero": zero}


@final
@dataclass(frozen=True, slots=True, eq=False)
class _Resampled:
    """Rows that count (m,), their weights (n,), the mode θ (k,) of all, and the problem at its dispersion.

    Weights stand for copies of rows, which scipy.stats.bootstrap would hand out: X is read once, and is never copied.
    """

    many: Reweighted
    counted: NDArray[np.int_]
    weights: Array
    theta: Array
    rescale: str | None

    @classmethod
    def of(cls, problem: Problem, sigma: float | None, theta: Array, rescale: str | None) -> Self:
        block = problem.design.rows.collect()
        weights = np.ones(problem.n) if block.weights is None else block.weights
        # Under a scale that is chosen anew, σ is held all the same: only the prior differs.
        fixed = problem.conditional(sigma)
        return cls(Reweighted.of(fixed, fixed), np.flatnonzero(weights > 0), weights, theta, rescale)

    def modes(self, replications: int, rng: np.random.Generator, progress: Progress | None) -> tuple[Array, int]:
        """Coefficients (r, p) on resampled rows, and in how many of them there are none."""
        m, found = self.counted.size, []
        for r in range(replications):
            drawn = np.zeros(self.weights.size)
            drawn[self.counted] = rng.multinomial(m, np.full(m, 1 / m))
            try:
                found.append(self._mode(self.weights * drawn, r))
            except FitError:  # of separated or constant rows; counted, and reported
                continue
            finally:
                if progress is not None and ((r + 1) % 50 == 0 or r + 1 == replications):
                    progress(r + 1, replications)
        beta = self.many.problem.split(np.array(found).reshape(len(found), self.theta.size))[1]
        return beta, replications - len(found)

    def _mode(self, weights: Array, seed: int) -> Array:
        if self.rescale is None:
            return self.many.mode(weights, None, self.theta)
        drawn = self.many.problem.reweighted(weights)
        chosen = choose_scale(drawn, self.rescale, seed=seed).problem
        point = fit_at(chosen, resolve_noise(chosen), self.many.problem.split(self.theta)[1])
        return chosen.join(point.intercept, point.beta)
