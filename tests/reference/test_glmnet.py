"""R's glmnet at its tightest: the same optimum at the matched λ, on real data.

Its objective is nll/n + λ‖β‖₁ or λ/2‖β‖², on columns with population sd 1; Gaussian nll without σ, and the λ of a
Gaussian ridge divided by sd(y).  So b = σ²/(nλ) and τ² = σ²·sd(y)/(nλ), at any σ: the match is conditional on it, and
σ = 1.7 here shows that it drops out.
"""

import contextlib
import json

import numpy as np
import pandas as pd
import pytest

from bayesreg.errors import DataWarning
from bayesreg.libraries import to_prior
from bayesreg.likelihoods import BernoulliLogit, GaussianNoise, PoissonLog
from bayesreg.optimality import certify
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.problem import Problem

pytestmark = pytest.mark.reference

SIGMA = 1.7
RESPONSES = {
    "prostate_esl_all97": "lpsa",
    "diabetes": "y",
    "longley": "Employed",
    "riboflavin": "y",
    "saheart": "chd",
    "breast_cancer": "target",
    "wells": "switch",
    "quine": "Days",
    "colon_log": "y",
}
SMALL = ["prostate_esl_all97", "diabetes", "longley", "pima_tr", "saheart", "breast_cancer", "wells", "quine"]
LIKELIHOODS = {"gaussian": GaussianNoise(SIGMA), "binomial": BernoulliLogit(), "poisson": PoissonLog()}
WIDE = ["riboflavin", "colon_log"]


def fits_of(shared, name):
    answers = json.loads((shared / "reference" / "glmnet_map.json").read_text(encoding="utf-8"))
    return [fit for fit in answers["fits"] if fit["id"] == name]


def columns_and_response(shared, fit):
    frame = pd.read_csv(shared / "data" / fit["data"])
    if fit["id"] == "pima_tr":
        return frame.drop(columns="type"), (frame["type"] == "Yes").to_numpy(float)
    if fit["id"] == "saheart":
        frame["famhist"] = (frame["famhist"] == "Present").astype(float)
    if fit["id"] == "quine":
        frame = pd.get_dummies(frame, drop_first=True, prefix_sep="", dtype=float)
    y = frame.pop(RESPONSES[fit["id"]]).to_numpy(float)
    if fit["id"] == "colon_log":
        frame = np.log(frame)
    return (frame[fit["names"]] if "names" in fit else frame), y


def problem_of(shared, fit):
    X, y = columns_and_response(shared, fit)
    assert X.shape == (fit["n"], fit["p"])
    gaussian = fit["family"] == "gaussian"
    given = {
        "lambda": fit["lambda_passed_to_glmnet"],
        "alpha": 1.0 if fit["penalty"] == "lasso" else 0.0,
        "n": fit["n"],
    }
    facts = {"sigma": SIGMA, "sd_y": y.std()} if gaussian else {}
    prior = to_prior("glmnet" if gaussian else f"glmnet:{fit['family']}", **given, **facts)
    # Of the 2000 genes of colon_log some are copies of each other.
    copied = fit["id"] == "colon_log"
    with pytest.warns(DataWarning, match="identical up to sign") if copied else contextlib.nullcontext():
        return Problem.from_arrays(X, y, prior=prior, likelihood=LIKELIHOODS[fit["family"]])


def objective_mean(problem, fit, intercept, beta):
    """Glmnet's own objective at a point."""
    block = problem.design.rows.collect()
    eta = block.X @ beta + intercept
    if fit["family"] == "gaussian":
        loss = np.mean((block.y - eta) ** 2) / 2
    elif fit["family"] == "poisson":
        loss = np.mean(np.exp(eta) - block.y * eta)
    else:
        loss = np.mean(np.logaddexp(0, eta) - block.y * eta)
    penalty = np.abs(beta).sum() if fit["penalty"] == "lasso" else beta @ beta / 2
    return loss + fit["lambda"] * penalty


def coefficients(fit):
    if "coef" in fit:
        return np.array(fit["coef"])
    beta = np.zeros(fit["p"])
    beta[fit["nonzero_index_0based"]] = fit["nonzero_coef"]
    return beta


@pytest.mark.parametrize("name", SMALL)
def test_same_optimum(shared, name):
    answers = fits_of(shared, name)
    assert len(answers) == 6
    for answer in answers:
        problem = problem_of(shared, answer)
        fit = fit_penalized(problem)
        theirs = coefficients(answer)
        assert fit.outcome is Outcome.CERTIFIED
        # λ is stored to six digits, so 1e-6 relative is what the coefficients can agree to.
        np.testing.assert_allclose(fit.beta, theirs, rtol=2e-6, atol=1e-6 * np.abs(theirs).max())
        assert fit.intercept == pytest.approx(answer["intercept"], rel=1e-6)
        assert (~fit.zeros).sum() == (theirs != 0).sum() == answer["n_nonzero"]
        ours = objective_mean(problem, answer, fit.intercept, fit.beta)
        assert ours == pytest.approx(answer["objective_mean"], rel=1e-9)
        assert ours <= objective_mean(problem, answer, answer["intercept"], theirs) + 1e-14 * abs(ours)


@pytest.mark.parametrize("name", WIDE)
def test_same_optimum_with_thousands_of_columns(shared, name):
    answer = fits_of(shared, name)[1]
    problem = problem_of(shared, answer)
    fit = fit_penalized(problem)
    theirs = coefficients(answer)
    assert fit.outcome is Outcome.CERTIFIED
    np.testing.assert_array_equal(np.flatnonzero(~fit.zeros), np.flatnonzero(theirs))
    np.testing.assert_allclose(fit.beta, theirs, atol=1e-5)
    ours = objective_mean(problem, answer, fit.intercept, fit.beta)
    assert ours == pytest.approx(answer["objective_mean"], rel=1e-9)


@pytest.mark.parametrize("name", SMALL)
def test_a_scale_ten_per_cent_off_is_seen(shared, name):
    # The negative control: glmnet's answer is then no optimum of ours.
    for answer in fits_of(shared, name):
        problem = problem_of(shared, answer)
        wrong = problem.with_prior(type(problem.prior)(problem.prior.scale * 1.1))
        theta = problem.join(answer["intercept"], coefficients(answer))
        assert certify(wrong, theta).outcome is Outcome.NOT_CERTIFIED
        fit = fit_penalized(wrong)
        assert np.abs(fit.beta - coefficients(answer)).max() > 1e-4 * np.abs(fit.beta).max()
