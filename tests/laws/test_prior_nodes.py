"""The PyMC variable of a prior has the prior's own log density, so that its penalty is the one we minimise."""

import numpy as np
import pytest

from tests.laws.conftest import COLUMNS


def points(prior, seed):
    """Locations, kinks in some columns only, and far-out points."""
    rng = np.random.default_rng(seed)
    location = prior.location(COLUMNS)
    near = [location + rng.normal(size=COLUMNS) for _ in range(10)]
    mixed = [np.where(rng.random(COLUMNS) < 0.5, location, 3 * rng.normal(size=COLUMNS)) for _ in range(10)]
    return [location, np.full(COLUMNS, 60.0), np.full(COLUMNS, -60.0), *near, *mixed]


def test_node_has_the_normalised_log_density(prior_node):
    prior, logp = prior_node
    for beta in points(prior, 0):
        assert logp(beta) == pytest.approx(float(prior.log_density(beta)), rel=1e-13, abs=1e-12)


def test_graph_density_drops_by_the_penalty(prior_node):
    # log p(β) − log p(0) = −(pen(β) − pen(0)): what makes MAP and penalised optimum one point.
    prior, logp = prior_node
    zero = np.zeros(COLUMNS)
    for beta in points(prior, 1):
        drop = logp(beta) - logp(zero)
        assert drop == pytest.approx(float(prior.penalty(zero) - prior.penalty(beta)), rel=1e-12, abs=1e-11)
