"""What a notebook shows: well-formed, escaped, the object's own numbers, nothing past a failed gate, nothing slow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pymc as pm
import pytest

import bayesreg as br
from bayesreg import html
from bayesreg.comparison import Comparison, notebook
from bayesreg.in_words import digits_of, short
from bayesreg.interfaces import Array, Rows
from bayesreg.optimum import Optimum, Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior
from tests.comparison.examples import compare_lasso, lasso, ridge
from tests.markup import Page, read
from tests.problems import PAIRS, make_problem, pair_problem
from tests.registry import PRIORS, SCALE_PRIORS, STACKED

HOSTILE = ("<script>alert(1)</script>", "a&b", '"q"', "$x$ and $y$", "</table>")


def page(shown: Any) -> Page:
    return read(shown._repr_html_())


def facts(shown: Any) -> dict[str, str]:
    """The first table's rows, by their label."""
    return {row[0]: row[1] for row in page(shown).tables[0]}


# -- the helpers -------------------------------------------------------------------------------------------------------


def test_text_is_escaped_wherever_it_goes() -> None:
    bad = HOSTILE[0]
    made = html.block(
        html.paragraph(bad),
        html.heading(bad),
        html.verdict(bad, bad),
        html.facts([(bad, bad)], bad),
        html.table((bad, bad), [(bad, bad)], bad, words=(bad,)),
        html.details(bad, html.paragraph(bad)),
    )
    assert "<script" not in made
    assert read(made).text.count(bad) == 14
    assert read(made).tables == [[[bad, bad]], [[bad, bad], [bad, bad]]]


def test_what_is_empty_is_left_out() -> None:
    assert html.facts([]) == ""
    assert html.details("nothing", html.facts([])) == ""


def test_a_header_without_a_word_is_no_header() -> None:
    made = html.block(html.table(("", "value"), [("a", "1")]))
    assert made.count('scope="col"') == 1
    assert read(made).tables == [[["", "value"], ["a", "1"]]]


def test_rows_of_another_length_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        html.table(("a", "b"), [("1",)])


# -- a problem ---------------------------------------------------------------------------------------------------------


