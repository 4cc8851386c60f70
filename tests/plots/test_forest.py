from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.plots import forest


def rows_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


@pytest.mark.parametrize("unit", ["", "_raw"])
def test_marks_stand_at_the_numbers(lasso, drawn, unit):
    ax = forest(lasso, raw=bool(unit))
    table = lasso.coefficients.loc[rows_of(ax)]
    np.testing.assert_allclose(drawn(ax, "posterior mean").get_xdata(), table["mean" + unit])
    np.testing.assert_allclose(drawn(ax, "penalised optimum").get_xdata(), table["penalized" + unit])
    np.testing.assert_allclose(drawn(ax, "MAP").get_xdata(), table.loc[~table["zero"], "map" + unit])
    assert not drawn(ax, "MAP, exactly 0").get_xdata().any()
    assert len(drawn(ax, "MAP, exactly 0").get_xdata()) == table["zero"].sum()
    for label, ends in (("posterior 95\u00a0%", ("lower", "upper")), ("posterior 50\u00a0%", ("lower50", "upper50"))):
        segments = np.array(drawn(ax, label).get_segments())
        np.testing.assert_allclose(segments[:, :, 0], table[[end + unit for end in ends]])
        np.testing.assert_allclose(segments[:, :, 1], np.arange(len(table))[:, None] * [1, 1])


def test_map_and_penalised_share_a_row_so_that_agreement_shows(lasso, drawn):
    ax = forest(lasso)
    rings, zero = drawn(ax, "penalised optimum"), drawn(ax, "MAP, exactly 0")
    assert set(zero.get_ydata()) <= set(rings.get_ydata())
    assert drawn(ax, "penalised optimum").get_markersize() > drawn(ax, "MAP").get_markersize()


def test_strongest_come_first(lasso):
    table = lasso.coefficients
    strength = (table["mean"].abs() / table["sd"]).sort_values(ascending=False)
    assert rows_of(forest(lasso)) == list(strength.index)


def test_claim_is_in_the_title(lasso, ridge, written):
    said = written(forest(lasso).figure)
    assert "MAP and penalised optimum are one point" in said
    assert f"{lasso.coefficients['zero'].sum()} of 6 coefficients are exactly 0 there" in said
    assert "exactly 0" not in written(forest(ridge).figure)


def test_claim_is_withheld_when_a_check_failed(failed, written):
    said = written(forest(failed).figure)
    assert "No conclusion: a check failed\n" in said
    assert "R-hat is 1.08 (limit 1.01)" in said
    assert "one point" not in said
    assert "posterior mean" not in said  # nor is anything of the posterior drawn


def test_disagreement_is_not_called_one_point(lasso, written):
    lasso.coefficients["difference"] += 0.5 * lasso.coefficients["sd"]
    assert "differ by up to 0.5 posterior sd" in written(forest(lasso).figure)


def test_a_tie_is_called_a_tie(make, written):
    tied = make(br.Laplace(scale=0.05))
    tied.map = type("Tied", (), {"outcome": br.Outcome.NOT_UNIQUE})
    tied.coefficients["difference"] = 1.0
    assert "tie: the optimum is not unique" in written(forest(tied).figure)


def test_given_axes_are_used_and_no_figure_is_made(lasso, written):
    figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    assert forest(lasso, ax=axes[1]) is axes[1]
    assert plt.get_fignums() == [figure.number]
    assert axes[1].has_data()
    assert not axes[0].has_data()
    assert "one point" in written(figure).replace("\n", " ")


def test_long_lists_are_cut_and_the_cut_is_stated(make, written):
    ax = forest(make(br.Laplace(scale=0.05), p=40))
    assert len(rows_of(ax)) == 30
    assert "Shown: 30 (largest |mean|/sd); 10 left out." in written(ax.figure).replace("\n", " ")
    assert len(rows_of(forest(make(br.Laplace(scale=0.05), p=40), most=3))) == 3


def test_chosen_coefficients_are_drawn_in_their_order(lasso, written):
    ax = forest(lasso, coefficients=["x4", "x0"])
    assert rows_of(ax) == ["x4", "x0"]
    assert "Shown: 2 (as chosen); 4 left out." in written(ax.figure)


@pytest.mark.parametrize("wrong", [{"coefficients": ["x9"]}, {"most": 0}])
def test_what_cannot_be_drawn_is_refused(lasso, wrong):
    with pytest.raises(br.ParameterError, match=r"x9|most"):
        forest(lasso, **wrong)
    assert not plt.get_fignums()


