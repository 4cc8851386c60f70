"""The pictures of draws by arviz-plots carry our numbers, the MAP's mark and our caption, and leave nothing behind."""

import warnings
from dataclasses import replace

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from arviz_stats import bfmi
from matplotlib.text import Text

import bayesreg as br
from bayesreg import plots
from tests.plots.draws import NAMES, lasso, moved, normal_draws, slowed
from tests.problems import make_problem

OF_DRAWS = (plots.trace, plots.rank, plots.ess)
SHAPES = {"4 chains": ((4, 250), None), "64 chains": ((64, 50), 4)}


@pytest.fixture(params=SHAPES, scope="module")
def each(request):
    """One comparison with few chains, and two with many."""
    shape, superchains = SHAPES[request.param]
    return lasso(shape, superchains=superchains)


def titles(panels):
    return [ax.get_title(loc="left") for ax in panels]


def column(comparison, name):
    return comparison.posterior.beta[..., list(comparison.problem.names).index(name)]


def lines(ax):
    """What arviz-plots drew, without our mark."""
    return [line for line in ax.lines if line.get_label() != "MAP"]


def mark(ax):
    """Where the MAP's line stands."""
    (line,) = [line for line in ax.lines if line.get_label() == "MAP"]
    return line


def fractional_ranks(values):
    """Ranks (chain, draw) of draws among all of them, as fractions."""
    return (values.ravel().argsort().argsort().reshape(values.shape) + 0.5) / values.size


def delta(u, at):
    """ECDF of u less the uniform's, at points."""
    return (u[:, None] <= at).mean(axis=0) - at


# -- trace -----------------------------------------------------------------------------------------------------------


def test_trace_lines_are_the_draws_and_the_mark_is_the_map(each, written):
    names = ["plain", "<b>"]
    panels = plots.trace(each, names=names)
    chains = each.posterior.beta.shape[0]
    shown = np.unique(np.linspace(0, chains - 1, min(8, chains)).astype(int))
    assert titles(panels) == names
    for ax, name in zip(panels, names, strict=True):
        assert len(lines(ax)) == len(shown) <= 8
        for line, chain in zip(lines(ax), shown, strict=True):
            np.testing.assert_array_equal(line.get_ydata(), column(each, name)[chain])
            np.testing.assert_array_equal(line.get_xdata(), np.arange(column(each, name).shape[1]))
        assert set(mark(ax).get_ydata()) == {each.coefficients.loc[name, "map"]}
    assert ("8 of 64 chains of 50 draws are shown." in written(panels[0].figure).replace("\n", " ")) == (chains > 8)


def test_those_that_mix_worst_come_first():
    comparison = lasso()
    slowed(comparison, 4, 0.9)
    slowed(comparison, 1, 0.5)
    assert titles(plots.trace(comparison, most=2)) == ["plain", "<b>"]
    assert len(plots.rank(comparison, most=5)) == 5
    assert len(plots.ess(comparison, most=99)) == 6


# -- rank and ESS ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("each", ["4 chains"], indirect=True)
def test_rank_draws_how_far_each_chain_is_from_uniform(each):
    (ax,) = plots.rank(each, names=["plain"])  # of draws that are as good as independent none is left out
    assert len(lines(ax)) == 4
    for line, u in zip(lines(ax), fractional_ranks(column(each, "plain")), strict=True):
        at = np.asarray(line.get_xdata())
        np.testing.assert_allclose(line.get_ydata(), delta(u, at), atol=1 / 250 + 1e-9)


def test_rank_thins_draws_that_depend_on_each_other():
    comparison = lasso((4, 1000))
    one = slowed(comparison, 4, 0.8)
    (ax,) = plots.rank(comparison, names=["plain"])
    step = round(4000 / one.summary(["beta"]).iloc[4][["ess_bulk", "ess_tail"]].min())
    assert 4 < step <= 10
    kept = column(comparison, "plain")[:, ::step]
    for line, u in zip(lines(ax), fractional_ranks(kept), strict=True):
        assert len(line.get_xdata()) == kept.shape[1]
        np.testing.assert_allclose(line.get_ydata(), delta(u, np.asarray(line.get_xdata())), atol=1.01 / kept.shape[1])


def test_rank_sees_a_chain_that_is_elsewhere():
    (ax,) = plots.rank(moved(lasso((4, 400)), 2, 4, 10), names=["plain"])
    heights = [np.abs(line.get_ydata()).max() for line in lines(ax)]
    assert np.argmax(heights) == 2
    assert heights[2] == pytest.approx(0.75, abs=0.02)  # all of its draws are above those of three others
    assert len(ax.collections[0].get_offsets())  # and ArviZ marks it


