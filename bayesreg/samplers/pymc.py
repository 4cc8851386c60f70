"""`pm.sample` on the plain model, untouched: the reference that the other samplers are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bayesreg.errors import FitError
from bayesreg.graph import build_model
from bayesreg.interfaces import Array
from bayesreg.problem import Problem
from bayesreg.samplers.settings import Draws, Settings

CHAINS, TUNE, CORES = 4, 1000, 2


def draw(problem: Problem, settings: Settings) -> Draws:
    """Return draws of `pm.sample` (nutpie as its engine), with 1000 warm-up iterations unless told otherwise."""
    import pymc as pm

    model = build_model(problem)
    tree = pm.sample(
        model=model,
        draws=settings.draws,
        tune=TUNE if settings.tune is None else settings.tune,
        chains=settings.chains or CHAINS,
        cores=CORES,
        random_seed=settings.integer_seed(),
        nuts_sampler="nutpie",
        progressbar=settings.progress is not None,
        compute_convergence_checks=False,
        quiet=settings.progress is None,
    )
    posterior, kept, done = trimmed({k: v.values for k, v in tree["posterior"].data_vars.items()}, settings.draws)
    beta = posterior["beta"]
    lead = [posterior["intercept"][..., None]] if problem.has_intercept else []
    extra = {name: values for name, values in posterior.items() if name == "beta_scale"}
    stats = sample_stats(tree["sample_stats"], beta.shape[:2], kept)
    return Draws(
        np.concatenate([*lead, beta], axis=-1),
        posterior.get(problem.likelihood.dispersion_name or ""),
        extra,
        stats,
        interrupted=done < settings.draws,
    )


def trimmed(values: dict[str, Array], draws: int) -> tuple[dict[str, Array], NDArray[np.int_], int]:
    """Cut an interrupted run, which nutpie pads with NaN, to the draws that chains worth keeping have in common.

    Chains with fewer than half of the longest are dropped.  Returns the draws, the chains kept, and the draws of each.

    Raises
    ------
    FitError
        If no chain has a single draw.
    """
    flat = np.concatenate([v.reshape(*v.shape[:2], -1) for v in values.values()], axis=2)
    finished = np.isfinite(flat).all(axis=2)
    length = np.where(finished.all(axis=1), finished.shape[1], finished.argmin(axis=1))
    kept = np.flatnonzero(length >= max(1, length.max() // 2))
    if not length.max():
        msg = "sampling was interrupted before the first draw: nothing to keep"
        raise FitError(msg)
    done = min(int(length[kept].min()), draws)
    return {name: v[kept, :done] for name, v in values.items()}, kept, done


def sample_stats(group: Any, shape: tuple[int, ...], kept: NDArray[np.int_]) -> dict[str, Array]:
    """Return nutpie's sample statistics of kept draws under ArviZ's names."""
    names = {
        "diverging": "diverging",
        "energy": "energy",
        "n_steps": "n_steps",
        "depth": "tree_depth",
        "maxdepth_reached": "reached_max_treedepth",
        "mean_tree_accept": "acceptance_rate",
        "step_size": "step_size",
    }
    return {new: group[old].values[kept, : shape[1]] for old, new in names.items() if old in group}
