"""Known failings of a posterior under its prior, and of its mode, each found by its numbers where it applies."""

from __future__ import annotations

import numpy as np

from bayesreg.discard.lint_case import Case, Lint

CLEAR = 3.0
"""|mean − location| in posterior sds from which a coefficient is clearly not at its location."""

MUCH_PULLED = 0.5
"""Pull of the penalty on a clear coefficient, in posterior sds, from which it is named: most of a standard error."""

WIDE_RANGE = 10.0
"""Ratio upper/lower of the scales that are not told apart from which the scale is called not identified."""

MUCH_MOVED = 1.0
"""Move of a posterior mean, in posterior sds per factor of e in the prior's scale, from which it is named: as far as
the posterior is wide."""

STEP = 1e-3
"""Of the difference quotient in log scale."""


# -- of the posterior under a kinked prior -----------------------------------------------------------------------------


def overshrinkage(case: Case) -> Lint | None:
    """Clear effects pulled in by a penalty that never lets go: one with a kink, and tails no heavier than exponential.

    With g the kinked part Σ λ_g‖β_g − μ_g‖₂ of the penalty over the groups that are clearly not at their location, the
    posterior mean under (1 − t)·g has slope Cov(β, g) in t: to first order the pull on β_j is Cov(β_j, g), exact where
    the posterior is Gaussian; with Gaussian noise and unrelated columns λσ²/(n·var x_j).

    References
    ----------
    Carvalho, Polson & Scott (2010), Biometrika 97:465–480 (on the tails of the double-exponential prior).
    """
    problem, beta = case.problem, case.posterior.beta
    kink = case.prior.kink(problem.p)
    if not case.prior.convex or not (kink.rate > 0).any():
        return None
    loc, mean, sd = case.prior.location(problem.p), beta.mean(axis=(0, 1)), beta.std(axis=(0, 1), ddof=1)
    clear = (kink.rate > 0) & (np.abs(mean - loc) > CLEAR * sd)
    if not clear.any():
        return None
    penalty = np.zeros(beta.shape[:2])
    for block in np.unique(kink.blocks[clear]):
        inside = np.flatnonzero(kink.blocks == block)
        penalty += kink.rate[inside[0]] * np.linalg.norm(beta[..., inside] - loc[inside], axis=-1)
    covariance, error = case.covariance(penalty)
    inward = np.where(clear, np.sign(mean - loc) * covariance / sd, -np.inf)
    if inward.max() <= MUCH_PULLED:
        return None
    j = int(inward.argmax())
    share = abs(covariance[j]) / (abs(mean[j] - loc[j]) + abs(covariance[j]))
    count = int((inward > MUCH_PULLED).sum())
    return Lint(
        "over-shrinkage of large effects",
        f"the penalty pulls {problem.names[j]!r} in by {abs(covariance[j]):.3g} ± {error[j]:.1g}, "
        f"{inward[j]:.2f} ± {error[j] / sd[j]:.1g} posterior sd or {share:.1%} of the effect, to first order, however "
        f"clear the effect is; {count} of {int(clear.sum())} clear effects are pulled by more than {MUCH_PULLED:g} sd",
        {
            "pull": float(abs(covariance[j])), "pull_mcse": float(error[j]),
            "pull_in_sds": float(inward[j]), "pull_in_sds_mcse": float(error[j] / sd[j]),
            "share": float(share), "clear": float(clear.sum()), "pulled": float(count),
        },
        "Give clear effects a wider scale (Laplace and Gaussian take one per column), or use a prior with heavier "
        "tails, such as the regularised horseshoe of discard.horseshoe(problem)",
    )  # fmt: skip


