"""The estimates between a library's coefficients and the posterior mean, each unlike the one before in one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import final

import numpy as np

from bayesreg.arguments import read_integer
from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.gate import point_of, withheld_by
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array, Prior, ScalePrior
from bayesreg.optimum import Optimum
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.samplers import Plan, Posterior, prepare
from bayesreg.samplers.settings import Progress
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.hierarchical import under_hyperprior
from bayesreg.strength.sensitivity import short_name

SOLVER, LAMBDA, COLUMNS = "solver error", "unmatched λ", "intercept and standardisation"
MEAN, NOISE, SCALE, CHANCE = "mode to mean", "σ integrated", "λ integrated", "Monte Carlo error"

STEPS = (SOLVER, LAMBDA, COLUMNS, MEAN, NOISE, SCALE, CHANCE)
"""The steps in order."""

OPTIMUM, END = "the penalised optimum", "posterior mean"

NO_LIBRARY = "nothing to change: no library's fit was given"

COMPILED = ("nuts", "pymc")


@final
@dataclass(frozen=True, slots=True, eq=False)
class LibraryFit:
    """Coefficients as a library returned them, and the problem whose optimum they claim to be.

    Parameters
    ----------
    problem : Problem
        The library's rows, columns, intercept and penalty as a prior; its σ known where the noise has one.
    beta : array (p,)
        On the columns of `problem` as they are (standardised, where its design standardises).
    label : str
        What to call them.
    slopes : array (p,), optional
        d column / d raw column, where the columns are rescaled raw ones: coefficients are told per unit of these.
    """

    problem: Problem
    beta: Array
    label: str = "the library's coefficients"
    slopes: Array | None = None

    def raw(self, beta: Array) -> Array:
        """Coefficients (p,) in the data's units."""
        raw = self.problem.design.to_raw(np.zeros(()), beta)[1]
        return np.asarray(raw if self.slopes is None else raw * self.slopes)


@final
@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One estimate: coefficients and Monte Carlo errors (p,) in the data's units, and how it came from the last.

    `same`: it is the last one, since there was nothing to change.
    """

    name: str
    beta: Array
    error: Array
    note: str
    withheld: str = ""
    same: bool = False


def states_of(
    posterior: Posterior,
    library: LibraryFit | None,
    optimum: Optimum | None,
    sigma: float | str | None,
    *,
    seed: int,
    integrate_scale: bool,
    longer: int,
    progress: Progress | None,
) -> list[State]:
    """Return the estimates in order; see `waterfall`."""
    longer = read_integer("longer", longer, 1)
    target, held = _with_scale(posterior)
    if optimum is not None and sigma is not None:
        msg = "waterfall: the optimum has its own plug-in σ; give it or sigma=, not both"
        raise ParameterError(msg)
    if optimum is not None and posterior.problem.prior.hyperprior is None:
        mode = point_of(posterior, optimum, "waterfall")
    else:
        mode = optimum or fit_penalized(target, sigma)
    fixed = target.conditional(mode.sigma)
    if library is not None:
        _check(library, target)
    modes = list(_modes(library, fixed, mode))
    runs = _Runs(posterior, longer, seed, progress)
    states = [*modes, *_means(runs, target, fixed, mode)]
    return [*states, *_ends(runs, target, posterior, held, states[-1], integrate_scale)]


def _with_scale(posterior: Posterior) -> tuple[Problem, str]:
    """The problem with a number for its prior's scale, and which."""
    problem = posterior.problem
    if problem.prior.hyperprior is None:
        return problem, ""
    scale = float(np.median(posterior.draws("beta_scale")))
    return problem.with_prior(problem.prior.at(scale)), f"the scale's posterior median, {scale:.4g}"


def _check(library: LibraryFit, target: Problem) -> None:
    if not isinstance(library, LibraryFit):
        msg = f"waterfall: library must be a LibraryFit (got {type(library).__name__})"
        raise ParameterError(msg)
    theirs = library.problem
    if theirs.p != target.p or library.beta.shape != (target.p,):
        msg = (
            f"waterfall: the library has {library.beta.size} coefficients of {theirs.p} columns, the posterior is of "
            f"{target.p}; both must be of the same raw columns, in one order"
        )
        raise ParameterError(msg)
    if type(theirs.likelihood) is not type(target.likelihood) or theirs.n != target.n:
        msg = (
            f"waterfall: the library's problem has {theirs.n} rows of {type(theirs.likelihood).__name__}, the "
            f"posterior's {target.n} of {type(target.likelihood).__name__}; both must be of the same data"
        )
        raise ParameterError(msg)
    block, own = theirs.design.rows.collect(), target.design.rows.collect()
    if not np.array_equal(block.y, own.y):
        msg = "waterfall: the library's response is not the posterior's; both must be of the same rows, in one order"
        raise ParameterError(msg)


