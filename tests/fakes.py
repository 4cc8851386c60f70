"""Samplers that draw nothing real and results that nothing computed, for tests of what is done with them."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from bayesreg.problem import Problem
from bayesreg.samplers import LADDER
from bayesreg.samplers.settings import Draws, Settings


def replace_samplers(patch: pytest.MonkeyPatch, draw: Callable[[Problem, Settings], Draws]) -> None:
    """Put `draw` in the place of every sampler but the exact one: whichever is chosen, it is what runs."""
    for name in LADDER[1:]:
        patch.setattr(import_module(f"bayesreg.samplers.{name}"), "draw", draw)


def result(kind: str, **fields: Any) -> SimpleNamespace:
    """Make an object of a class of this name that holds `fields` alone."""
    return type(kind, (SimpleNamespace,), {})(**fields)
