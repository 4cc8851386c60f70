"""Gibbs sampling against the textbook, brute force, importance sampling and itself in its other form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from bayesreg.errors import FitError, ParameterError
from bayesreg.interfaces import Array
from bayesreg.likelihoods import GaussianNoise
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, gibbs, kernels, sample
from bayesreg.samplers.kernels import GramKernel, Noise, RowKernel
from bayesreg.samplers.reduced_model import build_lean_model
from bayesreg.samplers.reduction import reduce_problem, reduce_wide
from bayesreg.samplers.settings import SUPERCHAINS, read_settings
from bayesreg.samplers.sparse_updates import Collapsed, collapse, halves
from bayesreg.samplers.unknown_scale import penalty_along
from bayesreg.scales import Exponential, HalfNormal
from tests.monte_carlo import check_means, check_moments, check_same, columns, with_products
from tests.problems import make_problem
from tests.reference.importance import Weighted, sample_by_importance
from tests.samplers.cases import CASES
from tests.statistical.conftest import lasso
from tests.statistical.quadrature import Grid, rule
from tests.statistical.quadrature import integrate as integrate_grid
from tests.statistical.test_agreement import naive_grid
from tests.statistical.test_unknown_noise import check_grid, data, grid

pytestmark = pytest.mark.filterwarnings("ignore:.*columns .* identical:bayesreg.errors.DataWarning")


def draw(problem: Problem, draws: int = 4000, seed: int = 1, **options: object) -> Array:
    """θ and, where unknown, σ and the prior's scale, side by side."""
    found = gibbs.draw(problem, read_settings(draws, options.get("chains"), options.get("tune"), seed, None))
    parts = [found.theta] + ([] if found.sigma is None else [found.sigma[..., None]])
    return np.concatenate([*parts, *(v[..., None] for v in found.extra.values())], axis=2)


# -- normal priors: the textbook -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CASES)
def test_under_normal_priors_draws_are_the_textbook_posterior(name: str) -> None:
    problem, naive = CASES[name]()
    if gibbs.refusal(problem):
        assert np.isinf(naive.variance).all()  # nothing to mix over
        return
    check_moments(draw(problem), *naive.moments())


# -- kinked priors: brute force ----------------------------------------------------------------------------------


@cache
def small_lasso() -> Posterior:
    return sample(lasso(), "gibbs", draws=8000, seed=2)


def test_a_lasso_agrees_with_a_grid() -> None:
    assert small_lasso().verdict.passed
    check_moments(small_lasso().beta, *naive_grid(lasso(), small_lasso()))


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_a_penalty_that_is_off_is_seen(factor: float) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_moments(small_lasso().beta, *naive_grid(lasso(0.4 * factor), small_lasso()))


@cache
def unknown_noise(scaled: bool, form: str) -> Posterior:
    with pytest.MonkeyPatch.context() as patch:
        if form == "rows":  # σ with the coefficients integrated out
            patch.setattr(gibbs, "CROWDED", 0.0)
            patch.setattr(gibbs, "FEW", np.inf)
        problem = Problem.from_arrays(
            *data(), prior=Laplace(0.2), scale_by_noise=scaled, intercept=None, standardize=False
        )
        return sample(problem, "gibbs", draws=8000, seed=5)


@pytest.mark.parametrize("form", ["gram", "rows"])
@pytest.mark.parametrize("scaled", [True, False])
def test_unknown_noise_agrees_with_a_grid(scaled: bool, form: str) -> None:
    check_grid(unknown_noise(scaled, form), grid(scaled=scaled))


@pytest.mark.parametrize("form", ["gram", "rows"])
@pytest.mark.parametrize("wrong", [{"scale": 0.22}, {"power": 3.0}, {"power": 0.0}], ids=str)
def test_another_posterior_is_told_apart(wrong: dict[str, float], form: str) -> None:
    for scaled in (True, False):
        with pytest.raises(AssertionError, match="z = "):
            check_grid(unknown_noise(scaled, form), grid(scaled=scaled, **wrong))


# -- other priors: importance sampling of SciPy's densities ---------------------------------------------------------


