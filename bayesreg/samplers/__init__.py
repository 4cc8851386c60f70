"""Problem → Posterior: the samplers, and the choice among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from bayesreg.arguments import Seed
from bayesreg.errors import ParameterError
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.posterior import Posterior, assemble
from bayesreg.samplers.propriety import check_proper
from bayesreg.samplers.settings import Draws, Progress, Settings, read_settings

__all__ = ["METHODS", "Plan", "Posterior", "prepare", "sample"]

METHODS = ("auto", "conjugate", "nuts", "pymc")


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
    """Draw from the posterior of the intercept, the coefficients and, where unknown, σ.

    Parameters
    ----------
    problem : Problem
    method : {"auto", "conjugate", "nuts", "pymc"}
        `conjugate`: independent exact draws, Gaussian noise × Gaussian prior.  `nuts`: nutpie on the PyMC model in
        whitened coordinates.  `pymc`: `pm.sample` on the plain model, the reference.  `auto`: the first that applies.
    draws : int
        Draws per chain.
    chains : int, optional
        By default 4.
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
        If the posterior is improper.
    """
    plan = prepare(problem, method, draws, chains, seed, tune=tune, progress=progress)
    return plan.run()


@final
@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A sampler that was found to apply, with checked settings: all that can be refused has been."""

    problem: Problem
    settings: Settings
    method: str
    reason: str

    def run(self) -> Posterior:
        """Draw."""
        return assemble(
            self.problem, _draw(self.problem, self.settings, self.method), self.settings, self.method, self.reason
        )


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
    chosen, reason = _choose(problem, method)
    check_proper(problem)
    return Plan(problem, settings, chosen, reason)


def _choose(problem: Problem, method: str) -> tuple[str, str]:
    from bayesreg.samplers import conjugate

    if method not in METHODS:
        msg = f"method={method!r} is not a sampler: use one of {', '.join(METHODS)}"
        raise ParameterError(msg)
    refusal = conjugate.refusal(problem)
    if method == "conjugate" and refusal:
        msg = f"method='conjugate' does not apply: {refusal}; use method='nuts'"
        raise ParameterError(msg)
    if method != "auto":
        return method, "as asked"
    if refusal:
        return "nuts", f"exact independent draws do not apply: {refusal}"
    return "conjugate", "Gaussian noise and Gaussian priors: exact independent draws exist"


def _draw(problem: Problem, settings: Settings, method: str) -> Draws:
    if method == "conjugate":
        from bayesreg.samplers import conjugate

        return conjugate.draw(problem, settings)
    if method == "nuts":
        from bayesreg.samplers import nuts

        return nuts.draw(problem, settings)
    from bayesreg.samplers import pymc

    return pymc.draw(problem, settings)
