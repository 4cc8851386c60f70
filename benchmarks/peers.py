"""Bambi and NumPyro on a posterior of the benchmarks: `python peers.py bambi|numpyro FILE [--draws FILE] [--seed N]`.

A script of its own, for a Python that has these packages and nothing of this project.  FILE is what `Task.write` made:
X, y, family, prior, scale and sigma.  Each runs as its manual shows, NUTS with 4 chains of 1000 + 1000.  The last line
printed is JSON of the same form as that of `posterior_task`; the draws are left in a file, to be counted by one code.
"""

import argparse
import json
import resource
import time
from importlib.metadata import version

DRAWS, CHAINS, TUNE = 1000, 4, 1000

COMPILING = ("/jax/core/compile/backend_compile_duration", "/jax/core/compile/jaxpr_to_mlir_module_duration")


def main():
    """Run one of them."""
    start = time.perf_counter()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("file")
    parser.add_argument("--draws", help="file to leave the draws in")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    run, packages = PEERS[options.peer]
    said, draws = run(options.file, options.seed)
    said |= {"cold": time.perf_counter() - start, "peak": peak_memory()}
    if options.draws:
        import numpy as np

        np.save(options.draws, draws[None])
    print(json.dumps(said | {"method": "", "versions": {name: version(name) for name in packages}}))


def read(path):
    """Return the arrays of a task, X standardised."""
    import numpy as np

    with np.load(path) as file:
        data = {name: file[name] for name in file.files}
    X = data["X"]
    data["X"] = (X - X.mean(axis=0)) / X.std(axis=0)
    return data


def peak_memory():
    """Greatest resident memory so far, in MiB (`ru_maxrss` would begin with that of the process that started this)."""
    try:
        with open("/proc/self/status") as file:
            return next(int(line.split()[1]) for line in file if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run_bambi(path, seed):
    """Return the timings and the draws of the coefficients."""
    import arviz as az
    import bambi as bmb
    import numpy as np
    import pandas as pd

    imported = peak_memory()
    data = read(path)
    names = [f"x{j}" for j in range(data["X"].shape[1])]
    frame = pd.DataFrame(data["X"], columns=names).assign(y=data["y"])
    laplace = data["prior"] == "laplace"
    size = {"mu": 0, "b" if laplace else "sigma": float(data["scale"])}
    prior = {name: bmb.Prior("Laplace" if laplace else "Normal", **size) for name in names}
    prior["Intercept"] = bmb.Prior("Flat")
    if data["family"] == "gaussian":
        prior["sigma"] = bmb.Prior("HalfCauchy", beta=float(data["y"].std()))
    model = bmb.Model(f"y ~ {' + '.join(names)}", frame, family=str(data["family"]), priors=prior)
    start = time.perf_counter()
    fit = model.fit(DRAWS, tune=TUNE, chains=CHAINS, random_seed=seed, progressbar=False)
    whole = time.perf_counter() - start
    sampling = float(fit.posterior.attrs["sampling_time"])
    print(az.summary(fit))
    draws = np.stack([fit.posterior[name].values for name in names], axis=-1)
    said = {"compiling": whole - sampling, "sampling": [sampling], "whole": [whole], "imported": imported}
    return said | {"note": f"sampled by {fit.posterior.attrs['inference_library']}"}, draws


def run_numpyro(path, seed):
    """Return the timings and the draws of the coefficients; JAX says itself how long it compiled."""
    import numpyro

    numpyro.set_host_device_count(CHAINS)  # before JAX is loaded; on fewer cores still the fastest way
    numpyro.enable_x64()
    import jax
    import numpy as np
    from numpyro.infer import MCMC, NUTS

    imported = peak_memory()
    data, compiling = read(path), []
    # A second run would compile as much again; tracing, which is nested and cannot be added up, counts as sampling.
    jax.monitoring.register_event_duration_secs_listener(
        lambda event, seconds, **_: compiling.append(seconds) if event in COMPILING else None
    )
    mcmc = MCMC(
        NUTS(lambda: numpyro_model(data)), num_warmup=TUNE, num_samples=DRAWS, num_chains=CHAINS, progress_bar=False
    )
    start = time.perf_counter()
    mcmc.run(jax.random.PRNGKey(seed))
    mcmc.get_samples()["beta"].block_until_ready()
    whole, spent = time.perf_counter() - start, sum(compiling)
    mcmc.print_summary()
    draws = np.asarray(mcmc.get_samples(group_by_chain=True)["beta"])
    said = {"compiling": spent, "sampling": [whole - spent], "whole": [whole], "imported": imported, "note": ""}
    return said, draws


def numpyro_model(data):
    """The posterior in NumPyro, σ (where unknown) with a half-Cauchy prior on the scale of y."""
    import numpy as np
    import numpyro
    from numpyro import distributions as dist

    X, scale = data["X"], float(data["scale"])
    kind = dist.Laplace if data["prior"] == "laplace" else dist.Normal
    intercept = numpyro.sample("intercept", dist.ImproperUniform(dist.constraints.real, (), ()))
    beta = numpyro.sample("beta", kind(0.0, scale).expand([X.shape[1]]).to_event(1))
    eta = intercept + X @ beta
    if data["family"] == "bernoulli":
        numpyro.sample("y", dist.Bernoulli(logits=eta), obs=data["y"])
        return
    sigma = float(data["sigma"])
    if np.isnan(sigma):
        sigma = numpyro.sample("sigma", dist.HalfCauchy(float(np.std(data["y"]))))
    numpyro.sample("y", dist.Normal(eta, sigma), obs=data["y"])


PEERS = {
    "bambi": (run_bambi, ("bambi", "pymc")),
    "numpyro": (run_numpyro, ("numpyro", "jax")),
}

if __name__ == "__main__":
    main()
