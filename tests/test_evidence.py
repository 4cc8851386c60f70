"""The scale of highest marginal likelihood, against integrals done otherwise, and against scikit-learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import integrate, linalg, optimize
from scipy.stats import multivariate_normal
from sklearn.linear_model import BayesianRidge

from bayesreg.datasets import load_dataset
from bayesreg.errors import FitError, ParameterError
from bayesreg.evidence import EvidenceChoice, evidence_scale
from bayesreg.evidence.choice import allowed
from bayesreg.evidence.draws import Settings, by_draws
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog, StudentTNoise
from bayesreg.priors import ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import conjugate, sample
from bayesreg.scales import HalfNormal
from tests.monte_carlo import LIMIT
from tests.statistical.quadrature import rule

OFF = np.log(1.1)
"""What a scale that is 10 % off is off by, on the log scale: every comparison with draws must be able to see it."""


def data(n: int = 25, p: int = 2, effects: float = 1.0, seed: int = 0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) * np.resize([1.0, 3.0], p) + 2.0
    return X, 4.0 + effects * X @ np.resize([0.8, -0.3], p) + rng.normal(size=n)


# -- in closed form ----------------------------------------------------------------------------------------------------


def by_the_normal_density(problem: Problem, scale: float) -> float:
    """log p(y | scale) by the n-dimensional normal density of y off its mean, integrated over σ by quadrature."""
    block = problem.design.rows.collect()
    contrasts = linalg.null_space(np.ones((1, problem.n))).T if problem.has_intercept else np.eye(problem.n)
    y, Z = contrasts @ block.y, contrasts @ block.X

    def density(sigma: float) -> float:
        unit = sigma if problem.scale_by_noise else 1.0
        covariance = sigma**2 * np.eye(len(y)) + (unit * scale) ** 2 * Z @ Z.T
        return float(multivariate_normal.logpdf(y, cov=covariance))

    if problem.likelihood.sigma_known is not None:
        return density(problem.likelihood.sigma_known)
    hyper = problem.likelihood.dispersion
    top = max(density(s) for s in np.geomspace(0.05, 50, 60))

    def integrand(t: float) -> float:
        return float(np.exp(density(np.exp(t)) - top + hyper.log_density(np.exp(t)) + t))

    return top + float(np.log(integrate.quad(integrand, np.log(0.02), np.log(100), limit=200)[0]))


CLOSED: dict[str, Callable[[], Problem]] = {
    "sigma known": lambda: Problem.from_arrays(*data(), prior=Gaussian(1.0), likelihood=GaussianNoise(1.3)),
    "sigma unknown": lambda: Problem.from_arrays(*data(), prior=Gaussian(1.0)),
    "noise-scaled": lambda: Problem.from_arrays(*data(), prior=Gaussian(1.0), scale_by_noise=True),
    "noise-scaled, sigma known": lambda: Problem.from_arrays(
        *data(), prior=Gaussian(1.0), scale_by_noise=True, likelihood=GaussianNoise(1.3)
    ),
    "noise-scaled, half-normal sigma": lambda: Problem.from_arrays(
        *data(), prior=Gaussian(1.0), scale_by_noise=True, likelihood=GaussianNoise(HalfNormal(1.0))
    ),
    "no intercept": lambda: Problem.from_arrays(*data(), prior=Gaussian(1.0), intercept=None),
    "columns as they are": lambda: Problem.from_arrays(*data(), prior=Gaussian(1.0), standardize=False),
    "more columns than rows": lambda: Problem.from_arrays(
        *data(9, 14), prior=Gaussian(1.0), likelihood=GaussianNoise(1.3)
    ),
    "more columns than rows, noise-scaled": lambda: Problem.from_arrays(
        *data(9, 14), prior=Gaussian(1.0), scale_by_noise=True
    ),
}


@pytest.mark.parametrize("name", CLOSED)
def test_closed_form_is_the_normal_density_of_y(name):
    problem = CLOSED[name]()
    evidence = conjugate.Evidence.of(problem)
    scales = (0.2, 0.7, 3.0)
    expected = np.array([by_the_normal_density(problem, s) for s in scales])
    found = np.array([evidence(s) for s in scales])
    np.testing.assert_allclose(np.diff(found), np.diff(expected), rtol=1e-7)
    assert np.abs(np.diff(expected)).max() > 0.1


@pytest.mark.parametrize("name", ["sigma known", "sigma unknown", "noise-scaled", "no intercept"])
def test_the_chosen_scale_is_where_it_is_highest(name):
    problem = CLOSED[name]()
    choice = evidence_scale(problem)
    assert (choice.method, choice.edge, choice.error) == ("closed form", "", 0.0)
    best = optimize.minimize_scalar(
        lambda t: -by_the_normal_density(problem, np.exp(t)), bounds=(np.log(0.02), np.log(20)), method="bounded"
    )
    assert choice.scale == pytest.approx(np.exp(best.x), rel=1e-3)
    np.testing.assert_allclose(
        choice.log_evidence[10] - choice.log_evidence[20],
        by_the_normal_density(problem, choice.scales[10]) - by_the_normal_density(problem, choice.scales[20]),
        rtol=1e-6,
    )


def test_bayesian_ridge_finds_the_same_scale():
    """It maximises over σ too: at its σ the scales are one; with σ integrated out ours differs in the fifth digit."""
    diabetes = load_dataset("diabetes")
    problem = Problem.from_arrays(diabetes.X, diabetes.y, prior=Gaussian(1.0))
    free = {"alpha_1": 0.0, "alpha_2": 0.0, "lambda_1": 0.0, "lambda_2": 0.0}
    ridge = BayesianRidge(**free, tol=1e-12, max_iter=5000).fit(problem.design.rows.collect().X, diabetes.y)
    sigma, theirs = ridge.alpha_**-0.5, ridge.lambda_**-0.5
    assert evidence_scale(problem.at(sigma)).scale == pytest.approx(theirs, rel=1e-7)
    assert evidence_scale(problem.at(1.05 * sigma)).scale != pytest.approx(theirs, rel=1e-3)
    assert evidence_scale(problem).scale == pytest.approx(theirs, rel=1e-3)


def test_units_of_y_and_of_the_columns_do_not_matter():
    X, y = data()
    for scaled, factor in ((True, 1.0), (False, 1e3)):
        here, there = (
            evidence_scale(Problem.from_arrays(X * c, y * c, prior=Gaussian(1.0), scale_by_noise=scaled)).scale
            for c in (1.0, 1e3)
        )
        assert there == pytest.approx(factor * here, rel=1e-6)


def test_weights_are_repeated_rows():
    X, y = data(20)
    weights = np.arange(20) % 4
    weighted, repeated, other = (
        Problem.from_arrays(A, b, prior=Gaussian(1.0), weights=w)
        for A, b, w in ((X, y, weights), (X.repeat(weights, axis=0), y.repeat(weights), None), (X, y, None))
    )
    assert evidence_scale(weighted).scale == pytest.approx(evidence_scale(repeated).scale, rel=1e-6)
    assert evidence_scale(weighted).scale != pytest.approx(evidence_scale(other).scale, rel=1e-2)


# -- from draws --------------------------------------------------------------------------------------------------------


def check_scale(choice: EvidenceChoice, expected: float) -> None:
    """The scale is `expected` to a Monte Carlo error by which one 10 % off would not be."""
    assert choice.method != "closed form"
    assert not choice.edge
    assert LIMIT * choice.error < OFF, f"an error of {choice.error:.1%} shows nothing"
    assert abs(np.log(choice.scale / expected)) <= LIMIT * choice.error


@pytest.mark.parametrize("scaled", [True, False])
def test_draws_find_what_the_closed_form_does(scaled):
    problem = Problem.from_arrays(*data(80, 8), prior=Gaussian(1.0), scale_by_noise=scaled)
    exact = evidence_scale(problem)
    drawn = evidence_scale(problem, sampled=True, draws=2000)
    check_scale(drawn, exact.scale)
    with pytest.raises(AssertionError):
        check_scale(drawn, 1.1 * exact.scale)


def test_errors_are_the_scatter_over_seeds():
    problem = Problem.from_arrays(*data(80, 8), prior=Gaussian(1.0), scale_by_noise=True)
    exact = evidence_scale(problem).scale
    found = [evidence_scale(problem, sampled=True, seed=seed, draws=250) for seed in range(16)]
    z = np.array([np.log(one.scale / exact) / one.error for one in found])
    assert 0.5 < np.sqrt(np.mean(z**2)) < 1.7


BOX, PANELS = 25.0, (-8.0, -3.0, -1.0, 0.0, 1.0, 3.0, 8.0)


def by_quadrature(problem: Problem, prior: Callable[[Array, float], Array]) -> Callable[[float], float]:
    """log p(y | scale), up to a constant, of two coefficients without an intercept: a sum over the plane."""
    nodes, weights = rule(-BOX, BOX, PANELS, nodes=40)
    points = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.multiply.outer(weights, weights).ravel()
    likelihood = -problem.nll_each(points)
    relative = mass * np.exp(likelihood - likelihood.max())
    return lambda scale: float(np.log(relative @ np.exp(prior(points, scale))))


def laplace(points: Array, scale: float) -> Array:
    return -np.abs(points).sum(axis=1) / scale - 2 * np.log(2 * scale)


def gaussian(points: Array, scale: float) -> Array:
    return -0.5 * (points**2).sum(axis=1) / scale**2 - np.log(2 * np.pi * scale**2)


def classes() -> tuple[Array, Array]:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(60, 2))
    return X, (rng.random(60) < 1 / (1 + np.exp(-X @ [1.6, -0.9]))).astype(float)


PLANE: dict[str, tuple[dict[str, Any], Callable[[Array, float], Array]]] = {
    "gaussian noise, laplace": ({"likelihood": GaussianNoise(1.0), "prior": Laplace(1.0)}, laplace),
    "logit, laplace": ({"likelihood": BernoulliLogit(), "prior": Laplace(1.0)}, laplace),
    "logit, gaussian": ({"likelihood": BernoulliLogit(), "prior": Gaussian(1.0)}, gaussian),
}


@pytest.mark.parametrize("name", PLANE)
def test_draws_find_what_quadrature_does(name):
    options, prior = PLANE[name]
    X, y = classes()
    if options["likelihood"].link == "identity":
        y = X @ [1.6, -0.9] + np.random.default_rng(4).normal(size=60)
    problem = Problem.from_arrays(X, y, intercept=None, standardize=False, **options)
    curve = by_quadrature(problem, prior)
    best = optimize.minimize_scalar(lambda t: -curve(np.exp(t)), bounds=(-2.5, 2.0), method="bounded")
    choice = evidence_scale(problem, draws=4000)
    check_scale(choice, float(np.exp(best.x)))
    with pytest.raises(AssertionError):
        check_scale(choice, 1.1 * float(np.exp(best.x)))
    inside = slice(5, -5, 8)
    expected = np.array([curve(s) for s in choice.scales[inside]]) - curve(np.exp(best.x))
    np.testing.assert_allclose(choice.log_evidence[inside], expected, atol=0.03)
    assert np.ptp(expected) > 0.2


def test_a_noise_scaled_laplace_prior_is_judged_in_units_of_sigma():
    """p(y | b) with σ ~ 1/σ integrated out: β = σz turns RSS/σ² into a power of the plane's own sum of squares."""
    X, y = data(30, 2, effects=1.0, seed=1)
    problem = Problem.from_arrays(X, y, intercept=None, standardize=False, prior=Laplace(1.0), scale_by_noise=True)
    nodes, weights = rule(-BOX, BOX, PANELS, nodes=40)
    points = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1).reshape(-1, 2)
    mass = np.multiply.outer(weights, weights).ravel()
    t, dt = rule(np.log(0.3), np.log(30.0), nodes=120)
    # log ∫ σ^-n exp(−‖y/σ − Xz‖²/2) dlogσ, the sum of squares expanded so that a σ costs no pass over the rows
    fit, cross = np.einsum("ij,jk,ik->i", points, X.T @ X, points), points @ (X.T @ y)
    exponent = -30 * t - 0.5 * (y @ y) * np.exp(-2 * t) + np.exp(-t) * cross[:, None] - 0.5 * fit[:, None]
    top = exponent.max()
    relative = mass * (np.exp(exponent - top) @ dt)
    best = optimize.minimize_scalar(
        lambda u: -np.log(relative @ np.exp(laplace(points, np.exp(u)))), bounds=(-3.0, 3.0), method="bounded"
    )
    choice = evidence_scale(problem, draws=4000)
    check_scale(choice, float(np.exp(best.x)))
    with pytest.raises(AssertionError):
        check_scale(choice, 1.1 * float(np.exp(best.x)))


