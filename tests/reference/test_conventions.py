"""Every row of the verified conventions: the table says the same λ₁ and λ₂, to rounding."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.libraries import to_prior
from bayesreg.libraries.facts import Facts, standardises
from bayesreg.libraries.objective import find, table
from bayesreg.libraries.rates import to_rates

pytestmark = pytest.mark.reference

N, P = 40, 5


NAMES: list[tuple[str, str, str, dict[str, Any]]] = [
    # (library, estimator as a pattern, our name, options), the first that fits
    ("sklearn", r"Ridge(\(.*)?", "sklearn.Ridge", {}),
    ("sklearn", r"RidgeClassifier.*", "sklearn.RidgeClassifier", {}),
    ("sklearn", r"LogisticRegression\(liblinear.*", "sklearn.LogisticRegression:liblinear", {}),
    ("sklearn", r"LogisticRegression\(multinomial.*", "sklearn.LogisticRegression:multinomial", {}),
    ("sklearn", r"LogisticRegression\(.*", "sklearn.LogisticRegression", {}),
    ("sklearn", r"TweedieRegressor\(power=0\)", "sklearn.TweedieRegressor:power=0", {}),
    ("sklearn", r"LinearSVR\(squared.*", "sklearn.LinearSVR:squared", {}),
    ("sklearn", r"LinearSVR\(eps.*", "sklearn.LinearSVR:absolute", {}),
    ("sklearn", r"SGD.*", "sklearn.{stem}", {"penalty": "elasticnet"}),
    ("sklearn", r".*", "sklearn.{stem}", {}),
    ("statsmodels", r"OLS.*profile_scale.*", "statsmodels.OLS:profile_scale", {}),
    ("statsmodels", r"OLS.*sqrt_lasso.*", "statsmodels.OLS:sqrt_lasso", {}),
    ("statsmodels", r"OLS.*", "statsmodels.OLS", {}),
    ("statsmodels", r"GLM.*_fit_ridge.*", "statsmodels.GLM:L1_wt=0", {}),
    ("statsmodels", r"GLM.*1e-12.*", "statsmodels.GLM:gaussian", {"L1_wt": 0.0}),
    ("statsmodels", r"GLM\([Gg]aussian.*", "statsmodels.GLM:gaussian", {}),
    ("statsmodels", r"GLM\(bernoulli.*", "statsmodels.GLM:binomial", {}),
    ("statsmodels", r"GLM\([Pp]oisson.*", "statsmodels.GLM:poisson", {}),
    ("statsmodels", r"GLM\(Gamma.*", "statsmodels.GLM:gamma", {}),
    ("statsmodels", r".*", "statsmodels.{stem}", {}),
    ("skglm", r"Gen.*Poisson.*", "skglm.GeneralizedLinearEstimator:poisson", {}),
    ("skglm", r"Gen.*Gamma.*", "skglm.GeneralizedLinearEstimator:gamma", {}),
    ("skglm", r".*", "skglm.{stem}", {}),
    ("celer", r".*", "celer.{stem}", {}),
    ("glum", r".*\(poisson,scale_predictors=True\)", "glum.{stem}:poisson", {"scale_predictors": True}),
    ("glum", r".*\((normal|binomial|poisson|gamma).*", "glum.{stem}:{1}", {}),
    ("glum", r".*P1=,P2=.*", "glum.{stem}:poisson", {}),
    ("xgboost", r"gblinear.*squarederror.*", "xgboost.gblinear:squarederror", {}),
    ("xgboost", r"gblinear.*logistic.*", "xgboost.gblinear:logistic", {}),
    ("xgboost", r"gblinear.*poisson.*", "xgboost.gblinear:poisson", {}),
    ("xgboost", r"gbtree.*", "xgboost.gbtree", {}),
    ("lightgbm", r".*", "lightgbm.LGBMRegressor", {}),
    ("liblinear", r"-s (\d).* -R", "liblinear:s{1}R", {}),
    ("liblinear", r"-s (\d).*", "liblinear:s{1}", {}),
    ("glmnet (R)", r".*contrast.*", "glmnet:multinomial-contrast", {"standardize": False}),
    ("glmnet (R)", r".*multinomial,grouped.*", "glmnet:multinomial-grouped", {"standardize": False}),
    ("glmnet (R)", r".*multinomial.*", "glmnet:multinomial", {"standardize": False}),
    ("glmnet (R)", r".*mgaussian.*", "glmnet:mgaussian", {"standardize": False}),
    ("glmnet (R)", r".*intercept=FALSE.*", "glmnet:no-intercept", {}),
    ("glmnet (R)", r".*family=gaussian\(\).*", "glmnet:gaussian()", {}),
    ("glmnet (R)", r".*(binomial|poisson).*", "glmnet:{1}", {}),
    ("glmnet (R)", r".*", "glmnet", {}),
    ("MASS (R)", r".*", "MASS.lm.ridge", {}),
    ("penalized (R)", r".*model='(\w+)',standardize=(\w+)\).*", "penalized:{1}", {}),
    ("Spark MLlib", r"ml.LinearRegression\(solver=([\w-]+).*", "spark.LinearRegression:{1}", {}),
    ("Spark MLlib", r".*contrast", "spark.LogisticRegression:multinomial-contrast", {"standardization": False}),
    ("Spark MLlib", r".*multinomial.*", "spark.LogisticRegression:multinomial", {}),
    ("Spark MLlib", r"ml.LogisticRegression.*", "spark.LogisticRegression", {}),
    ("Spark MLlib", r"ml.Gen.*\((\w+).*", "spark.GeneralizedLinearRegression:{1}", {}),
    ("H2O", r".*\((\w+).*", "h2o.GLM:{1}", {}),
    ("keras", r"Dense.*MeanSquaredError", "keras.L1L2:mse", {}),
    ("keras", r"Dense.*BinaryCrossentropy", "keras.L1L2:nll", {}),
    ("keras", r".*SGD.*", "keras.SGD:mse", {}),
    ("keras", r".*AdamW.*", "keras.AdamW", {}),
    ("torch", r".*\.(SGD|Adam)\(.*", "torch.{1}:mse", {}),
    ("torch", r".*AdamW.*", "torch.AdamW", {}),
    ("Vowpal Wabbit", r"--bfgs.*\((squared|logistic)\).*", "vw:bfgs:{1}", {}),
    ("Vowpal Wabbit", r"online.*\((squared|logistic)\).*", "vw:sgd:{1}", {}),
    ("scipy", r"stats\.(laplace|norm).*", "scipy.{1}", {}),
    ("PyMC", r"Normal.*", "pymc.Normal:tau", {}),
    ("PyMC", r".*", "pymc.{stem}", {}),
    ("NumPyro", r".*", "numpyro.Laplace", {}),
    ("Stan", r".*", "stan.double_exponential", {}),
    ("NIMBLE", r".*", "nimble.ddexp:rate", {}),
    ("JAGS", r".*", "jags.ddexp", {}),
    ("R jmuOutlier / bayesforecast", r".*", "R.dlaplace", {}),
    ("MATLAB", r"lassoglm.*", "matlab.lassoglm:binomial", {}),
    ("MATLAB", r"(lasso|ridge).*", "matlab.{1}", {}),
    ("cvxpy", r".*", "bayesreg.objective", {}),
]

EXPRESSIONS: dict[tuple[str, str], tuple[str, str]] = {
    ("statsmodels", "GLM(Gamma log).fit_regularized"): ("n*alpha*L1_wt/phi", "n*alpha*(1-L1_wt)/2/phi"),
    ("statsmodels", "MNLogit.fit_regularized(method='l1')"): ("alpha", "0"),
    ("PyMC", "Normal(mu, sigma) / Normal(mu, tau)"): ("0", "tau/2"),
    ("NIMBLE", "ddexp(location, scale | rate=1/scale)"): ("rate", "0"),
    ("JAGS", "ddexp(mu, tau); dnorm(mu, tau)"): ("tau", "0"),
    ("MATLAB", "lassoglm(X,y,distr)"): ("n*Lambda*Alpha*sd0", "n*Lambda*(1-Alpha)*sd0**2/2"),
    ("cvxpy", "oracle"): ("l1", "l2"),
    ("R jmuOutlier / bayesforecast", "dlaplace(mean, sd) / laplace(mu, sd)"): ("sqrt(2)/sd", "0"),
}
"""What the file says in words, as a formula."""

NUMBERS = {
    "lambda_": 0.06, "alpha": 0.3, "scale": 0.8, "b": 0.8, "tau": 2.5, "sigma": 0.7, "rate": 1.25, "sd": 1.1,
    "Lambda": 0.06, "Alpha": 0.4, "k": 2.0, "l1": 1.5, "l2": 0.7, "alpha_": 1.3,
}  # fmt: skip
"""Values for parameters that the file gives in words."""


def _data() -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(7)
    X, y = rng.normal(size=(N, P)) * np.arange(1, P + 1) + 1.0, rng.normal(2.0, 3.0, N)
    return X, y, rng.uniform(0.5, 2.0, N)


def _sd(values: Any, weights: Any, kind: str) -> Any:
    total = weights.sum()
    squares = weights @ (values - weights @ values / total) ** 2
    left = {"0": total, "r": total - (weights**2).sum() / total, "h": total * (N - 1) / N}[kind]
    return np.sqrt(squares / left)


def _symbols() -> dict[str, Any]:
    """The file's symbols, for one set of data."""
    X, y, w = _data()
    factors = np.array([1.0, 2.0, 0.5, 3.0, 1.0])
    ones = np.ones(N)
    return {
        "n": N, "p": P, "sigma": 0.7, "sigma_hat": 0.7, "phi": 0.6, "s": 0.45, "scale_": 0.45, "sum_omega": 12.5,
        "sum_sw": w.sum(), "expo": w, "pf": factors, "weights": factors, "P1": factors, "P2": factors[::-1],
        "sd0": _sd(X, ones, "0"), "sd1": X.std(axis=0, ddof=1), "sdy0": _sd(y, ones, "0"), "sdy1": y.std(ddof=1),
        "rmsy": np.sqrt((y**2).mean()), "wsd0": _sd(X, w, "0"), "wsdy0": _sd(y, w, "0"), "wsdr": _sd(X, w, "r"),
        "wsdyr": _sd(y, w, "r"), "wsdh": _sd(X, w, "h"), "sqrt": np.sqrt, "sum": np.sum,
    }  # fmt: skip


