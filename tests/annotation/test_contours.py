from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cellml.annotation.contours import contours_to_labels, labels_to_contours
from cellml.annotation.contours_command import contours_file
from cellml.errors import CellmlError
from cellml.io import read_labels, write_labels, write_volume
from cellml.io.imod import read_imod, write_imod
from cellml.io.imod_model import FLIPPED_YZ, OPEN, ROTATED_ABOUT_X, SCATTERED, ImageTransformation, ImodContour, ImodModel, ImodObject
from cellml.types import Labels, Volume

SPACING = (40.0, 5.0, 5.0)
SHAPE = (6, 20, 24)


def square(z, low=(3, 4), high=(9, 12), flags=0):
    """A contour around the pixels low to high (row, column), the last one not included, as 3dmod counts: from pixel edges."""
    (r0, c0), (r1, c1) = low, high
    return ImodContour(np.float32([(c0, r0, z), (c1, r0, z), (c1, r1, z), (c0, r1, z)]), flags)


def model(*objects, size=(24, 20, 6), **more):
    return ImodModel(tuple(ImodObject(tuple(contours)) for contours in objects), size=size, **more)


def labels_of(thing, **more):
    return contours_to_labels(thing, SHAPE, SPACING, **more)[0].data


def blobs(seed=0, shape=(5, 30, 34)):
    """Nested and touching shapes, some with holes."""
    rng = np.random.default_rng(seed)
    z, y, x = np.indices(shape)
    data = np.zeros(shape, np.uint16)
    for number in range(1, 8):
        centre, radius = rng.uniform(0, shape, 3), rng.uniform(3, 9)
        distance = np.sqrt((6 * (z - centre[0])) ** 2 + (y - centre[1]) ** 2 + (x - centre[2]) ** 2)
        data[(distance < radius) & (distance > 0.4 * radius * (number % 2))] = 3 * number
    return data


def test_a_contour_fills_the_pixels_between_the_edges_it_follows():
    expected = np.zeros(SHAPE, np.uint8)
    expected[2, 3:9, 4:12] = 1
    expected[4, 0:2, 0:3] = 2
    np.testing.assert_array_equal(labels_of(model([square(2)], [square(4, (0, 0), (2, 3))])), expected)


def test_holes_are_nested_contours_and_later_objects_lie_on_top():
    inner = square(2, (5, 6), (7, 8))
    data, said = contours_to_labels(model([square(2), inner], [square(2, (3, 4), (4, 12))]), SHAPE, SPACING)
    assert (data.data[2] == 1).sum() == 6 * 8 - 4 - 8 and (data.data[2] == 2).sum() == 8
    assert data.data[2, 5, 6] == 0 and said == ("8 voxels that two objects claim",)


@pytest.mark.parametrize("seed", range(3))
def test_labels_come_back_voxel_for_voxel(seed, tmp_path):
    truth = blobs(seed)
    write_imod(labels_to_contours(Labels(truth, SPACING, names={3: "three"})), tmp_path / "outlines.mod")
    drawn = read_imod(tmp_path / "outlines.mod")
    found, said = contours_to_labels(drawn, truth.shape, SPACING)
    numbers = np.unique(truth[truth > 0])
    np.testing.assert_array_equal(np.concatenate([[0], numbers])[found.data], truth)
    assert not said and drawn.objects[0].name == "three" and drawn.pixel_nm == 5.0 and drawn.z_scale == 8.0
    assert len({thing.colour for thing in drawn.objects}) == len(numbers)


def test_coarser_contours_keep_most_of_the_shape():
    truth = np.zeros((1, 60, 60), np.uint8)
    truth[0] = np.hypot(*(np.mgrid[:60, :60] - 30)) < 20
    exact, coarse = (labels_to_contours(Labels(truth, SPACING), tolerance=t) for t in (0.0, 1.0))
    found = contours_to_labels(coarse, truth.shape, SPACING)[0].data
    assert len(coarse.objects[0].contours[0].points) < 0.4 * len(exact.objects[0].contours[0].points)
    assert ((found > 0) & (truth > 0)).sum() / ((found > 0) | (truth > 0)).sum() > 0.95


def test_untraced_sections_are_interpolated():
    sparse = model([square(0), square(4)])
    assert [z for z in range(6) if labels_of(sparse)[z].any()] == [0, 4]
    found, said = contours_to_labels(sparse, SHAPE, SPACING, bridge=3)
    assert (found.data[:5].sum(axis=(1, 2)) == 48).all() and not found.data[5].any() and said == ("3 sections interpolated",)


def test_contours_drawn_with_y_and_z_exchanged():
    """In the flipped view the model's y runs along the image's z, from pixel edges, and its z counts rows."""
    flipped = model([ImodContour(np.float32([(4, 1, 7), (12, 1, 7), (12, 4, 7), (4, 4, 7)]))], flags=FLIPPED_YZ, size=(24, 6, 20))
    expected = np.zeros(SHAPE, np.uint8)
    expected[1:4, 7, 4:12] = 1
    np.testing.assert_array_equal(labels_of(flipped), expected)


def test_contours_drawn_on_a_part_of_the_image_are_put_where_the_part_was():
    part = ImageTransformation(scale=(0.5, 0.5, 4.0), old_translation=(0.0, 0.0, 0.0), translation=(-2.5, -1.5, -4.0))
    moved = model([square(1, (0, 0), (2, 3))], transformation=part, flags=1 << 14, size=(10, 10, 3))
    expected = np.zeros(SHAPE, np.uint8)
    expected[2, 3:5, 5:8] = 1
    np.testing.assert_array_equal(labels_of(moved), expected)


