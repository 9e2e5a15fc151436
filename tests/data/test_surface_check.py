from __future__ import annotations

import numpy as np
import pytest

from cellml.data.command import check_file
from cellml.data.surface_check import is_surface_file, surface_findings
from cellml.io.surfaces import write_surface
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets, surface_topology
from cellml.types import Surface


def _box(shift=0.0) -> Surface:
    points, tets = body_centred_cubic(np.zeros(3), np.array([40.0, 40.0, 40.0]), np.ones((4, 4, 4), bool))
    return Surface(points + shift, boundary_facets(tets), name="box")


def _joined(a: Surface, b: Surface) -> Surface:
    return Surface(np.concatenate([a.vertices, b.vertices]), np.concatenate([a.faces, b.faces + len(a.vertices)]))


def _whats(surface: Surface) -> list[str]:
    return [finding.what for finding in surface_findings(surface, surface_topology(surface.faces))]


def test_a_closed_surface_has_no_finding(tmp_path, capsys):
    write_surface(_box(), tmp_path / "box.stl")
    assert check_file({"path": tmp_path / "box.stl"}) == []
    said = capsys.readouterr().out
    assert "1 parts, Euler number 2, 40 × 40 × 40 nm" in said.replace("\n", " ")
    assert "volume 6.4e-05 µm³" in said.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda s: Surface(s.vertices, s.faces[1:]), "The surface is open: 3 edges belong to one triangle only"),
        (lambda s: Surface(s.vertices, s.faces[:, ::-1]), "The surface is inside out: its volume is negative"),
        (
            lambda s: Surface(s.vertices, np.concatenate([s.faces[:1, ::-1], s.faces[1:]])),
            "Neighbouring triangles are oriented against each other",
        ),
        (lambda s: Surface(s.vertices, np.concatenate([s.faces, s.faces[:1]])), "3 edges belong to more than two triangles"),
        (lambda s: Surface(s.vertices / 1000, s.faces), "It measures 0.04 nm, which is no size of a part of a cell"),
        (lambda s: _joined(s, _box(15.0)), "pairs of triangles cross, overlap or touch"),
    ],
)
def test_each_fault_is_a_finding(change, what):
    assert any(what in said for said in _whats(change(_box())))


def test_two_parts_that_touch_in_a_point():
    tetrahedron = np.array([[0, 2, 1], [0, 1, 3], [1, 2, 3], [0, 3, 2]])
    points = 50.0 * np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [-1, 0, 0], [0, -1, 0], [0, 0, -1]])
    twin = np.where(tetrahedron == 0, 0, tetrahedron + 3)[:, ::-1]
    assert _whats(Surface(points, np.concatenate([tetrahedron, twin]))) == ["Parts of the surface touch in 1 points"]


def test_triangles_without_area_are_counted():
    box = _box()
    a, b, c = box.faces[0]
    vertices = np.concatenate([box.vertices, [(box.vertices[a] + box.vertices[b]) / 2]])
    new = len(box.vertices)
    faces = np.concatenate([box.faces[1:], [[a, new, c], [new, b, c], [a, b, new]]])
    assert "1 triangles have no area" in _whats(Surface(vertices, faces))


def test_suffixes():
    assert [is_surface_file(name) for name in ("a.stl", "a.OBJ", "a.vtu", "a.tif")] == [True, True, False, False]
