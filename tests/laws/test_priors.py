"""Laws that tie a prior's penalty, density, subdifferential, prox and conjugate to one another."""

import numpy as np
import pytest

from bayesreg.interfaces import Prior
from bayesreg.priors import Bridge
from bayesreg.scales import HalfCauchy
from tests.registry import PRIORS, PROPER_VARIANCE, SHAPES, STACKED

P = 6
EPS = np.finfo(float).eps
ALL = {name: make(P) for name, make in (PRIORS | STACKED).items()}
EACH = pytest.mark.parametrize("prior", ALL.values(), ids=ALL.keys())
CONVEX = pytest.mark.parametrize("prior", [v for v in ALL.values() if v.convex], ids=[n for n in ALL if ALL[n].convex])


def points(prior: Prior, seed: int, count: int = 20) -> np.ndarray:
    """Return points (count, P) near and far, some of whose blocks and columns are exactly at the location."""
    rng = np.random.default_rng(seed)
    away = rng.normal(size=(count, P)) * 10 ** rng.uniform(-2, 1.5, (count, P))
    away[rng.random((count, P)) < 0.1] = 0
    away[(rng.random((count, P)) < 0.3)[:, prior.blocks(P)]] = 0
    away[0] = 0
    return prior.location(P) + away


def smooth_points(prior: Prior, seed: int, count: int = 15) -> np.ndarray:
    """Return points (count, P) with every column between 0.1 and 4 from the location."""
    rng = np.random.default_rng(seed)
    return prior.location(P) + rng.uniform(0.1, 4, (count, P)) * rng.choice([-1, 1], (count, P))


def block_norms(prior: Prior, values: np.ndarray) -> np.ndarray:
    """‖·‖₂ over each column's block: naively, column by column."""
    blocks = prior.blocks(P)
    return np.array([np.sqrt((values[..., blocks == b] ** 2).sum(axis=-1)) for b in blocks]).T


def objective(prior: Prior, x: np.ndarray, v: np.ndarray, step: np.ndarray) -> np.ndarray:
    return prior.penalty(x) + ((x - v) ** 2 / (2 * step)).sum(axis=-1)


@EACH
def test_penalty_is_zero_at_the_location_and_nowhere_negative(prior):
    beta = points(prior, 0)
    values = prior.penalty(beta)
    assert prior.penalty(prior.location(P)) == 0
    penalised = (np.where(prior.rates(P) > 0, beta - prior.location(P), 0) != 0).any(axis=1)
    np.testing.assert_array_equal(values > 0, penalised)
    np.testing.assert_allclose(values, [prior.penalty(row) for row in beta], rtol=1e-14)


@EACH
def test_density_is_the_penalty(prior):
    beta = points(prior, 1)
    total = prior.log_density(beta) + prior.penalty(beta)
    np.testing.assert_allclose(total, prior.log_density(prior.location(P)), rtol=1e-12, atol=1e-10)
    np.testing.assert_allclose(prior.log_density(beta), [prior.log_density(row) for row in beta], rtol=1e-14)


@CONVEX
def test_subgradients_support_the_penalty(prior):
    rng = np.random.default_rng(2)
    other = points(prior, 3, 60)
    for beta in points(prior, 2):
        slope = prior.nearest_subgradient(beta, rng.normal(size=P) * 10 ** rng.uniform(-2, 3))
        size = 1 + prior.penalty(beta) + prior.penalty(other) + (np.abs(other) + np.abs(beta)) @ np.abs(slope)
        assert (prior.penalty(other) - prior.penalty(beta) - (other - beta) @ slope >= -1e-13 * size).all()


@EACH
def test_subdifferential_gives_the_directional_derivatives(prior):
    # The derivative along d is the greatest g·d over subgradients g: that of the subgradient nearest to a far multiple.
    rng = np.random.default_rng(4)
    for beta in (*smooth_points(prior, 4), *([prior.location(P)] if prior.convex else [])):
        d = rng.normal(size=P)
        h = 1e-7
        expected = prior.nearest_subgradient(beta, 1e9 * d) @ d
        ahead = (prior.penalty(beta + h * d) - prior.penalty(beta)) / h
        error = h * d**2 @ np.abs(prior.curvature(beta + h * d)) + 1e-8 * (1 + prior.penalty(beta))
        assert ahead == pytest.approx(expected, rel=1e-6, abs=2 * error)


@EACH
def test_nearest_subgradient_is_a_projection(prior):
    rng = np.random.default_rng(5)
    for beta in points(prior, 5):
        v, w = rng.normal(size=(2, P)) * 10 ** rng.uniform(-2, 2, (2, P))
        one, other = prior.nearest_subgradient(beta, v), prior.nearest_subgradient(beta, w)
        np.testing.assert_allclose(prior.nearest_subgradient(beta, one), one, rtol=8 * EPS)
        assert (v - one) @ (other - one) <= 1e-12 * (1 + np.abs(v) @ np.abs(v) + np.abs(one) @ np.abs(one))


