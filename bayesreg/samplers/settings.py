"""What every sampler is told, checked once, and what every sampler gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import final

import numpy as np

from bayesreg.arguments import Seed, read_integer, read_seed
from bayesreg.errors import FitError
from bayesreg.interfaces import Array

Progress = Callable[[int, int], None]
"""Called with (iterations done, iterations in all) while sampling."""


class Refused(FitError):
    """A sampler found, by its own diagnostics, that its draws are no basis for anything; says how far off they are."""


class Interrupted(FitError):
    """Sampling was stopped before there was a draw to keep."""


FEWEST_CHAINS = 4

SHORTEST = 50
"""Draws that a chain must have before more chains are made of fewer draws each."""

SUPERCHAINS = 4
"""Groups of chains started at one point each.  Of draws with ESS in all, chance alone puts nested R-hat at about
√(1 + groups/ESS): with more groups sound runs would fail the gate at 1.01."""


@final
@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Chains, draws of each, and the number of groups of chains that start at one point (None: each at its own)."""

    chains: int
    draws: int
    superchains: int | None


@final
@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """Checked sampler settings.

    Parameters
    ----------
    draws : int
    chains, tune : int or None
        None where the sampler is to choose.
    seed : SeedSequence
    progress : callable or None
    reuse : bool
        Whether a model compiled for another response of the same rows may be used again, and this one kept for it;
        of no matter to samplers that compile nothing.
    """

    draws: int
    chains: int | None
    tune: int | None
    seed: np.random.SeedSequence
    progress: Progress | None = None
    reuse: bool = False

    def layout(self, most: int) -> Layout:
        """How draws are dealt out to chains that are advanced together.

        `chains` chains of `draws` draws where they were asked for.  Otherwise as many draws as 4 such chains have, on
        up to `most` chains, in groups started at one point each where chains are short.
        """
        if self.chains is not None:
            return Layout(self.chains, self.draws, None)
        total = FEWEST_CHAINS * self.draws
        chains = FEWEST_CHAINS
        while chains * 2 <= most and total >= chains * 2 * SHORTEST:
            chains *= 2
        return Layout(chains, -(-total // chains), SUPERCHAINS if chains > SUPERCHAINS else None)

    def check_some(self, done: int) -> None:
        """Raise Interrupted if sampling was stopped before there was anything to keep."""
        if not done:
            msg = "sampling was interrupted before the first draw: nothing to keep"
            raise Interrupted(msg)

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
    superchains : int or None
        Groups of successive chains that started at one point each: R-hat then compares the groups.
    attrs : mapping
        What else the sampler has to say, for the result's attributes.
    """

    theta: Array
    sigma: Array | None
    extra: Mapping[str, Array] = field(default_factory=dict)
    stats: Mapping[str, Array] = field(default_factory=dict)
    independent: bool = False
    interrupted: bool = False
    superchains: int | None = None
    attrs: Mapping[str, float | int | str] = field(default_factory=dict)
