"""How far below the mode's density draws lie: the naive loop, and what is known of Gaussian and Laplace posteriors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from scipy import stats

from bayesreg.discard.typicality import typicality
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.samplers.once import Once
from bayesreg.samplers.posterior import log_likelihood
from bayesreg.samplers.settings import Draws
from bayesreg.scales import HalfCauchy, HalfNormal
from tests.monte_carlo import LIMIT
from tests.problems import extras, in_blocks, make_problem

module = import_module("bayesreg.discard.typicality")  # the package has a function of that name

PARTLY = {"x0": Flat(), "*": Laplace(0.2, loc=0.4)}
NAMES = ["x0", "x1", "x2", "x3"]

CASES: dict[str, Callable[[], Problem]] = {
    "plain": make_problem,
    "sigma": lambda: make_problem(likelihood=GaussianNoise(), **extras()),
    "sigma-half-normal": lambda: make_problem(likelihood=GaussianNoise(HalfNormal(2.0)), intercept=None),
    "noise-scaled": lambda: make_problem(likelihood=GaussianNoise(), scale_by_noise=True, prior=PARTLY, names=NAMES),
    "noise-scaled-known": lambda: make_problem(scale_by_noise=True, prior=Laplace(0.3)),
    "groups": lambda: make_problem(
        likelihood=GaussianNoise(), prior=GroupLaplace([0, 1, 0, 1], 0.3), intercept=Gaussian(2.0)
    ),
    "bernoulli": lambda: make_problem("bernoulli", n=60),
    "binomial": lambda: make_problem("binomial", **extras()),
    "poisson": lambda: make_problem("poisson"),
    "student-t": lambda: make_problem("student-t", likelihood=StudentTNoise(3.0), n=60),
    "negative-binomial": lambda: make_problem("negative-binomial", likelihood=NegativeBinomialLog(), n=60),
}


def naive(posterior: Posterior) -> Array:
    """−log joint density of every draw, one at a time."""
    problem = posterior.problem
    name = problem.likelihood.dispersion_name
    unknown = problem.likelihood.dispersion is not None
    values = np.empty(posterior.beta.shape[:2])
    for s in np.ndindex(values.shape):
        theta = problem.join(posterior.intercept[s] if problem.has_intercept else 0.0, posterior.beta[s])
        values[s] = problem.neg_log_joint(theta, float(posterior.draws(name)[s]) if unknown else None)
    return values


def scattered(like: Posterior, problem: Problem, *, stored: bool) -> Posterior:
    """Arbitrary points in the place of draws: what their density is does not depend on how they were drawn."""
    rng = np.random.default_rng(17)
    theta = rng.normal(size=(4, 40, len(problem.labels)))
    sigma = None if problem.likelihood.dispersion is None else rng.gamma(4.0, 0.5, size=(4, 40))
    intercept, beta = problem.split(theta)
    arrays = {"intercept": intercept, "beta": beta}
    if sigma is not None:
        arrays[str(problem.likelihood.dispersion_name)] = sigma
    rows = log_likelihood(problem, Draws(theta, sigma)) if stored else None
    return replace(like, problem=problem, arrays=arrays, rows=Once.of(rows))


@pytest.mark.parametrize("stored", [True, False], ids=["rows-stored", "rows-again"])
@pytest.mark.parametrize("name", CASES)
def test_every_draw_has_the_density_that_the_problem_gives_it(diabetes: Posterior, name: str, stored: bool) -> None:
    problem = in_blocks(CASES[name](), 7)
    posterior = scattered(diabetes, problem, stored=stored)
    optimum = fit_penalized(problem, sigma=None if problem.likelihood.dispersion is None else 1.3)
    at_mode = problem.neg_log_joint(problem.join(optimum.intercept, optimum.beta), optimum.sigma)
    found = typicality(posterior, optimum)
    np.testing.assert_allclose(found.excess, naive(posterior) - at_mode, rtol=1e-9, atol=1e-8)
    assert found.unknowns == len(problem.labels) + (problem.likelihood.dispersion is not None)


def test_a_gaussian_posterior_has_half_a_nat_an_unknown() -> None:
    problem = make_problem(prior=Gaussian(0.5), likelihood=GaussianNoise(1.75))
    found = typicality(sample(problem, method="conjugate", draws=4000, seed=3))
    assert abs(found.mean - found.gaussian) <= LIMIT * found.mcse
    assert abs(found.mean - 1.1 * found.gaussian) > LIMIT * found.mcse
    law = stats.gamma(found.unknowns / 2)
    assert stats.kstest(found.excess.ravel(), law.cdf).pvalue > 1e-4
    assert stats.kstest(1.1 * found.excess.ravel(), law.cdf).pvalue < 1e-4
    np.testing.assert_allclose(found.quantiles, law.ppf([0.05, 0.5, 0.95]), rtol=0.06)
    assert found.smallest == found.excess.min() > 0


def test_a_direction_that_a_laplace_prior_holds_has_one_nat() -> None:
    n, p = 12, 10
    rng = np.random.default_rng(1)
    problem = Problem.from_arrays(
        rng.normal(size=(n, p)), rng.normal(size=n), prior=Laplace(1e-3), likelihood=GaussianNoise(1.0), intercept=None
    )
    found = typicality(sample(problem, draws=2000))
    assert abs(found.mean - p) <= LIMIT * found.mcse + 0.05  # the likelihood moves it by 1e-3 of its slope
    assert abs(found.mean - found.gaussian) > LIMIT * found.mcse


def test_the_text_says_how_near_a_draw_comes(diabetes: Posterior) -> None:
    found = typicality(diabetes)
    text = str(found)
    assert f"{found.mean:.2f} ± {found.mcse:.2f} nats below that of the point estimate" in text
    assert f"no draw in {found.excess.size} comes within" in text
    said = float(text.split("comes within ")[1].split(" nats")[0])
    assert said <= found.smallest < said + 0.01
    assert "in 12 unknowns:  mean 6.0" in text


def test_the_smallest_is_rounded_so_that_the_sentence_stays_true() -> None:
    for value in (0.00123, 0.0996, 0.109, 3.999, 1e-12):
        assert value * 0.9 < float(module._rounded_down(value)) <= value


def test_a_point_less_dense_than_some_draws_is_said_to_be(diabetes: Posterior) -> None:
    far = fit_penalized(diabetes.problem, sigma=70.0)
    found = typicality(diabetes, far)
    assert found.smallest < 0
    assert "nats above it" in str(found)


def test_draws_that_failed_say_nothing(failed: Posterior) -> None:
    text = str(typicality(failed))
    assert text.startswith("typicality of the mode: WITHHELD: ")
    assert "nats" not in text


def test_a_single_draw_has_no_spread(diabetes: Posterior) -> None:
    arrays = {name: values[:1, :1] for name, values in diabetes.arrays.items()}
    single = replace(diabetes, arrays=arrays, rows=Once.of(None))
    assert np.isnan(typicality(single).sd)
    assert np.isnan(typicality(single).mcse)


def test_an_unknown_scale_and_a_point_without_dispersion_are_refused(diabetes: Posterior) -> None:
    with pytest.raises(ParameterError, match="the prior's scale is unknown"):
        typicality(replace(diabetes, problem=diabetes.problem.with_prior(Laplace(HalfCauchy(1.0)))))
    with pytest.raises(ParameterError, match="the optimum has no dispersion"):
        typicality(diabetes, replace(fit_penalized(diabetes.problem), sigma=None))
    with pytest.raises(ParameterError, match="takes a Posterior"):
        typicality(diabetes.problem)  # type: ignore[arg-type]


def test_very_many_rows_are_read_for_fewer_draws(logistic: Posterior, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = typicality(logistic)
    monkeypatch.setattr(module, "MOST_CELLS", logistic.beta[..., 0].size * logistic.problem.n // 4)
    some = typicality(replace(logistic, rows=Once.of(None)))
    np.testing.assert_allclose(some.excess, whole.excess[:, ::4], atol=1e-9)


def test_a_problem_without_columns_has_a_mode_too() -> None:
    y = np.random.default_rng(0).normal(size=20)
    found = typicality(sample(Problem.from_arrays(np.empty((20, 0)), y, prior=Laplace(1.0))))
    assert found.unknowns == 2
    assert np.isfinite(found.mean)
