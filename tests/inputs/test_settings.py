"""Settings outside what they can be: one ParameterError each, naming the class, the argument and what was given."""

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import Exponential, FlatScale, Gamma, HalfCauchy, HalfNormal, Jeffreys
from tests.inputs.examples import row
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
def test_scale_of_a_prior(shape, value, message):  # rows 58, 60, 61
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
def test_one_value_per_column_means_as_many_as_there_are(shape, argument):  # row 64
    values = {"scale": 1.0} | {argument: [1.0, 2.0]}
    with pytest.raises(ParameterError, match=rf"^{shape.__name__}: {argument} has 2 values for 4 columns; give one"):
        make_problem(prior=shape(**values))


@pytest.mark.parametrize("make", [Exponential, HalfNormal, HalfCauchy, GaussianNoise])
@pytest.mark.parametrize(("value", "message"), NUMBERS)
def test_parameters_of_scale_priors_and_of_the_noise(make, value, message):
    argument = {Exponential: "rate", GaussianNoise: "sigma"}.get(make, "scale")
    with pytest.raises(ParameterError, match=rf"^{make.__name__}: {argument} {message}"):
        make(value)


@pytest.mark.parametrize(("value", "message"), NUMBERS)
def test_parameters_of_a_gamma_prior(value, message):
    for argument in ("shape", "rate"):
        with pytest.raises(ParameterError, match=rf"^Gamma: {argument} {message}"):
            Gamma(**({"shape": 1.0, "rate": 1.0} | {argument: value}))
    with pytest.raises(ParameterError, match=r"^Gamma: shape must be at least 0.1, .*\(got 0.05\)$"):
        Gamma(0.05, 1.0)


