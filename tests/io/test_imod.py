from __future__ import annotations

import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellml.errors import CellmlError, FileError
from cellml.io.imod import read_imod, write_imod
from cellml.io.imod_model import (
    FLIPPED_YZ,
    OPEN,
    ORIGIN_IN_OLD_TRANSLATION,
    SCATTERED,
    ImageTransformation,
    ImodContour,
    ImodModel,
    ImodObject,
)

POINTS = [(1.0, 2.0, 3.0), (4.5, 2.25, 3.0), (4.0, 6.0, 3.0)]


def text(value: str, size: int, rubbish: bytes = b"") -> bytes:
    """A name field as C programs leave it: the end mark, then what was there before."""
    return (value.encode() + b"\0" + rubbish)[:size].ljust(size, b"\0")


def model_header(objects: int, *, flags: int = 0xF400, unit: int = -9, pixel: float = 4.6) -> bytes:
    """232 bytes, each field where the published table puts it."""
    parts = [
        text("IMOD-NewModel", 128, b"\x98\x55rubbish"),
        struct.pack(">iii", 100, 80, 20),  # xmax, ymax, zmax
        struct.pack(">i", objects),
        struct.pack(">I", flags),
        struct.pack(">iiii", 1, 1, 17, 201),  # drawmode, mousemode, black, white
        struct.pack(">fff", 0.0, 0.0, 0.0),  # offsets
        struct.pack(">fff", 1.0, 1.0, 9.78),  # scales
        struct.pack(">iii", 0, 1, 2),  # current object, contour, point
        struct.pack(">ii", 3, 128),  # res, thresh
        struct.pack(">f", pixel),
        struct.pack(">i", unit),
        struct.pack(">i", 12345),  # checksum
        struct.pack(">fff", 0.0, 0.0, 0.0),
    ]
    header = b"".join(parts)
    assert len(header) == 232
    return header


def object_header(name: str, contours: int, *, flags: int = 0, meshes: int = 0) -> bytes:
    """176 bytes."""
    parts = [
        text(name, 64),
        struct.pack(">16I", *range(16)),
        struct.pack(">i", contours),
        struct.pack(">I", flags),
        struct.pack(">ii", 0, 1),  # axis, drawmode
        struct.pack(">fff", 1.0, 0.5, 0.25),
        struct.pack(">i", 7),  # radius of points
        bytes([1, 3, 1, 2, 0, 0, 0, 40]),
        struct.pack(">ii", meshes, 5),
    ]
    header = b"".join(parts)
    assert len(header) == 176
    return header


def contour(points, *, flags: int = 0, time: int = 0, surface: int = 0) -> bytes:
    return b"CONT" + struct.pack(">iIii", len(points), flags, time, surface) + b"".join(struct.pack(">fff", *p) for p in points)


def chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack(">i", len(data)) + data


MESH = b"MESH" + struct.pack(">iiIhh", 2, 3, 1 << 16, 0, 1) + struct.pack(">6f", *range(6)) + struct.pack(">3i", -25, 0, -22)
MINX = struct.pack(">18f", 1, 1, 1, -100, -50, 0, 0, 0, 0, 2, 2, 5, -120, -50, 10, 0, 0, 0)


def complete() -> bytes:
    """Two objects, a mesh, chunks of contour, mesh, object and model, among them one that nobody knows."""
    return b"".join(
        [
            b"IMODV1.2",
            model_header(2),
            b"OBJT" + object_header("mitochondrion", 2, meshes=2),
            contour(POINTS, surface=4) + chunk(b"SIZE", struct.pack(">3f", 1, 2, 3)),
            contour([], flags=OPEN, time=1) + chunk(b"LABL", bytes(8)),
            MESH + chunk(b"MEST", bytes(12)) + MESH + chunk(b"MEST", bytes(24)),
            chunk(b"IMAT", bytes(range(16))),
            b"OBJT" + object_header("gold", 1, flags=SCATTERED | OPEN),
            contour([(0.0, 0.0, -0.5)]),
            chunk(b"IMAT", bytes(16)),
            chunk(b"VIEW", struct.pack(">i", 1)),
            chunk(b"MINX", MINX),
            chunk(b"ZZZZ", b"nobody knows"),
            b"IEOF",
        ]
    )


