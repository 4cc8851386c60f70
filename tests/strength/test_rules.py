"""What is chosen from a curve and said, and what is refused."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import KFold

from bayesreg.datasets import load_dataset
from bayesreg.errors import FitError, ParameterError
from bayesreg.likelihoods import GaussianNoise
from bayesreg.noise import resolve_noise
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Flat, Gaussian, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import HalfCauchy
from bayesreg.strength import choose_scale
from tests.markup import read
from tests.strength.oracle import SIGMA, data, lasso, problem_of, scaled, squared_errors

SCALES = np.geomspace(0.02, 3.0, 12)


# -- rules ---------------------------------------------------------------------------------------------------------


def test_one_standard_error_by_hand() -> None:
    X, y = data()
    problem = Problem.from_arrays(X, y, prior=Laplace(1.0), likelihood=GaussianNoise(SIGMA))
    # Folds of unequal size: their mean is by rows, and so is the scatter about it.
    ends = [0, 6, 20, 30, 48, 60]
    splits = [(np.delete(np.arange(60), np.arange(a, b)), np.arange(a, b)) for a, b in pairwise(ends)]
    errors, sizes = squared_errors(lambda s, n: scaled(lasso(s, n)), SCALES, X, y, splits)
    share = sizes / 60
    mean = share @ errors
    se = np.sqrt(share @ (errors - mean) ** 2 / (5 - 1))
    best = int(np.argmin(mean))
    within = SCALES[mean <= mean[best] + se[best]]
    least, strong = (
        choose_scale(problem, "cv", folds=splits, scales=SCALES, loss="squared_error", rule=rule)
        for rule in ("min", "1se")
    )
    np.testing.assert_allclose(least.curve["squared_error_se"], se, rtol=1e-6)
    assert (least.scale, strong.scale) == (SCALES[best], within[0])
    assert strong.scale < least.scale < SCALES[-1]
    for choice in (least, strong):
        assert (choice.lower, choice.upper) == (within[0], within[-1])
    assert "the strongest within one standard error" in strong.sentence


def test_divisions_average_the_loss_and_not_its_error() -> None:
    problem = problem_of(likelihood=GaussianNoise(SIGMA))
    one, many = (choose_scale(problem, "cv", repeats=r, scales=SCALES).curve for r in (1, 9))
    ratio = many["squared_error_se"] / one["squared_error_se"]
    assert (ratio.between(0.6, 1.7)).all(), "9 divisions of the same rows would give a third"


def test_one_split_has_no_standard_error() -> None:
    problem = problem_of()
    split = [(np.arange(40), np.arange(40, 60))]
    choice = choose_scale(problem, "cv", folds=split)
    assert np.isnan([choice.lower, choice.upper]).all()
    assert choice.curve["error"].isna().all()
    assert np.isnan(choice.alternatives.loc["cv 1se", "scale"])
    with pytest.raises(ParameterError, match="two folds or more"):
        choose_scale(problem, "cv", folds=split, rule="1se")


def test_no_finite_loss_is_refused() -> None:
    X, _ = data(20, 30)
    problem = Problem.from_arrays(X, data(20, 30)[1], prior=Laplace(1.0))
    with pytest.raises(FitError, match="log score is finite at no scale"):
        choose_scale(problem, "cv", scales=[1e7], sigma=1.0)
    assert choose_scale(problem, "cv", scales=[1e7], sigma=1.0, loss="squared_error").scale == 1e7


# -- the default grid ------------------------------------------------------------------------------------------------


def test_the_strongest_scale_keeps_every_coefficient_at_zero() -> None:
    problem = problem_of(likelihood=GaussianNoise(SIGMA))
    scales = choose_scale(problem, "cv", repeats=1).curve["scale"].to_numpy()
    assert scales[-1] / scales[0] == pytest.approx(1000)
    assert not fit_penalized(problem.with_prior(Laplace(scales[0] * (1 - 1e-9)))).beta.any()
    assert fit_penalized(problem.with_prior(Laplace(scales[0] * (1 + 1e-4)))).beta.any()


def test_given_scales_are_sorted_and_belong_to_the_prior() -> None:
    problem = problem_of(scale_by_noise=True)
    curve = choose_scale(problem, "cv", scales=[0.5, 0.1, 0.5, 2]).curve
    assert list(curve["scale"]) == pytest.approx([0.1, 0.5, 2])
    for wrong in ([], [0.0, 1.0], [np.nan], "all", [[1.0, None]]):
        with pytest.raises(ParameterError, match="scales must hold finite numbers > 0"):
            choose_scale(problem, "cv", scales=wrong)


# -- what is said and refused --------------------------------------------------------------------------------------


def test_the_sentence_says_how() -> None:
    choice = choose_scale(problem_of(likelihood=GaussianNoise(SIGMA)), "cv")
    assert choice.sentence == (
        f"scale = {choice.scale:.4g}, chosen by 5-fold cross-validation (4 divisions) over 40 values, the least mean "
        "held-out log score"
    )
    assert str(choice).splitlines() == [
        choice.sentence,
        f"not told apart from it: {choice.lower:.4g} to {choice.upper:.4g}",
        f"λ = {1 / choice.scale:.4g}",
    ]
    assert read(choice._repr_html_()).text.startswith(choice.sentence)
    assert repr(choice) == f"ScaleChoice({choice.sentence})"
    residual = resolve_noise(problem_of()).sigma
    assert choose_scale(problem_of(), "cv", repeats=1).sentence.endswith(f", at sigma = {residual:.4g}")


def test_the_sentence_says_where_the_grid_ended() -> None:
    X, _ = data()
    noise = np.random.default_rng(3).normal(size=60)
    choice = choose_scale(Problem.from_arrays(X, noise, prior=Laplace(1.0)), "cv")
    assert choice.scale == choice.curve["scale"].iloc[0]
    assert "(the end of the grid: the strongest penalty tried)" in choice.sentence
    y = X @ np.full(6, 3.0) + 1e-3 * noise
    choice = choose_scale(Problem.from_arrays(X, y, prior=Gaussian(1.0)), "cv", sigma=1.0, repeats=1)
    assert choice.scale == choice.curve["scale"].iloc[-1]
    assert "(the end of the grid: the weakest penalty tried)" in choice.sentence


@pytest.mark.parametrize(
    ("by", "options", "words"),
    [
        ("bayes", {}, "by must be one of evidence, cv, hierarchical"),
        ("evidence", {"folds": 10}, "folds= is for by='cv'"),
        ("evidence", {"folds": KFold(5)}, "folds= is for by='cv'"),
        ("evidence", {"rule": "1se"}, "rule= is for by='cv'"),
        ("evidence", {"groups": np.zeros(60)}, "groups= is for by='cv'"),
        ("evidence", {"scales": SCALES}, "scales= is for by='cv'"),
        ("cv", {"draws": 100}, "draws= is for by='evidence' or 'hierarchical'"),
        ("cv", {"method": "gibbs"}, "method= is for by='evidence' or 'hierarchical'"),
        ("cv", {"hyperprior": HalfCauchy(1.0)}, "hyperprior= is for by='hierarchical'"),
        ("cv", {"loss": "mse"}, "loss must be one of log_score, squared_error"),
        ("cv", {"rule": "2se"}, "rule must be one of min, 1se"),
        ("cv", {"seed": -1}, "seed must be an integer >= 0"),
        ("evidence", {"sigma": "guess"}, "not a method"),
    ],
)
def test_options_that_are_not_the_rules_own(by: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        choose_scale(problem_of(Gaussian(1.0)), by, **options)


@pytest.mark.parametrize("by", ["cv", "evidence"])
def test_nothing_to_choose(by: str) -> None:
    X, y = data()
    with pytest.raises(ParameterError, match="nothing to choose"):
        choose_scale(Problem.from_arrays(X, y, prior=Flat()), by)
    with pytest.raises(ParameterError, match="there is no column"):
        choose_scale(Problem.from_arrays(X[:, :0], y, prior=Laplace(1.0)), by)
    with pytest.raises(FitError, match="no penalised column varies"):
        choose_scale(Problem.from_arrays(np.ones((60, 1)), y, prior=Laplace(1.0), standardize=False), by)
    with pytest.raises(ParameterError, match="choose_scale takes a Problem"):
        choose_scale(X, by)  # type: ignore[arg-type]


def test_diabetes() -> None:
    data = load_dataset("diabetes")
    problem = Problem.from_arrays(data.X, data.y, prior=Laplace(1.0))
    choice = choose_scale(problem, "cv")
    fit = fit_penalized(choice.problem)
    # What LassoCV leaves out of these data, over a range of divisions, is age and a few of the lipids.
    assert fit.beta[0] == 0
    assert 6 <= np.count_nonzero(fit.beta) <= 9
    strong = fit_penalized(choose_scale(problem, "cv", rule="1se").problem)
    assert 2 <= np.count_nonzero(strong.beta) < np.count_nonzero(fit.beta)
