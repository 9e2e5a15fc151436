"""HDF5 files made to harm: numbers from elsewhere are not read, sizes that metadata promise are not believed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml import memory
from cellml.data.slabs import slabs
from cellml.errors import CellmlError, FileError
from cellml.io import open_image, open_tilts, read_mesh, read_volume, write_mesh
from cellml.io.data_exchange import DataExchange
from cellml.io.hdf5_own import _matching, require_own
from cellml.types import TetMesh

h5py = pytest.importorskip("h5py")
SPACING = (8.0, 4.0, 4.0)
MESH = TetMesh(np.eye(4, 3) * 10.0, np.array([[0, 1, 3, 2]]), np.array([1]))


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory_gb", lambda: 1.0)


@pytest.fixture
def inner(tmp_path: Path) -> Path:
    """A folder with secrets beside it, not in it."""
    (tmp_path / "inner").mkdir()
    MESH.points.tofile(tmp_path / "secret.bin")
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["numbers"] = np.array([3.0, 2.0, 1.0])
        file["points"] = MESH.points
    return tmp_path / "inner"


def image(path: Path, **more: Any) -> Path:
    with h5py.File(path, "w") as file:
        file["raw"] = np.zeros((2, 3, 4), np.uint8)
        for name, value in more.items():
            file[name] = value
    return path


def test_a_voxel_size_is_not_taken_from_another_file(inner: Path) -> None:
    assert read_volume(image(inner / "own.h5", voxel_nm=[3.0, 2.0, 1.0])).spacing == (3.0, 2.0, 1.0)
    linked = image(inner / "linked.h5", voxel_nm=h5py.ExternalLink("../secret.h5", "numbers"))
    with pytest.raises(FileError, match=r"takes its numbers from .*secret\.h5, outside of its own folder"):
        read_volume(linked)


def test_a_voxel_size_of_a_billion_numbers_is_none(inner: Path) -> None:
    path = image(inner / "a.h5")
    with h5py.File(path, "a") as file:
        file.create_dataset("voxel_nm", shape=(10**9,), dtype="f8", chunks=(1000,))
    with pytest.raises(CellmlError, match="The voxel size of .* is not known") as caught:
        read_volume(path)
    assert len(str(caught.value)) < 500
    assert read_volume(path, spacing_nm=SPACING).spacing == SPACING


@pytest.mark.parametrize("sources", [("a.h5", "inside"), ("b.h5", "inside"), (".", "inside")])
def test_virtual_data_sets_are_followed_to_their_end(sources: tuple[str, str], inner: Path) -> None:
    """The file that a virtual data set names is in the folder; what it names in turn is not."""
    for name in ("a.h5", "b.h5"):
        with h5py.File(inner / name, "w") as file:
            file.create_dataset("inside", shape=(2, 3, 4), dtype="u1", external=[(str(inner.parent / "secret.bin"), 0, 24)])
    with h5py.File(inner / "a.h5", "a") as file:
        layout = h5py.VirtualLayout(shape=(2, 3, 4), dtype="u1")
        layout[:] = h5py.VirtualSource(*sources, shape=(2, 3, 4))
        file.create_virtual_dataset("raw", layout)
    with pytest.raises(FileError, match=r"takes its numbers from .*secret\.bin, outside of its own folder"):
        read_volume(f"{inner / 'a.h5'}:raw", spacing_nm=SPACING)


def test_a_virtual_data_set_of_files_in_the_folder_is_read_even_in_a_circle(inner: Path) -> None:
    image(inner / "b.h5")
    with h5py.File(inner / "a.h5", "w") as file:
        for name, source in (("raw", ("b.h5", "raw")), ("round", (".", "round"))):
            layout = h5py.VirtualLayout(shape=(2, 3, 4), dtype="u1")
            layout[:] = h5py.VirtualSource(*source, shape=(2, 3, 4))
            file.create_virtual_dataset(name, layout)
    assert not read_volume(f"{inner / 'a.h5'}:raw", spacing_nm=SPACING).data.any()
    with open_image(f"{inner / 'a.h5'}:round", spacing_nm=SPACING) as source:
        assert source.shape == (2, 3, 4)


def test_relative_names_are_reckoned_as_hdf5_does(inner: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the current folder, where raw files are meant, and where the file of a virtual data set is not beside it."""
    with h5py.File(inner / "a.h5", "w") as file:
        file.create_dataset("raw", shape=(2, 3, 4), dtype="u1", external=[("secret.bin", 0, 24)])
        layout = h5py.VirtualLayout(shape=(4, 3), dtype="f8")
        layout[:] = h5py.VirtualSource("secret.h5", "points", shape=(4, 3))
        file.create_virtual_dataset("points", layout)
    monkeypatch.chdir(inner.parent)
    with h5py.File(inner / "a.h5", "r") as file:
        np.testing.assert_array_equal(file["points"][:], MESH.points)
        for name in ("raw", "points"):
            with pytest.raises(FileError, match=r"takes its numbers from .*secret\.\w+, outside of its own folder"):
                require_own(file[name], inner / "a.h5")
    (inner.parent / "secret.bin").rename(inner / "secret.bin")
    monkeypatch.chdir(inner)
    assert read_volume("a.h5:raw", spacing_nm=SPACING).data.any()


