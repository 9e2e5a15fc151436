"""Prediction of surfaces: one PLY file and one certificate for each structure, or all structures in one VTU file."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError
from cellml.types import Surface

log = logging.getLogger(__name__)

MESH_SUFFIXES = (".ply", ".vtu")


def require_surface_output(output: str) -> None:
    """Raise CellmlError unless `output` ends in .ply or .vtu."""
    if Path(output).suffix.lower() not in MESH_SUFFIXES:
        raise CellmlError(f"output={output} names no mesh, which is what this checkpoint predicts; use .ply or .vtu.")


def predict_mesh_file(
    members: Any, device: str, files: Sequence[str], name: str, output: str, spacing_nm: Sequence[float] | None, axes: str | None
) -> dict[str, Any]:
    """Open the input, hold it against the checkpoint's contract, and write what its mesh task predicts.

    See `predict_surfaces`, and `cellml.infer.tetrahedra.predict_tetrahedra` for tasks that predict those.
    """
    from cellml.checkpoint import require_match
    from cellml.infer.opened import open_input
    from cellml.infer.tetrahedra import predict_tetrahedra

    require_surface_output(output)
    with open_input(files, spacing_nm, axes) as opened:
        require_match(members.contract, spacing_nm=opened.spacing, channels=len(opened.channels) or 1, name=name)
        predict = predict_tetrahedra if hasattr(members.task, "predict_tetrahedra") else predict_surfaces
        return predict(members.task.to(device), opened, name, output, members.contract)


def predict_surfaces(task: Any, image: Any, name: str, output: str, contract: Mapping[str, Any]) -> dict[str, Any]:
    """Write the surfaces that a mesh task predicts of an opened image, in nm, and `<output stem>_certificate.json`.

    output: .ply gives `<stem>_<structure>.ply` each; .vtu one file of triangles with the cell data `structure`, numbered from 1. The
    certificate says of each structure whether it is closed and manifold, its genus, and how many faces cross others. Returns the files
    and seconds. Raises CellmlError for an image with a time axis.
    """
    from cellml.data.normalisation import Normalisation
    from cellml.io.atomic import write_json
    from cellml.metrics.mesh_scores import mesh_soundness

    require_surface_output(output)
    if "T" in image.axes:
        raise CellmlError(f"{name} has a time axis; surfaces are predicted of one volume. Write its frames as files of their own.")
    begin = time.perf_counter()
    voxels = Normalisation.measure(image, method=contract["normalisation"], name=name).apply(image.read())
    surfaces = task.predict_surfaces(voxels, tuple(image.origin))
    seconds = time.perf_counter() - begin
    place = Path(output)
    files = write_surfaces(surfaces, place)
    certificate = {surface.name: {**mesh_soundness(surface).as_dict(), "volume_nm3": surface.volume()} for surface in surfaces}
    beside = place.with_name(f"{place.stem}_certificate.json")
    write_json(beside, {"input": name, "unit": "nm", "structures": certificate})
    log.info("%s: %d surfaces of %s voxels in %.1f s", output, len(surfaces), tuple(image.shape[-3:]), seconds)
    return {"output": output, "files": [str(f) for f in files], "certificate": str(beside), "network": seconds}


def write_surfaces(surfaces: list[Surface], place: Path) -> list[Path]:
    """Write surfaces (nm) as .ply, a file each, or .vtu, one file; returns the files."""
    from cellml.io import write_surface

    if place.suffix.lower() == ".ply":
        files = [place.with_name(f"{place.stem}_{surface.name}.ply") for surface in surfaces]
        for surface, file in zip(surfaces, files, strict=True):
            write_surface(surface, file)
        return files
    _write_vtu(surfaces, place)
    return [place]


def _write_vtu(surfaces: list[Surface], place: Path) -> None:
    import meshio

    from cellml.io.atomic import atomic_path

    starts = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    faces = np.concatenate([surface.faces + start for surface, start in zip(surfaces, starts, strict=False)])
    number = np.repeat(np.arange(1, len(surfaces) + 1), [len(surface.faces) for surface in surfaces])
    mesh = meshio.Mesh(np.concatenate([s.vertices for s in surfaces]), [("triangle", faces)], cell_data={"structure": [number]})
    with atomic_path(place) as aside:
        meshio.write(aside, mesh, file_format="vtu")
