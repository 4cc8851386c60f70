"""An audit: the prior that a fitted estimator assumed, and the certificate of its own coefficients."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import (
    ARDRegression,
    BayesianRidge,
    ElasticNet,
    ElasticNetCV,
    Lasso,
    LassoCV,
    LassoLars,
    LassoLarsCV,
    LassoLarsIC,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    PoissonRegressor,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

from bayesreg.auditing import audit
from bayesreg.comparison import Comparison
from bayesreg.errors import DataWarning, InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import ElasticNet as ElasticNetPrior
from bayesreg.priors import Flat, Gaussian, Laplace
from tests import markup
from tests.comparison.examples import around_the_mode
from tests.fakes import replace_samplers

N, P = 60, 4
NAMES = ["age", "bmi", "dose", "noise"]
TIGHT: dict[str, Any] = {"tol": 1e-13, "max_iter": 200_000}


@pytest.fixture(autouse=True)
def _no_sampling(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(N, P)) + 0.5 * rng.normal(size=(N, 1))
    return pd.DataFrame(X * [9.0, 4.0, 0.5, 1.0] + [50.0, 25.0, 2.0, 0.0], columns=NAMES)


def response(kind: str) -> pd.Series[Any]:
    rng = np.random.default_rng(4)
    z = StandardScaler().fit_transform(frame())
    eta = z @ np.array([1.2, -0.8, 0.3, 0.0])
    if kind == "gaussian":
        return pd.Series(10 + eta + rng.normal(size=N), name="progression")
    if kind == "poisson":
        return pd.Series(rng.poisson(np.exp(0.5 * eta + 1)), name="visits")
    return pd.Series(np.where(rng.uniform(size=N) < 1 / (1 + np.exp(-eta)), "yes", "no"), name="relapse")


def weights() -> Array:
    return np.round(np.random.default_rng(5).uniform(0.5, 2.0, N), 2)


def residual_sd(w: Array | None = None) -> float:
    """σ̂ of least squares, by NumPy."""
    w = np.ones(N) if w is None else w
    X = np.column_stack([np.ones(N), frame().to_numpy()])
    root = np.sqrt(w)
    _, rss, *_ = np.linalg.lstsq(X * root[:, None], response("gaussian").to_numpy() * root, rcond=None)
    return float(np.sqrt(rss[0] / (w.sum() - P - 1)))


S = residual_sd()


@dataclass(frozen=True)
class Case:
    """A fitted estimator, and the prior that it assumes, worked out by hand."""

    make: Callable[[], Any]
    prior: Callable[[Any], Any]
    kind: str = "gaussian"
    scaled: bool = True
    intercept: Any = field(default_factory=Flat)
    weighted: bool = False


def elastic(alpha: float, ratio: float, n: float = N, s: float = S) -> ElasticNetPrior:
    return ElasticNetPrior(n * alpha * ratio / s**2, n * alpha * (1 - ratio) / (2 * s**2))


CASES = {
    "ridge": Case(lambda: Ridge(3.0), lambda m: Gaussian(S / np.sqrt(3.0))),
    "ridge-raw-columns": Case(lambda: Ridge(3.0), lambda m: Gaussian(S / np.sqrt(3.0)), scaled=False),
    "ridge-cv": Case(lambda: RidgeCV([0.1, 1.0, 10.0]), lambda m: Gaussian(S / np.sqrt(m.alpha_))),
    "ridge-weighted": Case(
        lambda: Ridge(3.0), lambda m: Gaussian(residual_sd(weights()) / np.sqrt(3.0)), scaled=False, weighted=True
    ),
    "lasso": Case(lambda: Lasso(0.2, **TIGHT), lambda m: Laplace(S**2 / (N * 0.2))),
    "lasso-weighted": Case(
        lambda: Lasso(0.2, **TIGHT),
        lambda m: Laplace(residual_sd(weights()) ** 2 / (weights().sum() * 0.2)), scaled=False, weighted=True,
    ),
    "lasso-cv": Case(lambda: LassoCV(cv=3, **TIGHT), lambda m: Laplace(S**2 / (N * m.alpha_))),
    "lasso-no-intercept": Case(
        lambda: Lasso(0.2, fit_intercept=False, **TIGHT), lambda m: None, intercept=None,
    ),
    "lars": Case(lambda: LassoLars(0.2), lambda m: Laplace(S**2 / (N * 0.2))),
    "lars-cv": Case(lambda: LassoLarsCV(cv=3), lambda m: Laplace(S**2 / (N * m.alpha_))),
    "lars-ic": Case(lambda: LassoLarsIC(), lambda m: Laplace(S**2 / (N * m.alpha_))),
    "elastic-net": Case(lambda: ElasticNet(0.2, l1_ratio=0.3, **TIGHT), lambda m: elastic(0.2, 0.3)),
    "elastic-net-cv": Case(
        lambda: ElasticNetCV(l1_ratio=[0.2, 0.6], cv=3, **TIGHT), lambda m: elastic(m.alpha_, m.l1_ratio_)
    ),
    "bayesian-ridge": Case(BayesianRidge, lambda m: Gaussian(m.lambda_**-0.5)),
    "ard": Case(ARDRegression, lambda m: Gaussian(m.lambda_**-0.5)),
    "logistic": Case(
        lambda: LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-12),
        lambda m: Gaussian(np.sqrt(0.5)), "bernoulli",
    ),
    "logistic-weighted-classes": Case(
        lambda: LogisticRegression(C=0.5, solver="newton-cholesky", tol=1e-12, class_weight="balanced"),
        lambda m: Gaussian(np.sqrt(0.5)), "bernoulli",
    ),
    "logistic-l1": Case(
        lambda: LogisticRegression(C=0.5, l1_ratio=1.0, solver="saga", **TIGHT), lambda m: Laplace(0.5), "bernoulli"
    ),
    "logistic-mixed": Case(
        lambda: LogisticRegression(C=0.5, l1_ratio=0.4, solver="saga", **TIGHT),
        lambda m: ElasticNetPrior(0.8, 0.6), "bernoulli",
    ),
    "logistic-liblinear": Case(
        lambda: LogisticRegression(C=0.5, l1_ratio=1.0, solver="liblinear", intercept_scaling=3.0, **TIGHT),
        lambda m: Laplace(0.5), "bernoulli", intercept=Laplace(1.5),
    ),
    "logistic-unpenalised": Case(
        lambda: LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12), lambda m: Flat(), "bernoulli"
    ),
    "logistic-cv": Case(
        lambda: LogisticRegressionCV(Cs=3, cv=3, l1_ratios=(0.0,), scoring="neg_log_loss", solver="newton-cholesky",
                                     tol=1e-12, use_legacy_attributes=False),
        lambda m: Gaussian(np.sqrt(np.ravel(m.C_)[0])), "bernoulli",
    ),
    "poisson": Case(
        lambda: PoissonRegressor(alpha=0.3, solver="newton-cholesky", tol=1e-12),
        lambda m: Gaussian((N * 0.3) ** -0.5), "poisson",
    ),
}  # fmt: skip


def fitted(case: Case) -> Any:
    steps = [StandardScaler()] if case.scaled else []
    given = {"sample_weight": weights()} if case.weighted else {}
    estimator = make_pipeline(*steps, case.make()) if steps else case.make()
    return estimator.fit(frame(), response(case.kind), **given)


def run(case: Case, estimator: Any, **options: Any) -> Comparison:
    given = {"sample_weight": weights()} if case.weighted else {}
    return audit(estimator, frame(), response(case.kind), draws=100, chains=4, **given, **options)


def parameters(prior: Any) -> Any:
    return [np.asarray(getattr(prior, name)) for name in ("scale", "l1", "l2") if hasattr(prior, name)]


@pytest.mark.parametrize("name", CASES)
def test_the_prior_is_the_one_worked_out_by_hand_and_the_fit_is_its_mode(name: str) -> None:
    case = CASES[name]
    estimator = fitted(case)
    last = estimator[-1] if case.scaled else estimator
    c = run(case, estimator)
    audited = c.audited
    assert audited is not None
    expected = case.prior(last)
    if expected is not None:
        assert type(c.problem.prior) is type(expected)
        for ours, hand in zip(parameters(c.problem.prior), parameters(expected), strict=True):
            np.testing.assert_allclose(ours, hand, rtol=1e-10)
    assert type(c.problem.intercept) is type(case.intercept)
    if isinstance(case.intercept, Laplace):
        assert c.problem.intercept.scale == pytest.approx(case.intercept.scale)
    assert audited.excess <= 1e-9, audited.verdict
    assert audited.sound
    assert not audited.wrongly_zero
    assert not audited.wrongly_nonzero
    np.testing.assert_allclose(audited.beta, np.ravel(last.coef_), rtol=0, atol=0)
    np.testing.assert_allclose(audited.beta, audited.optimum, rtol=0, atol=1e-5)
    assert c.agree


@pytest.mark.parametrize("name", ["ridge", "lasso", "logistic-l1", "poisson"])
def test_coefficients_that_are_off_are_found(name: str) -> None:
    case = CASES[name]
    estimator = fitted(case)
    last = estimator[-1]
    last.coef_ = last.coef_ * 1.3
    audited = run(case, estimator).audited
    assert audited is not None
    assert not audited.sound
    assert not audited.certified
    assert run(case, estimator).certificate.kkt > 1e-3
    assert audited.excess > 0.01
    assert audited.verdict.startswith("NOT the optimum")


def test_wrong_zeros_are_named() -> None:
    estimator = fitted(CASES["lasso"])
    last = estimator[-1]
    assert last.coef_[3] == 0 != last.coef_[1]
    last.coef_ = np.array([last.coef_[0], 0.0, last.coef_[2], 1e-9])
    audited = run(CASES["lasso"], estimator).audited
    assert audited is not None
    assert audited.wrongly_zero == ("bmi",)
    assert audited.wrongly_nonzero == ("noise",)
    assert "wrongly zero: bmi; wrongly not zero: noise" in audited.verdict


def test_the_excess_is_what_the_objective_says() -> None:
    case = CASES["ridge-raw-columns"]
    estimator = fitted(case)
    best = run(case, estimator).audited
    estimator.coef_ = estimator.coef_ + np.array([0.01, 0.0, 0.0, 0.0])
    moved = run(case, estimator).audited
    assert best is not None
    assert moved is not None
    X, y = frame().to_numpy(), response("gaussian").to_numpy()

    def objective(coef: Any) -> float:  # scikit-learn's own, in nats
        residual = y - X @ coef - estimator.intercept_
        return float((residual @ residual + 3.0 * coef @ coef) / (2 * S**2))

    expected = objective(estimator.coef_) - objective(best.beta)
    assert moved.excess == pytest.approx(expected, rel=1e-8)


# -- words and units ---------------------------------------------------------------------------------------------------


def test_a_pipeline_speaks_of_raw_columns_too() -> None:
    audited = run(CASES["lasso"], fitted(CASES["lasso"])).audited
    assert audited is not None
    reach = S**2 / (N * 0.2) * np.log(20)
    sd = frame().std(ddof=0).to_numpy()
    np.testing.assert_allclose(audited.reach, reach, rtol=1e-9)
    np.testing.assert_allclose(audited.table["reach_per_unit"], reach / sd, rtol=1e-9)
    assert audited.sources == tuple(NAMES)
    assert f"a 1-sd change in age moves progression by less than {reach:.3g} with probability 0.95" in audited.assumed
    assert f"Per unit of age (it enters divided by {sd[0]:.4g}) that is {reach / sd[0]:.3g}." in audited.assumed
    assert "what StandardScaler makes of the columns" in audited.assumed


def test_raw_columns_of_unequal_sd_are_told_apart() -> None:
    audited = run(CASES["ridge-raw-columns"], fitted(CASES["ridge-raw-columns"])).audited
    assert audited is not None
    np.testing.assert_allclose(audited.reach, 1.959964 * S / np.sqrt(3) * frame().std(ddof=0), rtol=1e-6)
    assert "different sds, so the prior says different things" in audited.assumed


@pytest.mark.parametrize(("kind", "words"), [("logistic", "log-odds of relapse = yes"), ("poisson", "mean of visits")])
def test_effects_are_in_the_response_s_own_terms(kind: str, words: str) -> None:
    audited = run(CASES[kind], fitted(CASES[kind])).audited
    assert audited is not None
    assert words in audited.assumed


def test_columns_of_any_making_have_names_and_sources_where_there_are_any() -> None:
    data = frame().assign(city=np.resize(["a", "b", "c"], N))
    transform = make_column_transformer(
        (make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False)), ["age", "dose"]),
        (OneHotEncoder(), ["city"]), ("passthrough", ["bmi"]),
    )  # fmt: skip
    estimator = make_pipeline(transform, Ridge(2.0)).fit(data, response("gaussian"))
    audited = audit(estimator, data, response("gaussian"), draws=100).audited
    assert audited is not None
    found = dict(zip(audited.names, audited.sources, strict=True))
    assert found["pipeline__age"] == "age"
    assert found["passthrough__bmi"] == "bmi"
    assert found["pipeline__age dose"] == found["onehotencoder__city_b"] == ""
    slopes = dict(zip(audited.names, audited.slopes, strict=True))
    assert slopes["pipeline__age"] == pytest.approx(1 / data["age"].std(ddof=0))
    assert slopes["passthrough__bmi"] == pytest.approx(1.0)
    assert "ColumnTransformer(StandardScaler → PolynomialFeatures, OneHotEncoder" in audited.assumed


def test_a_search_is_opened() -> None:
    search = GridSearchCV(make_pipeline(StandardScaler(), Lasso(**TIGHT)), {"lasso__alpha": [0.1, 0.3]}, cv=3)
    audited = audit(search.fit(frame(), response("gaussian")), frame(), response("gaussian"), draws=100).audited
    assert audited is not None
    assert any("GridSearchCV chose" in note for note in audited.notes)


def test_arrays_without_names() -> None:
    X, y = frame().to_numpy(), response("gaussian").to_numpy()
    audited = audit(Ridge(1.0).fit(X, y), X, y, draws=100).audited
    assert audited is not None
    assert audited.names == ("x0", "x1", "x2", "x3")
    assert "moves y by less" in audited.assumed


@pytest.mark.parametrize("name", ["ridge", "logistic-weighted-classes"])
def test_a_response_of_one_column(name: str) -> None:
    case = CASES[name]
    estimator = fitted(case)
    y = response(case.kind).to_frame()
    audited = audit(estimator, frame(), y, draws=100).audited
    assert audited is not None
    assert audited.excess <= 1e-9
    assert str(y.columns[0]) in audited.assumed


def test_a_frame_is_read_by_name() -> None:
    estimator = fitted(CASES["ridge"])
    mixed = frame()[NAMES[::-1]].assign(other=1.0)
    audited = audit(estimator, mixed, response("gaussian"), draws=100).audited
    assert audited is not None
    assert audited.excess <= 1e-9


def test_balanced_classes_count_rows_by_their_weights() -> None:
    y = response("bernoulli")
    w = np.where(y == "yes", 0.3, 1.7) * weights()
    X = StandardScaler().fit_transform(frame())
    for options in ({"solver": "newton-cholesky", "tol": 1e-12}, {"solver": "liblinear", **TIGHT}):
        model = LogisticRegression(C=0.5, class_weight="balanced", **options).fit(X, y, sample_weight=w)
        audited = audit(model, X, y, sample_weight=w, draws=100).audited
        assert audited is not None
        assert audited.excess <= 1e-9, audited.verdict


def test_the_cross_validated_liblinear_fit_has_an_intercept_scaling_of_its_own() -> None:
    X, y = StandardScaler().fit_transform(frame()), response("bernoulli")
    model = LogisticRegressionCV(
        Cs=[0.5], cv=3, l1_ratios=(0.0,), scoring="neg_log_loss", solver="liblinear", intercept_scaling=3.0,
        use_legacy_attributes=False, **TIGHT,
    ).fit(X, y)  # fmt: skip
    audited = audit(model, X, y, draws=100).audited
    assert audited is not None
    assert audited.excess <= 1e-9, audited.verdict
    assert any("intercept_scaling" in note for note in audited.notes)


def test_columns_that_ard_takes_out_are_held_at_zero() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(30, 40))
    y = X[:, 0] * 2 - X[:, 1] + 0.5 * rng.normal(size=30)
    model = ARDRegression().fit(X, y)
    out = model.lambda_ >= model.threshold_lambda
    assert 0 < out.sum() < 40
    audited = audit(model, X, y, draws=100).audited
    assert audited is not None
    assert audited.sound, audited.verdict
    assert not audited.wrongly_zero
    assert any(f"{out.sum()} of 40 columns were taken out" in note for note in audited.notes)


def test_a_prior_that_differs_by_column_is_not_blamed_on_the_columns() -> None:
    audited = run(CASES["ard"], fitted(CASES["ard"])).audited  # standardised: every sd is 1
    assert audited is not None
    assert "The prior is not the same for all columns" in audited.assumed


def test_a_column_that_is_like_several_is_called_by_its_own_name() -> None:
    rng = np.random.default_rng(2)
    celsius = rng.normal(20, 5, N)
    X = pd.DataFrame({"a": rng.normal(size=N), "celsius": celsius, "fahrenheit": 1.8 * celsius + 32, "twin": celsius})
    y = X["a"] + 0.1 * celsius + rng.normal(size=N)
    for estimator in (
        make_pipeline(StandardScaler(), Ridge(1.0)),
        make_pipeline(make_column_transformer((StandardScaler(), list(X.columns))), Ridge(1.0)),
    ):
        with pytest.warns(DataWarning, match="identical up to sign"):
            audited = audit(estimator.fit(X, y), X, y, draws=100).audited
        assert audited is not None
        assert audited.sources == tuple(X.columns)
        np.testing.assert_allclose(audited.slopes, 1 / X.std(ddof=0), rtol=1e-9)


def test_steps_within_steps_and_arrays_under_names() -> None:
    X, y = frame(), response("gaussian")
    inner = make_pipeline(make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False)), StandardScaler())
    estimator = make_pipeline(inner, GridSearchCV(Ridge(), {"alpha": [0.5, 2.0]}, cv=3)).fit(X, y)
    audited = audit(estimator, X.to_numpy(), y, draws=100).audited  # without its names: by position
    assert audited is not None
    assert audited.excess <= 1e-9
    assert audited.steps == ("StandardScaler", "PolynomialFeatures", "StandardScaler")


def test_separated_classes_under_next_to_no_penalty_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()  # by the real samplers, whose importance weights are all but one value here
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    y = (X[:, 0] > 0).astype(int)
    model = LogisticRegression(C=1e6, solver="newton-cholesky", tol=1e-10).fit(X, y)
    c = audit(model, X, y, draws=200)
    assert c.audited is not None
    assert c.audited.sound
    assert c.sensitivity is not None
    assert not c.passed  # and nothing is concluded


def test_weights_times_a_constant_are_said_to_count_as_rows() -> None:
    case = CASES["lasso-weighted"]
    audited = run(case, fitted(case)).audited
    assert audited is not None
    assert any("counts Σw as the number of rows" in note for note in audited.notes)


# -- sigma -------------------------------------------------------------------------------------------------------------


def test_a_given_sigma_sets_the_prior_and_is_held() -> None:
    c = run(CASES["lasso"], fitted(CASES["lasso"]), sigma=2.0)
    assert c.problem.prior.scale == pytest.approx(4.0 / (N * 0.2))
    assert c.problem.likelihood.sigma_known == 2.0


def test_by_default_the_posterior_integrates_over_sigma() -> None:
    c = run(CASES["lasso"], fitted(CASES["lasso"]))
    assert c.problem.likelihood.sigma_known is None
    assert c.map.sigma == pytest.approx(S)
    assert any("the residual sd of least squares; the posterior integrates over σ" in remark for remark in c.remarks)


def test_more_columns_than_rows() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(25, 40))
    y = X[:, 0] - X[:, 1] + 0.3 * rng.normal(size=25)
    c = audit(Lasso(0.1, **TIGHT).fit(X, y), X, y, draws=100)
    assert c.audited is not None
    assert c.audited.excess <= 1e-9
    assert isinstance(c.problem.likelihood, GaussianNoise)
    assert c.problem.likelihood.sigma_known is not None


def test_an_estimators_own_sigma_is_used() -> None:
    estimator = fitted(CASES["bayesian-ridge"])
    c = run(CASES["bayesian-ridge"], estimator)
    assert c.problem.likelihood.sigma_known == pytest.approx(estimator[-1].alpha_ ** -0.5)


# -- what is refused ---------------------------------------------------------------------------------------------------


def test_refusals() -> None:
    X, y = frame(), response("gaussian")
    cases: list[tuple[Any, str]] = [
        (LinearRegression().fit(X, y), "it knows Ridge, RidgeCV, Lasso"),
        (Lasso(), "this Lasso is not fitted: call fit first"),
        (make_pipeline(StandardScaler(), Lasso()), "is not fitted"),
        (GridSearchCV(Lasso(), {"alpha": [1.0]}, cv=3), "is not fitted"),
        (GridSearchCV(Lasso(), {"alpha": [1.0]}, cv=3, refit=False).fit(X, y), "refit=False"),
        (Lasso(0.1, positive=True).fit(X, y), "positive=True"),
        (Ridge().fit(X, np.column_stack([y, y])), "2 responses"),
        (make_pipeline(StandardScaler(), LogisticRegression()).fit(X, np.resize([0, 1, 2], N)), "3 classes"),
        (0.5, r"got float"),
    ]
    for estimator, message in cases:
        with pytest.raises(ParameterError, match=message):
            audit(estimator, X, y)
    with pytest.raises(ParameterError, match="sample_weight: LassoLars takes none"):
        audit(LassoLars(0.1).fit(X, y), X, y, sample_weight=np.ones(N))
    with pytest.raises(ParameterError, match="BayesianRidge estimated its own"):
        audit(BayesianRidge().fit(X, y), X, y, sigma=2.0)
    with pytest.raises(InputError, match="sample_weight"):
        audit(Ridge().fit(X, y), X, y, sample_weight=["a"] * N)
    with pytest.raises(InputError, match="sample_weight has shape"):
        audit(Ridge().fit(X, y), X, y, sample_weight=np.ones(3))
    with pytest.raises(ParameterError, match="joint"):
        audit(Lasso(0.1).fit(X, y), X, y, sigma="joint")


def test_other_data_are_refused() -> None:
    estimator = fitted(CASES["ridge"])
    with pytest.raises(InputError, match=r"X lacks the columns \['noise'\]"):
        audit(estimator, frame().drop(columns="noise"), response("gaussian"))
    with pytest.raises(InputError, match="X has 60 rows but y has 59"):
        audit(estimator, frame(), response("gaussian")[:-1])
    with pytest.raises(InputError, match="X has 3 columns, and Pipeline was fitted on 4"):
        audit(estimator, frame().to_numpy()[:, :3], response("gaussian"))
    with pytest.raises(InputError, match="X does not go through StandardScaler"):
        audit(estimator, frame().assign(age="old"), response("gaussian"))
    classifier = fitted(CASES["logistic"])
    with pytest.raises(InputError, match="y has 'maybe', and the classifier knows 'no' and 'yes'"):
        audit(classifier, frame(), response("bernoulli").where(lambda s: s != "yes", "maybe"))
    plain = Ridge().fit(frame().to_numpy(), response("gaussian"))
    with pytest.raises(InputError, match="X has 3 columns for the estimator, which was fitted on 4"):
        audit(plain, frame().to_numpy()[:, :3], response("gaussian"))


# -- the result --------------------------------------------------------------------------------------------------------


def test_the_audit_is_saved_shown_and_written_as_json(tmp_path: Path) -> None:
    import json

    c = run(CASES["lasso"], fitted(CASES["lasso"]))
    assert c.audited is not None
    read = Comparison.load(c.save(tmp_path / "c"))
    assert str(read) == str(c)
    assert read.to_json() == c.to_json()
    pd.testing.assert_frame_equal(read.audited.table, c.audited.table)
    assert json.loads(c.to_json())["audited"]["verdict"] == c.audited.verdict
    text = str(c)
    assert "your prior" in text
    assert "your fit" in text
    assert "− optimum" in text
    page = markup.read(c._repr_html_())
    assert ["your prior", c.audited.assumed] in page.tables[1]
    assert f"Your fit: {c.audited.verdict}" in page.at_once
    assert page.tables[0][0][1:3] == ["yours", "MAP"]


def test_the_estimator_and_the_data_are_left_alone() -> None:
    estimator, X, y = fitted(CASES["lasso"]), frame(), response("gaussian")
    before = copy.deepcopy(estimator[-1].__dict__)
    audit(estimator, X, y, draws=100)
    pd.testing.assert_frame_equal(X, frame())
    for name, value in before.items():
        np.testing.assert_array_equal(value, estimator[-1].__dict__[name])
