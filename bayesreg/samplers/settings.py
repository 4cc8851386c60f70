"""What every sampler is told, checked once, and what every sampler gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from bayesreg.arguments import Seed, read_integer, read_seed
from bayesreg.interfaces import Array

Progress = Callable[[int, int], None]
"""Called with (iterations done, iterations in all) while sampling."""


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
        read_integer("draws", draws, 1),
        None if chains is None else read_integer("chains", chains, 1),
        None if tune is None else read_integer("tune", tune, 0),
        read_seed(seed),
        progress,
    )


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
