"""What likelihoods take: dispersions, numbers of trials, arrays of draws and columns, responses in their domain."""

import re

import numpy as np
import pytest

from bayesreg.errors import FamilyError, InputError, ParameterError
from bayesreg.interfaces import Block
from bayesreg.likelihoods import (
    BernoulliLogit,
    GammaLog,
    GaussianNoise,
    NegativeBinomialLog,
    PoissonLog,
    StudentTNoise,
)
from bayesreg.priors import Flat, Gaussian
from bayesreg.scales import FlatScale, HalfCauchy, HalfNormal, Jeffreys
from tests.registry import LIKELIHOODS, TRIALS, WITH_TRIALS, block_of

CASES = LIKELIHOODS | WITH_TRIALS
EACH = pytest.mark.parametrize("name", CASES)
DISPERSED = ("gaussian", "student-t", "negative-binomial", "gamma")


# -- dispersion ----------------------------------------------------------------------------------------------------


@EACH
def test_the_dispersion_is_named_known_fixed_and_given(name):
    case = CASES[name]
    model, (eta, y) = case.make(), case.pairs(np.array([-1.0, 0.5]))
    assert model.has_dispersion == (name in DISPERSED)
    assert model.location_scale == (model.dispersion_name == "sigma")
    if not model.has_dispersion:
        assert model.sigma_known is None
        assert model.dispersion is None
        np.testing.assert_array_equal(model.nll_given(eta, y, None), model.nll(eta, y))
        with pytest.raises(ParameterError, match=r"has no noise scale to fix \(got sigma=2\)"):
            model.at(2.0)
        return
    other = model.at(0.5)
    assert (model.sigma_known != 0.5, other.sigma_known, other.dispersion) == (True, 0.5, None)
    assert getattr(other, "nu", 0) == getattr(model, "nu", 0)
    np.testing.assert_array_equal(model.nll_given(eta, y, 0.5), other.nll(eta, y))
    column = np.array([[0.5], [model.sigma_known]])  # many draws at once: rows along the last axis
    both = np.stack([other.nll(eta, y), model.nll(eta, y)])
    np.testing.assert_allclose(model.nll_given(np.stack([eta, eta]), y, column), both, rtol=1e-15)
    with pytest.raises(ParameterError, match=f"{model.dispersion_name} must be given"):
        model.nll_given(eta, y, None)


@pytest.mark.parametrize("family", [GaussianNoise, StudentTNoise, NegativeBinomialLog, GammaLog])
def test_an_unknown_dispersion_has_its_prior_and_no_value(family):
    prior = HalfNormal(2.0)
    argument = family().dispersion_name
    model = family(**{argument: prior})
    assert (model.dispersion, model.sigma_known) == (prior, None)
    with pytest.raises(ParameterError, match=rf"^{family.__name__}: {argument} is unknown here; fix it with .at"):
        model.nll(np.zeros(1), np.ones(1))
    for wrong in (0.0, -1.0, np.inf, np.nan, "1", None, True):
        with pytest.raises(ParameterError, match=rf"^{family.__name__}: {argument} must be"):
            family(**{argument: wrong})


def test_default_dispersions():
    assert [type(f().dispersion) for f in (GaussianNoise, StudentTNoise)] == [Jeffreys, Jeffreys]
    shapes = [f().dispersion for f in (NegativeBinomialLog, GammaLog)]
    assert [(type(s), s.scale) for s in shapes] == [(HalfCauchy, 1.0)] * 2
    assert StudentTNoise().nu == 4.0
    with pytest.raises(ParameterError, match=r"^StudentTNoise: nu must be"):
        StudentTNoise(0.0)


@pytest.mark.parametrize("family", [NegativeBinomialLog, GammaLog])
@pytest.mark.parametrize("prior", [Jeffreys(), FlatScale()])
def test_improper_priors_of_a_shape_are_refused(family, prior):
    with pytest.raises(ParameterError, match=r"alpha needs a proper prior .*improper (Jeffreys|FlatScale).*posterior"):
        family(prior)