# -- modes -------------------------------------------------------------------------------------------------------------


def _modes(library: LibraryFit | None, fixed: Problem, mode: Optimum) -> Iterator[State]:
    """From the library's coefficients to the mode of the problem here."""
    zero = np.zeros(fixed.p)
    end = mode.beta_raw
    if library is None:
        yield State(OPTIMUM, end, zero, "")
        for name in (SOLVER, LAMBDA, COLUMNS):
            yield State(name, end, zero, NO_LIBRARY, same=True)
        return
    start = library.raw(library.beta)
    yield State(library.label, start, zero, "")
    theirs = library.problem.conditional(mode.sigma if library.problem.likelihood.sigma_known is None else None)
    columns, penalty = _same_columns(library, fixed), _same_penalty(theirs, fixed)
    exact = end if columns and penalty else library.raw(fit_penalized(theirs).beta)
    yield State(SOLVER, exact, zero, "to the optimum of the library's own objective, certified")
    if penalty:
        yield State(LAMBDA, exact, zero, "nothing to change: the penalty is the same", same=True)
        matched = exact
    else:
        moved = replace(theirs.with_prior(fixed.prior), likelihood=fixed.likelihood)
        matched = end if columns else library.raw(fit_penalized(moved).beta)
        known = fixed.likelihood.sigma_known
        at = "" if known is None else f", matched at {fixed.likelihood.dispersion_name} = {known:.5g}"
        yield State(LAMBDA, matched, zero, f"{_said(theirs)} becomes {_said(fixed)}{at}, on the library's columns")
    if columns:
        yield State(COLUMNS, matched, zero, "nothing to change: columns and intercept are the same", same=True)
    else:
        yield State(COLUMNS, end, zero, "to the columns and the intercept of the problem here, the same prior on them")


def _said(problem: Problem) -> str:
    return problem.prior.describe(problem.p)


def _same_penalty(one: Problem, other: Problem) -> bool:
    """Whether both have the same penalty at the same dispersion."""
    if one.likelihood.sigma_known != other.likelihood.sigma_known:
        return False
    if one.prior is other.prior:
        return True
    return _same_prior(one.prior, other.prior, one.p)


def _same_prior(one: Prior | None, other: Prior | None, p: int) -> bool:
    if one is None or other is None:
        return one is other
    first, second = one.elastic(p), other.elastic(p)
    if first is None or second is None:
        return one is other
    pairs = ((first.l1, second.l1), (first.l2, second.l2), (first.loc, second.loc))
    return all(np.array_equal(a, b) for a, b in pairs)


SAME = 1e-12
"""Relative difference up to which columns that two programs standardised are the same."""


def _same_columns(library: LibraryFit, fixed: Problem) -> bool:
    """Whether the library's problem has the columns, offsets, weights and intercept of the problem here."""
    theirs = library.problem
    if not _same_prior(theirs.intercept, fixed.intercept, 1):
        return False
    raw = 1 / fixed.design.scale
    if library.slopes is not None and not np.allclose(library.slopes, raw, rtol=SAME, atol=0):
        return False
    if theirs.design is fixed.design:
        return True
    block, own = theirs.design.rows.collect(), fixed.design.rows.collect()
    if not (isinstance(block.X, np.ndarray) and isinstance(own.X, np.ndarray)):
        return False
    mine, his = (b.weighted(np.ones(fixed.n)) for b in (own, block))
    close = np.allclose(block.X, own.X, rtol=0, atol=SAME * np.abs(own.X).max(initial=0.0))
    units = library.slopes is not None or np.array_equal(theirs.design.scale, fixed.design.scale)
    return bool(close and units and np.array_equal(block.offset, own.offset) and np.array_equal(mine, his))


# -- means -------------------------------------------------------------------------------------------------------------


