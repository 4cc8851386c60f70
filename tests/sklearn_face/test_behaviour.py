"""What the estimators promise beyond scikit-learn's checks: the numbers, the weights, the tools around them."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from bayesreg.datasets import load_dataset
from bayesreg.errors import FamilyError, InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, StudentTNoise
from bayesreg.priors import ElasticNet, Flat, Gaussian, Laplace
from bayesreg.sklearn import PosteriorClassifier, PosteriorRegressor
from bayesreg.sklearn.distinct import distinct_rows
from tests.monte_carlo import LIMIT, check_means

# Runs this short fail the gates on purpose, and say so; `test_draws_that_fail_a_gate_are_told_of` holds them to that.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FEW = {"draws": 100}


def data(n: int = 60, p: int = 3, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.resize([1.0, 10.0, 0.1], p) + np.resize([3.0, -20.0, 0.0], p)
    return X, 2.0 + X @ np.resize([1.0, -0.2, 5.0], p) + rng.normal(size=n)


def classes(n: int = 80, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    return X, np.where(rng.random(n) < 1 / (1 + np.exp(-1.5 * X[:, 0])), "yes", "no")


def test_draws_that_fail_a_gate_are_told_of():
    X, y = data()
    with pytest.warns(ConvergenceWarning, match="the draws failed a gate .*bulk ESS"):
        PosteriorRegressor("laplace", 0.5, draws=20, tune=20).fit(X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        PosteriorRegressor().fit(X, y)


# -- the numbers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("standardize", [True, False])
def test_gaussian_coefficients_are_ridges_in_the_datas_units(standardize):
    """Gaussian(τσ) has Ridge(1/τ²)'s optimum for its posterior mean, whatever σ."""
    X, y = data()
    tau = 0.2
    scale = X.std(axis=0) if standardize else np.ones(3)
    ridge = Ridge(alpha=1 / tau**2).fit(X / scale, y)
    model = PosteriorRegressor("gaussian", tau, standardize=standardize, draws=2000).fit(X, y)
    draws = np.concatenate([model.posterior_.beta_raw, model.posterior_.intercept_raw[..., None]], axis=2)
    expected = np.append(ridge.coef_ / scale, ridge.intercept_)
    check_means(draws, expected)
    np.testing.assert_allclose(np.append(model.coef_, model.intercept_), draws.mean(axis=(0, 1)), rtol=1e-12)
    np.testing.assert_allclose(np.append(model.coef_sd_, model.intercept_sd_), draws.std(axis=(0, 1)), rtol=1e-12)
    weaker = Ridge(alpha=1 / (1.1 * tau) ** 2).fit(X / scale, y)
    with pytest.raises(AssertionError):
        check_means(draws, np.append(weaker.coef_ / scale, weaker.intercept_))


def test_predictions_are_those_of_the_normal_model():
    """Under σ ~ 1/σ and a noise-scaled Gaussian prior a new y has Student's t distribution with n − 1 degrees."""
    X, y = data(30)
    tau = 0.7
    model = PosteriorRegressor("gaussian", tau, draws=8000).fit(X, y)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    A = Z.T @ Z + np.eye(3) / tau**2
    beta = np.linalg.solve(A, Z.T @ (y - y.mean()))
    squares = ((y - y.mean() - Z @ beta) ** 2).sum() + beta @ beta / tau**2
    new = X[:5] + 0.5 * X.std(axis=0)
    z = (new - X.mean(axis=0)) / X.std(axis=0)
    spread = np.sqrt(squares / 29 * (1 + 1 / 30 + np.einsum("ij,jk,ik->i", z, np.linalg.inv(A), z)))
    exact = stats.t(29, loc=y.mean() + z @ beta, scale=spread)
    marks = (0.05, 0.5, 0.9)
    mean, sd, quantiles = model.predict(new, return_std=True, quantiles=marks)
    m = model.posterior_.beta[..., 0].size
    np.testing.assert_array_less(np.abs(mean - exact.mean()) / (exact.std() / np.sqrt(m)), LIMIT)
    np.testing.assert_allclose(sd, exact.std(), rtol=LIMIT / np.sqrt(2 * m))
    for j, q in enumerate(marks):
        error = np.sqrt(q * (1 - q) / m) / exact.pdf(exact.ppf(q))
        np.testing.assert_array_less(np.abs(quantiles[:, j] - exact.ppf(q)) / error, LIMIT)
    without_noise = model.posterior_.predict(new).sd
    assert (without_noise < 0.7 * sd).all()
    drawn = model.sample_y(new, 20000, random_state=1)
    np.testing.assert_array_less(np.abs(drawn.mean(axis=1) - exact.mean()) / (exact.std() / np.sqrt(20000)), LIMIT)
    np.testing.assert_allclose(drawn.std(axis=1), exact.std(), rtol=0.04)