def not_sparse(case: Case) -> Lint | None:
    """Exact zeros of the mode that neither prior nor posterior has: both are continuous."""
    problem, beta = case.problem, case.posterior.beta
    if case.point is None:
        return None
    zero = case.point.zeros & (case.point.beta == 0)
    if not zero.any():
        return None
    tail = case.prior.tail(case.epsilon)
    proper = np.isfinite(tail)
    large = np.abs(beta) > case.epsilon
    found = np.stack([large[..., proper].sum(axis=-1), large[..., zero].sum(axis=-1)], axis=-1).astype(float)
    after, of_zeros = found.mean(axis=(0, 1))
    errors = case.errors(found)
    zeros, before, size = int(zero.sum()), float(tail[proper].sum()), int(proper.sum())
    return Lint(
        "not sparse",
        f"the MAP sets {zeros} of {problem.p} coefficients to exactly 0, which has probability 0 a priori and a "
        f"posteriori; |β| > ε is expected of {before:.2f} of {size} coefficients a priori and of {after:.2f} ± "
        f"{errors[0]:.1g} a posteriori, and of {of_zeros:.2f} ± {errors[1]:.1g} of the {zeros} zeros",
        {
            "zeros": float(zeros), "columns": float(size), "large_a_priori": before, "large_a_posteriori": float(after),
            "large_a_posteriori_mcse": float(errors[0]), "large_zeros": float(of_zeros),
            "large_zeros_mcse": float(errors[1]), "probability_of_a_zero": 0.0,
        },
        "Read P(|β| ≤ ε) in place of the zeros: they belong to the mode, not to what is known of the coefficients",
    )  # fmt: skip


# -- of the scale ------------------------------------------------------------------------------------------------------


def scale_not_identified(case: Case) -> Lint | None:
    """A scale that the data hardly tell, or one that the posterior means hang on.

    A rule's own range of scales where a choice was given, the posterior of the scale where it was drawn; else, how far
    posterior means move with it: d E β_j/d log s = Cov(β_j, d log p(β | s)/d log s), exactly, from the draws at hand.

    References
    ----------
    Kallioinen, Paananen, Bürkner & Vehtari (2024), Stat. Comput. 34:57 (power-scaling sensitivity).
    """
    drawn = "beta_scale" in case.posterior.arrays
    if case.choice is not None:
        lower, upper, how = case.choice.lower, case.choice.upper, f"the choice by {case.choice.by}"
    elif drawn:
        lower, upper = (float(v) for v in np.quantile(case.posterior.draws("beta_scale"), (0.025, 0.975)))
        how = "the central 95 % of its posterior"
    else:
        return _moved_by_scale(case)
    ratio = upper / lower if lower > 0 else np.inf
    if not ratio > WIDE_RANGE:
        return None
    found = None if drawn else _moves(case)
    numbers = {"lower": float(lower), "upper": float(upper), "ratio": float(ratio)}
    text = f"{how} leaves the prior's scale anywhere from {lower:.3g} to {upper:.3g}, a factor of {ratio:.3g}"
    if found is not None:
        column, move, error = found
        text += f"; per factor of e in it posterior means move by up to {move:.2f} ± {error:.1g} sd ({column!r})"
        numbers |= {"move_in_sds": move, "move_in_sds_mcse": error}
    return Lint("scale not identified", text, numbers, _WEIGH)


_WEIGH = (
    "Give the scale a prior and integrate over it, choose_scale(problem, by='hierarchical'), or say what size of "
    "effect is plausible, scale_for(problem, ...)"
)


def _moved_by_scale(case: Case) -> Lint | None:
    found = _moves(case)
    if found is None or found[1] <= MUCH_MOVED:
        return None
    column, move, error = found
    return Lint(
        "hangs on the prior's scale",
        f"per factor of e in the prior's scale the posterior mean of {column!r} moves by {move:.2f} ± {error:.1g} of "
        "its sd, the most of all",
        {"move_in_sds": move, "move_in_sds_mcse": error},
        _WEIGH,
    )


def _moves(case: Case) -> tuple[str, float, float] | None:
    """Column whose posterior mean moves most with log s, by how many sds, and the Monte Carlo error of that."""
    problem, beta = case.problem, case.posterior.beta
    if not problem.p or not np.isfinite(problem.prior.variance(problem.p)).any():
        return None
    if problem.scale_by_noise and problem.likelihood.sigma_known is None:
        loc = problem.prior.location(problem.p)
        # Log densities at the same σ: what else of them depends on σ does not depend on s.
        beta = loc + (beta - loc) / case.posterior.draws("sigma")[..., None]
        prior = problem.prior
    else:
        prior = case.prior
    ends = [prior.rescaled(float(np.exp(step))).log_density(beta) for step in (-STEP, STEP)]
    moved, error = case.covariance((ends[1] - ends[0]) / (2 * STEP))
    sd = case.posterior.beta.std(axis=(0, 1), ddof=1)
    j = int(np.argmax(np.abs(moved) / sd))
    return problem.names[j], float(abs(moved[j]) / sd[j]), float(error[j] / sd[j])
