"""The certificate that goes with every mesh: what it is, measured, not hoped."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.crop import FACE_NAMES
from cellml.meshing.cut import CutMesh
from cellml.meshing.distance import SourceDistance, distance_to_labels, distance_to_surface
from cellml.meshing.gate import Gate
from cellml.meshing.intersections import crossing_facets, hanging_vertices
from cellml.meshing.membranes import Membranes, TripleLine, membranes, triple_lines
from cellml.meshing.predicates import exactly_positive
from cellml.meshing.quality_certificate import SMALL_DIHEDRAL_DEG, FacetQuality, TetQuality, TetShapes, facet_quality
from cellml.meshing.region_certificate import RegionCertificate, certify_region
from cellml.meshing.source import SourceRegion, regions_of_labels
from cellml.meshing.topology import FacetPairs, facet_pairs, region_components
from cellml.types import Labels, Surface, TetMesh

__all__ = ["Certificate", "RegionCertificate", "SourceRegion", "certify", "strays_by"]

Floats = NDArray[np.float64]

HOW_INTERSECTIONS = (
    "exact (signs of determinants in double precision with a bound of the round-off, in whole numbers where that does not decide): every "
    "tetrahedron, and every pair of membrane facets, neighbours included"
)


@dataclass(frozen=True)
class Certificate:
    """Measured properties of a tetrahedral mesh. Angles in degrees, lengths in nm; radius ratio 3 r_in / r_circ.

    surface_angle_min_deg, surface_angle_max_deg, surface: of all membranes, that is of all facets between regions and on the outside;
    membranes: of the tagged facets, by name; facet_areas_nm2: their areas; membrane_area_nm2:
    the sum of these without plane cuts; conforming: every facet belongs to one or two tetrahedra, and no
    vertex hangs in the middle of another's edge or facet; inverted_tets, crossing_facets: decided exactly; triple_lines: where three or
    more regions meet, the only places where the union of all membranes may branch; other_branching_edges: where it does so all the same;
    lost_regions: of the source, or asked of a network, without a tetrahedron; discarded_share: share of the label's voxels, or of the
    predicted volume, left out as smaller components; repairs: what was changed, in words; settings: what the mesh was made with.
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
    quality: TetQuality
    surface: FacetQuality
    membranes: Mapping[str, FacetQuality]
    membrane_area_nm2: float
    facet_areas_nm2: Mapping[str, float]
    conforming: bool
    hanging_vertices: int
    inverted_tets: int
    components: int
    crossing_facets: int
    triple_lines: tuple[TripleLine, ...]
    other_branching_edges: int
    lost_regions: tuple[str, ...] = ()
    self_intersection_check: str = HOW_INTERSECTIONS
    discarded_share: float = 0.0
    repairs: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    cpu_s: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def volume_error(self) -> float | None:
        """Largest relative volume error of any region, ≥ 0; None without a source."""
        return max((abs(r.volume_error) for r in self.regions.values() if r.volume_error is not None), default=None)

    @property
    def distance_p99_voxels(self) -> float | None:
        """Largest 99th percentile of the distance of any region to its source, in voxels of the longest edge; None without a source."""
        return max((d for r in self.regions.values() if (d := r.distance_p99_voxels) is not None), default=None)

    def passes(self, gate: Gate) -> list[str]:
        """Reasons why the mesh fails the gate; empty if it passes."""
        reasons = [*self._angles(gate), *self._soundness()]
        for name, region in self.regions.items():
            reasons += [f"the boundary of {name!r} is {fault}" for fault in region.faults]
            error, distance = region.volume_error, region.distance_p99_voxels
            limit = gate.volume_limit(np.inf if region.thickness_voxels is None else region.thickness_voxels)
            if error is not None and abs(error) > limit:
                reasons.append(f"volume of {name!r} differs by {100 * error:+.1f} % from its source (limit {100 * limit:g} %)")
            if distance is not None and distance > gate.distance_p99_voxels:
                most = f"(limit {gate.distance_p99_voxels:g})"
                reasons.append(f"1 % of the boundary of {name!r} lies further than {distance:.2f} voxels from its source {most}")
        return reasons

    def _angles(self, gate: Gate) -> list[str]:
        reasons = []
        if self.dihedral_min_deg < gate.min_dihedral_deg:
            reasons.append(f"smallest dihedral angle {self.dihedral_min_deg:.1f}° is below {gate.min_dihedral_deg:g}°")
        if self.surface_angle_min_deg < gate.surface_angle_min_deg:
            reasons.append(f"smallest surface angle {self.surface_angle_min_deg:.1f}° is below {gate.surface_angle_min_deg:g}°")
        if self.surface_angle_max_deg > gate.surface_angle_max_deg:
            reasons.append(f"largest surface angle {self.surface_angle_max_deg:.1f}° is above {gate.surface_angle_max_deg:g}°")
        return reasons

    def _soundness(self) -> list[str]:
        reasons = []
        if self.inverted_tets:
            reasons.append(f"{self.inverted_tets} tetrahedra are inverted or flat in exact arithmetic")
        if self.hanging_vertices:
            reasons.append(f"{self.hanging_vertices} vertices hang in the middle of an edge or facet")
        elif not self.conforming:
            reasons.append("some facets are shared by more than two tetrahedra")
        if self.crossing_facets:
            reasons.append(f"{self.crossing_facets} pairs of membrane facets cross or touch")
        return reasons + [f"region {name!r} of the source has no tetrahedron" for name in self.lost_regions]

    def as_dict(self, gate: Gate | None = None) -> dict[str, Any]:
        """Plain numbers, text, lists and dicts, with the numbers that are derived and the verdict of a gate (the usual one where None)."""
        gate = gate or Gate()
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        plain |= {"volume_error": self.volume_error, "distance_p99_voxels": self.distance_p99_voxels}
        plain |= {"gate": asdict(gate), "gate_failures": self.passes(gate)}
        for name, region in self.regions.items():
            plain["regions"][name] |= {"distance_p99_voxels": region.distance_p99_voxels, "topology_changed": region.topology_changed}
            if region.distance is not None:
                plain["regions"][name]["distance"] |= region.distance.summary()
        return plain


