from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import read_mesh, write_mesh
from cellml.io.hdf5_image import hdf5_in_memory
from cellml.types import TetMesh


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """A file-size limit stands for the full disk: both refuse to write on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_the_bytes_are_an_hdf5_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).random((300, 1000))  # more than one block of memory
    with hdf5_in_memory(tmp_path / "a.h5") as file:
        file.attrs["unit"] = "nm"
        file["deep/noise"] = noise
    with h5py.File(tmp_path / "a.h5", "r") as file:
        assert file.attrs["unit"] == "nm"
        assert np.array_equal(file["deep/noise"], noise)


def test_an_exception_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), hdf5_in_memory(tmp_path / "a.h5") as file:
        file["x"] = 1 / 0
    assert not any(tmp_path.iterdir())


def test_a_full_disk_is_an_ordinary_error(tmp_path: Path) -> None:
    with pytest.raises(OSError), largest_file(20000), hdf5_in_memory(tmp_path / "a.h5") as file:
        file["noise"] = np.random.default_rng(0).random(10000)
    assert (tmp_path / "a.h5").stat().st_size <= 20000


@pytest.mark.parametrize("name", ["cell.xdmf", "cell.h5"])
def test_a_mesh_that_does_not_fit_leaves_the_older_one(
    name: str, tmp_path: Path, nested_mesh: TetMesh, contents: Callable[[Path], dict[str, bytes]]
) -> None:
    write_mesh(nested_mesh, tmp_path / name)
    before = contents(tmp_path)
    more = np.random.default_rng(0).random((20000, 3))
    with pytest.raises(FileError, match="no space is left"), largest_file(30000):
        write_mesh(replace(nested_mesh, points=np.concatenate([nested_mesh.points, more])), tmp_path / name)
    assert contents(tmp_path) == before
    assert np.array_equal(read_mesh(tmp_path / name).tets, nested_mesh.tets)
