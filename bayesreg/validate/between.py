"""Every sampler that applies against each other, and against an oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bayesreg.arguments import Seed, read_integer, read_seed, read_share
from bayesreg.errors import InputError, ParameterError
from bayesreg.in_words import title
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers import COMPILED, LADDER, Posterior, refusal, sample
from bayesreg.samplers.settings import Progress, Refused
from bayesreg.validate.agreed import Agreement
from bayesreg.validate.held import judge
from bayesreg.validate.scalars import Scalars, scalars_of
from bayesreg.validate.stated import Stated, read_stated

if TYPE_CHECKING:
    import pandas as pd

EVERY = (*LADDER, "pymc")

ORACLE_DRAWS = 50_000
"""Exact draws per chain of four: with 200,000 the oracle's own error hardly counts."""

ORACLE_CELLS = 1 << 22
"""Numbers that the exact draws may fill (32 MB), where that is more than `draws` do."""

ASK = 'compiles a PyMC model first: ask for it by name or by methods="compiled"'


def agreement(
    problem: Problem,
    methods: str | Sequence[str] = "all",
    *,
    draws: int = 4000,
    seed: Seed = 0,
    oracle: Posterior | pd.DataFrame | None = None,
    false_alarm: float = 0.01,
    progress: Progress | None = None,
) -> Agreement:
    """Hold samplers of one posterior against each other and against an oracle.

    Compared are the mean, the sd and the 5, 50 and 95 % quantile of every scalar (intercept, each coefficient, σ or α,
    the prior's scale), on the scale that the prior sees, in units of the combined Monte Carlo standard error.

    Parameters
    ----------
    problem : Problem
    methods : {"all", "compiled"} or sequence of str
        "all": every sampler that applies and compiles nothing (conjugate, gibbs, surrogate, hmc); where that is one,
        as under a Laplace prior and an unknown σ, or the others refuse, nuts too, and where none does, nuts and pymc.
        "compiled": those and both of these.  Or names of samplers; those that do not apply are listed in the result,
        with the reason.
    draws : int
        Draws of each sampler, per chain of four, as in `sample`.
    seed : int, SeedSequence, Generator or None
        Each sampler draws from a stream of its own, the same whichever others run.
    oracle : Posterior or DataFrame, optional
        What every sampler is held against as well.  By default up to 200,000 independent exact draws, where
        `conjugate` applies, which then stand for that sampler too.  A DataFrame is a published table: index, names as
        in `Posterior.summary` (those of coefficients in the data's units are "beta_raw[...]"); columns mean, sd, q5,
        q50, q95 or any other q; optionally mcse_mean, ..., ess, and rounding (half a unit of the last printed digit):
        see `validate.stated.read_stated`.
    false_alarm : float
        Probability, at most, of a verdict against samplers that are right.
    progress : callable, optional
        Called with (samplers done, samplers in all).

    Returns
    -------
    Agreement
        `passed` where every sampler could be judged and all agree.

    Raises
    ------
    ParameterError
        If a setting is not what it can be, or there are not two sources to compare.
    InputError
        If the oracle names scalars that the problem does not have, or its table cannot be read.
    FitError
        If the posterior is improper.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter & Bürkner (2021), Bayesian Analysis 16:667–718 (ESS of means, sds and
    quantiles).
    """
    require_problem(problem, "agreement")
    draws = read_integer("draws", draws, 1)
    level = read_share("agreement: false_alarm", false_alarm)
    chosen, skipped = _applicable(problem, methods)
    against = _read_oracle(oracle)
    exact = against is None and not refusal(problem, "conjugate")
    chosen = [name for name in chosen if not (exact and name == "conjugate")]
    known = exact or against is not None
    if methods == "all":
        _add_compiled(chosen, skipped, known)
    _check_enough(chosen, skipped, known)
    plan = (["oracle"] if exact else []) + chosen
    root = read_seed(seed)
    if isinstance(against, Scalars):
        _check_same(against, problem)
    runs: list[Scalars] = []
    for done, name in enumerate(plan, start=1):
        method, size = ("conjugate", _oracle_draws(problem, draws)) if name == "oracle" else (name, draws)
        stream = np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, EVERY.index(method)))
        try:
            posterior = sample(problem, method, size, seed=stream)
            if posterior.interrupted:
                raise KeyboardInterrupt
            runs.append(scalars_of(posterior, name))
        except Refused as refused:
            skipped[name] = str(refused)
            chosen.remove(name)
            if methods == "all":
                plan += _add_compiled(chosen, skipped, known)  # the loop goes on to it
        if progress is not None:
            progress(done, len(plan))
    _check_enough(chosen, skipped, known)
    stated = against if isinstance(against, Stated) else None
    held = judge(([against] if isinstance(against, Scalars) else []) + runs, stated, level)
    what = "independent exact draws (conjugate)" if exact else _described(oracle)
    return Agreement(title(problem), what, skipped, held, level, draws, str(root.entropy))


