"""Options of `cellml score` that go beyond overlap: surfaces, topology, clefts, intervals, borders, confidences."""

from __future__ import annotations

from math import isclose

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from cellml.errors import CellmlError
from cellml.metrics import shapes, streams
from cellml.metrics.bootstrap import Bootstrap, table_intervals
from cellml.metrics.command import score_files
from cellml.metrics.contingency import ContingencyTable
from cellml.metrics.cremi import away_from_borders
from cellml.metrics.partition import partition_scores
from cellml.metrics.surface_distances import surface_scores

SPACING = (10.0, 5.0, 5.0)
ALL = {"surfaces": True, "topology": True, "clefts": True, "bootstrap": 30, "block_nm": [50, 40, 40]}


def saved(path, labels):
    np.savez(path, labels=labels, voxel_nm=SPACING)
    return str(path)


@pytest.fixture
def volumes():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 6, (4, 5, 6)).repeat(4, 0).repeat(4, 1).repeat(4, 2).astype(np.uint16)
    prediction = np.roll(truth, 1, axis=2)
    prediction[rng.random(truth.shape) < 0.05] = 0
    return prediction, truth


@pytest.fixture
def files(tmp_path, volumes):
    return [saved(tmp_path / f"{name}.npz", data) for name, data in zip(("prediction", "truth"), volumes, strict=True)]


