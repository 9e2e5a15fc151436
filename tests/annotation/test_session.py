from __future__ import annotations

import json

import numpy as np
import pytest

from cellml.annotation.edits import Edit, History, cost, read_log
from cellml.annotation.session import AnnotationSession
from cellml.annotation.session_files import scribbles_file
from cellml.errors import CellmlError, FileError
from cellml.io import read_labels
from cellml.types import Labels, Volume

SPACING = (40.0, 5.0, 5.0)
WHOLE = (slice(0, 4), slice(0, 32), slice(0, 40))


class Brightness:
    """A model that learns the mean grey value of each class: what a session needs of one, and no more."""

    def __init__(self, image):
        self.image = image.astype(float)

    def fit(self, voxels, classes):
        grey = self.image[tuple(voxels.T)]
        self.means = np.array([grey[classes == k].mean() for k in (0, 1)])

    def predict(self, region):
        distance = np.abs(self.image[region][None] - self.means[:, None, None, None])
        return (distance == distance.min(axis=0)).astype(np.float32)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self):
        self.now = 1.7e9

    def __call__(self):
        return self.now


def image():
    grey = np.full((4, 32, 40), 150, np.uint8)
    grey[1:3, 4:12, 4:14], grey[1:3, 18:28, 20:34] = 60, 60
    return Volume(grey, SPACING, name="volume")


def objects():
    data = np.zeros((4, 32, 40), np.uint16)
    data[1:3, 4:12, 4:14], data[1:3, 18:28, 20:27], data[1:3, 18:28, 27:34] = 1, 2, 3
    return Labels(data, SPACING)


def box(z, y, x):
    return np.stack(np.meshgrid(np.arange(*z), np.arange(*y), np.arange(*x), indexing="ij"), -1).reshape(-1, 3)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def session(tmp_path, clock):
    return AnnotationSession(image(), tmp_path / "s", labels=objects(), model=Brightness(image().data), clock=clock)


def test_scribble_retrain_predict_adopt(session):
    session.relabel(1, 0)
    session.scribble(box((1, 2), (0, 3), (0, 40)), 1)
    session.scribble(box((1, 2), (5, 7), (5, 12)), 2)
    assert session.retrain() >= 0
    np.testing.assert_array_equal(session.predict(WHOLE) == 2, image().data == 60)
    np.testing.assert_array_equal(session.prediction == 2, image().data == 60)
    assert session.adopt(WHOLE) == 1
    assert (session.labels[1:3, 4:12, 4:14] == 4).all()  # the other objects were there already


def test_objects_are_split_merged_relabelled_drawn_and_erased(session):
    assert session.merge([2, 3]) == 2 and set(np.unique(session.labels)) == {0, 1, 2}
    assert session.split(2, [np.array([[1, 20, 21]]), np.array([[1, 20, 33]])]) == [2, 3]
    assert (session.labels[1:3, 18:28, 20:34] > 0).all() and set(np.unique(session.labels)) == {0, 1, 2, 3}
    session.draw(box((0, 1), (0, 2), (0, 2)), session.new_label())
    session.draw(box((1, 2), (4, 6), (4, 6)), 0)
    session.relabel(3, 0)
    assert set(np.unique(session.labels)) == {0, 1, 2, 4} and session.labels[1, 4, 4] == 0
    assert dict(session.cost().edits) == {"merge": 1, "split": 1, "draw": 1, "erase": 1, "remove": 1}


def test_every_edit_can_be_taken_back_and_done_again(session):
    states = [(session.labels.copy(), session.scribbles.copy())]
    for act in (
        lambda: session.scribble(box((1, 2), (0, 3), (0, 9)), 1),
        lambda: session.merge([2, 3]),
        lambda: session.split(2, [np.array([[1, 20, 21]]), np.array([[1, 20, 33]])]),
        lambda: session.scribble(box((1, 2), (1, 2), (0, 9)), 0),
        lambda: session.relabel(1, 9),
    ):
        act()
        states.append((session.labels.copy(), session.scribbles.copy()))
    names = [session.undo() for _ in range(5)]
    assert names == ["relabel", "erase scribble", "split", "merge", "scribble"]
    np.testing.assert_array_equal(session.labels, states[0][0])
    assert not session.scribbles.any()
    for labels, scribbles in states[1:]:
        session.redo()
        np.testing.assert_array_equal(session.labels, labels)
        np.testing.assert_array_equal(session.scribbles, scribbles)
    with pytest.raises(CellmlError, match="nothing to redo"):
        session.redo()
    session.undo()
    session.draw(box((0, 1), (0, 1), (0, 1)), 7)
    with pytest.raises(CellmlError, match="nothing to redo"):
        session.redo()


