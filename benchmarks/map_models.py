"""PyMC models as users write them, and one contender's modes of them: `python map_models.py CONTENDER FOLDER NAME...`.

A script of its own, for a Python that has PyMC and nothing of this project (but for our own contender).  FOLDER has
`data.npz`; each mode is left there as NAME.CONTENDER.npz, every variable on its natural scale.  Each line printed is
JSON: the seconds of the first and of a second call, which both compile, the second from a filled cache.
"""

import json
import sys
import time
from pathlib import Path

import numpy as np

# -- models: from the data to a model in context; `scale` is the scale that the hierarchical one is held at -----------


def lasso_diabetes(pm, d):
    """Laplace prior, σ known."""
    beta, a = pm.Laplace("beta", 0.0, 14.7, shape=10), pm.Flat("intercept")
    pm.Normal("y", a + d["diabetes_X"] @ beta, 54.15, observed=d["diabetes_y"])


def ridge_diabetes(pm, d):
    """Normal prior, σ unknown."""
    beta, a = pm.Normal("beta", 0.0, 36.7, shape=10), pm.Normal("intercept", 150.0, 100.0)
    pm.Normal("y", a + d["diabetes_X"] @ beta, pm.HalfCauchy("sigma", 50.0), observed=d["diabetes_y"])


def logistic_lasso(pm, d):
    """Breast cancer."""
    beta, a = pm.Laplace("beta", 0.0, 0.2, shape=30), pm.Flat("intercept")
    pm.Bernoulli("y", logit_p=a + d["cancer_X"] @ beta, observed=d["cancer_y"])


def wide_lasso(pm, d):
    """100 rows, 1000 columns."""
    beta, a = pm.Laplace("beta", 0.0, 0.0629, shape=1000), pm.Flat("intercept")
    pm.Normal("y", a + d["wide_X"] @ beta, 1.0, observed=d["wide_y"])


def poisson_lasso(pm, d):
    """Counts with an exposure."""
    beta, a = pm.Laplace("beta", 0.0, 0.05, shape=40), pm.Normal("intercept", 0.0, 5.0)
    pm.Poisson("y", d["exposure"] * pm.math.exp(a + d["many_X"] @ beta), observed=d["counts"])


def varying_intercepts(pm, d, tau=0.7):
    """Thirty groups; the scale of their effects is held at 0.7."""
    group = pm.Normal("group", 0.0, tau, shape=30)
    mean, beta = pm.Normal("mean", 0.0, 5.0), pm.Laplace("beta", 0.0, 0.05, shape=40)
    eta = mean + group[d["label"]] + d["many_X"] @ beta
    pm.Normal("y", eta, pm.HalfNormal("sigma", 2.0), observed=d["grouped"])


def robust(pm, d):
    """Student-t noise, a tenth of the rows far off, ν = 3."""
    beta, a = pm.Laplace("beta", 0.0, 0.1, shape=40), pm.Normal("intercept", 0.0, 5.0)
    pm.StudentT("y", nu=3.0, mu=a + d["many_X"] @ beta, sigma=pm.HalfNormal("sigma", 2.0), observed=d["contaminated"])


def mixed_priors(pm, d):
    """An elastic net by a potential, a ridge and unpenalised columns in one regression."""
    net, ridge = pm.Laplace("net", 0.0, 0.05, shape=20), pm.Normal("ridge", 0.0, 0.3, shape=15)
    free = pm.Flat("free", shape=5)
    pm.Potential("square", -5.0 * (net**2).sum())
    X = d["many_X"]
    pm.Normal("y", X[:, :20] @ net + X[:, 20:35] @ ridge + X[:, 35:] @ free, 1.0, observed=d["grouped"])


