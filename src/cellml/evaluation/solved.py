"""One object, from labels to a solved model."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellml.errors import CellmlError
from cellml.types import Labels

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class SolvedObject:
    """mesh: MeshResult; solution: Solution of the model; failure: why there is none of one or both, empty where all went well; timed_out:
    the failure is that meshing took longer than it was given, which says nothing of the object.
    """

    label: int
    mesh: Any = None
    solution: Any = None
    failure: str = ""
    timed_out: bool = False

    def save(self, folder: Path, name: str) -> None:
        """Write `name.vtu` with the nodal fields and `name.json` with the certificate, where there is a mesh."""
        from cellml.io import write_json, write_mesh

        if self.mesh is None:
            return
        fields = self.solution.fields if self.solution is not None else {}
        folder.mkdir(parents=True, exist_ok=True)
        write_mesh(self.mesh.mesh, folder / f"{name}.vtu", point_data=fields)
        write_json(folder / f"{name}.json", self.mesh.certificate.as_dict())


def solve_mesh(result: Any, label: int, model: Any, *, places: Any = None) -> SolvedObject:
    """Solve a model straight on tetrahedra that a network predicted (MeshResult of one piece of one region); failures are recorded.

    Such a mesh must be sound, but its angles need not reach those of `cellml mesh`: 5° and more, which a network's grid gives.
    """
    from cellml.meshing.gate import Gate
    from cellml.sim.solve import solve_model

    gate = Gate(min_dihedral_deg=5.0, surface_angle_min_deg=5.0, surface_angle_max_deg=170.0)
    reasons = result.certificate.passes(gate)
    if reasons:
        return SolvedObject(label, result, None, f"the predicted mesh misses its gate: {'; '.join(reasons)}")
    try:
        return SolvedObject(label, result, solve_model(result.mesh, model, places=places))
    except Exception as error:  # a defect in one object must neither hide nor take the others with it
        log.warning("%s, label %d: %s: %s", result.mesh.name, label, type(error).__name__, error)
        return SolvedObject(label, result, None, f"{type(error).__name__}: {error}")


def solve_object(labels: Labels, label: int, model: Any, *, places: Any = None, timeout_s: float = 60.0) -> SolvedObject:
    """Mesh one label and solve a model in it; a failure is recorded, not raised, so that one bad object stops nothing.

    Where a label lies in several pieces, its largest is meshed: a solver needs one that hangs together. places: ends chosen on another mesh
    of the same object (truth), so that both answer the same question. A mesh that misses its gate is a failure too: its numbers could not
    be trusted.
    """
    from cellml.meshing import mesh_labels
    from cellml.meshing.errors import MeshingTimeoutError
    from cellml.meshing.gate import Gate
    from cellml.sim.solve import solve_model

    mesh = None
    try:
        mesh = mesh_labels(labels, label=label, components="largest", timeout_s=timeout_s)
        reasons = mesh.certificate.passes(Gate())
        if reasons:
            return SolvedObject(label, mesh, None, f"the mesh misses its gate: {'; '.join(reasons)}")
        return SolvedObject(label, mesh, solve_model(mesh.mesh, model, places=places))
    except CellmlError as error:
        log.info("%s, label %d: %s", labels.name, label, error)
        return SolvedObject(label, mesh, None, str(error), timed_out=isinstance(error, MeshingTimeoutError))
    except Exception as error:  # a defect in one object must neither hide nor take the others with it
        log.warning("%s, label %d: %s: %s", labels.name, label, type(error).__name__, error)
        return SolvedObject(label, mesh, None, f"{type(error).__name__}: {error}")
