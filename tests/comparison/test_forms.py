"""Problems of every form go through: no column, one column, many, awkward names, each way to choose σ."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from bayesreg.comparison import Comparison, compare
from bayesreg.errors import DataWarning
from bayesreg.interfaces import Array
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise
from bayesreg.optimum import Outcome
from bayesreg.priors import Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfNormal
from tests.comparison.examples import around_the_mode, data, ridge
from tests.fakes import replace_samplers
from tests.markup import read


def refuse(token: str) -> None:
    msg = f"{token} is not JSON"
    raise AssertionError(msg)


def strict_json(c: Comparison) -> dict[str, Any]:
    """Parse as a strict reader does: NaN and Infinity are no JSON."""
    return json.loads(c.to_json(), parse_constant=refuse)


def check_whole(c: Comparison) -> None:
    """Every form of output can be had and holds every column."""
    told = strict_json(c)
    assert [row["column"] for row in told["coefficients"]] == list(c.problem.names)
    assert c.summary() == str(c)
    read(c._repr_html_())
    assert np.isfinite(c.map.objective)


def test_no_column_at_all() -> None:
    y = data()[1]
    c = compare(Problem.from_arrays(np.empty((40, 0)), y, prior=Gaussian(1.0)), draws=500)
    check_whole(c)
    assert c.passed
    assert c.coefficients.shape == (0, 39)
    assert c.map.intercept == pytest.approx(y.mean())
    assert c.penalized.intercept == pytest.approx(y.mean())
    assert c.posterior.beta.shape == (4, 500, 0)
    assert "no coefficients" in c.summary()


@pytest.mark.parametrize("intercept", [None, Gaussian(2.0)])
def test_one_column(intercept: Gaussian | None) -> None:
    X, y = data(p=1)
    c = compare(Problem.from_arrays(X, y, prior=Gaussian(1.0), intercept=intercept), draws=500)
    check_whole(c)
    assert c.passed
    assert ("intercept" in c.posterior.arrays) is (intercept is not None)


def test_neither_column_nor_intercept() -> None:
    y = data()[1]
    problem = Problem.from_arrays(np.empty((40, 0)), y, prior=Gaussian(1.0), intercept=None)
    c = compare(problem, draws=500)
    check_whole(c)
    sigma = c.posterior.draws("sigma")
    assert stats.kstest(sigma.ravel() ** 2, stats.invgamma(20, scale=(y**2).sum() / 2).cdf).pvalue > 1e-4


def test_more_columns_than_rows() -> None:
    X, y = data(8, 12)
    problem = Problem.from_arrays(X, y, prior=Gaussian(0.3), likelihood=GaussianNoise(HalfNormal(1.0)))
    c = compare(problem, draws=500)
    check_whole(c)
    assert c.passed
    assert "cross-validated lasso" in c.map.sigma_method


def test_many_columns_are_counted_and_kept_in_the_table() -> None:
    X, y = data(60, 45)
    c = compare(Problem.from_arrays(X, y, prior=Gaussian(0.3)), draws=500)
    assert "... and 5 more, in .coefficients" in c.summary()
    page = read(c._repr_html_())
    assert "... and 33 more of 45, in .coefficients" in page.text
    assert "... and 5 more, in .coefficients" in page.text
    assert [len(table) for table in page.tables[:3:2]] == [13, 41]
    assert len(c.coefficients) == len(strict_json(c)["coefficients"]) == 45


def test_constant_columns_are_noted() -> None:
    X, y = data()
    X[:, 1] = 4.0
    with pytest.warns(DataWarning, match="constant"):
        problem = Problem.from_arrays(X, y, prior=Gaussian(0.3))
    c = compare(problem, draws=500)
    check_whole(c)
    assert any("'x1' is constant" in remark for remark in c.remarks)
    assert "'x1' is constant" in c.summary()


def test_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    replace_samplers(monkeypatch, around_the_mode)
    X, y = data()
    problem = Problem.from_arrays(X, (y > 3).astype(float), prior=Laplace(0.3), likelihood=BernoulliLogit())
    c = compare(problem, draws=600)
    check_whole(c)
    assert c.passed
    assert c.map.sigma is None
    assert strict_json(c)["map"]["sigma"] is None
    np.testing.assert_allclose(c.coefficients["epsilon"], 0.1 * np.pi / np.sqrt(3))
    assert not c.ledger["quantity"].str.startswith("σ").any()


# -- names -----------------------------------------------------------------------------------------------------------

AWKWARD = ("sigma", "intercept", "beta[0]", "a b", "<b>&\"x'", "Größe ∑ 数", "", "%s {0}", "y")


@pytest.fixture(scope="module")
def awkward() -> Comparison:
    X, y = data(40, len(AWKWARD))
    problem = Problem.from_arrays(X, y, prior=Gaussian(0.3), names=AWKWARD)
    return compare(problem, draws=300, remarks=("<script>alert(1)</script>",))


def test_any_name_will_do(awkward: Comparison) -> None:
    c = awkward
    check_whole(c)
    assert c.passed
    assert c.coefficients.index.tolist() == list(AWKWARD)
    group = c.posterior.data["posterior"]
    assert group["feature"].values.tolist() == list(AWKWARD)
    # The noise scale is the variable; the column of that name is a coordinate.
    assert group["sigma"].dims == ("chain", "draw")
    np.testing.assert_array_equal(group["beta"].sel(feature="sigma"), c.posterior.beta[..., 0])


def test_names_are_escaped_in_html(awkward: Comparison) -> None:
    html = awkward._repr_html_()
    assert [row[0] for row in read(html).tables[0][1:]] == list(AWKWARD)
    assert "<b>&\"x'" not in html
    assert "&lt;b&gt;&amp;&quot;x&#x27;" in html
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_remarks_are_kept_in_order() -> None:
    c = compare(ridge(), draws=300, remarks=("first", "second"))
    assert c.remarks == ("first", "second")
    assert c.summary().index("first") < c.summary().index("second")
    assert strict_json(c)["remarks"] == ["first", "second"]


# -- σ at which the two optima are matched -----------------------------------------------------------------------------


def penalised_at(sigma: float) -> Array:
    """Ridge coefficients at a noise scale, by the textbook."""
    X, y = data()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.linalg.solve(Z.T @ Z + sigma**2 / 0.3**2 * np.eye(3), Z.T @ (y - y.mean()))


def test_sigma_given() -> None:
    sigma = 0.5
    c = compare(ridge(), sigma=sigma, draws=500)
    assert c.passed
    assert c.map.sigma == c.penalized.sigma == sigma
    np.testing.assert_allclose(c.map.beta, penalised_at(sigma), rtol=1e-9)
    assert f"conditional on σ = {sigma:g}, as given; the posterior integrates over σ" in c.summary()
    assert strict_json(c)["map"]["sigma_method"].endswith("as given")


@pytest.mark.parametrize(
    ("sigma", "words"), [("residual", "36 d.o.f."), ("cv_lasso", "cross-validated lasso"), (None, "36 d.o.f.")]
)
def test_sigma_estimated_is_named(sigma: str | None, words: str) -> None:
    c = compare(ridge(), sigma=sigma, draws=500)
    assert c.passed
    assert words in c.map.sigma_method
    assert "".join(c.map.sigma_method.split()) in "".join(c.summary().split())
    np.testing.assert_allclose(c.map.beta, penalised_at(c.map.sigma), rtol=1e-9)


def test_sigma_joint_is_the_joint_mode_and_says_so() -> None:
    c = compare(ridge(), sigma="joint", draws=500)
    assert c.passed
    assert "joint mode of the coefficients and σ" in c.summary()
    X, y = data()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)

    def negative_log_joint(v: Array) -> float:
        residual = y - v[0] - Z @ v[1:4]
        return 40 * v[4] + 0.5 * residual @ residual * np.exp(-2 * v[4]) + 0.5 * v[1:4] @ v[1:4] / 0.09 + v[4]

    best = optimize.minimize(negative_log_joint, np.append([y.mean()], np.zeros(4)), tol=1e-12)
    np.testing.assert_allclose(c.map.beta, best.x[1:4], atol=1e-6)
    assert c.map.sigma == pytest.approx(np.exp(best.x[4]), rel=1e-6)
    assert c.penalized.sigma == pytest.approx(c.map.sigma, rel=1e-8)
    # Not convex in (β, σ): stationary is all that can be proved, and all that is claimed.
    assert c.map.outcome in (Outcome.CERTIFIED, Outcome.STATIONARY)


def test_what_the_posterior_is_does_not_depend_on_the_plug_in() -> None:
    first, second = (compare(ridge(), sigma=sigma, draws=100) for sigma in (0.5, 2.0))
    np.testing.assert_array_equal(first.posterior.beta, second.posterior.beta)


def test_a_known_sigma_is_neither_estimated_nor_integrated() -> None:
    c = compare(ridge(likelihood=GaussianNoise(1.2)), draws=500)
    assert c.passed
    assert "σ = 1.2 is known" in c.summary()
    assert "integrates over" not in c.summary()
    np.testing.assert_allclose(c.map.beta, penalised_at(1.2), rtol=1e-9)


@pytest.mark.parametrize("sigma", ["joint", 1.1, None])
def test_a_prior_in_units_of_sigma(sigma: str | float | None) -> None:
    c = compare(ridge(scale_by_noise=True), sigma=sigma, draws=500)
    assert c.passed
    assert "the prior's scale is in units of σ" in c.summary()
    # τ = 0.3σ, so that the penalised fit is the same whatever σ is.
    X, y = data()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    np.testing.assert_allclose(c.map.beta, np.linalg.solve(Z.T @ Z + np.eye(3) / 0.09, Z.T @ (y - y.mean())), rtol=1e-7)
