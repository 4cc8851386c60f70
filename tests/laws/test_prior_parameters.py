"""What priors take: numbers, or one per column, and groups in three forms; all else is refused with its reason."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from bayesreg.errors import ParameterError
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import HalfCauchy
from tests.registry import PRIORS, STACKED

NAMES = ("age", "site[T.a]", "site[T.b]", "income")
TERMS = ("age", "site", "site", "income")

MAKES = {
    "Laplace": lambda **o: Laplace(**({"scale": 1.0} | o)),
    "Gaussian": lambda **o: Gaussian(**({"scale": 1.0} | o)),
    "ElasticNet": lambda **o: ElasticNet(**({"l1": 1.0, "l2": 1.0} | o)),
    "Bridge": lambda **o: Bridge(**({"rate": 1.0, "power": 1.5} | o)),
    "GroupLaplace": lambda **o: GroupLaplace(**({"groups": [0, 0, 1, 2], "scale": 1.0} | o)),
}
POSITIVE = {"Laplace": ["scale"], "Gaussian": ["scale"], "Bridge": ["rate", "power"], "GroupLaplace": ["scale"]}
VECTORS = {"ElasticNet": ["l1", "l2", "loc"], "Bridge": ["rate", "loc"]} | {
    name: ["scale", "loc"] for name in ("Laplace", "Gaussian", "GroupLaplace")
}
EVERY = [(name, a) for name in MAKES for a in dict.fromkeys([*VECTORS[name], *POSITIVE.get(name, [])])]
NO_NUMBERS = {
    "none": None,
    "text": "1.0",
    "bool": True,
    "numpy-bool": np.True_,
    "bools": [True, False, True, True],
    "texts": ["1", "2", "3", "4"],
    "complex": 1 + 2j,
    "two-dimensional": np.ones((2, 2)),
    "ragged": [[1.0], [1.0, 2.0]],
    "with-none": [1.0, None, 1.0, 1.0],
    "dict": {"age": 1.0},
    "masked": np.ma.array([1.0, 2.0, 3.0, 4.0], mask=[0, 1, 0, 0]),
    "class": float,
}
NO_FINITE = {"nan": np.nan, "inf": np.inf, "minus-inf": -np.inf, "nans": [1.0, np.nan, 1.0, 1.0]}


def refusal(make, **options) -> str:
    with pytest.raises(ParameterError) as caught:
        make(**options)
    return str(caught.value)


@pytest.mark.parametrize(("name", "argument"), EVERY)
@pytest.mark.parametrize("bad", NO_NUMBERS | NO_FINITE)
def test_what_is_no_finite_number_is_refused(name, argument, bad):
    value = (NO_NUMBERS | NO_FINITE)[bad]
    message = refusal(MAKES[name], **{argument: value})
    assert message.startswith(f"{name}: ")
    assert argument in message
    assert "\n" not in message


@pytest.mark.parametrize(("name", "argument"), [(n, a) for n, arguments in POSITIVE.items() for a in arguments])
@pytest.mark.parametrize("value", [0, -1, -0.5, 1e-200, 1e200])
def test_what_must_be_positive_says_so(name, argument, value):
    message = refusal(MAKES[name], **{argument: value})
    assert message.startswith(f"{name}: {argument} must be a finite number > 0")
    assert f"{value:g}" in message
    if argument != "power":
        by_column = refusal(MAKES[name], **{argument: [1.0, value, 1.0, 1.0]})
        assert by_column == f"{name}: every {argument} must be a finite number > 0 (column 1 has {value:g})"


def test_elastic_net_refuses_negative_rates_and_no_penalty_at_all():
    assert refusal(ElasticNet, l1=-1.0, l2=1.0).startswith("ElasticNet: l1 must be 0, or a number > 0")
    assert "got 1e-200" in refusal(ElasticNet, l1=1.0, l2=[0.0, 1e-200])
    assert "both 0, which is no prior; use Flat()" in refusal(ElasticNet, l1=[0.0, 1.0], l2=0)
    assert "l1 has 2 values but l2 has 3" in refusal(ElasticNet, l1=[1.0, 1.0], l2=[1.0, 1.0, 2.0])


def test_bridge_names_its_range_of_powers():
    assert refusal(Bridge, rate=1.0, power=0.05) == "Bridge: power must lie between 0.1 and 20 (got 0.05)"
    assert "got 21" in refusal(Bridge, rate=1.0, power=21)
    assert refusal(Bridge, rate=1.0, power=[1.0, 2.0]) == "Bridge: power must be one number for all columns (got 2)"
    assert "must be a number > 0" in refusal(Bridge, rate=HalfCauchy(1.0), power=1.0)
    with pytest.raises(ParameterError, match="Bridge: rate must be a finite number"):
        Bridge(1.0, 20.0).rescaled(1e100)


def test_numbers_of_any_kind_are_taken_copied_and_frozen():
    for value in (2, np.float32(2), np.int64(2), np.array(2.0)):
        assert Laplace(value).fixed == 2
        assert type(Laplace(1.0, loc=value).loc) is float
    given = np.array([1.0, 2.0])
    for column in (given, [1, 2], (1.0, 2.0), pd.Series([1.0, 2.0]), np.array([1, 2], dtype=np.int8)):
        np.testing.assert_array_equal(Laplace(column).rates(2), [1, 0.5])
    prior = Gaussian(given, loc=given)
    given[0] = 9
    np.testing.assert_array_equal(prior.location(2), [1, 2])
    with pytest.raises(ValueError, match="read-only"):
        prior.scale[0] = 3


@pytest.mark.parametrize(("name", "argument"), [(n, a) for n, arguments in VECTORS.items() for a in arguments])
def test_binding_refuses_wrong_numbers_of_values(name, argument):
    make = MAKES[name]
    assert make(**{argument: np.ones(4)}).bind(NAMES, TERMS) is not None
    prior = make(**{argument: np.ones(3)})
    with pytest.raises(ParameterError) as caught:
        prior.bind(NAMES, TERMS)
    assert str(caught.value).startswith(f"{name}: {argument} has 3 values for 4 columns; give one")


def test_groups_are_labels_a_mapping_or_terms():
    expected = [0, 1, 1, 2]
    forms = [
        ["a", "b", "b", "c"],
        np.array([5, 1, 1, 0]),
        pd.Series(["x", "y", "y", "z"], index=[9, 8, 7, 6]),
        pd.Categorical([3, 1, 1, 2]),
        {"site": ["site[T.a]", "site[T.b]"]},
        {"site": ("site[T.b]", "site[T.a]"), "rest": "age"},
        "terms",
    ]
    for form in forms:
        np.testing.assert_array_equal(GroupLaplace(form, 1.0).bind(NAMES, TERMS).blocks(4), expected)
    hierarchical = GroupLaplace("terms", HalfCauchy(1.0)).bind(NAMES, TERMS)
    np.testing.assert_allclose(hierarchical.at(0.5).rates(4), [2, 2 * np.sqrt(2), 2 * np.sqrt(2), 2])


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ("term", "groups must be one label per column, a mapping.*got 'term'"),
        (None, "groups must be one label per column.*got None"),
        (3, "groups must be one label per column.*got 3"),
        ({"a", "b"}, "groups must be one label per column"),
        ([[0, 1], [2, 3]], r"groups must be one label per column.*got \[0, 1\] among the labels"),
        ([0, np.nan, 1, 1], "got nan among the labels"),
        ([0, None, 1, 1], "got None among the labels"),
        ([0, 1, 1], "groups has 3 labels, for 4 columns"),
        ([], "groups has 0 labels, for 4 columns"),
        ({"g": ["agee"]}, r"group 'g' names 'agee', which is no column \(age, site"),
        ({"g": [0]}, "group 'g' names 0, which is no column"),
        ({"g": 0}, "group 'g' names 0, which is no column"),
        ({"g": ["age"], "h": ["age"]}, "column 'age' is named by group 'g' and again by 'h'"),
        ({"g": ["age", "age"]}, "column 'age' is named by group 'g' and again by 'g'"),
    ],
)
def test_groups_that_do_not_fit_the_columns_are_refused(groups, message):
    with pytest.raises(ParameterError, match=f"^GroupLaplace: .*{message}"):
        GroupLaplace(groups, 1.0).bind(NAMES, TERMS)


def test_a_group_has_one_scale():
    with pytest.raises(ParameterError, match="columns of group 'b' have different scales, 2 and 3"):
        GroupLaplace(["a", "b", "b"], [1.0, 2.0, 3.0])
    with pytest.raises(ParameterError, match="columns of group 'site' have different scales, 2 and 3"):
        GroupLaplace("terms", [1.0, 2.0, 3.0, 4.0]).bind(NAMES, TERMS)


def test_groups_not_yet_bound_are_said_to_be_so():
    for ask in (lambda p: p.penalty(np.zeros(4)), lambda p: p.rates(4), lambda p: p.prox(np.zeros(4), 1.0)):
        with pytest.raises(ParameterError, match="GroupLaplace: groups is not yet bound to columns"):
            ask(GroupLaplace("terms", 1.0))


@pytest.mark.parametrize("name", ["Laplace", "Gaussian", "GroupLaplace"])
def test_an_unknown_scale_has_no_single_penalty(name):
    prior = MAKES[name](scale=HalfCauchy(1.0))
    asked = (prior.penalty, prior.log_density, lambda b: prior.rescaled(2.0), lambda b: prior.rates(4))
    for ask in asked:
        with pytest.raises(ParameterError, match=rf"^{name}: the scale has a prior .*\.at\(scale="):
            ask(np.zeros(4))


@pytest.mark.parametrize(
    ("prior", "text"),
    [
        (Laplace(0.5), "λ Σ|β| with λ = 2"),
        (Laplace([0.5, 0.1], loc=1.0), "λ Σ|β − μ| with λ = 2 to 10 by column"),
        (Gaussian(0.5), "λ Σβ² with λ = 2"),
        (Gaussian(0.5, loc=[0.0, 1.0]), "λ Σ(β − μ)² with λ = 2"),
        (ElasticNet(1.5, 0), "λ₁ Σ|β| + λ₂ Σβ² with λ₁ = 1.5, λ₂ = 0"),
        (ElasticNet(1.5, [1.0, 2.0], loc=1), "λ₁ Σ|β − μ| + λ₂ Σ(β − μ)² with λ₁ = 1.5, λ₂ = 1 to 2 by column"),
        (Bridge(2.0, 1.5), "λ Σ|β|^1.5 with λ = 2"),
        (GroupLaplace([0, 0], np.sqrt(2)), "Σ λ_g‖β_g‖₂ over 1 groups with λ_g = 1"),
        (GroupLaplace([0, 1], 0.5, loc=1.0), "Σ λ_g‖β_g − μ_g‖₂ over 2 groups with λ_g = 2"),
        (Flat(), "0 (flat prior)"),
    ],
)
def test_description_is_the_penalty_with_its_numbers(prior, text):
    assert prior.describe(2) == text


def test_every_prior_describes_itself_and_binds_to_its_columns():
    for make in (PRIORS | STACKED).values():
        prior = make(4).bind(NAMES, TERMS)
        assert prior.describe(4)
        assert type(prior) is type(make(4))


def test_no_column_is_no_trouble():
    for prior in (Laplace(0.5), Gaussian(0.5), ElasticNet(1.0, 1.0), Bridge(1.0, 0.5), Flat(), GroupLaplace([], 1.0)):
        none = np.zeros(0)
        assert prior.penalty(none) == 0
        assert prior.log_density(none) == 0
        assert prior.penalty(np.zeros((3, 0))).shape == (3,)
        assert prior.prox(none, 1.0).shape == prior.nearest_subgradient(none, none).shape == (0,)
        assert prior.describe(0)


def test_priors_load_neither_pymc_nor_pytensor():
    code = "import sys, bayesreg.priors, bayesreg.stacked; print({'pymc', 'pytensor'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
