"""The pages: what their code prints is what they say it prints."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parents[1] / "docs" / "which-prior.md"


def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)


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
    text = PAGE.read_text(encoding="utf-8")
    quoted = text[text.index("<!-- audit: begin -->") : text.index("<!-- audit: end -->")]
    said = " ".join(line.removeprefix("> ") for line in quoted.splitlines()[1:])
    assert said.strip() == names["audit"].audited.assumed
    table = names["audit"].coefficients
    for column, mean, sd in (("tc", -29.0, 18.0), ("ldl", 15.9, 14.9), ("hdl", 0.8, 9.2)):
        assert abs(table.loc[column, "mean"] - mean) < 0.05 + 5 * table.loc[column, "mcse_mean"]
        assert abs(table.loc[column, "sd"] - sd) < 0.5
