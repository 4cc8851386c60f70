"""The path over λ: point by point against single fits, against scikit-learn's and published paths, and its proofs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge, enet_path, lars_path

from bayesreg.datasets import load_dataset
from bayesreg.errors import FitError, InputError, ParameterError
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, NegativeBinomialLog, StudentTNoise
from bayesreg.optimality_each import applies, certify_each
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.penalty_path import PenalizedPath, penalized_path, solve_path
from bayesreg.penalty_path.reduced import Reduced
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scale_family import ScaleFamily
from bayesreg.scales import HalfCauchy
from tests.markup import read
from tests.problems import PAIRS, P, data, make_problem, pair_problem
from tests.registry import PRIORS

SCALES = np.geomspace(0.03, 3.0, 4)

EVERYWHERE = ("laplace", "elastic-net-located", "gaussian-by-column", "group-laplace-by-column")

CONVEX = [
    (kind, form, prior)
    for kind, form, prior in PAIRS
    if kind != "student-t" and "0.5" not in prior and prior != "flat"
    if kind == "gaussian" or (form == "plain" and (kind == "bernoulli" or prior in EVERYWHERE))
]
"""Gaussian noise with everything, classes with every prior, other families with a prior of each kind."""


def check_points(path: PenalizedPath, scales: Any = None) -> None:
    """Every point is the single fit's: coefficients, J, exact zeros, verdict."""
    for i in range(len(path)):
        single = path.optimum(i)
        alone = fit_penalized(path.problem.with_prior(path.family.at(float(path.scales[i]) * path.factor)))
        assert single.objective == pytest.approx(alone.objective, rel=1e-10, abs=1e-8)
        np.testing.assert_allclose(path.beta[i], alone.beta, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(path.intercept[i], alone.intercept, rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(path.beta_raw[i], alone.beta_raw, rtol=1e-5, atol=1e-6)
        assert path.objective[i] == pytest.approx(alone.objective, rel=1e-10, abs=1e-8)
        near = np.nan_to_num(alone.certificate.margin[-path.problem.p :], nan=1.0) < 1e-6
        assert (path.zero[i] == alone.zeros)[~near].all()
        assert path.certified[i] == (alone.outcome in (Outcome.CERTIFIED, Outcome.NOT_UNIQUE))


@pytest.mark.parametrize(("kind", "form", "prior"), CONVEX)
def test_every_point_is_the_single_fit(kind: str, form: str, prior: str) -> None:
    path = penalized_path(pair_problem(kind, form, prior), SCALES)
    assert path.passed
    assert path.certified.all()
    check_points(path)


@pytest.mark.parametrize(
    "problem",
    [
        lambda: make_problem("student-t"),
        lambda: make_problem(prior=Bridge(0.9, 0.5)),
    ],
    ids=["student-t", "bridge-0.5"],
)
def test_not_convex(problem: Any) -> None:
    path = penalized_path(problem(), [0.1, 1.0])
    assert path.passed
    assert not path.certified.any()
    assert set(path.outcomes) == {Outcome.STATIONARY}
    assert "stationary" in str(path)
    check_points(path)


def test_more_columns_than_rows() -> None:
    path = penalized_path(make_problem(n=20, p=40, prior=Laplace(1.0)), count=30)
    assert path.passed
    assert path.nonzero[0] == 0
    assert 10 < path.nonzero[-1] <= 20
    check_points(path)


@pytest.mark.parametrize("prior", [Gaussian(1.0), Gaussian(np.linspace(0.5, 2.0, 40), loc=0.3), ElasticNet(0.0, 2.0)])
def test_a_ridge_of_more_columns_than_rows(prior: Any) -> None:
    path = penalized_path(make_problem(n=20, p=40, prior=prior), count=12)
    assert path.passed
    check_points(path)


def test_sparse_columns() -> None:
    from scipy import sparse

    rng = np.random.default_rng(0)
    X = sparse.random(60, 12, density=0.3, random_state=0, format="csr")
    y = X.toarray()[:, 0] * 3 + rng.normal(size=60)
    for likelihood in (GaussianNoise(1.0), BernoulliLogit()):
        target = y if isinstance(likelihood, GaussianNoise) else (y > 0.5).astype(float)
        path = penalized_path(Problem.from_arrays(X, target, prior=Laplace(1.0), likelihood=likelihood), count=10)
        assert path.passed
        check_points(path)


# -- against others --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["lasso", "elastic net", "ridge"])
def test_scikit_learns_path(kind: str) -> None:
    X, y = data("gaussian", 60, 6)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    sigma, n = 1.3, 60
    prior = {"lasso": Laplace(1.0), "elastic net": ElasticNet(4.0, 3.0), "ridge": Gaussian(1.0)}[kind]
    path = penalized_path(Problem.from_arrays(X, y, prior=prior, likelihood=GaussianNoise(sigma)), count=40)
    for s, beta in zip(path.scales, path.beta, strict=True):
        if kind == "ridge":
            theirs = Ridge(alpha=sigma**2 / s**2, solver="svd").fit(Z, y).coef_
        else:
            l1, l2 = (1 / s, 0.0) if kind == "lasso" else (4.0 / s, 3.0 / s**2)
            alpha = sigma**2 * (l1 + 2 * l2) / n
            theirs = enet_path(Z, y - y.mean(), l1_ratio=l1 / (l1 + 2 * l2), alphas=[alpha], tol=1e-14, max_iter=10**6)[
                1
            ][:, 0]
        np.testing.assert_allclose(beta, theirs, atol=1e-6)
    assert (path.nonzero[0] == 0) == (kind == "lasso" or kind == "elastic net")


def test_published_knots() -> None:
    """Efron et al. (2004), diabetes, columns of norm 1: λ of ½RSS + λ‖β‖₁ at which each column enters or leaves.

    The knots of shared/reference/paper_tables.json; the order is the paper's (step 11 is hdl's leaving).
    """
    data = load_dataset("diabetes")
    X = (data.X - data.X.mean(axis=0)) / np.linalg.norm(data.X - data.X.mean(axis=0), axis=0)
    problem = Problem.from_arrays(
        X, data.y, prior=Laplace(1.0), likelihood=GaussianNoise(1.0), standardize=False, names=data.names
    )
    knots = [949.4352603840384, 889.313785360489, 452.89570052672934, 316.0733789487091, 130.12953709642767,
             88.78429935059374, 68.96479018954156, 19.981165359644393, 5.47753636633681, 5.088236293703826,
             2.1822668436162127, 1.3104413399628854]  # fmt: skip
    order = ["bmi", "ltg", "bp", "hdl", "sex", "glu", "tc", "tch", "ldl", "age", "hdl", "hdl"]
    names = {"map": "bp", "s5": "ltg"}
    for knot, name in zip(knots, order, strict=True):
        path = penalized_path(problem, [1 / (knot * (1 + 1e-7)), 1 / (knot * (1 - 1e-7))])
        changed = np.flatnonzero((path.beta[0] != 0) != (path.beta[1] != 0))
        found = [problem.names[j] for j in changed]
        assert len(found) == 1
        assert found[0] in (name, {v: k for k, v in names.items()}.get(name))
    assert 1 / penalized_path(problem).critical == pytest.approx(knots[0], rel=1e-10)


def test_lars() -> None:
    problem = make_problem(n=25, p=40, prior=Laplace(1.0))
    path = penalized_path(problem, count=60)
    block = problem.design.rows.collect()
    alphas, _, coefficients = lars_path(block.X - block.X.mean(axis=0), block.y - block.y.mean(), method="lasso")
    sigma = problem.likelihood.sigma_known
    assert sigma is not None
    wanted = sigma**2 / (25 * path.scales)
    theirs = np.array([np.interp(wanted, alphas[::-1], row[::-1]) for row in coefficients]).T
    np.testing.assert_allclose(path.beta, theirs, atol=1e-6)


# -- the grid ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson"])
@pytest.mark.parametrize("prior", [Laplace(1.0), ElasticNet(0.7, 0.4), GroupLaplace([0, 0, 1, 1], 1.0)])
def test_the_critical_scale_is_the_last_without_effects(kind: str, prior: Any) -> None:
    problem = make_problem(kind, prior=prior)
    path = penalized_path(problem, count=12)
    assert path.scales[0] == pytest.approx(path.critical, rel=1e-6)
    assert len(path) == 12
    assert path.scales[-1] / path.scales[0] == pytest.approx(1000)
    inside = penalized_path(problem, [path.critical * (1 - 1e-6), path.critical * (1 + 1e-4)])
    assert inside.nonzero[0] == 0
    assert inside.nonzero[1] > 0


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "gamma"])
@pytest.mark.parametrize("name", [name for name in PRIORS if name.startswith("group")])
@pytest.mark.parametrize("seed", [0, 1])
def test_groups_from_the_critical_scale_on(kind: str, name: str, seed: int) -> None:
    path = penalized_path(make_problem(kind, prior=PRIORS[name](P), seed=seed), count=6)
    assert path.passed
    assert path.nonzero[0] == 0