def _applicable(problem: Problem, methods: str | Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Samplers to run, in the order of the ladder, and why others are not."""
    if isinstance(methods, str):
        methods = (methods,)
    unknown = [name for name in methods if name not in ("all", "compiled", *EVERY)]
    if unknown or not methods:
        got = f"{unknown[0]!r} is not a sampler" if unknown else "it is empty"
        msg = f'methods must be "all", "compiled" or names among {", ".join(EVERY)} ({got})'
        raise ParameterError(msg)
    whole = {"all", "compiled"} & set(methods)
    chosen: list[str] = []
    skipped: dict[str, str] = {}
    for name in EVERY:
        if name not in methods and not whole:
            continue
        if name in COMPILED and name not in methods and "compiled" not in methods:
            skipped[name] = ASK
            continue
        reason = refusal(problem, name)
        if reason:
            skipped[name] = reason
        else:
            chosen.append(name)
    return chosen, skipped


def _add_compiled(chosen: list[str], skipped: dict[str, str], has_oracle: bool) -> list[str]:
    """Add samplers that compile, one by one, as long as there are not two sources to compare; return those added."""
    added = []
    for name in [name for name in COMPILED if skipped.get(name) == ASK]:
        if not chosen or len(chosen) + has_oracle < 2:
            chosen.append(name)
            added.append(name)
            del skipped[name]
    return added


def _check_enough(chosen: Sequence[str], skipped: Mapping[str, str], has_oracle: bool) -> None:
    if len(chosen) + has_oracle >= 2 and chosen:
        return
    there = ", ".join([*chosen, *(["the oracle"] if has_oracle else [])]) or "nothing"
    why = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
    msg = (
        f"agreement needs two sources of one posterior, and there is only {there}: name more samplers in methods=, or "
        f"give oracle={f' ({why})' if why else ''}"
    )
    raise ParameterError(msg)


def _read_oracle(oracle: object) -> Stated | Scalars | None:
    import pandas as pd

    if oracle is None:
        return None
    if isinstance(oracle, Posterior):
        return scalars_of(oracle, "oracle")
    if isinstance(oracle, pd.DataFrame):
        return read_stated(oracle, "oracle")
    msg = f"oracle must be a Posterior or a DataFrame of means, sds and quantiles (got {type(oracle).__name__})"
    raise InputError(msg)


def _described(oracle: object) -> str:
    if oracle is None:
        return ""
    return repr(oracle) if isinstance(oracle, Posterior) else "a table of published numbers"


def _check_same(oracle: Scalars, problem: Problem) -> None:
    """Raise InputError unless the oracle's draws are of the problem's own coefficients."""
    theirs = [label for label in oracle.labels if label.startswith("beta[")]
    ours = [f"beta[{name}]" for name in problem.names]
    if theirs != ours or ("intercept" in oracle.labels) != problem.has_intercept:
        msg = f"oracle is a Posterior of other coefficients, {', '.join(theirs)}: the problem has {', '.join(ours)}"
        raise InputError(msg)


def _oracle_draws(problem: Problem, draws: int) -> int:
    """Exact draws per chain, so many that their own error hardly counts, and memory still holds them."""
    return max(draws, min(ORACLE_DRAWS, ORACLE_CELLS // (4 * (problem.p + 2))))
