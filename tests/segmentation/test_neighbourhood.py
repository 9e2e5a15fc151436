from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.errors import CellmlError
from cellml.segmentation.neighbourhood import NEAREST, affinities_from_labels, check_offsets

OFFSETS = (*NEAREST, (-3, 0, 0), (0, 2, -1), (1, 0, 7))
label_volumes = hnp.arrays(np.uint16, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=4), elements=st.integers(0, 3))


@given(label_volumes, st.sampled_from([None, 0, 2]))
def test_affinities_are_those_of_a_loop_over_pairs(labels, ignore):
    affinities, mask = affinities_from_labels(labels, OFFSETS, ignore=ignore)
    for channel, offset in enumerate(OFFSETS):
        for v in product(*(range(n) for n in labels.shape)):
            w = tuple(a + b for a, b in zip(v, offset, strict=True))
            inside = all(0 <= c < n for c, n in zip(w, labels.shape, strict=True))
            known = inside and ignore not in (labels[v], labels[w])
            assert mask[channel][v] == known
            assert affinities[channel][v] == (known and labels[v] == labels[w] and labels[v] > 0)


def test_offsets_are_checked():
    assert check_offsets([[-1, 0, 0], [0, -1, 0], [0, 0, -1], [-4, 0, 0]], 4)[3] == (-4, 0, 0)
    with pytest.raises(CellmlError, match="4 channels, but there are 3"):
        check_offsets(NEAREST, 4)
    with pytest.raises(CellmlError, match="first three"):
        check_offsets([(1, 0, 0), (0, 1, 0), (0, 0, 1)])
    for wrong in ((1, 0, 0), (0, 0, 0), (-1, 0, 0)):
        with pytest.raises(CellmlError, match="differ from each other"):
            check_offsets([*NEAREST, wrong])
    with pytest.raises(CellmlError, match="three whole numbers"):
        check_offsets([*NEAREST, (1, 2)])
    with pytest.raises(CellmlError, match="three whole numbers"):
        check_offsets([*NEAREST, (1.5, 0, 2)])
