"""A disk that is full in the middle: every verb that writes says so, and leaves nothing half-written.

A file-size limit stands for the full disk: both refuse to write on.
"""

from __future__ import annotations

import resource
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellml.annotation.edits import EditLog
from cellml.errors import FileError
from cellml.io import write_labels, write_volume
from cellml.plan import machine
from cellml.types import Labels, Volume

Command = Callable[..., int]
SPACING = (10.0, 10.0, 10.0)
RECIPE = "dark: {_target_: cellml.annotation.thresholds.GreyRange, high: 90}"

VERBS = {
    "plan": ["plan", "data.path={phantom}", "data.labels={phantom}:classes", "output={out}/mine.yaml"],
    "filter": ["filter", "input={phantom}:raw", "output={out}/filtered.tif", "filter=gaussian"],
    "recipe": ["recipe", "recipe={files}/dark.yaml", "input={phantom}:raw", "output={out}/candidates.tif"],
    "accept": ["accept", "candidates={files}/found.tif", "output={out}/training.tif", "shell_nm=30"],
    "fuse": ["fuse", "inputs=[{files}/a.tif,{files}/b.tif]", "output={out}/consensus.tif"],
    "contours": ["contours", "input={files}/a.tif", "output={out}/traced.mod"],
    "sample": ["sample", "input={files}/p.tif", "output={out}/drawn.tif", "correlation_nm=30", "samples=2"],
    "score": ["score", "prediction={files}/a.tif", "truth={files}/b.tif", "kind=semantic", "output={out}/scores.json"],
    "infer": ["infer", "checkpoint={model}", "input={phantom}", "output={out}/labels.tif", "uncertainty=true", "tta=2"],
    "calibrate": ["calibrate", "checkpoint={model}", "output={out}/calibration.json", "figure={out}/calibration.png"],
}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two annotations, probabilities, candidates with decisions, and a recipe."""
    folder, rng = tmp_path_factory.mktemp("files"), np.random.default_rng(0)
    labels = (rng.random((16, 40, 40)) > 0.5).astype(np.uint8)
    write_labels(Labels(labels, SPACING, kind="semantic"), folder / "a.tif")
    write_labels(Labels(np.roll(labels, 1, axis=2), SPACING, kind="semantic"), folder / "b.tif")
    write_volume(Volume(rng.random((16, 40, 40), dtype=np.float32), SPACING), folder / "p.tif")
    found = np.zeros((16, 40, 40), np.uint8)
    found[2:8, 5:15, 5:15], found[2:8, 25:35, 5:15] = 1, 2
    write_labels(Labels(found, SPACING), folder / "found.tif")
    (folder / "found.csv").write_text("label,decision\n1,accept\n2,reject\n")
    (folder / "dark.yaml").write_text(RECIPE)
    return folder


@contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file grows beyond `size` bytes."""
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("verb", VERBS)
def test_a_full_disk_is_said_to_be_one_and_leaves_nothing_half_written(
    verb: str,
    cellml: Command,
    semantic_run: Any,
    phantom_file: Path,
    files: Path,
    tmp_path: Path,
    capsys: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(machine, "_measured", lambda device, bfloat16: 0.3)
    out = tmp_path / "out"
    out.mkdir()
    names = {"phantom": phantom_file, "files": files, "model": semantic_run.model, "out": out}
    words = [word.format(**names) if "{" in word else word for word in VERBS[verb]]
    with full_after(400):
        code = cellml(*words)
    said = capsys.readouterr().err
    assert code == 2 and "no space is left" in said and str(out if verb != "calibrate" else "Cannot write") in said
    assert not list(out.iterdir())
    assert cellml(*words) == 0 and list(out.iterdir())


def test_the_log_of_edits_keeps_whole_lines_only(tmp_path: Path) -> None:
    log = EditLog(tmp_path / "edits.jsonl")
    log.append("scribble", 0.0, voxels=3)
    size = log.path.stat().st_size
    with full_after(size + 20), pytest.raises(FileError, match="no space is left"):
        log.append("split", 1.0, voxels=3)
    assert log.path.stat().st_size == size
    log.append("merge", 2.0, voxels=1)
    assert [entry["action"] for entry in EditLog(log.path).entries] == ["scribble", "merge"]


def test_a_line_that_was_cut_off_is_removed_when_the_log_is_opened(tmp_path: Path) -> None:
    log = EditLog(tmp_path / "edits.jsonl")
    log.append("scribble", 0.0, voxels=3)
    whole = log.path.read_text()
    log.path.write_text(whole + '{"number": 2, "ti')
    assert len(EditLog(log.path).entries) == 1 and log.path.read_text() == whole


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb != "calibrate"])
def test_a_folder_that_may_not_be_written_is_said_to_be_one(
    verb: str, cellml: Command, semantic_run: Any, phantom_file: Path, files: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/sys refuses files even of root."""
    if not Path("/sys/kernel").is_dir():
        pytest.skip("there is no /sys here")
    monkeypatch.setattr(machine, "_measured", lambda device, bfloat16: 0.3)
    names = {"phantom": phantom_file, "files": files, "model": semantic_run.model, "out": "/sys"}
    words = [word.format(**names) if "{" in word else word for word in VERBS[verb]]
    assert cellml(*words) == 2
    said = capsys.readouterr().err
    assert "/sys/" in said and "Traceback" not in said, said
