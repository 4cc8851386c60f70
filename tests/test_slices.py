"""Loss and penalty in a plane: against the sums themselves, and touching at the optimum."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

import bayesreg as br
from bayesreg import slices
from bayesreg.slices import loss_slice
from tests.registry import LIKELIHOODS, PRIORS, STACKED

N, P = 60, 3
TRUTH = np.array([0.8, 0.0, -0.5])


def data(name: str = "gaussian", shift: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Correlated columns that are not centred, and responses that the likelihood takes."""
    rng = np.random.default_rng(4)
    X = rng.normal(size=(N, P)) @ np.array([[1.0, 0.6, 0.0], [0.0, 0.8, 0.3], [0.0, 0.0, 1.0]]) + shift
    eta = (X - shift) @ TRUTH
    draw = {
        "gaussian": lambda: eta + rng.normal(size=N), "student-t": lambda: eta + rng.standard_t(3, size=N),
        "bernoulli": lambda: (rng.random(N) < 1 / (1 + np.exp(-eta))) * 1.0,
        "gamma": lambda: rng.gamma(2.5, np.exp(eta) / 2.5),
    }.get(name, lambda: rng.poisson(np.exp(eta)) * 1.0)  # fmt: skip
    return X, draw()


def fitted(prior: br.interfaces.Prior, name: str = "gaussian", **settings: object) -> tuple[br.Problem, br.Optimum]:
    X, y = data(name)
    settings = {"likelihood": LIKELIHOODS[name].make(), **settings}
    problem = br.Problem.from_arrays(X, y, prior=prior, **settings)  # type: ignore[arg-type]
    return problem, br.fit_penalized(problem)


def naive(problem: br.Problem, optimum: br.Optimum, pair: tuple[int, int], u: float, v: float) -> float:
    """Σ w·nll row by row, the intercept such that the centred columns' is held."""
    block = problem.design.rows.collect()
    X, y = np.asarray(block.X), block.y
    beta = optimum.beta.copy()
    beta[list(pair)] = u, v
    middle = X.mean(axis=0) if problem.flat_intercept else np.zeros(problem.p)
    eta = optimum.intercept + middle @ (optimum.beta - beta) + X @ beta
    fixed = problem.conditional(optimum.sigma)
    return float(np.sum(fixed.likelihood.nll(eta, y)))


@pytest.mark.parametrize("standardize", [True, False])
@pytest.mark.parametrize("name", [*LIKELIHOODS])
def test_loss_is_the_sum_over_rows(name: str, standardize: bool) -> None:
    problem, optimum = fitted(br.Laplace(0.1), name, standardize=standardize)
    found = loss_slice(problem, optimum, ("x0", 2), size=5)
    assert found.names == ("x0", "x2")
    assert found.columns == (0, 2)
    expected = np.array([[naive(problem, optimum, (0, 2), u, v) for u in found.x] for v in found.y])
    np.testing.assert_allclose(found.loss - found.loss[2, 2], expected - expected[2, 2], rtol=1e-7, atol=1e-7)
    here, corner = naive(problem, optimum, (0, 2), *found.optimum), expected[0, 0]
    assert found.optimum_loss - found.loss[0, 0] == pytest.approx(here - corner, rel=1e-7, abs=1e-7)
    np.testing.assert_array_equal(found.optimum, optimum.beta[[0, 2]])
    assert not found.expanded


@pytest.mark.parametrize("name", [*LIKELIHOODS])
def test_least_loss_is_that_of_a_general_minimiser(name: str) -> None:
    problem, optimum = fitted(br.Laplace(0.1), name)
    found = loss_slice(problem, optimum, (0, 2), size=5)
    free = minimize(lambda uv: naive(problem, optimum, (0, 2), *uv), found.optimum, method="BFGS", tol=1e-9)
    np.testing.assert_allclose(found.least, free.x, atol=2e-4)
    assert found.optimum_loss == pytest.approx(naive(problem, optimum, (0, 2), *found.optimum) - free.fun, abs=1e-6)
    assert found.loss.min() >= 0


