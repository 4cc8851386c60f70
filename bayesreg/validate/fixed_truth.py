"""Coverage and errors of sign at fixed truths: where shrinkage keeps an interval from holding what it promises.

A posterior interval holds the truth with the stated probability on average over the prior.  At one truth it does not:
small effects are held more often, and effects that the prior thinks unlikely less.  Here the response is simulated at
the truth itself, for a grid of its sizes, and intervals are made of every simulated data set.

References
----------
Castillo & van der Vaart (2012), Ann. Statist. 40:2069–2101; van der Pas, Szabó & van der Vaart (2017), Bayesian Anal.
12:1221–1274; Gelman & Carlin (2014), Perspect. Psychol. Sci. 9:641–651 (errors of sign).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from bayesreg.arguments import Seed, read_integer, read_seed
from bayesreg.errors import ParameterError
from bayesreg.in_words import title
from bayesreg.interfaces import Array
from bayesreg.noise import SYMBOLS, resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import prepare
from bayesreg.samplers.settings import Progress
from bayesreg.validate.fixed_truth_result import Coverage
from bayesreg.validate.generative import check_weights
from bayesreg.validate.intervals_at import BOOTSTRAP, LAPLACE, POSTERIOR, AtTruths, Making
from bayesreg.validate.runs import run
from bayesreg.validate.tallies import Ends, by_column, reasons
from bayesreg.validate.truths import Truths, read_factors, read_truth

FACTORS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Sizes of the truth by default, as multiples of the one given."""