# -- trials and shapes ---------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("field", ["nll", "d1", "d2", "d_log_sigma", "majorizer", "conjugate"])
def test_columns_and_rows_of_predictors_broadcast_as_single_ones_do(name, field):
    case = CASES[name]
    y = np.array(case.responses)
    data = block_of(y, trials=TRIALS + np.arange(y.size) if name in WITH_TRIALS else None)
    model = case.make().on(data)
    fn = getattr(model, field)
    first = np.linspace(-1, 2, y.size)
    if field == "conjugate":
        first = model.d1(first, y)
    both = np.stack([first, 0.5 * first])
    single = np.stack([fn(row, y) for row in both])
    assert single.shape == both.shape
    np.testing.assert_array_equal(fn(both, y), single)  # draws by rows of data
    np.testing.assert_array_equal(fn(both.T, y[:, None]), single.T)  # rows of data by columns
    assert np.shape(fn(np.array(0.0), y)) == y.shape


def test_trials_are_bound_by_the_block_and_copied():
    model, y = BernoulliLogit(), np.array([1.0, 2.0])
    assert model.on(block_of(y)) is model
    trials = np.array([2.0, 5.0])
    bound = model.on(Block(np.empty((2, 0)), y, 0 * y, None, trials))
    trials[0] = 9.0
    np.testing.assert_array_equal(bound.trials, [2.0, 5.0])
    assert model.trials is None
    assert not bound.trials.flags.writeable
    np.testing.assert_allclose(bound.mean(np.zeros((3, 2))), np.tile([1.0, 2.5], (3, 1)))


def test_one_trial_is_bernoulli_and_trials_are_sums_of_them():
    eta = np.linspace(-20, 20, 41)
    for y in (0.0, 1.0):
        one = BernoulliLogit().on(block_of(np.full(41, y), trials=1))
        for field in ("nll", "d1", "d2", "conjugate"):
            x = np.linspace(-y, 1 - y, 41) if field == "conjugate" else eta
            found, plain = (getattr(m, field)(x, np.full(41, y)) for m in (one, BernoulliLogit()))
            np.testing.assert_allclose(found, plain, rtol=1e-13, atol=1e-15)
    many = BernoulliLogit().on(block_of(np.full(41, 3.0), trials=5))
    parts = 3 * BernoulliLogit().nll(eta, np.ones(41)) + 2 * BernoulliLogit().nll(eta, np.zeros(41))
    np.testing.assert_allclose(many.nll(eta, np.full(41, 3.0)), parts - np.log(10), rtol=1e-13)


@pytest.mark.parametrize("family", [GaussianNoise, StudentTNoise, PoissonLog, NegativeBinomialLog, GammaLog])
def test_families_without_trials_refuse_them(family):
    with pytest.raises(ParameterError, match=rf"^{family.__name__} takes no trials"):
        family().check(block_of([1.0, 2.0], trials=3), None)


@EACH
def test_link_and_scale_of_an_effect(name):
    model = CASES[name].make()
    scale = {"identity": 7.5, "logit": np.pi / np.sqrt(3), "log": 1.0}
    assert model.response_sd(7.5) == pytest.approx(scale[model.link], rel=1e-15)


# -- domain --------------------------------------------------------------------------------------------------------

