"""What every test shares: where caches go, how hypothesis runs, where the reference answers are."""

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

# Both are read once, when matplotlib and pytensor are first imported: before any test module.
os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("PYTENSOR_FLAGS", f"base_compiledir={ROOT}/.pytensor,generated_src_dir={ROOT}/.pytensor/src")

import hypothesis  # noqa: E402
import pytest  # noqa: E402

IN_CI = bool(os.environ.get("CI"))

# One number of examples in both; in CI they are the same ones in each run. No deadline: the first
# example of a property may compile.
hypothesis.settings.register_profile("dev", max_examples=50, deadline=None)
hypothesis.settings.register_profile("ci", hypothesis.settings.get_profile("dev"), derandomize=True)
hypothesis.settings.load_profile("ci" if IN_CI else "dev")


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder of reference answers beside the project: without it the test skips, but in CI it fails."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        (pytest.fail if IN_CI else pytest.skip)(f"needs the reference answers in {folder}")
    return folder
