"""Samplers against each other, and intervals at fixed truths."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import bayesreg as br
from bayesreg.validate import agreement, coverage
from benchmarks.validation.cases import SEED, problem_of

Row = dict[str, Any]

PROBLEMS = (
    ("Gaussian, σ known", "Gaussian"),
    ("Gaussian", "Gaussian"),
    ("Gaussian, σ known", "Laplace"),
    ("Gaussian", "Laplace"),
    ("Gaussian, σ known", "group Laplace"),
    ("Bernoulli", "Laplace"),
    ("Poisson", "Gaussian"),
    ("negative binomial, α known", "elastic net"),
    ("Student-t, σ known", "Laplace"),
)
"""Those on which more than one sampler applies, and one where NUTS joins."""

ROWS = 60

SIGNALS = (0.0, 0.5, 1.0, 2.0, 4.0, 6.0)
"""Factors on a truth of one prior sd in half the columns."""


def agreements() -> Iterator[Row]:
    """One row a problem."""
    for likelihood, prior in PROBLEMS:
        problem = simulated(problem_of(likelihood, prior, ROWS))
        found = agreement(problem, draws=4000, seed=SEED, false_alarm=0.01 / len(PROBLEMS))
        z = found.table["z"].abs()
        yield {
            "problem": f"{likelihood} × {prior}", "sources": list(found.held.judged), "comparisons": len(found.table),
            "largest": float(z.max()), "limit": found.limit, "passed": found.passed, "verdict": found.verdict,
        }  # fmt: skip


def simulated(problem: br.Problem) -> br.Problem:
    """The problem with a response that its own model made."""
    from bayesreg.validate.generative import FromPrior

    rng = np.random.default_rng(SEED)
    source = FromPrior.of(problem)
    return source.simulated(source.truth(0, rng), rng)


def lasso() -> tuple[br.Problem, np.ndarray]:
    """A lasso with ten correlated columns, and the truth: half of the columns do nothing."""
    rng = np.random.default_rng(SEED)
    X = rng.normal(size=(100, 10)) + 0.5 * rng.normal(size=(100, 1))
    problem = br.Problem.from_arrays(X, rng.normal(size=100), prior=br.Laplace(0.1), likelihood=br.GaussianNoise())
    return problem, np.where(np.arange(10) % 2, 0.0, 0.1 * np.sqrt(2) * np.where(np.arange(10) % 4, -1.0, 1.0))


def coverages(replications: int, workers: int, bootstrap: int = 50) -> tuple[list[Row], str]:
    """A row a kind of interval and size of the truth, and what it says in words."""
    problem, truth = lasso()
    found = coverage(
        problem, truth, signals=SIGNALS, sigma=1.0, replications=replications, bootstrap=bootstrap, seed=SEED,
        workers=workers,
    )  # fmt: skip
    return found.curve().reset_index().to_dict(orient="records"), found.sentence
