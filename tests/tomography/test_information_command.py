from __future__ import annotations

import csv

import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import read_volume, write_labels, write_volume
from cellml.tomography.information import global_inferred_share, inferred_share
from cellml.tomography.information_command import information_file
from cellml.tomography.information_record import read_record
from cellml.types import Labels, Volume

SPACING = (10.0, 10.0, 10.0)
TILTS = np.arange(-60, 61, 2.0)


def test_map_and_table_of_one_repair(tmp_path) -> None:
    volume = Volume(np.random.default_rng(0).normal(size=(12, 10, 16)).astype(np.float32), SPACING)
    objects = np.zeros(volume.shape, np.uint8)
    objects[2:5], objects[7:9, :4] = 1, 4
    write_volume(volume, tmp_path / "repaired.mrc")
    write_labels(Labels(objects, SPACING), tmp_path / "labels.tif")
    result = information_file(
        str(tmp_path / "repaired.mrc"),
        str(tmp_path / "map.mrc"),
        labels=str(tmp_path / "labels.tif"),
        table=str(tmp_path / "objects.csv"),
    )
    share = inferred_share(volume, TILTS)
    np.testing.assert_allclose(read_volume(tmp_path / "map.mrc").data, share.data, atol=1e-5)
    assert result["inferred_share"] == pytest.approx(global_inferred_share(volume, TILTS), abs=1e-6)
    with (tmp_path / "objects.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["label"], row["voxels"]) for row in rows] == [("1", "480"), ("4", "128")]
    assert float(rows[1]["inferred_share"]) == pytest.approx(float(share.data[objects == 4].mean()), abs=1e-4)


def test_an_ensemble_writes_where_it_disagrees(tmp_path) -> None:
    members = np.random.default_rng(1).normal(size=(3, 12, 6, 12)).astype(np.float32)
    for number, member in enumerate(members):
        write_volume(Volume(member, SPACING), tmp_path / f"{number}.mrc")
    result = information_file([str(tmp_path / f"{n}.mrc") for n in range(3)], str(tmp_path / "map.mrc"))
    assert result["members"] == 3
    np.testing.assert_allclose(read_volume(tmp_path / "map_deviation.mrc").data, members.std(axis=0, ddof=1), rtol=1e-4)
    np.testing.assert_allclose(read_volume(tmp_path / "map_mean.mrc").data, members.mean(axis=0), atol=1e-5)


def test_the_table_of_an_ensemble_says_where_it_disagrees_and_what_is_mostly_inferred(tmp_path) -> None:
    members = np.random.default_rng(1).normal(size=(2, 12, 6, 12)).astype(np.float32)
    for number, member in enumerate(members):
        write_volume(Volume(member, SPACING), tmp_path / f"{number}.mrc")
    write_labels(Labels(np.repeat([0, 5], 6)[:, None, None] * np.ones((12, 6, 12), np.uint8), SPACING), tmp_path / "labels.tif")
    files = {"labels": str(tmp_path / "labels.tif"), "table": str(tmp_path / "table.csv")}
    for limit, marked in ((0.0, "true"), (1.0, "false")):
        information_file([str(tmp_path / f"{n}.mrc") for n in range(2)], str(tmp_path / "map.mrc"), inferred_limit=limit, **files)
        (row,) = csv.DictReader((tmp_path / "table.csv").read_text().splitlines())
        assert row["label"] == "5" and row["mostly_inferred"] == marked
        assert float(row["deviation"]) == pytest.approx(members.std(axis=0, ddof=1)[6:].mean(), rel=1e-3)
    assert read_record(tmp_path / "table_information.json").limit == 1.0
    assert read_record(tmp_path / "map_information.json").deviation == str(tmp_path / "map_deviation.mrc")


def test_labels_and_table_belong_together(tmp_path) -> None:
    write_volume(Volume(np.zeros((8, 8, 8), np.float32), SPACING), tmp_path / "a.mrc")
    with pytest.raises(CellmlError, match="both of labels"):
        information_file(str(tmp_path / "a.mrc"), str(tmp_path / "map.mrc"), table=str(tmp_path / "t.csv"))
    with pytest.raises(CellmlError, match="wedge"):
        information_file(str(tmp_path / "a.mrc"), str(tmp_path / "map.mrc"), wedge=[-60, 60])


def test_tilt_series_and_wedges_turned_round_are_refused(tmp_path) -> None:
    write_volume(Volume(np.ones((8, 8, 8), np.float32), (1.0,) * 3), tmp_path / "tilts.st")
    with pytest.raises(CellmlError, match="is a tilt series .* where a volume is expected"):
        information_file(str(tmp_path / "tilts.st"), str(tmp_path / "share.mrc"))
    for wedge in ([60, -60, 2], [-60, 60, 0], [-60, 60]):
        with pytest.raises(CellmlError, match=r"wedge=.* must be the first tilt, the larger last"):
            information_file(str(tmp_path / "volume.mrc"), str(tmp_path / "share.mrc"), wedge)
