"""Settings outside what they can be: one ParameterError each, naming the class, the argument and what was given."""

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimality import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import Exponential, FlatScale, HalfCauchy, HalfNormal, Jeffreys
from tests.problems import data, make_problem

SHAPES = pytest.mark.parametrize("shape", [Laplace, Gaussian])
NUMBERS = [
    (-1.0, r"must be a finite number > 0, between 1e-150 and 1e\+150 \(got -1\)"),
    (0.0, r"must be a finite number > 0.*\(got 0\)"),
    (0, r"must be a finite number > 0.*\(got 0\)"),
    (np.inf, r"must be a finite number > 0.*\(got inf\)"),
    (np.nan, r"must be a finite number > 0.*\(got nan\)"),
    (1e300, r"must be a finite number > 0.*\(got 1e\+300\)"),
    (1e-300, r"must be a finite number > 0.*\(got 1e-300\)"),
    ("auto", r"must be a number > 0 \(got 'auto', a str\)"),
    (None, r"must be a number > 0 \(got None, a NoneType\)"),
    (True, r"must be a number > 0 \(got True, a bool\)"),
    (1j, r"must be a number > 0 \(got 1j, a complex\)"),
]


@SHAPES
@pytest.mark.parametrize(("value", "message"), NUMBERS)
def test_scale_of_a_prior(shape, value, message):
    with pytest.raises(ParameterError, match=rf"^{shape.__name__}: scale {message}"):
        shape(value)


@SHAPES
@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, -2.0, 1.0], r"every scale must be a finite number > 0 \(column 1 has -2\)"),
        ([1.0, 0.0], r"every scale must be a finite number > 0 \(column 1 has 0\)"),
        ([1.0, np.inf], r"scale must be finite \(got inf\)"),
        ([1.0, np.nan], r"scale must be finite \(got nan\)"),
        ([1.0, 1e200], r"every scale must be a finite number > 0 \(column 1 has 1e\+200\)"),
        ([[1.0]], r"scale must be a number or one number per column \(got \[\[1.0\]\]\)"),
        ([1.0, "b"], r"scale must be a number or one number per column"),
        (Jeffreys, r"scale must be a number > 0 \(got <class"),
    ],
)
def test_scale_by_column(shape, value, message):
    with pytest.raises(ParameterError, match=rf"^{shape.__name__}: {message}"):
        shape(value)


@SHAPES
@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.inf, r"loc must be finite \(got inf\)"),
        ([0.0, np.nan], r"loc must be finite \(got nan\)"),
        ("0", r"loc must be a number or one number per column \(got '0'\)"),
        (None, r"loc must be a number or one number per column \(got None\)"),
        (True, r"loc must be a number or one number per column \(got True\)"),
        ([[0.0]], r"loc must be a number or one number per column"),
    ],
)
def test_location_of_a_prior(shape, value, message):
    with pytest.raises(ParameterError, match=rf"^{shape.__name__}: {message}"):
        shape(1.0, loc=value)


@SHAPES
@pytest.mark.parametrize("argument", ["scale", "loc"])
def test_one_value_per_column_means_as_many_as_there_are(shape, argument):
    values = {"scale": 1.0} | {argument: [1.0, 2.0]}
    with pytest.raises(ParameterError, match=rf"^{shape.__name__}: {argument} has 2 values for 4 columns; give one"):
        make_problem(prior=shape(**values))


@pytest.mark.parametrize("make", [Exponential, HalfNormal, HalfCauchy, GaussianNoise])
@pytest.mark.parametrize(("value", "message"), NUMBERS)
def test_parameters_of_scale_priors_and_of_the_noise(make, value, message):
    argument = {Exponential: "rate", GaussianNoise: "sigma"}.get(make, "scale")
    with pytest.raises(ParameterError, match=rf"^{make.__name__}: {argument} {message}"):
        make(value)