def elastic_net(points: Array, factor: float) -> Array:
    """log density of exp(−|β|/s − (β/s)²), s the factor, its normaliser by quadrature."""
    total = integrate.quad(lambda b: np.exp(-abs(b) - b**2), -30, 30, points=[0.0])[0]
    z = points / factor
    return -(np.abs(z) + z**2).sum(axis=1) - 2 * np.log(total * factor)


def by_size(points: Array, factor: float) -> Array:
    return laplace(points * [1.0, 0.25], factor)


@pytest.mark.parametrize(
    ("prior", "density"),
    [(ElasticNet(1.0, 1.0), elastic_net), (Laplace([1.0, 4.0]), by_size)],
    ids=["net", "by column"],
)
def test_a_prior_without_one_scale_gets_a_factor(prior, density):
    """The ratio of an elastic net's rates, and of scales by column, stay what they are."""
    X, _ = classes()
    y = X @ [1.6, -0.9] + np.random.default_rng(4).normal(size=60)
    options = {"intercept": None, "standardize": False, "likelihood": GaussianNoise(1.0)}
    problem = Problem.from_arrays(X, y, prior=prior, **options)
    curve = by_quadrature(problem, density)
    best = optimize.minimize_scalar(lambda t: -curve(np.exp(t)), bounds=(-2.5, 2.5), method="bounded")
    choice = evidence_scale(problem, draws=4000)
    assert choice.sentence.startswith("factor = ")
    check_scale(choice, float(np.exp(best.x)))
    with pytest.raises(AssertionError):
        check_scale(choice, 1.1 * float(np.exp(best.x)))


