"""A sparse X gives what the dense one gives, and many columns are fitted without a matrix of all pairs of them."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from bayesreg import descent
from bayesreg.errors import FitError, InputError
from bayesreg.graph import build_model, check_graph
from bayesreg.graph_map import find_map
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from tests.problems import DISPERSED, FAMILIES, P, extras
from tests.registry import PRIORS, TRIALS, WITH_TRIALS


def columns(n=40, p=P, density=0.4, seed=0):
    return sparse.random_array((n, p), density=density, rng=np.random.default_rng(seed), format="csr")


def twins(kind, prior, **options):
    """The same problem on a sparse and on a dense X."""
    X = columns()
    likelihood = FAMILIES[kind].make()
    y = likelihood.simulate(0.3 + X @ np.array([1.0, -1.0, 0.0, 0.5]), None, np.random.default_rng(1))
    if kind in WITH_TRIALS:
        options["trials"] = np.full(40, TRIALS)
    given = {"prior": prior, "likelihood": FAMILIES[kind].make(), **options}
    return Problem.from_arrays(X, y, **given), Problem.from_arrays(X.toarray(), y, **given)


def check_same(one, other):
    # Sparse columns are scaled but not centred: the same coefficients, another intercept on the prior's scale.
    assert one.outcome is other.outcome
    np.testing.assert_allclose(one.beta_raw, other.beta_raw, rtol=1e-8, atol=1e-10)
    assert one.intercept_raw == pytest.approx(other.intercept_raw, rel=1e-8, abs=1e-10)
    assert one.objective == pytest.approx(other.objective, rel=1e-12)
    np.testing.assert_array_equal(one.zeros, other.zeros)


@pytest.mark.parametrize("kind", FAMILIES)
@pytest.mark.parametrize("prior", ["laplace", "gaussian-by-column", "bridge-1.5", "group-laplace", "elastic-net"])
def test_sparse_is_dense(kind, prior):
    made, same = twins(kind, PRIORS[prior](P))
    assert made.design.rows.sparse
    assert not same.design.rows.sparse
    check_same(fit_penalized(made), fit_penalized(same))


@pytest.mark.parametrize("kind", FAMILIES)
def test_sparse_is_dense_with_weights_and_offset_and_no_standardisation(kind):
    made, same = twins(kind, Laplace(0.3), standardize=False, **extras(40))
    check_same(fit_penalized(made), fit_penalized(same))
    theta = np.linspace(-0.5, 0.5, P + 1)
    np.testing.assert_allclose(made.gradient(theta), same.gradient(theta), rtol=1e-12)
    np.testing.assert_allclose(made.curvature(theta), same.curvature(theta), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(
        made.curvature_along(theta, theta), made.curvature(theta) @ theta, rtol=1e-12, atol=1e-13
    )


@pytest.mark.parametrize("kind", ["student-t", "gamma"])
def test_an_unknown_dispersion(kind):
    _, same = twins(kind, Laplace(0.3))
    y = same.design.rows.collect().y
    given = {"prior": Laplace(0.3), "likelihood": DISPERSED[kind]()}
    ends = [fit_penalized(Problem.from_arrays(X, y, **given)) for X in (columns(), columns().toarray())]
    check_same(*ends)
    assert ends[0].sigma == pytest.approx(ends[1].sigma, rel=1e-8)


def test_the_graph_of_a_sparse_problem_is_its_objective():
    made, _ = twins("gaussian", Laplace(0.3))
    assert check_graph(made).passed
    explicit, graph = fit_penalized(made), find_map(made)
    assert graph.outcome is Outcome.CERTIFIED
    np.testing.assert_allclose(graph.beta, explicit.beta, rtol=1e-8, atol=1e-10)
    assert "X" not in build_model(made).named_vars


# -- many columns ----------------------------------------------------------------------------------------------------


def wide(likelihood, prior, n=150, p=1500, seed=3):
    rng = np.random.default_rng(seed)
    X = sparse.random_array((n, p), density=0.1, rng=rng, format="csr", data_sampler=lambda size: rng.normal(size=size))
    eta = X @ (2.0 * rng.normal(size=p) * (np.arange(p) < 10))
    return Problem.from_arrays(X, likelihood.simulate(eta, None, rng), prior=prior, likelihood=likelihood)


WIDE = {
    "gaussian, lasso": lambda: wide(GaussianNoise(0.5), Laplace(0.05)),
    "gaussian, ridge": lambda: wide(GaussianNoise(0.5), Gaussian(0.1)),
    "classes, lasso": lambda: wide(BernoulliLogit(), Laplace(0.2)),
    "classes, ridge": lambda: wide(BernoulliLogit(), Gaussian(0.1)),
    "classes, groups": lambda: wide(BernoulliLogit(), GroupLaplace(np.arange(1500) // 3, 0.3)),
}


@pytest.mark.parametrize("name", WIDE)
def test_working_sets_end_where_all_columns_at_once_do(name, monkeypatch):
    problem = WIDE[name]()
    some = fit_penalized(problem)
    assert some.outcome is Outcome.CERTIFIED
    monkeypatch.setattr(descent, "LARGE", 10**6)
    every = fit_penalized(problem)
    np.testing.assert_allclose(some.beta, every.beta, rtol=1e-6, atol=1e-9)
    np.testing.assert_array_equal(some.zeros, every.zeros)
    assert some.zeros.any() == ("ridge" not in name)


@pytest.mark.filterwarnings("ignore:columns .* are constant:bayesreg.errors.DataWarning")
def test_memory_stays_far_below_the_dense_matrix():
    rng = np.random.default_rng(0)
    n, p = 4000, 20_000
    X = sparse.random_array((n, p), density=0.002, rng=rng, format="csr")
    y = X @ (3.0 * (np.arange(p) < 5)) + rng.normal(size=n)
    tracemalloc.start()
    fit = fit_penalized(Problem.from_arrays(X, y, prior=Laplace(0.005), likelihood=GaussianNoise(1.0)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert fit.outcome is Outcome.CERTIFIED
    assert 0 < (~fit.zeros).sum() < 1000
    assert peak < n * p * 8 / 8  # dense it would be 610 MiB


def test_what_would_need_the_dense_matrix_says_so():
    X, y = columns(), np.arange(40.0)
    with pytest.raises(InputError, match=r"X is sparse: a proper prior on the intercept .* standardize=False"):
        Problem.from_arrays(X, y, prior=Laplace(1.0), intercept=Gaussian(1.0))
    huge = sparse.eye_array(30, 20_000, format="csr")
    unknown = Problem.from_arrays(huge, np.arange(30.0), prior=Laplace(1.0), standardize=False)
    with pytest.raises(InputError, match=r"20000 columns: their 20000 x 20000 .* Give sigma a value"):
        fit_penalized(unknown)
    smooth = Problem.from_arrays(
        huge, np.arange(30.0), prior=Bridge(1.0, 1.5), likelihood=GaussianNoise(1.0), standardize=False
    )
    with pytest.raises(FitError, match=r"20001 coefficients are to be found at once.*Use a stronger prior"):
        fit_penalized(smooth)