def test_a_file_that_is_linked_to_is_read(inner: Path) -> None:
    write_mesh(MESH, inner / "a.xdmf")
    image(inner / "a.h5")
    (inner.parent / "links").mkdir()
    for name in ("a.h5", "a.xdmf", "a.xdmf.h5"):
        (inner.parent / "links" / name).symlink_to(inner / name)
    assert read_volume(inner.parent / "links/a.h5", spacing_nm=SPACING).shape == (2, 3, 4)
    assert len(read_mesh(inner.parent / "links/a.xdmf").points) == 4


def test_numbered_files_of_a_virtual_data_set_are_all_looked_at(inner: Path) -> None:
    for name in ("part_0.h5", "part_1.h5"):
        (inner / name).touch()
    assert sorted(path.name for path in _matching(inner, "part_%b.h5")) == ["part_0.h5", "part_1.h5"]
    assert _matching(inner, "../%b.h5") == [inner / "../secret.h5"] and _matching(inner, "/tmp/%b.h5") == [Path("/tmp/%b.h5")]


def external(group: Any) -> None:
    group.create_dataset(
        "coordinates", shape=(4, 3), dtype="f8", external=[(str(Path(group.file.filename).parents[1] / "secret.bin"), 0, 96)]
    )


def linked(group: Any) -> None:
    group["coordinates"] = h5py.ExternalLink("../secret.h5", "points")


@pytest.mark.parametrize("make", [external, linked])
@pytest.mark.parametrize("suffix", [".h5", ".xdmf"])
def test_meshes_take_no_numbers_from_elsewhere(suffix: str, make: Callable[[Any], None], inner: Path) -> None:
    path = inner / f"a{suffix}"
    write_mesh(MESH, path)
    numbers, old = (path, "mesh/coordinates") if suffix == ".h5" else (inner / "a.xdmf.h5", "points")
    with h5py.File(numbers, "a") as file:
        del file[old]
        make(file.require_group("mesh"))
    if suffix == ".xdmf":
        path.write_text(path.read_text().replace(":/points", ":/mesh/coordinates"))
    with pytest.raises(FileError, match=r"takes its numbers from .*secret\.\w+, outside of its own folder"):
        read_mesh(path)


@pytest.mark.parametrize("suffix", [".h5", ".xdmf"])
def test_meshes_of_a_billion_points_are_refused(suffix: str, inner: Path, little_memory: None) -> None:
    path = inner / f"a{suffix}"
    write_mesh(MESH, path)
    numbers, name = (path, "mesh/coordinates") if suffix == ".h5" else (inner / "a.xdmf.h5", "points")
    with h5py.File(numbers, "a") as file:
        del file[name]
        file.create_dataset(name, shape=(10**9, 3), dtype="f8", chunks=(1000, 3))
    with pytest.raises(FileError, match=r"is 24\.0 GB in memory, and 1\.0 GB are free"):
        read_mesh(path)


