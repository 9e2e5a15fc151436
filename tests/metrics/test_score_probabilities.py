from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import write_volume
from cellml.metrics import streams
from cellml.metrics.command import score_files
from cellml.metrics.membranes import membrane_scores
from cellml.types import Volume

SPACING = (50.0, 4.0, 4.0)


def saved(path, array):
    np.savez(path, labels=array, voxel_nm=SPACING)
    return str(path)


@pytest.fixture
def maps(tmp_path, membrane_maps):
    probability, truth = membrane_maps
    return saved(tmp_path / "probability.npz", probability), saved(tmp_path / "truth.npz", truth), probability, truth


def test_a_membrane_map_is_scored_at_a_given_threshold(maps, capsys):
    result = score_files(maps[0], maps[1], kind="membrane", threshold=0.4)
    expected = membrane_scores(maps[2], maps[3], threshold=0.4)
    assert (result["v_rand"], result["v_info"]) == (expected.v_rand, expected.v_info)
    membrane, true = maps[2] >= 0.4, maps[3] == 1
    assert result["iou"] == pytest.approx((membrane & true).sum() / (membrane | true).sum())
    assert [one["section"] for one in result["by_section"]] == [0, 1, 2]
    assert np.mean([one["v_info"] for one in result["by_section"]]) == pytest.approx(result["v_info"])
    printed = capsys.readouterr().out
    assert f"{expected.v_rand:.4f}" in printed and "threshold 0.4" in printed and "thinned" in printed


def test_a_sweep_says_what_it_chose_by(maps, capsys):
    result = score_files(maps[0], maps[1], kind="membrane", threshold=[0.2, 0.4, 0.6])
    assert [one["threshold"] for one in result["sweep"]] == [0.2, 0.4, 0.6]
    assert result["v_rand"] == max(one["v_rand"] for one in result["sweep"])
    assert "validation" in result["chosen_by"] and "validation" in capsys.readouterr().out


def test_slabs_give_the_same_as_the_whole(maps, monkeypatch):
    whole = score_files(maps[0], maps[1], kind="membrane", threshold=0.4)
    monkeypatch.setattr(streams, "SLAB_VOXELS", 2000)
    assert score_files(maps[0], maps[1], kind="membrane", threshold=0.4) == whole


def test_foreground_of_a_probability_at_a_threshold(maps):
    result = score_files(maps[0], maps[1], threshold=0.4)
    found, true = maps[2] >= 0.4, maps[3] == 1
    entry = next(one for one in result["classes"] if one["label"] == 1)
    assert result["kind"] == "semantic" and result["threshold"] == 0.4
    assert entry["iou"] == pytest.approx((found & true).sum() / (found | true).sum())
    swept = score_files(maps[0], maps[1], threshold=[0.3, 0.4])
    assert swept["sweep"][1]["mean_iou"] == pytest.approx(entry["iou"])


@pytest.mark.parametrize("label", [7, -1])
def test_ignored_labels_are_not_scored(maps, tmp_path, label):
    truth = maps[3].astype(np.int16)
    truth[1:] = label
    result = score_files(maps[0], saved(tmp_path / "sparse.npz", truth), kind="membrane", threshold=0.4, ignore=label)
    assert result["v_rand"] == membrane_scores(maps[2][:1], maps[3][:1], threshold=0.4).v_rand and result["sections"] == 1


def test_a_channel_is_chosen_by_number_or_name(maps, tmp_path):
    both = Volume(np.stack([1 - maps[2], maps[2]]).astype(np.float32), SPACING, axes="CZYX", channels=("inside", "membrane"))
    path = tmp_path / "both.h5"
    write_volume(both, path)
    expected = score_files(maps[0], maps[1], kind="membrane", threshold=0.4)["v_rand"]
    for channel in (1, "membrane"):
        assert score_files(path, maps[1], kind="membrane", threshold=0.4, channel=channel)["v_rand"] == pytest.approx(expected, abs=1e-3)
    with pytest.raises(CellmlError, match="channel=1, from inside, membrane"):
        score_files(path, maps[1], kind="membrane", threshold=0.4)
    with pytest.raises(CellmlError, match="no channel 2; it has inside, membrane"):
        score_files(path, maps[1], kind="membrane", threshold=0.4, channel=2)


def test_errors_name_the_remedy(maps, tmp_path):
    with pytest.raises(CellmlError, match=r"threshold=0\.5"):
        score_files(maps[0], maps[1], kind="membrane")
    with pytest.raises(CellmlError, match="above 0 and at most 1; got 1.5"):
        score_files(maps[0], maps[1], kind="membrane", threshold=1.5)
    with pytest.raises(CellmlError, match="from 0 to 255"):
        score_files(saved(tmp_path / "bytes.npz", (maps[3] * 255).astype(np.uint8)), maps[1], kind="membrane", threshold=0.5)
    with pytest.raises(CellmlError, match="leave it out"):
        score_files(maps[0], maps[1], kind="instance", threshold=0.5)
    with pytest.raises(CellmlError, match="no threshold"):
        score_files(maps[0], maps[1], threshold=[])
    with pytest.raises(CellmlError, match="not finite"):
        score_files(saved(tmp_path / "nan.npz", np.full(maps[2].shape, np.nan)), maps[1], threshold=0.5)