def test_a_prediction_is_of_its_row_alone():
    X, y = data()
    model = PosteriorRegressor(scale=0.5, **FEW).fit(X, y)
    whole = model.predict(X, return_std=True, quantiles=[0.1, 0.9])
    for i in (0, 7):
        alone = model.predict(X[i : i + 1], return_std=True, quantiles=[0.1, 0.9])
        for all_rows, one in zip(whole, alone, strict=True):
            np.testing.assert_allclose(one[0], all_rows[i], rtol=1e-12)
    np.testing.assert_allclose(whole[0], X @ model.coef_ + model.intercept_, rtol=1e-10)
    assert (whole[2][:, 0] < whole[0]).all()
    assert (whole[0] < whole[2][:, 1]).all()


def test_rows_are_predicted_alike_in_pieces(monkeypatch):
    from bayesreg.sklearn import base

    X, y = data()
    model = PosteriorRegressor("gaussian", 0.5, **FEW).fit(X, y)
    at_once = model.predict(X, return_std=True, quantiles=[0.5])
    monkeypatch.setattr(base, "CELLS", 7 * 400)
    for whole, pieces in zip(at_once, model.predict(X, return_std=True, quantiles=[0.5]), strict=True):
        np.testing.assert_allclose(pieces, whole, rtol=1e-12)


