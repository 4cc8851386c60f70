"""Sampler settings are checked before anything is computed."""

from __future__ import annotations

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.priors import Gaussian
from bayesreg.samplers import sample
from bayesreg.samplers.settings import read_settings
from tests.problems import make_problem

PROBLEM = make_problem(prior=Gaussian(1.0))


@pytest.mark.parametrize("value", [0, -1, 1.0, 2.5, True, "4", np.float64(3), [4], float("nan"), 4 + 0j])
@pytest.mark.parametrize("name", ["draws", "chains"])
def test_counts_must_be_positive_integers(name: str, value: object) -> None:
    with pytest.raises(ParameterError, match=f"^{name} must be an integer >= 1 \\(got "):
        sample(PROBLEM, **{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [-1, 1.0, True, "4"])
def test_tune_may_be_zero_but_not_less(value: object) -> None:
    with pytest.raises(ParameterError, match=r"^tune must be an integer >= 0 \(got "):
        sample(PROBLEM, tune=value)  # type: ignore[arg-type]
    assert read_settings(1, None, 0, 0, None).tune == 0


def test_draws_may_not_be_left_out() -> None:
    with pytest.raises(ParameterError, match="draws must be an integer"):
        sample(PROBLEM, draws=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 1.5, True, "7", np.float64(2), [1, 2], float("inf")])
def test_seeds_are_non_negative_integers(seed: object) -> None:
    with pytest.raises(ParameterError, match=r"^seed must be an integer >= 0 \(got "):
        sample(PROBLEM, seed=seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [int, np.int32, np.uint8, np.int64])
def test_numpy_integers_count(kind: type) -> None:
    posterior = sample(PROBLEM, draws=kind(5), chains=kind(3), seed=kind(2))
    assert posterior.beta.shape == (3, 5, PROBLEM.p)


def test_a_number_of_chains_is_obeyed() -> None:
    assert sample(PROBLEM, draws=7, chains=1).beta.shape == (1, 7, PROBLEM.p)
    assert sample(PROBLEM, draws=7).beta.shape == (4, 7, PROBLEM.p)


def test_seed_sequences_and_generators_are_taken() -> None:
    sequence = np.random.SeedSequence(5)
    assert read_settings(1, 1, None, sequence, None).seed is sequence
    assert read_settings(1, 1, None, np.random.default_rng(0), None).seed.entropy is not None


def test_spawned_sequences_differ() -> None:
    first, second = np.random.SeedSequence(5).spawn(2)
    draws = [sample(PROBLEM, draws=5, seed=seed).beta for seed in (first, second)]
    assert (draws[0] != draws[1]).all()


def test_no_seed_is_a_new_one_each_time_and_it_is_kept() -> None:
    first, second = (sample(PROBLEM, draws=5, seed=None) for _ in range(2))
    assert (first.beta != second.beta).all()
    again = sample(PROBLEM, draws=5, seed=int(first.attrs["seed"]))
    np.testing.assert_array_equal(again.beta, first.beta)


@pytest.mark.parametrize("seed", [0, 2**32, 2**127])
def test_integer_seeds_for_samplers_that_take_one(seed: int) -> None:
    value = read_settings(1, 1, None, seed, None).integer_seed()
    assert 0 <= value < 2**32
    assert value == read_settings(1, 1, None, seed, None).integer_seed()
    assert value != read_settings(1, 1, None, seed + 1, None).integer_seed()
