"""Small problems with known structure, for the tests of what is done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import GammaLog, GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.rows import ArrayRows
from tests.registry import LIKELIHOODS, PRIORS, SCALE_PRIORS, SHAPES, TRIALS, WITH_TRIALS

P = 4

FAMILIES = {**LIKELIHOODS, **WITH_TRIALS}
"""Name -> likelihood: every family, and the one with numbers of trials."""


def data(likelihood: str, n: int = 30, p: int = P, seed: int = 0) -> tuple[Array, Array]:
    """Correlated columns of unequal scale and mean, and responses to a sparse truth."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))
    truth = np.resize([1.5, -1.0], p) * (np.arange(p) < 2)
    made = FAMILIES[likelihood].make()
    steep = 0.3 if made.link == "log" else 1.0  # effects on a log scale multiply
    y = made.simulate(0.3 + X @ (steep * truth), None, rng)
    return X * np.resize([1.0, 3.0, 0.2], p) + np.resize([0.0, 2.0, -1.0], p), y


def extras(n: int = 30) -> dict[str, Array]:
    """Uneven weights, some of them zero, and an offset."""
    rng = np.random.default_rng(99)
    return {"weights": rng.integers(0, 4, n) * 0.5, "offset": rng.normal(size=n)}


def make_problem(
    kind: str = "gaussian",
    *,
    prior: Prior | None = None,
    n: int = 30,
    p: int = P,
    seed: int = 0,
    **options: Any,
) -> Problem:
    """Return a problem on `data`; other options go to `Problem.from_arrays`."""
    X, y = data(kind, n, p, seed)
    options.setdefault("likelihood", FAMILIES[kind].make())
    if kind in WITH_TRIALS:
        options.setdefault("trials", np.full(n, TRIALS))
    return Problem.from_arrays(X, y, prior=Laplace(0.2) if prior is None else prior, **options)


def sparse_problem(kind: str) -> Problem:
    """Return a problem under a Laplace prior that leaves some coefficients at zero and not others."""
    for scale in np.geomspace(1.0, 1e-3, 25):
        problem = make_problem(kind, prior=Laplace(scale * np.linspace(1.0, 1.5, P)))
        zeros = fit_penalized(problem).zeros
        if zeros.any() and not zeros.all():
            return problem
    raise AssertionError(kind)


def theta_near(problem: Problem, seed: int) -> Array:
    """Return a random point (k,) on the scale of the data."""
    return np.random.default_rng(seed).normal(size=len(problem.labels))


def in_blocks(problem: Problem, size: int) -> Problem:
    """Return the same problem with its rows summed `size` at a time."""
    block = problem.design.rows.collect()
    rows = ArrayRows(block.X, block.y, block.offset, block.weights, block.trials, block_rows=size)
    return replace(problem, design=replace(problem.design, rows=rows))


DISPERSED = {
    "student-t": lambda: StudentTNoise(3.0),
    "negative-binomial": NegativeBinomialLog,
    "gamma": GammaLog,
}
"""Name -> family whose dispersion has a prior."""

FORMS: dict[str, Callable[..., Problem]] = {
    "plain": make_problem,
    "weights-and-offset": lambda kind, **o: make_problem(kind, **extras(), **o),
    "no-intercept": lambda kind, **o: make_problem(kind, intercept=None, **o),
    "gaussian-intercept": lambda kind, **o: make_problem(kind, intercept=Gaussian(0.5, loc=1.0), **o),
    "raw-columns": lambda kind, **o: make_problem(kind, standardize=False, **o),
}
"""Name -> problem of that form, from a likelihood's name and the options of `make_problem`."""


PAIRS = [
    *((kind, "plain", prior) for kind in FAMILIES for prior in PRIORS),
    *(
        (kind, form, prior)
        for kind in FAMILIES
        for form in FORMS
        for prior in ("laplace-by-column", "gaussian-located", "bridge-1.5", "group-laplace-by-column")
        if form != "plain"
    ),
]
"""(likelihood, form, prior): every likelihood with every prior, and every form of problem with priors of each kind."""


def pair_problem(kind: str, form: str, prior: str) -> Problem:
    """Return the problem of an entry of `PAIRS`."""
    return FORMS[form](kind, prior=PRIORS[prior](P))


def _routes() -> dict[str, Callable[[], Problem]]:
    routes: dict[str, Callable[[], Problem]] = {}
    for kind in FAMILIES:
        for name, prior in PRIORS.items():
            routes[f"{kind}/{name}"] = lambda k=kind, make=prior: make_problem(k, prior=make(P))
        routes[f"{kind}/sparse"] = lambda k=kind: sparse_problem(k)
        for name, form in FORMS.items():
            if name != "plain":
                routes[f"{kind}/{name}"] = lambda k=kind, make=form: make(k)
    for name, case in SCALE_PRIORS.items():
        routes[f"sigma/{name}"] = lambda c=case: make_problem(likelihood=GaussianNoise(c.make()))
    for kind, likelihood in DISPERSED.items():
        routes[f"dispersion/{kind}"] = lambda k=kind, make=likelihood: make_problem(k, likelihood=make())
    for name, shape in SHAPES.items():
        routes[f"noise-scaled/{name}"] = lambda s=shape: make_problem(
            prior=s(0.2), likelihood=GaussianNoise(), scale_by_noise=True
        )
    return routes


ROUTES = _routes()
"""Name -> problem: every prior with every likelihood, every form of problem, every prior on σ."""
