from __future__ import annotations

import csv

import numpy as np
import pytest

from cellml.annotation.candidates import Decision, candidate_table, read_decisions, training_labels
from cellml.errors import CellmlError
from cellml.io import read_labels, write_labels, write_volume
from cellml.types import Labels, Volume

SPACING = (40.0, 5.0, 5.0)


def objects():
    """Three bars; the third is bent, so that its centroid lies outside."""
    data = np.zeros((4, 30, 30), np.uint8)
    data[1:3, 3:9, 3:12] = 1
    data[1:3, 15:20, 3:12] = 2
    data[1, 22:28, 15:28], data[1, 22:26, 19:24] = 4, 0
    return Labels(data, SPACING, name="candidates")


ACCEPT, REJECT = Decision("accept"), Decision("reject")


def test_the_table_has_a_row_for_each_candidate_largest_first():
    image = Volume(np.where(objects().data == 2, 50, 100).astype(np.uint8), SPACING)
    rows = list(csv.DictReader(candidate_table(objects(), image).splitlines()))
    assert [row["label"] for row in rows] == ["1", "2", "4"] and {row["decision"] for row in rows} == {""}
    first, second, third = rows
    assert (first["z0"], first["z1"], first["y0"], first["y1"], first["x0"], first["x1"]) == ("1", "3", "3", "9", "3", "12")
    assert float(first["um3"]) == pytest.approx(2 * 6 * 9 * 40 * 25e-9) and second["mean_grey"] == "50.0"
    assert objects().data[int(third["z"]), int(third["y"]), int(third["x"])] == 4


def test_accepted_become_their_class_rejected_background_and_the_rest_is_unlabelled():
    labels = training_labels(objects(), {1: Decision("accept", 3), 2: REJECT})
    data, candidates = labels.data, objects().data
    assert labels.kind == "semantic" and data.dtype == np.uint8
    assert (data[candidates == 1] == 3).all() and (data[candidates == 2] == 0).all()
    assert (data[(candidates == 0) | (candidates == 4)] == 255).all()


def test_a_shell_around_accepted_objects_is_background():
    labels = training_labels(objects(), {1: ACCEPT}, shell_nm=12.0)
    data = labels.data
    assert data[1, 3 - 2, 5] == 0 and data[1, 3 - 3, 5] == 255  # two pixels of 5 nm
    assert data[0, 5, 5] == 255  # the next section is 40 nm away
    assert (data[objects().data == 2] == 255).all()


def test_rejected_ones_can_be_left_out():
    labels = training_labels(objects(), {1: ACCEPT, 2: REJECT}, rejected_is_background=False, shell_nm=10.0)
    assert (labels.data[objects().data == 2] == 255).all()


def test_earlier_labels_remain_where_nothing_new_was_decided():
    first = training_labels(objects(), {1: ACCEPT, 2: REJECT})
    second = training_labels(objects(), {2: ACCEPT, 4: REJECT}, onto=first)
    candidates = objects().data
    assert [int(second.data[candidates == label][0]) for label in (1, 2, 4)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("decisions", "more", "message"),
    [
        ({1: ACCEPT}, {}, "hold only .1. besides 255.*no background: reject some"),
        ({1: REJECT}, {}, "no object: accept some"),
        ({}, {}, r"hold only \[\]"),
        ({1: ACCEPT, 9: REJECT}, {}, r"the labels \[9\], which 'candidates' does not have"),
        ({1: Decision("accept", 255), 2: REJECT}, {}, "Class 255 is the mark"),
        ({1: ACCEPT, 2: REJECT}, {"onto": Labels(np.zeros((4, 30, 29), np.uint8), SPACING)}, r"\(4, 30, 29\).*\(4, 30, 30\)"),
        ({1: ACCEPT, 2: REJECT}, {"onto": Labels(np.zeros((4, 30, 30), np.uint8), (30.0, 5.0, 5.0))}, r"30\.0, 5\.0"),
    ],
)
def test_decisions_that_nothing_can_learn_from_are_refused(decisions, more, message):
    with pytest.raises(CellmlError, match=message):
        training_labels(objects(), decisions, **more)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,verdict\n1,accept\n", r"columns \['label', 'verdict'\]"),
        ("", "columns \\[\\]"),
        ("label,decision\n1,maybe\n", "line 2: the decision 'maybe' is unknown"),
        ("label,decision\n1,accept\n1,reject\n", "line 3: there is a second decision about label 1"),
        ("label,decision\n0,accept\n", "line 2: label is '0'"),
        ("label,decision,class\n1,accept,-2\n", "line 2: class is '-2'"),
    ],
)
def test_bad_tables_are_refused(text, message, tmp_path):
    (tmp_path / "d.csv").write_text(text)
    with pytest.raises(CellmlError, match=message):
        read_decisions(tmp_path / "d.csv")


