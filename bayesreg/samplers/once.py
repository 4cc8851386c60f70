"""Results that are computed when they are first asked for, and left behind when what holds them is pickled."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Self, final


@final
class Once:
    """A computation that is done at most once.  Pickled, it is what to compute, and not the result."""

    __slots__ = ("compute", "done")

    def __init__(self, compute: Callable[[], Any]) -> None:
        self.compute = compute
        self.done: list[Any] = []

    @classmethod
    def of(cls, value: Any) -> Self:
        """What needs no computing."""
        return cls(partial(_itself, value))

    def __call__(self) -> Any:
        """Return the result."""
        if not self.done:
            self.done.append(self.compute())
        return self.done[0]

    def __reduce__(self) -> tuple[type[Once], tuple[Callable[[], Any]]]:
        return Once, (self.compute,)


def _itself(value: Any) -> Any:
    return value
