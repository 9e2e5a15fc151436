from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.mutex_watershed import MutexWatershed
from cellml.segmentation.neighbourhood import NEAREST

OFFSETS = (*NEAREST, (-2, 0, 0), (0, -2, 0), (0, 0, -3))


def kruskal_mutex(weights, offsets, strides, mask):
    """Mutex watershed with explicit sets: clusters as labels, exclusions as pairs of labels."""
    shape = weights.shape[1:]
    index = np.arange(np.prod(shape)).reshape(shape)
    edges = []
    for channel, (offset, stride) in enumerate(zip(offsets, strides, strict=True)):
        for v in product(*map(range, shape)):
            w = tuple(a + b for a, b in zip(v, offset, strict=True))
            inside = all(0 <= c < n for c, n in zip(w, shape, strict=True))
            if inside and mask[v] and mask[w] and not any(a % s for a, s in zip(v, stride, strict=True)):
                edges.append((weights[channel][v], index[v], index[w]))
    cluster, exclusive = np.arange(index.size), set()
    for weight, u, v in sorted(edges, key=lambda edge: -abs(edge[0])):
        a, b = cluster[u], cluster[v]
        if a == b:
            continue
        if weight < 0:
            exclusive.add(frozenset((a, b)))
        elif frozenset((a, b)) not in exclusive:
            cluster[cluster == b] = a
            exclusive = {frozenset(a if label == b else label for label in pair) for pair in exclusive}
    return np.where(mask, cluster.reshape(shape) + 1, 0)


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_naive_kruskal_loop(synthetic, seed):
    rng = np.random.default_rng(seed)
    affinities = rng.random((6, 6, 6, 6)).astype(np.float32)
    mask = rng.random((6, 6, 6)) < (0.8 if seed % 2 else 1.1)
    decoder = MutexWatershed(near_bias=0.4, far_bias=0.6, strides=(1, 2, 3), min_size=0)
    weights = affinities.astype(float) - np.array([0.4] * 3 + [0.6] * 3)[:, None, None, None]
    expected = kruskal_mutex(weights, OFFSETS, [(1, 1, 1)] * 3 + [(1, 2, 3)] * 3, mask)
    assert synthetic.same_partition(decoder(affinities, OFFSETS, mask), expected)


def test_long_range_repulsion_keeps_apart_what_a_leak_would_join(synthetic):
    labels = np.repeat([1, 2], 10).astype(np.uint32).reshape(1, 1, 20).repeat(6, 1).repeat(6, 0)
    affinities = synthetic.blurred_affinities(labels, noise=0.0)
    affinities[2, 3, 3, 8:13] = 0.95  # a leak through the boundary
    assert synthetic.same_partition(MutexWatershed(strides=(1, 1, 1))(affinities, synthetic.LONG), labels)
    assert MutexWatershed()(affinities[:3], NEAREST).max() == 1


def test_finds_cells_in_noise(synthetic):
    truth = synthetic.cells()
    scores = partition_scores(
        ContingencyTable.from_labels(truth, MutexWatershed(min_size=50)(synthetic.blurred_affinities(truth), synthetic.LONG))
    )
    assert scores.adapted_rand_error < 0.1


def test_offsets_beyond_the_volume_are_left_out(synthetic):
    assert MutexWatershed(min_size=0)(np.full((9, 2, 2, 4), 0.9, np.float32), synthetic.LONG).max() == 1
    assert MutexWatershed(min_size=0)(np.full((9, 1, 1, 1), 0.9, np.float32), synthetic.LONG).tolist() == [[[1]]]


def test_background_stays_zero(synthetic):
    labels = np.zeros((12, 16, 16), np.uint32)
    labels[2:10, 2:14, 2:8], labels[2:10, 2:14, 8:14] = 1, 2
    found = MutexWatershed(background_below=0.3, min_size=20)(synthetic.blurred_affinities(labels, noise=0.0), synthetic.LONG)
    assert not found[0].any() and len(np.unique(found)) == 3


def test_strides_are_checked():
    with pytest.raises(CellmlError, match=r"\(0, 1, 1\)"):
        MutexWatershed(strides=(0, 1, 1))
