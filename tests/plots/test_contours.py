from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg.plots import contours
from bayesreg.plots.contours import default_pair
from bayesreg.slices import loss_slice
from tests.registry import PRIORS, STACKED

ALL = {**PRIORS, **STACKED}


def with_tradeoffs(comparison, *pairs):
    comparison.tradeoffs = SimpleNamespace(table=pd.DataFrame(list(pairs), columns=["kept", "dropped"]))
    return comparison


@pytest.fixture
def corner(lasso):
    """A lasso, and a pair of columns of which the second alone is at zero."""
    table = lasso.coefficients
    return with_tradeoffs(lasso), (table.index[~table["zero"]][0], table.index[table["zero"]][0])


def said(ax, written):
    return written(ax.figure).replace("\n", " ")


def test_marks_stand_at_the_numbers(corner, drawn):
    comparison, pair = corner
    ax = contours(comparison, pair)
    plane = loss_slice(comparison.problem, comparison.penalized, pair)
    np.testing.assert_array_equal(np.ravel(drawn(ax, "MAP").get_xydata()), plane.optimum)
    np.testing.assert_array_equal(np.ravel(drawn(ax, "least loss").get_xydata()), plane.least)
    edge = drawn(ax, "equal penalty").get_xydata()
    np.testing.assert_array_equal(edge, np.vstack([plane.level_set, plane.level_set[:1]]))
    assert (ax.get_xlim(), ax.get_ylim()) == plane.limits
    assert (ax.get_xlabel().split(",")[0], ax.get_ylabel()) == pair


def test_contours_are_those_of_the_loss(corner):
    """One goes through the MAP, so that loss and penalty are seen to touch."""
    comparison, pair = corner
    ax = contours(comparison, pair)
    plane = loss_slice(comparison.problem, comparison.penalized, pair)
    (drawn,) = (one for one in ax.collections if hasattr(one, "levels"))
    np.testing.assert_allclose(drawn.levels, sorted([0.69, 3.0, plane.optimum_loss]))
    through = drawn.get_paths()[list(drawn.levels).index(plane.optimum_loss)].vertices
    steps = [plane.x[1] - plane.x[0], plane.y[1] - plane.y[0]]
    assert (np.abs(through - plane.optimum) / steps).max(axis=1).min() < 1


@pytest.mark.parametrize("count", [0, 1, 120, 10_000])
def test_draws_are_of_the_posterior(corner, count):
    comparison, pair = corner
    ax = contours(comparison, pair, draws=count)
    handles, labels = ax.get_legend_handles_labels()
    if not count:
        assert "posterior draws" not in labels
        return
    cloud = handles[labels.index("posterior draws")].get_xydata()
    beta = comparison.posterior.draws("beta")
    places = [comparison.problem.names.index(name) for name in pair]
    every = {tuple(row) for row in beta.reshape(-1, beta.shape[-1])[:, places]}
    assert len(cloud) == min(count, len(every))
    assert {tuple(row) for row in cloud} <= every


def test_the_corner_that_holds_a_coefficient_is_named(corner, written):
    comparison, pair = corner
    row = comparison.coefficients.loc[pair[1]]
    text = said(contours(comparison, pair), written)
    assert f"The corner holds {pair[1]} at exactly 0; {100 * (1 - row['p_small']):.0f} % of its posterior" in text
    assert "is beyond ±0.05" in text
    assert "other coefficients at the MAP" in text
    places = [comparison.problem.names.index(name) for name in pair]
    beta = comparison.posterior.draws("beta").reshape(-1, 6)[:, places]
    assert f"correlation is {np.corrcoef(beta.T)[0, 1]:.2g}".replace("-", "−") in text


def test_both_at_zero_is_said_of_both(lasso, written):
    table = lasso.coefficients
    one, two = table.index[table["zero"]][:2]
    text = said(contours(with_tradeoffs(lasso), (one, two)), written)
    assert f"The penalty holds {one} and {two} at exactly 0" in text
    for name in (one, two):
        assert f"{100 * (1 - table.loc[name, 'p_small']):.0f} %" in text


def test_without_a_corner_the_pull_is_measured(ridge, drawn, written):
    ax = contours(with_tradeoffs(ridge), ("x0", "x1"))
    plane = loss_slice(ridge.problem, ridge.penalized, ("x0", "x1"))
    moves = np.abs(plane.optimum - plane.least) / ridge.coefficients.loc[["x0", "x1"], "sd"]
    text = said(ax, written)
    assert f"The penalty pulls x0 and x1 by {moves.iloc[0]:.2g} and {moves.iloc[1]:.2g} posterior sd" in text
    edge = drawn(ax, "equal penalty").get_xydata()
    np.testing.assert_allclose(np.linalg.norm(edge, axis=1), np.linalg.norm(plane.optimum))


