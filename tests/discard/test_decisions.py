"""Decisions: against the textbook, and two cases worked through."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats

from bayesreg.diagnostics import mcse_mean
from bayesreg.discard.decisions import Decision, decision
from bayesreg.errors import InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from tests.monte_carlo import LIMIT


@pytest.fixture(scope="module")
def normal() -> Posterior:
    """One coefficient with a Gaussian posterior."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=12)
    problem = Problem.from_arrays(x[:, None], 0.5 * x + rng.normal(size=12), prior=Gaussian(1.0),
                                  likelihood=GaussianNoise(1.0), standardize=False)  # fmt: skip
    return sample(problem, draws=4000)


def law(posterior: Posterior) -> Any:
    X = posterior.problem.design.rows.collect().X
    precision = float(X[:, 0] @ X[:, 0]) + 1.0
    return stats.norm(fit_penalized(posterior.problem).beta[0], precision**-0.5)


GRID = np.linspace(-1.0, 2.0, 301)


def newsvendor(posterior: Posterior, over: float, under: float) -> Decision:
    def worth(a: float, beta: Array) -> Array:
        return -np.where(a > beta[:, 0], over * (a - beta[:, 0]), under * (beta[:, 0] - a))

    return decision(posterior, GRID, worth, vectorized=True)


def test_an_unequal_loss_is_met_at_a_quantile(normal: Posterior) -> None:
    """Under the loss over·(a − β)₊ + under·(β − a)₊ the Bayes action is the under/(over + under) quantile of β."""
    over, under = 1.0, 5.0
    found = newsvendor(normal, over, under)
    posterior = law(normal)
    assert float(found.action) == pytest.approx(posterior.ppf(under / (over + under)), abs=0.02)
    assert float(found.map_action) == pytest.approx(posterior.mean(), abs=0.006)
    # Expected loss at the mode m is (over + under)·sd·φ(0), at the quantile q (over + under)·sd·φ(q).
    z = stats.norm.ppf(under / (over + under))
    regret = (over + under) * posterior.std() * (stats.norm.pdf(0) - stats.norm.pdf(z))
    assert abs(found.regret - regret) <= LIMIT * found.mcse + 1e-3
    assert abs(found.regret - 1.1 * regret) > LIMIT * found.mcse + 1e-3
    assert abs(found.evpi - (over + under) * posterior.std() * stats.norm.pdf(z)) <= LIMIT * found.evpi_mcse + 0.01
    assert abs(found.regret_split - found.regret) <= LIMIT * found.mcse
    assert "following the MAP costs" in str(found)


def test_an_equal_loss_is_met_at_the_mode(normal: Posterior) -> None:
    found = newsvendor(normal, 1.0, 1.0)
    assert abs(float(found.action) - float(found.map_action)) <= 0.02
    assert found.regret <= LIMIT * found.mcse + 1e-4


def test_every_number_is_the_loop_s(logistic: Posterior) -> None:
    doses = {"none": 0.0, "half": 0.5, "full": 1.0}

    def utility(dose: float, intercept: float, beta: Array) -> float:
        harm = 1 / (1 + np.exp(-(intercept + dose * beta[0])))
        return dose - 2.0 * harm

    found = decision(logistic, doses, utility)
    a, b = logistic.intercept, logistic.beta[..., 0]
    values = {name: d - 2 / (1 + np.exp(-(a + d * b))) for name, d in doses.items()}
    for name in doses:
        row = found.table.loc[name]
        assert row["expected_utility"] == pytest.approx(values[name].mean())
        assert row["mcse"] == pytest.approx(float(mcse_mean(values[name])))
        best = values[name] >= np.maximum.reduce(list(values.values()))
        assert row["probability_best"] == pytest.approx(best.mean())
    top = max(doses, key=lambda name: values[name].mean())
    assert found.action == top
    assert found.evpi == pytest.approx(np.maximum.reduce(list(values.values())).mean() - values[top].mean())
    assert found.table["chosen_by_posterior"].sum() == found.table["chosen_by_map"].sum() == 1
    same = decision(logistic, doses, lambda d, intercept, beta: d - 2 / (1 + np.exp(-(intercept + d * beta[:, 0]))),
                    vectorized=True)  # fmt: skip
    np.testing.assert_allclose(same.table["expected_utility"], found.table["expected_utility"])


