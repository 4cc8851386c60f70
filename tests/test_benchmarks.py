import ast
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bayesreg as br
from benchmarks import __main__ as bench
from benchmarks import any_model, lasso_fit, map_models, measure, posterior_task, posteriors, problems, tasks


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


def test_a_process_is_stopped_at_its_limit():
    with pytest.raises(TimeoutError, match="stopped after 1 s"):
        measure.cold(["-c", "import time; time.sleep(60)"], limit=1.0)


def line(task, name, **numbers):
    usual = {"runs": 5, "calls": 15, "cold": 1.0, "sampling": 0.1, "whole": 0.2, "bulk": 6000.0, "tail": 3000.0}
    return posteriors.Line(task, name, **usual | {"rhat": 1.0, "size": 8000, "peak": 100.0} | numbers)


def test_samplers_stand_beside_ours(capsys):
    found = posteriors.Found(
        [
            line("T1", "auto → gibbs"),
            posteriors.Line("T1", "conjugate", note="does not apply: the prior is not Gaussian"),
            line("T1", "pm.sample", runs=3, calls=3, cold=15.0, sampling=1.0, bulk=600.0),
        ],
        left_out=["R: there is no Rscript"],
        versions={"numpy": "2"},
    )
    posteriors.print_found(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].split()[:5] == ["T1", "auto", "→", "gibbs", "5/15"]
    assert lines[2].split()[-2:] == ["1×", "1×"]
    assert set(lines[3].split()[2:]) == {"–"}
    assert lines[4] == "    does not apply: the prior is not Gaussian"
    assert lines[5].split()[-5:] == ["1.000", "600", "100", "100×", "15×"]
    assert "versions: numpy 2" in lines
    assert "left out: R: there is no Rscript" in lines


def test_targets_are_held_against_what_was_measured():
    found = posteriors.Found(
        [
            line("T1", "auto → gibbs"),
            line("T1", "pm.sample", cold=9.0),
            line("T1r", "conjugate", sampling=0.01),
            line("T2", "auto → gibbs", sampling=1.25),
            line("T5", "auto → surrogate", peak=250.0, imported=100.0),
            line("T5", posteriors.ESTIMATE, sampling=10.0, note="an ESTIMATE"),
        ],
        one_pass=(0.25, 0.1),
    )
    reached = {target.what: target for target in posteriors.targets(found)}

    def verdict(start):
        return next((target.reached, target.met) for what, target in reached.items() if what.startswith(start))

    assert verdict("T1 ESS/s") == ("60,000", True)
    assert verdict("T1 cold process against pm.sample") == ("9×", False)
    assert verdict("T1 cold process against pm.sample, empty") == ("–", None)
    assert verdict("T1r independent") == ("800,000", True)
    assert verdict("T2 ESS/s after") == ("6,000", True)
    assert verdict("T2 that pass") == ("2.5×", False)
    assert verdict("T3") == ("–", None)
    assert verdict("T5 ESS/s") == ("100×", True)
    assert reached["T5 ESS/s against plain nutpie"].note == "an ESTIMATE"
    assert verdict("T5 peak") == ("3.86", False)


def test_medians_are_over_all_calls():
    said = [
        {"cold": cold, "compiling": 0.0, "sampling": [0.1, 0.3], "whole": [1.0, 2.0], "peak": 1.0, "imported": 1.0,
         "method": "gibbs", "note": note}
        for cold, note in ((3.0, ""), (1.0, "R-hat"), (2.0, ""))
    ]  # fmt: skip
    found = posteriors.summarise("T1", "auto", said, [(bulk, 1.0, 1.0, 8) for bulk in (1.0, 2.0, 9.0)])
    assert (found.name, found.runs, found.calls, found.note) == ("auto → gibbs", 3, 6, "R-hat")
    assert (found.cold, found.sampling, found.bulk) == (2.0, pytest.approx(0.2), 2.0)


def test_everybodys_draws_are_counted_alike():
    draws = np.random.default_rng(0).normal(size=(4, 500, 2))
    draws[..., 1] = np.cumsum(draws[..., 1], axis=1)
    bulk, tail, rhat, size = posteriors.effective(draws)
    assert max(bulk, tail) < 200
    assert rhat > 1.01
    assert size == 2000


def contender(*arguments):
    return json.loads(measure.cold(["-m", "benchmarks.posterior_task", *map(str, arguments)]).output.splitlines()[-1])


