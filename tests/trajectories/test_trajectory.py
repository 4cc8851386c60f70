"""Descents from zero: against loops written out, against the certified optimum, and what each kind can reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from bayesreg.datasets import load_dataset
from bayesreg.errors import DataWarning, FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog, StudentTNoise
from bayesreg.optimum import Certificate, Optimum
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy
from bayesreg.trajectories import Trajectory, trajectory
from bayesreg.trajectories.steps import largest_curvature
from tests.problems import FAMILIES, FORMS, P, data, in_blocks, make_problem, sparse_problem
from tests.registry import PRIORS, STACKED

METHODS = ("gradient", "subgradient", "proximal")


@pytest.fixture(scope="module")
def diabetes() -> Problem:
    frame = load_dataset("diabetes")
    return Problem.from_arrays(frame.X, frame.y, names=frame.names, prior=Laplace(4.6))


def separated(prior: Any) -> Problem:
    """Two classes that a line tells apart."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2)) + np.repeat([[3.0, -2.0], [-3.0, 2.0]], 20, axis=0)
    return Problem.from_arrays(X, np.repeat([1.0, 0.0], 20), likelihood=BernoulliLogit(), prior=prior)


# -- the iterates themselves ---------------------------------------------------------------------------------------


def naive(problem: Problem, sigma: float, rate: float, method: str, steps: int) -> tuple[Array, Array]:
    """Lasso iterates (steps + 1, p) under Gaussian noise, and the step: loops, on columns that are centred."""
    block = problem.design.rows.collect()
    X, y = block.X, block.y - block.y.mean()
    hessian = X.T @ X / sigma**2
    t = 1 / max(np.linalg.eigvalsh(hessian)[-1], len(y) / sigma**2)  # the intercept's curvature is n/σ²
    beta, path = np.zeros(X.shape[1]), [np.zeros(X.shape[1])]
    for k in range(steps):
        slope = hessian @ beta - X.T @ y / sigma**2
        size = t / np.sqrt(k + 1) if method == "subgradient" else t
        v = beta - size * slope
        new = []
        for b, w in zip(beta, v, strict=True):
            if method == "proximal":
                new.append(w - size * rate if w > size * rate else w + size * rate if w < -size * rate else 0.0)
            else:
                new.append(w - size * rate * (1.0 if b > 0 else -1.0 if b < 0 else 0.0))
        beta = np.array(new)
        path.append(beta)
    return np.array(path), t


@pytest.mark.parametrize("method", METHODS)
def test_iterates_are_those_of_a_loop_written_out(diabetes: Problem, method: str) -> None:
    found = trajectory(diabetes, method, 60, sigma=50.0)
    expected, t = naive(diabetes, 50.0, 1 / 4.6, method, 60)
    np.testing.assert_allclose(found.beta, expected, atol=1e-9 * np.abs(expected).max())
    by = np.sqrt(np.arange(1, 61)) if method == "subgradient" else 1.0
    np.testing.assert_allclose(found.step, np.broadcast_to(t / by, 60), rtol=1e-9)
    np.testing.assert_allclose(found.intercept, load_dataset("diabetes").y.mean(), rtol=1e-9)
    np.testing.assert_array_equal(found.zeros, expected == 0)


@pytest.mark.parametrize("kind", FAMILIES)
def test_numbers_are_those_of_the_problem_at_the_iterates(kind: str) -> None:
    problem = FORMS["weights-and-offset"](kind, prior=PRIORS["laplace-by-column"](P), intercept=Gaussian(0.5, loc=1.0))
    found = trajectory(problem, "subgradient", 5)
    for k in range(6):
        theta = found.problem.join(float(found.intercept[k]), found.beta[k])
        assert found.loss[k] == pytest.approx(found.problem.nll(theta), rel=1e-12)
        assert found.objective[k] == pytest.approx(found.problem.value(theta), rel=1e-12)
        assert found.penalty[k] == pytest.approx(found.objective[k] - found.loss[k], rel=1e-9, abs=1e-9)
    assert not found.beta[0].any()  # zero, though the prior's locations are not
    assert found.problem.prior.location(P).any()
    at_start = found.problem.join(float(found.intercept[0]), found.beta[0])
    slope = found.problem.gradient(at_start)[0] + (found.intercept[0] - 1.0) / 0.25
    assert abs(slope) < 1e-6  # the intercept is at its optimum given that