def test_columns_without_a_penalty_are_fitted_first() -> None:
    problem = make_problem(prior={"x0": Flat(), "*": Laplace(1.0)}, names=["x0", "x1", "x2", "x3"])
    path = penalized_path(problem, count=12)
    assert (path.beta[:, 0] != 0).all()
    assert not path.beta[0, 1:].any()
    assert path.passed
    check_points(path)


def test_a_located_prior_starts_at_its_location() -> None:
    path = penalized_path(make_problem(prior=Laplace(1.0, loc=0.4)), count=10)
    np.testing.assert_array_equal(path.beta[0], 0.4)
    assert path.zero[0].all()
    assert path.nonzero[0] == 0


def test_without_a_kink_there_is_no_critical_scale() -> None:
    path = penalized_path(make_problem(prior=Gaussian(1.0)), count=10)
    assert np.isnan(path.critical)
    size = np.abs(path.beta).sum(axis=1)
    assert size[0] < 0.05 * size[-1]


def test_given_scales_are_sorted() -> None:
    path = penalized_path(make_problem(), [1.0, 0.1, 0.5])
    np.testing.assert_array_equal(path.scales, [0.1, 0.5, 1.0])


# -- σ ----------------------------------------------------------------------------------------------------------------


def test_an_unknown_sigma_is_one_number_and_named() -> None:
    problem = make_problem(likelihood=GaussianNoise())
    path = penalized_path(problem, SCALES)
    assert path.noise.method == "residual"
    assert "least-squares residual" in str(path)
    known = penalized_path(problem.at(path.noise.sigma), SCALES)
    np.testing.assert_allclose(path.beta, known.beta, rtol=1e-12)
    assert penalized_path(problem, SCALES, sigma=2.0).noise.sigma == 2.0
    with pytest.raises(ParameterError, match="sigma='joint' would be another sigma at every scale"):
        penalized_path(problem, sigma="joint")


