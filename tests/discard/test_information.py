"""Information over the prior: closed forms, correlated draws, and where a point stands in its marginal."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.signal import lfilter
from scipy.special import expit, psi

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.information import (
    half_window,
    information,
    log_density_at,
    quantile_of,
    repeats,
    uniform_log_density,
)
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT
from tests.problems import FORMS, extras, make_problem

N = 4000


def normal_divergence(mean: Array, sd: Array, tau: float) -> Array:
    """KL(N(mean, sd²) ‖ N(0, τ²)) in bits."""
    return (np.log(tau / sd) + (sd**2 + mean**2) / (2 * tau**2) - 0.5) / math.log(2)


def gaussian_posterior(tau: float, **options: object) -> tuple[Posterior, Array, Array]:
    """Exact draws under known σ, and the mean and sd of each marginal by the normal equations."""
    problem = make_problem(prior=Gaussian(tau), likelihood=GaussianNoise(1.75), **options)
    block = problem.design.rows.collect()
    weight = np.ones(problem.n) if block.weights is None else block.weights
    X = np.column_stack([np.ones(problem.n), block.X])
    precision = X.T @ (X * weight[:, None]) / 1.75**2 + np.diag([0.0, *np.full(problem.p, tau**-2)])
    cov = np.linalg.inv(precision)
    mean = cov @ (X.T @ (weight * (block.y - block.offset))) / 1.75**2
    return sample(problem, method="conjugate", draws=N, seed=4), mean[1:], np.sqrt(np.diag(cov))[1:]


@pytest.mark.parametrize("options", [{}, extras(), {"standardize": False}], ids=["plain", "weights-offset", "raw"])
def test_gaussian_marginals_have_their_closed_form(options: dict[str, object]) -> None:
    tau = 0.6
    posterior, mean, sd = gaussian_posterior(tau, **options)
    found = information(posterior)
    z = (found.bits - normal_divergence(mean, sd, tau)) / found.mcse
    assert np.abs(z).max() <= LIMIT
    wrong = (found.bits - normal_divergence(mean, sd, tau * 1.1)) / found.mcse
    assert np.abs(wrong).max() > LIMIT


def with_draws(posterior: Posterior, beta: Array, prior: Prior | None = None) -> Posterior:
    """The same posterior, with other draws of β and another prior."""
    problem = posterior.problem if prior is None else posterior.problem.with_prior(prior)
    return replace(posterior, arrays={**posterior.arrays, "beta": beta}, problem=problem)


@pytest.mark.parametrize("shrunk", [1.0, 0.3, 2.0])
def test_laplace_draws_against_a_laplace_prior_have_their_closed_form(shrunk: float) -> None:
    posterior, _, _ = gaussian_posterior(1.0)
    beta = np.random.default_rng(8).laplace(0.0, shrunk, posterior.beta.shape)
    found = information(with_draws(posterior, beta, Laplace(1.0)))
    expected = (-math.log(shrunk) + shrunk - 1) / math.log(2)
    assert np.abs((found.bits - expected) / found.mcse).max() <= LIMIT
    off = information(with_draws(posterior, 1.1 * beta, Laplace(1.0)))
    assert shrunk == 1.0 or np.abs((off.bits - expected) / off.mcse).max() > LIMIT


@pytest.mark.parametrize("rho", [0.5, 0.9])
def test_draws_of_chains_have_no_more_information_for_being_correlated(rho: float) -> None:
    chains, columns = 4, 50
    noise = np.random.default_rng(2).normal(size=(chains, N, columns)) * math.sqrt(1 - rho**2)
    noise[:, 0] /= math.sqrt(1 - rho**2)
    draws = lfilter([1.0], [1.0, -rho], noise, axis=1)
    terms = log_density_at(draws, half_window(chains * N, chains * N * (1 - rho) / (1 + rho)))
    z = (terms.mean(axis=(0, 1)) + stats.norm.entropy()) / mcse_mean(terms)
    assert np.abs(z).max() <= LIMIT
    assert abs(z.mean()) < 1.0, "the bias is below an MCSE"
    plain = (terms.mean(axis=(0, 1)) + stats.norm.entropy()) / mcse_mean(terms, independent=True)
    squares = math.sqrt((1 + rho**2) / (1 - rho**2))
    assert plain.std() == pytest.approx(squares * z.std(), rel=0.2), "errors of independent draws would be too small"


def lumps(size: tuple[int, ...], random_state: np.random.Generator) -> Array:
    """Two normal peaks of equal mass, eight sds apart."""
    return random_state.normal(size=size) + 8.0 * random_state.integers(0, 2, size)


def lumps_entropy() -> float:
    def density(x: float) -> float:
        return float(0.5 * (stats.norm.pdf(x) + stats.norm.pdf(x, 8.0)))

    return float(quad(lambda x: -density(x) * math.log(density(x)), -9, 17, points=[0, 4, 8], limit=200)[0])


LAWS = {
    "normal": stats.norm(),
    "laplace": stats.laplace(),
    "lognormal": stats.lognorm(0.5),
    "bridge": stats.gennorm(0.5),
    "t3": stats.t(3),
}
DRAWN = {name: (law.rvs, float(law.entropy())) for name, law in LAWS.items()} | {"two-peaked": (lumps, lumps_entropy())}
"""Name -> draws of a marginal, and its entropy in nats."""

STATED = {"normal": 0.001, "laplace": 0.001, "two-peaked": 0.001, "lognormal": 0.004, "bridge": 0.008, "t3": 0.014}
"""Largest bias in bits at 4,000 independent draws, as the documentation of `information` states it."""


def bias_beyond(name: str, terms: Array) -> float:
    """How far the mean over repetitions (..., r) of an estimate is off, over what is stated, in standard errors."""
    estimates = (terms.reshape(-1, terms.shape[-1]).mean(axis=0) + DRAWN[name][1]) / math.log(2)
    return float((abs(estimates.mean()) - STATED[name]) / (estimates.std(ddof=1) / math.sqrt(estimates.size)))


def by_spacings(draws: Array, reach: int) -> Array:
    """Log density at each of some draws, from one window about it: the estimate before it is extrapolated."""
    unit = draws.std() * math.sqrt(3) / math.pi
    law = stats.logistic(draws.mean(), unit)
    ordered, size = np.sort(draws), draws.size
    values = np.empty(size)
    for i, x in enumerate(draws):
        place = int(np.searchsorted(ordered, x)) + 1
        low, high = max(place - reach, 0), min(place + reach, size + 1)
        bottom = 0.0 if low == 0 else law.cdf(ordered[low - 1])
        top = 1.0 if high == size + 1 else law.cdf(ordered[high - 1])
        values[i] = psi(high - low) - psi(size + 1) - math.log(top - bottom) + law.logpdf(x)
    return values


def test_the_density_is_that_of_spacings_one_draw_at_a_time() -> None:
    draws = np.random.default_rng(6).gamma(3.0, size=(2, 60, 3))
    found = log_density_at(draws, 4)
    for j in range(3):
        flat = draws[..., j].ravel()
        expected = 2 * by_spacings(flat, 4) - by_spacings(flat, 8)
        np.testing.assert_allclose(found[..., j].ravel(), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", DRAWN)
def test_the_bias_is_small_and_the_error_is_the_spread_over_repetitions(name: str) -> None:
    draws = DRAWN[name][0](size=(4, N // 4, 400), random_state=np.random.default_rng(3))
    terms = log_density_at(draws, half_window(N, N))
    spread = terms.mean(axis=(0, 1)).std(ddof=1)
    assert spread == pytest.approx(mcse_mean(terms, independent=True).mean(), rel=0.15)
    assert bias_beyond(name, terms) < LIMIT
    assert bias_beyond(name, log_density_at(1.05 * draws, half_window(N, N))) > LIMIT  # off by 0.07 bits


@pytest.mark.parametrize("name", ["lognormal", "two-peaked"])
def test_one_window_alone_has_too_large_a_bias(name: str) -> None:
    draws = DRAWN[name][0](size=(400, N), random_state=np.random.default_rng(3))
    unit = draws.std(axis=1, keepdims=True) * math.sqrt(3) / math.pi
    z = np.sort((draws - draws.mean(axis=1, keepdims=True)) / unit, axis=1)
    alone = uniform_log_density(expit(z), half_window(N, N)) + stats.logistic.logpdf(z) - np.log(unit)
    assert bias_beyond(name, alone.T) > LIMIT


@pytest.mark.parametrize("name", ["normal", "lognormal"])
def test_draws_taken_more_than_once_are_no_denser(name: str) -> None:
    once = DRAWN[name][0](size=(N, 200), random_state=np.random.default_rng(7))
    taken = np.random.default_rng(8).integers(0, N, (N, 200))
    again = np.take_along_axis(once, taken, axis=0)
    assert repeats(np.sort(again, axis=0).T) == pytest.approx(np.full(200, 2.0), rel=0.1)
    assert (repeats(np.sort(once, axis=0).T) == 1).all()
    reach = half_window(N, N // 2)
    assert bias_beyond(name, log_density_at(again[None], reach)) < LIMIT
    apart = again * (1 + 1e-9 * np.random.default_rng(9).normal(size=again.shape))  # the same, but not counted as equal
    assert bias_beyond(name, log_density_at(apart[None], reach)) > LIMIT


def test_a_flat_column_has_no_number_and_the_others_keep_theirs() -> None:
    prior = {"x0": Flat(), "*": Gaussian(0.5)}
    posterior = sample(make_problem(prior=prior, likelihood=GaussianNoise(1.0), names=["x0", "a", "b", "c"]))
    found = information(posterior)
    assert np.isnan(found.bits).tolist() == np.isnan(found.mcse).tolist() == [True, False, False, False]
    assert "improper" in str(found)
    flat = information(sample(make_problem(prior=Flat(), likelihood=GaussianNoise(1.0))))
    assert "no number" in str(flat)
    assert "nan" not in str(found)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_problem_has_numbers(form: str) -> None:
    found = information(sample(FORMS[form]("gaussian", prior=GroupLaplace([0, 0, 1, 1], 0.5))))
    assert np.isfinite(found.bits).all()
    assert (found.mcse > 0).all()
    assert list(found.table.columns) == ["bits", "mcse"]


def test_a_prior_in_units_of_an_unknown_noise_needs_one() -> None:
    problem = make_problem(prior=Gaussian(0.4), likelihood=GaussianNoise(), scale_by_noise=True)
    posterior = sample(problem)
    with pytest.raises(ParameterError, match="give the sigma"):
        information(posterior)
    given = information(posterior, sigma=1.7)
    plain = information(with_draws(posterior, posterior.beta, Gaussian(0.4 * 1.7)), sigma=1.0)
    np.testing.assert_allclose(given.bits, plain.bits)
    assert given.sigma == 1.7


def test_an_unknown_scale_and_other_things_than_posteriors_are_refused(diabetes: Posterior) -> None:
    hierarchical = with_draws(diabetes, diabetes.beta, Laplace(HalfCauchy(1.0)))
    with pytest.raises(ParameterError, match="the scale has a prior"):
        information(hierarchical)
    with pytest.raises(ParameterError, match="takes a Posterior"):
        information(diabetes.beta)  # type: ignore[arg-type]


def test_equal_draws_are_no_density(diabetes: Posterior) -> None:
    beta = diabetes.beta.copy()
    beta[..., 2] = 0.25
    found = information(with_draws(diabetes, beta))
    assert np.isinf(found.bits[2])
    assert np.isnan(found.mcse[2])
    assert np.isfinite(np.delete(found.bits, 2)).all()


def test_draws_that_failed_say_nothing(failed: Posterior) -> None:
    text = str(information(failed))
    assert text.startswith("information over the prior: WITHHELD: ")
    assert "bits" not in text
    point = quantile_of(failed, np.zeros(failed.problem.p))
    assert str(point) == point.sentence == text.replace("information over the prior", "quantiles of the point")


def test_the_text_says_what_the_data_tell_most_about(diabetes: Posterior) -> None:
    found = information(diabetes)
    most = diabetes.problem.names[int(found.bits.argmax())]
    assert re.match(
        rf"The data add most to the prior of {most}, \d\.\d{{3}} ± 0\.\d{{3}} bits, and least to", found.sentence
    )
    assert str(found).startswith(found.sentence + "\n")
    assert "4 columns between them" in str(found)


def test_the_quantile_of_a_point_is_the_share_of_draws_below_it() -> None:
    posterior, mean, sd = gaussian_posterior(0.6)
    shift = np.array([-1.5, 0.0, 0.4, 2.0])
    found = quantile_of(posterior, mean + shift * sd)
    assert np.abs((found.quantile - stats.norm.cdf(shift)) / found.mcse).max() <= LIMIT
    off = quantile_of(posterior, mean + (shift + 0.1) * sd)
    assert np.abs((off.quantile - stats.norm.cdf(shift)) / off.mcse).max() > LIMIT
    for bad in (mean[:2], np.full(4, np.nan)):
        with pytest.raises(ParameterError, match="quantile_of: beta must be 4 finite numbers"):
            quantile_of(posterior, bad)


def test_the_quantiles_text_names_the_column_where_the_point_is_farthest_out() -> None:
    posterior, mean, sd = gaussian_posterior(0.6)
    found = quantile_of(posterior, mean + np.array([-1.5, 0.0, 0.4, 2.0]) * sd)
    assert re.match(r"The point .* in x3, at its 0\.97\d ± 0\.00\d quantile; in 1 of 4 columns", found.sentence)
    assert str(found) == found.sentence
    assert list(found.table.columns) == ["quantile", "mcse"]
    beyond = quantile_of(posterior, mean - 100 * sd)
    assert "in x0, below every draw; in 4 of 4 columns" in beyond.sentence
    assert (beyond.mcse == 0).all()
    assert "above every draw" in quantile_of(posterior, mean + 100 * sd).sentence


@pytest.mark.parametrize("sigma", [-1.0, 0.0, math.nan, "1"])
def test_a_sigma_that_is_no_scale_is_refused(diabetes: Posterior, sigma: object) -> None:
    with pytest.raises(ParameterError, match="information: sigma must be"):
        information(diabetes, sigma)  # type: ignore[arg-type]


def test_the_lasso_stands_nearer_to_zero_than_its_marginal(diabetes: Posterior) -> None:
    optimum = fit_penalized(diabetes.problem)
    found = quantile_of(diabetes, optimum.beta)
    assert ((found.quantile > 0.001) & (found.quantile < 0.999)).all()


def test_a_problem_without_columns_has_an_empty_table() -> None:
    y = np.random.default_rng(0).normal(size=20)
    posterior = sample(Problem.from_arrays(np.empty((20, 0)), y, prior=Laplace(1.0)))
    assert information(posterior).bits.shape == (0,)
    assert "No column" in str(information(posterior))
    assert "No column" in str(quantile_of(posterior, np.zeros(0)))


def test_a_thousand_columns(diabetes: Posterior) -> None:
    p = 1000
    rng = np.random.default_rng(0)
    problem = Problem.from_arrays(rng.normal(size=(5, p)), rng.normal(size=5), prior=Laplace(1.0))
    posterior = replace(diabetes, problem=problem, arrays={"beta": rng.normal(size=(4, N // 4, p))})
    assert information(posterior).bits.shape == (p,)