def test_parameters_are_copied_in_and_frozen():
    scale = np.array([1.0, 2.0, 3.0, 4.0])
    prior = Laplace(scale)
    scale[0] = 99.0
    assert prior.rate(4)[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        prior.scale[0] = 5.0
    with pytest.raises(AttributeError):
        prior.scale = 5.0


# -- the parts of a problem ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"likelihood": "gausian"},
            r"likelihood must be a bayesreg Likelihood such as GaussianNoise\(\) \(got 'gausian'\)",
        ),
        ({"likelihood": GaussianNoise}, r"likelihood must be a bayesreg Likelihood"),
        ({"prior": "Laplac"}, r"prior must be a bayesreg Prior such as Laplace\(scale=0.5\) \(got 'Laplac'\)"),
        ({"prior": 0.5}, r"prior must be a bayesreg Prior .*\(got 0.5\)"),
        ({"prior": None}, r"prior must be a bayesreg Prior .*\(got None\)"),
        ({"prior": Laplace}, r"prior must be a bayesreg Prior"),
        ({"prior": HalfNormal(1.0)}, r"prior must be a bayesreg Prior"),
        (
            {"intercept": True},
            r"intercept must be a prior such as Flat\(\) or Gaussian\(scale=10\), or None \(got True\)",
        ),
        ({"intercept": False}, r"intercept must be a prior .* or None \(got False\)"),
        ({"intercept": Gaussian(HalfNormal(1.0))}, r"intercept: its prior must have a fixed scale"),
        ({"intercept": Gaussian([1.0, 2.0])}, r"Gaussian: scale has 2 values for 1 columns"),
        (
            {"likelihood": BernoulliLogit(), "scale_by_noise": True},
            r"scale_by_noise=True needs a .*BernoulliLogit has none",
        ),
    ],
)
def test_parts_of_a_problem(options, message):
    X, y = data("bernoulli")
    with pytest.raises(ParameterError, match=message):
        Problem.from_arrays(X, y, **{"prior": Laplace(0.5)} | options)


def test_fixing_a_noise_scale_that_is_not_there():
    with pytest.raises(ParameterError, match=r"BernoulliLogit has no noise scale to fix \(got sigma=2\)"):
        make_problem("bernoulli").at(2.0)
    with pytest.raises(ParameterError, match=r"Problem.at: sigma must be a finite number > 0"):
        make_problem().at(-1.0)


@SHAPES
def test_an_unknown_prior_scale_has_no_single_penalty(shape):
    prior = shape(HalfCauchy(1.0))
    for ask in (prior.rate, prior.variance, prior.elastic):
        with pytest.raises(ParameterError, match=r"the scale has a prior .*Fix it with .at\(scale=...\), or sample"):
            ask(3)


@pytest.mark.parametrize("start", [[0.0, 0.0, 0.0], 1.0, [0.0, 0.0, 0.0, np.nan]])
def test_a_start_must_be_a_point(start):
    with pytest.raises(ParameterError, match=r"start must be 4 finite numbers, one per column \(got "):
        fit_penalized(make_problem(), start=start)


# -- extremes that are allowed (59, 62, 63) ------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_no_penalty_is_flat(shape, kind):
    none = fit_penalized(make_problem(kind, prior=Flat()))
    weak = fit_penalized(make_problem(kind, prior=shape(1e150)))
    np.testing.assert_allclose(weak.beta, none.beta, rtol=1e-8)


def test_above_the_critical_rate_every_coefficient_is_exactly_zero():
    fit = fit_penalized(make_problem(prior=Laplace(1e-150)))
    assert fit.outcome is Outcome.CERTIFIED
    np.testing.assert_array_equal(fit.beta, np.zeros(4))
    assert (fit.margin > 0.99).all()


def test_improper_scale_priors_are_shown_by_name():
    # Messages show priors by their repr, which must say what was asked for.
    assert [repr(p) for p in (Jeffreys(), FlatScale(), HalfCauchy(2.0))] == [
        "Jeffreys()",
        "FlatScale()",
        "HalfCauchy(scale=2.0)",
    ]
    assert repr(Laplace(0.5, loc=1.0)) == "Laplace(scale=0.5, loc=1.0)"
