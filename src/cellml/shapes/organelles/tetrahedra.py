"""One conforming tetrahedral mesh of a filled cell, and a model on it for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellml.meshing.errors import MeshingError
from cellml.shapes.organelles.fill import Filled
from cellml.shapes.organelles.outputs import classes_of


def write_tetrahedra(
    filled: Filled, folder: Path, *, edge_nm: float | None, timeout_s: float, model: str | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Mesh the classes of a filled cell into cell.vtu with its certificate cell.json, and write the exports of a model.

    Regions are cytosol, nucleus and one for each kind; the gap that filling keeps is at least two voxels, so that organelles of one kind
    stay apart. model: a model file or shipped model, for mcell/ (MDL) and vcell/ (SBML-spatial); None for neither. Returns the files and
    what the certificate says. Raises MeshingError where the mesh fails its gate.
    """
    from cellml.io import write_json, write_mesh
    from cellml.meshing.gate import Gate
    from cellml.meshing.labels import mesh_labels

    gate = Gate()
    result = mesh_labels(classes_of(filled), edge_nm=edge_nm, timeout_s=timeout_s, gate=gate, tell=tell)
    reasons = result.certificate.passes(gate)
    if reasons:
        raise MeshingError(f"The mesh of the filled cell fails its gate: {'; '.join(reasons)}. Another edge_nm often helps; or mesh=false.")
    write_mesh(result.mesh, folder / "cell.vtu")
    write_json(folder / "cell.json", result.certificate.as_dict(gate))
    facts: dict[str, Any] = {"tetrahedra": len(result.mesh.tets), "region_volumes_nm3": result.mesh.region_volumes()}
    if model is not None:
        tell("exports")
        facts["exports"] = _exports(result.mesh, model, folder)
    return facts


def _exports(mesh: Any, model: str, folder: Path) -> list[str]:
    from cellml.sim.exports.command import export_model
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    loaded = load_model(find_model(model))
    return [str(export_model(mesh, loaded, target, folder / target).name) for target in ("mcell", "vcell")]  # type: ignore[arg-type]


