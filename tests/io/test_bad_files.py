"""Files that are missing, empty, cut off, of another kind, or without what is needed, in every format."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.io import create_array, open_image, read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)
Contents = Callable[[Path], dict[str, bytes]]


def test_a_missing_file_names_its_neighbour(where: str, tmp_path: Path, volume: Volume) -> None:
    write_volume(volume, where)
    with pytest.raises(FileError, match=r"There is no file .*cel[^l].*Did you mean .*cell"):
        read_volume(where.replace("cell", "cel"))


def test_an_empty_file_is_said(tmp_path: Path, file_form: str) -> None:
    path = tmp_path / f"a{file_form}"
    path.write_bytes(b"")
    with pytest.raises(FileError, match=r"is empty \(0 bytes\)"):
        read_volume(path)


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    for name in ("slices", "store.zarr"):
        (tmp_path / name).mkdir()
        with pytest.raises(FileError, match=r"holds no \.png or \.tif slices|is no Zarr store"):
            read_volume(tmp_path / name)


@pytest.mark.parametrize("kept", [0.02, 0.3, 0.7, 0.99, -1])
@pytest.mark.parametrize("kind", ["image", "labels"])
def test_a_truncated_file_is_said(tmp_path: Path, file_form: str, kept: float, kind: str) -> None:
    path = tmp_path / f"a{file_form}"
    data = np.random.default_rng(0).integers(0, 255, (20, 30, 40)).astype(np.uint16)
    if kind == "image":
        write_volume(Volume(data, (10.0, 10.0, 10.0)), path)
    else:
        write_labels(Labels(data, (10.0, 10.0, 10.0)), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))] if kept > 0 else whole[:-1])
    if file_form == ".tif" and (kept < 0 or kept > 0.98):
        # ImageJ's voxels stand before the descriptions of the later pages, which nobody needs: nothing is lost.
        assert np.array_equal(read_volume(path).data, data)
        return
    with pytest.raises(FileError, match=r"truncated|damaged") as caught:
        read_volume(path)
    assert str(path) in str(caught.value)


def test_truncated_compressed_tiff_pages_are_said(tmp_path: Path) -> None:
    import tifffile

    path = tmp_path / "a.tif"
    data = np.random.default_rng(0).integers(0, 255, (20, 64, 64)).astype(np.uint8)
    for metadata in ({"axes": "ZYX"}, None):
        tifffile.imwrite(path, data, compression="zlib", metadata=metadata)
        assert np.array_equal(read_volume(path, spacing_nm=[1, 1, 1]).data, data)
        whole = path.read_bytes()
        for kept in (5000, 40000, len(whole) - 5000, len(whole) - 50):
            path.write_bytes(whole[:kept])
            with pytest.raises(FileError, match=r"truncated|damaged"):
                read_volume(path, spacing_nm=[1, 1, 1])


@pytest.mark.parametrize("form", [".zarr", "/"])
def test_a_damaged_piece_of_a_folder_is_said(tmp_path: Path, image_path: Any, form: str) -> None:
    where = image_path(tmp_path, form)
    write_volume(Volume(np.random.default_rng(0).integers(0, 255, (3, 64, 64)).astype(np.uint8), (1.0, 1.0, 1.0)), where)
    pieces = [Path(root) / name for root, _, names in os.walk(tmp_path) for name in names if not name.endswith("json")]
    largest = max(pieces, key=lambda path: path.stat().st_size)
    largest.write_bytes(largest.read_bytes()[:200])
    with pytest.raises(FileError, match=r"truncated|damaged"):
        read_volume(where)


def test_an_image_of_another_kind_is_named(tmp_path: Path, file_form: str) -> None:
    path = tmp_path / f"a{file_form}"
    path.write_bytes(PNG * 50)
    with pytest.raises(FileError, match=r"first bytes are those of PNG"):
        read_volume(path)


def test_noise_is_no_image(tmp_path: Path, file_form: str) -> None:
    path = tmp_path / f"a{file_form}"
    path.write_bytes(np.random.default_rng(0).bytes(5000))
    with pytest.raises(FileError, match="truncated or damaged"):
        read_volume(path)


def test_an_unknown_suffix_lists_the_known(tmp_path: Path, volume: Volume) -> None:
    for name in ("a.jpg", "a", "a.npz.bak"):
        (tmp_path / name).write_bytes(b"x" * 2000)
        with pytest.raises(FileError, match=r"Known are .*\.mrc.*\.npz.*\.zarr"):
            read_volume(tmp_path / name)
        with pytest.raises(FileError, match=r"Known are .*\.mrc.*\.npz.*\.zarr"):
            write_volume(volume, tmp_path / name)


def test_a_file_of_one_array_has_no_names(tmp_path: Path, volume: Volume) -> None:
    write_volume(volume, tmp_path / "a.tif")
    with pytest.raises(FileError, match=r"There is no file .*a\.tif:raw"):
        read_volume(f"{tmp_path}/a.tif:raw")


def _without_voxel_size(path: str) -> None:
    """A file by the format's own library which says nothing about lengths."""
    import h5py
    import mrcfile
    import nibabel
    import tifffile
    import zarr

    data = np.zeros((3, 4, 5), np.uint8)
    if path.endswith(".npz"):
        np.savez(path, raw=data)
    elif path.endswith(".tif"):
        tifffile.imwrite(path, data, imagej=".ome." not in path, metadata={"axes": "ZYX"})
    elif path.endswith(".mrc"):
        mrcfile.write(path, data.astype(np.int16))
    elif path.endswith(".h5"):
        with h5py.File(path, "w") as file:
            file["raw"] = data
    elif path.endswith(".zarr"):
        zarr.create_array(path, data=data)
    elif path.endswith("/"):
        Path(path).mkdir()
        for z in range(3):
            tifffile.imwrite(f"{path}{z}.tif", data[z])
    else:
        nibabel.save(nibabel.Nifti1Image(data, np.eye(4)), path)


