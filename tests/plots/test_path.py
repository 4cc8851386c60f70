import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import path
from tests.plots.paths import RULES, chosen, paths


def curves(ax):
    """Lines of the axes that are as long as the path."""
    return [line for line in ax.lines if len(line.get_xdata()) > 5]


def panels_of(ax):
    return [other for other in ax.figure.get_figure(root=True).axes if other is not ax and other.get_title(loc="left")]


@pytest.mark.parametrize("raw", [False, True])
def test_every_coefficient_is_a_line_at_its_numbers(raw):
    penalized, _ = paths()
    ax = path(penalized, raw=raw)
    lines = curves(ax)
    assert len(lines) == 8
    for j, line in enumerate(lines):
        np.testing.assert_allclose(line.get_xdata(), penalized.scales)
        np.testing.assert_allclose(line.get_ydata(), (penalized.beta_raw if raw else penalized.beta)[:, j])
    assert ax.get_xscale() == "log"


def test_the_largest_stand_out_and_all_are_named():
    penalized, _ = paths()
    ax = path(penalized, most=2)
    size = np.abs(penalized.beta).sum(axis=0)
    strong = {j for j, line in enumerate(curves(ax)) if line.get_linewidth() > 1}
    assert strong == set(np.argsort(-size)[:2])
    assert {f"x{j}" for j in range(8)} <= {text.get_text() for text in ax.texts}


@pytest.mark.parametrize("raw", [False, True])
def test_a_panel_shows_the_band_the_mean_and_the_map(drawn, raw):
    penalized, posterior = paths()
    ax = path(penalized, posterior, raw=raw, columns=["x5", "x2"])
    panels = panels_of(ax)
    assert [panel.get_title(loc="left") for panel in panels] == ["x5", "x2"]
    for panel, j in zip(panels, (5, 2), strict=True):
        unit = penalized.problem.design.scale[j] if raw else 1.0
        mean, mode = curves(panel)
        np.testing.assert_allclose(mean.get_data(), (posterior.scales, posterior.mean[:, j] / unit))
        np.testing.assert_allclose(mode.get_data(), (penalized.scales, penalized.beta[:, j] / unit))
        (band,) = [found for found in panel.collections if len(found.get_paths()) == 1]
        corners = band.get_paths()[0].vertices
        assert corners[:, 1].min() == pytest.approx(posterior.lower[:, j].min() / unit)
        assert corners[:, 1].max() == pytest.approx(posterior.upper[:, j].max() / unit)
    assert drawn(panels[0], "MAP")


def test_what_failed_its_gate_is_hatched_and_not_drawn(written):
    passed = np.array([True, True, False, False, True, True, False, True, True, True])
    penalized, posterior = paths(passed=passed)
    posterior.lower[~passed], posterior.upper[~passed], posterior.mean[~passed] = -1e6, 1e6, 1e6
    ax = path(penalized, posterior, columns=["x1"])
    (panel,) = panels_of(ax)
    assert max(abs(end) for end in panel.get_ylim()) < 100
    assert sum(patch.get_hatch() is not None for patch in panel.patches) == 2
    said = written(ax.figure.get_figure(root=True)).replace("\n", " ")
    assert "3 of 10 points of the posterior failed their gate and are withheld (hatched)." in said
    assert "withheld: gate failed" in said


def test_a_single_point_that_passed_is_drawn_as_a_bar():
    passed = np.zeros(10, dtype=bool)
    passed[4] = True
    penalized, posterior = paths(passed=passed)
    (panel,) = panels_of(path(penalized, posterior, columns=["x1"]))
    (bar,) = [found.get_segments() for found in panel.collections if hasattr(found, "get_segments")]
    ends = [[posterior.scales[4], end[4, 1]] for end in (posterior.lower, posterior.upper)]
    np.testing.assert_allclose(bar, [ends])


def test_a_posterior_without_any_passed_point_is_withheld(written):
    penalized, posterior = paths(passed=np.zeros(10, dtype=bool))
    ax = path(penalized, posterior, choice=chosen(penalized), most=2)
    assert not any(panel.collections for panel in panels_of(ax))
    said = written(ax.figure.get_figure(root=True)).replace("\n", " ")
    assert "What the posterior says there is withheld: no point near it passed its gate." in said
    assert "of the posterior of" not in said


def test_points_of_the_map_without_certificate_leave_a_gap(written):
    certified = np.ones(30, dtype=bool)
    certified[[7, 9]] = False  # point 8 stands alone
    penalized, _ = paths(certified=certified)
    penalized.beta[~certified] = 1e6
    ax = path(penalized)
    for line in curves(ax):
        np.testing.assert_array_equal(np.isnan(line.get_ydata()), ~certified)
    alone = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert len(alone) == 8
    assert "2 of 30 points of the MAP are not certified and left out." in written(ax.figure.get_figure(root=True))


def test_a_path_without_any_certified_point_claims_nothing(written):
    penalized, _ = paths(certified=np.zeros(30, dtype=bool))
    assert "No conclusion: a check failed" in written(path(penalized).figure.get_figure(root=True))


