"""Priors on coefficients, each whole on one page: density, penalty, subdifferential, prox, conjugate, PyMC node.

A penalty is a prior: pen(β) = −log density + constant.  With λ multiplying the standard form of the penalty,

    Laplace(scale=b):             exp(−|β−μ|/b)             ↔  λ|β−μ|,     λ = 1/b
    Gaussian(scale=τ):            exp(−(β−μ)²/2τ²)          ↔  λ(β−μ)²,    2λ = 1/τ²
    ElasticNet(l1, l2):           exp(−λ₁|β−μ| − λ₂(β−μ)²)  ↔  the sum
    Bridge(rate=λ, power=q):      exp(−λ|β−μ|^q)            ↔  λ|β−μ|^q
    GroupLaplace(groups, scale):  exp(−√p_g‖β_g−μ_g‖₂/b)    ↔  λ_g‖β_g−μ_g‖₂,  λ_g = √p_g/b
    Flat():                       1                         ↔  0

Scales, rates and `loc` are a number or one value per column; `scale` may also be a `ScalePrior`.
"""

from bayesreg.priors.bridge import Bridge
from bayesreg.priors.elastic_net import ElasticNet
from bayesreg.priors.flat import Flat
from bayesreg.priors.gaussian import Gaussian
from bayesreg.priors.group import GroupLaplace
from bayesreg.priors.laplace import Laplace

__all__ = ["Bridge", "ElasticNet", "Flat", "Gaussian", "GroupLaplace", "Laplace"]
