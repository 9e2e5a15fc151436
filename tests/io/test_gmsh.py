"""What other programs read in gmsh files."""

from __future__ import annotations

from pathlib import Path

import meshio
import numpy as np
import pytest

from cellml.errors import CellmlError
from cellml.io import read_mesh, write_mesh
from cellml.types import TetMesh


def _import_as_steps(path: Path) -> tuple[dict[int, list[float]], dict[str, int]]:
    """Nodes, and the number of triangles or tetrahedra by name, by the rules of STEPS's `importGmsh` (steps/utilities/meshio.py).

    Text of version 2.2 only; sections follow each other without a blank line; a name ends at the first blank; the first tag of an element
    is its physical group; the name of a group that has no elements is an error.
    """
    lines = path.read_text().splitlines()
    names, nodes, groups = {}, {}, {}
    at = 0
    while at < len(lines):
        section = lines[at]
        if section == "$MeshFormat":
            assert lines[at + 1].split()[:2] == ["2.2", "0"]
            assert lines[at + 2] == "$EndMeshFormat"
        elif section in ("$PhysicalNames", "$Nodes", "$Elements"):
            count = int(lines[at + 1])
            for line in lines[at + 2 : at + 2 + count]:
                words = line.split()
                if section == "$PhysicalNames":
                    names[int(words[0]), int(words[1])] = words[2].replace('"', "")
                elif section == "$Nodes":
                    nodes[int(words[0])] = [float(word) for word in words[1:4]]
                else:
                    dimension = {2: 2, 4: 3}[int(words[1])]
                    assert int(words[2]) == 2
                    assert all(int(node) in nodes for node in words[-dimension - 1 :])
                    key = (dimension, int(words[3]))
                    groups[key] = groups.get(key, 0) + 1
            at += 1 + count
            assert lines[at + 1] == section.replace("$", "$End")
        at += 1
    return nodes, {name: groups[key] for key, name in names.items()}


def test_steps_imports_regions_and_membranes(tmp_path: Path, nested_mesh: TetMesh) -> None:
    unused = TetMesh(
        nested_mesh.points,
        nested_mesh.tets,
        nested_mesh.regions,
        {**nested_mesh.region_names, 7: "nowhere"},
        nested_mesh.facets,
        nested_mesh.facet_tags,
        {**nested_mesh.facet_names, 8: "cut z0"},
    )
    write_mesh(unused, tmp_path / "a.msh")
    nodes, groups = _import_as_steps(tmp_path / "a.msh")
    assert np.array_equal(np.array([nodes[n + 1] for n in range(len(nodes))]), nested_mesh.points)
    tets, facets = np.bincount(nested_mesh.regions), np.bincount(nested_mesh.facet_tags)
    wanted = {"cytosol": tets[1], "endoplasmic_reticulum": tets[2], "PM": facets[1], "PSD": facets[5], "ERM": facets[10]}
    assert groups == wanted
    assert dict(read_mesh(tmp_path / "a.msh").facet_names) == {1: "PM", 5: "PSD", 10: "ERM", 8: "cut z0"}


@pytest.mark.parametrize("version", ["2.2", "4.1"])
def test_readers_of_gmsh_find_groups_and_fields(tmp_path: Path, nested_mesh: TetMesh, version: str) -> None:
    field = nested_mesh.points[:, :2].sum(axis=1)
    write_mesh(nested_mesh, tmp_path / "a.msh", version=version, point_data={"u": field, "v": nested_mesh.points})
    assert (tmp_path / "a.msh").read_bytes()[12:15] == version.encode()
    grid = meshio.gmsh.read(tmp_path / "a.msh")
    np.testing.assert_array_equal(np.ravel(grid.point_data["u"]), field)
    np.testing.assert_array_equal(grid.point_data["v"], nested_mesh.points)
    assert {name: tuple(found) for name, found in grid.field_data.items() if "_" not in name and " " not in name} == {
        "cytosol": (1, 3),
        "PM": (1, 2),
        "PSD": (5, 2),
        "ERM": (10, 2),
    }


def test_what_gmsh_has_no_place_for_is_refused(tmp_path: Path, nested_mesh: TetMesh) -> None:
    def changed(**fields: object) -> TetMesh:
        values = {"regions": nested_mesh.regions, "region_names": nested_mesh.region_names, **fields}
        return TetMesh(nested_mesh.points, nested_mesh.tets, **values)

    with pytest.raises(CellmlError, match=r"version='4.0' is no version of MSH"):
        write_mesh(nested_mesh, tmp_path / "a.msh", version="4.0")
    with pytest.raises(CellmlError, match=r"chooses between versions of \.msh"):
        write_mesh(nested_mesh, tmp_path / "a.vtu", version="4.1")
    with pytest.raises(CellmlError, match="numbered 0; gmsh files need numbers from 1"):
        write_mesh(changed(regions=nested_mesh.regions - 1), tmp_path / "a.msh")
    for name in ('a"b', "a\nb"):
        with pytest.raises(CellmlError, match="no quotation marks and line ends"):
            write_mesh(changed(region_names={1: name}), tmp_path / "a.msh")
    assert list(tmp_path.iterdir()) == []
