from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg.plots import tradeoffs


def pair_of(ax):
    return ax.get_xlabel(), ax.get_ylabel()


def bands_of(ax):
    """Ends of the vertical and the horizontal band."""
    first, second = (patch.get_bbox() for patch in ax.patches)
    return (first.x0, first.x1), (second.y0, second.y1)


def untraded(comparison):
    """The same without a pair that trades off."""
    return replace(comparison.tradeoffs, table=comparison.tradeoffs.table.iloc[:0], count=0)


def renamed(comparison, names):
    """What the picture reads, its columns under other names."""
    new = dict(zip(comparison.problem.names, names, strict=True))
    table = comparison.tradeoffs.table.replace({"kept": new, "dropped": new})
    return {
        "problem": SimpleNamespace(names=list(names), p=len(names), prior=comparison.problem.prior),
        "tradeoffs": replace(comparison.tradeoffs, table=table),
        "coefficients": comparison.coefficients.rename(index=new),
        "correlations": comparison.correlations.rename(index=new, columns=new),
    }


def test_the_pairs_are_those_of_the_table_in_its_order(real):
    table = real.tradeoffs.table
    assert len(table) == 3
    expected = list(zip(table["kept"], table["dropped"], strict=True))
    assert [pair_of(ax) for ax in tradeoffs(real)] == expected
    assert [pair_of(ax) for ax in tradeoffs(real, most=2)] == expected[:2]


def test_draws_and_the_map_stand_at_the_numbers(real, drawn):
    for ax in tradeoffs(real):
        places = [real.problem.names.index(name) for name in pair_of(ax)]
        every = real.posterior.beta[..., places].reshape(-1, 2)
        shown = np.column_stack(drawn(ax, "posterior draws").get_data())
        assert 300 <= len(shown) <= 400
        assert len(np.unique(shown, axis=0)) == len(shown)
        assert {tuple(row) for row in shown} <= {tuple(row) for row in every}
        np.testing.assert_allclose(shown.mean(axis=0), every.mean(axis=0), atol=5 * every.std(axis=0).max() / 20)
        mode = np.ravel(drawn(ax, "MAP").get_data())
        np.testing.assert_array_equal(mode, real.coefficients["map"].iloc[places])
        assert mode[1] == 0.0


def test_small_effects_and_zero_are_marked(real):
    for ax in tradeoffs(real):
        epsilon = real.coefficients["epsilon"].loc[list(pair_of(ax))].to_numpy()
        np.testing.assert_allclose(bands_of(ax), np.outer(epsilon, [-1, 1]))
        assert {tuple(np.ravel(line.get_xdata())) for line in ax.lines} >= {(0.0, 0.0), (0, 1)}


def test_small_is_about_the_location_of_the_prior(make, but, written):
    located = make(br.Laplace(scale=0.1, loc=0.4), p=5).problem
    ax = tradeoffs(but(problem=located))[0]
    (low, high), _ = bands_of(ax)
    assert (low + high) / 2 == pytest.approx(0.4)
    said = written(ax.figure).replace("\n", " ")
    assert "within ±ε of the prior's location" in said
    assert "(distances from the prior's location)" in said


def test_a_wide_band_does_not_hide_the_draws(but, real):
    table = real.coefficients.assign(epsilon=1000.0)
    for ax in tradeoffs(but(coefficients=table)):
        draws = real.posterior.beta[..., real.problem.names.index(pair_of(ax)[0])]
        assert np.ptp(ax.get_xlim()) < 4 * max(np.ptp(draws), np.abs(draws).max())


def test_panels_say_their_correlation(real):
    for ax in tradeoffs(real):
        together = real.correlations.loc[pair_of(ax)]
        said = ax.texts[0].get_text().replace("−", "-")
        assert said == f"correlation {together:.2g}"


def test_the_claim_names_the_most_traded_pair(real, written):
    row = real.tradeoffs.table.iloc[0]
    said = written(tradeoffs(real)[0].figure).replace("\n", " ")
    assert f"The MAP keeps {row['kept']} and drops {row['dropped']}; the posterior cannot tell" in said
    assert f"P(|{row['kept']}| is the larger) is {100 * row['p_larger']:.0f} %; there are 3 such pairs." in said
    assert "2 of 3 such pairs are shown" in written(tradeoffs(real, most=2)[0].figure).replace("\n", " ")


