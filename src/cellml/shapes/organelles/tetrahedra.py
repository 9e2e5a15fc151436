"""One conforming tetrahedral mesh of a filled cell, and a model on it for other programs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from cellml.meshing.errors import MeshingError
from cellml.shapes.organelles.fill import Filled
from cellml.shapes.organelles.outputs import CYTOSOL, classes_of
from cellml.sim.exports.command import Target
from cellml.types import TetMesh

_TARGETS: tuple[Target, ...] = ("mcell", "vcell")
_TRACER = f"""# What diffuses between the organelles of this cell; change it, or give another model.
name: tracer_in_cytosol
species:
  tracer:
    in: {CYTOSOL}
    D: {{value: 1.0, unit: um^2/s, source: reference value; times scale as 1/D}}
    initial: {{value: 1.0, unit: uM, source: reference value; the equations are linear}}
time:
  end: {{value: 0.1, unit: s}}
  steps: 100
observables:
  - {{type: volume}}
"""


def write_tetrahedra(
    filled: Filled, folder: Path, *, edge_nm: float | None, timeout_s: float, model: str | None, tell: Callable[[str], None]
) -> dict[str, Any]:
    """Mesh the classes of a filled cell into cell.vtu with its certificate cell.json, and write the exports of a model.

    Regions are cytosol, nucleus and one for each kind; the gap that filling keeps is two voxels by default, so that organelles of one kind
    stay apart. model: a model file or shipped model, for mcell/ (MDL) and vcell/ (SBML-spatial); None for a tracer that diffuses in the
    cytosol, written as model.yaml. Returns the numbers of the mesh. Raises MeshingError where the mesh fails its gate, and SimulationError
    for a model that one of the two cannot express.
    """
    from cellml.io import write_json, write_mesh, write_text
    from cellml.meshing.gate import Gate
    from cellml.meshing.labels import mesh_labels

    gate = Gate()
    result = mesh_labels(classes_of(filled), edge_nm=edge_nm, timeout_s=timeout_s, gate=gate, tell=tell)
    reasons = result.certificate.passes(gate)
    if reasons:
        raise MeshingError(f"The mesh of the filled cell fails its gate: {'; '.join(reasons)}. Another edge_nm often helps; or mesh=false.")
    write_mesh(result.mesh, folder / "cell.vtu")
    write_json(folder / "cell.json", result.certificate.as_dict(gate))
    if model is None:
        write_text(folder / "model.yaml", _TRACER)
    tell("exports")
    exports = _exports(result.mesh, str(folder / "model.yaml") if model is None else model, folder)
    return {"tetrahedra": len(result.mesh.tets), "region_volumes_nm3": result.mesh.region_volumes(), "exports": exports}


def _exports(mesh: TetMesh, model: str, folder: Path) -> list[str]:
    from cellml.sim.exports.command import export_model
    from cellml.sim.model_file import load_model
    from cellml.sim.shipped import find_model

    loaded = load_model(find_model(model))
    return [export_model(mesh, loaded, target, folder / target).name for target in _TARGETS]
