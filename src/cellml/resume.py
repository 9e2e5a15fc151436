"""From where a training goes on, and whether it is still the same training."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from cellml.errors import CellmlError


def resume_point(resume: str | None, config: DictConfig) -> tuple[Path, dict[str, Any]] | None:
    """The checkpoint that training goes on from and its record, or None where nothing is resumed.

    resume: a file of a run's folder `checkpoints`, or the run's folder. Raises CellmlError for a checkpoint without optimiser state, and,
    naming each setting as old → new, where the configuration would make it another training.
    """
    from cellml import checkpoint

    if not resume:
        return None
    path = Path(str(resume))
    if path.is_dir():
        path = path / "checkpoints" / "last.ckpt"
    content = checkpoint.read(path)
    if "optimizer_states" not in content:
        raise CellmlError(
            f"{path} holds weights for prediction only; resume from a file in the run's folder "
            "`checkpoints`, or use training.initialise_from."
        )
    old, new = (OmegaConf.to_container(c, resolve=True) for c in (OmegaConf.create(content["cellml"]["config"]), config))
    assert isinstance(old, dict) and isinstance(new, dict)
    changed = [text for key in ("task", "data", "seed", "training", "trainer") for text in _changes(old.get(key), new[key], key)]
    if changed:
        raise CellmlError(
            f"{path} was trained with other settings, so going on would be another training: {'; '.join(changed)}. Repeat the original "
            "overrides, or start a new run with training.initialise_from."
        )
    return path, content["cellml"]


# Settings that may differ when a run goes on, because they do not change what is computed.
_FREE = {
    "data.num_workers",
    "training.objective",
    "training.initialise_from",
    "trainer.log_every_n_steps",
    "trainer.enable_progress_bar",
    "task.decoder",
    "task.decoder_grid",
    "task.window",
}


# Settings that older checkpoints do not name, and what was done then.
_SINCE: dict[str, Any] = {
    "training.channels_last": False,
    "training.compile": None,
    "trainer.accumulate_grad_batches": 1,
    "data.device_transforms": [],
}


def _changes(old: Any, new: Any, name: str) -> list[str]:
    """Settings that differ, as `name (old → new)`."""
    if name in _FREE or old == new or (old is None and name in _SINCE and new == _SINCE[name]):
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return [text for key in {**old, **new} for text in _changes(old.get(key), new.get(key), f"{name}.{key}")]
    return [f"{name} ({old} → {new})"]
