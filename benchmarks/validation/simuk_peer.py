"""Simulation-based calibration of the Bayesian lasso by simuk, in a Python that has it: `simuk_peer.py FILE COUNT`.

A script of its own, for a Python that has simuk and PyMC and nothing of this project.  FILE holds X, and the scales of
the coefficients, the intercept and σ.  simuk runs as its manual shows: `pm.sample` at its defaults in each replication.
The first replication, which fills PyTensor's compile cache, is timed apart.  The last line printed is JSON.
"""

import json
import sys
import time
from importlib.metadata import version

import numpy as np


def model(X, scale, intercept, sigma):
    """The lasso with an unknown σ."""
    import pymc as pm

    with pm.Model() as lasso:
        a = pm.Normal("intercept", 0.0, intercept)
        beta = pm.Laplace("beta", 0.0, scale, shape=X.shape[1])
        noise = pm.HalfNormal("sigma", sigma)
        pm.Normal("y", a + X @ beta, noise, observed=np.zeros(len(X)))
    return lasso


def seconds(lasso, count, seed):
    """Time `count` replications, and make sure that there are as many: simuk prints errors and goes on without."""
    import simuk

    start = time.perf_counter()
    run = simuk.SBC(lasso, num_simulations=count, seed=seed, progress_bar=False)
    run.run_simulations()
    spent = time.perf_counter() - start
    found = run.simulations["prior_sbc"]["beta"].shape[1]
    if found != count:
        msg = f"simuk finished {found} of {count} replications"
        raise RuntimeError(msg)
    return spent


def main():
    """Run."""
    with np.load(sys.argv[1]) as file:
        lasso = model(file["X"], *(float(file[name]) for name in ("scale", "intercept", "sigma")))
    count = int(sys.argv[2])
    first = seconds(lasso, 1, 1)
    spent = seconds(lasso, count, 2)
    versions = {name: version(name) for name in ("simuk", "pymc")}
    print(json.dumps({"first": first, "seconds": spent, "count": count, "versions": versions}))


if __name__ == "__main__":
    main()