def test_a_scale_in_units_of_sigma() -> None:
    problem = make_problem(likelihood=GaussianNoise())
    scaled = penalized_path(replace(problem, scale_by_noise=True), SCALES, sigma=2.0)
    plain = penalized_path(problem, 2.0 * SCALES, sigma=2.0)
    np.testing.assert_allclose(scaled.beta, plain.beta, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(scaled.scales, SCALES)
    np.testing.assert_allclose(scaled.lambda_, plain.lambda_, rtol=1e-12)


def test_another_dispersion_is_held_where_its_mode_is() -> None:
    problem = make_problem("negative-binomial", likelihood=NegativeBinomialLog())
    path = penalized_path(problem, [0.1, 1.0])
    assert path.noise.sigma == pytest.approx(fit_penalized(problem).sigma, rel=1e-6)
    assert path.passed


def test_an_unknown_scale_is_what_the_path_runs_over() -> None:
    known = penalized_path(make_problem(prior=Laplace(1.0)), SCALES)
    path = penalized_path(make_problem(prior=Laplace(HalfCauchy(1.0))), SCALES)
    np.testing.assert_array_equal(path.beta, known.beta)


# -- proofs -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli", "poisson"])
@pytest.mark.parametrize("form", ["laplace", "elastic-net", "gaussian"])
def test_a_wrong_point_is_not_certified(kind: str, form: str) -> None:
    problem = make_problem(kind, prior={"laplace": Laplace(1.0), "elastic-net": ElasticNet(1.0, 1.0),
                                        "gaussian": Gaussian(1.0)}[form])  # fmt: skip
    family = ScaleFamily.of(problem, "test")
    unit = problem.with_prior(family.at(1.0))
    assert applies(unit)
    thetas = solve_path(problem, family, SCALES)
    stretch = np.column_stack([np.ones(4), family.stretch(SCALES, P)])
    rates = np.column_stack([np.zeros(4), family.rates(SCALES, P)])
    right = certify_each(unit, thetas, stretch, rates)
    assert right.certified.all()
    for change in (1e-5, -1e-5):
        wrong = thetas.copy()
        wrong[:, 1] += change
        assert not certify_each(unit, wrong, stretch, rates).certified.any()
    assert not certify_each(unit, thetas, stretch * 1.1, rates).certified.all()


@pytest.mark.parametrize("kind", ["gaussian", "bernoulli"])
def test_the_gap_bounds_the_distance_to_the_minimum(kind: str) -> None:
    problem = make_problem(kind, prior=Laplace(1.0))
    family = ScaleFamily.of(problem, "test")
    unit = problem.with_prior(family.at(1.0))
    thetas = solve_path(problem, family, SCALES)
    stretch = np.column_stack([np.ones(4), family.stretch(SCALES, P)])
    rates = np.column_stack([np.zeros(4), family.rates(SCALES, P)])
    least = certify_each(unit, thetas, stretch, rates).value
    for size in (1e-3, 1e-2, 0.3):
        away = thetas + size * np.random.default_rng(0).normal(size=thetas.shape)
        found = certify_each(unit, away, stretch, rates)
        assert (found.gap >= found.value - least - 1e-9).all()
        for i, s in enumerate(SCALES):
            assert found.value[i] == pytest.approx(problem.with_prior(family.at(s)).value(away[i]), rel=1e-12)


@pytest.mark.parametrize("form", ["plain", "weights", "no-intercept", "raw", "wide", "intercept", "collinear"])
def test_the_reduced_problem_has_the_same_objective(form: str) -> None:
    options: dict[str, Any] = {
        "plain": {},
        "weights": {"weights": np.arange(30) % 3},
        "no-intercept": {"intercept": None},
        "raw": {"standardize": False},
        "wide": {"n": 12, "p": 20},
        "intercept": {"intercept": Gaussian(2.0, loc=1.0)},
        "collinear": {},
    }[form]
    problem = make_problem(prior=Laplace(0.4), **options)
    if form == "collinear":
        block = problem.design.rows.collect()
        X = np.column_stack([block.X, block.X[:, 0] + block.X[:, 1]])
        problem = Problem.from_arrays(X, block.y, prior=Laplace(0.4), likelihood=GaussianNoise(1.75))
    family = ScaleFamily.of(problem, "test")
    reduced = Reduced.of(problem)
    rng = np.random.default_rng(0)
    for _ in range(5):
        point = rng.normal(size=len(reduced.score))
        theta = reduced.complete(point[None])[0]
        assert reduced.at(problem, family, 0.4).value(point) + reduced.constant == pytest.approx(
            problem.value(theta), rel=1e-10
        )


def test_identical_columns() -> None:
    X, y = data("gaussian")
    X = np.column_stack([X, X[:, 0]])
    with pytest.warns(match="identical"):
        problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(1.0))
    path = penalized_path(problem, count=20)
    assert path.passed
    assert path.optimum(-1).outcome is Outcome.NOT_UNIQUE


