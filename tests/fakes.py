"""Samplers that draw nothing real, for tests of what is done with draws."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import pytest

from bayesreg.problem import Problem
from bayesreg.samplers import LADDER
from bayesreg.samplers.settings import Draws, Settings


def replace_samplers(patch: pytest.MonkeyPatch, draw: Callable[[Problem, Settings], Draws]) -> None:
    """Put `draw` in the place of every sampler but the exact one: whichever is chosen, it is what runs."""
    for name in LADDER[1:]:
        patch.setattr(import_module(f"bayesreg.samplers.{name}"), "draw", draw)