@pytest.fixture
def saved(tmp_path):
    def save(content: bytes):
        path = tmp_path / "model.mod"
        path.write_bytes(content)
        return path

    return save


def test_every_field_is_read_from_the_byte_where_the_table_puts_it(saved):
    model = read_imod(saved(complete()))
    assert (model.name, model.size, model.flags) == ("IMOD-NewModel", (100, 80, 20), 0xF400)
    assert model.pixel_nm == pytest.approx(4.6) and model.z_scale == pytest.approx(9.78)
    mito, gold = model.objects
    assert (mito.name, mito.kind, mito.colour) == ("mitochondrion", "closed", (1.0, 0.5, 0.25))
    assert (gold.name, gold.kind) == ("gold", "scattered")
    first, second = mito.contours
    np.testing.assert_array_equal(first.points, np.float32(POINTS))
    assert (first.surface, first.open, first.extra[0].id) == (4, False, "SIZE")
    assert (second.points.shape, second.open, second.time, second.extra[0].id) == ((0, 3), True, 1, "LABL")
    assert len(mito.meshes) == 2 and [c.id for c in mito.extra] == ["IMAT"]
    assert [c.id for c in model.extra] == ["VIEW", "MINX", "ZZZZ"] and model.extra[2].data == b"nobody knows"
    assert model.transformation.scale == (2, 2, 5) and model.transformation.translation == (-120, -50, 10)


def test_what_is_read_and_written_is_the_same_file(saved, tmp_path):
    write_imod(read_imod(saved(complete())), tmp_path / "again.mod")
    assert (tmp_path / "again.mod").read_bytes() == complete()


def test_a_changed_model_keeps_what_was_not_changed(saved, tmp_path):
    model = read_imod(saved(complete()))
    mito = replace(model.objects[0], name="crista " * 20, contours=model.objects[0].contours[:1])
    write_imod(replace(model, objects=(mito,), name="mine", flags=model.flags | FLIPPED_YZ), tmp_path / "new.mod")
    again = read_imod(tmp_path / "new.mod")
    assert again.name == "mine" and again.flipped and len(again.objects) == 1
    assert again.objects[0].name == ("crista " * 20)[:63] and len(again.objects[0].contours) == 1
    assert again.objects[0].header[64:128] == model.objects[0].header[64:128]  # IMOD's extra data
    assert again.header[196:200] == model.header[196:200]  # the level of contours


def test_a_new_model_begins_with_what_3dmod_expects(tmp_path):
    square = ImodContour(np.float32([[0, 0, 2], [4, 0, 2], [4, 4, 2], [0, 4, 2]]))
    write_imod(
        ImodModel((ImodObject((square,), "a", (1.0, 0.0, 0.0)),), size=(10, 12, 3), pixel_size=4.6, unit=-9, z_scale=10.0),
        tmp_path / "n.mod",
    )
    content = (tmp_path / "n.mod").read_bytes()
    assert content[:8] == b"IMODV1.2" and content[-4:] == b"IEOF" and content[240:244] == b"OBJT"
    assert struct.unpack(">4i", content[136:152]) == (10, 12, 3, 1)
    assert struct.unpack(">ii", content[156:164]) == (1, 1)  # drawn, in model mode
    assert len(content) == 8 + 232 + 4 + 176 + 4 + 16 + 4 * 12 + 4
    model = read_imod(tmp_path / "n.mod")
    assert model.objects[0].kind == "closed" and model.pixel_nm == pytest.approx(4.6) and model.offset == (0.0, 0.0, 0.0)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.lists(st.tuples(*[st.floats(-1e5, 1e5, width=32)] * 3), max_size=5), max_size=4),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30),
    st.integers(0, 2**32 - 1),
)
def test_any_contours_survive(tmp_path_factory, contours, name, flags):
    path = tmp_path_factory.mktemp("mod") / "any.mod"
    thing = ImodObject(tuple(ImodContour(np.float32(points).reshape(-1, 3)) for points in contours), flags=flags)
    write_imod(ImodModel((thing,), size=(1, 2, 3), name=name, transformation=ImageTransformation(scale=(1.0, 2.0, 3.0))), path)
    again = read_imod(path)
    assert again.objects[0].flags == flags and again.transformation.scale == (1.0, 2.0, 3.0)
    assert again.name == name.encode()[:127].decode(errors="ignore")
    for given_, found in zip(thing.contours, again.objects[0].contours, strict=True):
        np.testing.assert_array_equal(given_.points, found.points)