def certify(
    mesh: TetMesh,
    sources: Mapping[int, SourceRegion],
    voxel_nm: float | None,
    *,
    source: Labels | Surface | None = None,
    unit_nm: float | None = None,
    **made: Any,
) -> Certificate:
    """Measure a mesh.

    sources: for each region number, what it was in the source; voxel_nm: cube root of the voxel volume, or the spacing at which a
    surface was sampled (None where there is neither); source: what distances are measured to, labels with the numbers of the regions, or
    the surface of a mesh of one region; unit_nm: in which distances are stated (default: the longest voxel edge of labels, voxel_nm for
    a surface); made: the fields of Certificate that cannot be measured on the mesh (discarded_share, repairs, settings, cpu_s, versions).
    """
    pairs = facet_pairs(mesh.tets)
    walls = membranes(pairs, mesh.regions)
    shapes = TetShapes(mesh.points, mesh.tets)
    names = _names(mesh)
    components = region_components(pairs, mesh.regions)
    volumes = _sums(mesh.regions, mesh.volumes())
    unit = unit_nm or (None if isinstance(source, Labels) else voxel_nm)
    distances = _distances(mesh.points, walls, list(names), source, unit)
    regions = {
        name: certify_region(
            mesh, n, shapes, walls, volumes[n], components[n], before=sources.get(n), voxel_nm=voxel_nm, distance=distances.get(n)
        )
        for n, name in names.items()
    }
    return Certificate(
        name=mesh.name,
        points=len(mesh.points),
        tets=len(mesh.tets),
        regions=regions,
        lost_regions=tuple(mesh.region_names.get(n, str(n)) for n in sources if n not in names),
        **_shapes(mesh, shapes, walls),
        **_soundness(mesh, pairs, walls, names),
        **made,
    )


