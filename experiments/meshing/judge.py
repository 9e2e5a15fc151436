"""The gate of this study, applied to what `measure` found: a certificate is believed only where it agrees."""

from __future__ import annotations

import re

import numpy as np
from crossings import crossings
from measure import Measures, region_boundary
from scipy import ndimage

from cellml.meshing import Gate
from cellml.types import Labels, Surface, TetMesh

_ROUND_OFF = 1e-3  # in which two formulas for the same angle or volume may differ
_SAMPLING = 0.05  # voxels in which percentiles of distances over different samples may differ


def contradictions(measures: Measures, gate: Gate) -> list[str]:
    """What a certified mesh breaks by our own measurements; empty if the certificate is right.

    Limits: dihedral angles as in the gate, surface angles 20–130°, volumes against the voxels as in the gate, 99th percentile of the
    distance to the boundary of the voxels at most one (longest) voxel edge, every boundary closed and manifold, facets of at most
    two tetrahedra.
    """
    found = []
    if measures.dihedral_min < gate.min_dihedral_deg - _ROUND_OFF:
        found.append(f"dihedral angle {measures.dihedral_min:.2f}°")
    if measures.surface_angle_min < 20 - _ROUND_OFF or measures.surface_angle_max > 130 + _ROUND_OFF:
        found.append(f"surface angles {measures.surface_angle_min:.1f}–{measures.surface_angle_max:.1f}°")
    if measures.shared_too_often:
        found.append(f"{measures.shared_too_often} facets of more than two tetrahedra")
    for number, region in measures.regions.items():
        if abs(region.volume_error) > gate.volume_limit(region.thickness) + _ROUND_OFF:
            found.append(f"volume of {number} {100 * region.volume_error:+.2f} %")
        if region.distance_p99 > 1 + _SAMPLING:
            found.append(f"distance of {number} {region.distance_p99:.2f} voxels")
        if region.odd_edges:
            found.append(f"boundary of {number} with {region.odd_edges} edges that are not manifold")
        if region.pinched:
            found.append(f"boundary of {number} with {region.pinched} vertices that are not manifold")
    return found


def gate_failure_is_true(reasons: str, measures: Measures, gate: Gate, mesh: TetMesh | None = None) -> bool:
    """Whether at least one of the reasons for which a mesh failed its gate is seen by our own measurements too.

    mesh: needed where facets are said to cross.
    """
    if "cross" in reasons and mesh is not None:
        boundaries = [region_boundary(mesh.tets[mesh.regions == number]) for number in measures.regions]
        if crossings(Surface(mesh.points, np.unique(np.concatenate(boundaries), axis=0))):
            return True
    if "dihedral" in reasons and measures.dihedral_min < gate.min_dihedral_deg + _ROUND_OFF:
        return True
    if "surface angle" in reasons and (measures.surface_angle_min < 20 + _ROUND_OFF or measures.surface_angle_max > 130 - _ROUND_OFF):
        return True
    regions = measures.regions.values()
    if "no tetrahedron" in reasons and measures.lost:
        return True
    if "volume of" in reasons and any(abs(r.volume_error) > gate.volume_limit(r.thickness) - _ROUND_OFF for r in regions):
        return True
    if "lies further" in reasons and any(max(r.distance_p99, r.distance_back_p99) > 1 - _SAMPLING for r in regions):
        return True
    if re.search("Euler|handle|component", reasons) and any(
        (r.euler, r.components) != (r.euler_before, r.components_before) for r in regions
    ):
        return True
    return "manifold" in reasons and any(r.odd_edges or r.pinched for r in regions)


def undue_losses(labels: Labels, measures: Measures, fewest: int) -> list[str]:
    """Labels that left no region although some fragment of theirs, connected through faces, has `fewest` voxels."""
    found = []
    for number in measures.lost:
        parts = np.asarray(ndimage.label(labels.data == number)[0])
        largest = int(np.bincount(parts.ravel())[1:].max(initial=0))
        if largest >= fewest:
            found.append(f"label {number} lost, with a fragment of {largest} voxels")
    return found
