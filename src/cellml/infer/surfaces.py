"""Prediction of surfaces: one PLY file for each structure and one certificate."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.types import Surface

log = logging.getLogger(__name__)

MESH_SUFFIXES = (".ply", ".vtu")
COMPONENTS = ("all", "largest")


def require_surface_output(output: str) -> None:
    """Raise CellmlError unless `output` ends in .ply or .vtu."""
    if Path(output).suffix.lower() not in MESH_SUFFIXES:
        raise CellmlError(f"output={output} names no mesh, which is what this checkpoint predicts; use .ply or .vtu.")


def require_no_mesh_options(name: str, output: str, components: str, predicts: str) -> None:
    """Raise CellmlError where a mesh is asked of a checkpoint that predicts something else, such as "labels"."""
    stem = Path(output).with_suffix("")
    if Path(output).suffix.lower() in MESH_SUFFIXES:
        then = f", then `cellml mesh input={stem}.tif output={stem}.vtu` makes a mesh of them" if predicts == "labels" else ""
        raise CellmlError(f"{name} predicts {predicts}, not a mesh as output={output} asks; use output={stem}.tif{then}.")
    if components != "all":
        raise CellmlError(f"components={components} is for checkpoints that predict tetrahedra; {name} predicts {predicts}. Leave it out.")


def predict_mesh_file(
    members: Any,
    device: str,
    files: Sequence[str],
    name: str,
    output: str,
    spacing_nm: Sequence[float] | None,
    axes: str | None,
    *,
    checkpoint: str,
    components: str = "all",
) -> dict[str, Any]:
    """Open the input, hold it against the checkpoint's contract, and write what its mesh task predicts.

    See `predict_surfaces`, and `cellml.infer.tetrahedra.predict_tetrahedra` for tasks that predict those. Raises CellmlError where input,
    output or components do not suit the checkpoint.
    """
    from cellml.checkpoint import require_match
    from cellml.infer.opened import open_input
    from cellml.infer.tetrahedra import predict_tetrahedra

    require_surface_output(output)
    if components not in COMPONENTS:
        raise CellmlError(f"components={components} is not known; use {' or '.join(COMPONENTS)}.")
    solid = hasattr(members.task, "predict_tetrahedra")
    if not solid:
        _require_triangles(checkpoint, output, components)
    with open_input(files, spacing_nm, axes) as opened:
        require_match(members.contract, spacing_nm=opened.spacing, channels=len(opened.channels) or 1, name=name)
        task = members.task.to(device)
        if solid:
            made_by = {"checkpoint": checkpoint, "components": components}
            return predict_tetrahedra(task, opened, name, output, members.contract, **made_by)
        return predict_surfaces(task, opened, name, output, members.contract)


def _require_triangles(checkpoint: str, output: str, components: str) -> None:
    if Path(output).suffix.lower() != ".ply":
        stem = Path(output).with_suffix("")
        raise CellmlError(
            f"{checkpoint} predicts surfaces of triangles, and {Path(output).suffix} is for tetrahedra; use output={stem}.ply, which gives "
            f"a file for each structure. `cellml mesh input={stem}_STRUCTURE.ply output={stem}_STRUCTURE.vtu` fills one with tetrahedra."
        )
    if components != "all":
        raise CellmlError(f"components={components} is for checkpoints that predict tetrahedra; each surface of {checkpoint} is one piece.")


def predict_surfaces(task: Any, image: Any, name: str, output: str, contract: Mapping[str, Any]) -> dict[str, Any]:
    """Write the surfaces that a mesh task predicts of an opened image, in nm, and `<output stem>_certificate.json`.

    output: .ply gives `<stem>_<structure>.ply` each. The certificate says of each structure whether it is closed and manifold, its genus,
    and how many faces cross others. Returns the files and seconds. Raises CellmlError for an image with a time axis.
    """
    from cellml.infer.meshed_image import image_for_mesh
    from cellml.io.atomic import write_json
    from cellml.metrics.mesh_scores import mesh_soundness

    begin = time.perf_counter()
    surfaces = task.predict_surfaces(image_for_mesh(image, name, contract), tuple(image.origin))
    seconds = time.perf_counter() - begin
    place = Path(output)
    files = write_surfaces(surfaces, place)
    certificate = {surface.name: {**mesh_soundness(surface).as_dict(), "volume_nm3": surface.volume()} for surface in surfaces}
    beside = place.with_name(f"{place.stem}_certificate.json")
    write_json(beside, {"input": name, "unit": "nm", "structures": certificate})
    log.info("%d surfaces of %s voxels in %.1f s", len(surfaces), tuple(image.shape[-3:]), seconds)
    tell_files(surfaces, files, beside)
    return {"output": output, "files": [str(f) for f in files], "certificate": str(beside), "network": seconds}


def write_surfaces(surfaces: Sequence[Surface], place: Path) -> list[Path]:
    """Write surfaces (nm) as `<stem>_<name>.ply`; returns the files."""
    from cellml.io import write_surface

    files = [place.with_name(f"{place.stem}_{surface.name}.ply") for surface in surfaces]
    for surface, file in zip(surfaces, files, strict=True):
        write_surface(surface, file)
    return files


def tell_files(surfaces: Sequence[Surface], files: Sequence[Path], certificate: Path) -> None:
    """Log each file with its number of facets, and the certificate."""
    for surface, file in zip(surfaces, files, strict=True):
        log.info("%s: %d facets", file, len(surface.faces))
    log.info("%s: the certificate", certificate)
