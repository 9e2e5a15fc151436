from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellml.data.blocks import Block, OpenBlock
from cellml.data.image_box import require_guard
from cellml.errors import CellmlError

Write = Callable[..., Path]


def test_a_block_reads_its_box_in_its_own_frame(phantom_file: Path) -> None:
    block, whole = OpenBlock(Block(str(phantom_file), region={"z": [8, 20], "x": [4, 30]})), np.load(phantom_file)
    assert block.shape == (12, 32, 26) and block.origin == (80.0, 0.0, 40.0) and block.channels == 1
    part = (slice(1, 3), slice(0, 5), slice(2, 9))
    assert np.array_equal(block.read_labels(part), whole["labels"][9:11, 0:5, 6:13])
    assert np.array_equal(block.read_raw(), whole["raw"][8:20, :, 4:30])
    assert np.array_equal(block.read_image(part), block.read_image()[(slice(None), *part)])


def test_all_parts_of_a_file_are_normalised_alike(phantom_file: Path) -> None:
    a, b = (OpenBlock(Block(str(phantom_file), region={"z": r})) for r in ([0, 20], [10, 30]))
    assert np.array_equal(a.read_image()[:, 10:], b.read_image()[:, :10])


def test_channels_are_counted_along_their_own_axis(tmp_path: Path, write_block: Write) -> None:
    from cellml.io import write_volume
    from cellml.types import Volume

    raw = np.random.default_rng(0).integers(0, 255, (3, 16, 16, 16)).astype(np.uint8)
    path = tmp_path / "two.npz"
    write_volume(Volume(raw, (10, 10, 10), axes="CZYX", channels=("a", "b", "c")), path)
    block = OpenBlock(Block(str(path), labels=str(write_block(tmp_path))))
    assert block.channels == 3 and block.shape == (16, 16, 16)
    assert block.read_image((slice(0, 4),) * 3).shape == (3, 4, 4, 4)


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ({"z": [0, 41]}, r"z=\[0, 41\] does not lie inside the volume, which has 40 voxels along z"),
        ({"y": [5, 5]}, r"y=\[5, 5\]"),
        ({"x": [-1, 5]}, r"x=\[-1, 5\]"),
        ({"t": [0, 1]}, r"names the axes \['t'\]"),
    ],
)
def test_regions_outside_the_volume_are_refused(phantom_file: Path, region: dict, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        OpenBlock(Block(str(phantom_file), region=region))


def test_labels_of_another_shape_are_refused_with_both(tmp_path: Path, write_block: Write) -> None:
    path = write_block(tmp_path, raw=np.random.default_rng(0).random((16, 16, 18)))
    with pytest.raises(CellmlError, match=r"\(16, 16, 18\) voxels but its labels .*block.npz have \(16, 16, 16\)"):
        OpenBlock(Block(str(path)))


def test_labels_of_another_spacing_are_refused_with_both(tmp_path: Path, write_block: Write) -> None:
    image, labels = write_block(tmp_path), write_block(tmp_path, name="coarse", voxel_nm=np.array([40.0, 10.0, 10.0]))
    with pytest.raises(CellmlError, match=r"\(10.0, 10.0, 10.0\) nm \(z, y, x\) but its labels .*coarse.npz of \(40.0, 10.0, 10.0\) nm"):
        OpenBlock(Block(str(image), labels=str(labels)))
    OpenBlock(Block(str(image), labels=str(labels), spacing_nm=[10, 10, 10]))


@pytest.mark.parametrize(("value", "ignore"), [(0, None), (0, 0), (9, 9)])
def test_a_region_without_labels_is_refused(tmp_path: Path, write_block: Write, value: int, ignore: int | None) -> None:
    labels = np.ones((40, 16, 16), np.uint8)
    labels[:30] = value
    path = write_block(tmp_path, labels=labels)
    with pytest.raises(CellmlError, match="no labelled voxel in the region of 30 × 16 × 16"):
        OpenBlock(Block(str(path), region={"z": [0, 30]}, ignore=ignore))
    OpenBlock(Block(str(path), region={"z": [0, 31]}, ignore=ignore))


def test_whole_labels_stored_as_floats_are_read_and_fractions_refused(tmp_path: Path, write_block: Write) -> None:
    labels = np.full((16, 16, 16), 7.0, np.float32)
    assert OpenBlock(Block(str(write_block(tmp_path, labels=labels)))).read_labels().dtype == np.int64
    labels[3, 3, 3] = 0.5
    with pytest.raises(CellmlError, match="fractional"):
        OpenBlock(Block(str(write_block(tmp_path, labels=labels))))


@pytest.mark.parametrize(("raw", "message"), [(np.full((16, 16, 16), 3, np.uint8), "constant"), (np.full((16, 16, 16), np.nan), "NaN")])
def test_images_without_an_image_are_refused(tmp_path: Path, write_block: Write, raw: np.ndarray, message: str) -> None:
    with pytest.raises(CellmlError, match=message):
        OpenBlock(Block(str(write_block(tmp_path, raw=raw))))


def test_a_2d_image_is_refused_with_the_remedy(tmp_path: Path, write_block: Write) -> None:
    with pytest.raises(CellmlError, match="2D image"):
        OpenBlock(Block(str(write_block(tmp_path, raw=np.zeros((16, 16), np.uint8)))))


def test_a_missing_file_is_named() -> None:
    with pytest.raises(CellmlError, match="nowhere.tif"):
        OpenBlock(Block("nowhere.tif"))


@pytest.mark.parametrize(("held_out", "gap"), [([20, 30], 0), ([25, 35], 5), ([10, 15], 0)])
def test_blocks_that_come_too_close_are_refused_with_the_distance(phantom_file: Path, held_out: list[int], gap: int) -> None:
    train = OpenBlock(Block(str(phantom_file), region={"z": [0, 20]}))
    val = OpenBlock(Block(str(phantom_file), region={"z": held_out}))
    with pytest.raises(CellmlError, match=f"are {gap} voxels apart, and data.guard asks for 6"):
        require_guard([train], [val], 6)


def test_the_guard_holds_along_any_one_axis_and_for_one_file_only(phantom_file: Path, tmp_path: Path, write_block: Write) -> None:
    train = OpenBlock(Block(str(phantom_file), region={"z": [0, 20]}))
    require_guard([train], [OpenBlock(Block(str(phantom_file), region={"z": [26, 40]}))], 6)
    require_guard([train], [OpenBlock(Block(str(write_block(tmp_path))))], 6)


def test_the_same_file_by_another_name_is_guarded_too(phantom_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(phantom_file.parent)
    with pytest.raises(CellmlError, match="apart"):
        require_guard([OpenBlock(Block(str(phantom_file)))], [OpenBlock(Block("phantom.npz:raw"))], 6)


def test_sections_that_are_only_looked_at_need_no_guard(phantom_file: Path) -> None:
    train = OpenBlock(Block(str(phantom_file), region={"z": [0, 20]}))
    val = OpenBlock(Block(str(phantom_file), region={"z": [10, 30]}, labelled_sections=[26, 27]))
    assert [box[0] for box in val.counting] == [slice(26, 27), slice(27, 28)]
    require_guard([train], [val], 6)
    with pytest.raises(CellmlError, match="are 6 voxels apart, and data.guard asks for 7"):
        require_guard([train], [val], 7)


def test_blocks_that_predictions_will_fill_are_guarded_whole(phantom_file: Path) -> None:
    train = OpenBlock(Block(str(phantom_file), region={"z": [0, 24]}, labelled_sections=[3]))
    val = OpenBlock(Block(str(phantom_file), region={"z": [26, 30]}))
    require_guard([train], [val], 6)
    with pytest.raises(CellmlError, match="are 2 voxels apart"):
        require_guard([train], [val], 6, filled=True)
