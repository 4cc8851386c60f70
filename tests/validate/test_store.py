"""A store that is damaged, shared or cannot be gone on with is refused, and says what to do."""

import json
from functools import partial

import numpy as np
import pytest

import bayesreg as br
from bayesreg.validate.quantities import code_of
from bayesreg.validate.runs import run
from bayesreg.validate.store import Store
from tests.validate.problems import lasso, logistic


def noise(index, seed):
    return {"value": float(np.random.default_rng(seed).normal())}


@pytest.mark.parametrize("bad", ["{half of", "[1, 2]", '{"value": 1}', '{"index": "3"}', '{"index": true}', "", "\0\0"])
def test_a_damaged_line_is_named_and_its_loss_made_up_for(tmp_path, bad):
    path = tmp_path / "runs.jsonl"
    whole = run(noise, 5, seed=1, workers=1, store=path)
    lines = path.read_text().splitlines()
    lines[3] = bad
    path.write_text("\n".join(lines) + "\n")
    before = path.read_bytes()
    with pytest.raises(br.InputError, match="is damaged: its line 4 is no replication"):
        run(noise, 5, seed=1, workers=1, store=path)
    assert path.read_bytes() == before
    del lines[3]
    path.write_text("\n".join(lines) + "\n")
    assert run(noise, 5, seed=1, workers=1, store=path).records == whole.records


def test_two_runs_do_not_write_one_file(tmp_path):
    path = tmp_path / "runs.jsonl"
    with Store(path, {}) as first:
        first.add({"index": 0})
        with pytest.raises(br.InputError, match="is being written by another run"):
            Store(path, {})
        first.add({"index": 1})
    with Store(path, {}) as again:
        assert sorted(again.records) == [0, 1]


def test_a_refused_store_is_not_kept_open(tmp_path):
    path = tmp_path / "runs.jsonl"
    with Store(path, {"what": "one"}):
        pass
    with pytest.raises(br.InputError, match="differs in what"):
        Store(path, {"what": "two"})
    with Store(path, {"what": "one"}) as kept:
        assert kept.records == {}


def test_a_folder_is_no_store(tmp_path):
    with pytest.raises(br.InputError, match="is a folder"):
        Store(tmp_path, {})


def test_a_store_needs_a_seed(tmp_path):
    with pytest.raises(br.ParameterError, match="seed=None differs each time"):
        run(noise, 2, seed=None, workers=1, store=tmp_path / "runs.jsonl")
    assert len(run(noise, 2, seed=None, workers=1).records) == 2


@pytest.mark.parametrize("seed", [3, np.random.SeedSequence(3), np.random.SeedSequence(9, spawn_key=(1, 2))])
def test_seeds_of_every_kind_can_be_gone_on_with(tmp_path, seed):
    path = tmp_path / "runs.jsonl"
    run(noise, 3, seed=seed, workers=1, store=path)
    assert run(noise, 6, seed=seed, workers=1, store=path).records == run(noise, 6, seed=seed, workers=1).records


def test_a_generator_seeds_by_its_state(tmp_path):
    path = tmp_path / "runs.jsonl"
    first = run(noise, 3, seed=np.random.default_rng(5), workers=1, store=path)
    assert run(noise, 3, seed=np.random.default_rng(5), workers=1, store=path).records == first.records
    moved = np.random.default_rng(5)
    moved.random(3)
    with pytest.raises(br.InputError, match="differs in entropy"):
        run(noise, 3, seed=moved, workers=1, store=path)


def test_a_changed_quantity_is_another_run(tmp_path):
    path = tmp_path / "runs.jsonl"

    def largest(draws, problem):
        return draws["beta"].max(axis=1)

    def other(draws, problem):
        return draws["beta"].min(axis=1)

    br.validate.sbc(lasso(), 3, {"q": largest}, workers=1, store=path)
    br.validate.sbc(lasso(), 3, {"q": largest}, workers=1, store=path)
    with pytest.raises(br.InputError, match="differs in quantities"):
        br.validate.sbc(lasso(), 3, {"q": other}, workers=1, store=path)
    assert code_of(lambda d, p: d["a"] + 1.0) != code_of(lambda d, p: d["a"] + 2.0)
    assert code_of(lambda d, p: [x + 1 for x in d]) == code_of(lambda d, p: [x + 1 for x in d])


def test_truths_of_a_posterior_are_those_of_one_number_of_replications(tmp_path):
    path = tmp_path / "runs.jsonl"
    br.validate.sbc(logistic(), 3, truths="posterior", workers=1, store=path)
    with pytest.raises(br.InputError, match="differs in truths"):
        br.validate.sbc(logistic(), 4, truths="posterior", workers=1, store=path)


def test_every_line_is_json(tmp_path):
    path = tmp_path / "runs.jsonl"
    run(lambda index, seed: {"text": "a\u2028b\n\x1c"}, 2, workers=1, store=path)
    assert [json.loads(line)["text"] for line in path.read_text().splitlines()[1:]] == ["a\u2028b\n\x1c"] * 2
    assert len(run(noise, 2, workers=1, store=path).records) == 2


def test_what_a_function_closes_over_tells_it_from_another():
    def column(k):
        return lambda d, p: d["beta"][:, k]

    def chosen(k, d, p):
        return d["beta"][:, k]

    class Column:
        def __init__(self, k):
            self.k = k

    assert code_of(column(0)) == code_of(column(0)) != code_of(column(2))
    assert code_of(lambda d, p, k=0: d["a"]) != code_of(lambda d, p, k=2: d["a"])
    assert code_of(lambda d, p, *, k=0: d["a"]) != code_of(lambda d, p, *, k=2: d["a"])
    assert code_of(partial(chosen, 0)) == code_of(partial(chosen, 0)) != code_of(partial(chosen, 2))
    assert code_of(Scaled(1.0)) == code_of(Scaled(1.0)) != code_of(Scaled(2.0))
    local = Column(1)  # its class cannot be pickled: never taken for what it was
    assert code_of(local) != code_of(local)


def test_a_function_that_calls_itself_has_a_digest():
    def again(d, p, left=2):
        return again(d, p, left - 1) if left else d["a"]

    assert code_of(again) == code_of(again)


class Scaled:
    """A quantity that is an object."""

    def __init__(self, by):
        self.by = by

    def __call__(self, draws, problem):
        return self.by * draws["sigma"]
