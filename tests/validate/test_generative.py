"""Truths follow the prior, or the posterior; responses follow the likelihood."""

import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.validate.generative import (
    FromPosterior,
    FromPrior,
    Sample,
    check_weights,
    improper_parts,
    simulate,
    stacked,
)
from tests.monte_carlo import KS_LEVEL, check_distribution
from tests.validate.problems import lasso, logistic, ridge, rows


def truths(problem, count=2000):
    source, rng = FromPrior.of(problem), np.random.default_rng(0)
    found = [source.truth(i, rng) for i in range(count)]
    return np.concatenate([one.theta for one in found]), [one.dispersion for one in found], [one.scale for one in found]


def test_truths_follow_the_prior():
    theta, sigma, scale = truths(lasso(0.7))
    assert scale[0] is None
    check_distribution(theta[:, 0], stats.norm(0, 1).cdf)
    for j in (1, 2, 3):
        check_distribution(theta[:, j], stats.laplace(0, 0.7).cdf)
    check_distribution(np.concatenate(sigma), stats.halfnorm(scale=1.0).cdf)
    assert stats.kstest(theta[:, 1], stats.laplace(0, 0.9).cdf).pvalue < KS_LEVEL  # the control


def test_truths_under_an_unknown_scale_are_in_its_units():
    theta, _, scale = truths(lasso().with_prior(br.Laplace(br.HalfNormal(2.0))))
    scale = np.concatenate(scale)
    check_distribution(scale, stats.halfnorm(scale=2.0).cdf)
    check_distribution(theta[:, 1] / scale, stats.laplace.cdf)


def test_truths_of_a_noise_scaled_prior_are_in_units_of_sigma():
    X, y = rows()
    problem = br.Problem.from_arrays(
        X, y, likelihood=br.GaussianNoise(sigma=br.HalfNormal(1.0)), prior=br.Gaussian(0.5), intercept=None,
        scale_by_noise=True,
    )  # fmt: skip
    theta, sigma, _ = truths(problem)
    check_distribution(theta[:, 0] / np.concatenate(sigma), stats.norm(0, 0.5).cdf)


def test_responses_follow_the_likelihood_at_the_truth():
    problem, rng = ridge(), np.random.default_rng(1)
    truth = Sample(np.array([[0.5, 1.0, 0.0, -1.0]]), np.array([0.3]), None)
    block = problem.design.rows.collect()
    eta = problem.linear_predictor(block, truth.theta[0])
    residuals = np.concatenate([simulate(problem, truth, rng) - eta for _ in range(400)])
    check_distribution(residuals, stats.norm(0, 0.3).cdf)
    assert stats.kstest(residuals, stats.norm(0, 0.36).cdf).pvalue < KS_LEVEL


def test_a_simulated_problem_differs_in_its_response_alone():
    problem = logistic()
    source, rng = FromPrior.of(problem), np.random.default_rng(2)
    made = source.simulated(source.truth(0, rng), rng)
    old, new = problem.design.rows.collect(), made.design.rows.collect()
    assert (old.X == new.X).all()
    assert set(np.unique(new.y)) <= {0.0, 1.0}
    assert (made.design.centre == problem.design.centre).all()
    assert made.prior is problem.prior


def test_truths_of_a_posterior_are_draws_of_it_by_another_sampler():
    problem = logistic(n=40)
    source = FromPosterior.of(problem, "surrogate", 500, np.random.SeedSequence(3))
    assert source.sampler == "hmc"
    own = br.sample(problem, draws=4000, seed=9)
    for j in range(problem.p):
        apart = stats.ks_2samp(source.truths.theta[:, 1 + j], own.beta[..., j].ravel()[::20])
        assert apart.pvalue >= KS_LEVEL
    rng = np.random.default_rng(0)
    made = source.simulated(source.truth(3, rng), rng)
    block = made.design.rows.collect()
    assert made.n == 80
    assert (block.y[:40] == problem.design.rows.collect().y).all()
    assert (block.X[40:] == block.X[:40]).all()


def test_rows_are_stacked_with_what_goes_with_them():
    X, y = rows()
    problem = br.Problem.from_arrays(
        X, np.abs(np.round(y)), likelihood=br.BernoulliLogit(), prior=br.Laplace(1.0), trials=np.full(12, 5.0),
        offset=np.arange(12.0),
    )  # fmt: skip
    block = problem.design.rows.collect()
    both = stacked(block, block)
    assert both.trials.tolist() == [5.0] * 24
    assert both.offset.tolist() == [*range(12), *range(12)]
    assert both.weights is None


def test_a_sparse_matrix_stays_sparse():
    from scipy.sparse import csr_matrix, issparse

    X, y = rows(30)
    problem = br.Problem.from_arrays(csr_matrix(np.where(np.abs(X) > 1, X, 0.0)), y, prior=br.Laplace(1.0))
    block = problem.design.rows.collect()
    both = stacked(block, block)
    assert issparse(both.X)
    assert both.X.shape == (60, 3)


def test_improper_parts_are_named_with_what_to_give():
    X, y = rows()
    problem = br.Problem.from_arrays(X, y, prior={"x0": br.Flat(), "*": br.Laplace(1.0)})
    text = "; ".join(improper_parts(problem))
    assert "the intercept (give intercept=Gaussian(scale))" in text
    assert "x0" in text
    assert "sigma=HalfNormal(scale)" in text
    assert not improper_parts(lasso())


def test_weights_are_refused_unless_they_leave_rows_out():
    X, y = rows()
    make = br.Problem.from_arrays
    with pytest.raises(br.ParameterError, match="sbc: rows have weights other than 0 and 1"):
        check_weights(make(X, y, prior=br.Laplace(1.0), weights=np.full(12, 2.0)), "sbc")
    check_weights(make(X, y, prior=br.Laplace(1.0), weights=np.arange(12) % 2), "sbc")
