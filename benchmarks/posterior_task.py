"""One contender on one posterior, in a process of its own: `python -m benchmarks.posterior_task TASK CONTENDER`.

TASK is a name such as T1, or the file that `Task.write` made of it.  CONTENDER is a method of `br.sample`;
`pm.sample`, the model as a tutorial writes it; `estimate`, what that one would take on too many rows; or `moments`,
one pass over the rows beside a bare XᵀX.

The first call is as a user meets it, from the first import to the printed summary: it gives the cold time and the
peak memory.  Where calls are short there are some more, and what they take is the time of sampling: the first one's
holds imports.  The last line printed is JSON.  ESS and R-hat are no business of this process: it leaves its draws in a
file, and the same code counts everybody's.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from benchmarks.tasks import BY_NAME, Data

if TYPE_CHECKING:
    import numpy as np

# NumPy and all that is above it is imported below, inside the time that is taken.

DRAWS, CHAINS, TUNE = 1000, 4, 1000
CORES = min(CHAINS, os.cpu_count() or 1)

AGAIN, SPENT = 9, 4.0
"""Further calls in the same process, and the seconds after which there is none."""

MEASURED = 2**23
"""Bytes of data from which the memory is asked for that the imports alone take, those in the midst of a call too."""

THINNED = 50
"""Of which every how manieth row is kept to count the gradients that a draw takes."""

RULER = (20, 220)
"""Iterations of one leapfrog step each whose difference in time is that of the gradients alone."""


@dataclass(frozen=True, slots=True)
class Call:
    """What one call gave: draws (chain, draw, p), and the seconds of the whole, of compiling and of sampling."""

    draws: np.ndarray
    whole: float
    compiling: float
    sampling: float
    show: Callable[[], None]
    method: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Contender:
    """A contender with its data read and its packages imported."""

    call: Callable[[int], Call]
    imported: float
    data: Data | None = None


class DoesNotApplyError(Exception):
    """The method refuses this posterior; says why."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run it."""
    start = time.perf_counter()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.posterior_task", description=__doc__)
    parser.add_argument("task")
    parser.add_argument("contender")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--draws", type=Path, help="file to leave the draws in")
    options = parser.parse_args(arguments)
    if options.task in BY_NAME:
        _elsewhere(options)
    else:
        print(json.dumps(_run(Path(options.task), options.contender, options.seed, options.draws, start)))


def _elsewhere(options: argparse.Namespace) -> None:
    """Make the file of a task given by its name, and run on that in a process that knows nothing of the making."""
    with tempfile.TemporaryDirectory() as folder:
        path = BY_NAME[options.task].write(Path(folder))
        rest = [] if options.draws is None else ["--draws", str(options.draws)]
        command = [sys.executable, "-m", "benchmarks.posterior_task", str(path), options.contender, *rest]
        subprocess.run([*command, "--seed", str(options.seed)], check=True)


def _run(path: Path, name: str, seed: int, kept: Path | None, start: float) -> dict[str, Any]:
    if name == "moments":
        return _one_pass(path)
    try:
        contender = _contender(path, name)
        first = contender.call(seed)
    except DoesNotApplyError as error:
        return {"refused": str(error)}
    first.show()
    cold, peak = time.perf_counter() - start, peak_memory()
    calls = [first]
    while len(calls) <= AGAIN and sum(call.whole for call in calls) < SPENT:
        calls.append(contender.call(seed + len(calls)))
    counted = calls[1:] or calls
    imported = contender.imported
    if path.stat().st_size > MEASURED:
        imported = memory_of_imports(list(sys.modules))
    if kept is not None:
        _save(kept, counted)
    return {
        "cold": cold,
        "compiling": first.compiling,
        "sampling": [call.sampling for call in counted],
        "whole": [call.whole for call in counted],
        "peak": peak,
        "imported": imported,
        "method": first.method,
        "note": next((call.note for call in calls if call.note), ""),
    }


def _contender(path: Path, name: str) -> Contender:
    if name == "pm.sample":
        return _plain(path)
    if name == "estimate":
        return _estimate(path)
    return _ours(path, name)


def _save(path: Path, calls: Sequence[Call]) -> None:
    import numpy as np

    np.save(path, np.stack([call.draws for call in calls]))