SYMBOLS = _symbols()


def _name(entry: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Our name of a row of the file, and the options that go with it."""
    for library, pattern, name, options in NAMES:
        found = re.fullmatch(pattern, entry["estimator"])
        if library in (entry["library"], entry["library"].split(" 3.")[0]) and found:
            stem = re.match(r"\w+", entry["estimator"])
            groups = found.groups()
            filled = name.replace("{stem}", stem.group() if stem else "").replace("{1}", (groups or ("",))[0] or "")
            switch = re.search(r"(standardi[sz]e|standardization)=(TRUE|FALSE|True|False)", entry["estimator"])
            named = {} if switch is None else {switch.group(1): switch.group(2).lower() == "true"}
            return filled, named | options
    pytest.fail(f"no row of the table for {entry['library']} {entry['estimator']}")


def _parameters(entry: dict[str, Any], name: str, options: dict[str, Any]) -> dict[str, Any]:
    """Numbers for the library's own parameters."""
    own = find(name).parameters
    numbers = {k: v if isinstance(v, int | float) else NUMBERS[k] for k, v in entry["params"].items()}
    numbers = {k: v for k, v in numbers.items() if k in own or k.rstrip("_") in own} | options
    if name.startswith("nimble") or name in ("bayesreg.objective", "pymc.Normal:tau", "jags.ddexp"):
        numbers = {k: NUMBERS[k] for k in own if k in NUMBERS}
    if "penalty.factor" in entry["estimator"]:
        numbers["penalty.factor"] = SYMBOLS["pf"]
    if "P1=" in entry["estimator"]:
        numbers |= {"P1": SYMBOLS["P1"], "P2": SYMBOLS["P2"]}
    if entry["library"] in ("skglm", "celer") and "weights" in entry["lam1"]:
        numbers["weights"] = SYMBOLS["weights"]
    return numbers


def _expected(entry: dict[str, Any], numbers: dict[str, Any], *, weighted: bool) -> tuple[Any, Any]:
    """λ₁ and λ₂ as the file's formulas have them."""
    texts = EXPRESSIONS.get((entry["library"], entry["estimator"]))
    if texts is None:
        suffix = "_weighted" if weighted and "lam1_weighted" in entry else ""
        texts = entry[f"lam1{suffix}"], entry[f"lam2{suffix}"]
    plain = [re.sub(r"^GROUP: | multiplies .*$", "", text) for text in texts]
    symbols = SYMBOLS | {"k": 1 / SYMBOLS["phi"]} | {k: v for k, v in NUMBERS.items() if k in ("rate", "tau")}
    values = symbols | entry_values(entry) | numbers
    if not weighted and "Spark" in entry["library"]:  # its formulas of unweighted fits are the weighted ones at w = 1
        ones = {"sum_sw": N, "wsd0": SYMBOLS["sd0"], "wsdy0": SYMBOLS["sdy0"]}
        values |= ones
    return tuple(eval(text, {"__builtins__": {}}, values) for text in plain)


def entry_values(entry: dict[str, Any]) -> dict[str, Any]:
    """The row's own parameters, numbers where the file has words."""
    return {k: v if isinstance(v, int | float) else NUMBERS[k] for k, v in entry["params"].items()}


WEIGHTED = ("weights=", "weightCol", "weights_column", "sample_weight=", "_weights)")


def _facts(entry: dict[str, Any], *, weighted: bool) -> Facts:
    _, _, w = _data()
    y = "wsdy0" if weighted else "sdy0"
    return Facts(
        n=N, sigma=SYMBOLS["sigma"], weights=w if weighted else None, dispersion=SYMBOLS["phi"],
        noise_scale=SYMBOLS["s"], sd_y=float(SYMBOLS[y]), rms_y=float(SYMBOLS["rmsy"]),
        working_weights=SYMBOLS["sum_omega"],
    )  # fmt: skip


def _check(entry: dict[str, Any], *, weighted: bool, off: float = 1.0) -> None:
    name, options = _name(entry)
    numbers = _parameters(entry, name, options)
    row = find(name)
    own = {next(f for f in (k, k.rstrip("_")) if f in row.parameters): v for k, v in numbers.items()}
    rates = to_rates(row, own, _facts(entry, weighted=weighted))
    sd = SYMBOLS["wsd0" if weighted else "sd0"]
    factor = sd if standardises(row, own) else 1.0
    l1, l2 = _expected(entry, numbers, weighted=weighted)
    np.testing.assert_allclose(off * rates.l1 * factor * np.ones(P), l1 * np.ones(P), rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(off * rates.l2 * factor**2 * np.ones(P), l2 * np.ones(P), rtol=1e-12, err_msg=name)


@pytest.fixture(scope="module")
def entries(shared: Path) -> list[dict[str, Any]]:
    rows = json.loads((shared / "conventions.json").read_text(encoding="utf-8"))["rows"]
    assert len(rows) == 184
    return list(rows)


def test_every_row(entries: list[dict[str, Any]]) -> None:
    met = set()
    for entry in entries:
        name, options = _name(entry)
        met.add(name)
        if find(name).none:
            with pytest.raises(ParameterError, match="no prior"):
                to_prior(name, **dict.fromkeys(entry["params"], 1.0), **options)
            continue
        weighted = any(mark in entry["estimator"] for mark in WEIGHTED) and "PyMC" not in entry["library"]
        _check(entry, weighted=weighted)
        with pytest.raises(AssertionError):
            _check(entry, weighted=weighted, off=1.0 + 1e-9)
        if "lam1_weighted" in entry and not weighted:
            _check(entry, weighted=True)
    unmet = {row for row in table() if row not in {find(name).name for name in met}}
    assert unmet == UNMET


UNMET = {
    "torch.SGD:nll", "torch.SGD:sum", "matlab.lassoglm:poisson", "pymc.Normal", "nimble.ddexp", "jags.dnorm",
}  # fmt: skip
"""Rows of the table that the file has in its notes, not as rows of their own."""
