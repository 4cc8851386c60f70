import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.plots import marginals
from bayesreg.plots.style import draw_density


def names_of(panels):
    return [ax.texts[0].get_text() for ax in panels]


def test_largest_disagreements_come_first(lasso):
    table = lasso.coefficients
    expected = table["disagreement"].abs().sort_values(ascending=False).index[:4]
    assert names_of(marginals(lasso)) == list(expected)
    assert names_of(marginals(lasso, names=["x5", "x1"])) == ["x5", "x1"]
    assert len(marginals(lasso, count=50)) == 6


@pytest.mark.parametrize("unit", ["", "_raw"])
def test_lines_stand_at_the_numbers(lasso, drawn, unit):
    panels = marginals(lasso, raw=bool(unit), count=6)
    for ax, name in zip(panels, names_of(panels), strict=True):
        row, column = lasso.coefficients.loc[name], lasso.problem.names.index(name)
        scale = lasso.problem.design.scale[column] if unit else 1.0
        assert drawn(ax, "posterior mean").get_xdata()[0] == pytest.approx(row["mean" + unit])
        assert drawn(ax, "posterior median").get_xdata()[0] == pytest.approx(row["median" + unit])
        assert drawn(ax, "MAP = penalised optimum").get_xdata()[0] == pytest.approx(row["map" + unit])
        grid, density = draw_density(lasso.posterior.draws("beta" + unit)[..., column].ravel())
        np.testing.assert_allclose(drawn(ax, "posterior").get_data(), (grid, density))
        x, prior = drawn(ax, "prior").get_data()
        np.testing.assert_allclose(prior, stats.laplace.pdf(x, 0, 0.05 / scale), rtol=1e-4)


@pytest.mark.parametrize("raw", [False, True])
def test_the_shaded_share_is_the_one_stated(lasso, drawn, raw):
    panels = marginals(lasso, raw=raw, count=6, width=20)
    for ax, name in zip(panels, names_of(panels), strict=True):
        row, column = lasso.coefficients.loc[name], lasso.problem.names.index(name)
        said = ax.get_title(loc="left").replace("\u00a0", " ").replace("\n", " ")
        shaded = drawn(ax, "the share stated").get_datalim(ax.transData)
        if row["zero"]:
            edge = 0.05 / (lasso.problem.design.scale[column] if raw else 1.0)
            assert -edge <= shaded.x0 <= shaded.x1 <= edge
            assert f"{100 * row['p_small']:.0f} % of the mass within ±{edge:.2g}" in said
            assert "MAP exactly 0" in said
        else:
            assert "of the mass below 0" in said if row["map"] > 0 else "of the mass above 0" in said
        assert f"{abs(row['disagreement']):.2g} sd {'above' if row['disagreement'] > 0 else 'below'} the mean" in said


def test_mean_and_median_are_told_apart(lasso, drawn):
    ax = marginals(lasso)[0]
    mean, median = drawn(ax, "posterior mean"), drawn(ax, "posterior median")
    assert mean.get_color() == median.get_color() == drawn(ax, "posterior").get_color()
    assert mean.get_linestyle() != median.get_linestyle()
    assert median.get_linewidth() < mean.get_linewidth()


@pytest.mark.parametrize("width", [3.5, 7.0])
def test_columns_of_an_audited_pipeline_are_named(audited, written, width):
    said = written(marginals(audited, width=width)[0].figure).replace("\n", " ")
    assert "coefficient of the columns that StandardScaler makes (units of y per unit)" in said


def test_map_alone_is_named_where_the_two_differ(lasso, drawn):
    lasso.coefficients["difference"] = lasso.coefficients["sd"]
    assert drawn(marginals(lasso)[0], "MAP")


def test_no_prior_is_drawn_where_its_scale_is_unknown(make):
    for ax in marginals(make(br.Gaussian(scale=0.5), scale_by_noise=True)):
        assert "prior" not in ax.get_legend_handles_labels()[1]


