"""Meshes of the objects of a volume, each read from its bounding box."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.blocks.manifest import Manifest
from cellml.blocks.workers import Outcome
from cellml.errors import CellmlError

_PAD = 4  # voxels around an object: more than any filter of the mesher reaches beyond the two that it keeps
_COLUMNS = ("label", "voxels", "state", "reason", "tetrahedra", "least_dihedral_deg", "wall_s")


@dataclass(frozen=True)
class Box:
    """An object: its label, voxels, and bounding box (z, y, x), high exclusive."""

    label: int
    voxels: int
    low: tuple[int, int, int]
    high: tuple[int, int, int]


@dataclass(frozen=True)
class Meshing:
    """The jobs of meshing. labels: the label volume; folder: of the meshes; options: of `cellml.meshing.labels.mesh_labels`; largest_box:
    voxels above which an object is refused, for it would not fit into the memory of a worker.
    """

    labels: str
    folder: Path
    options: Mapping[str, Any]
    largest_box: int
    manifest: Manifest

    def prepare(self) -> Callable[[Box, int], dict[str, Any]]:
        """What a worker calls with an object; returns cells of its row. Raises CellmlError for an object that gives no sound mesh."""
        return lambda box, attempt: self._meshed(box)

    def _meshed(self, box: Box) -> dict[str, Any]:
        from cellml.io import read_labels, write_json, write_mesh
        from cellml.meshing.gate import Gate
        from cellml.meshing.labels import mesh_labels
        from cellml.types import Labels

        low, high = np.maximum(np.array(box.low) - _PAD, 0), np.array(box.high) + _PAD
        size = int(np.prod(high - low))
        if size > self.largest_box:
            raise CellmlError(
                f"Object {box.label} lies in a box of {size / 1e6:.0f} Mvoxel, above mesh.largest_box={self.largest_box / 1e6:.0f} Mvoxel; "
                "give more, if a worker has about 30 bytes for each voxel, or mesh it at a coarser voxel size."
            )
        shape = _shape(self.labels)
        region = tuple(slice(int(a), int(min(b, n))) for a, b, n in zip(low, high, shape, strict=True))
        read = read_labels(self.labels, region=region)
        own = Labels(np.where(read.data == box.label, read.data, 0), read.spacing, read.origin, name=f"object {box.label}")
        result = mesh_labels(own, label=box.label, **self.options)
        reasons = result.certificate.passes(Gate())
        if reasons:
            raise CellmlError(f"the mesh misses its gate: {'; '.join(reasons)}")
        certificate = result.certificate.as_dict(Gate())
        write_mesh(result.mesh, self.folder / f"{box.label}.vtu")
        write_json(self.folder / f"{box.label}.json", certificate)
        cells = {"tetrahedra": len(result.mesh.tets), "least_dihedral_deg": round(float(result.certificate.dihedral_min_deg), 3)}
        self.manifest.commit_arrays(box.label, {name: np.array(value) for name, value in cells.items()})
        return cells


def chosen(objects: Mapping[str, NDArray[np.int64]], labels: Sequence[int] | None, least: int) -> list[Box]:
    """Objects to mesh: those named, or all of at least `least` voxels. Raises CellmlError for a label that is not there.

    objects: `voxels` (N,), `low` and `high` (N, 3) of the objects 1 …, as in `cellml.blocks.stitch.Stitched`.
    """
    rows = zip(*(objects[name].tolist() for name in ("voxels", "low", "high")), strict=True)
    boxes = [Box(label, voxels, tuple(low), tuple(high)) for label, (voxels, low, high) in enumerate(rows, start=1)]
    if labels is None:
        return [box for box in boxes if box.voxels >= least]
    wrong = [label for label in labels if not 1 <= label <= len(boxes)]
    if wrong:
        raise CellmlError(f"mesh.labels names {wrong[0]}, but the objects are numbered from 1 to {len(boxes)}.")
    return [boxes[label - 1] for label in labels]


def table_of(boxes: Sequence[Box], outcomes: Mapping[int, Outcome], manifest: Manifest) -> str:
    """A CSV row for each object: meshed now, meshed in an earlier run, or why not."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, _COLUMNS, restval="", lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    for box in boxes:
        outcome, done = outcomes.get(box.label), manifest.done(box.label)
        row: dict[str, Any] = {"label": box.label, "voxels": box.voxels, "state": "ok" if done else "failed"}
        if done:
            row |= {name: value.item() for name, value in manifest.read(box.label).items()}
        if outcome is not None:
            row |= {"reason": " ".join(outcome.reason.split()), "wall_s": round(outcome.wall_s, 2)}
        writer.writerow(row)
    return text.getvalue()


def _shape(path: str) -> tuple[int, int, int]:
    from cellml.io import open_image

    with open_image(path) as source:
        return source.shape