BAD = {
    "bernoulli-values": (BernoulliLogit(), block_of([0, 1, 0.5, 7]), FamilyError,
        r"^y has 2 values outside \{0, 1\} \(first: row 2, 0.5; values found: 0, 0.5, 1, 7\); .* recode y$"),
    "bernoulli-counts": (BernoulliLogit(), block_of([0, 1, 3]), FamilyError, r"recode y \(for counts .* trials=\)$"),
    "binomial-above": (BernoulliLogit(), block_of([0, 4], trials=3), FamilyError,
        r"^y has 1 values outside 0, ..., trials \(first: row 1, 4; .*\(row 1 has 3 trials\)"),
    "binomial-share": (BernoulliLogit(), block_of([0.25, 1], trials=4), FamilyError, r"row 0, 0.25; .*proportions"),
    "binomial-trials": (BernoulliLogit(), block_of([0, 1, 1], trials=[2, 0, 2.5]), FamilyError,
        r"^trials has 2 values that are not whole numbers >= 1 \(first: row 1, 0\)"),
    "poisson-negative": (PoissonLog(), block_of([1, -1]), FamilyError, r"outside 0, 1, 2, ... \(first: row 1, -1;"),
    "poisson-fraction": (PoissonLog(), block_of([1, 2.5]), FamilyError, r"row 1, 2.5; .*PoissonLog needs counts"),
    "poisson-huge": (PoissonLog(), block_of([1, 1e17]), FamilyError, r"row 1, 1e\+17; .* from 0 to 2\^53"),
    "negative-binomial": (NegativeBinomialLog(), block_of([1, 2.5]), FamilyError, r"NegativeBinomialLog needs counts"),
    "gamma-zero": (GammaLog(), block_of([1, 0, -2]), FamilyError, r"^y has 2 values outside y > 0 \(first: row 1, 0;"),
    "gaussian-constant": (GaussianNoise(), block_of([2, 2]), InputError, r"^y is constant \(2\): .*give sigma a value"),
    "gaussian-offset": (GaussianNoise(), block_of([2, 2], offset=1), InputError, r"^y is constant \(1, the offset"),
    "student-constant": (StudentTNoise(), block_of([2, 2]), InputError, r"^y is constant \(2\): .*give sigma a value"),
    "gamma-constant": (GammaLog(), block_of([2, 2]), InputError, r"^y is constant \(2\): .*posterior of alpha"),
    "bernoulli-class": (BernoulliLogit(), block_of([1, 1]), InputError, r"^y has one class only \(all 1\): .*pass i"),
    "bernoulli-weights": (BernoulliLogit(), block_of([1, 0], weights=[1, 0]), InputError, r"one class only \(all 1\)"),
    "binomial-class": (BernoulliLogit(), block_of([3, 3], trials=3), InputError, r"one class only \(all successes\)"),
    "binomial-none": (BernoulliLogit(), block_of([0, 0], trials=3), InputError, r"one class only \(all failures\)"),
    "poisson-zeros": (PoissonLog(), block_of([0, 0, 9], weights=[1, 1, 0]), InputError, r"^y is 0 .*intercept="),
    "negative-binomial-zeros": (NegativeBinomialLog(), block_of([0, 0]), InputError, r"^y is 0 .*intercept="),
}  # fmt: skip


@pytest.mark.parametrize("which", BAD)
def test_bad_responses_are_refused_by_name_place_and_remedy(which):
    model, data, error, message = BAD[which]
    with pytest.raises(error, match=message):
        model.check(data, Flat())


REMARKS = {
    "gaussian": (GaussianNoise(1.0), block_of([2, 2]), "^y is constant"),
    "gaussian-proper": (GaussianNoise(HalfNormal(1.0)), block_of([2, 2]), "^y is constant"),
    "student": (StudentTNoise(4.0, 1.0), block_of([2, 2]), "^y is constant"),
    "gamma": (GammaLog(2.0), block_of([2, 2]), "^y is constant"),
    "gamma-light": (GammaLog(HalfNormal(1.0)), block_of([2, 2]), "^y is constant"),
    "bernoulli": (BernoulliLogit(), block_of([1, 1]), "^y has one class only .* rests on the priors"),
    "binomial": (BernoulliLogit(), block_of([3, 3], trials=3), "^y has one class only .* rests on the priors"),
    "poisson": (PoissonLog(), block_of([0, 0]), "^y is 0 in every row: what is found rests on the priors"),
    "poisson-constant": (PoissonLog(), block_of([4, 4]), "^y is constant"),
}


@pytest.mark.parametrize("which", REMARKS)
def test_telling_responses_are_remarked_on_where_the_posterior_exists(which):
    model, data, message = REMARKS[which]
    (remark,) = model.check(data, Gaussian(1.0))
    assert re.search(message, remark)


def test_mixed_trials_are_one_class_only_when_all_rows_are():
    data = block_of([3, 0], trials=[3, 5])
    assert BernoulliLogit().check(data, Flat()) == ()
