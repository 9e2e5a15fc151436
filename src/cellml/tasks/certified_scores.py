"""How good a predicted mesh is: distances to the true surfaces, soundness and topology."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.topology import boundary_facets
from cellml.metrics.mesh_scores import mesh_distances, mesh_soundness
from cellml.types import Surface, TetMesh


@dataclass(frozen=True)
class MeshScores:
    """assd_voxels, hd95_voxels: means over compartments, voxels being cube roots of their volume (NaN where a compartment is missing);
    sound: all boundaries closed and manifold, nothing crossed or inverted; genus_correct: share of compartments whose surface has as many
    pieces as the true one, and together the true genus; min_dihedral_deg: of all tetrahedra; missing: whether a compartment was not
    predicted.
    """

    assd_voxels: float
    hd95_voxels: float
    sound: bool
    genus_correct: float
    min_dihedral_deg: float
    missing: bool

    @staticmethod
    def summary(scores: Sequence[MeshScores]) -> dict[str, float]:
        """Means (the smallest of angles) over meshes, those that are missing left out of distances and angles only."""
        if not scores:
            return {}
        found = {
            "sound": statistics.mean(float(s.sound) for s in scores),
            "genus_correct": statistics.mean(s.genus_correct for s in scores),
            "missing": statistics.mean(float(s.missing) for s in scores),
        }
        there = [s for s in scores if not s.missing]
        if there:
            found["assd_voxels"] = statistics.mean(s.assd_voxels for s in there)
            found["hd95_voxels"] = statistics.mean(s.hd95_voxels for s in there)
            found["min_dihedral_deg"] = min(s.min_dihedral_deg for s in there)
        return found


def scores_of_mesh(result: Any, batch: Mapping[str, Any], compartments: int) -> MeshScores:
    """Judge a MeshResult (None: nothing was predicted) against a validation block of `cellml.data.procedural_module`.

    batch: labels (Z, Y, X), distances (K, Z, Y, X), surfaces, genus and, where they are not all 1, components of K compartments, spacing
    (z, y, x) in nm.
    """
    if result is None or len(np.unique(result.mesh.regions)) < compartments:
        return MeshScores(float("nan"), float("nan"), False, 0.0, float("nan"), True)
    certificate = result.certificate
    faults = certificate.crossing_facets + certificate.inverted_tets + certificate.other_branching_edges
    voxel = float(np.cbrt(np.prod(np.asarray(batch["spacing"], float))))
    held = solids(np.asarray(batch["labels"].cpu()), np.asarray(batch["distances"].cpu()))
    pieces = batch["components"].tolist() if "components" in batch else [1] * compartments
    found, right = [], 0
    for number, (vertices, faces) in enumerate(batch["surfaces"], start=1):
        surface = surface_of(result.mesh, held[number])
        found.append(mesh_distances(surface, Surface(vertices.cpu().numpy(), faces.cpu().numpy(), "truth")))
        sound = mesh_soundness(surface)
        right += sound.components == pieces[number - 1] and sound.genus == int(batch["genus"][number - 1])
    assd, hd95 = np.mean(found, axis=0) / voxel
    whole = faults == 0 and certificate.conforming and not any(region.faults for region in certificate.regions.values())
    return MeshScores(float(assd), float(hd95), whole, right / compartments, certificate.dihedral_min_deg, False)


def solids(labels: NDArray[Any], distances: NDArray[Any]) -> dict[int, list[int]]:
    """The labels that lie within each compartment's surface, its own among them, as a nucleus does in its cell.

    labels: (Z, Y, X); distances: (K, Z, Y, X), negative inside the surfaces of labels 1 … K. A label counts where most of it lies inside.
    """
    count = len(distances)
    inside = {
        (outer, inner): outer == inner or bool((distances[outer - 1][labels == inner] < 0).mean() > 0.5)
        for outer in range(1, count + 1)
        for inner in range(outer, count + 1)
        if outer == inner or (labels == inner).any()
    }
    return {outer: [inner for inner in range(1, count + 1) if inside.get((outer, inner), False)] for outer in range(1, count + 1)}


def surface_of(mesh: TetMesh, regions: Sequence[int]) -> Surface:
    """The outer boundary of several regions together."""
    faces = boundary_facets(mesh.tets[np.isin(mesh.regions, list(regions))])
    used, index = np.unique(faces, return_inverse=True)
    return Surface(mesh.points[used], index.reshape(-1, 3), mesh.name)