@pytest.mark.parametrize("superchains", [4, None])
def test_rank_joins_many_chains_into_the_groups_that_started_together(superchains, written):
    comparison = moved(lasso((64, 50), superchains=superchains), slice(16, 32), 4, -10)  # the second group
    (ax,) = plots.rank(comparison, names=["plain"])
    heights = [np.abs(line.get_ydata()).max() for line in lines(ax)]
    assert len(heights) == 4
    assert np.argmax(heights) == 1
    assert "64 chains of 50 draws in 4 groups." in written(ax.figure).replace("\n", " ")


def test_rank_of_many_chains_that_make_no_groups_takes_a_few():
    (ax,) = plots.rank(lasso((10, 100)), names=["plain"])
    assert len(lines(ax)) == 8


@pytest.mark.parametrize("picture", [plots.rank, plots.ess])
def test_the_mark_stands_at_the_maps_quantile(each, picture):
    for ax, name in zip(picture(each, names=NAMES[:2]), NAMES[:2], strict=True):
        below = (column(each, name) <= each.map.beta[list(NAMES).index(name)]).mean()
        (where,) = set(mark(ax).get_xdata())
        assert where == each.coefficients.loc[name, "map_quantile"]
        assert where == pytest.approx(below, abs=0.05)


def test_ess_is_that_of_small_intervals():
    from arviz_stats.base import array_stats

    comparison = lasso((4, 500))
    (ax,) = plots.ess(comparison, names=["plain"])
    x, y = np.asarray(ax.collections[0].get_offsets()).T
    for low, found in zip(x, y, strict=True):
        own = array_stats.ess(
            column(comparison, "plain"), chain_axis=0, draw_axis=1, method="local", prob=(low, low + 1 / x.size)
        )
        assert found == pytest.approx(float(own), rel=1e-9)
    assert [float(line.get_ydata()[0]) for line in lines(ax)] == [400.0]


# -- energy ----------------------------------------------------------------------------------------------------------


def test_energy_draws_the_energies_and_bfmi_of_the_chains_shown(each, written):
    panels = plots.energy(each)
    beside, ax = panels
    energies = each.posterior.data["sample_stats"]["energy"]
    shown = np.unique(np.linspace(0, energies.sizes["chain"] - 1, min(8, energies.sizes["chain"])).astype(int))
    chosen = energies.isel(chain=shown)
    np.testing.assert_allclose(beside.collections[0].get_offsets()[:, 0], bfmi(chosen.to_dataset())["energy"])
    assert [label.get_text() for label in beside.get_yticklabels()] == [str(chain) for chain in shown]
    by_label = {line.get_label(): np.asarray(line.get_xdata()) for line in ax.lines}
    values = chosen.to_numpy()
    for label, sample in (("marginal energy", values - values.mean()), ("change by a transition", np.diff(values))):
        ends = by_label[label].min(), by_label[label].max()
        np.testing.assert_allclose(ends, (sample.min(), sample.max()), atol=0.2 * sample.std())
    said = written(ax.figure)
    assert "BFMI by chain" in said
    assert ("8 of 64 chains" in said) == (energies.sizes["chain"] > 8)


def test_energy_of_a_real_hamiltonian_sampler(written):
    posterior = br.sample(make_problem("bernoulli", prior=br.Laplace(0.5)), "hmc", draws=400)
    beside, ax = plots.energy(posterior)
    assert (beside.collections[0].get_offsets()[:, 0] > 0.3).all()
    assert "energy, centred" in written(ax.figure)


def test_samplers_without_energies_are_told_from_those_with():
    posterior = br.sample(make_problem(prior=br.Gaussian(1.0)), "conjugate", draws=100)
    with pytest.raises(br.ParameterError, match="sampler conjugate leaves no energies; those of hmc, nuts and pymc do"):
        plots.energy(posterior)


# -- what all of them do ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("picture", OF_DRAWS)
def test_a_posterior_alone_has_no_mark(picture):
    comparison = lasso()
    for source, count in ((comparison, 1), (comparison.posterior, 0)):
        labels = [line.get_label() for line in picture(source, most=1)[0].lines]
        assert labels.count("MAP") == count


