"""Penalised fits of every family against solvers that know nothing of ours.

Conic programs (Clarabel) for every convex family and penalty, IRLS (statsmodels) without a penalty, and quasi-Newton
descents (SciPy) of hand-written densities for what is not convex or has an unknown dispersion.  Every comparison must
fail where λ, or what takes its place, is 1 % off.
"""

from functools import cache

import cvxpy as cp
import numpy as np
import pytest
import statsmodels.api as sm
from scipy import optimize, stats
from scipy.special import gammaln

from bayesreg.likelihoods import BernoulliLogit, GammaLog, GaussianNoise, NegativeBinomialLog, PoissonLog, StudentTNoise
from bayesreg.optimum import Outcome
from bayesreg.penalized import fit_penalized
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.problem import Problem
from bayesreg.scales import Exponential, HalfCauchy, HalfNormal, Jeffreys

N, P, ALPHA, SIGMA, NU = 45, 6, 2.5, 1.3, 3.0
TRIALS = np.resize([1.0, 5.0, 12.0, 3.0], N)
OFFSET = 0.4 * np.sin(np.arange(N))
WEIGHTS = np.resize([1.0, 2.0, 0.5, 3.0], N)
GROUPS = [0, 1, 0, 2, 2, 2]

LIKELIHOODS = {
    "gaussian": GaussianNoise(SIGMA),
    "binomial": BernoulliLogit(),
    "poisson": PoissonLog(),
    "gamma": GammaLog(ALPHA),
    "negative-binomial": NegativeBinomialLog(ALPHA),
}


def made(family):
    """Correlated columns of uneven size, and responses of the family to two of them."""
    rng = np.random.default_rng(17)
    X = (rng.normal(size=(N, P)) + 0.5 * rng.normal(size=(N, 1))) * np.linspace(0.5, 2.0, P)
    steep = 1.5 if family in ("gaussian", "student-t") else 0.4
    eta = 0.5 + OFFSET + X @ (steep * np.array([1.0, -1.0, 0, 0, 0, 0]))
    y = {
        "gaussian": lambda: rng.normal(eta, SIGMA),
        "binomial": lambda: rng.binomial(TRIALS.astype(int), 1 / (1 + np.exp(-eta))),
        "poisson": lambda: rng.poisson(np.exp(eta)),
        "gamma": lambda: rng.gamma(ALPHA, np.exp(eta) / ALPHA),
        "negative-binomial": lambda: rng.negative_binomial(ALPHA, ALPHA / (ALPHA + np.exp(eta))),
        "student-t": lambda: rng.standard_t(1.5, N) * SIGMA + eta,
    }[family]()
    return X, y.astype(float)


def optimum(X, y, prior, likelihood, **options):
    options.setdefault("standardize", False)
    fit = fit_penalized(Problem.from_arrays(X, y, prior=prior, likelihood=likelihood, **options))
    assert fit.outcome in (Outcome.CERTIFIED, Outcome.STATIONARY)
    return fit


# -- conic programs: every convex family with every convex penalty -----------------------------------------------------


def constant(family, y):
    """What the conic loss leaves out of nll, row by row."""
    return {
        "gaussian": np.full(N, np.log(SIGMA * np.sqrt(2 * np.pi))),
        "binomial": gammaln(y + 1) + gammaln(TRIALS - y + 1) - gammaln(TRIALS + 1),
        "poisson": gammaln(y + 1),
        "gamma": gammaln(ALPHA) - ALPHA * np.log(ALPHA) - (ALPHA - 1) * np.log(np.where(y > 0, y, 1.0)),
        "negative-binomial": gammaln(ALPHA) + gammaln(y + 1) - gammaln(ALPHA + y) + y * np.log(ALPHA),
    }[family]


def conic_loss(family, eta, y):
    if family == "gaussian":
        return cp.square(y - eta) / (2 * SIGMA**2)
    if family == "binomial":
        return cp.multiply(TRIALS, cp.logistic(eta)) - cp.multiply(y, eta)
    if family == "poisson":
        return cp.exp(eta) - cp.multiply(y, eta)
    if family == "gamma":
        return ALPHA * (eta + cp.multiply(y, cp.exp(-eta)))
    odds = eta - np.log(ALPHA)
    return cp.multiply(ALPHA + y, cp.logistic(odds)) - cp.multiply(y, odds) - y * np.log(ALPHA)


