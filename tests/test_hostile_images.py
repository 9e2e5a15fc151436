"""Image files made to harm or spread over several: sections that are none, pages from elsewhere, sizes that headers promise."""

from __future__ import annotations

import gzip
import re
import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellml import memory
from cellml.errors import CellmlError, FileError
from cellml.io import read_volume, write_volume
from cellml.types import Volume

SPACING = (8.0, 4.0, 4.0)
SMALL = Volume(np.arange(24, dtype=np.uint8).reshape(2, 3, 4), SPACING)


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_memory_gb", lambda: 1.0)


def test_a_section_is_what_its_name_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow opens by the first bytes, and PostScript by calling Ghostscript."""
    from PIL import EpsImagePlugin

    (tmp_path / "1.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n%%EOF\n")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *_, **__: pytest.fail("Ghostscript was called"))
    with pytest.raises(FileError, match=r"1\.png cannot be read as PNG"):
        read_volume(tmp_path, spacing_nm=SPACING)


def test_large_sections_are_read_and_only_what_memory_lacks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pillow takes 180 million pixels for a bomb; a section of brain has more."""
    from PIL import Image

    Image.fromarray(np.full((60, 50), 7, np.uint8)).save(tmp_path / "1.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert read_volume(tmp_path, spacing_nm=SPACING).data.sum() == 60 * 50 * 7
    monkeypatch.setattr(memory, "_UNCHECKED", 100)
    monkeypatch.setattr(memory, "free_memory_gb", lambda: 1e-7)
    with pytest.raises(CellmlError, match=r"1\.png is 0\.0 GB in memory, and 0\.0 GB are free"):
        read_volume(tmp_path, spacing_nm=SPACING)


def promising(path: Path, **tags: int) -> None:
    """A small compressed TIFF whose tags promise more."""
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression="zlib", tile=(16, 16), metadata=None)
    with tifffile.TiffFile(path, mode="r+") as tif:
        for name, value in tags.items():
            tif.pages[0].tags[name].overwrite(value)


def test_sections_and_tiles_of_gigabytes_are_refused(tmp_path: Path, little_memory: None) -> None:
    (tmp_path / "sections").mkdir()
    promising(tmp_path / "sections/1.tif", ImageWidth=40_000, ImageLength=40_000)
    with pytest.raises(CellmlError, match=r"1\.tif is 1\.6 GB in memory, and 1\.0 GB are free"):
        read_volume(tmp_path / "sections", spacing_nm=SPACING)
    promising(tmp_path / "a.tif", TileWidth=40_000, TileLength=40_000)
    with pytest.raises(CellmlError, match=r"A single chunk of .*a\.tif is 1\.6 GB"):
        read_volume(tmp_path / "a.tif", spacing_nm=SPACING, axes="YX")


def spread(folder: Path, data: np.ndarray, name: str, *, compression: str | None = None) -> Path:
    """An OME-TIFF in `folder` whose planes stand in the file `name`."""
    folder.mkdir(exist_ok=True)
    metadata = {"axes": "ZYX", **{f"PhysicalSize{axis}": 0.008 for axis in "XYZ"}}
    tifffile.imwrite(folder / name, data, metadata=metadata, ome=True, compression=compression)
    with tifffile.TiffFile(folder / name) as tif:
        described = str(tif.ome_metadata)
    (uuid,) = set(re.findall(r'UUID="(urn:uuid:[^"]+)"', described))
    pages = f'<TiffData IFD="0" PlaneCount="{len(data)}"><UUID FileName="{name}">{uuid}</UUID></TiffData>'
    text = re.sub(r"<TiffData.*</TiffData>|<TiffData[^>]*/>", pages, described, flags=re.DOTALL)
    text = text.replace(f'UUID="{uuid}"', f'UUID="urn:uuid:{"0" * 36}"', 1)
    tifffile.imwrite(folder / "a.ome.tif", np.zeros(data.shape[1:], data.dtype), description=text, metadata=None)
    return folder / "a.ome.tif"


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_an_ome_tiff_in_two_files_is_read_from_the_right_one(compression: str | None, tmp_path: Path) -> None:
    data = np.arange(3 * 16 * 16, dtype=np.uint8).reshape(3, 16, 16)
    path = spread(tmp_path / "inner", data, "planes.ome.tif", compression=compression)
    np.testing.assert_array_equal(read_volume(path).data, data)
    (tmp_path / "links").mkdir()
    for file in path.parent.iterdir():
        (tmp_path / "links" / file.name).symlink_to(file)
    np.testing.assert_array_equal(read_volume(tmp_path / "links/a.ome.tif").data, data)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_an_ome_tiff_takes_no_pages_from_elsewhere(compression: str | None, tmp_path: Path) -> None:
    data = np.arange(3 * 16 * 16, dtype=np.uint8).reshape(3, 16, 16)
    path = spread(tmp_path / "inner", data, "../secret.ome.tif", compression=compression)
    with pytest.raises(FileError, match=r"takes pages from .*secret\.ome\.tif, outside of its own folder"):
        read_volume(path)


