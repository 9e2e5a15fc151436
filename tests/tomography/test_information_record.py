from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.tomography.inferred_spectrum import inferred_spectrum
from cellml.tomography.information_record import MapRecord, ObjectsRecord, read_record, record_path, write_record
from cellml.types import Volume


def a_map(folder: Path, outside: Path) -> MapRecord:
    volume = Volume(np.random.default_rng(0).normal(size=(8, 4, 8)).astype(np.float32), (10.0,) * 3)
    spectrum = inferred_spectrum(volume, np.full((8, 1, 5), 0.5, np.float32), rings=3, sectors=4)
    return MapRecord(
        map=str(folder / "map.ome.tif"), volume=f"{outside / 'all.npz'}:repaired", deviation="", members=1, tilts=[-60.0, 60.0],
        weighting="half", window_nm=[20.0] * 3, inferred_share=0.5, unmeasured_share=0.0, spectrum=spectrum,
    )  # fmt: skip


def test_records_of_maps_come_back_and_move_with_their_folder(tmp_path: Path) -> None:
    folder, outside = tmp_path / "run", tmp_path / "elsewhere"
    folder.mkdir()
    record = a_map(folder, outside)
    path = write_record(record)
    assert path == folder / "map_information.json" == record_path(record.map)
    shutil.move(folder, tmp_path / "moved")
    found = read_record(tmp_path / "moved" / path.name)
    assert isinstance(found, MapRecord) and found.map == str(tmp_path / "moved" / "map.ome.tif")
    assert found.volume == record.volume and (found.deviation, found.tilts) == ("", [-60.0, 60.0])
    np.testing.assert_allclose(found.spectrum.share, record.spectrum.share, atol=1e-4)


def test_records_of_objects_stand_beside_their_table(tmp_path: Path) -> None:
    record = ObjectsRecord(str(tmp_path / "l.npz:labels"), str(tmp_path / "map.mrc"), str(tmp_path / "t.csv"), 0.4)
    assert read_record(write_record(record)) == record and (tmp_path / "t_information.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"cellml": "Nothing"}', '{"cellml": "ObjectsRecord", "map": "x"}', '{"cellml": ["a"]}'])
def test_other_files_are_said_to_be_no_records(tmp_path: Path, text: str) -> None:
    (tmp_path / "x_information.json").write_text(text)
    with pytest.raises(FileError, match="no record of an information map"):
        read_record(tmp_path / "x_information.json")


def test_a_spectrum_of_another_size_is_refused(tmp_path: Path) -> None:
    path = write_record(a_map(tmp_path, tmp_path))
    path.write_text(path.read_text().replace('"radius": [\n', '"radius": [\n 0.0,\n', 1))
    with pytest.raises(FileError, match="energies of shapes"):
        read_record(path)
