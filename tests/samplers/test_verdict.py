"""The gates: each lets good draws through, and each stops the one fault it is there for."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg import diagnostics
from bayesreg.convergence import assess
from bayesreg.diagnostics import Verdict, diagnose, mcse_mean
from bayesreg.interfaces import Array
from bayesreg.priors import Gaussian
from bayesreg.samplers.posterior import assemble
from bayesreg.samplers.settings import Draws, read_settings
from tests.problems import make_problem

PROBLEM = make_problem(prior=Gaussian(1.0))
SETTINGS = read_settings(500, 4, None, 0, None)


def good(chains: int = 4, draws: int = 500, k: int = 3) -> Array:
    return np.random.default_rng(0).normal(size=(chains, draws, k))


def autoregressive(rho: float) -> Array:
    noise = good(draws=2000)
    values = noise.copy()
    for t in range(1, noise.shape[1]):
        values[:, t] = rho * values[:, t - 1] + np.sqrt(1 - rho**2) * noise[:, t]
    return values


def judged(values: Array, **options: object) -> Verdict:
    return diagnose({"beta": values}, **options)  # type: ignore[arg-type]


def test_good_draws_pass() -> None:
    verdict = judged(good())
    assert verdict.passed
    assert verdict.rhat <= 1.01
    assert verdict.ess_bulk >= 400
    assert str(verdict).startswith("passed (R-hat ≤ 1.00")


def test_one_chain_elsewhere_is_stopped_and_named() -> None:
    values = good()
    values[2, :, 1] += 1.0
    verdict = judged(values)
    assert not verdict.passed
    assert verdict.reasons[0].startswith("R-hat of beta[1] is ")
    assert verdict.worst == "beta[1]"


def test_one_chain_of_another_width_is_stopped() -> None:
    values = good()
    values[2, :, 1] *= 4.0
    assert judged(values).reasons[0].startswith("R-hat of beta[1] is ")


def test_slow_mixing_is_stopped() -> None:
    verdict = judged(autoregressive(0.95))
    assert any(reason.startswith("bulk ESS of beta[") for reason in verdict.reasons)
    assert verdict.ess_bulk < 400


def test_a_tail_that_is_visited_in_one_stretch_is_stopped() -> None:
    values = good()
    values[:, :, 2] = np.sort(np.abs(values[:, :, 2]), axis=1)[:, ::-1]
    assert any(reason.startswith("tail ESS of beta[2] is ") for reason in judged(values).reasons)


def test_too_few_draws_are_stopped() -> None:
    verdict = judged(good(draws=50))
    assert any("ESS" in reason for reason in verdict.reasons)
    assert judged(good(draws=3)).reasons == ("3 draws a chain are too few to judge: take at least 4",)


def test_divergences_are_stopped() -> None:
    assert judged(good(), divergences=1).reasons == ("1 divergent transitions",)


@pytest.mark.parametrize(("share", "passes"), [(0.01, True), (0.02, False)])
def test_saturated_trees_are_stopped(share: float, passes: bool) -> None:
    verdict = judged(good(), saturated=share)
    assert verdict.passed is passes
    assert passes or verdict.reasons == ("2% of the trees reached the greatest depth",)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_draws_that_are_not_finite_are_stopped(value: float) -> None:
    values = good()
    values[0, 0, 0] = value
    assert judged(values).reasons == ("some draws are not finite",)
    assert not judged(values, independent=True).passed


def test_a_scalar_that_never_moves_is_stopped_and_named() -> None:
    values = good()
    values[..., 1] = 0.3
    assert judged(values).reasons == ("beta[1] has the same value in every draw: the sampler did not move",)


def test_one_chain_that_never_moves_is_stopped() -> None:
    values = good()
    values[1, :, 1] = 0.3
    assert not judged(values).passed


def test_an_interrupt_alone_stops_nothing() -> None:
    assert judged(good(), interrupted=True).passed
    assert judged(good(draws=20), interrupted=True).reasons[-1] == "sampling was interrupted"


def test_a_single_chain_has_no_rhat() -> None:
    verdict = judged(good(chains=1, draws=2000))
    assert np.isnan(verdict.rhat)
    assert verdict.reasons == ("R-hat needs at least 2 chains (got 1)",)
    assert "R-hat n/a" in str(verdict)
    assert np.isnan(assess(good(chains=1)).rhat).all()


def test_a_single_chain_of_independent_draws_is_enough() -> None:
    verdict = judged(good(chains=1, draws=400), independent=True)
    assert verdict.passed
    assert (verdict.ess_bulk, verdict.ess_tail) == (400, 400)
    assert str(verdict) == "passed (independent draws, ESS = 400)"


def test_independent_draws_must_be_many_too() -> None:
    assert judged(good(chains=1, draws=399), independent=True).reasons[0] == "bulk ESS of beta[0] is 399 < 400"
    assert judged(good(chains=1, draws=2), independent=True).independent


def test_names_of_scalars_and_vectors() -> None:
    values = good()
    values[0, :, 0] += 5
    draws = {"intercept": values[..., 0], "beta": values[..., 1:]}
    assert diagnose(draws).reasons[0].startswith("R-hat of intercept is ")


def test_independent_draws_count_each_for_one() -> None:
    values = good()
    np.testing.assert_array_equal(diagnostics.judged(values, independent=True).bulk, 2000.0)
    expected = values.std(axis=(0, 1), ddof=1) / np.sqrt(2000)
    np.testing.assert_allclose(mcse_mean(values, independent=True), expected)
    # An estimate of the same from the draws agrees to what an ESS can be estimated.
    np.testing.assert_allclose(mcse_mean(values), expected, rtol=0.15)


def test_mcse_of_correlated_draws_is_their_own() -> None:
    rho = 0.8
    values = autoregressive(rho)
    np.testing.assert_allclose(mcse_mean(values), np.sqrt((1 + rho) / (1 - rho) / 8000), rtol=0.2)


# -- from a sampler's draws ------------------------------------------------------------------------------------------


def of_chains(chains: int, *, independent: bool = False, **stats: Array) -> Verdict:
    theta = good(chains, 2000 // chains, PROBLEM.p + 1)
    return assemble(PROBLEM, Draws(theta, None, stats=stats, independent=independent), SETTINGS, "nuts", "").verdict


def test_mcmc_of_one_chain_fails_its_gate_and_independent_draws_do_not() -> None:
    assert np.isnan(of_chains(1).rhat)
    assert of_chains(1).reasons == ("R-hat needs at least 2 chains (got 1)",)
    assert of_chains(1, independent=True).passed
    assert of_chains(4).passed


def test_sample_statistics_reach_the_gates() -> None:
    flags = np.zeros((4, 500), dtype=bool)
    flags[1, :40] = True
    assert of_chains(4, diverging=flags).reasons == ("40 divergent transitions",)
    assert of_chains(4, reached_max_treedepth=flags).reasons == ("2% of the trees reached the greatest depth",)
    assert of_chains(4, diverging=flags & False, reached_max_treedepth=flags & False).passed


@pytest.mark.parametrize("name", ["sigma", "beta_scale"])
def test_every_unknown_is_monitored(name: str) -> None:
    stuck = np.abs(good(4, 500, 1)[..., 0]) + np.arange(4)[:, None]
    theta = good(4, 500, PROBLEM.p + 1)
    draws = Draws(theta, stuck) if name == "sigma" else Draws(theta, None, {name: stuck})
    problem = make_problem(prior=Gaussian(1.0), likelihood=None) if name == "sigma" else PROBLEM
    verdict = assemble(problem, draws, SETTINGS, "nuts", "").verdict
    assert verdict.reasons[0].startswith(f"R-hat of {name} is ")
