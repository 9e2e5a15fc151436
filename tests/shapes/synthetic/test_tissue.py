"""Tissue: every voxel belongs to the neurite that is nearest, on any grid; a segmentation is looked up."""

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import write_labels
from cellml.shapes.synthetic.grid import Grid
from cellml.shapes.synthetic.neurites import Neurites
from cellml.shapes.synthetic.tissue import SegmentedTissue
from cellml.types import Labels

BOX = Grid((20, 21, 22), (50.0, 40.0, 30.0), (10.0, 0.0, -5.0))


def test_cells_are_those_of_a_search_over_all_neurites():
    tissue = Neurites(per_um3=30, bend_nm=40, wave_nm=300).draw(BOX, np.random.default_rng(0))
    points = np.stack(np.meshgrid(*BOX.axes(), indexing="ij"), -1).reshape(-1, 3)
    moved = points + np.sin(points @ tissue.waves.T + tissue.phases) @ tissue.amplitudes
    reach = []
    for middle, direction, half, radius in zip(tissue.middles, tissue.directions, tissue.halves, tissue.radii, strict=True):
        ends = np.stack([middle - half * direction, middle + half * direction])
        along = np.clip((moved - ends[0]) @ (ends[1] - ends[0]) / (2 * half) ** 2, 0, 1)
        reach.append(np.linalg.norm(moved - ends[0] - along[:, None] * (ends[1] - ends[0]), axis=1) - radius)
    reach = np.sort(np.array(reach), axis=0), np.argmin(reach, axis=0)
    sure = reach[0][1] - reach[0][0] > 0.1  # nm, beyond round-off of single precision
    assert sure.mean() > 0.99 and len(np.unique(reach[1])) > 5
    np.testing.assert_array_equal(tissue.cells(BOX).ravel()[sure], 1 + reach[1][sure])


def test_the_same_tissue_is_seen_on_any_grid():
    tissue = Neurites(per_um3=30).draw(BOX, np.random.default_rng(1))
    fine = tissue.cells(BOX.finer(3))
    np.testing.assert_array_equal(fine[1::3], tissue.cells(BOX))
    assert BOX.finer(3).extent == pytest.approx(BOX.extent)


def test_space_that_is_not_bent_has_the_displacement_that_is_asked_for():
    tissue = Neurites(per_um3=30, bend_nm=50).draw(BOX, np.random.default_rng(2))
    points = np.random.default_rng(3).uniform(0, 1e5, (4000, 3))
    moved = np.sin(points @ tissue.waves.T + tissue.phases) @ tissue.amplitudes
    wanted = np.sqrt((tissue.amplitudes**2).sum() / 2)
    assert np.sqrt((moved**2).sum(axis=1).mean()) == pytest.approx(wanted, rel=0.1)
    squares = [(Neurites(per_um3=30, bend_nm=50).draw(BOX, np.random.default_rng(s)).amplitudes ** 2).sum() / 2 for s in range(200)]
    assert np.sqrt(np.mean(squares)) == pytest.approx(50, rel=0.1)


def test_a_grid_around_covers_the_box_and_its_margin():
    wide = BOX.around(100.0, 30.0)
    low, high = (
        np.array(BOX.origin) - np.array(BOX.spacing) / 2 - 100,
        np.array(BOX.origin) - np.array(BOX.spacing) / 2 + BOX.extent + 100,
    )
    assert np.array(wide.origin) - 15 == pytest.approx(low)
    assert (np.array(wide.origin) - 15 + wide.extent >= high - 1e-9).all()


def test_segmentations_are_looked_up_and_need_room(tmp_path: Path):
    data = np.arange(1, 1 + 8**3, dtype=np.int32).reshape(8, 8, 8)
    write_labels(Labels(data, (100.0,) * 3), f"{tmp_path}/cells.npz:cells")
    box = Grid((8, 8, 8), (100.0,) * 3, (7.0, 8.0, 9.0))
    found = SegmentedTissue(f"{tmp_path}/cells.npz:cells").draw(box, np.random.default_rng(0)).cells(box)
    assert sorted(found.ravel().tolist()) == data.ravel().tolist(), "all of it, mirrored"
    steps = np.abs(np.diff(found, axis=0)), np.abs(np.diff(found, axis=1)), np.abs(np.diff(found, axis=2))
    assert [s.min() == s.max() and s.max() for s in steps] == [64, 8, 1]
    huge = np.where(data % 7, data.astype(np.uint64) + 2**40, 0)  # as segmentations of whole brains number them
    write_labels(Labels(huge, (100.0,) * 3), f"{tmp_path}/huge.npz:cells")
    cells = SegmentedTissue(f"{tmp_path}/huge.npz:cells").draw(box, np.random.default_rng(0)).cells(box)
    np.testing.assert_array_equal(cells > 0, found % 7 > 0)
    assert np.unique(cells).tolist() == list(range(8**3 - 8**3 // 7 + 1))
    with pytest.raises(CellmlError, match="measures .800.*less than the .*lower margin_nm"):
        SegmentedTissue(f"{tmp_path}/cells.npz:cells").draw(box.around(50.0, 20.0), np.random.default_rng(0))


def test_messages():
    with pytest.raises(CellmlError, match="positive densities"):
        Neurites(radius_nm=(-1.0, 0.5))
    with pytest.raises(CellmlError, match="raise per_um3"):
        Neurites(per_um3=1e-6).draw(BOX, np.random.default_rng(0))
    with pytest.raises(CellmlError, match="three positive voxel sizes"):
        Grid((3, 3, 3), (1.0, 0.0, 1.0))
