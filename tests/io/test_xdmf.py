from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import read_mesh, write_mesh
from cellml.types import TetMesh


def test_every_item_points_into_the_file_beside_it(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "cell.xdmf", point_data={"u": nested_mesh.points[:, 0], "v": nested_mesh.points})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cell.xdmf", "cell.xdmf.h5"]
    root = ElementTree.parse(tmp_path / "cell.xdmf").getroot()
    attributes = {each.get("Name"): (each.get("Center"), each.get("AttributeType")) for each in root.iter("Attribute")}
    assert attributes == {"u": ("Node", "Scalar"), "v": ("Node", "Vector"), "region": ("Cell", "Scalar"), "tag": ("Cell", "Scalar")}
    with h5py.File(tmp_path / "cell.xdmf.h5") as file:
        for item in root.iter("DataItem"):
            place, _, name = item.text.partition(":")
            assert place == "cell.xdmf.h5"
            assert file[name].shape == tuple(map(int, item.get("Dimensions").split()))
        # XDMF counts mixed cells: 6 and four corners for a tetrahedron, 4 and three for a triangle
        assert file["cells"][:5].tolist() == [6, *nested_mesh.tets[0]]
        assert file["cells"][-4:].tolist() == [4, *nested_mesh.facets[-1]]
        assert len(file["cells"]) == 5 * len(nested_mesh.tets) + 4 * len(nested_mesh.facets)


def test_a_lost_or_truncated_half_is_said(tmp_path: Path, nested_mesh: TetMesh) -> None:
    write_mesh(nested_mesh, tmp_path / "cell.xdmf")
    numbers = tmp_path / "cell.xdmf.h5"
    whole = numbers.read_bytes()
    numbers.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="truncated or damaged"):
        read_mesh(tmp_path / "cell.xdmf")
    numbers.unlink()
    with pytest.raises(FileError, match=r"cannot be read|keeps its numbers in .*cell\.xdmf\.h5"):
        read_mesh(tmp_path / "cell.xdmf")


def test_names_of_another_program_are_none(tmp_path: Path, nested_mesh: TetMesh) -> None:
    import meshio

    grid = meshio.Mesh(nested_mesh.points, [("tetra", nested_mesh.tets)], cell_data={"region": [nested_mesh.regions]})
    meshio.xdmf.write(tmp_path / "a.xdmf", grid)
    back = read_mesh(tmp_path / "a.xdmf")
    assert np.array_equal(back.regions, nested_mesh.regions)
    assert dict(back.region_names) == {}
