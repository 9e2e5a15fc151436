from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from cellml.errors import CellmlError, FileError
from cellml.io import open_image, read_labels, read_volume, write_labels, write_volume
from cellml.types import Labels, Volume

DATA = np.random.default_rng(0).integers(0, 250, (12, 5, 6)).astype(np.uint8)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF"])
def test_slices_follow_the_numbers_in_their_names(tmp_path: Path, suffix: str) -> None:
    for z, image in enumerate(DATA):
        Image.fromarray(image).save(tmp_path / f"slice_{z}{suffix}")
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    assert np.array_equal(read_volume(tmp_path, spacing_nm=[50, 4, 4]).data, DATA)
    assert np.array_equal(
        read_volume(f"{tmp_path}/", spacing_nm=[50, 4, 4], region=(slice(9, 11), slice(1, 3), slice(None))).data, DATA[9:11, 1:3]
    )


def test_sixteen_bits_and_palettes_keep_their_numbers(tmp_path: Path) -> None:
    deep = (DATA.astype(np.uint16) * 257)[:2]
    for folder, images in (("deep", deep), ("palette", DATA[:2])):
        (tmp_path / folder).mkdir()
        for z, image in enumerate(images):
            picture = Image.fromarray(image)
            if folder == "palette":
                picture = picture.convert("P")
                picture.putpalette(list(range(255, -1, -1)) * 3)
                picture.putdata(list(image.reshape(-1)))
            picture.save(tmp_path / folder / f"{z}.png")
        back = read_volume(tmp_path / folder, spacing_nm=[1, 1, 1])
        assert np.array_equal(back.data, images)
        assert back.data.dtype == images.dtype


def test_colours_are_channels(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(0, 250, (2, 5, 6, 3)).astype(np.uint8)
    for z, image in enumerate(data):
        Image.fromarray(image).save(tmp_path / f"{z}.png")
    volume = read_volume(tmp_path, spacing_nm=[1, 1, 1])
    assert volume.axes == "CZYX"
    assert np.array_equal(volume.data, data.transpose(3, 0, 1, 2))


def test_a_slice_of_another_size_is_named(tmp_path: Path) -> None:
    for z, shape in enumerate([(5, 6), (5, 6), (6, 5)]):
        tifffile.imwrite(tmp_path / f"{z}.tif", np.zeros(shape, np.uint8))
    with open_image(tmp_path, spacing_nm=[1, 1, 1]) as source:
        source.read((slice(0, 2), slice(None), slice(None)))
        with pytest.raises(FileError, match=r"2\.tif is \(6, 5\) uint8, but the first slice 0\.tif is \(5, 6\) uint8"):
            source.read()


def test_a_stack_inside_a_folder_is_no_slice(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", DATA)
    with pytest.raises(FileError, match="holds 12 pages, and a slice is one"):
        read_volume(tmp_path, spacing_nm=[1, 1, 1])


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n12345", b"text"])
def test_a_damaged_slice_is_named(tmp_path: Path, content: bytes) -> None:
    for z in range(3):
        Image.fromarray(DATA[z]).save(tmp_path / f"{z}.png")
    (tmp_path / "1.png").write_bytes(content)
    with pytest.raises(FileError, match=r"1\.png"):
        read_volume(tmp_path, spacing_nm=[1, 1, 1])


def test_the_frame_stands_beside_the_slices(tmp_path: Path) -> None:
    write_labels(Labels(DATA, (50.0, 4.0, 4.0), (1.0, 2.0, 3.0), names={3: "µ"}), f"{tmp_path}/out/")
    frame = json.loads((tmp_path / "out" / "cellml.json").read_text())
    assert (frame["voxel_nm"], frame["origin_nm"]) == ([50.0, 4.0, 4.0], [1.0, 2.0, 3.0])
    back = read_labels(tmp_path / "out")
    assert (back.spacing, back.origin, dict(back.names)) == ((50.0, 4.0, 4.0), (1.0, 2.0, 3.0), {3: "µ"})
    (tmp_path / "out" / "cellml.json").write_text("{")
    with pytest.raises(FileError, match=r"cellml\.json is no JSON"):
        read_labels(tmp_path / "out")
    (tmp_path / "out" / "cellml.json").unlink()
    with pytest.raises(CellmlError, match="spacing_nm="):
        read_labels(tmp_path / "out")


def test_a_folder_of_other_things_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photo.png").write_bytes(b"holiday")
    with pytest.raises(FileError, match="holds other things"):
        write_volume(Volume(DATA, (1.0, 1.0, 1.0)), f"{tmp_path}/")
    assert (tmp_path / "photo.png").read_bytes() == b"holiday"
