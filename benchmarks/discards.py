"""What the point estimate discards, against the same numbers by the tools that people would reach for."""

from __future__ import annotations

import numpy as np

import bayesreg as br
from bayesreg.discard.left_out import modes_without
from benchmarks.measure import Row, best_of


def rows(repeats: int = 3) -> list[Row]:
    """Time modes without each row, leave-one-out, the bootstrap and a decision on the diabetes data."""
    data = br.load_dataset("diabetes")
    problem = br.Problem.from_arrays(data.X, data.y, names=data.names, prior=br.Laplace(scale=10.9))
    posterior, mode = br.sample(problem), br.fit_penalized(problem)
    return [_modes(problem, mode, repeats), _loo(posterior, mode, repeats), _bootstrap(problem, mode, repeats)]


def _lasso(problem: br.Problem, mode: br.Optimum, rows: np.ndarray) -> np.ndarray:
    from sklearn.linear_model import Lasso

    block = problem.design.rows.collect()
    alpha = mode.sigma**2 / (rows.size * problem.prior.scale)
    return Lasso(alpha=alpha, tol=1e-8, max_iter=100_000).fit(block.X[rows], block.y[rows]).coef_


def _modes(problem: br.Problem, mode: br.Optimum, repeats: int) -> Row:
    n = problem.n
    every = np.arange(n)
    ours = best_of(lambda: modes_without(problem, mode, every), repeats)
    theirs = best_of(lambda: [_lasso(problem, mode, np.delete(every, i)) for i in range(n)], repeats)
    note = f"{n} lassos without a row each; ours with sigma found anew, certified"
    return Row("modes without each row | a loop of sklearn.Lasso", ours, theirs, note=note)


def _loo(posterior: br.Posterior, mode: br.Optimum, repeats: int) -> Row:
    import arviz as az

    tree = posterior.data
    ours = best_of(lambda: br.discard.prediction(posterior, mode), repeats)
    theirs = best_of(lambda: az.loo(tree), repeats)
    note = "ours: log scores, intervals and PIT of plug-ins and posterior; ArviZ: the posterior's log score"
    return Row("scores of rows left out | az.loo", ours, theirs, note=note)


def _bootstrap(problem: br.Problem, mode: br.Optimum, repeats: int) -> Row:
    rng = np.random.default_rng(0)
    samples = rng.integers(problem.n, size=(1000, problem.n))
    ours = best_of(lambda: br.discard.bootstrap(problem, replications=1000), repeats)
    theirs = best_of(lambda: [_lasso(problem, mode, rows) for rows in samples], repeats)
    return Row("1,000 bootstrap lassos | a loop of sklearn.Lasso", ours, theirs)
