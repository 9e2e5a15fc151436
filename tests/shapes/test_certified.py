"""Every decoded shape becomes a certified mesh, or is refused with the reason."""

from __future__ import annotations

import numpy as np
import pytest

from cellml.data.shape_grids import distance_grid
from cellml.errors import CellmlError
from cellml.meshing import Gate
from cellml.meshing.errors import MeshingError
from cellml.shapes.certified import certified_shape
from cellml.shapes.harmonics.geodesic import geodesic_sphere
from cellml.types import Surface, Volume

DIRECTIONS, FACES = geodesic_sphere(3)


def test_a_sphere_is_meshed_with_its_volume() -> None:
    result = certified_shape(Surface(300.0 * DIRECTIONS, FACES, "ball"), voxels=2000)
    assert result.certificate.passes(Gate()) == []
    assert result.mesh.volumes().sum() == pytest.approx(4 / 3 * np.pi * 300**3, rel=0.03)
    assert result.mesh.region_names == {1: "inside"}
    assert result.mesh.name == "ball"


def test_a_surface_that_crosses_itself_is_made_anew() -> None:
    """A sphere, one cap of which is pushed in so far that it comes out at the other side."""
    pushed = DIRECTIONS.copy()
    cap = DIRECTIONS[:, 2] > 0.75
    pushed[cap, 2] -= 2.05 * (DIRECTIONS[cap, 2] - 0.75) / 0.25
    result = certified_shape(Surface(300.0 * pushed, FACES, "pushed"), voxels=3000)
    assert result.certificate.passes(Gate()) == []
    assert "crossed itself" in result.certificate.repairs[0]


def test_a_distance_grid_is_meshed_as_it_is() -> None:
    grid = 25.0 * distance_grid(Surface(200.0 * DIRECTIONS, FACES), (24, 24, 24), 25.0).astype(float)
    result = certified_shape(Volume(grid, (25.0,) * 3, name="grid"))
    assert result.mesh.volumes().sum() == pytest.approx(4 / 3 * np.pi * 200**3, rel=0.05)


def test_shapes_that_are_none_are_refused_with_the_reason() -> None:
    two = np.concatenate([200.0 * DIRECTIONS, 150.0 * DIRECTIONS + [600.0, 0.0, 0.0]])
    faces = np.concatenate([FACES, FACES + len(DIRECTIONS)])
    with pytest.raises(MeshingError, match="in 2 pieces, and the largest has 70 %"):
        certified_shape(Surface(two, faces, "two"), voxels=1500)
    with pytest.raises(MeshingError, match="encloses no volume"):
        certified_shape(Surface(DIRECTIONS * [1.0, 1.0, 0.0], FACES, "flat"))
    with pytest.raises(CellmlError, match="too few to hold a shape"):
        certified_shape(Surface(DIRECTIONS, FACES), voxels=10)