def test_counts_have_the_mean_and_the_sd_of_the_mixture():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 2))
    y = rng.poisson(np.exp(0.5 + 0.6 * X[:, 0]))
    model = PosteriorRegressor("gaussian", 1.0, "poisson", **FEW).fit(X, y)
    eta = model.posterior_.predict(X, kind="link").draws.reshape(-1, 100)
    mean, sd = model.predict(X, return_std=True)
    np.testing.assert_allclose(mean, np.exp(eta).mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(sd**2, np.exp(eta).var(axis=0) + np.exp(eta).mean(axis=0), rtol=1e-10)
    assert np.abs(mean - np.exp(eta.mean(axis=0))).max() > 1e-3, "the mean of exp is not exp of the mean"
    drawn = model.sample_y(X, 7)
    assert drawn.shape == (100, 7)
    assert (drawn == np.floor(drawn)).all()


@pytest.mark.parametrize("likelihood", [StudentTNoise(4.0, 1.0), GammaLog(2.0), GaussianNoise(1.0)])
def test_other_likelihoods_with_a_known_dispersion(likelihood):
    X, y = data()
    y = np.exp(0.1 * y) if likelihood.link == "log" else y
    model = PosteriorRegressor("gaussian", 1.0, likelihood, **FEW).fit(X, y)
    _, sd, quantiles = model.predict(X, return_std=True, quantiles=(0.025, 0.975))
    assert 0.85 < np.mean((quantiles[:, 0] < y) & (y < quantiles[:, 1])) <= 1.0
    assert (sd > 0).all()


def test_the_draws_of_a_column_share_their_parameters():
    X, y = data(12)
    model = PosteriorRegressor("gaussian", 5.0, **FEW).fit(X, y)
    far = X[:1] + 100.0
    drawn = model.sample_y(np.vstack([far, far]), 400)
    assert np.corrcoef(drawn)[0, 1] > 0.9
    assert np.abs(drawn[0] - drawn[1]).min() > 0


def test_probabilities_are_averages_and_labels_follow():
    X, y = classes()
    model = PosteriorClassifier("gaussian", 1.0, draws=500).fit(X, y)
    assert list(model.classes_) == ["no", "yes"]
    assert model.coef_.shape == model.coef_sd_.shape == (1, 2)
    proba, sd, quantiles = model.predict_proba(X, return_std=True, quantiles=(0.05, 0.95))
    p = model.posterior_.predict(X).draws.reshape(-1, len(X))
    np.testing.assert_allclose(proba[:, 1], p.mean(axis=0), rtol=1e-10)
    np.testing.assert_allclose(sd, p.std(axis=0), rtol=1e-10)
    np.testing.assert_allclose(quantiles, np.quantile(p, (0.05, 0.95), axis=0).T, rtol=1e-10)
    np.testing.assert_array_equal(model.predict(X), np.where(proba[:, 1] > 0.5, "yes", "no"))
    np.testing.assert_allclose(1 / (1 + np.exp(-model.decision_function(X))), proba[:, 1], rtol=1e-10)
    np.testing.assert_allclose(np.exp(model.predict_log_proba(X)), proba, rtol=1e-12)
    drawn = model.sample_y(X, 2000)
    assert set(np.unique(drawn)) == {"no", "yes"}
    np.testing.assert_allclose((drawn == "yes").mean(axis=1), proba[:, 1], atol=LIMIT * 0.5 / np.sqrt(2000))


def test_many_rows_leave_the_posterior_mean_near_the_mode():
    X, y = classes(3000)
    mode = LogisticRegression(C=1.0).fit(X, y)
    model = PosteriorClassifier("gaussian", 1.0, standardize=False, draws=500).fit(X, y)
    np.testing.assert_allclose(model.coef_, mode.coef_, atol=0.02)
    assert np.abs(PosteriorClassifier("gaussian", 0.1, draws=500).fit(X, y).coef_ - mode.coef_).max() > 0.1


# -- weights -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["evidence", 0.3])
@pytest.mark.parametrize("prior", ["laplace", "gaussian"])
def test_a_weight_of_two_is_a_row_given_twice_and_zero_is_none(prior, scale):
    X, y = data(30)
    rng = np.random.default_rng(1)
    weights = rng.integers(0, 4, 30)
    order = rng.permutation(30)
    weighted = PosteriorRegressor(prior, scale, **FEW).fit(X[order], y[order], weights[order])
    repeated = PosteriorRegressor(prior, scale, **FEW).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_array_equal(weighted.posterior_.beta, repeated.posterior_.beta)
    np.testing.assert_array_equal(weighted.posterior_.draws("sigma"), repeated.posterior_.draws("sigma"))
    assert weighted.scale_ == repeated.scale_
    np.testing.assert_array_equal(weighted.problem_.design.scale, repeated.problem_.design.scale)
    np.testing.assert_allclose(repeated.problem_.design.scale, X.repeat(weights, axis=0).std(axis=0), rtol=1e-12)
    plain = PosteriorRegressor(prior, scale, **FEW).fit(X, y)
    assert not np.allclose(plain.coef_, weighted.coef_, rtol=1e-2)


def test_weights_of_classes():
    X, y = classes(40)
    weights = np.arange(40) % 3
    weighted = PosteriorClassifier(scale=0.5, **FEW).fit(X, y, weights)
    repeated = PosteriorClassifier(scale=0.5, **FEW).fit(X.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_array_equal(weighted.posterior_.beta, repeated.posterior_.beta)


def test_rows_that_count_once_stay_in_their_order():
    X, y = data(20)
    for weights in (None, np.ones(20)):
        model = PosteriorRegressor("gaussian", 1.0, **FEW).fit(X, y, weights)
        np.testing.assert_array_equal(model.problem_.design.rows.collect().y, y)
    left_out = np.arange(20) != 3
    without = PosteriorRegressor("gaussian", 1.0, **FEW).fit(X, y, left_out.astype(float))
    np.testing.assert_array_equal(without.problem_.design.rows.collect().y, y[left_out])


def test_distinct_rows_sum_their_weights():
    X = np.array([[1.0, 2.0], [0.0, 1.0], [1.0, 2.0], [-0.0, 1.0], [5.0, 5.0]])
    y = np.array([1.0, 2.0, 1.0, 2.0, 3.0])
    found = distinct_rows(X, y, np.array([1.0, 0.5, 2.0, 0.25, 0.0]))
    table = sorted(zip(found.X[:, 0], found.y, found.weights, strict=True))
    assert table == [(0.0, 2.0, 0.75), (1.0, 1.0, 3.0)]
    other = distinct_rows(X[::-1], y[::-1], np.array([1.0, 0.5, 2.0, 0.25, 0.0])[::-1])
    np.testing.assert_array_equal(other.X, found.X)
    assert len(distinct_rows(X, y + np.arange(5), np.ones(5)).y) == 5, "rows that differ in y alone are two"


def test_bad_weights_are_refused():
    X, y = data(10)
    for weights, message in (
        (-np.ones(10), ">= 0"),
        (np.full(10, np.inf), "finite"),
        (np.zeros(10), "all zero"),
        (np.ones(9), "10 rows"),
        (np.ones((10, 2)), "one column"),
    ):
        with pytest.raises(InputError, match=message):
            PosteriorRegressor(**FEW).fit(X, y, weights)


# -- draws -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", ["laplace", "gaussian"])
def test_random_state(prior):
    X, y = data(30)

    def draws(random_state: object) -> Array:
        return PosteriorRegressor(prior, 0.5, random_state=random_state, **FEW).fit(X, y).posterior_.beta

    np.testing.assert_array_equal(draws(1), draws(1))
    np.testing.assert_array_equal(draws(np.random.RandomState(5)), draws(np.random.RandomState(5)))
    assert not np.array_equal(draws(1), draws(2))
    assert not np.array_equal(draws(None), draws(None))
    model = PosteriorRegressor(prior, 0.5, **FEW).fit(X, y)
    np.testing.assert_array_equal(model.sample_y(X, 3, random_state=1), model.sample_y(X, 3, random_state=1))
    assert not np.array_equal(model.sample_y(X, 3, random_state=1), model.sample_y(X, 3, random_state=2))


@pytest.mark.parametrize("prior", ["laplace", "gaussian"])
def test_a_change_in_the_last_digits_changes_the_last_digits(prior):
    X, y = data(40)
    here = PosteriorRegressor(prior, "evidence", **FEW).fit(X, y)
    there = PosteriorRegressor(prior, "evidence", **FEW).fit(X, y * (1 + 1e-12))
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-6)


# -- scikit-learn's tools ----------------------------------------------------------------------------------------------


def test_search_over_the_scale_in_a_pipeline():
    X, y = data(60)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), PosteriorRegressor("gaussian", **FEW)),
        {"posteriorregressor__scale": [1e-3, 0.5, "evidence"]},
        cv=3,
        error_score="raise",
    ).fit(X, y)
    assert search.best_params_["posteriorregressor__scale"] != 1e-3
    scores = search.cv_results_["mean_test_score"]
    assert scores[0] < 0.1 < 0.7 < scores[1:].min()
    X, y = classes()
    assert cross_val_score(PosteriorClassifier("gaussian", 1.0, **FEW), X, y, cv=3, error_score="raise").mean() > 0.6


