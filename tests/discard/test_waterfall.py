"""The waterfall: the steps add up, each is what it is called, and only what differs moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.waterfall import LibraryFit, Waterfall, waterfall
from bayesreg.discard.waterfall_states import CHANCE, COLUMNS, LAMBDA, MEAN, NOISE, SCALE, SOLVER, STEPS
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import ElasticNet as ElasticNetPrior
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT


def data(n: int = 60, p: int = 4) -> tuple[Array, Array]:
    rng = np.random.default_rng(8)
    X = (rng.normal(size=(n, p)) + 0.8 * rng.normal(size=(n, 1))) * np.resize([1.0, 3.0], p) + 1.0
    return X, 2.0 + X @ np.resize([0.8, -0.2, 0.0], p) + rng.normal(size=n)


def lasso_problem(b: float, *, standardize: bool = False, **options: Any) -> Problem:
    return Problem.from_arrays(*data(), prior=Laplace(b), standardize=standardize, **options)


def fitted(alpha: float, **options: Any) -> Array:
    """scikit-learn's own coefficients."""
    return np.asarray(Lasso(alpha=alpha, **{"tol": 1e-12, "max_iter": 100_000} | options).fit(*data()).coef_)


def sigma_of(problem: Problem) -> float:
    sigma = resolve_noise(problem).sigma
    assert sigma is not None
    return sigma


def library(b: float, **options: Any) -> LibraryFit:
    """scikit-learn's lasso at the prior's scale, fitted with these options."""
    problem = lasso_problem(b)
    alpha = sigma_of(problem) ** 2 / (problem.n * b)
    return LibraryFit(problem, fitted(alpha, **options), f"Lasso(alpha={alpha:.3g})")


@pytest.fixture(scope="module")
def raw() -> Posterior:
    """The lasso of the data as they are."""
    return sample(lasso_problem(0.1))


@pytest.fixture(scope="module")
def standardised() -> Posterior:
    return sample(lasso_problem(0.1, standardize=True))


def moved(found: Waterfall) -> set[str]:
    """Steps that move anything at all."""
    return {str(name) for name, row in found.steps.iterrows() if row.abs().max() > 0}


def check_sum(found: Waterfall) -> None:
    """Start and steps add up to the end, to the rounding of their sum."""
    table = found.table.to_numpy()
    total = table[:-1].sum(axis=0)
    np.testing.assert_allclose(
        total, table[-1], rtol=0, atol=16 * np.finfo(float).eps * np.abs(table).sum(axis=0).max()
    )
    assert found.table.index.tolist()[1:-1] == list(STEPS)


def test_everything_differs_and_adds_up(standardised: Posterior) -> None:
    found = waterfall(standardised, library=library(0.02, tol=0.3, max_iter=3))
    check_sum(found)
    assert moved(found) == set(STEPS)
    np.testing.assert_allclose(found.total, found.table.iloc[-1] - found.table.iloc[0])
    assert found.sentence.endswith(": unmatched λ")
    assert str(found).count("\n") > 10
    assert found.table.index[0].startswith("Lasso(alpha=")


def test_each_state_is_what_it_is_called(standardised: Posterior) -> None:
    lib = library(0.02, tol=0.3, max_iter=3)
    found = waterfall(standardised, library=lib)
    states = found.table.iloc[:-1].cumsum()
    sigma = sigma_of(standardised.problem)
    n = standardised.problem.n
    np.testing.assert_array_equal(states.iloc[0], lib.beta)
    np.testing.assert_allclose(states.loc[SOLVER], fitted(sigma**2 / (n * 0.02)), atol=1e-8)
    np.testing.assert_allclose(states.loc[LAMBDA], fitted(sigma**2 / (n * 0.1)), atol=1e-8)
    np.testing.assert_allclose(states.loc[COLUMNS], fit_penalized(standardised.problem).beta_raw, atol=1e-12)
    runs: list[tuple[str, Callable[[], Posterior]]] = [
        (MEAN, lambda: sample(standardised.problem.at(sigma), seed=11)),
        (NOISE, lambda: sample(standardised.problem, seed=12)),
    ]
    for step, run in runs:
        other = run().beta_raw
        error = np.hypot(mcse_mean(other), found.mcse.loc[step] / np.sqrt(2))
        assert (np.abs(other.mean(axis=(0, 1)) - states.loc[step]) <= LIMIT * error).all(), step


