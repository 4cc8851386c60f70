"""Rows predicted fold by fold: against closed forms and plain loops, and that the scale is chosen in each fold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from bayesreg.discard import one_fold
from bayesreg.discard.amount import amount
from bayesreg.discard.kfold import HOW, kfold
from bayesreg.discard.loo import prediction
from bayesreg.discard.scores import PredictionLedger
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.samplers.settings import Interrupted
from bayesreg.scales import HalfCauchy
from tests.monte_carlo import LIMIT
from tests.problems import FAMILIES, FORMS, make_problem

FULL, MODE = "full posterior", "plug-in at MAP"
SIGMA = 1.5

Split = tuple[Array, Array]


def rows_of_data(n: int = 30) -> tuple[Array, Array]:
    rng = np.random.default_rng(11)
    X = rng.normal(size=(n, 3)) * [1.0, 4.0, 0.3] + [0.0, 5.0, -1.0]
    return X, X @ [0.8, 0.3, 0.0] + SIGMA * rng.normal(size=n)


def exact(X: Array, y: Array, train: Array, test: Array, tau: float, *, standardize: bool, anew: bool = True) -> Split:
    """Log density at the mode and of the full posterior: flat intercept, σ known, columns scaled on `train` or all."""
    seen = train if anew else np.arange(y.size)
    centre, scale = X[seen].mean(axis=0), X[seen].std(axis=0)
    Z = (X - centre) / scale if standardize else X
    A = np.column_stack([np.ones(y.size), Z])
    precision = A[train].T @ A[train] / SIGMA**2 + np.diag([0.0, *np.full(3, tau**-2)])
    cov = np.linalg.inv(precision)
    eta = A[test] @ cov @ A[train].T @ y[train] / SIGMA**2
    spread = np.sqrt(SIGMA**2 + np.einsum("ij,jk,ik->i", A[test], cov, A[test]))
    return stats.norm.logpdf(y[test], eta, SIGMA), stats.norm.logpdf(y[test], eta, spread)


def known(tau: float, *, standardize: bool, sigma: float = SIGMA) -> Problem:
    X, y = rows_of_data()
    return Problem.from_arrays(X, y, prior=Gaussian(tau), likelihood=GaussianNoise(sigma), standardize=standardize)


def five() -> list[Split]:
    parts = np.array_split(np.random.default_rng(1).permutation(30), 5)
    return [(np.setdiff1d(np.arange(30), part), part) for part in parts]


def off(ledger: PredictionLedger, expected: Array) -> float:
    """Monte Carlo errors between the full posterior's elpd and the exact one."""
    return float(abs(ledger.scores.at[FULL, "elpd"] - expected.sum()) / ledger.scores.at[FULL, "mcse"])


# -- closed forms ------------------------------------------------------------------------------------------------------


def test_with_a_fold_for_each_row_it_is_exact_leave_one_out() -> None:
    X, y = rows_of_data()
    everything = np.arange(30)
    truth = [exact(X, y, np.delete(everything, i), everything[[i]], 0.5, standardize=False) for i in everything]
    mode, full = (np.concatenate(part) for part in zip(*truth, strict=True))
    found = kfold(known(0.5, standardize=False), by=None, folds=30)
    np.testing.assert_allclose(found.rows[f"elpd {MODE}"], mode, rtol=1e-8)
    assert off(found, full) <= LIMIT
    assert found.method == "leave-one-out, the prior as it is"
    wrong = kfold(known(0.5, standardize=False, sigma=1.1 * SIGMA), by=None, folds=30)
    assert off(wrong, full) > LIMIT


def test_columns_are_standardised_on_the_rows_that_are_fitted() -> None:
    X, y = rows_of_data()
    found = kfold(known(0.5, standardize=True), by=None, folds=five())
    for anew in (True, False):
        truth = [exact(X, y, *split, 0.5, standardize=True, anew=anew) for split in five()]
        order = np.argsort(np.concatenate([test for _, test in five()]))
        mode, full = (np.concatenate(part)[order] for part in zip(*truth, strict=True))
        assert np.allclose(found.rows[f"elpd {MODE}"], mode, rtol=1e-8) == anew
        assert off(found, full) <= LIMIT or not anew


