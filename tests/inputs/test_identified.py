"""Data that leave coefficients undetermined, or let them run off: said by name, and no trouble under a proper prior."""

import numpy as np
import pytest
from scipy import sparse

from bayesreg.errors import DataWarning, FitError, InputError
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, NegativeBinomialLog, PoissonLog
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import ElasticNet, Flat, Gaussian, Laplace
from tests.inputs.examples import N, make, row, table

KNOWN = GaussianNoise(1.0)


def doubled():
    X = table()[0]
    return np.column_stack([X, 2.0 * X[:, 0] + 3.0])


def dependent():
    X = table()[0]
    return np.column_stack([X, X[:, 0] + X[:, 1]])


def wide():
    return np.random.default_rng(5).normal(size=(N, 25))


# -- columns that can be traded (10-12) ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prior", "outcome"),
    [
        row(10, Gaussian(1.0), Outcome.CERTIFIED),
        row(10, ElasticNet(0.5, 0.5), Outcome.CERTIFIED),
        row(10, Laplace(1.0), Outcome.NOT_UNIQUE),
    ],
)
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_a_column_that_is_another_one_is_said(prior, outcome, sign):
    X, y = doubled() * [1, 1, 1, sign], table()[1]
    with pytest.warns(
        DataWarning, match=r"^columns 'x0' and 'x3' are identical up to sign once standardised: the data"
    ):
        problem = make(X, y, prior=prior, likelihood=KNOWN)
    fit = fit_penalized(problem)
    assert fit.outcome is outcome
    single = fit_penalized(make(X[:, :3], y, prior=Laplace(1.0), likelihood=KNOWN))
    assert abs(single.beta[0]) > 0.1
    if isinstance(prior, Laplace):
        assert fit.objective == pytest.approx(single.objective, rel=1e-12)
        assert fit.beta[0] + sign * fit.beta[3] == pytest.approx(single.beta[0], rel=1e-9)
        assert set(fit.certificate.tied) == {"x0", "x3"}
    else:
        assert fit.beta[3] == pytest.approx(sign * fit.beta[0], rel=1e-9)


def test_many_columns_alike_are_told_in_few_words():
    X = np.repeat(np.random.default_rng(0).normal(size=(N, 9)), 8, axis=1)
    with pytest.warns(DataWarning, match="identical up to sign") as told:
        make(X, prior=Gaussian(1.0))
    assert len(told) == 4
    assert "'x5', ... (8 in all)" in str(told[0].message).replace(" and ", ", ")
    assert str(told[3].message) == "6 more groups of columns are identical up to sign"


def test_many_constant_columns_are_told_in_few_words():
    with pytest.warns(DataWarning) as told:
        make(np.ones((N, 5000)))
    assert [str(t.message)[:76] for t in told] == [
        "columns 'x0', 'x1', 'x2', 'x3', 'x4', 'x5', ... (5000 in all) are constant: "
    ]


@pytest.mark.parametrize("prior", [Gaussian(1.0), Laplace(0.5), ElasticNet(0.5, 0.5)])
@pytest.mark.parametrize("X", [row(11, dependent()), row(12, wide())])
def test_dependent_columns_do_not_matter_under_a_proper_prior(X, prior):
    fit = fit_penalized(make(X, prior=prior, likelihood=KNOWN))
    assert fit.outcome in (Outcome.CERTIFIED, Outcome.NOT_UNIQUE)
    assert np.isfinite(fit.beta).all()
    assert np.abs(fit.beta).max() > 0.05


@pytest.mark.parametrize(
    ("X", "prior", "names"),
    [
        row(11, dependent(), Flat(), "'x0', 'x1', 'x3'"),
        row(11, dependent(), {"x2": Gaussian(1.0), "*": Flat()}, "'x0', 'x1', 'x3'"),
        row(12, wide(), Flat(), "'x0', 'x1', 'x2', 'x3', 'x4', 'x5', ..."),
    ],
)
def test_dependent_columns_need_a_proper_prior(X, prior, names):
    with pytest.raises(FitError) as raised:
        fit_penalized(make(X, prior=prior, likelihood=KNOWN))
    assert str(raised.value) == (
        f"the data do not determine the unpenalised coefficients of {names} (collinear or constant columns, or more "
        "columns than rows): give them a proper prior"
    )


def test_dependent_columns_need_a_prior_on_one_of_them_only():
    fit = fit_penalized(make(dependent(), prior={"x0": Gaussian(1.0), "*": Flat()}, likelihood=KNOWN))
    assert fit.outcome is Outcome.CERTIFIED
    assert fit.beta[0] == pytest.approx(0.0, abs=1e-9)  # the others can do its work at no price


