"""scikit-learn's own checks, none of them expected to fail."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from bayesreg.sklearn import PosteriorClassifier, PosteriorRegressor

# Runs this short fail the gates on purpose, and say so.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

FEW = {"draws": 50, "tune": 40}

ESTIMATORS = [
    PosteriorRegressor(**FEW),
    PosteriorRegressor("gaussian", **FEW),
    PosteriorRegressor("laplace", 0.5, **FEW),
    PosteriorRegressor("gaussian", 2.0, standardize=False, fit_intercept=False, **FEW),
    PosteriorClassifier(**FEW),
    PosteriorClassifier("gaussian", 1.0, **FEW),
]


@parametrize_with_checks(ESTIMATORS)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


def test_the_check_that_needs_its_own_process():
    """`check_array_api_input` is skipped above: SciPy reads SCIPY_ARRAY_API once, when it is imported."""
    script = """
        from sklearn.utils.estimator_checks import check_array_api_input
        from bayesreg.sklearn import PosteriorClassifier, PosteriorRegressor
        for model in (PosteriorRegressor("gaussian", draws=300), PosteriorClassifier("gaussian", 1.0, draws=500)):
            check_array_api_input(type(model).__name__, model, "numpy", expect_only_array_outputs=False)
        print("passed")
    """
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"SCIPY_ARRAY_API": "1", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == "passed\n"
