"""Which sampler is taken, why another is not, and when there is no posterior to draw from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bayesreg.errors import DataWarning, FitError, ParameterError
from bayesreg.interfaces import ScalePrior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import METHODS, nuts, pymc, sample, surrogate
from bayesreg.samplers.settings import Draws, Refused, Settings
from bayesreg.scales import Exponential, FlatScale, HalfCauchy, HalfNormal, Jeffreys
from tests.fakes import replace_samplers
from tests.problems import make_problem
from tests.samplers.cases import data

pytestmark = pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")

REFUSED = {
    "likelihood": (lambda: make_problem("bernoulli", prior=Gaussian(1.0)), "the likelihood is not Gaussian"),
    "prior": (lambda: make_problem(prior=Laplace(1.0)), "the prior is not Gaussian"),
    "hierarchical": (lambda: make_problem(prior=Gaussian(HalfCauchy(1.0))), "the prior's scale is itself unknown"),
    "intercept": (
        lambda: make_problem(prior=Gaussian(1.0), intercept=Laplace(1.0)),
        "the intercept's prior is not Gaussian",
    ),
    "units": (
        lambda: make_problem(
            prior=Gaussian(1.0), intercept=Gaussian(1.0), likelihood=GaussianNoise(), scale_by_noise=True
        ),
        "the intercept's prior is not in units of sigma",
    ),
}


NEXT = {"likelihood": "surrogate", "prior": "gibbs", "hierarchical": "gibbs", "intercept": "gibbs", "units": "nuts"}
"""What applies where exact draws do not."""


@pytest.mark.parametrize("name", REFUSED)
def test_conjugate_says_why_it_does_not_apply(name: str) -> None:
    make, reason = REFUSED[name]
    message = f"method='conjugate' does not apply: {reason}.*; use method='{NEXT[name]}'"
    with pytest.raises(ParameterError, match=message):
        sample(make(), "conjugate")


def one_point(problem: Problem, settings: Settings) -> Draws:
    """What NUTS would return if it never moved."""
    sigma = np.ones((2, 5)) if problem.likelihood.dispersion is not None else None
    return Draws(np.zeros((2, 5, len(problem.labels))), sigma)


@pytest.mark.parametrize("name", REFUSED)
def test_auto_then_takes_the_next_and_keeps_the_reason(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, one_point)
    make, reason = REFUSED[name]
    posterior = sample(make())
    assert posterior.method == NEXT[name]
    assert f"not conjugate: {reason}" in posterior.reason
    assert ("nutpie" in posterior.data.attrs) == (NEXT[name] == "nuts")


@pytest.mark.parametrize(("scale", "following"), [(1.0, "hmc"), (HalfCauchy(1.0), "nuts")])
def test_a_sampler_that_refuses_its_own_draws_gives_way_and_it_is_said(
    scale: float | HalfCauchy, following: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_samplers(monkeypatch, one_point)

    def refuse(problem: Problem, settings: Settings) -> Draws:
        msg = "k-hat = 1.20"
        raise Refused(msg)

    monkeypatch.setattr(surrogate, "draw", refuse)
    problem = make_problem("bernoulli", prior=Laplace(scale))
    posterior = sample(problem)
    assert posterior.method == following
    assert posterior.reason == "surrogate was tried and refused: k-hat = 1.20"
    with pytest.raises(Refused, match="k-hat"):
        sample(problem, "surrogate")


@pytest.mark.parametrize("method", ["conjugate", "gibbs", "surrogate", "hmc"])
def test_every_refusal_says_why_and_what_does_apply(method: str) -> None:
    # σ unknown, in whose units the coefficients' prior is but not the intercept's: for NUTS alone.
    make, _ = REFUSED["units"]
    with pytest.raises(ParameterError, match=f"method='{method}' does not apply: .+; use method='nuts'"):
        sample(make(), method)


@pytest.mark.parametrize("prior", [Gaussian(1.0), Flat()])
@pytest.mark.parametrize("intercept", [Flat(), None, Gaussian(1.0)])
def test_auto_takes_exact_draws_where_there_are_any(prior: Gaussian | Flat, intercept: Gaussian | Flat | None) -> None:
    posterior = sample(make_problem(prior=prior, intercept=intercept), draws=10)
    assert posterior.method == "conjugate"
    assert "exact independent draws" in posterior.reason
    assert "nutpie" not in posterior.data.attrs


def test_what_is_asked_for_is_taken() -> None:
    assert sample(make_problem(prior=Gaussian(1.0)), "conjugate", draws=10).reason == "as asked"


@pytest.mark.parametrize("method", ["stan", "", None, "NUTS"])
def test_unknown_samplers_are_refused(method: object) -> None:
    with pytest.raises(ParameterError, match=f"is not a sampler: use one of {', '.join(METHODS)}"):
        sample(make_problem(), method)  # type: ignore[arg-type]


def test_only_problems_are_sampled() -> None:
    with pytest.raises(ParameterError, match=r"sample takes a Problem \(got tuple\)"):
        sample(data())  # type: ignore[arg-type]


# -- propriety -----------------------------------------------------------------------------------------------------


def wide(sigma: ScalePrior, *, n: int = 6, p: int = 8, prior: object = None, **options: object) -> Problem:
    X, y = data(n, p)
    prior = Gaussian(1.0) if prior is None else prior
    return Problem.from_arrays(X, y, prior=prior, likelihood=GaussianNoise(sigma), **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("p", [5, 6, 8])
def test_jeffreys_has_no_posterior_where_the_columns_fit_y_exactly(p: int) -> None:
    # With the intercept, 5 columns are enough for 6 rows.
    with pytest.raises(FitError, match=f"no integral at zero: the {p} columns can fit all 6 rows exactly") as caught:
        sample(wide(Jeffreys(), p=p))
    assert "HalfNormal(scale), or use scale_by_noise=True" in str(caught.value)


def test_the_same_is_said_before_nuts_compiles_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(problem: Problem, settings: Settings) -> Draws:
        raise AssertionError

    replace_samplers(monkeypatch, never)
    with pytest.raises(FitError, match="no integral at zero"):
        sample(wide(Jeffreys(), prior=Laplace(1.0)))


def test_one_column_fewer_leaves_a_residual() -> None:
    assert sample(wide(Jeffreys(), p=4), draws=10).method == "conjugate"


def test_twin_columns_do_not_count_twice() -> None:
    X, y = data(6, 4)
    problem = Problem.from_arrays(np.hstack([X, X]), y, prior=Gaussian(1.0))
    assert np.isfinite(sample(problem, draws=10).beta).all()


@pytest.mark.parametrize("sigma", [FlatScale(), Exponential(1.0), HalfNormal(1.0), HalfCauchy(1.0)])
def test_priors_that_stay_bounded_at_zero_are_accepted(sigma: ScalePrior) -> None:
    draws = sample(wide(sigma), draws=50)
    assert np.isfinite(draws.beta).all()
    assert (draws.draws("sigma") > 0).all()


@pytest.mark.parametrize("sigma", [Jeffreys(), FlatScale(), HalfNormal(1.0)])
def test_a_prior_in_units_of_sigma_is_accepted(sigma: ScalePrior) -> None:
    assert np.isfinite(sample(wide(sigma, scale_by_noise=True), draws=10).beta).all()


@pytest.mark.parametrize(
    ("rows", "sigma"), [(1, Jeffreys()), (1, FlatScale()), (2, FlatScale())], ids=["1/σ", "flat-1", "flat-2"]
)
def test_too_few_rows_for_an_improper_prior_of_sigma(rows: int, sigma: ScalePrior) -> None:
    with pytest.raises(FitError, match=f"no integral at infinity: {rows} rows, 1 unpenalised"):
        sample(wide(sigma, n=rows, p=1, standardize=False, scale_by_noise=True))


@pytest.mark.parametrize(("rows", "sigma"), [(2, Jeffreys()), (3, FlatScale()), (1, HalfNormal(1.0))])
def test_just_enough_rows(rows: int, sigma: ScalePrior) -> None:
    problem = wide(sigma, n=rows, p=1, standardize=False, scale_by_noise=True)
    assert np.isfinite(sample(problem, draws=10).draws("sigma")).all()


@pytest.mark.parametrize("scale", [Jeffreys(), FlatScale()])
def test_an_improper_prior_of_the_scale_is_refused(scale: ScalePrior) -> None:
    with pytest.raises(ParameterError, match="the prior's scale has the improper prior"):
        sample(make_problem(prior=Gaussian(scale)))


def remedy(problem: Problem) -> str:
    with pytest.raises(FitError, match="no integral at zero") as caught:
        sample(problem)
    return str(caught.value).rpartition("; ")[2]


@pytest.mark.parametrize("sigma", [HalfNormal(1.0), HalfCauchy(1.0), Jeffreys()])
def test_rows_that_fit_exactly_and_leave_a_degree_of_freedom(sigma: ScalePrior) -> None:
    X = data(20, 3)[0]
    y = 1.0 + X @ [1.0, -2.0, 0.5]
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=GaussianNoise(sigma))
    # A bounded prior is no help here: the density grows as σ^-16.
    assert remedy(problem) == "give sigma a value, or use scale_by_noise=True"
    assert np.isfinite(sample(replace(problem, scale_by_noise=True), draws=10).beta).all()
    assert np.isfinite(sample(problem.at(1.0), draws=10).beta).all()


def test_in_units_of_sigma_a_fit_at_the_prior_locations_is_exact() -> None:
    X = data(20, 3)[0]
    prior = Gaussian(1.0, loc=np.array([1.0, -2.0, 0.5]))
    problem = Problem.from_arrays(X, 1.0 + X @ prior.loc, prior=prior, standardize=False, scale_by_noise=True)
    assert remedy(problem) == "give sigma a value"
    moved = problem.with_prior(Gaussian(1.0))
    assert np.isfinite(sample(moved, draws=10).beta).all()


@pytest.mark.parametrize("scale_by_noise", [False, True])
@pytest.mark.parametrize("sigma", [HalfNormal(1.0), Exponential(1.0)])
def test_y_without_variation_needs_a_value_of_sigma(sigma: ScalePrior, scale_by_noise: bool) -> None:
    X, y = data()
    with pytest.warns(DataWarning, match="y is constant"):
        problem = Problem.from_arrays(
            X,
            np.ones_like(y),
            prior=Gaussian(1.0),
            likelihood=GaussianNoise(sigma),
            scale_by_noise=scale_by_noise,
        )
    assert remedy(problem) == "give sigma a value"
    assert np.isfinite(sample(problem.at(1.0), draws=10).beta).all()


@pytest.mark.parametrize("scale_by_noise", [False, True])
def test_a_hierarchical_scale_has_a_posterior_too(scale_by_noise: bool) -> None:
    problem = make_problem(prior=Laplace(HalfCauchy(1.0)), likelihood=GaussianNoise(), scale_by_noise=scale_by_noise)
    posterior = sample(problem, draws=100)
    assert posterior.method == "gibbs"
    assert (posterior.draws("beta_scale") > 0).all()


@pytest.mark.parametrize("method", ["nuts", "pymc"])
def test_classes_separated_by_a_flat_column_have_no_posterior(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (nuts, pymc):
        monkeypatch.setattr(module, "draw", one_point)
    X = np.array([[-3.0], [-2.0], [-1.0], [1.0], [2.0], [3.0]])
    y = (X[:, 0] > 0).astype(float)
    problem = Problem.from_arrays(X, y, prior=Flat(), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="separated"):
        sample(problem, method)
    assert sample(problem.with_prior(Gaussian(1.0)), method).method == method


@pytest.mark.parametrize("method", ["conjugate", "nuts", "pymc"])
def test_collinear_flat_columns_have_no_posterior(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (nuts, pymc):
        monkeypatch.setattr(module, "draw", one_point)
    X, y = data(20, 2)
    problem = Problem.from_arrays(X[:, [0, 0, 1]], y, prior=Flat())
    with pytest.raises(FitError, match="do not determine"):
        sample(problem, method)


def test_a_sampler_that_never_moves_is_no_evidence(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, one_point)
    verdict = sample(make_problem()).verdict
    assert verdict.reasons == ("intercept has the same value in every draw: the sampler did not move",)
