"""The commands train, infer and score, end to end on a phantom."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from cellml.checkpoint import read
from cellml.errors import CellmlError
from cellml.initialisation import initialise
from cellml.pixels.features import PixelFeatures
from cellml.resume import _changes
from cellml.run import require_fit

SEMANTIC = ("data=fib25", "task=semantic", "task.net.fine_channels=2")
Command = Callable[..., int]
Overrides = Callable[..., list[str]]


def weights(path: Path) -> dict[str, torch.Tensor]:
    return read(path)["state_dict"]


def equal(a: Path, b: Path) -> bool:
    first, second = weights(a), weights(b)
    return first.keys() == second.keys() and all(torch.equal(first[k], second[k]) for k in first)


def test_training_leaves_one_file_that_predicts_checkpoints_and_a_log(tiny_run: Any) -> None:
    assert tiny_run.model.is_file() and read(tiny_run.last)["global_step"] == 4 and tiny_run.best.is_file()
    with (tiny_run.folder / "decoder.csv").open() as stream:
        assert {float(row["threshold"]) for row in csv.DictReader(stream)} == {0.4, 0.6}
    with next(tiny_run.folder.rglob("metrics.csv")).open() as stream:
        rows = list(csv.DictReader(stream))
    found = [float(row["val/adapted_rand_error"]) for row in rows if row.get("val/adapted_rand_error")]
    assert len(found) == 2 and all(0 <= score <= 1 for score in found)
    assert not list(tiny_run.folder.rglob(".part-*"))


def test_the_model_holds_the_best_weights(tiny_run: Any) -> None:
    assert equal(tiny_run.model, tiny_run.best)


def test_the_same_command_gives_the_same_weights_and_another_seed_others(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path
) -> None:
    assert cellml("train", *tiny(tmp_path / "again")) == 0
    assert equal(tiny_run.last, tmp_path / "again/checkpoints/last.ckpt")
    assert cellml("train", *tiny(tmp_path / "other", "seed=1", "training.max_steps=1", "training.validations=1")) == 0
    assert not equal(tiny_run.last, tmp_path / "other/checkpoints/last.ckpt")


@pytest.mark.parametrize("step", [1, 2, 3])
def test_resuming_in_another_folder_gives_the_uninterrupted_weights_and_the_same_best(
    step: int, tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Steps 1 and 2 lie in the first epoch of three, a validation is due after step 2, step 3 ends the epoch."""
    from cellml.callbacks.checkpoints import AtomicCheckpointIO

    save = AtomicCheckpointIO.save_checkpoint

    def die(self: Any, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
        save(self, checkpoint, path, **more)
        if Path(path).name == "last.ckpt" and checkpoint["global_step"] == step:
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(AtomicCheckpointIO, "save_checkpoint", die)
        with pytest.raises(RuntimeError, match="killed"):
            cellml("train", *tiny(tmp_path / "killed"))
    assert not (tmp_path / "killed/model.ckpt").exists()
    assert cellml("train", *tiny(tmp_path / "resumed", f"resume={tmp_path / 'killed'}")) == 0
    assert equal(tiny_run.last, tmp_path / "resumed/checkpoints/last.ckpt")
    assert equal(tiny_run.model, tmp_path / "resumed/model.ckpt")
    with next((tmp_path / "resumed").rglob("metrics.csv")).open() as stream:
        validations = [row for row in csv.DictReader(stream) if row.get("val/loss")]
    assert len(validations) == (1 if step == 3 else 2), "a validation that was due when the run died is made up for"


def test_a_run_that_dies_in_its_last_validation_makes_up_for_it(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellml.tasks.segmentation import SegmentationTask

    validate = SegmentationTask.validation_step

    def die(self: Any, *batch: Any) -> Any:
        if self.trainer.global_step == 4:
            raise RuntimeError("killed")
        return validate(self, *batch)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationTask, "validation_step", die)
        with pytest.raises(RuntimeError, match="killed"):
            cellml("train", *tiny(tmp_path / "killed"))
    assert read(tmp_path / "killed/checkpoints/last.ckpt")["global_step"] == 3
    assert cellml("train", *tiny(tmp_path / "resumed", f"resume={tmp_path / 'killed'}")) == 0
    assert equal(tiny_run.model, tmp_path / "resumed/model.ckpt") and equal(tiny_run.last, tmp_path / "resumed/checkpoints/last.ckpt")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ("task.net.widths=[2,8]", r"task.net.widths (\[2, 4\] → \[2, 8\])"),
        ("training.max_steps=8", r"training.max_steps (4 → 8)"),
        ("seed=3", r"seed (0 → 3)"),
        ("trainer.gradient_clip_val=3", r"trainer.gradient_clip_val (1.0 → 3)"),
    ],
)
def test_resuming_with_other_settings_is_refused_by_name(
    change: str, named: str, tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cellml("train", *tiny(tmp_path / "r", change, f"resume={tiny_run.folder}")) == 2
    assert named.replace("\\", "") in capsys.readouterr().err


def test_settings_that_change_no_number_may_differ() -> None:
    assert _changes({"num_workers": 0, "patch": 1}, {"num_workers": 4, "patch": 1}, "data") == []
    assert _changes({"a": 1}, {"b": 2}, "task") == ["task.a (1 → None)", "task.b (None → 2)"]


def test_resuming_from_a_model_for_prediction_is_refused(
    tiny_run: Any, cellml: Command, tiny: Overrides, tmp_path: Path, capsys: Any
) -> None:
    assert cellml("train", *tiny(tmp_path / "r", f"resume={tiny_run.model}")) == 2
    assert "weights for prediction only" in capsys.readouterr().err


def test_training_starts_from_another_models_fitting_weights(tiny_run: Any) -> None:
    from cellml.checkpoint import load

    task = load(tiny_run.model).task
    with torch.no_grad():
        for value in task.parameters():
            value.zero_()
    initialise(task, str(tiny_run.model))
    assert all(torch.equal(value, weights(tiny_run.model)[name]) for name, value in task.state_dict().items())
    with pytest.raises(CellmlError, match="No weight of .* fits"):
        initialise(torch.nn.Linear(2, 2), str(tiny_run.model))


# infer and score


def test_infer_and_score_instances(tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    from cellml.io import read_labels, read_volume

    out = tmp_path / "out.npz"
    assert (
        cellml("infer", f"checkpoint={tiny_run.model}", f"input={phantom_file}", f"output={out}", "probabilities=true", "precision=float32")
        == 0
    )
    labels, probabilities = read_labels(out), read_volume(tmp_path / "out_probabilities.npz")
    assert labels.shape == (40, 32, 32) and labels.spacing == (10, 10, 10) and labels.kind == "instance"
    assert probabilities.axes == "CZYX" and probabilities.data.shape == (9, 40, 32, 32)
    assert 0 <= probabilities.data.min() and probabilities.data.max() <= 1
    assert cellml("score", f"prediction={out}", f"truth={phantom_file}:labels", f"output={tmp_path / 's.json'}") == 0
    assert 0 <= json.loads((tmp_path / "s.json").read_text())["adapted_rand_error"] <= 1


def test_tiles_decide_nothing(tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    from cellml.io import read_volume

    for name, more in (("whole", ["tile=[64,64,64]"]), ("tiled", ["tile=[16,12,20]", "halo=[99,99,99]"])):
        words = [
            f"checkpoint={tiny_run.model}",
            f"input={phantom_file}",
            f"output={tmp_path / name}.h5",
            "probabilities=true",
            "precision=float32",
        ]
        assert cellml("infer", *words, *more) == 0
    whole, tiled = (read_volume(tmp_path / f"{name}_probabilities.h5").data for name in ("whole", "tiled"))
    np.testing.assert_allclose(whole, tiled, atol=1e-5)


def test_infer_and_score_classes(semantic_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path, capsys: Any) -> None:
    from cellml.io import read_labels

    out = tmp_path / "out.tif"
    assert cellml("infer", f"checkpoint={semantic_run.model}", f"input={phantom_file}", f"output={out}", "precision=float32") == 0
    labels = read_labels(out)
    assert labels.shape == (40, 32, 32) and labels.data.max() <= 1 and labels.spacing == pytest.approx((10, 10, 10))
    assert cellml("score", f"prediction={out}", f"truth={phantom_file}:classes", f"output={tmp_path / 's.json'}") == 0
    assert 0 <= json.loads((tmp_path / "s.json").read_text())["mean_dice"] <= 1
    capsys.readouterr()
    assert cellml("infer", f"checkpoint={semantic_run.model}", f"input={phantom_file}", f"output={out}", "decode=waterz") == 2
    assert "predicts classes" in capsys.readouterr().err


@pytest.mark.parametrize("axes", ["TZYX", "ZYX"])
def test_a_time_axis_is_kept_frame_by_frame(axes: str, semantic_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    from cellml.io import open_image, write_volume
    from cellml.types import Volume

    raw = np.load(phantom_file)["raw"][:12]
    film = np.stack([raw, raw // 2, raw[::-1]]) if axes == "TZYX" else raw
    write_volume(Volume(film, (10, 10, 10), axes=axes), tmp_path / "film.tif")
    words = [f"checkpoint={semantic_run.model}", "precision=float32", "probabilities=true"]
    assert cellml("infer", *words, f"input={tmp_path / 'film.tif'}", f"output={tmp_path / 'out.tif'}") == 0
    with open_image(tmp_path / "out.tif") as labels, open_image(tmp_path / "out_probabilities.tif") as probabilities:
        assert labels.axes == axes and probabilities.axes == axes.replace("Z", "CZ")
        if axes == "TZYX":
            frames = labels.read()
            assert frames.shape == film.shape
            write_volume(Volume(film[2], (10, 10, 10)), tmp_path / "last.tif")
            assert cellml("infer", *words, f"input={tmp_path / 'last.tif'}", f"output={tmp_path / 'single.tif'}") == 0
            with open_image(tmp_path / "single.tif") as single:
                assert np.array_equal(single.read(), frames[2])


@pytest.mark.parametrize("decode", ["waterz", "fragment_mutex", "mutex_watershed", "watershed"])
def test_another_decoder_at_inference(decode: str, tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path) -> None:
    out = tmp_path / "out.npz"
    words = [f"checkpoint={tiny_run.model}", f"input={phantom_file}", f"output={out}", "precision=float32"]
    assert cellml("infer", *words, f"decode={decode}", "decode.min_size=1") == 0
    assert np.load(out)["labels"].shape == (40, 32, 32)


def test_an_array_inside_a_file_and_a_volume_smaller_than_the_patch(
    tiny_run: Any, phantom_file: Path, cellml: Command, tmp_path: Path
) -> None:
    raw = np.load(phantom_file)["raw"][:5, :7, :6]
    np.savez(tmp_path / "small.npz", raw=raw, voxel_nm=[10, 10, 10])
    out = f"{tmp_path / 'out.h5'}:/neurites"
    assert (
        cellml(
            "infer",
            f"checkpoint={tiny_run.model}",
            f"input={tmp_path / 'small.npz'}:raw",
            f"output={out}",
            "probabilities=true",
            "precision=float32",
        )
        == 0
    )
    from cellml.io import read_labels

    assert read_labels(out).shape == (5, 7, 6) and (tmp_path / "out_probabilities.h5").is_file()


# sparse labels and transfer

FEW = (
    "data.labelled_sections=[3,11]",
    "data.train=[{region: {z: [0, 20]}}]",
    "data.sampling={_target_: cellml.data.sampling.AroundLabels}",
)


def test_a_few_sections_and_pseudo_labels_train_a_3d_network_with_frozen_parts_and_resuming_is_exact(
    semantic_run: Any, cellml: Command, tiny: Overrides, phantom_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cellml.callbacks.checkpoints import AtomicCheckpointIO

    source = weights(semantic_run.model)
    more = (
        *FEW,
        f"data.labels={phantom_file}:labels",
        f"data.values={{{', '.join(f'{n}: {min(n, 2)}' for n in range(60))}}}",
        "task.target.classes=[background, first, others]",
        "task.net.out_channels=3",
        "training.freeze=[stem]",
        "training.layer_rates={encoder: 0.1}",
        "training.rate_decay=0.9",
        f"data.pseudo={{_target_: cellml.data.pseudo.PseudoLabels, checkpoint: {semantic_run.model}, confidence: 0.5}}",
    )
    start = (f"training.initialise_from={semantic_run.model}",)
    assert cellml("train", *tiny(tmp_path / "whole", *more, *start, recipe=SEMANTIC)) == 0
    found = weights(tmp_path / "whole/model.ckpt")
    assert torch.equal(found["net.stem.conv.weight"], source["net.stem.conv.weight"])
    assert not torch.equal(found["net.encoder.0.conv.unit0.conv.weight"], source["net.encoder.0.conv.unit0.conv.weight"])
    assert found["net.head.weight"].shape[0] == 3
    origin = read(tmp_path / "whole/model.ckpt")["cellml"]["provenance"]["pseudo_labels"]
    assert origin["checkpoint"] == str(semantic_run.model) and origin["blocks"][0]["unlabelled"] == 18 * 32 * 32

    save = AtomicCheckpointIO.save_checkpoint

    def die(self: Any, checkpoint: dict[str, Any], path: Any, **more: Any) -> None:
        save(self, checkpoint, path, **more)
        if Path(path).name == "last.ckpt" and checkpoint["global_step"] == 2:
            raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(AtomicCheckpointIO, "save_checkpoint", die)
        with pytest.raises(RuntimeError, match="killed"):
            cellml("train", *tiny(tmp_path / "killed", *more, *start, recipe=SEMANTIC))
    assert cellml("train", *tiny(tmp_path / "resumed", *more, f"resume={tmp_path / 'killed'}", recipe=SEMANTIC)) == 0
    assert equal(tmp_path / "whole/model.ckpt", tmp_path / "resumed/model.ckpt")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.labelled_sections=[22]"], "Its labels lie in z 22–23"),
        (["training.freeze=[stem,enc]"], "training.freeze names 'enc'; the parts of UNet are stem, encoder"),
        (["task.target.classes=[background]"], "at least one class"),
        (["data.labels={phantom}:labels"], "the classes are 0 background, 1 foreground. Name the missing classes"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_the_first_step(
    changes: list[str], message: str, cellml: Command, tiny: Overrides, phantom_file: Path, tmp_path: Path, capsys: Any
) -> None:
    labels = f"data.labels={phantom_file}:classes"
    words = [word.replace("{phantom}", str(phantom_file)) for word in changes]
    assert cellml("train", *tiny(tmp_path / "r", labels, *words, recipe=SEMANTIC)) == 2
    assert message in capsys.readouterr().err


def test_pixel_features_for_another_voxel_size_are_warned_about(caplog: Any) -> None:
    features = PixelFeatures(spacing=(45.0, 4.6, 4.6), scales_nm=(10.0,))
    net = SimpleNamespace(in_channels=1, features=features)
    task = SimpleNamespace(net=net, target=SimpleNamespace())
    data = SimpleNamespace(contract={"channels": 1, "spacing_nm": [50.0, 6.0, 6.0]}, patch=(1, 1, 1))
    require_fit(task, data)
    assert "set task.net.features.spacing=[50,6,6]" in caplog.text
    caplog.clear()
    require_fit(task, SimpleNamespace(contract={"channels": 1, "spacing_nm": [45.0, 4.6, 4.6]}, patch=(1, 1, 1)))
    assert not caplog.text
