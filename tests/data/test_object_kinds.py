from __future__ import annotations

import numpy as np
import pytest

from cellml.data.object_kinds import LabelledObject, whole_objects
from cellml.data.procedural_cells import draw_cell, voxelise
from cellml.data.procedural_module import ProceduralDataModule
from cellml.errors import CellmlError

SPACING = (12.0, 10.0, 10.0)


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A ring (label 3), a ball (7) and a ball that the border cuts (9)."""
    z, y, x = np.meshgrid(np.arange(40), np.arange(60), np.arange(90), indexing="ij")
    labels = np.zeros(z.shape, np.uint16)
    ring = np.hypot(np.hypot(y - 30, x - 25) - 14, z - 20) < 5
    labels[ring] = 3
    labels[(z - 20) ** 2 + (y - 30) ** 2 + (x - 65) ** 2 < 100] = 7
    labels[z**2 + (y - 8) ** 2 + (x - 80) ** 2 < 36] = 9
    path = tmp_path_factory.mktemp("labels") / "labels.npz"
    np.savez(path, mito=labels)
    return f"{path}:mito"


def test_objects_that_the_border_cuts_are_left_out(volume: str) -> None:
    masks = whole_objects(volume, 100)
    assert [mask.shape for mask in masks] == [(9, 37, 37), (19, 19, 19)]
    assert len(whole_objects(volume, 1_000_000)) == 0


def test_a_drawn_object_is_the_labelled_one_with_its_genus(volume: str) -> None:
    kind, shape = LabelledObject([volume], SPACING, min_voxels=100), (30, 48, 48)
    genus = set()
    for seed in range(6):
        made = voxelise(draw_cell(kind, shape, SPACING, seed=seed), shape, SPACING)
        genus |= set(made.cell.genus)
        count = int((made.labels.data > 0).sum())
        expected = {1: int(whole_objects(volume, 100)[0].sum()), 0: int(whole_objects(volume, 100)[1].sum())}[made.cell.genus[0]]
        assert count == pytest.approx(expected, rel=0.03)
        assert not made.labels.data[[0, -1]].any() and not made.labels.data[:, [0, -1]].any()
    assert genus == {0, 1}


def test_objects_become_training_cells_and_those_of_another_file_validate(volume: str) -> None:
    ring, either = (LabelledObject([volume], SPACING, min_voxels=fewest) for fewest in (5000, 100))
    data = ProceduralDataModule([ring], (30, 48, 48), SPACING, 1, 2, 50, patches_per_epoch=1, val_kinds=[either])
    data.setup()
    assert data.whole(data._train[0])["genus"].tolist() == [1]
    held = data.whole(data._val[0])
    assert held["image"].shape == (1, 30, 48, 48) and held["points"].shape == (1, 200, 3)


def test_a_box_that_is_too_small_is_refused(volume: str) -> None:
    with pytest.raises(CellmlError, match="give a larger data.shape"):
        draw_cell(LabelledObject([volume], SPACING, min_voxels=100), (24, 24, 24), (5.0, 5.0, 5.0))
