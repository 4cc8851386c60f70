"""A progress bar for what takes long."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bayesreg.samplers.settings import Progress


Stage = Callable[[str], "Progress | None"]
"""Begins a stage by its name; what it returns is told how far that is."""


@contextmanager
def staged() -> Iterator[Stage]:
    """A progress bar on standard error, if that is a terminal, for one named stage after another."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bar:

        def stage(name: str) -> Progress:
            for past in bar.task_ids:
                bar.remove_task(past)
            task = bar.add_task(name, total=None)
            return lambda done, total: bar.update(task, completed=done, total=total)

        yield stage


@contextmanager
def shown() -> Iterator[Progress | None]:
    """The same for a command that optimises, then samples."""
    with staged() as stage:
        begun: list[Progress | None] = [stage("optimising")]

        def report(done: int, total: int) -> None:
            if len(begun) == 1:
                begun.append(stage("sampling"))
            if begun[-1] is not None:
                begun[-1](done, total)

        yield None if begun[0] is None else report
