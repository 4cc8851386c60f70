"""Two comparisons that most tests here look at."""

from __future__ import annotations

import pytest

from bayesreg.comparison import Comparison, compare
from tests.comparison.examples import compare_lasso, ridge


@pytest.fixture(scope="session")
def ridge_comparison() -> Comparison:
    """Ridge with unknown σ: exact independent draws."""
    return compare(ridge(), draws=500, seed=1, interval=0.9, remarks=("prior scale = 0.3, as given",))


@pytest.fixture(scope="session")
def lasso_comparison() -> Comparison:
    """Lasso with an exact zero; its draws are made up, and count as dependent."""
    with pytest.MonkeyPatch.context() as patch:
        return compare_lasso(patch, draws=600, seed=1)