def test_the_scale_is_that_of_highest_evidence_among_the_rows_that_are_fitted() -> None:
    X, y = rows_of_data()
    found = kfold(known(99.0, standardize=True), folds=five())

    def chosen(train: Array) -> float:
        Z = (X[train] - X[train].mean(axis=0)) / X[train].std(axis=0)
        centred = y[train] - y[train].mean()

        def minus(log_tau: float) -> float:
            # A flat intercept leaves n − 1 contrasts.
            Q = np.linalg.svd(np.eye(train.size) - 1 / train.size)[0][:, :-1]
            cov = Q.T @ (np.exp(2 * log_tau) * Z @ Z.T + SIGMA**2 * np.eye(train.size)) @ Q
            return -float(stats.multivariate_normal.logpdf(Q.T @ centred, cov=cov))

        return float(np.exp(optimize.minimize_scalar(minus, bounds=(-4, 4), method="bounded").x))

    scales = [found.rows.loc[test, "scale"].unique() for _, test in five()]
    np.testing.assert_allclose(np.ravel(scales), [chosen(train) for train, _ in five()], rtol=1e-3)
    assert "scale by fold from" in " ".join(found.notes)
    truth = [
        exact(X, y, train, test, float(scale[0]), standardize=True)
        for (train, test), scale in zip(five(), scales, strict=True)
    ]
    for (_, test), (mode, _) in zip(five(), truth, strict=True):
        np.testing.assert_allclose(found.rows.loc[test, f"elpd {MODE}"], mode, rtol=1e-6)
    assert off(found, np.concatenate([full for _, full in truth])) <= LIMIT


def test_with_a_fold_for_each_row_it_agrees_with_importance_sampling() -> None:
    rng = np.random.default_rng(2)
    X = rng.normal(size=(25, 2))
    y = (X[:, 0] + rng.normal(size=25) > 0).astype(float)
    problem = Problem.from_arrays(X, y, likelihood=BernoulliLogit(), prior=Laplace(0.5), standardize=False)
    each, loo = kfold(problem, by=None, folds=25), prediction(sample(problem))
    for name in each.scores.index:
        error = np.hypot(each.scores.at[name, "mcse"], loo.scores.at[name, "mcse"])
        assert abs(each.scores.at[name, "elpd"] - loo.scores.at[name, "elpd"]) <= LIMIT * error + 1e-6
    other = kfold(problem.with_prior(Laplace(0.25)), by=None, folds=25)
    error = np.hypot(other.scores.at[FULL, "mcse"], loo.scores.at[FULL, "mcse"])
    assert abs(other.scores.at[FULL, "elpd"] - loo.scores.at[FULL, "elpd"]) > LIMIT * error


def test_monte_carlo_errors_cover_what_other_seeds_say() -> None:
    X, y = rows_of_data()
    problem = Problem.from_arrays(X, y, prior=Gaussian(0.7))
    runs = [kfold(problem, by=None, folds=five(), seed=seed, draws=500).scores for seed in range(15)]
    for name, column, error in ((FULL, "elpd", "mcse"), (MODE, "difference", "mcse_difference")):
        values = np.array([[run.at[name, column], run.at[name, error]] for run in runs])
        ratio = np.log(values[:, 0].std(ddof=1) / values[:, 1].mean())
        assert abs(ratio) <= 4 / np.sqrt(2 * (len(runs) - 1))


# -- every kind of problem ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_problem_is_taken_and_only_rows_that_count_are_predicted(form: str) -> None:
    problem = FORMS[form]("gaussian", prior=Gaussian(0.5))
    found = kfold(problem, folds=5)
    weights = problem.design.rows.collect().weights
    counted = np.arange(problem.n) if weights is None else np.flatnonzero(weights > 0)
    np.testing.assert_array_equal(found.rows.index, counted)
    assert found.rows["fold"].nunique() == 5
    assert not found.withheld


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_is_taken(kind: str) -> None:
    found = kfold(make_problem(kind, prior=Gaussian(0.5), n=60), by=None, folds=3)
    assert np.isfinite(found.scores["elpd"]).all()
    assert not found.withheld


