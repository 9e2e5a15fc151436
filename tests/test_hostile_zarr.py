"""Zarr stores made to harm: links in them are not followed out of them, and what is no file is not waited for."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io import open_image, read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume

SPACING = (8.0, 4.0, 4.0)
DATA = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with a folder beside it that it could be linked to."""
    write_volume(Volume(DATA, SPACING), tmp_path / "a.zarr", version="0.5")
    write_volume(Volume(DATA[::-1].copy(), SPACING), tmp_path / "secret.zarr", version="0.5")
    return tmp_path / "a.zarr"


def array(store: Path) -> Path:
    return store / "0"


def chunks(store: Path) -> Path:
    return store / "0" / "c"


def chunk(store: Path) -> Path:
    return store / "0" / "c" / "0" / "0" / "0"


def metadata(store: Path) -> Path:
    return store / "0" / "zarr.json"


@pytest.mark.parametrize("part", [array, chunks, chunk, metadata])
@pytest.mark.parametrize("relative", [True, False])
def test_links_out_of_a_store_are_not_followed(part: Callable[[Path], Path], relative: bool, store: Path) -> None:
    place, secret = part(store), part(store.parent / "secret.zarr")
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(os.path.relpath(secret, place.parent) if relative else secret)
    with pytest.raises(FileError, match=r"leads to .*secret\.zarr.*, outside of the store, .* cp -rL"):
        read_volume(store)


def test_links_within_a_store_and_to_a_store_are_followed(store: Path) -> None:
    chunk(store).rename(store / "kept")
    chunk(store).symlink_to(store / "kept")
    (store.parent / "links").mkdir()
    linked = store.parent / "links" / "b.zarr"
    linked.symlink_to(store)
    for path in (store, linked):
        np.testing.assert_array_equal(read_volume(path).data, DATA)


def test_the_remedy_of_the_message_works(store: Path) -> None:
    secret = chunk(store.parent / "secret.zarr")
    chunk(store).unlink()
    chunk(store).symlink_to(secret)
    shutil.copytree(store, store.parent / "NEW.zarr")  # follows links, as cp -rL does
    np.testing.assert_array_equal(read_volume(store.parent / "NEW.zarr").data, DATA[::-1])


def test_labels_added_to_a_store_bring_nothing_in(store: Path) -> None:
    (store / "other").symlink_to(store.parent / "secret.zarr")
    write_labels(Labels(DATA.astype(np.uint16), SPACING), f"{store}:labels/cells")
    assert (store / "other").is_symlink() and not list(store.rglob("secret*"))
    (store / "other").unlink()
    np.testing.assert_array_equal(read_labels(f"{store}:labels/cells").data, DATA)


def test_a_chunk_that_is_a_pipe_is_not_waited_for(store: Path) -> None:
    chunk(store).unlink()
    os.mkfifo(chunk(store))
    with open_image(store) as source, pytest.raises(FileError, match="is not a regular file"):
        source.read()


def test_chunks_of_no_voxels_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.zarr").mkdir()
    plain = {"zarr_format": 2, "shape": [4, 4, 4], "chunks": [0, 0, 0], "dtype": "|u1", "order": "C", "fill_value": 0}
    (tmp_path / "a.zarr" / ".zarray").write_text(json.dumps({**plain, "compressor": None, "filters": None}))
    with pytest.raises(FileError, match=r"a\.zarr is damaged: its chunks have \(0, 0, 0\) voxels"):
        read_volume(tmp_path / "a.zarr", spacing_nm=SPACING)