def regression() -> tuple[Array, Array]:
    rng = np.random.default_rng(8)
    X = rng.normal(size=(30, 3)) + 0.6 * rng.normal(size=(30, 1))
    y = X @ [0.6, -0.3, 0.0] + rng.normal(size=30)
    return X, y


@dataclass(frozen=True)
class Case:
    """A problem without intercept, σ unknown, and the log prior density of β with scales times f."""

    problem: Problem
    log_prior: Callable[[Array, float], Array]

    def log_density(self, v: Array, f: float = 1.0) -> Array:
        """Of (β, log σ)."""
        X, y = regression()
        beta, sigma = v[:, :3], np.exp(v[:, 3])
        rows = stats.norm(beta @ X.T, sigma[:, None]).logpdf(y).sum(axis=1)
        return np.asarray(rows + stats.halfnorm(scale=2.0).logpdf(sigma) + v[:, 3] + self.log_prior(beta, f))


def elastic(z: Array, f: float) -> Array:
    return -2.0 * np.abs(z).sum(axis=1) / f - 1.5 * (z**2).sum(axis=1) / f**2


def groups(z: Array, f: float) -> Array:
    return -np.sqrt(2) / 0.3 / f * np.hypot(z[:, 0], z[:, 2]) - np.abs(z[:, 1]) / 0.3 / f


def by_column(z: Array, f: float) -> Array:
    return -0.5 * (z[:, 0] / 0.4 / f) ** 2 - np.abs(z[:, 1:]).sum(axis=1) / 0.2 / f


def problem_of(prior: object, **options: object) -> Problem:
    X, y = regression()
    return Problem.from_arrays(
        X, y, prior=prior, likelihood=GaussianNoise(HalfNormal(2.0)), intercept=None, standardize=False, **options
    )


MIXED = {
    "elastic": lambda: Case(problem_of(ElasticNet(2.0, 1.5)), elastic),
    "groups": lambda: Case(problem_of(GroupLaplace(["a", "b", "a"], 0.3)), groups),
    "by column": lambda: Case(problem_of({"x0": Gaussian(0.4), "*": Laplace(0.2)}), by_column),
}


@cache
def importance(name: str, f: float = 1.0) -> tuple[Weighted, Array]:
    case = MIXED[name]()
    found = sample_by_importance(lambda v: case.log_density(v, f), np.zeros(4), np.full(4, 0.6), seed=7)
    values = found.points.copy()
    values[:, 3:] = np.exp(values[:, 3:])
    return found, values


@cache
def mixed(name: str) -> Array:
    return draw(MIXED[name]().problem, draws=6000, seed=9)


def check_mixed(name: str, f: float = 1.0) -> None:
    """First and second moments."""
    (weighted, points), draws = importance(name, f), mixed(name)
    centre = weighted.mean(points)[0]
    expected, error = weighted.mean(with_products(points[:, None], centre)[:, 0])
    check_means(with_products(draws, centre), expected, error)


@pytest.mark.parametrize("name", MIXED)
def test_mixed_priors_agree_with_importance_sampling(name: str) -> None:
    check_mixed(name)


@pytest.mark.parametrize("name", MIXED)
def test_a_prior_scale_that_is_off_is_told_apart(name: str) -> None:
    with pytest.raises(AssertionError, match="z ="):
        check_mixed(name, 1.3)


# -- unknown scales: brute force over the standardised coefficient and the scale ----------------------------------

HYPER = {
    "half-normal": (HalfNormal(0.8), lambda s, f: stats.halfnorm(scale=0.8 * f).logpdf(s)),
    "exponential": (Exponential(2.5), lambda s, f: stats.expon(scale=0.4 * f).logpdf(s)),
}
NOISE = 0.7


def one_column() -> tuple[Array, Array]:
    rng = np.random.default_rng(6)
    x = rng.normal(size=10)
    return x, 0.5 * x + NOISE * rng.normal(size=10)


