import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest
from scipy import stats

import bayesreg as br
from bayesreg.plots import style, words


def test_importing_the_pictures_does_not_load_matplotlib():
    code = "import sys, bayesreg.plots; sys.exit(any(m.split('.')[0] in ('matplotlib', 'pymc') for m in sys.modules))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("share", "said"),
    [(0.0, "under 0.1 %"), (0.0042, "0.4 %"), (0.31, "31 %"), (0.994, "99.4 %"), (1.0, "over 99.9 %")],
)
def test_percent_claims_no_more_than_draws_can_tell(share, said):
    assert words.percent(share).replace("\u00a0", " ") == said


@pytest.mark.parametrize(
    "pattern", ["{}_at_the_start_of_a_name", "in_the_middle_{}_of_a_name", "at_the_end_of_a_name_{}"]
)
def test_shortened_names_fit_and_stay_distinct(pattern):
    names = [pattern.format(j) for j in range(30)] + ["short"]
    short = words.shorten_all(names, 1.2)
    assert len(set(short)) == len(names)
    assert short[-1] == "short"
    assert max(map(words.inches_of, short)) <= 1.2


def test_names_that_no_cut_tells_apart_are_numbered():
    names = ["a" * 60 + middle + "z" * 60 for middle in "xyz"]
    assert len(set(words.shorten_all(names, 1.0))) == 3


def test_wrapped_lines_fit_and_lose_nothing():
    text = "18 of 40 coefficients are exactly 0 there; 34 of 40 posterior intervals contain 0."
    wrapped = words.wrap(text, 1.7)
    assert wrapped.split() == text.split()
    assert max(map(words.inches_of, wrapped.splitlines())) <= 1.7


def test_density_is_that_of_the_draws():
    draws = np.random.default_rng(0).normal(2.0, 0.5, 20_000)
    grid, density = style.draw_density(draws)
    assert np.trapezoid(density, grid) == pytest.approx(1.0, abs=0.01)
    assert np.abs(density - stats.norm.pdf(grid, 2.0, 0.5)).max() < 0.05


def test_density_of_a_frozen_chain_is_drawn():
    grid, density = style.draw_density(np.full(100, 3.0))
    assert np.isfinite(density).all()
    assert grid[np.argmax(density)] == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize(("prior", "exact"), [(br.Laplace, stats.laplace), (br.Gaussian, stats.norm)])
def test_prior_curve_is_the_density_of_that_column(make, prior, exact):
    scale = np.array([0.5, 1.0, 2.0, 1.0, 1.0, 4.0])
    problem = make(prior(scale=scale, loc=0.25)).problem
    grid = np.linspace(-3, 3, 101)
    for column in (0, 2, 5):
        expected = exact.pdf(grid, 0.25, scale[column])
        np.testing.assert_allclose(style.prior_curve(problem, column, grid), expected, rtol=1e-4)


def test_no_prior_curve_where_there_is_no_one_density(make):
    noisy = make(br.Laplace(scale=0.1), scale_by_noise=True).problem
    for problem in (noisy, noisy.with_prior(br.Flat()), make(br.Flat()).problem):
        assert style.prior_curve(problem, 0, np.zeros(1)) is None


def test_units_follow_the_link(make):
    problem = make(br.Gaussian(scale=1.0)).problem
    assert style.axis_label(problem, raw=False) == "standardised coefficient (units of y per sd)"
    assert style.axis_label(problem, raw=True) == "coefficient in data units (units of y per unit)"
    X, y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2
    logistic = br.Problem.from_arrays(
        X, y, prior=br.Gaussian(scale=1.0), likelihood=br.BernoulliLogit(), standardize=False
    )
    assert style.axis_label(logistic, raw=False) == "coefficient in data units (log-odds per unit)"


def test_what_no_font_has_is_shown_by_its_code():
    """Matplotlib would warn and draw a box."""
    assert words.drawable("plain_name $x$") == "plain_name $x$"
    assert words.drawable("β̂ → ‖β‖₁") == "β̂ → ‖β‖₁"
    assert words.drawable("名") == "\\u540d"
    assert words.drawable("a\nb\u2028c") == "a b c"
    with plt.rc_context({"font.family": ["DejaVu Sans Mono"]}):
        assert words.drawable("β名") == "β\\u540d"


def test_names_in_any_script_are_drawn_without_a_warning(make, written):
    comparison = make(br.Laplace(scale=0.05), p=3, names=["名前", "b\nc", "\u2028é"])
    said = written(br.plots.forest(comparison).figure)
    assert "\\u540d\\u524d" in said
    assert "b c" in said


def test_nothing_drawn_is_black_on_black(lasso):
    """Whatever style the reader has chosen: what is black on white is white on black."""
    with plt.style.context("dark_background"):
        ax = br.plots.forest(lasso)
        rings = next(line for line in ax.lines if line.get_label() == "penalised optimum")
        assert rings.get_markeredgecolor() == "white"
    ax = br.plots.forest(lasso)
    rings = next(line for line in ax.lines if line.get_label() == "penalised optimum")
    assert rings.get_markeredgecolor() == "black"


def test_numbers_have_no_powers_of_ten_up_to_a_million():
    assert [words.number(v) for v in (0.123, -1.26, 12.3, 123.0, -45678.0, 2e7, 1e-7)] == [
        "0.12", "−1.3", "12", "120", "−46000", "2e+07", "1e−07",
    ]  # fmt: skip


def test_very_long_names_are_cut_in_no_time():
    name = "x" * 100_000
    assert len(words.shorten(name, 1.0)) < 40
    assert words.shorten("short", 1.0) == "short"
