"""The ends of an object that leaves the imaged block, and how to find the same ends on another mesh of it.

A neurite is cut by the faces of the imaged block: facets named cut_z0, cut_z1, cut_y0, cut_y1, cut_x0, cut_x1. Its ends are the connected
patches of such facets, face by face. A model may name two of them without knowing the object:

    largest_cut     the patch of the largest area
    farthest_cut    the patch whose centroid is farthest (straight line) from that of largest_cut

Patches below SMALLEST_END of the largest area are slivers of the meshing and no ends; farthest_cut must not touch largest_cut.
`automatic_places` answers on one mesh (the truth) with explicit places, and `facets_at` finds those places on another (the prediction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cellml.sim.errors import SimulationError
from cellml.types import TetMesh

AUTOMATIC = ("largest_cut", "farthest_cut")
PLANES = ("cut_z0", "cut_z1", "cut_y0", "cut_y1", "cut_x0", "cut_x1")
SMALLEST_END = 0.05
# A place is found again if a patch comes this near to its centroid, in radii √(A/π) of the place.
REACH = 2.0


@dataclass(frozen=True)
class Place:
    """One end: the face of the block it lies on, its centroid (x, y, z) in nm and its area in nm²."""

    plane: str
    centroid: tuple[float, float, float]
    area: float

    @property
    def radius(self) -> float:
        """Radius of the disk of the same area, in nm."""
        return float(np.sqrt(self.area / np.pi))

    def __str__(self) -> str:
        x, y, z = self.centroid
        return f"{self.plane} at (x, y, z) = ({x:.0f}, {y:.0f}, {z:.0f}) nm, {self.area:.0f} nm²"


@dataclass(frozen=True)
class Places:
    """Where the automatic names point: a place for each name that has one, a reason for each that has none."""

    found: Mapping[str, Place] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Patch:
    """A connected set of cut facets (F, 3) on one plane, and the place it is at."""

    facets: NDArray[np.int64]
    place: Place


def end_patches(mesh: TetMesh) -> list[Patch]:
    """All ends of a mesh, largest first (ties: by plane and centroid), slivers left out."""
    patches = [patch for plane in _reached(mesh) for patch in _patches_on(mesh, plane)]
    patches.sort(key=lambda patch: (-float(f"{patch.place.area:.9g}"), patch.place.plane, patch.place.centroid))  # round-off decides no tie
    return [patch for patch in patches if patch.place.area >= SMALLEST_END * patches[0].place.area]


def automatic_places(mesh: TetMesh) -> Places:
    """Resolve largest_cut and farthest_cut on one mesh to explicit places."""
    patches = end_patches(mesh)
    if not patches:
        reason = f"{mesh.name!r} touches no face of the block"
        return Places(missing=dict.fromkeys(AUTOMATIC, reason))
    largest, others = patches[0], [p for p in patches[1:] if not np.intersect1d(p.facets, patches[0].facets).size]
    found = {"largest_cut": largest.place}
    if not others:
        reason = f"{mesh.name!r} has only one end ({largest.place.plane})"
        if len(patches) > 1:
            reason = f"all other ends of {mesh.name!r} touch its largest one ({largest.place.plane})"
        return Places(found, {"farthest_cut": reason})
    centre = np.array(largest.place.centroid)
    farthest = max(others, key=lambda p: float(np.linalg.norm(np.array(p.place.centroid) - centre)))
    return Places({**found, "farthest_cut": farthest.place})


def facets_at(mesh: TetMesh, place: Place) -> NDArray[np.int64]:
    """The patch of a mesh, (F, 3) points, that comes nearest to a place on the place's plane.

    Nearness is the distance from the place's centroid to the nearest facet centroid, so that a patch which has grown or merged is still
    found; slivers below SMALLEST_END of the place's area do not count. Raises SimulationError if there is no patch on that plane within
    REACH radii of the place.
    """
    patches = _patches_on(mesh, place.plane) if place.plane in _reached(mesh) else []
    patches = [patch for patch in patches if patch.place.area >= SMALLEST_END * place.area]
    if not patches:
        reached = ", ".join(_reached(mesh)) or "no face of the block"
        raise SimulationError(f"{mesh.name!r} has no end on {place.plane}, where one is expected ({place}); it reaches {reached}.")
    target = np.array(place.centroid)
    distances = [float(np.linalg.norm(mesh.points[p.facets].mean(axis=1) - target, axis=1).min()) for p in patches]
    nearest = int(np.argmin(distances))
    if distances[nearest] > REACH * place.radius:
        raise SimulationError(
            f"The nearest end of {mesh.name!r} is {distances[nearest]:.0f} nm away from {place}; "
            f"at most {REACH:g} radii of that end ({REACH * place.radius:.0f} nm) count as the same end."
        )
    return patches[nearest].facets


def _reached(mesh: TetMesh) -> list[str]:
    """Faces of the block on which the mesh has facets."""
    present = {mesh.facet_names.get(int(tag)) for tag in np.unique(mesh.facet_tags)}
    return [plane for plane in PLANES if plane in present]


def _patches_on(mesh: TetMesh, plane: str) -> list[Patch]:
    """Connected patches (by shared edges) of the facets of one plane."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    facets = mesh.facets_named(plane)
    edges = np.sort(np.concatenate([facets[:, [0, 1]], facets[:, [1, 2]], facets[:, [0, 2]]]), axis=1)
    owner = np.tile(np.arange(len(facets)), 3)
    _, edge = np.unique(edges, axis=0, return_inverse=True)
    incidence = coo_array((np.ones(len(owner)), (owner, edge.ravel()))).tocsr()
    count, label = connected_components(incidence @ incidence.T, directed=False)
    return [_patch(mesh, facets[label == k], plane) for k in range(count)]


def _patch(mesh: TetMesh, facets: NDArray[np.int64], plane: str) -> Patch:
    a, b, c = (mesh.points[facets[:, i]] for i in range(3))
    areas = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    x, y, z = (areas @ ((a + b + c) / 3.0)) / areas.sum()
    return Patch(facets, Place(plane, (float(x), float(y), float(z)), float(areas.sum())))
