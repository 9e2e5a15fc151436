from __future__ import annotations

import logging

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io.header import ImageHeader
from cellml.io.storage import fitting, storage_dtype

MRC = ("i1", "i2", "f4", "u2", "f2")


@pytest.mark.parametrize(
    ("given", "kind", "stored"),
    [
        ("u1", None, "u2"),
        ("?", None, "u2"),
        ("i1", None, "i1"),
        ("f8", None, "f4"),
        ("f2", None, "f2"),
        ("i8", None, "i2"),
        ("i8", "instance", "u2"),
        ("u4", "instance", "u2"),
        (">u2", None, "u2"),
        ("f4", None, "f4"),
    ],
)
def test_the_smallest_type_that_holds_it_or_the_widest(given: str, kind: str | None, stored: str) -> None:
    header = ImageHeader((1, 1, 1), np.dtype(given), kind=kind)
    assert storage_dtype(header, MRC, form="MRC", path="a.mrc") == np.dtype(stored)


def test_complex_numbers_have_no_place() -> None:
    with pytest.raises(FileError, match=r"MRC cannot hold complex64 voxels, so a\.mrc was not written"):
        storage_dtype(ImageHeader((1, 1, 1), np.dtype("c8")), MRC, form="MRC", path="a.mrc")


def test_losing_precision_is_said(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        storage_dtype(ImageHeader((1, 1, 1), np.dtype("f8")), MRC, form="MRC", path="a.mrc")
    assert "a.mrc is written as float32" in caplog.text


def test_values_that_do_not_fit_are_refused_with_the_range() -> None:
    assert fitting(np.array([0, 65535], np.int64), np.dtype("u2"), path="a.mrc").dtype == np.uint16
    with pytest.raises(FileError, match=r"uint16 \(0 to 65535\), but the values run from -3 to 70000"):
        fitting(np.array([-3, 70000]), np.dtype("u2"), path="a.mrc")
    with pytest.raises(FileError, match="round it first"):
        fitting(np.array([0.5]), np.dtype("u2"), path="a.mrc")
