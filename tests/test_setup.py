"""The lock pins what pyproject.toml asks for."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def asked_for() -> list[Requirement]:
    """Every requirement that pyproject.toml names: to build, to run, and of each extra."""
    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = table["project"]
    lines = chain(
        table["build-system"]["requires"],
        project["dependencies"],
        *project["optional-dependencies"].values(),
    )
    return [Requirement(line) for line in lines]


def pinned() -> dict[str, str]:
    """Name and version of every package in requirements.lock."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, flags=re.MULTILINE))


def is_met(requirement: Requirement, pins: dict[str, str]) -> bool:
    """Whether a pin exists for the requirement and lies in its range."""
    version = pins.get(canonicalize_name(requirement.name))
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def test_lock_meets_every_requirement():
    pins = pinned()
    unmet = [str(requirement) for requirement in asked_for() if not is_met(requirement, pins)]
    assert not unmet, f"requirements.lock is behind pyproject.toml (run `make lock`): {unmet}"


@pytest.mark.parametrize("line", ["numpy>=999", "no-such-package"])
def test_a_lock_that_is_behind_is_noticed(line):
    assert not is_met(Requirement(line), pinned())