def test_edits_are_counted_timed_and_logged(session, clock):
    for wait in (2.0, 5.0, 610.0):
        clock.now += wait
        session.scribble(box((1, 2), (2, 4), (3, 9)) + np.array([0, int(wait) % 7, 0]), 2)
    clock.now += 1.5
    session.undo()
    lines = [json.loads(line) for line in (session.folder / "edits.jsonl").read_text().splitlines()]
    assert [line["action"] for line in lines] == ["begin", "scribble", "scribble", "scribble", "undo"]
    assert lines[1] | {"time": ""} == {
        "number": 2, "time": "", "seconds": 2.0, "action": "scribble", "voxels": 12, "where": [[1, 2], [4, 6], [3, 9]], "value": 2
    }  # fmt: skip
    assert lines[1]["time"].startswith("2023-11-14T22:13:22")
    total = session.cost()
    assert total.seconds == 2 + 5 + 60 + 1.5 and total.undone == 1 and sum(total.edits.values()) == 3  # the coffee break is not counted
    assert "3 edits (3 scribble; 1 undone)" in str(total)


def test_what_changes_nothing_is_no_edit(session):
    session.scribble(box((1, 2), (2, 4), (3, 9)), 2)
    session.scribble(box((1, 2), (2, 4), (3, 9)), 2)
    assert sum(session.cost().edits.values()) == 1


def test_brush_strokes_of_a_window_are_taken_over(session):
    """A window paints into the layer by itself and then tells the session."""
    section = (slice(1, 2), slice(0, 32), slice(0, 40))
    session.labels[1, 4:6, 4:8] = 3
    assert session.absorb("labels", section) == 8 and session.absorb("labels", section) == 0
    session.scribbles[1, 0, 0:5] = 2
    assert session.absorb("scribbles", (slice(0, 1), slice(0, 32), slice(0, 40))) == 0  # another section
    assert session.absorb("scribbles", WHOLE) == 5
    session.labels[1, 4:6, 4:8] = 0
    session.absorb("labels", section)
    assert dict(session.cost().edits) == {"draw": 1, "scribble": 1, "erase": 1}
    assert [session.undo() for _ in range(3)] == ["erase", "scribble", "draw"]
    np.testing.assert_array_equal(session.labels, objects().data)
    assert not session.scribbles.any() and session.absorb("labels", WHOLE) == 0


def test_a_session_is_resumed_where_it_was_saved(session, tmp_path, clock):
    session.scribble(box((1, 2), (2, 4), (3, 9)), 2)
    session.merge([2, 3])
    session.decide(1, "accept")
    session.save(tmp_path / "labels.tif")
    session.relabel(1, 0)  # lost: the program ends without saving
    again = AnnotationSession(image(), tmp_path / "s", clock=clock)
    assert set(np.unique(again.labels)) == {0, 1, 2} and (again.scribbles > 0).sum() == 12 and again.decisions[1].verdict == "accept"
    assert again.log.entries[-1]["action"] == "resume" and again.log.entries[-1]["lost_entries"] == 1
    assert again.cost().edits["merge"] == 1
    np.testing.assert_array_equal(read_labels(tmp_path / "labels.tif").data, again.labels)
    scribbled = read_labels(scribbles_file(tmp_path / "labels.tif"))
    assert scribbled.kind == "semantic" and set(np.unique(scribbled.data)) == {1, 255} and scribbled.names[1] == "object"


def test_the_state_is_saved_by_itself_and_never_half(session, tmp_path, clock, monkeypatch):
    session.autosave = 2
    session.scribble(box((1, 2), (2, 4), (3, 9)), 2)
    assert not (tmp_path / "s/state.npz").exists()
    session.merge([2, 3])
    saved = (tmp_path / "s/state.npz").read_bytes()

    def broken(path, **_):
        path.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", broken)
    session.relabel(1, 0)
    with pytest.raises(FileError, match="no space is left"):
        session.relabel(2, 7)
    assert (tmp_path / "s/state.npz").read_bytes() == saved and not list((tmp_path / "s").glob(".part-*"))


