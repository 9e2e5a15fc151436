from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError
from cellml.infer.tiles import TilePlan, gaussian_window, plan_tiles

Triple = tuple[int, int, int]


def triples(low: int, high: int) -> st.SearchStrategy[Triple]:
    return st.tuples(*[st.integers(low, high)] * 3)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(shape=triples(1, 60), tile=triples(1, 30), halo=triples(0, 12), overlap=triples(0, 9), multiple=triples(1, 8))
def test_reads_are_on_the_stride_and_hold_what_is_kept_with_its_halo(
    shape: Triple, tile: Triple, halo: Triple, overlap: Triple, multiple: Triple
) -> None:
    tile = tuple(max(t, -(-n // 3)) for t, n in zip(tile, shape, strict=True))  # type: ignore[assignment]
    plan = plan_tiles(shape, tile=tile, halo=halo, overlap=overlap, multiple=multiple)
    covered, total = np.zeros(plan.padded, np.int32), np.zeros(plan.padded)
    for row in plan.rows():
        for t in row:
            covered[t.keep] += 1
            for axis in range(3):
                r, k = t.read[axis], t.keep[axis]
                assert r.start % multiple[axis] == 0 and r.stop % multiple[axis] == 0
                assert r.start == 0 or r.start <= k.start - halo[axis]
                assert r.stop == plan.padded[axis] or r.stop >= k.stop + halo[axis]
                reach = -(-(plan.halo[axis] + plan.overlap[axis]) // multiple[axis]) * multiple[axis]
                assert r.stop - r.start <= plan.core[axis] + 2 * reach + multiple[axis]
            z, y, x = t.weights
            assert min(z.min(), y.min(), x.min()) > 0
            total[t.keep] += z[:, None, None] * y[:, None] * x
    assert covered.min() > 0
    assert np.allclose(total, 1, atol=1e-5)


def test_a_core_off_the_stride_and_an_overlap_beyond_half_are_refused_with_their_numbers() -> None:
    with pytest.raises(CellmlError, match="10 voxels along y; it must be a positive multiple of 4"):
        TilePlan((20, 20, 20), (8, 10, 8), (0, 0, 0), (0, 0, 0), (4, 4, 4))
    with pytest.raises(CellmlError, match=r"overlap along x is 5; it may be at most half the tile \(8\)"):
        TilePlan((20, 20, 20), (8, 8, 8), (0, 0, 0), (0, 0, 5), (4, 4, 4))


def test_windows_are_one_inside_and_flat_at_the_border_of_the_volume() -> None:
    first, middle, last = (gaussian_window(keep, 4, 48) for keep in (slice(0, 20), slice(12, 36), slice(28, 48)))
    assert (first[:12] == 1).all() and first[-1] < 0.2
    assert middle[0] == middle[-1] < 0.2 and (middle[8:16] == 1).all()
    assert (last[-12:] == 1).all() and last[0] < 0.2


def test_tiles_at_the_border_are_larger_by_the_context_they_do_not_need() -> None:
    plan = plan_tiles((160, 96, 300), tile=(64, 64, 64), halo=(12, 12, 12), overlap=(4, 4, 4), multiple=(8, 8, 8))
    reads = [[t.read[axis] for t in tiles] for axis, tiles in ((0, [row[0] for row in plan.rows()]), (1, next(iter(plan.rows()))))]
    assert [(r.start, r.stop) for r in reads[0]] == [(0, 96), (64, 160)]
    assert {(r.start, r.stop) for r in reads[1]} == {(0, 96)}
    assert plan.computed_voxels == 2 * 96 * 96 * sum(t.read[2].stop - t.read[2].start for t in next(iter(plan.rows())))
