"""Problem → Posterior: the samplers, and the choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, final

from bayesreg.arguments import Seed
from bayesreg.errors import ParameterError
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.posterior import Posterior, assemble
from bayesreg.samplers.propriety import check_proper
from bayesreg.samplers.settings import Progress, Refused, Settings, read_settings

__all__ = ["COMPILED", "LADDER", "METHODS", "Plan", "Posterior", "prepare", "refusal", "sample"]

METHODS = ("auto", "conjugate", "gibbs", "surrogate", "hmc", "nuts", "pymc")

LADDER = ("conjugate", "gibbs", "surrogate", "hmc", "nuts")
"""What `auto` tries, in this order."""

COMPILED = ("nuts", "pymc")
"""Those that compile a PyMC model first."""

MAY_REFUSE = ("surrogate",)
"""Those that can find out only by trying that their draws are no good."""

BECAUSE = {
    "conjugate": "Gaussian noise and Gaussian priors: exact independent draws exist",
    "gibbs": "Gaussian noise and a scale mixture of normals: Gibbs sampling from sufficient statistics",
    "surrogate": "a log-concave likelihood: exact draws under its quadratic stand-in, corrected by importance weights",
    "hmc": "a likelihood with a gradient: many chains advanced together, nothing to compile",
    "nuts": "takes anything",
}


def sample(
    problem: Problem,
    method: str = "auto",
    draws: int = 1000,
    chains: int | None = None,
    seed: Seed = 0,
    *,
    tune: int | None = None,
    progress: Progress | None = None,
) -> Posterior:
    """Draw from the posterior of the intercept, the coefficients and whatever else is unknown (σ, a shape, a scale).

    Parameters
    ----------
    problem : Problem
    method : {"auto", "conjugate", "gibbs", "surrogate", "hmc", "nuts", "pymc"}
        `conjugate`: independent exact draws, Gaussian noise × Gaussian prior.  `gibbs`: Gaussian noise × a scale
        mixture of normals (Laplace, ElasticNet, GroupLaplace, an unknown scale), from sufficient statistics.
        `surrogate`: a log-concave likelihood, by a quadratic in its place and importance weights (k-hat ≤ 0.7, or it
        is refused).  `hmc`: Hamiltonian Monte Carlo, many chains at once.  `nuts`: nutpie on the PyMC model in
        whitened coordinates; compiles.  `pymc`: `pm.sample` on the plain model, the reference.  `auto`: the first
        that applies.
    draws : int
        Draws per chain.  Where `chains` is left out, samplers that advance many chains together (`gibbs`,
        `surrogate`, `hmc`) deal the same total, 4·draws, out to more and shorter chains.
    chains : int, optional
        By default 4, or as many as are worth advancing together.
    seed : int, SeedSequence, Generator or None
        The same integer gives the same draws.
    tune : int, optional
        Warm-up iterations per chain; by default the sampler's own (conjugate draws need none).
    progress : callable, optional
        Called with (done, total).

    Returns
    -------
    Posterior
        Its verdict says whether anything may be concluded from it.

    Raises
    ------
    ParameterError
        If a setting is out of range, or `method` does not apply: says why, and what does.
    FitError
        If the posterior is improper, or the weights of `method="surrogate"` are too uneven.
    """
    plan = prepare(problem, method, draws, chains, seed, tune=tune, progress=progress)
    return plan.run()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Samplers that were found to apply, the first choice first, with checked settings.

    All that can be refused has been; the reason says why those before the first choice do not apply.
    """

    problem: Problem
    settings: Settings
    methods: tuple[str, ...]
    reason: str

    @property
    def method(self) -> str:
        """The first choice."""
        return self.methods[0]

    def run(self) -> Posterior:
        """Draw by the first choice; where its own importance weights refuse it, by the next, and say so."""
        reason = self.reason
        for method, last in zip(self.methods, (*[False] * (len(self.methods) - 1), True), strict=True):
            try:
                draws = _module(method).draw(self.problem, self.settings)
            except Refused as refused:
                if last:
                    raise
                reason = f"{method} was tried and refused: {refused}"
                continue
            return assemble(self.problem, draws, self.settings, method, reason)
        msg = "no sampler applies"
        raise AssertionError(msg)


def prepare(
    problem: Problem,
    method: str = "auto",
    draws: int = 1000,
    chains: int | None = None,
    seed: Seed = 0,
    *,
    tune: int | None = None,
    progress: Progress | None = None,
) -> Plan:
    """Check everything that `sample` can refuse, in milliseconds and without compiling; arguments as there."""
    require_problem(problem, "sample")
    settings = read_settings(draws, chains, tune, seed, progress)
    methods, reason = _choose(problem, method)
    check_proper(problem)
    return Plan(problem, settings, methods, reason)


def refusal(problem: Problem, method: str) -> str:
    """Why a sampler (any of `METHODS` but "auto") does not apply to a problem; empty where it does.

    `surrogate` may still refuse when it is run: see `MAY_REFUSE`.
    """
    return "" if method in COMPILED else str(_module(method).refusal(problem))


def _choose(problem: Problem, method: str) -> tuple[tuple[str, ...], str]:
    if method not in METHODS:
        msg = f"method={method!r} is not a sampler: use one of {', '.join(METHODS)}"
        raise ParameterError(msg)
    if method == "pymc":
        return (method,), "as asked"
    if method != "auto":
        refusal = _module(method).refusal(problem)
        if refusal:
            msg = f"method={method!r} does not apply: {refusal}; use method={_applicable(problem)[0][0]!r}"
            raise ParameterError(msg)
        return (method,), "as asked"
    methods, passed = _applicable(problem)
    return methods, BECAUSE[methods[0]] + (f" ({'; '.join(passed)})" if passed else "")


def _applicable(problem: Problem) -> tuple[tuple[str, ...], list[str]]:
    """The first sampler that applies, with those to turn to should it refuse, and why those before it do not apply."""
    methods: list[str] = []
    passed: list[str] = []
    for name in LADDER:
        refusal = _module(name).refusal(problem)
        if refusal and not methods:
            passed.append(f"not {name}: {refusal}")
        if not refusal:
            methods.append(name)
            if name not in MAY_REFUSE:
                break
    return tuple(methods), passed


def _module(method: str) -> Any:
    """The module of a sampler: imported at first use, since some load PyMC."""
    return import_module(f"bayesreg.samplers.{method}")
