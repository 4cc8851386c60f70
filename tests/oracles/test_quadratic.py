"""The exact solver of penalised quadratics against slow, plain loops."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesreg.errors import FitError
from bayesreg.interfaces import Elastic
from bayesreg.quadratic import CD_WORTH, minimise_quadratic


def objective(H, slope, penalty, theta, t):
    move, away = t - theta, t - penalty.loc
    return slope @ move + move @ H @ move / 2 + penalty.l1 @ np.abs(away) + penalty.l2 @ away**2


def kkt(H, slope, penalty, theta, t):
    """Distance of 0 from the subdifferential at t, written out."""
    g = slope + H @ (t - theta) + 2 * penalty.l2 * (t - penalty.loc)
    side = np.sign(t - penalty.loc)
    return np.where(side == 0, np.maximum(np.abs(g) - penalty.l1, 0.0), np.abs(g + penalty.l1 * side))


def naive(H, slope, penalty, theta, sweeps=20_000):
    """Cyclic coordinate descent: one coordinate at a time, to the exact minimum along it."""
    t = penalty.loc.copy()
    for _ in range(sweeps):
        before = t.copy()
        for j in range(t.size):
            g = slope[j] + H[j] @ (t - theta) + 2 * penalty.l2[j] * (t[j] - penalty.loc[j])
            h = H[j, j] + 2 * penalty.l2[j]
            v = t[j] - penalty.loc[j] - g / h
            t[j] = penalty.loc[j] + np.sign(v) * max(abs(v) - penalty.l1[j] / h, 0.0)
        if np.abs(t - before).max() < 1e-15:
            break
    return t


def random_case(seed, k, rank):
    rng = np.random.default_rng(seed)
    A = rng.normal(size=(rank, k)) * rng.choice([0.1, 1.0, 10.0], k)
    # In the range of H, as the gradient of a sum over rows is.
    theta, pull = rng.normal(size=k), A.T @ rng.normal(size=rank)
    kind = rng.integers(0, 3, k)  # lasso, ridge, elastic net
    l1 = np.where(kind != 1, rng.uniform(0.2, 3.0, k), 0.0)
    l2 = np.where(kind != 0, rng.uniform(0.1, 2.0, k), 0.0)
    loc = rng.choice([0.0, 0.0, 1.0, -0.5], k)
    return A.T @ A, pull, Elastic(l1, l2, loc), theta


def labels(k):
    return tuple(f"x{j}" for j in range(k))


@pytest.mark.parametrize("seed", range(20))
def test_agrees_with_coordinate_descent(seed):
    H, slope, penalty, theta = random_case(seed, 6, 8)
    exact = minimise_quadratic(H, slope, penalty, theta, labels(6))
    slow = naive(H, slope, penalty, theta)
    np.testing.assert_allclose(exact, slow, rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(exact == penalty.loc, slow == penalty.loc)


@settings(max_examples=150)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 12), rank=st.integers(0, 12))
def test_kkt_holds_whatever_the_rank(seed, k, rank):
    H, slope, penalty, theta = random_case(seed, k, rank)
    t = minimise_quadratic(H, slope, penalty, theta, labels(k))
    size = 1 + np.abs(slope) + np.abs(H) @ (np.abs(t) + np.abs(theta))
    assert (kkt(H, slope, penalty, theta, t) <= 1e-10 * size).all()


@settings(max_examples=100)
@given(seed=st.integers(0, 10**6), k=st.integers(2, 8))
def test_duplicated_columns(seed, k):
    H, slope, penalty, theta = random_case(seed, k, k)
    twice = np.concatenate([np.arange(k), np.arange(k)])
    # With the copies at their location the model is that of the single columns.
    single = minimise_quadratic(H, slope + H @ (penalty.loc - theta), penalty, penalty.loc, labels(k))
    double = Elastic(penalty.l1[twice], penalty.l2[twice] + 1e-3, np.concatenate([penalty.loc, np.zeros(k)]))
    start = np.concatenate([penalty.loc, np.zeros(k)])
    H2, slope2 = H[np.ix_(twice, twice)], (slope + H @ (penalty.loc - theta))[twice]
    t = minimise_quadratic(H2, slope2, double, start, labels(2 * k))
    size = 1 + np.abs(slope2) + np.abs(H2) @ np.abs(t)
    assert (kkt(H2, slope2, double, start, t) <= 1e-10 * size).all()
    least = objective(H2, slope2, double, start, t)
    alone = np.concatenate([single, np.zeros(k)])
    assert least <= objective(H2, slope2, double, start, alone) + 1e-9 * (1 + abs(least))


@pytest.mark.parametrize("rank", [40, CD_WORTH + 30])
def test_many_coordinates(rank):
    k = CD_WORTH + 20
    H, slope, penalty, _ = random_case(0, k, rank)
    theta = penalty.loc.copy()  # from the location: where coordinate descent finds the start
    t = minimise_quadratic(H, slope, penalty, theta, labels(k))
    size = 1 + np.abs(slope) + np.abs(H) @ (np.abs(t) + np.abs(theta))
    assert (kkt(H, slope, penalty, theta, t) <= 1e-10 * size).all()
    assert 0 < (t == penalty.loc).sum() < k


@pytest.mark.parametrize("seed", range(5))
def test_a_second_call_at_the_answer_changes_nothing(seed):
    H, slope, penalty, theta = random_case(seed, 6, 8)
    once = minimise_quadratic(H, slope, penalty, theta, labels(6))
    again = minimise_quadratic(H, slope + H @ (once - theta), penalty, once, labels(6))
    np.testing.assert_allclose(again, once, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(again == penalty.loc, once == penalty.loc)


def test_inputs_are_left_alone():
    H, slope, penalty, theta = random_case(1, 6, 8)
    copies = [a.copy() for a in (H, slope, penalty.l1, penalty.l2, penalty.loc, theta)]
    minimise_quadratic(H, slope, penalty, theta, labels(6))
    for after, before in zip((H, slope, penalty.l1, penalty.l2, penalty.loc, theta), copies, strict=True):
        np.testing.assert_array_equal(after, before)


def test_unpenalised_coordinates_must_be_held_by_the_quadratic():
    flat = Elastic(np.zeros(2), np.zeros(2), np.zeros(2))
    with pytest.raises(FitError, match="unpenalised coefficients of 'x0', 'x1'"):
        minimise_quadratic(np.ones((2, 2)), np.ones(2), flat, np.zeros(2), labels(2))
    with pytest.raises(FitError, match="unpenalised coefficients of 'x1'"):
        minimise_quadratic(np.diag([1.0, 0.0]), np.ones(2), flat, np.zeros(2), labels(2))


def test_an_objective_without_a_minimum_is_refused():
    # Falls along the coordinate faster than its penalty rises, and nothing curves: no sum over rows does that.
    penalty = Elastic(np.ones(1), np.zeros(1), np.zeros(1))
    with pytest.raises(FitError, match=r"from ending|falls without end"):
        minimise_quadratic(np.zeros((1, 1)), np.array([-2.0]), penalty, np.zeros(1), labels(1))
