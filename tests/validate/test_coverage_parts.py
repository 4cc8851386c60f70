"""What coverage at fixed truths is made of: intervals, sizes of a truth; and what is refused or left out."""

import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.validate import coverage
from bayesreg.validate.fixed_truth_result import FALSE_ALARM, _upper
from bayesreg.validate.intervals_at import AtTruths, Making, laplace_intervals
from bayesreg.validate.truths import expected_information


def gaussian(n=30, p=2, prior=None, seed=0, **settings):
    rng = np.random.default_rng(seed)
    return br.Problem.from_arrays(
        rng.normal(size=(n, p)), rng.normal(size=n), prior=prior or br.Gaussian(0.5), **settings
    )


def logistic(n=60, p=3, scale=0.4, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    y = (rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(float)
    return br.Problem.from_arrays(X, y, likelihood=br.BernoulliLogit(), prior=br.Laplace(scale))


# -- intervals ---------------------------------------------------------------------------------------------------------


def test_laplace_intervals_have_the_inverse_hessian_of_the_face():
    mode = br.fit_penalized(logistic(scale=0.1))
    on = ~mode.zeros
    assert 0 < on.sum() < 3
    X = np.column_stack([np.ones(60), mode.problem.design.rows.collect().X[:, on]])
    share = 1 / (1 + np.exp(-X @ np.concatenate([[mode.intercept], mode.beta[on]])))
    sd = np.sqrt(np.diag(np.linalg.inv(X.T @ (X * (share * (1 - share))[:, None]))))[1:]
    made = laplace_intervals(mode, 0.9)
    half = (np.array(made["upper"]) - made["lower"]) / 2
    np.testing.assert_allclose(half[on], stats.norm.ppf(0.95) * sd, rtol=1e-8)
    np.testing.assert_array_equal(half[~on], 0.0)
    np.testing.assert_array_equal(made["point"], mode.beta)


def test_laplace_counts_the_curvature_of_the_prior():
    mode = br.fit_penalized(gaussian(likelihood=br.GaussianNoise(sigma=2.0)))
    X = mode.problem.design.rows.collect().X
    sd = np.sqrt(np.diag(np.linalg.inv(X.T @ X / 4 + np.eye(2) / 0.25)))
    made = laplace_intervals(mode, 0.95)
    np.testing.assert_allclose(np.array(made["upper"]) - made["point"], stats.norm.ppf(0.975) * sd, rtol=1e-10)


def test_no_laplace_approximation_where_modes_can_be_traded():
    x = np.random.default_rng(0).normal(size=30)
    with pytest.warns(br.DataWarning, match="identical"):
        problem = br.Problem.from_arrays(np.column_stack([x, x]), x + 1.0, prior=br.Laplace(0.5))
    with pytest.raises(br.FitError, match="no Laplace approximation"):
        laplace_intervals(br.fit_penalized(problem, sigma=1.0), 0.95)


def test_a_replication_is_a_function_of_its_seed_and_simulates_at_the_truth():
    problem = gaussian(n=400, likelihood=br.GaussianNoise(sigma=0.01), prior=br.Flat())
    making = Making(("posterior", "laplace", "bootstrap"), 0.95, "auto", 500, None, None, 40)
    job = AtTruths(problem, problem, np.array([[5.0, 1.0, -2.0], [0.0, 3.0, 0.0]]), making)
    first, again, other = (job(0, np.random.SeedSequence(seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    for point, truth in zip(first["points"], ([1.0, -2.0], [3.0, 0.0]), strict=True):
        assert point["failed"] == {}
        for method in making.methods:
            np.testing.assert_allclose(point["found"][method]["point"], truth, atol=0.01)
            assert all(np.less(point["found"][method]["lower"], point["found"][method]["upper"]))
    assert first["points"][0]["found"]["posterior"]["side"] == [1.0, -1.0]


def test_draws_that_fail_their_gates_are_taken_again_and_then_counted():
    problem = gaussian(prior=br.Laplace(0.5))
    found = coverage(problem, [0.5, 0.0], signals=[1.0], replications=3, draws=5, chains=2, tune=0, workers=1)
    assert (found.failures["method"] == "posterior").all()
    assert found.failures["count"].sum() == 3
    assert "posterior: no intervals were made" in str(found)
    assert "3 of 3 data sets: gibbs failed its gates twice: " in str(found)
    assert found.table.loc[found.table["method"] == "posterior", ["coverage", "lower", "upper"]].isna().all(axis=None)
    assert found.table.loc[found.table["method"] == "laplace", "coverage"].notna().all()


def test_a_mode_that_simulated_data_do_not_have_is_counted():
    """Three rows, two of which Student's noise lets an intercept and a slope fit exactly, as σ → 0."""
    rng = np.random.default_rng(1)
    problem = br.Problem.from_arrays(
        rng.normal(size=(3, 2)), rng.normal(size=3), likelihood=br.StudentTNoise(), prior=br.Gaussian(0.5)
    )
    making = Making(("laplace",), 0.95, "auto", 100, None, None, 0)
    record = AtTruths(problem, problem.at(1.0), np.zeros((1, 3)), making)(0, np.random.SeedSequence(0))
    assert "has no mode" in record["points"][0]["failed"]["laplace"]


def test_data_sets_without_a_posterior_are_counted_by_reason():
    rng = np.random.default_rng(0)
    problem = br.Problem.from_arrays(
        rng.normal(size=(6, 1)), [0, 1, 0, 1, 0, 1], likelihood=br.BernoulliLogit(), prior=br.Gaussian(1.0)
    )
    found = coverage(problem, [1.0], signals=[1.0], intercept=1.0, replications=40, draws=250, seed=1, workers=1)
    counts = found.failures.set_index("method")["count"]
    assert 0 < counts["posterior"] == counts["laplace"] < 40
    assert found.failures["reason"].str.startswith("y has one class only").all()
    assert (found.table["replications"] == 40 - counts["posterior"]).all()
    assert f"posterior, {counts['posterior']} of 40 data sets: y has one class only" in found.failed
    assert "LEFT OUT" in found._repr_html_()


# -- sizes of a truth --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("likelihood", "weight"),
    [
        (br.PoissonLog(), lambda eta: np.exp(eta)),
        (br.BernoulliLogit(), lambda eta: np.exp(-eta) / (1 + np.exp(-eta)) ** 2),
    ],
)
def test_information_of_canonical_links_is_exact(likelihood, weight):
    y = np.tile([0.0, 1.0], 15)
    problem = br.Problem.from_arrays(gaussian().design.rows.collect().X, y, likelihood=likelihood, prior=br.Flat())
    theta = np.array([0.3, 0.5, -0.4])
    X = np.column_stack([np.ones(30), problem.design.rows.collect().X])
    found = expected_information(problem, theta, np.random.default_rng(0))
    np.testing.assert_allclose(found, X.T @ (X * weight(X @ theta)[:, None]), rtol=1e-10)


def test_information_of_student_noise_is_its_expectation():
    problem = gaussian(n=500, likelihood=br.StudentTNoise(nu=4, sigma=2.0))
    X = np.column_stack([np.ones(500), problem.design.rows.collect().X])
    found = expected_information(problem, np.zeros(3), np.random.default_rng(0))
    # d1² over 50 000 responses has a relative standard error of about 0.4 %.
    np.testing.assert_allclose(np.diag(found), np.diag(X.T @ X) * 5 / 7 / 4, rtol=0.02)


def test_more_columns_than_rows_have_standard_errors_one_at_a_time():
    problem = gaussian(n=10, p=15, likelihood=br.GaussianNoise(sigma=1.0))
    found = coverage(problem, {"x0": 1.0}, signals=[1.0], level=0.5, replications=2, draws=250, workers=1)
    np.testing.assert_allclose(found.truths.signal[0], np.eye(15)[0] * np.sqrt(10))  # columns have sd 1
    assert "standard errors are those with the others held" in str(found)
    assert "too few data sets to see any shortfall" in str(found)


def test_a_truth_moves_away_from_the_location_of_the_prior():
    problem = gaussian(prior=br.Gaussian(0.5, loc=2.0), likelihood=br.GaussianNoise(sigma=1.0))
    found = coverage(problem, {"x1": 3.0}, signals=[0.0, 2.0], replications=2, draws=250, workers=1)
    np.testing.assert_allclose(found.truths.beta, [[2, 2], [2, 4]])
    np.testing.assert_allclose(found.truths.ratio, [[0, 0], [0, 4]])


# -- settings ----------------------------------------------------------------------------------------------------------


def test_an_unknown_sigma_is_taken_from_the_data_and_said():
    problem = gaussian()
    found = coverage(problem, [1.0, 0.0], signals=[1.0], replications=2, workers=1)
    assert "least-squares residual sd with 27 d.o.f." in found.setting
    given = coverage(problem, [1.0, 0.0], signals=[1.0], sigma=0.3, replications=2, workers=1)
    assert "σ = 0.3" in given.setting
    block = problem.design.rows.collect()
    residual = np.linalg.lstsq(np.column_stack([np.ones(30), block.X]), block.y)[1].item()
    ratio = given.truths.signal[0, 0] / found.truths.signal[0, 0]
    assert ratio == pytest.approx(np.sqrt(residual / 27) / 0.3)


def test_a_prior_with_an_unknown_scale_has_posterior_intervals_alone():
    problem = gaussian(prior=br.Laplace(br.HalfCauchy(1.0)))
    found = coverage(problem, [1.0, 0.0], signals=[1.0], replications=3, seed=1, workers=1)
    assert found.methods == ("posterior",)
    assert "no MAP of all unknowns" in found.setting
    assert found.table["ratio"].isna().all()


def test_a_run_that_was_stopped_goes_on_to_the_same_result(tmp_path):
    problem, store = gaussian(), tmp_path / "runs.jsonl"
    settings = {"signals": [1.0], "draws": 250, "seed": 5}
    told = []
    whole = coverage(problem, [1.0, 0.0], replications=6, workers=2, **settings)
    coverage(problem, [1.0, 0.0], replications=4, workers=1, store=store, **settings)
    more = coverage(
        problem, [1.0, 0.0], replications=6, workers=1, store=store, progress=lambda *n: told.append(n), **settings
    )
    assert told == [(4, 6), (5, 6), (6, 6)]
    assert more.table.equals(whole.table)
    with pytest.raises(br.InputError, match="another run: it differs in truths"):
        coverage(problem, [2.0, 0.0], replications=6, workers=1, store=store, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"truth": [1.0]}, "truth must be 2 finite numbers"),
        ({"truth": {"x9": 1.0}}, "names 'x9', which is no column"),
        ({"truth": {"x1": np.nan}}, "truth must be 2 finite numbers"),
        ({"truth": "much"}, "truth must be 2 finite numbers"),
        ({"signals": [1.0, 0.5]}, "signals must be ascending"),
        ({"signals": []}, "signals must be ascending"),
        ({"signals": [-1.0]}, "signals must be ascending"),
        ({"intercept": np.inf}, "intercept must be a finite number"),
        ({"sigma": -1.0}, "sigma must be"),
        ({"level": 1.0}, "level must be a number between 0 and 1"),
        ({"replications": 1}, "replications must be an integer >= 2"),
        ({"bootstrap": 5}, "needs 10 resamples at least"),
        ({"method": "gibs"}, "is not a sampler"),
        ({"method": "pymc"}, "would compile the model in every replication"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_simulated(settings, said):
    with pytest.raises(br.ParameterError, match=said):
        coverage(gaussian(), **({"truth": [1.0, 0.0], "replications": 2, "workers": 1} | settings))


def test_rows_that_stand_for_several_and_an_intercept_that_is_not_there_are_refused():
    weighted = gaussian(weights=np.full(30, 2.0))
    with pytest.raises(br.ParameterError, match="repeat rows instead"):
        coverage(weighted, [1.0, 0.0], workers=1)
    with pytest.raises(br.ParameterError, match="the problem has none"):
        coverage(gaussian(intercept=None), [1.0, 0.0], intercept=1.0, workers=1)
    with pytest.raises(br.ParameterError, match="a convex objective"):
        coverage(gaussian(prior=br.Bridge(1.0, power=0.5)), [1.0, 0.0], bootstrap=20, workers=1)
    found = coverage(
        gaussian(likelihood=br.GaussianNoise(sigma=1.0)), [1.0, 0.0], signals=[1.0], replications=2, workers=1
    )
    with pytest.raises(br.ParameterError, match="no column 'z'"):
        found.curve("z")


@pytest.mark.parametrize(("count", "rows", "level"), [(20, 50, 0.95), (100, 5, 0.99), (200, 500, 0.99), (200, 5, 0.95)])
def test_right_intervals_are_called_short_no_more_often_than_promised(count, rows, level):
    hits = np.arange(count + 1)
    called = _upper(hits / count, np.full(count + 1, count), rows) < level
    alarm = stats.binom.pmf(hits, count, level)[called].sum() * rows
    assert alarm <= FALSE_ALARM
    assert called[: int(0.5 * count)].all()  # and half of what is promised is
