"""Simulation-based calibration: whether a sampler draws from the posterior that its model has.

θ ~ p(θ), y ~ p(y | θ), and L draws of p(θ | y): the rank of the truth among them, in every parameter and every other
quantity, is uniform on 0..L, whatever the model.

References
----------
Cook, Gelman & Rubin (2006), J. Comput. Graph. Stat. 15:675–692; Talts, Betancourt, Simpson, Vehtari & Gelman (2018),
arXiv:1804.06788; Modrák et al. (2023), Bayesian Analysis (test quantities); Säilynoja et al. (2025), arXiv:2502.03279
(conditional on data).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, final

import numpy as np

from bayesreg.arguments import Seed, read_integer, read_seed, read_share
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import METHODS, prepare
from bayesreg.samplers.settings import Interrupted, Progress
from bayesreg.validate.calibrated import Calibration
from bayesreg.validate.generative import (
    FromPosterior,
    FromPrior,
    Sample,
    Source,
    check_weights,
    improper_parts,
    spaced,
)
from bayesreg.validate.one_thread import one_thread
from bayesreg.validate.quantities import TestQuantity, code_of, read_quantities, values_of
from bayesreg.validate.runs import child, run
from bayesreg.validate.store import Record

SPARE = 2.0
"""Effective draws of a posterior for each that a truth is ranked among: they are then as good as independent."""

DOUBLINGS = 5
"""Times that the draws are doubled for it."""

TRUTHS = 2**32 - 1
"""Key of the seed that truths come from: no replication's."""

SOURCES = ("auto", "prior", "posterior")


def sbc(
    problem: Problem,
    replications: int = 1000,
    test_quantities: Mapping[str, TestQuantity] | Sequence[str] | None = None,
    *,
    method: str = "auto",
    ranks: int = 99,
    draws: int = 250,
    chains: int | None = None,
    tune: int | None = None,
    truths: str = "auto",
    truths_by: str | None = None,
    false_alarm: float = 0.01,
    seed: Seed = 0,
    workers: int | None = None,
    client: Any = None,
    store: str | Path | None = None,
    progress: Progress | None = None,
) -> Calibration:
    """Check a sampler on a problem by simulation-based calibration.

    Parameters
    ----------
    problem : Problem
        Its rows X, offset and trials, likelihood and prior; its response is used with `truths="posterior"` alone.
    replications : int
    test_quantities : mapping of str to callable, or sequence of str, optional
        By default `log_likelihood` (of the simulated data) and `log_prior`.  A mapping adds functions of (draws,
        problem) that return a number for each draw; see `TestQuantity`.  A sequence names the built-in ones to keep.
    method : str
        The sampler, see `sample`.  `nuts` is compiled once.
    ranks : int
        L: draws that a truth is ranked among.  They are taken evenly spaced from draws with at least twice as large an
        ESS; for that the sampler is run longer where need be.
    draws, chains, tune : int
        As in `sample`, for each replication.
    truths : {"auto", "prior", "posterior"}
        `prior`: from the prior, which must be proper.  `posterior`: from the posterior given the data at hand; what is
        ranked are posteriors of these data and as many simulated rows.  It takes any prior, and looks where these data
        are.  `auto`: `prior` where it is proper.
    truths_by : str, optional
        Sampler of the truths that come from a posterior: by default another than the one that is checked, where one
        applies that compiles nothing.  An error that both make consistently is not seen.
    false_alarm : float
        Probability, at most, that a right sampler fails.
    seed : int, SeedSequence, Generator or None
    workers : int, optional
        Processes; by default as many as there are processors.
    client : distributed.Client, optional
        Runs replications on its cluster.
    store : str or Path, optional
        File to which each finished replication is appended, and from which a run that was stopped goes on.
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    Calibration

    Raises
    ------
    ParameterError
        If a setting is out of range, `method` does not apply, a row has a weight, or truths cannot come from an
        improper prior.
    FitError
        If the posterior that truths are to come from cannot be drawn from.
    InputError
        If `store` is of another run.
    """
    require_problem(problem, "sbc")
    _check(truths, truths_by)
    level = read_share("sbc: false_alarm", false_alarm)
    replications, levels = read_integer("replications", replications, 2), read_integer("ranks", ranks, 1)
    check_weights(problem, "sbc")
    quantities, root = read_quantities(test_quantities), read_seed(seed)
    pace = Pace(_method(method), draws, chains, tune, levels)
    with one_thread():  # truths of a posterior are then the same on any machine
        source = _source(problem, pace, (truths, truths_by), replications, child(root, TRUTHS))
    names = tuple(values_of(source.truth(0, np.random.default_rng(0)), problem, quantities))
    found = run(
        Job(source, quantities, pace), replications, seed=root, workers=workers, client=client, store=store,
        header=_header(source, quantities, pace), progress=progress,
    )  # fmt: skip
    return Calibration(
        problem, method, source.kind, source.sentence, names, levels, replications, found.records,
        level, str(root.entropy), found.interrupted, source.shared,
    )  # fmt: skip


