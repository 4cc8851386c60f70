import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import information


def rows_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def bars_of(ax):
    """Name -> (bits, label of its colour)."""
    names = rows_of(ax)
    return {
        names[round(patch.get_y() + patch.get_height() / 2)]: (patch.get_width(), container.get_label())
        for container in ax.containers for patch in container.patches
    }  # fmt: skip


@pytest.fixture
def told(lasso):
    """A comparison with made-up bits."""
    lasso.coefficients["bits"] = [0.2, 3.0, 0.7, 0.52, 1.5, 0.1]
    lasso.coefficients["bits_mcse"] = [0.02, 0.05, 0.03, 0.02, 0.04, 0.01]
    return lasso


def test_bars_are_the_bits_most_first(told):
    ax = information(told)
    bits = told.coefficients["bits"].sort_values(ascending=False)
    assert rows_of(ax) == list(bits.index)
    assert {name: value for name, (value, _) in bars_of(ax).items()} == pytest.approx(bits.to_dict())


def test_where_the_map_is_zero_the_bar_says_so(told):
    zero = told.coefficients["zero"]
    assert 0 < zero.sum() < 6
    found = {name: label == "MAP exactly 0" for name, (_, label) in bars_of(information(told)).items()}
    assert found == zero.to_dict()


def test_errors_are_two_monte_carlo_errors_each_way(told, drawn):
    ax = information(told)
    segments = np.array(drawn(ax, "± 2 Monte Carlo errors").get_segments())
    table = told.coefficients.loc[rows_of(ax)]
    np.testing.assert_allclose(segments[:, 0, 0], table["bits"] - 2 * table["bits_mcse"])
    np.testing.assert_allclose(segments[:, 1, 0], table["bits"] + 2 * table["bits_mcse"])
    np.testing.assert_allclose(segments[:, :, 1], np.arange(6)[:, None] * [1, 1])


def test_the_claim_counts_those_below_half_a_bit(told, written):
    said = written(information(told).figure).replace("\n", " ")
    assert "The data told less than half a bit about 2 of 6 coefficients" in said
    assert "Most: x1, 3 bits; least: x5, 0.1; 1 within Monte Carlo error of half a bit." in said
    told.coefficients["bits"] += 1.0
    said = written(information(told).figure).replace("\n", " ")
    assert "The data told more than half a bit about every coefficient" in said
    assert "within Monte Carlo error" not in said


def test_what_has_no_proper_prior_is_left_out_and_said(told, written):
    told.coefficients.loc[["x0", "x5"], ["bits", "bits_mcse"]] = np.nan
    ax = information(told)
    assert set(rows_of(ax)) == {"x1", "x2", "x3", "x4"}
    said = written(ax.figure).replace("\n", " ")
    assert "2 of 6 have no proper prior to gain over." in said
    assert "about each of 4 coefficients" in said
    assert "every coefficient" not in said


def test_no_proper_prior_at_all(told, written):
    told.coefficients[["bits", "bits_mcse"]] = np.nan
    ax = information(told)
    assert not ax.patches
    said = written(ax.figure).replace("\n", " ")
    assert "There is no coefficient whose information over its prior has a number" in said
    assert "6 of 6 have no proper prior to gain over." in said


def test_endless_bits_of_equal_draws_are_not_drawn(told, written):
    told.coefficients.loc["x1", "bits"] = np.inf
    told.coefficients.loc["x1", "bits_mcse"] = np.nan
    ax = information(told)
    assert "x1" not in rows_of(ax)
    assert np.isfinite(ax.get_xlim()).all()
    said = written(ax.figure).replace("\n", " ")
    assert "of 1 of 6 too many draws are equal to tell." in said
    assert "no proper prior" not in said


def test_what_is_left_out_is_counted(told, written):
    ax = information(told, most=2)
    assert rows_of(ax) == ["x1", "x4"]
    assert "shown: 2, 4 left out" in written(ax.figure).replace("\n", " ")


@pytest.mark.parametrize("given", [False, True])
def test_nothing_is_drawn_when_a_check_failed(failed, written, given):
    failed.coefficients["bits"] = failed.coefficients["bits_mcse"] = 1.0
    axes = plt.figure(figsize=(6, 4), layout="constrained").add_subplot() if given else None
    ax = information(failed, ax=axes)
    assert not ax.patches
    assert not ax.collections
    said = written(ax.figure).replace("\n", " ")
    assert "No conclusion: a check failed" in said
    assert "R-hat is 1.08 (limit 1.01)" in said
    assert "x1" not in said


def test_given_axes_are_used_and_no_figure_is_made(told, written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    assert information(told, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    assert "about 2 of 6 coefficients" in written(figure).replace("\n", " ")


def test_what_cannot_be_drawn_is_refused(told):
    with pytest.raises(br.ParameterError, match="most"):
        information(told, most=0)
    assert not plt.get_fignums()


def test_of_a_real_comparison(real, written):
    ax = information(real)
    found = {name: value for name, (value, _) in bars_of(ax).items()}
    assert found == pytest.approx(real.coefficients["bits"].to_dict())
    few = (real.coefficients["bits"] < 0.5).sum()
    assert f"less than half a bit about {few} of 5 coefficients" in written(ax.figure).replace("\n", " ")


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("p", [1, 10, 40])
def test_nothing_is_cut_off_at_either_width(make, written, width, p):
    names = [f"cost_in_$_<b>{'and_more_' * (j % 4)}$_{j}" for j in range(p)]
    comparison = make(br.Laplace(scale=0.05), p=p, names=names)
    comparison.coefficients["bits"] = np.linspace(-0.01, 5, p)
    comparison.coefficients["bits_mcse"] = 0.03
    ax = information(comparison, width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)
    assert len(set(rows_of(ax))) == min(p, 30)