def hierarchy(name: str, *, scaled: bool, f: float = 1.0) -> Grid:
    """(β, log s): β/s = z is integrated over, since near s = 0 it is as smooth as elsewhere."""
    x, y = one_column()
    unit = NOISE if scaled else 1.0

    def log_density(v: Array) -> Array:
        beta = unit * np.exp(v[:, 1]) * v[:, 0]
        squares = y @ y - 2 * beta * (x @ y) + beta**2 * (x @ x)
        return -0.5 * squares / NOISE**2 - np.abs(v[:, 0]) + HYPER[name][1](np.exp(v[:, 1]), f) + v[:, 1]

    found = integrate_grid(log_density, [rule(-40, 40, cuts=(0.0,), nodes=300), rule(-18, 2.6, nodes=320)])
    points = np.column_stack([unit * np.exp(found.points[:, 1]) * found.points[:, 0], found.points[:, 1]])
    return Grid(points, found.mass)


@cache
def hierarchical(name: str, *, scaled: bool) -> Array:
    x, y = one_column()
    problem = Problem.from_arrays(
        x[:, None], y, prior=Laplace(HYPER[name][0]), likelihood=GaussianNoise(NOISE), intercept=None,
        standardize=False, scale_by_noise=scaled,
    )  # fmt: skip
    found = draw(problem, draws=10_000, seed=3)
    return np.dstack([found[..., 0], np.log(found[..., 1])])


@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("name", HYPER)
def test_an_unknown_scale_agrees_with_brute_force(name: str, scaled: bool) -> None:
    draws = hierarchical(name, scaled=scaled)
    check_moments(draws, *hierarchy(name, scaled=scaled).moments())
    for f in (0.8, 1.25):
        with pytest.raises(AssertionError, match="z ="):
            check_moments(draws, *hierarchy(name, scaled=scaled, f=f).moments())


# -- both forms, and the collapsed updates --------------------------------------------------------------------------


def wide(sigma: object, scale: float = 0.4) -> Problem:
    rng = np.random.default_rng(3)
    X = rng.normal(size=(8, 12))
    y = 3 * X[:, 0] + rng.normal(size=8)
    return Problem.from_arrays(X, y, prior=Laplace(scale), likelihood=GaussianNoise(sigma))


def by_gram(problem: Problem, seed: int = 2) -> Array:
    """Draws by k equations, σ given the coefficients, where the sampler itself would take the rows."""
    known = problem.likelihood.sigma_known
    mixture = gibbs.Mixture.of(problem)
    reduced = reduce_problem(problem, mixture.whole, problem.moments())
    unit = reduced.unit
    noise = Noise(problem.likelihood.dispersion, scaled=False, unit=unit, freedom=reduced.freedom)
    sampler = gibbs.Gibbs(mixture, reduced, noise, None if known is None else known / unit)
    sampler.kernel = GramKernel(reduced, noise)
    settings = read_settings(12_000, 8, 200, seed, None)
    found = sampler.run(settings.layout(8), 200, settings, thin=1)
    theta = found.theta[..., :4]
    return theta if found.sigma is None else np.dstack([theta, found.sigma])


@pytest.mark.parametrize("sigma", [1.0, HalfNormal(1.0)], ids=["known", "unknown"])
def test_rows_and_columns_give_the_same_posterior(sigma: object) -> None:
    found = sample(wide(sigma), "gibbs", draws=6000, seed=4)
    draws = found.beta[..., :3] if sigma == 1.0 else np.dstack([found.beta[..., :3], found.draws("sigma")])
    lead = found.intercept[..., None]
    check_same(np.dstack([lead, draws]), by_gram(wide(sigma)))


def test_the_two_forms_are_told_apart_where_the_prior_differs() -> None:
    found = sample(wide(1.0, 0.44), "gibbs", draws=6000, seed=4)
    with pytest.raises(AssertionError, match="z ="):
        check_same(np.dstack([found.intercept[..., None], found.beta[..., :3]]), by_gram(wide(1.0)))