@EACH
def test_kinks_are_where_a_block_is_at_the_location_and_the_rate_is_the_radius(prior):
    kink = prior.kink(P)
    np.testing.assert_array_equal(kink.blocks, prior.blocks(P))
    np.testing.assert_array_equal(np.isnan(kink.loc), kink.rate == 0)
    np.testing.assert_array_equal(kink.loc[kink.rate > 0], prior.location(P)[kink.rate > 0])
    for beta in points(prior, 6):
        there = (block_norms(prior, beta - prior.location(P)) == 0) & (kink.rate > 0)
        np.testing.assert_array_equal(prior.at_kink(beta), there)
    at, v = prior.location(P), np.random.default_rng(6).normal(size=P)
    finite = np.where(np.isfinite(kink.rate), kink.rate, 1e3)
    inside, outside = ((v / block_norms(prior, v) * finite * by) for by in (0.999, 1.001))
    np.testing.assert_allclose(prior.nearest_subgradient(at, inside), inside, rtol=8 * EPS)
    pulled = block_norms(prior, prior.nearest_subgradient(at, outside))
    np.testing.assert_allclose(pulled, np.where(np.isinf(kink.rate), 1001, finite), rtol=1e-13)


@EACH
def test_gauge_is_the_least_multiple_of_the_subdifferential_that_holds_v(prior):
    rng = np.random.default_rng(7)
    for beta in points(prior, 7):
        slope, kinked = prior.nearest_subgradient(beta, np.zeros(P)), prior.at_kink(beta)
        v = np.where(kinked, rng.normal(size=P), 2.5 * slope)
        t = prior.gauge(beta, v)
        np.testing.assert_allclose(t[~kinked], np.where(block_norms(prior, slope) > 0, 2.5, 0)[~kinked], rtol=1e-13)
        bounded = kinked & np.isfinite(prior.kink(P).rate)
        for by, held in ((1 + 1e-9, True), (1 - 1e-6, False)):
            u = v / np.where(bounded, t * by, 1.0)
            apart = block_norms(prior, u - prior.nearest_subgradient(beta, u)) > 1e-12 * block_norms(prior, u)
            assert (apart[bounded] != held).all()
        assert np.isinf(prior.gauge(beta, -v)[~kinked & (block_norms(prior, slope) > 0)]).all()
        assert np.isinf(prior.gauge(beta, v + 1)[~kinked & (block_norms(prior, slope) == 0)]).all()
        np.testing.assert_array_equal(prior.gauge(beta, np.zeros(P)), 0)


def test_gauge_does_not_underflow():
    tiny = Bridge(1e-150, 1.0)
    np.testing.assert_allclose(tiny.gauge(np.zeros(2), np.array([1e-200, -1e100])), [1e-50, 1e250])


@EACH
def test_hessian_and_curvature_are_derivatives_of_the_gradient(prior):
    h = 1e-5
    for beta in smooth_points(prior, 8):
        sides = [[prior.nearest_subgradient(beta + s * unit, np.zeros(P)) for unit in h * np.eye(P)] for s in (1, -1)]
        hessian = prior.hessian(beta, np.arange(P))
        scale = 1 + np.abs(hessian).max()
        np.testing.assert_allclose((np.array(sides[0]) - sides[1]) / (2 * h), hessian, rtol=1e-6, atol=1e-8 * scale)
        np.testing.assert_allclose(np.diag(hessian), prior.curvature(beta), rtol=1e-12, atol=1e-12)


@EACH
def test_hessian_of_some_columns_is_part_of_the_whole_and_zero_at_kinks(prior):
    for beta in points(prior, 9):
        whole = prior.hessian(beta, np.arange(P))
        for columns in (np.array([4, 0, 3]), np.array([2]), np.zeros(0, dtype=int)):
            np.testing.assert_array_equal(prior.hessian(beta, columns), whole[np.ix_(columns, columns)])
        assert (whole[prior.at_kink(beta)] == 0).all()