def peak_memory() -> float:
    """Greatest resident memory of this process so far, in MiB.

    Linux hands a child the greatest `ru_maxrss` of the process that started it, however small the child is; VmHWM
    starts anew.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def memory_of_imports(modules: Sequence[str]) -> float:
    """Greatest resident memory, in MiB, of a process that does nothing but import these modules.

    Those that have no file to be found by are left out: Cython and PyTensor make some as they run.
    """
    code = (
        "import importlib, json, sys\n"
        "from contextlib import suppress\n"
        "from benchmarks.posterior_task import peak_memory\n"
        "for name in json.load(sys.stdin):\n"
        "    with suppress(ModuleNotFoundError):\n"
        "        importlib.import_module(name)\n"
        "print(peak_memory())"
    )
    named = json.dumps([name for name in modules if name != "__main__"])
    run = subprocess.run([sys.executable, "-c", code], input=named, capture_output=True, text=True, check=True)
    return float(run.stdout.splitlines()[-1])


# -- ours --------------------------------------------------------------------------------------------------------------


def _ours(path: Path, method: str) -> Contender:
    import bayesreg as br
    import bayesreg.samplers

    imported = peak_memory()
    data = Data.read(path)  # held to the end, as a user holds it
    problem = build_problem(data)

    def call(seed: int) -> Call:
        try:
            return _sampled(problem, method, seed)
        except (br.ParameterError, br.FitError) as error:
            raise DoesNotApplyError(str(error)) from error

    return Contender(call, imported, data)


def build_problem(data: Data) -> Any:
    """Return the br.Problem of the data."""
    import bayesreg as br

    prior = br.Laplace(data.scale) if data.prior == "laplace" else br.Gaussian(data.scale)
    noise = br.GaussianNoise() if data.sigma is None else br.GaussianNoise(data.sigma)
    return br.Problem.from_arrays(
        data.X, data.y, prior=prior, likelihood=noise if data.family == "gaussian" else br.BernoulliLogit()
    )


def _sampled(problem: Any, method: str, seed: int) -> Call:
    import bayesreg as br

    with _compiling(method) as compiling, _assembling() as assembling:
        start = time.perf_counter()
        posterior = br.sample(problem, method, draws=DRAWS, seed=seed)
        end = time.perf_counter()
    # Until there are draws: what comes after is diagnostics, the log-likelihood and the raw units.
    sampling = (assembling[0] if assembling else end) - start - sum(compiling)
    verdict = posterior.verdict
    note = "" if verdict.passed else f"its own verdict: {verdict}"
    return Call(posterior.beta, end - start, sum(compiling), sampling, lambda: _show(posterior), posterior.method, note)


@contextmanager
def _assembling() -> Iterator[list[float]]:
    """When the draws of a `br.sample` inside were handed over for diagnostics.

    The one place that knows the inside of `bayesreg.samplers`: Plan.run passes the draws to its `assemble`.
    """
    from bayesreg import samplers

    assemble, moments = samplers.assemble, []

    def noted(*args: Any, **kwargs: Any) -> Any:
        moments.append(time.perf_counter())
        return assemble(*args, **kwargs)

    with patch.object(samplers, "assemble", noted):
        yield moments


@contextmanager
def _compiling(method: str) -> Iterator[list[float]]:
    """The seconds that nutpie spent compiling inside, for the methods that use it (others never load it)."""
    seconds: list[float] = []
    if method not in ("nuts", "pymc"):
        yield seconds
        return
    import nutpie

    compile_model = nutpie.compile_pymc_model

    def timed(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        compiled = compile_model(*args, **kwargs)
        seconds.append(time.perf_counter() - start)
        return compiled

    with patch.object(nutpie, "compile_pymc_model", timed):
        yield seconds


def _show(posterior: Any) -> None:
    """Print what a user reads first: the coefficients, and whether the draws can be trusted."""
    import numpy as np

    beta = posterior.beta.reshape(-1, posterior.beta.shape[-1])
    table = np.column_stack([beta.mean(axis=0), beta.std(axis=0), *np.quantile(beta, (0.05, 0.95), axis=0)])
    for name, row in zip(posterior.problem.names, table, strict=True):
        print(f"{name:>12}", *(f"{value:10.3f}" for value in row))
    print(posterior.verdict)


def _one_pass(path: Path) -> dict[str, Any]:
    """Time the pass that gives Gaussian noise all it asks of the rows, and the least that any such pass can cost."""
    from benchmarks.measure import best_of

    problem = build_problem(Data.read(path))
    X = problem.design.rows.collect().X
    return {"moments": best_of(problem.moments), "product": best_of(lambda: X.T @ X)}


# -- PyMC --------------------------------------------------------------------------------------------------------------


def plain_model(data: Data) -> Any:
    """Return the PyMC model as a tutorial writes it.

    σ has a half-Cauchy prior on the scale of y (ours is 1/σ): at these numbers of rows the two cannot be told apart.
    """
    import numpy as np
    import pymc as pm

    with pm.Model(coords={"feature": np.arange(data.X.shape[1])}) as model:
        X = pm.Data("X", data.standardised())
        intercept = pm.Flat("intercept")
        kind = pm.Laplace if data.prior == "laplace" else pm.Normal
        eta = intercept + X @ kind("beta", 0, data.scale, dims="feature")
        if data.family == "bernoulli":
            pm.Bernoulli("y", logit_p=eta, observed=data.y)
        else:
            sigma = pm.HalfCauchy("sigma", data.y.std()) if data.sigma is None else data.sigma
            pm.Normal("y", eta, sigma, observed=data.y)
    return model


def _plain(path: Path) -> Contender:
    import arviz as az
    import pymc as pm

    imported = peak_memory()
    data = Data.read(path)

    def call(seed: int) -> Call:
        start = time.perf_counter()
        with plain_model(data):
            tree = pm.sample(
                DRAWS, tune=TUNE, chains=CHAINS, nuts_sampler="nutpie", random_seed=seed, progressbar=False
            )
        whole = time.perf_counter() - start
        sampling = float(tree.posterior.attrs["sampling_time"])
        draws = tree.posterior["beta"].values
        return Call(draws, whole, whole - sampling, sampling, lambda: print(az.summary(tree)))

    return Contender(call, imported)


def _estimate(path: Path) -> Contender:
    """What plain nutpie takes on all rows: seconds a gradient there × gradients a run takes on every so manieth row."""
    import nutpie

    imported = peak_memory()
    data = Data.read(path)
    few = Data(data.X[::THINNED], data.y[::THINNED], data.family, data.prior, data.scale, data.sigma)

    def call(seed: int) -> Call:
        start = time.perf_counter()
        compiled = nutpie.compile_pymc_model(plain_model(data))
        compiling = time.perf_counter() - start
        each = gradient_seconds(compiled)
        compiled = nutpie.compile_pymc_model(plain_model(few))
        settings: dict[str, Any] = {"chains": CHAINS, "cores": CORES, "progress_bar": False, "save_warmup": True}
        tree = nutpie.sample(compiled, draws=DRAWS, tune=TUNE, seed=seed, **settings)
        gradients = _gradients(tree)
        seconds = gradients * each
        note = (
            f"an ESTIMATE: {1e3 * each:.1f} ms a gradient on all rows ({CORES} chains at once) × {gradients:,} "
            f"gradients, as many as {CHAINS} × ({TUNE} + {DRAWS}) iterations take on every {THINNED}th row"
        )
        return Call(
            tree.posterior["beta"].values, time.perf_counter() - start, compiling, seconds, lambda: None, note=note
        )

    return Contender(call, imported)


def gradient_seconds(compiled: Any) -> float:
    """Seconds by which one more gradient lengthens a run, by runs of two lengths in steps of one leapfrog.

    As many chains as there are cores go at a time: where one gradient alone occupies them all, nothing is gained by it.
    """
    from benchmarks.measure import best_of

    _short_run(compiled, 1)  # the first call of all does more than the ones after it
    few, many = (best_of(lambda length=length: _short_run(compiled, length), 3) for length in RULER)
    return (many - few) / (_short_run(compiled, RULER[1]) - _short_run(compiled, RULER[0]))


def _short_run(compiled: Any, length: int) -> int:
    """Sample so many iterations with no more than one leapfrog step each; return the gradients that were counted."""
    import nutpie

    settings: dict[str, Any] = {"maxdepth": 1, "progress_bar": False, "save_warmup": True}
    settings |= {"chains": CORES, "cores": CORES}
    return _gradients(nutpie.sample(compiled, draws=1, tune=length, seed=1, **settings))


def _gradients(tree: Any) -> int:
    return int(sum(tree[group]["n_steps"].sum() for group in ("sample_stats", "warmup_sample_stats")))


if __name__ == "__main__":
    main()
