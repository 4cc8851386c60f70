"""The validation of every sampler, in small: each case runs, by the sampler that is said, and no rank is far off."""

import pytest

from bayesreg.samplers import LADDER
from benchmarks.validation import others, page
from benchmarks.validation.__main__ import _page as write
from benchmarks.validation.calibrations import calibrate
from benchmarks.validation.cases import LIKELIHOODS, PRIORS, cases
from benchmarks.validation.controls import caught, controls
from tests.registry import LIKELIHOODS as KNOWN
from tests.registry import PRIORS as FORMS

CASES = {case.name: case for case in cases()}
SLOW = ("hmc", "surrogate")
"""A second a posterior, where the prior is hard."""

COMPILED = [name for name, case in CASES.items() if case.method == "nuts"]


@pytest.mark.parametrize("name", [name for name in CASES if name not in COMPILED])
def test_a_case_in_small(name):
    count = 2 if CASES[name].method in SLOW and ("unknown" in name or "bridge 0.5" in name) else 10
    row = calibrate(CASES[name], count, 1e-4, None)
    assert row["passed"], row["verdict"]
    assert row["replications"] == count
    assert CASES[name].method in row["methods"]


def test_every_sampler_that_is_chosen_is_validated():
    assert {case.method for case in CASES.values()} == set(LADDER)


def test_every_likelihood_and_form_of_prior_is_validated():
    kinds = {type(make()) for make in LIKELIHOODS.values()}
    assert {type(case.make()) for case in KNOWN.values()} <= kinds
    assert {type(make(4)) for name, make in FORMS.items() if name != "flat"} == {
        type(make()) for make in PRIORS.values()
    }


def test_the_page_says_what_failed():
    row = {
        "likelihood": "Gaussian", "prior": "Laplace", "first": "gibbs", "methods": {"gibbs": 8, "nuts": 2},
        "replications": 10,
        "quantities": 3, "p": 1e-6, "worst": "sigma", "mean_rank": 0.6, "spread": 1.0, "passed": False,
        "verdict": "FAILED: ranks of sigma are not uniform", "seconds": 1.0,
    }  # fmt: skip
    text = page.calibrations([row, row | {"passed": True, "p": 0.5, "methods": {"gibbs": 10}}], 1e-4)
    assert "**1 failed.**" in text
    assert "gibbs (8), nuts (2)" in text
    assert "FAILED: ranks of sigma" in text
    assert "fail with probability at most 0.0002" in text
    assert "**All passed.**" in page.calibrations([row | {"passed": True}], 1e-4)


def test_the_page_of_a_run_in_small(monkeypatch):
    """All parts, from what they return: one case, one fault, one agreement, coverage on few data sets."""
    monkeypatch.setattr(others, "PROBLEMS", others.PROBLEMS[:1])
    case = CASES["Gaussian, σ known × Gaussian"]
    control = next(control for control in controls() if control.sampler == "conjugate")
    told, text = others.coverages(4, 1, bootstrap=10)
    found = {
        "level": 1e-4, "replications": 20, "calibrations": [calibrate(case, 20, 1e-4, None)],
        "controls": [caught(control, 20, 1e-4)], "agreements": list(others.agreements()),
        "coverages": told, "coverage_text": text, "references": [],
    }  # fmt: skip
    shown = write(found)
    assert "| conjugate | Gaussian, σ known | Gaussian | 20 |" in shown
    assert f"| {control.fault} | conjugate | 20 |" in shown
    assert "| Gaussian, σ known × Gaussian | " in shown
    assert shown.count("| bootstrap |") == len(others.SIGNALS)
    assert "nan" not in shown
