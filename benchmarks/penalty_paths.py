"""Regularisation paths, certificates included, against scikit-learn's; logistic ones against glum, skglm and adelie.

All follow the same 100 values of λ from the critical one down three decades.  scikit-learn is given the loosest
tolerance with which no point's duality gap, computed here, is above 1e-9 of ‖y‖²; the others the loosest with which no
point's KKT residual is above 1e-8 per row.  They run in the Python that the environment variable BENCH_PEERS names.
"""

from __future__ import annotations

import json
import os
import tempfile
import warnings
from pathlib import Path

import numpy as np

import bayesreg as br
from benchmarks.measure import Row, best_of, cold
from benchmarks.tasks import BY_NAME

ALLOWED = 1.2
"""Our time over theirs, at most."""

GAP = 1e-9
"""Of ‖y‖²: the largest duality gap of scikit-learn's points."""


def rows(repeats: int = 5) -> list[Row]:
    """Time the lassos of 100,000 × 50 and 100 × 1,000, and the logistic one of 569 × 30."""
    return [_gaussian("T2", repeats), _gaussian("T3", repeats), *_logistic(repeats)]


def _problem(name: str) -> br.Problem:
    X, y = BY_NAME[name].make()
    likelihood = br.BernoulliLogit() if BY_NAME[name].family == "bernoulli" else br.GaussianNoise(1.0)
    return br.Problem.from_arrays(X, y, prior=br.Laplace(1.0), likelihood=likelihood)


def _gaussian(name: str, repeats: int) -> Row:
    from sklearn.linear_model import lasso_path

    problem = _problem(name)
    path = br.penalized_path(problem)
    block = problem.design.rows.collect()
    X, y = np.asfortranarray(block.X), block.y - block.y.mean()
    alphas = 1 / (path.scales * y.size)

    def theirs(tol: float) -> np.ndarray:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return lasso_path(X, y, precompute=True, alphas=alphas, tol=tol, max_iter=10**6)[1].T

    for exponent in range(3, 14):
        tol = 10.0**-exponent
        gap = max(_gap(X, y, beta, 1 / s) for beta, s in zip(theirs(tol), path.scales, strict=True)) / float(y @ y)
        if gap <= GAP:
            break
    ours = best_of(lambda: br.penalized_path(problem), repeats)
    other = best_of(lambda: theirs(tol), repeats)
    note = f"gaps of ‖y‖² at most {path.gap.max() / float(y @ y):.0e} and {gap:.0e} (tol={tol:.0e}); all certified: "
    note += "yes" if path.passed else "NO"
    title = f"lasso path of 100 λ, {problem.n:,} × {problem.p:,} | scikit-learn, Gram"
    return Row(title, ours, other, f"≥ 1/{ALLOWED}×", ours <= ALLOWED * other, note)


def _gap(X: np.ndarray, y: np.ndarray, beta: np.ndarray, rate: float) -> float:
    """Duality gap of ½‖y − Xβ‖² + λ‖β‖₁, the residual scaled into the dual's domain."""
    residual = y - X @ beta
    scale = min(1.0, rate / float(np.abs(X.T @ residual).max()))
    dual = scale * residual
    primal = 0.5 * float(residual @ residual) + rate * float(np.abs(beta).sum())
    return primal - float(y @ dual) + 0.5 * float(dual @ dual)


def _logistic(repeats: int) -> list[Row]:
    problem = _problem("T4")
    path = br.penalized_path(problem)
    ours = best_of(lambda: br.penalized_path(problem), repeats)
    note = f"largest KKT residual {path.kkt.max() / problem.n:.0e} per row"
    note += f"; all certified: {'yes' if path.passed else 'NO'}"
    title = "logistic lasso path of 100 λ, 569 × 30"
    python = os.environ.get("BENCH_PEERS")
    if not python:
        return [Row(f"{title} | –", ours, float("nan"), note=f"{note}; BENCH_PEERS names no Python with peers")]
    block = problem.design.rows.collect()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "path.npz"
        np.savez(file, X=block.X, y=block.y, rates=1 / path.scales)
        found = json.loads(cold(["benchmarks/path_peers.py", str(file)], None, python, 900).output.splitlines()[-1])
    best = min((one for one in found if one["kkt"] <= 1e-8), key=lambda one: one["seconds"], default=None)
    said = "; ".join(
        f"{one['name']} {one['seconds']:.2f} s, KKT {one['kkt']:.0e} (tol={one['tol']:.0e})" for one in found
    )
    theirs = float("nan") if best is None else best["seconds"]
    met = None if best is None else ours <= ALLOWED * theirs
    name = "none as exact" if best is None else best["name"]
    return [Row(f"{title} | {name}", ours, theirs, f"≥ 1/{ALLOWED}×", met, f"{note}; {said}")]
