from __future__ import annotations

import heapq

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import label

from cellml.errors import CellmlError
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.partition import partition_scores
from cellml.segmentation.boundary import affinities_from_boundary
from cellml.segmentation.neighbourhood import NEAREST
from cellml.segmentation.section_watershed import SectionDynamics, SectionWatershed, deep_minima, section_boundary, without_small

FOUR = ((-1, 0), (1, 0), (0, -1), (0, 1))


def wall(gap: int = 0) -> np.ndarray:
    """Two sections of 24 × 32 pixels, a wall at x = 15 and 16 with a gap of `gap` pixels in the first one."""
    boundary = np.full((2, 24, 32), 0.05, np.float32)
    boundary[:, :, 15:17] = 0.9
    boundary[0, 10 : 10 + gap, 15:17] = 0.05
    return boundary


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 99))
def test_section_boundary_is_the_map_but_at_dark_points(seed: int) -> None:
    boundary = np.random.default_rng(seed).random((2, 5, 6), np.float32)
    found = section_boundary(affinities_from_boundary(boundary))
    for z, y, x in np.ndindex(boundary.shape):
        around = [boundary[z, y + dy, x + dx] for dy, dx in FOUR if 0 <= y + dy < 5 and 0 <= x + dx < 6]
        assert found[z, y, x] == pytest.approx(max(boundary[z, y, x], min(around)), abs=1e-6)


@pytest.mark.parametrize("decoder", [SectionWatershed(sigma=0.0), SectionDynamics(sigma=0.0)])
def test_every_pixel_belongs_to_a_segment_and_sections_do_not_share_numbers(decoder: SectionWatershed | SectionDynamics) -> None:
    labels = decoder(affinities_from_boundary(wall()), NEAREST)
    assert labels.all() and len(np.unique(labels)) == 4
    assert not set(np.unique(labels[0])) & set(np.unique(labels[1]))
    assert all(len(np.unique(labels[z, :, side])) == 1 for z in range(2) for side in (slice(0, 15), slice(17, 32)))


@pytest.mark.parametrize(
    ("leaky", "closed"),
    [(SectionWatershed(0.5, 0.0, 10), SectionWatershed(0.15, 1.5, 10)), (SectionDynamics(0.1, 0.0), SectionDynamics(0.1, 1.5))],
)
def test_smoothing_closes_a_gap(leaky: SectionWatershed | SectionDynamics, closed: SectionWatershed | SectionDynamics) -> None:
    affinities = affinities_from_boundary(wall(gap=3))
    assert len(np.unique(leaky(affinities, NEAREST)[0])) == 1
    assert len(np.unique(closed(affinities, NEAREST)[0])) == 2


def test_small_interiors_are_flooded_by_their_neighbours() -> None:
    boundary = wall()
    boundary[0, :, 13:19] = 0.9
    boundary[0, 6:8, 15:17] = 0.0
    affinities = affinities_from_boundary(boundary)
    assert len(np.unique(SectionWatershed(0.5, 0.0, 0)(affinities, NEAREST)[0])) == 3
    assert len(np.unique(SectionWatershed(0.5, 0.0, 5)(affinities, NEAREST)[0])) == 2


def test_a_faint_membrane_on_a_bright_ground_needs_dynamics() -> None:
    boundary = np.full((1, 20, 30), 0.5, np.float32)
    boundary[0, :, 14:16] = 0.7
    affinities = affinities_from_boundary(boundary)
    assert len(np.unique(SectionWatershed(0.4, 0.0)(affinities, NEAREST))) == 1
    assert len(np.unique(SectionDynamics(0.1, 0.0)(affinities, NEAREST))) == 2
    assert len(np.unique(SectionDynamics(0.3, 0.0)(affinities, NEAREST))) == 1


@settings(max_examples=25, deadline=None, derandomize=True)
@given(seed=st.integers(0, 999), depth=st.sampled_from([0.02, 0.2, 0.5]))
def test_each_minimum_deeper_than_asked_is_one_seed(seed: int, depth: float) -> None:
    height = np.random.default_rng(seed).random((6, 7)).astype(np.float32)
    deep = [pixel for pixel in np.ndindex(height.shape) if dynamics(height, pixel) > depth]
    seeds, count = label(deep_minima(height, depth))
    assert count == len(deep) and len({seeds[pixel] for pixel in deep} - {0}) == len(deep)


def dynamics(height: np.ndarray, start: tuple[int, int]) -> float:
    """The slow twin: by how much a path must rise to reach lower ground (by flooding in the order of height); 0 off the minima."""
    queue, seen, rise = [(float(height[start]), start)], {start}, float(height[start])
    while queue:
        level, (y, x) = heapq.heappop(queue)
        rise = max(rise, level)
        if level < height[start]:
            return rise - float(height[start])
        for near in ((y + dy, x + dx) for dy, dx in FOUR):
            if 0 <= near[0] < height.shape[0] and 0 <= near[1] < height.shape[1] and near not in seen:
                seen.add(near)
                heapq.heappush(queue, (float(height[near]), near))
    return float("inf")


def test_finds_cells_of_a_section_in_noise(synthetic) -> None:
    truth = synthetic.cells((3, 64, 64), count=12)
    edges = np.zeros(truth.shape, bool)
    for axis in (1, 2):
        change = np.diff(truth.astype(int), axis=axis) != 0
        for before in (0, 1):
            edges |= np.pad(change, [(0, 0), *((before * (a == axis), (1 - before) * (a == axis)) for a in (1, 2))])
    noise = np.random.default_rng(0).normal(0, 0.15, truth.shape)
    boundary = np.clip(np.where(edges, 0.8, 0.1) + noise, 0, 1).astype(np.float32)
    truth = truth + truth.max() * np.arange(3)[:, None, None].astype(truth.dtype)
    for decoder in (SectionWatershed(0.35, 1.0, 10), SectionDynamics(0.08, 1.0)):
        found = decoder(affinities_from_boundary(boundary), NEAREST)
        assert partition_scores(ContingencyTable.from_labels(truth, found)).v_rand > 0.9


def test_the_mask_is_kept_and_a_section_without_seeds_is_one_segment() -> None:
    mask = np.zeros((2, 24, 32), bool)
    mask[0, :, :10] = True
    mask[0, :, 20:] = True
    labels = SectionWatershed(sigma=0.0)(affinities_from_boundary(wall()), NEAREST, mask)
    assert np.array_equal(labels > 0, mask) and len(np.unique(labels)) == 3
    full = SectionWatershed(threshold=0.01)(affinities_from_boundary(np.full((1, 8, 8), 0.5, np.float32)), NEAREST)
    assert np.array_equal(np.unique(full), [1])


def test_small_regions_are_removed() -> None:
    labels = np.array([[1, 1, 0, 2], [1, 0, 0, 3]])
    assert without_small(labels, 2).tolist() == [[1, 1, 0, 0], [1, 0, 0, 0]] and without_small(labels, 1) is labels


@pytest.mark.parametrize("make", [lambda: SectionWatershed(0.0), lambda: SectionWatershed(sigma=-1.0), lambda: SectionDynamics(1.0)])
def test_parameters_are_checked(make) -> None:
    with pytest.raises(CellmlError, match="at least 0, got"):
        make()


def test_long_range_affinities_are_refused(synthetic) -> None:
    affinities = synthetic.blurred_affinities(synthetic.cells((2, 12, 12), count=3))
    for decoder in (SectionWatershed(), SectionDynamics()):
        with pytest.raises(CellmlError, match="affinities at 9 offsets"):
            decoder(affinities, synthetic.LONG)
