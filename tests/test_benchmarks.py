import subprocess
import sys

import pytest

from benchmarks import __main__ as bench
from benchmarks import lasso_fit, measure


def test_table_says_whether_each_target_is_met(capsys):
    rows = [
        measure.Row("quick | slow", 0.5, 10.0, "≥ 5×", met=True, note="how"),
        measure.Row("slow | quick", 2.0, 1.0, "≥ 5×", met=False),
        measure.Row("no target", 1.0, 1.0),
    ]
    bench.print_table(rows)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split() == ["quick", "|", "slow", "0.5", "10", "20×", "≥", "5×", "yes"]
    assert lines[3] == "    how"
    assert lines[4].endswith("NO")
    assert lines[5].split()[-2:] == ["–", "–"]


def test_a_process_that_fails_is_not_timed():
    with pytest.raises(RuntimeError, match="ended with status 3"):
        measure.cold(["-c", "raise SystemExit(3)"])


def test_the_tutorial_route_is_not_run_for_its_help():
    done = subprocess.run([sys.executable, "-m", "benchmarks", "--help"], capture_output=True, text=True, check=True)
    assert "--quick" in done.stdout


def test_the_lasso_it_races_is_the_matched_one():
    row = lasso_fit.rows()[0]
    assert "zeros 2 and 2 of 10" in row.note
    assert min(row.ours, row.theirs) > 0
