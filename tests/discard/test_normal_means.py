"""One coefficient alone: closed forms, other quadrature, and simulation."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

import bayesreg as br
from bayesreg.discard import normal_means, normal_quadrature
from tests.registry import PRIORS

SE, TAU = 0.7, 1.5
NORMAL = norm.ppf(0.975)


def test_a_gaussian_prior_is_linear_shrinkage() -> None:
    found = normal_means(br.Gaussian(TAU), SE)
    kept = TAU**2 / (TAU**2 + SE**2)
    spread = NORMAL * np.sqrt(kept) * SE
    np.testing.assert_allclose(found.map, kept * found.z, atol=1e-13)
    np.testing.assert_allclose(found.mean, kept * found.z, atol=1e-12)
    np.testing.assert_allclose(found.lower, kept * found.z - spread, atol=2e-7)
    np.testing.assert_allclose(found.upper, kept * found.z + spread, atol=2e-7)


def test_coverage_under_a_gaussian_prior() -> None:
    """β in [kz ± h] for z within ((β ∓ h)/k); the sign is wrong for z below −h/k."""
    signal = np.array([0.0, 0.5, 1, 3, 5])
    table = normal_means(br.Gaussian(TAU), SE).coverage(signal)
    kept = TAU**2 / (TAU**2 + SE**2)
    beta, half = SE * signal, NORMAL * np.sqrt(kept) * SE
    expected = norm.cdf(((beta + half) / kept - beta) / SE) - norm.cdf(((beta - half) / kept - beta) / SE)
    np.testing.assert_allclose(table["coverage"], expected, atol=2e-6)
    wrong = np.where(beta == 0, 0.0, norm.cdf((-half / kept - beta) / SE))
    np.testing.assert_allclose(table["wrong_sign"], wrong, atol=2e-6)
    np.testing.assert_allclose(table["width"], 2 * half / SE, rtol=1e-6)
    assert table["coverage"].iloc[0] > 0.95 > table["coverage"].iloc[-1]


def test_a_laplace_prior_is_the_soft_threshold_at_the_mode_and_not_in_the_mean() -> None:
    b = 0.5
    found = normal_means(br.Laplace(b), SE)
    threshold = SE**2 / b
    np.testing.assert_allclose(found.map, np.sign(found.z) * np.maximum(np.abs(found.z) - threshold, 0), atol=1e-13)
    inside = (np.abs(found.z) < threshold) & (found.z != 0)
    assert inside.sum() > 20
    assert (np.abs(found.mean[inside]) > 0).all()


@pytest.mark.parametrize(
    "name", ["laplace-located", "elastic-net", "bridge-0.5", "bridge-1.5", "bridge-3", "group-laplace"]
)
def test_means_and_intervals_are_those_of_other_quadrature(name: str) -> None:
    prior, z = PRIORS[name](2), np.array([-2.5, 0.1, 1.7])
    found = normal_means(prior, SE, column=1, columns=2, z=z)
    location = float(prior.location(2)[1])

    def density(beta: float, at: float) -> float:
        point = prior.location(2).copy()
        point[1] = beta if beta != location else location + 1e-300
        return float(np.exp(prior.marginal_log_density(point[None])[0, 1]) * norm.pdf(at, beta, SE))

    def area(low: float, high: float, at: float, power: int = 0) -> float:
        cuts = sorted({low, high, *(c for c in (location, at) if low < c < high)})
        return sum(
            quad(lambda x: x**power * density(x, at), a, b, limit=400, epsabs=1e-12, epsrel=1e-11)[0]
            for a, b in pairwise(cuts)
        )

    for i, at in enumerate(z):
        low, high = min(at, location) - 9 * SE, max(at, location) + 9 * SE
        total = area(low, high, at)
        assert found.mean[i] == pytest.approx(area(low, high, at, 1) / total, abs=2e-6)
        assert area(low, found.lower[i], at) / total == pytest.approx(0.025, abs=2e-6)
        assert area(low, found.upper[i], at) / total == pytest.approx(0.975, abs=2e-6)


def test_coverage_is_that_of_simulated_estimates() -> None:
    """Within 4 Monte Carlo errors; that of a prior 10 % off is not."""
    rng = np.random.default_rng(5)
    signal, draws = 3.0, 400_000
    z = SE * (signal + rng.normal(size=draws))
    found = normal_means(br.Laplace(0.5), SE)
    low, high = np.interp(z, found.z, found.lower), np.interp(z, found.z, found.upper)
    share = float(((low <= SE * signal) & (SE * signal <= high)).mean())
    error = np.sqrt(share * (1 - share) / draws)
    assert abs(found.coverage(signal)["coverage"].item() - share) <= 4 * error
    off = normal_means(br.Laplace(0.45), SE).coverage(signal)["coverage"].item()
    assert abs(off - share) > 10 * error


@pytest.mark.parametrize("tau", [1e-3, 0.05, 1.0, 30.0, 1e5])
def test_estimates_far_out_are_summed_where_their_posteriors_are(tau: float) -> None:
    """Of estimates up to 10⁵ standard errors out, under priors from far narrower to far wider than one."""
    z = SE * np.linspace(-1e5, 1e5, 21)
    found = normal_means(br.Gaussian(tau * SE), SE, z=z)
    kept = tau**2 / (tau**2 + 1)
    sd = np.sqrt(kept) * SE
    np.testing.assert_allclose(found.mean, kept * z, atol=1e-6 * sd, rtol=1e-9)
    np.testing.assert_allclose(found.lower, kept * z - NORMAL * sd, atol=2e-6 * sd, rtol=1e-9)
    np.testing.assert_allclose(found.upper, kept * z + NORMAL * sd, atol=2e-6 * sd, rtol=1e-9)
    far = normal_means(br.Laplace(0.5), SE, z=np.array([-1e4, 1e4]))
    np.testing.assert_allclose(far.mean, far.map, rtol=1e-12)
    np.testing.assert_allclose(far.upper - far.mean, NORMAL * SE, rtol=1e-5)


def test_estimates_by_themselves_are_what_they_are_together(monkeypatch: pytest.MonkeyPatch) -> None:
    z = np.linspace(-6, 6, 41)
    for name in ("laplace-located", "bridge-0.5", "bridge-1.5", "elastic-net-steep"):
        together = normal_means(PRIORS[name](1), SE, z=z)
        with monkeypatch.context() as patch:
            patch.setattr(normal_quadrature, "TOGETHER", 0.0)
            alone = normal_means(PRIORS[name](1), SE, z=z)
        for part in ("mean", "lower", "upper"):
            np.testing.assert_allclose(getattr(alone, part), getattr(together, part), atol=2e-6)


def test_coverage_does_not_depend_on_the_estimates_that_were_asked_for() -> None:
    coarse = normal_means(br.Laplace(0.5), SE, z=np.linspace(-300, 300, 11))
    fine = normal_means(br.Laplace(0.5), SE)
    np.testing.assert_array_equal(coarse.coverage([0.0, 3.0]), fine.coverage([0.0, 3.0]))


def test_coverage_averaged_over_the_prior_is_what_was_promised() -> None:
    """The interval is exactly as good as it says where the truth is a draw of the prior."""
    tau = 1.0
    found = normal_means(br.Gaussian(tau), 1.0)
    signal = np.linspace(-6, 6, 241)
    weight = norm.pdf(signal, scale=tau)
    average = float(weight @ found.coverage(signal)["coverage"] / weight.sum())
    assert average == pytest.approx(0.95, abs=1e-5)


@pytest.mark.parametrize("name", [*PRIORS])
def test_every_prior_goes_through(name: str) -> None:
    found = normal_means(PRIORS[name](3), 0.8, column=2, columns=3)
    for values in (found.map, found.mean, found.lower, found.upper):
        assert np.isfinite(values).all()
    assert (found.lower < found.mean).all()
    assert (found.mean < found.upper).all()
    assert (np.diff(found.lower) >= 0).all()
    assert (np.diff(found.upper) >= 0).all()
    covered = found.coverage([0.0, 2.0, 4.0])["coverage"]
    assert covered.between(0, 1).all()


def test_a_flat_prior_covers_as_promised_everywhere() -> None:
    np.testing.assert_allclose(normal_means(br.Flat(), 2.0).coverage()["coverage"], 0.95, atol=2e-6)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"se": 0.0}, "se"),
        ({"level": 1.0}, "level"),
        ({"z": [1.0, 0.5]}, "ascending"),
        ({"z": [1.0, np.nan]}, "ascending"),
        ({"z": ["a"]}, "must be numbers"),
        ({"level": "x"}, "level"),
        ({"column": -1}, "column"),
        ({"prior": br.Laplace(br.HalfNormal(1.0))}, "scale is a number"),
        ({"prior": 3.0}, "must be a Prior"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(br.ParameterError, match=said):
        normal_means(**{"prior": br.Laplace(1.0), **given})


def test_a_signal_beyond_the_estimates_is_refused() -> None:
    with pytest.raises(br.ParameterError, match=r"5\.5 standard errors"):
        normal_means(br.Laplace(1.0)).coverage([7.0])
    with pytest.raises(br.ParameterError, match=r"5\.5 standard errors"):
        normal_means(br.Laplace(1.0)).coverage([np.nan])
    with pytest.raises(br.ParameterError, match="must be numbers"):
        normal_means(br.Laplace(1.0)).coverage(["a"])


def test_it_is_shown_in_a_line() -> None:
    assert repr(normal_means(br.Laplace(1.0), 0.5)) == (
        "NormalMeans(Laplace(scale=1.0, loc=0.0), se 0.5, 95 % intervals, 481 estimates from -6 to 6)"
    )
