"""Every number of the tables, computed again from the draws and the optima by the shortest way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bayesreg.comparison import Comparison, compare
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import posterior
from tests.comparison.examples import NAMES, around_the_mode, compare_lasso, data, lasso, ridge
from tests.fakes import replace_samplers

MARGINAL = [
    "mean", "median", "sd", "lower", "upper", "lower50", "upper50", "mcse_mean", "mcse_lower", "mcse_upper",
]  # fmt: skip

COLUMNS = [
    "map", "penalized", "difference", *MARGINAL, "p_positive", "p_positive_mcse", "p_small", "p_small_mcse", "epsilon",
    "epsilon_raw", "zero", "margin", "disagreement", "map_quantile", "map_quantile_mcse", "bits", "bits_mcse",
    "ess_bulk", "map_raw", "penalized_raw", *(f"{name}_raw" for name in MARGINAL),
]  # fmt: skip


@pytest.fixture(params=["ridge_comparison", "lasso_comparison"])
def comparison(request: pytest.FixtureRequest) -> Comparison:
    return request.getfixturevalue(request.param)


def one_column(c: Comparison, name: str, suffix: str = "") -> Array:
    """All draws of one coefficient, in one list."""
    return c.posterior.data["posterior"][f"beta{suffix}"].sel(feature=name).values.ravel()


def test_columns_and_rows(comparison: Comparison) -> None:
    assert list(comparison.coefficients.columns) == COLUMNS
    assert comparison.coefficients.index.tolist() == list(NAMES)
    assert comparison.coefficients.index.name == "column"
    assert list(comparison.ledger.columns) == ["quantity", "map", "posterior_mean", "mcse"]


@pytest.mark.parametrize("suffix", ["", "_raw"])
@pytest.mark.parametrize("name", NAMES)
def test_marginals(comparison: Comparison, name: str, suffix: str) -> None:
    row, draws = comparison.coefficients.loc[name], np.sort(one_column(comparison, name, suffix))
    tail = (1 - comparison.interval_prob) / 2
    assert row[f"mean{suffix}"] == pytest.approx(sum(draws) / draws.size)
    assert row[f"sd{suffix}"] == pytest.approx(np.sqrt(((draws - draws.mean()) ** 2).sum() / (draws.size - 1)))
    assert row[f"median{suffix}"] == pytest.approx((draws[draws.size // 2 - 1] + draws[draws.size // 2]) / 2)
    for column, share in (("lower", tail), ("upper", 1 - tail), ("lower50", 0.25), ("upper50", 0.75)):
        # With draws this many, the share below an interval's end is right to one draw.
        assert abs((draws < row[f"{column}{suffix}"]).sum() - share * draws.size) <= 1


@pytest.mark.parametrize("name", NAMES)
def test_probabilities(comparison: Comparison, name: str) -> None:
    row, draws = comparison.coefficients.loc[name], one_column(comparison, name)
    assert row["p_positive"] == sum(draw > 0 for draw in draws) / draws.size
    assert row["p_small"] == sum(-row["epsilon"] <= draw <= row["epsilon"] for draw in draws) / draws.size
    assert 0 < comparison.coefficients.loc["bmi", "p_small"] < 1
    assert row["map_quantile"] == sum(draw <= row["map"] for draw in draws) / draws.size
    for column in ("p_positive", "p_small", "map_quantile"):
        share = min(max(row[column], 1 / draws.size), 1 - 1 / draws.size)
        assert row[f"{column}_mcse"] == pytest.approx(np.sqrt(share * (1 - share) / row["ess_bulk"]), rel=0.25)


def test_default_epsilon_is_a_tenth_of_the_response_sd(comparison: Comparison) -> None:
    np.testing.assert_allclose(comparison.coefficients["epsilon"], 0.1 * data()[1].std())


@pytest.mark.parametrize("j", range(3))
def test_point_estimates(comparison: Comparison, j: int) -> None:
    row = comparison.coefficients.iloc[j]
    assert (row["map"], row["map_raw"]) == (comparison.map.beta[j], comparison.map.beta_raw[j])
    assert (row["penalized"], row["penalized_raw"]) == (comparison.penalized.beta[j], comparison.penalized.beta_raw[j])
    assert row["difference"] == row["map"] - row["penalized"]
    assert row["disagreement"] == pytest.approx((row["map"] - row["mean"]) / row["sd"])


def test_point_estimates_are_the_textbooks_in_both_units(ridge_comparison: Comparison) -> None:
    X, y = data()
    sigma = ridge_comparison.map.sigma
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    beta = np.linalg.solve(Z.T @ Z + sigma**2 / 0.3**2 * np.eye(3), Z.T @ (y - y.mean()))
    table = ridge_comparison.coefficients
    np.testing.assert_allclose(table["map"], beta, rtol=1e-9)
    np.testing.assert_allclose(table["map_raw"], beta / X.std(axis=0), rtol=1e-9)
    assert ridge_comparison.map.intercept == pytest.approx(y.mean())
    raw = y.mean() - X.mean(axis=0) @ (beta / X.std(axis=0))
    assert ridge_comparison.map.intercept_raw == pytest.approx(raw)
    assert ridge_comparison.penalized.intercept_raw == pytest.approx(raw)
    # The plug-in: least squares on the three columns and the intercept.
    residual = y - y.mean() - Z @ np.linalg.lstsq(Z, y - y.mean())[0]
    assert sigma == pytest.approx(np.sqrt(residual @ residual / 36))


def test_raw_columns_are_the_others_in_the_datas_units(comparison: Comparison) -> None:
    sd, table = data()[0].std(axis=0), comparison.coefficients
    for name in ("map", "penalized", "mean", "median", "sd", "lower", "upper", "lower50", "upper50"):
        np.testing.assert_allclose(table[f"{name}_raw"] * sd, table[name], rtol=1e-9)


def test_zeros_and_margins(ridge_comparison: Comparison, lasso_comparison: Comparison) -> None:
    assert not ridge_comparison.coefficients["zero"].any()
    assert ridge_comparison.coefficients["margin"].isna().all()
    table = lasso_comparison.coefficients
    assert table["zero"].tolist() == [False, True, False]
    assert table["margin"].isna().tolist() == [True, False, True]
    # 1 - |gradient|/λ, with the gradient of Σ (y - η)²/2 at the MAP and λ = 1/b = 10.
    X, y = data()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    gradient = Z[:, 1] @ (y - y.mean() - Z @ lasso_comparison.map.beta)
    assert table.loc["bmi", "margin"] == pytest.approx(1 - abs(gradient) / 10)
    assert 0 < table.loc["bmi", "margin"] < 1


def test_a_zero_is_a_zero_and_not_the_priors_location(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)
    located = compare(lasso(prior=Laplace(0.01, loc=0.5)), draws=10)
    assert located.map.zeros.any()
    assert not located.coefficients["zero"].any()
    assert "0 exact zeros" in str(located)


def test_monte_carlo_errors(ridge_comparison: Comparison, lasso_comparison: Comparison) -> None:
    table = ridge_comparison.coefficients
    assert (table["ess_bulk"] == 2000).all()
    np.testing.assert_allclose(table["mcse_mean"], table["sd"] / np.sqrt(2000))
    table = lasso_comparison.coefficients
    assert (table["ess_bulk"] != 2400).all()
    np.testing.assert_allclose(table["mcse_mean"], table["sd"] / np.sqrt(2400), rtol=0.15)


# -- the ledger ------------------------------------------------------------------------------------------------------


def entry(c: Comparison, start: str) -> pd.Series:
    found = c.ledger[c.ledger["quantity"].str.startswith(start)]
    assert len(found) == 1, f"{start!r} is in {len(found)} rows"
    return found.iloc[0]


def check_entry(row: pd.Series, at_map: float, draws: Array) -> None:
    assert row["map"] == pytest.approx(at_map)
    assert row["posterior_mean"] == pytest.approx(draws.mean())
    assert row["mcse"] == pytest.approx(draws.std(ddof=1) / np.sqrt(draws.size), rel=0.15)


def test_ledger_of_zeros(ridge_comparison: Comparison, lasso_comparison: Comparison) -> None:
    small = np.abs(one_column(lasso_comparison, "bmi")) <= lasso_comparison.coefficients.loc["bmi", "epsilon"]
    check_entry(entry(lasso_comparison, "coefficients called exactly zero"), 1.0, small.astype(float))
    assert not ridge_comparison.ledger["quantity"].str.startswith("coefficients called").any()


def test_ledger_of_kept_coefficients(comparison: Comparison) -> None:
    row, table = entry(comparison, "coefficients kept"), comparison.coefficients
    assert row["map"] == (comparison.map.beta != 0).sum()
    assert row["posterior_mean"] == ((table["lower"] > 0) | (table["upper"] < 0)).sum()
    assert 0 < row["posterior_mean"] < 3
    assert np.isnan(row["mcse"])


def test_ledger_of_size(comparison: Comparison) -> None:
    draws = np.abs(comparison.posterior.beta).sum(axis=2)
    check_entry(entry(comparison, "‖β‖₁"), np.abs(comparison.map.beta).sum(), draws)


def test_ledger_of_the_likelihood(comparison: Comparison) -> None:
    X, y = data()
    p = comparison.posterior
    eta = p.intercept_raw[..., None] + p.beta_raw @ X.T
    sigma = p.draws("sigma")[..., None] if "sigma" in p.arrays else 1.0
    nll = -stats.norm(eta, sigma).logpdf(y).sum(axis=-1)
    fitted = comparison.map.intercept_raw + X @ comparison.map.beta_raw
    at_map = -stats.norm(fitted, comparison.map.sigma).logpdf(y).sum()
    check_entry(entry(comparison, "negative log-likelihood"), at_map, nll)


def test_ledger_of_sigma(ridge_comparison: Comparison, lasso_comparison: Comparison) -> None:
    check_entry(entry(ridge_comparison, "σ"), ridge_comparison.map.sigma, ridge_comparison.posterior.draws("sigma"))
    assert not lasso_comparison.ledger["quantity"].str.startswith("σ").any()


def test_ledger_of_the_largest_disagreement(comparison: Comparison) -> None:
    name = comparison.coefficients["disagreement"].abs().idxmax()
    row = entry(comparison, f"β of '{name}'")
    check_entry(row, comparison.coefficients.loc[name, "map"], one_column(comparison, name))


def test_ledger_without_the_log_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posterior, "LOG_LIKELIHOOD_CELLS", 0)
    c = compare(ridge(), draws=200)
    assert not c.ledger["quantity"].str.startswith("negative").any()
    assert "nats" in c.summary()


# -- what can be asked for ---------------------------------------------------------------------------------------------


def test_epsilon_is_one_number_or_one_a_column() -> None:
    scalar = compare(ridge(), draws=200, epsilon=0.2).coefficients
    assert (scalar["epsilon"] == 0.2).all()
    vector = compare(ridge(), draws=200, epsilon=np.array([0.0, 0.2, np.finfo(float).max])).coefficients
    assert vector["p_small"].tolist() == [0.0, scalar.loc["bmi", "p_small"], 1.0]


@pytest.mark.parametrize("epsilon", [-0.1, np.nan, np.inf, [0.1, -1.0, 0.1], [0.1, 0.2], "wide"])
def test_epsilon_must_be_a_size(epsilon: object) -> None:
    with pytest.raises(ParameterError, match="epsilon must be one number >= 0, one for each of the 3 columns, or a m"):
        compare(ridge(), draws=10, epsilon=epsilon)  # type: ignore[arg-type]


def test_epsilon_by_name_and_in_the_datas_units() -> None:
    plain = compare(ridge(), draws=200).coefficients
    named = compare(ridge(), draws=200, epsilon={"bmi": 0.5}).coefficients
    assert named["epsilon"].tolist() == [plain["epsilon"].iloc[0], 0.5, plain["epsilon"].iloc[2]]
    sd = data()[0].std(axis=0)
    np.testing.assert_allclose(named["epsilon_raw"] * sd, named["epsilon"])
    raw = compare(ridge(), draws=200, epsilon_raw={"bmi": 0.5 / sd[1], "age": 1.0}).coefficients
    np.testing.assert_allclose(raw["epsilon"], [sd[0], 0.5, plain["epsilon"].iloc[2]])
    assert (compare(ridge(), draws=200, epsilon_raw=2.0).coefficients["epsilon_raw"] == 2.0).all()
    with pytest.raises(ParameterError, match="epsilon and epsilon_raw are the same number in two units"):
        compare(ridge(), epsilon=1.0, epsilon_raw=1.0)
    with pytest.raises(ParameterError, match="epsilon_raw names 'BMI', which is no column"):
        compare(ridge(), epsilon_raw={"BMI": 1.0})


@pytest.mark.parametrize("interval", [0, 1, 95, -0.5, float("nan"), "wide"])
def test_intervals_are_shares(interval: object) -> None:
    with pytest.raises(ParameterError, match="interval must be a number between 0 and 1"):
        compare(ridge(), interval=interval)  # type: ignore[arg-type]


def test_intervals_are_nested() -> None:
    half, most = (compare(ridge(), draws=300, interval=share) for share in (0.5, 0.99))
    np.testing.assert_array_equal(half.coefficients["lower"], half.coefficients["lower50"])
    assert (half.coefficients["lower"] > most.coefficients["lower"]).all()
    assert (half.coefficients["upper"] < most.coefficients["upper"]).all()
    assert "99 % interval" in str(most)


@pytest.mark.parametrize(("draws", "chains"), [(1, 1), (1, 2), (2, 1), (2, 2), (5, 1)])
def test_next_to_no_draws_give_a_table_and_no_conclusion(
    draws: int, chains: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for c in (compare(ridge(), draws=draws, chains=chains), compare_lasso(monkeypatch, draws=draws, chains=chains)):
        assert not c.passed
        assert np.isfinite(c.coefficients["mean"]).all()
        assert "WITHHELD" in c.summary()
        c.to_json()


def test_the_same_seed_gives_the_same_table() -> None:
    first, second, other = (compare(ridge(), draws=100, seed=seed).coefficients for seed in (3, 3, 4))
    pd.testing.assert_frame_equal(first, second, check_exact=True)
    assert (other["mean"] != first["mean"]).all()


def test_a_problem_told_in_other_units_has_the_same_table_in_them() -> None:
    X, y = data()
    options = {"prior": Gaussian(0.3), "likelihood": GaussianNoise(1.0), "names": NAMES}
    metres = compare(Problem.from_arrays(X, y, **options), draws=100).coefficients
    feet = compare(Problem.from_arrays(X * 3.2808, y, **options), draws=100).coefficients
    pd.testing.assert_series_equal(feet["map"], metres["map"], rtol=1e-9)
    pd.testing.assert_series_equal(feet["map_raw"], metres["map_raw"] / 3.2808, rtol=1e-9)
    pd.testing.assert_series_equal(feet["sd_raw"], metres["sd_raw"] / 3.2808, rtol=1e-6)
