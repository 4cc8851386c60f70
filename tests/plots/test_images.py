"""Pictures that matter look as they did: of numbers that never change, each is compared with the one in `baseline`.

Where a change is meant, look at the new images and keep them:
`pytest tests/plots/test_images.py --mpl-generate-path=tests/plots/baseline`.
"""

from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.testing.compare import compare_images

import bayesreg as br
from bayesreg import plots
from bayesreg.plots.style import figure_of
from tests.plots.draws import lasso
from tests.plots.paths import chosen, paths
from tests.plots.test_calibration import promised
from tests.plots.test_waterfall import fallen

BASELINE = Path(__file__).parent / "baseline"
DPI = 72
TOLERANCE = 2.0
"""pytest-mpl's own: root mean square of the differences, of 255."""


def of_path():
    penalized, posterior = paths()
    return plots.path(penalized, posterior, choice=chosen(penalized), most=2)


def of_calibration():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    problem = br.Problem.from_arrays(rng.normal(size=(300, 2)), y, prior=br.Laplace(1.0))
    return plots.calibration(promised(problem, y, (0.4, 0.9, 1.0)))


def of_trajectories():
    problem = lasso().problem
    return plots.trajectories(
        *(br.trajectory(problem, method, 15) for method in ("gradient", "subgradient", "proximal"))
    )


IMAGES = {
    "calibration": of_calibration,
    "contours": lambda: plots.contours(lasso(), ("plain", "<b>")),
    "forest": lambda: plots.forest(lasso()),
    "marginals": lambda: plots.marginals(lasso(), count=2),
    "path": of_path,
    "trajectories": of_trajectories,
    "waterfall": lambda: plots.waterfall(fallen(), most=2),
}
"""Name -> picture of fixed numbers, no sampler."""


def figure(axes):
    return figure_of(np.ravel(np.asarray(axes, dtype=object))[0])


@pytest.mark.mpl_image_compare(
    baseline_dir="baseline", style="default", backend="agg", deterministic=True, savefig_kwargs={"dpi": DPI}
)
@pytest.mark.parametrize("name", IMAGES)
def test_image(name):
    return figure(IMAGES[name]())


def test_every_image_has_its_picture():
    assert {path.name for path in BASELINE.iterdir()} == {f"test_image_{name}.png" for name in IMAGES}


@pytest.mark.parametrize(("sds", "same"), [(0.0, True), (0.1, False)])
def test_a_map_that_has_moved_is_seen(sds, same, tmp_path):
    """The comparison can fail: a tenth of a posterior sd is enough."""
    comparison = lasso()
    table = comparison.coefficients.copy()
    table["map"] += sds * table["sd"]
    with plt.style.context("default", after_reset=True):
        figure(plots.forest(replace(comparison, coefficients=table))).savefig(tmp_path / "forest.png", dpi=DPI)
    found = compare_images(BASELINE / "test_image_forest.png", tmp_path / "forest.png", TOLERANCE)
    assert (found is None) == same, found
