"""Running the command line in this process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from bayesreg import cli


@dataclass(frozen=True)
class Run:
    """What one call left behind."""

    status: int
    out: str
    err: str


Cli = Callable[..., Run]


@pytest.fixture
def bayesreg(capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run the command line in this process."""

    def run(*arguments: object) -> Run:
        status = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Run(status, out, err)

    return run