# -- one thing at a time -----------------------------------------------------------------------------------------------

CHANCES = {MEAN, NOISE, SCALE, CHANCE}


def test_a_solver_that_stopped_early(raw: Posterior) -> None:
    found = waterfall(raw, library=library(0.1, tol=0.3, max_iter=2), integrate_scale=False)
    check_sum(found)
    assert moved(found) == {SOLVER, MEAN, NOISE, CHANCE}
    sound = waterfall(raw, library=library(0.1), integrate_scale=False)
    assert sound.steps.loc[SOLVER].abs().max() < 1e-9
    assert moved(sound) <= {SOLVER, MEAN, NOISE, CHANCE}


def test_another_penalty(raw: Posterior) -> None:
    found = waterfall(raw, library=library(0.05), integrate_scale=False)
    check_sum(found)
    assert found.steps.loc[SOLVER].abs().max() < 1e-9
    assert found.steps.loc[LAMBDA].abs().max() > 1e-3
    assert (found.steps.loc[COLUMNS] == 0).all()
    assert "becomes λ Σ|β| with λ = 10" in found.notes[LAMBDA]
    assert "columns and intercept are the same" in found.notes[COLUMNS]


def test_other_columns(standardised: Posterior) -> None:
    found = waterfall(standardised, library=library(0.1), integrate_scale=False)
    check_sum(found)
    assert (found.steps.loc[LAMBDA] == 0).all()
    assert found.steps.loc[COLUMNS].abs().max() > 1e-3


def test_no_intercept_there(raw: Posterior) -> None:
    problem = lasso_problem(0.1, intercept=None)
    sigma = sigma_of(raw.problem)
    beta = fitted(sigma**2 / (problem.n * 0.1), fit_intercept=False)
    found = waterfall(raw, library=LibraryFit(problem, beta), integrate_scale=False)
    check_sum(found)
    assert found.steps.loc[SOLVER].abs().max() < 1e-8
    assert (found.steps.loc[LAMBDA] == 0).all()
    assert found.steps.loc[COLUMNS].abs().max() > 1e-3


def test_another_kind_of_penalty(raw: Posterior) -> None:
    problem = Problem.from_arrays(*data(), prior=ElasticNetPrior(5.0, 2.0), standardize=False)
    sigma = sigma_of(problem)
    l1, l2 = 5.0 * sigma**2 / problem.n, 2 * 2.0 * sigma**2 / problem.n
    net = ElasticNet(alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), tol=1e-12, max_iter=100_000).fit(*data())
    found = waterfall(raw, library=LibraryFit(problem, net.coef_), integrate_scale=False)
    check_sum(found)
    assert found.steps.loc[SOLVER].abs().max() < 1e-8
    assert found.steps.loc[LAMBDA].abs().max() > 1e-3


def test_columns_that_were_rescaled_before_the_library_saw_them(standardised: Posterior) -> None:
    X, y = data()
    slopes = 1 / X.std(axis=0)
    problem = Problem.from_arrays((X - X.mean(axis=0)) * slopes, y, prior=Laplace(0.1), standardize=False)
    beta = fit_penalized(problem).beta
    found = waterfall(standardised, library=LibraryFit(problem, beta, slopes=slopes), integrate_scale=False)
    check_sum(found)
    np.testing.assert_allclose(found.table.iloc[0], fit_penalized(standardised.problem).beta_raw, rtol=1e-8)
    assert found.steps.loc[[SOLVER, LAMBDA, COLUMNS]].abs().max().max() < 1e-9


# -- what there is to integrate ----------------------------------------------------------------------------------------


def test_the_mode_of_a_gaussian_density_is_its_mean() -> None:
    problem = Problem.from_arrays(*data(), prior=Gaussian(0.5), likelihood=GaussianNoise(1.0))
    posterior = sample(problem)
    found = waterfall(posterior, integrate_scale=False)
    check_sum(found)
    assert moved(found) == {CHANCE}
    z = found.steps.loc[CHANCE] / found.mcse.loc[CHANCE]
    assert np.abs(z).max() <= LIMIT
    assert found.notes[NOISE] == "nothing to change: sigma is known"
    other = sample(Problem.from_arrays(*data(), prior=Gaussian(0.45), likelihood=GaussianNoise(1.0)))
    wrong = (other.beta_raw.mean(axis=(0, 1)) - fit_penalized(problem).beta_raw) / found.mcse.loc[CHANCE]
    assert np.abs(wrong).max() > LIMIT  # a scale off by a tenth would be seen


