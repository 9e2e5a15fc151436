"""Objects are meshed from their boxes as they are from the whole volume."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from cellml.blocks.manifest import Manifest
from cellml.blocks.meshes import Box, Meshing, chosen, table_of
from cellml.blocks.workers import Outcome
from cellml.errors import CellmlError
from cellml.io import read_mesh, write_labels
from cellml.meshing.labels import mesh_labels
from cellml.types import Labels

OBJECTS = {"voxels": np.array([900, 5]), "low": np.array([[8, 0, 9], [0, 0, 0]]), "high": np.array([[20, 11, 21], [1, 1, 5]])}


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Labels]:
    z, y, x = np.ogrid[:30, :26, :28]
    data = np.zeros((30, 26, 28), np.uint32)
    data[(z - 14) ** 2 + (y - 4.0) ** 2 + (x - 15) ** 2 < 36] = 1  # is cut by the border at y = 0
    data[data.shape[0] - 1, 20:, 20:25] = 2
    found = Labels(data, (10.0, 10.0, 10.0), (5.0, 0.0, 0.0))
    path = tmp_path_factory.mktemp("labels") / "labels.zarr"
    write_labels(found, path)
    return path, found


def test_an_object_from_its_box_is_the_object_of_the_volume(labels: tuple[Path, Labels], tmp_path: Path) -> None:
    path, whole = labels
    where = np.argwhere(whole.data == 1)
    low, high = where.min(axis=0).tolist(), (where.max(axis=0) + 1).tolist()
    meshing = Meshing(str(path), tmp_path, {}, 10**6, Manifest.of(tmp_path, "mesh", {}))
    cells = meshing.prepare()(Box(1, len(where), tuple(low), tuple(high)), 1)
    found, expected = read_mesh(tmp_path / "1.vtu"), mesh_labels(whole, label=1).mesh
    assert cells["tetrahedra"] == len(found.tets) == len(expected.tets) and np.allclose(found.points, expected.points)
    assert "cut_y0" in set(found.facet_names.values()) and meshing.manifest.done(1) and (tmp_path / "1.json").is_file()


def test_what_cannot_be_meshed_is_said(labels: tuple[Path, Labels], tmp_path: Path) -> None:
    meshing = Meshing(str(labels[0]), tmp_path, {}, 500, Manifest.of(tmp_path, "mesh", {}))
    with pytest.raises(CellmlError, match=r"Object 1 lies in a box.*largest_box"):
        meshing.prepare()(Box(1, 900, (8, 0, 9), (20, 11, 21)), 1)


def test_objects_are_chosen_by_size_or_name() -> None:
    assert [box.label for box in chosen(OBJECTS, None, 100)] == [1] and [box.label for box in chosen(OBJECTS, [2], 100)] == [2]
    assert chosen(OBJECTS, None, 0)[1] == Box(2, 5, (0, 0, 0), (1, 1, 5))
    with pytest.raises(CellmlError, match="names 3, but the objects are numbered from 1 to 2"):
        chosen(OBJECTS, [3], 0)


def test_the_table_has_a_row_for_each(tmp_path: Path) -> None:
    manifest = Manifest.of(tmp_path, "mesh", {})
    manifest.commit_arrays(1, {"tetrahedra": np.array(77), "least_dihedral_deg": np.array(12.5)})
    text = table_of(chosen(OBJECTS, None, 0), {2: Outcome(1, None, "too\nsmall", 2, 1.5, 1.0)}, manifest)
    one, two = csv.DictReader(io.StringIO(text))
    assert (one["state"], one["tetrahedra"], one["reason"]) == ("ok", "77", "")
    assert (two["state"], two["reason"], two["wall_s"]) == ("failed", "too small", "1.5")