def test_a_loss_without_a_least_point_is_not_given_one(make, written):
    fake = with_tradeoffs(make(br.Gaussian(1.0), p=2))
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2))
    apart = br.Problem.from_arrays(
        X, (X[:, 0] > 0) * 1.0, prior=br.Gaussian(1.0), likelihood=br.BernoulliLogit(), intercept=None
    )
    fake.problem, fake.penalized = apart, br.fit_penalized(apart)
    ax = contours(fake)
    assert "The loss alone has no least point in x0 and x1" in said(ax, written)
    assert "least loss" not in ax.get_legend_handles_labels()[1]


def test_claim_is_withheld_when_a_check_failed(failed, written):
    text = said(contours(failed), written)
    assert "No conclusion: a check failed" in text
    assert "R-hat is 1.08 (limit 1.01)" in text
    assert "corner" not in text
    assert "correlation" not in text


def test_a_penalised_optimum_that_is_not_the_map_is_not_called_so(corner, written):
    comparison, pair = corner
    comparison.coefficients["map"] += 0.5 * comparison.coefficients["sd"]
    ax = contours(comparison, pair)
    assert "penalised optimum" in ax.get_legend_handles_labels()[1]
    assert "MAP" not in said(ax, written)


def test_first_pair_that_trades_off_is_taken(lasso):
    assert default_pair(with_tradeoffs(lasso, ("x4", "x1"), ("x0", "x2"))) == ("x4", "x1")
    table = lasso.coefficients
    strongest = (table["mean"].abs() / table["sd"]).sort_values().index[-2:]
    assert set(default_pair(with_tradeoffs(lasso))) == set(strongest)


def test_without_a_posterior_to_trust_the_trade_offs_are_not_asked(failed):
    assert len(set(default_pair(failed))) == 2
    assert not hasattr(failed, "tradeoffs")


def test_a_plane_at_hand_is_drawn_as_it_is(corner, drawn):
    comparison, pair = corner
    plane = loss_slice(comparison.problem, comparison.penalized, pair, limits=((-1, 3), (-2, 2)), size=21)
    ax = contours(comparison, plane=plane)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 3), (-2, 2))
    assert contours(comparison, pair, plane=plane) is not ax
    np.testing.assert_array_equal(np.ravel(drawn(ax, "MAP").get_xydata()), plane.optimum)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
def test_nothing_is_cut_off_at_either_width(make, written, width):
    names = ["cost_in_$_and_more_and_more_and_more_$", "<script>alert(1)</script>_of_a_long_name", "x"]
    comparison = with_tradeoffs(make(br.Laplace(0.05), p=3, names=names), (names[0], names[1]))
    ax = contours(comparison, width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)


@pytest.mark.parametrize("name", [*ALL])
def test_every_prior_is_drawn(make, written, name):
    comparison = with_tradeoffs(make(ALL[name](3), p=3), ("x0", "x2"))
    ax = contours(comparison, width=3.8)
    written(ax.figure)
    plane = loss_slice(comparison.problem, comparison.penalized, ("x0", "x2"))
    assert ("equal penalty" in ax.get_legend_handles_labels()[1]) == (plane.level_set is not None)


def test_given_axes_are_used_and_no_figure_is_made(corner, written):
    comparison, pair = corner
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
    assert contours(comparison, pair, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    assert "The corner holds" in written(figure)


@pytest.mark.parametrize(
    ("given", "message"),
    [({"pair": ("x0", "x9")}, "x9"), ({"draws": -1}, "draws"), ({"pair": ("x0", "x0")}, "different")],
)
def test_what_cannot_be_drawn_is_refused(lasso, given, message):
    with pytest.raises(br.ParameterError, match=message):
        contours(with_tradeoffs(lasso), **given)
    assert not plt.get_fignums()


def test_one_column_has_no_plane(make):
    with pytest.raises(br.ParameterError, match="two columns"):
        contours(with_tradeoffs(make(br.Laplace(0.05), p=1)))


def test_a_plane_of_other_columns_is_refused(corner):
    comparison, pair = corner
    plane = loss_slice(comparison.problem, comparison.penalized, pair, size=3)
    with pytest.raises(br.ParameterError, match="leave one of them out"):
        contours(comparison, pair[::-1], plane=plane)


def test_a_real_comparison_is_drawn(written):
    data = br.load_dataset("diabetes")
    problem = br.Problem.from_arrays(data.X, data.y, prior=br.Laplace(8.0))
    comparison = br.compare(problem, draws=500, seed=0)
    ax = contours(comparison)
    first = comparison.tradeoffs.table.iloc[0]
    assert ax.get_ylabel() == first["dropped"]
    written(ax.figure)
