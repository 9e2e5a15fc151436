from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.inspection import certify_mesh
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels, Surface, TetMesh


@pytest.fixture(scope="module")
def box() -> TetMesh:
    """40 × 40 × 60 nm, cut into regions 1 and 2 at z = 30 nm, off the lattice's planes by a few nm."""
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    return TetMesh(points, tets, np.where(points[tets].mean(axis=1)[:, 2] < 30, 1, 2), {1: "low", 2: "high"}, name="box")


@pytest.fixture(scope="module")
def labels() -> Labels:
    """The same regions in voxels, and a third label that is not in the mesh."""
    data = np.ones((8, 4, 4), int)
    data[3:6], data[6:] = 2, 3
    return Labels(data, (10.0, 10.0, 10.0), origin=(5.0, 5.0, 5.0), name="voxels")


def test_without_a_source(box):
    found = certify_mesh(box)
    assert set(found.regions) == {"low", "high"}
    assert found.volume_error is None
    assert [line.regions for line in found.triple_lines] == [("outside", "low", "high")]


def test_against_labels_by_number(box, labels):
    found = certify_mesh(box, labels)
    low = found.regions["low"]
    assert (low.voxels, low.voxel_volume_nm3, low.components_before, low.euler_before) == (48, 48000.0, 1, 2)
    assert found.volume_error < 0.15
    assert found.distance_p99_voxels < 0.6
    assert found.lost_regions == ()


def test_one_region_and_one_label_need_no_common_number(box, labels):
    one = replace(box, regions=np.ones(len(box.tets)))
    found = certify_mesh(one, replace(labels, data=np.where(labels.data < 3, 40, 0)))
    assert found.volume_error == pytest.approx(0.0, abs=1e-12)
    assert found.distance_p99_voxels == pytest.approx(0.0, abs=1e-9)


def test_against_a_surface(box):
    one = replace(box, regions=np.ones(len(box.tets)))
    surface = Surface(box.points, boundary_facets(box.tets))
    found = certify_mesh(one, surface)
    region = found.regions["low"]
    assert (region.volume_error, region.distance.hausdorff_nm) == pytest.approx((0.0, 0.0), abs=1e-9)
    assert region.topology_changed is False
    # Of two regions neither is what the surface encloses.
    assert certify_mesh(box, surface).volume_error is None


def test_labels_without_a_common_number_are_refused(box, labels):
    with pytest.raises(CellmlError, match="regions 1, 2 .* labels 11, 12, 13: no number is in both"):
        certify_mesh(box, replace(labels, data=labels.data + 10))


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_another_unit_or_origin_is_seen(box, labels, scale):
    far = replace(box, points=(box.points - 200.0) * scale)
    with pytest.raises(CellmlError, match="do not overlap"):
        certify_mesh(far, labels)
    with pytest.raises(CellmlError, match="do not overlap"):
        certify_mesh(far, Surface(box.points, boundary_facets(box.tets)))
