"""The distribution of a positive scale, integrated and inverted, against SciPy's closed forms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from scipy import stats

from bayesreg.errors import FitError
from bayesreg.interfaces import Array
from bayesreg.samplers.inverse import InverseScale

U = np.concatenate([[1e-12, 1e-9, 1e-6], np.linspace(1e-3, 1 - 1e-3, 1999), [1 - 1e-6, 1 - 1e-9, 1 - 1e-12]])


@dataclass(frozen=True)
class Case:
    """A density of s up to a constant, its distribution function, and where the search starts."""

    log_density: Callable[[Array], Array]
    cdf: Callable[[Array], Array]
    guess: float


def root_inverse_gamma(freedom: float, squares: float, guess: float) -> Case:
    """What the marginal of σ is under conjugacy: σ² inverse gamma."""
    exact = stats.invgamma(freedom / 2, scale=squares / 2)
    return Case(lambda s: -(freedom + 1) * np.log(s) - 0.5 * squares / s**2, lambda s: exact.cdf(s**2), guess)


def lognormal(mean: float, sd: float, guess: float) -> Case:
    exact = stats.lognorm(sd, scale=np.exp(mean))
    return Case(exact.logpdf, exact.cdf, guess)


def mixture(parts: list[tuple[float, float, float]], guess: float) -> Case:
    """Lognormals (share, mean, sd), told apart by their places: a wide bump with a narrow one beside it."""
    shares = [share for share, _, _ in parts]
    exact = [stats.lognorm(sd, scale=np.exp(mean)) for _, mean, sd in parts]

    def cdf(s: Array) -> Array:
        return sum(share * d.cdf(s) for share, d in zip(shares, exact, strict=True))

    def log_density(s: Array) -> Array:
        logs = [np.log(share) + d.logpdf(s) for share, d in zip(shares, exact, strict=True)]
        return np.logaddexp.reduce(logs, axis=0)

    return Case(log_density, cdf, guess)


CASES = {
    "inverse-gamma": root_inverse_gamma(40, 40 * 1.7**2, 1.7),
    "few-degrees-of-freedom": root_inverse_gamma(1, 3.0, 1.0),
    "half-a-degree-of-freedom": root_inverse_gamma(0.5, 3.0, 1.0),
    "a-million-rows": root_inverse_gamma(1e6, 1e6 * 4.0, 2.0),
    "a-million-rows-guess-off": root_inverse_gamma(1e6, 1e6, 3.0),
    "guess-far-below": root_inverse_gamma(30, 30.0, 1e-9),
    "guess-far-above": root_inverse_gamma(30, 30.0, 1e9),
    "tiny-units": root_inverse_gamma(30, 30 * 1e-120**2, 1e-120),
    "huge-units": root_inverse_gamma(30, 30 * 1e120**2, 1e120),
    "lognormal": lognormal(0.3, 0.8, 1.0),
    "lognormal-wide": lognormal(-2.0, 9.0, 1.0),
    "lognormal-shifted": lognormal(60.0, 0.5, 1.0),
    "lognormal-narrow-shifted": lognormal(25.0, 1e-4, 1.0),
    "two-modes": mixture([(0.3, -2.0, 0.3), (0.7, 2.0, 0.5)], 1.0),
    "spike-in-a-wide-bump": mixture([(0.5, 0.0, 1.0), (0.5, 0.5, 0.2)], 1.0),
}


@pytest.fixture(params=list(CASES), scope="module")
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture(scope="module")
def scale(case: Case) -> InverseScale:
    return InverseScale(case.log_density, case.guess)


def test_quantiles_invert_the_distribution_function(scale: InverseScale) -> None:
    assert np.abs(scale.cdf(scale.quantile(U)) - U).max() <= 1e-10


def test_distribution_function_is_exact(case: Case, scale: InverseScale) -> None:
    s = scale.quantile(U)
    assert np.abs(scale.cdf(s) - case.cdf(s)).max() <= 1e-10


def test_quantiles_are_ordered_and_positive(scale: InverseScale) -> None:
    s = scale.quantile(U)
    assert s[0] > 0
    assert (np.diff(s) >= 0).all()


def test_ends_of_the_unit_interval_have_finite_quantiles(scale: InverseScale) -> None:
    # Generators return 0 now and then, and never 1; the largest double below 1 is what they can return.
    s = scale.quantile(np.array([0.0, 0.5, 1 - 2.0**-53]))
    assert (np.diff(s) > 0).all()
    assert s[0] > 0
    assert np.isfinite(s[2])


def test_nothing_lies_outside_the_support() -> None:
    scale = InverseScale(CASES["lognormal"].log_density, 1.0)
    np.testing.assert_allclose(scale.cdf(np.array([1e-300, 1e300])), [0.0, 1.0], rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    "log_density",
    [
        pytest.param(lambda s: 0.0 * s, id="flat"),
        pytest.param(lambda s: -np.log(s), id="flat in log s"),
        pytest.param(lambda s: -np.log(s) - s, id="piles up at zero"),
        pytest.param(lambda s: -np.log(np.hypot(1.0, s)), id="no integral at infinity"),
    ],
)
def test_improper_densities_are_refused(log_density: Callable[[Array], Array]) -> None:
    with pytest.raises(FitError, match="does not fall off"):
        InverseScale(log_density, 1.0)


def test_wrong_degrees_of_freedom_are_seen() -> None:
    # The comparison above must fail for a neighbour of the right answer.
    s = InverseScale(CASES["inverse-gamma"].log_density, 1.0).quantile(U)
    wrong = stats.invgamma(39 / 2, scale=40 * 1.7**2 / 2)
    assert np.abs(wrong.cdf(s**2) - U).max() > 1e-3
