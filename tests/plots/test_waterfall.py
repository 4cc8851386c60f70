from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import bayesreg as br
from bayesreg.discard.waterfall import CLEAR, SHORT, Waterfall
from bayesreg.discard.waterfall_states import CHANCE, COLUMNS, END, LAMBDA, MEAN, NOISE, OPTIMUM, SCALE, SOLVER, STEPS
from bayesreg.plots import waterfall

IDLE = (SOLVER, LAMBDA, COLUMNS)


def fallen(*, p=4, names=None, start=OPTIMUM, idle=IDLE, unit=1.0, seed=0, withheld=""):
    """Return a waterfall of made-up steps; column j moves j + 1 times as far as the first, in sds."""
    rng = np.random.default_rng(seed)
    names = [f"x{j}" for j in range(p)] if names is None else list(names)
    steps = rng.choice([-1.0, 1.0], (len(STEPS), p)) * rng.uniform(0.5, 1.0, (len(STEPS), p)) * np.arange(1, p + 1)
    errors = np.full((len(STEPS), p), 0.02)
    for k, step in enumerate(STEPS):
        if step in (SOLVER, LAMBDA, COLUMNS):
            errors[k] = 0.0
        if step in idle:
            steps[k] = errors[k] = 0.0
    first = rng.normal(size=p)
    index = pd.Index([start, *STEPS, END], name="step")
    table = pd.DataFrame(np.vstack([first, steps, first + steps.sum(axis=0)]), index=index, columns=names) * unit
    mcse = pd.DataFrame(np.vstack([np.zeros(p), errors, np.full(p, 0.014)]), index=index, columns=names) * unit
    return Waterfall(table, mcse, dict.fromkeys(STEPS, "a note"), np.full(p, unit), withheld)


def column_of(ax):
    return ax.texts[0].get_text()


def bars_of(ax):
    """Row -> (from, to) of its bar."""
    found = {}
    for patch in ax.patches:
        row = round(patch.get_y() + patch.get_height() / 2)
        found[row] = (patch.get_x(), patch.get_x() + patch.get_width())
    return found


def rows_of(ax):
    return [label.get_text() for label in ax.get_yticklabels()]


def test_bars_go_step_by_step_from_start_to_mean(drawn):
    fall = fallen()
    panels = waterfall(fall)
    assert len(panels) == 4
    for ax in panels:
        values = fall.table[column_of(ax)].to_numpy()
        kept = values[[0, *(1 + STEPS.index(s) for s in STEPS if s not in IDLE), -1]]
        assert drawn(ax, OPTIMUM).get_xdata() == kept[0]
        assert drawn(ax, "posterior mean").get_xdata() == kept[-1]
        reached = kept[0] + np.cumsum(kept[1:-1])
        bars = bars_of(ax)
        assert sorted(bars) == [1, 2, 3, 4]
        np.testing.assert_allclose([bars[row][1] for row in sorted(bars)], reached)
        np.testing.assert_allclose([bars[row][0] for row in sorted(bars)], [kept[0], *reached[:-1]])
        assert reached[-1] == pytest.approx(kept[-1])


def test_up_and_down_have_colours_of_their_own():
    fall = fallen()
    for ax in waterfall(fall):
        steps = fall.steps.loc[[s for s in STEPS if s not in IDLE], column_of(ax)]
        containers = {found.get_label(): found for found in ax.containers}
        for label, count in (("step up", (steps > 0).sum()), ("step down", (steps < 0).sum())):
            assert len(containers[label].patches if label in containers else ()) == count
        colours = {tuple(found.patches[0].get_facecolor()) for found in containers.values()}
        assert len(colours) == len(containers)


def test_the_legend_explains_the_marks_of_all_panels():
    fall = fallen(p=2)
    for column, sign in (("x0", 1.0), ("x1", -1.0)):
        fall.table.loc[list(STEPS), column] = sign * fall.table.loc[list(STEPS), column].abs()
        fall.table.loc[END, column] = fall.table[column].iloc[:-1].sum()
    panels = waterfall(fall)
    (legend,) = panels[0].figure.legends
    said = [text.get_text() for text in legend.get_texts()]
    assert {"step up", "step down"} <= set(said)
    assert len(said) == len(set(said))