def test_an_ome_tiff_of_a_trillion_planes_is_refused(tmp_path: Path, little_memory: None) -> None:
    write_volume(SMALL, tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        described = str(tif.ome_metadata)
    assert 'SizeT="1"' in described and 'SizeZ="2"' in described
    tifffile.imwrite(tmp_path / "b.ome.tif", SMALL.data, description=described.replace('SizeT="1"', 'SizeT="999999999999"'), metadata=None)
    with pytest.raises(CellmlError, match="The list of 1999999999998 planes"):
        read_volume(tmp_path / "b.ome.tif")


def test_notes_of_nifti_are_no_bomb(tmp_path: Path) -> None:
    """Everything before the voxels is read at once: a header that puts them behind gigabytes of notes is refused."""
    write_volume(SMALL, tmp_path / "a.nii.gz")
    content = bytearray(gzip.decompress((tmp_path / "a.nii.gz").read_bytes()))
    for offset in (1.5e9, float("nan"), -1.0):
        struct.pack_into("<f", content, 108, offset)
        (tmp_path / "a.nii.gz").write_bytes(gzip.compress(bytes(content)))
        with pytest.raises(FileError, match=r"its voxels begin at byte"):
            read_volume(tmp_path / "a.nii.gz")


@pytest.mark.parametrize(("order", "stamp"), [("<", b"DD"), (">", b"\x11\x11")])
@pytest.mark.parametrize("promised", [2**31 - 1, 4097, -1])
def test_an_extended_header_of_mrc_is_compared_with_the_file(order: str, stamp: bytes, promised: int, tmp_path: Path) -> None:
    write_volume(Volume(np.zeros((8, 32, 16), np.uint8), SPACING), tmp_path / "a.mrc")
    content = bytearray((tmp_path / "a.mrc").read_bytes()[: 1024 + 4096])
    struct.pack_into(f"{order}i", content, 92, promised)
    content[212:214] = stamp
    (tmp_path / "a.mrc").write_bytes(content)
    with pytest.raises(FileError, match=rf"its extended header \(NSYMBT\) is said to have {promised} bytes, and 4096 follow"):
        read_volume(tmp_path / "a.mrc")


def test_an_extended_header_of_mrc_is_passed_over(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    write_volume(Volume(data, SPACING), tmp_path / "a.mrc")
    content = bytearray((tmp_path / "a.mrc").read_bytes())
    struct.pack_into("<i", content, 92, 512)
    (tmp_path / "a.mrc").write_bytes(content[:1024] + bytes(512) + content[1024:])
    np.testing.assert_array_equal(read_volume(tmp_path / "a.mrc").data, data)


def test_what_tifffile_says_is_said_once(tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((4, 64, 64), np.uint8))
    content = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "slices").mkdir()
    for path in (tmp_path / "a.tif", tmp_path / "slices" / "a.tif"):
        path.write_bytes(content[:3000])
    for path in (tmp_path / "a.tif", tmp_path / "slices"):
        with pytest.raises(FileError):
            read_volume(path, spacing_nm=SPACING)
    assert not caplog.records and capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("suffix", "how"), [(".mrc.gz", "gunzip -k"), (".tif.bz2", "bunzip2 -k"), (".zip", "unzip")])
def test_compressed_files_are_told_how_to_unpack(suffix: str, how: str, tmp_path: Path) -> None:
    (tmp_path / f"a{suffix}").write_bytes(gzip.compress(b"1"))
    with pytest.raises(FileError, match=rf"is compressed, and only \.nii\.gz is read so\. Unpack it first: {how} /"):
        read_volume(tmp_path / f"a{suffix}")
