from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from cellml.errors import CellmlError
from cellml.io import open_image, read_volume, write_volume
from cellml.types import Volume

DATA = np.random.default_rng(0).integers(0, 250, (4, 20, 30)).astype(np.uint8)


@pytest.mark.parametrize(("unit", "factor"), [("nm", 1.0), ("micron", 1e3), ("\\u00B5m", 1e3), ("um", 1e3), ("mm", 1e6)])
def test_imagej_units_become_nm(tmp_path: Path, unit: str, factor: float) -> None:
    metadata = {"axes": "ZYX", "unit": unit, "spacing": 0.05}
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, resolution=(1 / 0.004, 1 / 0.0045), metadata=metadata)
    volume = read_volume(tmp_path / "a.tif")
    np.testing.assert_allclose(volume.spacing, (0.05 * factor, 0.0045 * factor, 0.004 * factor), rtol=1e-8)
    assert np.array_equal(volume.data, DATA)


@pytest.mark.parametrize("metadata", [{}, {"unit": "inch", "spacing": 1.0}, {"unit": "pixel", "spacing": 1.0}, {"unit": "nm"}])
def test_imagej_without_a_length_has_no_voxel_size(tmp_path: Path, metadata: dict[str, Any]) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, resolution=(72, 72), metadata={"axes": "ZYX", **metadata})
    with pytest.raises(CellmlError, match=r"spacing_nm=\[10,10,10\]"):
        read_volume(tmp_path / "a.tif")


def test_imagej_reads_its_own_origin(tmp_path: Path) -> None:
    """ImageJ: coordinate = (pixel - origin) · pixel size, so the first voxel lies at -origin · size."""
    write_volume(Volume(DATA, (50.0, 4.0, 4.0), (100.0, -8.0, 12.0)), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as tif:
        metadata = tif.imagej_metadata
    assert metadata is not None
    assert [metadata[f"{axis}origin"] for axis in "zyx"] == [-2.0, 2.0, -3.0]
    assert metadata["unit"] == "nm"


@pytest.mark.parametrize("compression", [None, "zlib", "lzw", "zstd"])
@pytest.mark.parametrize("tile", [None, (16, 16)])
def test_compressed_and_tiled_pages_are_read_in_regions(tmp_path: Path, compression: str | None, tile: tuple[int, int] | None) -> None:
    sizes = {f"PhysicalSize{axis}": size for axis, size in zip("ZYX", (0.05, 0.004, 0.0045), strict=True)}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, compression=compression, tile=tile, metadata={"axes": "ZYX", **sizes})
    with open_image(tmp_path / "a.ome.tif") as source:
        np.testing.assert_allclose(source.spacing, (50.0, 4.0, 4.5))  # the schema's default unit is µm
        region = (slice(1, 3), slice(15, 20), slice(0, 17))
        assert np.array_equal(source.read(region), DATA[region])
        assert np.array_equal(source.read(), DATA)


def test_ome_without_every_size_has_no_voxel_size(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", "PhysicalSizeX": 1.0, "PhysicalSizeY": 1.0})
    with pytest.raises(CellmlError, match="no PhysicalSizeZ in a length"):
        read_volume(tmp_path / "a.ome.tif")


def test_ome_sizes_in_pixels_are_no_lengths(tmp_path: Path) -> None:
    sizes = {key: value for axis in "XYZ" for key, value in ((f"PhysicalSize{axis}", 1.0), (f"PhysicalSize{axis}Unit", "pixel"))}
    tifffile.imwrite(tmp_path / "a.ome.tif", DATA, metadata={"axes": "ZYX", **sizes})
    with pytest.raises(CellmlError, match="no PhysicalSizeZ/Y/X in a length"):
        read_volume(tmp_path / "a.ome.tif")


def test_colours_are_channels(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 250, (4, 20, 30, 3)).astype(np.uint8)
    for compression in (None, "zlib"):
        tifffile.imwrite(tmp_path / "a.tif", data, photometric="rgb", metadata=None, compression=compression)
        volume = read_volume(tmp_path / "a.tif", spacing_nm=[1, 1, 1])
        assert volume.axes == "CZYX"
        assert np.array_equal(volume.data, data.transpose(3, 0, 1, 2))


def test_frames_that_are_slices_can_be_said(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DATA, imagej=True, metadata={"axes": "TYX"})
    with pytest.raises(CellmlError, match=r"no Z axis\. .*axes=ZYX"):
        read_volume(tmp_path / "a.tif", spacing_nm=[1, 1, 1])
    assert np.array_equal(read_volume(tmp_path / "a.tif", spacing_nm=[1, 1, 1], axes="ZYX").data, DATA)


def test_big_endian_files_are_mapped(tmp_path: Path) -> None:
    data = DATA.astype(np.uint16) * 200
    tifffile.imwrite(
        tmp_path / "a.tif", data, byteorder=">", imagej=True, metadata={"axes": "ZYX", "unit": "nm", "spacing": 1.0}, resolution=(1, 1)
    )
    with open_image(tmp_path / "a.tif") as source:
        assert isinstance(source._stored.array, np.memmap)
        assert np.array_equal(source.read(), data)
        assert source.read().dtype.isnative


def test_other_programs_read_channels_and_sizes(tmp_path: Path) -> None:
    volume = Volume(DATA[None].repeat(2, 0), (50.0, 4.0, 4.5), (1.0, 2.0, 3.0), axes="CZYX", channels=("dna", "membrane"))
    write_volume(volume, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        assert tif.is_ome
        assert tif.series[0].axes == "CZYX"
        pixels = tifffile.xml2dict(str(tif.ome_metadata))["OME"]["Image"]["Pixels"]
    assert (pixels["PhysicalSizeZ"], pixels["PhysicalSizeZUnit"]) == (50.0, "nm")
    assert [channel["Name"] for channel in pixels["Channel"]] == ["dna", "membrane"]
    assert [plane["PositionZ"] for plane in pixels["Plane"]][:4] == [1.0, 51.0, 101.0, 151.0]


def test_only_level_zero_of_a_pyramid_is_read(tmp_path: Path) -> None:
    with tifffile.TiffWriter(tmp_path / "a.ome.tif", ome=True) as tif:
        tif.write(DATA, subifds=1, tile=(16, 16), metadata={"axes": "ZYX"})
        tif.write(DATA[:, ::2, ::2], subfiletype=1, tile=(16, 16))
    assert read_volume(tmp_path / "a.ome.tif", spacing_nm=[1, 1, 1]).data.shape == (4, 20, 30)