@pytest.mark.parametrize("width", [3.5, 7.0])
@pytest.mark.parametrize("p", [1, 10, 40])
def test_nothing_is_cut_off_at_either_width(make, written, width, p):
    names = [f"cost_in_$_{'and_more_' * (j % 4)}$_{j}" for j in range(p)]
    ax = forest(make(br.Laplace(scale=0.05), p=p, names=names), width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)
    assert len(set(rows_of(ax))) == len(rows_of(ax))


def test_no_columns_leaves_an_empty_picture(lasso, written):
    lasso.coefficients = lasso.coefficients.iloc[:0]
    assert "0 of 0" in written(forest(lasso).figure)


def fit(comparison, shift=0.0, **facts):
    """An audited fit `shift` posterior sds from the optimum, as far as the picture reads it."""
    sd = comparison.coefficients["sd"].to_numpy()
    found = {"beta": comparison.penalized.beta + shift * sd, "error_in_sds": np.full(sd.size, abs(shift)),
             "certified": not shift, "sound": abs(shift) < 0.1, "excess": 3.0 * shift**2, "steps": ()}  # fmt: skip
    return SimpleNamespace(**(found | facts))


@pytest.mark.parametrize("raw", [False, True])
def test_an_audited_fit_stands_beside_the_optimum(lasso, drawn, raw):
    without = len(forest(lasso, raw=raw).lines)
    lasso.audited = fit(lasso, 0.5)
    lasso.audited.beta[2] = 0.0
    ax = forest(lasso, raw=raw)
    names = rows_of(ax)
    scale = lasso.problem.design.scale if raw else np.ones(6)
    assert raw == (not np.allclose(scale, 1.0))
    beta = dict(zip(lasso.problem.names, lasso.audited.beta / scale, strict=True))
    yours, zero = drawn(ax, "yours"), drawn(ax, "yours, exactly 0")
    np.testing.assert_allclose(yours.get_xdata(), [beta[name] for name in names if name != "x2"])
    rows = np.round(yours.get_ydata()).astype(int)
    assert [names[row] for row in rows] == [name for name in names if name != "x2"]
    assert zero.get_xdata() == [0.0]
    assert names[round(zero.get_ydata()[0])] == "x2"
    assert yours.get_marker() not in {drawn(ax, name).get_marker() for name in ("MAP", "posterior mean")}
    assert len(ax.lines) == without + 2


def test_without_an_audit_nothing_of_it_is_drawn(lasso, written):
    ax = forest(lasso)
    assert not any("yours" in label for label in ax.get_legend_handles_labels()[1])
    assert "Your" not in written(ax.figure)


@pytest.mark.parametrize(
    ("shift", "claim"),
    [
        (0.0, "Your fit is the MAP of the prior that it assumes"),
        (0.05, "Your fit is near the MAP of the prior that it assumes: within 0.05 posterior sd"),
        (0.5, "Your fit is not the MAP: 0.75 nats worse, up to 0.5 posterior sd from it"),
    ],
)
def test_the_claim_of_an_audit_is_of_its_own_fit(lasso, written, shift, claim):
    lasso.audited = fit(lasso, shift)
    said = written(forest(lasso).figure).replace("\n", " ")
    assert claim in said
    assert "MAP and penalised optimum are one point; " in said


def test_one_of_several_optima_is_called_that(lasso, written):
    lasso.audited = fit(lasso)
    lasso.penalized = SimpleNamespace(outcome=br.Outcome.NOT_UNIQUE)
    assert "Your fit is one of several optima that tie" in written(forest(lasso).figure)


def test_of_an_audit_whose_check_failed_nothing_is_claimed(failed, written):
    failed.audited = fit(failed)
    said = written(forest(failed).figure)
    assert "No conclusion: a check failed\n" in said
    assert "Your fit" not in said


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("raw", [False, True])
def test_the_columns_of_a_real_pipeline_are_named(audited, drawn, written, width, raw):
    ax = forest(audited, width=width, raw=raw)
    names = rows_of(ax)
    fitted = dict(zip(audited.problem.names, audited.audited.beta, strict=True))
    labels = ax.get_legend_handles_labels()[1]
    both = [drawn(ax, label) for label in labels if label.startswith("yours")]
    found = {names[round(y)]: x for line in both for x, y in zip(*line.get_data(), strict=True)}
    assert found == pytest.approx(fitted)
    said = written(ax.figure).replace("\n", " ")
    assert "coefficient of the columns that StandardScaler makes (units of y per unit)" in said
    assert "data units" not in said
    assert "Your fit is not the MAP" in said
    assert not audited.audited.sound
