"""Prediction of rows held out in folds, against closed forms and a loop written out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn.model_selection import KFold

from bayesreg.discard.kfold import kfold
from bayesreg.discard.loo import prediction
from bayesreg.discard.scores import FULL, PREDICTORS
from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.scales import HalfCauchy
from bayesreg.strength import choose_scale
from tests.monte_carlo import LIMIT

SIGMA, TAU = 1.2, 0.6


def data(n: int = 40, p: int = 3) -> tuple[Array, Array]:
    rng = np.random.default_rng(2)
    X = (rng.normal(size=(n, p)) + 0.5 * rng.normal(size=(n, 1))) * np.resize([1.0, 4.0], p) + 2.0
    return X, 1.0 + X @ np.resize([0.6, -0.1, 0.0], p) + SIGMA * rng.normal(size=n)


def ridge(**options: Any) -> Problem:
    return Problem.from_arrays(*data(), **{"prior": Gaussian(TAU), "likelihood": GaussianNoise(SIGMA)} | options)


def closed_form(
    train: tuple[Array, Array], test: Array, tau: float, w: Array | None = None
) -> tuple[Array, Array, Array]:
    """Mode, and predictive mean and sd, of new rows: columns standardised on the rows that are fitted."""
    X, y = train
    w = np.ones(len(y)) if w is None else w
    centre, scale = X.mean(axis=0), X.std(axis=0)
    A = np.column_stack([np.ones(len(y)), (X - centre) / scale])
    precision = (A * w[:, None]).T @ A / SIGMA**2 + np.diag([0.0, *np.full(X.shape[1], tau**-2)])
    cov = np.linalg.inv(precision)
    mean = cov @ (A * w[:, None]).T @ y / SIGMA**2
    new = np.column_stack([np.ones(len(test)), (test - centre) / scale])
    at = new @ mean
    return at, at, np.sqrt(SIGMA**2 + np.einsum("ij,jk,ik->i", new, cov, new))


def check_against_closed_form(problem: Problem, folds: list[tuple[Array, Array]], tau: float, found: Any) -> None:
    X, y = data()
    mode_lpd, full_lpd, pit = np.empty(len(y)), np.empty(len(y)), np.empty(len(y))
    for train, test in folds:
        mode, mean, sd = closed_form((X[train], y[train]), X[test], tau)
        mode_lpd[test] = stats.norm(mode, SIGMA).logpdf(y[test])
        full_lpd[test] = stats.norm(mean, sd).logpdf(y[test])
        pit[test] = stats.norm(mean, sd).cdf(y[test])
    rows = found.rows
    np.testing.assert_allclose(rows[f"elpd {PREDICTORS[0]}"], mode_lpd[rows.index], atol=1e-7)
    error = found.scores.loc[FULL, "mcse"]
    assert 0 < error < 0.5
    assert abs(found.scores.loc[FULL, "elpd"] - full_lpd.sum()) <= LIMIT * error
    assert abs(found.scores.loc[FULL, "elpd"] - mode_lpd.sum()) > LIMIT * error  # the other predictor would be seen
    np.testing.assert_allclose(rows[f"pit {FULL}"], pit[rows.index], atol=0.02)


def five(n: int = 40) -> list[tuple[Array, Array]]:
    return list(KFold(5, shuffle=True, random_state=1).split(np.zeros(n)))


def test_folds_are_the_closed_form_with_their_own_columns() -> None:
    found = kfold(ridge(), by=None, folds=five(), draws=2000)
    check_against_closed_form(ridge(), five(), TAU, found)
    assert found.withheld == ""
    assert found.total == 40
    # Columns standardised once, on all rows, would be another prior in each fold.
    X, y = data()
    once = Problem.from_arrays((X - X.mean(axis=0)) / X.std(axis=0), y, prior=Gaussian(TAU),
                               likelihood=GaussianNoise(SIGMA), standardize=False)  # fmt: skip
    other = kfold(once, by=None, folds=five(), draws=200)
    name = f"elpd {PREDICTORS[0]}"
    assert np.abs(other.rows[name] - found.rows[name]).max() > 1e-4


def test_one_row_a_fold_is_leave_one_out_but_for_the_columns() -> None:
    X, y = data()
    raw = Problem.from_arrays(X, y, prior=Gaussian(TAU), likelihood=GaussianNoise(SIGMA), standardize=False)
    one = kfold(raw, by=None, folds=40, draws=1000)
    other = prediction(sample(raw, draws=4000))
    np.testing.assert_allclose(one.rows[f"elpd {PREDICTORS[0]}"], other.rows[f"elpd {PREDICTORS[0]}"], atol=1e-7)
    error = np.hypot(one.scores.loc[FULL, "mcse"], other.scores.loc[FULL, "mcse"])
    assert abs(one.scores.loc[FULL, "elpd"] - other.scores.loc[FULL, "elpd"]) <= LIMIT * error
    assert one.method == "leave-one-out cross-validation"


@pytest.mark.parametrize("by", ["evidence", "cv"])
def test_the_scale_is_that_of_the_rows_that_are_fitted(by: str) -> None:
    X, y = data()
    found = kfold(ridge(), by=by, folds=five(), draws=500)
    told = [float(v) for v in found.notes[0].split(": ")[1].split(", ")]
    lpd = np.empty(40)
    for (train, test), scale in zip(five(), told, strict=True):
        fold = Problem.from_arrays(X[train], y[train], prior=Gaussian(1.0), likelihood=GaussianNoise(SIGMA))
        if by == "evidence":
            assert scale == pytest.approx(choose_scale(fold, by).scale, rel=5e-3)
        mode, _, _ = closed_form((X[train], y[train]), X[test], scale)
        lpd[test] = stats.norm(mode, SIGMA).logpdf(y[test])
    assert len(set(told)) > 1
    # The scales are told to four digits.
    np.testing.assert_allclose(found.rows[f"elpd {PREDICTORS[0]}"], lpd[found.rows.index], atol=2e-3)
    assert f"scale by {by}" in found.method


def test_a_scale_with_a_prior_is_integrated() -> None:
    problem = ridge(prior=Laplace(HalfCauchy(0.5)))
    by_prior = kfold(problem, by=None, folds=five())
    by_rule = kfold(ridge(prior=Laplace(1.0)), by="hierarchical", folds=five())
    for found in (by_prior, by_rule):
        assert found.withheld == ""
    error = np.hypot(by_prior.scores.loc[FULL, "mcse"], by_rule.scores.loc[FULL, "mcse"])
    # The hyperpriors differ, and hardly matter.
    assert abs(by_prior.scores.loc[FULL, "elpd"] - by_rule.scores.loc[FULL, "elpd"]) <= LIMIT * error + 0.5


def test_rows_of_a_group_stay_together() -> None:
    groups = np.repeat(np.arange(10), 4)
    found = kfold(ridge(), by=None, folds=10, groups=groups, draws=500)
    folds = [(np.flatnonzero(groups != g), np.flatnonzero(groups == g)) for g in range(10)]
    check_against_closed_form(ridge(), folds, TAU, found)


def test_weights_count() -> None:
    w = np.tile([1.0, 2.0, 0.0, 0.5], 10)
    X, y = data()
    raw = Problem.from_arrays(X, y, prior=Gaussian(TAU), likelihood=GaussianNoise(SIGMA), standardize=False, weights=w)
    found = kfold(raw, by=None, folds=3, draws=500)
    assert found.rows.index.tolist() == np.flatnonzero(w).tolist()
    assert found.total == 30
    np.testing.assert_array_equal(found.rows["weight"], w[w > 0])


@pytest.mark.parametrize("kind", ["logit", "log"])
def test_other_likelihoods(kind: str) -> None:
    X, _ = data(80)
    rng = np.random.default_rng(3)
    eta = 0.5 * (X[:, 0] - 2)
    y = rng.binomial(1, 1 / (1 + np.exp(-eta))) if kind == "logit" else rng.poisson(np.exp(eta))
    likelihood = BernoulliLogit() if kind == "logit" else PoissonLog()
    found = kfold(Problem.from_arrays(X, y, prior=Laplace(0.3), likelihood=likelihood), by=None, folds=4)
    assert found.withheld == ""
    assert (found.calibration is not None) is (kind == "logit")
    assert abs(found.scores.loc[PREDICTORS[0], "difference"]) < 5
    assert found.scores.loc[FULL, "elpd"] < 0


def test_sigma_unknown_is_of_the_rows_that_are_fitted() -> None:
    X, y = data()
    problem = ridge(likelihood=GaussianNoise(), prior=Gaussian(50.0))
    found = kfold(problem, by=None, folds=five(), draws=500)
    lpd = np.empty(40)
    for train, test in five():
        A = np.column_stack([np.ones(train.size), X[train]])
        beta, rss, *_ = np.linalg.lstsq(A, y[train])
        sigma = np.sqrt(rss[0] / (train.size - 4))
        lpd[test] = stats.norm(np.column_stack([np.ones(test.size), X[test]]) @ beta, sigma).logpdf(y[test])
    np.testing.assert_allclose(found.rows[f"elpd {PREDICTORS[0]}"], lpd[found.rows.index], atol=0.01)


def test_a_fold_that_fails_withholds_all() -> None:
    found = kfold(ridge(prior=Laplace(0.2)), by=None, folds=3, draws=8)
    assert found.withheld.startswith("the posterior without fold 1 of 3: ")
    assert str(found).count("\n") == 0
    assert "WITHHELD" in str(found)


def test_the_same_seed_gives_the_same_and_progress_is_told() -> None:
    told: list[tuple[int, int]] = []
    first = kfold(ridge(), by=None, folds=4, draws=300, seed=5, progress=lambda *done: told.append(done))
    again = kfold(ridge(), by=None, folds=4, draws=300, seed=5)
    assert first.scores.equals(again.scores)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert not first.scores.equals(kfold(ridge(), by=None, folds=4, draws=300, seed=6).scores)


def test_a_fold_without_an_optimum_is_named() -> None:
    X, _ = data()
    y = np.zeros(40)
    y[:3] = 1.0
    problem = Problem.from_arrays(X[:, :1], y, prior=Flat(), likelihood=BernoulliLogit())
    with pytest.raises(FitError, match="kfold: without the 3 rows of fold 1 of 1"):
        kfold(problem, by=None, folds=[(np.arange(3, 40), np.arange(3))])


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"by": "aic"}, "by must be None or one of evidence, cv, hierarchical"),
        ({"folds": 1}, "folds must be an integer >= 2"),
        ({"folds": [([0, 1, 2], [3]), ([1, 2], [3])]}, "hold some row out more than once"),
        ({"method": "magic"}, "is not a sampler"),
        ({"draws": 0}, "draws must be an integer"),
        ({"sigma": 3.0}, "contradicts the likelihood's known sigma"),
    ],
)
def test_settings_are_read(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        kfold(ridge(), **options)
