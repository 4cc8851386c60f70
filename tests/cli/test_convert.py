"""`bayesreg convert`: a number's prior, what it is called elsewhere, and how fast that is."""

from __future__ import annotations

import json

import pytest

from bayesreg.libraries.objective import table
from tests.cli.conftest import Cli
from tests.cli.test_cold import HEAVY, loaded_after

LASSO = ("convert", "--from", "sklearn.Lasso", "alpha=0.1", "--n", 442, "--sigma", 54)


def test_the_prior_and_the_table(bayesreg: Cli) -> None:
    found = bayesreg(*LASSO)
    assert found.status == 0
    assert "sklearn.Lasso with alpha = 0.1, n = 442, sigma = 54" in found.out
    assert (
        "assumes Laplace(b = 65.9729), λ₁ = 1/b = 0.0151578 on each coefficient, on the columns as given" in found.out
    )
    assert "|β| < 197.637 with probability 0.95" in found.out
    lines = {line.split()[0]: line for line in found.out.splitlines() if line.startswith("  ")}
    assert "lambda=0.1, alpha=1, standardize=False" in lines["glmnet"]
    assert "b=65.9729" in lines["pymc.Laplace"]
    assert "sklearn.Ridge" not in lines


def test_one_target(bayesreg: Cli) -> None:
    found = bayesreg(*LASSO, "--to", "penalized:linear")
    assert found.out.splitlines()[-1].split() == [
        "penalized:linear",
        "lambda1=44.2,",
        "lambda2=0,",
        "standardize=False",
    ]


def test_a_library_that_standardises(bayesreg: Cli) -> None:
    ridge = ("convert", "--from", "glmnet", "lambda=0.1", "alpha=0", "--n", 442, "--sigma", 54, "--sd-y", 77)
    found = bayesreg(*ridge)
    assert "each column divided by its population sd" in found.out
    lines = {line.split()[0]: line for line in found.out.splitlines() if line.startswith("  ")}
    assert lines["sklearn.Ridge"].endswith("standardise them first")
    assert "standardise them first" not in lines["MASS.lm.ridge"]
    assert f"alpha={442 * 0.1 / 77:.6g}" in lines["sklearn.Ridge"]


def test_what_always_standardises_is_said_only_of_standardised_columns(bayesreg: Cli) -> None:
    ridge = ("convert", "--from", "sklearn.Ridge", "alpha=2", "--sigma", 1, "--to", "MASS.lm.ridge")
    refused = bayesreg(*ridge)
    assert refused.status == 2
    assert "only if they are so already (--standardized)" in refused.err
    assert "lambda=2" in bayesreg(*ridge, "--standardized").out


def test_all_says_why_not(bayesreg: Cli) -> None:
    found = bayesreg(*LASSO, "--all")
    assert "sklearn.Ridge: sklearn.Ridge has no L1 part" in found.out
    assert "torch.AdamW: decoupled decay is no penalty" in found.out


def test_json(bayesreg: Cli) -> None:
    found = json.loads(bayesreg(*LASSO, "--json").out)
    assert found["prior"]["name"] == "Laplace"
    assert found["prior"]["scale"] == pytest.approx(54**2 / 44.2)
    by_name = {entry["library"]: entry["parameters"] for entry in found["libraries"]}
    assert by_name["sklearn.ElasticNet"] == {"alpha": pytest.approx(0.1), "l1_ratio": 1.0}


def test_no_penalty(bayesreg: Cli) -> None:
    found = bayesreg("convert", "--from", "sklearn.LogisticRegression", "C=inf")
    assert "assumes no penalty: a flat prior" in found.out


def test_by_column(bayesreg: Cli) -> None:
    found = bayesreg("convert", "--from", "glmnet:binomial", "lambda=0.1", "penalty.factor=1,2", "--n", 50)
    assert "b = [0.3, 0.15]" in found.out
    json.loads(
        bayesreg("convert", "--from", "glmnet:binomial", "lambda=0.1", "penalty.factor=1,2", "--n", 50, "--json").out
    )


