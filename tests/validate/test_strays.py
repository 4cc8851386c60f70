"""What is said of draws is what is wrong with them."""

import numpy as np
import pytest

from bayesreg.validate.strays import strays

N = 500


@pytest.mark.parametrize(
    ("mean", "sd", "said"),
    [(1.0, 1.0, "too low"), (-1.0, 1.0, "too high"), (0.0, 1.5, "too narrow"), (0.0, 0.6, "too wide"),
     (3.0, 1.0, "too low"), (0.0, 1.0, "unevenly")],
)  # fmt: skip
def test_truths_among_standard_normal_draws(mean, sd, said):
    from scipy.stats import norm

    shares = norm.cdf(mean + sd * np.random.default_rng(0).normal(size=N))
    row = {"mean_rank": shares.mean(), "spread": shares.std() * np.sqrt(12)}
    assert said in strays(row, N)


def test_the_standard_errors_are_those_of_uniform_ranks():
    shares = np.random.default_rng(1).uniform(size=(4000, N))
    assert shares.mean(axis=1).std() == pytest.approx(1 / np.sqrt(12 * N), rel=0.05)
    assert (shares.std(axis=1) * np.sqrt(12)).std() == pytest.approx(1 / np.sqrt(5 * N), rel=0.05)
