"""Whole numbers and seeds as people give them, checked."""

from __future__ import annotations

import numpy as np

from bayesreg.errors import ParameterError

Seed = int | None | np.random.SeedSequence | np.random.Generator


def generator(seed: Seed) -> np.random.Generator:
    """Return a NumPy generator for a seed as people give it."""
    return np.random.default_rng(read_seed(seed))


def read_integer(name: str, value: object, least: int) -> int:
    """Return an integer >= `least`; raise ParameterError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        msg = f"{name} must be an integer >= {least} (got {value!r})"
        raise ParameterError(msg)
    return int(value)


def read_share(name: str, value: object) -> float:
    """Return a probability strictly between 0 and 1; raise ParameterError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not 0 < value < 1:
        msg = f"{name} must be a probability between 0 and 1, both excluded (got {value!r})"
        raise ParameterError(msg)
    return float(value)


def read_seed(seed: Seed) -> np.random.SeedSequence:
    """Return the SeedSequence of a seed; raise ParameterError if it is none."""
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence(seed.integers(2**32, size=4).tolist())
    if seed is None:
        return np.random.SeedSequence()
    return np.random.SeedSequence(read_integer("seed", seed, 0))
