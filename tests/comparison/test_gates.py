"""When a conclusion is drawn, and that each fault there can be keeps it back."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytest

from bayesreg.comparison import Comparison, compare, run
from bayesreg.comparison.tables import coefficient_table
from bayesreg.errors import GraphMismatchError, ParameterError
from bayesreg.graph import build_model
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.optimum import Optimum, Outcome
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.scales import HalfNormal
from tests.comparison.examples import around_the_mode, compare_lasso, data, lasso, ridge
from tests.fakes import replace_samplers


@pytest.mark.parametrize("name", ["ridge_comparison", "lasso_comparison"])
def test_sound_comparisons_pass(name: str, request: pytest.FixtureRequest) -> None:
    c: Comparison = request.getfixturevalue(name)
    assert c.agree
    assert c.certified
    assert c.passed
    assert c.withheld == ""
    assert "WITHHELD" not in c.summary()
    assert "WITHHELD" not in c._repr_html_()
    assert c.map.outcome is Outcome.CERTIFIED
    assert json.loads(c.to_json())["passed"] is True


# -- two optima that are not one point ---------------------------------------------------------------------------------

FAULTS: dict[str, Callable[[Optimum], Optimum]] = {
    "a coefficient is off": lambda o: replace(o, beta=o.beta + np.array([1e-3, 0, 0])),
    "a coefficient is off by little": lambda o: replace(o, beta=o.beta + np.array([1e-6, 0, 0])),
    "a zero is not quite": lambda o: replace(o, beta=np.where(o.beta == 0, 1e-12, o.beta), certificate=unpinned(o)),
    "the objective is off": lambda o: replace(o, objective=o.objective * (1 + 1e-6)),
}


def unpinned(optimum: Optimum) -> Any:
    """The certificate of a point that sits on no kink."""
    return replace(optimum.certificate, zero=np.zeros_like(optimum.certificate.zero))


def faulty(sound: Comparison, road: str, fault: Callable[[Optimum], Optimum]) -> Comparison:
    """The comparison as it were if one road to the mode had returned something else."""
    roads = {"map": sound.map, "penalized": sound.penalized}
    roads[road] = fault(roads[road])
    epsilon = sound.coefficients["epsilon"].to_numpy()
    table = coefficient_table(
        sound.problem, roads["map"], roads["penalized"], sound.posterior, epsilon, sound.interval_prob
    )
    return replace(sound, coefficients=table, **roads)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("road", ["map", "penalized"])
def test_optima_that_differ_are_seen(road: str, fault: str, lasso_comparison: Comparison) -> None:
    c = faulty(lasso_comparison, road, FAULTS[fault])
    assert not c.agree
    assert not c.certified
    assert c.withheld == "MAP and penalised optimum differ"
    assert "WITHHELD, nothing may be concluded: MAP and penalised optimum differ" in c.summary()
    assert "WITHHELD" in c._repr_html_()
    told = json.loads(c.to_json())
    assert (told["agree"], told["passed"]) == (False, False)
    assert "NO: max |MAP − penalised|" in c.summary()


def test_a_difference_within_rounding_is_none(lasso_comparison: Comparison) -> None:
    assert faulty(lasso_comparison, "map", lambda o: replace(o, beta=o.beta * (1 + 1e-12))).agree


@pytest.mark.parametrize("road", ["map_at", "fit_at"])
def test_compare_looks_at_what_each_road_returns(road: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sound = getattr(run, road)
    monkeypatch.setattr(run, road, lambda *args: FAULTS["a coefficient is off"](sound(*args)))
    c = compare(ridge(), draws=500)
    assert c.withheld == "MAP and penalised optimum differ"
    assert c.coefficients["difference"].abs().max() == pytest.approx(1e-3)


def without_proof(optimum: Optimum) -> Optimum:
    return replace(optimum, certificate=replace(optimum.certificate, residual=np.full(4, 1e-3)))


def with_a_gap(optimum: Optimum) -> Optimum:
    return replace(optimum, certificate=replace(optimum.certificate, gap=1e-3))


@pytest.mark.parametrize("fault", [without_proof, with_a_gap])
@pytest.mark.parametrize(("road", "word"), [("map", "MAP"), ("penalized", "penalised optimum")])
def test_an_optimum_without_proof_concludes_nothing(
    road: str, word: str, fault: Callable[[Optimum], Optimum], lasso_comparison: Comparison
) -> None:
    c = faulty(lasso_comparison, road, fault)
    assert c.agree
    assert not c.certified
    assert c.withheld == f"the {word} is not certified"
    assert "NOT certified" in c.summary()


@pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")
def test_twin_columns_agree_in_the_objective_and_say_that_they_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)
    X, y = data()
    twins = Problem.from_arrays(X[:, [0, 0, 2]], y, prior=Laplace(0.1), likelihood=GaussianNoise(1.0))
    c = compare(twins, draws=600)
    assert c.map.outcome is Outcome.NOT_UNIQUE
    assert c.agree
    assert c.passed
    assert "(columns x0, x1)" in c.summary()
    assert json.loads(c.to_json())["map"]["tied"] == ["x0", "x1"]


# -- draws that do not suffice ---------------------------------------------------------------------------------------


def test_few_draws_conclude_nothing() -> None:
    c = compare(ridge(), draws=20)
    assert c.certified
    assert not c.passed
    assert c.withheld.startswith("bulk ESS of ")
    assert "80 < 400" in c.withheld
    assert c.withheld in c.summary()
    told = json.loads(c.to_json())["posterior"]
    assert (told["passed"], told["ess_bulk"], told["rhat"]) == (False, 80, None)


def test_all_reasons_are_given(ridge_comparison: Comparison) -> None:
    few = sample(ridge_comparison.problem, draws=20)
    c = faulty(replace(ridge_comparison, posterior=few), "map", without_proof)
    assert c.withheld.startswith("the MAP is not certified; bulk ESS of ")


def test_one_chain_of_dependent_draws_concludes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    c = compare_lasso(monkeypatch, draws=2000, chains=1)
    assert c.withheld == "R-hat needs at least 2 chains (got 1)"
    assert "R-hat n/a" in c.summary()
    assert json.loads(c.to_json())["posterior"]["rhat"] is None


def test_one_chain_of_independent_draws_is_enough() -> None:
    assert compare(ridge(), draws=500, chains=1).passed


# -- a graph that is not the objective ---------------------------------------------------------------------------------

MISMATCHED: dict[str, tuple[Callable[[], Problem], str]] = {
    "scale": (lambda: ridge(prior=Gaussian(0.3 * 1.001)), "beta"),
    "location": (lambda: ridge(prior=Gaussian(0.3, loc=0.01)), "beta"),
    "shape": (lambda: ridge(prior=Laplace(0.3)), "beta"),
    "one column": (lambda: ridge(prior=Gaussian(np.array([0.3, 0.3, 0.301]))), "beta"),
    "units": (lambda: ridge(scale_by_noise=True), "beta"),
    "intercept": (lambda: ridge(intercept=Gaussian(1.0)), "intercept"),
    "sigma": (lambda: ridge(likelihood=GaussianNoise(HalfNormal(1.0))), "sigma"),
    "weights": (lambda: ridge(weights=np.arange(40) % 2 + 1.0), "y"),
    "offset": (lambda: ridge(offset=np.linspace(-1, 1, 40)), "y"),
    "columns": (lambda: ridge(standardize=False), "y"),
}


@pytest.mark.parametrize("name", MISMATCHED)
def test_a_model_that_is_another_is_refused_by_variable(name: str) -> None:
    make, variable = MISMATCHED[name]
    with pytest.raises(GraphMismatchError, match=f"is not the objective.* most in the term of '{variable}'"):
        compare(ridge(), model=build_model(make()), draws=10)


@pytest.mark.parametrize(
    ("make", "variable"),
    [
        (lambda: ridge(likelihood=GaussianNoise(1.0)), "sigma"),
        (lambda: ridge(intercept=None), "intercept"),
    ],
)
def test_a_model_without_a_variable_is_refused(make: Callable[[], Problem], variable: str) -> None:
    with pytest.raises(GraphMismatchError, match=f"no free variable '{variable}'"):
        compare(ridge(), model=build_model(make()), draws=10)


def hand_written(scale: float) -> tuple[pm.Model, Array, Array]:
    """Ridge as people write it in PyMC."""
    X, y = data()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    with pm.Model() as model:
        intercept = pm.Flat("intercept")
        beta = pm.Normal("beta", 0, scale, shape=3)
        sigma = pm.HalfNormal("sigma", 2.0)
        pm.Normal("y", intercept + pm.math.dot(Z, beta), sigma, observed=y)
    return model, X, y


def test_a_hand_written_model_of_the_same_density_is_accepted() -> None:
    model, X, y = hand_written(0.3)
    problem = Problem.from_arrays(X, y, prior=Gaussian(0.3), likelihood=GaussianNoise(HalfNormal(2.0)))
    c = compare(problem, model=model, draws=300)
    assert c.passed
    assert c.graph_check.spread <= 1e-9
    with pytest.raises(GraphMismatchError, match="'beta'"):
        compare(problem, model=hand_written(0.31)[0], draws=300)


# -- what cannot be compared -----------------------------------------------------------------------------------------


def test_errors_of_the_parts_come_through() -> None:
    with pytest.raises(ParameterError, match="contradicts the likelihood's known sigma"):
        compare(ridge(likelihood=GaussianNoise(1.0)), sigma=2.0)
    with pytest.raises(ParameterError, match="is not a method"):
        compare(ridge(), sigma="guess")
    with pytest.raises(ParameterError, match="draws must be an integer"):
        compare(ridge(), draws=0)
    with pytest.raises(ParameterError, match="method='conjugate' does not apply"):
        compare(lasso(), method="conjugate")


def test_a_flat_prior_has_nothing_to_discard_but_its_spread() -> None:
    c = compare(ridge(prior=Flat()), draws=500)
    assert c.passed
    X, y = data()
    least = np.linalg.lstsq(np.column_stack([np.ones(40), X]), y)[0]
    np.testing.assert_allclose(c.map.beta_raw, least[1:], rtol=1e-8)
    assert c.map.intercept_raw == pytest.approx(least[0])
    assert "none: the prior is flat" in c.summary()