@pytest.mark.parametrize(
    ("precision", "slope", "l1"), [(1.0, 0.5, 0.7), (4.0, 9.0, 0.1), (0.01, 0.0, 30.0), (2.0, -1.0, 50.0)]
)
def test_halves_of_normals(precision: float, slope: float, l1: float) -> None:
    rng = np.random.default_rng(0)
    x = halves(np.full(40_000, precision), np.full(40_000, slope), np.full(40_000, l1), rng)

    def mass(lower: float, upper: float) -> float:
        def density(t: float) -> float:
            return float(np.exp(-0.5 * precision * t**2 + slope * t - l1 * abs(t) - peak))

        return float(integrate.quad(density, lower, upper, epsabs=0, epsrel=1e-9, limit=200)[0])

    best = np.sign(slope) * max(abs(slope) - l1, 0) / precision
    peak = -0.5 * precision * best**2 + slope * best - l1 * abs(best)
    reach = 12 * min(1 / np.sqrt(precision), 3 / l1)
    total = mass(best - reach, min(0, best)) + mass(min(0, best), max(0, best)) + mass(max(0, best), best + reach)
    for cut in np.quantile(x, [0.05, 0.3, 0.5, 0.7, 0.95]):
        ends = sorted({best - reach, *(v for v in (0.0, best) if v < cut), cut})
        below = sum(mass(a, b) for a, b in pairwise(ends)) / total
        share = (x <= cut).mean()
        assert abs(share - below) < 4.5 * np.sqrt(below * (1 - below) / x.size)


def test_halves_far_out_are_exponential() -> None:
    rng = np.random.default_rng(0)
    x = halves(np.full(20_000, 1.0), np.zeros(20_000), np.full(20_000, 1e9), rng)
    assert np.isfinite(x).all()
    assert stats.kstest(np.abs(x) * 1e9, stats.expon.cdf).pvalue > 1e-4


def test_collapsed_updates_solve_the_changed_system() -> None:
    problem = wide(1.0)
    mixture = gibbs.Mixture.of(problem)
    r = reduce_wide(problem, mixture.whole)
    rng = np.random.default_rng(1)
    variance, z = rng.gamma(2.0, size=(5, 12)), rng.normal(size=(5, 12))
    M = np.stack([(r.root * v) @ r.root.T + np.eye(8) for v in variance])
    noise = rng.normal(size=(5, 8))

    def left(v: Array) -> Array:
        return r.response - (np.sqrt(v) * z) @ r.root.T - noise

    held = Collapsed.of(np.full(12, 2.0), np.full(12, 0.1), rng.random(12))
    white, new = collapse(held, r, M, left(variance), np.ones(5), variance, np.asarray(1.0), z, rng)
    assert (new != variance).any(axis=0).sum() == 12  # all of 12 are among the largest
    dense = np.stack([(r.root * v) @ r.root.T + np.eye(8) for v in new])
    np.testing.assert_allclose(white, np.linalg.solve(dense, left(new)[..., None])[..., 0], rtol=1e-7, atol=1e-9)


def test_turns_reach_every_one_of_the_largest() -> None:
    held = Collapsed.of(np.ones(100), np.zeros(100), np.arange(100.0))
    seen = [set(held.turn(sweep).chosen) for sweep in range(5)]
    assert set.union(*seen) == set(range(52, 100))
    assert set.intersection(*seen) == set(range(92, 100))


# -- what surrounds it ------------------------------------------------------------------------------------------------


def test_the_form_is_chosen_by_what_there_is_to_solve() -> None:
    assert isinstance(gibbs.gaussian_sampler(make_problem(prior=Laplace(0.3))).kernel, GramKernel)
    assert isinstance(gibbs.gaussian_sampler(wide(1.0)).kernel, RowKernel)
    crowded = make_problem(n=12, p=8, prior=Laplace(0.3), likelihood=GaussianNoise())
    assert isinstance(gibbs.gaussian_sampler(crowded).kernel, RowKernel)


def test_the_same_seed_gives_the_same_draws_and_chains_are_obeyed() -> None:
    problem = make_problem(prior=Laplace(0.3), likelihood=GaussianNoise())
    one, two = (sample(problem, "gibbs", draws=50, chains=3, seed=np.random.SeedSequence(9)) for _ in range(2))
    np.testing.assert_array_equal(one.beta, two.beta)
    assert one.beta.shape == (3, 50, problem.p)
    assert one.attrs["superchains"] == 0
    many = sample(problem, draws=1000)
    assert (many.method, many.beta.shape[:2]) == ("gibbs", (64, 63))
    assert many.attrs["superchains"] == SUPERCHAINS
    assert (sample(problem, draws=50, chains=3, seed=10).beta != one.beta).any()


