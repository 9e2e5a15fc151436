from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellml.cli import main
from cellml.errors import CellmlError
from cellml.io import read_tilts, write_volume
from cellml.tomography.project_command import project_file, tilt_angles
from cellml.types import Volume


def test_the_verb_writes_a_series_with_its_angles_and_errors(tmp_path: Path) -> None:
    volume = Volume(np.random.default_rng(0).uniform(1, 2, (10, 24, 26)).astype(np.float32), (5.0,) * 3)
    write_volume(volume, tmp_path / "cell.mrc")
    words = [f"input={tmp_path}/cell.mrc", "range=[-60,60]", "step=20", "field=[20,22]", "shift=2", f"errors={tmp_path}/errors.json"]
    outputs = []
    for snr in ("10", "0.1"):
        output = tmp_path / f"snr{snr}.st"
        assert main(["project", *words, f"output={output}", f"snr={snr}", "optics=scanned_probe", "seed=3"]) == 0
        outputs.append(json.loads((tmp_path / "errors.json").read_text()))
        series = read_tilts(output)
        assert series.data.shape == (7, 20, 22)
        assert series.pixel == 5.0
        assert series.angles.tolist() == [-60, -40, -20, 0, 20, 40, 60]
    assert outputs[0] == outputs[1]  # the same shifts at another SNR
    assert 0 < np.abs(outputs[0]["shifts_vu_px"]).max() <= 2


def test_ranges_and_steps() -> None:
    assert tilt_angles([-60, 60], 2, None).tolist() == list(range(-60, 61, 2))
    assert tilt_angles([-1, 1], 0.1, None).size == 21  # rounding loses no end
    assert tilt_angles([0, 1], 5, [3, -3]).tolist() == [3, -3]
    for bad in ([60, -60], [0, 0], [0, np.inf], [1]):
        with pytest.raises(CellmlError, match="make no tilt series"):
            tilt_angles(bad, 2, None)
    with pytest.raises(CellmlError, match="make no tilt series"):
        tilt_angles([-60, 60], 0, None)
    with pytest.raises(CellmlError, match="give a larger step"):
        tilt_angles([-60, 60], 1e-4, None)
    with pytest.raises(CellmlError, match="beyond ±180°"):
        tilt_angles([-200, 200], 2, None)
    for bad in (["a", "b"], [], [0.0, float("nan")], [[1], [2, 3]]):
        with pytest.raises(CellmlError, match="must be finite numbers in degrees"):
            tilt_angles([-60, 60], 1, bad)


def test_a_tilt_series_is_no_volume_and_a_seed_not_negative(tmp_path) -> None:
    with pytest.raises(CellmlError, match="seed=-1 must be a whole number"):
        project_file("volume.mrc", str(tmp_path / "tilts.st"), seed=-1)
    write_volume(Volume(np.ones((8, 8, 8), np.float32), (1.0,) * 3), tmp_path / "raw.st")
    with pytest.raises(CellmlError, match="is a tilt series"):
        project_file(str(tmp_path / "raw.st"), str(tmp_path / "tilts.st"))
    assert not (tmp_path / "tilts.st").exists()


def test_one_angle_is_refused_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_volume(Volume(np.ones((4, 8, 8), np.float32), (5.0,) * 3), tmp_path / "cell.mrc")
    assert main(["project", f"input={tmp_path}/cell.mrc", f"output={tmp_path}/a.st", "range=[0,1]", "step=5"]) == 2
    assert "one projection" in capsys.readouterr().err
    assert not (tmp_path / "a.st").exists()