def gamma_regression(pm, d):
    """Positive y, its shape unknown."""
    beta, a = pm.Laplace("beta", 0.0, 0.05, shape=40), pm.Normal("intercept", 0.0, 5.0)
    shape = pm.HalfNormal("shape", 5.0)
    pm.Gamma("y", alpha=shape, beta=shape / pm.math.exp(a + d["many_X"] @ beta), observed=d["positive"])


def shares(pm, d):
    """A Dirichlet over categories, Beta rates in each."""
    share = pm.Dirichlet("share", np.full(6, 1.5))
    pm.Multinomial("n", d["categories"].sum(), share, observed=d["categories"])
    pm.Binomial("k", d["categories"], pm.Beta("rate", 1.5, 4.0, shape=6), observed=d["successes"])


def non_centred(pm, d):
    """Thirty groups, effects tau·z with tau unknown: two modes, one of them at tau = 0."""
    tau, z = pm.HalfNormal("tau", 1.0), pm.Normal("z", 0.0, 1.0, shape=30)
    mean = pm.Normal("mean", 0.0, 5.0)
    pm.Normal("y", mean + (tau * z)[d["label"]], pm.HalfNormal("sigma", 2.0), observed=d["grouped"])


MODELS = {
    "lasso, diabetes": lasso_diabetes,
    "ridge, diabetes, σ unknown": ridge_diabetes,
    "logistic lasso, breast cancer": logistic_lasso,
    "lasso, n=100, p=1000": wide_lasso,
    "Poisson lasso": poisson_lasso,
    "varying intercepts, scale held": varying_intercepts,
    "Student-t noise": robust,
    "elastic net, ridge and flat": mixed_priors,
    "gamma regression": gamma_regression,
    "Dirichlet and Beta": shares,
    "non-centred intercepts": non_centred,
}


def build(name, data):
    """The model of a name."""
    import pymc as pm

    with pm.Model() as model:
        MODELS[name](pm, data)
    return model


# -- contenders: from a model to its variables at the mode, and what was said ------------------------------------------


def ours(model):
    """`br.find_map`."""
    import bayesreg as br

    found = br.find_map(model)
    said = found.outcome.value.split(":")[0]
    return found.point, f"{said}; {found.search}" if found.search else said


def core(model):
    """`pm.find_MAP`."""
    import pymc as pm

    found = pm.find_MAP(model=model, return_inferencedata=True, jitter=False, progressbar=False)
    said = "success" if found["optimizer_result"]["success"].item() else "no success"
    point = found["posterior"].to_dataset().isel(chain=0, draw=0)
    return {name: point[name].to_numpy() for name in point.data_vars}, said


def extras(model):
    """`pymc_extras.find_MAP`."""
    import pymc_extras as pmx

    found = pmx.find_MAP(model=model, progressbar=False, random_seed=0)
    said = "success" if found["optimizer_result"]["success"].item() else "no success"
    point = found["posterior"].to_dataset().isel(chain=0, draw=0)
    return {name: point[name].to_numpy() for name in point.data_vars}, said


CONTENDERS = {"ours": ours, "pm.find_MAP": core, "pymc-extras": extras}


def main():
    """Run one contender on the models named."""
    contender, folder, *names = sys.argv[1:]
    with np.load(Path(folder) / "data.npz") as file:
        data = {name: file[name] for name in file.files}
    for name in names:
        model = build(name, data)
        seconds = []
        try:
            for _ in range(2):
                start = time.perf_counter()
                point, said = CONTENDERS[contender](model)
                seconds.append(time.perf_counter() - start)
        except Exception as error:  # a contender that fails is a result
            print(json.dumps({"name": name, "failed": f"{type(error).__name__}: {error}"[:200]}), flush=True)
            continue
        kept = {rv.name: np.asarray(point[rv.name]) for rv in model.free_RVs}
        np.savez(Path(folder) / f"{list(MODELS).index(name)}.{contender}.npz", **kept)
        print(json.dumps({"name": name, "first": seconds[0], "second": seconds[1], "said": said}), flush=True)


if __name__ == "__main__":
    main()
