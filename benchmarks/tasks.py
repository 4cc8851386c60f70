"""The posteriors that samplers race on, each as one file of arrays that every contender reads.

Making the data is left out of everybody's time and memory, and nobody gets other data than the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Table = tuple[np.ndarray, np.ndarray]

# Nothing heavy is imported above: contenders read this file inside the time that is taken of them.


@dataclass(frozen=True, slots=True)
class Task:
    """A posterior.

    Parameters
    ----------
    name, title : str
    family : {"gaussian", "bernoulli"}
    prior : {"laplace", "gaussian"}
    scale : float
        Of the prior, on columns with sd 1.
    make : callable
        Returns X and y.
    sigma : float or None
        The noise sd where it is known.
    """

    name: str
    title: str
    family: str
    prior: str
    scale: float
    make: Callable[[], Table]
    sigma: float | None = None

    def write(self, folder: Path) -> Path:
        """Write what defines the posterior to a file, and return its path."""
        import numpy as np

        X, y = self.make()
        path = folder / f"{self.name}.npz"
        sigma = float("nan") if self.sigma is None else self.sigma
        np.savez(path, X=X, y=y, family=self.family, prior=self.prior, scale=self.scale, sigma=sigma)
        return path


@dataclass(frozen=True, slots=True)
class Data:
    """What such a file holds; `sigma` is None where it is unknown."""

    X: np.ndarray
    y: np.ndarray
    family: str
    prior: str
    scale: float
    sigma: float | None

    @classmethod
    def read(cls, path: Path) -> Data:
        """Read it."""
        import numpy as np

        with np.load(path) as file:
            sigma = float(file["sigma"])
            known = None if np.isnan(sigma) else sigma
            return cls(file["X"], file["y"], str(file["family"]), str(file["prior"]), float(file["scale"]), known)

    def standardised(self) -> np.ndarray:
        """X with columns of mean 0 and population sd 1."""
        return (self.X - self.X.mean(axis=0)) / self.X.std(axis=0)


def _shipped(name: str) -> Callable[[], Table]:
    def make() -> Table:
        import bayesreg as br

        data = br.load_dataset(name)
        return data.X, data.y

    return make


def _long() -> Table:
    """100,000 rows of 50 AR(1) columns (ρ = 0.5), every fifth of which counts."""
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 50))
    for j in range(1, 50):
        X[:, j] = 0.5 * X[:, j - 1] + np.sqrt(0.75) * X[:, j]
    weights = np.zeros(50)
    weights[::5] = rng.choice([-1.0, 1.0], 10) * rng.uniform(1, 2, 10)
    return X, X @ weights + rng.normal(size=100_000)


def _wide() -> Table:
    from benchmarks.problems import wide

    block: Any = wide().design.rows.collect()
    return block.X, block.y


def _long_classes() -> Table:
    """100,000 rows of 50 independent columns, every other of which counts."""
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 50))
    eta = 0.3 + X @ (0.2 * rng.normal(size=50) * (np.arange(50) % 2))
    return X, (rng.random(100_000) < 1 / (1 + np.exp(-eta))).astype(float)


TASKS = (
    Task("T1", "diabetes, n=442, p=10, Laplace b=14.7, σ unknown", "gaussian", "laplace", 14.7, _shipped("diabetes")),
    Task("T1r", "the same, Gaussian τ=36.7", "gaussian", "gaussian", 36.7, _shipped("diabetes")),
    Task("T2", "n=100,000, p=50, AR(1) ρ=0.5, Laplace b=0.00335, σ unknown", "gaussian", "laplace", 0.00335, _long),
    Task("T3", "n=100, p=1,000, Laplace b=0.0629, σ=1 known", "gaussian", "laplace", 0.0629, _wide, 1.0),
    Task(
        "T4", "breast cancer, n=569, p=30, logistic, Laplace b=1", "bernoulli", "laplace", 1.0,
        _shipped("breast_cancer"),
    ),
    Task("T4s", "the same, b=0.2", "bernoulli", "laplace", 0.2, _shipped("breast_cancer")),
    Task("T5", "n=100,000, p=50, logistic, Laplace b=0.1", "bernoulli", "laplace", 0.1, _long_classes),
)  # fmt: skip

BY_NAME = {task.name: task for task in TASKS}
