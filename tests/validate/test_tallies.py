"""Tables of what intervals held, against loops that count the same."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bayesreg.validate.reasons import alike, tallied
from bayesreg.validate.tallies import Ends, by_column, jeffreys_bounds, over_columns, reasons
from bayesreg.validate.truths import Truths


@pytest.fixture(scope="module")
def made():
    """Twelve replications of two truths of three columns, one without intervals, and their truths."""
    rng = np.random.default_rng(4)
    lower = rng.normal(size=(12, 2, 3)) - 1
    lower[3, 1] = np.nan
    upper = lower + rng.choice([0.0, 1.5], size=lower.shape)
    ends = Ends(lower, upper, (lower + upper) / 2, np.sign(lower))
    beta = np.array([[0.0, 0.0, 0.0], [-0.7, 0.3, 0.0]])
    signal = np.array([[0.0, 0.0, 0.0], [2.0, 1.0, 0.0]])
    return ends, Truths(np.array([0.0, 1.0]), beta, signal, signal / 3, alone=False)


def test_the_table_counts_what_a_loop_counts(made):
    ends, truths = made
    table = by_column({"m": ends}, truths, ["a", "b", "c"]).set_index(["factor", "column"])
    parts = np.stack([ends.lower, ends.upper, ends.side], axis=-1)
    for g, factor in enumerate((0.0, 1.0)):
        for j, column in enumerate("abc"):
            row, beta = table.loc[(factor, column)], truths.beta[g, j]
            each = [(low, high, side) for low, high, side in parts[:, g, j] if np.isfinite(low)]
            n = len(each)
            assert row["replications"] == n == (12 if g == 0 else 11)
            held = sum(low <= beta <= high for low, high, _ in each) / n
            assert row["coverage"] == pytest.approx(held)
            assert row["mcse"] == pytest.approx(np.sqrt(held * (1 - held) / n))
            wrong = sum((low > 0 and beta < 0) or (high < 0 and beta > 0) for low, high, _ in each) / n
            assert row["sign_error"] == pytest.approx(wrong)
            assert row["wrong_point"] == pytest.approx(sum(side * beta < 0 for *_, side in each) / n)
            assert row["excludes_zero"] == pytest.approx(sum(low > 0 or high < 0 for low, high, _ in each) / n)
            assert row["zero_width"] == pytest.approx(sum(low == high for low, high, _ in each) / n)
            assert row["width"] == pytest.approx(np.mean([high - low for low, high, _ in each]))
            assert row["bias"] == pytest.approx(np.mean([(low + high) / 2 for low, high, _ in each]) - beta)
    assert table["sign_error"].max() > 0


def test_a_share_of_none_or_all_has_bounds_too():
    lower, upper = jeffreys_bounds(np.array([0.0, 0.5, 1.0]), np.array([20, 20, 20]))
    np.testing.assert_allclose(lower, [0, stats.beta.ppf(0.025, 10.5, 10.5), stats.beta.ppf(0.025, 20.5, 0.5)])
    np.testing.assert_allclose(upper, [stats.beta.ppf(0.975, 0.5, 20.5), stats.beta.ppf(0.975, 10.5, 10.5), 1])
    assert np.isnan(jeffreys_bounds(np.nan, 0)).all()


def test_one_column_on_average_is_that_column(made):
    ends, truths = made
    table = by_column({"m": ends}, truths, ["a", "b", "c"])
    curve = over_columns({"m": ends}, truths, np.array([1]))
    for name in ("signal", "ratio", "coverage", "mcse", "lower", "upper", "sign_error", "replications"):
        np.testing.assert_allclose(curve[name], table.loc[table["column"] == "b", name])


def test_errors_of_an_average_allow_for_columns_that_go_together(made):
    ends, truths = made
    twice = Ends(*(np.repeat(part[:, :, :1], 2, axis=2) for part in (ends.lower, ends.upper, ends.point, ends.side)))
    beta, signal = truths.beta[:, [0, 0]], truths.signal[:, [0, 0]]
    copies = over_columns({"m": twice}, replace(truths, beta=beta, signal=signal, ratio=signal), np.array([0, 1]))
    alone = over_columns({"m": ends}, truths, np.array([0]))
    np.testing.assert_allclose(
        copies[["coverage", "mcse", "lower", "upper"]], alone[["coverage", "mcse", "lower", "upper"]]
    )


def test_reasons_are_the_same_where_they_begin_the_same():
    records = [
        {"points": [{"failed": {"m": f"no mode: {i}"}}, {"failed": {} if i else {"m": "other"}}]} for i in range(3)
    ]
    table = reasons(records, np.array([0.5, 2.0]))
    assert table.to_numpy().tolist() == [["m", 0.5, "no mode: 0", 3], ["m", 2.0, "other", 1]]


def test_reasons_that_differ_in_numbers_are_counted_together():
    given = ["Refused: a variance of 0.89 nats", "Refused: a variance of 1.05 nats", "Refused: k-hat = 1e-3"]
    assert tallied(given) == {"Refused: a variance of 0.89 nats": 2, "Refused: k-hat = 1e-3": 1}
    assert alike("at -1.5e+10, 2") == alike("at 7, 33") != alike("at 7")