def test_frames_keep_their_names_and_pipelines_their_output():
    X, y = data(40)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    pipeline = make_pipeline(StandardScaler(), PosteriorRegressor(scale=0.5, **FEW)).set_output(transform="pandas")
    pipeline.fit(frame, y)
    model = pipeline[-1]
    assert list(model.feature_names_in_) == list(model.problem_.names) == ["a", "b", "c"]
    assert list(model.posterior_.summary(["beta"]).index) == ["beta[a]", "beta[b]", "beta[c]"]
    with pytest.raises(ValueError, match="feature names"):
        pipeline.predict(frame[["c", "b", "a"]])


@pytest.mark.parametrize("model", [PosteriorRegressor(scale=0.5, **FEW), PosteriorClassifier(scale=0.5, **FEW)])
def test_clones_and_pickles(model):
    X, y = classes(40) if isinstance(model, PosteriorClassifier) else data(40)
    model = clone(model).fit(X, y)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    np.testing.assert_array_equal(again.posterior_.log_likelihood, model.posterior_.log_likelihood)
    assert again.posterior_.data["posterior"].sizes == model.posterior_.data["posterior"].sizes
    assert again.posterior_.summary().equals(model.posterior_.summary())
    bare = clone(model)
    assert "coef_" not in vars(bare)
    assert bare.get_params() == model.get_params()


def test_prior_objects_keep_their_scales():
    X, y = data(40)
    for prior in (ElasticNet(0.1, 0.1), {"x0": Flat(), "*": Laplace(2.0)}, Gaussian([1.0, 2.0, 3.0])):
        model = clone(PosteriorRegressor(prior, **FEW)).fit(X, y)
        assert model.scale_ is None
        assert model.scale_choice_ is None
        assert not model.problem_.scale_by_noise
        with pytest.raises(ParameterError, match="leave scale alone"):
            PosteriorRegressor(prior, 0.5, **FEW).fit(X, y)