def test_a_missing_voxel_size_says_how_to_pass_it(where: str) -> None:
    _without_voxel_size(where)
    with pytest.raises(CellmlError, match=r"voxel size of .* is not known: .*spacing_nm=\[10,10,10\]"):
        open_image(where)
    with pytest.raises(CellmlError, match=r"spacing_nm=\[10,10,10\]"):
        read_labels(where)
    assert read_volume(where, spacing_nm=[3, 2, 1]).spacing == (3.0, 2.0, 1.0)


def test_a_full_disk_leaves_nothing(where: str, tmp_path: Path, contents: Contents) -> None:
    with (
        pytest.raises(FileError, match=r"no space is left: about 60 bytes are needed|no space is left: about 120 bytes are needed"),
        create_array(where, shape=(3, 4, 5), dtype=np.uint8, spacing=(1, 1, 1)) as sink,
    ):
        sink.write(None, np.ones((3, 4, 5), np.uint8))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert list(tmp_path.iterdir()) == []


@contextmanager
def _largest_file(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_size_limit_keeps_what_was_there(where: str, tmp_path: Path, volume: Volume, contents: Contents) -> None:
    write_volume(volume, where)
    before = contents(tmp_path)
    noise = np.random.default_rng(0).integers(0, 60000, (2, 256, 256)).astype(np.uint16)
    with pytest.raises(FileError, match="no space is left"), _largest_file(20000):
        write_volume(Volume(noise, (1.0, 1.0, 1.0)), where)
    assert contents(tmp_path) == before


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of one megabyte, where the machine lets us mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a file system")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_really_full_disk_keeps_what_was_there(small_disk: Path, form: str, image_path: Any, volume: Volume, contents: Contents) -> None:
    where = image_path(small_disk, form)
    write_volume(volume, where)
    before = contents(small_disk)
    noise = np.random.default_rng(0).integers(0, 60000, (16, 256, 256)).astype(np.uint16)
    with pytest.raises(FileError, match=r"no space is left: about 2\.1 MB are needed, .* are free"):
        write_volume(Volume(noise, (1.0, 1.0, 1.0)), where)
    assert contents(small_disk) == before


def test_a_folder_that_may_not_be_written_is_said(tmp_path: Path, volume: Volume, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, *_: Any, **__: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(FileError, match=r"May not write .*a\.npz.*permissions"):
        write_volume(volume, tmp_path / "a.npz")