def test_without_a_library_it_starts_at_the_mode(diabetes: Posterior) -> None:
    found = waterfall(diabetes)
    check_sum(found)
    assert found.start == "the penalised optimum"
    assert moved(found) == CHANCES
    np.testing.assert_array_equal(found.table.iloc[0], fit_penalized(diabetes.problem).beta_raw)
    assert "HalfCauchy" in found.notes[SCALE]
    # The end is a run as long as the one given, of the posterior that integrates over the scale.
    z = found.steps.loc[CHANCE] / found.mcse.loc[CHANCE]
    assert np.abs(z).max() <= LIMIT
    assert (found.mcse.loc["posterior mean"] > 1.5 * found.mcse.loc[SCALE] / np.sqrt(2)).all()


def test_a_posterior_whose_scale_has_a_prior_is_the_end() -> None:
    problem = Problem.from_arrays(*data(), prior=Laplace(HalfCauchy(1.0)))
    posterior = sample(problem)
    found = waterfall(posterior)
    check_sum(found)
    np.testing.assert_array_equal(found.table.iloc[-1], posterior.beta_raw.mean(axis=(0, 1)))
    assert "from the scale's posterior median" in found.notes[SCALE]
    scale = float(np.median(posterior.draws("beta_scale")))
    mode = fit_penalized(problem.with_prior(Laplace(scale)))
    np.testing.assert_array_equal(found.table.iloc[0], mode.beta_raw)


def test_classes_have_no_dispersion_to_integrate(logistic: Posterior) -> None:
    found = waterfall(logistic, integrate_scale=False)
    check_sum(found)
    assert moved(found) == {MEAN, CHANCE}
    assert found.notes[NOISE] == "nothing to change: the likelihood has no dispersion"
    assert found.notes[SCALE] == "left out: not asked for"
    np.testing.assert_array_equal(found.table.iloc[-1], logistic.beta_raw.mean(axis=(0, 1)))


def test_a_scale_that_has_no_prior_to_give_is_left_out_with_the_reason() -> None:
    problem = Problem.from_arrays(*data(), prior=ElasticNetPrior(2.0, 1.0))
    found = waterfall(sample(problem))
    check_sum(found)
    assert "has no one scale to draw" in found.notes[SCALE]
    assert (found.steps.loc[SCALE] == 0).all()


def test_draws_that_failed_are_withheld(failed: Posterior) -> None:
    found = waterfall(failed)
    assert str(found).startswith("waterfall: WITHHELD: ")
    assert "\n" not in str(found)


# -- refusals ----------------------------------------------------------------------------------------------------------


def test_fits_of_other_data_are_refused(raw: Posterior) -> None:
    X, y = data()
    fewer = Problem.from_arrays(X[:, :3], y, prior=Laplace(0.1))
    with pytest.raises(ParameterError, match="3 coefficients of 3 columns, the posterior is of 4"):
        waterfall(raw, library=LibraryFit(fewer, np.zeros(3)))
    classes = Problem.from_arrays(X, (y > 2).astype(float), prior=Laplace(0.1), likelihood=BernoulliLogit())
    with pytest.raises(ParameterError, match="60 rows of BernoulliLogit, the posterior's 60 of GaussianNoise"):
        waterfall(raw, library=LibraryFit(classes, np.zeros(4)))
    turned = Problem.from_arrays(X, y[::-1], prior=Laplace(0.1))
    with pytest.raises(ParameterError, match="the library's response is not the posterior's"):
        waterfall(raw, library=LibraryFit(turned, np.zeros(4)))
    with pytest.raises(ParameterError, match="library must be a LibraryFit"):
        waterfall(raw, library=np.zeros(4))  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="give it or sigma="):
        waterfall(raw, optimum=fit_penalized(raw.problem), sigma=1.0)
    with pytest.raises(ParameterError, match="longer must be an integer >= 1"):
        waterfall(raw, longer=0)