def test_earlier_versions(bayesreg: Cli) -> None:
    old = bayesreg(
        "convert", "--from", "sklearn.LassoLars", "alpha=1", "--n", 100, "--sigma", 1, "--library-version", "1.0"
    )
    assert "each column divided by its population sd" in old.out


def test_the_whole_table(bayesreg: Cli) -> None:
    listed = bayesreg("convert", "--list")
    assert all(name in listed.out for name in table())
    assert len(json.loads(bayesreg("convert", "--list", "--json").out)) == len(table())
    assert bayesreg("convert", "--list", "--markdown").out.startswith("### scikit-learn")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("alpha=0.1",), "alpha=0.1: name the library with --from"),
        ((), "a number: name the library"),
        (("--from", "sklearn.Lasso", "0.1"), "'0.1' is no NAME=VALUE"),
        (("--from", "sklearn", "alpha=0.1"), "of sklearn there are"),
        (("--from", "sklearn.Lasso", "alpha=0.1"), "pass sigma="),
        (
            ("--from", "sklearn.Lasso", "alpha=x", "--n", 3, "--sigma", 1),
            "alpha must be a finite number >= 0 (got 'x')",
        ),
        ((*LASSO[1:], "--to", "sklearn.Ridge"), "--to sklearn.Ridge: sklearn.Ridge has no L1 part"),
        ((*LASSO[1:], "--to", "torch.AdamW"), "decoupled decay"),
        ((*LASSO[1:4], "alpha=0.2"), "alpha is given twice"),
        ((*LASSO[1:4], "columns=given", *LASSO[4:]), "columns= and sd= are for to_prior"),
        ((*LASSO[1:], "--to", "sklearn.MultiTaskLasso"), "penalises norms of groups, sklearn.Lasso each coefficient"),
        (
            ("--from", "sklearn.MultiTaskLasso", *LASSO[3:], "--to", "sklearn.Lasso"),
            "penalises each coefficient by itself, sklearn.MultiTaskLasso norms of groups",
        ),
        (
            ("--from", "sklearn.LogisticRegression:multinomial", "C=1", "--to", "sklearn.LogisticRegression"),
            "sklearn.LogisticRegression:multinomial has K symmetric rows",
        ),
        (("--from", "sklearn.Lasso", "alpha=0.1", "--n", 442, "--sigma", "1e200"), "sigma must be a finite number"),
    ],
)
def test_refusals(bayesreg: Cli, arguments: tuple[object, ...], words: str) -> None:
    found = bayesreg("convert", *arguments)
    assert (found.status, found.out) == (2, "")
    assert words in found.err
    assert found.err.count("\n") == 1


def test_nothing_heavy_is_loaded() -> None:
    call = "from bayesreg.cli import main; assert main({}) == 0"
    assert not loaded_after(call.format([str(argument) for argument in LASSO])) & HEAVY


def test_a_group_penalty_goes_to_group_penalties(bayesreg: Cli) -> None:
    found = bayesreg("convert", "--from", "sklearn.MultiTaskLasso", *LASSO[3:])
    assert "assumes exp(−λ·norm), λ = 0.0151578, on the norm of each group's coefficients" in found.out
    lines = {line.split()[0] for line in found.out.splitlines() if line.startswith("  ")}
    assert {"sklearn.MultiTaskLasso", "glmnet:mgaussian"} <= lines
    assert "sklearn.Lasso" not in lines


def test_the_targets_notes_are_told(bayesreg: Cli) -> None:
    found = bayesreg(*LASSO, "--to", "statsmodels.OLS")
    assert "note: statsmodels.OLS: the intercept is penalised too" in found.out
    ridge = bayesreg("convert", "--from", "sklearn.Ridge", "alpha=1", "--sigma", 1)
    assert "default tolerance" not in ridge.out