def test_what_cannot_be_filled_is_counted():
    mixed = ImodModel(
        (
            ImodObject((square(1), square(1, flags=OPEN), ImodContour(np.zeros((2, 3), np.float32)), square(2, (-2, 4), (3, 8)))),
            ImodObject((square(3),), flags=OPEN),
            ImodObject((square(3), square(4)), flags=SCATTERED | OPEN),
        ),
        size=(24, 20, 6),
    )
    found, said = contours_to_labels(mixed, SHAPE, SPACING)
    counts = (
        "2 open contours",
        "1 contours of fewer than three points",
        "1 contours cut at the border of the image",
        "2 scattered contours",
    )
    assert set(said) == set(counts)
    assert set(np.unique(found.data)) == {0, 1} and (found.data[2] == 1).sum() == 3 * 4


@pytest.mark.parametrize(
    ("thing", "message"),
    [
        (model([square(7)], size=(0, 0, 0)), "Contour 1 of object 1 lies outside the image.*section 7.*6 sections"),
        (model([square(1, (30, 30), (34, 34))], size=(0, 0, 0)), "lies outside the image: x 30 to 34, y 30 to 34"),
        (model([square(1)], size=(24, 20, 7)), "24 × 20 × 7 pixels.*24 × 20 × 6"),
        (model([square(1)], flags=ROTATED_ABOUT_X), "turned by 90° around x"),
        (model([ImodContour(np.float32([(1, 1, 1), (5, 1, 2), (5, 5, 3)]))]), "runs through the sections 1 to 3"),
        (model([square(1, flags=OPEN)]), r"no closed contour.*1 open contours"),
        (model(), "no closed contour"),
    ],
)
def test_bad_models_are_refused(thing, message):
    with pytest.raises(CellmlError, match=message):
        labels_of(thing)


def test_labels_without_objects_are_refused():
    with pytest.raises(CellmlError, match="no label above 0"):
        labels_to_contours(Labels(np.zeros((2, 3, 4), np.uint8), SPACING))
    with pytest.raises(CellmlError, match="tolerance=-1"):
        labels_to_contours(Labels(np.ones((2, 3, 4), np.uint8), SPACING), tolerance=-1)


# The verb


@pytest.fixture
def files(tmp_path):
    truth = Labels(blobs(1), SPACING)
    write_labels(truth, tmp_path / "truth.tif")
    write_volume(Volume(np.zeros(truth.shape, np.uint8), SPACING), tmp_path / "image.mrc")
    return tmp_path


def test_there_and_back_by_command(cellml, files, capsys):
    truth, outlines, again = files / "truth.tif", files / "outlines.mod", files / "again.tif"
    assert cellml("contours", f"input={truth}", f"output={outlines}") == 0
    assert cellml("contours", f"input={outlines}", f"image={files / 'image.mrc'}", f"output={again}", "kind=semantic") == 0
    found = read_labels(again)
    np.testing.assert_array_equal(found.data > 0, read_labels(truth).data > 0)
    assert found.kind == "semantic" and found.spacing == SPACING
    assert "contours" in capsys.readouterr().out


def test_rows_counted_from_the_bottom(files):
    contours_file(files / "truth.tif", files / "turned.mod", flip_y=True)
    contours_file(files / "truth.tif", files / "outlines.mod")
    turned, straight = (read_imod(files / name).objects[0].contours[0].points for name in ("turned.mod", "outlines.mod"))
    assert turned[:, 1].max() == pytest.approx(30 - straight[:, 1].min())
    contours_file(files / "turned.mod", files / "again.tif", image=files / "image.mrc", flip_y=True)
    np.testing.assert_array_equal(read_labels(files / "again.tif").data > 0, read_labels(files / "truth.tif").data > 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["input=truth.tif", "output=other.tif"], "must be an IMOD model"),
        (["input=a.mod", "output=b.mod"], "must be an IMOD model"),
        (["input=outlines.mod", "output=new.tif"], "Give image=FILE"),
        (["input=outlines.mod", "output=new.tif", "image=image.mrc", "bridge=-1"], "bridge=-1"),
        (["input=none.mod", "output=new.tif", "image=image.mrc"], "There is no file"),
        (["input=other.mod", "output=new.tif", "image=image.mrc"], "pixels of 9 nm, but image.mrc of 5 nm"),
    ],
)
def test_mistakes_with_the_command(words, message, cellml, files, capsys, monkeypatch):
    monkeypatch.chdir(files)
    contours_file("truth.tif", "outlines.mod")
    write_imod(replace(read_imod("outlines.mod"), pixel_size=9.0), "other.mod")
    assert cellml("contours", *words) == 2
    assert message in capsys.readouterr().err
    assert not (files / "new.tif").exists()


def test_the_right_pixel_size_settles_a_contradiction(files):
    contours_file(files / "truth.tif", files / "outlines.mod", spacing_nm=[40.0, 9.0, 9.0])
    contours_file(files / "outlines.mod", files / "again.tif", image=files / "image.mrc", spacing_nm=[40.0, 9.0, 9.0])
    assert read_labels(files / "again.tif").spacing == (40.0, 9.0, 9.0)
