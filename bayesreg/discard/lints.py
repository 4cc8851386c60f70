"""The known failings that apply to a posterior and its mode, by name and with their numbers."""

from __future__ import annotations

from bayesreg.discard.data_failings import more_columns_than_rows, prior_driven, separated
from bayesreg.discard.failings import not_sparse, overshrinkage, scale_not_identified
from bayesreg.discard.gate import point_of, require_posterior, withheld_by
from bayesreg.discard.lint_case import Case, Lint, plain_prior
from bayesreg.effects import small_effect
from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array
from bayesreg.optimum import Optimum
from bayesreg.samplers import Posterior
from bayesreg.strength import ScaleChoice

__all__ = ["Lint", "lints"]

RULES = (overshrinkage, not_sparse, scale_not_identified, separated, prior_driven, more_columns_than_rows)


def lints(
    posterior: Posterior,
    optimum: Optimum | None = None,
    epsilon: float | Array | None = None,
    choice: ScaleChoice | None = None,
) -> tuple[Lint, ...]:
    """Name the known failings that apply.

    Parameters
    ----------
    posterior : Posterior
    optimum : Optimum, optional
        The point estimate; by default the penalised fit of the same problem, or none where the prior's scale has a
        prior: there is then no mode.
    epsilon : float or array (p,), optional
        An effect with |β| ≤ ε counts as small, on the scale that the prior sees; see `small_effect`.
    choice : ScaleChoice, optional
        How the prior's scale was chosen: whether the rule could tell it.

    Returns
    -------
    tuple of Lint
        Only those that apply, of: over-shrinkage of large effects; not sparse; scale not identified, or hangs on the
        prior's scale; separation; prior-driven columns; more columns than rows.  Where the draws failed a gate, one
        called "withheld" that says so, and the failings of the data alone.

    Raises
    ------
    ParameterError
        If an argument is none of these, or of other columns.
    FitError
        If no optimum was given and the problem has none that is finite.
    """
    require_posterior(posterior, "lints")
    problem = posterior.problem
    small = small_effect(problem, epsilon)
    if choice is not None and not isinstance(choice, ScaleChoice):
        msg = f"lints: choice must be a ScaleChoice, as choose_scale returns (got {choice!r})"
        raise ParameterError(msg)
    if choice is not None and choice.problem.names != problem.names:
        msg = f"lints: the choice is of the columns {choice.problem.names}, the posterior of {problem.names}"
        raise ParameterError(msg)
    withheld = withheld_by(posterior)
    if withheld:
        case = Case(posterior, None, small, choice, problem.prior)
        found = Lint(
            "withheld", f"nothing is said of these draws: {withheld}", {}, "Take more draws, or a longer tune="
        )
        told = separated(case)
        return (found,) if told is None else (found, told)
    no_mode = optimum is None and problem.prior.hyperprior is not None
    point = None if no_mode else point_of(posterior, optimum, "lints")
    case = Case(posterior, point, small, choice, plain_prior(posterior))
    told_by = [rule(case) for rule in (RULES if problem.p else ())]
    return tuple(lint for lint in told_by if lint is not None)