# -- what comes back --------------------------------------------------------------------------------------------------


def test_the_table_and_the_sentence() -> None:
    problem = make_problem(prior=Laplace(1.0))
    path = penalized_path(problem, SCALES)
    table = path.table
    assert list(table.columns) == ["scale", "lambda_", "nonzero", "objective", "kkt", "gap", "certified"]
    np.testing.assert_allclose(table["lambda_"], 1 / SCALES)
    assert table["certified"].all()
    assert str(path).startswith("penalised path at 4 scales from 0.03 to 3: ")
    assert "4 of 4 points certified (σ = 1.75 is known)" in str(path)
    page = read(path._repr_html_())
    assert page.text.startswith(str(path))
    assert [row[0] for row in page.tables[0]] == ["scale", *(f"{scale:.4g}" for scale in SCALES)]
    assert [row[2] for row in page.tables[0][1:]] == [str(k) for k in path.nonzero]
    assert {row[4] for row in page.tables[0][1:]} == {"yes"}
    assert len(repr(path)) < 300
    by_column = penalized_path(make_problem(prior=Laplace(np.arange(1.0, P + 1))), SCALES)
    assert by_column.table["lambda_"].isna().all()
    assert by_column.family.name == "factor"
    single = path.optimum(2)
    assert single.certificate.outcome is Outcome.CERTIFIED
    with pytest.raises(InputError, match="no point 4: the path has 4"):
        path.optimum(4)


