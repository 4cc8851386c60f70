import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg.discard import normal_means
from bayesreg.plots import coverage


@pytest.fixture(scope="module")
def lasso():
    return normal_means(br.Laplace(0.5))


def simulated(seed=0):
    rng = np.random.default_rng(seed)
    signal = np.repeat(np.linspace(0, 5, 6), 2)
    value = np.clip(0.95 - 0.05 * signal + 0.002 * rng.normal(size=12), 0, 1)
    return pd.DataFrame({"signal": signal, "coverage": value, "mcse": 0.004, "method": ["a", "b $x"] * 6})


def test_lines_stand_at_the_numbers(lasso, drawn):
    ax = coverage(lasso)
    table = lasso.coverage()
    line = drawn(ax, "posterior interval")
    np.testing.assert_allclose(line.get_xdata(), table["signal"])
    np.testing.assert_allclose(line.get_ydata(), table["coverage"])
    np.testing.assert_allclose(drawn(ax, "promised, 95\u00a0%").get_ydata(), 0.95)


def test_a_table_is_drawn_by_method_with_its_errors(drawn):
    table = simulated()
    ax = coverage(table)
    for name, rows in table.groupby("method"):
        np.testing.assert_allclose(drawn(ax, name).get_ydata(), rows["coverage"])
    bars = np.array(ax.collections[0].get_segments())
    rows = table[table["method"] == "a"]
    np.testing.assert_allclose(bars[:, :, 1], np.stack([rows["coverage"] - 0.008, rows["coverage"] + 0.008], axis=1))


@pytest.fixture(scope="module")
def fixed():
    """Simulated coverage of a ridge with known sigma: posterior and Laplace intervals."""
    rng = np.random.default_rng(0)
    problem = br.Problem.from_arrays(
        rng.normal(size=(30, 2)), rng.normal(size=30), likelihood=br.GaussianNoise(sigma=1.0), prior=br.Gaussian(0.1)
    )
    return br.validate.coverage(problem, [0.5, 0.3], signals=[0, 1, 2], level=0.9, replications=20, workers=1)


def test_a_simulated_coverage_is_drawn_by_method_with_its_bounds(fixed, drawn, written):
    ax = coverage(fixed)
    for k, name in enumerate(["posterior intervals", "Laplace at the MAP"]):
        rows = fixed.curve()[fixed.curve()["method"] == fixed.methods[k]]
        np.testing.assert_allclose(drawn(ax, name).get_xdata(), rows["signal"])
        np.testing.assert_allclose(drawn(ax, name).get_ydata(), rows["coverage"])
        np.testing.assert_allclose(np.array(ax.collections[k].get_segments())[:, :, 1], rows[["lower", "upper"]])
    assert ax.get_ylim()[0] <= fixed.curve()["lower"].min()
    np.testing.assert_allclose(drawn(ax, "promised, 90\u00a0%").get_ydata(), 0.9)
    said = written(ax.figure).replace("\n", " ")
    assert "falls to" in said
    assert "bars 95 % bounds, Monte Carlo error at most" in said


def test_one_column_of_it_and_several_by_name_can_be_drawn(fixed, drawn):
    table = fixed.table[(fixed.table["column"] == "x1") & (fixed.table["method"] == "laplace")]
    np.testing.assert_allclose(drawn(coverage(fixed.curve("x1"), level=0.9), "laplace").get_ydata(), table["coverage"])
    exact = normal_means(br.Gaussian(0.1), se=0.2, level=0.9)
    ax = coverage({"simulated": fixed, "alone": exact})
    labels = ax.get_legend_handles_labels()[1]
    assert {"simulated, posterior intervals", "simulated, Laplace at the MAP", "alone"} < set(labels)
    with pytest.raises(br.ParameterError, match=r"different levels \(0\.9, 0\.95\)"):
        coverage({"simulated": fixed, "alone": normal_means(br.Gaussian(0.1))})


@pytest.mark.parametrize("width", [3.5, 3.9, 7.0])
def test_the_worst_is_named(lasso, written, width):
    both = {"Laplace $0.5$": lasso, "wide": normal_means(br.Laplace(20.0))}
    said = written(coverage(both, width=width).figure).replace("\n", " ")
    table = lasso.coverage()
    least = f"{100 * table['coverage'].min():.0f}"
    first = table.loc[[f"{100 * share:.0f}" == least for share in table["coverage"]], "signal"].iloc[0]
    assert first < 6  # it stays there
    assert f"Coverage of Laplace $0.5$ falls to {least} % where the effect is {first:.2g} standard" in said
    assert "here at each true effect by itself." in said


def test_no_coverage_at_all_is_said_where_it_begins(written):
    ridge = normal_means(br.Gaussian(0.5))
    table = ridge.coverage()
    first = table.loc[table["coverage"] < 0.01, "signal"].iloc[0]
    said = written(coverage(ridge).figure).replace("\n", " ")
    assert f"Coverage falls to under 1 % where the effect is {first:.2g} standard errors" in said


def test_what_was_not_measured_is_left_out(drawn, written):
    ax = coverage(pd.DataFrame({"signal": [0.0, 1.0, 2.0], "coverage": [0.95, np.nan, 0.8]}))
    np.testing.assert_array_equal(drawn(ax, "intervals").get_xdata(), [0.0, 2.0])
    assert "falls to 80 % where the effect is 2 standard errors" in written(ax.figure)


@pytest.mark.parametrize("width", [3.5, 7.0])
def test_the_axis_goes_to_all_of_them(lasso, width):
    ax = coverage(lasso, width=width)
    assert [label.get_text() for label in ax.get_yticklabels()][-1] == "100"


def test_a_promise_that_is_held_is_called_so(written):
    said = written(coverage(normal_means(br.Flat())).figure).replace("\n", " ")
    assert "hold their promise at every size: 95 % at least" in said


def test_given_axes_are_used(lasso, written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    assert coverage(lasso, ax=axes[0]) is axes[0]
    written(figure)


@pytest.mark.parametrize(
    ("source", "said"),
    [(pd.DataFrame({"signal": [1.0]}), "no column 'coverage'"), ({}, "no row"), (3, "takes a DataFrame"),
     (pd.DataFrame({"signal": [], "coverage": []}), "no row"),
     (pd.DataFrame({"signal": [1.0], "coverage": [np.nan]}), "no row")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(source, said):
    with pytest.raises(br.ParameterError, match=said):
        coverage(source)


def test_what_is_promised_is_what_the_intervals_are_of(written, drawn):
    ax = coverage(normal_means(br.Laplace(0.5), level=0.8))
    np.testing.assert_allclose(drawn(ax, "promised, 80\u00a0%").get_ydata(), 0.8)
    assert "Promised: 80 %" in written(ax.figure)
    with pytest.raises(br.ParameterError, match=r"different levels \(0\.8, 0\.95\)"):
        coverage({"a": normal_means(br.Laplace(0.5), level=0.8), "b": normal_means(br.Laplace(0.5))})


@pytest.mark.parametrize(
    ("values", "said"),
    [([0.9449, 0.9351, 0.96], "falls to 94 %"), ([0.9545, 0.9454, 0.96], "hold their promise at every size: 94.5 %")],
)
def test_the_least_is_the_least(values, said, written):
    table = pd.DataFrame({"signal": [0.0, 1.0, 2.0], "coverage": values, "mcse": np.nan})
    text = written(coverage(table).figure).replace("\n", " ")
    assert said in text
    assert "nan" not in text