@pytest.mark.parametrize("start", [np.array([0.5, -1.0, 0.0, 2.0]), [3, 0, 0, 1]])
def test_it_starts_where_it_is_told(start: Any) -> None:
    found = trajectory(make_problem("bernoulli"), "gradient", 3, start=start)
    np.testing.assert_array_equal(found.beta[0], start)
    theta = found.problem.join(float(found.intercept[0]), found.beta[0])
    assert abs(found.problem.gradient(theta)[0]) < 1e-6


@pytest.mark.parametrize("kind", ["poisson", "bernoulli"])
def test_blocks_of_rows_and_sparse_columns_change_nothing(kind: str) -> None:
    X, y = data(kind)
    options: dict[str, Any] = {"likelihood": FAMILIES[kind].make(), "prior": Laplace(0.2), "standardize": False}
    dense = Problem.from_arrays(X, y, **options)
    expected = trajectory(dense, steps=20).beta
    for problem in (in_blocks(dense, 7), Problem.from_arrays(sparse.csr_array(X), y, **options)):
        np.testing.assert_allclose(trajectory(problem, steps=20).beta, expected, rtol=1e-9, atol=1e-12)


# -- laws ----------------------------------------------------------------------------------------------------------

CONVEX = [name for name, make in (PRIORS | STACKED).items() if make(6).convex]


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "gamma"])
@pytest.mark.parametrize("prior", CONVEX)
def test_proximal_steps_never_rise_and_go_to_the_optimum(kind: str, prior: str) -> None:
    problem = make_problem(kind, prior=(PRIORS | STACKED)[prior](P))
    found = trajectory(problem, "proximal", 300)
    rounding = 1e-13 * max(1.0, np.abs(found.objective).max())
    assert np.diff(found.objective).max() <= rounding
    assert found.optimum is not None
    assert found.least == pytest.approx(fit_penalized(problem).objective, rel=1e-12)
    assert -rounding <= found.excess[-1] <= 1e-6 * found.excess[0]
    np.testing.assert_allclose(found.beta[-1], found.optimum.beta, atol=1e-3 * (1 + np.abs(found.optimum.beta)).max())


@pytest.mark.parametrize("kind", ["poisson", "negative-binomial", "student-t", "binomial"])
@pytest.mark.parametrize("prior", ["laplace", "gaussian-by-column", "group-laplace-by-group", "bridge-1.5"])
def test_other_families_do_too(kind: str, prior: str) -> None:
    found = trajectory(make_problem(kind, prior=PRIORS[prior](P)), "proximal", 300)
    assert np.diff(found.objective).max() <= 1e-13 * np.abs(found.objective).max()
    assert found.excess[-1] <= 1e-6 * found.excess[0]


@pytest.mark.parametrize("prior", ["gaussian", "gaussian-by-column", "bridge-3", "bridge-3-by-column", "flat"])
@pytest.mark.parametrize("kind", ["gaussian", "poisson", "bernoulli"])
def test_where_nothing_has_a_kink_gradient_steps_descend_too(kind: str, prior: str) -> None:
    found = trajectory(make_problem(kind, prior=PRIORS[prior](P)), "gradient", 400)
    assert np.diff(found.objective).max() <= 1e-13 * np.abs(found.objective).max()
    assert found.excess[-1] <= 1e-4 * found.excess[0]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "plain"])
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_every_form_of_problem_descends(kind: str, form: str) -> None:
    found = trajectory(FORMS[form](kind), "proximal", 3000)
    assert np.diff(found.objective).max() <= 1e-13 * np.abs(found.objective).max()
    assert found.excess[-1] <= 1e-5 * found.excess[0]


def test_under_a_penalty_that_is_not_convex_proximal_steps_end_at_a_stationary_point() -> None:
    found = trajectory(make_problem(prior=Bridge(0.9, 0.5)), "proximal", 500)
    assert np.diff(found.objective).max() <= 1e-12
    assert found.zeros[-1].any()
    fixed = found.problem
    theta = fixed.join(float(found.intercept[-1]), found.beta[-1])
    slope = fixed.gradient(theta)
    residual = -slope - fixed.penalty_prior.nearest_subgradient(theta, -slope)
    np.testing.assert_allclose(residual, 0, atol=1e-6)


def test_a_step_that_would_overshoot_is_halved_for_good() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 2))
    y = rng.poisson(np.exp(2.5 * X[:, 0]))
    problem = Problem.from_arrays(X, y, likelihood=PoissonLog(), prior=Gaussian(5.0))
    found = trajectory(problem, "gradient", 500)
    assert found.step[-1] < found.step[0] or found.step[0] < 1 / _first_curvature(found)
    assert (np.diff(found.step) <= 0).all()
    assert np.diff(found.objective).max() <= 1e-12 * np.abs(found.objective).max()
    for k in range(0, 500, 50):  # the bound that each step keeps, from the numbers themselves
        here, there = (found.problem.join(float(found.intercept[i]), found.beta[i]) for i in (k, k + 1))
        move = there - here
        slope = found.problem.gradient(here) + np.concatenate([[0.0], found.beta[k] / 25])
        bound = found.objective[k] + slope @ move + move @ move / (2 * found.step[k])
        assert found.objective[k + 1] <= bound + 1e-9


