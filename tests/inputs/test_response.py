"""Responses: in the domain of the family, or one FamilyError that shows what was found."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from bayesreg.errors import DataWarning, FamilyError, FitError, InputError, ParameterError
from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian
from bayesreg.scales import HalfNormal
from tests.inputs.examples import N, make, row, table

# -- the response's domain (44-51) ---------------------------------------------------------------------------


def test_a_constant_response():  # row 44
    X, y = table()[0], np.full(N, 2.0)
    with pytest.raises(InputError, match=r"^y is constant \(2\): .*the posterior does not exist; give sigma a value"):
        make(X, y)
    for noise in (GaussianNoise(1.0), GaussianNoise(HalfNormal(1.0))):
        with pytest.warns(DataWarning, match=r"^y is constant \(2\): nothing varies that X could explain"):
            problem = make(X, y, likelihood=noise)
        fit = fit_penalized(problem, sigma=None if noise.sigma_known else 1.0)
        assert fit.intercept == pytest.approx(2.0)
        assert fit.zeros.all()
    with pytest.raises(FitError, match="no residual is left to estimate sigma from"):
        fit_penalized(problem)


@pytest.mark.parametrize(
    ("y", "message"),
    [
        row(46, [0.0, 1.0, 2.0] * 4, r"y has 4 values outside \{0, 1\} \(first: row 2, 2; values found: 0, 1, 2\)"),
        row(
            47, [-1.0, 1.0] * 6, r"y has 6 values outside \{0, 1\} \(first: row 0, -1; values found: -1, 1\).*recode y"
        ),
        row(50, [0.5, 1.0] * 6, r"values found: 0.5, 1\)"),
        row(50, np.linspace(0, 1, N), r"values found: 0, 0.0909091, .*, \.\.\.\); BernoulliLogit needs 0 and 1"),
    ],
)
def test_a_response_that_is_not_zero_or_one(y, message):
    with pytest.raises(FamilyError, match=message):
        make(table()[0], y, likelihood=BernoulliLogit())


@pytest.mark.parametrize(
    "y",
    [
        row(49, np.array(["yes", "no"] * 6)),
        row(49, pd.Series(["yes", "no"] * 6)),
        row(49, pd.Series(pd.Categorical(["yes", "no"] * 6))),
        row(49, pl.Series(["yes", "no"] * 6)),
    ],
)
def test_a_response_in_words(y):
    with pytest.raises(InputError, match=r"^y (holds|is) (text|string values|categorical)"):
        make(table()[0], y, likelihood=BernoulliLogit())


def test_boolean_and_whole_number_responses():  # row 48
    flags = table()[1] > 0
    fits = [fit_penalized(make(table()[0], y, likelihood=BernoulliLogit())) for y in (flags, flags.astype(int))]
    np.testing.assert_array_equal(fits[0].beta, fits[1].beta)


@pytest.mark.parametrize("value", [row(45, 0.0), row(45, 1.0)])
def test_one_class_only(value):
    X, y = table()[0], np.full(N, value)
    with pytest.raises(InputError, match=r"^y has one class only \(all [01]\).*pass intercept=Gaussian\(scale\)"):
        make(X, y, likelihood=BernoulliLogit())
    mixed = np.resize([value, 1 - value], N)
    with pytest.raises(InputError, match=r"^y has one class only"):  # in the rows that count
        make(X, mixed, likelihood=BernoulliLogit(), weights=np.resize([1.0, 0.0], N))
    with pytest.warns(DataWarning, match="what is found rests on the priors"):
        problem = make(X, y, likelihood=BernoulliLogit(), intercept=Gaussian(1.0))
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert np.sign(fit.intercept) == (1 if value else -1)


# -- counts, positive responses, trials (41, 51-54) ----------------------------------------------------------

COUNTS = np.array([1.0, 2.0, 0.0, 4.0, 1.0, 3.0, 2.0, 0.0, 1.0, 5.0, 2.0, 1.0])
ALL = (GaussianNoise(1.0), StudentTNoise(3.0, 1.0), PoissonLog(), NegativeBinomialLog(2.0), GammaLog(2.0))


def counts(**changes):
    y = COUNTS.copy()
    for place, value in changes.items():
        y[int(place[1:])] = value
    return y


@pytest.mark.parametrize("likelihood", [PoissonLog(), NegativeBinomialLog(2.0), NegativeBinomialLog()])
@pytest.mark.parametrize(
    ("y", "found"),
    [
        row(
            51,
            counts(_2=-3.0, _4=-1.0),
            r"2 values outside 0, 1, 2, ... \(first: row 2, -3; values found: -3, -1, 0, 1",
        ),
        row(
            52, counts(_3=2.5), r"1 values outside 0, 1, 2, ... \(first: row 3, 2.5; values found: 0, 1, 2, 2.5, 3, 5\)"
        ),
        row(52, counts(_3=2.0 + 1e-12), r"1 values outside 0, 1, 2, ... \(first: row 3, 2.000000000001;"),
        row(54, counts(_5=2.0**54), r"1 values outside .* \(first: row 5, 1.8014398509482e\+16;"),
    ],
)
def test_what_is_not_a_count(likelihood, y, found):
    name = type(likelihood).__name__
    with pytest.raises(FamilyError, match=rf"^y has {found}.*; {name} needs counts, whole and from 0 to 2\^53: give"):
        make(y=y, likelihood=likelihood)


@pytest.mark.parametrize("value", [row(54, 1e9), row(54, 1e12)])
def test_large_counts_are_fitted(value):
    y = np.round(COUNTS * value)
    fit = fit_penalized(make(y=y, likelihood=PoissonLog(), prior=Gaussian(1e6)))
    plain = fit_penalized(make(y=y / value, likelihood=PoissonLog(), prior=Gaussian(1e6)))
    assert fit.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(fit.beta, plain.beta, rtol=1e-6)
    assert fit.intercept - np.log(value) == pytest.approx(plain.intercept, rel=1e-9)


@pytest.mark.parametrize("likelihood", [PoissonLog(), NegativeBinomialLog(2.0)])
def test_no_counts_at_all(likelihood):  # row 53
    with pytest.raises(
        InputError, match=r"^y is 0 in every row: .*; pass intercept=Gaussian\(scale\) or data with some"
    ):
        make(y=np.zeros(N), likelihood=likelihood)
    with pytest.warns(DataWarning, match=r"^y is 0 in every row: what is found rests on the priors$"):
        problem = make(y=np.zeros(N), likelihood=likelihood, intercept=Gaussian(2.0))
    fit = fit_penalized(problem)
    assert fit.outcome is Outcome.CERTIFIED
    assert -10 < fit.intercept < -1


@pytest.mark.parametrize("value", [0.0, -2.0])
def test_gamma_responses_are_positive(value):
    with pytest.raises(
        FamilyError, match=rf"^y has 1 values outside y > 0 \(first: row 4, {value:g}; .*; GammaLog needs"
    ):
        make(y=table()[1] ** 2 * (np.arange(N) != 4) + value * (np.arange(N) == 4), likelihood=GammaLog(2.0))


@pytest.mark.parametrize(
    ("y", "trials", "error", "message"),
    [
        row(
            41,
            counts(),
            4,
            FamilyError,
            r"^y has 1 values outside 0, ..., trials \(first: row 9, 5; .*row 9 has 4 trials",
        ),
        row(41, counts() / 5, 5, FamilyError, r"outside 0, ..., trials .*: give counts, not proportions$"),
        row(41, counts(_0=-1), 9, FamilyError, r"^y has 1 values outside 0, ..., trials \(first: row 0, -1"),
        row(41, counts(), 0, InputError, r"^trials must be whole numbers >= 1 \(found 12 not so, first: row 0, 0\)"),
        row(41, counts(), 5.5, InputError, r"^trials must be whole numbers >= 1"),
        row(41, counts(), True, InputError, r"^trials is a single value \(1\): pass one number per row"),
        row(41, counts(), np.nan, InputError, r"^trials has 12 missing"),
        row(41, counts(), [5, 5], InputError, r"^X has 12 rows but trials has 2$"),
        row(41, counts(), ["5"] * N, InputError, r"^trials holds text"),
        row(41, np.column_stack([counts(), counts()]), 9, InputError, r"^y has shape \(12, 2\)"),
        row(
            41,
            counts(),
            None,
            FamilyError,
            r"BernoulliLogit needs 0 and 1: recode y \(for counts of .*, pass trials=\)",
        ),
    ],
)
def test_trials_that_do_not_fit(y, trials, error, message):
    with pytest.raises(error, match=message):
        make(y=y, likelihood=BernoulliLogit(), trials=trials)


def test_counts_of_successes_are_that_many_rows():  # row 41
    X, trials = table()[0], np.arange(N) % 3 + 5
    ours = fit_penalized(make(X, COUNTS, likelihood=BernoulliLogit(), trials=trials, standardize=False))
    successes = np.concatenate([np.arange(m) < y for y, m in zip(COUNTS, trials, strict=True)])
    rows = np.repeat(X, trials, axis=0)
    theirs = fit_penalized(make(rows, successes, likelihood=BernoulliLogit(), standardize=False))
    assert np.abs(theirs.beta).max() > 0.05
    np.testing.assert_allclose(ours.beta, theirs.beta, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("likelihood", ALL)
def test_trials_are_for_successes_only(likelihood):
    with pytest.raises(ParameterError, match=rf"^{type(likelihood).__name__} takes no trials: they belong to Bernou"):
        make(y=COUNTS + 1, likelihood=likelihood, trials=9)


# -- rows that are dropped (1-6) -----------------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", [*ALL, BernoulliLogit()])
def test_a_fit_without_the_dropped_rows_is_that_of_the_others(likelihood):
    binary, prior = isinstance(likelihood, BernoulliLogit), Gaussian(1.0)
    X, y = table()[0], np.minimum(COUNTS, 1) if binary else COUNTS + isinstance(likelihood, GammaLog)
    weights, offset = np.linspace(1, 2, N), np.linspace(-0.5, 0.5, N)
    X[3, 1] = y[5] = weights[7] = np.nan
    X[3, 2] = np.nan
    with pytest.warns(DataWarning, match=r"^dropped 3 of 12 rows") as told:
        holed = make(X, y, weights=weights, offset=offset, likelihood=likelihood, missing="drop", prior=prior)
    assert holed.notes == (f"dropped 3 of {N} rows with missing values (x1: 1, x2: 1, y: 1, weights: 1)",)
    assert [str(warning.message) for warning in told] == list(holed.notes)
    keep = np.setdiff1d(np.arange(N), [3, 5, 7])
    whole = make(X[keep], y[keep], weights=weights[keep], offset=offset[keep], likelihood=likelihood, prior=prior)
    ours, theirs = fit_penalized(holed), fit_penalized(whole)
    assert np.abs(theirs.beta).max() > 0.05
    np.testing.assert_array_equal(ours.beta, theirs.beta)
    assert ours.objective == theirs.objective
    with pytest.raises(InputError, match=r"^X has 2 missing .*\(missing in all: x1: 1, x2: 1, y: 1, weights: 1\)$"):
        make(X, y, weights=weights, offset=offset, likelihood=likelihood)


def test_rows_are_counted_among_those_that_are_left():
    X, y = table()[0], counts(_6=-1.0)
    X[2, 0] = np.nan
    with pytest.raises(
        FamilyError, match=r"\(first: row 5, -1; .* \(rows are counted from 0 among the 11 that are compl"
    ):
        make(X, y, likelihood=PoissonLog(), missing="drop")