def test_separated_classes_without_a_penalty() -> None:
    X = np.column_stack([np.linspace(-1, 1, 20), np.random.default_rng(0).normal(size=20)])
    y = (X[:, 0] > 0).astype(float)
    problem = Problem.from_arrays(
        X, y, prior={"a": Flat(), "*": Laplace(1.0)}, names=["a", "b"], likelihood=BernoulliLogit()
    )
    with pytest.raises(FitError, match=r"the optimum is infinite in .*'a'"):
        penalized_path(problem, [0.1, 1.0])


@pytest.mark.parametrize("scales", [[], [0.0, 1.0], [-1.0], [np.nan], [np.inf], "a", [[1.0, 2.0]], None.__class__])
def test_bad_scales(scales: Any) -> None:
    with pytest.raises(ParameterError, match="penalized_path: scales must hold finite numbers > 0"):
        penalized_path(make_problem(), scales)


def test_bad_settings() -> None:
    with pytest.raises(ParameterError, match="count must be"):
        penalized_path(make_problem(), count=1)
    with pytest.raises(ParameterError, match="penalized_path takes a Problem"):
        penalized_path("lasso")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match="nothing to choose"):
        penalized_path(make_problem(prior=Flat()))
    X = np.ones((5, 1))
    with pytest.warns(match="constant"):
        still = Problem.from_arrays(X, np.arange(5.0), prior=Laplace(1.0), likelihood=GaussianNoise(1.0))
    with pytest.raises(FitError, match="no column varies"):
        penalized_path(still)


def test_student_noise_with_an_unknown_scale() -> None:
    path = penalized_path(make_problem("student-t", likelihood=StudentTNoise(4.0)), [0.5])
    assert path.noise.sigma is not None


def test_sound_is_certified_or_where_j_is_not_convex_stationary():
    path = penalized_path(make_problem("student-t", likelihood=StudentTNoise(4.0)), SCALES)
    assert not path.certified.any()
    assert list(path.sound) == [outcome is Outcome.STATIONARY for outcome in path.outcomes]
    assert path.sound.any()
    convex = penalized_path(make_problem("gaussian"), SCALES)
    assert convex.sound.all()
    assert list(convex.sound) == list(convex.certified)
