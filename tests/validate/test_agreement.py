"""Agreement of samplers: it passes where they are right, sees a scale a tenth off, and keeps its false-alarm rate."""

from __future__ import annotations

import json
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from scipy.signal import lfilter

import bayesreg as br
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise, NegativeBinomialLog
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import sample
from bayesreg.samplers.settings import Draws, Refused, Settings
from bayesreg.validate import agreement
from bayesreg.validate.held import judge
from bayesreg.validate.scalars import STATISTICS, Scalars, scalars_of
from bayesreg.validate.stated import read_stated
from tests.markup import read
from tests.problems import make_problem
from tests.statistical.conftest import lasso, logistic, ridge

MADE = {"ridge": ridge, "lasso": lasso, "logistic": logistic}

SAMPLERS = {"ridge": ("gibbs",), "lasso": ("gibbs", "hmc"), "logistic": ("surrogate", "hmc")}


def mislead(patch: pytest.MonkeyPatch, method: str, factor: float) -> None:
    """Let a sampler draw under a prior whose scale is off by this factor."""
    module = import_module(f"bayesreg.samplers.{method}")
    honest = module.draw

    def draw(problem: Problem, settings: Settings) -> Draws:
        prior = problem.prior
        other = type(prior)(prior.scale * factor, loc=prior.loc)
        return honest(problem.with_prior(other), settings)

    patch.setattr(module, "draw", draw)


def refuse(problem: Problem, settings: Settings) -> Draws:
    msg = "the weights are too uneven"
    raise Refused(msg)


