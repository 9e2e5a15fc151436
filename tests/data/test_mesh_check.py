from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.data.command import check_file
from cellml.data.mesh_check import is_mesh_file, mesh_findings
from cellml.errors import CellmlError, FileError
from cellml.io import write_labels, write_mesh
from cellml.io.surfaces import write_surface
from cellml.meshing.inspection import certify_mesh
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.topology import boundary_facets
from cellml.types import Labels, Surface, TetMesh


@pytest.fixture(scope="module")
def box() -> TetMesh:
    points, tets = body_centred_cubic(np.zeros(3), np.array([60.0, 40.0, 40.0]), np.ones((6, 4, 4), bool))
    facets = boundary_facets(tets)
    return TetMesh(points, tets, np.ones(len(tets)), {1: "box"}, facets, np.ones(len(facets)), {1: "membrane"}, name="box")


@pytest.fixture(scope="module")
def labels() -> Labels:
    return Labels(np.pad(np.ones((6, 4, 4), np.uint8), 1), (10.0, 10.0, 10.0), origin=(-5.0, -5.0, -5.0))


def _whats(found):
    return [f"{finding.severity}: {finding.what}" for finding in found]


def test_a_good_mesh_has_no_finding(box, labels, tmp_path, capsys):
    path, truth = tmp_path / "box.vtu", tmp_path / "labels.npz"
    write_mesh(box, path)
    write_labels(labels, truth)
    assert check_file({"path": str(path), "labels": None, "spacing_nm": None}) == []
    assert check_file({"path": str(path), "labels": f"{truth}:labels"}) == []
    said = capsys.readouterr().out
    assert "closed manifold" in said
    assert "Nothing wrong was found." in said


def test_against_its_surface(box, tmp_path):
    path, surface = tmp_path / "box.msh", tmp_path / "box.off"
    write_mesh(box, path)
    write_surface(Surface(box.points, boundary_facets(box.tets)), surface)
    assert check_file({"path": path, "labels": surface}) == []
    with pytest.raises(FileError, match="compared with labels or with a surface"):
        check_file({"path": path, "labels": path})


def test_what_differs_from_the_labels_is_found(box, labels, tmp_path):
    longer = np.zeros((12, 6, 6), np.uint8)
    longer[1:11, 1:5, 1:5] = 1
    longer[3, 3, 3] = 0
    path, truth = tmp_path / "box.vtu", tmp_path / "labels.npz"
    write_mesh(box, path)
    write_labels(replace(labels, data=longer), truth)
    found = check_file({"path": path, "labels": f"{truth}:labels"})
    assert _whats(found) == [
        "warning: The source has 1 components and Euler number 4, the mesh 1 and 2",
        "warning: The volume differs by -39.6 % from its source",
        "warning: 1 % of the boundary lies further than 4.00 voxels from its source",
    ]
    assert {f.where for f in found} == {"region box"}


def test_parts_that_are_not_joined_are_fatal(box, tmp_path):
    twice = TetMesh(
        np.concatenate([box.points, box.points + np.array([40.0, 0, 0])]),
        np.concatenate([box.tets, box.tets + len(box.points)]),
        np.ones(2 * len(box.tets)),
        name="twice",
    )
    write_mesh(twice, tmp_path / "twice.vtu")
    with pytest.raises(CellmlError, match=r"cannot be used: .* vertices lie in the middle .* pairs of membrane facets cross"):
        check_file({"path": tmp_path / "twice.vtu"})
    assert "note: The mesh has 2 parts that share no facet" in _whats(mesh_findings(certify_mesh(twice)))


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"inverted_tets": 2}, "fatal: 2 tetrahedra are inverted or flat in exact arithmetic"),
        ({"conforming": False}, "fatal: Some facets belong to more than two tetrahedra"),
        ({"dihedral_min_deg": 4.0, "tets_below_10_deg": 7}, "warning: 7 of 2976 tetrahedra have a dihedral angle below 10°"),
        ({"surface_angle_max_deg": 140.0}, "warning: 0 % of the angles of surface triangles lie outside 20–130°"),
        ({"other_branching_edges": 3}, "warning: Membranes branch at 3 edges where no three regions meet"),
        ({"membranes": {}}, "note: No facet has a name"),
    ],
)
def test_each_fault_is_a_finding(box, change, what):
    certificate = certify_mesh(box)
    found = _whats(mesh_findings(replace(certificate, **{"tets": 2976} | change)))
    assert found == [what]


def test_a_region_that_is_no_solid_is_a_finding(box):
    certificate = certify_mesh(box)
    broken = replace(certificate.regions["box"], manifold=False)
    assert _whats(mesh_findings(replace(certificate, regions={"box": broken}))) == ["warning: The boundary is not manifold"]


def test_hdf5_files_are_told_apart(box, tmp_path):
    write_mesh(box, tmp_path / "mesh.h5")
    write_labels(Labels(np.ones((4, 4, 4), int), (1.0, 1.0, 1.0)), tmp_path / "labels.h5")
    (tmp_path / "broken.h5").write_bytes(b"no hdf5")
    assert is_mesh_file(tmp_path / "mesh.h5")
    assert [is_mesh_file(tmp_path / name) for name in ("labels.h5", "broken.h5", "absent.h5", "image.tif")] == [False] * 4
    assert is_mesh_file("cell.VTU")