def test_another_unit_of_y_gives_the_same_draws_in_it() -> None:
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    one = sample(Problem.from_arrays(X, y, prior=Laplace(0.3)), "gibbs", draws=20, seed=1)
    two = sample(Problem.from_arrays(X, 1e6 * y, prior=Laplace(0.3e6)), "gibbs", draws=20, seed=1)
    np.testing.assert_allclose(two.beta, 1e6 * one.beta, rtol=1e-6)
    np.testing.assert_allclose(two.draws("sigma"), 1e6 * one.draws("sigma"), rtol=1e-6)


def test_an_interrupt_keeps_the_draws_made() -> None:
    problem = make_problem(prior=Laplace(0.3))

    def after(sweeps: int) -> Callable[[int, int], None]:
        def progress(done: int, total: int) -> None:
            if done >= 2 * sweeps:
                raise KeyboardInterrupt

        return progress

    posterior = sample(problem, "gibbs", draws=500, chains=2, tune=40, progress=after(140))
    assert posterior.interrupted
    assert posterior.beta.shape == (2, 100, problem.p)
    assert np.isfinite(posterior.beta).all()
    with pytest.raises(FitError, match="before the first draw"):
        sample(problem, "gibbs", draws=500, chains=2, tune=40, progress=after(20))


REFUSED = {
    "the likelihood is not Gaussian": lambda: make_problem("bernoulli"),
    "the prior is no scale mixture of normals": lambda: make_problem(prior=Bridge(1.0, power=1.5)),
    "the intercept's prior is not in units of sigma": lambda: make_problem(
        prior=Laplace(1.0), intercept=Gaussian(1.0), likelihood=GaussianNoise(), scale_by_noise=True
    ),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_where_it_does_not_apply(reason: str) -> None:
    with pytest.raises(ParameterError, match=f"method='gibbs' does not apply: {reason}"):
        sample(REFUSED[reason](), "gibbs")


def test_columns_without_a_penalty_are_drawn_too() -> None:
    X, y = regression()
    problem = Problem.from_arrays(X, y, prior={"x0": Flat(), "*": Laplace(0.3)})
    posterior = sample(problem, "gibbs", draws=1000, seed=1)
    assert posterior.verdict.passed
    assert columns(posterior, "beta")[..., 0].mean() == pytest.approx(0.6, abs=0.6)


def test_weighted_products_of_rows_are_the_same_in_both_forms(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(8)
    sampler = gibbs.gaussian_sampler(wide(1.0))
    assert isinstance(sampler.kernel, RowKernel)
    variance = rng.exponential(size=(3, sampler.reduced.held.size))
    together = sampler.kernel._weighted(variance)
    monkeypatch.setattr(kernels, "PRODUCT_CELLS", 0)
    one_by_one = RowKernel(sampler.reduced, sampler.noise, None)
    assert sampler.kernel.products is not None
    assert one_by_one.products is None
    root = sampler.reduced.root
    for found in (together, one_by_one._weighted(variance)):
        np.testing.assert_allclose(found, [root @ np.diag(v) @ root.T for v in variance], rtol=1e-12, atol=1e-12)


# -- cross-products near the end of their digits ----------------------------------------------------------------------


NEARLY = (1e-4, 1e-5, 3e-6, 1e-6, 5e-7, 1e-7)
"""Distances of a column from its twin: some directions count for least squares and not for the root, or not at all."""


def nearly_twins(distance: float, prior: object) -> Problem:
    """What tells the twins apart is most of y: counted twice, or not at all, it would show in σ."""
    rng = np.random.default_rng(0)
    X, d = rng.normal(size=(40, 4)), rng.normal(size=40)
    y = X[:, 0] + 5 * d + rng.normal(size=40)
    return Problem.from_arrays(np.c_[X, X[:, 0] + distance * d], y, prior=prior, likelihood=GaussianNoise())


@pytest.mark.parametrize("prior", [Laplace(0.5), Gaussian(0.5)], ids=["laplace", "gaussian"])
@pytest.mark.parametrize("distance", NEARLY)
def test_no_direction_counts_twice(distance: float, prior: object) -> None:
    problem = nearly_twins(distance, prior)
    m = problem.moments()
    reduced = reduce_problem(problem, problem.at(1.0).penalty_prior, m)
    block = problem.design.rows.collect()
    for beta in np.vstack([np.zeros(5), np.random.default_rng(1).normal(size=(4, 5))]):
        left = block.y - m.y_mean - block.X @ beta
        assert reduced.rss(beta / reduced.unit) * reduced.unit**2 == pytest.approx(left @ left, rel=1e-6)


@pytest.mark.parametrize("method", ["gibbs", "conjugate"])
def test_columns_far_from_zero_that_nothing_centres_are_refused(method: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = X @ [3.0, 0.0, -3.0] + rng.normal(size=40)
    prior = Laplace(5.0) if method == "gibbs" else Gaussian(5.0)

    def problem(shift: float, intercept: object) -> Problem:
        return Problem.from_arrays(X + shift, y, prior=prior, standardize=False, intercept=intercept)

    for intercept in (None, Gaussian(1.0)):
        with pytest.raises(ParameterError, match=r"'x0' lies .* of its sds from zero and nothing centres it"):
            sample(problem(1e7, intercept), method)
        assert build_lean_model(problem(1e7, intercept)).observed_RVs
        assert not build_lean_model(problem(1e5, intercept)).observed_RVs
    assert sample(problem(1e7, Flat()), method, draws=500).draws("sigma").mean() < 1.5
    assert sample(problem(1e5, None), method, draws=500).draws("sigma").mean() < 1.5


@pytest.mark.filterwarnings("ignore:columns .* constant:bayesreg.errors.DataWarning")
@pytest.mark.parametrize("scaled", [True, False])
def test_columns_of_which_none_varies_keep_their_prior(scaled):
    y = np.random.default_rng(0).normal(size=12)
    problem = Problem.from_arrays(np.ones((12, 2)), y, prior=Laplace(0.7), scale_by_noise=scaled)
    posterior = sample(problem, "gibbs", draws=2000)
    size = np.abs(posterior.beta) / (posterior.draws("sigma")[..., None] if scaled else 1.0)
    check_means(size, np.full(2, 0.7))
    with pytest.raises(AssertionError):
        check_means(size, np.full(2, 0.77))


@pytest.mark.parametrize("make", [Laplace, Gaussian, lambda scale: GroupLaplace([0, 0, 1], scale)])
def test_a_chain_that_starts_far_out_is_not_thrown_to_where_numbers_end(make: Callable[[HalfNormal], Laplace]) -> None:
    """The first interwoven step may take any scale that is more likely than where the chain starts."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    problem = Problem.from_arrays(X, X[:, 0] + rng.normal(size=30), prior=make(HalfNormal(1.0)))
    sampler, settings = gibbs.gaussian_sampler(problem), read_settings(200, 40, 0, 1, None)
    size = sampler.reduced.held.size
    for start in (1e-90, 1e3):
        beginning = gibbs.State(np.full((40, size), 3e3 * start), np.full(40, 1e-2), np.full(40, start))
        found = sampler.run(settings.layout(40), 50, settings, start=beginning)
        assert np.isfinite(found.theta).all()
        assert (np.log(found.extra["beta_scale"]).mean(axis=1) > -3).all()


@pytest.mark.parametrize("make", [Laplace, Gaussian, lambda scale: GroupLaplace([0, 0, 1], scale)])
def test_the_penalty_along_a_scale_is_the_penalty(make: Callable[[HalfNormal], Laplace]) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 3))
    mixed = {"x0": ElasticNet(0.5, 0.25), "*": Laplace(0.3, loc=0.7)}
    for prior in (make(HalfNormal(1.0)), mixed):
        mixture = gibbs.Mixture.of(Problem.from_arrays(X, rng.normal(size=30), prior=prior))
        standard, ratio = rng.normal(size=(5, 3)), np.exp(rng.normal(size=5))
        naive = mixture.prior.penalty(mixture.location + ratio[:, None] * standard)
        np.testing.assert_allclose(penalty_along(mixture.prior, standard)(ratio), naive, rtol=1e-12)
