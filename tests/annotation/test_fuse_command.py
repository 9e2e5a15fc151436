from __future__ import annotations

import json

import numpy as np
import pytest

from cellml.annotation import label_files
from cellml.annotation.fuse_command import fuse_files
from cellml.annotation.staple import MajorityVote
from cellml.errors import CellmlError
from cellml.io import read_labels


@pytest.fixture
def three(people, tmp_path):
    truth = people.truth()
    labels = [people.annotator(truth, people.binary(*r), seed) for seed, r in enumerate([(0.95, 0.98), (0.8, 0.9), (0.7, 0.95)])]
    return truth, labels, people.saved(tmp_path, labels, names={1: "synapse"})


def dice(a, b):
    return 2 * ((a > 0) & (b > 0)).sum() / ((a > 0).sum() + (b > 0).sum())


def test_the_consensus_and_the_ceiling_by_command(three, cellml, tmp_path, capsys):
    truth, labels, files = three
    assert cellml("fuse", f"inputs=[{','.join(files)}]", f"output={tmp_path / 'consensus.tif'}") == 0
    found = read_labels(tmp_path / "consensus.tif")
    assert found.kind == "semantic" and dice(found.data, truth) > 0.95
    report = json.loads((tmp_path / "consensus.json").read_text())
    first = report["annotators"][0]
    assert first["classes"]["1"]["sensitivity"] == pytest.approx(0.95, abs=0.03) and report["names"]["1"] == "synapse"
    assert report["pairs"][0]["dice"] == pytest.approx(dice(labels[0], labels[1]))
    left_out = [entry["against_others"]["dice"] for entry in report["annotators"]]
    assert report["ceiling"]["dice"] == pytest.approx(np.mean(left_out))
    assert report["ceiling"]["pair_dice"] == pytest.approx(np.mean([pair["dice"] for pair in report["pairs"]]))
    printed = capsys.readouterr().out
    for part in ("sensitivity", "annotator_2.tif", "Inter-annotator ceiling", f"{report['ceiling']['dice']:.4f}", "synapse"):
        assert part in printed


def test_each_annotator_is_compared_with_the_vote_of_the_others(three, tmp_path):
    """With two others their vote is decided only where they agree."""
    _, labels, files = three
    report = fuse_files(files, tmp_path / "c.tif", method=MajorityVote())
    for own, entry in enumerate(report["annotators"]):
        a, b = (labels[other] for other in range(3) if other != own)
        same = a == b
        assert entry["against_others"]["dice"] == pytest.approx(dice(labels[own][same], a[same]))


def test_slabs_give_the_same_as_the_whole(three, tmp_path, monkeypatch):
    _, _, files = three
    whole = fuse_files(files, tmp_path / "whole.tif")
    monkeypatch.setattr(label_files, "SLAB_VOXELS", 2000)
    parts = fuse_files(files, tmp_path / "parts.tif")
    np.testing.assert_array_equal(read_labels(tmp_path / "whole.tif").data, read_labels(tmp_path / "parts.tif").data)
    assert {k: v for k, v in whole.items() if k != "output"} == {k: v for k, v in parts.items() if k != "output"}


def test_ties_become_unlabelled_or_the_more_frequent_class(people, tmp_path):
    a = np.zeros((1, 4, 4), np.uint8)
    b = a.copy()
    a[0, 0], b[0, 1], a[0, 2], b[0, 2] = 1, 1, 1, 1
    files = people.saved(tmp_path, [a, b])
    report = fuse_files(files, tmp_path / "open.tif", method=MajorityVote(), ignore=255)
    assert read_labels(tmp_path / "open.tif").data[0, :, 0].tolist() == [255, 255, 1, 0] and report["undecided_voxels"] == 8
    fuse_files(files, tmp_path / "decided.tif", method=MajorityVote())
    assert read_labels(tmp_path / "decided.tif").data[0, :, 0].tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize(
    ("change", "more", "message"),
    [
        (lambda x: x * 255, {}, r"different labels \(.*\[0, 1\].*\[0, 255\].*classes=\[0, 1, 255\]"),
        (lambda x: x * 255, {"classes": [0, 1]}, r"uses the labels \[255\]"),
        (lambda x: x[1:], {}, r"shape \(4, 40, 44\).*shape \(3, 40, 44\)"),
        (lambda x: np.arange(x.size).reshape(x.shape) % 90, {}, "holds 90 labels.*numbers of objects"),
        (lambda x: x * 0, {}, "used different labels"),
    ],
)
def test_annotations_that_do_not_belong_together_are_refused(change, more, message, three, people, tmp_path):
    _, labels, _ = three
    (tmp_path / "bad").mkdir()
    files = people.saved(tmp_path / "bad", [labels[0], change(labels[1])])
    with pytest.raises(CellmlError, match=message):
        fuse_files(files, tmp_path / "c.tif", **more)
    assert not (tmp_path / "c.tif").exists() and not (tmp_path / "c.json").exists()


def test_other_mistakes(three, people, tmp_path):
    _, labels, files = three
    with pytest.raises(CellmlError, match="at least two label files"):
        fuse_files(files[:1], tmp_path / "c.tif")
    with pytest.raises(CellmlError, match="stands twice"):
        fuse_files([files[0], files[0]], tmp_path / "c.tif")
    for folder, spacing in (("wide", (30.0, 6.0, 6.0)), ("empty", people.SPACING)):
        (tmp_path / folder).mkdir()
        people.saved(tmp_path / folder, [labels[0] * 0, labels[1] * 0], spacing)
    with pytest.raises(CellmlError, match=r"\[30\.0, 5\.0, 5\.0\] nm.*\[30\.0, 6\.0, 6\.0\] nm"):
        fuse_files([files[0], str(tmp_path / "wide/annotator_1.tif")], tmp_path / "c.tif")
    with pytest.raises(CellmlError, match=r"hold only the label \[0\]"):
        fuse_files([str(tmp_path / f"empty/annotator_{n}.tif") for n in (0, 1)], tmp_path / "c.tif")


def test_a_class_that_one_annotator_never_saw_is_allowed_once_it_is_listed(three, people, tmp_path):
    _, labels, _ = three
    (tmp_path / "two").mkdir()
    files = people.saved(tmp_path / "two", [labels[0] * 2, labels[0]])
    report = fuse_files(files, tmp_path / "c.tif", classes=[0, 1, 2])
    assert set(report["annotators"][0]["classes"]) == {"0", "1", "2"} and report["pairs"][0]["dice"] == 0.0
