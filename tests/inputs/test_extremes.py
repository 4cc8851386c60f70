"""Numbers near the ends of double precision: the same fit in other units, or a refusal, and never NaN."""

import numpy as np
import pytest

from bayesreg.errors import DataWarning, InputError
from bayesreg.likelihoods import GammaLog, GaussianNoise, PoissonLog, StudentTNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from tests.inputs.examples import row
from tests.problems import FAMILIES, data, make_problem
from tests.registry import TRIALS, WITH_TRIALS

N = 30
GOOD = (Outcome.CERTIFIED, Outcome.STATIONARY)


def scaled(kind, factor, prior, **options):
    X, y = data(kind, N, 3, seed=2)
    if kind in WITH_TRIALS:
        options["trials"] = np.full(N, TRIALS)
    return fit_penalized(Problem.from_arrays(X * factor, y, prior=prior, likelihood=FAMILIES[kind].make(), **options))


# -- X in other units (19-21) --------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", [Gaussian(0.5), Laplace(0.3)], ids=["gaussian", "laplace"])
@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("factor", [row(19, 1e150), row(20, 1e200), row(21, 1e-150), row(21, 1e-200)])
def test_standardised_fits_do_not_know_the_units_of_X(kind, factor, prior):
    plain, far = scaled(kind, 1.0, prior), scaled(kind, factor, prior)
    assert plain.outcome in GOOD
    assert far.outcome is plain.outcome
    assert np.abs(plain.beta).max() > 1e-3
    np.testing.assert_allclose(far.beta, plain.beta, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(far.beta_raw * factor, plain.beta_raw, rtol=1e-9, atol=1e-13)
    assert far.intercept_raw == pytest.approx(plain.intercept_raw, rel=1e-9)
    assert far.objective == pytest.approx(plain.objective, rel=1e-12)


@pytest.mark.parametrize(
    ("factor", "message"),
    [
        row(20, 1e260, r"^column 'x0' of X has values of size .*e\+260: .*; rescale it$"),
        row(20, 1e307, r"^column 'x\d' of X has .*; rescale it$"),
        row(21, 1e-300, r"^column 'x0' of X varies by .*e-300, so that its coefficient .*: rescale it$"),
    ],
)
@pytest.mark.parametrize("kind", FAMILIES)
def test_units_of_X_that_cannot_be_used_are_refused(kind, factor, message):
    with pytest.raises(InputError, match=message):
        scaled(kind, factor, Gaussian(0.5))


@pytest.mark.parametrize("factor", [row(19, 1e160), row(20, 1e200), row(21, 1e-160), row(21, 1e-200)])
@pytest.mark.parametrize("kind", FAMILIES)
def test_units_of_X_as_it_is(kind, factor):
    with pytest.raises(InputError, match=r"^column 'x0' of X has values of size .*; .*use standardize=True$"):
        scaled(kind, factor, Gaussian(0.5), standardize=False)


@pytest.mark.parametrize("factor", [row(19, 1e100), row(21, 1e-100)])
@pytest.mark.parametrize("kind", FAMILIES)
def test_a_prior_in_the_units_of_X_scales_with_it(kind, factor):
    plain = scaled(kind, 1.0, Gaussian(0.5), standardize=False)
    far = scaled(kind, factor, Gaussian(0.5 / factor), standardize=False)
    assert far.outcome in GOOD
    np.testing.assert_allclose(far.beta * factor, plain.beta, rtol=1e-9)


# -- y in other units (22) -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("noise", "factor"),
    [
        *(row(22, noise, factor) for noise in (GaussianNoise(), "known") for factor in (1e100, 1e140, 1e-100, 1e-140)),
        row(22, StudentTNoise(3.0), 1e140),
    ],
)
def test_fits_follow_the_units_of_y(noise, factor):
    X, y = data("gaussian", N, 3, seed=2)

    def fit(unit):
        likelihood = GaussianNoise(1.75 * unit) if noise == "known" else noise
        return fit_penalized(Problem.from_arrays(X, y * unit, prior=Gaussian(0.5 * unit), likelihood=likelihood))

    plain, far = fit(1.0), fit(factor)
    assert plain.outcome in GOOD
    assert far.outcome is plain.outcome
    np.testing.assert_allclose(far.beta / factor, plain.beta, rtol=1e-9)
    assert far.sigma / factor == pytest.approx(plain.sigma, rel=1e-9)


@pytest.mark.parametrize("factor", [row(22, 1e160), row(22, 1e200), row(22, 1e-160), row(22, 1e-200)])
@pytest.mark.parametrize("kind", ["gaussian", "student-t", "gamma"])
def test_units_of_y_that_cannot_be_used_are_refused(kind, factor):
    X, y = data(kind, N, 3, seed=2)
    with pytest.raises(InputError, match=r"^y has values of size .*: sums of squares leave the range .*; rescale it$"):
        Problem.from_arrays(X, y * factor, prior=Gaussian(0.5), likelihood=FAMILIES[kind].make())