# -- two cases ---------------------------------------------------------------------------------------------------------


def dose_response() -> Problem:
    """Twenty-four patients at six doses; harm is rare, so that the slope is known badly."""
    dose = np.repeat([0.0, 1.0, 2.0, 3.0, 4.0, 5.0], 4)
    harm = np.zeros(24)
    harm[[19, 21, 22]] = 1
    return Problem.from_arrays(
        dose[:, None], harm, names=["dose"], likelihood=BernoulliLogit(), prior=Gaussian(1.5),
        intercept=Gaussian(3.0), standardize=False,
    )  # fmt: skip


def test_a_dose_threshold() -> None:
    """A dose is worth its size, unless it is one whose risk of harm exceeds 20 %: the mode goes to the very edge."""
    posterior = sample(dose_response(), draws=2000)
    doses = np.round(np.arange(0.0, 4.01, 0.1), 1)

    def worth(dose: float, intercept_raw: float, beta_raw: Array) -> float:
        risk = 1 / (1 + np.exp(-(intercept_raw + dose * beta_raw[0])))
        return dose - 6.0 * (risk > 0.2)

    found = decision(posterior, doses, worth)
    assert posterior.verdict.passed
    mode = fit_penalized(posterior.problem)
    edge = (np.log(0.2 / 0.8) - mode.intercept_raw) / mode.beta_raw[0]
    assert float(found.map_action) == np.floor(10 * edge) / 10
    assert float(found.action) < float(found.map_action) - 0.5
    assert found.regret > 10 * found.mcse
    assert abs(found.regret - found.regret_split) < 3 * found.mcse
    # At the mode's dose the risk is too high with the probability that the draws say.
    beyond = posterior.intercept_raw + float(found.map_action) * posterior.beta_raw[..., 0] > np.log(0.2 / 0.8)
    row = found.table.loc[found.map_action]
    assert row["expected_utility"] == pytest.approx(float(found.map_action) - 6 * beyond.mean())
    assert "costs" in str(found)


def inspections(seed: int = 4) -> tuple[Problem, Array, Array]:
    """Defects counted on forty machines; and twelve to inspect, some unlike any that was counted."""
    rng = np.random.default_rng(seed)
    seen = rng.normal(size=(40, 3)) * [1.0, 0.4, 0.1]
    y = rng.poisson(np.exp(0.2 + seen @ [0.5, 0.3, 0.0])).astype(float)
    items = rng.normal(size=(12, 3)) * [1.0, 1.0, 1.0]
    problem = Problem.from_arrays(seen, y, likelihood=PoissonLog(), prior=Gaussian(1.0), standardize=False)
    return problem, items, y


def test_ranking_items_to_inspect() -> None:
    """Expected defects rise with the uncertainty of a rate, exp(ηᵢ + vᵢ/2): the mode's ranking does not see it."""
    problem, items, _ = inspections()
    posterior = sample(problem, draws=2000)

    def defects(item: Array, intercept_raw: float, beta_raw: Array) -> float:
        return float(np.exp(intercept_raw + item @ beta_raw))

    found = decision(posterior, {f"machine {i}": row for i, row in enumerate(items)}, defects, choose=4)
    rates = np.exp(posterior.intercept_raw[..., None] + posterior.beta_raw @ items.T)
    expected = rates.mean(axis=(0, 1))
    assert {int(name.split()[1]) for name in found.actions} == set(np.argsort(-expected)[:4])
    mode = fit_penalized(problem)
    at_map = np.exp(mode.intercept_raw + items @ mode.beta_raw)
    assert {int(name.split()[1]) for name in found.map_actions} == set(np.argsort(-at_map)[:4])
    assert not found.agree
    gain = np.sort(expected)[-4:].sum() - expected[np.argsort(-at_map)[:4]].sum()
    assert found.regret == pytest.approx(gain)
    top = -np.sort(-rates, axis=-1)[..., :4].sum(axis=-1).mean()
    assert found.evpi == pytest.approx(top - np.sort(expected)[-4:].sum())
    assert found.table["chosen_by_posterior"].sum() == 4
    assert "of 4, the posterior takes" in str(found)


