"""Step 04: each object in each sample as tetrahedra, in several sizes."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.pipeline.geometry import object_at, quick_mesh
from cellml.pipeline.objects import Followed
from cellml.pipeline.recipe import MeshStep, SampleStep
from cellml.pipeline.samples import sample_name
from cellml.pipeline.segmentation import LABELS, read_followed, read_labels_of
from cellml.types import Labels

log = logging.getLogger(__name__)

REFERENCE = "reference.vtu"
RECORD = "shapes.json"
LIMIT_S = 1800.0  # a worker's time for one object in all its samples


@dataclass(frozen=True)
class Cell:
    """One mesh of an object. image, segmentation: numbers of the draws; meshing: number of the size."""

    image: int
    segmentation: int
    meshing: int

    @property
    def file(self) -> str:
        """Its file in the object's folder."""
        return f"sample_{self.image:02d}_{self.segmentation:02d}_mesh_{self.meshing}.vtu"


def cells_of(samples: SampleStep, meshes: MeshStep) -> Iterator[Cell]:
    """All combinations of draws and sizes."""
    for i in range(samples.images):
        for j in range(samples.segmentations):
            for m in range(len(meshes.meshings)):
                yield Cell(i, j, m)


def make_meshes(folder: Path, segmentation: Path, drawn: Path, samples: SampleStep, step: MeshStep, *, workers: int) -> Mapping[str, Any]:
    """A folder `object_NAME` for each object, with `reference.vtu`, a mesh for each cell that has one, and `shapes.json`, which says of
    each cell how many voxels it has, or why there is no mesh. Folders that are there are kept. Returns how many meshes there are.
    """
    work = partial(_mesher, segmentation, drawn, samples, step, folder)
    waiting = [one for one in read_followed(segmentation) if not _folder(folder, one).is_dir()]
    for reason in outcomes(work, waiting, workers):
        if reason:
            raise CellmlError(f"Step {folder.name} came to nothing for an object: {reason}")
    records = [read_shapes(folder, one) for one in read_followed(segmentation)]
    cells = [cell for record in records for cell in record["cells"]]
    return {"meshes": sum(not cell["reason"] for cell in cells), "without": sum(bool(cell["reason"]) for cell in cells)}


def outcomes(prepare: Callable[[], Callable[[Followed, int], Any]], jobs: Sequence[Followed], workers: int) -> Iterator[str]:
    """Do jobs here, or in processes of their own where there are several workers; the reason for each that failed there, else "".

    prepare: gives the work (job, number of the try from 1) → anything; what it raises here is raised.
    """
    if workers <= 1 or len(jobs) <= 1:
        work = prepare() if jobs else None
        for job in jobs:
            assert work is not None
            work(job, 1)
            yield ""
        return
    from cellml.blocks.workers import run_jobs

    for outcome in run_jobs(prepare, jobs, workers=workers, timeout_s=LIMIT_S):
        yield "" if not outcome.reason else f"{jobs[outcome.number].name}: {outcome.reason}"


def read_shapes(folder: Path, one: Followed) -> dict[str, Any]:
    """What step 04 says of an object: {"name", "reference": {"voxels", "tetrahedra", "reason"}, "cells": the same with their draws}."""
    return dict(json.loads((_folder(folder, one) / RECORD).read_text(encoding="utf-8")))


def mesh_path(folder: Path, one: Followed, cell: Cell | None) -> Path:
    """The mesh of a cell, of the reference segmentation where None."""
    return _folder(folder, one) / (REFERENCE if cell is None else cell.file)


def _folder(folder: Path, one: Followed) -> Path:
    return folder / f"object_{one.name}"


def _mesher(segmentation: Path, drawn: Path, samples: SampleStep, step: MeshStep, folder: Path) -> Callable[[Followed, int], int]:
    """The work of one process: volumes are read once."""
    reference = read_labels_of(segmentation, LABELS)
    volumes = {(i, j): read_labels_of(drawn, sample_name(i, j)) for i in range(samples.images) for j in range(samples.segmentations)}

    def work(one: Followed, attempt: int) -> int:
        from cellml.io import atomic_path, write_json

        with atomic_path(_folder(folder, one)) as aside:
            aside.mkdir()
            made = [_cell(aside / REFERENCE, reference, one, step.tetrahedra, 1.0)]
            cells = []
            for cell in cells_of(samples, step):
                volume = volumes[cell.image, cell.segmentation]
                found = _cell(aside / cell.file, volume, one, step.tetrahedra, step.meshings[cell.meshing])
                cells.append({"image": cell.image, "segmentation": cell.segmentation, "meshing": cell.meshing, **found})
            write_json(aside / RECORD, {"name": one.name, "reference": made[0], "cells": cells})
        return len(cells)

    return work


def _cell(path: Path, labels: Labels, one: Followed, tetrahedra: int, coarser: float) -> dict[str, Any]:
    """Write the mesh of an object in a label volume; voxels, tetrahedra, and the reason where there is none."""
    from cellml.io import write_mesh

    mask = object_at(labels, one.point_nm)
    voxels = int(mask.sum())
    if not voxels:
        return {"voxels": 0, "tetrahedra": 0, "reason": "no object lies at the point"}
    try:
        mesh = quick_mesh(mask, labels, tetrahedra=tetrahedra, coarser=coarser, name=one.name)
    except CellmlError as error:  # one shape that cannot be meshed is a draw without an answer
        return {"voxels": voxels, "tetrahedra": 0, "reason": str(error)}
    except Exception as error:  # a defect met in one sample must neither hide nor take the others with it
        log.warning("%s: %s: %s", path, type(error).__name__, error)
        return {"voxels": voxels, "tetrahedra": 0, "reason": f"{type(error).__name__}: {error}"}
    write_mesh(mesh, path)
    return {"voxels": voxels, "tetrahedra": len(mesh.tets), "reason": ""}