def _first_curvature(found: Trajectory) -> float:
    theta = found.problem.join(float(found.intercept[0]), found.beta[0])
    return float(np.linalg.eigvalsh(found.problem.curvature(theta))[-1])


def test_the_largest_curvature_of_many_columns_needs_no_matrix() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(60, 300)) + rng.normal(size=(60, 1))
    problem = Problem.from_arrays(X, rng.normal(size=60), likelihood=GaussianNoise(1.0), prior=Laplace(0.05))
    theta = np.zeros(301)
    exact = float(np.linalg.eigvalsh(problem.curvature(theta))[-1])
    assert exact <= largest_curvature(problem, theta) <= 1.03 * exact
    found = trajectory(problem, "proximal", 50)
    assert np.diff(found.objective).max() <= 0


# -- exact zeros ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson"])
def test_only_proximal_steps_reach_exact_zeros(kind: str) -> None:
    problem = sparse_problem(kind)
    optimum = fit_penalized(problem)
    assert 0 < optimum.zeros.sum() < P
    proximal = trajectory(problem, "proximal", 400)
    np.testing.assert_array_equal(proximal.zeros[-1], optimum.zeros)
    assert not proximal.beta[-1][optimum.zeros].any()
    assert proximal.support[-1] == P - optimum.zeros.sum()
    rates = problem.prior.rates(P)
    for method in ("gradient", "subgradient"):
        found = trajectory(problem, method, 400)
        assert found.support[0] == 0
        assert (found.support[1:] == P).all()
        near = np.abs(found.beta[-50:, optimum.zeros])  # stepped over, again and again, within a step's reach
        assert (near <= 2 * found.step[-50] * rates[optimum.zeros]).all()
        assert (near > 0).all()
        signs = np.sign(found.beta[-50:, optimum.zeros])
        assert (np.abs(np.diff(signs, axis=0)).sum(axis=0) > 0).all()
        assert found.excess[-1] > 100 * max(proximal.excess[-1], 1e-12)


def test_zeros_of_the_diabetes_data(diabetes: Problem) -> None:
    found = {method: trajectory(diabetes, method) for method in METHODS}
    assert {method: int(one.support[-1]) for method, one in found.items()} == {
        "gradient": 10,
        "subgradient": 10,
        "proximal": 7,
    }
    assert found["proximal"].excess[-1] < 1e-6
    assert found["gradient"].excess[-1] > 0.05


def test_whole_groups_go_to_zero_and_a_located_prior_has_its_own_zeros() -> None:
    problem = make_problem(prior=GroupLaplace([0, 0, 1, 1], 0.15, loc=0.3))
    found = trajectory(problem, "proximal", 2000)
    assert found.optimum is not None
    np.testing.assert_array_equal(found.zeros[-1], found.optimum.zeros)
    assert found.zeros[-1].sum() == 2
    assert (found.beta[-1][found.zeros[-1]] == 0.3).all()
    assert found.support[0] == P  # 0 is no zero of this prior
    assert "exactly at the prior's location" in found.sentence


def test_a_penalty_without_a_kink_has_no_zeros_either() -> None:
    found = trajectory(make_problem(prior=Gaussian(0.1)), "proximal", 100)
    assert (found.support[1:] == P).all()


# -- without the penalty -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_on_separated_classes_the_weights_grow_without_end_unless_penalised(method: str) -> None:
    problem = separated(Gaussian(1.0))
    free = trajectory(problem, method, 2000, penalized=False)
    size = free.table["l2"].to_numpy()
    assert (np.diff(size) > 0).all()
    assert (np.diff(free.loss) < 0).all()
    assert free.loss[-1] < 0.02 * free.loss[0]
    assert size[-1] - size[1000] > 0.1  # and is not about to stop
    assert free.optimum is None
    assert np.isnan(free.excess).all()
    assert "separated" in free.reason
    assert "without a minimum to compare it with" in free.sentence
    assert (np.diff(free.penalty) > 0).all()  # what the prior would have charged
    np.testing.assert_array_equal(free.objective, free.loss)

    held = trajectory(problem, method, 2000)
    assert held.optimum is not None
    np.testing.assert_allclose(held.beta[-1], fit_penalized(problem).beta, atol=0.02)
    assert held.excess[-1] < 1e-3
    assert held.table["l2"].iloc[-1] < 0.5 * size[-1]