def test_an_unknown_noise_scale_is_that_of_the_rows_that_are_fitted() -> None:
    X, y = rows_of_data()
    found = kfold(Problem.from_arrays(X, y, prior=Gaussian(0.5)), by=None, folds=five())
    for train, test in five():
        point = fit_penalized(Problem.from_arrays(X[train], y[train], prior=Gaussian(0.5)))
        A = np.column_stack([np.ones(train.size), X[train]])
        rss = np.linalg.lstsq(A, y[train])[1][0]
        assert point.sigma == pytest.approx(np.sqrt(rss / (train.size - 4)))
        eta = point.predict(X[test], kind="link").mean
        expected = stats.norm.logpdf(y[test], eta, point.sigma)
        np.testing.assert_allclose(found.rows.loc[test, f"elpd {MODE}"], expected, rtol=1e-8)


def test_a_row_of_weight_two_is_predicted_as_two_rows_would_be() -> None:
    X, y = rows_of_data()
    weights = np.ones(30)
    weights[:6] = 2.0
    options: dict[str, Any] = {"prior": Gaussian(0.5), "likelihood": GaussianNoise(SIGMA)}
    once = kfold(Problem.from_arrays(X, y, weights=weights, **options), by=None, folds=five())
    twice = np.concatenate([np.arange(30), np.arange(6)])
    both = [(np.flatnonzero(np.isin(twice, train)), np.flatnonzero(np.isin(twice, test))) for train, test in five()]
    copied = kfold(Problem.from_arrays(X[twice], y[twice], **options), by=None, folds=both)
    assert once.scores.at[MODE, "elpd"] == pytest.approx(copied.scores.at[MODE, "elpd"], rel=1e-9)
    error = np.hypot(once.scores.at[FULL, "mcse"], copied.scores.at[FULL, "mcse"])
    assert abs(once.scores.at[FULL, "elpd"] - copied.scores.at[FULL, "elpd"]) <= LIMIT * error


@pytest.mark.parametrize("by", ["evidence", "cv"])
def test_rows_of_a_group_stay_together(by: str) -> None:
    labels = np.repeat(np.arange(10), 3)
    found = kfold(known(0.5, standardize=True), by=by, folds=5, groups=labels)
    assert (found.rows.groupby(labels)["fold"].nunique() == 1).all()
    assert found.method == f"5-fold by group, {HOW[by]}"


def test_a_scale_with_a_prior_is_integrated_over_and_the_mode_stands_at_its_median() -> None:
    X, y = rows_of_data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(SIGMA))
    own = problem.with_prior(Laplace(HalfCauchy(1.0)))
    found, under_own = kfold(problem, by="hierarchical", folds=five()), kfold(own, by=None, folds=five())
    for ledger in (found, under_own):
        assert "the posterior integrates over the scale" in ledger.text
        for train, test in five():
            rows = ledger.rows.loc[test]
            fitted = Problem.from_arrays(
                X[train], y[train], prior=Laplace(float(rows["scale"].iloc[0])), likelihood=GaussianNoise(SIGMA)
            )
            eta = fit_penalized(fitted).predict(X[test], kind="link").mean
            np.testing.assert_allclose(rows[f"elpd {MODE}"], stats.norm.logpdf(y[test], eta, SIGMA), rtol=1e-6)


def test_an_intercept_alone_is_predicted_by_the_prior_as_it_is() -> None:
    y = np.random.default_rng(0).normal(size=20)
    found = kfold(Problem.from_arrays(np.zeros((20, 0)), y, prior=Gaussian(1.0)), by=None, folds=4)
    assert len(found.rows) == 20


