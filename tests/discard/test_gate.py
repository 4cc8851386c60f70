"""Which point estimate draws are held against, and whether anything may be said of them."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.errors import ParameterError
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from bayesreg.samplers import Posterior, sample
from bayesreg.scales import HalfCauchy


def test_draws_that_failed_say_why(diabetes: Posterior, failed: Posterior) -> None:
    assert withheld_by(diabetes) == ""
    assert "ESS" in withheld_by(failed)


def test_the_point_is_the_given_one_or_the_penalised_fit(diabetes: Posterior) -> None:
    own = fit_penalized(diabetes.problem, sigma=50.0)
    assert point_of(diabetes, own, "x") is own
    np.testing.assert_array_equal(point_of(diabetes, None, "x").beta, fit_penalized(diabetes.problem).beta)


def test_where_the_scale_has_a_prior_the_fit_is_at_its_median() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    problem = Problem.from_arrays(X, X[:, 0] + rng.normal(size=40), prior=Laplace(HalfCauchy(1.0)))
    posterior = sample(problem)
    median = float(np.median(posterior.draws("beta_scale")))
    expected = fit_penalized(problem.with_prior(Laplace(median))).beta
    np.testing.assert_array_equal(point_of(posterior, None, "x").beta, expected)


def test_a_point_of_other_columns_is_refused(diabetes: Posterior) -> None:
    rng = np.random.default_rng(0)
    other = fit_penalized(Problem.from_arrays(rng.normal(size=(20, 2)), rng.normal(size=20), prior=Laplace(1.0)))
    with pytest.raises(ParameterError, match="columns"):
        point_of(diabetes, other, "function")
    with pytest.raises(ParameterError, match="optimum must be an Optimum"):
        point_of(diabetes, diabetes.beta, "function")  # type: ignore[arg-type]
    with pytest.raises(ParameterError, match=r"function takes a Posterior \(got ndarray\)"):
        require_posterior(diabetes.beta, "function")
