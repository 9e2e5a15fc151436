"""The certificate that goes with every mesh: what it is, measured, not hoped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cellml.meshing.distance import SourceDistance, distance_to_labels, distance_to_surface
from cellml.meshing.gate import Gate
from cellml.meshing.intersections import crossing_facets
from cellml.meshing.quality import dihedral_angles, radius_ratio, surface_angles
from cellml.meshing.topology import boundary_facets, facet_components, facet_pairs, surface_topology
from cellml.types import Labels, Surface, TetMesh

HOW_INTERSECTIONS = (
    "all tetrahedra positive, every facet shared by at most two, and no two outer facets without a common vertex cross "
    "(edge against triangle, double precision); not an exact-arithmetic check"
)


@dataclass(frozen=True)
class SourceRegion:
    """A region before meshing: its number of voxels, their volume in nm³, 6-connected components and Euler number of their boundary."""

    voxels: int
    volume_nm3: float
    components: int
    euler: int


@dataclass(frozen=True)
class RegionCertificate:
    """One region. Euler numbers and the flags are of its boundary surface; thickness is 2 V / A in voxels; volume_error is relative.

    distance: between its boundary and that of its source, where the source was given.
    """

    voxels: int
    volume_nm3: float
    voxel_volume_nm3: float
    volume_error: float
    area_nm2: float
    thickness_voxels: float
    closed: bool
    oriented: bool
    manifold: bool
    components_before: int
    components: int
    euler_before: int
    euler: int
    distance: SourceDistance | None = None

    @property
    def distance_p99_voxels(self) -> float | None:
        """99th percentile of the distance to the source (the larger of both directions), in voxels of the longest edge."""
        return None if self.distance is None else self.distance.p99_nm / self.distance.unit_nm


@dataclass(frozen=True)
class Certificate:
    """Measured properties of a tetrahedral mesh. Angles in degrees, lengths in nm; radius ratio 3 r_in / r_circ.

    facet_areas_nm2: area by facet name; conforming: no facet has more than two tetrahedra; discarded_share: share of the label's voxels
    left out as smaller components; repairs: what was changed, in words; settings: what the mesh was made with.
    """

    name: str
    points: int
    tets: int
    dihedral_min_deg: float
    dihedral_p1_deg: float
    dihedral_median_deg: float
    dihedral_max_deg: float
    tets_below_10_deg: int
    surface_angle_min_deg: float
    surface_angle_max_deg: float
    radius_ratio_min: float
    radius_ratio_median: float
    regions: Mapping[str, RegionCertificate]
    membrane_area_nm2: float
    facet_areas_nm2: Mapping[str, float]
    conforming: bool
    components: int
    crossing_facets: int
    self_intersection_check: str = HOW_INTERSECTIONS
    discarded_share: float = 0.0
    repairs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    cpu_s: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def volume_error(self) -> float:
        """Largest relative volume error of any region, ≥ 0."""
        return max(abs(region.volume_error) for region in self.regions.values())

    @property
    def distance_p99_voxels(self) -> float | None:
        """Largest 99th percentile of the distance of any region to its source, in voxels of the longest edge; None without a source."""
        return max((d for region in self.regions.values() if (d := region.distance_p99_voxels) is not None), default=None)

    def passes(self, gate: Gate) -> list[str]:
        """Reasons why the mesh fails the gate; empty if it passes."""
        reasons = []
        if self.dihedral_min_deg < gate.min_dihedral_deg:
            reasons.append(f"smallest dihedral angle {self.dihedral_min_deg:.1f}° is below {gate.min_dihedral_deg:g}°")
        if not self.conforming:
            reasons.append("some facets are shared by more than two tetrahedra")
        if self.crossing_facets:
            reasons.append(f"{self.crossing_facets} pairs of outer facets cross")
        for name, region in self.regions.items():
            limit = gate.volume_limit(region.thickness_voxels)
            if abs(region.volume_error) > limit:
                reasons.append(
                    f"volume of {name!r} differs by {100 * region.volume_error:+.1f} % from its voxels (limit {100 * limit:g} %)"
                )
            flags = {"closed": region.closed, "consistently oriented": region.oriented, "manifold": region.manifold}
            reasons += [f"the boundary of {name!r} is not {flag}" for flag, holds in flags.items() if not holds]
        return reasons

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, text, lists and dicts."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self) | {"regions": {name: asdict(r) for name, r in self.regions.items()}}))
        return plain


def certify(
    mesh: TetMesh, sources: Mapping[int, SourceRegion], voxel_nm: float, *, source: Labels | Surface | None = None, **made: Any
) -> Certificate:
    """Measure a mesh.

    sources: for each region number of the mesh, what its voxels were; voxel_nm: cube root of the voxel volume; source: what distances are
    measured to, labels with the numbers of the regions or the surface of all regions together; made: the fields of Certificate that cannot
    be measured on the mesh (discarded_share, repairs, settings, cpu_s, versions).
    """
    dihedral = dihedral_angles(mesh.points, mesh.tets)
    outer = boundary_facets(mesh.tets)
    corner = surface_angles(mesh.points, mesh.facets if len(mesh.facets) else outer)
    ratio = radius_ratio(mesh.points, mesh.tets)
    areas = _areas_by_name(mesh)
    worst = dihedral.min(axis=1)
    return Certificate(
        name=mesh.name,
        points=len(mesh.points),
        tets=len(mesh.tets),
        dihedral_min_deg=float(worst.min()),
        dihedral_p1_deg=float(np.percentile(dihedral, 1)),
        dihedral_median_deg=float(np.median(dihedral)),
        dihedral_max_deg=float(dihedral.max()),
        tets_below_10_deg=int((worst < 10.0).sum()),
        surface_angle_min_deg=float(corner.min()),
        surface_angle_max_deg=float(corner.max()),
        radius_ratio_min=float(ratio.min()),
        radius_ratio_median=float(np.median(ratio)),
        regions={
            mesh.region_names.get(number, str(number)): _region(mesh, number, before, voxel_nm, source)
            for number, before in sources.items()
        },
        membrane_area_nm2=areas.get("membrane", 0.0),
        facet_areas_nm2=areas,
        conforming=bool(facet_pairs(mesh.tets).shared.max() <= 2),
        components=facet_components(mesh.tets)[0],
        crossing_facets=len(crossing_facets(mesh.points, outer)),
        **made,
    )


def _region(mesh: TetMesh, number: int, before: SourceRegion, voxel_nm: float, source: Labels | Surface | None) -> RegionCertificate:
    tets = mesh.tets[mesh.regions == number]
    faces = boundary_facets(tets)
    topology = surface_topology(faces)
    volume = float(mesh.volumes()[mesh.regions == number].sum())
    area = float(_areas(mesh, faces).sum())
    return RegionCertificate(
        voxels=before.voxels,
        volume_nm3=volume,
        voxel_volume_nm3=before.volume_nm3,
        volume_error=volume / before.volume_nm3 - 1.0,
        area_nm2=area,
        thickness_voxels=2.0 * volume / area / voxel_nm,
        closed=topology.closed,
        oriented=topology.oriented,
        manifold=topology.manifold,
        components_before=before.components,
        components=facet_components(tets)[0],
        euler_before=before.euler,
        euler=topology.euler,
        distance=_distance(mesh, number, faces, source),
    )


def _distance(mesh: TetMesh, number: int, faces: np.ndarray, source: Labels | Surface | None) -> SourceDistance | None:
    if isinstance(source, Labels):
        mask = source.data == number
        return distance_to_labels(mesh.points, faces, mask, source) if mask.any() and len(faces) else None
    if isinstance(source, Surface) and len(set(mesh.regions.tolist())) == 1:
        return distance_to_surface(mesh.points, faces, source)
    return None


def _areas(mesh: TetMesh, faces: np.ndarray) -> np.ndarray:
    a, b, c = (mesh.points[faces[:, i]] for i in range(3))
    return np.asarray(0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1))


def _areas_by_name(mesh: TetMesh) -> dict[str, float]:
    areas = _areas(mesh, mesh.facets)
    return {name: float(areas[mesh.facet_tags == tag].sum()) for tag, name in mesh.facet_names.items()}
