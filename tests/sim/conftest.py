"""Shapes and small pieces that the tests of simulation share."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box, with_named_boundary
from cellml.sim.domain import Domain
from cellml.types import TetMesh


@pytest.fixture
def rod() -> TetMesh:
    """200 × 300 × 1000 nm, open at both ends of z, 5 tetrahedra in each of 2 × 3 × 10 cells."""
    return box((200.0, 300.0, 1000.0), (2, 3, 10), cuts=("z0", "z1"))


@pytest.fixture
def bend():
    """An L of three cubes of 1 µm, open at the ends of both arms, with n cells along each cube."""

    def build(n: int) -> TetMesh:
        whole = box((2000.0, 2000.0, 1000.0), (2 * n, 2 * n, n))
        centre = whole.points[whole.tets].mean(axis=1)
        kept = whole.tets[(centre[:, 0] < 1000.0) | (centre[:, 1] < 1000.0)]
        used, tets = np.unique(kept, return_inverse=True)
        return with_named_boundary(whole.points[used], tets.reshape(-1, 4), cuts=("x1", "y1"), name="bend")

    return build


@pytest.fixture
def nodes_of():
    """Node triples (F, 3) of a facet set of a Domain."""

    def find(domain: Domain, name: str) -> np.ndarray:
        return domain.local(domain.mesh.facets_named(name))

    return find


@pytest.fixture
def observed_order():
    """Slope of log error against log size, least squares over all meshes."""

    def fit(sizes, errors) -> float:
        return float(np.polyfit(np.log(sizes), np.log(errors), 1)[0])

    return fit
