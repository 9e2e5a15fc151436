"""Chains of TIFF pages: followed to their end, and refused where they have none."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
import tifffile

from cellml.errors import FileError
from cellml.io import read_volume
from cellml.io.tiff_chain import require_chain


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
def test_a_chain_that_bites_its_tail_is_refused(tmp_path: Path, order: str, big: bool) -> None:
    path = tmp_path / "pages.tif"
    with tifffile.TiffWriter(path, bigtiff=big, byteorder=order) as writer:
        for z in range(3):
            writer.write(np.full((4, 5), z, np.uint8), photometric="minisblack", metadata=None, contiguous=False)
    require_chain(path)
    assert read_volume(path, spacing_nm=(10, 10, 10)).data.shape == (3, 4, 5)
    with tifffile.TiffFile(path) as tif:
        first, last = tif.pages[0].offset, tif.pages[2].offset
    data = bytearray(path.read_bytes())
    count, offset, size = ("Q", "Q", 20) if big else ("H", "I", 12)
    tags = struct.unpack_from(f"{order}{count}", data, last)[0]
    struct.pack_into(f"{order}{offset}", data, last + struct.calcsize(f"={count}") + tags * size, first)
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"page 3 is followed by one that came before"):
        read_volume(path, spacing_nm=(10, 10, 10))


def test_what_is_no_chain_is_left_to_the_reader(tmp_path: Path) -> None:
    for content in (b"", b"II*\0", b"II*\0\xff\xff\xff\x7f" + bytes(8), b"PK" + bytes(30), b"MM\0+" + b"\xff" * 12):
        (tmp_path / "x.tif").write_bytes(content)
        require_chain(tmp_path / "x.tif")
        with pytest.raises(FileError) as told:
            read_volume(tmp_path / "x.tif", spacing_nm=(10, 10, 10))
        assert "came before" not in str(told.value)
