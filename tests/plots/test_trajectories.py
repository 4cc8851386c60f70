from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import trajectories, words
from tests.problems import FAMILIES, P, make_problem, sparse_problem

METHODS = ("gradient", "subgradient", "proximal")


def problem_of(prior, *, p=6, names=None, **settings):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, p)) * np.arange(1, p + 1)
    y = X @ np.where(np.arange(p) % 3 == 0, 1.5, 0.0) + rng.normal(size=60)
    return br.Problem.from_arrays(X, y, prior=prior, names=names, **settings)


def separated():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 2)) + np.repeat([[3.0, -2.0], [-3.0, 2.0]], 20, axis=0)
    y = np.repeat([1.0, 0.0], 20)
    return br.Problem.from_arrays(X, y, likelihood=br.BernoulliLogit(), prior=br.Gaussian(1.0))


@pytest.fixture
def lasso():
    """One descent of each method, under a Laplace prior that zeroes some coefficients."""
    problem = problem_of(br.Laplace(scale=0.02))
    found = [br.trajectory(problem, method, 60) for method in METHODS]
    assert 0 < found[2].support[-1] < 6
    return found


@pytest.fixture
def doubtful(lasso):
    """One whose optimum is not certified."""
    one = lasso[0]
    proof = one.optimum.certificate
    return replace(one, optimum=replace(one.optimum, certificate=replace(proof, residual=proof.residual + 1.0)))


def flat(text):
    return text.replace("\n", " ").replace("\u00a0", " ")


def test_lines_are_the_iterates_and_rings_the_optimum(lasso, drawn):
    panels = trajectories(*lasso, most=4)
    assert len(panels) == 3 + 4
    for ax, one in zip(panels, lasso, strict=False):
        labels = [line.get_label() for line in ax.lines]
        coloured = [name for name in one.names if name in labels]
        size = np.max([np.abs(each.beta).max(axis=0) for each in lasso], axis=0)
        assert {one.names.index(name) for name in coloured} == set(np.argsort(-size)[:4])
        for name in coloured:
            x, y = drawn(ax, name).get_data()
            np.testing.assert_array_equal(x, np.arange(61))
            np.testing.assert_array_equal(y, one.beta[:, one.names.index(name)])
        rest = [j for j, name in enumerate(one.names) if name not in coloured]
        grey = drawn(ax, "other coefficients").get_ydata().reshape(2, 62)
        assert np.isnan(grey[:, -1]).all()
        np.testing.assert_array_equal(np.sort(grey[:, :-1], axis=0), np.sort(one.beta[:, rest].T, axis=0))
        ring = drawn(ax, "optimum")
        assert (ring.get_xdata() == 60).all()
        order = [one.names.index(name) for name in labels if name in one.names]
        np.testing.assert_array_equal(ring.get_ydata(), one.optimum.beta[order])


def test_curves_are_the_numbers_of_the_tables(lasso, drawn):
    panels = trajectories(*lasso)
    for ax, column in zip(panels[3:], ("loss", "penalty", "excess", "support"), strict=True):
        for one in lasso:
            x, y = drawn(ax, one.method).get_data()
            np.testing.assert_array_equal(x, one.table["iteration"])
            known = np.isfinite(y)
            np.testing.assert_array_equal(y[known], one.table[column][known])
            if column != "excess":
                assert known.all()
            else:  # gaps are no more than rounding
                assert known[:10].all()
                assert (one.excess[~known] < 1e-10).all()
    assert panels[5].get_yscale() == "log"
    assert panels[3].get_yscale() == panels[4].get_yscale() == "linear"


def test_panels_share_their_scale_and_start_at_zero(lasso):
    panels = trajectories(*lasso)[:3]
    assert len({ax.get_ylim() for ax in panels}) == 1
    assert all(low < 0 < high for low, high in (ax.get_ylim() for ax in panels))


def test_the_claim_is_that_only_proximal_steps_reach_zeros(lasso, written):
    said = flat(written(trajectories(*lasso)[0].get_figure(root=True)))
    zeros = int(lasso[2].zeros[-1].sum())
    assert f"Only proximal steps reach exact zeros: {zeros} of 6 coefficients" in said
    never = int((lasso[2].beta == 0).all(axis=0).sum())
    assert 0 < never < zeros
    assert f"They are the optimum's own. {never} of them never left 0." in said
    away = max(np.abs(one.beta[-1][lasso[2].zeros[-1]]).max() for one in lasso[:2])
    assert f"There the others end up to {away:.2g} from 0." in said
    assert said.count("0 of 6 exactly at 0") == 2
    assert f"{zeros} of 6 exactly at 0" in said
    assert f"J {words.number(lasso[0].excess[-1])} nats above minimum" in said