@pytest.mark.parametrize("factor", [row(22, 1e100), row(22, 1e-8)])
def test_gamma_responses_in_other_units_shift_the_intercept_only(factor):
    X, y = data("gamma", N, 3, seed=2)
    plain, far = (
        fit_penalized(Problem.from_arrays(X, y * unit, prior=Gaussian(0.5), likelihood=GammaLog(2.5)))
        for unit in (1.0, factor)
    )
    assert far.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(far.beta, plain.beta, rtol=1e-9)
    assert far.intercept - np.log(factor) == pytest.approx(plain.intercept, rel=1e-9)


# -- η that overflows (24) -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["poisson", "negative-binomial", "gamma"])
@pytest.mark.parametrize("prior", [Flat(), Gaussian(1.0), Laplace(1.0)], ids=["flat", "gaussian", "laplace"])
@pytest.mark.parametrize("factor", [row(24, 1e3), row(24, 1e5)])
def test_steps_that_overflow_are_held_back(kind, prior, factor):
    plain, far = scaled(kind, 1.0, Flat()), scaled(kind, factor, prior, standardize=False)
    assert far.outcome is Outcome.CERTIFIED
    # Per unit of such columns the coefficients are small, and the priors next to flat.
    np.testing.assert_allclose(far.beta * factor, plain.beta_raw, rtol=0.05)


# -- weights, offsets and exposures --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": np.full(N, 1e60)}, r"^weights has values of size 1e\+60: .*; rescale them$"),
        ({"weights": np.append(np.ones(N - 1), 1e-13)}, r"^weights run from 1e-13 to 1: .* comparable size$"),
        ({"weights": np.full(N, 1e-300)}, r"^weights has values of size 1e-300: .*; rescale them$"),
        ({"offset": np.full(N, 1e160)}, r"^offset .*has (values of size )?1e\+160"),
        (
            {"exposure": np.geomspace(1, 1e300, N)},
            r"^offset .with the log of the exposure. has 691, whose",
        ),
    ],
)
def test_other_vectors_out_of_range_are_refused(options, message):
    kinds = ["poisson"] if "exposure" in options else FAMILIES
    for kind in kinds:
        with pytest.raises(InputError, match=message):
            make_problem(kind, **options)


@pytest.mark.parametrize("intercept", [Flat(), None])
def test_a_large_constant_column_is_refused_where_it_is_not_centred(intercept):
    X, y = data("gaussian", N, 3)
    X[:, 1] = 1e200
    if intercept is None:
        with pytest.raises(InputError, match=r"^column 'x1' of X has values of size 1e\+200: .*; rescale it$"):
            Problem.from_arrays(X, y, prior=Gaussian(1.0), intercept=None)
        return
    with pytest.warns(DataWarning, match="'x1' is constant"):
        problem = Problem.from_arrays(X, y, prior=Gaussian(1.0))
    assert fit_penalized(problem).outcome is Outcome.CERTIFIED


@pytest.mark.parametrize("standardize", [True, False])
def test_rows_that_do_not_count_must_be_in_range_too(standardize):
    X, y = data("gaussian", N, 3)
    X[4, 1] = 1e200
    weights = (np.arange(N) != 4).astype(float)
    with pytest.raises(InputError, match=r"^column 'x1' of X has values of size .*e\+(199|200): .*; rescale it"):
        Problem.from_arrays(X, y, prior=Gaussian(1.0), weights=weights, standardize=standardize)


def test_heavy_rows_of_large_responses_are_refused():
    X, y = data("gaussian", N, 3)
    with pytest.raises(InputError, match=r"^y times the root of its weight has values of size .*; rescale it$"):
        Problem.from_arrays(X, y * 1e140, prior=Gaussian(1.0), weights=np.full(N, 1e40))


@pytest.mark.parametrize("exposure", [1e-8, 1e100])
def test_an_exposure_in_other_units_shifts_the_intercept_only(exposure):
    plain, far = (
        fit_penalized(make_problem("poisson", prior=Gaussian(0.5), exposure=np.full(N, unit)))
        for unit in (1.0, exposure)
    )
    assert far.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(far.beta, plain.beta, rtol=1e-9)
    assert far.intercept + np.log(exposure) == pytest.approx(plain.intercept, rel=1e-9)


def test_an_offset_far_out_is_refused_where_it_is_an_exponent():
    X, y = data("poisson", N, 3)
    with pytest.raises(InputError, match=r"^offset .* has -400, whose exponential leaves the range"):
        Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=PoissonLog(), offset=np.linspace(-400, 300, N))