def test_a_factor_on_one_scale_is_that_scale():
    X, y = data(60, 4)
    sizes = np.array([1.0, 2.0, 0.5, 1.0])
    one = evidence_scale(Problem.from_arrays(X, y, prior=Gaussian(1.0), standardize=False))
    by_column = evidence_scale(Problem.from_arrays(X / sizes, y, prior=Gaussian(5.0 * sizes), standardize=False))
    assert by_column.scale == pytest.approx(one.scale / 5.0, rel=1e-6)


def test_rounds_go_as_far_as_the_maximum_is():
    """From a start that is off by orders of magnitude."""
    problem = Problem.from_arrays(*data(80, 8), prior=Laplace(1.0), scale_by_noise=True)
    unit = problem.with_prior(problem.prior.at(1.0))
    bounds = allowed(unit)
    near = evidence_scale(problem, draws=1000)
    for start in (np.log(near.scale) - 3.0, np.log(near.scale) + 3.0):
        far = by_draws(problem, float(start), bounds, Settings(1, 1000, None, "auto"))
        assert far.rounds > near.rounds
        assert abs(np.log(far.scale / near.scale)) <= LIMIT * np.hypot(far.error, near.error)


def test_priors_by_group_and_with_free_columns():
    X, y = data(60, 4)
    for prior in (GroupLaplace([0, 0, 1, 1], 1.0), {"x0": Flat(), "*": Laplace(1.0)}):
        choice = evidence_scale(Problem.from_arrays(X, y, prior=prior, scale_by_noise=True))
        assert not choice.edge
        assert 0 < choice.error < 0.1


