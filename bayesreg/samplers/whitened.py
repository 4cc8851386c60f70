"""The PyMC model of a problem in whitened coordinates, compiled for NUTS and, if asked, kept for other responses.

A model takes seconds to compile, and small data a tenth of one to sample.  What whitens it is data of the compiled
model, and the response can be: problems that differ in y alone (simulated responses of the same rows) then share it.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from bayesreg.density import GraphDensity
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.reduced_model import build_lean_model, response_data

MOST_KEPT = 8
"""Compiled models that a process keeps, those used last: of the order of 10 MB each."""

_kept: OrderedDict[str, Whitened] = OrderedDict()
_lock = threading.RLock()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Whitened:
    """A compiled model of z, with x = centre + root·z the unconstrained vector of a problem's PyMC model.

    Parameters
    ----------
    density : GraphDensity
        The problem's model over x, for the way between x and natural units.  Where `open_response`, what it says of
        the density may be that of another response.
    model : nutpie's compiled model
        Over z; neither centre nor root mean anything before `on` gives them.
    open_response : bool
        Whether the response is data of the compiled model, rather than a constant in it.
    """

    density: GraphDensity
    model: Any
    open_response: bool

    def on(self, problem: Problem, centre: Array, root: Array) -> Any:
        """Return the compiled model at a centre (K,) and root, (K, K) or (K,), and with the problem's response."""
        response = {"response": response_data(problem)} if self.open_response else {}
        return self.model.with_data(centre=centre, root=root, **response)


@contextmanager
def compiled_for(problem: Problem, *, reuse: bool) -> Iterator[Whitened]:
    """Compile a problem's model; with `reuse` take the one of an earlier problem that differs in its response alone.

    A model that is kept serves one thread at a time: its compiled functions write to memory of their own.
    """
    if not reuse:
        yield _compile(problem, open_response=False)
        return
    with _lock:
        key = _key(problem)
        if key not in _kept:
            _kept[key] = _compile(problem, open_response=True)
        _kept.move_to_end(key)
        if len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
        yield _kept[key]


def forget_compiled() -> None:
    """Drop the models that are kept."""
    with _lock:
        _kept.clear()


def _key(problem: Problem) -> str:
    """Digest of all that a model's graph holds but the response: the rest of the rows, the likelihood, the priors."""
    import joblib

    block = problem.design.rows.collect()
    rows = block.X, block.offset, block.weights, block.trials
    priors = problem.prior, problem.intercept, problem.scale_by_noise
    return str(joblib.hash((rows, problem.names, problem.likelihood, priors)))


def _compile(problem: Problem, *, open_response: bool) -> Whitened:
    density = GraphDensity(build_lean_model(problem))
    size = density.free.size
    # A place for each, that `on` fills: diagonal where there are more columns than rows.
    centre, root = np.zeros(size), np.eye(size) if problem.p <= problem.n else np.ones(size)
    model = whitened_model(density, centre, root, open_response=open_response)
    return Whitened(density, compile_model(model), open_response)


def compile_model(model: Any) -> Any:
    """Return a PyMC model compiled for NUTS."""
    import nutpie

    return nutpie.compile_pymc_model(model)


def unwhitened(z: Any, centre: Any, root: Any) -> Any:
    """x at z (..., K), arrays or tensors."""
    return centre + (z * root if root.ndim == 1 else z @ root.T)


def whitened_model(density: GraphDensity, centre: Array, root: Array, *, open_response: bool = False) -> Any:
    """PyMC model of z, whose log density is the original's at centre + root·z (Jacobians of transforms on).

    Centre and root are shared variables of these names; so is the `response`, with `open_response` or where there are
    sufficient statistics in its place.  A response of counts is better a constant: terms of it alone, such as log y!,
    are then computed once (a gradient of Poisson noise, 1,000 × 10, takes 23 µs, else 34).
    """
    import pymc as pm
    from pymc.pytensorf import join_nonshared_inputs
    from pytensor import shared
    from pytensor.graph.replace import graph_replace

    original = density.model
    values = [original.rvs_to_values[rv] for rv in original.free_RVs]
    (logp,), x = join_nonshared_inputs(original.initial_point(), [original.logp()], values, {})
    responses = [original.rvs_to_values[rv] for rv in original.observed_RVs] if open_response else []
    given = {constant: shared(constant.data, name="response", shape=constant.data.shape) for constant in responses}
    place, stretch = (shared(a, name=name, shape=a.shape) for name, a in (("centre", centre), ("root", root)))
    with pm.Model() as model:
        z = pm.Flat("z", shape=centre.size)
        pm.Potential("logp", graph_replace(logp, {x: unwhitened(z, place, stretch), **given}))
    return model
