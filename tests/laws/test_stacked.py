"""Priors of several parts: each part sees its own columns, and a mapping by column says which."""

import numpy as np
import pytest

from bayesreg.errors import ParameterError
from bayesreg.priors import Bridge, ElasticNet, Flat, Gaussian, GroupLaplace, Laplace
from bayesreg.scales import Exponential, HalfCauchy
from bayesreg.stacked import Stacked, prior_by_column

NAMES = ("age", "site[T.a]", "site[T.b]", "gene1", "gene2", "age:gene1")
TERMS = ("age", "site", "site", "gene1", "gene2", "age:gene1")
PARTS = [
    (Laplace(np.array([0.5, 2.0]), loc=0.3), [4, 1]),
    (Gaussian(3.0), [0]),
    (GroupLaplace([8, 9, 8], 0.7, loc=np.array([0.1, 0.2, -0.3])), [5, 2, 3]),
]
STACK = Stacked(PARTS)


def of_columns(prior: Stacked, names: tuple[str, ...] = NAMES) -> dict[str, object]:
    """Which prior each column has, read off the parts."""
    return {names[j]: part for part, columns in prior.parts for j in columns}


def by_column(mapping: dict[str, object]) -> dict[str, object]:
    return of_columns(prior_by_column(mapping, NAMES, TERMS))


@pytest.mark.parametrize("ask", ["location", "rates", "variance"])
def test_what_is_asked_by_column_comes_from_the_columns_part(ask):
    whole = getattr(STACK, ask)(6)
    for part, columns in PARTS:
        np.testing.assert_array_equal(whole[columns], getattr(part, ask)(len(columns)))


@pytest.mark.parametrize("ask", ["at_kink", "curvature", "conjugate", "dual_gauge", "dual_projection"])
def test_what_is_asked_at_a_point_comes_from_the_columns_part(ask):
    beta = np.where([False, True, False, True, False, True], STACK.location(6), 0.6)
    whole = getattr(STACK, ask)(beta)
    assert whole.dtype == (bool if ask == "at_kink" else float)
    for part, columns in PARTS:
        np.testing.assert_array_equal(whole[columns], getattr(part, ask)(beta[columns]))


@pytest.mark.parametrize("ask", ["nearest_subgradient", "gauge", "prox"])
def test_what_is_asked_of_two_vectors_comes_from_the_columns_part(ask):
    one, other = np.random.default_rng(0).normal(size=(2, 6))
    other = np.exp(other[STACK.blocks(6)])
    whole = getattr(STACK, ask)(one, other)
    for part, columns in PARTS:
        np.testing.assert_array_equal(whole[columns], getattr(part, ask)(one[columns], other[columns]))


def test_sums_blocks_and_hessians_run_over_the_parts():
    beta = np.random.default_rng(1).normal(size=(3, 6))
    for ask in ("penalty", "log_density"):
        parts = sum(getattr(part, ask)(beta[:, columns]) for part, columns in PARTS)
        np.testing.assert_allclose(getattr(STACK, ask)(beta), parts, rtol=1e-14)
    blocks = STACK.blocks(6)
    assert blocks[5] == blocks[3]
    assert len(set(blocks.tolist())) == 5
    hessian = STACK.hessian(beta[0], np.arange(6))
    part, columns = PARTS[2]
    np.testing.assert_array_equal(hessian[np.ix_(columns, columns)], part.hessian(beta[0][columns], np.arange(3)))
    assert hessian[3, 5] != 0
    assert hessian[0, 0] == pytest.approx(1 / 9)
    assert np.count_nonzero(hessian) == np.count_nonzero(part.hessian(beta[0][columns], np.arange(3))) + 1


def test_one_prior_in_two_parts_serves_each_with_its_own_columns():
    shared = Laplace(0.5)
    form = Stacked([(shared, 1), (Gaussian(2.0), 2), (shared, 3)]).elastic(6)
    np.testing.assert_array_equal(form.l1, [2, 0, 0, 2, 2, 2])
    np.testing.assert_array_equal(form.l2, [0, 0.125, 0.125, 0, 0, 0])
    assert STACK.elastic(6) is None


def test_draws_and_precisions_stand_in_their_columns():
    rng = np.random.default_rng(2)
    prior = Stacked([(Gaussian(1e-9, loc=5.0), [1]), (Gaussian(1e-9, loc=-5.0), [0, 2])])
    np.testing.assert_allclose(prior.draw(rng, 4, 3), np.broadcast_to([-5, 5, -5], (4, 3)), rtol=1e-6)
    precisions = Stacked([(Gaussian(0.5), [1]), (Flat(), [0, 2])]).mixing(np.ones((4, 3)), rng)
    np.testing.assert_array_equal(precisions, np.broadcast_to([0, 4, 0], (4, 3)))
    assert Stacked([(Gaussian(0.5), [1]), (Bridge(1.0, 0.5), [0])]).mixing(np.ones(2), rng) is None


def test_empty_parts_are_left_out_and_convexity_is_every_parts():
    prior = Stacked([(Flat(), 0), (Gaussian(1.0), np.int64(2)), (Bridge(1.0, 0.5), [])])
    assert len(prior.parts) == 1
    assert prior.convex
    assert not Stacked([(Gaussian(1.0), 2), (Bridge(1.0, 0.5), 1)]).convex
    none = Stacked([])
    assert none.penalty(np.zeros((3, 0))).shape == (3,)
    assert none.rates(0).shape == none.prox(np.zeros(0), 1.0).shape == (0,)


