"""Every sampler against every other on problems that they share: means, sds, and 5, 50 and 95 % quantiles."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import pytest

from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers import LADDER, prepare, sample
from tests.monte_carlo import check_summaries, columns
from tests.statistical.conftest import lasso, logistic, ridge

MAKE: dict[str, Callable[[float], Problem]] = {
    "ridge": lambda factor: ridge(0.7 * factor),
    "lasso": lambda factor: lasso(0.4 * factor),
    "logistic": lambda factor: logistic(0.8 * factor),
}

NAMES = {"ridge": ("intercept", "beta", "sigma"), "lasso": ("beta",), "logistic": ("beta",)}

SAMPLERS = {
    "ridge": ("conjugate", "gibbs", "nuts", "pymc"),
    "lasso": ("gibbs", "hmc", "nuts"),
    "logistic": ("surrogate", "hmc", "nuts"),
}

COMPILED = {("ridge", "pymc"): "reference_ridge", **{(name, "nuts"): f"nuts_{name}" for name in MAKE}}
"""Runs that the session shares."""

PAIRS = [(name, *pair) for name, methods in SAMPLERS.items() for pair in combinations(methods, 2)]


@cache
def drawn(name: str, method: str, factor: float = 1.0) -> Array:
    """Draws under a prior scale that is off by `factor`; 40,000, as cheap as they are here."""
    return columns(sample(MAKE[name](factor), method, draws=10_000, seed=6), *NAMES[name])


def posterior(name: str, method: str, request: pytest.FixtureRequest) -> Array:
    fixture = COMPILED.get((name, method))
    return drawn(name, method) if fixture is None else columns(request.getfixturevalue(fixture), *NAMES[name])


@pytest.mark.parametrize(("name", "one", "other"), PAIRS)
def test_two_samplers_agree(name: str, one: str, other: str, request: pytest.FixtureRequest) -> None:
    check_summaries(posterior(name, one, request), posterior(name, other, request))


@pytest.mark.parametrize("factor", [0.9, 1.1])
@pytest.mark.parametrize(
    ("name", "method"), [(name, method) for name in SAMPLERS for method in SAMPLERS[name] if method != "nuts"]
)
def test_a_scale_that_is_off_is_seen_from_each(
    name: str, method: str, factor: float, request: pytest.FixtureRequest
) -> None:
    """Against NUTS: a sampler that runs under a scale 10 % off is told apart."""
    if (name, method) in COMPILED:
        other = next(m for m in SAMPLERS[name] if (name, m) not in COMPILED)
        pair = posterior(name, method, request), drawn(name, other, factor)
    else:
        pair = posterior(name, "nuts", request), drawn(name, method, factor)
    with pytest.raises(AssertionError, match="z ="):
        check_summaries(*pair)


def test_no_sampler_of_the_ladder_is_left_out() -> None:
    assert set(LADDER) == {method for methods in SAMPLERS.values() for method in methods} - {"pymc"}
    for name, make in MAKE.items():
        assert prepare(make(1.0)).method == SAMPLERS[name][0]