def test_the_offset_leads_from_the_loaded_part_to_the_whole_image(saved):
    model = read_imod(saved(complete()))
    assert model.offset == (10.0, 0.0, -2.0)  # (old − current translation) / scale
    assert replace(model, flags=model.flags & ~ORIGIN_IN_OLD_TRANSLATION).offset == (0.0, 0.0, 0.0)
    assert replace(model, transformation=None).offset == (0.0, 0.0, 0.0)


@pytest.mark.parametrize(("unit", "nm"), [(0, None), (-6, 2000.0), (-9, 2.0), (-10, 0.2), (1, 2e9)])
def test_the_pixel_size_in_nm(saved, unit, nm):
    content = b"IMODV1.2" + model_header(0, unit=unit, pixel=2.0) + b"IEOF"
    found = read_imod(saved(content)).pixel_nm
    assert found is None if nm is None else found == pytest.approx(nm)


def test_every_truncation_is_refused(saved):
    for size in range(0, len(complete()), 5):
        with pytest.raises(FileError, match=r"truncated|damaged|no IMOD model|version"):
            read_imod(saved(complete()[:size]))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x00\x00\x01\x00" * 100, "no IMOD model: it begins with"),
        (b"IMODV1.1" + bytes(300), "version 'V1.1'"),
        (b"imod 1\nobject 0", "ASCII IMOD model"),
        (b"# imod ascii file version 2.0", "ASCII IMOD model"),
        (b"IMODV1.2" + model_header(3) + b"IEOF", "states 3 objects, but 0"),
        (b"IMODV1.2" + model_header(1) + b"OBJT" + object_header("a", 2) + contour(POINTS) + b"IEOF", "object 1 states 2 contours, but 1"),
        (b"IMODV1.2" + model_header(1) + b"OBJT" + object_header("a", 0, meshes=1) + b"IEOF", "object 1 states 1 meshes, but 0"),
        (b"IMODV1.2" + model_header(0) + contour(POINTS) + b"IEOF", "a contour stands before the first object"),
        (b"IMODV1.2" + model_header(0) + MESH + b"IEOF", "a mesh stands before the first object"),
        (b"IMODV1.2" + model_header(1) + b"OBJT" + object_header("a", 1) + b"CONT" + struct.pack(">iIii", -4, 0, 0, 0), "-4 points"),
        (b"IMODV1.2" + model_header(1) + b"OBJT" + object_header("a", 1) + contour([(0.0, float("nan"), 1.0)]) + b"IEOF", "not finite"),
        (b"IMODV1.2" + model_header(0) + b"ABCD" + struct.pack(">i", 2**31 - 1), "chunk 'ABCD' should take 2147483647 bytes"),
    ],
)
def test_what_is_no_sound_model_is_refused(saved, content, message):
    with pytest.raises(FileError, match=message):
        read_imod(saved(content))


def test_a_missing_file_and_bad_points_are_refused(tmp_path):
    with pytest.raises(FileError, match="There is no file"):
        read_imod(tmp_path / "none.mod")
    with pytest.raises(CellmlError, match=r"shape \(4, 2\)"):
        ImodContour(np.zeros((4, 2), np.float32))
    with pytest.raises(CellmlError, match="1 points that are not finite"):
        ImodContour(np.float32([[0, 0, np.inf]]))
