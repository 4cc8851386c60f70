"""What a choice does not depend on, and the priors and likelihoods that have one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from bayesreg.likelihoods import NegativeBinomialLog, StudentTNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy
from bayesreg.strength import choose_scale
from tests.strength.oracle import data, problem_of

SCALES = np.geomspace(0.02, 3.0, 12)


@pytest.mark.parametrize("kind", [Laplace, Gaussian])
def test_the_priors_own_scale_does_not_matter(kind: Any) -> None:
    first, second, third = (
        choose_scale(problem_of(kind(s)), "cv", repeats=1).scale for s in (0.01, 10.0, HalfCauchy(1.0))
    )
    assert first == second == third


@pytest.mark.parametrize("by", ["cv", "evidence"])
def test_units_carry_over(by: str) -> None:
    X, y = data()
    small, large = (choose_scale(Problem.from_arrays(c * X, c * y, prior=Gaussian(1.0)), by) for c in (1.0, 1000.0))
    assert large.scale == pytest.approx(1000 * small.scale, rel=1e-6)
    assert large.upper == pytest.approx(1000 * small.upper, rel=1e-6)
    if by == "cv":
        np.testing.assert_allclose(large.curve["value"], small.curve["value"] + np.log(1000), rtol=1e-8)
        np.testing.assert_allclose(large.curve["squared_error"], 1e6 * small.curve["squared_error"], rtol=1e-8)


def test_a_scale_in_units_of_sigma_is_the_same_prior() -> None:
    plain = problem_of()
    choice = choose_scale(plain, "cv", sigma=2.0, repeats=1)
    in_units = choose_scale(replace(plain, scale_by_noise=True), "cv", sigma=2.0, repeats=1)
    assert in_units.scale * 2.0 == pytest.approx(choice.scale)
    np.testing.assert_allclose(in_units.curve["value"], choice.curve["value"], rtol=1e-9)


def test_sigma_moves_the_scale_and_not_the_penalty() -> None:
    first, second = (choose_scale(problem_of(), "cv", sigma=sigma, repeats=1) for sigma in (1.0, 3.0))
    assert first.scale == pytest.approx(second.scale / 9, rel=1e-9)
    np.testing.assert_allclose(first.curve["value"], second.curve["value"], rtol=1e-9)


def test_the_joint_mode_takes_the_default_plug_in() -> None:
    joint, default = (choose_scale(problem_of(), "cv", sigma=sigma, repeats=1).scale for sigma in ("joint", None))
    assert joint == default


def test_the_same_seed_picks_the_same_folds() -> None:
    curves = [choose_scale(problem_of(), "cv", seed=seed, repeats=1).curve["value"].to_numpy() for seed in (0, 0, 1)]
    np.testing.assert_array_equal(curves[0], curves[1])
    assert (curves[0] != curves[2]).any()


@pytest.mark.parametrize("by", ["cv", "evidence"])
def test_a_factor_on_equal_scales_is_the_scale_and_relative_sizes_stay(by: str) -> None:
    sizes = np.array([1.0, 3.0, 1.0, 0.5, 1.0, 2.0])
    X, y = data()
    equal = choose_scale(problem_of(Gaussian(1.0)), by)
    # A column divided by its size under a prior wider by it is the same model (columns as they are).
    raw = choose_scale(Problem.from_arrays(X, y, prior=Gaussian(1.0), standardize=False), by)
    by_column = choose_scale(Problem.from_arrays(X / sizes, y, prior=Gaussian(0.1 * sizes), standardize=False), by)
    assert by_column.family.name == "factor"
    assert by_column.sentence.startswith("factor = ")
    assert 0.1 * by_column.scale == pytest.approx(raw.scale, rel=1e-6)
    np.testing.assert_allclose(by_column.problem.prior.variance(6), (raw.scale * sizes) ** 2, rtol=1e-5)
    assert np.isnan(by_column.lambda_)
    assert equal.lambda_ == pytest.approx(0.5 / equal.scale**2)


OTHERS: dict[str, Any] = {
    "elastic net": ElasticNet(3.0, 1.0),
    "bridge": Bridge(1.0, power=1.5),
    "groups": GroupLaplace([0, 0, 1, 1, 2, 2], 1.0),
    "free columns": {"x0": Flat(), "*": Laplace(1.0)},
    "two kinds": {"x0": Gaussian(1.0), "*": Laplace(0.3)},
    "located": Laplace(1.0, loc=0.5),
}


@pytest.mark.parametrize("name", OTHERS)
def test_every_prior_has_a_curve(name: str) -> None:
    choice = choose_scale(problem_of(OTHERS[name]), "cv", repeats=1)
    curve = choice.curve
    assert (np.diff(curve["scale"]) > 0).all()
    assert np.isfinite(curve["value"]).all()
    assert curve["scale"].iloc[0] < choice.scale
    best = fit_penalized(choice.problem)
    fixed = choice.problem.conditional(best.sigma)
    assert fixed.value(fixed.join(best.intercept, best.beta)) == pytest.approx(best.objective)


@pytest.mark.parametrize("likelihood", [StudentTNoise(4.0), NegativeBinomialLog()])
def test_another_dispersion_is_held_at_its_plug_in(likelihood: Any) -> None:
    X, y = data()
    if likelihood.link == "log":
        y = np.random.default_rng(0).poisson(np.exp((y - y.mean()) / 4 + 1)).astype(float)
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=likelihood)
    choice = choose_scale(problem, "cv", scales=SCALES[::3], folds=3)
    value = float(choice.sentence.rpartition(" ")[2])
    known = choose_scale(problem.at(value), "cv", scales=SCALES[::3], folds=3)
    np.testing.assert_allclose(choice.curve["value"], known.curve["value"], rtol=1e-3)
