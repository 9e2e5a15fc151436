from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import meshio
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError, FileError
from cellml.io import membranes, read_mesh, write_mesh
from cellml.types import TetMesh

FORMS = (".vtu", ".xdmf", ".msh", ".xml", ".h5")
ORDERED = (".vtu", ".xdmf", ".msh")  # what dolfin reads keeps neither the order of facets nor that of corners


def _mesh(seed: int, *, facets: bool = True) -> TetMesh:
    """A few tetrahedra that share a corner, with awkward coordinates, regions and names."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1e4, (7, 3)) / 3
    tets = np.array([[0, 1, 2, 3], [0, 1, 2, 4], [3, 4, 5, 6]])
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    flipped = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    tets[flipped] = tets[flipped][:, [1, 0, 2, 3]]
    triangles = np.array([[0, 1, 2], [3, 4, 5]]) if facets else np.zeros((0, 3), np.int64)
    tags = np.array([7, 9])[: len(triangles)]
    return TetMesh(
        points,
        tets,
        np.array([1, 5, 5]),
        {1: "cytosol µ <&>", 5: "endoplasmic reticulum"},
        triangles,
        tags,
        {7: "membrane", 9: "cap"},
        name="spine",
    )


def _equal(one: TetMesh, other: TetMesh) -> None:
    for field in ("points", "tets", "regions", "facets", "facet_tags"):
        assert np.array_equal(getattr(one, field), getattr(other, field)), field
    _same(one, other)


def _same(one: TetMesh, other: TetMesh) -> None:
    """Equal but for the order of cells and corners."""
    assert np.array_equal(one.points, other.points)
    assert _cells(one.tets, one.regions) == _cells(other.tets, other.regions)
    assert _cells(one.facets, one.facet_tags) == _cells(other.facets, other.facet_tags)
    assert dict(one.region_names) == dict(other.region_names)
    assert dict(one.facet_names) == dict(other.facet_names)
    assert one.name == other.name


def _cells(cells: np.ndarray, numbers: np.ndarray) -> list[tuple[int, ...]]:
    return sorted((*sorted(cell), number) for cell, number in zip(cells.tolist(), numbers.tolist(), strict=True))


def _areas(mesh: TetMesh) -> dict[str, float]:
    return membranes(mesh).areas()


@pytest.mark.parametrize("suffix", FORMS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), facets=st.booleans())
def test_a_mesh_survives_exactly(tmp_path_factory: pytest.TempPathFactory, suffix: str, seed: int, facets: bool) -> None:
    path = tmp_path_factory.mktemp("mesh") / f"a{suffix}"
    mesh = _mesh(seed, facets=facets)
    write_mesh(mesh, path)
    (_equal if suffix in ORDERED else _same)(read_mesh(path), mesh)


@pytest.mark.parametrize(("suffix", "version"), [*((suffix, None) for suffix in FORMS), (".msh", "2.2"), (".msh", "4.1")])
@pytest.mark.parametrize("unit", [None, "µm"])
def test_volumes_areas_counts_and_names_survive(
    tmp_path: Path, nested_mesh: TetMesh, suffix: str, version: str | None, unit: str | None
) -> None:
    write_mesh(nested_mesh, tmp_path / f"a{suffix}", version=version, unit=unit)
    back = read_mesh(tmp_path / f"a{suffix}")
    assert back.region_volumes() == pytest.approx(nested_mesh.region_volumes(), rel=1e-12)
    assert _areas(back) == pytest.approx(_areas(nested_mesh), rel=1e-12)
    assert back.name == "spine"
    for found, wanted in ((back.regions, nested_mesh.regions), (back.facet_tags, nested_mesh.facet_tags)):
        assert np.array_equal(np.bincount(found), np.bincount(wanted))
    if unit is None:
        _same(back, nested_mesh)
    # Facets still point out of the region with the lower number: the flux of x through them is three times the volume inside.
    assert _flux(back) == pytest.approx(_flux(nested_mesh))


def _flux(mesh: TetMesh) -> list[float]:
    a, b, c = (mesh.points[mesh.facets[:, i]] for i in range(3))
    flux = np.einsum("ij,ij->i", a, np.cross(b, c))
    return [float(flux[mesh.facet_tags == tag].sum()) for tag in sorted(mesh.facet_names)]


@pytest.mark.parametrize("suffix", [".vtu", ".xdmf"])
def test_other_programs_find_region_tag_and_fields(tmp_path: Path, suffix: str) -> None:
    mesh, path = _mesh(0), tmp_path / f"a{suffix}"
    concentration, rate = np.linspace(0, 1, 7), np.array([0.1, 0.2, 0.3])
    write_mesh(mesh, path, point_data={"concentration": concentration}, cell_data={"rate": rate, "flag": np.arange(3)})
    grid = meshio.read(path)
    assert np.array_equal(grid.point_data["concentration"], concentration)
    assert grid.cell_data["region"][0].tolist() == [1, 5, 5]
    assert grid.cell_data["tag"][1].tolist() == [7, 9]
    assert np.array_equal(grid.cell_data["rate"][0], rate)
    assert np.isnan(grid.cell_data["rate"][1]).all()
    assert grid.cell_data["flag"][1].tolist() == [0, 0]
    _equal(read_mesh(path), mesh)


@pytest.mark.parametrize("suffix", FORMS)
def test_lengths_become_nm(tmp_path: Path, suffix: str) -> None:
    write_mesh(_mesh(0), tmp_path / f"a{suffix}")
    np.testing.assert_allclose(read_mesh(tmp_path / f"a{suffix}", unit="µm").points, _mesh(0).points * 1000)
    write_mesh(_mesh(0), tmp_path / f"b{suffix}", unit="µm")
    np.testing.assert_allclose(read_mesh(tmp_path / f"b{suffix}", unit="nm").points, _mesh(0).points / 1000)
    np.testing.assert_allclose(read_mesh(tmp_path / f"b{suffix}").points, _mesh(0).points)
    with pytest.raises(CellmlError, match=r"unit='parsec' .* is no length"):
        read_mesh(tmp_path / f"a{suffix}", unit="parsec")
    with pytest.raises(CellmlError, match=r"unit='parsec' .* is no length"):
        write_mesh(_mesh(0), tmp_path / f"c{suffix}", unit="parsec")
    assert not (tmp_path / f"c{suffix}").exists()


def test_a_foreign_mesh_is_one_region(tmp_path: Path) -> None:
    mesh = _mesh(0)
    meshio.vtu.write(tmp_path / "a.vtu", meshio.Mesh(mesh.points, [("tetra", mesh.tets), ("triangle", mesh.facets)]))
    back = read_mesh(tmp_path / "a.vtu")
    assert back.regions.tolist() == [1, 1, 1]
    assert len(back.facets) == 0


MSH_41 = """$MeshFormat
4.1 0 8
$EndMeshFormat
$PhysicalNames
2
2 3 "wall"
3 8 "cell"
$EndPhysicalNames
$Entities
0 0 1 1
1 0 0 0 1 1 0 1 3 0
1 0 0 0 1 1 1 1 8 1 1
$EndEntities
$Nodes
1 4 1 4
3 1 0 4
1
2
3
4
0 0 0
1 0 0
0 1 0
0 0 1
$EndNodes
$Elements
2 2 1 2
2 1 2 1
1 1 2 3
3 1 4 1
2 1 2 3 4
$EndElements
"""


def test_gmsh_4_1_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.msh").write_text(MSH_41)
    mesh = read_mesh(tmp_path / "a.msh", unit="µm")
    assert mesh.region_volumes() == {"cell": pytest.approx(1e9 / 6)}
    assert mesh.facets_named("wall").tolist() == [[0, 1, 2]]


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9])
def test_truncated_meshes_are_said(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    write_mesh(_mesh(0), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FileError, match=r"empty|truncated or damaged|no mesh that can be used"):
        read_mesh(path)


@pytest.mark.parametrize("suffix", FORMS)
def test_noise_and_other_kinds_are_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(FileError, match="truncated or damaged"):
        read_mesh(path)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" * 20)
    with pytest.raises(FileError, match="first bytes are those of PNG"):
        read_mesh(path)


def test_meshes_without_tetrahedra_and_unknown_suffixes(tmp_path: Path) -> None:
    meshio.vtu.write(tmp_path / "a.vtu", meshio.Mesh(np.eye(3), [("triangle", np.array([[0, 1, 2]]))]))
    with pytest.raises(FileError, match="has no tetrahedra; it holds triangle"):
        read_mesh(tmp_path / "a.vtu")
    with pytest.raises(FileError, match=r"Known are \.vtu, \.msh"):
        write_mesh(_mesh(0), tmp_path / "a.foo")
    with pytest.raises(FileError, match="holds surfaces, no tetrahedra"):
        read_mesh(tmp_path / "a.obj")
    with pytest.raises(FileError, match=r"Did you mean .*a\.vtu"):
        read_mesh(tmp_path / "b.vtu")


def test_inverted_tetrahedra_are_named(tmp_path: Path) -> None:
    meshio.vtu.write(tmp_path / "a.vtu", meshio.Mesh(np.vstack([np.zeros(3), np.eye(3)]), [("tetra", np.array([[1, 0, 2, 3]]))]))
    with pytest.raises(FileError, match=r"a\.vtu holds no mesh that can be used: .*inverted"):
        read_mesh(tmp_path / "a.vtu")


def test_data_of_another_length_is_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match="point_data 'c' has 3 entries, but 'spine' needs 7"):
        write_mesh(_mesh(0), tmp_path / "a.vtu", point_data={"c": np.zeros(3)})
    with pytest.raises(CellmlError, match=r"written to \.vtu and \.xdmf only"):
        write_mesh(_mesh(0), tmp_path / "a.msh", cell_data={"c": np.zeros(3)})
    for suffix in (".xml", ".h5"):
        with pytest.raises(CellmlError, match=r"not the data c; write \.vtu or \.xdmf"):
            write_mesh(_mesh(0), tmp_path / f"a{suffix}", point_data={"c": np.zeros(7)})
    with pytest.raises(CellmlError, match=r"no data of points and cells"):
        write_mesh(_mesh(0), tmp_path / "a.obj", point_data={"c": np.zeros(7)})
    with pytest.raises(CellmlError, match="for a region and for facets"):
        write_mesh(TetMesh(_mesh(0).points, _mesh(0).tets, [1, 1, 1], {1: "x"}, facet_names={2: "x"}), tmp_path / "a.msh")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMS)
def test_a_failing_disk_keeps_the_old_mesh(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch, contents: Callable[[Path], dict[str, bytes]]
) -> None:
    write_mesh(_mesh(0), tmp_path / f"a{suffix}")
    before = contents(tmp_path)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="no space is left"):
        write_mesh(_mesh(1), tmp_path / f"a{suffix}")
    assert contents(tmp_path) == before


def test_files_that_hold_no_tetrahedra_are_told_with_a_command(tmp_path: Path) -> None:
    for name, message in (
        ("a.off", r"cellml mesh input=\S*a\.off unit=µm output=a\.vtu` fills one with tetrahedra"),
        ("a.vtk", r"Known are \.vtu, \.msh, \.xdmf, \.xml, \.h5\. `meshio convert \S*a\.vtk \S*a\.vtu`"),
    ):
        (tmp_path / name).write_text("x")
        with pytest.raises(FileError, match=message):
            read_mesh(tmp_path / name)
