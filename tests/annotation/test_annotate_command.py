from __future__ import annotations

import sys

import numpy as np
import pytest

from cellml.annotation.annotate_command import open_session
from cellml.errors import CellmlError
from cellml.io import read_labels, write_labels, write_volume
from cellml.types import Labels, Volume

SPACING = (40.0, 5.0, 5.0)


def opened(folder, **more):
    given = {
        "classes": ["background", "object"],
        "session": None,
        "scales_nm": [5.0, 20.0],
        "region": None,
        "autosave": 20,
        "spacing_nm": None,
    }
    return open_session(folder / "volume.tif", folder / "labels.tif", **{**given, **more})


@pytest.fixture
def folder(tmp_path):
    grey = np.random.default_rng(0).integers(60, 190, (4, 30, 40)).astype(np.uint8)
    write_volume(Volume(grey, SPACING), tmp_path / "volume.tif")
    return tmp_path


def test_a_session_from_files_learns_and_is_resumed(folder):
    labels = np.zeros((4, 30, 40), np.uint16)
    labels[1, 3:9, 3:9] = 7
    write_labels(Labels(labels, SPACING), folder / "labels.tif")
    session = opened(folder)
    assert session.labels.max() == 7 and session.folder == folder / "labels.session"
    session.scribble(np.array([[0, y, 5] for y in range(12)]), 1)
    session.scribble(np.array([[0, y, 25] for y in range(12)]), 2)
    session.retrain()
    assert set(np.unique(session.predict((slice(0, 1), slice(0, 30), slice(0, 40))))) <= {1, 2}
    session.save(folder / "labels.tif")
    assert (opened(folder).scribbles > 0).sum() == 24


def test_candidates_are_judged_in_the_session_and_accepted_by_command(cellml, folder):
    labels = np.zeros((4, 30, 40), np.uint16)
    labels[1, 3:9, 3:9], labels[1, 20:26, 20:26], labels[2, 3:9, 20:26] = 1, 2, 3
    write_labels(Labels(labels, SPACING), folder / "labels.tif")
    (folder / "labels.csv").write_text("label,decision\n2,reject\n3,\n")
    session = opened(folder)
    session.decide(1, "accept")
    session.save(folder / "labels.tif")
    assert cellml("accept", f"candidates={folder / 'labels.tif'}", f"output={folder / 'training.tif'}") == 0
    found = read_labels(folder / "training.tif").data
    assert [int(found[labels == n][0]) for n in (1, 2, 3)] == [1, 0, 255]


def test_a_region_of_the_image_without_labels(folder):
    session = opened(folder, region=[[1, 3], None, [10, 40]], session=folder / "elsewhere")
    assert session.labels.shape == (2, 30, 30) and session.image.origin == (40.0, 0.0, 50.0)
    session.save(folder / "labels.tif")
    with pytest.raises(CellmlError, match=r"\(4, 30, 40\) voxels but the labels have \(2, 30, 30\)"):
        opened(folder)


@pytest.mark.parametrize(
    ("more", "message"),
    [({"autosave": 0}, "autosave=0"), ({"region": [[0, 9], None, None]}, r"\[0, 9\] along z"), ({"scales_nm": []}, "scales_nm")],
)
def test_mistakes(more, message, folder):
    with pytest.raises(CellmlError, match=message):
        opened(folder, **more)


def test_a_session_that_another_window_has_open_is_left_alone(folder, monkeypatch):
    from cellml.annotation.annotate_command import annotate_file
    from cellml.io.alone import alone_in

    monkeypatch.setattr("cellml.annotation.view.require_napari", lambda: None)
    monkeypatch.setattr("cellml.annotation.view.open_window", lambda *_: pytest.fail("a second window was opened"))
    with alone_in(folder / "labels.session"), pytest.raises(CellmlError, match=r"Another process is working in .*labels\.session"):
        annotate_file(folder / "volume.tif", folder / "labels.tif")


def test_without_napari_the_remedy_is_named_and_nothing_is_begun(cellml, folder, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "napari", None)
    assert cellml("annotate", f"input={folder / 'volume.tif'}", f"labels={folder / 'labels.tif'}") == 2
    assert "pip install 'cellml[annotate]'" in capsys.readouterr().err
    assert not (folder / "labels.session").exists()