def coverage(
    problem: Problem,
    truth: Mapping[str, float] | ArrayLike,
    *,
    signals: ArrayLike = FACTORS,
    intercept: float = 0.0,
    sigma: float | None = None,
    level: float = 0.95,
    replications: int = 200,
    bootstrap: int | None = None,
    method: str = "auto",
    draws: int = 500,
    chains: int | None = None,
    tune: int | None = None,
    seed: Seed = 0,
    workers: int | None = None,
    client: Any = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Coverage:
    """Simulate responses at fixed truths, and count how often intervals hold them.

    Parameters
    ----------
    problem : Problem
        Its rows X, offset and trials, likelihood and prior.  Its response is used for the default of `sigma` alone.
    truth : mapping of str to float, or array-like (p,)
        Coefficients on the scale that the prior sees; columns that a mapping leaves out are at the prior's location.
    signals : array-like (G,), default (0, 0.5, 1, 2, 4)
        Factors that the truth, as its distance from the prior's location, is multiplied by.  How far that is in
        standard errors of the unpenalised estimate, and in the prior's standard deviations, is in the result.
    intercept : float, default 0
        The true intercept, on the same scale.
    sigma : float, optional
        The true dispersion (σ, or a shape) where it is unknown; by default what `resolve_noise` finds in the data.
        Posteriors go on not knowing it.
    level : float
        Probability of the intervals.
    replications : int
        Data sets for each size of the truth.
    bootstrap : int, optional
        Resamples for bootstrap intervals beside the others; 0 or None leaves them out, as they take longest.
    method, draws, chains, tune
        As in `sample`, but for fewer draws: error in the ends of intervals from an ESS of 1000 takes 0.1 % off their
        coverage.  Draws that fail their gates are made anew, four times as many; if those fail too, the data set is
        counted among the failures.
    seed : int, SeedSequence, Generator or None
    workers, client, store, progress
        Processes, or a `distributed.Client`; a file to append replications to, and to go on from; called with (done,
        total).

    Returns
    -------
    Coverage
        Of posterior intervals and, where the prior's scale is a number, of intervals by Laplace's approximation at the
        MAP: normal, with the inverse Hessian of J on the face where it is smooth.  There a coefficient on a kink of the
        penalty has width 0, and an unknown dispersion is held at its plug-in for each data set.

    Raises
    ------
    ParameterError
        If a setting is outside what it can be, the sampler does not apply, or rows have weights other than 0 and 1.
    FitError
        If the default of `sigma` cannot be had.
    InputError
        If the store is of another run.
    """
    require_problem(problem, "coverage")
    check_weights(problem, "coverage")
    if isinstance(level, bool) or not isinstance(level, int | float) or not 0 < level < 1:
        msg = f"coverage: level must be a number between 0 and 1 (got {level!r})"
        raise ParameterError(msg)
    beta, factors = read_truth(problem, truth), read_factors(signals)
    replications, root = read_integer("replications", replications, 2), read_seed(seed)
    making = _making(problem, level, bootstrap, method, draws, chains, tune)
    law, setting = _law(problem, sigma, _intercept(problem, intercept))
    truths = Truths.of(law, beta, factors, float(intercept), np.random.default_rng(0))
    thetas = np.array([problem.join(float(intercept), b) for b in truths.beta])
    found = run(
        AtTruths(problem, law, thetas, making), replications, seed=root, workers=workers, client=client, store=store,
        header=_header(problem, law, thetas, making), progress=progress,
    )  # fmt: skip
    return _result(problem, truths, making, found.records, replications, setting)


def _result(
    problem: Problem, truths: Truths, making: Making, records: Any, replications: int, setting: str
) -> Coverage:
    shape = truths.beta.shape
    ends = {name: Ends.of(records, name, shape) for name in making.methods}
    drawn = Counter(point["sampler"] for record in records for point in record["points"] if point["sampler"])
    if len(records) < replications:
        setting += f"; stopped after {len(records)} of {replications} replications"
    if truths.alone:
        setting += "; the columns determine no unpenalised estimate: standard errors are those with the others held"
    if problem.prior.hyperprior is not None:
        setting += "; the prior's scale is unknown, so that there is no MAP of all unknowns"
    return Coverage(
        by_column(ends, truths, problem.names), truths, ends, reasons(records, truths.factors), problem.names,
        making.level, len(records), setting, dict(drawn),
    )  # fmt: skip


def _making(
    problem: Problem, level: float, resamples: int | None, method: str, draws: int, chains: int | None, tune: int | None
) -> Making:
    """Settings, checked before the first replication: what any of them would refuse is refused here."""
    prepare(problem, method, draws, chains, tune=tune)
    if method == "pymc":
        msg = "coverage: method='pymc' would compile the model in every replication; use 'nuts', which compiles once"
        raise ParameterError(msg)
    copies = 0 if resamples is None else read_integer("bootstrap", resamples, 0)
    known = problem.prior.hyperprior is None
    if copies and (copies < 10 or not problem.convex or not known):
        why = "10 resamples at least" if copies < 10 else "a convex objective and a prior whose scale is a number"
        msg = f"coverage: bootstrap={copies} needs {why}; use bootstrap=None to leave it out"
        raise ParameterError(msg)
    methods = (POSTERIOR, *((LAPLACE,) if known else ()), *((BOOTSTRAP,) if copies else ()))
    return Making(methods, float(level), method, draws, chains, tune, copies)


def _intercept(problem: Problem, intercept: float) -> float:
    if isinstance(intercept, bool) or not isinstance(intercept, int | float) or not np.isfinite(intercept):
        msg = f"coverage: intercept must be a finite number (got {intercept!r})"
        raise ParameterError(msg)
    if intercept and not problem.has_intercept:
        msg = f"coverage: intercept={intercept!r}, but the problem has none; leave it out"
        raise ParameterError(msg)
    return float(intercept)


def _law(problem: Problem, sigma: float | None, intercept: float) -> tuple[Problem, str]:
    """What responses are drawn from, the dispersion at the truth's, and that in words."""
    name = problem.likelihood.dispersion_name
    noise = resolve_noise(problem, sigma)
    value = noise.sigma
    if noise.joint:
        if problem.prior.hyperprior is not None:
            msg = f"coverage: give the true {name} in sigma=; where the prior's scale is unknown no joint mode says it"
            raise ParameterError(msg)
        value = fit_penalized(problem).sigma
    told = f"{title(problem)}: responses simulated at the truth, intercept {intercept:.4g}"
    if value is not None:
        where = "" if noise.method in ("known", "given") else f" ({noise.sentence})"
        told += f" and {SYMBOLS[str(name)]} = {value:.4g}{where}"
    return problem.conditional(value), told


def _header(problem: Problem, law: Problem, thetas: Array, making: Making) -> dict[str, Any]:
    """All that a replication depends on, for the store."""
    from dataclasses import asdict

    import joblib

    from bayesreg import __version__

    block = problem.design.rows.collect()
    data = (block.X, block.offset, block.weights, block.trials)
    parts = (problem.likelihood, problem.prior, problem.intercept, problem.scale_by_noise, law.likelihood)
    return {
        "what": "coverage", "bayesreg": __version__, "problem": joblib.hash((data, parts)),
        "truths": joblib.hash(thetas), **asdict(making), "methods": list(making.methods),
    }  # fmt: skip
