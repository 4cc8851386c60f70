import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.discard.scores import FULL, INTERVALS, PREDICTORS, HeldOut, ledger_of, withheld_ledger
from bayesreg.plots import calibration

ROWS = 300


def promised(problem, y, spreads, **settings):
    """A ledger of predictors who say N(0, spread²) of every row."""
    rng = np.random.default_rng(1)
    heldouts = {}
    for name, spread in zip(PREDICTORS, spreads, strict=True):
        pit = stats.norm.cdf(y / spread)
        width = np.tile(2 * spread * stats.norm.ppf(0.5 + np.array(INTERVALS) / 2), (y.size, 1))
        density = stats.norm.logpdf(y, 0, spread) + 0.01 * rng.normal(size=y.size)
        heldouts[name] = HeldOut(density, pit, pit, width, np.zeros(y.size), 0.1, 0.1)
    return ledger_of("K-fold", "made up", heldouts, np.arange(y.size), problem, **settings)


@pytest.fixture
def ledger():
    """Numbers from N(0, 1): the MAP's predictor is far too sure, the posterior is right."""
    rng = np.random.default_rng(0)
    y = rng.normal(size=ROWS)
    problem = br.Problem.from_arrays(rng.normal(size=(ROWS, 2)), y, prior=br.Laplace(1.0))
    return promised(problem, y, (0.4, 0.9, 1.0))


def classes(stretch=(2.0, 1.0, 1.0), *, size=ROWS, apart=False):
    """A ledger of classes, of predictors who stretch the log-odds."""
    rng = np.random.default_rng(3)
    eta = rng.normal(size=size) * 1.5
    y = (eta > 0).astype(float) if apart else (rng.uniform(size=size) < 1 / (1 + np.exp(-eta))).astype(float)
    X = rng.normal(size=(size, 2))
    problem = br.Problem.from_arrays(X, y, likelihood=br.BernoulliLogit(), prior=br.Laplace(1.0))
    heldouts = {}
    for name, factor in zip(PREDICTORS, stretch, strict=True):
        p = 1 / (1 + np.exp(-factor * eta))
        upper, density = np.where(y > 0, 1.0, 1 - p), np.where(y > 0, p, 1 - p)
        heldouts[name] = HeldOut(np.log(density), upper - density, upper, np.ones((size, 3)), p, 0.1, 0.1)
    return ledger_of("PSIS-LOO", "made up", heldouts, np.arange(size), problem)


def marks_of(ax):
    """Label -> its marks (x, y), and the half lengths of their errors."""
    found = {}
    for container in ax.containers:
        points, _, (bars,) = container.lines
        segments = np.array(bars.get_segments())
        x, y = (np.asarray(values, dtype=float) for values in points.get_data())
        found[container.get_label()] = (x, y, (segments[:, 1, 1] - segments[:, 0, 1]) / 2)
    return found


def band_of(ax):
    (band,) = (patch for patch in ax.patches if patch.get_label().startswith("if calibrated"))
    return band.get_bbox().y0, band.get_bbox().y1


def test_coverage_of_each_predictor_with_its_error(ledger):
    promise, _ = calibration(ledger)
    found = marks_of(promise)
    assert list(found) == list(PREDICTORS)
    for name, (x, y, error) in found.items():
        table = ledger.intervals.loc[name]
        np.testing.assert_allclose(x, INTERVALS, atol=0.03)
        np.testing.assert_allclose(y, table["coverage"])
        np.testing.assert_allclose(error, table["coverage_se"])
    assert len({tuple(x) for x, *_ in found.values()}) == 3  # none hides another


def test_a_coverage_far_below_its_promise_is_in_sight(ledger):
    table = ledger.intervals
    assert table["coverage"].min() < 0.25
    promise, _ = calibration(ledger)
    low, high = promise.get_ylim()
    assert low < (table["coverage"] - table["coverage_se"]).min()
    assert high > 1.0


def test_histogram_of_the_pit_and_its_band(ledger, drawn):
    _, transforms = calibration(ledger)
    heights, edges, _ = drawn(transforms, "PIT, full posterior").get_data()
    pit = ledger.rows[f"pit {FULL}"]
    counts = np.histogram(pit, 10, (0, 1))[0]
    np.testing.assert_allclose(edges, np.linspace(0, 1, 11))
    np.testing.assert_allclose(heights, counts * 10 / ROWS)
    low, high = np.array(band_of(transforms)) * ROWS / 10
    inside = stats.binom.cdf(high, ROWS, 0.1) - stats.binom.cdf(low - 1, ROWS, 0.1)
    assert 0.95 <= inside < 0.98  # of one bar: the band is not simultaneous, and says so
    assert "if calibrated (95\u00a0% a bar)" in transforms.get_legend_handles_labels()[1]
    assert transforms.get_ylim()[1] > max(heights.max(), high * 10 / ROWS)


def test_few_rows_have_few_bins(drawn):
    rng = np.random.default_rng(0)
    y = rng.normal(size=45)
    problem = br.Problem.from_arrays(rng.normal(size=(45, 2)), y, prior=br.Laplace(1.0))
    _, transforms = calibration(promised(problem, y, (1.0, 1.0, 1.0)))
    heights, edges, _ = drawn(transforms, "PIT, full posterior").get_data()
    assert len(heights) == 2
    assert (heights * np.diff(edges)).sum() == pytest.approx(1.0)


def test_the_claim_is_whether_the_posterior_holds_its_promise(ledger, written):
    said = written(calibration(ledger)[0].figure).replace("\n", " ")
    covered = ledger.intervals["coverage"]
    assert f"The posterior's 95 % interval holds its promise: it has {100 * covered[FULL, 0.95]:.1f} % of" in said
    assert f"K-fold, 300 rows; the plug-in at the MAP's has {100 * covered[PREDICTORS[0], 0.95]:.1f} %." in said


