"""Every fault of the table of validation is caught on few replications, at its level, by what it makes wrong."""

from dataclasses import replace

import pytest

from bayesreg.samplers import gibbs
from bayesreg.samplers.kernels import GramKernel, RowKernel
from benchmarks.validation.calibrations import FAMILY
from benchmarks.validation.cases import cases
from benchmarks.validation.controls import calibrated, caught, controls, put

CONTROLS = {f"{control.sampler}: {control.fault}": control for control in controls()}
LEVEL = FAMILY / len(cases())
"""Of the table of right samplers."""


def right(control):
    """The same run without the fault."""
    return replace(control, wrong=lambda kept: kept)


@pytest.mark.parametrize("name", CONTROLS)
def test_a_fault_is_caught_where_it_is(name):
    control = CONTROLS[name]
    found = calibrated(control, control.fewer, LEVEL)
    assert found.complete, found.verdict
    assert set(found.methods) == {control.sampler}
    assert found.p <= LEVEL / 10, str(found)  # by far, so that other seeds catch it too
    assert found.verdict.startswith(f"FAILED: ranks of {control.concerns}")
    worst = found.table.iloc[0]
    assert worst.name == control.concerns
    assert control.side * (worst["mean_rank"] - 0.5) > 0.05


ONE_OF_EACH = {(control.sampler, id(control.problem)): name for name, control in CONTROLS.items()}


@pytest.mark.parametrize("name", ONE_OF_EACH.values())
def test_without_the_fault_the_same_run_passes(name):
    control = right(CONTROLS[name])
    found = calibrated(control, 60, LEVEL)
    assert found.passed, str(found)


@pytest.mark.parametrize(("words", "kernel"), [("σ given β", GramKernel), ("β integrated out", RowKernel)])
def test_a_degree_of_freedom_is_wrong_in_the_step_that_is_said(words, kernel):
    (control,) = (control for control in controls() if words in control.fault)
    assert type(gibbs.gaussian_sampler(control.problem).kernel) is kernel
    with put(control):
        wrong = gibbs.gaussian_sampler(control.problem)
    assert type(wrong.kernel) is kernel
    assert wrong.noise.freedom == gibbs.gaussian_sampler(control.problem).noise.freedom + 2


def test_draws_that_ignore_the_data_are_right_in_every_parameter():
    (control,) = (control for control in controls() if "ignore the data" in control.fault)
    blind = calibrated(control, control.fewer, LEVEL).table.drop("log_likelihood")
    assert blind["p_value"].min() * len(blind) > 0.01


def test_a_fault_is_taken_out_again():
    control = controls()[0]
    kept = getattr(control.owner, control.name)
    with put(control):
        assert getattr(control.owner, control.name) is not kept
    assert getattr(control.owner, control.name) is kept
    with pytest.raises(ZeroDivisionError), put(control):
        _ = 1 / 0
    assert getattr(control.owner, control.name) is kept


def test_what_is_right_is_not_caught():
    control = next(control for control in controls() if control.sampler == "conjugate")
    assert caught(control, control.fewer, LEVEL)["caught"]
    row = caught(right(control), control.fewer, LEVEL)
    assert not row["caught"]
    assert (row["replications"], row["failures"]) == (control.fewer, {})
