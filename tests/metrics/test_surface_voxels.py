from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.ndimage import binary_erosion

from cellml.metrics.surface_voxels import surface_voxels

volumes = hnp.arrays(np.uint8, st.tuples(*[st.integers(1, 6)] * 3), elements=st.integers(0, 2))


@given(volumes, st.booleans())
def test_surfaces_are_what_erosion_takes_away(labels, cut_faces):
    found = surface_voxels([labels], cut_faces=cut_faces)
    for label in (1, 2):
        mask = labels == label
        expected = np.argwhere(mask & ~binary_erosion(mask, border_value=not cut_faces))
        assert sorted(map(tuple, found.of(label).tolist())) == sorted(map(tuple, expected.tolist()))
    assert found.present.tolist() == sorted(set(found.labels.tolist())) and 0 not in found.labels


@given(volumes, st.lists(st.integers(1, 3), min_size=1, max_size=6), st.booleans())
def test_slabs_meet_without_a_seam(labels, depths, cut_faces):
    whole = surface_voxels([labels], cut_faces=cut_faces)
    cuts = np.cumsum(depths)
    parts = surface_voxels(np.split(labels, cuts[cuts < len(labels)]), cut_faces=cut_faces)
    assert sorted(map(tuple, np.column_stack([whole.labels, whole.voxels]).tolist())) == sorted(
        map(tuple, np.column_stack([parts.labels, parts.voxels]).tolist())
    )


def test_an_object_that_goes_on_beyond_the_region_has_no_surface_there():
    labels = np.ones((3, 3, 3), np.uint8)
    assert surface_voxels([labels]).labels.size == 0
    assert surface_voxels([labels], cut_faces=True).labels.size == 26


def test_only_some_labels_are_kept():
    labels = np.arange(27).reshape(3, 3, 3) % 4
    some, every = surface_voxels([labels], only=np.array([1, 3])), surface_voxels([labels])
    assert some.present.tolist() == [1, 3] and (some.of(3) == every.of(3)).all()


def test_nothing_has_no_surface():
    assert surface_voxels([]).voxels.shape == (0, 3)
