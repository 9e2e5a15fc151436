"""A sitting of annotation: scribbles that teach a classifier, and objects that are proofread. It knows no window."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.annotation.candidates import Decision
from cellml.annotation.edits import Cost, Edit, EditLog, History, cost
from cellml.annotation.proofreading import Change, adopt_objects, merge_objects, relabel_object, split_object
from cellml.annotation.scribble_model import Model, Region, ScribbleForest
from cellml.annotation.session_files import SavedState, read_state, write_outputs, write_state
from cellml.errors import CellmlError
from cellml.types import Labels, Volume

UNLABELLED = 255  # the mark of voxels without a scribble in what is exported


class AnnotationSession:
    """Two layers over an image, both (Z, Y, X): `scribbles` (uint8: 0 nothing, k class k − 1) and `labels` (uint32: objects).

    image: one channel; labels: objects to begin with, or None; decisions: about them; classes: names, background first; folder: where log
    and state are kept, a session that is there is resumed; model: what learns from scribbles, a random forest where None; autosave:
    edits between two savings of the state; clock: seconds since 1970.

    Every edit is counted, timed and logged, can be taken back, and raises CellmlError, with nothing changed, where it makes no sense.
    """

    def __init__(
        self,
        image: Volume,
        folder: str | Path,
        *,
        labels: Labels | None = None,
        decisions: Mapping[int, Decision] | None = None,
        classes: Sequence[str] = ("background", "object"),
        model: Model | None = None,
        autosave: int = 20,
        clock: Callable[[], float] = time.time,
    ) -> None:
        _check(image, labels, classes)
        self.image, self.folder, self.classes = image, Path(folder), tuple(classes)
        self.autosave, self.clock = autosave, clock
        saved = read_state(self.folder, image, self.classes)
        self.scribbles: NDArray[np.uint8] = saved.scribbles if saved else np.zeros(image.shape, np.uint8)
        start = labels.data if labels is not None else np.zeros(image.shape, np.uint32)
        self.labels: NDArray[np.uint32] = saved.labels if saved else start.astype(np.uint32)
        self.decisions: dict[int, Decision] = dict(saved.decisions if saved else decisions or {})
        self.prediction: NDArray[np.uint8] = np.zeros(image.shape, np.uint8)
        self.model, self.fitted = model, False
        self._shadows: dict[str, NDArray[Any]] = {
            "labels": self.labels.copy(),
            "scribbles": self.scribbles.copy(),
        }  # what brushes are compared with
        self.history = History()
        self.log = EditLog(self.folder / "edits.jsonl")
        lost = len(self.log.entries) - saved.entries if saved else len(self.log.entries)
        self.log.append("resume" if self.log.entries else "begin", self.clock(), lost_entries=lost)
        self._unsaved = 0

    # Scribbles and what is learned from them

    def scribble(self, voxels: NDArray[np.int64], number: int) -> None:
        """Paint voxels (n, 3), z, y, x, with class `number` (from 1, 0 erases)."""
        if not 0 <= number <= len(self.classes):
            raise CellmlError(f"There is no class {number}; classes are 1 to {len(self.classes)} ({', '.join(self.classes)}), 0 erases.")
        self._apply("scribble" if number else "erase scribble", "scribbles", _flat(voxels, self.scribbles.shape), number, value=number)

    def retrain(self) -> float:
        """Fit the classifier to all scribbles; returns seconds. Raises CellmlError unless voxels of at least two classes are scribbled."""
        begin = time.perf_counter()
        flat = np.flatnonzero(self.scribbles)
        numbers = self.scribbles.ravel()[flat].astype(np.int64) - 1
        found = np.unique(numbers)
        if len(found) < 2:
            names = [self.classes[number] for number in found]
            raise CellmlError(
                f"Scribbles of at least two classes are needed to learn; there are {f'only {names}' if names else 'none'} yet."
            )
        if self.model is None:
            self.model = ScribbleForest(self.image.data, self.image.spacing, len(self.classes))
        self.model.fit(np.stack(np.unravel_index(flat, self.scribbles.shape), axis=1), numbers)
        self.fitted = True
        seconds = time.perf_counter() - begin
        self.log.append("retrain", self.clock(), scribbled=len(flat), took=round(seconds, 3))
        return seconds

    def predict(self, region: Region) -> NDArray[np.uint8]:
        """The most probable class of each voxel of a region, as scribble numbers (from 1); kept in `prediction`, 0 for background."""
        if self.model is None or not self.fitted:
            raise CellmlError("Nothing is learned yet; scribble at least two classes and retrain.")
        found = (self.model.predict(region).argmax(axis=0) + 1).astype(np.uint8)
        self.prediction[region] = np.where(found > 1, found, 0)
        return found

    def adopt(self, region: Region, number: int = 2, least: int = 1) -> int:
        """Make objects of what is predicted as class `number` in a region, where none are yet; returns how many."""
        before = int(self.labels.max())
        change = adopt_objects(self.labels, region, self.predict(region) == number, before + 1, least)
        self._apply("adopt", "labels", change.flat, change.values, value=number)
        return int(self.labels.max()) - before

    # Objects

    def draw(self, voxels: NDArray[np.int64], label: int) -> None:
        """Give voxels (n, 3) a label, 0 erases; a label that is new begins an object."""
        if label < 0:
            raise CellmlError(f"The label is {label}; labels are 0 (background) or above.")
        self._apply("draw" if label else "erase", "labels", _flat(voxels, self.labels.shape), label, label=label)

    def split(self, label: int, seeds: Sequence[NDArray[np.int64]]) -> list[int]:
        """Part an object by seeds (see `split_object`); returns the labels of its parts."""
        first = self.new_label()
        self._change("split", split_object(self.labels, label, seeds, self.image.spacing, first), label=label)
        return [label, *range(first, first + len(seeds) - 1)]

    def merge(self, chosen: Sequence[int]) -> int:
        """Join objects under the label of the first, which is returned."""
        self._change("merge", merge_objects(self.labels, chosen), labels=[int(label) for label in chosen])
        return int(chosen[0])

    def relabel(self, label: int, new: int) -> None:
        """Give an object another label; 0 removes it, that of another object joins them."""
        self._change("relabel" if new else "remove", relabel_object(self.labels, label, new), label=label, new=new)

    def decide(self, label: int, verdict: str, number: int = 1) -> None:
        """Accept or reject an object as a training example of class `number` (see `training_labels`)."""
        if verdict not in ("accept", "reject"):
            raise CellmlError(f"The verdict is {verdict!r}; it must be accept or reject.")
        if label <= 0 or not (self.labels == label).any():
            raise CellmlError(f"There is no object {label}.")
        self.decisions[label] = Decision(verdict, number)
        self._logged(verdict, 0, None, label=label)

    def new_label(self) -> int:
        """The first label above all that are used."""
        return int(self.labels.max()) + 1

    # What every edit does

    def absorb(self, layer: str, region: Region) -> int:
        """Take over what a window's brush painted straight into a layer, within a region; returns how many voxels changed."""
        array, shadow = self._layer(layer), self._shadows[layer]
        local = np.argwhere(array[region] != shadow[region])
        if not len(local):
            return 0
        flat = np.ravel_multi_index(tuple((local + [part.start for part in region]).T), array.shape)
        before, after = (values.reshape(-1)[flat].astype(np.int64) for values in (shadow, array))
        action = {"scribbles": ("erase scribble", "scribble"), "labels": ("erase", "draw")}[layer][int(after.max() > 0)]
        shadow.reshape(-1)[flat] = after
        self._done(Edit(action, layer, flat, before, after), value=int(after.max()))
        return len(flat)

    def undo(self) -> str:
        """Take the last edit back; returns its name."""
        edit = self.history.undo()
        self._put(edit.layer, edit.flat, edit.before)
        self._logged("undo", len(edit.flat), edit.flat, of=edit.action)
        return edit.action

    def redo(self) -> str:
        """Do again what was taken back; returns its name."""
        edit = self.history.redo()
        self._put(edit.layer, edit.flat, edit.after)
        self._logged("redo", len(edit.flat), edit.flat, of=edit.action)
        return edit.action

    def cost(self) -> Cost:
        """Edits, time and voxels so far, of all sittings."""
        return cost(self.log.entries)

    def save(self, labels_file: str | Path | None = None) -> None:
        """Keep the state, so that the session can be resumed, and write the layers beside `labels_file` if one is given."""
        self.log.append("save", self.clock())
        write_state(self.folder, SavedState(self.scribbles, self.labels, self.decisions, len(self.log.entries)), self.image, self.classes)
        if labels_file is not None:
            write_outputs(labels_file, self.image, self.labels, self.scribbles, self.classes, UNLABELLED, self.decisions)
        self._unsaved = 0

    def _change(self, action: str, change: Change, **details: Any) -> None:
        self._apply(action, "labels", change.flat, change.values, **details)

    def _apply(self, action: str, layer: str, flat: NDArray[np.int64], values: Any, **details: Any) -> None:
        array = self._layer(layer).reshape(-1)
        after = np.broadcast_to(np.asarray(values, np.int64), flat.shape)
        before = array[flat].astype(np.int64)
        changed = before != after
        flat, before, after = flat[changed], before[changed], after[changed]
        self._put(layer, flat, after)
        self._done(Edit(action, layer, flat, before, after), **details)

    def _done(self, edit: Edit, **details: Any) -> None:
        if not len(edit.flat):
            return
        self.history.add(edit)
        self._logged(edit.action, len(edit.flat), edit.flat, **details)

    def _logged(self, action: str, voxels: int, flat: NDArray[np.int64] | None, **details: Any) -> None:
        where = None if flat is None else _box(flat, self.image.shape)
        self.log.append(action, self.clock(), voxels=voxels, where=where, **details)
        self._unsaved += 1
        if self._unsaved >= self.autosave:
            self.save()

    def _put(self, layer: str, flat: NDArray[np.int64], values: NDArray[np.int64]) -> None:
        for array in (self._layer(layer), self._shadows[layer]):
            array.reshape(-1)[flat] = values

    def _layer(self, layer: str) -> NDArray[Any]:
        return self.labels if layer == "labels" else self.scribbles


