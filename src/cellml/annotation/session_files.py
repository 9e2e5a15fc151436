"""What a session leaves on the disk: its state, to be resumed, and the labels that others read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.candidates import Decision, candidate_table, decision_table
from cellml.errors import CellmlError, FileError
from cellml.io.npz import read_arrays
from cellml.types import Labels, Volume

_STATE = "state.npz"


@dataclass(frozen=True, eq=False)
class SavedState:
    """scribbles: (Z, Y, X) uint8; labels: (Z, Y, X) uint32; decisions by label; entries: lines of the log that it includes."""

    scribbles: NDArray[np.uint8]
    labels: NDArray[np.uint32]
    decisions: Mapping[int, Decision]
    entries: int


def write_state(folder: Path, state: SavedState, image: Volume, classes: Sequence[str]) -> None:
    """Write the state, atomically: an interruption leaves the one before."""
    from cellml.io import atomic_path

    facts = {
        "classes": list(classes),
        "shape": list(image.shape),
        "spacing": list(image.spacing),
        "entries": state.entries,
        "decisions": {str(label): [decision.verdict, decision.number] for label, decision in state.decisions.items()},
    }
    with atomic_path(folder / _STATE) as aside:
        np.savez_compressed(aside, scribbles=state.scribbles, labels=state.labels, facts=np.array(json.dumps(facts)))


def read_state(folder: Path, image: Volume, classes: Sequence[str]) -> SavedState | None:
    """The state in a folder, None where there is none.

    Raises FileError for a damaged file, and CellmlError where it belongs to an image of another size, or to other classes, naming both.
    """
    path = folder / _STATE
    if not path.exists():
        return None
    arrays = _arrays(path)
    try:
        scribbles, labels, facts = arrays["scribbles"], arrays["labels"], json.loads(str(arrays["facts"]))
        shape, spacing, known = tuple(facts["shape"]), np.asarray(facts["spacing"], float).reshape(3), facts["classes"]
        decisions = {int(label): Decision(verdict, number) for label, (verdict, number) in facts["decisions"].items()}
        saved = SavedState(scribbles, labels, decisions, int(facts["entries"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{path} is damaged ({error}); move it away to begin anew.") from error
    if shape != image.shape or not np.allclose(spacing, image.spacing, rtol=1e-3):
        raise CellmlError(
            f"The session in {folder} is about {shape} voxels of {facts['spacing']} nm (z, y, x), the image has "
            f"{image.shape} of {list(image.spacing)} nm; give another session=FOLDER, or the image that it was begun with."
        )
    if not scribbles.shape == labels.shape == shape or scribbles.dtype.kind != "u" or labels.dtype.kind != "u":
        raise FileError(f"{path} is damaged: its scribbles and labels are no whole numbers of {shape} voxels; move it away to begin anew.")
    if known != list(classes):
        raise CellmlError(f"The session in {folder} has the classes {known}, asked for are {list(classes)}; give those of the session.")
    return saved


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    try:
        return read_arrays(path)
    except FileError as error:
        raise FileError(f"{path} is damaged; move it away to begin anew. {error}") from error


def write_outputs(
    labels_file: str | Path,
    image: Volume,
    labels: NDArray[np.uint32],
    scribbles: NDArray[np.uint8],
    classes: Sequence[str],
    unlabelled: int,
    decisions: Mapping[int, Decision],
) -> None:
    """Write the objects to a file, and beside it, where there are any, the scribbles as classes to train on and the decisions.

    NAME.tif gets NAME_scribbles.tif (class numbers from 0, `unlabelled` where nothing was scribbled) and NAME.csv, for `cellml accept`.
    """
    from cellml.io import write_labels, write_text

    stored = labels.astype(np.min_scalar_type(int(labels.max())))
    objects = Labels(stored, image.spacing, image.origin, name="labels")
    write_labels(objects, labels_file)
    if decisions:
        write_text(decision_table(labels_file), candidate_table(objects, image, decisions))
    if scribbles.any():
        numbers = np.where(scribbles > 0, scribbles.astype(np.int64) - 1, unlabelled).astype(np.uint8)
        names = dict(enumerate(classes))
        write_labels(Labels(numbers, image.spacing, image.origin, kind="semantic", names=names), scribbles_file(labels_file))


def scribbles_file(labels_file: str | Path) -> Path:
    """The file of scribbles beside a label file."""
    name, dot, suffix = Path(labels_file).name.partition(".")
    return Path(labels_file).with_name(f"{name}_scribbles{dot}{suffix}")
