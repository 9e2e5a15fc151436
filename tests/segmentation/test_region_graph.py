from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.region_graph import region_graph

OFFSETS = (*NEAREST, (2, -1, 0))
label_volumes = hnp.arrays(np.uint32, hnp.array_shapes(min_dims=3, max_dims=3, min_side=1, max_side=4), elements=st.integers(0, 4))


def looped(labels, affinities, stride=1):
    edges = {}
    for channel, offset in enumerate(OFFSETS):
        starts = [max(-o, 0) for o in offset]
        for v in product(*map(range, labels.shape)):
            w = tuple(a + b for a, b in zip(v, offset, strict=True))
            inside = all(0 <= c < n for c, n in zip(w, labels.shape, strict=True))
            if not inside or any((a - s) % stride for a, s in zip(v, starts, strict=True)):
                continue
            a, b = int(labels[v]), int(labels[w])
            if a != b and a and b:
                edges.setdefault((min(a, b), max(a, b)), []).append(float(affinities[channel][v]))
    return edges


def as_dict(graph):
    return {(int(u), int(v)): (int(n), s) for u, v, n, s in zip(graph.u, graph.v, graph.counts, graph.sums, strict=True)}


@given(label_volumes, st.sampled_from([1, 2]), st.integers(0, 99))
def test_edges_are_those_of_a_loop_over_pairs(labels, stride, seed):
    affinities = np.random.default_rng(seed).random((4, *labels.shape)).astype(np.float32)
    graph = region_graph(labels, affinities, OFFSETS, stride=stride)
    expected = looped(labels, affinities, stride)
    found = as_dict(graph)
    assert found.keys() == expected.keys()
    for edge, values in expected.items():
        assert found[edge] == (len(values), pytest.approx(sum(values)))


@given(label_volumes, st.permutations(range(5)))
def test_contracting_the_graph_is_merging_the_regions(labels, order):
    number = np.array([0, *(1 + np.array(order[:4]) // 2)])
    affinities = np.zeros((4, *labels.shape), np.float32)
    contracted = region_graph(labels, affinities, OFFSETS).renumbered(number)
    merged = region_graph(number.astype(np.uint32)[labels], affinities, OFFSETS)
    assert as_dict(contracted) == as_dict(merged)
