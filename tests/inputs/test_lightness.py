"""What is wrong is said at once: before PyMC, or anything else that takes seconds, is imported."""

import os
import subprocess
import sys
import textwrap

HEAVY = ("pymc", "pytensor", "arviz", "matplotlib", "numba", "nutpie")

BAD_CALLS = """
    import sys
    import numpy as np
    import bayesreg as br

    X, y = np.cos(np.arange(12.0)).reshape(6, 2), np.arange(6.0)
    laplace = br.Laplace(0.5)
    good = br.Problem.from_arrays(X, y, prior=laplace)
    collinear = br.Problem.from_arrays(X[:, [0, 0]], y, prior=br.Flat())
    classes = br.Problem.from_arrays(X, y > 2, prior=laplace, likelihood=br.BernoulliLogit())
    hierarchical = br.Problem.from_arrays(X, y, prior=br.Laplace(br.HalfCauchy(1.0)))
    wide = br.Problem.from_arrays(np.eye(6), y, prior=laplace)
    bad = {
        "nan": lambda: br.Problem.from_arrays(X * np.nan, y, prior=laplace),
        "length": lambda: br.Problem.from_arrays(X, y[:-1], prior=laplace),
        "classes": lambda: br.Problem.from_arrays(X, y, prior=laplace, likelihood=br.BernoulliLogit()),
        "scale": lambda: br.Laplace(-1.0),
        "sigma of the noise": lambda: br.GaussianNoise(0.0),
        "prior": lambda: br.Problem.from_arrays(X, y, prior="lasso"),
        "sigma": lambda: br.find_map(good, sigma=-1.0),
        "method": lambda: br.find_map(good, sigma="residuals"),
        "no sigma": lambda: br.find_map(classes, sigma=1.0),
        "hold": lambda: br.find_map(good, hold={"beta": 0.0}),
        "target": lambda: br.find_map([1, 2, 3]),
        "unknown scale": lambda: br.find_map(hierarchical, sigma=1.0),
        "collinear": lambda: br.find_map(collinear, sigma=1.0),
        "unbounded": lambda: br.find_map(wide, sigma="joint"),
    }
    for name, call in bad.items():
        try:
            call()
        except (br.InputError, br.ParameterError, br.FamilyError, br.FitError):
            continue
        print("not refused:", name)
    br.fit_penalized(good)
    br.fit_penalized(classes)
    print("imported:", *sorted(set(sys.modules) & set(sys.argv[1:])))
"""


def test_bad_calls_and_penalised_fits_load_nothing_heavy():
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore:columns", "-c", textwrap.dedent(BAD_CALLS), *HEAVY],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n") == ["imported:", ""]
