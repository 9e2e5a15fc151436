"""The verb plan, and that what it writes runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from cellml.config import experiment_file
from cellml.data.phantom import em_phantom
from cellml.errors import CellmlError
from cellml.io import read_labels
from cellml.plan import machine
from cellml.plan.command import plan_file

Command = Callable[..., int]


@pytest.fixture
def slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """So slow that the network it gets is tiny."""
    monkeypatch.setattr(machine, "_measured", lambda device, bfloat16: 0.3)


def test_plan_train_and_infer_from_another_folder(
    cellml: Command, phantom_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slow_machine: None
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cellml("plan", f"data.path={phantom_file}", f"data.labels={phantom_file}:classes", "output=plans/mine.yaml", "minutes=1") == 0
    text = Path("plans/mine.yaml").read_text()
    written = yaml.safe_load(text)
    assert text.startswith("# cellml train experiment=plans/mine.yaml") and written["name"] == "mine"
    assert written["data"]["_target_"].endswith("VolumeDataModule") and written["task"]["target"]["classes"][0] == "background"
    for word in ("Voxels along", "step should take", "GFLOP/s", "Try first", "patch is", "leak"):
        assert word in " ".join(text.replace("#", " ").split())
    words = [
        "training.max_steps=2",
        "training.validations=1",
        "training.precision=32-true",
        "data.patches_per_epoch=4",
        "data.batch_size=1",
    ]
    assert cellml("train", "experiment=plans/mine.yaml", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0
    out = tmp_path / "out.npz"
    assert cellml("infer", f"checkpoint={tmp_path / 'run/model.ckpt'}", f"input={phantom_file}", f"output={out}") == 0
    assert read_labels(out).shape == (40, 32, 32)


def test_a_given_spacing_is_stated_and_written_for_each_block(tmp_path: Path, slow_machine: None) -> None:
    raw, labels = em_phantom((40, 32, 32), seed=3)
    np.savez(tmp_path / "a.npz", raw=raw.data, labels=labels.data)
    with pytest.raises(CellmlError, match=r"voxel size of .* is not known[\s\S]*pixels within a section[\s\S]*data\.spacing_nm="):
        plan_file({"path": str(tmp_path / "a.npz")}, str(tmp_path / "p.yaml"))
    summary = plan_file({"path": str(tmp_path / "a.npz"), "spacing_nm": [10, 10, 10]}, str(tmp_path / "p.yaml"))
    text = (tmp_path / "p.yaml").read_text()
    assert "as given by data.spacing_nm; everything below depends on it" in text and summary["task"] == "affinities"
    data = yaml.safe_load(text)["data"]
    assert data["train"][0]["spacing_nm"] == [10, 10, 10] == data["val"][0]["spacing_nm"]


def test_sections_that_nobody_labelled_are_left_out_of_training_and_validation(tmp_path: Path, slow_machine: None) -> None:
    raw, labels = em_phantom((40, 32, 64), seed=3)
    sparse = labels.data.copy()
    sparse[[k for k in range(40) if k not in (5, 20, 33)]] = 0
    np.savez(tmp_path / "a.npz", raw=raw.data, labels=(sparse % 3).astype(np.uint8), voxel_nm=np.array(raw.spacing))
    plan_file({"path": str(tmp_path / "a.npz")}, str(tmp_path / "p.yaml"))
    data = yaml.safe_load((tmp_path / "p.yaml").read_text())["data"]
    assert data["labelled_sections"] == [5, 20, 33] == data["val"][0]["labelled_sections"]
    assert data["sampling"]["_target_"].endswith("AroundLabels") and "z" not in data["val"][0]["region"]


def test_data_without_labels_and_other_shapes_are_refused(tmp_path: Path, slow_machine: None) -> None:
    raw, labels = em_phantom((24, 32, 32), seed=3)
    np.savez(tmp_path / "a.npz", raw=raw.data, voxel_nm=np.array(raw.spacing))
    np.savez(tmp_path / "b.npz", labels=labels.data[:20], voxel_nm=np.array(raw.spacing))
    with pytest.raises(CellmlError, match="holds no labels"):
        plan_file({"path": str(tmp_path / "a.npz")}, str(tmp_path / "p.yaml"))
    with pytest.raises(CellmlError, match="must be one grid"):
        plan_file({"path": str(tmp_path / "a.npz"), "labels": str(tmp_path / "b.npz")}, str(tmp_path / "p.yaml"))
    for given, message in (({"output": "p.txt"}, "ends in .yaml"), ({"minutes": 0.0}, "positive")):
        with pytest.raises(CellmlError, match=message):
            plan_file({"path": str(tmp_path / "a.npz")}, **given)


def test_labels_without_a_label_are_refused(tmp_path: Path, slow_machine: None) -> None:
    np.savez(tmp_path / "v.npz", raw=np.random.default_rng(0).integers(0, 255, (8, 16, 16), np.uint8), labels=np.zeros((8, 16, 16), np.uint8),
             voxel_nm=[10, 10, 10])  # fmt: skip
    with pytest.raises(CellmlError, match="holds no label: all 2048 voxels are 0"):
        plan_file({"path": str(tmp_path / "v.npz")}, str(tmp_path / "p.yaml"))


def test_an_edited_experiment_is_not_overwritten_unasked(tmp_path: Path, phantom_file: Path, slow_machine: None) -> None:
    mine = tmp_path / "mine.yaml"
    mine.write_text("# edited")
    with pytest.raises(CellmlError, match="overwrite=true"):
        plan_file({"path": str(phantom_file)}, str(mine))
    assert mine.read_text() == "# edited"
    plan_file({"path": str(phantom_file)}, str(mine), overwrite=True)
    assert yaml.safe_load(mine.read_text())["name"] == "mine"


def test_an_experiment_file_becomes_flags_and_a_recipe_stays(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1")
    assert experiment_file([f"experiment={tmp_path / 'x.yaml'}", "a=2"]) == ["--config-dir", str(tmp_path), "--config-name", "x", "a=2"]
    assert experiment_file(["experiment=segmentation/fib25"]) == ["experiment=segmentation/fib25"]
    with pytest.raises(CellmlError, match="no experiment file .*cellml plan"):
        experiment_file(["experiment=missing.yaml"])


@pytest.mark.slow
@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="needs the real data sets")
@pytest.mark.parametrize(
    ("data", "task", "kernel"),
    [
        ({"path": "vnc_stack1", "labels": "vnc_stack1:mito"}, "semantic", [1, 3, 3]),
        ({"path": "fib25_train2"}, "affinities", [3, 3, 3]),
        ({"path": "isbi2012", "spacing_nm": [50, 4, 4]}, "membrane", [1, 3, 3]),
    ],
)
def test_real_data_sets_get_sensible_plans(data: dict[str, Any], task: str, kernel: list[int], tmp_path: Path) -> None:
    summary = plan_file(data, str(tmp_path / "p.yaml"))
    assert summary["task"] == task and summary["kernels"][0] == kernel and summary["memory_gb"] < 100


@pytest.mark.slow
@pytest.mark.skipif("CELLML_DATA" not in os.environ, reason="needs the real data sets")
def test_cdeep3m_asks_for_the_voxel_size_with_what_the_image_suggests(tmp_path: Path) -> None:
    with pytest.raises(CellmlError, match=r"not known[\s\S]*times as thick as a pixel"):
        plan_file({"path": "cdeep3m_mito"}, str(tmp_path / "p.yaml"))


def binary_with(tmp_path: Path, **voxels: Any) -> tuple[str, np.ndarray]:
    """A file of two classes, with some voxels of other numbers: value_7=(z, y, slice)."""
    raw, labels = em_phantom((40, 32, 64), seed=3)
    binary = (labels.data % 3 == 1).astype(np.uint8)
    for name, place in voxels.items():
        binary[place] = int(name.removeprefix("value_"))
    np.savez(tmp_path / "a.npz", raw=raw.data, labels=binary, voxel_nm=np.array(raw.spacing))
    return str(tmp_path / "a.npz"), binary


def test_stray_numbers_are_named_and_sway_nothing(
    tmp_path: Path, slow_machine: None, caplog: pytest.LogCaptureFixture, cellml: Command
) -> None:
    path, _ = binary_with(tmp_path)
    clean = plan_file({"path": path}, str(tmp_path / "clean.yaml"))
    path, _ = binary_with(tmp_path, value_255=(3, 4, slice(5, 8)), value_3=(20, 10, 10))
    summary = plan_file({"path": path}, str(tmp_path / "stray.yaml"))
    same = ("task", "axis", "train", "val", "patch")
    assert [summary[key] for key in same] == [clean[key] for key in same] and summary["task"] == "semantic"
    for said in (caplog.text, (tmp_path / "stray.yaml").read_text().replace("\n# ", " ")):
        assert "value 3 (1 voxel at z, y, x = (20, 10, 10)), value 255 (3 voxels within z, y, x = (3, 4, 5) to (3, 4, 7))" in said
    written = yaml.safe_load((tmp_path / "stray.yaml").read_text())
    assert written["data"]["ignore"] == [3, 255] and written["task"]["target"]["classes"] == ["background", "foreground"]
    words = ["training.max_steps=1", "training.precision=32-true", "data.patches_per_epoch=4", "data.batch_size=1"]
    assert cellml("train", f"experiment={tmp_path / 'stray.yaml'}", *words, f"hydra.run.dir={tmp_path / 'run'}") == 0


def test_the_mark_of_unlabelled_voxels_is_asked_about(tmp_path: Path, slow_machine: None) -> None:
    path, _ = binary_with(tmp_path, value_255=(slice(0, 38), slice(4, 32)))
    with pytest.raises(CellmlError, match=r"255 in 68096 of 81920 voxels \(83%\)[\s\S]*data\.ignore=255 if it is, or data\.ignore=\[\]"):
        plan_file({"path": path}, str(tmp_path / "p.yaml"))
    assert plan_file({"path": path, "ignore": 255}, str(tmp_path / "p.yaml"))["task"] == "semantic"
    data = yaml.safe_load((tmp_path / "p.yaml").read_text())["data"]
    assert data["ignore"] == [255] and data["sampling"]["share"] == 1.0
    assert plan_file({"path": path, "ignore": []}, str(tmp_path / "q.yaml"))["task"] != ""
    with pytest.raises(CellmlError, match=r"all 81920 voxels are 0 or 1, 255, which data\.ignore leaves out"):
        plan_file({"path": path, "ignore": [1, 255]}, str(tmp_path / "r.yaml"))
