"""What the tests of inputs share: a small table, and the rows of the catalogue of bad inputs by their number."""

import numpy as np
import pandas as pd
import pytest

from bayesreg.priors import Laplace
from bayesreg.problem import Problem
from tests.problems import data

N, P = 12, 3


def row(number, *values):
    """Return a case for `parametrize` that is called by its row in the catalogue of bad inputs."""
    return pytest.param(*values, id=f"row-{number}")


def table():
    """Twelve rows of three columns, the last two correlated, and a response."""
    return data("gaussian", N, P, seed=1)


def make(X=None, y=None, **options):
    """Return a problem on the table, or on what is given in its place."""
    options.setdefault("prior", Laplace(0.5))
    return Problem.from_arrays(table()[0] if X is None else X, table()[1] if y is None else y, **options)


def frame(**changes):
    """Return the columns as a data frame."""
    return pd.DataFrame(table()[0], columns=list("abc")).assign(**changes)


def spoiled(value, row=3, column=1):
    """Return the columns with one entry replaced."""
    X = table()[0]
    X[row, column] = value
    return X


def spoiled_y(value, row=2):
    """Return the response with one entry replaced."""
    y = table()[1]
    y[row] = value
    return np.asarray(y)