def test_the_default_says_how_its_scale_was_chosen():
    diabetes = load_dataset("diabetes")
    model = PosteriorRegressor().fit(diabetes.X, diabetes.y)
    assert model.problem_.scale_by_noise
    assert model.scale_ == model.scale_choice_.scale == pytest.approx(0.202, rel=0.03)
    assert "highest marginal likelihood" in model.scale_choice_.sentence
    assert model.posterior_.verdict.passed
    assert model.score(diabetes.X, diabetes.y) == pytest.approx(0.515, abs=0.005)
    _, quantiles = model.predict(diabetes.X, quantiles=(0.05, 0.95))
    assert 0.86 < np.mean((quantiles[:, 0] < diabetes.y) & (diabetes.y < quantiles[:, 1])) < 0.94


# -- what is refused ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prior": "ridge"}, "prior must be"),
        ({"prior": Laplace}, "prior must be"),
        ({"scale": -1.0}, "scale"),
        ({"scale": "cv"}, "'evidence' or a number"),
        ({"likelihood": "bernoulli"}, "PosteriorClassifier"),
        ({"likelihood": BernoulliLogit()}, "PosteriorClassifier"),
        ({"fit_intercept": "no"}, "fit_intercept"),
        ({"standardize": 1}, "standardize"),
        ({"scale_by_noise": "yes"}, "scale_by_noise"),
        ({"draws": 0}, "draws"),
        ({"method": "metropolis"}, "method"),
        ({"likelihood": "poisson", "scale_by_noise": True}, "scale_by_noise"),
    ],
)
def test_bad_parameters_are_named(change, message):
    X, y = data(20)
    y = np.abs(np.round(y)) if change.get("likelihood") == "poisson" else y
    with pytest.raises(ParameterError, match=message):
        PosteriorRegressor(**change).fit(X, y)


def test_bad_requests_of_a_fitted_model_are_named():
    X, y = data(20)
    model = PosteriorRegressor("gaussian", 1.0, **FEW).fit(X, y)
    with pytest.raises(ParameterError, match="quantiles"):
        model.predict(X, quantiles=(0.5, 1.5))
    with pytest.raises(ParameterError, match="n_samples"):
        model.sample_y(X, 0)


def test_data_without_a_posterior_are_refused():
    X, _ = data(20)
    with pytest.raises(InputError, match="y is constant"):
        PosteriorRegressor().fit(X, np.ones(20))
    with pytest.raises(FamilyError, match="Only binary classification is supported"):
        PosteriorClassifier().fit(X, np.arange(20) % 3)
    with pytest.raises(FamilyError, match="one class only"):
        PosteriorClassifier().fit(X, np.arange(20) % 2, np.arange(20) % 2)


def test_neither_importing_bayesreg_loads_scikit_learn_nor_fitting_what_compiles():
    script = """
        import sys
        import bayesreg
        assert "sklearn" not in sys.modules
        import numpy as np
        from bayesreg.sklearn import PosteriorClassifier, PosteriorRegressor
        X = np.cos(np.arange(120.0) ** 2).reshape(60, 2)
        y = X[:, 0] + np.sin(np.arange(60.0) ** 3)
        for prior in ("laplace", "gaussian"):
            PosteriorRegressor(prior, draws=300).fit(X, y).predict(X, return_std=True, quantiles=(0.1,))
            PosteriorClassifier(prior, draws=300).fit(X, y > 0).predict_proba(X)
        print(*sorted(set(sys.modules) & {"pymc", "pytensor", "numba", "arviz", "nutpie", "matplotlib"}))
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "\n"


def test_a_sampler_that_chose_the_scale_may_refuse_at_it(monkeypatch):
    """The choice by evidence is the stand-in's; at the scale that it chose `auto` turns to the next."""
    from bayesreg.samplers import surrogate
    from bayesreg.samplers.settings import Refused
    from bayesreg.sklearn import base

    X, y = classes()
    usual = PosteriorClassifier(draws=100, tune=60).fit(X, y)
    assert usual.posterior_.method == "surrogate"
    chosen = base.evidence_scale

    def then_refused(*args, **settings):
        found = chosen(*args, **settings)
        assert found.method == "surrogate"

        def refuse(problem, settings):
            msg = "too uneven"
            raise Refused(msg)

        monkeypatch.setattr(surrogate, "draw", refuse)
        return found

    monkeypatch.setattr(base, "evidence_scale", then_refused)
    model = PosteriorClassifier(draws=100, tune=60).fit(X, y)
    assert model.posterior_.method == "hmc"
    assert model.scale_ == usual.scale_
