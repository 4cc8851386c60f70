"""Paths and choices to draw: soft-thresholded numbers, made up, so that no test waits for a fit."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

import bayesreg as br
from bayesreg.scale_family import ScaleFamily
from tests.fakes import result


def paths(*, p=8, points=30, kink=True, names=None, factor=False, seed=0, certified=None, passed=None, **settings):
    """Return a MAP path and a posterior path as far as the pictures read them."""
    rng = np.random.default_rng(seed)
    names = [f"x{j}" for j in range(p)] if names is None else list(names)
    X = rng.normal(size=(40, p)) * np.arange(1, p + 1)
    prior = br.Laplace(scale=np.arange(1.0, p + 1)) if factor else br.Laplace(1.0)
    problem = br.Problem.from_arrays(X, rng.normal(size=40), prior=prior, names=names, **settings)
    family = ScaleFamily.of(problem, "test")
    ends = rng.normal(size=p) * 3
    scales = np.geomspace(0.1, 100.0, points) if points > 1 else np.array([1.0])
    shrunk = np.maximum(np.abs(ends) - 0.6 / scales[:, None], 0.0) if kink else np.abs(ends) / (1 + 1 / scales[:, None])
    beta, unit = np.sign(ends) * shrunk, problem.design.scale
    strengths = np.full(points, np.nan) if factor else 1 / scales
    certified = np.ones(points, dtype=bool) if certified is None else certified
    penalized = result(
        "PenalizedPath", problem=problem, family=family, scales=scales, beta=beta, beta_raw=beta / unit, zero=beta == 0,
        sound=certified, table=pd.DataFrame({"scale": scales, "lambda_": strengths}),
    )  # fmt: skip
    coarse = scales[::3]
    mean = ends / (1 + 0.5 / coarse[:, None])
    sd = 0.8 / (1 + 0.5 / coarse[:, None])
    posterior = SimpleNamespace(
        problem=problem, family=family, scales=coarse, mean=mean, lower=mean - 2 * sd, median=mean, upper=mean + 2 * sd,
        passed_at=np.ones(coarse.size, dtype=bool) if passed is None else passed, interrupted=False,
    )  # fmt: skip
    return penalized, posterior


RULES = {
    "cv min": (3.0, 1.0, 9.0),
    "cv 1se": (1.0, np.nan, np.nan),
    "evidence": (4.0, 2.0, 8.0),
    "hierarchical median": (3.6, 1.8, 7.0),
}


def chosen(penalized, by="evidence", scale=4.0, rules=RULES, **fields):
    """Return a choice as far as the pictures read it."""
    rows = {rule: (s, low, high, 1 / s, f"sentence of {rule}") for rule, (s, low, high) in rules.items()}
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["scale", "lower", "upper", "lambda_", "sentence"])
    if penalized.family.factor:
        table["lambda_"] = np.nan
    x = np.geomspace(0.5, 40.0, 25)
    value = {"cv": 1.4 + 0.1 * np.log(x / 3) ** 2, "evidence": -8 * np.log(x / 4) ** 2}
    curve = pd.DataFrame({"scale": x, "value": value.get(by, np.exp(-(np.log(x / 4) ** 2))), "error": 0.05})
    found = {
        "problem": penalized.problem, "family": penalized.family, "by": by, "scale": scale, "lower": 2.0, "upper": 8.0,
        "error": 0.03, "curve": curve, "alternatives": table, "sentence": f"scale = {scale:g}, by {by}",
    }  # fmt: skip
    return result("ScaleChoice", **(found | fields))
