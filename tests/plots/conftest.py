"""Comparisons to draw: real optima, made-up draws, so that no test waits for a sampler."""

from itertools import combinations
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.axis import Tick
from matplotlib.text import Text
from sklearn.linear_model import Lasso
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import bayesreg as br
from tests.fakes import result


@pytest.fixture(autouse=True)
def _closed(monkeypatch):
    """No picture may show itself, and none stays open."""
    monkeypatch.setattr(plt, "show", lambda *_, **__: pytest.fail("a picture opened a window"))
    yield
    plt.close("all")


def compared(prior, *, p=6, names=None, seed=0, passed=True, withheld="", **settings):
    """Return what the pictures read of a Comparison, by the names that a Comparison has."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(60, p)) * np.arange(1, p + 1)
    y = X @ np.where(np.arange(p) % 3 == 0, 1.5, 0.0) + rng.normal(size=60)
    names = [f"x{j}" for j in range(p)] if names is None else names
    problem = br.Problem.from_arrays(X, y, prior=prior, names=names, **settings)
    optimum = br.fit_penalized(problem)
    sd = 0.1 + 0.02 * np.arange(p)
    beta = optimum.beta + 0.3 * sd + sd * rng.normal(size=(4, 500, p))
    scale = problem.design.scale
    table = _table(optimum, beta, scale, names)
    draws = {"beta": beta, "beta_raw": beta / scale}
    return result(
        "Comparison", problem=problem, map=optimum, penalized=optimum, coefficients=table, interval_prob=0.95,
        posterior=SimpleNamespace(draws=draws.__getitem__), passed=passed, withheld=withheld, audited=None,
    )  # fmt: skip


def _table(optimum, beta, scale, names):
    flat = beta.reshape(-1, beta.shape[-1])
    lower, lower50, median, upper50, upper = np.quantile(flat, [0.025, 0.25, 0.5, 0.75, 0.975], axis=0)
    both = {
        "map": optimum.beta, "penalized": optimum.beta, "mean": flat.mean(0), "median": median, "sd": flat.std(0),
        "lower": lower, "upper": upper, "lower50": lower50, "upper50": upper50,
    }  # fmt: skip
    table = pd.DataFrame(both | {f"{name}_raw": values / scale for name, values in both.items()}, index=list(names))
    table["difference"] = table["map"] - table["penalized"]
    table["p_positive"] = (flat > 0).mean(0)
    table["epsilon"] = 0.05
    table["p_small"] = (np.abs(flat) <= 0.05).mean(0)
    table["zero"] = optimum.zeros & (optimum.beta == 0)
    table["margin"] = optimum.margin
    table["disagreement"] = (table["map"] - table["mean"]) / table["sd"]
    return table


@pytest.fixture
def lasso():
    """Laplace prior strong enough to zero some coefficients."""
    comparison = compared(br.Laplace(scale=0.05))
    assert 0 < comparison.coefficients["zero"].sum() < 6
    return comparison


@pytest.fixture
def ridge():
    """Gaussian prior: nothing at zero."""
    return compared(br.Gaussian(scale=1.0))


@pytest.fixture
def failed():
    """A comparison whose gate failed."""
    return compared(br.Laplace(scale=0.05), passed=False, withheld="R-hat is 1.08 (limit 1.01)")


@pytest.fixture
def make():
    """The maker itself."""
    return compared


@pytest.fixture(scope="session")
def real():
    """A comparison as `compare` makes it: correlated columns, of which a lasso drops some."""
    return br.compare(br.Problem.from_arrays(*_correlated(), prior=br.Laplace(scale=0.12)), draws=500, seed=1)


READ = (
    "problem", "map", "penalized", "coefficients", "posterior", "passed", "withheld", "optima_withheld", "correlations",
    "tradeoffs", "typicality", "prediction", "audited", "interval_prob",
)  # fmt: skip


@pytest.fixture
def but(real):
    """Return what the pictures read of the real comparison, with some of it changed."""
    return lambda **changes: result("Comparison", **({name: getattr(real, name) for name in READ} | changes))


@pytest.fixture(scope="session")
def audited():
    """An audit of a lasso that stopped early, so that it is not the optimum."""
    X, y = _correlated()
    early = make_pipeline(StandardScaler(), Lasso(alpha=0.1, max_iter=3, tol=0.5)).fit(X, y)
    return br.audit(early, X, y, draws=500, seed=1)


def _correlated():
    rng = np.random.default_rng(5)
    X = (rng.normal(size=(80, 5)) + 1.5 * rng.normal(size=(80, 1))) * np.array([1.0, 3.0, 0.5, 1.0, 2.0])
    return X, 1.0 + X @ np.array([0.8, 0.0, 0.3, 0.0, -0.2]) + rng.normal(size=80)


@pytest.fixture
def drawn():
    """Return the artist of the axes with this label."""

    def find(ax, label):
        handles, labels = ax.get_legend_handles_labels()
        return handles[labels.index(label)]

    return find


def _texts(figure):
    """All texts that are drawn; ticks beyond the limits are kept by Matplotlib, but are not."""
    ticks = {id(part) for tick in figure.findobj(Tick) for part in tick.findobj(Text)}
    texts = [text for text in figure.findobj(Text) if id(text) not in ticks]
    for ax in [*figure.axes, *(child for parent in figure.axes for child in parent.child_axes)]:
        for axis, limits in ((ax.xaxis, sorted(ax.get_xlim())), (ax.yaxis, sorted(ax.get_ylim()))):
            shown = axis.get_ticklabels()  # none where they are switched off
            labels = zip(axis.get_ticklocs() if shown else [], shown, strict=True)
            texts += [label for place, label in labels if limits[0] <= place <= limits[1]]
    return [text for text in texts if text.get_visible() and text.get_text().strip()]


@pytest.fixture
def written():
    """Return all text of a figure, after checking that none of it is cut off or overprinted."""

    def read(figure):
        figure.draw_without_rendering()
        page = figure.bbox.padded(1.0)
        boxes = [(text.get_text(), text.get_window_extent()) for text in _texts(figure)]
        for text, box in boxes:
            assert page.x0 <= box.x0 <= box.x1 <= page.x1, f"{text!r} is cut off"
            assert page.y0 <= box.y0 <= box.y1 <= page.y1, f"{text!r} is cut off"
        for (first, a), (second, b) in combinations(boxes, 2):
            apart = a.x1 <= b.x0 + 1 or b.x1 <= a.x0 + 1 or a.y1 <= b.y0 + 2 or b.y1 <= a.y0 + 2
            assert apart, f"{first!r} overprints {second!r}"
        return "\n".join(text for text, _ in boxes).replace("\u00a0", " ")

    return read
