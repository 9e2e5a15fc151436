"""Tetrahedral meshes with their nodal fields and certificates, as a run leaves them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import FileError
from cellml.meshing.quality import dihedral_angles, radius_ratio, surface_angles
from cellml.meshing.topology import boundary_facets, edges_of
from cellml.report.quality_figure import QualitySample
from cellml.types import Surface, TetMesh


@dataclass(frozen=True)
class MeshArtefact:
    """A mesh of one object.

    role: "truth", "prediction" or "" (neither); object_id: the truth object's number as text, the file's stem where the role is "";
    fields: nodal values by name, each (P,); certificate: what the mesher certified, empty if nothing.
    """

    role: str
    object_id: str
    mesh: TetMesh
    fields: Mapping[str, NDArray[np.float64]]
    certificate: Mapping[str, Any]

    @cached_property
    def boundary(self) -> Surface:
        """The outer surface, on all points of the mesh."""
        return Surface(self.mesh.points, boundary_facets(self.mesh.tets), self.mesh.name)

    @cached_property
    def dihedrals(self) -> NDArray[np.float64]:
        """Dihedral angles of the tetrahedra in degrees, (T, 6)."""
        return dihedral_angles(self.mesh.points, self.mesh.tets)

    @cached_property
    def surface_angles(self) -> NDArray[np.float64]:
        """Angles of the outer triangles in degrees, (F, 3)."""
        return surface_angles(self.mesh.points, self.boundary.faces)

    @cached_property
    def quality_by_region(self) -> dict[str, QualitySample]:
        """Quality of the tetrahedra of each region, and of the boundary of that region."""
        numbers = np.unique(self.mesh.regions).tolist()
        return {self.mesh.region_names.get(n, f"region {n}"): self._quality(self.mesh.regions == n) for n in numbers}

    def _quality(self, part: NDArray[np.bool_]) -> QualitySample:
        points, tets = self.mesh.points, self.mesh.tets[part]
        edges, _ = edges_of(tets)
        return QualitySample(
            len(tets),
            self.dihedrals[part].ravel(),
            radius_ratio(points, tets),
            surface_angles(points, boundary_facets(tets)).ravel(),
            np.linalg.norm(points[edges[:, 1]] - points[edges[:, 0]], axis=1),
        )


def read_mesh_artefact(path: Path) -> MeshArtefact:
    """Read FILE.vtu (points in nm) and FILE.json beside it, or certificate.json in its folder. Raises FileError for a damaged file."""
    # meshio.read ends the interpreter on a file that it cannot read; its reader of one format raises instead.
    from meshio import vtu

    from cellml.io.meshes import read_mesh

    mesh = read_mesh(path)
    fields = {name: np.asarray(values, dtype=float) for name, values in vtu.read(path).point_data.items() if np.ndim(values) == 1}
    role, object_id = _role(path.stem)
    return MeshArtefact(role, object_id, mesh, fields, _certificate(path))


def _role(stem: str) -> tuple[str, str]:
    match = re.fullmatch(r"(truth|prediction)_(.+)", stem)
    return (match.group(1), match.group(2)) if match else ("", stem)


def _certificate(path: Path) -> Mapping[str, Any]:
    for candidate in (path.with_suffix(".json"), path.with_name("certificate.json")):
        if candidate.exists():
            try:
                values = json.loads(candidate.read_text(encoding="utf-8"))
            except ValueError as error:
                raise FileError(f"{candidate.name} is not valid JSON ({error}).") from error
            return values if isinstance(values, dict) else {}
    return {}
