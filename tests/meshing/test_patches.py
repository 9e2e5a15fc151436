from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing import Gate, MeshingError, mesh_labels, mesher
from cellml.meshing.facets import Facets, cut_tag
from cellml.meshing.patches import Patches, patches_of
from cellml.types import Labels

SPACING = (10.0, 10.0, 10.0)


def _mask(data, origin=(0.0, 0.0, 0.0)):
    return Labels(np.asarray(data, np.uint8), SPACING, origin)


def test_a_facet_belongs_to_what_is_painted_along_its_normal_and_not_beside_it():
    data = np.zeros((6, 6, 6), np.uint8)
    data[2, :, :3] = 1  # up to x = 25 nm, z from 15 to 25 nm
    corners = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0]])
    places = np.array([[20.0, 20, 20], [20, 20, 34], [20, 20, 37], [20, 20, 6], [24, 20, 20], [27, 20, 20], [500, 20, 20]])
    points = np.concatenate([corners - corners.mean(axis=0) + place for place in places])
    facets = np.arange(len(points)).reshape(-1, 3)
    tags = np.ones(len(facets), np.int32)
    patches = patches_of({"psd": _mask(data)}, 10.0)
    assert patches.of(points, facets, tags).tolist() == [1, 1, 0, 1, 1, 0, 0]
    assert patches.of(points, facets, np.full_like(tags, cut_tag(0, 0))).tolist() == [0] * 7
    assert patches_of({"psd": _mask(data)}, 20.0).of(points, facets, tags)[2] == 1  # shapes sampled every 20 nm may lie further off


def test_the_later_of_two_masks_wins():
    data = np.ones((3, 3, 3))
    points, facets = np.array([[10.0, 10, 10], [12, 10, 10], [10, 12, 10]]), np.array([[0, 1, 2]])
    assert patches_of({"a": _mask(data), "b": _mask(data)}, 1.0).of(points, facets, np.ones(1, np.int32)).tolist() == [2]


def test_tags_and_patches_travel_as_one_number():
    patches = Patches(("a", "b"), ())
    tags, numbers = np.array([1, 7, 42], np.int32), np.array([0, 2, 1])
    decoded = patches.decode(patches.encode(tags, numbers))
    assert [d.tolist() for d in decoded] == [[1, 7, 42], [0, 2, 1]]


def test_facets_take_the_patch_of_the_nearest_but_never_on_a_wall():
    points = np.array([[0.0, 0, 0], [3, 0, 0], [0, 3, 0], [30, 0, 0], [33, 0, 0], [30, 3, 0]])
    facets = np.array([[0, 1, 2], [3, 4, 5]])
    middles, numbers = np.array([[1.0, 1, 0.2], [31, 1, 0.1]]), np.array([0, 1])
    carried = Patches(("psd",), ()).carried(Facets(facets, np.array([1, 1], np.int32), {1: "membrane"}), points, middles, numbers)
    assert [carried.names[t] for t in carried.tags.tolist()] == ["membrane", "psd"]
    wall = Facets(facets, np.array([1, cut_tag(0, 0)], np.int32), {1: "membrane", cut_tag(0, 0): "cut_z0"})
    with pytest.raises(MeshingError, match="Patch 'psd' lies on no membrane of this mesh"):
        Patches(("psd",), ()).carried(wall, points, middles, numbers)


def test_empty_mask():
    with pytest.raises(CellmlError, match="The mask of patch 'psd' has no voxel above 0"):
        patches_of({"psd": _mask(np.zeros((3, 3, 3)))}, 10.0)


@pytest.mark.parametrize("degrees", [60, 90])
def test_area_of_a_painted_cap_of_a_ball(grid, degrees):
    z, y, x = grid((20, 20, 20))
    radius = np.sqrt(z**2 + y**2 + x**2)
    cap = (radius < 80) & (radius > 60) & (z > radius * np.cos(np.radians(degrees)))
    result = mesh_labels(Labels(radius < 80, SPACING), edge_nm=20.0, patches={"PSD": _mask(cap)})
    assert result.certificate.passes(Gate()) == []
    truth = 2 * np.pi * 80.0**2 * (1 - np.cos(np.radians(degrees)))
    areas = result.certificate.facet_areas_nm2
    # A voxel more around the rim, which is what half a facet may add, would be 14 % and 12 %.
    assert areas["PSD"] == pytest.approx(truth, rel=0.11)
    assert areas["PSD"] + areas["membrane"] == pytest.approx(4 * np.pi * 80.0**2, rel=0.02)
    middle = result.mesh.points[result.mesh.facets_named("PSD")].mean(axis=1)[:, 2] - 95.0
    assert middle.min() > 80.0 * np.cos(np.radians(degrees)) - 15.0


def test_a_mask_away_from_every_membrane_is_refused(ball_voxels, monkeypatch):
    monkeypatch.setattr(mesher, "ATTEMPTS", mesher.ATTEMPTS[:1])
    far = _mask(np.ones((3, 3, 3)), (5000.0, 0.0, 0.0))
    with pytest.raises(MeshingError, match="Patch 'PSD' lies on no membrane of this mesh; its voxels must touch one, in the same frame"):
        mesh_labels(Labels(ball_voxels(50.0, (14, 14, 14)), SPACING), patches={"PSD": far})
