"""Coverage at fixed truths against closed forms: Gaussian shrinkage, one lasso coefficient, Student's t."""

import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.discard import normal_means
from bayesreg.validate import coverage
from bayesreg.validate.intervals_at import AtTruths, Making
from bayesreg.validate.tallies import Ends, by_column, indicators
from tests.monte_carlo import LIMIT

Z = stats.norm.ppf(0.975)


def rows(n=40, p=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.6 * rng.normal(size=(n, 1))
    return X, rng.normal(size=n)


def shrunk(found, by=0.8):
    """The table of the same intervals, all of them narrower: what a sampler with too small an sd would have made."""
    ends = {}
    for method, each in found.ends.items():
        middle, half = (each.lower + each.upper) / 2, by * (each.upper - each.lower) / 2
        ends[method] = Ends(middle - half, middle + half, each.point, each.side)
    return by_column(ends, found.truths, found.names)


def check(table, method, exact, name="coverage"):
    """Assert that shares of a method's rows are `exact` (m,), within LIMIT standard errors of so many trials."""
    part = table[table["method"] == method]
    count = part["replications"].to_numpy()
    assert count.min() >= 200
    error = np.sqrt(exact * (1 - exact) / count)
    assert (np.abs(part[name].to_numpy() - exact) <= LIMIT * error + 1e-12).all()


# -- a ridge with known sigma: its posterior mean is linear in y, so that all is exact ---------------------------------


@pytest.fixture(scope="module")
def ridge():
    X, y = rows()
    problem = br.Problem.from_arrays(X, y, likelihood=br.GaussianNoise(sigma=1.0), prior=br.Gaussian(0.3))
    return coverage(problem, [0.4, -0.2, 0.1], signals=[0.0, 1.0, 3.0], replications=300, seed=1, workers=1), problem


def ridge_law(found, problem):
    """Bias, sd of the posterior mean and posterior sd (G, p): columns are centred, σ = 1, τ = 0.3."""
    X = problem.design.rows.collect().X
    gram, cover = X.T @ X, np.linalg.inv(X.T @ X + np.eye(3) / 0.3**2)
    bias = found.truths.beta @ (cover @ gram - np.eye(3)).T
    return bias, np.sqrt(np.diag(cover @ gram @ cover)), np.sqrt(np.diag(cover))


def test_ridge_coverage_is_what_its_bias_and_variance_make_it(ridge):
    found, problem = ridge
    bias, spread, sd = ridge_law(found, problem)
    exact = (stats.norm.cdf((Z * sd - bias) / spread) - stats.norm.cdf((-Z * sd - bias) / spread)).ravel()
    assert exact.min() < 0.6 < 0.95 < exact.max()  # it under-covers, and over-covers
    for method in ("posterior", "laplace"):  # the same intervals, as the posterior is normal
        check(found.table, method, exact)
        with pytest.raises(AssertionError):
            check(shrunk(found), method, exact)


def test_ridge_signs_are_wrong_as_often_as_they_must_be(ridge):
    found, problem = ridge
    bias, spread, sd = ridge_law(found, problem)
    beta = found.truths.beta
    away = np.sign(beta) * (beta + bias)  # the mean of the point, on the side of the truth
    interval = np.where(beta == 0, 0.0, stats.norm.cdf(-(Z * sd + away) / spread)).ravel()
    point = np.where(beta == 0, 0.0, stats.norm.cdf(-away / spread)).ravel()
    assert point.max() > 0.1
    for method in ("posterior", "laplace"):
        check(found.table, method, interval, "sign_error")
        check(found.table, method, point, "wrong_point")
        with pytest.raises(AssertionError):
            check(found.table, method, 1 - point, "wrong_point")


def test_ridge_bias_and_width(ridge):
    found, problem = ridge
    bias, _, sd = ridge_law(found, problem)
    for method, draws in (("posterior", 2000), ("laplace", np.inf)):
        part = found.table[found.table["method"] == method]
        z = (part["bias"] - bias.ravel()) / part["bias_mcse"]
        assert np.abs(z).max() <= LIMIT
        assert np.abs(part["bias"] / part["bias_mcse"]).max() > LIMIT  # there is one
        # An end is a quantile of draws, with standard error √(0.025·0.975/draws)/φ(1.96) = 2.7/√draws in sds.
        error = 2.7 * np.sqrt(2 / draws / 300) / (2 * Z)
        np.testing.assert_allclose(part["width"] / np.tile(2 * Z * sd, 3), 1.0, rtol=0, atol=LIMIT * error + 1e-9)


def test_signals_are_in_standard_errors_and_prior_sds(ridge):
    found, problem = ridge
    X = problem.design.rows.collect().X
    se = np.sqrt(np.diag(np.linalg.inv(X.T @ X)))
    np.testing.assert_allclose(found.truths.beta, np.outer([0, 1, 3], [0.4, -0.2, 0.1]))
    np.testing.assert_allclose(found.truths.signal, np.abs(found.truths.beta) / se)
    np.testing.assert_allclose(found.truths.ratio, np.abs(found.truths.beta) / 0.3)


def test_where_shrinkage_under_covers_is_said(ridge):
    found, _ = ridge
    table = found.table[found.table["method"] == "posterior"]
    least = table.iloc[int(table["coverage"].argmin())]
    short = found.short("posterior")
    said = str(found)
    assert 0 < len(short) < 9
    assert f"posterior: falls short of 95 % at {len(short)} of 9 columns × sizes" in said
    assert f"least: {100 * least['coverage']:.3g} %" in said
    assert f"at {least['signal']:.2g} standard errors, {least['ratio']:.2g} prior sds" in said
    assert "σ = 1" in said
    assert "Average over the columns" in found._repr_html_()


# -- a lasso on orthogonal columns: each coefficient alone -------------------------------------------------------------

SCALE, SIGMA = 0.15, 1.0


@pytest.fixture(scope="module")
def lasso():
    n = 64
    X = np.linalg.qr(np.column_stack([np.ones(n), np.random.default_rng(3).normal(size=(n, 5))]))[0][:, 1:] * np.sqrt(n)
    problem = br.Problem.from_arrays(
        X, X[:, 0], likelihood=br.GaussianNoise(sigma=SIGMA), prior=br.Laplace(SCALE), standardize=False
    )
    truth = np.array([0.0, 1.0, 2.0, 4.0, -6.0]) * SIGMA / np.sqrt(n)
    return coverage(problem, truth, signals=[1.0], replications=400, draws=250, seed=2, workers=1)


def lasso_law(found, scale):
    se = SIGMA / 8
    return normal_means(br.Laplace(scale), se).coverage(found.truths.signal[0])


def test_lasso_posterior_intervals_hold_what_one_coefficient_alone_does(lasso):
    np.testing.assert_allclose(lasso.truths.signal[0], [0, 1, 2, 4, 6])
    exact = lasso_law(lasso, SCALE)
    check(lasso.table, "posterior", exact["coverage"].to_numpy())
    check(lasso.table, "posterior", exact["wrong_sign"].to_numpy(), "sign_error")
    with pytest.raises(AssertionError):
        check(shrunk(lasso), "posterior", exact["coverage"].to_numpy())
    with pytest.raises(AssertionError):  # of a prior half as wide
        check(lasso.table, "posterior", lasso_law(lasso, SCALE / 2)["coverage"].to_numpy())


def test_lasso_map_intervals_hold_what_soft_thresholds_do(lasso):
    """Laplace's interval is soft(z) ± 1.96 se where that is not 0, and the point 0 where it is."""
    se = SIGMA / 8
    beta, cut = np.abs(lasso.truths.beta[0]), se**2 / SCALE
    up = stats.norm.cdf((Z * se + cut) / se) - stats.norm.cdf(np.maximum(cut - beta, cut - Z * se) / se)
    down = np.maximum(stats.norm.cdf((-cut - beta) / se) - stats.norm.cdf(-(cut + Z * se) / se), 0.0)
    still = stats.norm.cdf((cut - beta) / se) - stats.norm.cdf((-cut - beta) / se)
    exact = up + down + np.where(beta == 0, still, 0.0)
    check(lasso.table, "laplace", exact)
    check(lasso.table, "laplace", still, "zero_width")
    with pytest.raises(AssertionError):
        check(shrunk(lasso), "laplace", exact)


# -- flat priors, and averages over the prior --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def flat():
    X, y = rows(n=14, p=2)
    problem = br.Problem.from_arrays(X, y, prior=br.Flat())
    return coverage(problem, {"x1": 2.0}, sigma=0.7, signals=[0.0, 5.0], replications=300, seed=3, workers=1)


def test_flat_priors_cover_at_the_level_whatever_the_truth(flat):
    check(flat.table, "posterior", np.full(4, 0.95))
    assert flat.short("posterior").empty
    # The largest share of 300 whose upper bound at 1 − 0.05/4 is below the level.
    shares = np.arange(301) / 300
    seen = shares[stats.beta.ppf(1 - 0.05 / 4, 300 * shares + 0.5, 300.5 - 300 * shares) < 0.95].max()
    said = (
        f"posterior: not seen to fall short of 95 % at any of 4 columns × sizes ({100 * seen:.3g} % or less would be)"
    )
    assert said in str(flat)
    assert flat.table["ratio"].isna().all()
    with pytest.raises(AssertionError):
        check(shrunk(flat), "posterior", np.full(4, 0.95))


def test_a_plug_in_sigma_makes_laplace_fall_short_as_student_says(flat):
    """z in place of t quantiles: P(|t| ≤ 1.96) with 11 degrees of freedom."""
    exact = 2 * stats.t.cdf(Z, 11) - 1
    check(flat.table, "laplace", np.full(4, exact))
    with pytest.raises(AssertionError):
        check(shrunk(flat), "laplace", np.full(4, exact))


def test_on_average_over_the_prior_the_level_is_kept():
    X, y = rows()
    problem = br.Problem.from_arrays(
        X, y, likelihood=br.GaussianNoise(sigma=1.0), prior=br.Gaussian(0.3), intercept=br.Gaussian(1.0)
    )
    rng = np.random.default_rng(8)
    thetas = np.column_stack([rng.normal(size=1500), problem.prior.draw(rng, 1500, 3)])
    making = Making(("posterior",), 0.9, "auto", 500, None, None, 0)
    record = AtTruths(problem, problem, thetas, making)(0, np.random.SeedSequence(4))
    ends = Ends.of([record], "posterior", (1500, 3))
    z = [(each.mean() - 0.9) / (each.std() / np.sqrt(each.size)) for each in held(ends, thetas[:, 1:])]
    assert np.abs(z).max() <= LIMIT
    middle, half = (ends.lower + ends.upper) / 2, 0.8 * (ends.upper - ends.lower) / 2
    narrow = Ends(middle - half, middle + half, ends.point, ends.side)
    assert max((0.9 - each.mean()) / (each.std() / np.sqrt(each.size)) for each in held(narrow, thetas[:, 1:])) > LIMIT


def held(ends, beta):
    """Whether the intervals hold their truth, column by column."""
    return indicators(ends, beta)["coverage"][0].T
