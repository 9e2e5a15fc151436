from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from cellml.data.command import check_file
from cellml.data.tilt_check import tilt_findings
from cellml.errors import CellmlError
from cellml.io import write_tilts, write_volume
from cellml.io.tilt_frame import is_tilt_file
from cellml.io.tilt_kind import is_tilt_series, require_volume_file
from cellml.tomography.simulate import simulate_tilts
from cellml.types import TiltSeries, Volume


@pytest.fixture(scope="module")
def series() -> TiltSeries:
    blobs = gaussian_filter(np.random.default_rng(0).normal(size=(24, 40, 56)), 2.0)
    return simulate_tilts(Volume(blobs.astype(np.float32), (2.0,) * 3), np.arange(-60, 61, 4.0))


def test_a_good_series_has_no_finding_and_its_frame_is_printed(series, tmp_path, capsys):
    write_tilts(series, tmp_path / "good.st")
    assert check_file({"path": str(tmp_path / "good.st")}) == []
    printed = " ".join(capsys.readouterr().out.split())
    assert "31 projections of 40 × 56 pixels (y, x) of 2 nm, tilts from -60° to 60°" in printed
    assert "Nothing wrong was found" in printed


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda s: replace(s, data=np.ascontiguousarray(s.data.swapaxes(1, 2))), "off by 90°"),
        (lambda s: replace(s, angles=np.random.default_rng(1).permutation(s.angles)), "seem not to stand in the order"),
        (lambda s: replace(s, data=s.data * (np.arange(31) != 4)[:, None, None]), "1 projections are blank"),
        (lambda s: replace(s, data=s.data[9:22], angles=s.angles[9:22]), "span 48° only"),
        (lambda s: replace(s, data=np.delete(s.data, [5, 6], 0), angles=np.delete(s.angles, [5, 6])), "gaps"),
        (lambda s: replace(s, data=np.ones_like(s.data)), "constant"),
    ],
)
def test_each_fault_is_a_finding(series, change, what):
    found = list(tilt_findings(change(series)))
    assert [what in finding.what for finding in found].count(True) == 1
    assert all(finding.remedy.endswith((".", "?")) for finding in found)


def test_values_that_are_no_numbers_are_fatal_and_named(series, tmp_path):
    data = series.data.copy()
    data[3, :, 7:9] = np.nan
    write_tilts(replace(series, data=data), tmp_path / "bad.st")
    with pytest.raises(CellmlError, match=r"projection 3 in columns 7 to 8.*exclude=\[3\].*fill=true"):
        check_file({"path": str(tmp_path / "bad.st")})


def test_angles_that_do_not_match_are_said(series, tmp_path):
    write_tilts(series, tmp_path / "short.st")
    (tmp_path / "short.tlt").write_text("0\n2\n")
    with pytest.raises(CellmlError, match="31 projections but .*short.tlt has 2 angles"):
        check_file({"path": str(tmp_path / "short.st")})


def test_tilt_series_and_volumes_are_told_apart(series, tmp_path):
    write_tilts(series, tmp_path / "raw.mrc", mdoc=True)
    write_volume(Volume(series.data, (2.0,) * 3), tmp_path / "volume.mrc")
    assert is_tilt_file("a.st")
    assert is_tilt_file("a.ali")
    assert is_tilt_file("a_ali.mrc")
    assert is_tilt_file(tmp_path / "raw.mrc")
    assert not is_tilt_file(tmp_path / "volume.mrc")
    require_volume_file(tmp_path / "volume.mrc")
    write_tilts(series, tmp_path / "stack.tif")
    assert is_tilt_series(tmp_path / "stack.tif")
    assert not is_tilt_series(tmp_path / "volume.mrc")
    write_volume(Volume(series.data[3:], (2.0,) * 3), tmp_path / "stack.mrc")  # a volume that shares its name with the angles
    assert not is_tilt_series(tmp_path / "stack.mrc")
    assert not is_tilt_series(tmp_path / "missing.tif")
    for name in ("raw.mrc", "stack.tif"):
        with pytest.raises(CellmlError, match="is a tilt series .* where a volume is expected.*Reconstruct it first"):
            require_volume_file(tmp_path / name)