def test_a_promise_that_is_not_held_is_missed(ledger, written):
    rng = np.random.default_rng(0)
    y = rng.normal(size=ROWS)
    problem = br.Problem.from_arrays(rng.normal(size=(ROWS, 2)), y, prior=br.Laplace(1.0))
    said = written(calibration(promised(problem, y, (1.0, 1.0, 0.5)))[0].figure).replace("\n", " ")
    assert "The posterior's 95 % interval misses its promise" in said
    assert "holds" not in said


def test_frequencies_of_classes_with_their_errors():
    ledger = classes()
    promise, _ = calibration(ledger)
    found = marks_of(promise)
    for name in PREDICTORS:
        rows = ledger.calibration[ledger.calibration["predictor"] == name]
        x, y, error = found[name]
        assert len(x) == 10
        np.testing.assert_allclose(x, rows["predicted"])
        np.testing.assert_allclose(y, rows["observed"])
        np.testing.assert_allclose(error, rows["se"])


@pytest.mark.parametrize(("stretch", "verdict"), [(1.0, "calibrated"), (3.0, "too sure"), (0.3, "too unsure")])
def test_the_claim_of_classes_is_their_slope(written, stretch, verdict):
    ledger = classes((1.0, 1.0, stretch), size=600)
    said = written(calibration(ledger)[0].figure).replace("\n", " ")
    slope, error = (ledger.scores[f"calibration_slope{end}"][FULL] for end in ("", "_se"))
    assert f"The posterior's probabilities are {verdict}: slope {slope:.2f}" in said
    assert f"± {error:.2g}, 1 if calibrated; PSIS-LOO, 600 rows." in said


def test_classes_that_are_apart_have_no_slope(written):
    said = written(calibration(classes(apart=True))[0].figure).replace("\n", " ")
    assert "The classes are apart: calibration has no slope" in said


def test_the_pit_of_classes_is_called_randomised(ledger):
    assert calibration(classes())[1].get_xlabel() == "PIT, randomised"
    assert calibration(ledger)[1].get_xlabel() == "PIT"


def test_of_a_comparison_it_is_its_prediction(real, drawn, written):
    promise, transforms = calibration(real)
    found = marks_of(promise)
    for name in PREDICTORS:
        np.testing.assert_allclose(found[name][1], real.prediction.intervals.loc[name]["coverage"])
    heights, edges, _ = drawn(transforms, "PIT, full posterior").get_data()
    np.testing.assert_allclose(heights * 80 / len(heights), np.histogram(real.prediction.rows[f"pit {FULL}"], edges)[0])
    assert "PSIS-LOO, 80 rows" in written(promise.figure).replace("\n", " ")


def test_of_folds_it_is_their_ledger(real, written):
    folded = br.discard.kfold(real.problem, by=None, folds=4)
    assert not folded.withheld
    promise, _ = calibration(folded, width=3.5)
    np.testing.assert_allclose(marks_of(promise)[FULL][1], folded.intervals.loc[FULL]["coverage"])
    said = written(promise.figure).replace("\n", " ")
    assert "4-fold" in said


@pytest.mark.parametrize("given", [False, True])
def test_a_withheld_ledger_says_why_and_draws_nothing(real, but, written, given):
    withheld = withheld_ledger("PSIS-LOO", "k-hat is above 0.7 for 12 rows, too many to draw anew", real.problem)
    for what in (withheld, but(prediction=withheld)):
        axes = plt.figure(figsize=(8, 4), layout="constrained").subplots(1, 2) if given else None
        panels = calibration(what, axes=axes)
        said = written(panels[0].figure).replace("\n", " ")
        assert said == "No conclusion: a check failed k-hat is above 0.7 for 12 rows, too many to draw anew"
        assert not any(ax.lines or ax.patches or ax.collections or ax.containers for ax in panels)


def test_a_comparison_that_failed_a_check_is_not_predicted_from(but, written):
    panels = calibration(but(passed=False, withheld="R-hat is 1.08 (limit 1.01)", prediction=None))
    assert "R-hat is 1.08 (limit 1.01)" in written(panels[0].figure)
    assert not any(ax.has_data() for ax in panels)


def test_given_axes_are_used_and_keep_their_titles(ledger, written):
    figure, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
    assert list(calibration(ledger, axes=axes[1:])) == list(axes[1:])
    assert plt.get_fignums() == [figure.number]
    assert not axes[0].has_data()
    said = written(figure).replace("\n", " ")
    assert "observed % ± se" in said
    assert "PIT density" in said
    assert "if calibrated" in said
    assert "holds its promise" in said


def test_what_cannot_be_drawn_is_refused(ledger):
    with pytest.raises(br.ParameterError, match=r"axes must be two \(got 1\)"):
        calibration(ledger, axes=plt.figure().subplots())


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("binary", [False, True])
def test_nothing_is_cut_off_at_either_width(ledger, written, width, binary):
    panels = calibration(classes() if binary else ledger, width=width)
    assert panels[0].figure.get_figwidth() == width
    written(panels[0].figure)
    assert min(ax.get_window_extent().height for ax in panels) / panels[0].figure.dpi > 0.9


def test_few_rows_hold_no_promise(written):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 2))
    problem = br.Problem.from_arrays(X, X[:, 0] + rng.normal(size=30), prior=br.Gaussian(1.0))
    few = br.discard.prediction(br.sample(problem), rows=8)
    said = written(calibration(few)[0].figure).replace("\n", " ")
    assert "is not told from its promise" in said
    assert "holds" not in said
