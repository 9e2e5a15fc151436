"""What a checkpoint file must be before anything is built from it: an archive without surprises, tensors, and a complete record."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellml.errors import FileError
from cellml.plain_yaml import plain_yaml

SCHEMA = 1
_CONTRACT = ("channels", "spacing_nm", "normalisation")
# What a record may hold besides, for model cards and lists of models.
_KINDS: dict[str, type] = {
    "metrics": dict, "plan": dict, "training": dict, "versions": dict, "labels": list, "overrides": list, "warnings": list, "data": list
}  # fmt: skip


def begins_as_archive(path: Path) -> bool:
    """Whether a file begins as a zip archive, by which torch tells its own format from older ones."""
    with path.open("rb") as stream:
        return stream.read(2) == b"PK"


def require_archive(path: Path) -> None:
    """Raise FileError for what is no complete zip archive, or one that holds more than its own size: torch and Lightning compress nothing,
    and no two parts are the same bytes.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            packed = [one.filename for one in parts if one.compress_type != zipfile.ZIP_STORED or one.file_size != one.compress_size]
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        begins_well = begins_as_archive(path)
        raise FileError(
            f"{path} is {'cut off or damaged' if begins_well else 'not a checkpoint'} ({path.stat().st_size} bytes): "
            "a checkpoint is a complete zip archive. "
            f"{'Copy it again.' if begins_well else 'Name a file that cellml train wrote, such as model.ckpt.'}"
        ) from error
    if packed:
        raise FileError(f"{path} is no checkpoint of cellml or Lightning: {packed[0]} in it is compressed, which can hide any size.")
    if (promised := sum(one.file_size for one in parts)) > path.stat().st_size:
        raise FileError(
            f"{path} is damaged or no checkpoint: its {path.stat().st_size} bytes promise {promised}, parts of it twice or more."
        )


def require_record(content: Any, path: Path) -> None:
    """Raise FileError unless an opened checkpoint has tensors under `state_dict`, and under `cellml` all that prediction needs: of the
    right kinds, and a configuration whose text stands for itself.
    """
    if not isinstance(content, dict) or not isinstance(content.get("cellml"), dict) or not isinstance(content.get("state_dict"), dict):
        raise FileError(f"{path} is not a cellml checkpoint: it lacks the keys `cellml` and `state_dict`.")
    record = content["cellml"]
    if record.get("schema") != SCHEMA:
        raise FileError(
            f"{path} has checkpoint schema {record.get('schema')}; this cellml reads schema {SCHEMA}. Use the version that wrote it."
        )
    contract = record.get("contract")
    missing = [f"cellml.{key}" for key in ("task", "config") if not isinstance(record.get(key), str)]
    missing += [f"cellml.contract.{key}" for key in _CONTRACT if not isinstance(contract, dict) or key not in contract]
    if missing:
        raise FileError(f"{path} is not a complete cellml checkpoint: it lacks {', '.join(missing)}.")
    _require_values(content, path)
    config = plain_yaml(record["config"], f"The configuration in {path}")
    if not isinstance(config, dict) or not all(isinstance(config.get(key) or {}, dict) for key in ("task", "data", "training")):
        raise FileError(f"{path} is damaged: its configuration is no mapping, or its task, data or training are none.")
    _require_kinds(record, path)


def _require_kinds(record: Mapping[str, Any], path: Path) -> None:
    """What a record may hold besides is of the kinds that a model card can tell; numbers are finite."""
    for key, kind in _KINDS.items():
        value = record.get(key)
        if value is not None and not isinstance(value, kind):
            raise FileError(f"{path} is damaged: {key} in its record is a {type(value).__name__}, no {kind.__name__}.")
    if not all(isinstance(value, int | float) for value in (record.get("metrics") or {}).values()):
        raise FileError(f"{path} is damaged: among the metrics in its record are some that are no numbers.")
    if not all(isinstance(one, dict) for one in record.get("data") or []):
        raise FileError(f"{path} is damaged: the data in its record have no names.")
    cost, plan = record.get("training") or {}, record.get("plan") or {}
    numbers = {
        "step": record.get("step"),
        **{key: cost.get(key) for key in ("seconds", "joules")},
        "step_seconds": plan.get("step_seconds"),
    }
    strange = [key for key, value in numbers.items() if value is not None and not _finite(value)]
    words = [record.get("overrides") or [], cost.get("meters") or []]
    strange += [] if all(isinstance(one, list) and all(isinstance(word, str) for word in one) for one in words) else ["overrides or meters"]
    if strange or not isinstance(cost.get("machine") or {}, dict):
        raise FileError(f"{path} is damaged: {strange[0] if strange else 'the machine'} in its record cannot be what it is said to be.")


def _require_values(content: Mapping[str, Any], path: Path) -> None:
    """Weights are tensors; channels and voxel size are numbers that an image can have."""
    import torch

    contract = content["cellml"]["contract"]
    extra = "_extra_state"  # torch's name for what modules keep beside their tensors
    weights = content["state_dict"].items()
    strange = [name for name, value in weights if not isinstance(value, torch.Tensor) and not str(name).endswith(extra)]
    if strange:
        raise FileError(f"{path} is damaged: {strange[0]!r} among its weights is no tensor.")
    spacing, channels = contract["spacing_nm"], contract["channels"]
    if not isinstance(spacing, list | tuple) or len(spacing) != 3 or not all(_positive(one) for one in spacing):
        raise FileError(f"{path} is damaged: its contract has spacing_nm={spacing!r}, which are no three positive numbers (z, y, x).")
    if not _positive(channels) or channels != int(channels):
        raise FileError(f"{path} is damaged: its contract has channels={channels!r}, which is no number of channels.")


def _positive(value: Any) -> bool:
    return _finite(value) and value > 0


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