def strays_by(cut: CutMesh, source: Labels | Surface, unit_nm: float | None = None) -> float:
    """Largest 99th percentile of the distance of any region of a mesh that is only cut to its source, as `certify` would state it."""
    walls = membranes(facet_pairs(cut.tets), cut.regions)
    found = _distances(cut.points, walls, np.unique(cut.regions).tolist(), source, unit_nm, thorough=False)
    return max(distance.p99_nm / distance.unit_nm for distance in found.values())


def _sums(regions: NDArray[np.int32], values: NDArray[np.float64]) -> dict[int, float]:
    numbers, inverse = np.unique(regions, return_inverse=True)
    return dict(zip(numbers.tolist(), np.bincount(inverse, weights=values).tolist(), strict=True))


def _names(mesh: TetMesh) -> dict[int, str]:
    """A name of its own for each region number that has tetrahedra."""
    names = {number: mesh.region_names.get(number, str(number)) for number in np.unique(mesh.regions).tolist()}
    given = list(names.values())
    return {number: name if given.count(name) == 1 else f"{name} ({number})" for number, name in names.items()}


def _distances(
    points: Floats, walls: Membranes, numbers: list[int], source: Labels | Surface | None, unit_nm: float | None, *, thorough: bool = True
) -> dict[int, SourceDistance]:
    if isinstance(source, Labels):
        crops = regions_of_labels(source, numbers)
        found = {n: distance_to_labels(points, walls.around(n), crop.data == 1, crop, thorough=thorough) for n, crop in crops.items()}
        return found if unit_nm is None else {n: replace(distance, unit_nm=unit_nm) for n, distance in found.items()}
    if isinstance(source, Surface) and len(numbers) == 1:
        return {numbers[0]: distance_to_surface(points, walls.facets, source, unit_nm=unit_nm, thorough=thorough)}
    return {}


def _shapes(mesh: TetMesh, shapes: TetShapes, walls: Membranes) -> dict[str, Any]:
    whole, surface = shapes.of(), facet_quality(mesh.points, walls.facets)
    tagged = {name: facet_quality(mesh.points, facets) for name in mesh.facet_names.values() if len(facets := mesh.facets_named(name))}
    return {
        "dihedral_min_deg": whole.dihedral_min_deg,
        "dihedral_p1_deg": whole.dihedral_p1_deg,
        "dihedral_median_deg": whole.dihedral_median_deg,
        "dihedral_max_deg": whole.dihedral_max_deg,
        "tets_below_10_deg": shapes.below(SMALL_DIHEDRAL_DEG),
        "surface_angle_min_deg": surface.angle_min_deg,
        "surface_angle_max_deg": surface.angle_max_deg,
        "radius_ratio_min": whole.radius_ratio_min,
        "radius_ratio_median": whole.radius_ratio_median,
        "quality": whole,
        "surface": surface,
        "membranes": tagged,
        "membrane_area_nm2": sum(quality.area_nm2 for name, quality in tagged.items() if name not in FACE_NAMES.values()),
        "facet_areas_nm2": {name: quality.area_nm2 for name, quality in tagged.items()},
    }


def _soundness(mesh: TetMesh, pairs: FacetPairs, walls: Membranes, names: Mapping[int, str]) -> dict[str, Any]:
    crossing = crossing_facets(mesh.points, walls.facets)
    hanging = len(hanging_vertices(mesh.points, walls.facets, crossing))
    lines, branching = triple_lines(mesh.points, walls, names)
    return {
        "conforming": bool(pairs.shared.max() <= 2) and hanging == 0,
        "hanging_vertices": hanging,
        "inverted_tets": int((~exactly_positive(mesh.points, mesh.tets)).sum()),
        "components": region_components(pairs, np.zeros_like(mesh.regions))[0],
        "crossing_facets": len(crossing),
        "triple_lines": lines,
        "other_branching_edges": branching,
    }
