from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.meshops.cubify import cubify
from cellml.meshops.feature_pooling import to_nanometres
from cellml.meshops.geometry import surface_areas, volumes

SPACING, ORIGIN = (40.0, 8.0, 4.0), (100.0, -20.0, 3.0)


def in_nanometres(occupancy, **options):
    batch = cubify(occupancy, **options)
    return batch.with_vertices(to_nanometres(batch.vertices, tuple(occupancy.shape[1:]), SPACING, ORIGIN))


def test_one_voxel_is_a_box_around_its_centre():
    occupancy = torch.zeros(1, 4, 5, 6)
    occupancy[0, 2, 1, 3] = 1
    batch = in_nanometres(occupancy.double())
    assert batch.vertices.shape == (8, 3) and batch.faces.shape == (12, 3)
    centre = torch.tensor([3 + 3 * 4.0, -20 + 8.0, 100 + 2 * 40.0], dtype=torch.float64)
    half = torch.tensor([2.0, 4.0, 20.0], dtype=torch.float64)
    assert torch.allclose(batch.vertices.amin(0), centre - half) and torch.allclose(batch.vertices.amax(0), centre + half)
    assert float(volumes(batch)) == pytest.approx(4 * 8 * 40)


def exposed_by_loop(inside):
    """Area of the sides between a voxel and none, in nm²."""
    area = 0.0
    sides = (SPACING[1] * SPACING[2], SPACING[0] * SPACING[2], SPACING[0] * SPACING[1])
    for voxel in inside.nonzero().tolist():
        for axis in range(3):
            for step in (-1, 1):
                other = list(voxel)
                other[axis] += step
                if not 0 <= other[axis] < inside.shape[axis] or not inside[tuple(other)]:
                    area += sides[axis]
    return area


@given(st.integers(0, 2**31), st.sampled_from([(2, 2, 2), (3, 2, 5), (4, 4, 4)]))
@settings(max_examples=20, deadline=None)
def test_volume_is_that_of_the_voxels_and_area_that_of_their_outer_sides(seed, shape):
    values = torch.rand(2, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    batch = in_nanometres(values, threshold=0.6)
    inside = values >= 0.6
    assert torch.allclose(volumes(batch), inside.flatten(1).sum(1).double() * 4 * 8 * 40)
    assert surface_areas(batch).tolist() == pytest.approx([exposed_by_loop(one) for one in inside])
    assert not batch.topology.border_edges.any()  # closed, also at the border of the volume


def test_empty_volumes_and_full_ones_in_one_batch():
    occupancy = torch.zeros(3, 3, 3, 3)
    occupancy[1] = 1
    batch = cubify(occupancy)
    assert batch.topology.vertex_counts == (0, 56, 0) and batch.topology.face_counts == (0, 108, 0)
    nothing = cubify(occupancy[:1])
    assert len(nothing) == 1 and len(nothing.vertices) == 0


def test_a_sheet_of_one_voxel_is_closed():
    occupancy = torch.zeros(1, 5, 5, 5)
    occupancy[0, 2] = 1
    batch = in_nanometres(occupancy.double())
    assert float(volumes(batch)) == pytest.approx(25 * 4 * 8 * 40)


def test_alignments():
    occupancy = torch.ones(1, 3, 3, 3)
    spans = {align: cubify(occupancy, align=align).vertices for align in ("center", "topleft", "corner")}
    assert [(float(v.min()), float(v.max())) for v in spans.values()] == [(-1.5, 1.5), (-1, 2), (-1, 1)]


def test_labels_are_taken_too():
    assert cubify(torch.ones(1, 2, 2, 2, dtype=torch.int64)).vertices.dtype == torch.float32


def test_bad_volumes_are_refused():
    with pytest.raises(CellmlError, match=r"\(N, Z, Y, X\)"):
        cubify(torch.zeros(3, 3, 3))
    with pytest.raises(CellmlError, match="1 of 8 voxels"):
        cubify(torch.tensor([float("nan"), *[0.0] * 7]).reshape(1, 2, 2, 2))
    with pytest.raises(CellmlError, match="'middle'"):
        cubify(torch.zeros(1, 2, 2, 2), align="middle")
    with pytest.raises(CellmlError, match="corner"):
        cubify(torch.ones(1, 1, 4, 4))
    assert len(cubify(torch.ones(1, 1, 4, 4), align="corner").faces) == 2 * (16 + 16 + 4 * 4)