class Unread(Rows):
    """Rows of which nothing may be computed."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows

    @property
    def n_rows(self) -> int:
        return self.rows.n_rows

    @property
    def n_columns(self) -> int:
        return self.rows.n_columns

    @property
    def sparse(self) -> bool:
        return self.rows.sparse

    def sum(self, fn: Any) -> Any:
        raise AssertionError

    def transformed(self, centre: Array, scale: Array, *, consumed: bool = False) -> Any:
        raise AssertionError

    def reweighted(self, weights: Array) -> Any:
        raise AssertionError

    def collect(self) -> Any:
        raise AssertionError


def unread(problem: Problem) -> Problem:
    return replace(problem, design=replace(problem.design, rows=Unread(problem.design.rows)))


@pytest.mark.parametrize(("kind", "form", "prior"), PAIRS)
def test_every_problem_is_shown_without_a_look_at_its_rows(kind: str, form: str, prior: str) -> None:
    problem = unread(pair_problem(kind, form, prior))
    told = facts(problem)
    assert told["data"].startswith("30 rows × 4 columns")
    assert told["likelihood"].startswith(f"{short(problem.likelihood)}, {problem.likelihood.link} link")
    assert told["prior"] == short(problem.prior)
    flat = not problem.prior.rates(4).any()
    assert told["penalty"].endswith("none: the prior is flat" if flat else problem.prior.describe(4))
    assert told["columns"] == "x0, x1, x2, x3"
    assert len(repr(problem)) < 300
    assert "\n" not in repr(problem)


@pytest.mark.parametrize("name", STACKED)
def test_priors_of_several_parts_are_shown(name: str) -> None:
    told = facts(make_problem(prior=STACKED[name](4)))
    assert "array" not in told["prior"]
    assert "object" not in told["prior"]
    assert "λ" in told["penalty"]


@pytest.mark.parametrize("name", SCALE_PRIORS)
def test_unknown_noise_and_unknown_scales_are_named(name: str) -> None:
    law = SCALE_PRIORS[name].make()
    told = facts(make_problem(likelihood=br.GaussianNoise(law)))
    assert told["likelihood"] == f"GaussianNoise(sigma unknown, prior {short(law)}), identity link"
    assert told["penalty"].endswith("λ Σ|β| with λ = 5")


def test_a_scale_under_a_prior_has_no_rate_yet() -> None:
    told = facts(make_problem(prior=br.Laplace(br.HalfCauchy(1.5))))
    assert told["penalty"] == "no λ before the prior's scale is fixed: it is unknown, prior HalfCauchy(scale 1.5)"


def test_a_scale_in_units_of_the_noise_says_so() -> None:
    options: dict[str, Any] = {"prior": br.Laplace(0.2), "scale_by_noise": True}
    unknown = facts(make_problem(likelihood=br.GaussianNoise(), **options))
    assert unknown["penalty"].endswith("λ Σ|β| with λ = 5 for β in units of σ")
    known = facts(make_problem(likelihood=br.GaussianNoise(2.0), **options))
    assert known["penalty"].endswith("λ Σ|β| with λ = 2.5 (the prior's scale is in units of σ)")
    assert known["prior"] == unknown["prior"] == "Laplace(scale 0.2), its scale in units of σ"


def test_what_the_rows_came_with_is_said() -> None:
    told = facts(ridge(weights=np.ones(40), offset=np.ones(40)))
    assert told["data"] == "40 rows × 3 columns, with weights, offset"
    assert told["intercept"] == "flat prior"
    assert told["scale"] == "the prior sees standardised columns (population sd)"
    assert facts(ridge(intercept=None))["intercept"] == "none"
    assert facts(ridge(intercept=br.Gaussian(2.0)))["intercept"] == "Gaussian(scale 2)"
    assert facts(ridge(standardize=False))["scale"] == "the prior sees the data's own units"


def test_no_column_is_no_penalty() -> None:
    told = facts(Problem.from_arrays(np.empty((9, 0)), np.arange(9.0), prior=br.Gaussian(1.0)))
    assert told["data"] == "9 rows × 0 columns"
    assert told["prior"] == "none: there is no column"
    assert not {"columns", "penalty", "scale"} & set(told)


@pytest.mark.filterwarnings("ignore:.*constant:bayesreg.errors.DataWarning")
def test_notes_are_shown() -> None:
    X = np.column_stack([np.arange(9.0), np.ones(9)])
    problem = Problem.from_arrays(X, np.arange(9.0), prior=br.Gaussian(1.0))
    assert facts(problem)["note"] == problem.notes[0]


# -- an optimum --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "prior"), [(k, name) for k, form, name in PAIRS if form == "plain"])
def test_every_optimum_is_shown_with_its_own_numbers(kind: str, prior: str) -> None:
    optimum = fit_penalized(pair_problem(kind, "plain", prior))
    shown = page(optimum)
    assert shown.text.startswith(optimum.outcome.value)
    told = {row[0]: row[1] for row in shown.tables[0]}
    assert told["J"] == f"{optimum.objective:.8g} nats"
    assert told["KKT residual"] == f"{optimum.certificate.kkt:.1e}"
    assert ("duality gap" in told) == bool(np.isfinite(optimum.certificate.gap))
    assert told["zeros"].startswith(f"{optimum.zeros.sum()} of 4 coefficients exactly ")
    rows = shown.tables[1][1:]
    assert [row[0] for row in rows] == ["(intercept)", *optimum.names]
    np.testing.assert_allclose([float(row[1]) for row in rows], [optimum.intercept, *optimum.beta], rtol=1e-4)
    np.testing.assert_allclose([float(row[2]) for row in rows], [optimum.intercept_raw, *optimum.beta_raw], rtol=1e-4)
    assert len(repr(optimum)) < 200
    assert optimum.outcome.value.partition(":")[0] in repr(optimum)


def test_zeros_are_shown_as_zeros_with_their_margin() -> None:
    optimum = fit_penalized(lasso())
    (zero,) = np.flatnonzero(optimum.zeros)
    table = page(optimum).tables[1]
    assert table[0] == ["column", "coefficient", "in the data's units", "zero's margin"]
    assert table[2 + zero][1:] == ["0", "0", f"{optimum.margin[zero]:.3f}"]
    assert [row[3] for row in table[1:]].count("") == 3
    assert facts(optimum)["zeros"] == "1 of 3 coefficients exactly zero"
    assert "1 of 3 coefficients exactly zero" in repr(optimum)


def test_columns_in_their_own_units_are_shown_once() -> None:
    assert page(fit_penalized(ridge(standardize=False))).tables[1][0] == ["column", "coefficient"]


def test_of_many_coefficients_the_largest_are_shown_and_the_others_counted() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 30))
    optimum = fit_penalized(
        Problem.from_arrays(X, X @ np.arange(30.0), prior=br.Gaussian(1.0), likelihood=br.GaussianNoise(1.0))
    )
    shown = page(optimum)
    assert [row[0] for row in shown.tables[1][2:]] == [f"x{j}" for j in np.argsort(-np.abs(optimum.beta))[:12]]
    assert "... and 18 more of 30, in .beta" in shown.text


def test_the_dispersion_goes_by_its_name() -> None:
    sigma = fit_penalized(ridge(), sigma=0.5)
    assert facts(sigma)["sigma"] == f"0.5: {sigma.sigma_method}"
    assert ", at sigma = 0.5;" in repr(sigma)
    y = np.random.default_rng(0).poisson(3.0, size=40).astype(float)
    X = np.random.default_rng(1).normal(size=(40, 2))
    alpha = fit_penalized(Problem.from_arrays(X, y, prior=br.Gaussian(1.0), likelihood=br.NegativeBinomialLog(2.0)))
    assert ", at alpha = 2;" in repr(alpha)
    assert "alpha" in facts(alpha)


def test_an_optimum_without_proof_shows_no_coefficient() -> None:
    sound = fit_penalized(ridge())
    bad = replace(sound, certificate=replace(sound.certificate, residual=np.full(4, 1.0)))
    shown = page(bad)
    assert shown.text.startswith(Outcome.NOT_CERTIFIED.value)
    assert "WITHHELD" in shown.text
    assert len(shown.tables) == 1
    for value in (*sound.beta, *sound.beta_raw):
        assert f"{value:.3g}" not in shown.text
    assert repr(bad).startswith("Optimum(NOT certified, ")


@pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")
def test_columns_that_trade_are_named() -> None:
    X = np.random.default_rng(0).normal(size=(30, 2))[:, [0, 0, 1]]
    y = X[:, 0] + np.random.default_rng(1).normal(size=30)
    tied = fit_penalized(Problem.from_arrays(X, y, prior=br.Laplace(0.1), likelihood=br.GaussianNoise(1.0)))
    assert page(tied).text.startswith(f"{Outcome.NOT_UNIQUE.value} (columns x0, x1)")


def test_the_mode_of_any_model_shows_its_variables() -> None:
    with pm.Model() as model:
        slope = pm.Laplace("<b>slope", 0, 0.5, shape=2)
        pm.Normal("y", slope.sum(), 1.0, observed=np.arange(3.0))
    mode = br.find_map(model)
    shown = page(mode)
    assert [row[0] for row in shown.tables[1]] == ["variable", "<b>slope"]
    assert facts(mode)["mode of"] == mode.mode_of
    assert "entries exactly at a kink" in repr(mode)
    assert str(mode).startswith(mode.outcome.value)


# -- a posterior -------------------------------------------------------------------------------------------------------


def test_a_posterior_shows_its_marginals_with_their_errors() -> None:
    posterior = br.sample(ridge(), draws=500)
    shown, summary = page(posterior), posterior.summary()
    table = shown.tables[1]
    assert table[0] == ["variable", "mean", "± Monte Carlo", "sd", "95 % interval"]
    assert [row[0] for row in table[1:]] == ["(intercept)", "(sigma)", "age", "bmi", "bp"]
    names = ["intercept", "sigma", "beta[age]", "beta[bmi]", "beta[bp]"]
    for row, name in zip(table[1:], names, strict=True):
        mean, sd, error = summary.loc[name, ["mean", "sd", "mcse_mean"]]
        digits = digits_of(np.array([sd]))
        assert row[1:4] == [digits(mean), f"{error:.1g}", digits(sd)]
    lower, upper = np.quantile(posterior.beta[..., 1], [0.025, 0.975])
    digits = digits_of(posterior.beta[..., 1].std(keepdims=True))
    assert table[4][4] == f"[{digits(lower)}, {digits(upper)}]"
    assert f"Passed: {str(posterior.verdict)[8:-1]}" in shown.text
    told = facts(posterior)
    assert told == {"method": f"conjugate ({posterior.reason})", "draws": "4 chains × 500 draws"}


def test_a_posterior_is_shown_without_what_is_computed_at_first_use() -> None:
    posterior = br.sample(ridge(), draws=500)

    def never() -> Any:
        raise AssertionError

    page(replace(posterior, rows=never, tree=never))


def test_draws_that_failed_show_no_number() -> None:
    posterior = br.sample(ridge(), draws=20)
    shown = page(posterior)
    assert f"FAILED: {posterior.verdict.reasons[0]}" in shown.text
    assert shown.text.index("FAILED") < shown.text.index("conjugate")
    assert "WITHHELD" in shown.text
    assert len(shown.tables) == 1
    assert "95 %" not in shown.text
    assert "FAILED" in repr(posterior)


def test_of_many_marginals_the_surest_are_shown_and_the_others_counted() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 30))
    posterior = br.sample(
        Problem.from_arrays(X, X @ np.arange(30.0), prior=br.Gaussian(9.0), likelihood=br.GaussianNoise(1.0)), draws=500
    )
    shown = page(posterior)
    size = np.abs(posterior.beta.mean(axis=(0, 1))) / posterior.beta.std(axis=(0, 1))
    assert [row[0] for row in shown.tables[1][2:]] == [f"x{j}" for j in np.argsort(-size)[:12]]
    assert "... and 18 more of 30, in .summary()" in shown.text


def test_a_single_unknown_or_none() -> None:
    y = np.random.default_rng(0).normal(size=30)
    nothing = Problem.from_arrays(np.empty((30, 0)), y, prior=br.Gaussian(1.0), intercept=None)
    assert [row[0] for row in page(br.sample(nothing, draws=500)).tables[1]] == ["variable", "(sigma)"]


# -- a comparison ------------------------------------------------------------------------------------------------------

SLOW = {"prediction": "(.prediction)", "selection": "(.selection)", "amount": "(.amount)"}


@pytest.fixture(scope="module")
def whole() -> Comparison:
    """A comparison of which everything has been computed."""
    c = br.compare(ridge(), draws=500, seed=1)
    c.summary()
    return c


def fresh(c: Comparison) -> Comparison:
    """The same with nothing computed yet."""
    return replace(c)


def test_verdict_and_amount_come_first_and_the_rest_is_folded_away(whole: Comparison) -> None:
    shown = page(whole)
    assert shown.at_once.startswith("GaussianNoise(sigma unknown, prior Jeffreys) × Gaussian(scale 0.3), 40 rows")
    order = ["Passed: MAP and penalised fit agree (certified optimum)", whole.amount.sentence.partition(": ")[2]]
    places = [shown.at_once.index(words) for words in order]
    assert places == sorted(places)
    assert shown.tables[0][0] == ["column", "MAP", "mean", "sd", "95 % interval", "P(β>0)", "P(|β|≤ε)"]
    assert shown.folded == [
        "Prior, certificates and draws",
        "Coefficients with every number",
        "What the point estimate discards",
        "Pairs that trade off",
        "Supports",
        "The mode among the draws",
        "Prediction of rows left out (PSIS-LOO)",
        *(["Known failings that apply"] if whole.lints else []),
    ]
    assert "Not computed yet" not in shown.text
    assert "<details open" not in whole._repr_html_()


def test_the_coefficients_are_those_of_the_table(whole: Comparison) -> None:
    table, shown = whole.coefficients, page(whole).tables
    for row, (name, truth) in zip(shown[0][1:], table.iterrows(), strict=True):
        assert row[0] == name
        unit = truth["sd"] / 10
        np.testing.assert_allclose([float(row[1]), float(row[2])], truth[["map", "mean"]].astype(float), atol=unit)
        assert row[5:] == [f"{truth['p_positive']:.3f}", f"{truth['p_small']:.3f}"]
    assert shown[2][0][-1] == "P(β ≤ MAP)"
    assert [row[-1] for row in shown[2][1:]] == [f"{value:.3f}" for value in table["map_quantile"]]


def test_what_is_slow_is_not_computed_but_named(whole: Comparison) -> None:
    c = fresh(whole)
    first = page(c)
    assert set(c.computed) == {"amount_so_far", "tradeoffs", "typicality", "lints"}
    for name, words in SLOW.items():
        assert words in first.text, name
    assert "is discarded, prediction not yet counted:" in first.text
    assert "Supports" not in first.folded
    assert page(c) == first
    _ = c.selection
    assert "Supports" in page(c).folded
    _ = c.prediction
    last = page(c)
    assert "prediction not yet counted" not in last.text
    assert c.amount.sentence.partition(": ")[2] in last.at_once
    assert not any(words in last.text for words in ("(.prediction)", "(.selection)"))


def test_of_large_data_nothing_is_computed(whole: Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    for limits in [(0, 10**9, 10**9), (10**9, 0, 10**9), (10**9, 10**9, 0)]:
        monkeypatch.setattr(notebook, "CHEAP", dict.fromkeys(notebook.CHEAP, limits))
        c = fresh(whole)
        shown = page(c)
        assert c.computed == ()
        for name in (*notebook.CHEAP, *SLOW):
            assert f"(.{name})" in shown.text
        assert "discarded" not in shown.at_once.partition("Not computed yet")[0]


def test_the_amount_without_prediction_gives_way_to_the_whole(whole: Comparison) -> None:
    c = fresh(whole)
    assert "log score" not in c.amount_so_far.numbers.index
    assert c.amount_so_far is c.amount_so_far
    _ = c.prediction
    assert "log score" in c.amount_so_far.numbers.index
    assert c.amount_so_far is c.amount


def test_a_failed_gate_withholds(monkeypatch: pytest.MonkeyPatch) -> None:
    c = compare_lasso(monkeypatch, draws=8)
    shown = page(c)
    assert f"WITHHELD, nothing may be concluded: {c.withheld}." in shown.at_once
    assert shown.tables[0][0] == ["column", "MAP"]
    assert shown.folded == ["Prior, certificates and draws", "Coefficients with every number"]
    assert c.computed == ()
    assert repr(c).endswith(f": WITHHELD: {c.withheld})")


def test_an_optimum_without_proof_is_withheld_but_not_the_draws(whole: Comparison) -> None:
    bad = replace(whole.map, certificate=replace(whole.map.certificate, residual=np.full(4, 1.0)))
    shown = page(replace(whole, map=bad))
    assert "WITHHELD" in shown.at_once
    assert shown.tables[0][0] == ["column", "mean", "sd", "95 % interval", "P(β>0)", "P(|β|≤ε)"]


def test_notes_are_counted() -> None:
    c = br.compare(ridge(), draws=500, remarks=("first", "<second>"))
    shown = page(c)
    assert shown.folded[0] == "Prior, certificates and draws, and 2 notes"
    assert [row for row in shown.tables[1] if row[0] == "note"] == [["note", "first"], ["note", "<second>"]]


# -- what is written as it was given -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def hostile() -> list[Any]:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, len(HOSTILE)))
    problem = Problem.from_arrays(
        X, X.sum(axis=1), prior=br.Gaussian(1.0), likelihood=br.GaussianNoise(1.0), names=HOSTILE
    )
    c = br.compare(problem, draws=500, remarks=HOSTILE)
    c.summary()
    return [problem, c.map, c.posterior, c]


def test_names_are_text_and_never_markup_or_maths(hostile: list[Any]) -> None:
    for shown in hostile:
        made = shown._repr_html_()
        told = read(made)
        assert "<script" not in made
        assert made.startswith('<div class="tex2jax_ignore mathjax_ignore">')
        for name in HOSTILE:
            assert name in told.text
    for shown, place in zip(hostile[1:], (1, 1, 0), strict=True):
        assert [row[0] for row in page(shown).tables[place]][-len(HOSTILE) :] == list(HOSTILE)


def test_reprs_are_short_and_hold_no_array(hostile: list[Any]) -> None:
    problem, optimum, posterior, c = hostile
    assert isinstance(optimum, Optimum)
    assert isinstance(posterior, Posterior)
    for shown in hostile:
        assert len(repr(shown)) < 300
        assert "array" not in repr(shown)
        assert "\n" not in repr(shown)
    assert str(problem) == repr(problem) == "Problem(GaussianNoise(sigma 1) × Gaussian(scale 1), 60 rows, 5 columns)"
    assert repr(c) == "Comparison(GaussianNoise(sigma 1) × Gaussian(scale 1), 60 rows, 5 columns: passed)"
    assert repr(posterior).startswith("Posterior(conjugate, 4 × 500 draws of GaussianNoise(sigma 1)")
    assert str(optimum).splitlines()[0] == optimum.outcome.value


@pytest.mark.parametrize("name", PRIORS)
def test_priors_in_short_hold_no_array(name: str) -> None:
    told = short(PRIORS[name](6))
    assert "array" not in told
    assert "\n" not in told
    assert len(told) < 120
