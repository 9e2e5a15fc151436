from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import read_surface, write_surface
from cellml.types import Surface

FORMS = (".off", ".ply", ".stl", ".obj")
EXACT = (".off", ".obj", ".ply")
CORNERS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1.0]]) * 1234.56789 / 3
FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
TETRAHEDRON = Surface(CORNERS, FACES, name="tetra")


@pytest.mark.parametrize("suffix", FORMS)
def test_a_surface_survives(tmp_path: Path, suffix: str) -> None:
    write_surface(TETRAHEDRON, tmp_path / f"a{suffix}")
    back = read_surface(tmp_path / f"a{suffix}")
    assert len(back.vertices) == 4
    assert back.volume() == pytest.approx(TETRAHEDRON.volume(), rel=1e-6)
    if suffix in EXACT:
        assert np.array_equal(back.vertices, CORNERS)
    if suffix != ".stl":
        assert np.array_equal(back.faces, FACES)


@pytest.mark.parametrize("suffix", FORMS)
def test_units_there_and_back(tmp_path: Path, suffix: str) -> None:
    write_surface(TETRAHEDRON, tmp_path / f"a{suffix}", unit="µm")
    assert read_surface(tmp_path / f"a{suffix}", unit="nm").volume() == pytest.approx(TETRAHEDRON.volume() * 1e-9, rel=1e-5)
    noted = 1.0 if suffix != ".stl" else 1e-9  # STL has no place for its unit
    assert read_surface(tmp_path / f"a{suffix}").volume() == pytest.approx(TETRAHEDRON.volume() * noted, rel=1e-5)
    assert read_surface(tmp_path / f"a{suffix}", unit="µm").volume() == pytest.approx(TETRAHEDRON.volume(), rel=1e-5)
    with pytest.raises(CellmlError, match="is no length"):
        read_surface(tmp_path / f"a{suffix}", unit="pixel")


@pytest.mark.parametrize("suffix", [".off", ".ply", ".obj"])
def test_nothing_is_merged_or_removed(tmp_path: Path, suffix: str) -> None:
    """Coinciding vertices, unused vertices and double faces are the file's own business."""
    points = np.vstack([CORNERS, CORNERS[:1], [[9, 9, 9]]])
    surface = Surface(points, np.vstack([FACES, FACES[:1], [[4, 2, 1]]]))
    write_surface(surface, tmp_path / f"a{suffix}")
    back = read_surface(tmp_path / f"a{suffix}")
    assert back.faces.shape == (6, 3)
    assert back.vertices.shape == (6, 3)


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("content", [b"", b"text", b"\x89PNG\r\n\x1a\n" * 30, np.random.default_rng(0).bytes(3000)])
def test_what_is_no_surface_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(FileError, match=r"empty|truncated or damaged|first bytes|no triangles|no surface"):
        read_surface(tmp_path / f"a{suffix}")


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("kept", [0.3, 0.6, 0.9])
def test_truncated_surfaces_are_said(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"a{suffix}"
    write_surface(TETRAHEDRON, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(FileError):
        read_surface(path)


def test_missing_and_unknown_files(tmp_path: Path) -> None:
    write_surface(TETRAHEDRON, tmp_path / "spine.off")
    with pytest.raises(FileError, match=r"Did you mean .*spine\.off"):
        read_surface(tmp_path / "spin.off")
    with pytest.raises(FileError, match=r"Known are \.off"):
        write_surface(TETRAHEDRON, tmp_path / "a.xyz")