def test_parameters_are_copied_in_and_frozen():
    scale = np.array([1.0, 2.0, 3.0, 4.0])
    prior = Laplace(scale)
    scale[0] = 99.0
    assert prior.rates(4)[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        prior.scale[0] = 5.0
    with pytest.raises(AttributeError):
        prior.scale = 5.0


# -- the parts of a problem ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        row(65, {"likelihood": GaussianNoise}, r"likelihood must be .*: GaussianNoise is the class; write Gauss"),
        row(65, {"likelihood": 1}, r"likelihood must be a bayesreg Likelihood such as GaussianNoise\(\) \(got 1\)$"),
        row(66, {"prior": 0.5}, r"prior must be a bayesreg Prior .*\(got 0.5\)$"),
        row(66, {"prior": None}, r"prior must be a bayesreg Prior .*\(got None\)$"),
        row(66, {"prior": Laplace}, r"prior must be .*: Laplace is the class; write Laplace\(...\)$"),
        row(66, {"prior": HalfNormal(1.0)}, r"prior must be a bayesreg Prior"),
        row(
            66, {"prior": {"x00": Laplace(1.0), "*": Flat()}}, r"^prior: 'x00' matches no column; did you mean 'x\d'\?$"
        ),
        row(66, {"prior": {"x0": Laplace(1.0)}}, r"^prior: no prior for 'x1', 'x2', 'x3'; name them, or add '\*' for"),
        row(
            66, {"prior": {"x0": "laplace", "*": Flat()}}, r"^prior\['x0'\] must be .* a prior such as .*got 'laplace'"
        ),
        row(66, {"prior": {0: Laplace(1.0), "*": Flat()}}, r"^prior\[0\] must be a name with a prior"),
        row(66, {"prior": {}}, r"^prior: no prior for 'x0'"),
        row(66, {"prior": {"x*": Laplace(1.0), "?0": Flat()}}, r"^prior: both 'x\*' and '\?0' match column 'x0'"),
        ({"standardize": "no"}, r"^standardize must be True or False \(got 'no'\)$"),
        ({"standardize": 1}, r"^standardize must be True or False \(got 1\)$"),
        ({"standardize": [True] * 4}, r"^standardize must be True or False \(got \[True, True, True, True\]\)$"),
        ({"standardize": np.ones(4)}, r"^standardize must be True or False \(got array"),
        ({"scale_by_noise": "no"}, r"^scale_by_noise must be True or False \(got 'no'\)$"),
        ({"missing": "keep"}, r"^missing must be \"error\" or \"drop\" \(got 'keep'\)$"),
        ({"missing": np.ones(4)}, r"^missing must be \"error\" or \"drop\" \(got array"),
        ({"missing": True}, r"^missing must be \"error\" or \"drop\" \(got True\)$"),
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


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        row(65, "gausian", "GaussianNoise"),
        row(65, "Normal", "GaussianNoise"),
        row(65, "poison", "PoissonLog"),
        row(65, "logistic", "BernoulliLogit"),
        row(65, "binomial", "BernoulliLogit"),
        row(65, "student-t", "StudentTNoise"),
        row(65, "negative_binomial", "NegativeBinomialLog"),
        row(65, "Gamma", "GammaLog"),
        row(65, "cox", None),
    ],
)
def test_an_unknown_family_is_met_with_those_that_there_are(word, meant):
    X, y = data("bernoulli")
    hint = f": did you mean {meant}(...)?" if meant else ""
    with pytest.raises(ParameterError) as raised:
        Problem.from_arrays(X, y, prior=Laplace(0.5), likelihood=word)
    assert str(raised.value) == (
        f"likelihood must be a bayesreg Likelihood such as GaussianNoise() (got {word!r}){hint} (there are: "
        "BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise)"
    )


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        row(66, "Laplac", "Laplace"),
        row(66, "lasso", "Laplace"),
        row(66, "ridge", "Gaussian"),
        row(66, "elastic net", "ElasticNet"),
        row(66, "group lasso", "GroupLaplace"),
        row(66, "flat", "Flat"),
        row(66, "horseshoe", None),
    ],
)
def test_an_unknown_prior_is_met_with_those_that_there_are(word, meant):
    X, y = data("gaussian")
    hint = f": did you mean {meant}(...)?" if meant else ""
    with pytest.raises(ParameterError) as raised:
        Problem.from_arrays(X, y, prior=word)
    assert str(raised.value) == (
        f"prior must be a bayesreg Prior such as Laplace(scale=0.5) (got {word!r}){hint} (there are: Bridge, "
        "ElasticNet, Flat, Gaussian, GroupLaplace, Laplace)"
    )


def test_fixing_a_noise_scale_that_is_not_there():
    with pytest.raises(ParameterError, match=r"BernoulliLogit has no noise scale to fix \(got sigma=2\)"):
        make_problem("bernoulli").at(2.0)
    with pytest.raises(ParameterError, match=r"Problem.at: sigma must be a finite number > 0"):
        make_problem().at(-1.0)


@SHAPES
def test_an_unknown_prior_scale_has_no_single_penalty(shape):
    prior = shape(HalfCauchy(1.0))
    for ask in (prior.rates, prior.variance, prior.elastic):
        with pytest.raises(ParameterError, match=r"the scale has a prior .*\.at\(scale=...\), let choose_scale"):
            ask(3)


@pytest.mark.parametrize("start", [[0.0, 0.0, 0.0], 1.0, [0.0, 0.0, 0.0, np.nan]])
def test_a_start_must_be_a_point(start):
    with pytest.raises(ParameterError, match=r"start must be 4 finite numbers, one per column \(got "):
        fit_penalized(make_problem(), start=start)


# -- extremes that are allowed (59, 62, 63) ------------------------------------------------------------------


@SHAPES
@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_no_penalty_is_flat(shape, kind):  # rows 59, 62
    none = fit_penalized(make_problem(kind, prior=Flat()))
    weak = fit_penalized(make_problem(kind, prior=shape(1e150)))
    np.testing.assert_allclose(weak.beta, none.beta, rtol=1e-8)


def test_above_the_critical_rate_every_coefficient_is_exactly_zero():  # rows 62, 63
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