def test_without_the_penalty_descent_goes_to_least_squares() -> None:
    problem = make_problem(prior=Laplace(0.01), intercept=Gaussian(0.01))
    free = trajectory(problem, "gradient", 2000, penalized=False)
    block = problem.design.rows.collect()
    X = np.column_stack([np.ones(problem.n), block.X])
    exact = np.linalg.lstsq(X, block.y, rcond=None)[0]  # the intercept's prior is left out too
    np.testing.assert_allclose(np.append(free.intercept[-1], free.beta[-1]), exact, atol=1e-6)
    assert free.excess[-1] == pytest.approx(0.0, abs=1e-9)
    assert free.problem.prior is problem.prior


def test_columns_that_trade_off_leave_nothing_to_compare_with() -> None:
    X, y = data("gaussian")
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    problem = Problem.from_arrays(X, y, prior=Laplace(0.2), likelihood=GaussianNoise(1.0))
    free = trajectory(problem, "gradient", 200, penalized=False)
    assert free.optimum is None
    assert "do not determine" in free.reason
    assert free.reason in str(free)


# -- the dispersion ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sigma", [None, 1.3, "residual", "cv_lasso", "joint"])
def test_an_unknown_dispersion_is_held_where_the_penalised_fit_has_it(sigma: Any) -> None:
    problem = make_problem(likelihood=GaussianNoise())
    optimum = fit_penalized(problem, sigma)
    for penalized in (True, False):
        found = trajectory(problem, steps=300, sigma=sigma, penalized=penalized)
        assert found.problem.likelihood.sigma_known == pytest.approx(optimum.sigma, rel=1e-12)
        assert optimum.sigma_method in str(found)
    held = trajectory(problem, steps=300, sigma=sigma)
    np.testing.assert_allclose(held.beta[-1], optimum.beta, atol=1e-4)
    assert held.excess[-1] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("likelihood", [StudentTNoise(3.0), StudentTNoise(3.0, sigma=1.0)])
def test_a_joint_mode_gives_its_dispersion(likelihood: Any) -> None:
    problem = make_problem("student-t", likelihood=likelihood)
    found = trajectory(problem, steps=400)
    assert found.problem.likelihood.sigma_known == pytest.approx(fit_penalized(problem).sigma, rel=1e-9)
    assert found.excess[-1] == pytest.approx(0, abs=1e-6)


def test_a_prior_in_units_of_the_noise_is_rescaled() -> None:
    problem = make_problem(likelihood=GaussianNoise(), scale_by_noise=True)
    found = trajectory(problem, steps=300, sigma=2.0)
    expected = trajectory(make_problem(likelihood=GaussianNoise(2.0), prior=Laplace(0.4)), steps=300)
    np.testing.assert_allclose(found.beta, expected.beta, atol=1e-12)


# -- edges, and what is refused ------------------------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [Flat(), Gaussian(1.0), None])
@pytest.mark.parametrize("method", METHODS)
def test_no_columns(method: str, intercept: Any) -> None:
    X, y = data("bernoulli")
    problem = Problem.from_arrays(X[:, :0], y, likelihood=BernoulliLogit(), prior=Laplace(1.0), intercept=intercept)
    found = trajectory(problem, method, 4)
    assert found.beta.shape == found.zeros.shape == (5, 0)
    assert not found.support.any()
    np.testing.assert_allclose(found.excess, 0.0, atol=1e-9)
    assert "0 of 0 coefficients" in found.sentence


def test_one_step() -> None:
    assert len(trajectory(make_problem(), steps=1)) == 2
    assert trajectory(make_problem(), steps=1).sentence.startswith("1 proximal step:")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"steps": 0}, "steps must be an integer >= 1"),
        ({"steps": 2.5}, "steps must be an integer >= 1"),
        ({"steps": True}, "steps must be an integer >= 1"),
        ({"method": "newton"}, "method must be one of 'gradient', 'subgradient', 'proximal'"),
        ({"penalized": "no"}, "penalized must be True or False"),
        ({"sigma": 2.0}, "sigma=2.0 contradicts"),
        ({"start": [0.0]}, "start must be 4 finite numbers"),
        ({"start": [0.0, 0.0, 0.0, np.inf]}, "start must be 4 finite numbers"),
        ({"start": "zero"}, "start must be 4 finite numbers"),
    ],
)
def test_bad_settings_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        trajectory(make_problem(), **wrong)


