"""What a fresh process loads: importing the package, and light commands, must not pay for PyMC or Matplotlib."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {"pymc", "pytensor", "arviz", "matplotlib", "sklearn", "scipy", "pandas", "xarray", "nutpie", "numba"}


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after running `code`."""
    report = "import sys; print('\\n' + ' '.join({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True, timeout=60
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_after("import bayesreg; assert bayesreg.__version__; dir(bayesreg)")
    assert "bayesreg" in loaded
    assert not loaded & HEAVY


def test_listing_the_data_sets_loads_nothing_heavy() -> None:
    assert not loaded_after("from bayesreg.cli import main; assert main(['datasets']) == 0") & HEAVY


def test_exact_draws_need_neither_arviz_nor_scikit_learn_nor_a_picture() -> None:
    code = """
import numpy as np, bayesreg as br
rng = np.random.default_rng(0)
problem = br.Problem.from_arrays(rng.normal(size=(30, 2)), rng.normal(size=30), prior=br.Gaussian(1.0))
posterior = br.sample(problem)
assert posterior.verdict.passed and posterior.beta.shape == (4, 1000, 2)
"""
    assert not loaded_after(code) & (HEAVY - {"scipy"})


def test_the_module_runs_as_a_command() -> None:
    command = [sys.executable, "-m", "bayesreg", "compare", "no-such-file"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("bayesreg: error: 'no-such-file' is neither a file nor a bundled data set")
    assert done.stderr.count("\n") == 1
