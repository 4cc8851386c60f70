"""What every sampler is told, checked once, and what every sampler gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from bayesreg.errors import ParameterError
from bayesreg.interfaces import Array

Progress = Callable[[int, int], None]
"""Called with (iterations done, iterations in all) while sampling."""

Seed = int | None | np.random.SeedSequence | np.random.Generator


@final
@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Checked sampler settings; `chains` and `tune` are None where the sampler is to choose."""

    draws: int
    chains: int | None
    tune: int | None
    seed: np.random.SeedSequence
    progress: Progress | None = None

    def integer_seed(self) -> int:
        """Return a seed for samplers that take an integer."""
        return int(self.seed.generate_state(1)[0])

    def generator(self) -> np.random.Generator:
        """Return a NumPy generator."""
        return np.random.default_rng(self.seed)


def read_settings(draws: object, chains: object, tune: object, seed: Seed, progress: Progress | None) -> Settings:
    """Return checked settings.

    Raises
    ------
    ParameterError
        If a number is not an integer in range, or the seed is not one.
    """
    return Settings(
        _integer("draws", draws, 1),
        None if chains is None else _integer("chains", chains, 1),
        None if tune is None else _integer("tune", tune, 0),
        _seed(seed),
        progress,
    )


def generator(seed: Seed) -> np.random.Generator:
    """Return a NumPy generator for a seed as people give it."""
    return np.random.default_rng(_seed(seed))


def _integer(name: str, value: object, least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        msg = f"{name} must be an integer >= {least} (got {value!r})"
        raise ParameterError(msg)
    return int(value)


def _seed(seed: Seed) -> np.random.SeedSequence:
    if isinstance(seed, np.random.SeedSequence):
        return seed
    if isinstance(seed, np.random.Generator):
        return np.random.SeedSequence(seed.integers(2**32, size=4).tolist())
    if seed is None:
        return np.random.SeedSequence()
    return np.random.SeedSequence(_integer("seed", seed, 0))


@final
@dataclass(frozen=True, slots=True, eq=False)
class Draws:
    """What a sampler returns.

    Parameters
    ----------
    theta : array (chain, draw, k)
        Intercept (if any) and coefficients on the prior's scale.
    sigma : array (chain, draw) or None
        The dispersion (σ, or a shape α) where it is unknown.
    extra : mapping of str to array (chain, draw)
        Further unknowns, e.g. the scale of a hierarchical prior.
    stats : mapping of str to array (chain, draw)
        Sample statistics under ArviZ's names.
    independent : bool
        Whether draws are independent by construction.
    interrupted : bool
        Whether sampling was stopped before its end.
    """

    theta: Array
    sigma: Array | None
    extra: Mapping[str, Array] = field(default_factory=dict)
    stats: Mapping[str, Array] = field(default_factory=dict)
    independent: bool = False
    interrupted: bool = False