@pytest.mark.parametrize("scaled", [True, False])
def test_an_unknown_dispersion_is_held_under_other_noise(scaled):
    X, y = data(60, 4)
    problem = Problem.from_arrays(X, y, prior=Gaussian(1.0), likelihood=StudentTNoise(4.0), scale_by_noise=scaled)
    choice = evidence_scale(problem, draws=200)
    sigma = float(choice.sentence.rpartition(" ")[2])
    assert "with sigma at" in choice.sentence
    assert 0.5 < sigma < 2.0
    known = evidence_scale(problem.at(sigma), draws=200)
    found = choice.scale * (sigma if scaled else 1.0)
    assert abs(np.log(found / known.scale)) <= LIMIT * np.hypot(choice.error, known.error) < OFF
    with pytest.raises(ParameterError, match="does not apply"):
        evidence_scale(problem, method="hmc")


# -- where there is no maximum, or nothing to choose -------------------------------------------------------------------


def test_no_effects_end_at_the_least_scale():
    rng = np.random.default_rng(2)
    X = rng.normal(size=(200, 5))
    noise = rng.normal(size=200)
    y = noise - X @ np.linalg.lstsq(X, noise)[0]
    for prior, scaled in ((Gaussian(1.0), True), (Laplace(1.0), True), (Gaussian(1.0), False)):
        choice = evidence_scale(Problem.from_arrays(X, y - y.mean(), prior=prior, scale_by_noise=scaled))
        assert choice.edge == "lower"
        assert "least" in choice.sentence
        assert np.isnan(choice.error)


