import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import penalty
from tests.registry import PRIORS, STACKED

ALL = {**PRIORS, **STACKED}


def line(ax, label):
    """The one line of the axes that is called so."""
    (found,) = (one for one in ax.lines if one.get_label() == label)
    return found


def label_of(ax):
    return ax.get_legend_handles_labels()[1][0]


def slice_of(prior, p, column, grid):
    beta = np.tile(prior.location(p), (grid.size, 1))
    beta[:, column] = grid
    return beta


@pytest.mark.parametrize("name", [*ALL])
@pytest.mark.parametrize("column", [0, 2])
def test_lines_are_the_penalty_and_its_gradient(name, column):
    """The gradient against finite differences of the penalty, wherever it has one."""
    prior = ALL[name](3)
    problem = br.Problem.from_arrays(np.eye(5, 3), np.arange(5.0), prior=prior, standardize=False, intercept=None)
    left, right = penalty(problem, column=column)
    label = label_of(left)
    grid, value = line(left, label).get_data()
    np.testing.assert_allclose(value, prior.penalty(slice_of(prior, 3, column, grid)), rtol=1e-12, atol=1e-12)
    grid, gradient = line(right, label).get_data()
    location = prior.location(3)[column]
    step = 1e-6 * (grid[-1] - grid[0])
    away = np.abs(grid - location) > 100 * step
    ends = [prior.penalty(slice_of(prior, 3, column, grid[away] + sign * step)) for sign in (1, -1)]
    np.testing.assert_allclose(gradient[away], (ends[0] - ends[1]) / (2 * step), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("prior", "rate"),
    [(br.Laplace(0.5), 2.0), (br.ElasticNet(0.7, 0.375), 0.7), (br.Laplace(0.25, loc=0.8), 4.0),
     (br.GroupLaplace([0], 0.5), 2.0)],
)  # fmt: skip
def test_the_jump_is_a_gap_and_the_subdifferential_a_segment(prior, rate):
    left, right = penalty(prior)
    label, here = label_of(left), float(prior.location(1)[0])
    grid, gradient = line(right, label).get_data()
    assert np.isnan(gradient[grid == here]).all()
    assert (grid == here).sum() == 1
    segment = line(right, f"{label}, at its kink")
    np.testing.assert_allclose(segment.get_xdata(), here)
    np.testing.assert_allclose(segment.get_ydata(), [-rate, rate])


@pytest.mark.parametrize("prior", [br.Gaussian(0.5), br.Bridge(1.0, 1.5), br.Bridge(1.0, 0.5), br.Flat()])
def test_without_a_bounded_jump_there_is_no_segment(prior):
    _, right = penalty(prior)
    assert not any("kink" in one.get_label() for one in right.lines)


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        (br.Laplace(0.5), "The pull is the same at any size\nAt 0 the pull is anything from −2 to 2: that holds"),
        (br.Gaussian(0.5), "The pull grows in proportion to the size\n"),
        (br.Bridge(1.0, 1.5), "The pull grows with the size\n"),
        (br.Bridge(1.0, 0.5), "The pull weakens with the size\nAt 0 the pull is without bound: that holds"),
        (br.Bridge(0.5, 2.0), "The pull grows in proportion to the size\n"),
        (br.ElasticNet(0.7, 0.375), "The pull grows with the size\nAt 0 the pull is anything from −0.7 to 0.7"),
        (br.Flat(), "The pull is zero: nothing is penalised\n"),
        (br.Laplace(0.5, loc=0.8), "The pull is the same at any distance from 0.8\nAt 0.8 the pull is anything"),
    ],
)
def test_claim_is_what_the_pull_does(prior, said, written):
    text = written(penalty(prior)[0].figure)
    assert said in text
    assert ("holds a coefficient there" in text) == ("At 0" in said)


@pytest.mark.parametrize("limits", [(-3.0, -1.0), (1.0, 2.0), (-1.0, 10.0)])
def test_claim_holds_wherever_one_looks(limits, written):
    axes = penalty(br.Laplace(0.5), limits=limits)
    assert "The pull is the same at any size" in written(axes[0].figure)
    for ax in axes:
        np.testing.assert_allclose(ax.get_xlim(), limits)
    assert "in proportion" in written(penalty(br.Gaussian(0.5), limits=limits)[0].figure)


def test_several_are_told_apart(written):
    axes = penalty(br.Laplace(0.5), br.Gaussian(1.0), br.GroupLaplace([0], 1.0))
    text = written(axes[0].figure).replace("\n", " ")
    assert "Laplace's and GroupLaplace's pull is the same at any size; Gaussian's grows in proportion" in text
    assert "hold a coefficient there: −2 to 2 of Laplace, −1 to 1 of GroupLaplace." in text
    twice = written(penalty(br.Laplace(0.5), br.Laplace(2.0))[0].figure).replace("\n", " ")
    assert "Laplace(scale 0.5)'s and Laplace(scale 2)'s pull is the same at any size" in twice
    colours = [line(axes[1], label).get_color() for label in axes[0].get_legend_handles_labels()[1]]
    assert len(set(colours)) == 3