# -- edges -------------------------------------------------------------------------------------------------------------


def test_draws_that_failed_are_withheld(failed: Posterior) -> None:
    found = decision(failed, [0, 1], lambda a, beta: a * beta[0])
    assert str(found).startswith("decision: WITHHELD: ")


def test_ties_and_one_action(normal: Posterior) -> None:
    tied = decision(normal, ["left", "right"], lambda a, beta: beta[0])
    assert tied.agree
    assert (tied.regret, tied.evpi, tied.lead) == (0.0, 0.0, 0.0)
    assert "within Monte Carlo error of each other" in str(tied)
    alone = decision(normal, ["stay"], lambda a, beta: beta[0])
    assert alone.lead == np.inf
    assert alone.regret == 0.0


def test_where_the_mode_is_indifferent_it_follows_the_posterior(normal: Posterior) -> None:
    mode = fit_penalized(normal.problem).beta[0]
    found = decision(normal, {"worse": 0.0, "better": 1.0}, lambda a, beta: a * float(beta[0] != mode))
    assert found.table.loc["better", "utility_at_map"] == found.table.loc["worse", "utility_at_map"] == 0.0
    assert found.agree
    assert found.action == "better"


def test_choosing_among_equals_gains_nothing_on_other_draws(normal: Posterior) -> None:
    """Twenty actions of one expected utility, twenty times: the best on some draws is not better on others."""
    mcse, gains = [], []
    for seed in range(20):
        noise = np.random.default_rng(seed).normal(size=(20, 16000))
        found = decision(normal, range(20), lambda a, beta, u=noise: u[a][: len(beta)], vectorized=True)
        mcse.append(found.mcse)
        gains.append((found.regret, found.regret_split))
    error = np.sqrt(np.mean(np.square(mcse)) / 20)
    biased, split = np.mean(gains, axis=0)
    assert biased > LIMIT * error
    assert abs(split) < LIMIT * error


@pytest.mark.parametrize(
    ("actions", "utility", "options", "error", "said"),
    [
        ([], lambda a, beta: 0.0, {}, ParameterError, "actions is empty"),
        (7, lambda a, beta: 0.0, {}, ParameterError, "actions must be a sequence"),
        ("ab", lambda a, beta: 0.0, {}, ParameterError, "actions must be a sequence"),
        ([1, 1], lambda a, beta: 0.0, {}, ParameterError, "two actions are called '1'"),
        ([1, 2], lambda a, beta: 0.0, {"choose": 3}, ParameterError, "choose=3 of 2 actions"),
        ([1, 2], lambda a, beta: 0.0, {"choose": 0}, ParameterError, "choose must be an integer >= 1"),
        ([1, 2], lambda a, beta: np.inf, {}, InputError, "the utility of '1' is not a finite number at the mode"),
        ([1, 2], lambda a, beta: beta, {}, InputError, "the utility of '1' is an array of shape"),
        ([1, 2], lambda a, beta: 1 / (beta[0] > 0.2) - 1, {}, InputError, "not a finite number at a draw"),
        ([1, 2], "worth", {}, ParameterError, "utility must be a function"),
        ([1, 2], lambda a, beta, gamma: 0.0, {}, ParameterError, "utility has the parameter 'gamma'"),
    ],
)
def test_what_cannot_be_used_is_refused(
    normal: Posterior, actions: Any, utility: Any, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said), np.errstate(divide="ignore", invalid="ignore"):
        decision(normal, actions, utility, **options)