def test_a_contender_leaves_its_draws_and_says_what_they_took(tmp_path):
    said = contender(tasks.BY_NAME["T1r"].write(tmp_path), "auto", "--draws", tmp_path / "draws.npy")
    draws = np.load(tmp_path / "draws.npy")
    assert said["method"] == "conjugate"
    assert draws.shape == (len(said["sampling"]), 4, posterior_task.DRAWS, 10)
    assert 0 < max(said["sampling"]) < said["cold"]
    assert said["imported"] < said["peak"]


@pytest.mark.parametrize("method", ["conjugate", "no such method"])
def test_a_method_that_does_not_apply_gives_the_reason(tmp_path, method):
    assert method in contender(tasks.BY_NAME["T1"].write(tmp_path), method)["refused"]


def test_a_child_does_not_inherit_its_parents_memory():
    code = "from benchmarks.posterior_task import peak_memory; print(peak_memory())"
    ballast = np.ones(50_000_000)  # 400 MB, which ru_maxrss would hand down
    assert float(measure.cold(["-c", code]).output) < ballast.nbytes / 2**20 / 2


def test_imports_alone_take_memory_and_may_not_fail(tmp_path, monkeypatch):
    (tmp_path / "broken.py").write_text("raise ValueError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    nothing = posterior_task.memory_of_imports([])
    assert posterior_task.memory_of_imports(["__main__", "made_as_it_ran", "numpy"]) > nothing + 5
    with pytest.raises(subprocess.CalledProcessError):
        posterior_task.memory_of_imports(["broken"])


@pytest.mark.parametrize("name", ["T1", "T3", "T4"])
def test_the_file_of_a_task_is_its_posterior(tmp_path, name):
    task = tasks.BY_NAME[name]
    data = tasks.Data.read(task.write(tmp_path))
    problem = posterior_task.build_problem(data)
    X = problem.design.rows.collect().X
    np.testing.assert_allclose(data.standardised(), X, atol=1e-12)
    assert repr(problem.prior) == repr(br.Laplace(task.scale))
    assert problem.likelihood.sigma_known == task.sigma


def test_the_wide_task_is_the_wide_problem(tmp_path):
    ours = posterior_task.build_problem(tasks.Data.read(tasks.BY_NAME["T3"].write(tmp_path)))
    theta = np.linspace(-1, 1, 1001)
    assert math.isclose(ours.value(theta), problems.wide().value(theta), rel_tol=1e-12)


def test_the_peers_know_nothing_of_the_project():
    tree = ast.parse(Path(measure.ROOT, "benchmarks", "peers.py").read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module])
    }
    assert not imported & {"bayesreg", "benchmarks"}


def test_modes_are_judged_by_one_density(tmp_path):
    data = any_model.make_data()
    name = "lasso, diabetes"
    ours, said = map_models.ours(map_models.build(name, data))
    assert said == "mode"
    at_zero = ours | {"beta": np.zeros(10)}
    results = {}
    for contender, point in (("ours", ours), ("pm.find_MAP", at_zero)):
        np.savez(tmp_path / f"{list(map_models.MODELS).index(name)}.{contender}.npz", **point)
        results[contender] = {name: {"first": 1.0, "second": 0.5, "said": ""}}
    results["pymc-extras"] = {name: {"failed": "no"}}
    mine, theirs, failed = any_model._judge(name, data, tmp_path, results)
    X, y, beta = data["diabetes_X"], data["diabetes_y"], ours["beta"]
    # the likelihood and the penalty by hand, normalisers of both included
    resid = y - float(ours["intercept"]) - X @ beta
    known = resid @ resid / (2 * 54.15**2) + 442 * np.log(54.15 * np.sqrt(2 * np.pi)) + np.abs(beta).sum() / 14.7
    assert mine.value == pytest.approx(known + 10 * np.log(2 * 14.7), rel=1e-12)
    assert theirs.value > mine.value + 10
    assert (mine.zeros, theirs.zeros) == (int((beta == 0).sum()), 10)
    assert math.isnan(failed.value)


def test_modes_are_printed_beside_the_best(capsys):
    line = any_model.Line
    lines = [line("m", "ours", 10.0, 3, 0.5, 1.0, "mode"), line("m", "pm.find_MAP", 12.5, 0, 1.0, 2.0, "success")]
    any_model.print_found([*lines, line("m", "pymc-extras", note="TypeError")], ["who: why"])
    rows = capsys.readouterr().out.splitlines()
    assert rows[2].split()[-4:] == ["0", "3", "0.5", "1"]
    assert rows[4].split()[-4:] == ["2.5", "0", "1", "2"]
    assert rows[6].split()[-4:] == ["–", "0", "–", "–"]
    assert rows[-1] == "left out: who: why"
