from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.meshing.facets import (
    FIRST_INTERFACE,
    MEMBRANE,
    cut_tag,
    flatten_cuts,
    is_cut,
    named_pairs,
    ridges,
    surface_facets,
    tagged_facets,
)
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import facet_pairs

POINTS, TETS = body_centred_cubic(np.zeros(3), np.full(3, 4.0), np.ones((4, 4, 4), bool))
MIDDLE = POINTS[TETS].mean(axis=1)
# Region 3 is the lower half; above it 5 on the left and 8 on the right.
REGIONS = np.where(MIDDLE[:, 2] < 2, 3, np.where(MIDDLE[:, 0] < 2, 5, 8)).astype(np.int32)
NAMES = {3: "cytosol", 5: "er", 8: "mito"}


def _normals(facets):
    a, b, c = (POINTS[facets[:, i]] for i in range(3))
    return np.cross(b - a, c - a)


def _sides(facets, normals):
    """Regions just below and above each facet, by looking for the tetrahedra (the slow twin)."""
    pairs = facet_pairs(TETS)
    rows = {tuple(sorted(f)): i for i, f in enumerate(pairs.facets.tolist())}
    found = []
    for facet, normal in zip(facets.tolist(), normals, strict=True):
        i = rows[tuple(sorted(facet))]
        here = [t for t in (pairs.first[i], pairs.second[i]) if t >= 0]
        below = [REGIONS[t] for t in here if (MIDDLE[t] - POINTS[facet[0]]) @ normal < 0]
        above = [REGIONS[t] for t in here if (MIDDLE[t] - POINTS[facet[0]]) @ normal > 0]
        found.append((below[0] if below else 0, above[0] if above else 0))
    return found


def test_surface_facets_look_out_of_the_lower_region():
    facets, low, high = surface_facets(TETS, REGIONS)
    for (below, above), a, b in zip(_sides(facets, _normals(facets)), low.tolist(), high.tolist(), strict=True):
        assert sorted((below, above)) == [a, b]
        assert below != 0  # out of a region, never into one from outside
        assert above == 0 or below < above


def test_facets_are_named_by_what_they_separate():
    found = tagged_facets(POINTS, TETS, REGIONS, {}, 1e-6, region_names=NAMES)
    assert set(found.names.values()) == {"membrane", "cytosol|er", "cytosol|mito", "er|mito"}
    tag = {name: tag for tag, name in found.names.items()}
    assert tag["membrane"] == MEMBRANE
    _, low, high = surface_facets(TETS, REGIONS)
    assert ((low == 5) & (high == 8)).sum() == (found.tags == tag["er|mito"]).sum() > 0
    assert set(np.unique(found.tags).tolist()) == set(found.names)
    assert min(t for name, t in tag.items() if name != "membrane") >= FIRST_INTERFACE


def test_regions_without_names_go_by_their_numbers():
    assert "3|5" in tagged_facets(POINTS, TETS, REGIONS, {}, 1e-6).names.values()


def test_membranes_are_named_by_their_pair_in_either_order():
    membranes = {"PM": (0, 3), "ERM": (5, 3), "IMM": (8, 0)}
    found = tagged_facets(POINTS, TETS, REGIONS, {}, 1e-6, region_names=NAMES, membranes=membranes)
    assert set(found.names.values()) == {"PM", "ERM", "IMM", "cytosol|mito", "er|mito", "membrane"}
    _, low, high = surface_facets(TETS, REGIONS)
    tag = {name: tag for tag, name in found.names.items()}
    for name, (a, b) in membranes.items():
        assert ((low == min(a, b)) & (high == max(a, b)) == (found.tags == tag[name])).all()
    assert ((low == 0) & (high == 5) == (found.tags == tag["membrane"])).all()  # the rest of the outside keeps its usual name


