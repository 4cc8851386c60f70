from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from bayesreg.discard.calibrated import calibration_line, calibration_table
from bayesreg.discard.scores import FULL, INTERVALS, PREDICTORS, HeldOut, PredictionLedger, ledger_of
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from tests.problems import make_problem

MAP = PREDICTORS[0]


def gaussian_held_out(y: Array, mean: Array, sd: float, weights: Array) -> HeldOut:
    pit = stats.norm(mean, sd).cdf(y)
    width = np.tile([2 * sd * stats.norm.ppf((1 + p) / 2) for p in INTERVALS], (y.size, 1))
    return HeldOut(weights * stats.norm(mean, sd).logpdf(y), pit, pit, width, mean, 0.1, 0.05)


def ledger(shift: float = 0.4, problem: Problem | None = None, **options: Any) -> PredictionLedger:
    problem = make_problem(n=30, weights=np.resize([1.0, 2.0, 0.5], 30)) if problem is None else problem
    block = problem.design.rows.collect()
    weights = np.ones(problem.n) if block.weights is None else block.weights
    rows = np.flatnonzero(weights > 0)
    y, w = block.y[rows], weights[rows]
    good = gaussian_held_out(y, 0.0 * y, 2.0, w)
    given = dict.fromkeys(PREDICTORS, good) | {MAP: gaussian_held_out(y, 0.0 * y + shift, 2.0, w)}
    return ledger_of("K-fold", "In folds", given, rows, problem, **options)


def test_scores_are_sums_over_rows_and_differences_are_paired() -> None:
    found = ledger()
    terms = found.rows[f"elpd {FULL}"] - found.rows[f"elpd {MAP}"]
    row = found.scores.loc[MAP]
    assert row["difference"] == pytest.approx(terms.sum())
    assert row["difference_se"] == pytest.approx(np.sqrt(30) * terms.std(ddof=1))
    assert row["difference_se"] < row["elpd_se"]  # an unpaired error would be about that of either sum
    assert row["elpd"] == pytest.approx(found.rows[f"elpd {MAP}"].sum())
    assert found.scores.loc[FULL, ["difference", "difference_se", "mcse_difference"]].tolist() == [0.0, 0.0, 0.0]


def test_weighted_rows_count_as_often_in_rmse_and_coverage() -> None:
    problem = make_problem(n=30, weights=np.resize([1.0, 2.0, 3.0], 30))
    found = ledger(problem=problem)
    block = problem.design.rows.collect()
    assert block.weights is not None
    y = np.repeat(block.y, block.weights.astype(int))
    assert found.scores.loc[FULL, "rmse"] == pytest.approx(np.sqrt(np.mean(y**2)))
    inside = np.abs(y) <= 2 * stats.norm.ppf(0.9)
    assert found.intervals.loc[(FULL, 0.8), "coverage"] == pytest.approx(inside.mean())


def test_rows_of_weight_zero_are_not_counted() -> None:
    found = ledger(problem=make_problem(n=30, weights=np.resize([0.0, 1.0], 30)))
    assert found.total == len(found.rows) == 15


def test_sums_of_a_sample_of_rows_are_scaled_up_and_their_errors_too() -> None:
    problem = make_problem(n=30)
    rows = np.arange(0, 30, 3)
    y = problem.design.rows.collect().y[rows]
    one = gaussian_held_out(y, 0.0 * y, 2.0, np.ones(10))
    found = ledger_of("PSIS-LOO", "", dict.fromkeys(PREDICTORS, one), rows, problem)
    assert found.scores.loc[FULL, "elpd"] == pytest.approx(3 * one.log_density.sum())
    assert found.scores.loc[FULL, "elpd_se"] == pytest.approx(30 * one.log_density.std(ddof=1) / np.sqrt(10))
    assert found.scores.loc[FULL, "mcse"] == pytest.approx(0.3)


@pytest.mark.parametrize("probability", INTERVALS)
def test_a_count_is_covered_when_it_lies_between_the_quantiles(probability: float) -> None:
    y = np.arange(20.0)
    law = stats.poisson(4.3)
    one = HeldOut(law.logpmf(y), law.cdf(y - 1), law.cdf(y), np.zeros((20, 3)), np.full(20, 4.3))
    low, high = law.ppf([(1 - probability) / 2, (1 + probability) / 2])
    np.testing.assert_array_equal(one.covers(probability), (y >= low) & (y <= high))


def test_pit_of_counts_is_randomised_to_uniform_and_of_a_wrong_rate_is_not() -> None:
    y = np.random.default_rng(0).poisson(3.0, 3000).astype(float)
    poisson = make_problem("poisson")
    problem = Problem.from_arrays(np.empty((3000, 0)), y, prior=poisson.prior, likelihood=poisson.likelihood)
    for rate, uniform in ((3.0, True), (3.3, False)):
        law = stats.poisson(rate)
        one = HeldOut(law.logpmf(y), law.cdf(y - 1), law.cdf(y), np.zeros((3000, 3)), np.full(3000, rate))
        found = ledger_of("", "", dict.fromkeys(PREDICTORS, one), np.arange(3000), problem)
        pit = found.rows[f"pit {FULL}"].to_numpy()
        test = stats.kstest(pit, "uniform")
        assert (test.pvalue > 1e-4) == uniform
        assert found.scores.loc[FULL, "pit_distance"] == pytest.approx(test.statistic)


