"""How each library is fitted at a tight tolerance, for the rows of the table that a library on hand can fit.

`cases` is read by the tests, which fit what is installed, and by `record`, which writes down the fits of libraries that
the tests do not need to install.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

N, P = 40, 5
SIGMA = 0.8

Fit = Callable[..., Any]


@dataclass(frozen=True)
class Fitted:
    """Coefficients (p,), and facts of the fit that the prior depends on."""

    coef: Any
    facts: dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A row of the table, numbers for it, and the library's fit: coefficients in the data's units."""

    name: str
    parameters: dict[str, Any]
    fit: Fit
    kind: str = "gaussian"
    facts: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-6
    weighted: bool = False
    live: bool = True

    @property
    def label(self) -> str:
        numbers = ",".join(f"{key}={value}" for key, value in self.parameters.items())
        return f"{self.name}({numbers}{', weighted' if self.weighted else ''})"


def data(kind: str) -> tuple[Any, Any]:
    """Correlated columns of unequal scale, rounded so that a file holds them exactly, and a response."""
    rng = np.random.default_rng(20)
    X = np.round((rng.normal(size=(N, P)) + 0.6 * rng.normal(size=(N, 1))) * [1.0, 2.0, 0.5, 1.0, 1.5] + 0.5, 3)
    eta = 0.3 + X @ np.array([0.6, -0.3, 0.0, 0.4, 0.0])
    made = {
        "gaussian": lambda: np.round(eta + SIGMA * rng.normal(size=N), 3),
        "labels": lambda: np.where(eta + SIGMA * rng.normal(size=N) > np.median(eta), 1.0, -1.0),
        "bernoulli": lambda: (rng.uniform(size=N) < 1 / (1 + np.exp(-eta))).astype(float),
        "poisson": lambda: rng.poisson(np.exp(np.minimum(0.5 * eta, 3))).astype(float),
        "gamma": lambda: np.round(rng.gamma(2.0, np.exp(0.5 * eta) / 2.0) + 1e-3, 4),
    }
    return X, made[kind]()


def weights() -> Any:
    return np.round(np.random.default_rng(21).uniform(0.5, 2.0, N), 2)


def _sklearn(cls: str, module: str = "linear_model", **tight: Any) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any], sample_weight: Any = None) -> Any:
        from importlib import import_module

        estimator = getattr(import_module(f"sklearn.{module}"), cls)(**parameters, **tight)
        given = {} if sample_weight is None else {"sample_weight": sample_weight}
        return np.ravel(estimator.fit(X, y, **given).coef_)

    return fit


def _statsmodels(kind: str, family: str = "", **options: Any) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        import statsmodels.api as sm

        exog = sm.add_constant(X)
        settings = dict(parameters)
        alpha = np.r_[0.0, np.full(P, settings.pop("alpha"))]
        if kind == "OLS":
            start = sm.OLS(y, exog).fit().params
            return (
                sm.OLS(y, exog)
                .fit_regularized(
                    alpha=alpha,
                    **settings,
                    start_params=start,
                    maxiter=10_000,
                    cnvrg_tol=1e-13,
                    zero_tol=1e-12,
                    **options,
                )
                .params[1:]
            )
        if kind == "GLM":
            model = sm.GLM(y, exog, family=getattr(sm.families, family)())
            start = model.fit().params
            return model.fit_regularized(
                alpha=alpha, **settings, start_params=start, maxiter=10_000, cnvrg_tol=1e-13, zero_tol=1e-12
            ).params[1:]
        model = getattr(sm, kind)(y, exog)
        return model.fit_regularized(alpha=alpha, method="l1", acc=1e-14, maxiter=5000, disp=0, **options).params[1:]

    return fit


def _skglm(cls: str, **tight: Any) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        import skglm

        settings = {k: np.asarray(v) if k == "weights" else v for k, v in parameters.items()}
        labels = 2 * y - 1 if "Logistic" in cls else y
        return np.ravel(getattr(skglm, cls)(**settings, **tight).fit(X, labels).coef_)

    return fit


def _celer(cls: str) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        import celer

        settings = {k: np.asarray(v) if k == "weights" else v for k, v in parameters.items()}
        tight = {"fit_intercept": False} if cls == "LogisticRegression" else {}
        return np.ravel(getattr(celer, cls)(**settings, tol=1e-13, **tight).fit(X, y).coef_)

    return fit


def _glum(family: str) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        import glum

        link = "log" if family in ("poisson", "gamma") else "auto"
        settings = {k: np.asarray(v) if k in ("P1", "P2") else v for k, v in parameters.items()}
        model = glum.GeneralizedLinearRegressor(family=family, link=link, gradient_tol=1e-12, max_iter=5000, **settings)
        return np.ravel(model.fit(X, y).coef_)

    return fit


