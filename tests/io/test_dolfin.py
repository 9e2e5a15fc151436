"""The layout that legacy dolfin 2019 reads, as it was found by reading these files with dolfin itself."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import membranes, read_mesh, write_mesh
from cellml.io.mesh_functions import facet_function, outward, positive
from cellml.types import TetMesh


def _areas_by_value(points: np.ndarray, facets: np.ndarray, values: np.ndarray) -> dict[int, float]:
    a, b, c = (points[facets[:, i]] for i in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    return {int(value): float(area[values == value].sum()) for value in np.unique(values) if value > 0}


WANTED = pytest.approx({1: 450_000.0, 5: 90_000.0}, rel=1e-9)


def test_hdf5_is_laid_out_as_smart_reads_it(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert set(file) == {"mesh", "mf2", "mf3"}
        topology = file["mesh/topology"]
        # dolfin asks for a string of fixed length
        assert topology.attrs.get_id("celltype").get_type().is_variable_str() is False
        assert topology.attrs["celltype"] == b"tetrahedron"
        assert file["mf2/topology"].attrs["celltype"] == b"triangle"
        for group, cells in (("mf3", nested_mesh.tets), ("mf2", facet_function(nested_mesh).facets)):
            assert file[group]["topology"].shape == cells.shape
            assert file[group]["values"].dtype == np.uint64
            assert file[group]["values"].shape == (len(cells),)
            assert file[group]["coordinates"].shape == nested_mesh.points.shape
        areas = _areas_by_value(file["mesh/coordinates"][...], file["mf2/topology"][...], file["mf2/values"][...])
        assert {tag: areas[tag] for tag in (1, 5)} == WANTED
        assert areas[10] == pytest.approx(membranes(nested_mesh).areas()["ERM"])


def test_what_dolfin_writes_is_read(tmp_path: Path, nested_mesh: TetMesh) -> None:
    """No names, corners in ascending order, values that were never set filled with the largest number."""
    function = facet_function(nested_mesh)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["mesh/coordinates"], file["mesh/topology"] = nested_mesh.points, np.sort(nested_mesh.tets, axis=1)
        file["mf3/values"] = nested_mesh.regions.astype(np.uint64)
        file["mf2/topology"] = np.sort(function.facets, axis=1)
        file["mf2/values"] = np.where(function.values > 0, function.values, 2**64 - 1).astype(np.uint64)
    back = read_mesh(tmp_path / "a.h5")
    assert list(back.region_volumes().values()) == pytest.approx(list(nested_mesh.region_volumes().values()))
    assert {tag: _areas_by_value(back.points, back.facets, back.facet_tags)[tag] for tag in (1, 5)} == WANTED
    with h5py.File(tmp_path / "a.h5", "a") as file:
        del file["mf2"], file["mf3"]
    assert (read_mesh(tmp_path / "a.h5").regions == 1).all()


def test_xml_markers_and_mesh_functions_agree(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "a.xml")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.xml", "a_facet_region.xml", "a_physical_region.xml"]
    inside = _markers(tmp_path / "a.xml", 2)
    function = _markers(tmp_path / "a_facet_region.xml", 2)
    assert inside == {key: value for key, value in function.items() if value}
    assert len(function) == len(facet_function(nested_mesh).facets)
    assert _markers(tmp_path / "a.xml", 3) == _markers(tmp_path / "a_physical_region.xml", 3)
    # dolfin: local facet i of a cell with ascending corners lies opposite to corner i
    tets = np.sort(nested_mesh.tets, axis=1)
    facets = np.array([np.delete(tets[cell], local) for cell, local in inside])
    areas = _areas_by_value(nested_mesh.points, facets, np.array(list(inside.values())))
    assert {tag: areas[tag] for tag in (1, 5)} == WANTED


def test_xml_falls_back_on_the_files_beside_it(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "a.xml")
    tree = ElementTree.parse(tmp_path / "a.xml")
    mesh = tree.getroot().find("mesh")
    mesh.remove(mesh.find("domains"))
    tree.write(tmp_path / "a.xml")
    back = read_mesh(tmp_path / "a.xml")
    assert np.array_equal(back.regions, nested_mesh.regions)
    assert np.array_equal(np.bincount(back.facet_tags), np.bincount(nested_mesh.facet_tags))
    (tmp_path / "a_facet_region.xml").write_text('<dolfin><mesh_function type="uint" dim="2" size="0"/></dolfin>')
    with pytest.raises(FileError, match="no mesh_value_collection of dimension 2"):
        read_mesh(tmp_path / "a.xml")


def _markers(path: Path, dimension: int) -> dict[tuple[int, int], int]:
    keys = ("cell_index", "local_entity", "value")
    for collection in ElementTree.parse(path).getroot().iter("mesh_value_collection"):
        if collection.get("dim") == str(dimension):
            rows = [[int(value.get(key)) for key in keys] for value in collection]
            assert len(rows) == int(collection.get("size"))
            return {(cell, local): value for cell, local, value in rows}
    raise AssertionError(dimension)


@pytest.mark.parametrize("suffix", [".xml", ".h5"])
def test_what_a_mesh_function_cannot_hold_is_refused(tmp_path: Path, nested_mesh: TetMesh, suffix: str) -> None:
    def changed(facets: np.ndarray, tags: np.ndarray) -> TetMesh:
        return TetMesh(nested_mesh.points, nested_mesh.tets, nested_mesh.regions, {}, facets, tags)

    path, facets, tags = tmp_path / f"a{suffix}", nested_mesh.facets, nested_mesh.facet_tags
    with pytest.raises(CellmlError, match="tag 0; mesh functions need tags from 1"):
        write_mesh(changed(facets, tags - 1), path)
    with pytest.raises(CellmlError, match="2 facets .* have two tags"):
        write_mesh(changed(np.concatenate([facets, facets[:2, ::-1]]), np.concatenate([tags, [99, 98]])), path)
    loose = np.concatenate([facets, [[0, 1, len(nested_mesh.points) - 1]]])
    with pytest.raises(CellmlError, match=r"1 tagged triangles .* are no facets"):
        write_mesh(changed(loose, np.append(tags, 3)), path)
    assert list(tmp_path.iterdir()) == []


def test_orientation_is_restored(nested_mesh: TetMesh) -> None:
    tets = positive(nested_mesh.points, np.sort(nested_mesh.tets, axis=1))
    assert (TetMesh(nested_mesh.points, tets, nested_mesh.regions).volumes() > 0).all()
    turned = outward(tets, nested_mesh.regions, np.sort(nested_mesh.facets, axis=1))
    rolled = {tuple(np.roll(facet, -int(np.argmin(facet)))) for facet in turned.tolist()}
    assert rolled == {tuple(np.roll(facet, -int(np.argmin(facet)))) for facet in nested_mesh.facets.tolist()}


def test_other_files_of_these_suffixes_are_said(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["labels"] = np.zeros(3)
    with pytest.raises(FileError, match=r"no /mesh/topology and /mesh/coordinates; it holds labels"):
        read_mesh(tmp_path / "a.h5")
    (tmp_path / "a.xml").write_text("<html><p/></html>")
    with pytest.raises(FileError, match="holds <html>, no mesh of dolfin"):
        read_mesh(tmp_path / "a.xml")
    (tmp_path / "b.xml").write_text('<dolfin><mesh celltype="triangle" dim="2"/></dolfin>')
    with pytest.raises(FileError, match="cells of kind 'triangle', no tetrahedra"):
        read_mesh(tmp_path / "b.xml")