def forecasts(slope: float, n: int = 4000) -> tuple[Array, Array]:
    """Probabilities, and outcomes of which the log-odds are 0.2 + slope times those predicted."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=n)
    return 1 / (1 + np.exp(-x)), rng.binomial(1, 1 / (1 + np.exp(-0.2 - slope * x))).astype(float)


def test_calibration_line_is_the_logistic_regression_on_log_odds() -> None:
    p, y = forecasts(0.5, 400)
    weights = np.resize([1.0, 2.0, 0.5], 400)
    found = calibration_line(p, y, weights)
    X = sm.add_constant(np.log(p / (1 - p)))
    fit = sm.GLM(y, X, family=sm.families.Binomial(), freq_weights=weights).fit()
    np.testing.assert_allclose([found.intercept, found.slope], fit.params, rtol=1e-6)
    assert found.slope_se == pytest.approx(fit.bse[1], rel=1e-6)


def test_calibration_line_tells_overconfidence() -> None:
    for slope in (1.0, 0.5):
        found = calibration_line(*forecasts(slope), np.ones(4000))
        assert abs(found.slope - slope) < 4.5 * found.slope_se
        assert (abs(found.slope - 1) < 4.5 * found.slope_se) == (slope == 1.0)


def test_calibration_line_of_separated_or_constant_forecasts_is_none() -> None:
    p = np.linspace(0.1, 0.9, 20)
    for y, forecast in ((1.0 * (p > 0.5), p), (np.ones(20), p), (1.0 * (p > 0.5), np.full(20, 0.5))):
        assert np.isnan(calibration_line(forecast, y, np.ones(20)).slope)


def test_calibration_bins_hold_equal_counts_and_tell_a_wrong_forecast() -> None:
    for slope in (1.0, 0.3):
        p, y = forecasts(slope)
        p = 1 / (1 + np.exp(-0.2 - np.log(p / (1 - p))))
        table = calibration_table({"one": p}, y, np.ones(y.size))
        assert (table["count"] == 400).all()
        assert table["predicted"].is_monotonic_increasing
        z = (table["observed"] - table["predicted"]) / table["se"]
        assert (np.abs(z).max() < 4.5) == (slope == 1.0)


def binary_ledger() -> PredictionLedger:
    p, y = forecasts(1.0, 200)
    problem = Problem.from_arrays(
        np.empty((200, 0)), y, prior=make_problem().prior, likelihood=make_problem("bernoulli").likelihood
    )
    density = np.log(np.where(y == 1, p, 1 - p))
    one = HeldOut(density, np.where(y == 1, 1 - p, 0.0), np.where(y == 1, 1.0, 1 - p), np.ones((200, 3)), p)
    return ledger_of("K-fold", "", dict.fromkeys(PREDICTORS, one), np.arange(200), problem)


def test_a_binary_response_has_log_loss_brier_score_and_calibration() -> None:
    found = binary_ledger()
    p, y = forecasts(1.0, 200)
    assert found.scores.loc[FULL, "brier"] == pytest.approx(np.mean((y - p) ** 2))
    assert found.scores.loc[FULL, "log_loss"] == pytest.approx(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
    assert found.calibration is not None
    assert set(found.calibration["predictor"]) == set(PREDICTORS)
    assert "Calibration" in str(found)
    assert ledger().calibration is None
    assert "log_loss" not in ledger().scores


def opening(found: PredictionLedger) -> str:
    """The first paragraph, about the mode, on one line."""
    return " ".join(str(found).split("\n\n")[0].split())


def test_text_starts_with_the_loss_and_its_errors() -> None:
    found = ledger(shift=3.0)
    row = found.scores.loc[MAP]
    assert opening(found).startswith(
        f"The plug-in at the MAP predicts new rows {row['difference']:.3g} ± {row['difference_se']:.2g} nats worse in "
        "sum over 30 rows"
    )
    assert "Monte Carlo error 0.05" in opening(found)


def test_text_says_when_the_difference_is_nothing() -> None:
    text = opening(ledger(shift=0.02))
    assert "less than a nat" in text
    assert "cannot tell the two apart" not in text
    for shift in (0.4, 3.0):
        row = (found := ledger(shift=shift)).scores.loc[MAP]
        within = abs(row["difference"]) <= 2 * np.hypot(row["difference_se"], row["mcse_difference"])
        assert ("within 2 standard errors" in opening(found)) == within
    assert "within" not in opening(ledger(shift=3.0))


def test_withheld_shows_the_reason_and_no_number() -> None:
    text = str(ledger(withheld="R-hat of beta is high"))
    assert text == "Prediction (K-fold): WITHHELD: R-hat of beta is high"


def test_what_does_not_fit_is_refused() -> None:
    problem = make_problem(n=30)
    one = gaussian_held_out(np.zeros(3), np.zeros(3), 1.0, np.ones(3))
    every = dict.fromkeys(PREDICTORS, one)
    with pytest.raises(ParameterError, match="missing: full posterior"):
        ledger_of("", "", {MAP: one, PREDICTORS[1]: one}, np.arange(3), problem)
    with pytest.raises(ParameterError, match="tells of 3 rows, and rows has 4"):
        ledger_of("", "", every, np.arange(4), problem)
    with pytest.raises(ParameterError, match="each once"):
        ledger_of("", "", every, np.array([0, 1, 1]), problem)
    with pytest.raises(ParameterError, match=r"width must have shape \(3, 3\)"):
        HeldOut(np.zeros(3), np.zeros(3), np.zeros(3), np.zeros((3, 2)), np.zeros(3))