def test_a_log_that_was_cut_off_is_read_up_to_its_last_whole_line(session, tmp_path, clock):
    session.scribble(box((1, 2), (2, 4), (3, 9)), 2)
    log = tmp_path / "s/edits.jsonl"
    log.write_text(log.read_text() + '{"number": 3, "act')
    assert len(read_log(log)) == 2
    AnnotationSession(image(), tmp_path / "s", clock=clock)
    assert [entry["action"] for entry in read_log(log)] == ["begin", "scribble", "resume"]
    log.write_text("{}\nnot json\n{}\n")
    with pytest.raises(FileError, match="line 2 is damaged"):
        read_log(log)


def test_old_edits_are_forgotten_before_memory_runs_out():
    history, flat = History(limit=25), np.arange(10)
    for number in range(4):
        history.add(Edit(f"edit {number}", "labels", flat, flat, flat))
    assert [history.undo().action for _ in range(2)] == ["edit 3", "edit 2"]
    with pytest.raises(CellmlError, match="nothing to undo"):
        history.undo()
    assert cost([]).seconds == 0


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda s: s.retrain(), "there are none yet"),
        (lambda s: (s.scribble(box((0, 1), (0, 2), (0, 2)), 1), s.retrain()), r"there are only \['background'\] yet"),
        (lambda s: s.predict(WHOLE), "Nothing is learned yet"),
        (lambda s: s.scribble(np.array([[4, 0, 0]]), 1), r"Voxel \[4, 0, 0\].*outside the image.*\(4, 32, 40\)"),
        (lambda s: s.scribble(np.zeros((0, 3)), 1), "No voxel"),
        (lambda s: s.scribble(np.array([[0, 0, 0]]), 3), "no class 3; classes are 1 to 2"),
        (lambda s: s.draw(np.array([[0, 0, 0]]), -1), "label is -1"),
        (lambda s: s.merge([2]), "at least two different"),
        (lambda s: s.split(2, [np.array([[1, 20, 21]])]), "at least two seeds"),
        (lambda s: s.relabel(99, 1), "no object 99"),
        (lambda s: s.decide(99, "accept"), "no object 99"),
        (lambda s: s.decide(1, "perhaps"), "must be accept or reject"),
        (lambda s: s.undo(), "nothing to undo"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(session, act, message):
    with pytest.raises(CellmlError, match=message):
        act(session)
    np.testing.assert_array_equal(session.labels, objects().data)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"labels": Labels(np.zeros((4, 32, 39), np.uint8), SPACING)}, r"\(4, 32, 40\) voxels but the labels have \(4, 32, 39\)"),
        (
            {"labels": Labels(np.zeros((4, 32, 40), np.uint8), (40.0, 5.0, 6.0))},
            r"voxels of \(40\.0, 5\.0, 5\.0\) nm.*\(40\.0, 5\.0, 6\.0\)",
        ),
        ({"labels": Labels(np.full((4, 32, 40), 2**40), SPACING)}, "above 2.32 - 1"),
        ({"classes": ["background"]}, "at least two different names"),
        ({"classes": ["a", "a"]}, "at least two different names"),
    ],
)
def test_sessions_that_cannot_begin(more, message, tmp_path):
    with pytest.raises(CellmlError, match=message):
        AnnotationSession(image(), tmp_path / "s", **more)
    assert not (tmp_path / "s").exists()


def test_sessions_that_cannot_be_resumed(session, tmp_path):
    session.save()
    with pytest.raises(CellmlError, match=r"about \(4, 32, 40\) voxels"):
        AnnotationSession(Volume(np.zeros((4, 32, 41), np.uint8), SPACING), tmp_path / "s")
    with pytest.raises(CellmlError, match=r"has the classes \['background', 'object'\], asked for are \['a', 'b', 'c'\]"):
        AnnotationSession(image(), tmp_path / "s", classes=["a", "b", "c"])
    with pytest.raises(CellmlError, match="axes CZYX"):
        AnnotationSession(Volume(np.zeros((2, 4, 32, 40), np.uint8), SPACING, axes="CZYX"), tmp_path / "other")
    (tmp_path / "s/state.npz").write_bytes(b"PK\x03\x04 no")
    with pytest.raises(FileError, match=r"state\.npz is damaged"):
        AnnotationSession(image(), tmp_path / "s")
