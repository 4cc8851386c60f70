"""ESS and R-hat of many scalars at once are ArviZ's, scalar by scalar; the ESS of a mean is its naive twin's."""

from __future__ import annotations

import numpy as np
import pytest
from arviz_stats.base import array_stats

from bayesreg import convergence, diagnostics
from bayesreg.convergence import TAIL, assess, ess_mean, superchain_ids
from bayesreg.diagnostics import mcse_quantile
from bayesreg.interfaces import Array

SHAPES = [(4, 1000), (4, 7), (2, 4), (1, 50), (64, 63), (32, 125), (3, 11), (4, 5), (4, 6), (1, 4)]
AXES = {"chain_axis": 0, "draw_axis": 1}


def draws(chains: int, length: int, phi: float) -> Array:
    """Autoregressive draws: as they are, with ties, 0 or 1, heavy-tailed, with chains apart, and cubed."""
    noise = np.random.default_rng(0).normal(size=(chains, length, 6))
    x = noise.copy()
    for t in range(1, length):
        x[:, t] = phi * x[:, t - 1] + noise[:, t]
    x[..., 1] = np.round(x[..., 1], 1)
    x[..., 2] = x[..., 2] > 0
    x[..., 3] = np.exp(3 * x[..., 3])
    x[..., 4] += 0.3 * np.arange(chains)[:, None]
    x[..., 5] **= 3
    return x


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.95, -0.6])
@pytest.mark.parametrize(("chains", "length"), SHAPES)
# ArviZ divides by the within-chain variance, which is 0 for halves of 0s and 1s.
@pytest.mark.filterwarnings("ignore:(divide by zero|invalid value):RuntimeWarning")
def test_every_number_is_arviz_s(chains: int, length: int, phi: float) -> None:
    x = draws(chains, length, phi)
    found = assess(x)
    np.testing.assert_allclose(found.bulk, array_stats.ess(x, method="bulk", **AXES), rtol=1e-9)
    np.testing.assert_allclose(found.tail, array_stats.ess(x, method="tail", prob=TAIL, **AXES), rtol=1e-9)
    if chains > 1:
        np.testing.assert_allclose(found.rhat, array_stats.rhat(x, **AXES), rtol=1e-9)
    else:
        assert np.isnan(found.rhat).all()


def naive_ess(x: Array) -> float:
    """S/τ of one scalar's draws (chain, draw), products summed one by one, pairs of lags while they are positive."""
    chains, length = x.shape
    away = x - x.mean()
    rho = [(away[:, : length - k] * away[:, k:]).sum() / (away**2).sum() for k in range(length)]
    tau = -1.0
    for k in range(0, length - 1, 2):
        if rho[k] + rho[k + 1] <= 0:
            break
        tau += 2 * (rho[k] + rho[k + 1])
    size = chains * length
    return size / max(tau, 1 / np.log10(size))


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.95, -0.6])
@pytest.mark.parametrize(("chains", "length"), SHAPES)
def test_the_ess_of_a_mean_is_its_naive_twin_s(chains: int, length: int, phi: float) -> None:
    x = draws(chains, length, phi)
    np.testing.assert_allclose(ess_mean(x), [naive_ess(x[..., j]) for j in range(x.shape[2])], rtol=1e-9)


@pytest.mark.parametrize("phi", [0.0, 0.5, 0.8])
def test_on_long_chains_the_ess_of_a_mean_is_about_arviz_s(phi: float) -> None:
    x = draws(4, 4000, phi)[..., [0, 1, 2]]
    np.testing.assert_allclose(ess_mean(x), array_stats.ess(x, method="mean", **AXES), rtol=0.05)


@pytest.mark.parametrize("length", [4, 10, 64])
def test_chains_that_stand_apart_count_once_each(length: int) -> None:
    apart = np.random.default_rng(0).normal(size=(40, 1, 1)) + np.zeros((40, length, 1))
    np.testing.assert_allclose(ess_mean(apart), 40, rtol=1e-9)


@pytest.mark.parametrize("probability", [0.025, 0.25, 0.5, 0.975])
@pytest.mark.parametrize("phi", [0.0, 0.95])
def test_the_error_of_a_quantile_is_arviz_s_but_for_rounding(
    phi: float, probability: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ArviZ takes the order statistics at or outside the places that are joined by lines here."""
    x = draws(8, 500, phi)[..., [0, 3, 5]]
    monkeypatch.setattr(diagnostics, "ess_mean", lambda below: array_stats.ess(below, method="mean", **AXES))
    outer = array_stats.mcse(x, method="quantile", prob=probability, **AXES)
    ordered = np.sort(x.reshape(-1, 3), axis=0)
    about = round(probability * len(ordered)) + np.arange(-300, 301)
    gap = np.abs(np.diff(ordered[np.clip(about, 0, len(ordered) - 1)], axis=0)).max(axis=0)
    found = mcse_quantile(x, probability)
    assert (found <= outer * (1 + 1e-9)).all()
    assert (found >= outer - gap).all()


@pytest.mark.parametrize("superchains", [2, 4, 8, 32])
def test_nested_rhat_is_arviz_s(superchains: int) -> None:
    x = draws(32, 60, 0.3)
    expected = array_stats.rhat_nested(x, superchain_ids=superchain_ids(32, superchains), **AXES)
    np.testing.assert_allclose(assess(x, superchains).rhat, expected, rtol=1e-9)


def test_nested_rhat_sees_groups_that_are_apart_and_only_them() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(size=(16, 400, 1))
    assert assess(x, 4).rhat[0] < 1.01
    assert assess(x + np.repeat(np.arange(4), 4)[:, None, None], 4).rhat[0] > 1.2
    short = x[:, :20]
    assert assess(short).rhat[0] > assess(short, 4).rhat[0]  # of short chains R-hat is mostly noise


def test_scalars_in_pieces_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    x = draws(4, 50, 0.5)
    whole = assess(x)
    monkeypatch.setattr(convergence, "CELLS", 1)
    parts = assess(x)
    for name in ("rhat", "bulk", "tail"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-12)


def test_shapes_and_what_cannot_be_judged() -> None:
    x = np.random.default_rng(0).normal(size=(4, 20, 2, 3))
    assert assess(x).bulk.shape == (2, 3)
    assert assess(x[..., 0, 0]).bulk.shape == ()
    assert np.isnan(assess(x[:, :3]).bulk).all()
    assert np.isnan(ess_mean(x[:, :3])).all()
    assert (assess(np.ones((4, 20, 2))).bulk == 80).all()
