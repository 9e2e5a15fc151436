"""Objects stitched across blocks are those of the whole volume, whatever the blocks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from cellml.blocks.grid import Grid, grown
from cellml.blocks.stitch import remembered, renumbered, stitch
from cellml.segmentation.boundary import affinities_from_boundary
from cellml.segmentation.components import ThresholdComponents
from cellml.segmentation.labelling import joined_components, measured
from cellml.segmentation.neighbourhood import NEAREST


def block_by_block(decoder: Any, probabilities: np.ndarray, grid: Grid, order: list[int]) -> np.ndarray:
    """The decoder's labels from pieces that were made in a given order."""
    pieces, facts = {}, {}
    for number in order:
        outer, inner = grown(grid.region(number), decoder.context, grid.shape)
        pieces[number] = decoder.piece(probabilities[(slice(None), *outer)], NEAREST, inner)
        facts[number] = remembered(pieces[number], grid.region(number), grid)
    stitched = stitch(grid, facts.__getitem__, decoder.least)
    whole = np.zeros(grid.shape, np.uint32)
    for number in range(len(grid)):
        part = stitched.numbers[stitched.offsets[number] : stitched.offsets[number + 1]]
        whole[grid.region(number)] = renumbered(pieces[number].labels, part)
    return whole


shapes = st.tuples(*(st.integers(1, 9) for _ in range(3)))
cases = {
    "seed": st.integers(0, 2**31),
    "shape": shapes,
    "block": shapes,
    "threshold": st.sampled_from([0.3, 0.5, 0.7]),
    "least": st.integers(0, 5),
}


@settings(max_examples=150, deadline=None)
@given(**cases)
def test_blocks_of_any_size_in_any_order_give_the_whole(seed: int, shape: Any, block: Any, threshold: float, least: int) -> None:
    rng = np.random.default_rng(seed)
    affinities = rng.random((3, *shape)).astype(np.float32)
    decoder, grid = ThresholdComponents(threshold, least), Grid(shape, block)
    order = rng.permutation(len(grid)).tolist()
    assert np.array_equal(block_by_block(decoder, affinities, grid, order), decoder(affinities, NEAREST))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), shape=shapes, block=shapes)
def test_boundaries_give_the_components_of_scipy(seed: int, shape: Any, block: Any) -> None:
    boundary = np.random.default_rng(seed).random(shape).astype(np.float32)
    decoder = ThresholdComponents(0.5, 2)
    found = block_by_block(decoder, affinities_from_boundary(boundary), Grid(shape, block), list(range(len(Grid(shape, block)))))
    inside = 1.0 - boundary > 0.5
    expected, _ = label(inside)
    sizes = np.bincount(expected.reshape(-1))
    expected[sizes[expected] < 2] = 0
    pairs = {(int(a), int(b)) for a, b in zip(found.reshape(-1), expected.reshape(-1), strict=True)}
    assert len({a for a, _ in pairs}) == len({b for _, b in pairs}) == len(pairs)


def test_components_of_a_random_mask_are_those_of_scipy_in_the_same_order() -> None:
    inside = np.random.default_rng(1).random((20, 30, 25)) < 0.4
    joined = np.zeros((3, *inside.shape), bool)
    joined[0, 1:], joined[1, :, 1:], joined[2, :, :, 1:] = (
        inside[1:] & inside[:-1],
        inside[:, 1:] & inside[:, :-1],
        inside[..., 1:] & inside[..., :-1],
    )
    labels, expected = joined_components(inside, joined), label(inside)[0]
    assert np.array_equal(labels, expected)
    found = measured(labels)
    assert np.array_equal(found.sizes, np.bincount(labels.reshape(-1))[1:])
    for number in (1, 7, int(labels.max())):
        where = np.argwhere(labels == number)
        assert np.array_equal(found.low[number - 1], where.min(axis=0)) and np.array_equal(found.high[number - 1], where.max(axis=0) + 1)
        assert found.first[number - 1] == np.flatnonzero(labels == number)[0]


def test_boxes_and_voxels_of_objects_that_cross_faces() -> None:
    affinities = np.ones((3, 7, 6, 5), np.float32)
    grid, decoder = Grid((7, 6, 5), (3, 4, 2)), ThresholdComponents(0.5, 1)
    facts = {}
    for number in range(len(grid)):
        outer, inner = grown(grid.region(number), 1, grid.shape)
        facts[number] = remembered(decoder.piece(affinities[(slice(None), *outer)], NEAREST, inner), grid.region(number), grid)
    found = stitch(grid, facts.__getitem__)
    assert found.voxels.tolist() == [7 * 6 * 5] and found.low.tolist() == [[0, 0, 0]] and found.high.tolist() == [[7, 6, 5]]


@pytest.mark.parametrize("shape", [(4, 4, 4), (5, 3, 7)])
def test_blocks_cover_each_voxel_once(shape: Any) -> None:
    grid, counted = Grid(shape, (2, 3, 4)), np.zeros(shape, int)
    for number in range(len(grid)):
        counted[grid.region(number)] += 1
    assert (counted == 1).all()