def test_xdmf_reads_no_binary_file(inner: Path) -> None:
    write_mesh(MESH, inner / "a.xdmf")
    text = (inner / "a.xdmf").read_text()
    assert 'Format="HDF"' in text
    (inner / "a.xdmf").write_text(
        text.replace('Format="HDF"', 'Format="Binary"').replace("a.xdmf.h5:/points", str(inner.parent / "secret.bin"))
    )
    with pytest.raises(FileError, match=r"secret\.bin, a file of Format=BINARY, which is not followed"):
        read_mesh(inner / "a.xdmf")


@pytest.mark.parametrize("name", ["data", "data_white", "theta"])
def test_tilt_series_take_no_counts_from_elsewhere(name: str, inner: Path) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        for one, shape in (("data", (2, 3, 2)), ("data_white", (3, 2)), ("theta", (2,))):
            outside = [(str(inner.parent / "secret.bin"), 0, 96)] if one == name else None
            file.create_dataset(f"exchange/{one}", shape=shape, dtype="f4", external=outside)
    with pytest.raises(FileError, match=r"takes its numbers from .*secret\.bin"):
        DataExchange(inner / "a.h5")


def test_a_chunk_of_a_few_voxels_may_not_be_a_bomb(inner: Path, little_memory: None) -> None:
    with h5py.File(inner / "a.h5", "w") as file:
        raw = file.create_dataset("raw", shape=(2, 3, 4), maxshape=(None,) * 3, chunks=(1500, 1000, 1000), dtype="u1")
        raw.attrs["voxel_nm"] = SPACING
    with pytest.raises(CellmlError, match=r"A single chunk of .* is 1\.5 GB in memory, and 1\.0 GB are free"):
        read_volume(inner / "a.h5")


def sparse(path: Path, name: str = "raw", *, shape: tuple[int, int, int]) -> Path:
    """An image of which nothing is stored but its shape."""
    with h5py.File(path, "w") as file:
        file.create_dataset(name, shape, "u1", chunks=(32, 64, 64), compression="gzip")
    assert path.stat().st_size < 10_000
    return path


def test_an_image_of_terabytes_is_not_looked_at(inner: Path, little_memory: None) -> None:
    """A section of it would fit, and what looks at the section would not."""
    path = sparse(inner / "a.h5", shape=(10**5, 20_000, 20_000))
    with open_image(path, spacing_nm=SPACING) as source:
        with pytest.raises(CellmlError, match=r"What is asked of .* is 40000\.0 GB in memory, and 1\.0 GB are free"):
            source.read()
        with pytest.raises(CellmlError, match=r"Looking at a section of 20000 × 20000 voxels of a is 4\.0 GB in memory, and 1\.0 GB"):
            next(slabs(source))


@pytest.mark.parametrize("name", ["raw", "exchange/data"])
def test_rows_of_tilt_series_of_terabytes_are_refused(name: str, inner: Path, little_memory: None) -> None:
    path = sparse(inner / "a.h5", name, shape=(61, 10**5, 10**5))
    with (
        open_tilts(path, angles=list(range(-30, 31)), pixel=1.0) as source,
        pytest.raises(CellmlError, match=r"What is asked of .* GB are free\. Read fewer rows at a time"),
    ):
        source.read(slice(0, 5000))


def test_a_region_of_hdf5_is_there_once(inner: Path) -> None:
    """What the library has read is handed on, not copied."""
    path = sparse(inner / "a.h5", shape=(64, 1024, 1024))
    with open_image(path, spacing_nm=SPACING) as source:
        tracemalloc.start()
        try:
            data = source.read()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert data.nbytes == 1 << 26 and peak < 1.2 * data.nbytes