# -- coefficients that run off (17, 18, 53) ------------------------------------------------------------------


def separated():
    X = table()[0]
    return X, (X[:, 0] > np.median(X[:, 0])).astype(float)


def rare():
    """Ones wherever a rare flag is set, and elsewhere both."""
    X = np.column_stack([np.arange(30) % 7, np.arange(30) < 3]).astype(float)
    return X, np.where(X[:, 1] > 0, 1.0, np.arange(30) % 2)


def empty():
    """No counts at all wherever a flag is set."""
    X, y = rare()
    return X, np.where(X[:, 1] > 0, 0.0, 1 + y)


@pytest.mark.parametrize(
    ("make_data", "likelihood", "prior", "names"),
    [
        row(17, separated, BernoulliLogit(), {"x0": Flat(), "*": Gaussian(1.0)}, "'intercept', 'x0'"),
        row(17, separated, BernoulliLogit(), Flat(), "'intercept', 'x0', 'x1', 'x2'"),
        row(18, rare, BernoulliLogit(), Flat(), "'intercept', 'x1'"),
        row(18, empty, PoissonLog(), Flat(), "'intercept', 'x1'"),
        row(18, empty, NegativeBinomialLog(2.0), Flat(), "'intercept', 'x1'"),
    ],
)
def test_an_infinite_optimum_is_refused_by_name(make_data, likelihood, prior, names):
    with pytest.raises(FitError) as raised:
        fit_penalized(make(*make_data(), likelihood=likelihood, prior=prior))
    assert str(raised.value).startswith(f"the optimum is infinite in {names}: the data are separated")
    assert str(raised.value).endswith("give it a proper prior")


@pytest.mark.parametrize(
    ("make_data", "likelihood"),
    [row(17, separated, BernoulliLogit()), row(18, rare, BernoulliLogit()), row(18, empty, PoissonLog())],
)
def test_a_proper_prior_makes_it_finite(make_data, likelihood):
    narrow, wider = (
        fit_penalized(make(*make_data(), likelihood=likelihood, prior=Gaussian(scale))) for scale in (1.0, 10.0)
    )
    assert narrow.outcome is wider.outcome is Outcome.CERTIFIED
    assert np.abs(wider.beta).max() > 1.5 * np.abs(narrow.beta).max() > 0.5  # the prior decides how large


def test_one_row_the_other_way_ends_the_separation():
    X, y = separated()
    y[X[:, 0].argmin()] = 1.0
    fit = fit_penalized(make(X, y, likelihood=BernoulliLogit(), prior={"x0": Flat(), "*": Gaussian(1.0)}))
    assert fit.outcome is Outcome.CERTIFIED


# -- too large, or sparse (35, 79) ---------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:columns .* are (constant|identical):bayesreg.errors.DataWarning")
@pytest.mark.filterwarnings("ignore:.* more groups:bayesreg.errors.DataWarning")
def test_columns_whose_pairs_do_not_fit_in_memory():
    X = sparse.random_array((20, 20_000), density=0.01, rng=np.random.default_rng(1), format="csr")
    y = np.random.default_rng(2).normal(size=20)
    problem = make(X, y, prior=Laplace(0.1))
    with pytest.raises(
        InputError, match=r"^X has 20000 columns: their 20000 x 20000 cross-products .* 3 GiB. Give sigma"
    ):
        fit_penalized(problem)
    assert fit_penalized(problem, sigma=1.0).outcome in (Outcome.CERTIFIED, Outcome.NOT_UNIQUE)


@pytest.mark.parametrize("likelihood", [KNOWN, BernoulliLogit(), PoissonLog()])
@pytest.mark.parametrize("options", [{"standardize": False}, {"intercept": None}])
def test_sparse_columns_give_the_fit_of_dense_ones(likelihood, options):
    X = sparse.random_array((40, 4), density=0.4, rng=np.random.default_rng(1), format="csc")
    y = (np.arange(40) % 3 == 0).astype(float)
    ours, dense = (
        fit_penalized(make(given, y, likelihood=likelihood, prior=Gaussian(1.0), **options))
        for given in (X, X.toarray())
    )
    assert ours.outcome is Outcome.CERTIFIED
    assert np.abs(dense.beta).max() > 0.05
    np.testing.assert_allclose(ours.beta_raw, dense.beta_raw, rtol=1e-9)


def test_sparse_columns_are_not_centred():
    X = sparse.random_array((200_000, 50), density=0.001, rng=np.random.default_rng(1), format="csr")
    with pytest.raises(
        InputError, match=r"^X is sparse: .* make X dense \(0.0745 GiB\); use intercept=Flat\(\), stand"
    ):
        make(X, np.arange(200_000.0), intercept=Gaussian(1.0))
