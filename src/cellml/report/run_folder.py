"""The artefacts of a run, found and read.

    summary.json                        what the run says about itself (cellml.report.summary)
    metrics.csv                         Lightning's CSV log, anywhere below the folder
    raw.npz                             key raw (Z, Y, X), voxel_nm
    truth.npz, prediction.npz           key labels (Z, Y, X), voxel_nm
    boundary.npz                        key boundary (Z, Y, X), predicted probability: floats in [0, 1] or bytes
    observables.csv                     name, value, unit, discretisation_error, status, reason: what one simulation answered
    scores.json, scores_NAME.json       what `cellml score … output=` wrote, anywhere below the folder
    NAME_information.json               records of information maps and of the objects they were carried into, anywhere below the folder
    objects.csv                         one row per truth object and observable (cellml.report.objects)
    posterior.json, draws.npz           what `cellml pipeline` concludes, anywhere below the folder
    pipeline.json                       the folder is that of `cellml pipeline`: its image, labels and reference meshes are shown
    shape_answers.csv                   answers of drawn and of real shapes (cellml.evaluation.distributions)
    courses.csv, movie.gif              time in s and every time course of one simulation; its species in time
    species.json, solution.vtu          unit and kind of each species, and their nodal fields at the end
    meshes/truth_ID.vtu, prediction_ID.vtu and their .json certificates; ID is the truth object's in both names

Every artefact may be missing: asking for it then raises AbsentError, and the section that needs it is left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.report.mesh_artefacts import MeshArtefact, read_mesh_artefact
from cellml.report.objects import ObjectRow, read_objects
from cellml.report.summary import SUMMARY_FILE, Summary, read_summary
from cellml.types import Triple

SCORES, PIPELINE = "scores*.json", "pipeline.json"


class AbsentError(Exception):
    """An artefact that this run does not have; the message says which, and is empty where runs of its kind never have it."""


@dataclass(frozen=True)
class VoxelArtefact:
    """An array (Z, Y, X) and its voxel size (z, y, x) in nm."""

    data: NDArray[Any]
    spacing: Triple


@dataclass(frozen=True)
class RunFolder:
    """A folder of artefacts, each read when first asked for."""

    path: Path

    def __post_init__(self) -> None:
        if not self.path.is_dir():
            raise FileError(f"{self.path} is not a folder; give the folder of a run (it holds {SUMMARY_FILE}, metrics.csv, meshes/ …).")
        known = (
            SUMMARY_FILE,
            "metrics.csv",
            "raw.npz",
            "truth.npz",
            "prediction.npz",
            "objects.csv",
            "observables.csv",
            "courses.csv",
            "posterior.json",
            PIPELINE,
            "shape_answers.csv",
            SCORES,
            "*_information.json",
            "*.vtu",
        )
        if not any(next(self.path.rglob(pattern), None) for pattern in known):
            raise FileError(f"{self.path} holds nothing to report: none of {', '.join(known)} is in it or below it.")

    @property
    def of_pipeline(self) -> bool:
        """Whether `cellml pipeline` wrote the folder."""
        return (self.path / PIPELINE).is_file()

    @cached_property
    def summary(self) -> Summary:
        """The run's summary; where there is none, one with the folder's name and Hydra's configuration."""
        path = self.path / SUMMARY_FILE
        if path.exists():
            return read_summary(path)
        config = self.path / ".hydra" / "config.yaml"
        return Summary(title=self.path.resolve().name, config=config.read_text(encoding="utf-8") if config.is_file() else "")

    @cached_property
    def metrics_path(self) -> Path:
        """The newest metrics.csv below the folder."""
        found = sorted(self.path.rglob("metrics.csv"), key=lambda p: (p.stat().st_mtime, str(p)))
        if not found:
            raise AbsentError("there is no metrics.csv")
        return found[-1]

    def voxels(self, name: str, key: str) -> VoxelArtefact:
        """The array `key` of NAME.npz. Raises AbsentError without the file, FileError if it is damaged or of another shape."""
        path = self.path / f"{name}.npz"
        if not path.exists():
            raise AbsentError(f"there is no {path.name}")
        try:
            with np.load(path, allow_pickle=False) as archive:
                data, voxel_nm = archive[key], archive["voxel_nm"].astype(float)
        except Exception as error:
            raise FileError(f"{path.name} cannot be read ({error}); it needs the arrays {key} and voxel_nm.") from error
        if data.ndim != 3 or voxel_nm.shape != (3,):
            raise FileError(f"{path.name} has {key} of shape {data.shape} and voxel_nm of shape {voxel_nm.shape}; both need (z, y, x).")
        return VoxelArtefact(data, (float(voxel_nm[0]), float(voxel_nm[1]), float(voxel_nm[2])))

    @cached_property
    def objects(self) -> list[ObjectRow]:
        """The rows of objects.csv."""
        path = self.path / "objects.csv"
        if not path.exists():
            raise AbsentError("there is no objects.csv or observables.csv")
        rows = read_objects(path)
        if not rows:
            raise AbsentError("objects.csv has no rows")
        return rows

    @cached_property
    def meshes(self) -> list[MeshArtefact]:
        """All meshes below the folder, in the order of their objects' numbers, truth before prediction; those of time series left out,
        and of a pipeline's all but that of the reference segmentation of each object.
        """
        sampled = {path.parent for path in self.path.rglob("shapes.json")}
        many = {path.with_suffix("") for path in self.path.rglob("*.pvd")} | sampled
        found = [path for path in self.path.rglob("*.vtu") if path.parent not in many]
        paths = sorted(found, key=lambda p: (natural(p.stem.split("_", 1)[-1]), p.stem.startswith("prediction"), str(p)))
        meshes = [read_mesh_artefact(path) for path in paths] + _references(sampled)
        if not meshes:
            raise AbsentError("there are no meshes (*.vtu)")
        return meshes


def _references(folders: set[Path]) -> list[MeshArtefact]:
    """The meshes of a pipeline's reference segmentation, from folders object_NAME, in the order of their names."""
    named = {folder.name.removeprefix("object_"): folder / "reference.vtu" for folder in folders}
    there = sorted((name for name, path in named.items() if path.is_file()), key=natural)
    return [replace(read_mesh_artefact(named[name]), object_id=name) for name in there]


def natural(text: str) -> list[tuple[int, str]]:
    """A key that sorts 9 before 10: numbers by value, text by itself."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part]
