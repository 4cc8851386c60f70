"""Likelihoods, each whole on one page: nll in nats with no constant dropped, its derivatives in η, domain, PyMC node.

η = offset + intercept + Xβ is the linear predictor; nll(y | η) is per row and unweighted.

    GaussianNoise(sigma=Jeffreys())                 y ∈ ℝ           N(η, σ²)                      identity link
    StudentTNoise(nu=4.0, sigma=Jeffreys())         y ∈ ℝ           η + σ·t_ν, not convex         identity link
    BernoulliLogit()                                y ∈ {0, 1}      P(y = 1) = 1/(1 + e^(−η))     logit link
      with trials m                                 y ∈ {0, ..., m} Binomial(m, 1/(1 + e^(−η)))   logit link
    PoissonLog()                                    y ∈ {0, 1, ...} Poisson, mean e^η             log link
    NegativeBinomialLog(alpha=HalfCauchy(1.0))      y ∈ {0, 1, ...} mean μ = e^η, var μ + μ²/α    log link
    GammaLog(alpha=HalfCauchy(1.0))                 y > 0           mean μ = e^η, var μ²/α        log link

σ and α are a number where known, else a `ScalePrior`; in the slots that the interface calls sigma stands either.
"""

from bayesreg.likelihoods.bernoulli import BernoulliLogit
from bayesreg.likelihoods.gamma import GammaLog
from bayesreg.likelihoods.gaussian import GaussianNoise
from bayesreg.likelihoods.negative_binomial import NegativeBinomialLog
from bayesreg.likelihoods.poisson import PoissonLog
from bayesreg.likelihoods.student import StudentTNoise

__all__ = ["BernoulliLogit", "GammaLog", "GaussianNoise", "NegativeBinomialLog", "PoissonLog", "StudentTNoise"]