def test_of_gaussian_noise_the_intercept_follows() -> None:
    """Least squares of what the plane leaves, row by row."""
    problem, optimum = fitted(br.Laplace(0.1), standardize=False)
    found = loss_slice(problem, optimum, (0, 1), size=4)
    (X, y), sigma = data(), optimum.sigma
    profiled = np.empty((4, 4))
    for i, v in enumerate(found.y):
        for j, u in enumerate(found.x):
            left = y - X @ np.array([u, v, optimum.beta[2]])
            profiled[i, j] = np.sum((left - left.mean()) ** 2) / (2 * sigma**2)
    np.testing.assert_allclose(found.loss - found.loss[0, 0], profiled - profiled[0, 0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", [*PRIORS, *STACKED])
@pytest.mark.parametrize("likelihood", ["gaussian", "bernoulli"])
def test_loss_and_penalty_touch_at_the_optimum(name: str, likelihood: str) -> None:
    """−∇f in the plane is in ∂g there, whatever the prior; at a point beside it, it is not."""
    problem, optimum = fitted({**PRIORS, **STACKED}[name](P), likelihood)
    assert optimum.outcome is not br.Outcome.NOT_CERTIFIED
    found = loss_slice(problem, optimum, (0, 2), size=3)
    step = 1e-5 * np.maximum(1.0, np.abs(found.optimum))

    def slope(at: np.ndarray) -> np.ndarray:
        ends = [
            [naive(problem, optimum, (0, 2), *(at + sign * e)) for sign in (1.0, -1.0)] for e in np.diag(step)
        ]  # fmt: skip
        return np.array([(up - down) / (2 * h) for (up, down), h in zip(ends, step, strict=True)])

    def gap(at: np.ndarray) -> float:
        beta, wanted = optimum.beta.copy(), np.zeros(P)
        beta[[0, 2]] = at
        wanted[[0, 2]] = -slope(at)
        nearest = problem.prior.nearest_subgradient(beta, wanted)
        return float(np.abs((nearest - wanted)[[0, 2]]).max())

    assert gap(found.optimum) <= 1e-4
    assert gap(found.optimum + 0.05) > 1e-2


@pytest.mark.parametrize("name", [*PRIORS, *STACKED])
def test_level_set_has_the_optimum_on_it(name: str) -> None:
    """All of it at the optimum's penalty, and once around the prior's location."""
    prior = {**PRIORS, **STACKED}[name](P)
    problem, optimum = fitted(prior)
    found = loss_slice(problem, optimum, (0, 2), size=3)
    centre = prior.location(P)[[0, 2]]
    infinite = ~np.isfinite(prior.variance(P)[[0, 2]])
    if infinite.any() or np.allclose(found.optimum, centre, atol=1e-12):
        assert found.level_set is None
        return
    assert found.level_set is not None
    beta = np.tile(optimum.beta, (len(found.level_set), 1))
    beta[:, [0, 2]] = found.level_set
    constant = float(problem.penalty_prior.penalty(problem.join(optimum.intercept, optimum.beta))) - float(
        prior.penalty(optimum.beta)
    )
    np.testing.assert_allclose(prior.penalty(beta), prior.penalty(optimum.beta), rtol=1e-7)
    assert found.optimum_penalty - constant == pytest.approx(float(prior.penalty(optimum.beta)), rel=1e-9)
    turns = np.unwrap(np.arctan2(*(found.level_set - centre).T[::-1]))
    assert turns[-1] - turns[0] == pytest.approx(2 * np.pi * 127 / 128, abs=0.5)


def test_a_diamond_has_its_corners_and_a_circle_is_round() -> None:
    problem, optimum = fitted(br.Laplace(0.1))
    found = loss_slice(problem, optimum, (0, 2))
    size = np.abs(found.optimum).sum()
    assert found.level_set is not None
    np.testing.assert_allclose(np.abs(found.level_set).sum(axis=1), size)
    corners = [(size, 0), (0, size), (-size, 0), (0, -size)]
    for corner in corners:
        assert np.abs(found.level_set - corner).max(axis=1).min() < 1e-9 * size
    problem, optimum = fitted(br.Gaussian(0.3))
    found = loss_slice(problem, optimum, (0, 2))
    assert found.level_set is not None
    np.testing.assert_allclose(np.linalg.norm(found.level_set, axis=1), np.linalg.norm(found.optimum))


def test_level_set_is_found_from_however_narrow_a_plane() -> None:
    problem, optimum = fitted(br.Laplace(0.1))
    wide = loss_slice(problem, optimum, (0, 2), size=3)
    u, v = wide.optimum
    narrow = loss_slice(problem, optimum, (0, 2), limits=((u - 1e-3, u + 1e-3), (v - 1e-3, v + 1e-3)), size=3)
    assert narrow.level_set is not None
    np.testing.assert_allclose(np.abs(narrow.level_set).sum(axis=1), np.abs(wide.optimum).sum())


def test_penalty_is_that_of_the_whole_with_the_rest_held() -> None:
    problem, optimum = fitted(br.GroupLaplace([0, 0, 1], 0.4))
    found = loss_slice(problem, optimum, (0, 2), size=4)
    beta = np.tile(optimum.beta, (4, 4, 1))
    beta[..., 0], beta[..., 2] = np.meshgrid(found.x, found.y)
    np.testing.assert_allclose(found.penalty, problem.prior.penalty(beta), rtol=1e-12)


def test_default_plane_holds_what_matters() -> None:
    problem, optimum = fitted(br.Laplace(0.05))
    found = loss_slice(problem, optimum, (0, 1))
    assert found.loss.shape == found.penalty.shape == (81, 81)
    (left, right), (low, high) = found.limits
    for point in (np.zeros(2), found.optimum, found.least):
        assert left < point[0] < right
        assert low < point[1] < high
    edge = np.concatenate([found.loss[0], found.loss[-1], found.loss[:, 0], found.loss[:, -1]])
    assert edge.min() > 3.0  # the 95 % contour closes


def test_limits_and_size_are_obeyed() -> None:
    problem, optimum = fitted(br.Laplace(0.05))
    found = loss_slice(problem, optimum, (1, 0), limits=((-1, 2), (0.5, 1)), size=7)
    np.testing.assert_allclose(found.x, np.linspace(-1, 2, 7))
    np.testing.assert_allclose(found.y, np.linspace(0.5, 1, 7))
    assert found.loss.shape == (7, 7)
    assert found.limits == ((-1.0, 2.0), (0.5, 1.0))
    swapped = loss_slice(problem, optimum, (0, 1), limits=((0.5, 1), (-1, 2)), size=7)
    np.testing.assert_allclose(found.loss, swapped.loss.T, atol=1e-10)


def test_many_rows_are_expanded_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    problem, optimum = fitted(br.Laplace(0.3), "bernoulli")
    limits = tuple((float(b) - 0.02, float(b) + 0.02) for b in optimum.beta[[0, 2]])
    exact = loss_slice(problem, optimum, (0, 2), limits=limits, size=5)  # type: ignore[arg-type]
    monkeypatch.setattr(slices, "BUDGET", 10)
    found = loss_slice(problem, optimum, (0, 2), limits=limits, size=5)  # type: ignore[arg-type]
    assert found.expanded
    assert not exact.expanded
    np.testing.assert_allclose(found.loss - found.loss[2, 2], exact.loss - exact.loss[2, 2], atol=1e-4)


def test_there_is_no_least_loss_on_a_ridge_nor_where_classes_are_apart() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 1))
    with pytest.warns(br.DataWarning, match="identical"):
        twin = br.Problem.from_arrays(np.hstack([x, x]), x[:, 0] + rng.normal(size=40), prior=br.Gaussian(1.0))
    found = loss_slice(twin, br.fit_penalized(twin), (0, 1))
    assert np.isnan(found.least).all()
    assert found.loss.min() == 0
    X = rng.normal(size=(40, 2))
    apart = br.Problem.from_arrays(
        X, (X[:, 0] > 0) * 1.0, prior=br.Gaussian(1.0), likelihood=br.BernoulliLogit(), intercept=None
    )
    found = loss_slice(apart, br.fit_penalized(apart), (0, 1))
    assert np.isnan(found.least).all()
    assert np.isfinite(found.loss).all()
    assert np.ptp(found.limits) < 100  # the plane does not follow the loss to where it levels out


