"""Right samplers pass, on few replications; what is refused, what is told.  Wrong samplers: `test_controls`."""

from dataclasses import replace

import numpy as np
import pytest

import bayesreg as br
from bayesreg.samplers import gibbs
from bayesreg.validate import sbc
from benchmarks.validation.controls import rescaled
from tests.validate.problems import lasso, logistic, ridge, rows

FAST = {"workers": 1, "draws": 20, "chains": 8, "tune": 20, "ranks": 19}
"""Short runs: of 160 draws 19 are kept, and the sampler is run longer where their ESS is below 38."""

RIGHT = {
    "conjugate": ridge,
    "gibbs": lasso,
    "gibbs, an unknown scale": lambda: lasso().with_prior(br.Laplace(br.HalfNormal(1.0))),
    "gibbs, more columns than rows": lambda: lasso(n=4, p=6),
    "surrogate": lambda: logistic(n=40),
}


@pytest.mark.parametrize("case", RIGHT)
def test_right_samplers_pass(case):
    count = 30 if case == "surrogate" else 100
    found = sbc(RIGHT[case](), count, seed=11, **FAST)
    assert found.passed, str(found)
    assert set(found.methods) - {"hmc"} == {case.partition(",")[0]}  # one that refuses itself is followed by the next
    assert found.ranks.shape == (count, len(found.names))
    assert found.ranks.min() >= 0
    assert found.ranks.max() <= 19
    assert {"log_likelihood", "log_prior", "intercept", "beta[x0]"} <= set(found.names)


def test_hmc_passes_where_the_surrogate_would_be_chosen():
    assert sbc(logistic(), 60, seed=2, method="hmc", **FAST).passed


def test_an_improper_prior_takes_truths_from_the_posterior():
    X, y = rows(40)
    problem = br.Problem.from_arrays(X, y, prior=br.Laplace(0.5))
    found = sbc(problem, 80, seed=1, **FAST)
    assert found.truths == "posterior"
    assert "by gibbs, the sampler that is checked" in found.sentence
    assert found.shared
    assert "what the sampler makes wrong consistently is not seen" in found.verdict
    assert found.passed, str(found)
    with pytest.raises(br.ParameterError, match=r"improper prior, which the intercept .* sigma .* have"):
        sbc(problem, 80, truths="prior")


def test_truths_of_another_sampler_tell_what_one_does_consistently_wrong(monkeypatch):
    """Ridge truths by the exact sampler, posteriors by one whose scale is off; by itself it would pass."""
    problem = ridge(n=6, p=6, sigma=1.5)
    settings = {"truths": "posterior", "method": "gibbs", "seed": 3} | FAST
    monkeypatch.setattr(gibbs, "draw", rescaled(1.5)(gibbs.draw))
    other = sbc(problem, 300, **settings)
    assert "by conjugate; each" in other.sentence
    assert not other.shared
    assert not other.passed
    assert sbc(problem, 300, truths_by="gibbs", **settings).passed


def test_quantities_of_the_users_own():
    def largest(draws, problem):
        return np.abs(draws["beta"]).max(axis=1)

    found = sbc(ridge(), 40, {"largest": largest}, seed=1, **FAST)
    assert found.names[-3:] == ("log_likelihood", "log_prior", "largest")
    assert sbc(ridge(), 40, ["log_prior"], seed=1, **FAST).names[-1] == "log_prior"
    assert "log_likelihood" not in sbc(ridge(), 40, ["log_prior"], seed=1, **FAST).names


@pytest.mark.parametrize(("quantities", "why"), [
    (["nonsense"], "'nonsense' is not one of log_likelihood, log_prior"),
    ({"a": 3}, "'a' is not a function"),
    ({"a": lambda draws, problem: draws["beta"]}, r"'a' must return 1 numbers, one a draw \(got shape \(1, 3\)\)"),
    ({"a": lambda draws, problem: np.full(len(draws["beta"]), np.nan)}, r"one a draw \(got NaN\)"),
])  # fmt: skip
def test_quantities_that_are_none_are_refused_before_anything_is_drawn(quantities, why):
    with pytest.raises(br.ParameterError, match=why):
        sbc(ridge(), 40, quantities)


@pytest.mark.parametrize(("settings", "why"), [
    ({"replications": 1}, "replications must be an integer >= 2"),
    ({"ranks": 0}, "ranks must be an integer >= 1"),
    ({"false_alarm": 0}, "false_alarm must be a probability between 0 and 1"),
    ({"method": "stan"}, "is not a sampler"),
    ({"method": "pymc"}, "would compile the model in every replication; check pm.sample with simuk"),
    ({"truths": "data"}, "truths must be one of auto, prior, posterior"),
])  # fmt: skip
def test_bad_settings_are_refused(settings, why):
    with pytest.raises(br.ParameterError, match=why):
        sbc(ridge(), **settings)


def test_a_sampler_that_does_not_apply_is_refused():
    with pytest.raises(br.ParameterError, match="does not apply"):
        sbc(lasso(), 20, method="conjugate", workers=1)


def test_replications_without_draws_are_counted_and_nothing_is_passed(monkeypatch):
    original, calls = gibbs.draw, []

    def sometimes(problem, settings):
        calls.append(1)
        if len(calls) % 10 == 0:
            msg = "the matrix is singular"
            raise br.FitError(msg)
        return original(problem, settings)

    monkeypatch.setattr(gibbs, "draw", sometimes)
    found = sbc(lasso(), 40, seed=1, method="gibbs", **FAST)
    assert found.failures == {"FitError: the matrix is singular": 4}
    assert not found.passed
    assert found.verdict.startswith("INCOMPLETE: 4 without draws: FitError: the matrix is singular")


def test_an_interrupted_run_is_incomplete_and_goes_on(monkeypatch, tmp_path):
    original, calls = gibbs.draw, []

    def stopped(problem, settings):
        calls.append(1)
        draws = original(problem, settings)
        return replace(draws, interrupted=len(calls) == 8)

    monkeypatch.setattr(gibbs, "draw", stopped)
    store = tmp_path / "sbc.jsonl"
    found = sbc(lasso(), 20, seed=1, store=store, **FAST)
    assert found.interrupted
    assert len(found.records) == 7
    assert found.verdict.startswith("INCOMPLETE: 13 of 20 replications were not run")
    whole = sbc(lasso(), 20, seed=1, store=store, **FAST)
    assert len(whole.records) == 20
    assert (whole.ranks == sbc(lasso(), 20, seed=1, **FAST).ranks).all()
    with pytest.raises(br.InputError, match="differs in problem"):
        sbc(lasso(0.8), 20, seed=1, store=store, **FAST)


def test_what_is_told():
    found = sbc(ridge(), 30, seed=1, **FAST)
    text = str(found)
    assert text.startswith("Simulation-based calibration: passed (30 replications, 7 quantities, adjusted p = ")
    assert "a right sampler fails with probability at most 0.01" in text
    assert "30 by conjugate; seed 1" in text
    assert "<pre" in found._repr_html_()
    assert '"passed": true' in found.to_json()
    assert repr(found) == f"Calibration({found.verdict})"


def test_too_few_replications_say_what_they_cannot_show():
    few = sbc(ridge(), 5, seed=1, **FAST)
    assert few.detectable.wide == np.inf
    assert few.blind.startswith("draws that are too wide are not seen by so few")
    assert few.blind in few.verdict
    assert not sbc(ridge(), 30, seed=1, **FAST).blind