def test_the_claim_is_that_of_the_chosen_scale(written):
    penalized, posterior = paths()
    said = written(
        path(penalized, posterior, choice=chosen(penalized, scale=0.3, rules={"evidence": (0.3, 0.2, 1.0)}))
        .figure.get_figure(root=True)
    ).replace("\n", " ")  # fmt: skip
    k = int(np.argmin(np.abs(np.log(penalized.scales / 0.3))))
    i = int(np.argmin(np.abs(np.log(posterior.scales / 0.3))))
    zero = penalized.zero[k]
    assert 1 < zero.sum() < 8
    reach = np.where(zero, np.maximum(-posterior.lower[i], posterior.upper[i]), 0.0)
    j = int(np.argmax(reach))
    low, high = (f"{end[i, j]:.2g}".replace("-", "−") for end in (posterior.lower, posterior.upper))
    at = penalized.scales[k]
    assert f"At scale {at:.2g}, near the choice of 0.3 (λ = {1 / at:.2g}, evidence) {zero.sum()} of 8" in said
    assert f"are exactly 0; 95 % of the posterior of x{j}, one of them, lies from {low} to {high}" in said
    contain = ((posterior.lower[i] <= 0) & (posterior.upper[i] >= 0)).sum()
    assert f"{contain} of 8 posterior 95 % bands contain 0 there." in said


def test_the_claim_of_a_path_alone_says_who_leaves_zero_first(written):
    penalized, _ = paths()
    first = int(np.argmax(np.abs(penalized.beta[-1])))
    start = penalized.scales[np.argmin(penalized.zero[:, first])]
    left = (~penalized.zero[-1]).sum()
    said = written(path(penalized).figure.get_figure(root=True)).replace("\n", " ")
    assert f"x{first} leaves 0 first, from scale {start:.2g}; {left} of 8 have left it at scale 100" in said
    smooth, _ = paths(kink=False)
    assert "No coefficient is exactly 0 at any scale" in written(path(smooth).figure.get_figure(root=True))


def test_a_choice_beyond_the_path_claims_nothing_there(written):
    penalized, posterior = paths()
    ax = path(penalized, posterior, choice=chosen(penalized, scale=1e6), most=1)
    assert "The MAP path has no certified point near the choice" in written(ax.figure.get_figure(root=True)).replace(
        "\n", " "
    )


def test_each_rule_is_marked_at_its_scale(drawn):
    penalized, _ = paths()
    choice = chosen(penalized)
    ax = path(penalized, choice=choice, rules=choice.alternatives)
    for rule, (scale, *_) in RULES.items():
        mark = drawn(ax, f"{rule} (chosen)" if rule == "evidence" else rule)
        assert list(mark.get_xdata()) == [scale, scale]
    assert drawn(ax, "evidence (chosen)").get_linestyle() == "-"
    assert path(penalized, choice=choice).get_legend_handles_labels()[1] == ["evidence (chosen)"]
    without = chosen(penalized, rules=RULES | {"hierarchical median": (np.nan, np.nan, np.nan)})
    assert (
        "hierarchical median"
        not in path(penalized, choice=without, rules=without.alternatives).get_legend_handles_labels()[1]
    )


def test_lambda_stands_on_top_where_it_is_one_number():
    penalized, _ = paths()
    ax = path(penalized)
    (top,) = ax.child_axes
    ax.figure.canvas.draw()
    for strength in (0.02, 0.5, 7.0):
        place = ax.transData.transform((1 / strength, 0))[0]
        assert top.transData.transform((strength, 0))[0] == pytest.approx(place)
    many, _ = paths(factor=True)
    ax = path(many)
    assert not ax.child_axes
    assert "factor on the prior's scales" in ax.get_xlabel()
    scaled, _ = paths(scale_by_noise=True)
    assert "in units of σ" in path(scaled).get_xlabel()


def test_given_axes_hold_one_band_and_no_figure_is_made(written):
    penalized, posterior = paths()
    figure, axes = plt.subplots(2, 2, figsize=(12, 9), layout="constrained")
    assert path(penalized, posterior, choice=chosen(penalized), ax=axes[0, 1]) is axes[0, 1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0, 0].has_data()
    assert sum(len(found.get_paths()) == 1 for found in axes[0, 1].collections) == 1
    written(figure)


@pytest.mark.parametrize(("width", "p"), [(3.5, 1), (3.5, 45), (7.0, 10)])
def test_nothing_is_cut_off_at_either_width(written, width, p):
    names = [f"cost_in_$_{'and_more_' * (j % 4)}$_{j}" for j in range(p)]
    penalized, posterior = paths(p=p, names=names)
    figure = path(penalized, posterior, choice=chosen(penalized), width=width).figure.get_figure(root=True)
    assert figure.get_figwidth() == width
    written(figure)


def test_one_scale_is_drawn_too(written):
    penalized, posterior = paths(points=1)
    written(path(penalized, posterior, most=2).figure.get_figure(root=True))


def test_what_cannot_be_drawn_is_refused():
    penalized, _ = paths()
    with pytest.raises(br.ParameterError, match="'x9', which is not a column"):
        path(penalized, columns=["x9"])
    with pytest.raises(br.ParameterError, match="most must be an integer >= 1"):
        path(penalized, most=0)
    with pytest.raises(br.ParameterError, match="posterior has 3 columns, the MAP path 8"):
        path(penalized, paths(p=3)[1])
    assert not plt.get_fignums()
