"""Prediction of certified tetrahedra: one VTU file, or one PLY file for each compartment, and the certificate."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def predict_tetrahedra(
    task: Any, image: Any, name: str, output: str, contract: Mapping[str, Any], *, checkpoint: str, components: str = "all"
) -> dict[str, Any]:
    """Write what a certified mesh task predicts of an opened image, in nm, and `<output stem>_certificate.json`.

    output: .vtu holds the tetrahedra with regions and interfaces; .ply gives `<stem>_<compartment>.ply`, the boundary of each. checkpoint:
    the file, which the certificate names; components: "largest" keeps the largest part that hangs together through facets. What was found
    is logged. Returns files and seconds. Raises CellmlError for an image with a time axis, MeshingError where nothing was predicted.
    """
    from cellml.infer.meshed_image import image_for_mesh
    from cellml.infer.surfaces import tell_files, write_surfaces
    from cellml.io import write_mesh
    from cellml.io.atomic import write_json
    from cellml.tasks.certified_scores import surface_of

    begin = time.perf_counter()
    voxels = image_for_mesh(image, name, contract)
    frame = tuple(image.spacing), tuple(image.origin), Path(name).stem
    result = task.predict_tetrahedra(voxels, *frame, largest=components == "largest")
    seconds = time.perf_counter() - begin
    place, mesh = Path(output), result.mesh
    certificate = replace(result.certificate, settings={**_identity(checkpoint), **result.certificate.settings})
    beside = place.with_name(f"{place.stem}_certificate.json")
    log.info("%d tetrahedra of %s voxels in %.1f s", len(mesh.tets), tuple(image.shape[-3:]), seconds)
    tell_compartments(certificate)
    if place.suffix.lower() == ".vtu":
        write_mesh(mesh, place)
        files = [place]
        log.info("%s: %d tetrahedra, %d facets of surfaces and interfaces", place, len(mesh.tets), len(mesh.facets))
        log.info("%s: the certificate", beside)
    else:
        parts = [replace(surface_of(mesh, [number]), name=region) for number, region in mesh.region_names.items()]
        files = write_surfaces(parts, place)
        tell_files(parts, files, beside)
    write_json(beside, {"input": name, "unit": "nm", **certificate.as_dict()})
    return {"output": output, "files": [str(f) for f in files], "certificate": str(beside), "network": seconds}


def tell_compartments(certificate: Any) -> None:
    """Log a line for each compartment that was found, and warn of those that were not, of separate parts, and of a missed gate."""
    from cellml.meshing.gate import Gate

    for name, region in certificate.regions.items():
        pieces = f"{region.components} piece" + ("s" if region.components != 1 else "")
        log.info("%s: %.4g µm³ in %s, Euler number %d", name, region.volume_nm3 * 1e-9, pieces, region.euler)
    settings, dropped = certificate.settings, certificate.discarded_share > 0
    if dropped:
        log.warning("Note that %s.", certificate.repairs[0])
    if certificate.lost_regions:
        thin = f"not in the image, not recognised, thinner than a cube of {settings['step_nm']:.3g} nm"
        where = f"{thin}, or not in the part that was kept" if dropped else f"{thin}, or wholly within what lies inside it"
        log.warning("NOT FOUND: %s (%s).", ", ".join(certificate.lost_regions), where)
    if certificate.components > 1:
        log.warning(
            "The mesh falls into %d parts that share no facet; `cellml simulate` needs one: components=largest keeps the largest.",
            certificate.components,
        )
    reasons = replace(certificate, lost_regions=()).passes(Gate())
    if reasons:
        promise = f"this head promises only dihedral angles from {settings['least_deg']:g}° and surface angles from "
        promise += f"{settings['least_facet_deg']:g}°"
        log.warning("The mesh misses the usual gate of `cellml mesh` (%s): %s.", "; ".join(reasons), promise)


def _identity(checkpoint: str) -> dict[str, str]:
    """The name of a checkpoint's file and its SHA-256, by which it is known wherever it is copied to."""
    path = Path(checkpoint)
    return {"checkpoint": path.name, "checkpoint_sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
