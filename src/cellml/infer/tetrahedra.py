"""Prediction of certified tetrahedra: one VTU file, or one PLY file for each compartment, and the certificate."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellml.errors import CellmlError

log = logging.getLogger(__name__)


def predict_tetrahedra(task: Any, image: Any, name: str, output: str, contract: Mapping[str, Any]) -> dict[str, Any]:
    """Write what a certified mesh task predicts of an opened image, in nm, and `<output stem>_certificate.json`.

    output: .vtu holds the tetrahedra with regions and interfaces; .ply gives `<stem>_<compartment>.ply`, the boundary of each. Returns
    files and seconds. Raises CellmlError for an image with a time axis, MeshingError where nothing was predicted.
    """
    from cellml.data.normalisation import Normalisation
    from cellml.infer.surfaces import require_surface_output, write_surfaces
    from cellml.io import write_mesh
    from cellml.io.atomic import write_json
    from cellml.tasks.certified_scores import surface_of

    require_surface_output(output)
    if "T" in image.axes:
        raise CellmlError(f"{name} has a time axis; meshes are predicted of one volume. Write its frames as files of their own.")
    begin = time.perf_counter()
    voxels = Normalisation.measure(image, method=contract["normalisation"], name=name).apply(image.read())
    voxels = voxels[None] if voxels.ndim == 3 else voxels
    result = task.predict_tetrahedra(np.asarray(voxels, np.float32), tuple(image.spacing), tuple(image.origin), Path(name).stem)
    seconds = time.perf_counter() - begin
    place, mesh = Path(output), result.mesh
    if place.suffix.lower() == ".vtu":
        write_mesh(mesh, place)
        files = [place]
    else:
        parts = {number: surface_of(mesh, [number]) for number in mesh.region_names}
        files = write_surfaces([_named(part, mesh.region_names[number]) for number, part in parts.items()], place)
    beside = place.with_name(f"{place.stem}_certificate.json")
    write_json(beside, {"input": name, "unit": "nm", **result.certificate.as_dict()})
    log.info("%s: %d tetrahedra of %s voxels in %.1f s", output, len(mesh.tets), tuple(image.shape[-3:]), seconds)
    return {"output": output, "files": [str(f) for f in files], "certificate": str(beside), "network": seconds}


def _named(surface: Any, name: str) -> Any:
    from dataclasses import replace

    return replace(surface, name=name)