def _xgboost(objective: str) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        import xgboost

        settings = {
            "booster": "gblinear", "objective": objective, "updater": "coord_descent", "eta": 0.5, "tolerance": 0,
            "feature_selector": "cyclic", "base_score": 0.5, "nthread": 1, **parameters,
        }  # fmt: skip
        booster = xgboost.train(settings, xgboost.DMatrix(X, y), num_boost_round=5000)
        dump = booster.get_dump()[0].split("weight:")[1].split()
        return np.array([float(value) for value in dump])

    return fit


def _liblinear(options: str) -> Fit:
    def fit(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
        from liblinear.liblinearutil import train

        model = train(2 * y - 1, X, f"{options} -c {parameters['C']} -B 1 -e 1e-12 -q")
        return np.array(model.get_decfun()[0])

    return fit


FACTORS = [1.0, 2.0, 0.5, 3.0, 1.0]

CASES = [
    Case("sklearn.Ridge", {"alpha": 1.7}, _sklearn("Ridge")),
    Case("sklearn.Ridge", {"alpha": 1.7}, _sklearn("Ridge"), weighted=True),
    Case("sklearn.Lasso", {"alpha": 0.06}, _sklearn("Lasso", tol=1e-14, max_iter=100_000)),
    Case("sklearn.Lasso", {"alpha": 0.06}, _sklearn("Lasso", tol=1e-14, max_iter=100_000), weighted=True),
    Case("sklearn.LassoLars", {"alpha": 0.06}, _sklearn("LassoLars")),
    Case("sklearn.ElasticNet", {"alpha": 0.06, "l1_ratio": 0.4}, _sklearn("ElasticNet", tol=1e-14, max_iter=100_000)),
    *(
        Case("sklearn.LogisticRegression", {"C": 0.5, "l1_ratio": ratio},
             _sklearn("LogisticRegression", solver=solver, tol=1e-12, max_iter=100_000), "bernoulli", weighted=weighted)
        for ratio, solver, weighted in ((0.0, "newton-cholesky", False), (0.0, "newton-cholesky", True),
                                        (1.0, "saga", False), (0.3, "saga", False))
    ),
    *(
        Case("sklearn.LogisticRegression:liblinear", {"C": 0.5, "l1_ratio": ratio, "intercept_scaling": by},
             _sklearn("LogisticRegression", solver="liblinear", tol=1e-12, max_iter=100_000), "bernoulli")
        for ratio in (0.0, 1.0) for by in (1.0, 10.0)
    ),
    Case("sklearn.PoissonRegressor", {"alpha": 0.3}, _sklearn("PoissonRegressor", solver="newton-cholesky", tol=1e-12),
         "poisson"),
    Case("sklearn.PoissonRegressor", {"alpha": 0.3}, _sklearn("PoissonRegressor", solver="newton-cholesky", tol=1e-12),
         "poisson", weighted=True),
    Case("sklearn.GammaRegressor", {"alpha": 0.3}, _sklearn("GammaRegressor", solver="newton-cholesky", tol=1e-12),
         "gamma", {"dispersion": 0.5}),
    Case("sklearn.TweedieRegressor:power=0", {"alpha": 0.3},
         _sklearn("TweedieRegressor", power=0, solver="newton-cholesky", tol=1e-12)),
    Case("sklearn.LinearSVR:squared", {"C": 0.7}, _sklearn("LinearSVR", "svm", loss="squared_epsilon_insensitive",
         epsilon=0.0, tol=1e-12, max_iter=1_000_000, dual=False), tolerance=1e-5),
    Case("sklearn.RidgeClassifier", {"alpha": 1.7}, lambda X, y, parameters: _ridge_classifier(X, y, parameters),
         "labels"),
    Case("sklearn.KernelRidge", {"alpha": 1.7}, lambda X, y, parameters: _kernel_ridge(X, y, parameters)),
    Case("sklearn.HuberRegressor", {"alpha": 1.7}, lambda X, y, parameters: _huber(X, y, parameters), tolerance=1e-5),
    Case("sklearn.SGDRegressor", {"alpha": 0.05, "l1_ratio": 0.4, "penalty": "elasticnet"},
         _sklearn("SGDRegressor", tol=None, max_iter=40_000, learning_rate="invscaling", eta0=0.05, power_t=0.6,
                  random_state=0), tolerance=1e-4),
    Case("sklearn.SGDClassifier", {"alpha": 0.05, "l1_ratio": 0.4, "penalty": "elasticnet"},
         _sklearn("SGDClassifier", loss="log_loss", tol=None, max_iter=40_000, learning_rate="invscaling", eta0=0.2,
                  power_t=0.6, random_state=0), "bernoulli", tolerance=1e-3),
    Case("sklearn.MLPRegressor", {"alpha": 1.7}, lambda X, y, parameters: _mlp(X, y, parameters), tolerance=1e-4),
    Case("statsmodels.OLS", {"alpha": 0.06, "L1_wt": 0.4}, _statsmodels("OLS")),
    Case("statsmodels.GLM:gaussian", {"alpha": 0.06, "L1_wt": 1.0}, _statsmodels("GLM", "Gaussian")),
    Case("statsmodels.GLM:binomial", {"alpha": 0.06, "L1_wt": 0.4}, _statsmodels("GLM", "Binomial"), "bernoulli"),
    Case("statsmodels.GLM:poisson", {"alpha": 0.06, "L1_wt": 0.4}, _statsmodels("GLM", "Poisson"), "poisson"),
    Case("statsmodels.Logit", {"alpha": 2.0}, _statsmodels("Logit", trim_mode="off"), "bernoulli"),
    Case("statsmodels.Poisson", {"alpha": 2.0}, _statsmodels("Poisson", trim_mode="off"), "poisson", tolerance=1e-5),
    Case("skglm.Lasso", {"alpha": 0.06}, _skglm("Lasso", tol=1e-13), live=False),
    Case("skglm.ElasticNet", {"alpha": 0.06, "l1_ratio": 0.4}, _skglm("ElasticNet", tol=1e-13), live=False),
    Case("skglm.WeightedLasso", {"alpha": 0.06, "weights": FACTORS}, _skglm("WeightedLasso", tol=1e-13), live=False),
    Case("skglm.SparseLogisticRegression", {"alpha": 0.06, "l1_ratio": 0.4},
         _skglm("SparseLogisticRegression", tol=1e-13), "bernoulli", live=False),
    Case("celer.Lasso", {"alpha": 0.06}, _celer("Lasso"), live=False),
    Case("celer.Lasso", {"alpha": 0.06, "weights": FACTORS}, _celer("Lasso"), live=False),
    Case("celer.ElasticNet", {"alpha": 0.06, "l1_ratio": 0.4}, _celer("ElasticNet"), live=False),
    Case("celer.LogisticRegression", {"C": 2.0}, _celer("LogisticRegression"), "bernoulli", live=False),
    *(
        Case(f"glum.GeneralizedLinearRegressor:{family}", {"alpha": 0.06, "l1_ratio": 0.4}, _glum(family), kind,
             {"dispersion": 0.5}, live=False)
        for family, kind in (("normal", "gaussian"), ("binomial", "bernoulli"), ("poisson", "poisson"),
                             ("gamma", "gamma"))
    ),
    Case("glum.GeneralizedLinearRegressor:poisson", {"alpha": 0.06, "l1_ratio": 0.4, "scale_predictors": True},
         _glum("poisson"), "poisson", live=False),
    Case("glum.GeneralizedLinearRegressor:poisson", {"alpha": 0.06, "l1_ratio": 0.4, "P1": FACTORS,
         "P2": FACTORS[::-1]}, _glum("poisson"), "poisson", live=False),
    *(
        Case(f"xgboost.gblinear:{name}", {"reg_alpha": 0.06, "reg_lambda": 0.1}, _xgboost(objective), kind,
             tolerance=1e-4, live=False)
        for name, objective, kind in (("squarederror", "reg:squarederror", "gaussian"),
                                      ("logistic", "binary:logistic", "bernoulli"),
                                      ("poisson", "count:poisson", "poisson"))
    ),
    *(
        Case(f"liblinear:s{number}", {"C": 0.5}, _liblinear(f"-s {number[0]}{' -R' if 'R' in number else ''}"),
             "bernoulli", live=False)
        for number in ("0", "6", "0R", "6R")
    ),
]  # fmt: skip


def _ridge_classifier(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
    from sklearn.linear_model import RidgeClassifier

    return np.ravel(RidgeClassifier(**parameters).fit(X, (y > 0).astype(int)).coef_)


def _kernel_ridge(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
    from sklearn.kernel_ridge import KernelRidge

    return X.T @ KernelRidge(kernel="linear", **parameters).fit(X, y).dual_coef_


def _huber(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
    """With every residual below ε its noise is Gaussian of sd `scale_`."""
    from sklearn.linear_model import HuberRegressor

    model = HuberRegressor(epsilon=100.0, tol=1e-10, max_iter=100_000, **parameters).fit(X, y)
    return Fitted(model.coef_, {"noise_scale": float(model.scale_)})


def _mlp(X: Any, y: Any, parameters: dict[str, Any]) -> Any:
    from sklearn.neural_network import MLPRegressor

    model = MLPRegressor(
        hidden_layer_sizes=(), solver="lbfgs", tol=1e-14, max_iter=100_000, random_state=0, **parameters
    )
    return np.ravel(model.fit(X, y).coefs_[0])


def fit(case: Case) -> Fitted:
    """The library's own fit."""
    X, y = data(case.kind)
    found = case.fit(X, y, case.parameters, *([weights()] if case.weighted else []))
    return found if isinstance(found, Fitted) else Fitted(found, {})


def record() -> dict[str, Any]:
    """Fits of the libraries that are not among the project's own dependencies."""
    found = {}
    for case in CASES:
        if not case.live:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # theirs, of convergence at a tolerance that they cannot reach
                found[case.label] = [float(value) for value in fit(case).coef]
    return found


if __name__ == "__main__":
    import json
    from pathlib import Path

    path = Path(__file__).with_name("recorded.json")
    path.write_text(json.dumps(record(), indent=1) + "\n", encoding="utf-8")