@final
@dataclass(frozen=True, slots=True, eq=False)
class Pace:
    """How each posterior is drawn."""

    method: str
    draws: int
    chains: int | None
    tune: int | None
    levels: int


@final
@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """One replication: a truth, data, draws, ranks."""

    source: Source
    quantities: Mapping[str, TestQuantity]
    pace: Pace

    def __call__(self, index: int, seed: np.random.SeedSequence) -> Record:
        """Return ranks, or what kept the sampler from drawing."""
        start = time.perf_counter()
        simulation, ties, *runs = seed.spawn(3 + DOUBLINGS)
        rng = np.random.default_rng(simulation)
        truth = self.source.truth(index, rng)
        problem = self.source.simulated(truth, rng)
        try:
            sample, about = self._draws(problem, runs)
        except Interrupted as stopped:  # by the user: no failure of the sampler
            raise KeyboardInterrupt from stopped
        except (FitError, ArithmeticError, np.linalg.LinAlgError) as error:  # told in the result, by its name
            return {"failed": f"{type(error).__name__}: {error}"}
        values = values_of(Sample.joined(truth, sample), problem, self.quantities)
        ranks = _ranks(np.stack(list(values.values())), np.random.default_rng(ties))
        return about | {"ranks": ranks, "seconds": time.perf_counter() - start}

    def _draws(self, problem: Problem, seeds: Sequence[np.random.SeedSequence]) -> tuple[Sample, Record]:
        """L draws as good as independent, and how they were come by."""
        pace, draws = self.pace, self.pace.draws
        for last, seed in zip((*[False] * (len(seeds) - 1), True), seeds, strict=True):
            plan = prepare(problem, pace.method, draws, pace.chains, seed, tune=pace.tune)
            posterior = replace(plan, settings=replace(plan.settings, reuse=True)).run()
            if posterior.interrupted:
                raise KeyboardInterrupt
            effective = float(posterior.verdict.ess_bulk)
            enough = effective >= SPARE * pace.levels
            if enough or last:
                sample = Sample.of(posterior)
                about = {"method": posterior.method, "ess": effective, "short": not enough}
                return sample.take(spaced(len(sample), pace.levels)), about
            draws *= 2
        msg = "no seed to draw with"
        raise AssertionError(msg)


def _ranks(values: Array, rng: np.random.Generator) -> list[int]:
    """Ranks of the first of each row among the others; among equals, any with the same probability."""
    truth, drawn = values[:, :1], values[:, 1:]
    below, equal = (drawn < truth).sum(axis=1), (drawn == truth).sum(axis=1)
    return [int(rank) for rank in below + rng.integers(equal + 1)]


def _method(method: str) -> str:
    if method not in METHODS:
        msg = f"method={method!r} is not a sampler: use one of {', '.join(METHODS)}"
        raise ParameterError(msg)
    if method == "pymc":
        msg = "sbc: method='pymc' would compile the model in every replication; check pm.sample with simuk"
        raise ParameterError(msg)
    return method


def _check(truths: object, truths_by: object) -> None:
    if truths not in SOURCES:
        msg = f"sbc: truths must be one of {', '.join(SOURCES)} (got {truths!r})"
        raise ParameterError(msg)
    if truths_by is not None and truths_by not in METHODS[1:]:
        msg = f"sbc: truths_by must be one of {', '.join(METHODS[1:])}, or None (got {truths_by!r})"
        raise ParameterError(msg)


def _source(
    problem: Problem, pace: Pace, asked: tuple[str, str | None], count: int, seed: np.random.SeedSequence
) -> Source:
    truths, by = asked
    improper = improper_parts(problem)
    if truths == "prior" and improper:
        msg = (
            f"sbc: truths cannot come from an improper prior, which {'; '.join(improper)} "
            f"{'has' if len(improper) == 1 else 'have'}: give proper priors, or truths='posterior'"
        )
        raise ParameterError(msg)
    if truths == "posterior" or improper:
        prepare(problem, pace.method, pace.draws, pace.chains, tune=pace.tune)  # refuses what it would refuse later
        return FromPosterior.of(problem, pace.method, count, seed, by)
    return FromPrior.of(problem)


def _header(source: Source, quantities: Mapping[str, TestQuantity], pace: Pace) -> dict[str, Any]:
    """All that a replication depends on, for the store."""
    import joblib

    from bayesreg import __version__

    base = source.problem
    block = base.design.rows.collect()
    data = (block.X, block.offset, block.weights, block.trials, block.y if source.kind == "posterior" else None)
    parts = (base.likelihood, base.prior, base.intercept, base.scale_by_noise)
    # Which truths a posterior's are depends on how many were drawn.
    truths = source.sentence + (f" ({len(source.truths)})" if isinstance(source, FromPosterior) else "")
    return {
        "what": "sbc", "bayesreg": __version__, "problem": joblib.hash((data, parts)), "truths": truths,
        "method": pace.method, "draws": pace.draws, "chains": pace.chains, "tune": pace.tune, "ranks": pace.levels,
        "quantities": {name: code_of(fn) for name, fn in quantities.items()},
    }  # fmt: skip
