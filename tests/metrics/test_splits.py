from __future__ import annotations

from contextlib import ExitStack

import numpy as np
import pytest
from omegaconf import OmegaConf

from cellml import checkpoint
from cellml.errors import CellmlError
from cellml.metrics.command import score_files
from cellml.metrics.splits import check_split, require_held_out
from cellml.metrics.streams import open_comparison

SPACING = (10.0, 5.0, 5.0)
CONTRACT = {"channels": 1, "spacing_nm": list(SPACING), "normalisation": "volume"}


def saved(path, labels):
    np.savez(path, labels=labels, raw=labels * 2, voxel_nm=SPACING)
    return str(path)


@pytest.fixture
def volume(tmp_path):
    labels = np.random.default_rng(0).integers(0, 5, (4, 6, 40)).astype(np.uint8)
    return saved(tmp_path / "volume.npz", labels), labels


@pytest.fixture
def model(tmp_path, volume):
    def write(train, val, **data):
        data = {"path": volume[0], "labels": None, "guard": 8, "train": train, "val": val, **data}
        config = OmegaConf.to_yaml(OmegaConf.create({"task": {}, "data": data}))
        path = tmp_path / "model.ckpt"
        checkpoint.write(path, {}, checkpoint.make_record(config, "cellml.tasks.segmentation.SegmentationTask", CONTRACT))
        return str(path)

    return write


def checked(model, truth, region=None):
    with ExitStack() as stack:
        return check_split(model, open_comparison(stack, truth, truth, region=region))


@pytest.mark.parametrize(
    ("columns", "relation", "distance"),
    [([0, 12], "training", 0), ([21, 30], "validation", 1), ([16, 20], "training", 0), ([35, 40], "apart", 15), ([25, 28], "close", 5)],
)
def test_regions_stand_where_they_stand(model, volume, columns, relation, distance):
    path = model([{"region": {"x": [0, 20]}}], [{"region": {"x": [29, 32]}}])
    check = checked(path, volume[0], [None, None, columns])
    assert (check.relation, check.distance, check.recognised_by) == (relation, distance, "file")
    assert check.scored_voxels == 24 * (columns[1] - columns[0])
    assert check.training_voxels == 24 * max(0, min(20, columns[1]) - columns[0])
    assert check.validation_voxels == 24 * max(0, min(32, columns[1]) - max(29, columns[0]))


def test_only_labels_that_counted_are_training_data(model, volume):
    path = model([{"region": {"x": [0, 20]}}], [], labelled_sections=[1], labelled=[{"z": [0, 2], "y": [0, 3], "x": [10, 40]}])
    assert checked(path, volume[0], [[2, 4], None, None]).training_voxels == 0
    assert checked(path, volume[0], [[1, 2], None, None]).training_voxels == 6 * 20  # the box lies within the section
    check = checked(path, volume[0])
    assert (check.relation, check.training_voxels) == ("training", 6 * 20 + 3 * 10)


def test_voxels_of_overlapping_blocks_count_once(model, volume):
    blocks = [{"region": {"x": [0, 20]}}, {"region": {"x": [10, 30], "y": [0, 3]}}, {"region": {"z": [1, 3], "x": [5, 25]}}]
    counted = np.zeros((4, 6, 40), bool)
    counted[:, :, :20] = counted[:, :3, 10:30] = counted[1:3, :, 5:25] = True
    assert checked(model(blocks, []), volume[0]).training_voxels == counted.sum()


def test_training_voxels_are_refused_with_the_numbers(model, volume, capsys):
    path = model([{"region": {"x": [0, 20]}}], [{"region": {"x": [30, 40]}}])
    with pytest.raises(CellmlError, match="trained on 480 of the 960 scored voxels"):
        score_files(volume[0], volume[0], checkpoint=path)
    result = score_files(volume[0], volume[0], checkpoint=path, allow_overlap=True)
    assert result["split"]["relation"] == "training" and "TRAINING SCORES" in capsys.readouterr().out
    held_out = score_files(volume[0], volume[0], checkpoint=path, region=[None, None, [30, 40]])
    assert held_out["split"]["relation"] == "validation" and "flatters" in capsys.readouterr().out
    assert score_files(volume[0], volume[0])["split"] is None


def test_a_copy_is_known_by_its_content_and_an_absent_file_by_its_name(model, volume, tmp_path):
    path = model([{}], [])
    (tmp_path / "copies").mkdir()
    copy = saved(tmp_path / "copies" / "renamed.npz", volume[1])
    assert checked(path, copy).recognised_by == "content"
    moved = saved(tmp_path / "copies" / "volume.npz", volume[1])
    (tmp_path / "volume.npz").unlink()
    assert checked(path, moved).recognised_by == "name"


def test_another_volume_is_another_volume(model, volume, tmp_path):
    path = model([{}], [])
    other = saved(tmp_path / "other.npz", volume[1][::-1].copy())
    check = checked(path, other)
    assert (check.relation, check.training_voxels, check.distance) == ("other file", 0, None)
    assert require_held_out(check)["warning"] is None
    (tmp_path / "folder").mkdir()
    short = saved(tmp_path / "folder" / "volume.npz", volume[1][:2])
    assert checked(path, short).relation == "other file"


def test_known_data_sets_are_known_by_their_file_name(model, tmp_path):
    path = model([{"region": {"x": [0, 20]}}], [], path="fib25_train2")
    truth = saved(tmp_path / "fib25_train2_z000-169.npz", np.ones((4, 6, 40), np.uint8))
    assert checked(path, truth).relation == "training"


def test_a_checkpoint_that_does_not_say_is_refused(model, volume):
    with pytest.raises(CellmlError, match="does not say what it was trained on"):
        checked(model([], []), volume[0])
