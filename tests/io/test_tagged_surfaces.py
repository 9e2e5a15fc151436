from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError, FileError
from cellml.io import (
    TaggedSurface,
    compartments,
    membranes,
    read_surface,
    read_tagged_surfaces,
    write_membranes,
    write_mesh,
    write_tagged_surfaces,
)
from cellml.meshing.topology import surface_topology
from cellml.types import Surface, TetMesh

FORMS = (".mdl", ".obj", ".ply", ".stl", ".off")
SEVERAL = (".mdl", ".obj")
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]) * 1234.56789 / 3
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def _by_tag(tagged: TaggedSurface) -> dict[str, list[list[float]]]:
    """The corners of each named face, in order, first the lowest."""
    return {
        name: sorted(_rolled(corners) for corners in tagged.surface.vertices[tagged.surface.faces[tagged.tags == tag]].tolist())
        for tag, name in tagged.used.items()
    }


def _rolled(corners: list[list[float]]) -> list[list[float]]:
    first = corners.index(min(corners))
    return corners[first:] + corners[:first]


@pytest.mark.parametrize("suffix", FORMS)
def test_areas_volumes_and_names_of_a_mesh_survive(tmp_path: Path, nested_mesh: TetMesh, suffix: str) -> None:
    write_mesh(nested_mesh, tmp_path / f"a{suffix}")
    back = read_tagged_surfaces(tmp_path / f"a{suffix}")
    wanted = compartments(nested_mesh) if suffix == ".mdl" else [membranes(nested_mesh)]
    assert len(back) == len(wanted)
    for found, one in zip(back, wanted, strict=True):
        assert found.areas() == pytest.approx(one.areas(), rel=1e-12)
        assert found.surface.volume() == pytest.approx(one.surface.volume(), rel=1e-12)
        assert len(found.surface.vertices) == len(one.surface.vertices)
        assert suffix == ".stl" or found.surface.name == one.surface.name
        assert suffix == ".stl" or dict(found.names) == one.used
        assert {name: len(faces) for name, faces in _by_tag(found).items()} == {name: len(faces) for name, faces in _by_tag(one).items()}


@pytest.mark.parametrize("suffix", FORMS)
@settings(max_examples=15, deadline=None)
@given(
    tags=st.lists(st.integers(0, 3), min_size=4, max_size=4),
    names=st.lists(st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=6), min_size=3, max_size=3, unique=True),
)
def test_every_face_keeps_its_name(tmp_path_factory: pytest.TempPathFactory, suffix: str, tags: list[int], names: list[str]) -> None:
    path = tmp_path_factory.mktemp("surface") / f"a{suffix}"
    tagged = TaggedSurface(Surface(CORNERS, FACES, "cell µ"), np.array(tags), dict(enumerate(names, 1)))
    write_tagged_surfaces([tagged], path)
    (back,) = read_tagged_surfaces(path)
    assert {name: len(faces) for name, faces in _by_tag(back).items()} == {name: len(faces) for name, faces in _by_tag(tagged).items()}
    if suffix != ".mdl":  # µm and back costs the last digit
        assert _by_tag(back) == _by_tag(tagged)
    assert back.surface.volume() == pytest.approx(tagged.surface.volume())


@pytest.mark.parametrize("suffix", FORMS)
def test_names_that_look_alike_stay_apart(tmp_path: Path, suffix: str) -> None:
    tagged = TaggedSurface(Surface(CORNERS, FACES, "TOP"), np.array([1, 2, 3, 3]), {1: "a b", 2: "a_b", 3: "BOX"})
    write_tagged_surfaces([tagged], tmp_path / f"a{suffix}")
    (back,) = read_tagged_surfaces(tmp_path / f"a{suffix}")
    assert {name: len(faces) for name, faces in _by_tag(back).items()} == {"a b": 1, "a_b": 1, "BOX": 2}


@pytest.mark.parametrize("suffix", SEVERAL)
def test_several_surfaces_in_a_file(tmp_path: Path, nested_mesh: TetMesh, suffix: str) -> None:
    write_tagged_surfaces(compartments(nested_mesh), tmp_path / f"a{suffix}")
    cell, organelle = read_tagged_surfaces(tmp_path / f"a{suffix}")
    assert (cell.surface.name, organelle.surface.name) == ("cytosol", "endoplasmic reticulum")
    assert cell.surface.volume() == pytest.approx(300.0**3)
    assert organelle.areas() == pytest.approx(compartments(nested_mesh)[1].areas())


