"""The pictures of rows left out, by arviz-plots, carry the ledger's numbers and our caption."""

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

import bayesreg as br
from bayesreg.discard.scores import FULL, PREDICTORS, withheld_ledger
from bayesreg.plots import khat, loo_pit
from tests.plots.draws import lasso

PICTURES = (khat, loo_pit)


def test_khat_points_are_the_ledgers(written):
    comparison = lasso()
    (ax,) = khat(comparison)
    x, y = np.asarray(ax.collections[0].get_offsets()).T
    rows = comparison.prediction.rows
    np.testing.assert_array_equal(x, rows.index)
    np.testing.assert_array_equal(y, rows["khat"])
    (limit,) = {float(line.get_ydata()[0]) for line in ax.lines if line.get_label() == "most that is relied on"}
    assert limit == min(1 - 1 / np.log10(1000), 0.7)
    above = int((rows["khat"] > limit).sum())
    said = written(ax.figure)
    assert ("Every row's weights may be relied on" in said) == (above == 0)
    assert f"k-hat ≤ {rows['khat'].max():.2g}, limit {limit:.2g}" in said


def test_khat_counts_the_rows_beyond_the_limit(written):
    ledger = lasso().prediction
    ledger.rows["khat"], ledger.rows["refitted"] = 0.1, False
    ledger.rows.loc[[3, 7], "khat"] = [0.9, 0.8]
    ledger.rows.loc[3, "refitted"] = True
    said = written(khat(ledger)[0].figure).replace("\n", " ")
    assert "2 of 40 rows were beyond the limit" in said
    assert "k-hat ≤ 0.9, limit 0.7; 1 of them refitted. PSIS-LOO, 40 rows." in said


def test_rows_without_weight_leave_gaps():
    comparison = lasso(weights=np.where(np.arange(40) % 4 == 1, 0.0, 1.0))
    assert len(comparison.prediction.rows) == 30
    x, y = np.asarray(khat(comparison)[0].collections[0].get_offsets()).T
    known = np.isfinite(y)
    np.testing.assert_array_equal(x[known], comparison.prediction.rows.index)
    np.testing.assert_array_equal(y[known], comparison.prediction.rows["khat"])


def test_loo_pit_lines_are_the_ledgers(drawn, written):
    comparison = lasso()
    (ax,) = loo_pit(comparison)
    for name in (FULL, PREDICTORS[0]):
        x, y = (np.asarray(values) for values in drawn(ax, name).get_data())
        pit = comparison.prediction.rows[f"pit {name}"].to_numpy()
        assert len(x) == len(pit)
        inside = ~np.isclose(x[:, None], pit).any(axis=1)  # at a jump either side is right
        np.testing.assert_allclose(y[inside], ((pit[:, None] <= x).mean(axis=0) - x)[inside], atol=1e-9)
        assert name == FULL or not inside.any()
    plug = drawn(ax, PREDICTORS[0])
    np.testing.assert_allclose(np.sort(comparison.prediction.rows[f"pit {PREDICTORS[0]}"]), plug.get_xdata())
    np.testing.assert_allclose(plug.get_ydata() + plug.get_xdata(), np.arange(1, 41) / 40)
    distance = comparison.prediction.scores.loc[FULL, "pit_distance"]
    assert f"from uniform {distance:.2g} (95 % by chance: {1.36 / np.sqrt(40):.2g})" in written(ax.figure)


def test_loo_pit_tells_a_predictive_distribution_that_is_off(written):
    ledger = lasso().prediction
    assert "is not told from a calibrated one" in written(loo_pit(ledger)[0].figure).replace("\n", " ")
    ledger.rows[f"pit {FULL}"] = ledger.rows[f"pit {FULL}"] ** 3
    ledger.scores.loc[FULL, "pit_distance"] = 0.4
    assert "departs from a calibrated one" in written(loo_pit(ledger)[0].figure).replace("\n", " ")


@pytest.mark.parametrize("picture", PICTURES)
def test_rows_that_may_not_be_shown_are_refused(picture):
    failed = lasso((2, 20))
    assert not failed.passed
    with pytest.raises(br.ParameterError, match=f"{picture.__name__}: WITHHELD: .*ESS"):
        picture(failed)
    with pytest.raises(br.ParameterError, match="prediction is WITHHELD: row 3 cannot be left out"):
        picture(withheld_ledger("PSIS-LOO", "row 3 cannot be left out", failed.problem))
    assert not plt.get_fignums()


def test_folds_have_no_khat_but_a_pit(written):
    ledger = lasso().prediction
    ledger.rows["khat"] = np.nan
    with pytest.raises(br.ParameterError, match="have no k-hat"):
        khat(ledger)
    written(loo_pit(ledger)[0].figure)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("picture", PICTURES)
def test_nothing_is_cut_off_at_any_width(written, picture, width):
    (ax,) = picture(lasso(), width=width)
    assert ax.figure.get_figwidth() == width
    written(ax.figure)


@pytest.mark.parametrize("picture", PICTURES)
def test_settings_are_as_they_were_and_one_figure_is_made(picture):
    before = dict(mpl.rcParams)
    picture(lasso())
    assert dict(mpl.rcParams) == before
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("picture", PICTURES)
def test_other_things_are_refused(picture):
    with pytest.raises(
        br.ParameterError, match=rf"{picture.__name__}: takes a Comparison or a PredictionLedger \(got dict"
    ):
        picture({})
