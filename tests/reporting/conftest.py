"""One report of the diabetes lasso, and a browser, for all that look at them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, sync_playwright

import bayesreg as br
from bayesreg.reporting.build import as_html
from bayesreg.reporting.grid import Walk, walk

EVIL = ("<script>alert(1)</script>", 'a & b "q"', "</script><img src=x onerror=alert(2)>", "$x_1$ 'z' {{ 7 * 7 }}")
"""Names of columns that would run, break out, or be read as markup, mathematics or a template."""


@dataclass(frozen=True)
class Made:
    """A comparison, its two paths, and the file."""

    comparison: br.Comparison
    walk: Walk
    choice: br.ScaleChoice | None
    path: Path

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def diabetes(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Report of the lasso whose scale the evidence chose."""
    data = br.load_dataset("diabetes")
    choice = br.choose_scale(br.Problem.from_arrays(data.X, data.y, prior=br.Laplace(1.0), names=data.names))
    comparison = br.compare(choice.problem, seed=1)
    return _made(comparison, choice, tmp_path_factory.mktemp("report") / "diabetes.html")


@pytest.fixture(scope="session")
def evil(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Report of columns with names that attack it."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 4)) + 0.5 * rng.normal(size=(60, 1))
    y = X[:, 0] + rng.normal(size=60)
    problem = br.Problem.from_arrays(X, y, prior=br.Laplace(0.3), names=list(EVIL))
    return _made(br.compare(problem, draws=500), None, tmp_path_factory.mktemp("report") / "evil.html")


def _made(comparison: br.Comparison, choice: br.ScaleChoice | None, path: Path) -> Made:
    assert comparison.passed, comparison.withheld
    found = walk(comparison, choice)
    path.write_text(as_html(comparison, found, choice=choice, command="bayesreg compare diabetes"), encoding="utf-8")
    return Made(comparison, found, choice, path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium: where the set-up says that it is there, its absence is a failure."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        (pytest.fail if os.environ.get("BAYESREG_BROWSER") else pytest.skip)(
            "needs Chromium (apt-get install chromium)"
        )
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program)
        yield started
        started.close()