def same(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    return isclose(one, other, rel_tol=1e-12) if isinstance(one, float) else one == other


@pytest.mark.parametrize("kind", ["instance", "semantic"])
@pytest.mark.parametrize("voxels", [480, 2400])
def test_slabs_give_the_same_as_the_whole(files, tmp_path, kind, voxels, monkeypatch):
    mask = saved(tmp_path / "mask.npz", (np.random.default_rng(1).random((16, 20, 24)) < 0.9).astype(np.uint8))
    whole = score_files(*files, kind=kind, mask=mask, **ALL)
    monkeypatch.setattr(streams, "SLAB_VOXELS", voxels)
    monkeypatch.setattr(shapes, "GROUP_VOXELS", 3 * voxels)
    assert same(score_files(*files, kind=kind, mask=mask, **ALL), whole)


def test_surfaces_of_classes_are_those_of_their_masks(files, volumes):
    prediction, truth = volumes
    result = score_files(*files, kind="semantic", surfaces=True, tolerance_nm=5)
    for entry in result["surfaces"]["classes"]:
        edges = [np.argwhere((v == entry["label"]) & ~binary_erosion(v == entry["label"], border_value=1)) for v in (truth, prediction)]
        expected = surface_scores(*edges, SPACING, 5.0)
        assert entry["assd_nm"] == pytest.approx(expected.assd_nm) and entry["surface_dice"] == pytest.approx(expected.surface_dice)
    assert [entry["label"] for entry in result["surfaces"]["classes"]] == [1, 2, 3, 4, 5]


def test_surfaces_of_objects_need_a_partner(tmp_path, capsys):
    truth = np.zeros((6, 10, 24), np.uint8)
    truth[1:5, 2:8, 2:8], truth[1:5, 2:8, 12:18] = 3, 4
    prediction = np.zeros_like(truth)
    prediction[1:5, 2:8, 3:9], prediction[0, 0, 20:] = 9, 7
    result = score_files(saved(tmp_path / "p.npz", prediction), saved(tmp_path / "t.npz", truth), kind="instance", surfaces=True)
    surfaces = result["surfaces"]
    assert [(one["truth"], one["prediction"]) for one in surfaces["objects"]] == [(3, 9)]
    assert (surfaces["unmatched_truth"], surfaces["unmatched_prediction"]) == (1, 1)
    assert surfaces["median"]["hausdorff_nm"] == 5.0 and surfaces["tolerance_nm"] == 10.0
    assert "1 true and 1 predicted objects have no partner" in capsys.readouterr().out


def test_topology_of_each_class_and_of_all_objects(tmp_path):
    truth = np.zeros((5, 9, 18), np.uint8)
    truth[1:4, 1:8, 1:8], truth[1:4, 3:6, 3:6] = 1, 0  # a ring
    truth[1:4, 2:7, 10:15] = 2
    prediction = truth.copy()
    prediction[2, 4, 1:3], prediction[2, 4, 12] = 0, 0  # a dent, no cut; and a cavity
    specs = saved(tmp_path / "p.npz", prediction), saved(tmp_path / "t.npz", truth)
    ring, block = score_files(*specs, kind="semantic", topology=True, block_nm=1000)["topology"]
    assert ring["truth"] == {"components": 1, "tunnels": 1, "cavities": 0} and block["truth"]["tunnels"] == 0
    assert block["prediction"]["cavities"] == 1 and block["error"] == 1 == block["mean_block_error"] and block["blocks"] == 1
    (together,) = score_files(*specs, kind="instance", topology=True)["topology"]
    assert together["label"] is None and together["truth"]["components"] == 2


def test_intervals_are_those_of_blocks_in_nanometres(files, volumes, capsys):
    prediction, truth = volumes
    result = score_files(*files, bootstrap=40, block_nm=[80, 50, 60], seed=5)
    assert result["bootstrap"]["block_voxels"] == [8, 10, 12] and result["bootstrap"]["blocks"] == 2 * 2 * 2
    places = [np.s_[z : z + 8, y : y + 10, x : x + 12] for z in (0, 8) for y in (0, 10) for x in (0, 12)]
    tables = [ContingencyTable.from_labels(truth[place], prediction[place]) for place in places]
    expected = table_intervals(tables, lambda t: {"voi_sum": partition_scores(t).voi_sum}, Bootstrap(40, 5))
    assert result["intervals"]["voi_sum"] == pytest.approx(expected["voi_sum"])
    assert set(result["objects"]["intervals"]) >= {"mean_average_precision", "f1_50", "panoptic_quality_75"}
    assert "40 resamples of 8 blocks of 80 × 50 × 60 nm" in capsys.readouterr().out
    semantic = score_files(*files, kind="semantic", bootstrap=40, block_nm=[80, 50, 60])
    low, high = semantic["classes"][1]["intervals"]["dice"]
    assert low < semantic["classes"][1]["dice"] < high and semantic["intervals"]["mean_iou"][0] < semantic["mean_iou"]


def test_borders_can_be_left_out(files, volumes):
    prediction, truth = volumes
    away = away_from_borders(truth, SPACING, 5.0)
    expected = partition_scores(ContingencyTable.from_labels(truth, prediction, away))
    result = score_files(*files, border_nm=5)
    assert result["adapted_rand_error"] == pytest.approx(expected.adapted_rand_error)
    assert result["cremi_score"] == pytest.approx(np.sqrt(expected.adapted_rand_error * expected.voi_sum))


def test_confidences_order_the_objects(files, volumes, tmp_path, capsys):
    table = tmp_path / "confidences.csv"
    table.write_text("label,confidence\n" + "".join(f"{label},{label / 10}\n" for label in range(1, 6)))
    found = score_files(*files, kind="instance", confidences=table)["objects"]
    assert 0 <= found["with_confidences"]["mean_average_precision"] <= found["with_confidences"]["average_precision_50"] <= 1
    assert "in order of confidence" in capsys.readouterr().out


def test_errors_name_the_remedy(files):
    with pytest.raises(CellmlError, match="makes 1 block.*smaller block_nm"):
        score_files(*files, bootstrap=10, block_nm=10_000)
    with pytest.raises(CellmlError, match="block_nm=0 must be"):
        score_files(*files, block_nm=0)
    with pytest.raises(CellmlError, match="surfaces and topology need"):
        score_files(*files, kind="membrane", threshold=0.5, surfaces=True, topology=True)
    with pytest.raises(CellmlError, match="tolerance_nm=-1"):
        score_files(*files, tolerance_nm=-1)
