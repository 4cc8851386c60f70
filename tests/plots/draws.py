"""Comparisons whose optima and tables are real and whose draws are made up: no sampler, and nothing is compiled."""

import numpy as np

import bayesreg as br
from bayesreg.comparison import Comparison
from bayesreg.comparison.tables import coefficient_table, ledger_table
from bayesreg.effects import small_effect
from bayesreg.graph import GraphCheck
from bayesreg.samplers.posterior import assemble
from bayesreg.samplers.settings import Draws, read_settings

NAMES = ("cost_$_a$", "<b>", "c_{d}", "x^2 & y", "plain", "long_" * 12)
"""Names of six columns, some of which would be read as markup or mathematics."""


def normal_draws(problem, optimum, shape=(4, 250), *, seed=0, sampler="made-up", **given):
    """A Posterior of normal draws about the optimum, as wide as the curvature there and the prior have it."""
    rng = np.random.default_rng(seed)
    centre = problem.join(optimum.intercept, optimum.beta)
    work = problem.conditional(optimum.sigma)
    variance = np.nan_to_num(work.penalty_prior.variance(centre.size), posinf=1e6)
    precision = work.curvature(centre, majorized=True) + np.diag(1 / variance)
    root = np.linalg.inv(np.linalg.cholesky(precision)).T
    theta = centre + rng.normal(size=(*shape, centre.size)) @ root.T
    unknown = problem.likelihood.dispersion is not None
    sigma = optimum.sigma * np.exp(0.1 * rng.normal(size=shape)) if unknown else None
    return assemble(
        problem, Draws(theta, sigma, **given), read_settings(shape[1], shape[0], None, seed, None), sampler, "made up"
    )


def compared(problem, shape=(4, 250), **given):
    """A Comparison of a real optimum with `normal_draws`."""
    optimum = br.fit_penalized(problem)
    posterior = normal_draws(problem, optimum, shape, **given)
    table = coefficient_table(problem, optimum, optimum, posterior, small_effect(problem), 0.95)
    return Comparison(
        problem=problem, map=optimum, penalized=optimum, posterior=posterior,
        graph_check=GraphCheck(points=3, constant=0.0, spread=0.0), coefficients=table,
        ledger=ledger_table(problem, optimum, posterior, table), interval_prob=0.95, remarks=(),
    )  # fmt: skip


def lasso(shape=(4, 250), *, superchains=None, **settings):
    """Six columns, some exactly zero at the MAP; draws with energies, as a Hamiltonian sampler leaves them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    y = X @ np.resize([1.5, 0.0, 0.0], 6) + rng.normal(size=40)
    problem = br.Problem.from_arrays(X, y, prior=br.Laplace(0.05), names=NAMES, **settings)
    return compared(problem, shape, stats={"energy": rng.normal(size=shape)}, superchains=superchains)


def slowed(comparison, j, share):
    """The posterior, after its coefficient j has been smoothed along each chain, which mixes worse."""
    draws = comparison.posterior.beta
    draws.setflags(write=True)
    for i in range(1, draws.shape[1]):
        draws[:, i, j] = share * draws[:, i - 1, j] + (1 - share) * draws[:, i, j]
    return comparison.posterior


def moved(comparison, chains, j, sds):
    """The comparison, after some chains have gone elsewhere."""
    draws = comparison.posterior.beta
    draws.setflags(write=True)
    draws[chains, :, j] += sds * draws[..., j].std()
    return comparison