def test_zeros_that_are_not_the_optimums_are_not_called_so(lasso, written):
    early = br.trajectory(problem_of(br.Laplace(scale=0.02)), "proximal", 1)
    assert early.zeros[-1].any()
    assert (early.zeros[-1] != lasso[2].zeros[-1]).any()
    said = flat(written(trajectories(early)[0].get_figure(root=True)))
    assert f"Proximal steps reach exact zeros: {early.zeros[-1].sum()} of 6 coefficients" in said
    assert "the optimum's own" not in said
    assert "Only" not in said


def test_without_a_kink_the_claim_is_how_near_the_minimum_is(written):
    problem = problem_of(br.Gaussian(scale=1.0))
    found = [br.trajectory(problem, method, 20) for method in ("subgradient", "gradient")]
    worst = max(one.excess[-1] for one in found)
    said = flat(written(trajectories(*found)[0].get_figure(root=True)))
    assert f"After 20 steps J is {words.number(worst)} nats above minimum" in said
    assert "No coefficient is exactly at 0." in said
    assert "zeros" not in said
    done = br.trajectory(problem, "gradient", 3000)
    assert "After 3000 steps J is at its minimum" in flat(written(trajectories(done)[0].get_figure(root=True)))


def test_with_and_without_the_penalty(written):
    problem = separated()
    free, held = (br.trajectory(problem, "gradient", penalized=with_it) for with_it in (False, True))
    panels = trajectories(free, held)
    said = flat(written(panels[0].get_figure(root=True)))
    assert "Without the penalty the weights keep growing; with it they settle" in said
    sizes = [np.linalg.norm(one.beta[-1]) for one in (free, held)]
    assert f"After 200 steps ‖β‖₂ is {sizes[0]:.2g} without, {sizes[1]:.2g} with it." in said
    assert "no single finite minimum" in said
    assert "optimum" not in panels[0].get_legend_handles_labels()[1]
    assert "optimum" in panels[1].get_legend_handles_labels()[1]


def test_where_nothing_has_a_minimum_no_excess_is_drawn(written):
    panels = trajectories(br.trajectory(separated(), "gradient", penalized=False))
    said = flat(written(panels[0].get_figure(root=True)))
    assert len(panels) == 1 + 3
    assert "After 200 steps the weights still grow" in said
    assert "The loss has no single finite minimum." in said
    assert "above minimum" not in said


def test_weights_that_settle_are_not_said_to_grow(written):
    X = np.random.default_rng(0).normal(size=(40, 2))
    X = np.column_stack([X, X.sum(axis=1)])
    problem = br.Problem.from_arrays(X, X[:, 0], likelihood=br.GaussianNoise(1.0), prior=br.Laplace(0.1))
    free = br.trajectory(problem, "gradient", penalized=False)
    assert free.optimum is None
    said = flat(written(trajectories(free, br.trajectory(problem))[0].get_figure(root=True)))
    assert "grow" not in said


def test_the_lowest_minimum_found_is_not_called_the_minimum(written):
    found = br.trajectory(make_problem("student-t", prior=br.Gaussian(0.5)), "proximal", 3)
    said = flat(written(trajectories(found)[0].get_figure(root=True)))
    assert f"J is {words.number(found.excess[-1])} nats above lowest found" in said


def test_a_located_prior_has_its_own_zeros(written):
    found = [br.trajectory(make_problem(prior=br.Laplace(0.02, loc=0.5)), method, 300) for method in METHODS]
    assert found[2].zeros[-1].any()
    said = flat(written(trajectories(*found)[0].get_figure(root=True)))
    assert "Only proximal steps reach the prior's location exactly" in said
    assert "coefficients ≠ μ" in said


def test_claim_is_withheld_when_an_optimum_is_not_certified(lasso, doubtful, written):
    panels = trajectories(doubtful, *lasso[1:])
    said = flat(written(panels[0].get_figure(root=True)))
    assert "No conclusion: a check failed The optimum is not certified: gradient." in said
    assert "reach" not in said
    assert "optimum" not in panels[0].get_legend_handles_labels()[1]
    assert len(trajectories(doubtful)) == 1 + 3
    assert flat(written(trajectories(doubtful)[0].get_figure(root=True))).count("No conclusion: a check failed") == 2


def test_chosen_columns_are_coloured_in_their_order(lasso, written, drawn):
    ax = trajectories(*lasso, columns=["x4", "x1"])[0]
    assert "In colour: 2 of 6 coefficients (as chosen)." in flat(written(ax.get_figure(root=True)))
    assert [label for label in ax.get_legend_handles_labels()[1] if label.startswith("x")] == ["x4", "x1"]
    np.testing.assert_array_equal(drawn(ax, "optimum").get_ydata(), lasso[0].optimum.beta[[4, 1]])
    assert "In colour" not in written(trajectories(*lasso)[0].get_figure(root=True))
    one = trajectories(*lasso, most=1)[0]
    assert "In colour: 1 of 6 coefficients (largest along the descents)." in flat(written(one.get_figure(root=True)))


