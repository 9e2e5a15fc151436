from __future__ import annotations

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.report.summary import FactGroup, Summary, read_summary

from .conftest import ball


def test_meshes_come_in_the_order_of_their_numbers_truth_first(tmp_path):
    from cellml.io.meshes import write_mesh

    mesh = ball(1)
    for name in ("prediction_2", "truth_10", "truth_2", "cell"):
        write_mesh(mesh, tmp_path / f"{name}.vtu", point_data={"u": mesh.points[:, 0], "vector": mesh.points})
    found = RunFolder(tmp_path).meshes
    assert [(m.role, m.object_id) for m in found] == [("", "cell"), ("truth", "2"), ("prediction", "2"), ("truth", "10")]
    assert list(found[0].fields) == ["u"]
    np.testing.assert_array_equal(found[0].fields["u"], mesh.points[:, 0])
    assert found[0].certificate == {}


def test_a_summary_comes_back_from_its_file(run_copy):
    written = read_summary(run_copy / "summary.json")
    again = read_summary(written.write(run_copy))
    assert again == written
    assert isinstance(written.sections[0], FactGroup)
    assert written.timings[0].budget_seconds == 480.0


def test_numbers_of_numpy_and_paths_can_be_written(tmp_path):
    found = read_summary(Summary(seed=np.int64(3), machine={"memory": np.float32(0.5), "disk": tmp_path}).write(tmp_path))
    assert (found.seed, found.machine) == (3, {"memory": 0.5, "disk": str(tmp_path)})


def test_unknown_keys_are_ignored(tmp_path):
    (tmp_path / "summary.json").write_text(
        '{"title": "t", "colour": "red", "headline": [{"name": "n", "value": 1, "size": 2}]}', encoding="utf-8"
    )
    assert read_summary(tmp_path / "summary.json").headline[0].value == 1


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"sections": [{"facts": []}]}', '{"headline": [{"value": 1}]}', '{"title":'])
def test_a_damaged_summary_is_named(tmp_path, text):
    (tmp_path / "summary.json").write_text(text, encoding="utf-8")
    with pytest.raises(FileError, match=r"summary\.json is not a summary"):
        read_summary(tmp_path / "summary.json")


def test_absent_and_damaged_arrays_are_told_apart(run_copy):
    run = RunFolder(run_copy)
    assert run.voxels("truth", "labels").spacing == (20.0, 10.0, 10.0)
    with pytest.raises(AbsentError, match=r"no uncertainty\.npz"):
        run.voxels("uncertainty", "map")
    with pytest.raises(FileError, match=r"raw\.npz cannot be read.*labels"):
        run.voxels("raw", "labels")
    np.savez(run_copy / "raw.npz", raw=np.zeros((4, 4)), voxel_nm=np.ones(3))
    with pytest.raises(FileError, match=r"\(4, 4\)"):
        run.voxels("raw", "raw")
