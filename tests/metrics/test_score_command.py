from __future__ import annotations

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
from omegaconf import OmegaConf
from skimage.metrics import adapted_rand_error

from cellml.errors import CellmlError
from cellml.io import write_labels
from cellml.metrics import streams
from cellml.metrics.command import score_files
from cellml.types import Labels

SPACING = (10.0, 5.0, 5.0)


@pytest.fixture
def volumes():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, (4, 5, 6)).repeat(3, 0).repeat(3, 1).repeat(3, 2).astype(np.uint16)
    prediction = np.where(rng.random(truth.shape) < 0.2, 0, truth + 3).astype(np.uint32)
    return prediction, truth


@pytest.fixture
def files(tmp_path, volumes):
    return [saved(tmp_path / f"{name}.npz", data) for name, data in zip(("prediction", "truth"), volumes, strict=True)]


def saved(path, labels, spacing=SPACING):
    np.savez(path, labels=labels, voxel_nm=spacing)
    return str(path)


def test_scores_follow_the_protocol_and_are_printed_and_written(files, volumes, tmp_path, capsys):
    prediction, truth = volumes
    result = score_files(*files, output=tmp_path / "scores.json")
    expected, _, _ = adapted_rand_error(truth[truth > 0], prediction[truth > 0], ignore_labels=())
    assert result["adapted_rand_error"] == pytest.approx(expected)
    assert result["voxels_scored"] == (truth > 0).sum() and result["voxels"] == truth.size
    assert result["prediction_zero_share"] == pytest.approx((prediction[truth > 0] == 0).mean())
    assert result["truth_objects"] == 5 and result["kind"] == "instance" and result["spacing_nm"] == list(SPACING)
    assert json.loads((tmp_path / "scores.json").read_text()) == result
    printed = capsys.readouterr().out
    for part in (f"{expected:.4f}", "prediction 0 counts as one ordinary segment", f"{(truth > 0).sum():,}", "truth > 0"):
        assert part in printed


def test_slabs_give_the_same_as_the_whole(files, monkeypatch):
    whole = score_files(*files)
    monkeypatch.setattr(streams, "SLAB_VOXELS", 500)
    assert score_files(*files) == whole


def test_region_and_mask(files, volumes, tmp_path):
    prediction, truth = volumes
    mask = np.random.default_rng(1).integers(0, 2, truth.shape).astype(np.uint8)
    result = score_files(*files, mask=saved(tmp_path / "mask.npz", mask), region=[[3, 9], None, [1, 10]])
    part = np.s_[3:9, :, 1:10]
    scored = (truth[part] > 0) & (mask[part] > 0)
    assert result["voxels_scored"] == scored.sum()
    expected, _, _ = adapted_rand_error(truth[part][scored], prediction[part][scored], ignore_labels=())
    assert result["adapted_rand_error"] == pytest.approx(expected)
    assert result["region"] == [[3, 9], [0, 15], [1, 10]]


def test_semantic_scores_of_each_class(tmp_path, capsys):
    truth, prediction = np.zeros((2, 4, 4), np.uint8), np.zeros((2, 4, 4), np.uint8)
    truth[0], prediction[0, :3], prediction[1, 0] = 2, 2, 1
    frame = {"spacing": SPACING, "kind": "semantic", "names": {1: "synapse", 2: "mitochondrion"}}
    write_labels(Labels(truth, **frame), tmp_path / "truth.npz")
    write_labels(Labels(prediction, **frame), tmp_path / "prediction.npz")
    result = score_files(tmp_path / "prediction.npz", tmp_path / "truth.npz")
    assert result["kind"] == "semantic"
    by_label = {entry["label"]: entry for entry in result["classes"]}
    assert by_label[2]["dice"] == pytest.approx(24 / 28) and by_label[2]["recall"] == 0.75
    assert by_label[1]["recall"] is None and by_label[1]["precision"] == 0.0
    assert result["mean_iou"] == pytest.approx((0.75 + 0) / 2)
    assert "mitochondrion" in capsys.readouterr().out


def test_a_single_label_is_taken_as_a_mask_unless_told_otherwise(tmp_path):
    labels = np.zeros((2, 4, 4), np.uint8)
    labels[0] = 1
    spec = saved(tmp_path / "one.npz", labels)
    assert score_files(spec, spec)["kind"] == "semantic"
    assert score_files(spec, spec, kind="instance")["adapted_rand_error"] == 0.0


def test_errors_name_both_values(files, volumes, tmp_path):
    prediction, truth = volumes
    with pytest.raises(CellmlError, match=r"shape \(12, 15, 18\).*shape \(11, 15, 18\)"):
        score_files(files[0], saved(tmp_path / "short.npz", truth[1:]))
    with pytest.raises(CellmlError, match=r"\[10\.0, 5\.0, 5\.0\] nm.*\[10\.0, 10\.0, 5\.0\] nm"):
        score_files(files[0], saved(tmp_path / "wide.npz", truth, (10.0, 10.0, 5.0)))
    with pytest.raises(CellmlError, match="no labelled voxel"):
        score_files(files[0], saved(tmp_path / "empty.npz", np.zeros_like(truth)))
    with pytest.raises(CellmlError, match=r"fractional.*threshold=0\.5"):
        score_files(saved(tmp_path / "image.npz", prediction + 0.5), files[1])
    with pytest.raises(CellmlError, match=r"\[0, 13\] along z.*12 voxels"):
        score_files(*files, region=[[0, 13], None, None])
    with pytest.raises(CellmlError, match="three pairs"):
        score_files(*files, region=[[0, 13]])
    with pytest.raises(CellmlError, match="'panoptic'"):
        score_files(*files, kind="panoptic")
    with pytest.raises(CellmlError, match=r"label 70000.*kind=instance"):
        score_files(saved(tmp_path / "many.npz", prediction + 70_000 - prediction.max()), files[1], kind="semantic")


def test_nothing_is_written_when_it_fails(files, volumes, tmp_path):
    with pytest.raises(CellmlError):
        score_files(files[0], saved(tmp_path / "short.npz", volumes[1][1:]), output=tmp_path / "scores.json")
    assert not (tmp_path / "scores.json").exists()


def test_whole_numbers_stored_as_floats_are_labels(files, volumes, tmp_path):
    assert score_files(saved(tmp_path / "floats.npz", volumes[0].astype(np.float32)), files[1])["truth_objects"] == 5


def test_the_configuration_holds_every_argument_and_its_default():
    config = OmegaConf.load(Path(__file__).parents[2] / "conf" / "score.yaml")
    parameters = inspect.signature(score_files).parameters
    assert list(config) == list(parameters)
    for name, parameter in parameters.items():
        if parameter.default is inspect.Parameter.empty:
            assert OmegaConf.is_missing(config, name)
        else:
            assert config[name] == parameter.default