def test_descents_of_one_method_are_told_apart(written):
    found = [
        br.trajectory(problem_of(br.Laplace(scale)), "proximal", steps) for scale, steps in ((0.1, 10), (0.02, 20))
    ]
    panels = trajectories(*found)
    assert {"proximal (1)", "proximal (2)"} <= set(panels[2].get_legend_handles_labels()[1])
    assert all(ax.get_xlim()[1] == 20 for ax in panels)
    written(panels[0].get_figure(root=True))


@pytest.mark.parametrize("count", [3, 5, 7, 8])
def test_given_axes_are_used_and_no_figure_is_made(lasso, written, count, drawn):
    figure, axes = plt.subplots(3, 3, figsize=(11, 9), layout="constrained")
    panels = trajectories(*lasso, axes=axes.ravel()[:count])
    assert list(panels) == list(axes.ravel()[: min(count, 7)])
    assert all(not ax.has_data() for ax in axes.ravel()[min(count, 7) :])
    assert plt.get_fignums() == [figure.number]
    said = flat(written(figure))
    assert "0 of 6 exactly at 0" in said
    if count > 3:
        np.testing.assert_array_equal(drawn(axes[1, 0], "proximal").get_ydata(), lasso[2].loss)


def test_one_given_axes_is_enough_for_one(lasso, written):
    figure, ax = plt.subplots(layout="constrained")
    assert list(trajectories(lasso[2], axes=ax)) == [ax]
    written(figure)


def test_what_cannot_be_drawn_is_refused(lasso):
    with pytest.raises(br.ParameterError, match="x9"):
        trajectories(*lasso, columns=["x9"])
    with pytest.raises(br.ParameterError, match="most"):
        trajectories(*lasso, most=0)
    with pytest.raises(br.ParameterError, match=r"one or more Trajectory.*\(got none\)"):
        trajectories()
    with pytest.raises(br.ParameterError, match="got list"):
        trajectories(lasso)
    with pytest.raises(br.ParameterError, match="same columns"):
        trajectories(lasso[0], br.trajectory(problem_of(br.Laplace(0.1), p=3)))
    assert not plt.get_fignums()
    with pytest.raises(br.ParameterError, match=r"3 trajectories need as many axes.*got 1"):
        trajectories(*lasso, axes=plt.figure().subplots())


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("p", [1, 10])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_nothing_is_cut_off_at_any_width(written, width, p, count):
    names = [f"cost_in_$_{'and_more_' * (j % 4)}<b>$_{j}" for j in range(p)]
    problem = problem_of(br.Laplace(scale=0.02), p=p, names=names)
    found = [br.trajectory(problem, method, 30) for method in METHODS]
    found.append(br.trajectory(problem, "gradient", 30, penalized=False))
    panels = trajectories(*found[:count], width=width)
    assert panels[0].get_figure(root=True).get_figwidth() == width
    written(panels[0].get_figure(root=True))
    figure = panels[0].get_figure(root=True)
    assert min(ax.get_window_extent().height for ax in panels) / figure.dpi > 0.6
    assert min(ax.get_window_extent().width for ax in panels) / figure.dpi > 0.8


def test_names_are_written_as_they_are(written):
    names = ["_hidden", "a$_b$", "<script>", "nolegend"]
    ax = trajectories(br.trajectory(problem_of(br.Laplace(0.1), p=4, names=names), steps=5))[0]
    legend = ax.get_figure(root=True).legends[0]
    shown = [text.get_text().strip("\u00a0") for text in legend.get_texts()]
    assert set(names) <= set(shown)
    assert not any(text.get_parse_math() for text in legend.get_texts())
    written(ax.get_figure(root=True))


def test_very_many_columns_are_cut(written):
    problem = problem_of(br.Laplace(scale=0.1), p=300, likelihood=br.GaussianNoise(1.0))
    panels = trajectories(br.trajectory(problem, steps=5), most=2)
    grey = panels[0].get_legend_handles_labels()[0][0].get_ydata()
    assert np.isnan(grey).sum() == 200
    written(panels[0].get_figure(root=True))


def test_no_columns_leaves_empty_panels(written):
    X = np.empty((30, 0))
    problem = br.Problem.from_arrays(X, np.arange(30.0), prior=br.Laplace(1.0))
    panels = trajectories(br.trajectory(problem, steps=5))
    assert "optimum" not in panels[0].get_legend_handles_labels()[1]
    assert "There are no coefficients." in flat(written(panels[0].get_figure(root=True)))


@pytest.mark.parametrize("kind", FAMILIES)
def test_every_family_is_drawn(kind, written):
    problem = sparse_problem(kind)
    found = [br.trajectory(problem, method, 150) for method in METHODS]
    said = flat(written(trajectories(*found)[0].get_figure(root=True)))
    assert f"Only proximal steps reach exact zeros: {found[2].zeros[-1].sum()} of {P} coefficients" in said