def proximal_cases(prior: Prior, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    by_block = 10 ** rng.uniform(-2, 1, (20, P))[:, prior.blocks(P)]
    return list(zip(points(prior, seed), [*by_block[:10], *(np.full(P, s[0]) for s in by_block[10:])], strict=True))


@EACH
def test_prox_inclusion(prior):
    # x = prox(v) only if (v − x)/step ∈ ∂pen(x).
    for v, step in proximal_cases(prior, 10):
        x = prior.prox(v, step)
        slope = (v - x) / step
        rounding = 32 * EPS * (np.abs(v) + np.abs(x) + 1) * (1 / step + np.abs(prior.curvature(x)) + prior.rates(P))
        assert (block_norms(prior, slope - prior.nearest_subgradient(x, slope)) <= block_norms(prior, rounding)).all()
    v = points(prior, 10)[1]
    np.testing.assert_array_equal(prior.prox(v, 0.7), prior.prox(v, np.full(P, 0.7)))


@EACH
def test_prox_beats_every_other_point(prior):
    rng = np.random.default_rng(11)
    moves = 0
    for v, step in proximal_cases(prior, 11):
        x, loc = prior.prox(v, step), prior.location(P)
        near = x + rng.normal(size=(60, P)) * 10 ** rng.uniform(-4, 0, (60, 1))
        between = loc + rng.uniform(-0.2, 1.2, (400, P)) * (v - loc)
        mixed = np.where((rng.random((60, P)) < 0.5)[:, prior.blocks(P)], loc, x)
        others = np.concatenate([near, between, mixed, [v, loc]])
        here, there = objective(prior, x, v, step), objective(prior, others, v, step)
        assert (there >= here - 1e-12 * (1 + here)).all()
        moves += (x != v).any()
    assert moves > 15 or not prior.rates(P).any()


@pytest.mark.parametrize("power", [0.1, 0.5, 0.9])
def test_prox_of_a_concave_bridge_is_the_global_minimum(power):
    prior = Bridge(1.3, power, loc=0.4)
    v = 0.4 + np.linspace(-4, 4, 161)
    x = prior.prox(v, 0.8)
    grid = 0.4 + np.concatenate([np.linspace(-4, 4, 8001), [0.0]])
    values = 1.3 * np.abs(grid - 0.4) ** power + (grid - v[:, None]) ** 2 / 1.6
    best = grid[values.argmin(axis=1)]
    here = 1.3 * np.abs(x - 0.4) ** power + (x - v) ** 2 / 1.6
    assert (here <= values.min(axis=1) + 1e-13).all()
    clear = np.sort(values, axis=1)[:, 1] - values.min(axis=1) > 1e-6  # not where two minima tie
    np.testing.assert_allclose(x[clear], best[clear], atol=2e-3)
    assert 0 < (x == 0.4).sum() < x.size
    assert np.isinf(prior.kink(1).rate).all()  # a cusp: every number is a subgradient there


@EACH
@pytest.mark.parametrize("step", [1e-100, 1.0, 1e100])
def test_prox_at_extreme_sizes_lies_between_the_location_and_v(prior, step):
    for size in (0.0, 1e-100, 1e-8, 1e8, 1e100):
        v = prior.location(P) + size * np.array([1.0, -1, 1, -1, -1, 1])
        x = prior.prox(v, step)
        low, high = np.minimum(v, prior.location(P)), np.maximum(v, prior.location(P))
        slack = 4 * EPS * np.abs(v)
        assert ((low - slack <= x) & (x <= high + slack)).all()


@pytest.mark.parametrize("size", [1e-100, 1e-3, 1.0, 1e5, 1e100])
@pytest.mark.parametrize("force", [1e-100, 1e-3, 1.0, 1e5, 1e100])
def test_prox_of_bridges_agrees_with_the_roots_of_quadratics(size, force):
    v = np.array([size])
    cubic = 2 / (1 / v + np.sqrt(1 / v) * np.sqrt(1 / v + 12 * force))
    np.testing.assert_allclose(Bridge(1.0, 3.0).prox(v, force), cubic, rtol=2e-13)
    half = 1.5 * force  # y = √x solves y² + half·y = v
    root = 2 * v / (half + np.sqrt(half**2 + 4 * v))
    np.testing.assert_allclose(Bridge(1.0, 1.5).prox(v, force), root**2, rtol=2e-13)
    np.testing.assert_allclose(Bridge(1.0, 2.0).prox(v, force), v / (1 + 2 * force), rtol=2e-13)


@CONVEX
def test_prox_is_firmly_nonexpansive(prior):
    step = 0.3
    v, w = points(prior, 12, 40), points(prior, 13, 40)
    for one, other in zip(v, w, strict=True):
        moved = prior.prox(one, step) - prior.prox(other, step)
        assert moved @ moved <= moved @ (one - other) + 1e-12 * (1 + (one - other) @ (one - other))


@CONVEX
def test_fenchel_young(prior):
    rng = np.random.default_rng(14)
    tight = 0
    for beta in points(prior, 14):
        u = prior.nearest_subgradient(beta, rng.normal(size=P) * 10 ** rng.uniform(-1, 2))
        parts = prior.conjugate(u)
        assert parts.shape == (P,)
        size = 1 + prior.penalty(beta) + np.abs(parts).sum() + np.abs(u) @ np.abs(beta)
        assert abs(prior.penalty(beta) + parts.sum() - u @ beta) <= 1e-13 * size
        w = prior.dual_projection(u + rng.normal(size=P))
        gap = prior.penalty(beta) + prior.conjugate(w).sum() - w @ beta
        assert np.isfinite(gap)
        assert gap >= -1e-12 * (size + np.abs(prior.conjugate(w)).sum() + np.abs(w) @ np.abs(beta))
        tight += gap < 1e-3 * size
    assert tight < 20 or not prior.rates(P).any()


@EACH
def test_dual_gauge_measures_the_domain_of_the_conjugate(prior):
    u = np.random.default_rng(15).normal(size=P)
    t = prior.dual_gauge(u)
    assert (t >= 0).all()
    bounded = (t > 0) & np.isfinite(t)
    reach = np.where(bounded, t, 1e-6)
    inside = np.where(np.isinf(t), 0.0, u / (reach * (1 + 1e-9)))
    assert np.isfinite(prior.conjugate(inside)).all()
    assert np.isinf(prior.conjugate(u / (reach * (1 - 1e-9)))[t > 0]).all()
    np.testing.assert_array_equal(prior.dual_gauge(np.zeros(P)), 0)
    np.testing.assert_allclose(prior.dual_gauge(3 * u), 3 * t, rtol=1e-13)


@EACH
def test_dual_projection_is_nearest_and_idempotent(prior):
    rng = np.random.default_rng(16)
    for _ in range(20):
        u, w = rng.normal(size=(2, P)) * 10 ** rng.uniform(-1, 3)
        one, other = prior.dual_projection(u), prior.dual_projection(w)
        assert np.isfinite(prior.conjugate(one)).all()
        assert (prior.dual_gauge(one) <= 1 + 8 * EPS).all()
        np.testing.assert_allclose(prior.dual_projection(one), one, rtol=8 * EPS)
        assert (u - one) @ (other - one) <= 1e-12 * (1 + u @ u + w @ w)
        held = prior.dual_gauge(u) <= 1
        np.testing.assert_array_equal(one[held], u[held])


@EACH
def test_elastic_form_is_the_penalty(prior):
    form = prior.elastic(P)
    if form is None:
        q = getattr(prior, "power", None)
        assert np.unique(prior.blocks(P)).size < P or q not in (1, 2)
        return
    away = points(prior, 17) - form.loc
    np.testing.assert_allclose(prior.penalty(away + form.loc), np.abs(away) @ form.l1 + away**2 @ form.l2, rtol=1e-12)
    np.testing.assert_allclose(form.l1 + form.l2, prior.rates(P), rtol=1e-15)
    np.testing.assert_array_equal(form.l1, prior.kink(P).rate)


@EACH
def test_penalty_by_degree_is_the_penalty_along_every_ray(prior):
    location, rng = prior.location(P), np.random.default_rng(23)
    away = points(prior, 23) - location
    pieces = prior.by_degree(away)
    assert set(prior.by_degree(np.zeros(P))) == set(pieces)
    for ratio in (0.0, 1e-3, *np.exp(rng.normal(size=3)), 50.0):
        along = sum((piece * ratio**degree for degree, piece in pieces.items()), np.zeros(away.shape[:-1]))
        np.testing.assert_allclose(along, prior.penalty(location + ratio * away), rtol=1e-9, atol=1e-12)
    if pieces:  # a degree that is off by little shows
        wrong = sum(piece * 50.0 ** (degree + 0.01) for degree, piece in pieces.items())
        assert not np.allclose(wrong, along, rtol=1e-3)


@EACH
def test_rescaling_stretches_about_the_location(prior):
    proper = np.isfinite(prior.variance(P))
    np.testing.assert_array_equal(proper, prior.rates(P) > 0)
    beta, location = points(prior, 18), prior.location(P)
    for factor in (1e-2, 0.5, 30.0):
        wide = prior.rescaled(factor)
        stretched = wide.log_density(location + factor * (beta - location))
        expected = prior.log_density(beta) - proper.sum() * np.log(factor)
        np.testing.assert_allclose(stretched, expected, rtol=1e-9, atol=1e-9)
        np.testing.assert_array_equal(wide.location(P), location)
        np.testing.assert_allclose(wide.variance(P)[proper], factor**2 * prior.variance(P)[proper], rtol=1e-12)


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize("scale", [1e-3, 0.7, 1e3])
def test_fixing_an_unknown_scale_gives_the_prior_at_that_scale(name, scale):
    hierarchical = SHAPES[name](HalfCauchy(1.0))
    assert hierarchical.hyperprior is not None
    fixed = hierarchical.at(scale)
    assert fixed.hyperprior is None
    np.testing.assert_array_equal(fixed.rates(4), SHAPES[name](scale).rates(4))
    np.testing.assert_allclose(fixed.variance(4), np.broadcast_to(PROPER_VARIANCE[name](scale), 4), rtol=1e-14)
