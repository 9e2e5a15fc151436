from __future__ import annotations

from pathlib import Path

import pytest

from cellml.errors import FileError
from cellml.io.location import Location, locate, require


@pytest.mark.parametrize(
    ("text", "path", "member"),
    [
        ("a/cells.npz:neurons", "a/cells.npz", "neurons"),
        ("cells.h5:/volumes/raw", "cells.h5", "/volumes/raw"),
        ("cells.HDF5:raw", "cells.HDF5", "raw"),
        ("cells.zarr:labels/mito", "cells.zarr", "labels/mito"),
        (r"C:\data\cells.tif", r"C:\data\cells.tif", None),
        (r"C:\data\cells.npz:raw", r"C:\data\cells.npz", "raw"),
        ("run 10:30/cells.mrc", "run 10:30/cells.mrc", None),
        ("run 10:30/cells.npz:raw", "run 10:30/cells.npz", "raw"),
        ("cells.npz:a:b", "cells.npz", "a:b"),
        ("a.npz:b.npz:c", "a.npz:b.npz", "c"),
        ("cells.npz", "cells.npz", None),
        ("cells.tif:0", "cells.tif:0", None),
    ],
)
def test_the_colon_parts_file_and_name(text: str, path: str, member: str | None) -> None:
    assert locate(text) == Location(Path(path), member)


def test_an_existing_file_with_a_colon_in_its_name_stays_whole(tmp_path: Path) -> None:
    odd = tmp_path / "a.npz:raw"
    odd.write_bytes(b"x")
    assert locate(odd) == Location(odd)


def test_a_colon_in_an_existing_folder_is_no_separator(tmp_path: Path) -> None:
    folder = tmp_path / "old.npz:copy"
    folder.mkdir()
    assert locate(folder / "new.tif") == Location(folder / "new.tif")
    assert locate(f"{folder}/new.npz:raw") == Location(folder / "new.npz", "raw")


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(FileError, match="ends in a colon"):
        locate("cells.npz:")


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "dendrite_raw.npz").write_bytes(b"x")
    with pytest.raises(FileError, match=r"Did you mean .*dendrite_raw\.npz"):
        require(Location(tmp_path / "dendrite_rwa.npz"))


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="does not exist either"):
        require(Location(tmp_path / "nowhere" / "a.npz"))
