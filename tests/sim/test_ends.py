from __future__ import annotations

import numpy as np
import pytest

from cellml.sim.analytic import box, with_named_boundary
from cellml.sim.ends import Place, automatic_places, end_patches, facets_at
from cellml.sim.errors import SimulationError


def _blocks(*, keep, cuts, size=(1000.0, 1000.0, 1000.0), cells=(10, 10, 10)):
    """The part of a box, in cells of 100 nm, whose cell centres satisfy keep(x, y, z); the cut faces are those of the whole box."""
    whole = box(size, cells)
    x, y, z = whole.points[whole.tets].mean(axis=1).T
    used, tets = np.unique(whole.tets[keep(x, y, z)], return_inverse=True)
    return with_named_boundary(whole.points[used], tets.reshape(-1, 4), cuts=cuts, name="object")


@pytest.fixture
def tripod():
    """Stands on z0 with legs of 600 × 400 and 200 × 400 nm, and reaches z1 with an arm of 400 × 400 nm."""
    return _blocks(
        keep=lambda x, y, z: (
            ((z > 400) & (z < 600)) | ((z < 500) & (y < 400) & ((x < 600) | (x > 800))) | ((z > 500) & (x > 600) & (y > 600))
        ),
        cuts=("z0", "z1"),
    )


def test_ends_are_the_connected_patches_largest_first(tripod):
    places = [patch.place for patch in end_patches(tripod)]
    assert [place.plane for place in places] == ["cut_z0", "cut_z1", "cut_z0"]
    assert [place.area for place in places] == pytest.approx([600 * 400, 400 * 400, 200 * 400])
    assert places[0].centroid == pytest.approx((300.0, 200.0, 0.0))
    assert places[0].radius == pytest.approx(np.sqrt(240000 / np.pi))


def test_automatic_choice_is_the_largest_end_and_the_one_farthest_from_it(tripod):
    found = automatic_places(tripod).found
    assert (found["largest_cut"].plane, found["farthest_cut"].plane) == ("cut_z0", "cut_z1")
    assert found["farthest_cut"].centroid == pytest.approx((800.0, 800.0, 1000.0))


def test_places_of_the_truth_are_found_on_another_mesh_of_the_same_object(tripod):
    places = automatic_places(tripod).found
    # The prediction lost part of the large leg, so that its own choice would have been another.
    other = _blocks(
        keep=lambda x, y, z: (
            ((z > 400) & (z < 600)) | ((z < 500) & (y < 400) & ((x < 300) | (x > 800))) | ((z > 500) & (x > 600) & (y > 600))
        ),
        cuts=("z0", "z1"),
    )
    assert automatic_places(other).found["largest_cut"].plane == "cut_z1"
    chosen = other.points[facets_at(other, places["largest_cut"])]
    assert chosen[:, :, 2].max() == 0.0
    assert chosen[:, :, 0].max() == 300.0
    assert other.points[facets_at(other, places["farthest_cut"])][:, :, 2].min() == 1000.0


def test_a_merged_end_is_still_the_same_end(tripod):
    wide = _blocks(keep=lambda x, y, z: (z > 400) | (y < 400), cuts=("z0", "z1"))
    assert len(facets_at(wide, automatic_places(tripod).found["largest_cut"])) == len(wide.facets_named("cut_z0"))


def test_a_lost_end_is_an_error_that_names_the_place(tripod):
    places = automatic_places(tripod).found
    stump = _blocks(keep=lambda x, y, z: z < 600, cuts=("z0",))
    with pytest.raises(SimulationError, match=r"'object' has no end on cut_z1, where one is expected \(cut_z1 at .*\); it reaches cut_z0"):
        facets_at(stump, places["farthest_cut"])
    far = Place("cut_z1", (100.0, 100.0, 1000.0), np.pi * 50.0**2)
    with pytest.raises(SimulationError, match=r"nm away from cut_z1 .* at most 2 radii of that end \(100 nm\)"):
        facets_at(tripod, far)


def test_fewer_than_two_ends_have_no_farthest_one():
    inside = automatic_places(box((100.0, 100.0, 100.0), (1, 1, 1)))
    assert inside.found == {}
    assert set(inside.missing) == {"largest_cut", "farthest_cut"}
    assert inside.missing["largest_cut"] == "'box' touches no face of the block"
    one = automatic_places(box((100.0, 100.0, 100.0), (1, 1, 1), cuts=("y1",)))
    assert one.found["largest_cut"].plane == "cut_y1"
    assert one.missing["farthest_cut"] == "'box' has only one end (cut_y1)"


def test_ends_that_touch_the_largest_are_not_chosen():
    edge = automatic_places(box((300.0, 100.0, 100.0), (3, 1, 1), cuts=("z0", "x1")))
    assert edge.found["largest_cut"].plane == "cut_z0"
    assert "touch its largest one (cut_z0)" in edge.missing["farthest_cut"]


def test_slivers_are_no_ends():
    mesh = _blocks(keep=lambda x, y, z: (z < 800) | ((x < 100) & (y < 100)), cuts=("z0", "z1"))
    assert [patch.place.plane for patch in end_patches(mesh)] == ["cut_z0"]  # 1 % of the area at z1
    assert "only one end" in automatic_places(mesh).missing["farthest_cut"]


def test_two_patches_on_one_face_are_two_ends():
    arch = _blocks(keep=lambda x, y, z: (z > 700) | (x < 400) | (x > 700), cuts=("z0",))
    found = automatic_places(arch).found
    assert found["largest_cut"].centroid == pytest.approx((200.0, 500.0, 0.0))
    assert found["farthest_cut"].centroid == pytest.approx((850.0, 500.0, 0.0))