def test_claim_is_in_the_title(lasso, written):
    worst = lasso.coefficients["disagreement"].abs().max()
    assert f"The MAP lies up to {worst:.2g} posterior sd from the posterior mean" in written(marginals(lasso)[0].figure)
    lasso.coefficients["disagreement"] /= 100
    assert "MAP and posterior mean agree to within 0.00" in written(marginals(lasso)[0].figure)
    assert "as chosen" in written(marginals(lasso, names=["x0", "x1", "x2"])[0].figure)


def test_claim_is_withheld_when_a_check_failed(failed, written):
    panels = marginals(failed)
    said = written(panels[0].figure)
    assert said.count("No conclusion: a check failed") == 5
    assert "R-hat is 1.08 (limit 1.01)" in said
    assert "sd from" not in said
    assert all("the share stated" not in ax.get_legend_handles_labels()[1] for ax in panels)


def test_nothing_of_a_posterior_that_failed_is_drawn(failed):
    assert not any(ax.lines or ax.collections for ax in marginals(failed))


def test_claim_is_withheld_on_given_axes_too(failed, written):
    figure, axes = plt.subplots(2, 2, figsize=(7, 7), layout="constrained")
    marginals(failed, axes=axes)
    assert written(figure).count("No conclusion: a check failed") == 4


def test_given_axes_are_used_and_no_figure_is_made(lasso, written):
    figure, axes = plt.subplots(1, 3, figsize=(10, 4), layout="constrained")
    panels = marginals(lasso, names=["x3", "x1"], axes=axes)
    assert list(panels) == list(axes[:2])
    assert not axes[2].has_data()
    assert plt.get_fignums() == [figure.number]
    written(figure)
    assert len(marginals(lasso, axes=axes[2])) == 1


def test_what_cannot_be_drawn_is_refused(lasso):
    with pytest.raises(br.ParameterError, match="x9"):
        marginals(lasso, names=["x9"])
    with pytest.raises(br.ParameterError, match="count"):
        marginals(lasso, count=0)
    with pytest.raises(br.ParameterError, match="2 coefficients need as many axes"):
        marginals(lasso, names=["x0", "x1"], axes=plt.figure().subplots())


def test_a_sampler_that_failed_outright_is_still_drawn(failed, written):
    failed.posterior.draws = dict.fromkeys(("beta", "beta_raw"), np.full((4, 10, 6), np.nan)).__getitem__
    failed.coefficients["mean"] = np.nan
    written(marginals(failed)[0].figure)


def test_no_columns_gives_no_panels(lasso):
    lasso.coefficients = lasso.coefficients.iloc[:0]
    assert marginals(lasso).size == 0
    assert not plt.get_fignums()


@pytest.mark.parametrize("width", [3.5, 7.0])
@pytest.mark.parametrize("count", [1, 3, 4])
def test_nothing_is_cut_off_at_either_width(make, written, width, count):
    names = [f"cost_in_$_{'and_more_' * (2 * j)}$_{j}" for j in range(6)]
    panels = marginals(make(br.Laplace(scale=0.05), names=names), width=width, count=count)
    written(panels[0].figure)
    assert min(ax.get_window_extent().height for ax in panels) / panels[0].figure.dpi > 0.7


def test_the_prior_of_a_grouped_coefficient_is_its_marginal() -> None:
    # Of two columns the multivariate Laplace's marginal is λ²|x|K₁(λ|x|)/π: no kink, and no slice of the joint density.
    from scipy.special import k1

    from bayesreg.plots.style import prior_curve
    from bayesreg.priors import GroupLaplace
    from bayesreg.problem import Problem

    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    problem = Problem.from_arrays(X, X[:, 0] + rng.normal(size=30), prior=GroupLaplace([0, 0, 1], 0.5))
    grid = np.linspace(0.05, 2.0, 40)
    rate = np.sqrt(2) / 0.5
    exact = rate**2 * grid * k1(rate * grid) / np.pi
    found = prior_curve(problem, 0, grid)
    np.testing.assert_allclose(found, exact, atol=0.05 * exact.max())
    assert np.abs(np.exp(-rate * grid) * rate / 2 - exact).max() > 0.1 * exact.max()  # the slice
    np.testing.assert_allclose(prior_curve(problem, 2, grid), np.exp(-grid / 0.5), rtol=1e-3)