def test_without_such_a_pair_the_most_correlated_are_shown(but, real, written):
    panels = tradeoffs(but(tradeoffs=untraded(real)), most=3)
    size = real.correlations.abs().where(np.triu(np.ones((5, 5), dtype=bool), 1)).stack()
    assert [pair_of(ax) for ax in panels] == list(size.sort_values(ascending=False).index[:3])
    said = written(panels[0].figure).replace("\n", " ")
    assert "In no pair does the MAP decide what the posterior leaves open" in said
    assert "Shown: the 3 most correlated, of 2 kept columns and 3 dropped." in said
    assert "cannot tell" not in said


def test_many_columns_have_no_table_of_all_correlations(but, real, monkeypatch):
    module = import_module("bayesreg.plots.tradeoffs")  # the package's attribute of that name is the function
    monkeypatch.setattr(module, "MOST_COLUMNS", 4)
    monkeypatch.setattr(module, "STRONGEST", 2)
    table = real.coefficients
    strongest = (table["mean"].abs() / table["sd"]).nlargest(2).index
    panels = tradeoffs(but(tradeoffs=untraded(real), correlations=None))
    assert [set(pair_of(ax)) for ax in panels] == [set(strongest)]
    together = real.correlations.loc[tuple(strongest)]
    assert panels[0].texts[0].get_text().replace("−", "-") == f"correlation {together:.2g}"


@pytest.mark.parametrize("given", [False, True])
def test_nothing_of_the_posterior_is_drawn_when_a_check_failed(but, written, given):
    axes = plt.figure(figsize=(8, 4), layout="constrained").subplots(1, 2) if given else None
    bad = but(passed=False, withheld="R-hat is 1.08 (limit 1.01)", tradeoffs=None, correlations=None)
    panels = tradeoffs(bad, axes=axes)
    assert len(panels) == 1
    said = written(panels[0].figure).replace("\n", " ")
    assert "No conclusion: a check failed" in said
    assert "R-hat is 1.08 (limit 1.01)" in said
    assert "correlation" not in said
    assert "posterior draws" not in panels[0].get_legend_handles_labels()[1]
    assert "MAP" in panels[0].get_legend_handles_labels()[1]
    worse = tradeoffs(but(passed=False, withheld="no certificate", optima_withheld="no certificate"))
    assert "MAP" not in worse[0].get_legend_handles_labels()[1]


def test_given_axes_are_used_and_keep_their_correlations(real, written):
    figure, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained")
    assert list(tradeoffs(real, axes=axes[:2])) == list(axes[:2])
    assert plt.get_fignums() == [figure.number]
    assert not axes[2].has_data()
    said = written(figure).replace("\n", " ")
    assert said.count("correlation ") == 2
    assert "the posterior cannot tell" in said


def test_what_cannot_be_drawn_is_refused(real, make):
    with pytest.raises(br.ParameterError, match="most"):
        tradeoffs(real, most=0)
    with pytest.raises(br.ParameterError, match="two columns"):
        tradeoffs(make(br.Laplace(0.1), p=1))
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("count", "width", "across"), [(4, 7.0, 2), (3, 7.0, 3), (5, 7.0, 3), (4, 3.5, 1), (4, 3.9, 2)]
)
def test_rows_of_panels_are_even(but, real, count, width, across):
    table = pd.concat([real.tradeoffs.table] * 2).iloc[:count]
    panels = tradeoffs(but(tradeoffs=replace(real.tradeoffs, table=table, count=count)), most=count, width=width)
    assert panels[0].get_gridspec().ncols == across
    assert len(panels) == count


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("most", [1, 2, 4])
def test_nothing_is_cut_off_at_either_width(but, real, written, width, most):
    names = [f"cost_in_$_<b>{'and_more_' * (2 * j)}$_{j}" for j in range(5)]
    panels = tradeoffs(but(**renamed(real, names)), most=most, width=width)
    assert panels[0].figure.get_figwidth() == width
    written(panels[0].figure)
    assert min(ax.get_window_extent().height for ax in panels) / panels[0].figure.dpi > 0.7