def test_an_unknown_scale_is_that_of_one_part():
    prior = Stacked([(Gaussian(2.0), 1), (Laplace(HalfCauchy(1.0)), 2)])
    assert isinstance(prior.hyperprior, HalfCauchy)
    fixed = prior.at(0.25)
    assert fixed.hyperprior is None
    np.testing.assert_array_equal(fixed.rates(3), [0.125, 4, 4])
    np.testing.assert_array_equal(fixed.at(0.5).rates(3), [2, 2, 2])
    with pytest.raises(ParameterError, match="only one of the priors by column can have an unknown scale"):
        Stacked([(Gaussian(Exponential(1.0)), 1), (Laplace(HalfCauchy(1.0)), 2)])


@pytest.mark.parametrize("columns", [([0, 1], [1, 2]), ([0], [2]), ([-1], [0])])
def test_parts_that_overlap_or_leave_gaps_are_refused(columns):
    with pytest.raises(ParameterError, match="must cover every column once"):
        Stacked([(Flat(), where) for where in columns])


def test_binding_hands_each_part_its_names_and_refuses_other_numbers():
    bound = Stacked([(Flat(), [0, 3]), (GroupLaplace("terms", 0.5), [1, 2, 4, 5])]).bind(NAMES, TERMS)
    np.testing.assert_array_equal(bound.blocks(6), [0, 2, 2, 1, 3, 4])
    named = Stacked([(GroupLaplace({"g": ["gene1", "gene2"]}, 0.5), [3, 4]), (Flat(), [0, 1, 2, 5])]).bind(NAMES, TERMS)
    assert named.blocks(6)[3] == named.blocks(6)[4]
    with pytest.raises(ParameterError, match="its parts cover 3 columns, but there are 6"):
        Stacked([(Flat(), 3)]).bind(NAMES, TERMS)
    with pytest.raises(ParameterError, match="Laplace: scale has 3 values for 2 columns"):
        Stacked([(Laplace([1.0, 2.0, 3.0]), 2), (Flat(), 4)]).bind(NAMES, TERMS)


def test_description_and_repr_name_the_parts():
    prior = prior_by_column({"age": Flat(), "*": Laplace(0.5)}, NAMES, TERMS)
    assert prior.describe(6) == "0 (flat prior) over 'age' + λ Σ|β| with λ = 2 over '*'"
    assert repr(prior) == "{'age': Flat(), '*': Laplace(scale=0.5, loc=0.0)}"
    assert (
        repr(Stacked([(Flat(), 1), (Gaussian(1.0), 2)])) == "Stacked([(Flat(), 1), (Gaussian(scale=1.0, loc=0.0), 2)])"
    )


def test_a_name_goes_before_a_term_a_term_before_a_pattern_and_a_pattern_before_the_rest():
    rest, pattern, term, name = Laplace(1.0), Gaussian(1.0), ElasticNet(1.0, 1.0), Flat()
    expected = dict(zip(NAMES, [pattern, term, name, rest, rest, pattern], strict=True))
    orders = [["*", "a*", "s?te*", "site", "site[T.b]"], ["site[T.b]", "site", "s?te*", "a*", "*"]]
    priors = {"*": rest, "a*": pattern, "s?te*": pattern, "site": term, "site[T.b]": name}
    for order in orders:
        assert by_column({key: priors[key] for key in order}) == expected


def test_two_patterns_on_one_column_are_refused_unless_a_name_decides():
    with pytest.raises(ParameterError, match=r"both 'gene\*' and '\*1' match column 'gene1'.*more specific"):
        by_column({"gene*": Flat(), "*1": Laplace(1.0), "*": Flat()})
    name = Gaussian(1.0)
    found = by_column({"gene*": Flat(), "*ne1": Laplace(1.0), "gene1": name, "age:gene1": name, "*": Flat()})
    assert found["gene1"] is name


def test_brackets_in_a_pattern_stand_for_themselves():
    special = Laplace(1.0)
    found = by_column({"site[*": special, "*": Flat()})
    assert [name for name, prior in found.items() if prior is special] == ["site[T.a]", "site[T.b]"]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"gen1": Flat(), "*": Flat()}, "'gen1' matches no column; did you mean 'gene1'"),
        ({"zzz": Flat(), "*": Flat()}, r"'zzz' matches no column \(columns: age, site\[T.a\]"),
        ({"z*": Flat(), "*": Flat()}, r"'z\*' matches no column"),
        ({"age": Flat(), "site": Flat()}, r"no prior for 'gene1', 'gene2', 'age:gene1'; name them, or add '\*'"),
        ({}, "no prior for 'age', "),
        ({"age": 0.5, "*": Flat()}, r"prior\['age'\] must be a name with a prior.*got 0.5"),
        ({3: Flat(), "*": Flat()}, r"prior\[3\] must be a name"),
        ({"age": Laplace, "*": Flat()}, r"prior\['age'\] must be a name with a prior"),
        ({"site": Laplace([1.0, 2.0, 3.0]), "*": Flat()}, "Laplace: scale has 3 values for 2 columns"),
    ],
)
def test_mappings_that_do_not_fit_the_columns_are_refused(mapping, message):
    with pytest.raises(ParameterError, match=message):
        prior_by_column(mapping, NAMES, TERMS)


def test_a_key_whose_columns_all_go_to_others_is_left_out():
    prior = prior_by_column({"site": Laplace(1.0), "site[T.a]": Flat(), "site[T.b]": Flat(), "*": Flat()}, NAMES, TERMS)
    assert prior.keys == ("site[T.a]", "site[T.b]", "*")
