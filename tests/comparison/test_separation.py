"""Separated data: found exactly, and the posterior under half and twice the scale is the one that quadrature gives."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import log_expit

from bayesreg.comparison import compare
from bayesreg.existence import separation
from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import BernoulliLogit, PoissonLog
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Settings
from tests.fakes import replace_samplers

GRID = np.linspace(-40.0, 80.0, 240_001)
X1 = np.linspace(-1.5, 1.5, 12)


def logistic(X: Array, y: Array, prior: Prior, **options: object) -> Problem:
    return Problem.from_arrays(X, y, prior=prior, likelihood=BernoulliLogit(), standardize=False, **options)


def one_column(prior: Prior) -> Problem:
    return logistic(X1[:, None], (X1 > 0).astype(float), prior, intercept=None)


def density(prior: Prior) -> Array:
    """Posterior density of the only coefficient, on the grid, up to its normaliser."""
    side = np.where(X1 > 0, X1, -X1)
    log = log_expit(GRID[:, None] * side).sum(axis=1) + prior.log_density(GRID[:, None])
    return np.exp(log - log.max())


def moments(prior: Prior) -> tuple[float, float]:
    weight = density(prior)
    mean = float(weight @ GRID / weight.sum())
    return mean, float(np.sqrt(weight @ (GRID - mean) ** 2 / weight.sum()))


def exact_draws(problem: Problem, settings: Settings) -> Draws:
    cdf = np.cumsum(density(problem.prior))
    u = settings.generator().random((4, settings.draws))
    return Draws(np.interp(u, cdf / cdf[-1], GRID)[..., None], None)


@pytest.mark.parametrize("prior", [Laplace(1.0), Gaussian(2.0)])
def test_the_posterior_under_other_scales_is_that_of_quadrature(monkeypatch: pytest.MonkeyPatch, prior: Prior) -> None:
    replace_samplers(monkeypatch, exact_draws)
    c = compare(one_column(prior), draws=5000)
    assert c.sensitivity is not None
    found = {}
    for factor in (0.5, 1.0, 2.0):
        mean, sd = moments(prior.rescaled(factor))
        # the importance weights leave at least a tenth of the 20,000 draws
        error = sd / np.sqrt(2000)
        row = c.sensitivity.loc["x0"]
        found[factor] = row[f"mean at {factor:g}b"]
        assert abs(found[factor] - mean) <= 5 * error
        assert abs(row[f"sd at {factor:g}b"] / sd - 1) <= 0.25
        wrong, _ = moments(prior.rescaled(factor * 1.25))
        assert abs(found[factor] - wrong) > 5 * error  # a scale off by a quarter would be seen
    assert found[0.5] < found[1.0] < found[2.0]
    text = " ".join(c.summary().split())
    assert "the data are separated by a combination of 'x0'" in text
    assert "Under half, once and twice the prior's scale b" in text
    assert "Under half" in c._repr_html_()


def test_complete_separation_names_the_columns() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    found = separation(logistic(X, (X[:, 0] - 2 * X[:, 2] > 0.3).astype(float), Laplace(1.0)))
    assert found is not None
    assert found.complete
    assert {"x0", "x2"} <= set(found.columns)


def test_a_rare_column_separates_in_part() -> None:
    rng = np.random.default_rng(1)
    X = np.column_stack([rng.normal(size=60), np.arange(60) < 5])
    y = (rng.random(60) < 0.5).astype(float)
    y[:5] = 1.0  # all of the rare kind are ones
    found = separation(logistic(X, y, Laplace(1.0)))
    assert found is not None
    assert not found.complete
    assert found.columns == ("x1",)
    y[0] = 0.0
    assert separation(logistic(X, y, Laplace(1.0))) is None


def test_rows_of_weight_zero_do_not_hold_the_data_together() -> None:
    x = np.linspace(-1, 1, 20)
    y = (x > 0).astype(float)
    y[3] = 1.0
    assert separation(logistic(x[:, None], y, Laplace(1.0))) is None
    weights = np.ones(20)
    weights[3] = 0.0
    assert separation(logistic(x[:, None], y, Laplace(1.0), weights=weights)) is not None


def test_binomial_rows_separate_only_where_every_trial_agrees() -> None:
    x = np.linspace(-1, 1, 10)[:, None]
    k = np.where(x[:, 0] > 0, 3.0, 0.0)
    assert separation(logistic(x, k, Laplace(1.0), trials=np.full(10, 3))) is not None
    k[7] = 2.0
    assert separation(logistic(x, k, Laplace(1.0), trials=np.full(10, 3))) is None


def test_counts_that_are_zero_wherever_a_column_is_not() -> None:
    rng = np.random.default_rng(2)
    x = np.column_stack([np.arange(30) < 6, rng.normal(size=30)]).astype(float)
    y = np.where(x[:, 0] == 1, 0.0, rng.poisson(3.0, size=30) + 1.0)
    found = separation(Problem.from_arrays(x, y, prior=Laplace(1.0), likelihood=PoissonLog()))
    assert found is not None
    assert found.columns == ("x0",)
