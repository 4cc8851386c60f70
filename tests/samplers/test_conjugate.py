"""Exact independent draws against the textbook posterior, and against closed forms where σ² is inverse gamma."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import special, stats

from bayesreg.interfaces import Array
from bayesreg.priors import Flat, Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, conjugate, sample
from bayesreg.samplers.settings import read_settings
from tests.monte_carlo import check_distribution, check_moments
from tests.problems import in_blocks
from tests.samplers.cases import CASES, OFFSET, REPEATS, data, pair
from tests.samplers.naive import Naive

pytestmark = pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")

DRAWS = 4000


def drawn(problem: Problem, seed: int = 1) -> Array:
    """Draws (chain, draw, ·) of intercept, coefficients and σ, as far as they are unknown; from the sampler itself."""
    draws = conjugate.draw(problem, read_settings(DRAWS, None, None, seed, None))
    assert draws.independent
    return draws.theta if draws.sigma is None else np.dstack([draws.theta, draws.sigma])


@pytest.mark.parametrize("name", CASES)
def test_draws_are_the_textbook_posterior(name: str) -> None:
    problem, naive = CASES[name]()
    draws = drawn(problem)
    check_moments(draws, *naive.moments())
    if naive.sigma is None:
        check_distribution(draws[..., -1], naive.sigma_cdf)


WRONG = {
    "a tenth more λ": lambda naive: naive.off_by(variance=naive.variance / 1.1),
    "a tenth less λ": lambda naive: naive.off_by(variance=naive.variance * 1.1),
    "λ|β|² for λ|β|²/2": lambda naive: naive.off_by(variance=naive.variance / 2),
    "location forgotten": lambda naive: naive.off_by(mean=0 * naive.mean),
    "sample sd": lambda naive: naive.off_by(variance=naive.variance * 23 / 24),
}
"""Mistakes that a regression is prone to; the draws must tell each from the truth."""


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistaken_posterior_is_told_from_the_draws(mistake: str) -> None:
    problem, naive = pair(prior=Gaussian(0.15, loc=0.4), sigma=0.8)
    draws = drawn(problem)
    check_moments(draws, *naive.moments())
    with pytest.raises(AssertionError, match="z = "):
        check_moments(draws, *WRONG[mistake](naive).moments())


@pytest.mark.parametrize(
    ("log_prior", "scaled"),
    [
        pytest.param(lambda s: 0.0 * s, False, id="flat for 1/σ"),
        pytest.param(lambda s: -2 * np.log(s), False, id="a degree of freedom"),
        pytest.param(lambda s: -np.log(s), True, id="scaled by the noise"),
    ],
)
def test_a_mistaken_prior_of_sigma_is_told_from_the_draws(log_prior: object, scaled: bool) -> None:
    problem, naive = pair(sigma="jeffreys")
    draws = drawn(problem)
    wrong = naive.off_by(log_prior=log_prior, scaled=scaled)
    with pytest.raises(AssertionError, match="z = "):
        check_moments(draws, *wrong.moments())
    with pytest.raises(AssertionError, match="KS distance"):
        check_distribution(draws[..., -1], wrong.sigma_cdf)


# -- closed forms: σ² is inverse gamma, every coefficient Student -------------------------------------------------


def normal_inverse_gamma(naive: Naive) -> tuple[Array, Array, float]:
    """Mean (k,), covariance factor (k, k) and sum of squares S: σ² ~ IG(freedom/2, S/2), θ | σ ~ N(mean, σ²·factor)."""
    prior = np.diag(1 / naive.variance)
    factor = np.linalg.inv(naive.A.T @ naive.A + prior)
    mean = factor @ (naive.A.T @ naive.y + prior @ naive.mean)
    residual = naive.y - naive.A @ mean
    return mean, factor, float(residual @ residual + (mean - naive.mean) @ prior @ (mean - naive.mean))


CLOSED = {
    # name: (options, degrees of freedom: rows - flat columns, one less under a flat prior on σ)
    "scaled": ({"scale_by_noise": True}, 24 - 1),
    "scaled-no-intercept": ({"scale_by_noise": True, "intercept": None}, 24),
    "scaled-flat-sigma": ({"scale_by_noise": True, "sigma": "flat"}, 24 - 1 - 1),
    "scaled-located": ({"scale_by_noise": True, "prior": Gaussian(0.2, loc=0.5)}, 24 - 1),
    "scaled-weights": ({"scale_by_noise": True, "repeats": REPEATS}, int(REPEATS.sum()) - 1),
    "scaled-wide": ({"scale_by_noise": True, "n": 9, "p": 14}, 9 - 1),
    "classical": ({"prior": Flat()}, 24 - 4),
    "classical-offset-raw": ({"prior": Flat(), "offset": OFFSET, "standardize": False}, 24 - 4),
    "classical-flat-sigma": ({"prior": Flat(), "sigma": "flat"}, 24 - 4 - 1),
    "classical-no-intercept": ({"prior": Flat(), "intercept": None}, 24 - 3),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_forms_and_no_other_degree_of_freedom(name: str) -> None:
    options, freedom = CLOSED[name]
    problem, naive = pair(**options)
    draws = drawn(problem)
    mean, factor, squares = normal_inverse_gamma(naive)
    check_moments(draws[..., :-1], mean, factor * squares / (freedom - 2))
    check_distribution(draws[..., -1] ** 2, stats.invgamma(freedom / 2, scale=squares / 2).cdf)
    for j, spread in enumerate(np.sqrt(np.diag(factor) * squares / freedom)):
        check_distribution(draws[..., j], stats.t(freedom, mean[j], spread).cdf)
    # The textbook by quadrature must know these too: it is the yardstick of every other case.
    exact = np.exp(special.gammaln((freedom - 1) / 2) - special.gammaln(freedom / 2)) * np.sqrt(squares / 2)
    first, cov = naive.moments()
    np.testing.assert_allclose(first, np.append(mean, exact), rtol=1e-7)
    np.testing.assert_allclose(cov[:-1, :-1], factor * squares / (freedom - 2), rtol=1e-6, atol=1e-9)
    for wrong in (freedom - 1, freedom + 1):
        with pytest.raises(AssertionError, match="KS distance"):
            check_distribution(draws[..., -1] ** 2, stats.invgamma(wrong / 2, scale=squares / 2).cdf)


def test_intercept_only() -> None:
    y = data()[1]
    problem = Problem.from_arrays(np.empty((24, 0)), y, prior=Gaussian(1.0))
    draws = drawn(problem)
    check_distribution(draws[..., 0], stats.t(23, y.mean(), y.std(ddof=1) / np.sqrt(24)).cdf)
    check_distribution(draws[..., 1] ** 2, stats.invgamma(23 / 2, scale=24 * y.var() / 2).cdf)


# -- the same posterior, told otherwise --------------------------------------------------------------------------------


def sigma_of(problem: Problem) -> Array:
    """Draws of σ, which depend on the data through eigenvalues only: the same posterior gives the same draws."""
    return sample(problem, "conjugate", draws=50, seed=7).draws("sigma")


def problem_of(X: Array, y: Array, **options: object) -> Problem:
    return Problem.from_arrays(X, y, prior=Gaussian(0.4), **options)  # type: ignore[arg-type]


def test_a_weight_is_a_row_repeated() -> None:
    X, y = data()
    weighted = sigma_of(problem_of(X, y, weights=REPEATS, offset=OFFSET))
    rows = np.repeat(np.arange(24), REPEATS)
    np.testing.assert_allclose(weighted, sigma_of(problem_of(X[rows], y[rows], offset=OFFSET[rows])), rtol=1e-9)


def test_an_offset_is_taken_off_y() -> None:
    X, y = data()
    np.testing.assert_allclose(
        sigma_of(problem_of(X, y, offset=OFFSET)), sigma_of(problem_of(X, y - OFFSET)), rtol=1e-9
    )


@pytest.mark.parametrize("size", [1, 5, 23])
def test_row_blocks_change_nothing(size: int) -> None:
    problem = problem_of(*data())
    np.testing.assert_allclose(sigma_of(in_blocks(problem, size)), sigma_of(problem), rtol=1e-9)


@pytest.mark.parametrize("scale_by_noise", [False, True])
def test_units_of_y_carry_over(scale_by_noise: bool) -> None:
    X, y = data()
    prior = Gaussian(0.4 if scale_by_noise else 0.4e6)
    small = problem_of(X, y, scale_by_noise=scale_by_noise)
    large = replace(problem_of(X, 1e6 * y, scale_by_noise=scale_by_noise), prior=prior)
    np.testing.assert_allclose(sigma_of(large), 1e6 * sigma_of(small), rtol=1e-9)


def test_far_from_the_origin_nothing_cancels() -> None:
    X, y = data()
    np.testing.assert_allclose(
        sigma_of(problem_of(X + 1e7, y + 1e7)), sigma_of(problem_of((X + 1e7) - 1e7, (y + 1e7) - 1e7)), rtol=1e-6
    )


def test_a_constant_column_keeps_its_prior() -> None:
    X, y = data()
    X[:, 1] = 3.0
    with pytest.warns(UserWarning, match="column 'x1' is constant"):
        problem = problem_of(X, y)
    check_distribution(drawn(problem)[..., 2], stats.norm(0, 0.4).cdf)


# -- seeds -------------------------------------------------------------------------------------------------------------


def posterior_of(seed: object) -> Posterior:
    return sample(problem_of(*data()), "conjugate", draws=20, chains=2, seed=seed)  # type: ignore[arg-type]


def test_the_same_seed_gives_the_same_draws_bit_for_bit() -> None:
    assert posterior_of(11).data.identical(posterior_of(11).data)
    np.testing.assert_array_equal(posterior_of(np.int64(11)).beta, posterior_of(11).beta)
    np.testing.assert_array_equal(posterior_of(np.random.SeedSequence(11)).beta, posterior_of(11).beta)


def test_other_seeds_give_other_draws() -> None:
    taken = [posterior_of(seed).beta[0, 0, 0] for seed in (0, 1, None, None, np.random.default_rng(0))]
    assert len(set(taken)) == len(taken)


def test_a_generator_moves_on() -> None:
    generator = np.random.default_rng(4)
    first, second = posterior_of(generator), posterior_of(generator)
    assert (first.beta != second.beta).all()
    np.testing.assert_array_equal(posterior_of(np.random.default_rng(4)).beta, first.beta)


def test_chains_are_independent_of_one_another() -> None:
    beta = sample(problem_of(*data()), draws=2000, chains=2, seed=0).beta[..., 0]
    assert abs(np.corrcoef(beta)[0, 1]) < 4 / np.sqrt(2000)
