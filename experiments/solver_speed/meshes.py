"""Meshes of real objects with about 50,000, 200,000 and a million tetrahedra."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

import numpy as np

from cellml.errors import FileError
from cellml.meshing import crop_object, mesh_labels
from cellml.sim.adaptive.uniform import refine_uniformly
from cellml.types import Labels, TetMesh


@dataclass(frozen=True)
class Specimen:
    """An object of a data set, meshed with the mesher's defaults and then refined, every tetrahedron into eight, some times."""

    name: str
    file: str
    array: str
    label: int
    refinements: int


SPECIMENS = (
    Specimen("50k", "rough_spine.npz", "simple", 1, 0),
    Specimen("200k", "fib25_train2_z000-169.npz", "neurons", 140, 1),
    Specimen("1M", "fib25_train2_z000-169.npz", "neurons", 208, 2),
)


def mesh_file(specimen: Specimen) -> Path:
    """The mesh as a file of numpy arrays: points (P, 3) in µm, tets (T, 4), and the points of `source`; made once."""
    path = Path(gettempdir()) / "cellml_solver_speed" / f"{specimen.name}.npz"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = Labels(_array(specimen), (10.0, 10.0, 10.0))
    mesh = mesh_labels(crop_object(labels, specimen.label).labels, label=specimen.label, timeout_s=900.0).mesh
    for _ in range(specimen.refinements):
        mesh, _ = refine_uniformly(mesh)
    partial = path.with_suffix(".part.npz")
    np.savez(partial, points=mesh.points * 1e-3, tets=mesh.tets.astype(np.int64), source=_source(mesh))
    partial.replace(path)
    return path


def _array(specimen: Specimen) -> np.ndarray:
    folder = os.environ.get("CELLML_DATA")
    if not folder:
        raise FileError("This study reads real data: set CELLML_DATA to its folder, see data/README.md.")
    with np.load(Path(folder) / specimen.file) as archive:
        return np.asarray(archive[specimen.array])


def _source(mesh: TetMesh) -> np.ndarray:
    """Points of the tenth of the object that lies lowest along its longest axis: where the concentration is 1 at the beginning."""
    centred = mesh.points - mesh.points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    along = centred @ axes[:, -1]
    return np.flatnonzero(along <= np.quantile(along, 0.1))


if __name__ == "__main__":
    for each in SPECIMENS:
        with np.load(mesh_file(each)) as found:
            print(each.name, len(found["tets"]), "tetrahedra,", len(found["points"]), "points", flush=True)
