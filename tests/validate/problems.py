"""Small problems with proper priors, whose data say little: there a prior that is off shows."""

import numpy as np

import bayesreg as br


def rows(n=12, p=3, seed=5):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, p)), rng.normal(size=n)


def lasso(scale=0.7, n=12, p=3, sigma=None, **settings):
    X, y = rows(n, p)
    noise = br.HalfNormal(1.0) if sigma is None else sigma
    return br.Problem.from_arrays(
        X, y, likelihood=br.GaussianNoise(sigma=noise), prior=br.Laplace(scale), intercept=br.Gaussian(1.0), **settings
    )


def ridge(scale=0.7, **settings):
    return lasso(**settings).with_prior(br.Gaussian(scale))


def logistic(scale=0.7, n=12, p=3):
    X, y = rows(n, p)
    return br.Problem.from_arrays(
        X, (y > 0).astype(float), likelihood=br.BernoulliLogit(), prior=br.Laplace(scale), intercept=br.Gaussian(1.0)
    )
