"""J in plain NumPy and SciPy from a user's own numbers, and what a message to the user must be: for the fuzz tests."""

import math
import re
from fnmatch import fnmatchcase

import numpy as np
from scipy import stats

from bayesreg.errors import InputError, ParameterError
from bayesreg.likelihoods import (
    BernoulliLogit,
    GammaLog,
    GaussianNoise,
    NegativeBinomialLog,
    PoissonLog,
    StudentTNoise,
)
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace

ARGUMENTS = (
    *(
        "X",
        "y",
        "data",
        "formula",
        "names",
        "weights",
        "offset",
        "exposure",
        "trials",
        "missing",
        "prior",
        "likelihood",
    ),
    *("intercept", "standardize", "scale_by_noise", "column", "columns", "response"),
)
SIGMA, ALPHA, NU = 1.75, 2.5, 3.0
FAMILIES = {
    "gaussian": (GaussianNoise(SIGMA), lambda eta, y, m: -stats.norm(eta, SIGMA).logpdf(y)),
    "student-t": (StudentTNoise(NU, SIGMA), lambda eta, y, m: -stats.t(NU, eta, SIGMA).logpdf(y)),
    "bernoulli": (BernoulliLogit(), lambda eta, y, m: -stats.binom.logpmf(y, m, stats.logistic.cdf(eta))),
    "poisson": (PoissonLog(), lambda eta, y, m: -stats.poisson(np.exp(eta)).logpmf(y)),
    "negative-binomial": (
        NegativeBinomialLog(ALPHA),
        lambda eta, y, m: -stats.nbinom(ALPHA, ALPHA / (ALPHA + np.exp(eta))).logpmf(y),
    ),
    "gamma": (GammaLog(ALPHA), lambda eta, y, m: -stats.gamma(ALPHA, scale=np.exp(eta) / ALPHA).logpdf(y)),
}
"""Name -> likelihood with its dispersion known, and the nll of y successes (in m trials) by SciPy."""


def penalty(prior, beta, groups=None):
    """Return pen(β) by its definition; of a mapping that of each column's own prior is not known here."""
    match prior:
        case Flat():
            return 0.0
        case Laplace(scale=b, loc=mu):
            return float(np.sum(np.abs(beta - mu) / b))
        case Gaussian(scale=tau, loc=mu):
            return float(np.sum((beta - mu) ** 2 / (2 * np.square(tau))))
        case ElasticNet(l1=l1, l2=l2, loc=mu):
            return float(np.sum(l1 * np.abs(beta - mu) + l2 * (beta - mu) ** 2))
        case Bridge(rate=rate, power=q, loc=mu):
            return float(np.sum(rate * np.abs(beta - mu) ** q))
        case GroupLaplace(scale=b):
            total = 0.0
            for label in set(groups):
                own = beta[[g == label for g in groups]]
                total += math.sqrt(own.size) * math.sqrt(float(own @ own)) / b
            return total
    raise AssertionError(prior)


def penalty_by_column(mapping, names, terms, beta):
    """Return pen(β) of priors by name, term, pattern and "*", in that order of precedence."""

    def owner(name, term):
        for fits in (
            lambda key: key == name,
            lambda key: key == term,
            lambda key: key != "*" and ("*" in key or "?" in key) and fnmatchcase(name, key.replace("[", "[[]")),
            lambda key: key == "*",
        ):
            found = [key for key in mapping if fits(key)]
            if found:
                (key,) = found
                return key
        raise AssertionError(name)

    owners = [owner(name, term) for name, term in zip(names, terms, strict=True)]
    return sum(penalty(prior, beta[[o == key for o in owners]]) for key, prior in mapping.items())


def standardised(X, weights, *, centred):
    """Columns over their weighted population sd, about their mean if `centred`; constant ones 0, or as they are."""
    Z = np.array(X, dtype=float)
    for j in range(Z.shape[1]):
        size = np.abs(Z[:, j]).max()
        if size == 0:
            continue
        unit = Z[:, j] / size
        mean = np.average(unit, weights=weights)
        mean += np.average(unit - mean, weights=weights)
        sd = math.sqrt(np.average((unit - mean) ** 2, weights=weights))
        if sd <= 1e-13 * abs(mean) or sd * size < np.finfo(float).tiny:
            Z[:, j] = 0.0 if centred else Z[:, j]
        else:
            Z[:, j] = (unit - mean * centred) / sd
    return Z


def objective(kind, Z, y, theta, *, weights, offset, trials, intercept, pen):
    """Return Σ w·nll + pen at θ = (a, β), or β where `intercept` is None."""
    a, beta = (theta[0], theta[1:]) if intercept is not None else (0.0, theta)
    nll = FAMILIES[kind][1](a + Z @ beta + offset, y, trials)
    total = float(np.sum(np.where(weights == 0, 0.0, weights * nll)))
    return total + pen(beta) + (0.0 if intercept is None else penalty(intercept, np.array([a])))


def check_words(error):
    """Fail unless an error says something, on one line and not at length."""
    text = str(error)
    assert text.strip(), repr(error)
    assert "\n" not in text, text
    assert len(text) < 1000, text


def check_message(error):
    """Fail unless the error is one of bayesreg's own, and names an argument."""
    check_words(error)
    text = str(error)
    assert isinstance(error, InputError | ParameterError), repr(error)
    classes = "Laplace|Gaussian|ElasticNet|Bridge|GroupLaplace|Flat|BernoulliLogit"
    assert re.search(rf"\b({'|'.join(ARGUMENTS)}|{classes})\b", text), text