@pytest.mark.parametrize("suffix", [".ply", ".stl", ".off"])
def test_several_surfaces_where_one_fits_are_refused(tmp_path: Path, nested_mesh: TetMesh, suffix: str) -> None:
    with pytest.raises(CellmlError, match="holds one surface, not 2"):
        write_tagged_surfaces(compartments(nested_mesh), tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_compartments_are_closed_nested_and_share_no_face(nested_mesh: TetMesh) -> None:
    cell, organelle = compartments(nested_mesh)
    volumes = nested_mesh.region_volumes()
    assert cell.surface.volume() == pytest.approx(sum(volumes.values()))
    assert organelle.surface.volume() == pytest.approx(volumes["endoplasmic reticulum"])
    assert set(cell.used.values()) == {"PM", "PSD"}
    assert set(organelle.used.values()) == {"ERM"}
    for each in (cell, organelle):
        found = surface_topology(each.surface.faces)
        assert found.closed
        assert found.oriented
        assert found.manifold


def test_compartments_side_by_side_are_refused(tmp_path: Path, nested_mesh: TetMesh) -> None:
    halves = replace(nested_mesh, regions=np.where(nested_mesh.points[nested_mesh.tets].mean(axis=1)[:, 0] < 120, 1, 2))
    with pytest.raises(CellmlError, match=r"'endoplasmic reticulum' and 'cytosol' of 'spine' lie side by side: \d+ faces belong to both"):
        write_membranes(halves, tmp_path / "a.mdl")
    assert list(tmp_path.iterdir()) == []


def test_a_mesh_without_facets_has_its_boundary(nested_mesh: TetMesh) -> None:
    bare = TetMesh(nested_mesh.points, nested_mesh.tets, nested_mesh.regions)
    assert membranes(bare).areas() == pytest.approx({"boundary": 6 * 300.0**2})
    assert [each.surface.name for each in compartments(bare)] == ["region_1", "region_2"]


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl", ".off"])
def test_other_programs_read_the_triangles(tmp_path: Path, nested_mesh: TetMesh, suffix: str) -> None:
    write_mesh(nested_mesh, tmp_path / f"a{suffix}")
    loaded = trimesh.load_mesh(tmp_path / f"a{suffix}", process=False)
    assert loaded.area == pytest.approx(membranes(nested_mesh).surface.areas().sum())
    assert read_surface(tmp_path / f"a{suffix}").areas().sum() == pytest.approx(loaded.area)


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_said(tmp_path: Path, nested_mesh: TetMesh, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    write_mesh(nested_mesh, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FileError, match=r"a\.(mdl|obj|ply|stl|off) "):
        read_tagged_surfaces(path)


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("content", [b"text", b"\x89PNG\r\n\x1a\n" * 30, np.random.default_rng(0).bytes(3000)])
def test_other_kinds_are_said(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(FileError):
        read_tagged_surfaces(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", FORMS)
def test_units(tmp_path: Path, suffix: str) -> None:
    tagged = TaggedSurface(Surface(CORNERS, FACES), np.ones(4), {1: "PM"})
    write_tagged_surfaces([tagged], tmp_path / f"a{suffix}", unit="µm")
    assert read_tagged_surfaces(tmp_path / f"a{suffix}", unit="nm")[0].surface.volume() == pytest.approx(tagged.surface.volume() * 1e-9)
    assert read_tagged_surfaces(tmp_path / f"a{suffix}", unit="µm")[0].surface.volume() == pytest.approx(tagged.surface.volume())
    noted = 1.0 if suffix != ".stl" else 1e-9
    assert read_tagged_surfaces(tmp_path / f"a{suffix}")[0].surface.volume() == pytest.approx(tagged.surface.volume() * noted)
    with pytest.raises(CellmlError, match="is no length"):
        write_tagged_surfaces([tagged], tmp_path / f"b{suffix}", unit="inch")


def test_objects_and_groups_of_another_program(tmp_path: Path) -> None:
    text = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\no one\ng side\nf 1/1 2/2 3/3 4/4\no two\ng side\nf -5 -4 -1\ng top\nf 2//1 3//1 5//1\n"
    (tmp_path / "a.obj").write_text(text)
    one, two = read_tagged_surfaces(tmp_path / "a.obj")
    assert one.areas() == pytest.approx({"side": 1.0})
    assert two.areas() == pytest.approx({"side": 0.5, "top": np.sqrt(2) / 2})


def test_tags_of_another_length_are_refused() -> None:
    with pytest.raises(CellmlError, match="has 4 faces but 3 tags"):
        TaggedSurface(Surface(CORNERS, FACES), np.zeros(3))
