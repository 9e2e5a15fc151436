from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from cellml.callbacks.checkpoints import AtomicCheckpointIO, RunCheckpoint
from cellml.callbacks.contract import CheckpointContract
from cellml.errors import FileError


def test_a_crash_while_writing_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, writer = tmp_path / "last.ckpt", AtomicCheckpointIO()
    writer.save_checkpoint({"step": 1}, path)

    def half(checkpoint: Any, stream: Any) -> None:
        stream.write(b"PK half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(FileError, match="no space is left"):
        writer.save_checkpoint({"step": 2}, path)
    assert torch.load(path, weights_only=True) == {"step": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["last.ckpt"]


def history(folder: Path) -> dict[str, Any]:
    best = str(folder / "best.ckpt")
    return {
        "monitor": "val/loss",
        "best_model_score": torch.tensor(0.3),
        "best_model_path": best,
        "current_score": torch.tensor(0.4),
        "dirpath": str(folder),
        "best_k_models": {best: torch.tensor(0.3)},
        "kth_best_model_path": best,
        "kth_value": torch.tensor(0.3),
        "last_model_path": "",
    }


def test_the_best_so_far_moves_along_into_the_new_folder(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    (old / "best.ckpt").write_bytes(b"weights")
    callback = RunCheckpoint(dirpath=str(new), filename="best", monitor="val/loss")
    callback.load_state_dict(history(old))
    assert (new / "best.ckpt").read_bytes() == b"weights" == (old / "best.ckpt").read_bytes()
    assert callback.best_model_path == callback.kth_best_model_path == str(new / "best.ckpt")
    assert list(callback.best_k_models) == [str(new / "best.ckpt")] and float(callback.best_model_score) == pytest.approx(0.3)


def test_a_best_file_that_is_gone_is_forgotten_with_a_warning(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    callback = RunCheckpoint(dirpath=str(tmp_path / "new"), filename="best", monitor="val/loss")
    callback.load_state_dict(history(tmp_path / "old"))
    assert callback.best_model_path == "" and callback.best_k_models == {} and callback.best_model_score is None
    assert "is gone" in caplog.text


def test_in_the_same_folder_nothing_is_copied(tmp_path: Path) -> None:
    callback = RunCheckpoint(dirpath=str(tmp_path), filename="best", monitor="val/loss")
    callback.load_state_dict(history(tmp_path))
    assert callback.best_model_path == str(tmp_path / "best.ckpt") and list(tmp_path.iterdir()) == []


def test_the_contract_adds_metrics_as_plain_numbers() -> None:
    from types import SimpleNamespace

    metrics = {"val/loss": torch.tensor(0.5), "histogram": torch.zeros(3)}
    checkpoint: dict[str, Any] = {}
    CheckpointContract({"schema": 1}).on_save_checkpoint(SimpleNamespace(callback_metrics=metrics, global_step=7), None, checkpoint)  # type: ignore[arg-type]
    assert checkpoint["cellml"] == {"schema": 1, "metrics": {"val/loss": 0.5}, "step": 7}