def test_a_table_from_a_spreadsheet(tmp_path):
    (tmp_path / "d.csv").write_text("\ufefflabel,decision,class\r\n1,Accept,\r\n2, r ,\r\n3,,\r\n4,YES,2\r\n", encoding="utf-8")
    assert read_decisions(tmp_path / "d.csv") == {1: ACCEPT, 2: REJECT, 4: Decision("accept", 2)}
    with pytest.raises(CellmlError, match="no table of decisions"):
        read_decisions(tmp_path / "none.csv")


# The loop by commands: recipe, decisions, labels, training


def scene(seed=0):
    """Dark bodies, and darker thin ones that nobody wants, (16, 64, 96)."""
    z, y, x = np.indices((16, 64, 96))
    truth, wrong = np.zeros(z.shape, bool), np.zeros(z.shape, bool)
    for c in ((4, 16, 20), (10, 44, 30), (6, 20, 70), (11, 46, 76)):
        truth |= (z - c[0]) ** 2 + (y - c[1]) ** 2 + (x - c[2]) ** 2 < 36
    wrong[:, 30:33, 5:60], wrong[:, 5:60, 48:51] = True, True
    grey = np.where(truth, 70, np.where(wrong, 60, 160)) + np.random.default_rng(seed).normal(0, 6, z.shape)
    return grey.astype(np.uint8), truth, wrong


RECIPE = """
dark: {_target_: cellml.annotation.thresholds.OtsuThreshold}
objects: {_target_: cellml.annotation.objects.Components}
size: {_target_: cellml.annotation.objects.SizeFilter, min_um3: 1.0e-4}
"""


def test_the_accept_reject_loop_ends_in_labels_that_train_a_network(cellml, tmp_path, monkeypatch, capsys):
    from cellml.checkpoint import load

    monkeypatch.chdir(tmp_path)
    grey, truth, wrong = scene()
    write_volume(Volume(grey, (10.0, 10.0, 10.0)), "volume.tif")
    (tmp_path / "dark.yaml").write_text(RECIPE)
    assert cellml("recipe", "recipe=dark.yaml", "input=volume.tif", "output=candidates.tif", "changes={size.min_um3: 2.0e-4}") == 0
    assert "5 candidates" in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "candidates.csv").read_text().splitlines()))
    for row in rows:
        place = int(row["z"]), int(row["y"]), int(row["x"])
        row["decision"] = "accept" if truth[place] else "reject" if wrong[place] else ""
    with (tmp_path / "candidates.csv").open("w") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    assert cellml("accept", "candidates=candidates.tif", "output=training.tif", "shell_nm=30") == 0
    assert "4 accepted, 1 rejected" in capsys.readouterr().out
    labels = read_labels("training.tif").data
    assert (labels[truth & (labels != 255)] == 1).mean() > 0.99 and (labels == 255).mean() > 0.5
    assert cellml("recipe", "recipe=dark.yaml", "input=volume.tif", "output=candidates.tif") == 2  # decisions are not overwritten
    assert "candidates.csv exists" in capsys.readouterr().err
    training = [
        "task=semantic",
        "data=fib25",
        "data.path=volume.tif",
        "data.labels=training.tif",
        "data.ignore=255",
        "data.train=[{region: {x: [0, 44]}}]",
    ]
    training += ["data.val=[{region: {x: [52, 96]}}]", "data.patch=[16,16,16]", "data.patches_per_epoch=3", "data.guard=4"]
    training += ["task.net.widths=[2,4]", "task.net.fine_channels=2", "data.min_labelled=0"]
    training += ["training.max_steps=3", "training.validations=1", "training.precision=32-true", "hydra.run.dir=run", "seed=0"]
    assert cellml("train", *training) == 0
    assert load(tmp_path / "run/model.ckpt").contract["spacing_nm"] == [10.0, 10.0, 10.0]


def test_mistakes_with_the_commands(cellml, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_volume(Volume(scene()[0], (10.0, 10.0, 10.0)), "volume.tif")
    (tmp_path / "none.yaml").write_text("dark: {_target_: cellml.annotation.thresholds.GreyRange, high: 3}")
    for words, message in [
        (["recipe", "recipe=none.yaml", "input=volume.tif", "output=c.tif"], "found no object in volume.tif"),
        (["recipe", "recipe=nothing", "input=volume.tif", "output=c.tif"], "one of the shipped"),
        (["accept", "candidates=c.tif", "output=t.tif"], "no table of decisions c.csv"),
        (["accept", "candidates=c.tif", "output=t.tif", "rejected=maybe"], "write background or ignore"),
    ]:
        assert cellml(*words) == 2
        assert message in capsys.readouterr().err
    write_labels(objects(), "c.tif")
    (tmp_path / "c.csv").write_text(candidate_table(objects()))
    assert cellml("accept", "candidates=c.tif", "output=t.tif", "shell_nm=30") == 2
    assert "c.csv decides nothing: its column decision is empty in every row" in capsys.readouterr().err
    assert not (tmp_path / "t.tif").exists()