@final
class _Runs:
    """Longer runs, each with a seed of its own; those that failed a gate say so."""

    def __init__(self, posterior: Posterior, longer: int, seed: int, progress: Progress | None) -> None:
        chains, length = posterior.beta.shape[:2]
        self.draws = -(-chains * length // 4)
        self.longer = longer
        self.seeds = iter(np.random.SeedSequence(read_integer("seed", seed, 0)).spawn(8))
        self.progress = progress
        self.done = 0

    def plan(self, problem: Problem, times: int) -> Plan:
        return prepare(problem, "auto", self.draws * times, seed=next(self.seeds))

    def run(self, name: str, plan: Plan, note: str) -> State:
        drawn = plan.run()
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, 4)
        failed = withheld_by(drawn)
        withheld = f"the draws of the step {name!r} failed: {failed}" if failed else ""
        error = mcse_mean(drawn.beta_raw, independent=drawn.independent)
        return State(name, drawn.beta_raw.mean(axis=(0, 1)), error, note, withheld)


def _means(runs: _Runs, target: Problem, fixed: Problem, mode: Optimum) -> Iterator[State]:
    """From the mode to the mean with the scale of the prior held."""
    elastic = fixed.prior.elastic(fixed.p)
    gaussian = fixed.likelihood.quadratic and elastic is not None and not elastic.l1.any()
    symbol = fixed.likelihood.dispersion_name
    free = target.likelihood.sigma_known is None and symbol is not None
    if gaussian and _gaussian_intercept(fixed):
        mean = State(MEAN, mode.beta_raw, np.zeros(fixed.p), "nothing to change: the mode of a Gaussian density is its "
                     "mean", same=True)  # fmt: skip
    else:
        at = "" if mode.sigma is None else f" at {symbol} = {mode.sigma:.5g}"
        mean = runs.run(MEAN, runs.plan(fixed, runs.longer), f"from the mode to the mean of the same density{at}")
    yield mean
    if free:
        yield runs.run(NOISE, runs.plan(target, runs.longer), f"{symbol} under {_short(target.likelihood.dispersion)}")
    else:
        why = "the likelihood has no dispersion" if symbol is None else f"{symbol} is known"
        yield replace(mean, name=NOISE, note=f"nothing to change: {why}", withheld="", same=True)


def _gaussian_intercept(fixed: Problem) -> bool:
    """Whether the intercept's prior, too, leaves the density Gaussian."""
    if fixed.intercept is None:
        return True
    elastic = fixed.intercept.elastic(1)
    return elastic is not None and not elastic.l1.any()


def _ends(
    runs: _Runs, target: Problem, posterior: Posterior, held: str, last: State, integrate_scale: bool
) -> Iterator[State]:
    """The scale of the prior integrated, and what chance does to a run of the ordinary length."""
    own = State(
        CHANCE, posterior.beta_raw.mean(axis=(0, 1)),
        mcse_mean(posterior.beta_raw, independent=posterior.independent),
        "the mean of the posterior's own draws, against the longer run's", withheld_by(posterior),
    )  # fmt: skip
    if held:
        there: Problem | str = posterior.problem
    else:
        there = _hierarchical(target) if integrate_scale else "not asked for"
    if isinstance(there, str):
        note = f"left out, {there}: the scale is held" if integrate_scale else "left out: not asked for"
        yield replace(last, name=SCALE, note=note, withheld="", same=True)
        yield own
        return
    plan = runs.plan(there, runs.longer)
    if set(plan.methods) <= set(COMPILED):
        yield replace(last, name=SCALE, note=f"left out, it would have to compile ({plan.reason}): draw it with "
                      "choose_scale(by='hierarchical') and give that posterior", withheld="", same=True)  # fmt: skip
        yield own
        return
    start = f" from {held}" if held else ""
    yield runs.run(SCALE, plan, f"the prior's scale{start} under {_short(there.prior.hyperprior)}")
    if held:
        yield own
    else:
        yield runs.run(CHANCE, runs.plan(there, 1), "a run as long as the posterior given, against the longer one's")


def _short(prior: ScalePrior | None) -> str:
    return "" if prior is None else short_name(prior)


def _hierarchical(target: Problem) -> Problem | str:
    """The problem with a prior on the scale of its prior, or why there is none."""
    try:
        there = under_hyperprior(target, ScaleFamily.of(target, "waterfall"), None)
        prepare(there)
    except (ParameterError, FitError) as error:
        return str(error)
    return there
