"""A comparison of every family, under priors of every kind, is whole, says what it is, and survives being saved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bayesreg.comparison import Comparison, compare
from bayesreg.interfaces import Likelihood, Prior
from bayesreg.likelihoods import BernoulliLogit, GammaLog, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.optimum import Outcome
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from tests.comparison.examples import around_the_mode
from tests.fakes import replace_samplers

N = 60


def frame() -> pd.DataFrame:
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "dose": rng.normal(size=N),
            "age": rng.uniform(20, 60, size=N),
            "city": np.resize(["Bern", "Oslo", "Rome"], N),
            "visits": rng.uniform(0.5, 2.0, size=N),
            "tries": rng.integers(3, 9, size=N),
        }
    )
    eta = 0.4 + 0.5 * table["dose"] - 0.4 * (table["city"] == "Rome")
    table["count"] = rng.poisson(table["visits"] * np.exp(eta))
    table["cost"] = rng.gamma(3.0, np.exp(eta) / 3)
    table["score"] = eta + rng.standard_t(3, size=N)
    table["wins"] = rng.binomial(table["tries"], 1 / (1 + np.exp(-eta)))
    return table


MIXED = {"dose": Flat(), "city": GroupLaplace("terms", 0.3), "a*": Gaussian(0.5)}
CASES: dict[str, tuple[str, Likelihood, Prior | dict[str, Prior], dict[str, Any]]] = {
    "poisson, mixed priors": ("count", PoissonLog(), MIXED, {"exposure": "visits"}),
    "negative binomial, groups": ("count", NegativeBinomialLog(), GroupLaplace("terms", 0.3), {"exposure": "visits"}),
    "gamma, elastic net": ("cost", GammaLog(), ElasticNet(2.0, 3.0), {}),
    "student-t, lasso": ("score", StudentTNoise(4.0), Laplace(0.2), {}),
    "binomial, bridge": ("wins", BernoulliLogit(), Bridge(2.0, 0.5), {"trials": "tries"}),
}
SYMBOLS = {"alpha": "α", "sigma": "σ"}


@pytest.fixture(scope="module")
def compared() -> dict[str, Comparison]:
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        replace_samplers(patch, around_the_mode)
        for name, (y, likelihood, prior, options) in CASES.items():
            problem = Problem.from_formula(
                f"{y} ~ dose + age + city", frame(), likelihood=likelihood, prior=prior, **options
            )
            found[name] = compare(problem, draws=600)
    return found


@pytest.mark.parametrize("name", CASES)
def test_every_family_is_compared(compared: dict[str, Comparison], name: str) -> None:
    c = compared[name]
    assert c.passed
    expected = Outcome.CERTIFIED if c.problem.convex else Outcome.STATIONARY
    assert c.map.outcome is c.penalized.outcome is expected
    assert list(c.coefficients.index) == ["dose", "age", "city[T.Oslo]", "city[T.Rome]"]
    text = c.summary()
    assert ("duality gap" in text) == c.problem.convex
    assert ("descents" in text) == (not c.problem.convex)
    joint = c.problem.likelihood.dispersion is not None and c.problem.convex
    assert ("at this dispersion" in " ".join(text.split())) == joint
    dispersion = c.problem.likelihood.dispersion_name
    if dispersion is not None:
        assert dispersion in c.posterior.arrays
        assert {"sigma": "σ", "alpha": "log α"}[dispersion] in list(c.ledger["quantity"])
        assert f"the posterior integrates over {SYMBOLS[dispersion]}" in " ".join(text.split())
    assert c.sensitivity is None
    assert "None" not in c.to_json()


def test_the_penalty_is_told_as_a_formula(compared: dict[str, Comparison]) -> None:
    text = " ".join(compared["poisson, mixed priors"].summary().split())
    assert "λ_g‖β_g‖₂ over 1 groups" in text
    assert "λ Σβ²" in text
    assert "λ Σ|β|^0.5 with λ = 2" in " ".join(compared["binomial, bridge"].summary().split())


@pytest.mark.parametrize("name", CASES)
def test_every_family_survives_being_saved(compared: dict[str, Comparison], name: str, tmp_path: Path) -> None:
    written = compared[name]
    read = Comparison.load(written.save(tmp_path / "c"))
    assert read.to_json() == written.to_json()
    theta = np.linspace(-0.5, 0.5, len(written.problem.labels))
    sigma = None if written.problem.likelihood.dispersion is None else 1.3
    assert read.problem.neg_log_joint(theta, sigma) == written.problem.neg_log_joint(theta, sigma)
    new = frame().iloc[::-1].head(7)
    for kind in ("link", "response", "predictive"):
        for told, held in ((read.map, written.map), (read.posterior, written.posterior)):
            np.testing.assert_array_equal(
                told.predict(new, kind=kind, seed=3).draws, held.predict(new, kind=kind, seed=3).draws
            )
