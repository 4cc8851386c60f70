"""The same examples each time, for tests that count what became of them."""

from __future__ import annotations

import pytest


@pytest.fixture
def same_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep hypothesis from mixing in constants of whatever modules happen to be loaded.

    Derandomised examples would otherwise change with every module of the project, and with the tests run before.
    """
    from hypothesis.internal.conjecture import providers

    monkeypatch.setattr(providers.HypothesisProvider, "_local_constants", providers.Constants())
