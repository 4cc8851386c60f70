import re
from dataclasses import replace
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pytest

from bayesreg.plots import typicality


def with_excess(comparison, excess, unknowns=7):
    """The typicality of these made-up distances below the mode (chain, draw)."""
    return replace(
        comparison.typicality, excess=excess, mean=float(excess.mean()), mcse=0.05, smallest=float(excess.min()),
        unknowns=unknowns, sd=float(excess.std()), quantiles=np.quantile(excess, [0.05, 0.5, 0.95]),
    )  # fmt: skip


def gamma(low=0.0, size=2000, seed=0):
    return low + np.random.default_rng(seed).gamma(3.5, 1.0, (4, size // 4))


def test_the_histogram_is_of_the_draws(real, drawn):
    ax = typicality(real)
    excess = real.typicality.excess.ravel()
    heights, edges, _ = drawn(ax, "posterior draws").get_data()
    assert edges[0] == 0.0
    assert edges[-1] == pytest.approx(np.quantile(excess, 0.998))
    expected = [((excess >= a) & (excess < b)).mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(heights, expected, atol=1.5 / excess.size)
    assert heights.sum() == pytest.approx(0.998, abs=0.002)


def test_mode_mean_and_gaussian_stand_at_the_numbers(real, drawn):
    ax = typicality(real)
    assert drawn(ax, "MAP").get_xdata()[0] == 0.0
    assert drawn(ax, "mean of the draws").get_xdata()[0] == pytest.approx(real.typicality.mean)
    assert drawn(ax, "of a Gaussian posterior").get_xdata()[0] == 3.5 == len(real.problem.labels) / 2 + 0.5
    low, high = ax.get_xlim()
    assert low < 0 < 3.5 < high


def test_the_claim_is_the_nearest_draw(real, but, written):
    found = real.typicality
    said = written(typicality(real).figure).replace("\n", " ")
    within = float(said.split("comes within ")[1].split(" nats")[0])
    assert within <= found.smallest < within + 0.1
    assert f"No draw in {found.excess.size} comes within" in said
    assert f"A typical draw lies {found.mean:.2f} ± {found.mcse:.2f} nats below it" in said
    assert "7 unknowns, of which a Gaussian posterior would make 3.5." in said


def test_draws_that_come_near_are_said_to(but, real, written):
    excess = gamma(0.2)
    excess[2, 7] = 0.05
    said = written(typicality(but(typicality=with_excess(real, excess))).figure).replace("\n", " ")
    assert "nats below the point estimate's density on average; some come near it" in said
    assert "No draw" not in said


def test_draws_denser_than_the_point_are_counted(but, real, drawn, written):
    excess = gamma(-1.0)
    share = (excess < 0).mean()
    assert 0 < share < 0.1
    ax = typicality(but(typicality=with_excess(real, excess)))
    said = written(ax.figure).replace("\n", " ")
    assert f"{100 * share:.2g} % of the draws are denser than the point estimate" in said
    assert re.search(r"the densest \d+\.\d\d nats above;", said)
    _, edges, _ = drawn(ax, "posterior draws").get_data()
    assert edges[0] == pytest.approx(excess.min())
    assert ax.get_xlim()[0] < excess.min()


def test_a_gaussian_far_from_the_draws_is_in_sight(but, real, drawn):
    ax = typicality(but(typicality=with_excess(real, gamma(0.5), unknowns=100)))
    assert ax.get_xlim()[1] > 50 == drawn(ax, "of a Gaussian posterior").get_xdata()[0]


@pytest.mark.parametrize("given", [False, True])
def test_nothing_is_drawn_when_a_check_failed(but, written, given):
    axes = plt.figure(figsize=(6, 4), layout="constrained").add_subplot() if given else None
    ax = typicality(but(passed=False, withheld="R-hat is 1.08 (limit 1.01)", typicality=None), ax=axes)
    assert not ax.lines
    assert not ax.patches
    said = written(ax.figure).replace("\n", " ")
    assert "No conclusion: a check failed" in said
    assert "R-hat is 1.08 (limit 1.01)" in said


def test_given_axes_are_used_and_no_figure_is_made(real, written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    assert typicality(real, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    assert "No draw in" in written(figure).replace("\n", " ")


def test_draws_all_alike_are_drawn(but, real, written):
    written(typicality(but(typicality=with_excess(real, np.full((4, 10), 2.0)))).figure)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
def test_nothing_is_cut_off_at_either_width(real, written, width):
    ax = typicality(real, width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)