@pytest.mark.parametrize(
    ("columns", "settings", "said"),
    [
        (("x0", "x9"), {}, "'x9', which is not a column"),
        ((0, 3), {}, "holds 3"),
        ((0, -1), {}, "holds -1"),
        ((0, "x0"), {}, "different"),
        ((0, 1, 2), {}, "two names or places"),
        ((0, 1), {"size": 1}, "size"),
        ((0, 1), {"limits": ((0, 1), (1, 1))}, "low < high"),
        ((0, 1), {"limits": ((0, 1), (0, np.inf))}, "low < high"),
        ((0, 1), {"limits": 3}, "low < high"),
    ],
)
def test_what_is_no_plane_is_refused(columns: tuple[object, ...], settings: dict[str, object], said: str) -> None:
    problem, optimum = fitted(br.Gaussian(1.0))
    with pytest.raises(br.ParameterError, match=said):
        loss_slice(problem, optimum, columns, **settings)  # type: ignore[arg-type]


def test_weights_and_a_prior_in_units_of_the_noise() -> None:
    """Whole weights are rows said again, and the scale is times σ."""
    X, y = data()
    weights = np.resize([1.0, 2.0], N)
    weighted = br.Problem.from_arrays(X, y, prior=br.Laplace(0.1), weights=weights, standardize=False)
    rows = np.repeat(np.arange(N), weights.astype(int))
    repeated = br.Problem.from_arrays(X[rows], y[rows], prior=br.Laplace(0.1), standardize=False)
    optimum = br.fit_penalized(weighted)
    one = loss_slice(weighted, optimum, (0, 1), size=5)
    two = loss_slice(repeated, br.fit_penalized(repeated), (0, 1), limits=one.limits, size=5)
    np.testing.assert_allclose(one.loss, two.loss, rtol=1e-5, atol=1e-4)
    scaled = br.Problem.from_arrays(X, y, prior=br.Laplace(0.1), scale_by_noise=True)
    optimum = br.fit_penalized(scaled)
    found = loss_slice(scaled, optimum, (0, 1), size=5)
    beta = np.tile(optimum.beta, (5, 5, 1))
    beta[..., 0], beta[..., 1] = np.meshgrid(found.x, found.y)
    np.testing.assert_allclose(found.penalty, np.abs(beta).sum(axis=-1) / (0.1 * optimum.sigma), rtol=1e-10)