@pytest.mark.parametrize("name", MADE)
def test_samplers_agree(name: str) -> None:
    found = agreement(MADE[name](), seed=3)
    assert found.passed, str(found)
    assert found.samplers == SAMPLERS[name]
    sources = len(SAMPLERS[name]) + (name == "ridge")
    scalars = len(sample(MADE[name](), draws=1).summary())
    assert len(found.table) == sources * (sources - 1) // 2 * scalars * len(STATISTICS)
    assert found.verdict.startswith("agree: ")


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize("name", MADE)
def test_a_sampler_whose_scale_is_a_tenth_off_is_seen(
    name: str, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    mislead(monkeypatch, SAMPLERS[name][0], factor)
    found = agreement(MADE[name](), seed=3, draws=20_000)
    assert not found.passed
    assert not found.agree
    assert found.verdict.startswith("DISAGREE: ")
    assert found.unjudged == {}


def test_the_limit_is_bonferronis() -> None:
    found = agreement(lasso(), seed=1, false_alarm=0.05)
    assert found.limit == pytest.approx(stats.norm.isf(0.05 / 2 / len(found.table)))
    assert found.false_alarm == 0.05
    strict = agreement(lasso(), seed=1, false_alarm=0.9999)
    np.testing.assert_array_equal(strict.table["z"], found.table["z"])
    assert strict.limit < found.limit


def test_the_rate_of_false_alarms_is_at_most_the_stated_one() -> None:
    runs, level = 60, 0.2
    alarms = sum(not agreement(lasso(), draws=1000, seed=100 + s, false_alarm=level).agree for s in range(runs))
    assert alarms <= stats.binom.ppf(0.999, runs, level)


def correlated(seed: int, *, independent: bool) -> Scalars:
    """Three scalars whose draws are those of an autoregression: correlated by 0.8, whatever is said about them."""
    noise = np.random.default_rng(seed).normal(size=(4, 2000, 3))
    draws = lfilter([0.6], [1.0, -0.8], noise, axis=1)
    return Scalars.of(f"run {seed}", ("a", "b", "c"), draws, independent=independent)


@pytest.mark.parametrize("independent", [False, True])
def test_false_alarms_of_correlated_draws(independent: bool) -> None:
    """Of draws that are taken to be independent and are not, they are many more: the count can tell."""
    runs, level = 100, 0.1
    alarms = 0
    for seed in range(runs):
        pair = [correlated(2 * seed + i, independent=independent) for i in (0, 1)]
        alarms += not judge(pair, None, level).agree
    assert (alarms <= stats.binom.ppf(0.999, runs, level)) is not independent


def test_chains_that_disagree_with_each_other_count_for_less() -> None:
    rng = np.random.default_rng(0)
    apart = 0.2 * rng.normal(size=(64, 1, 1)) + rng.normal(size=(64, 100, 1))
    ess = Scalars.of("short", ["a"], apart)["mean"].ess.item()
    assert ess == pytest.approx(64 * 1.04 / (0.04 + 0.01), rel=0.5)  # chains / variance of their means
    assert Scalars.of("free", ["a"], apart, independent=True)["mean"].ess.item() == apart.size


def test_heavy_tails_have_quantiles_only() -> None:
    rng = np.random.default_rng(1)
    draws = [np.stack([rng.standard_cauchy((4, 4000)), rng.normal(size=(4, 4000))], axis=-1) for _ in range(2)]
    pair = [Scalars.of(name, ["cauchy", "normal"], each) for name, each in zip("ab", draws, strict=True)]
    held = judge(pair, None, 0.01)
    assert held.heavy == ("mean of cauchy", "sd of cauchy")
    assert set(held.table["statistic"][held.table["variable"] == "cauchy"]) == {"q5", "q50", "q95"}
    assert set(held.table["statistic"][held.table["variable"] == "normal"]) == set(STATISTICS)
    assert held.agree


# -- What is run, and what is not -------------------------------------------------------------------------------------


def test_what_was_not_run_is_listed_with_the_reason() -> None:
    found = agreement(lasso(), draws=1000)
    assert set(found.skipped) == {"conjugate", "surrogate", "nuts", "pymc"}
    assert found.skipped["conjugate"] == "the prior is not Gaussian"
    assert "compiles" in found.skipped["nuts"]
    assert "not run: conjugate: the prior is not Gaussian" in str(found)


def test_a_sampler_draws_the_same_whichever_others_run() -> None:
    alone = agreement(ridge(), ["gibbs"], draws=1000, seed=5)
    both = agreement(ridge(), draws=1000, seed=5)
    pd.testing.assert_frame_equal(alone.table, both.table)
    other = agreement(ridge(), draws=1000, seed=6)
    assert not np.array_equal(other.table["z"], both.table["z"])


def test_where_one_sampler_applies_one_that_compiles_joins_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesreg.samplers.nuts.draw", import_module("bayesreg.samplers.gibbs").draw)
    found = agreement(make_problem(prior=Laplace(0.5), likelihood=GaussianNoise()), draws=1000)
    assert found.samplers == ("gibbs", "nuts")
    assert set(found.skipped) == {"conjugate", "surrogate", "hmc", "pymc"}
    assert found.passed, str(found)


def test_where_none_applies_two_that_compile_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("nuts", "pymc"):
        monkeypatch.setattr(f"bayesreg.samplers.{name}.draw", refuse)
    with pytest.raises(ParameterError, match=r"only nothing.*nuts: the weights.*pymc: the weights"):
        agreement(make_problem("poisson", prior=Laplace(1.0), likelihood=NegativeBinomialLog()))


def test_progress_is_told() -> None:
    calls: list[tuple[int, int]] = []
    agreement(lasso(), draws=1000, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]


def test_a_refusal_on_the_way_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesreg.samplers.surrogate.draw", refuse)
    oracle = sample(logistic(), "hmc", draws=4000, seed=9)
    found = agreement(logistic(), oracle=oracle)
    assert found.skipped["surrogate"] == "the weights are too uneven"
    assert found.samplers == ("hmc",)
    with pytest.raises(ParameterError, match=r"only hmc.*surrogate: the weights are too uneven"):
        agreement(logistic(), ["surrogate", "hmc"])


def test_one_that_compiles_takes_the_place_of_one_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesreg.samplers.surrogate.draw", refuse)
    monkeypatch.setattr("bayesreg.samplers.nuts.draw", import_module("bayesreg.samplers.hmc").draw)
    calls: list[tuple[int, int]] = []
    found = agreement(logistic(), draws=1000, progress=lambda done, total: calls.append((done, total)))
    assert found.samplers == ("hmc", "nuts")
    assert found.skipped["surrogate"] == "the weights are too uneven"
    assert "nuts" not in found.skipped
    assert found.passed, str(found)
    assert calls[-1] == (3, 3)


def test_too_few_draws_are_not_judged() -> None:
    found = agreement(lasso(), draws=60, seed=1)
    assert set(found.unjudged) == {"gibbs", "hmc"}
    assert "ESS" in found.unjudged["hmc"]
    assert not found.passed
    assert found.table.empty
    assert found.verdict.startswith("NOT JUDGED: gibbs: ")


def stuck(problem: Problem, settings: Settings) -> Draws:
    """Chains that sit at places of their own."""
    rng = settings.generator()
    places = rng.normal(size=(4, 1, len(problem.labels))) + 0.01 * rng.normal(size=(4, 4000, len(problem.labels)))
    return Draws(places, None)


def test_a_failed_gate_is_no_agreement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bayesreg.samplers.hmc.draw", stuck)
    oracle = sample(lasso(), "gibbs", draws=4000, seed=9)
    found = agreement(lasso(), oracle=oracle)
    assert "R-hat" in found.unjudged["hmc"]
    assert found.agree
    assert not found.passed
    assert found.verdict.startswith("NOT ALL JUDGED: hmc: R-hat")


def test_an_improper_posterior_has_none() -> None:
    with pytest.raises(FitError, match="do not determine"):
        agreement(make_problem("gaussian", prior=br.Flat(), n=3, p=4), ["conjugate", "nuts"])


# -- An oracle of one's own -------------------------------------------------------------------------------------------


def exact_summary(problem: Problem) -> pd.DataFrame:
    """A table as one would find it in print, without errors: those of 400,000 independent draws hardly count."""
    return sample(problem, "conjugate", draws=100_000, seed=77).summary()[["mean", "sd", "5%", "50%", "95%"]]


def test_a_published_table() -> None:
    found = agreement(ridge(), oracle=exact_summary(ridge()))
    assert found.passed, str(found)
    assert found.samplers == ("conjugate", "gibbs")
    assert set(found.table["first"]) == {"oracle", "conjugate"}
    assert (found.table["first"] == "oracle").sum() == 2 * 5 * 5


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_published_table_of_another_scale_is_told(factor: float) -> None:
    found = agreement(ridge(), oracle=exact_summary(ridge(0.7 * factor)))
    assert not found.agree
    assert (found.worst["first"].head(3) == "oracle").all()


def test_rounding_is_no_difference_and_counts_only_as_far_as_it_goes() -> None:
    rounded = exact_summary(ridge()).round(1)
    assert not agreement(ridge(), oracle=rounded).agree
    assert agreement(ridge(), oracle=rounded.assign(rounding=0.05)).passed
    assert not agreement(ridge(), oracle=rounded.assign(rounding=0.005)).agree


def test_a_tables_own_errors_count() -> None:
    off = exact_summary(ridge())
    off["mean"] += 0.1 * off["sd"]
    quantiles = ["5%", "50%", "95%"]
    off[quantiles] = off[quantiles].add(0.1 * off["sd"], axis=0)
    assert not agreement(ridge(), oracle=off).agree
    assert agreement(ridge(), oracle=off.assign(ess=400.0)).passed
    errors = {f"mcse_{name}": 0.1 * off["sd"] for name in ("mean", "q5", "q50", "q95")}
    assert agreement(ridge(), oracle=off.assign(**errors)).passed
    assert not agreement(ridge(), oracle=off.assign(ess=1e6)).agree


def test_a_table_in_the_datas_units() -> None:
    raw = sample(ridge(), "conjugate", draws=100_000, seed=77).summary(raw=True)[["mean", "5%"]]
    assert raw.index[0] == "intercept_raw"
    assert agreement(ridge(), oracle=raw).passed
    assert not agreement(ridge(), oracle=raw + 1.0).agree


def test_a_posterior_as_oracle() -> None:
    reference = sample(logistic(), "hmc", draws=10_000, seed=8)
    found = agreement(logistic(), ["surrogate"], oracle=reference)
    assert found.passed, str(found)
    assert "hmc" in found.oracle
    assert not agreement(logistic(), ["surrogate"], oracle=sample(logistic(1.6), "hmc", draws=10_000, seed=8)).agree


# -- Its faces --------------------------------------------------------------------------------------------------------


def test_json_text_and_html() -> None:
    found = agreement(lasso(), draws=1000, seed=np.random.SeedSequence(4))
    held = json.loads(found.to_json())
    assert held["passed"] is found.passed
    assert held["comparisons"] == len(held["table"]) == len(found.table)
    assert held["table"][0]["z"] == found.table["z"].iloc[0]
    assert held["seed"] == "4"
    text = str(found)
    assert found.verdict in text
    assert "judged: gibbs, hmc; oracle: none" in text
    page = read(found._repr_html_())
    assert "Not run" in page.text
    assert repr(found) == f"Agreement({found.verdict})"


def test_json_of_nothing_judged() -> None:
    held = json.loads(agreement(lasso(), draws=60, seed=1).to_json())
    assert (held["limit"], held["resolution"], held["table"]) == (None, None, [])


# -- Bad input --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": "everything"}, "'everything' is not a sampler"),
        ({"methods": ["gibbs", "slice"]}, "'slice' is not a sampler"),
        ({"methods": []}, "it is empty"),
        ({"methods": ["gibbs"]}, "two sources"),
        ({"draws": 0}, "draws must be an integer >= 1"),
        ({"seed": -1}, "seed must be an integer"),
        ({"false_alarm": 0.0}, "false_alarm must be a probability"),
        ({"false_alarm": True}, "false_alarm must be a probability"),
        ({"false_alarm": "1 %"}, "false_alarm must be a probability"),
    ],
)
def test_bad_settings(options: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        agreement(lasso(), **options)


def test_no_sampler_at_all_is_refused_with_the_reasons() -> None:
    problem = make_problem("poisson", prior=Laplace(1.0), likelihood=NegativeBinomialLog())
    with pytest.raises(ParameterError, match=r"only nothing.*gibbs: the likelihood is not Gaussian; hmc: alpha"):
        agreement(problem, ["gibbs", "hmc"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: 3.0, "oracle must be a Posterior or a DataFrame"),
        (lambda t: t.rename(columns={"mean": "average"}), "column 'average' is not one of mean, sd, median"),
        (lambda t: t.rename(columns={"5%": "q0"}), "column 'q0' is not one of"),
        (lambda t: t[[]], "states nothing"),
        (lambda t: t.iloc[:0], "states nothing"),
        (lambda t: t.rename(index={"sigma": "tau"}), "no draws of 'tau'"),
        (lambda t: pd.concat([t, t]), "more than once: one row a scalar"),
        (lambda t: pd.concat([t, t[["sd"]]], axis=1), "column 'sd' stands more than once"),
        (lambda t: t.assign(mean="1"), "column 'mean' must hold numbers"),
        (lambda t: t.assign(mean=np.inf), "must be finite"),
        (lambda t: t.assign(sd=-1.0), "must be finite and >= 0"),
        (lambda t: t.assign(rounding=-0.1), "must be finite and >= 0"),
        (lambda t: t.drop(columns="mean").assign(mcse_mean=0.1), "mcse_mean stands without mean"),
        (lambda t: t.assign(rounding_q10=0.1), "rounding_q10 stands without q10"),
    ],
)
def test_bad_tables(change: object, message: str) -> None:
    table = sample(ridge(), "conjugate", draws=100, seed=1).summary()[["mean", "sd", "5%"]]
    with pytest.raises(InputError, match=message):
        agreement(ridge(), oracle=change(table), draws=1000)  # type: ignore[operator]


def test_a_posterior_of_other_coefficients_is_refused() -> None:
    with pytest.raises(InputError, match="of other coefficients"):
        agreement(ridge(), oracle=sample(logistic(), "hmc", draws=200, seed=1))


def test_what_is_not_stated_is_not_compared() -> None:
    draws = np.random.default_rng(0).normal(size=(4, 1000, 2))
    run = Scalars.of("run", ["a", "b"], draws, independent=True)
    table = pd.DataFrame({"mean": [0.0, np.nan], "q50": [np.nan, 0.0]}, index=["a", "b"])
    held = judge([run], read_stated(table, "table"), 0.01, pairs=False)
    assert list(zip(held.table["variable"], held.table["statistic"], strict=True)) == [("a", "mean"), ("b", "q50")]


def test_scalars_are_those_of_the_summary() -> None:
    posterior = sample(ridge(), "gibbs", draws=1000, seed=2)
    found, table = scalars_of(posterior, "gibbs"), posterior.summary()
    chosen = found.chosen(list(table.index), STATISTICS)
    for statistic, column in zip(STATISTICS, ("mean", "sd", "5%", "50%", "95%"), strict=True):
        expected: Array = table[column].to_numpy()
        np.testing.assert_allclose(chosen[statistic].value, expected)
