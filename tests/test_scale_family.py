"""The family of priors that differ in scale: its members, what is its coordinate, and what it leaves alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import HalfCauchy
from tests.registry import PRIORS

P = 6


def problem_with(prior: Any, p: int = P) -> Problem:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, p))
    return Problem.from_arrays(X, rng.normal(size=20), prior=prior, names=[f"x{j}" for j in range(p)])


def density(problem: Problem, s: float, beta: Array, family: ScaleFamily) -> float:
    return float(problem.with_prior(family.at(s)).prior.log_density(beta))


@pytest.mark.parametrize("name", sorted(PRIORS.keys() - {"flat"}))
def test_members_differ_by_a_stretch_about_the_location(name: str) -> None:
    """log p(μ + s·z | s) + k·log s is the same at every s, k the number of columns under a proper prior."""
    problem = problem_with(PRIORS[name](P))
    family = ScaleFamily.of(problem, "test")
    loc = problem.prior.location(P)
    z = np.random.default_rng(1).normal(size=P)
    found = [density(problem, s, loc + s * z, family) + P * np.log(s) for s in (0.01, 0.3, 1.0, 7.0)]
    np.testing.assert_allclose(found, found[0], rtol=1e-9)
    off = density(problem, 0.3 * 1.1, loc + 0.3 * z, family) + P * np.log(0.3)
    assert abs(off - found[0]) > 1e-3


@pytest.mark.parametrize("name", sorted(PRIORS.keys() - {"flat"}))
def test_the_problems_own_prior_is_a_member(name: str) -> None:
    problem = problem_with(PRIORS[name](P))
    family = ScaleFamily.of(problem, "test")
    assert family.own is not None
    beta = np.random.default_rng(1).normal(size=P)
    assert density(problem, family.own, beta, family) == pytest.approx(
        float(problem.prior.log_density(beta)), rel=1e-12
    )


@pytest.mark.parametrize(
    ("prior", "own", "factor"),
    [
        (Laplace(0.3), 0.3, False),
        (Gaussian(2.0, loc=1.0), 2.0, False),
        (GroupLaplace([0, 0, 1, 1, 2, 2], 0.4), 0.4, False),
        (Laplace(np.full(P, 0.3)), 0.3, False),
        (Laplace(HalfCauchy(1.0)), None, False),
        ({"x0": Flat(), "*": Laplace(0.2)}, 0.2, False),
        ({"x0": Gaussian(0.2), "*": Laplace(0.2)}, 0.2, False),
        ({"x0": Gaussian(3.0), "*": Laplace(HalfCauchy(1.0))}, None, False),
        ({"x0": Gaussian(1.0), "*": Laplace(0.2)}, 1.0, True),
        ({"x0": ElasticNet(1.0, 1.0), "*": Laplace(0.2)}, 1.0, True),
        (Laplace(np.arange(1.0, P + 1)), 1.0, True),
        (ElasticNet(1.0, 2.0), 1.0, True),
        (Bridge(1.0, 0.5), 1.0, True),
    ],
)
def test_the_coordinate(prior: Any, own: float | None, factor: bool) -> None:
    family = ScaleFamily.of(problem_with(prior), "test")
    assert family.own == (None if own is None else pytest.approx(own, rel=1e-12))
    assert family.factor is factor
    assert family.name == ("factor" if factor else "scale")


def test_relative_scales_are_kept() -> None:
    problem = problem_with({"x0": Gaussian(3.0), "x1": Flat(), "*": Laplace(np.arange(1.0, 5.0))})
    family = ScaleFamily.of(problem, "test")
    before, after = (problem.with_prior(family.at(s)).prior.variance(P) for s in (1.0, 0.1))
    np.testing.assert_allclose(after[[0, 2, 3, 4, 5]], 0.01 * before[[0, 2, 3, 4, 5]], rtol=1e-12)
    assert np.isinf(after[1])


def test_the_other_parts_of_a_prior_with_one_unknown_scale_stand() -> None:
    problem = problem_with({"x0": Gaussian(3.0), "*": Laplace(HalfCauchy(1.0))})
    variance = problem.with_prior(ScaleFamily.of(problem, "test").at(0.1)).prior.variance(P)
    np.testing.assert_allclose(variance, [9.0, *[0.02] * 5])


def test_nothing_to_choose() -> None:
    with pytest.raises(ParameterError, match=r"choose_scale: Flat\(\) has no scale, so there is nothing to choose"):
        ScaleFamily.of(problem_with(Flat()), "choose_scale")
    with pytest.raises(ParameterError, match="choose_scale: there is no column"):
        ScaleFamily.of(problem_with(Laplace(1.0), p=0), "choose_scale")


@pytest.mark.parametrize("s", [0.0, -1.0, np.nan, np.inf, "a"])
def test_bad_scales(s: Any) -> None:
    with pytest.raises(ParameterError, match="must be a"):
        ScaleFamily.of(problem_with(Laplace(1.0)), "test").at(s)