def test_errors_of_every_drawn_step_and_of_the_mean_are_on_it(drawn):
    fall = fallen(idle=())
    for ax in waterfall(fall):
        name = column_of(ax)
        lines = {round(line[0][1]): line[:, 0] for line in drawn(ax, "± 2 Monte Carlo errors").get_segments()}
        expected = {1 + STEPS.index(step) for step in (MEAN, NOISE, SCALE, CHANCE)} | {1 + len(STEPS)}
        assert set(lines) == expected  # none of the steps that have no error
        for row, (low, high) in lines.items():
            assert high - low == pytest.approx(2 * CLEAR * fall.mcse[name].iloc[row])
        level = fall.table[name].iloc[:-1].sum()
        assert np.mean(lines[STEPS.index(CHANCE) + 1]) == pytest.approx(level)
        assert np.mean(lines[1 + len(STEPS)]) == pytest.approx(fall.table[name].iloc[-1])


def test_largest_movers_come_first_in_posterior_sds():
    fall = fallen(p=8)
    expected = (fall.steps.abs() / fall.sd).max().sort_values(ascending=False).index
    assert [column_of(ax) for ax in waterfall(fall)] == list(expected[:6])
    assert [column_of(ax) for ax in waterfall(fall, most=2)] == list(expected[:2])
    wide = Waterfall(fall.table, fall.mcse, fall.notes, fall.sd * np.array([1, 1, 1, 1, 1, 1, 1, 100.0]))
    assert "x7" not in [column_of(ax) for ax in waterfall(wide, most=7)]
    assert [column_of(ax) for ax in waterfall(fall, coefficients=["x3", "x0"])] == ["x3", "x0"]


def test_idle_steps_have_no_row_and_are_named(written):
    panels = waterfall(fallen())
    assert rows_of(panels[0]) == ["start", MEAN, NOISE, SCALE, CHANCE, END]
    said = written(panels[0].figure).replace("\n", " ")
    assert f"Nothing to change: {', '.join(IDLE)}." in said
    panels = waterfall(fallen(idle=()))
    assert rows_of(panels[0]) == ["start", *STEPS, END]
    assert "Nothing to change" not in written(panels[0].figure)


def test_a_step_that_moves_one_coefficient_keeps_its_row_in_all():
    fall = fallen()
    fall.table.loc[SOLVER, "x1"] = 1.0
    fall.table.loc[END, "x1"] += 1.0
    panels = waterfall(fall)
    assert rows_of(panels[0])[1] == SOLVER
    for ax in panels:
        assert len(ax.get_yticks()) == 7
        assert (1 in bars_of(ax)) == (column_of(ax) == "x1")


def test_narrow_figures_have_short_names_of_the_steps():
    assert rows_of(waterfall(fallen(), width=3.5)[0])[1:] == [SHORT[s] for s in (MEAN, NOISE, SCALE, CHANCE, END)]


def test_claim_is_the_largest_step_in_the_title(written):
    fall = fallen()
    clear = (fall.steps.abs() / fall.sd).stack()
    step, column = clear.idxmax()
    said = written(waterfall(fall)[0].figure).replace("\n", " ")
    assert f"The largest step, {step}, moves {column} by {clear.max():.2g} posterior sd" in said
    assert "From the penalised optimum to the posterior mean, one thing changed at a time." in said
    assert fall.largest is not None
    assert (fall.largest.step, fall.largest.column) == (step, column)
    assert f"{column!r}: {step}" in fall.sentence


def test_a_step_within_its_error_is_no_claim(written):
    fall = fallen()
    fall.mcse.loc[[MEAN, NOISE, SCALE, CHANCE]] = 100.0
    assert fall.largest is None
    said = written(waterfall(fall)[0].figure).replace("\n", " ")
    assert "no step is beyond its Monte Carlo error" in said
    assert "largest step," not in said


def test_each_panel_says_how_far_it_goes(written):
    fall = fallen()
    for ax in waterfall(fall):
        total = fall.total[column_of(ax)]
        said = ax.get_title(loc="left").replace("\u00a0", " ").replace("\n", " ").replace("−", "-")
        assert said == f"{total:+.3g} in all ({abs(total):.2g} sd)"


def test_shown_and_left_out_are_stated(written):
    said = written(waterfall(fallen(p=9))[0].figure).replace("\n", " ")
    assert "Shown: 6 of 9 coefficients (largest steps in sd)" in said
    said = written(waterfall(fallen(), coefficients=["x2"])[0].figure).replace("\n", " ")
    assert "Shown: 1 of 4 coefficients (as chosen)" in said
    assert "Shown:" not in written(waterfall(fallen())[0].figure)


def test_where_it_starts_is_named(drawn):
    ax = waterfall(fallen(start="Lasso(alpha=0.1)", idle=()))[0]
    yours, mode = drawn(ax, "Lasso(alpha=0.1)"), drawn(waterfall(fallen())[0], OPTIMUM)
    assert yours.get_marker() != mode.get_marker()
    assert yours.get_color() != mode.get_color()


