"""Compiled PyMC densities, one per registry entry, shared by all tests of a session."""

from collections.abc import Callable

import numpy as np
import pytest

from tests.registry import PRIORS, SCALE_PRIORS

COLUMNS = 3


def compiled(model: object, value_name: str) -> Callable[[np.ndarray], float]:
    """PyMC's own log density of a one-variable model, Jacobian off, at a value of its value variable."""
    from bayesreg.density import evaluation_mode

    logp = model.compile_fn(model.logp(jacobian=False), mode=evaluation_mode(), on_unused_input="ignore")
    return lambda value: float(logp({value_name: value}))


@pytest.fixture(scope="session", params=PRIORS)
def prior_node(request):
    """A prior on three columns with its PyMC variable's log density."""
    import pymc as pm

    prior = PRIORS[request.param](COLUMNS)
    with pm.Model(coords={"feature": list("abc")}) as model:
        prior.node("beta", "feature", 1.0)
    return prior, compiled(model, "beta")


@pytest.fixture(scope="session", params=SCALE_PRIORS)
def scale_node(request):
    """A scale prior with its PyMC model and that variable's log density at the logarithm of the scale."""
    import pymc as pm

    prior = SCALE_PRIORS[request.param].make()
    with pm.Model() as model:
        prior.node("sigma", 2.5)
    return prior, model, compiled(model, "sigma_log__")
