"""A checkpoint opened as a model of shapes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError, ContractError, FileError
from cellml.io.atomic import write_json
from cellml.shapes.model import ShapeModel

MARK = "provenance.json"


def open_model(checkpoint: str, trust: Sequence[str] = ()) -> ShapeModel:
    """The shape model of a checkpoint. Raises ContractError for a checkpoint of something else, FileError for none."""
    from cellml.checkpoint import load

    loaded = load(checkpoint, trust=trust)
    if not isinstance(loaded.task, ShapeModel):
        raise ContractError(
            f"{checkpoint} is a checkpoint of {loaded.record['task']}, which makes no shapes; give one of `cellml train "
            "experiment=shapes/pca`, or of another recipe of shapes."
        )
    return loaded.task


def require_free(output: str, overwrite: bool) -> Path:
    """The folder to write. Raises FileError for a file, and a folder with something else in it than an older result to be replaced."""
    target = Path(output)
    if target.exists() and not target.is_dir():
        raise FileError(f"{target} is a file; output is a folder.")
    present = {path.name for path in target.iterdir()} if target.exists() else set()
    if present and not (overwrite and MARK in present):
        hint = "replace what is there with overwrite=true" if MARK in present else "it holds no generated shapes, so it is not replaced"
        raise FileError(f"{target} is not empty ({len(present)} files); choose another folder, or {hint}.")
    return target


def write_provenance(folder: Path, checkpoint: str, given: Mapping[str, Any], facts: Mapping[str, Any]) -> None:
    """provenance.json: the program, when, the checkpoint and its SHA-256, what was asked for, and what is known of every shape."""
    from cellml.provenance import commit, versions

    made = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit(),
        "versions": versions(),
        "checkpoint": {"path": str(checkpoint), "sha256": sha256(Path(checkpoint))},
        "given": dict(given),
    }
    write_json(folder / MARK, {**made, **facts})


def sha256(path: Path) -> str:
    """Hash of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def require_count(count: int, most: int, what: str, fewest: int = 1) -> None:
    """Raise CellmlError for a number of shapes that is none."""
    if not fewest <= count <= most:
        raise CellmlError(f"{what}={count} must be a whole number from {fewest} to {most}.")


def rounded(value: float) -> float | None:
    """A number for JSON: None where it is not finite."""
    return round(float(value), 6) if np.isfinite(value) else None
