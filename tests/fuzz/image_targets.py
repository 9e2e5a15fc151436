"""Readers of volumes and tilt series."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from target import Target


def _volume_read(path: Path) -> Any:
    from cellml.io import read_volume

    return read_volume(path, spacing_nm=[8.0, 8.0, 8.0])


def _labels_read(path: Path) -> Any:
    from cellml.io import read_labels

    return read_labels(path, spacing_nm=[8.0, 8.0, 8.0])


def _volumes(*names: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        from cellml.io import write_labels, write_volume
        from cellml.types import Labels, Volume

        rng = np.random.default_rng(0)
        for number, name in enumerate(names):
            dtype = (np.uint8, np.float32, np.int16)[number % 3]
            write_volume(Volume((rng.random((3, 5, 7)) * 200).astype(dtype), (8.0, 4.0, 4.0)), folder / f"image_{name}")
            write_labels(Labels((rng.random((3, 5, 7)) * 3).astype(np.uint16), (8.0, 4.0, 4.0)), folder / f"labels_{name}")

    return make


def _compressed_tiff(folder: Path) -> None:
    import tifffile

    _volumes("a.tif", "b.ome.tif")(folder)
    data = np.arange(3 * 16 * 16, dtype=np.uint16).reshape(3, 16, 16)
    for number, how in enumerate(("zlib", "lzw", "zstd")):
        tifffile.imwrite(folder / f"c{number}.tif", data, compression=how, tile=(16, 16), metadata={"axes": "ZYX"}, ome=True)


def _npz(folder: Path) -> None:
    data = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    np.savez(folder / "a.npz", raw=data, voxel_nm=np.array([8.0, 4.0, 4.0]))
    np.savez_compressed(folder / "b.npz", raw=data.astype(np.float32), voxel_nm=np.array([8.0, 4.0, 4.0]))


def _nifti(folder: Path) -> None:
    _volumes("a.nii", "b.nii")(folder)
    for path in list(folder.glob("*.nii")):
        (folder / f"{path.stem}.nii.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()


def _tilts(folder: Path) -> None:
    from cellml.io import write_volume
    from cellml.types import Volume

    write_volume(Volume(np.arange(3 * 6 * 8, dtype=np.float32).reshape(3, 6, 8), (1.0, 1.0, 1.0)), folder / "a.mrc")


def _tilts_read(path: Path) -> Any:
    from cellml.io.tilts import read_tilts

    return read_tilts(path, angles=[-1.0, 0.0, 1.0], pixel=1.0)


def _mdoc(folder: Path) -> None:
    sections = "".join(f"[ZValue = {n}]\nTiltAngle = {3 * n - 3}\nExposureDose = 1.5\n\n" for n in range(3))
    (folder / "a.mdoc").write_text(f"PixelSpacing = 10.5\nImageFile = a.st\n\n[T = SerialEM: axis angle = 85.3]\n\n{sections}")


def _mdoc_read(path: Path) -> Any:
    from cellml.io.mdoc import read_mdoc

    return read_mdoc(path)


def _angles(folder: Path) -> None:
    (folder / "a.tlt").write_text("-60.0\n-57.5\n0\n57.5\n")


def _angles_read(path: Path) -> Any:
    from cellml.io.tilt_angles import read_angles

    return read_angles(path)


def _zarr_metadata(folder: Path) -> None:
    """The JSON of a store's root, which is the part that a stranger can write anything into."""
    from cellml.io import write_volume
    from cellml.types import Volume

    write_volume(Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), (8.0, 4.0, 4.0)), folder / "store.zarr")
    for number, path in enumerate(sorted((folder / "store.zarr").rglob("zarr.json"))):
        (folder / f"{number}.json").write_bytes(path.read_bytes())
    import shutil

    shutil.rmtree(folder / "store.zarr")


def _zarr_read(path: Path) -> Any:
    """A sound store with the fuzzed metadata in the place where it belongs: the root's, or the array's."""
    import shutil
    import tempfile

    from cellml.io import read_volume, write_volume
    from cellml.types import Volume

    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.zarr"
        write_volume(Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), (8.0, 4.0, 4.0)), store)
        metadata = sorted(store.rglob("zarr.json"))
        shutil.copy(path, metadata[0 if b'"array"' in path.read_bytes() else -1])
        return read_volume(store)


TARGETS = (
    Target("tiff", ".tif", _compressed_tiff, _volume_read),
    Target("mrc", ".mrc", _volumes("a.mrc", "b.mrc"), _volume_read),
    Target("hdf5", ".h5", _volumes("a.h5"), _labels_read),
    Target("npz", ".npz", _npz, _volume_read),
    Target("nifti", ".nii.gz", _nifti, _volume_read),
    Target("zarr", ".json", _zarr_metadata, _zarr_read),
    Target("tilts", ".mrc", _tilts, _tilts_read),
    Target("mdoc", ".mdoc", _mdoc, _mdoc_read),
    Target("angles", ".tlt", _angles, _angles_read),
)
