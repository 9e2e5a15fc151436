from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.segmentation.affinities import affinity_targets
from cellml.segmentation.neighbourhood import NEAREST, affinities_from_labels

OFFSETS = (*NEAREST, (-3, 0, 0), (0, 2, -1), (1, 0, 4))
label_volumes = hnp.arrays(np.int64, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=5), elements=st.integers(0, 3))


@settings(deadline=None)
@given(label_volumes, st.sampled_from([None, 0, 2]))
def test_batches_agree_with_single_volumes(labels, ignore):
    batch = np.stack([labels, np.flip(labels, axis=2)])
    targets, mask = affinity_targets(torch.from_numpy(batch.copy()), OFFSETS, ignore=ignore)
    assert targets.dtype == torch.float32 and mask.dtype == torch.bool
    for item in range(2):
        expected, known = affinities_from_labels(batch[item], OFFSETS, ignore=ignore)
        np.testing.assert_array_equal(mask[item].numpy(), known)
        np.testing.assert_array_equal(targets[item].numpy(), expected)


def test_background_pairs_are_zero_or_masked():
    labels = torch.tensor([0, 0, 1, 1])[None, None, None]
    targets, mask = affinity_targets(labels, NEAREST)
    assert targets[0, 2, 0, 0].tolist() == [0, 0, 0, 1] and mask[0, 2, 0, 0].tolist() == [False, True, True, True]
    targets, mask = affinity_targets(labels, NEAREST, mask_background=True)
    assert targets[0, 2, 0, 0].tolist() == [0, 0, 0, 1] and mask[0, 2, 0, 0].tolist() == [False, False, False, True]


def test_shape_is_checked():
    with pytest.raises(ValueError, match=r"\(B, Z, Y, X\), got \(4, 4, 4\)"):
        affinity_targets(torch.zeros(4, 4, 4, dtype=torch.long), NEAREST)
