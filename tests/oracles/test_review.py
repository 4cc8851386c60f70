"""What a review broke once: improper mixtures, joint searches, powers just above 1, weak priors on collinear groups."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bayesreg.errors import FitError, InputError
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Flat, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import prepare
from bayesreg.scales import HalfCauchy

MIXED = {"c": Laplace(HalfCauchy(1.0)), "*": Flat()}


@pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")
def test_flat_columns_beside_a_prior_of_unknown_scale_must_be_held_by_the_data() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = X[:, 0] + rng.normal(size=30)
    assert prepare(Problem.from_arrays(X, y, names=list("abc"), prior=MIXED)).method == "gibbs"
    twins = X[:, [0, 0, 2]]
    with pytest.raises(FitError, match=r"do not determine the unpenalised coefficients of 'a', 'b'"):
        prepare(Problem.from_arrays(twins, y, names=list("abc"), prior=MIXED))
    classes = (X[:, 0] > 0).astype(float)
    with pytest.raises(FitError, match=r"the optimum is infinite in .*separated"):
        prepare(Problem.from_arrays(X, classes, names=list("abc"), prior=MIXED, likelihood=BernoulliLogit()))


def test_the_joint_mode_under_cusps_is_the_lowest_of_all_small_supports() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 5))
    y = rng.poisson(np.exp(0.3 + 0.4 * X[:, 0]) * rng.gamma(3.0, 1 / 3, size=60)).astype(float)
    problem = Problem.from_arrays(X, y, prior=Bridge(3.0, 0.5), likelihood=NegativeBinomialLog())
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.STATIONARY
    for support in itertools.chain.from_iterable(itertools.combinations(range(5), r) for r in range(4)):
        start = np.zeros(5)
        start[list(support)] = 0.5
        other = fit_penalized(problem.at(fit.sigma), start=start)
        assert problem.neg_log_joint(problem.join(other.intercept, other.beta), fit.sigma) >= fit.objective - 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_a_power_just_above_one_is_certified(seed: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, 12))
    problem = Problem.from_arrays(
        X, rng.poisson(np.exp(0.5 * X[:, 0])).astype(float), likelihood=PoissonLog(), prior=Bridge(8.0, 1.05)
    )
    for fit in (fit_penalized(problem), find_map(problem)):
        assert fit.outcome is Outcome.CERTIFIED
        assert (fit.beta != 0).all()
        assert np.abs(fit.beta).min() < 1e-6


@pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("scale", [1e4, 1e6, 1e7])
def test_a_weak_prior_on_a_group_of_twins(scale: float) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    X[:, 1] = X[:, 0]
    problem = Problem.from_arrays(
        X, X[:, 0] + rng.normal(size=80), prior=GroupLaplace([0, 0, 1], scale), likelihood=GaussianNoise(1.0)
    )
    fit = fit_penalized(problem)
    assert fit.outcome is not Outcome.NOT_CERTIFIED
    assert fit.iterations < 100
    assert fit.beta[0] == pytest.approx(fit.beta[1], rel=1e-6)


def test_student_t_rows_on_one_line_are_an_exact_fit() -> None:
    # 28 of 30 rows on a plane of 4 parameters: σ^(−1−24+2ν) near 0 has an integral only for ν > 12.
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    y = 2 * X[:, 0] + 1
    y[:2] += 1.0
    for nu in (1.0, 11.9):
        with pytest.raises(FitError, match=r"28 of 30 rows are fitted exactly by 4 parameters"):
            prepare(Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=StudentTNoise(nu)))
    assert prepare(Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=StudentTNoise(12.1))).method == "nuts"
    noisy = Problem.from_arrays(X, y + 1e-3 * rng.normal(size=30), prior=Laplace(1.0), likelihood=StudentTNoise(1.0))
    assert prepare(noisy).method == "nuts"


def test_new_rows_need_the_offset_and_the_exposure_that_the_model_has() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 2))
    both = {"offset": rng.normal(size=20), "exposure": rng.uniform(1, 2, size=20)}
    fit = fit_penalized(Problem.from_arrays(X, np.arange(20.0), prior=Laplace(1.0), likelihood=PoissonLog(), **both))
    with pytest.raises(InputError, match=r"the model has an offset; give that of the new rows: offset="):
        fit.predict(X[:3], exposure=np.ones(3))
    with pytest.raises(InputError, match=r"the model has an exposure; give that of the new rows: exposure="):
        fit.predict(X[:3], offset=np.zeros(3))
    np.testing.assert_allclose(fit.predict(X, **both).mean, fit.predict().mean, rtol=1e-13)
    assert fit.predict(X[:0], offset=np.zeros(0), exposure=np.ones(0)).draws.shape == (1, 1, 0)