def _check(image: Volume, labels: Labels | None, classes: Sequence[str]) -> None:
    if image.axes != "ZYX":
        raise CellmlError(f"{image.name!r} has the axes {image.axes}; annotate one channel and one time, (Z, Y, X).")
    if len(classes) < 2 or len(set(classes)) < len(classes) or len(classes) >= UNLABELLED:
        raise CellmlError(f"classes={list(classes)}: give at least two different names, background first.")
    if labels is None:
        return
    if labels.shape != image.shape:
        raise CellmlError(f"The image has {image.shape} voxels but the labels have {labels.shape} (z, y, x); they must be one grid.")
    if not np.allclose(labels.spacing, image.spacing, rtol=1e-3):
        raise CellmlError(
            f"The image has voxels of {image.spacing} nm (z, y, x) but the labels of {labels.spacing} nm; correct one of them."
        )
    if labels.data.max() > np.iinfo(np.uint32).max:
        raise CellmlError(f"The labels hold {labels.data.max()}, which is above 2^32 - 1; relabel them to smaller numbers.")


def _flat(voxels: NDArray[np.int64], shape: Sequence[int]) -> NDArray[np.int64]:
    """Flat indices of voxels (n, 3), each once. Raises CellmlError for none, and for voxels outside."""
    voxels = np.asarray(voxels, np.int64).reshape(-1, 3)
    if not len(voxels):
        raise CellmlError("No voxel was given.")
    if (voxels < 0).any() or (voxels >= shape).any():
        outside = voxels[((voxels < 0) | (voxels >= shape)).any(axis=1)][0]
        raise CellmlError(f"Voxel {outside.tolist()} (z, y, x) lies outside the image, which has {tuple(shape)} voxels.")
    return np.unique(np.ravel_multi_index(tuple(voxels.T), tuple(shape)))


def _box(flat: NDArray[np.int64], shape: Sequence[int]) -> list[list[int]]:
    """[[z0, z1], [y0, y1], [x0, x1]] of voxels, the end not included."""
    return [[int(axis.min()), int(axis.max()) + 1] for axis in np.unravel_index(flat, tuple(shape))]
