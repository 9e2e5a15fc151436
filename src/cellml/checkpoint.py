"""Checkpoints that are one file, predict on their own, and can run no foreign code.

A checkpoint is a Lightning checkpoint plus the key `cellml`: plain dictionaries, lists, numbers and text only, so that
`torch.load(path, weights_only=True)` opens it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.checkpoint_file import SCHEMA, require_archive, require_record
from cellml.errors import ContractError, FileError
from cellml.trusted import require_trusted, targets_of, texts_of

# Narrower than whole packages: torch.load, monai.bundle and the like would run what a stranger wrote.
TRUSTED = (
    "cellml.data.shape_arrays.",
    "cellml.data.shape_frames.",
    "cellml.nets.",
    "cellml.losses.",
    "cellml.tasks.",
    "cellml.infer.predict.",
    "cellml.pixels.",
    "cellml.shapes.alignment.",
    "cellml.segmentation.",
    "cellml.sim.shape_gradient.observables.",
    "cellml.sim.shape_gradient.course.",
    "cellml.tomography.filters.",
    "cellml.tomography.sirt.",
    "cellml.tomography.wbp.",
    "torch.nn.",
    "torch.optim.",
    "monai.networks.nets.",
    "monai.networks.blocks.",
    "monai.networks.layers.",
    "monai.losses.",
    # Classifiers only: what of scikit-learn caches results (`memory=`) would read pickles from a folder that the checkpoint names.
    "sklearn.discriminant_analysis.",
    "sklearn.ensemble.",
    "sklearn.gaussian_process.",
    "sklearn.linear_model.",
    "sklearn.naive_bayes.",
    "sklearn.neighbors.",
    "sklearn.neural_network.",
    "sklearn.svm.",
    "sklearn.tree.",
)

# Functions that a task may be built with; everything else must be a class, for a function does its work at once.
_TRUSTED_FUNCTIONS = ("cellml.tasks.schedules.",)


@dataclass(frozen=True)
class LoadedModel:
    """task: the rebuilt Lightning module in evaluation mode; contract: what it was trained on; record: all under the key `cellml`."""

    task: Any
    contract: dict[str, Any]
    record: dict[str, Any]
    path: Path


def make_record(config_text: str, task_target: str, contract: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """The value of the key `cellml`: schema, task, resolved config as text, input contract, versions and commit, plus what the caller
    adds.
    """
    from cellml.provenance import commit, versions

    record = {
        "schema": SCHEMA,
        "task": task_target,
        "config": config_text,
        "contract": dict(contract),
        "versions": versions(),
        "commit": commit(),
        **more,
    }
    return _plain(record, "cellml")  # type: ignore[no-any-return]


def write(path: Path, state_dict: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Write a checkpoint for prediction: weights and record, no optimiser state. Atomic: the final name appears only when complete."""
    import pytorch_lightning
    import torch

    from cellml.io.atomic import atomic_path

    content = {"state_dict": dict(state_dict), "cellml": dict(record), "pytorch-lightning_version": str(pytorch_lightning.__version__)}
    with atomic_path(path) as aside, aside.open("wb") as stream:  # a stream: given a path, torch names the archive's folder after it
        torch.save(content, stream)


def read(path: str | Path) -> dict[str, Any]:
    """The checkpoint as a dictionary of tensors and plain values; nothing in the file is executed.

    Raises FileError for a missing, truncated or foreign file, and for one that holds code.
    """
    import torch

    path = Path(path)
    if not path.is_file():
        raise FileError(f"There is no checkpoint {path}.")
    require_archive(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        if "weights_only" in str(error) or "Unsupported" in str(error) or "unpickl" in str(error).lower():
            raise FileError(
                f"{path} holds Python objects other than tensors and plain values, which could run code when opened; it was not opened. "
                "cellml never writes such files: train the model with cellml, or have its author save weights and plain values only."
            ) from error
        raise FileError(
            f"{path} cannot be read as a checkpoint ({path.stat().st_size} bytes; {type(error).__name__}); "
            "it may be truncated. Copy it again."
        ) from error
    require_record(content, path)
    return content  # type: ignore[no-any-return]


def load(path: str | Path, *, trust: Sequence[str] = (), task: str | None = None) -> LoadedModel:
    """Rebuild a trained task from one file.

    trust: further module prefixes whose classes may be built, such as "mylab.nets."; task: the class name that is expected, if any. Raises
    ContractError for an untrusted target or another task, naming both.
    """
    content = read(path)
    record = content["cellml"]
    if task is not None and not record["task"].endswith(f".{task}"):
        raise ContractError(f"{path} is a checkpoint of {record['task']}, and a {task} is needed here.")
    module = _build(record, path, trust)
    try:
        module.load_state_dict(content["state_dict"])
    except RuntimeError as error:
        raise FileError(
            f"{path}: the weights do not fit the network that its configuration describes ({str(error).splitlines()[-1].strip()})."
        ) from error
    return LoadedModel(module.eval(), record["contract"], record, Path(path))


def require_match(contract: Mapping[str, Any], *, spacing_nm: Sequence[float], channels: int, name: str) -> None:
    """Raise ContractError if an input contradicts what the checkpoint was trained on, naming both values."""
    if channels != contract["channels"]:
        raise ContractError(
            f"{name} has {channels} channel(s), but the checkpoint was trained on {contract['channels']}. "
            "Select or stack channels to match."
        )
    trained = contract["spacing_nm"]
    if any(abs(a - b) > 0.02 * b for a, b in zip(spacing_nm, trained, strict=True)):
        raise ContractError(
            f"{name} has voxels of {_nm(spacing_nm)} nm (z, y, x), but the checkpoint was trained at {_nm(trained)} nm. "
            "Resample the volume, correct its voxel size (spacing_nm=[z,y,x]), or train at this size."
        )


def _build(record: Mapping[str, Any], path: str | Path, trust: Sequence[str]) -> Any:
    from hydra.utils import instantiate
    from omegaconf import OmegaConf
    from omegaconf.errors import OmegaConfBaseException

    try:
        config = OmegaConf.to_container(OmegaConf.create(record["config"]), resolve=True)
    except OmegaConfBaseException as error:
        raise FileError(f"{path}: its configuration cannot be resolved ({str(error).splitlines()[0]}).") from error
    if not isinstance(config, dict) or not isinstance(config.get("task"), dict):
        raise FileError(f"{path} is not a complete cellml checkpoint: its configuration describes no task.")
    if any("${" in text for text in texts_of(config["task"])):
        raise ContractError(
            f"{path} holds an interpolation inside text of its configuration, which could build what was not checked; it was not built."
        )
    for target in targets_of(config["task"]):
        require_trusted(target, (*TRUSTED, *trust), path, functions=(*_TRUSTED_FUNCTIONS, *trust))
    return instantiate(config["task"], _convert_="all")


def _plain(value: Any, where: str) -> Any:
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):  # subclasses too: numpy's float64 is a float, and torch's version is a text
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(k): _plain(v, f"{where}.{k}") for k, v in value.items()}
    if isinstance(value, Sequence):
        return [_plain(v, where) for v in value]
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{where} holds a {type(value).__name__}; a checkpoint holds text, numbers, lists and dictionaries only.")


def _nm(spacing: Sequence[float]) -> str:
    return " × ".join(f"{s:g}" for s in spacing)