def test_walls_come_before_membranes():
    planes = {(2, 0): 0.0, (0, 1): 4.0}
    found = tagged_facets(POINTS, TETS, REGIONS, planes, 1e-6, region_names=NAMES, membranes={"PM": (3, 0)})
    assert {"cut_x0", "cut_z1", "PM"} <= set(found.names.values())
    tag = {name: tag for tag, name in found.names.items()}
    x0 = found.facets[found.tags == tag["cut_x0"]]
    assert (POINTS[x0][:, :, 0] == 0).all()
    assert np.abs(_normals(x0)).sum(axis=0)[1:].max() == 0
    assert (POINTS[found.facets[found.tags == tag["cut_z1"]]][:, :, 2] == 4).all()
    assert tag["cut_x0"] == cut_tag(2, 0)
    assert is_cut(np.array([tag["cut_x0"], tag["cut_z1"], tag["PM"], MEMBRANE, FIRST_INTERFACE])).tolist() == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_an_interface_in_the_plane_of_a_wall_is_no_cut():
    found = tagged_facets(POINTS, TETS, REGIONS, {(0, 0): 2.0}, 1e-6, region_names=NAMES)
    assert "cut_z0" not in found.names.values()


def test_pairs_may_be_numbers_names_or_outside():
    given = {"PM": ("cytosol", 0), "ERM": [3, "er"], "OUT": ("outside", 8)}
    assert named_pairs(given, NAMES) == {"PM": (3, 0), "ERM": (3, 5), "OUT": (0, 8)}


@pytest.mark.parametrize("pair", [(3, 4), ("cytosol", "golgi"), (3, 3), (0, "outside"), (-1, 3)])
def test_pairs_of_what_is_not_there_are_refused(pair):
    with pytest.raises(CellmlError, match=r"Membrane 'ERM' .* 3 \(cytosol\), 5 \(er\), 8 \(mito\), 0 \(outside\)"):
        named_pairs({"ERM": pair}, NAMES)


def test_ridges_are_where_a_wall_meets_anything_else():
    found = tagged_facets(POINTS, TETS, REGIONS, {(0, 0): 0.0}, 1e-6)
    edges = ridges(found.facets, found.tags, np.zeros(len(found.facets), np.int64))
    at = POINTS[edges]
    assert (at[:, :, 2] == 0).all()
    on_side = ((at[:, :, :2] == 0) | (at[:, :, :2] == 4)).all(axis=1).any(axis=1)
    assert on_side.all()
    assert len(edges) == 16


def test_patches_end_in_ridges():
    found = tagged_facets(POINTS, TETS, np.ones(len(TETS), np.int32), {}, 1e-6)
    middle = POINTS[found.facets].mean(axis=1)
    patch = ((middle[:, 2] == 4) & (middle[:, 0] < 2)).astype(np.int64)
    edges = ridges(found.facets, found.tags, patch)
    length = np.linalg.norm(POINTS[edges[:, 1]] - POINTS[edges[:, 0]], axis=1).sum()
    assert length == pytest.approx(2 * (2 + 4))  # around half of the upper face
    assert len(ridges(found.facets, found.tags, np.zeros(len(patch), np.int64))) == 0


def test_points_are_put_back_onto_and_behind_their_walls():
    points = np.array([[0.0, 0.0, 0.2], [1.0, 0.0, -0.1], [0.0, 1.0, 0.0], [1.0, 1.0, -0.3], [2.0, 2.0, 0.05], [2.0, 2.0, 3.0]])
    facets, tags = np.array([[0, 1, 2]]), np.array([cut_tag(0, 0)], np.int32)
    flat = flatten_cuts(points, facets, tags, {(0, 0): 0.0}, inset=0.1)
    assert flat[:, 2].tolist() == [0.0, 0.0, 0.0, 0.1, 0.1, 3.0]
    assert (flat[:, :2] == points[:, :2]).all()
    high = flatten_cuts(points * [1, 1, -1], facets, np.array([cut_tag(0, 1)], np.int32), {(0, 1): 0.0}, inset=0.1)
    assert high[:, 2].tolist() == [0.0, 0.0, 0.0, -0.1, -0.1, -3.0]
