"""The picture of calibration: its lines stand at the numbers, and wrong ranks leave the band and are named."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import sbc
from bayesreg.validate import Calibration
from bayesreg.validate.uniformity import band

N, LEVELS = 200, 19
NAMES = ("intercept", "beta[a]", "beta[b $x]", "log_likelihood", "log_prior")


def calibration(change=lambda u: u, names=NAMES, wrong=1, replications=N, size=N, seed=0):
    """Uniform ranks but those of one quantity."""
    rng = np.random.default_rng(seed)
    shares = rng.uniform(size=(size, len(names)))
    shares[:, wrong] = change(shares[:, wrong])
    ranks = np.floor(shares * (LEVELS + 1)).astype(int)
    records = tuple(
        {"index": i, "ranks": row.tolist(), "method": "gibbs", "ess": 99.0, "short": False}
        for i, row in enumerate(ranks)
    )
    problem = br.Problem.from_arrays(np.eye(4)[:, :2], np.arange(4.0), prior=br.Gaussian(1.0))
    sentence = "truths from the prior, responses from the likelihood"
    return Calibration(problem, "gibbs", "prior", sentence, names, LEVELS, replications, records, 0.01, "0", False)


WRONG = {
    "draws too narrow": lambda u: np.where(u < 0.5, 2 * u**2, 1 - 2 * (1 - u) ** 2),
    "draws too wide": lambda u: 0.25 + u / 2,
    "draws too high": lambda u: u**2,
    "draws too low": lambda u: np.sqrt(u),
}


def edges(ax):
    """Lower and upper end of the band by place."""
    vertices = ax.collections[0].get_paths()[0].vertices
    places = np.unique(vertices[:, 0].round(9))
    near = [vertices[np.isclose(vertices[:, 0], place), 1] for place in places]
    return np.array([y.min() for y in near]), np.array([y.max() for y in near])


def test_lines_stand_at_the_ecdf(drawn):
    found = calibration()
    ax = sbc(found)
    grid = np.arange(LEVELS + 2) / (LEVELS + 1)
    for name in ("log_likelihood", "log_prior"):
        ranks = found.ranks[:, NAMES.index(name)]
        shares = np.array([(ranks < k).mean() for k in range(LEVELS + 2)])
        np.testing.assert_allclose(drawn(ax, name).get_xdata(), grid)
        np.testing.assert_allclose(drawn(ax, name).get_ydata(), shares - grid, atol=1e-12)
    assert ax.get_legend_handles_labels()[1].count("other quantities") == 3


def test_the_band_is_that_of_the_verdict():
    low, high = edges(sbc(calibration()))
    exact = band(N, LEVELS, 0.01 / len(NAMES))
    grid = np.arange(1, LEVELS + 1) / (LEVELS + 1)
    np.testing.assert_allclose(low[1:-1], exact.lower / N - grid, atol=1e-12)
    np.testing.assert_allclose(high[1:-1], exact.upper / N - grid, atol=1e-12)


@pytest.mark.parametrize("width", [3.5, 7.0])
def test_uniform_ranks_stay_inside_and_are_called_so(width, written):
    found = calibration()
    assert found.passed
    ax = sbc(found, width=width)
    low, high = edges(ax)
    for line in ax.lines[1:]:
        assert (line.get_ydata() >= low - 1e-9).all()
        assert (line.get_ydata() <= high + 1e-9).all()
    said = written(ax.figure).replace("\n", " ")
    assert "Ranks of all 5 quantities are uniform: nothing speaks against gibbs (p =" in said
    assert "200 replications by gibbs, ranks among 19 draws; truths from the prior" in said
    assert "stay inside (99 %)" in said


@pytest.mark.parametrize("width", [3.5, 7.0])
@pytest.mark.parametrize("what", WRONG)
def test_wrong_ranks_leave_the_band_and_are_named(what, width, drawn, written):
    found = calibration(WRONG[what])
    assert not found.passed
    ax = sbc(found, width=width)
    low, high = edges(ax)
    y = drawn(ax, "beta[a]").get_ydata()
    assert ((y < low - 1e-9) | (y > high + 1e-9)).any()
    assert f"Ranks of beta[a] are not uniform: {what}" in written(ax.figure).replace("\n", " ")


@pytest.mark.parametrize("width", [3.5, 7.0])
def test_many_that_stray_share_a_colour_and_long_names_are_cut(width, written):
    names = tuple(f"beta[a column of a rather long name, $number$ {j}]" for j in range(9))
    found = calibration(names=names)
    wrong = Calibration(
        found.problem, "gibbs", "prior", found.sentence, names, LEVELS, N,
        tuple(record | {"ranks": [rank // 2 for rank in record["ranks"]]} for record in found.records),
        0.01, "0", False,
    )  # fmt: skip
    ax = sbc(wrong, width=width)
    labels = ax.get_legend_handles_labels()[1]
    assert labels.count("5 more outside") == 5
    assert "and of 8 more: draws too high" in written(ax.figure).replace("\n", " ")


def test_what_is_incomplete_is_called_so(written):
    said = written(sbc(calibration(replications=300)).figure).replace("\n", " ")
    assert "Incomplete: 200 of 300 replications, no rank outside the band" in said


def test_nothing_drawn_is_nothing_judged(written):
    found = calibration(size=0)
    assert "There is nothing to judge" in written(sbc(found).figure)


def test_given_axes_are_used(written):
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    assert sbc(calibration(), ax=axes[0]) is axes[0]
    written(figure)
