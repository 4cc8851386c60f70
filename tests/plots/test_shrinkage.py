import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.discard import shrinkage as compute
from bayesreg.plots import shrinkage


def problem(prior, names=None):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 4))
    y = X @ [1.0, 0.0, -0.6, 0.1] + rng.normal(size=60)
    return br.Problem.from_arrays(X, y, prior=prior, names=names)


@pytest.fixture(scope="module")
def found():
    made = problem(br.Laplace(0.1))
    return compute(br.sample(made, draws=500), br.fit_penalized(made))


def test_points_and_curves_stand_at_the_numbers(found, drawn):
    ax = shrinkage(found)
    table = found.table
    for label, column in (("MAP", "map"), ("posterior mean", "mean")):
        np.testing.assert_allclose(drawn(ax, label).get_xdata(), table["unpenalized"])
        np.testing.assert_allclose(drawn(ax, label).get_ydata(), table[column])
    segments = np.array(drawn(ax, "posterior 95\u00a0%").get_segments())
    np.testing.assert_allclose(segments[:, :, 1], table[["lower", "upper"]])
    for label, values in (("MAP alone", found.curve.map), ("mean alone", found.curve.mean)):
        line = drawn(ax, label)
        np.testing.assert_allclose(np.interp(line.get_xdata(), found.curve.z, values), line.get_ydata())
        assert len(line.get_xdata()) > 100
    same = drawn(ax, "unpenalised")
    np.testing.assert_array_equal(same.get_xdata(), same.get_ydata())


@pytest.mark.parametrize("width", [3.5, 3.9, 7.0])
def test_claim_is_in_the_title_at_any_width(found, written, width):
    said = written(shrinkage(found, width=width).figure).replace("\n", " ")
    assert f"The MAP keeps {100 * found.kept_map:.0f} % of the size, the mean {100 * found.kept_mean:.0f} %" in said
    assert f"{found.zeros} of 4 coefficients are exactly 0 at the MAP" in said


def test_a_comparison_is_computed_of(written):
    made = br.compare(problem(br.Gaussian(0.5)), draws=500)
    assert "The MAP keeps" in written(shrinkage(made).figure).replace("\n", " ")


def test_claim_is_withheld_when_a_check_failed(written):
    made = br.compare(problem(br.Laplace(0.1)), draws=4, chains=4, method="gibbs")
    ax = shrinkage(made)
    said = written(ax.figure)
    assert "No conclusion: a check failed" in said
    assert "keeps" not in said
    assert not ax.lines


def test_given_axes_are_used(found, written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4.5), layout="constrained")
    assert shrinkage(found, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    written(figure)


def test_what_it_is_not_of_is_refused():
    with pytest.raises(br.ParameterError, match="takes a Shrinkage or a Comparison"):
        shrinkage(3)