PENALTIES = {
    "gaussian": (lambda s: Gaussian(0.3 / np.sqrt(s)), lambda b: cp.sum_squares(b / 0.3) / 2),
    "laplace": (lambda s: Laplace(0.15 / s), lambda b: cp.norm1(b / 0.15)),
    "elastic-net": (lambda s: ElasticNet(4 * s, 3 * s), lambda b: 4 * cp.norm1(b) + 3 * cp.sum_squares(b)),
    "group-laplace": (
        lambda s: GroupLaplace(GROUPS, 0.2 / s),
        lambda b: (np.sqrt(2) * cp.norm2(b[[0, 2]]) + cp.abs(b[1]) + np.sqrt(3) * cp.norm2(b[[3, 4, 5]])) / 0.2,
    ),
    "bridge-1.5": (lambda s: Bridge(5.0 * s, power=1.5), lambda b: 5 * cp.sum(cp.power(cp.abs(b), 1.5))),
    "bridge-3": (lambda s: Bridge(20.0 * s, power=3.0), lambda b: 20 * cp.sum(cp.power(cp.abs(b), 3))),
    "by-column": (
        lambda s: {
            "x0": Flat(),
            "x1": Laplace(0.2 / s, loc=-0.3),
            "x2": Gaussian(0.3 / np.sqrt(s)),
            "x3": Gaussian(0.3 / np.sqrt(s)),
            "*": Bridge(4 * s, 3.0),
        },
        lambda b: cp.abs(b[1] + 0.3) / 0.2 + cp.sum_squares(b[2:4] / 0.3) / 2 + 4 * cp.sum(cp.power(cp.abs(b[4:]), 3)),
    ),
}
"""Name -> (prior whose λ is multiplied by s, the penalty in CVXPY's words)."""


@cache
def conic_optimum(family, penalty):
    X, y = made(family)
    beta, a = cp.Variable(P), cp.Variable()
    loss = conic_loss(family, X @ beta + a + OFFSET, y)
    problem = cp.Problem(cp.Minimize(WEIGHTS @ loss + PENALTIES[penalty][1](beta)))
    problem.solve(solver=cp.CLARABEL, tol_gap_abs=1e-10, tol_gap_rel=1e-10, tol_feas=1e-10)
    return problem.value + WEIGHTS @ constant(family, y), float(a.value), beta.value


def check_conic(family, penalty, factor=1.0):
    X, y = made(family)
    least, a, beta = conic_optimum(family, penalty)
    trials = {"trials": TRIALS} if family == "binomial" else {}
    prior = PENALTIES[penalty][0](factor)
    fit = optimum(X, y, prior, LIKELIHOODS[family], weights=WEIGHTS, offset=OFFSET, **trials)
    np.testing.assert_allclose(fit.objective, least, rtol=1e-9)
    np.testing.assert_allclose([fit.intercept, *fit.beta], [a, *beta], rtol=0, atol=2e-5)
    assert (np.abs(beta - fit.problem.prior.location(P))[fit.zeros] < 2e-5).all()


@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("family", LIKELIHOODS)
def test_conic_program(family, penalty):
    check_conic(family, penalty)


@pytest.mark.parametrize("factor", [0.99, 1.01])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("family", LIKELIHOODS)
def test_conic_program_is_told_from_a_penalty_one_per_cent_off(family, penalty, factor):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_conic(family, penalty, factor)


# -- no penalty: iteratively reweighted least squares ------------------------------------------------------------------

