"""Known failings are named where they apply, with numbers that a closed form or a slow twin gives too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayesreg.discard.lints import Lint, lints
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array, Prior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy
from bayesreg.strength import choose_scale
from tests.monte_carlo import LIMIT

SHRINKS = "over-shrinkage of large effects"
DENSE = "not sparse"
SCALE = "scale not identified"
MOVES = "hangs on the prior's scale"
SEPARATED = "separation"
DRIVEN = "prior-driven columns"
WIDE = "more columns than rows"


def named(posterior: Posterior, name: str, **options: object) -> Lint | None:
    found = {lint.name: lint for lint in lints(posterior, **options)}  # type: ignore[arg-type]
    return found.get(name)


def linear(prior: Prior, *, n: int = 100, rho: float = 0.0, **options: object) -> Problem:
    """Two clear effects, σ = 2 known, and columns of exact correlation ρ."""
    rng = np.random.default_rng(3)
    X = np.linalg.qr(np.column_stack([np.ones(n), rng.normal(size=(n, 2))]))[0][:, 1:] * np.sqrt(n)
    X[:, 1] = rho * X[:, 0] + np.sqrt(1 - rho**2) * X[:, 1]
    y = X @ [4.0, 3.0] + 2.0 * rng.normal(size=n)
    return Problem.from_arrays(X, y, prior=prior, likelihood=GaussianNoise(2.0), **options)  # type: ignore[arg-type]


# -- over-shrinkage ----------------------------------------------------------------------------------------------------


def test_of_unrelated_columns_the_pull_is_lambda_sigma_squared_over_n() -> None:
    found = named(sample(linear(Laplace(0.1)), draws=4000), SHRINKS)
    assert found is not None
    expected, error = 10.0 * 4.0 / 100, found.numbers["pull_mcse"]
    assert abs(found.numbers["pull"] - expected) <= LIMIT * error
    assert abs(found.numbers["pull"] - 1.1 * expected) > LIMIT * error  # λ off by a tenth is caught
    assert found.numbers["pull_in_sds"] == pytest.approx(expected / 0.2, rel=0.1)


@pytest.mark.parametrize(
    ("prior", "scaled"), [(Laplace(0.1), False), (Laplace(0.05), True), (GroupLaplace([0, 0], 0.08), False)]
)
def test_the_pull_is_what_releasing_the_clear_effects_gives_back(prior: Prior, scaled: bool) -> None:
    problem = linear(prior, rho=0.5, scale_by_noise=scaled)
    posterior = sample(problem, draws=4000)
    found = named(posterior, SHRINKS)
    assert found is not None
    free = fit_penalized(linear(Flat(), rho=0.5)).beta - posterior.beta.mean(axis=(0, 1))
    back = free[int(np.abs(found.numbers["pull"] - free).argmin())]
    # Both errors are Monte Carlo's: the mean's is below the pull's.
    assert abs(found.numbers["pull"] - back) <= LIMIT * np.sqrt(2) * found.numbers["pull_mcse"]


@pytest.mark.parametrize("prior", [Laplace(10.0), Gaussian(0.3), Flat()])
def test_a_wide_prior_or_one_without_a_kink_is_not_named_for_its_pull(prior: Prior) -> None:
    assert named(sample(linear(prior)), SHRINKS) is None


# -- not sparse --------------------------------------------------------------------------------------------------------


def test_zeros_of_the_mode_are_held_against_counts_before_and_after_the_data(diabetes: Posterior) -> None:
    found, zeros = named(diabetes, DENSE, epsilon=2.0), fit_penalized(diabetes.problem).zeros
    assert found is not None
    large = (np.abs(diabetes.beta.reshape(-1, 10)) > 2.0).mean(axis=0)
    assert found.numbers["zeros"] == zeros.sum() > 0
    assert found.numbers["large_a_priori"] == pytest.approx(10 * np.exp(-2.0 / 4.6), rel=1e-12)
    assert found.numbers["large_a_posteriori"] == pytest.approx(large.sum(), rel=1e-12)
    assert found.numbers["large_zeros"] == pytest.approx(large[zeros].sum(), rel=1e-12)
    other = named(sample(diabetes.problem, seed=1), DENSE, epsilon=2.0)
    assert other is not None
    for name in ("large_a_posteriori", "large_zeros"):
        error = np.hypot(found.numbers[f"{name}_mcse"], other.numbers[f"{name}_mcse"])
        assert abs(found.numbers[name] - other.numbers[name]) <= LIMIT * error


def test_a_mode_without_zeros_is_not_called_sparse(diabetes: Posterior) -> None:
    assert named(sample(diabetes.problem.with_prior(Gaussian(10.0))), DENSE) is None
    weak = fit_penalized(diabetes.problem.with_prior(Laplace(1e4)))
    assert named(diabetes, DENSE, optimum=weak) is None


# -- the scale ---------------------------------------------------------------------------------------------------------


def _conjugate_mean(problem: Problem, tau: float) -> Array:
    block = problem.design.rows.collect()
    X, y = block.X - block.X.mean(axis=0), block.y - block.y.mean()
    return np.asarray(np.linalg.solve(X.T @ X / 4.0 + np.eye(2) / tau**2, X.T @ y / 4.0))


def test_the_move_with_the_scale_is_that_of_the_closed_form() -> None:
    problem = linear(Gaussian(0.3), rho=0.5)
    posterior = sample(problem, draws=4000)
    found = named(posterior, MOVES)
    assert found is not None
    slope = (_conjugate_mean(problem, 0.3 * np.exp(1e-4)) - _conjugate_mean(problem, 0.3 * np.exp(-1e-4))) / 2e-4
    expected = float((np.abs(slope) / posterior.beta.std(axis=(0, 1), ddof=1)).max())
    error = found.numbers["move_in_sds_mcse"]
    assert abs(found.numbers["move_in_sds"] - expected) <= LIMIT * error
    assert abs(found.numbers["move_in_sds"] - 1.1 * expected) > LIMIT * error


def test_the_move_of_a_prior_in_units_of_sigma_is_that_between_two_posteriors() -> None:
    problem = replace(linear(Laplace(0.02), rho=0.5, scale_by_noise=True), likelihood=GaussianNoise())
    posterior = sample(problem, draws=4000)
    found = named(posterior, MOVES)
    assert found is not None
    step = 0.05
    ends = [sample(problem.with_prior(problem.prior.rescaled(np.exp(h))), draws=20_000) for h in (-step, step)]
    slope = (ends[1].beta.mean(axis=(0, 1)) - ends[0].beta.mean(axis=(0, 1))) / (2 * step)
    sd = posterior.beta.std(axis=(0, 1), ddof=1)
    noise = np.sqrt(2 / 80_000) / (2 * step)
    assert abs(found.numbers["move_in_sds"] - np.abs(slope / sd).max()) <= LIMIT * np.hypot(
        found.numbers["move_in_sds_mcse"], noise
    )


def test_a_posterior_that_does_not_hang_on_the_scale_is_not_said_to() -> None:
    assert named(sample(linear(Gaussian(10.0))), MOVES) is None
    assert named(sample(linear(Flat())), MOVES) is None


def test_a_range_of_scales_is_named_where_it_is_wide_only(diabetes: Posterior) -> None:
    choice = choose_scale(diabetes.problem)
    assert choice.upper / choice.lower < 10
    assert named(diabetes, SCALE, choice=choice) is None
    found = named(diabetes, SCALE, choice=replace(choice, lower=1.0, upper=50.0))
    assert found is not None
    assert found.numbers["ratio"] == 50
    assert found.numbers["move_in_sds"] > 0


def test_a_scale_with_a_prior_is_judged_by_its_own_posterior(diabetes: Posterior) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 1))
    vague = Problem.from_arrays(X, X[:, 0] + rng.normal(size=40), prior=Laplace(HalfCauchy(1.0)))
    found = named(sample(vague, draws=2000), SCALE)
    assert found is not None
    assert found.numbers["ratio"] > 10
    many = sample(diabetes.problem.with_prior(Laplace(HalfCauchy(20.0))))
    assert named(many, SCALE) is None


# -- the data ----------------------------------------------------------------------------------------------------------


def classes(*, apart: bool) -> Problem:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(60, 2))
    y = (X[:, 0] > 0).astype(float)
    if not apart:
        y[:10] = 1 - y[:10]
    return Problem.from_arrays(X, y, likelihood=BernoulliLogit(), prior=Gaussian(1.0), names=["splits", "other"])


def test_separation_is_named_and_overlap_is_not() -> None:
    found = named(sample(classes(apart=True)), SEPARATED)
    assert found is not None
    assert "'splits'" in found.text
    assert named(sample(classes(apart=False)), SEPARATED) is None


def test_a_column_as_wide_as_its_prior_is_named_with_the_ratio_of_sds() -> None:
    problem = linear({"x0": Gaussian(10.0), "x1": Gaussian(0.1, loc=3.0)})  # type: ignore[arg-type]
    found = named(sample(problem), DRIVEN)
    assert found is not None
    expected = 0.1**-1 / np.sqrt(100 / 4.0 + 0.1**-2)
    assert abs(found.numbers["ratio"] - expected) <= LIMIT * found.numbers["ratio_mcse"]
    assert found.numbers["columns"] == 1
    assert "'x1'" in found.text
    assert named(sample(linear(Gaussian(10.0))), DRIVEN) is None


def test_a_clear_effect_as_wide_as_a_narrow_prior_is_learnt_all_the_same() -> None:
    problem = linear(Laplace(0.1))
    posterior = sample(problem)
    assert (posterior.beta.std(axis=(0, 1)) > 0.8 * np.sqrt(2) * 0.1).all()
    assert named(posterior, DRIVEN) is None


@pytest.mark.parametrize("sparse", [False, True])
def test_more_columns_than_rows_come_with_their_rank(sparse: bool) -> None:
    from scipy import sparse as sp

    rng = np.random.default_rng(2)
    X = rng.normal(size=(20, 50)) * (rng.random((20, 50)) < 0.5)
    X[3] = X[2]
    weights = np.ones(20)
    weights[0] = 0.0
    given = sp.csr_array(X) if sparse else X
    problem = Problem.from_arrays(
        given, X[:, 0] + rng.normal(size=20), prior=Gaussian(0.5), likelihood=GaussianNoise(1.0), weights=weights
    )
    found = named(sample(problem), WIDE)
    assert found is not None
    about = X[1:] - X[1:].mean(axis=0)
    assert found.numbers["rank"] == np.linalg.matrix_rank(about) == 17
    assert (found.numbers["columns"], found.numbers["rows"]) == (50, 19)


def test_more_rows_than_columns_are_not_named(diabetes: Posterior) -> None:
    assert named(diabetes, WIDE) is None
    assert named(diabetes, DRIVEN) is None


# -- withheld and refused ----------------------------------------------------------------------------------------------


def test_of_draws_that_failed_only_the_data_are_judged(failed: Posterior) -> None:
    assert [lint.name for lint in lints(failed)] == ["withheld"]
    few = sample(classes(apart=True), "hmc", draws=8, chains=2, tune=20)
    assert [lint.name for lint in lints(few)] == ["withheld", SEPARATED]


def test_every_lint_says_what_to_do(diabetes: Posterior) -> None:
    found = lints(diabetes)
    assert found
    for lint in found:
        assert str(lint) == f"{lint.name}: {lint.text}. {lint.remedy}."
        assert "±" in lint.text


def test_bad_arguments_are_refused(diabetes: Posterior, logistic: Posterior) -> None:
    with pytest.raises(ParameterError, match="lints takes a Posterior"):
        lints(diabetes.problem)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="choice must be a ScaleChoice"):
        lints(diabetes, choice=4.6)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="the choice is of the columns"):
        lints(logistic, choice=choose_scale(diabetes.problem))


def test_an_intercept_alone_has_no_failings() -> None:
    rng = np.random.default_rng(0)
    assert lints(sample(Problem.from_arrays(np.zeros((30, 0)), rng.normal(size=30), prior=Laplace(1.0)))) == ()
