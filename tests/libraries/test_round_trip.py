"""The law of the table: from a prior to a library's numbers and back is the identity, for every row."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Prior
from bayesreg.libraries import from_prior, intercept_prior, to_prior
from bayesreg.libraries.objective import LibraryObjective, table
from bayesreg.priors import ElasticNet, Flat, Gaussian, GroupLaplace, Laplace

ROWS = {name: row for name, row in table().items() if not row.none}
P, TASKS = 4, 3

sizes = st.floats(1e-6, 1e6)
facts = st.fixed_dictionaries(
    {"n": st.integers(2, 10**7), "sigma": sizes, "dispersion": sizes, "noise_scale": sizes, "sd_y": sizes,
     "rms_y": sizes, "working_weights": sizes}
)  # fmt: skip


def expressible(row: LibraryObjective, scale: float, share: float, known: dict[str, float]) -> list[Prior]:
    """Priors that a row can express: one for each form it has."""
    if row.form == "group":
        return [GroupLaplace(np.repeat(np.arange(P), TASKS), scale)]
    both = row.ratio or row.l1
    priors: list[Prior] = []
    if both or row.only == "l1":
        priors.append(Laplace(scale))
    if both or row.only == "l2":
        priors.append(Gaussian(scale))
    if row.l1:
        priors.append(ElasticNet(1 / scale, share / scale))
    elif both:  # 1 − ratio loses digits where one part is next to nothing, so the mix is chosen on the library's side
        kind = {row.chooser: "elasticnet"} if row.chooser else {}
        priors.append(to_prior(row.name, **{row.strength: scale, row.ratio: share}, **kind, **known))
    if row.power >= -1 and not row.name.startswith(("scipy", "pymc")):
        priors.append(Flat())
    if row.by_column or row.factors:
        columns = scale * np.array([1.0, 0.25, 3.0, 10.0])
        priors.append(Gaussian(columns) if row.only == "l2" else Laplace(columns))
    return priors


def parameters(prior: Prior) -> list[Any]:
    names = [f.name for f in fields(prior) if f.init]
    return [getattr(prior, name) for name in names]


def same(a: Prior, b: Prior, rtol: float = 1e-12) -> bool:
    """Whether two priors are of one kind with the same parameters."""
    if type(a) is not type(b):
        return False
    return all(
        x == y if isinstance(x, tuple) else np.allclose(x, y, rtol=rtol, atol=0)
        for x, y in zip(parameters(a), parameters(b), strict=True)
    )


@pytest.mark.parametrize("name", ROWS)
@settings(max_examples=8)
@given(known=facts, scale=st.floats(1e-4, 1e4), share=st.floats(0.05, 0.95))
def test_there_and_back(name: str, known: dict[str, float], scale: float, share: float) -> None:
    row = ROWS[name]
    known = {key: value for key, value in known.items() if key not in row.parameters}  # pymc.Normal's own sigma
    for prior in expressible(row, scale, share, known):
        numbers = from_prior(name, prior, **known)
        back = to_prior(name, **numbers, **known, tasks=TASKS, p=P)
        assert same(back, prior), (numbers, back, prior)
        if not isinstance(prior, Flat):
            assert not same(to_prior(name, **weaker(row, numbers), **known, tasks=TASKS, p=P), prior)


def weaker(row: LibraryObjective, numbers: dict[str, Any]) -> dict[str, Any]:
    """The numbers with every strength 10 % off."""
    strengths = {row.strength, row.l1, row.l2}
    return {key: 1.1 * value if key in strengths else value for key, value in numbers.items()}


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.option is not None])
def test_options_turn_the_standardisation_off_and_on(name: str) -> None:
    row = ROWS[name]
    assert row.option is not None
    known = {"n": 50, "sigma": 1.3, "dispersion": 0.7, "sd_y": 2.0, "rms_y": 2.5}
    sd = np.array([0.5, 2.0, 7.0])
    for value in (True, False):
        numbers = from_prior(name, Gaussian(0.3), **known, **{row.option[0]: value})
        assert numbers[row.option[0]] is value
        assert same(to_prior(name, **numbers, **known), Gaussian(0.3))
        given_columns = to_prior(name, **numbers, **known, columns="given", sd=sd)
        assert same(given_columns, Gaussian(0.3 / sd) if value else Gaussian(0.3))
        standardised = to_prior(name, **numbers, **known, columns="standardized", sd=sd)
        assert same(standardised, Gaussian(0.3) if value else Gaussian(0.3 * sd))
        assert same(
            to_prior(name, **from_prior(name, Gaussian(0.3), **known, **{row.option[0]: value}, columns="given",
                                        sd=np.full(3, 2.0)), **known, columns="given", sd=np.full(3, 2.0)),
            Gaussian(np.full(3, 0.3)) if value else Gaussian(0.3),
        )  # fmt: skip


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.intercept == "penalised"])
def test_a_penalised_intercept_has_the_coefficients_prior(name: str) -> None:
    row = ROWS[name]
    known = {"n": 50, "sigma": 1.3, "dispersion": 0.7, "noise_scale": 0.9}
    prior = Laplace(0.4) if row.only == "l1" or row.ratio or row.l1 else Gaussian(0.4)
    numbers = from_prior(name, prior, **known)
    assert same(intercept_prior(name, **numbers, **known), prior)
    if row.by:
        by = {row.by: 10.0}
        assert same(intercept_prior(name, **numbers, **by, **known), type(prior)(4.0))


def test_a_free_intercept_is_flat_and_none_is_none() -> None:
    assert isinstance(intercept_prior("sklearn.Lasso", alpha=0.1, n=10, sigma=1.0), Flat)
    assert intercept_prior("celer.LogisticRegression", C=1.0) is None


def test_earlier_versions() -> None:
    old, new = {"version": "1.0"}, {"version": "1.9"}
    known = {"n": 100, "sigma": 1.0}
    assert same(to_prior("sklearn.LassoLars", alpha=1.0, **known, **new), Laplace(0.01))
    assert same(to_prior("sklearn.LassoLars", alpha=1.0, **known, **old), Laplace(0.001))  # ‖x‖ = √n·sd
    assert same(to_prior("sklearn.LassoLars", alpha=1.0, **known, version="1.3"), Laplace(0.01))
    assert same(to_prior("sklearn.Ridge", alpha=1.0, normalize=True, **known, **old), Gaussian(0.1))
    with pytest.raises(ParameterError, match="no parameter 'normalize'"):
        to_prior("sklearn.Ridge", alpha=1.0, normalize=True, **known, **new)
    assert from_prior("sklearn.LogisticRegression", Laplace(2.0), version="1.7") == {
        "C": 2.0, "penalty": "l1", "l1_ratio": 1.0,
    }  # fmt: skip
    assert from_prior("sklearn.LogisticRegression", Laplace(2.0), version="1.8") == {"C": 2.0, "l1_ratio": 1.0}
    assert same(to_prior("sklearn.LogisticRegression", C=2.0, penalty="l1", **new), Laplace(2.0))
    assert isinstance(to_prior("sklearn.LogisticRegression", C=2.0, penalty=None), Flat)
    with pytest.raises(ParameterError, match="version"):
        to_prior("sklearn.Ridge", alpha=1.0, sigma=1.0, version=1.9)
