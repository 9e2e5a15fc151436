from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.io.mdoc import mdoc_text, read_mdoc
from cellml.types import TiltSeries

SERIAL_EM = """PixelSpacing = 13.5
Voltage = 300
ImageFile = cell.st
ImageSize = 1024 1024

[T = SerialEM: Digitized on a microscope                       01-Jan-20  10:00:00    ]

[T =     Tilt axis angle = 85.3, binning = 2  spot = 8  camera = 0]

[ZValue = 1]
TiltAngle = 0.0118
ExposureDose = 3.1
RotationAngle = 175.3
Defocus = -4.99

[ZValue = 0]
TiltAngle = -2.9882
ExposureDose = 3
RotationAngle = 175.3

[MontSection = 0]
TiltAngle = 77
"""


def test_an_mdoc_of_serialem(tmp_path: Path) -> None:
    (tmp_path / "a.mdoc").write_text(SERIAL_EM)
    found = read_mdoc(tmp_path / "a.mdoc")
    assert found.angles.tolist() == [-2.9882, 0.0118]  # in the order of the stack, not of the file
    assert found.doses.tolist() == [3, 3.1]
    assert found.pixel == pytest.approx(1.35)
    assert found.axis_angle == 85.3


@pytest.mark.parametrize(
    ("change", "axis"),
    [
        (("[T =     Tilt axis angle = 85.3, binning = 2  spot = 8  camera = 0]", ""), 85.3),  # RotationAngle 175.3 counts from the X axis
        (("Tilt axis angle = 85.3,", "TiltAxisAngle = -84.7 "), -84.7),
        (("[T =     Tilt axis angle = 85.3, binning = 2  spot = 8  camera = 0]", "TiltAxisAngle = 84"), 84),
    ],
)
def test_where_the_tilt_axis_stands(tmp_path: Path, change: tuple[str, str], axis: float) -> None:
    (tmp_path / "a.mdoc").write_text(SERIAL_EM.replace(*change))
    assert read_mdoc(tmp_path / "a.mdoc").axis_angle == pytest.approx(axis)


def test_no_axis_and_some_doses(tmp_path: Path) -> None:
    (tmp_path / "a.mdoc").write_text("[ZValue = 0]\nTiltAngle = 1\nExposureDose = 3\n[ZValue = 1]\nTiltAngle = 2\n")
    found = read_mdoc(tmp_path / "a.mdoc")
    assert found.axis_angle is None
    assert found.pixel is None
    assert len(found.doses) == 0


@pytest.mark.parametrize("axis", [0.0, -12.5, 85.3, 170.0])
def test_what_is_written_is_read(tmp_path: Path, axis: float) -> None:
    series = TiltSeries(np.zeros((3, 4, 5)), np.array([-10.5, 0, 10]), 0.7, axis_angle=axis, doses=np.array([1.0, 2.0, 3.0]))
    (tmp_path / "a.mdoc").write_text(mdoc_text(series, "a.st"))
    found = read_mdoc(tmp_path / "a.mdoc")
    assert found.angles.tolist() == [-10.5, 0, 10]
    assert found.doses.tolist() == [1, 2, 3]
    assert (found.pixel, found.axis_angle) == (pytest.approx(0.7), axis)
    # The two ways to say the axis agree: without the title, the rotation angle gives the same.
    (tmp_path / "b.mdoc").write_text("\n".join(line for line in mdoc_text(series, "a.st").splitlines() if not line.startswith("[T =")))
    assert read_mdoc(tmp_path / "b.mdoc").axis_angle == pytest.approx(axis)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("PixelSpacing = 10\n", "describes no images"),
        ("[ZValue = 0]\nTiltAngle = 1\n[ZValue = 1]\nDefocus = 2\n", "no TiltAngle for image 1 of 2"),
        ("[ZValue = 0]\nTiltAngle = x\n", "TiltAngle of image 0 is 'x', which is no number"),
        ("PixelSpacing = wide\n[ZValue = 0]\nTiltAngle = 1\n", "PixelSpacing is 'wide'"),
        ("[T = Tilt axis angle = 1.2.3]\n[ZValue = 0]\nTiltAngle = 1\n", "Tilt axis angle is '1.2.3'"),
    ],
)
def test_what_an_mdoc_may_not_say(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "a.mdoc").write_text(text)
    with pytest.raises(FileError, match=words):
        read_mdoc(tmp_path / "a.mdoc")
