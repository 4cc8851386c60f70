"""Wrong samplers: each must be caught, at the level of the table of right ones."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from joblib import Parallel, delayed, parallel_config

import bayesreg as br
from bayesreg.problem import Problem
from bayesreg.samplers import conjugate, gibbs, hmc, kernels, surrogate
from bayesreg.samplers.settings import Draws, Settings
from bayesreg.validate import Calibration, sbc
from benchmarks.validation.cases import SEED

Draw = Callable[[Problem, Settings], Draws]

SETTINGS: dict[str, Any] = {"draws": 20, "chains": 8, "tune": 20, "ranks": 19, "workers": 1, "seed": SEED}

WIDE = 100
"""Columns, where each coefficient shows a tenth of its scale hardly and their common density shows it soon."""


@dataclass(frozen=True)
class Control:
    """A fault, where it is put, and the problem that it is looked for on.

    Parameters
    ----------
    fault, sampler : str
    owner, name, wrong
        What is replaced, by `wrong` of what is right.
    problem : Problem
    replications, fewer : int
        Of the table, and of the tests.
    concerns : str
        The quantity whose ranks stray the most.
    side : int
        Where its truths lie: 1 above the draws, -1 below.
    """

    fault: str
    sampler: str
    owner: Any
    name: str
    wrong: Any
    problem: Problem
    replications: int
    fewer: int
    concerns: str
    side: int


@contextmanager
def put(control: Control) -> Iterator[None]:
    """The fault in place of what is right."""
    right = getattr(control.owner, control.name)
    setattr(control.owner, control.name, control.wrong(right))
    try:
        yield
    finally:
        setattr(control.owner, control.name, right)


def rows_of(n: int, p: int) -> tuple[np.ndarray, np.ndarray]:
    """Columns, and a response that is only there to be replaced."""
    rng = np.random.default_rng(SEED)
    return rng.normal(size=(n, p)), np.arange(n) % 2.0


def gaussian(n: int, p: int, prior: br.Laplace | br.Gaussian, sigma: object = None) -> Problem:
    """Gaussian noise under proper priors."""
    noise = br.GaussianNoise(sigma=br.HalfNormal(1.0) if sigma is None else sigma)
    return br.Problem.from_arrays(*rows_of(n, p), likelihood=noise, prior=prior, intercept=br.Gaussian(1.0))


def logistic(n: int, p: int) -> Problem:
    """A logistic lasso."""
    return br.Problem.from_arrays(
        *rows_of(n, p), likelihood=br.BernoulliLogit(), prior=br.Laplace(0.7), intercept=br.Gaussian(1.0)
    )


def rescaled(factor: float) -> Callable[[Draw], Draw]:
    """The prior's scale off by a factor."""
    return lambda draw: lambda problem, settings: draw(problem.with_prior(problem.prior.rescaled(factor)), settings)


def freer(right: type) -> Callable[..., Any]:
    """σ given the rest with two degrees of freedom too many."""
    return lambda hyper, scaled, unit, freedom: right(hyper, scaled, unit, freedom + 2)


def without_jacobian(right: Callable[[Any, np.ndarray], np.ndarray]) -> Callable[[Any, np.ndarray], np.ndarray]:
    """log σ under the density of σ."""
    return lambda self, t: right(self, t) - t


def from_the_prior(right: Draw) -> Draw:
    """Draws of the prior: every parameter's rank is uniform, the likelihood's is not."""

    def draw(problem: Problem, settings: Settings) -> Draws:
        rng, shape = settings.generator(), (settings.chains or 4, settings.draws)
        assert problem.intercept is not None
        size = shape[0] * shape[1]
        parts = [problem.intercept.draw(rng, size, 1), problem.prior.draw(rng, size, problem.p)]
        return Draws(np.concatenate(parts, axis=1).reshape(*shape, -1), None, independent=True)

    return draw


def narrow(draw: Draw) -> Draw:
    """Draws that are too close to each other."""

    def shrunk(problem: Problem, settings: Settings) -> Draws:
        found = draw(problem, settings)
        mean = found.theta.mean(axis=(0, 1))
        return replace(found, theta=mean + 0.8 * (found.theta - mean))

    return shrunk


def _strengths() -> Iterator[Control]:
    """λ off by a tenth, where the data say next to nothing of a hundred coefficients."""
    little = gaussian(WIDE + 10, WIDE, br.Laplace(0.7), 20.0)
    classes = logistic(20, WIDE).with_prior(br.Gaussian(0.08))
    of = {  # the scale is a power of 1/λ
        "gibbs": (gibbs, little, 1.0, 100), "conjugate": (conjugate, little.with_prior(br.Gaussian(0.7)), 0.5, 130),
        "hmc": (hmc, classes, 0.5, 130), "surrogate": (surrogate, classes, 0.5, 150),
    }  # fmt: skip
    for how, factor, side in (("larger", 1 / 1.1, -1), ("smaller", 1 / 0.9, 1)):
        for name, (owner, problem, power, fewer) in of.items():
            wrong = rescaled(factor**power)
            yield Control(f"λ {how} by 10 %", name, owner, "draw", wrong, problem, 400, fewer, "log_prior", side)


def controls() -> list[Control]:
    """Every fault, in the samplers that have the step."""
    # Which of both steps is taken depends on the rows: see the tests.
    three, eight = (gaussian(n, 1, br.Laplace(0.7)) for n in (3, 8))
    freedom, sigma = "degrees of freedom: two too many,", ("sigma", 1)
    return [
        *_strengths(),
        Control(f"{freedom} σ given β", "gibbs", gibbs, "Noise", freer, eight, 600, 250, *sigma),
        Control(f"{freedom} β integrated out", "gibbs", gibbs, "Noise", freer, three, 400, 100, *sigma),
        Control(
            "the Jacobian of log σ dropped", "gibbs", kernels.Noise, "log_prior", without_jacobian,
            three, 400, 200, *sigma,
        ),
        Control(
            "draws of the prior, which ignore the data", "conjugate", conjugate, "draw", from_the_prior,
            gaussian(12, 3, br.Gaussian(0.7), 1.0), 500, 100, "log_likelihood", 1,
        ),
        Control(
            "draws a fifth too close to their mean", "hmc", hmc, "draw", narrow, logistic(12, 3), 500, 300,
            "log_likelihood", -1,
        ),
    ]  # fmt: skip


def calibrated(control: Control, replications: int, level: float) -> Calibration:
    """What calibration finds of a fault."""
    with put(control):
        return sbc(control.problem, replications, method=control.sampler, false_alarm=level, **SETTINGS)


def caught(control: Control, replications: int, level: float) -> dict[str, Any]:
    """One line: what was found of a fault."""
    start = time.perf_counter()
    found = calibrated(control, replications, level)
    return {
        "fault": control.fault, "sampler": control.sampler, "replications": len(found.ranks), "p": found.p,
        "worst": str(found.table.index[0]), "caught": found.p <= level, "seconds": time.perf_counter() - start,
        "failures": found.failures,
    }  # fmt: skip


def all_caught(level: float, workers: int, *, quick: bool = False) -> Iterator[dict[str, Any]]:
    """Every line, in their order; `quick`: with as few replications as the tests."""

    def one(index: int) -> dict[str, Any]:
        control = controls()[index]
        return caught(control, control.fewer if quick else control.replications, level)

    with parallel_config(backend="loky", inner_max_num_threads=1):
        yield from Parallel(n_jobs=workers, return_as="generator")(delayed(one)(k) for k in range(len(controls())))