def test_the_same_seed_gives_the_same_and_folds_are_counted_off() -> None:
    told: list[tuple[int, int]] = []
    problem = known(0.5, standardize=True)
    first = kfold(problem, folds=3, seed=4, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert first.scores.equals(kfold(problem, folds=3, seed=4).scores)
    assert not first.scores.equals(kfold(problem, folds=3, seed=5).scores)


def test_what_it_costs_in_prediction_goes_into_the_amount(diabetes: Posterior) -> None:
    ledger = kfold(diabetes.problem, by=None, folds=3)
    found = amount(diabetes, prediction=ledger)
    assert found.numbers.at["log score", "value"] == ledger.scores.at[MODE, "difference"]
    assert found.numbers.at["log score", "error"] >= ledger.scores.at[MODE, "difference_se"]
    unsaid = amount(diabetes, prediction=replace(ledger, withheld="fold 1 of 3: nothing"))
    assert "log score" not in unsaid.numbers.index
    assert "fold 1 of 3: nothing" in unsaid.sentence
    with pytest.raises(ParameterError, match="prediction must be a PredictionLedger"):
        amount(diabetes, prediction=ledger.scores)  # type: ignore[arg-type]


# -- withheld, interrupted, refused ------------------------------------------------------------------------------------


def test_a_fold_whose_draws_failed_is_named_and_nothing_is_said() -> None:
    found = kfold(make_problem("gaussian"), by=None, folds=3, draws=20)
    assert found.withheld.startswith("fold 1 of 3: ")
    assert "fold 3 of 3" in found.withheld
    assert "nats" not in str(found)


def _stopped_after(folds: int) -> Callable[..., Posterior]:
    calls: list[int] = []

    def stopped(*given: Any, **options: Any) -> Posterior:
        calls.append(1)
        posterior = sample(*given, **options)
        return replace(posterior, attrs={**posterior.attrs, "interrupted": int(len(calls) > folds)})

    return stopped


def test_an_interrupt_keeps_the_folds_before_it_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = known(0.5, standardize=True)
    monkeypatch.setattr(one_fold, "sample", _stopped_after(2))
    found = kfold(problem, by=None, folds=five())
    assert found.withheld == "interrupted after 2 of 5 folds"
    assert len(found.rows) == 12
    monkeypatch.setattr(one_fold, "sample", _stopped_after(0))
    with pytest.raises(Interrupted, match="first fold"):
        kfold(problem, by=None, folds=five())


def test_a_fold_that_leaves_one_class_is_named() -> None:
    rng = np.random.default_rng(0)
    y = np.r_[np.ones(10), np.zeros(10)]
    problem = Problem.from_arrays(rng.normal(size=(20, 1)), y, likelihood=BernoulliLogit(), prior=Gaussian(1.0))
    half = np.arange(10)
    with pytest.raises(FitError, match=r"the 10 rows of fold 2 of 2 cannot be predicted"):
        kfold(problem, by=None, folds=[(np.r_[half[:5], half[:5] + 10], np.r_[half[5:7]]), (half, half + 10)])


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"by": "guess"}, "by must be None or one of evidence, cv, hierarchical"),
        ({"by": ["cv"]}, "by must be"),
        ({"folds": 1}, "folds must be an integer >= 2"),
        ({"folds": [([0, 1], [2]), ([0, 1], [2, 3])]}, "hold row 2 out more than once"),
        ({"folds": 3, "groups": [1, 2]}, "groups must hold one label"),
        ({"sigma": -1.0}, "sigma"),
        ({"sigma": "guess"}, "sigma"),
        ({"method": "guess"}, "is not a sampler"),
        ({"draws": 0}, "draws"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_bad_settings_are_refused_before_a_fold_is_fitted(
    options: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        import_module("bayesreg.discard.kfold"), "predict_fold", lambda *_: pytest.fail("a fold was fitted")
    )
    with pytest.raises(ParameterError, match=what):
        kfold(make_problem("gaussian", likelihood=GaussianNoise()), **options)


def test_a_prior_without_a_scale_has_none_to_choose() -> None:
    problem = make_problem("gaussian", prior=Flat())
    with pytest.raises(ParameterError, match="nothing to choose"):
        kfold(problem)
    assert not kfold(problem, by=None, folds=3).withheld
    with pytest.raises(ParameterError, match="kfold takes a Problem"):
        kfold(np.zeros(3))  # type: ignore[arg-type]
    with pytest.raises(FitError, match="need at least 31 rows"):
        kfold(make_problem("gaussian"), folds=31)
