"""`choose_scale`: one question, three rules."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bayesreg.arguments import read_integer
from bayesreg.errors import ParameterError
from bayesreg.noise import resolve_noise
from bayesreg.problem import Problem, require_problem
from bayesreg.samplers.settings import Progress
from bayesreg.scale_family import ScaleFamily
from bayesreg.strength.by_evidence import by_evidence
from bayesreg.strength.choice import ScaleChoice
from bayesreg.strength.cross_validation import Setting, cross_validation
from bayesreg.strength.folds import materialised

RULES = ("evidence", "cv", "hierarchical")

OF_A_RULE: Mapping[str, tuple[tuple[str, ...], Any]] = {
    "scales": (("cv",), None),
    "folds": (("cv",), 5),
    "repeats": (("cv",), None),
    "groups": (("cv",), None),
    "loss": (("cv",), "log_score"),
    "rule": (("cv",), "min"),
    "draws": (("evidence", "hierarchical"), None),
    "tune": (("evidence", "hierarchical"), None),
    "method": (("evidence", "hierarchical"), "auto"),
    "progress": (("evidence", "hierarchical"), None),
    "hyperprior": (("hierarchical",), None),
}
"""Option -> the rules that it belongs to, and its default."""


def choose_scale(
    problem: Problem,
    by: str = "evidence",
    *,
    sigma: float | str | None = None,
    seed: int = 0,
    draws: int | None = None,
    tune: int | None = None,
    method: str = "auto",
    progress: Progress | None = None,
    scales: object = None,
    folds: object = 5,
    repeats: int | None = None,
    groups: object = None,
    loss: str = "log_score",
    rule: str = "min",
    hyperprior: object = None,
) -> ScaleChoice:
    """Choose how strong the prior is: its scale, or of a prior without one scale a factor on all (`ScaleFamily`).

    "evidence" maximises p(y | scale), all else integrated out.  "cv" minimises the held-out loss of the MAP.
    "hierarchical" gives the scale a prior and draws it with the rest.

    Cross-validation.  In every fold the columns are standardised anew, on the rows that are fitted (those of a problem
    that does not standardise stay as they are; a sparse X is scaled, not centred), and the prior at a scale is that on
    the fold's own columns; one that is constant there stays at the prior's location.  The mean loss is over all
    held-out rows, by weight, those of weight 0 left out; its standard error is the scatter of the folds of one
    division: several divisions hold the same rows out, so that they do not count as more folds.

    The log score under Gaussian noise of unknown σ: the optimum at a scale is that at the plug-in σ of all rows, so
    that a scale is one penalty λ = σ²/(n·b) per row in every fold; but rows are held out against a σ estimated from
    the rows that were fitted, at that scale: σ² = RSS/(Σw − d.o.f.).  It is what a prediction would be made with; one σ
    for all scales would make the log score the squared error in other units.  Where nothing is left to estimate it
    from, the loss is infinite.  Any other unknown dispersion (Student's σ, a shape α) is held at its plug-in.

    Parameters
    ----------
    problem : Problem
        Its prior's own scale is ignored.
    by : {"evidence", "cv", "hierarchical"}
    sigma : float, str or None
        Plug-in for an unknown dispersion, see `resolve_noise`.  cv: what optima are found at ("joint" stands for the
        default there).  evidence: what a dispersion other than σ of Gaussian noise is held at.  All:
        what `ScaleChoice.conventions` speaks of.
    seed : int
        Seed of draws and folds.
    draws, tune, method, progress
        evidence, hierarchical: as in `sample`.  draws: of a round (500), or of the posterior (1000).
    scales : array-like, optional
        cv: the grid.  By default 40 values from the critical λ down three decades; 20 for a prior without a kink.
    folds : int, iterable or splitter, default 5
        cv: a number of folds (as many as rows: leave-one-out); or splits, each a pair (train, test) of row numbers or a
        boolean mask of the rows held out; or anything with scikit-learn's `split(X, y, groups)`.
    repeats : int, optional
        cv: divisions into a number of folds, averaged.  By default 4 where a path costs no pass over the rows, else 1.
    groups : array-like (n,), optional
        cv: labels of rows that stay together: none is in two folds.  Goes to a splitter as it is.
    loss : {"log_score", "squared_error"}
        cv: mean held-out nll per row in nats, or the squared error of the mean response, in units of y².
    rule : {"min", "1se"}
        cv: the least mean loss; or the strongest penalty whose mean loss is within one standard error of it.
    hyperprior : ScalePrior, optional
        hierarchical: prior of the scale.

    Raises
    ------
    ParameterError
        If an option is not of the rule `by`, or not what it can be; if no column has a proper prior.
    FitError
        If the rule finds no scale: says why.

    References
    ----------
    Breiman, Friedman, Olshen & Stone (1984), Classification and Regression Trees, §3.4.3 (one standard error);
    MacKay (1992), Neural Comput. 4:415–447 (evidence).
    """
    require_problem(problem, "choose_scale")
    if not isinstance(by, str) or by not in RULES:
        msg = f"choose_scale: by must be one of {', '.join(RULES)} (got {by!r})"
        raise ParameterError(msg)
    folds = materialised(folds)
    options = {
        "scales": scales, "folds": folds, "repeats": repeats, "groups": groups, "loss": loss, "rule": rule,
        "draws": draws, "tune": tune, "method": method, "progress": progress, "hyperprior": hyperprior,
    }  # fmt: skip
    _refuse_others(by, options)
    read_integer("seed", seed, 0)
    if sigma is not None:
        resolve_noise(problem.with_prior(ScaleFamily.of(problem, "choose_scale").at(1.0)), sigma)
    choice = choose_by(problem, by, options, sigma=sigma, seed=seed)
    return replace(choice, sigma=sigma, seed=seed, given=options)


def choose_by(
    problem: Problem, by: str, options: Mapping[str, Any], *, sigma: float | str | None, seed: int
) -> ScaleChoice:
    """Apply a rule with those of the options that are its own."""
    own = {name: value for name, value in options.items() if by in OF_A_RULE[name][0]}
    if by == "cv":
        return cross_validation(problem, Setting(**own), sigma=sigma, seed=seed)
    if by == "evidence":
        return by_evidence(problem, sigma=sigma, seed=seed, **own)
    from bayesreg.strength.hierarchical import hierarchical_scale

    if own["draws"] is None:
        del own["draws"]
    return hierarchical_scale(problem, seed=seed, **own)


def _refuse_others(by: str, options: Mapping[str, Any]) -> None:
    for name, value in options.items():
        rules, default = OF_A_RULE[name]
        given = value is not default and not (isinstance(value, int | str) and value == default)
        if given and by not in rules:
            msg = f"choose_scale: {name}= is for by={' or '.join(map(repr, rules))} (got by={by!r}); leave it out"
            raise ParameterError(msg)
