import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesreg.plots import choices
from tests.plots.paths import RULES, chosen, paths


@pytest.fixture
def penalized():
    return paths()[0]


def curve_of(ax):
    (other,) = [found for found in ax.figure.axes if found is not ax]
    return other


def test_each_rule_has_a_row_with_its_range(penalized):
    ax = choices(chosen(penalized))
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "cv min", "cv 1se", "evidence (chosen)", "hierarchical median",
    ]  # fmt: skip
    points = [(line.get_xdata()[0], line.get_ydata()[0]) for line in ax.lines]
    assert points == [(scale, row) for row, (scale, *_) in enumerate(RULES.values())]
    ranges = [found.get_segments()[0] for found in ax.collections]
    expected = [(low, high, row) for row, (_, low, high) in enumerate(RULES.values()) if np.isfinite(low)]
    assert [(a[0], b[0], a[1]) for a, b in ranges] == expected
    assert {text.get_text() for text in ax.texts} >= {"3", "1", "4", "3.6"}


@pytest.mark.parametrize(
    ("by", "said"), [("cv", "held-out nll"), ("evidence", "log p(y | scale)"), ("hierarchical", "posterior density")]
)
def test_the_curve_of_the_rule_has_its_uncertainty(penalized, by, said):
    choice = chosen(penalized, by=by, scale=3.0 if by == "cv" else 3.6 if by == "hierarchical" else 4.0)
    ax = curve_of(choices(choice))
    np.testing.assert_allclose(ax.lines[0].get_data(), (choice.curve["scale"], choice.curve["value"]))
    (band,) = ax.collections
    corners = band.get_paths()[0].vertices
    assert corners[:, 1].max() == pytest.approx((choice.curve["value"] + 0.05).max())
    assert corners[:, 1].min() == pytest.approx((choice.curve["value"] - 0.05).min())
    assert said in ax.get_ylabel()
    assert ax.lines[1].get_xdata()[0] == choice.scale


def test_both_share_the_scale_and_lambda_stands_on_top(penalized):
    ax = choices(chosen(penalized))
    assert ax.get_xlim() == curve_of(ax).get_xlim()
    (top,) = ax.child_axes
    ax.figure.canvas.draw()
    assert top.transData.transform((0.2, 0))[0] == pytest.approx(ax.transData.transform((5.0, 0))[0])
    assert not choices(chosen(paths(factor=True)[0])).child_axes


def test_log_evidence_far_below_its_maximum_is_cut(penalized):
    choice = chosen(penalized)
    assert choice.curve["value"].min() < -12
    ax = curve_of(choices(choice))
    assert ax.get_ylim()[0] == -12
    assert ax.get_xlim()[0] > choice.curve["scale"].min()


def test_claim_is_in_the_title(penalized, written):
    said = written(choices(chosen(penalized)).figure).replace("\n", " ")
    assert "4 rules choose scales up to 4 times apart; evidence chooses scale 4" in said
    assert "Scale = 4, by evidence." in said
    assert "Band: ±1 Monte Carlo error." in said
    one = choices(chosen(penalized, rules={"evidence": RULES["evidence"]}))
    assert "Evidence chooses scale 4" in written(one.figure)


def test_a_rule_that_found_nothing_has_an_empty_row(penalized, written):
    ax = choices(chosen(penalized, rules=RULES | {"hierarchical median": (np.nan, np.nan, np.nan)}))
    assert "3 rules choose" in written(ax.figure)
    assert "none" in {text.get_text() for text in ax.texts}
    assert len(ax.lines) == 3


def test_a_curve_with_unknown_values_and_errors_is_drawn(penalized, written):
    choice = chosen(penalized, lower=np.nan, upper=np.nan)
    choice.curve.loc[::4, "value"] = np.nan
    choice.curve.loc[1::4, "error"] = np.nan
    written(choices(choice).figure)


def test_given_axes_are_used_and_no_figure_is_made(penalized, written):
    figure, axes = plt.subplots(2, 2, figsize=(11, 8), layout="constrained")
    assert choices(chosen(penalized), ax=axes[1, 0]) is axes[1, 0]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0, 0].has_data()
    written(figure)


@pytest.mark.parametrize(("width", "count"), [(3.5, 1), (3.5, 12), (7.0, 4)])
def test_nothing_is_cut_off_at_either_width(penalized, written, width, count):
    rules = {f"{'a rule with a very long name ' * (k % 3)}{k}": (4.0 + k, 2.0, 8.0 + k) for k in range(count)}
    ax = choices(chosen(penalized, rules=rules), width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)