IRLS = {
    "gaussian": sm.families.Gaussian(),
    "binomial": sm.families.Binomial(),
    "poisson": sm.families.Poisson(),
    "gamma": sm.families.Gamma(link=sm.families.links.Log()),
    "negative-binomial": sm.families.NegativeBinomial(alpha=1 / ALPHA),  # its alpha is one over ours
}
EXPOSURE = np.exp(np.cos(np.arange(N)))
FORMS = {
    "plain": {},
    "weights": {"weights": np.resize([1.0, 3.0, 2.0], N)},
    "offset": {"offset": OFFSET},
    "exposure": {"exposure": EXPOSURE},
    "all": {"weights": np.resize([1.0, 3.0, 2.0], N), "offset": OFFSET, "exposure": EXPOSURE},
}
PAIRS = [
    (family, form)
    for family, likelihood in LIKELIHOODS.items()
    for form in FORMS
    if likelihood.link == "log" or form not in ("exposure", "all")
]


def check_irls(family, form, nudge=1.0):
    X, y = made(family)
    options = dict(FORMS[form])
    response, trials = (np.column_stack([y, TRIALS - y]), {"trials": TRIALS}) if family == "binomial" else (y, {})
    theirs = {{"weights": "freq_weights"}.get(name, name): value for name, value in options.items()}
    found = sm.GLM(response, sm.add_constant(X), family=IRLS[family], **theirs).fit(tol=1e-14, maxiter=200)
    options["weights"] = options.get("weights", np.ones(N)) * np.where(np.arange(N) < 5, nudge, 1.0)
    fit = optimum(X, y, Flat(), LIKELIHOODS[family], standardize=True, **options, **trials)
    scale = {"gaussian": SIGMA**2, "gamma": 1 / ALPHA}.get(family, 1.0)
    np.testing.assert_allclose([fit.intercept_raw, *fit.beta_raw], found.params, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(fit.objective, -found.model.loglike(found.params, scale=scale), rtol=1e-10)


@pytest.mark.parametrize(("family", "form"), PAIRS)
def test_iteratively_reweighted_least_squares(family, form):
    check_irls(family, form)


@pytest.mark.parametrize(("family", "form"), PAIRS)
def test_least_squares_is_told_from_five_weights_one_per_cent_off(family, form):
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_irls(family, form, nudge=1.01)


# -- what is not convex, and unknown dispersions: general optimisers of densities from SciPy ---------------------------

PRIORS = {
    "gaussian": (lambda s: Gaussian(0.5 / np.sqrt(s)), stats.norm(scale=0.5)),
    "bridge-1.5": (lambda s: Bridge(3.0 * s, 1.5), stats.gennorm(1.5, scale=3.0 ** (-1 / 1.5))),
    "bridge-3": (lambda s: Bridge(6.0 * s, 3.0), stats.gennorm(3.0, scale=6.0 ** (-1 / 3))),
    "laplace": (lambda s: Laplace(0.3 / s), stats.laplace(scale=0.3)),
}
DISPERSIONS = {
    "jeffreys": (Jeffreys(), lambda d: -np.log(d)),
    "half-cauchy": (HalfCauchy(1.0), stats.halfcauchy().logpdf),
    "exponential": (Exponential(0.5), stats.expon(scale=2.0).logpdf),
    "half-normal": (HalfNormal(2.0), stats.halfnorm(scale=2.0).logpdf),
}
FREE = {
    "gamma": GammaLog,
    "negative-binomial": NegativeBinomialLog,
    "student-t": lambda sigma: StudentTNoise(NU, sigma),
}


def log_density(family, eta, y, dispersion):
    if family == "student-t":
        return stats.t.logpdf(y, NU, eta, dispersion)
    if family == "gamma":
        return stats.gamma.logpdf(y, dispersion, scale=np.exp(eta) / dispersion)
    return stats.nbinom.logpmf(y, dispersion, dispersion / (dispersion + np.exp(eta)))


def lowest(objective, size, starts, bounds=None):
    """Where a function is least, by quasi-Newton descents from `starts` random points."""
    rng = np.random.default_rng(3)
    method, tight = ("L-BFGS-B", {"ftol": 1e-15, "gtol": 1e-9}) if bounds else ("BFGS", {"gtol": 1e-8})
    points = [rng.normal(size=size) * (np.arange(size) > 0) for _ in range(starts)]
    found = [
        optimize.minimize(
            objective, np.abs(v) if bounds else v, method=method, jac="3-point", bounds=bounds, options=tight
        )
        for v in points
    ]
    return min(found, key=lambda one: one.fun)


@cache
def conditional_optimum(penalty):
    """Least −log density under t noise of known σ, less the prior's constant; |β| is u + v with u, v ≥ 0."""
    X, y = made("student-t")
    if penalty == "laplace":

        def split(v):
            return v[1 : P + 1] - v[P + 1 :]

        def lasso(v):
            return v[1:].sum() / 0.3 - WEIGHTS @ stats.t.logpdf(y, NU, v[0] + X @ split(v), SIGMA)

        found = lowest(lasso, 2 * P + 1, 4, [(None, None), *[(0, None)] * (2 * P)])
        return found.fun, [found.x[0], *split(found.x)]
    prior = PRIORS[penalty][1]

    def objective(v):
        penalties = prior.logpdf(0.0) - prior.logpdf(v[1:])
        return penalties.sum() - WEIGHTS @ stats.t.logpdf(y, NU, v[0] + X @ v[1:], SIGMA)

    found = lowest(objective, P + 1, 6)
    return found.fun, found.x


@pytest.mark.parametrize("factor", [1.0, 0.99, 1.01])
@pytest.mark.parametrize("penalty", PRIORS)
def test_student_t_noise_from_many_starts(penalty, factor):
    least, theirs = conditional_optimum(penalty)
    X, y = made("student-t")
    fit = optimum(X, y, PRIORS[penalty][0](factor), StudentTNoise(NU, SIGMA), weights=WEIGHTS)
    same = np.allclose([fit.intercept, *fit.beta], theirs, rtol=0, atol=1e-5)
    assert (same and np.isclose(fit.objective, least, rtol=1e-9)) == (factor == 1.0)


JOINT = [
    ("gamma", "half-cauchy", "gaussian"),
    ("gamma", "exponential", "bridge-1.5"),
    ("gamma", "half-normal", "bridge-3"),
    ("negative-binomial", "half-cauchy", "bridge-3"),
    ("negative-binomial", "exponential", "gaussian"),
    ("negative-binomial", "half-normal", "bridge-1.5"),
    ("student-t", "jeffreys", "bridge-1.5"),
    ("student-t", "half-cauchy", "bridge-3"),
    ("student-t", "half-normal", "gaussian"),
]


@cache
def joint_mode(family, dispersion, penalty):
    """Least −log p(y, a, β, d), every constant in it, over (a, β, log d): the density is that of d itself."""
    X, y = made(family)

    def objective(v):
        d = np.exp(v[-1])
        rows = log_density(family, v[0] + OFFSET + X @ v[1:-1], y, d)
        return -(WEIGHTS @ rows + PRIORS[penalty][1].logpdf(v[1:-1]).sum() + DISPERSIONS[dispersion][1](d))

    found = lowest(objective, P + 2, 4 if family == "student-t" else 2)
    return found.fun, np.array([*found.x[:-1], np.exp(found.x[-1])])


@pytest.mark.parametrize("factor", [1.0, 1.01])
@pytest.mark.parametrize(("family", "dispersion", "penalty"), JOINT)
def test_joint_mode_with_the_dispersion(family, dispersion, penalty, factor):
    least, theirs = joint_mode(family, dispersion, penalty)
    X, y = made(family)
    likelihood = FREE[family](DISPERSIONS[dispersion][0])
    problem = Problem.from_arrays(
        X, y, prior=PRIORS[penalty][0](factor), likelihood=likelihood, weights=WEIGHTS, offset=OFFSET, standardize=False
    )
    fit = fit_penalized(problem, sigma="joint")
    assert fit.outcome in (Outcome.CERTIFIED, Outcome.STATIONARY)
    same = np.allclose([fit.intercept, *fit.beta, fit.sigma], theirs, rtol=1e-5, atol=1e-5)
    assert (same and np.isclose(fit.objective, least, rtol=1e-9)) == (factor == 1.0)