def test_the_narrowest_sets_the_axis():
    axes = penalty(br.Gaussian(1.0), br.Gaussian(100.0, loc=2.0))
    assert axes[0].get_xlim() == (-4.0, 6.0)


def test_a_cusp_does_not_set_the_height():
    _, right = penalty(br.Bridge(1.0, 0.5))
    gradient = line(right, "Bridge(rate 1, power 0.5)").get_ydata()
    assert right.get_ylim()[1] < 0.6 * np.nanmax(gradient)


def test_a_column_is_meant_by_name_and_by_place():
    scales = np.array([0.5, 2.0, 0.25])
    problem = br.Problem.from_arrays(
        np.eye(5, 3), np.arange(5.0), prior={"b": br.Laplace(0.25), "*": br.Gaussian(2.0)}, names=["a", "b", "$c"],
        standardize=False, intercept=None,
    )  # fmt: skip
    assert label_of(penalty(problem, column="b")[0]) == "Laplace(scale 0.25)"
    assert label_of(penalty(problem, column=2)[0]) == "Gaussian(scale 2)"
    _, right = penalty(br.Laplace(scales), column=2)
    assert max(line(right, f"{label_of(_)}, at its kink").get_ydata()) == 4.0


def test_a_scale_in_units_of_the_noise_is_read_at_the_maps():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 2)), rng.normal(size=40)
    problem = br.Problem.from_arrays(X, y, prior=br.Laplace(0.5), scale_by_noise=True)
    comparison = br.compare(problem, draws=200, seed=0)
    left, right = penalty(comparison)
    rate = line(right, f"{label_of(left)}, at its kink").get_ydata()[1]
    assert rate == pytest.approx(1 / (0.5 * comparison.map.sigma))


def test_an_unknown_noise_scale_is_said(written):
    problem = br.Problem.from_arrays(np.eye(5, 3), np.arange(5.0), prior=br.Laplace(0.5), scale_by_noise=True)
    left, right = penalty(problem)
    assert line(right, f"{label_of(left)}, at its kink").get_ydata()[1] == 2.0
    assert "is taken as 1." in written(left.figure).replace("\n", " ")
    known = br.Problem.from_arrays(
        np.eye(5, 3), np.arange(5.0), prior=br.Laplace(0.5), scale_by_noise=True, likelihood=br.GaussianNoise(2.0)
    )
    left, right = penalty(known)
    assert line(right, f"{label_of(left)}, at its kink").get_ydata()[1] == 1.0
    assert "taken as 1" not in written(left.figure)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize(
    "priors", [["laplace"], ["laplace", "gaussian"], ["laplace", "gaussian", "bridge-0.5", "elastic-net", "flat"]]
)
def test_nothing_is_cut_off_at_either_width(priors, width, written):
    axes = penalty(*(PRIORS[name](1) for name in priors), width=width)
    assert axes[0].figure.get_figwidth() == width
    written(axes[0].figure)


def test_given_axes_are_used_and_no_figure_is_made(written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    found = penalty(br.Laplace(0.5), axes=axes)
    assert list(found) == list(axes)
    assert plt.get_fignums() == [figure.number]
    assert "same at any size" in written(figure)


@pytest.mark.parametrize(
    ("what", "given", "said"),
    [
        ([], {}, "at least one"),
        ([3.0], {}, "takes priors, problems and comparisons"),
        ([br.Laplace(br.HalfCauchy(1.0))], {}, "unknown"),
        ([br.Laplace(1.0)], {"limits": (1.0, 1.0)}, "low < high"),
        ([br.Laplace(1.0)], {"limits": (0.0, np.inf)}, "low < high"),
        ([br.Laplace(1.0)], {"limits": 3}, "low < high"),
        ([br.Laplace(1.0)], {"column": "x0"}, "without its problem"),
        ([br.Laplace(1.0)], {"column": -1}, "without its problem"),
        ([br.Laplace([1.0, 2.0])], {"column": 2}, "column 2 is none"),
    ],
)
def test_what_cannot_be_drawn_is_refused(what, given, said):
    with pytest.raises(br.ParameterError, match=said):
        penalty(*what, **given)
    assert not plt.get_fignums()


def test_a_column_that_a_problem_has_not_is_refused():
    problem = br.Problem.from_arrays(np.eye(5, 3), np.arange(5.0), prior=br.Laplace(0.5), standardize=False)
    for column in ("x9", 3, -1):
        with pytest.raises(br.ParameterError, match="is none of the 3"):
            penalty(problem, column=column)
    with pytest.raises(br.ParameterError, match="axes must be two"):
        penalty(problem, axes=[plt.figure().add_subplot()])
