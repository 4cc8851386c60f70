"""How much is discarded: each number against its definition, and on a ladder of n against what theory says."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayesreg.discard.amount import amount
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import FLOOR, LIMIT, mcse
from tests.problems import FORMS, extras, make_problem

# -- the numbers -------------------------------------------------------------------------------------------------------


def test_every_number_is_what_a_loop_over_draws_and_rows_says(diabetes: Posterior) -> None:
    found, point = amount(diabetes, epsilon=5.0), fit_penalized(diabetes.problem)
    flat = diabetes.beta.reshape(-1, 10)
    shift = np.abs(point.beta - flat.mean(axis=0)) / flat.std(axis=0, ddof=1)
    small = (np.abs(flat) <= 5.0).mean(axis=0)
    value = found.numbers["value"]
    assert value["largest shift"] == pytest.approx(shift.max(), rel=1e-12)
    assert found.numbers.at["largest shift", "where"] == diabetes.problem.names[int(shift.argmax())]
    assert value["median shift"] == pytest.approx(np.median(shift), rel=1e-12)
    assert value["largest width"] == pytest.approx(flat.std(axis=0, ddof=1).max() / 5.0, rel=1e-12)
    assert value["undecided"] == pytest.approx(((small > 0.05) & (small < 0.95)).mean())
    kept = (point.beta != 0) & (small < 0.95)
    sides = np.maximum((flat > 0).mean(axis=0), (flat < 0).mean(axis=0))
    assert value["unsigned"] == pytest.approx((sides[kept] < 0.95).mean())


@pytest.mark.parametrize("form", FORMS)
def test_the_move_of_fitted_values_is_that_of_predictions_row_by_row(form: str) -> None:
    problem = FORMS[form]("bernoulli", prior=Gaussian(0.7))
    posterior, point = sample(problem), fit_penalized(problem)
    eta = posterior.predict(kind="link").mean
    weights = extras()["weights"] if form == "weights-and-offset" else np.ones(problem.n)
    move = np.sqrt(np.average((point.predict(kind="link").mean - eta) ** 2, weights=weights))
    found = amount(posterior, point).numbers.loc["fitted"]
    assert found["value"] == pytest.approx(move / (0.1 * problem.response_sd()), rel=1e-9)


def test_errors_cover_what_other_seeds_say() -> None:
    problem = make_problem("bernoulli", n=80, prior=Gaussian(0.7))
    point = fit_penalized(problem)
    names = ["largest width", "largest shift"]
    runs = [amount(sample(problem, seed=seed), point).numbers for seed in range(30)]
    same = [run for run in runs if run["where"].equals(runs[0]["where"])]
    assert len(same) >= 15
    for name in names:
        values, errors = (np.array([run.at[name, column] for run in same]) for column in ("value", "error"))
        # The sd of m values is known to 1/√(2(m − 1)).
        assert np.log(values.std(ddof=1) / errors.mean()) == pytest.approx(0, abs=4 / np.sqrt(2 * (len(same) - 1)))


def test_the_error_of_a_mean_is_about_arviz_s(logistic: Posterior) -> None:
    expected = array_stats.mcse(logistic.beta, chain_axis=0, draw_axis=1, method="mean")
    np.testing.assert_allclose(amount(logistic).columns["mean_mcse"], expected, rtol=0.1)


@pytest.mark.parametrize("problem", [make_problem(p=0), make_problem("bernoulli", p=1, standardize=False)])
def test_without_columns_or_with_one_there_is_an_answer(problem: Problem) -> None:
    found = amount(sample(problem))
    assert "fitted values" in str(found)
    assert ("largest shift" in found.numbers.index) == (problem.p > 0)


def test_a_number_within_error_of_its_limit_is_said_to_be_so(diabetes: Posterior) -> None:
    sd = diabetes.beta.std(axis=(0, 1), ddof=1).max()
    at_limit, past = amount(diabetes, epsilon=2 * sd * 0.999), amount(diabetes, epsilon=sd)
    assert bool(at_limit.numbers.at["largest width", "near"])
    assert "within error of its limit" in at_limit.sentence
    assert not past.numbers.at["largest width", "near"]


# -- a ladder of n -----------------------------------------------------------------------------------------------------

LADDER = np.array([200, 1000, 5000])
TRUTH = np.array([1.0, -0.6, 0.5])


def _rung(n: int, time: int, *, informative: bool = True) -> Array:
    """Posterior sd, and mean − MAP away from 0 plain and in sds, averaged over the columns."""
    rng = np.random.default_rng([n, time])
    X = rng.normal(size=(n, 3))
    y = rng.binomial(1, 1 / (1 + np.exp(-0.3 - X @ TRUTH))).astype(float)
    weights = None if informative else np.full(n, LADDER[0] / n)  # more rows that know no more
    problem = Problem.from_arrays(
        X, y, likelihood=BernoulliLogit(), prior=Gaussian(2.0), standardize=False, weights=weights
    )
    posterior = sample(problem, seed=1000 * n + time)
    beta = posterior.beta
    assert posterior.verdict.ess_bulk >= FLOOR
    sd, shift = beta.std(axis=(0, 1)), np.sign(TRUTH) * (beta.mean(axis=(0, 1)) - fit_penalized(problem).beta)
    return np.array([sd.mean(), shift.mean(), (shift / sd).mean()])


def _slopes(times: int, *, informative: bool) -> tuple[Array, Array]:
    """Slopes of the logarithms of the mean rungs on log n, and their standard errors."""
    rungs = np.array([[_rung(n, time, informative=informative) for time in range(times)] for n in LADDER])
    mean, error = rungs.mean(axis=1), rungs.std(axis=1, ddof=1) / np.sqrt(times)
    design, found = np.column_stack([np.ones(LADDER.size), np.log(LADDER)]), []
    for k in range(3):
        weight = (mean[:, k] / error[:, k]) ** 2
        cov = np.linalg.inv(design.T * weight @ design)
        found.append((float(cov[1] @ (design.T * weight) @ np.log(mean[:, k])), float(np.sqrt(cov[1, 1]))))
    return np.array(found).T[0], np.array(found).T[1]


RATES = np.array([-0.5, -1.0, -0.5])
"""Of the posterior sd, of |MAP − mean|, and of that in sds."""


def test_the_discard_shrinks_as_theory_says_it_does() -> None:
    slope, error = _slopes(10, informative=True)
    assert (error <= [0.02, 0.1, 0.1]).all()
    assert (np.abs(slope - RATES) <= 4 * error).all(), (slope, error)


def test_rows_that_know_no_more_are_caught_not_to_shrink_it() -> None:
    slope, error = _slopes(5, informative=False)
    assert (np.abs(slope - RATES) > 4 * error).all(), (slope, error)


def test_of_many_rows_little_is_discarded_and_of_few_it_is_not() -> None:
    for n, little in ((60, False), (10_000, True)):
        rng = np.random.default_rng(n)
        X = rng.normal(size=(n, 3))
        y = rng.binomial(1, 1 / (1 + np.exp(-0.3 - X @ TRUTH))).astype(float)
        problem = Problem.from_arrays(X, y, likelihood=BernoulliLogit(), prior=Laplace(1.0))
        found = amount(sample(problem))
        assert found.little is little
        assert str(found).startswith("little: " if little else "not little: ")


@pytest.mark.parametrize("n", [50, 800, 12_800])
def test_under_gaussian_noise_and_prior_the_map_is_the_mean_at_every_n(n: int) -> None:
    rng = np.random.default_rng(n)
    X = rng.normal(size=(n, 4))
    y = X @ [1.0, 0.5, 0.0, -0.2] + rng.normal(size=n)
    problem = Problem.from_arrays(X, y, likelihood=GaussianNoise(1.0), prior=Gaussian(0.3))
    posterior = sample(problem)
    table = amount(posterior).columns
    mcse(posterior.beta)  # the floor
    assert (np.abs(table["shift"]) <= LIMIT * table["shift_mcse"]).all()
    # The mode of a penalty half as strong is caught, as long as the penalty is felt at all.
    other = amount(posterior, fit_penalized(problem.with_prior(Gaussian(0.3 * np.sqrt(2))))).columns
    assert (np.abs(other["shift"]) > LIMIT * other["shift_mcse"]).any() == (n < 10_000)


# -- refused and withheld ----------------------------------------------------------------------------------------------


def test_draws_that_failed_say_nothing(failed: Posterior) -> None:
    found = amount(failed)
    assert str(found).startswith("what the point estimate discards: WITHHELD: ")
    assert found.withheld
    assert not found.little
    assert not len(found.numbers)


def test_bad_arguments_are_refused(diabetes: Posterior) -> None:
    with pytest.raises(ParameterError, match="amount takes a Posterior"):
        amount(diabetes.problem)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="epsilon must be"):
        amount(diabetes, epsilon=-1.0)
    with pytest.raises(ParameterError, match="optimum must be an Optimum"):
        amount(diabetes, diabetes.beta)  # type: ignore[arg-type]