@pytest.mark.parametrize("picture", OF_DRAWS)
def test_a_map_that_is_not_certified_is_not_marked(picture):
    comparison = lasso()
    proof = comparison.map.certificate
    doubtful = replace(comparison.map, certificate=replace(proof, residual=proof.residual + 1.0))
    assert doubtful.outcome is br.Outcome.NOT_CERTIFIED
    ax = picture(replace(comparison, map=doubtful), most=1)[0]
    assert "MAP" not in [line.get_label() for line in ax.lines]


@pytest.mark.parametrize("picture", [*OF_DRAWS, plots.energy])
def test_the_claim_is_the_verdict(picture, written):
    good = lasso()
    said = written(picture(good)[0].figure).replace("\n", " ")
    assert said.count("The draws may be relied on") == 1
    assert f"R-hat ≤ {good.posterior.verdict.rhat:.4f}, bulk ESS ≥ {good.posterior.verdict.ess_bulk:.0f}" in said
    bad = lasso((4, 20))
    said = written(picture(bad)[0].figure).replace("\n", " ")
    assert "No conclusion: a check failed" in said
    assert bad.posterior.verdict.reasons[0] in said
    assert said.count("(") == said.count(")")
    assert "relied on" not in said


def test_independent_draws_need_no_rhat(written):
    posterior = br.sample(make_problem(prior=br.Gaussian(1.0)), "conjugate", draws=500)
    for picture in OF_DRAWS:
        assert "independent draws, ESS = " in written(picture(posterior)[0].figure)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("picture", [*OF_DRAWS, plots.energy])
def test_nothing_is_cut_off_at_any_width(each, written, picture, width):
    panels = picture(each, width=width)
    assert panels.dtype == object
    assert panels[0].figure.get_figwidth() == width
    written(panels[0].figure)
    if picture in OF_DRAWS:
        assert all(name in NAMES or "…" in name for name in titles(panels))
        heads = [text for ax in panels for text in ax.findobj(Text) if text.get_text() in NAMES]
        assert heads
        assert not any(text.get_parse_math() for text in heads)


@pytest.mark.parametrize("picture", [*OF_DRAWS, plots.energy])
def test_settings_are_as_they_were_and_one_figure_is_made(picture):
    before = dict(mpl.rcParams)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        picture(lasso())
    assert dict(mpl.rcParams) == before
    assert len(plt.get_fignums()) == 1
    assert not caught


@pytest.mark.parametrize("wrong", [{"names": ["x9"]}, {"names": []}, {"most": 0}])
@pytest.mark.parametrize("picture", OF_DRAWS)
def test_what_cannot_be_drawn_is_refused(picture, wrong):
    said = {"x9": "names holds 'x9'", "": "names is empty", "0": r"most must be .* \(got 0\)"}
    (key,) = ["".join(map(str, value)) if isinstance(value, list) else str(value) for value in wrong.values()]
    with pytest.raises(br.ParameterError, match=f"{picture.__name__}: {said[key]}"):
        picture(lasso(), **wrong)
    assert not plt.get_fignums()


@pytest.mark.parametrize("picture", [*OF_DRAWS, plots.energy])
def test_other_things_are_refused(picture):
    with pytest.raises(br.ParameterError, match=rf"{picture.__name__}: takes a Comparison or a \w+ \(got dict\)"):
        picture({})


@pytest.mark.parametrize(
    ("picture", "shape", "said"),
    [
        (plots.rank, (1, 500), "got 1 of 500"),
        (plots.rank, (4, 3), "got 4 of 3"),
        (plots.ess, (4, 3), r"needs 4 draws a chain \(got 3\)"),
        (plots.energy, (4, 3), r"needs 4 draws a chain \(got 3\)"),
        (plots.energy, (64, 7), r"needs 8 draws a chain \(got 7\)"),
    ],
)
def test_too_few_draws_are_refused(picture, shape, said):
    with pytest.raises(br.ParameterError, match=f"{picture.__name__}: .*{said}"):
        picture(lasso(shape))
    assert not plt.get_fignums()


@pytest.mark.parametrize("picture", [plots.trace, plots.ess])
def test_a_single_chain_is_drawn(picture, written):
    said = written(picture(lasso((1, 500)))[0].figure)
    assert "needs at least 2 chains" in said.replace("\n", " ")


def test_no_columns_are_refused():
    problem = br.Problem.from_arrays(np.empty((20, 0)), np.arange(20.0), prior=br.Flat())
    posterior = normal_draws(problem, br.fit_penalized(problem))
    for picture in OF_DRAWS:
        with pytest.raises(br.ParameterError, match="there is no column"):
            picture(posterior)
