from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.errors import FileError
from cellml.metrics.command import score_files
from cellml.report.document import build_report
from cellml.report.run_folder import RunFolder
from cellml.report.scores import scores_section


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """A truth of two classes and a prediction that misses part of one."""
    truth = np.zeros((6, 20, 20), np.uint8)
    truth[:, :8], truth[:, 12:] = 1, 2
    wrong = np.where(np.arange(20) < 5, 0, truth)
    for name, labels in (("truth", truth), ("wrong", wrong)):
        np.savez(tmp_path / f"{name}.npz", labels=labels, voxel_nm=[10, 10, 10])
    return {"prediction": str(tmp_path / "wrong.npz"), "truth": str(tmp_path / "truth.npz")}


def test_scores_of_a_run_stand_in_its_report_as_they_are_printed(files: dict[str, str], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    found: dict[str, Any] = score_files(**files, kind="semantic", surfaces=True, topology=True, output=run / "scores.json")
    score_files(**files, kind="instance", output=run / "scores_objects.json")
    html = build_report(run, tmp_path / "report.html").read_text()
    assert "scores.json" in html and "scores_objects.json" in html and "adapted Rand error" in html and "Betti numbers" in html
    assert f"{found['mean_dice']:.4f}" in html and "wrong.npz against" in html


def test_a_warning_of_a_leaking_split_is_repeated(files: dict[str, str], tmp_path: Path) -> None:
    result = score_files(**files, kind="semantic", output=tmp_path / "scores.json")
    (tmp_path / "scores.json").write_text(json.dumps({**result, "split": {"warning": "Half of it was <trained> on."}}))
    assert "Half of it was &lt;trained&gt; on." in scores_section(RunFolder(tmp_path))


def test_another_file_of_that_name_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "scores.json").write_text('{"a": 1}')
    with pytest.raises(FileError, match="not what cellml score writes"):
        scores_section(RunFolder(tmp_path))
