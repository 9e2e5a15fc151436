from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import CellmlError, FileError
from cellml.report.calibration import calibration_section, reliability_figure
from cellml.report.run_folder import AbsentError, RunFolder
from cellml.uncertainty.calibrate import calibrate_file
from cellml.uncertainty.temperature import Calibration, read_calibration

Command = Callable[..., int]


@pytest.fixture(scope="module")
def overconfident(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Probabilities whose logits are twice what they should be, and the truth."""
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("probabilities")
    p = rng.uniform(0.01, 0.99, (8, 40, 40))
    truth = (rng.uniform(size=p.shape) < p).astype(np.uint8)
    odds = (p / (1 - p)) ** 2
    q = (odds / (1 + odds)).astype(np.float32)
    spacing = np.array([10.0, 10.0, 10.0])
    np.savez(folder / "p.npz", probabilities=np.stack([1 - q, q]), voxel_nm=spacing)
    np.savez(folder / "one.npz", probabilities=q, voxel_nm=spacing)
    np.savez(folder / "truth.npz", labels=truth, voxel_nm=spacing)
    return folder


@pytest.mark.parametrize("file", ["p.npz", "one.npz"])
def test_a_file_of_probabilities_is_judged_and_made_honest(overconfident: Path, file: str, tmp_path: Path) -> None:
    output = tmp_path / "c.json"
    result = calibrate_file(str(output), probabilities=str(overconfident / file), truth=str(overconfident / "truth.npz"))
    assert result["temperature"] == pytest.approx(2, rel=0.06) and result["voxels"] == 8 * 40 * 40
    assert result["after"]["ece"] < 0.02 < 0.05 < result["before"]["ece"]
    assert result["after"]["nll"] < result["before"]["nll"] and result["after"]["brier"] < result["before"]["brier"]
    assert json.loads(output.read_text()) == result and read_calibration(str(output)) == Calibration(result["temperature"])


def test_a_bias_cures_what_a_temperature_cannot(tmp_path: Path) -> None:
    """A network whose loss balanced the classes: its odds of the rare class are 9 times what they should be, and too steep by 1.5."""
    rng = np.random.default_rng(1)
    p = rng.beta(0.5, 4, (6, 60, 60))
    truth = (rng.uniform(size=p.shape) < p).astype(np.uint8)
    odds = 9 * (p / (1 - p)) ** 1.5
    q = (odds / (1 + odds)).astype(np.float32)
    spacing = np.array([10.0, 10.0, 10.0])
    np.savez(tmp_path / "p.npz", probabilities=np.stack([1 - q, q]), voxel_nm=spacing)
    np.savez(tmp_path / "t.npz", labels=truth, voxel_nm=spacing)
    given = {"probabilities": str(tmp_path / "p.npz"), "truth": str(tmp_path / "t.npz")}
    plain, biased = (calibrate_file(str(tmp_path / f"{bias}.json"), **given, bias=bias) for bias in (False, True))
    assert biased["temperature"] == pytest.approx(1.5, rel=0.1) and biased["bias"][1] == pytest.approx(-np.log(9) / 1.5, abs=0.2)
    assert biased["after"]["channel_ece"] < 0.02 < 0.1 < plain["after"]["channel_ece"]
    assert read_calibration(str(tmp_path / "True.json")).bias == tuple(biased["bias"])
    with pytest.raises(CellmlError, match="biases for 2 channels, but the probabilities have 3"):
        read_calibration(str(tmp_path / "True.json")).apply(np.full((3, 1), 1 / 3, np.float32), exclusive=True)


def test_voxels_that_nobody_labelled_are_left_out(overconfident: Path, tmp_path: Path) -> None:
    truth = np.load(overconfident / "truth.npz")["labels"].copy()
    truth[:4] = 7
    np.savez(tmp_path / "t.npz", labels=truth, voxel_nm=np.array([10.0, 10.0, 10.0]))
    given = {"probabilities": str(overconfident / "p.npz"), "truth": str(tmp_path / "t.npz")}
    assert calibrate_file(str(tmp_path / "c.json"), **given, ignore=7)["voxels"] == 4 * 40 * 40
    with pytest.raises(CellmlError, match=r"class 7, but .* has 2 channels.*ignore=NUMBER"):
        calibrate_file(str(tmp_path / "c.json"), **given)


def test_the_validation_blocks_of_a_checkpoint_are_its_own(semantic_run: Any, cellml: Command, tmp_path: Path) -> None:
    output = tmp_path / "c.json"
    assert cellml("calibrate", f"checkpoint={semantic_run.model}", f"output={output}", f"figure={tmp_path / 'c.xyz'}") == 2
    assert not output.exists(), "said before anything is measured"
    assert cellml("calibrate", f"checkpoint={semantic_run.model}", f"output={output}", f"figure={tmp_path / 'c.png'}") == 0
    result = json.loads(output.read_text())
    assert result["voxels"] == 16 * 32 * 32 and "'z': [24, 40]" in result["data"]
    assert result["after"]["nll"] <= result["before"]["nll"] + 1e-6 and (tmp_path / "c.png").stat().st_size > 5000


def test_affinities_are_judged_pair_by_pair(tiny_run: Any, phantom_file: Path, tmp_path: Path) -> None:
    """Slabs of several tiles: no pair is lost or counted twice at their seams."""
    result = calibrate_file(
        str(tmp_path / "c.json"), checkpoint=str(tiny_run.model), input=str(phantom_file), truth=f"{phantom_file}:labels", tile=[16, 32, 32]
    )
    pairs = sum(np.prod([n - s for n, s in zip((40, 32, 32), step, strict=True)]) for step in np.eye(3, dtype=int)[[0, 1, 2]])
    pairs += sum(np.prod([n - f * s for n, s in zip((40, 32, 32), step, strict=True)]) for f in (3, 9) for step in np.eye(3, dtype=int))
    assert result["voxels"] == pairs and result["kind"] == "yes-or-no channels" and len(result["names"]) == 9


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Say what to judge"),
        ({"checkpoint": "a", "probabilities": "b", "truth": "c"}, "Say what to judge"),
        ({"probabilities": "b"}, "judged by truth=FILE"),
        ({"checkpoint": "a", "input": "b"}, "input=FILE and truth=FILE together"),
    ],
)
def test_half_a_question_is_refused(given: dict[str, str], message: str, tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=message):
        calibrate_file(str(tmp_path / "c.json"), **given)
    with pytest.raises(CellmlError, match="ends in .json"):
        calibrate_file("c.txt", checkpoint="a")


def test_temperatures_that_are_none(tmp_path: Path) -> None:
    assert read_calibration(None) == Calibration() and read_calibration("1.5") == Calibration(1.5)
    for value in ("hot", 0, -1.0, 1e9):
        with pytest.raises(CellmlError, match="between 0.01 and 100"):
            read_calibration(value)
    (tmp_path / "c.json").write_text("{}")
    for name in ("c.json", "none.json"):
        with pytest.raises(FileError, match="make it with cellml calibrate"):
            read_calibration(str(tmp_path / name))


def test_the_report_shows_the_diagram(overconfident: Path, tmp_path: Path) -> None:
    (tmp_path / "metrics.csv").write_text("step\n0\n")
    run = RunFolder(tmp_path)
    with pytest.raises(AbsentError):
        calibration_section(run)
    given = {"probabilities": str(overconfident / "p.npz"), "truth": str(overconfident / "truth.npz")}
    result = calibrate_file(str(tmp_path / "calibration.json"), **given)
    assert "Reliability diagrams" in calibration_section(run) and "12,800 answers" in calibration_section(run)
    axes = reliability_figure(result).axes
    assert len(axes) == 2 * 3
    x, y = axes[0].lines[2].get_data()
    np.testing.assert_allclose(x, y, atol=0.1)  # at the temperature, the likeliest answer lies on the diagonal
    (tmp_path / "calibration.json").write_text("{}")
    with pytest.raises(FileError, match="is no calibration"):
        calibration_section(run)
