from __future__ import annotations

from typing import Any

import arviz as az
import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import logsumexp

from bayesreg.discard import loo, refits
from bayesreg.discard.loo import prediction
from bayesreg.discard.loo_weights import efficiency, khat_limit, reweigh
from bayesreg.discard.predictive import Cloud, cloud_of, rows_of
from bayesreg.discard.scores import FULL, INTERVALS, PREDICTORS
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.importance import smoothed
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT
from tests.problems import DISPERSED, FAMILIES, extras, make_problem

MAP, MEAN, _ = PREDICTORS
SIGMA, TAU = 1.3, 0.8


# -- against ArviZ -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["diabetes", "logistic"])
def test_elpd_and_khat_are_arvizs(name: str, request: pytest.FixtureRequest) -> None:
    posterior = request.getfixturevalue(name)
    found = prediction(posterior, rows=None)
    expected = az.loo(posterior.data, reff=efficiency(cloud_of(posterior, loo.MOST_DRAWS)), pointwise=True)
    np.testing.assert_allclose(found.rows[f"elpd {FULL}"], expected.elpd_i.to_numpy(), rtol=1e-9)
    np.testing.assert_allclose(found.rows["khat"], expected.pareto_k.to_numpy(), atol=1e-9)
    assert found.scores.loc[FULL, "elpd"] == pytest.approx(float(expected.elpd), rel=1e-9)
    assert khat_limit(4032) == pytest.approx(min(0.7, expected.good_k))


def test_khat_limit_falls_with_few_draws() -> None:
    assert khat_limit(100) == pytest.approx(0.5)
    assert khat_limit(10**6) == 0.7


# -- closed form: known σ, Gaussian prior --------------------------------------------------------------------------


def conjugate(seed: int = 0, n: int = 40, **options: Any) -> Posterior:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    y = X @ [1.0, -0.5, 0.0] + SIGMA * rng.normal(size=n)
    options = {"weights": np.resize([1.0, 2.0, 0.5], n), "offset": 0.3 * rng.normal(size=n)} | options
    problem = Problem.from_arrays(X, y, likelihood=GaussianNoise(SIGMA), prior=Gaussian(TAU), **options)
    return sample(problem, seed=seed)


