"""The pages: what their code prints is what they say it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from bayesreg.errors import FitError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "which-prior.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


def quoted(name: str) -> list[str]:
    """Lines of the page between two marks."""
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(f"<!-- {name}: begin -->") : text.index(f"<!-- {name}: end -->")].splitlines()[1:]


def test_conversions() -> None:
    names: dict[str, Any] = {}
    first, *rest = (line for line in blocks()[0].splitlines() if line.strip())
    exec(first, names)
    for line in rest:
        call, _, said = line.partition("#")
        found = repr(eval(call, names)).replace("'", '"')
        for number in re.findall(r"\d+\.\d+…", said):  # given to as many digits as are written
            assert number.rstrip("…") in found
        said_words = re.sub(r"\d+\.\d+…?", "", said).strip()
        assert said_words == "one row a library" or re.sub(r"\d+\.\d+", "", found).startswith(said_words[:9])


def test_the_audit() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[1].replace("print(", "str("), names)
    said = " ".join(line.removeprefix("> ") for line in quoted("audit"))
    assert said.strip() == names["audit"].audited.assumed
    table = names["audit"].coefficients
    for column, mean, sd in (("tc", -29.0, 18.0), ("ldl", 15.9, 14.9), ("hdl", 0.8, 9.2)):
        assert abs(table.loc[column, "mean"] - mean) < 0.05 + 5 * table.loc[column, "mcse_mean"]
        assert abs(table.loc[column, "sd"] - sd) < 0.5


def test_the_reading_of_a_model() -> None:
    names: dict[str, Any] = {}
    exec(blocks()[2].replace("print(", "str("), names)
    found = str(names["br"].read_penalty(names["model"])).splitlines()
    assert found == [line.removeprefix("    ") for line in quoted("reading") if line]
    with pytest.raises(FitError, match="grows without bound as tau → 0"):
        names["br"].find_map(names["model"])
    assert (names["br"].find_map(names["model"], hold={"tau": 0.5}).point["w"] == 0).any()