def test_exact_fits_end_at_the_greatest_scale():
    X, _ = data(30, 3)
    for prior in (Gaussian(1.0), Laplace(1.0)):
        choice = evidence_scale(Problem.from_arrays(X, X[:, 0], prior=prior, scale_by_noise=True))
        assert choice.edge == "upper"
        assert "greatest" in choice.sentence


def test_separated_classes_end_at_a_scale_that_is_bounded():
    X, _ = data(40, 2)
    problem = Problem.from_arrays(X, X[:, 0] > X[:, 0].mean(), prior=Gaussian(1.0), likelihood=BernoulliLogit())
    choice = evidence_scale(problem)
    assert choice.edge in ("upper", "flat")
    assert 1 < choice.scale * np.sqrt(2) <= 10.001 * np.pi / np.sqrt(3)


def test_no_more_rows_than_columns_leave_a_plateau_whose_near_end_is_taken():
    """As many free directions as contrasts of y: p(y | scale) of a noise-scaled prior levels off, unless it peaks."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(20, 60))
    choice = evidence_scale(Problem.from_arrays(X, X[:, 0] + X[:, 1], prior=Gaussian(1.0), scale_by_noise=True))
    assert choice.log_evidence[-1] > -0.02
    assert choice.scale < 0.1 * choice.scales[-1]


def test_what_cannot_be_chosen_is_refused():
    X, y = data()
    with pytest.raises(ParameterError, match="nothing to choose"):
        evidence_scale(Problem.from_arrays(X, y, prior=Flat()))
    with pytest.raises(ParameterError, match="there is no column"):
        evidence_scale(Problem.from_arrays(X[:, :0], y, prior=Laplace(1.0)))
    with pytest.raises(FitError, match="no penalised column varies"):
        evidence_scale(Problem.from_arrays(np.ones((25, 1)), y, prior=Laplace(1.0), standardize=False))
    with pytest.raises(FitError, match="no integral at zero"):
        evidence_scale(Problem.from_arrays(X, X[:, 0], prior=Laplace(1.0)))


def test_the_same_seed_gives_the_same_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 3))
    problem = Problem.from_arrays(X, rng.poisson(np.exp(0.5 * X[:, 0])), prior=Laplace(1.0), likelihood=PoissonLog())
    first, second, other = (evidence_scale(problem, seed=seed).scale for seed in (1, 1, 2))
    assert first == second
    assert first != other


def test_the_evidence_peaks_where_the_posterior_of_an_unknown_scale_does():
    """Under a flat prior on log s, p(s | y) ∝ p(y | s): the mean over it is the curve's own."""
    from bayesreg.scales import HalfCauchy

    X, y = data(80, 8)
    problem = Problem.from_arrays(X, y, prior=Gaussian(HalfCauchy(1.0)), scale_by_noise=True)
    posterior = sample(problem, "gibbs", draws=2000, seed=3)
    evidence = conjugate.Evidence.of(problem.with_prior(Gaussian(1.0)))
    t = np.linspace(-5, 3, 400)
    log_mass = np.array([evidence(np.exp(v)) for v in t]) + HalfCauchy(1.0).log_density(np.exp(t)) + t
    mass = np.exp(log_mass - log_mass.max())
    from tests.monte_carlo import check_means

    draws = np.log(posterior.draws("beta_scale"))[..., None]
    check_means(draws, np.array([t @ mass / mass.sum()]))
    with pytest.raises(AssertionError):
        check_means(draws, np.array([t @ mass / mass.sum() + OFF]))