def with_outlier() -> Posterior:
    """A first row far from the others in X, and off in y: without it the posterior is another one."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 3))
    y = X @ [1.0, -0.5, 0.0] + SIGMA * rng.normal(size=40)
    X[0] = 10 * np.abs(X[0])
    y[0] += 4.0
    return sample(Problem.from_arrays(X, y, likelihood=GaussianNoise(SIGMA), prior=Gaussian(TAU)), seed=1)


def exact_left_out(problem: Problem, sigma: float) -> tuple[Array, Array]:
    """Mean and variance (n,) of y_i given the other rows, by one linear solve a row."""
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    lead = int(problem.has_intercept)
    X = np.column_stack([np.ones((problem.n, lead)), block.X])
    means, variances = [], []
    for i in range(problem.n):
        w = weights.copy()
        w[i] = 0.0
        precision = (X * w[:, None]).T @ X / sigma**2 + np.diag([0.0] * lead + [1 / TAU**2] * problem.p)
        cov = np.linalg.inv(precision)
        means.append(X[i] @ cov @ X.T @ (w * (block.y - block.offset)) / sigma**2 + block.offset[i])
        variances.append(X[i] @ cov @ X[i] + sigma**2)
    return np.array(means), np.array(variances)


@pytest.mark.parametrize("options", [{}, {"intercept": None}, {"standardize": False, "weights": None}])
def test_log_densities_are_the_closed_forms_to_within_their_monte_carlo_error(options: dict[str, Any]) -> None:
    posterior = conjugate(**options)
    found = prediction(posterior)
    block = posterior.problem.design.rows.collect()
    weights = np.ones(40) if block.weights is None else block.weights
    for sigma, right in ((SIGMA, True), (1.3 * SIGMA, False)):
        mean, variance = exact_left_out(posterior.problem, sigma)
        full = (weights * stats.norm(mean, np.sqrt(variance)).logpdf(block.y)).sum()
        plug_in = (weights * stats.norm(mean, sigma).logpdf(block.y)).sum()
        for name, exact in ((FULL, full), (MEAN, plug_in), (MAP, plug_in)):  # the mode is the mean here
            error = max(found.scores.loc[name, "mcse"], 1e-8)
            assert (abs(found.scores.loc[name, "elpd"] - exact) <= LIMIT * error) == right, name
        if right:
            row = found.scores.loc[MEAN]
            assert abs(row["difference"] - (full - plug_in)) <= LIMIT * row["mcse_difference"]
            assert found.scores.loc[FULL, "mcse"] < 0.1


def test_pits_widths_and_means_are_the_closed_forms() -> None:
    posterior = conjugate()
    problem = posterior.problem
    y = problem.design.rows.collect().y
    found = reweigh(problem, cloud_of(posterior, 4000), np.arange(40), np.random.default_rng(0)).full
    mean, variance = exact_left_out(problem, SIGMA)
    np.testing.assert_allclose(found.pit_upper, stats.norm(mean, np.sqrt(variance)).cdf(y), atol=0.02)
    np.testing.assert_array_equal(found.pit_lower, found.pit_upper)
    np.testing.assert_allclose(found.mean, mean, atol=0.05)
    for k, p in enumerate(INTERVALS):
        exact = 2 * stats.norm.ppf((1 + p) / 2) * np.sqrt(variance)
        np.testing.assert_allclose(found.width[:, k].mean(), exact.mean(), rtol=0.01)
        assert found.width[:, k].mean() > 1.015 * 2 * stats.norm.ppf((1 + p) / 2) * SIGMA  # a plug-in's are narrower


def test_monte_carlo_errors_are_those_seen_over_repeated_draws() -> None:
    problem = conjugate().problem
    rows = np.arange(40)
    clouds = [cloud_of(sample(problem, draws=250, seed=seed), 4000) for seed in range(60)]
    found = [reweigh(problem, cloud, rows, np.random.default_rng(0)) for cloud in clouds]
    pairs = {
        "full": [
            (one.full.log_density.sum(), c.error(one.full_influence)) for one, c in zip(found, clouds, strict=True)
        ],
        "mean": [
            (one.mean.log_density.sum(), c.error(one.mean_influence)) for one, c in zip(found, clouds, strict=True)
        ],
        "difference": [
            ((one.full.log_density - one.mean.log_density).sum(), c.error(one.full_influence - one.mean_influence))
            for one, c in zip(found, clouds, strict=True)
        ],
    }
    for name, values in pairs.items():
        sums, errors = np.array(values).T
        ratio = sums.var(ddof=1) / np.mean(errors**2)
        low, high = stats.chi2(59).ppf([1e-3, 1 - 1e-3]) / 59
        assert low * 0.9 < ratio < high * 1.1, (name, ratio)
        assert not low * 0.9 < 4 * ratio < high * 1.1  # errors half as large as they should be


# -- refits --------------------------------------------------------------------------------------------------------


def test_a_row_that_weights_cannot_leave_out_is_left_out_by_drawing_anew() -> None:
    posterior = with_outlier()
    calls: list[tuple[int, int]] = []
    found = prediction(posterior, progress=lambda done, total: calls.append((done, total)))
    row = found.rows.loc[0]
    assert row["khat"] > 0.7
    assert row["refitted"]
    assert calls == [(k + 1, int(found.rows["refitted"].sum())) for k in range(len(calls))]
    assert not found.withheld
    assert "drawn anew" in str(found)
    block = posterior.problem.design.rows.collect()
    mean, variance = exact_left_out(posterior.problem, SIGMA)
    exact = stats.norm(mean[0], np.sqrt(variance[0])).logpdf(block.y[0])
    draws = cloud_of(posterior, 4000).theta.shape[0]
    # sd of p(y | θ) over its mean, from the closed form: E[p²]/E[p]² − 1 of normal densities.
    spread = variance[0] - SIGMA**2
    square = stats.norm(mean[0], np.sqrt(SIGMA**2 / 2 + spread)).pdf(block.y[0]) / (2 * SIGMA * np.sqrt(np.pi))
    error = np.sqrt((square / np.exp(2 * exact) - 1) / draws)
    assert abs(row[f"elpd {FULL}"] - exact) <= LIMIT * error
    weighted = reweigh(posterior.problem, cloud_of(posterior, 4000), np.arange(40), np.random.default_rng(0))
    assert abs(weighted.full.log_density[0] - exact) > LIMIT * error  # what the weights alone would have said


def test_an_interrupt_ends_the_refits_and_withholds_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    posterior, calls = with_outlier(), []

    def interrupted(*args: object, **options: object) -> Posterior:
        calls.append(args)
        raise KeyboardInterrupt

    monkeypatch.setattr(refits, "sample", interrupted)
    found = refits.refit_without(posterior, np.arange(3), 4000, np.random.SeedSequence(0).spawn(3), None)
    assert len(calls) == 1
    assert {one.reason for one in found} == {
        "interrupted after 0 of 3 rows without which the posterior is to be drawn anew"
    }
    assert prediction(posterior).withheld.startswith("interrupted after 0 of ")


def test_too_many_refits_are_not_made_and_the_result_is_withheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loo, "MOST_REFITS", 0)
    found = prediction(with_outlier())
    assert "use K-fold" in found.withheld
    assert not found.rows["refitted"].any()
    assert str(found) == f"Prediction (PSIS-LOO): WITHHELD: {found.withheld}"


def test_a_row_without_which_there_is_no_mode_is_an_error_that_says_so() -> None:
    rng = np.random.default_rng(0)
    y = np.zeros(30)
    y[4] = 1.0  # under a flat intercept the other rows, all of one class, have no posterior
    problem = Problem.from_arrays(rng.normal(size=(30, 2)), y, likelihood=BernoulliLogit(), prior=Gaussian(0.3))
    posterior = sample(problem)
    with pytest.raises(
        FitError, match="without one of them there is no mode to predict by: without row 4 there is no mode"
    ):
        prediction(posterior)
    found = refits.refit_without(posterior, np.array([4]), 4000, [np.random.SeedSequence(0)], None)
    assert found[0].said is None
    assert "without row 4 there is no posterior: y has one class only" in found[0].reason


def test_draws_that_failed_their_gates_withhold_the_result(failed: Posterior) -> None:
    found = prediction(failed, rows=5)
    assert found.withheld
    assert str(found) == f"Prediction (PSIS-LOO): WITHHELD: {found.withheld}"


# -- the point at the mode -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson"])
def test_the_mode_is_scored_without_the_row_and_so_less_well_than_with_it(kind: str) -> None:
    problem = make_problem(kind, prior=Laplace(0.5), n=40)
    mode = fit_penalized(problem)
    found = prediction(sample(problem), mode).rows[f"elpd {MAP}"].to_numpy()
    block = problem.design.rows.collect()
    eta = problem.linear_predictor(block, problem.join(mode.intercept, mode.beta))
    optimistic = -problem.likelihood.nll(eta, block.y)
    assert (found <= optimistic + 1e-9).all()
    assert found.sum() < optimistic.sum() - 1.0


def test_an_optimum_at_a_dispersion_of_its_own_keeps_it_and_the_default_is_found_anew() -> None:
    posterior = sample(make_problem(likelihood=GaussianNoise(), prior=Gaussian(0.5)))
    problem = posterior.problem
    given = prediction(posterior, fit_penalized(problem, 3.0))
    named = prediction(posterior, sigma=3.0)
    np.testing.assert_allclose(given.rows[f"elpd {MAP}"], named.rows[f"elpd {MAP}"], rtol=1e-8)
    default, own = prediction(posterior), prediction(posterior, fit_penalized(problem))
    np.testing.assert_allclose(default.rows[f"elpd {MAP}"], own.rows[f"elpd {MAP}"], rtol=1e-8)
    assert np.abs(default.rows[f"elpd {MAP}"] - given.rows[f"elpd {MAP}"]).max() > 0.1
    assert any("residual" in note for note in default.notes)


@pytest.mark.parametrize("rule", ["residual", "cv_lasso", "joint"])
def test_a_dispersion_estimated_from_the_rows_is_estimated_in_the_same_way_without_one(rule: str) -> None:
    posterior = sample(make_problem(likelihood=GaussianNoise(), prior=Gaussian(0.5)))
    given = prediction(posterior, fit_penalized(posterior.problem, rule), rows=4)
    named = prediction(posterior, sigma=rule, rows=4)
    np.testing.assert_allclose(given.rows[f"elpd {MAP}"], named.rows[f"elpd {MAP}"], rtol=1e-7)
    others = [prediction(posterior, sigma=other, rows=4) for other in ("residual", "joint") if other != rule]
    for other in others:
        assert np.abs(given.rows[f"elpd {MAP}"] - other.rows[f"elpd {MAP}"]).max() > 1e-4


def test_a_hierarchical_posterior_is_held_against_a_mode_at_one_scale() -> None:
    problem = make_problem(likelihood=GaussianNoise(), prior=Laplace(HalfCauchy(1.0)))
    posterior = sample(problem)
    median = float(np.median(posterior.draws("beta_scale")))
    own = prediction(posterior)
    np.testing.assert_allclose(
        own.rows[f"elpd {MAP}"],
        prediction(posterior, fit_penalized(problem.with_prior(Laplace(median)))).rows[f"elpd {MAP}"],
    )
    at = {scale: prediction(posterior, fit_penalized(problem.with_prior(Laplace(scale)))) for scale in (0.05, 0.5)}
    assert at[0.05].scores.loc[MAP, "elpd"] < at[0.5].scores.loc[MAP, "elpd"] - 1
    assert any("one value" in note for note in at[0.5].notes)


# -- all families and forms, against a loop ------------------------------------------------------------------------

CASES = {
    **{name: {} for name in FAMILIES},
    **{f"{name} dispersed": {"likelihood": make()} for name, make in DISPERSED.items()},
}


def some_cloud(problem: Problem) -> Cloud:
    """Points and dispersions about as posterior draws are, in four chains: nothing here asks of what they are draws."""
    rng = np.random.default_rng(0)
    theta = 0.3 * rng.normal(size=(200, len(problem.labels)))
    known = problem.likelihood.sigma_known
    unknown = problem.likelihood.has_dispersion and known is None
    return Cloud(theta, np.exp(0.3 * rng.normal(size=(200, 1))) if unknown else known, (4, 50), False)


@pytest.mark.parametrize("form", [{}, {"intercept": None}, extras()], ids=["plain", "no-intercept", "weighted"])
@pytest.mark.parametrize("case", CASES)
def test_scores_of_every_family_are_those_of_a_loop(case: str, form: dict[str, Any]) -> None:
    problem = make_problem(case.split()[0], prior=Gaussian(0.5), **(CASES[case] | form))
    cloud = some_cloud(problem)
    block = problem.design.rows.collect()
    rows = np.flatnonzero(np.ones(30) if block.weights is None else block.weights)[:6]
    found = reweigh(problem, cloud, rows, np.random.default_rng(0))
    for at, i in enumerate(rows):
        part = rows_of(block, np.array([i]))
        own = problem.likelihood.on(part)
        weight = 1.0 if block.weights is None else block.weights[i]
        eta = np.array([problem.linear_predictor(part, theta)[0] for theta in cloud.theta])
        sigma = cloud.sigma[:, 0] if isinstance(cloud.sigma, np.ndarray) else cloud.sigma
        logs = -own.nll_given(eta[:, None], part.y, None if sigma is None else np.reshape(sigma, (-1, 1)))[:, 0]
        weights = smoothed(-weight * logs, efficiency(cloud)).weights
        assert found.full.log_density[at] == pytest.approx(weight * logsumexp(logs, b=weights), rel=1e-9)
        column = None if sigma is None else np.reshape(sigma, (-1, 1))
        upper = weights @ own.cdf(eta[:, None], part.y, column)[:, 0]
        lower = weights @ own.cdf(eta[:, None], part.y - 1, column)[:, 0] if own.discrete else upper
        assert found.full.pit_upper[at] == pytest.approx(upper, rel=1e-9, abs=1e-12)
        assert found.full.pit_lower[at] == pytest.approx(lower, rel=1e-7, abs=1e-12)
        assert found.full.mean[at] == pytest.approx(weights @ own.mean(eta[:, None])[:, 0], rel=1e-9)
        centre = weights @ cloud.theta
        at_centre = None
        if sigma is not None:
            at_centre = weights @ (sigma + 0 * eta) if own.location_scale else np.exp(weights @ np.log(sigma + 0 * eta))
        expected = -weight * own.nll_given(problem.linear_predictor(part, centre), part.y, at_centre)[0]
        assert found.mean.log_density[at] == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_a_ledger_of_every_special_form_can_be_had() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3)) * (rng.uniform(size=(30, 3)) < 0.5)
    y = X @ [1.0, 0.0, -1.0] + rng.normal(size=30)
    for problem in (
        Problem.from_arrays(sparse.csr_array(X), y, prior=Laplace(0.3)),
        Problem.from_arrays(np.empty((30, 0)), y, prior=Laplace(0.3)),
        Problem.from_arrays(X, y, prior=Laplace(0.3), scale_by_noise=True),
        make_problem("binomial", prior=Laplace(0.3), **extras()),
    ):
        found = prediction(sample(problem))
        assert not found.withheld
        assert np.isfinite(found.scores["elpd"]).all()
        assert found.total == len(found.rows)


def test_binary_rows_have_log_loss_and_calibration(logistic: Posterior) -> None:
    found = prediction(logistic)
    assert found.scores.loc[FULL, "log_loss"] == pytest.approx(-found.scores.loc[FULL, "elpd"] / 200)
    assert found.calibration is not None
    assert found.calibration["count"].sum() == 3 * 200
    assert 0.5 < found.scores.loc[FULL, "calibration_slope"] < 1.5


# -- samples of the rows, seeds, input -----------------------------------------------------------------------------


def test_a_sample_of_rows_estimates_the_sum_over_all() -> None:
    posterior = conjugate(n=300, weights=None)
    whole, some = prediction(posterior), prediction(posterior, rows=60, seed=1)
    assert (some.total, len(some.rows)) == (300, 60)
    error = some.scores["elpd_se"]
    assert (np.abs(some.scores["elpd"] - whole.scores["elpd"]) <= LIMIT * error).all()
    assert (error > 1.5 * whole.scores["elpd_se"]).all()  # √(300/60) = 2.2 times, but for chance
    assert any("scaled up" in note for note in some.notes)
    np.testing.assert_allclose(some.rows[f"elpd {FULL}"], whole.rows.loc[some.rows.index, f"elpd {FULL}"])


def test_of_many_rows_a_sample_is_taken_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loo, "MOST_ROWS", 25)
    assert len(prediction(conjugate()).rows) == 25
    monkeypatch.setattr(loo, "LOG_LIKELIHOOD_CELLS", 4000 * 10)
    assert len(prediction(conjugate()).rows) == 10


def test_the_same_seed_gives_the_same_ledger() -> None:
    posterior = conjugate()
    first, again, other = (prediction(posterior, seed=seed).intervals["width"] for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def test_bad_input_is_refused(diabetes: Posterior) -> None:
    with pytest.raises(ParameterError, match="prediction takes a Posterior"):
        prediction(3)  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="rows must be an integer >= 2"):
        prediction(diabetes, rows=1)
    with pytest.raises(ParameterError, match="columns"):
        prediction(diabetes, fit_penalized(make_problem()))
    with pytest.raises(ParameterError, match="sigma='mad' is not a method"):
        prediction(diabetes, sigma="mad")
    lone = make_problem(weights=np.eye(30)[0], standardize=False, likelihood=GaussianNoise(1.0), prior=Gaussian(1.0))
    with pytest.raises(InputError, match="two must have a weight"):
        prediction(sample(lone))