def test_what_has_no_trajectory_is_refused() -> None:
    with pytest.raises(ParameterError, match="trajectory takes a Problem"):
        trajectory(np.zeros(3))  # type: ignore[arg-type]
    for penalized in (True, False):
        with pytest.raises(ParameterError, match="no single penalty"):
            trajectory(make_problem(prior=Laplace(HalfCauchy(1.0))), penalized=penalized)
    X, _ = data("bernoulli")
    options: dict[str, Any] = {"likelihood": BernoulliLogit(), "intercept": Gaussian(1.0)}
    with pytest.warns(DataWarning, match="one class only"):
        one_class = Problem.from_arrays(X, np.ones(30), prior=Laplace(1.0), **options)
    assert trajectory(one_class).excess[-1] == pytest.approx(0, abs=1e-6)
    with pytest.raises(FitError, match="infinite in 'intercept'"):
        trajectory(one_class, penalized=False)


@pytest.mark.parametrize("method", ["gradient", "subgradient"])
@pytest.mark.parametrize("prior", [Bridge(0.9, 0.5), {"x0": Bridge(0.9, 0.7), "*": Laplace(0.2)}])
def test_a_cusp_has_no_gradient_to_step_along(method: str, prior: Any) -> None:
    problem = make_problem(prior=prior)
    with pytest.raises(ParameterError, match=f"method='{method}' needs a penalty whose slope is bounded.*use method="):
        trajectory(problem, method)
    assert trajectory(problem, method, 20, penalized=False).excess[-1] < 1.0  # the loss has no cusp


# -- the result ----------------------------------------------------------------------------------------------------


def test_the_table_has_the_numbers(diabetes: Problem) -> None:
    found = trajectory(diabetes, steps=30)
    table = found.table
    assert list(table.columns) == [
        "iteration", "loss", "penalty", "objective", "excess", "l1", "l2", "support", "step",
    ]  # fmt: skip
    assert len(table) == len(found) == 31
    np.testing.assert_array_equal(table["iteration"], np.arange(31))
    np.testing.assert_allclose(table["l1"], np.abs(found.beta).sum(axis=1))
    np.testing.assert_allclose(table["l2"], np.linalg.norm(found.beta, axis=1))
    np.testing.assert_allclose(table["penalty"], table["l1"] / 4.6)
    np.testing.assert_allclose(table["loss"] + table["penalty"], table["objective"])
    np.testing.assert_array_equal(table["support"], (found.beta != 0).sum(axis=1))
    np.testing.assert_array_equal(table["step"][1:], found.step)
    assert np.isnan(table["step"][0])
    assert found.best == int(np.argmin(table["objective"])) == 30
    pd.testing.assert_series_equal(table["excess"], table["objective"] - found.least, check_names=False)
    with pytest.raises(ValueError, match="read-only"):
        found.beta[0, 0] = 1.0


def test_raw_coefficients_predict_the_same(diabetes: Problem) -> None:
    found = trajectory(diabetes, steps=5)
    block, X = diabetes.design.rows.collect(), np.asarray(load_dataset("diabetes").X, dtype=float)
    for k in range(6):
        np.testing.assert_allclose(
            found.intercept_raw[k] + X @ found.beta_raw[k], found.intercept[k] + block.X @ found.beta[k]
        )


def test_the_best_iterate_need_not_be_the_last() -> None:
    # A steep penalty and a step that is as long as the loss allows: the start is better than all that follows.
    found = trajectory(make_problem(prior=PRIORS["laplace-by-column"](P)), "gradient", 200)
    assert found.objective[found.best] == found.objective.min() < found.objective[-1]


def test_the_sentence_says_how_it_ended(diabetes: Problem) -> None:
    found = trajectory(diabetes, "gradient")
    assert found.sentence == (
        f"200 gradient steps: J is {found.excess[-1]:.2g} nats above its minimum; 0 of 10 coefficients exactly at 0"
    )
    assert "least-squares residual sd" in str(found)
    assert found._repr_html_().count("<p>") == 2
    assert "the loss is" in trajectory(diabetes, "gradient", penalized=False).sentence


def test_an_optimum_that_is_not_certified_is_not_compared_with(diabetes: Problem) -> None:
    found = trajectory(diabetes, steps=20)
    assert found.passed
    optimum = found.optimum
    assert isinstance(optimum, Optimum)
    proof: Certificate = replace(optimum.certificate, residual=optimum.certificate.residual + 1.0)
    doubtful = replace(found, optimum=replace(optimum, certificate=proof))
    assert not doubtful.passed
    assert "its minimum is not certified" in doubtful.sentence
    assert "above its minimum" not in doubtful.sentence
