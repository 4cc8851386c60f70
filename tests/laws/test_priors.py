"""Laws that tie a prior's penalty, density, subdifferential, prox and conjugate to one another."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from bayesreg.interfaces import Prior
from bayesreg.scales import HalfCauchy
from tests.registry import PRIORS, PROPER_VARIANCE, SHAPES, STACKED

P = 4
EPS = np.finfo(float).eps
ALL = {name: make(P) for name, make in (PRIORS | STACKED).items()}
EACH = pytest.mark.parametrize("prior", ALL.values(), ids=ALL.keys())
PROPER = pytest.mark.parametrize(
    "make", [make for name, make in PRIORS.items() if name != "flat"], ids=[n for n in PRIORS if n != "flat"]
)

numbers = st.floats(-50, 50, allow_subnormal=False)
vectors = st.lists(numbers, min_size=P, max_size=P).map(np.array)
steps = st.floats(1e-3, 1e3)


def point_of(prior: Prior, values: np.ndarray, at_location: list[bool]) -> np.ndarray:
    """Mix arbitrary values with entries exactly at the location, where kinks are."""
    return np.where(at_location, prior.location(P), values)


masks = st.lists(st.booleans(), min_size=P, max_size=P)


def distance_to_subdifferential(prior: Prior, beta: np.ndarray, v: np.ndarray) -> np.ndarray:
    lower, upper = prior.subdifferential(beta)
    return np.maximum(np.maximum(lower - v, v - upper), 0.0)


@EACH
@given(v=vectors, step=steps)
def test_prox_inclusion(prior, v, step):
    # x = prox(v) iff (v − x)/step ∈ ∂pen(x).
    x = prior.prox(v, step)
    slope = (v - x) / step
    rounding = 16 * EPS * (np.abs(v) + np.abs(x) + 1) * (1 / step + prior.curvature(x) + prior.rate(P))
    assert (distance_to_subdifferential(prior, x, slope) <= rounding).all()


@EACH
@given(v=vectors, other=vectors, step=steps)
def test_moreau_identity(prior, v, other, step):
    # v = prox(v) + step·u with u the proximal point of the conjugate at v/step, so that
    # h(u) = pen*(u) + step/2·(u − v/step)² grows at least as step/2·(· − u)² from its least value there.
    bound = prior.conjugate_bound(P)
    u = (v - prior.prox(v, step)) / step
    inside = np.clip(u, -bound, bound)
    np.testing.assert_allclose(inside, u, rtol=1e-12, atol=1e-12 * (1 + np.abs(v).max()) / step)

    def h(w):
        return prior.conjugate(w) + step / 2 * (w - v / step) ** 2

    w = np.clip(other, -bound, bound)
    least, there = h(inside), h(w)
    size = 1 + np.abs(least) + np.abs(there) + np.abs(v) ** 2 / step
    assert (there >= least + step / 2 * (w - inside) ** 2 - 1e-12 * size).all()


@EACH
@given(beta=vectors, u=vectors)
def test_fenchel_young_inequality(prior, beta, u):
    bound = prior.conjugate_bound(P)
    u = np.clip(u, -bound, bound)
    gap = prior.penalty(beta) + (prior.conjugate(u) - u * beta).sum()
    assert gap >= -1e-11 * (1 + prior.penalty(beta) + np.abs(u) @ np.abs(beta))


@EACH
@given(values=vectors, at_location=masks, v=vectors)
def test_fenchel_young_equality_at_subgradients(prior, values, at_location, v):
    beta = point_of(prior, values, at_location)
    u = prior.nearest_subgradient(beta, v)
    conjugate, product = prior.conjugate(u).sum(), u @ beta
    scale = 1 + prior.penalty(beta) + abs(conjugate) + np.abs(u) @ np.abs(beta)
    assert abs(prior.penalty(beta) + conjugate - product) <= 1e-13 * scale


@EACH
def test_conjugate_is_finite_up_to_its_bound_and_not_beyond(prior):
    bound = prior.conjugate_bound(P)
    reach = np.where(np.isfinite(bound), bound, 1e6)
    assert np.isfinite(prior.conjugate(reach)).all()
    assert np.isfinite(prior.conjugate(-reach)).all()
    finite = np.isfinite(bound)
    for sign in (1, -1):
        beyond = prior.conjugate(sign * (reach * (1 + 1e-9) + 1e-300))
        assert np.isinf(beyond[finite]).all()


@EACH
@given(values=vectors, at_location=masks, other=vectors)
def test_subgradients_support_the_penalty(prior, values, at_location, other):
    beta = point_of(prior, values, at_location)
    for slope in prior.subdifferential(beta):
        below = prior.penalty(beta) + slope @ (other - beta)
        size = 1 + prior.penalty(beta) + prior.penalty(other) + np.abs(slope) @ (np.abs(other) + np.abs(beta))
        assert prior.penalty(other) >= below - 1e-13 * size


@EACH
@given(values=st.lists(st.floats(-5, 5), min_size=P, max_size=P).map(np.array), at_location=masks)
def test_subdifferential_is_the_one_sided_derivatives(prior, values, at_location):
    beta = point_of(prior, np.round(values, 2), at_location)  # rounded: no kink within a step of beta
    lower, upper = prior.subdifferential(beta)
    h = 1e-7
    for j, unit in enumerate(np.eye(P)):
        ahead = (prior.penalty(beta + h * unit) - prior.penalty(beta)) / h
        behind = (prior.penalty(beta) - prior.penalty(beta - h * unit)) / h
        error = 1e-5 + h * prior.curvature(beta)[j]
        assert ahead == pytest.approx(upper[j], rel=1e-5, abs=error)
        assert behind == pytest.approx(lower[j], rel=1e-5, abs=error)
    assert (prior.at_kink(beta) == (lower < upper)).all()


@EACH
@given(values=st.lists(st.floats(-5, 5), min_size=P, max_size=P).map(np.array), at_location=masks)
def test_curvature_is_the_derivative_of_the_subgradient_on_a_smooth_side(prior, values, at_location):
    beta = point_of(prior, np.round(values, 2), at_location)
    h = 1e-6
    near, _ = prior.subdifferential(beta + h)
    far, _ = prior.subdifferential(beta + 3 * h)
    np.testing.assert_allclose((far - near) / (2 * h), prior.curvature(beta), rtol=1e-7, atol=1e-7)


@EACH
@given(values=vectors, at_location=masks, v=vectors)
def test_gauge_is_the_least_multiple_of_the_subdifferential_that_holds_v(prior, values, at_location, v):
    beta, v = point_of(prior, np.round(values, 6), at_location), np.round(v, 6)
    t = prior.gauge(beta, v)
    lower, upper = prior.subdifferential(beta)

    def holds(multiple, slack=0.0):
        return (multiple * lower <= v + slack) & (v - slack <= multiple * upper)

    finite = np.where(np.isfinite(t), t, 0.0)
    assert (t >= 0).all()
    assert holds(finite, 4 * EPS * np.abs(v))[np.isfinite(t)].all()
    assert not holds(finite * (1 - 1e-6))[finite > 0].any()
    for multiple in (1e-3, 1.0, 1e3):
        assert not holds(multiple)[np.isinf(t)].any()


@EACH
@given(values=vectors, at_location=masks, v=vectors)
def test_nearest_subgradient_is_nearest(prior, values, at_location, v):
    beta = point_of(prior, values, at_location)
    nearest = prior.nearest_subgradient(beta, v)
    np.testing.assert_array_equal(np.abs(v - nearest), distance_to_subdifferential(prior, beta, v))
    assert (distance_to_subdifferential(prior, beta, nearest) == 0).all()


@EACH
@given(beta=vectors)
def test_elastic_form_is_the_penalty(prior, beta):
    form = prior.elastic(P)
    away = beta - form.loc
    assert prior.penalty(beta) == pytest.approx(form.l1 @ np.abs(away) + form.l2 @ away**2, rel=1e-12)
    np.testing.assert_allclose(form.l1 + form.l2, prior.rate(P), rtol=1e-15)
    np.testing.assert_array_equal(form.l1 > 0, prior.at_kink(form.loc))


@EACH
@given(beta=vectors)
def test_density_is_the_penalty(prior, beta):
    location = prior.location(P)
    assert prior.penalty(location) == 0
    drop = prior.log_density(beta) - prior.log_density(location)
    assert drop == pytest.approx(-prior.penalty(beta), rel=1e-11, abs=1e-11)


@PROPER
def test_density_integrates_to_one_and_has_the_stated_variance(make):
    prior = make(1)
    (location,), (sd,) = prior.location(1), np.sqrt(prior.variance(1))

    def moment(power):
        def term(x):
            return (x - location) ** power * math.exp(prior.log_density(np.array([x])))

        left, _ = quad(term, location - 60 * sd, location, epsabs=1e-13, epsrel=1e-11, limit=200)
        right, _ = quad(term, location, location + 60 * sd, epsabs=1e-13, epsrel=1e-11, limit=200)
        return left + right

    assert moment(0) == pytest.approx(1, rel=1e-9)
    assert moment(1) == pytest.approx(0, abs=1e-9)
    assert moment(2) == pytest.approx(sd**2, rel=1e-8)


@EACH
def test_variance_is_infinite_exactly_where_nothing_is_penalised(prior):
    np.testing.assert_array_equal(np.isinf(prior.variance(P)), prior.rate(P) == 0)


@EACH
@given(beta=vectors, factor=st.floats(1e-2, 1e2))
def test_rescaling_stretches_about_the_location(prior, beta, factor):
    location = prior.location(P)
    wide = prior.rescaled(factor)
    stretched = wide.penalty(location + factor * (beta - location))
    assert stretched == pytest.approx(prior.penalty(beta), rel=1e-9, abs=1e-9)
    np.testing.assert_array_equal(wide.location(P), location)


@pytest.mark.parametrize("name", SHAPES)
@given(scale=st.floats(1e-3, 1e3))
def test_fixing_an_unknown_scale_gives_the_prior_at_that_scale(name, scale):
    hierarchical = SHAPES[name](HalfCauchy(1.0))
    assert hierarchical.hyperprior is not None
    fixed = hierarchical.at(scale)
    assert fixed.hyperprior is None
    np.testing.assert_array_equal(fixed.rate(P), SHAPES[name](scale).rate(P))
    np.testing.assert_allclose(fixed.variance(P), PROPER_VARIANCE[name](scale), rtol=1e-14)


@EACH
@given(rows=st.lists(vectors, min_size=2, max_size=3).map(np.array))
def test_penalty_and_density_take_batches(prior, rows):
    np.testing.assert_array_equal(prior.penalty(rows), [prior.penalty(row) for row in rows])
    np.testing.assert_array_equal(prior.log_density(rows), [prior.log_density(row) for row in rows])
