"""The regularised horseshoe: its density by hand, and one fit of data whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from bayesreg.diagnostics import Verdict
from bayesreg.discard.horseshoe import HorseshoeFit, horseshoe
from bayesreg.discard.horseshoe_prior import shape_of
from bayesreg.errors import ParameterError
from bayesreg.graph import model_of
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.samplers.reduced_model import build_lean_model

TRUTH = np.array([2.0, -1.2, 0, 0, 0, 0, 0, 0])


def data(n: int = 80) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    X = rng.normal(size=(n, TRUTH.size))
    return X, 0.5 + X @ TRUTH + rng.normal(size=n)


def problem(**options: Any) -> Problem:
    return Problem.from_arrays(*data(), **{"prior": Laplace(1.0)} | options)


# -- the density -------------------------------------------------------------------------------------------------------


def by_hand(case: Problem, x: dict[str, Array], p0: float, s: float, nu: float) -> float:
    """log p(y, θ, σ, ...) of the page's formulas, Jacobians of the positive unknowns' logs not counted."""
    p = case.p
    sigma = float(x["sigma"]) if "sigma" in x else float(case.likelihood.sigma_known or 1.0)
    tau0 = p0 / (p - p0) / np.sqrt(case.n) * (sigma if "sigma" in x else x["noise"])
    tau, lam, c2 = tau0 * x["tau_unit"], x["local_unit"], s**2 * x["slab_unit"]
    local = np.sqrt(c2 * lam**2 / (c2 + tau**2 * lam**2))
    beta = x["z"] * tau * local
    block = case.design.rows.collect()
    eta = float(x["intercept"]) + block.X @ beta
    likelihood = (
        stats.norm(eta, sigma).logpdf(block.y).sum()
        if case.likelihood.quadratic
        else np.where(block.y == 1, special.log_expit(eta), special.log_expit(-eta)).sum()
    )
    return float(
        likelihood + stats.norm.logpdf(x["z"]).sum() + stats.halfcauchy.logpdf(lam).sum()
        + stats.halfcauchy.logpdf(x["tau_unit"]) + stats.invgamma(nu / 2, scale=nu / 2).logpdf(x["slab_unit"])
        - (np.log(sigma) if "sigma" in x else 0.0)
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["unknown", "known", "logit"])
def test_the_density_is_that_of_the_page(kind: str) -> None:
    X, y = data()
    if kind == "logit":
        case = Problem.from_arrays(X, (y > 0.5).astype(float), prior=Laplace(1.0), likelihood=BernoulliLogit())
    else:
        case = problem(likelihood=GaussianNoise(1.1)) if kind == "known" else problem()
    shape = shape_of(case, 2.0, 3.0, 5.0)
    rng = np.random.default_rng(0)
    point: dict[str, Array] = {
        "intercept": np.asarray(0.3), "z": rng.normal(size=8), "local_unit": rng.gamma(2, size=8),
        "tau_unit": np.asarray(0.7), "slab_unit": np.asarray(1.4),
    }  # fmt: skip
    if kind == "unknown":
        point["sigma"] = np.asarray(1.3)
    positive = {"local_unit", "tau_unit", "slab_unit", "sigma"}
    values = {f"{name}_log__" if name in positive else name: np.log(v) if name in positive else v
              for name, v in point.items()}  # fmt: skip
    mode = fit_penalized(case)
    p = special.expit(mode.intercept + case.design.rows.collect().X @ mode.beta)
    noise = np.asarray({"unknown": 1.0, "known": 1.1, "logit": 1 / np.sqrt((p * (1 - p)).mean())}[kind])
    expected = by_hand(case, point | {"noise": noise}, 2.0, 3.0, 5.0)
    for build in (model_of, build_lean_model):
        model = build(case, shape.unknowns)
        found = model.compile_logp(jacobian=False, mode="FAST_COMPILE")(values)
        assert float(found) == pytest.approx(expected, rel=1e-9)
    wrong = by_hand(case, point | {"noise": noise}, 2.2, 3.0, 5.0)  # p₀ off by a tenth
    assert abs(wrong - expected) > 1e-3


def test_what_it_keeps_is_one_without_shrinkage_and_none_without_signal() -> None:
    shape = shape_of(problem(likelihood=GaussianNoise(2.0)), None, None, 4.0)
    tau, local = np.array([[0.5]]), np.array([[[0.0, 1.0, 1e9]]])
    kept = shape.kept({"tau": tau, "local": local})[0, 0]
    np.testing.assert_allclose(kept, [0.0, 1 - 1 / (1 + 80 / 4 * 0.25), 1.0])
    assert shape.expected == 2.0
    assert shape.tau0 == pytest.approx(2 / 6 * 2.0 / np.sqrt(80))


# -- one fit -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> HorseshoeFit:
    return horseshoe(problem())


def test_large_effects_are_left_alone_and_the_others_shrunk(fitted: HorseshoeFit) -> None:
    assert fitted.withheld == ""
    X, y = data()
    A = np.column_stack([np.ones(80), X])
    least = np.linalg.lstsq(A, y)[0][1:]
    raw = fitted.table["mean_raw"].to_numpy()
    np.testing.assert_allclose(raw[:2], least[:2], atol=0.1)
    assert (np.abs(raw[2:]) < np.abs(least[2:])).all()
    lasso = fit_penalized(problem(prior=Laplace(0.1))).beta_raw  # a lasso as strict on the zeros
    assert (np.abs(least[:2] - lasso[:2]) > 2 * np.abs(least[:2] - raw[:2])).all()
    inside = (fitted.table["lower_raw"] <= TRUTH) & (fitted.table["upper_raw"] >= TRUTH)
    assert inside.sum() >= 7  # two of eight 95 % intervals that miss, and more, have probability 0.06
    assert (fitted.table["kept"][:2] > 0.9).all()
    assert fitted.table["kept"][2:].mean() < 0.5
    assert 2 <= fitted.effective <= 5
    sure = [name for name, row in fitted.table.iterrows() if row["lower"] > 0 or row["upper"] < 0]
    assert sure[:2] == ["x0", "x1"]
    assert f"{len(sure)} of the 95 % intervals exclude zero: {', '.join(map(str, sure))}" in fitted.sentence


def test_the_table_is_of_the_draws(fitted: HorseshoeFit) -> None:
    beta = fitted.draws["beta"]
    assert beta.shape == (4, 1000, 8)
    np.testing.assert_allclose(fitted.table["mean"], beta.mean(axis=(0, 1)))
    np.testing.assert_allclose(
        fitted.table["p_small"], (np.abs(beta) <= fitted.table["epsilon"].to_numpy()).mean((0, 1))
    )
    np.testing.assert_allclose(fitted.table["mean_raw"] * data()[0].std(axis=0), fitted.table["mean"])
    assert (fitted.table["p_small_mcse"] > 0).all()


def test_a_fit_that_failed_is_withheld(fitted: HorseshoeFit) -> None:
    verdict = Verdict(("3 divergent transitions",), 1.0, 900.0, 900.0, 3, 0.0, "tau")
    failed = replace(fitted, verdict=verdict)
    assert str(failed).startswith("regularised horseshoe: WITHHELD: 3 divergent transitions")
    assert "\n" not in str(failed)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"expected_nonzero": 8}, "expected_nonzero must lie between 0 and the 8 columns"),
        ({"expected_nonzero": -1}, "expected_nonzero must be"),
        ({"slab_scale": 0}, "slab_scale must be"),
        ({"slab_df": np.nan}, "slab_df must be"),
        ({"target_accept": 1.0}, "target_accept must be a number between 0 and 1"),
        ({"draws": 0}, "draws must be an integer"),
        ({"epsilon": -1.0}, "epsilon must be"),
    ],
)
def test_settings_are_read_before_anything_compiles(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        horseshoe(problem(), **options)
    bare = Problem.from_arrays(np.empty((10, 0)), np.arange(10.0), prior=Gaussian(1.0))
    with pytest.raises(ParameterError, match="no column"):
        horseshoe(bare)
