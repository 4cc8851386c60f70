"""What a path takes, refuses, and gives back."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.errors import FitError, ParameterError
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import critical_factor
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.sampling_path import posterior_path
from bayesreg.sampling_path.fits import GibbsFitter
from bayesreg.sampling_path.grid import default_scales
from bayesreg.sampling_path.walk import MIN_ESS
from bayesreg.scale_family import ScaleFamily
from tests.sampling_path.cases import classes, data


def laplace() -> Problem:
    return Problem.from_arrays(*data(), prior=Laplace(0.3))


def test_scales_are_sorted_and_a_seed_is_a_path():
    problem = laplace()
    one, two, other = (
        posterior_path(problem, scales, draws=200, seed=seed)
        for scales, seed in (([0.5, 0.2, 0.3], 7), (np.array([0.2, 0.3, 0.5]), 7), ([0.2, 0.3, 0.5], 8))
    )
    np.testing.assert_array_equal(one.scales, [0.2, 0.3, 0.5])
    for name in ("mean", "sd", "mcse", "lower", "median", "upper", "ess", "log_evidence", "log_evidence_error"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    np.testing.assert_array_equal(one.posterior(1).beta, two.posterior(1).beta)
    assert (one.mean != other.mean).all()
    assert one.lower.shape == one.median.shape == one.upper.shape == (3, 4)
    assert ((one.lower < one.median) & (one.median < one.upper)).all()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"scales": [0.1, -1.0]}, "scales must hold finite numbers > 0"),
        ({"scales": [0.1, 0.0]}, "scales must hold finite numbers > 0"),
        ({"scales": [0.1, np.nan]}, "scales must hold finite numbers > 0"),
        ({"scales": []}, "scales must hold finite numbers > 0"),
        ({"scales": [[0.1]]}, "scales must hold finite numbers > 0"),
        ({"scales": ["a"]}, "scales must hold finite numbers > 0"),
        ({"count": 1}, "count must be an integer >= 2"),
        ({"draws": 0}, "draws must be an integer >= 1"),
        ({"tune": -1}, "tune must be"),
        ({"seed": "x"}, "seed must be"),
        ({"method": "magic"}, "is not a sampler"),
        ({"method": "conjugate"}, "does not apply"),
    ],
)
def test_what_is_refused(options, match):
    with pytest.raises(ParameterError, match=match):
        posterior_path(laplace(), **options)


def test_what_has_no_path():
    with pytest.raises(ParameterError, match="takes a Problem"):
        posterior_path(3)
    with pytest.raises(ParameterError, match="nothing to choose"):
        posterior_path(Problem.from_arrays(*data(), prior=Flat()))
    with pytest.raises(FitError, match="no integral"):
        posterior_path(Problem.from_arrays(*data(8, 12), prior=Laplace(0.3)))


def test_the_default_grid_starts_where_the_first_coefficient_leaves():
    for prior, scaled in ((Laplace(0.3), False), (ElasticNet(2.0, 1.0), False), (Laplace(0.3), True)):
        problem = Problem.from_arrays(*data(), prior=prior, scale_by_noise=scaled, likelihood=GaussianNoise(1.5))
        family = ScaleFamily.of(problem, "the test")
        scales = default_scales(problem, family, 30)
        assert scales[-1] == pytest.approx(1e3 * scales[0])
        block = problem.design.rows.collect()
        theta = np.append(block.y.mean(), np.zeros(4))
        here = problem.with_prior(family.at(float(scales[0]))).conditional(None)
        assert critical_factor(here, theta)[1:].max() == pytest.approx(1.0)


def test_default_grids_without_a_kink_and_without_convexity():
    smooth = Problem.from_arrays(*data(), prior=Gaussian(3.0), likelihood=GaussianNoise(1.5))
    scales = default_scales(smooth, ScaleFamily.of(smooth, "the test"), 4)
    assert scales[0] ** -2 == pytest.approx(100 * 30 / 1.5**2)
    bent = Problem.from_arrays(*data(), prior=Bridge(1.0, power=0.5), likelihood=GaussianNoise(1.5))
    scales = default_scales(bent, ScaleFamily.of(bent, "the test"), 3)
    assert scales[1] == pytest.approx(1.0)


def test_an_interrupt_keeps_what_was_made():
    def stop(done: int, total: int) -> None:
        seen.append((done, total))
        if done >= 4:
            raise KeyboardInterrupt

    seen: list[tuple[int, int]] = []
    scales = np.geomspace(0.05, 5.0, 12)
    path = posterior_path(laplace(), scales, draws=200, progress=stop)
    assert path.interrupted
    assert seen[-1][0] >= 4
    assert seen[-1][1] == 12
    assert 0 < path.scales.size < 12
    np.testing.assert_array_equal(path.scales, scales[: path.scales.size])
    assert path.mean.shape == (path.scales.size, 4)
    assert "interrupted" in path.sentence
    assert len(path.table) == path.scales.size


def test_an_interrupt_within_a_fit(monkeypatch):
    fit, calls = GibbsFitter.fit, []

    def stopping(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return fit(self, *args, **kwargs)

    monkeypatch.setattr(GibbsFitter, "fit", stopping)
    path = posterior_path(laplace(), np.geomspace(0.05, 5.0, 12), draws=200)
    assert path.interrupted
    assert path.fits == 2
    calls += [1] * 10
    calls[:] = [1, 1]
    with pytest.raises(FitError, match="nothing to keep"):
        posterior_path(laplace(), [0.3], draws=200)


def test_progress_ends_at_the_number_of_scales():
    seen = []
    posterior_path(laplace(), np.geomspace(0.1, 1.0, 9), draws=200, progress=lambda *at: seen.append(at))
    assert seen[-1] == (9, 9)
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_the_table_and_the_sentence():
    path = posterior_path(laplace(), np.geomspace(0.1, 1.0, 9), draws=500)
    table = path.table
    assert list(table) == [
        "scale", "lambda_", "how", "khat", "ess", "log_evidence", "log_evidence_error", "passed",
    ]  # fmt: skip
    np.testing.assert_allclose(table["lambda_"], 1 / path.scales)
    np.testing.assert_array_equal(table["how"] == "drawn", path.drawn)
    np.testing.assert_array_equal(np.isnan(path.khat), path.drawn)
    assert path.fits >= path.drawn.sum()
    assert path.drawn.sum() < 9
    assert (path.khat[~path.drawn] <= 0.7).all()
    assert f"{path.fits} runs of gibbs" in path.sentence
    by_column = Problem.from_arrays(*data(), prior={"x0": Laplace(0.2), "*": Laplace(0.4)})
    assert np.isnan(posterior_path(by_column, [1.0], draws=100).table["lambda_"]).all()


def test_too_few_draws_do_not_pass():
    problem = Problem.from_arrays(*data(), prior=Gaussian(0.3), likelihood=GaussianNoise(1.5))
    path = posterior_path(problem, [0.2, 0.3], draws=30)
    assert path.ess.min() < MIN_ESS
    assert not path.passed
    assert not path.passed_at.all()
    assert "FAILED" in path.sentence


def test_a_point_is_a_posterior_at_its_scale():
    problem = laplace()
    path = posterior_path(problem, np.geomspace(0.1, 1.0, 9), draws=1000)
    for i in (0, int(np.flatnonzero(~path.drawn)[0])):
        found = path.posterior(i)
        assert found.problem.prior.scale == path.scales[i]
        assert found.verdict.passed, str(found.verdict)
        assert {"intercept", "beta", "beta_raw", "sigma"} <= set(found.arrays)
        assert ("reweighted" in found.reason) == (not path.drawn[i])
    with pytest.raises(ParameterError, match="a place among 9"):
        path.posterior(9)


def test_samplers_may_be_asked_for():
    problem = Problem.from_arrays(*classes(), prior=Laplace(0.3), likelihood=BernoulliLogit())
    path = posterior_path(problem, [0.2, 0.25, 0.3], draws=200, method="hmc")
    assert path.method == "hmc"
    assert path.fits < 3
