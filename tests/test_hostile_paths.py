"""Names of things that are no files: readers wait for no pipe, and say of a folder that it is one."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, open_tilts, read_labels, read_mesh, read_surface, read_tagged_surfaces, read_volume, write_volume
from cellml.io.mdoc import read_mdoc
from cellml.io.npz import read_arrays
from cellml.io.tilt_angles import read_angles
from cellml.sim.imports.reading import read_document
from cellml.types import Volume

IMAGES = (".tif", ".mrc", ".npz", ".h5", ".nii", ".nii.gz", ".zarr")
READERS: list[tuple[str, Callable[[Path], Any]]] = [
    *((suffix, lambda path: read_volume(path, spacing_nm=(1, 1, 1))) for suffix in IMAGES),
    (".h5", read_labels),
    *((suffix, read_mesh) for suffix in (".vtu", ".msh", ".xdmf", ".xml", ".h5")),
    *((suffix, read_surface) for suffix in (".obj", ".ply", ".stl", ".off")),
    (".mdl", read_tagged_surfaces),
    *((suffix, open_tilts) for suffix in (".st", ".tif", ".h5")),
    (".tlt", read_angles),
    (".mdoc", read_mdoc),
    (".npz", read_arrays),
    (".xml", read_document),
    (".ant", read_document),
]
NAMES = [f"{n}{suffix}" for n, (suffix, _) in enumerate(READERS)]


@pytest.mark.parametrize(("suffix", "read"), READERS, ids=NAMES)
def test_pipes_are_not_waited_for(suffix: str, read: Callable[[Path], Any], tmp_path: Path) -> None:
    os.mkfifo(tmp_path / f"a{suffix}")
    with pytest.raises(FileError, match="is not a regular file but a pipe, a device or a socket"):
        read(tmp_path / f"a{suffix}")


@pytest.mark.parametrize(("suffix", "read"), [one for one in READERS if one[0] != ".zarr"], ids=[n for n in NAMES if "zarr" not in n])
def test_a_folder_is_called_one(suffix: str, read: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").mkdir()
    with pytest.raises(FileError, match="is a folder"):
        read(tmp_path / f"a{suffix}")


def test_devices_and_sockets_are_no_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zero.tif").symlink_to("/dev/zero")
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket.tif")
        for name in ("zero.tif", "socket.tif"):
            with pytest.raises(FileError, match=f"{name} is not a regular file"):
                open_image(name)


def test_a_file_is_not_written_in_place_of_a_folder(tmp_path: Path) -> None:
    import numpy as np

    (tmp_path / "a.tif").mkdir()
    with pytest.raises(FileError, match="is a folder, and .tif is the suffix of a file"):
        write_volume(Volume(np.zeros((2, 3, 4), np.uint8), (1.0, 1.0, 1.0)), tmp_path / "a.tif")


@pytest.mark.parametrize("name", ["a.msh", "a.obj", "a.ply"])
def test_what_finds_no_memory_is_told_so(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers of text can promise more points than any machine has room for."""
    import meshio
    import trimesh

    def hungry(*_: object, **__: object) -> None:
        raise MemoryError("Unable to allocate 268. GiB")

    monkeypatch.setattr(meshio.gmsh, "read", hungry)
    monkeypatch.setattr(trimesh, "load_mesh", hungry)
    (tmp_path / name).write_text("1")
    with pytest.raises(CellmlError, match=f"{name} asks for more memory than there is"):
        (read_mesh if name == "a.msh" else read_surface)(tmp_path / name)
