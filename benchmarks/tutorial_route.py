"""The same ridge comparison as a tutorial has it, as a script of its own: `python -m benchmarks.tutorial_route`.

The prior scale is the one that `bayesreg compare diabetes --prior gaussian` arrives at; here it is given, and costs
nothing.  σ has the weakly informative half-Cauchy prior that tutorials give it (ours is 1/σ; at 442 rows the two
posteriors cannot be told apart).  `pm.sample` chooses its own sampler, which is nutpie where that is installed.
The last line is JSON: seconds by stage and the effective draws that they bought.
"""

from __future__ import annotations

import json
import time

SCALE = 36.7


def main() -> None:
    """Build the model, find the MAP, sample, print the summary."""
    start = time.perf_counter()
    import arviz as az
    import numpy as np
    import pymc as pm
    from sklearn.datasets import load_diabetes

    imported = time.perf_counter()
    data = load_diabetes(scaled=False)
    X, y = (data.data - data.data.mean(axis=0)) / data.data.std(axis=0), data.target
    with pm.Model(coords={"feature": data.feature_names}):
        intercept = pm.Flat("intercept")
        beta = pm.Normal("beta", 0, SCALE, dims="feature")
        sigma = pm.HalfCauchy("sigma", 50)
        pm.Normal("y", intercept + X @ beta, sigma, observed=y)
        mode = pm.find_MAP(return_inferencedata=True, jitter=False, progressbar=False)
        found = time.perf_counter()
        draws = pm.sample(1000, tune=1000, chains=4, random_seed=1, progressbar=False)
    sampled = time.perf_counter()
    print(mode.posterior["beta"].values.round(1))
    print(az.summary(draws))
    effective = float(np.min(az.ess(draws, var_names=["beta"])["beta"].values))
    stages = {"import": imported - start, "map": found - imported, "sample": sampled - found}
    print(json.dumps(stages | {"ess": effective, "sampling": draws.posterior.attrs.get("sampling_time")}))


if __name__ == "__main__":
    main()