@pytest.mark.parametrize("given", [False, True])
def test_nothing_is_drawn_where_it_is_withheld(written, given):
    fall = fallen(withheld="the draws of the step 'λ integrated' failed: R-hat is 1.2")
    axes = plt.figure(figsize=(7, 4), layout="constrained").subplots(1, 2) if given else None
    panels = waterfall(fall, axes=axes)
    said = written(panels[0].figure).replace("\n", " ")
    assert "No conclusion: a check failed" in said
    assert "R-hat is 1.2" in said
    assert "moves" not in said
    assert not any(ax.lines or ax.patches or ax.collections for ax in panels)


def test_given_axes_are_used_and_no_figure_is_made(written):
    figure, axes = plt.subplots(1, 3, figsize=(11, 4), layout="constrained")
    panels = waterfall(fallen(), coefficients=["x2", "x0"], axes=axes)
    assert list(panels) == list(axes[:2])
    assert not axes[2].has_data()
    assert plt.get_fignums() == [figure.number]
    assert all(rows_of(ax)[0] == "start" for ax in panels)
    written(figure)
    assert [column_of(ax) for ax in waterfall(fallen(), axes=axes[2])] == ["x3"]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(br.ParameterError, match="x9"):
        waterfall(fallen(), coefficients=["x9"])
    with pytest.raises(br.ParameterError, match="most"):
        waterfall(fallen(), most=0)
    with pytest.raises(br.ParameterError, match=r"got SimpleNamespace.*comparison\.waterfall\(\)"):
        waterfall(SimpleNamespace())
    with pytest.raises(br.ParameterError, match="2 coefficients need as many axes"):
        waterfall(fallen(), coefficients=["x0", "x1"], axes=plt.figure().subplots())
    assert len(plt.get_fignums()) == 1  # that of this test


def test_no_columns_gives_no_panels():
    assert waterfall(fallen(p=0)).size == 0
    assert not plt.get_fignums()


def test_a_coefficient_that_stays_is_drawn(written):
    fall = fallen()
    fall.table.loc[list(STEPS), "x0"] = 0.0
    fall.table.loc[END, "x0"] = fall.table.loc[OPTIMUM, "x0"]
    fall.sd[0] = 0.0
    (ax,) = waterfall(fall, coefficients=["x0"])
    assert not ax.patches
    assert ax.get_title(loc="left").replace("\u00a0", " ") == "+0 in all"
    written(ax.figure)


@pytest.mark.parametrize("width", [3.5, 3.8, 7.0])
@pytest.mark.parametrize("p", [1, 2, 5, 6])
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e8])
def test_nothing_is_cut_off_at_either_width(written, width, p, unit):
    names = [f"cost_in_$_<b>{'and_more_' * (2 * j)}$_{j}" for j in range(p)]
    fall = fallen(names=names, p=p, unit=unit, start="LassoCV(alpha=0.123456, l1_ratio=0.7)", idle=(LAMBDA,))
    panels = waterfall(fall, width=width)
    assert panels[0].figure.get_figwidth() == width
    written(panels[0].figure)
    assert min(ax.get_window_extent().width for ax in panels) / panels[0].figure.dpi > 0.9


def test_numbers_that_hardly_change_have_ticks_that_tell_them_apart(written):
    fall = fallen()
    fall.table.loc[[OPTIMUM, END]] += 12_345.0
    for ax in waterfall(fall):
        ax.figure.canvas.draw()
        low, high = ax.get_xlim()
        ticks = [label.get_text() for place, label in zip(ax.get_xticks(), ax.get_xticklabels(), strict=True)
                 if low <= place <= high]  # fmt: skip
        assert len(ticks) == len(set(ticks)) >= 1
        assert low > 12_000


def test_of_a_real_comparison_and_of_an_audit(real, audited, drawn, written):
    mine = real.waterfall(seed=1)
    panels = waterfall(mine, width=3.5)
    for ax in panels:
        name = column_of(ax)
        place = real.problem.names.index(name)
        assert drawn(ax, OPTIMUM).get_xdata()[0] == pytest.approx(real.penalized.beta_raw[place])
    written(panels[0].figure)
    yours = audited.waterfall(integrate_scale=False)
    panels = waterfall(yours)
    for ax in panels:
        place = audited.problem.names.index(column_of(ax))
        first = drawn(ax, audited.audited.estimator).get_xdata()[0]
        assert first == pytest.approx(audited.audited.beta[place])
        assert drawn(ax, "posterior mean").get_xdata()[0] == pytest.approx(
            audited.posterior.beta_raw[..., place].mean()
        )
    assert SOLVER in rows_of(panels[0])
    assert SCALE not in rows_of(panels[0])
    written(panels[0].figure)
