from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.pipeline.geometry import deepest_point, object_at, quick_mesh, voxel_of
from cellml.types import Labels


def labels(origin: tuple[float, float, float] = (100.0, 0.0, -50.0)) -> Labels:
    """Label 7: a ball of radius 8 voxels and a voxel elsewhere; label 9: a rod of radius 4 along all of x."""
    z, y, x = np.indices((24, 40, 28))
    data = np.zeros(z.shape, np.uint16)
    data[(z - 12) ** 2 + (y - 10) ** 2 + (x - 13) ** 2 <= 64] = 7
    data[0, 0, 0] = 7
    data[(z - 12) ** 2 + (y - 30) ** 2 <= 16] = 9
    return Labels(data, (10.0, 8.0, 8.0), origin, name="made")


def test_an_object_is_the_piece_at_its_point_and_nothing_where_none_is() -> None:
    made = labels()
    point = deepest_point(made, 7)
    assert voxel_of(made, point) == (12, 10, 13)
    mask = object_at(made, point)
    assert mask.sum() == (made.data == 7).sum() - 1 and not mask[0, 0, 0]
    assert object_at(made, (100.0, 0.0, -50.0)).sum() == 1
    assert not object_at(made, (100.0, 160.0, -50.0)).any()
    with pytest.raises(CellmlError, match=r"lies outside 'made'.*\(24, 40, 28\)"):
        object_at(made, (0.0, 0.0, 0.0))


@pytest.mark.parametrize("coarser", [1.0, 1.4])
def test_the_mesh_has_the_volume_of_its_voxels_where_they_are(coarser: float) -> None:
    made = labels()
    mask = object_at(made, deepest_point(made, 7))
    mesh = quick_mesh(mask, made, tetrahedra=1500, coarser=coarser, name="ball")
    assert mesh.name == "ball" and mesh.volumes().min() > 0
    assert mesh.volumes().sum() == pytest.approx(mask.sum() * 640, rel=0.08)
    centre = (mesh.points.min(axis=0) + mesh.points.max(axis=0)) / 2
    assert centre == pytest.approx([-50 + 8 * 13, 8 * 10, 100 + 10 * 12], abs=6)
    assert set(mesh.facet_names.values()) == {"membrane"}


def test_a_rod_is_cut_by_the_walls_of_the_volume_and_named_there() -> None:
    made = labels()
    mesh = quick_mesh(made.data == 9, made, tetrahedra=1500)
    assert set(mesh.facet_names.values()) == {"membrane", "cut_x0", "cut_x1"}
    for name, wall in (("cut_x0", -50 - 4), ("cut_x1", -50 + 28 * 8 - 4)):
        assert mesh.points[mesh.facets_named(name).ravel()][:, 0] == pytest.approx(wall)


def test_finer_meshes_have_more_tetrahedra_and_empty_masks_are_refused() -> None:
    made = labels()
    counts = [len(quick_mesh(made.data == 9, made, tetrahedra=n).tets) for n in (500, 4000)]
    assert counts[1] > 2 * counts[0]
    with pytest.raises(CellmlError, match="no voxel"):
        quick_mesh(made.data == 5, made)
    with pytest.raises(CellmlError, match="fills the whole volume"):
        quick_mesh(np.ones(made.data.shape, bool), made)
