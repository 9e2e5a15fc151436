from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import write_labels, write_volume
from cellml.report.document import build_report
from cellml.report.information_section import information_section
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.tomography.information_command import information_file
from cellml.types import Labels, Volume

SPACING = (10.0, 10.0, 10.0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two repairs, their map, and three objects of which those in the middle sections were inferred."""
    z = np.arange(24)[:, None, None]
    flat = np.where(np.abs(z - 12) < 3, 5 * np.cos(np.pi * z / 2), 0)  # varies along z alone, which no tilt sees
    rng = np.random.default_rng(0)
    for name in ("a", "b"):
        side = np.cos(np.arange(24) * np.pi / 2)[None, None, :] * (np.abs(z - 12) >= 3)
        data = flat + 4 * side + 0.1 * rng.normal(size=(24, 12, 24))
        write_volume(Volume(data.astype(np.float32), SPACING), tmp_path / f"{name}.mrc")
    labels = np.zeros((24, 12, 24), np.uint8)
    labels[1:8], labels[10:15], labels[17:23] = 1, 2, 3
    write_labels(Labels(labels, SPACING), tmp_path / "labels.tif")
    return tmp_path


def carried(folder: Path) -> None:
    information_file(
        [str(folder / "a.mrc"), str(folder / "b.mrc")], str(folder / "map.mrc"),
        labels=str(folder / "labels.tif"), table=str(folder / "labels_inferred.csv"),
    )  # fmt: skip


def test_a_report_shows_map_spectrum_and_objects(folder: Path) -> None:
    carried(folder)
    html = build_report(folder, folder / "report.html").read_text(encoding="utf-8")
    assert "Measured and inferred" in html and "map.mrc: map_mean.mrc" in html and "the mean of 2" in html
    assert "1 of 3 objects rest mostly on inferred structure" in html
    assert html.count("<figure>") == 3 and "Not drawn" not in html and "deviation (grey values)" in html
    rows = html[html.index('<tbody><tr><td class="text">2</td><td class="text">yes') :]
    assert rows.count('<td class="text">yes') == 1  # the inferred one stands first


def test_numbers_stay_where_a_file_of_the_pictures_is_gone(folder: Path, undrawn: None) -> None:
    carried(folder)
    (folder / "map.mrc").unlink()
    html = information_section(RunFolder(folder))
    assert html.count("Not drawn: There is no file") == 2 and "1 of 3 objects" in html and "energy that was inferred" in html


def test_objects_without_the_record_of_their_map_are_shown_too(folder: Path, undrawn: None) -> None:
    carried(folder)
    (folder / "map_information.json").unlink()
    html = information_section(RunFolder(folder))
    assert "1 of 3 objects" in html and "Not drawn" not in html and "energy that was inferred" not in html


def test_a_volume_of_another_shape_is_not_drawn_under_the_map(folder: Path, undrawn: None) -> None:
    carried(folder)
    write_labels(Labels(np.ones((3, 4, 5), np.uint8), SPACING), folder / "labels.tif")
    assert "they are not of one volume" in information_section(RunFolder(folder))


def test_folders_without_maps_have_no_section_and_other_files_are_said(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text("{}")
    with pytest.raises(AbsentError, match=r"^$"):
        information_section(RunFolder(tmp_path))
    (tmp_path / "x_information.json").write_text("{}")
    with pytest.raises(FileError, match="no record"):
        information_section(RunFolder(tmp_path))
