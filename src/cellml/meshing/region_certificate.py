"""What a certificate states about one region of a mesh."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellml.meshing.distance import SourceDistance
from cellml.meshing.membranes import Membranes
from cellml.meshing.quality_certificate import FacetQuality, TetQuality, TetShapes, facet_quality
from cellml.meshing.source import SourceRegion
from cellml.meshing.topology import surface_topology
from cellml.types import TetMesh


@dataclass(frozen=True)
class RegionCertificate:
    """One region, as it was and as it is. What cannot be known without the source is None.

    voxels, voxel_volume_nm3: of the source (the volume inside it where it is a surface); volume_error: relative; thickness is 2 V / A (the
    thickness of a sheet, the radius of a cylinder), in voxels of the cube root of their volume; closed, oriented, manifold and the Euler
    numbers are of the boundary surface; components: connected through facets of the region (before: through voxel faces); quality: of its
    tetrahedra; surface: of its boundary; distance: between its boundary and that of the source.
    """

    voxels: int | None
    volume_nm3: float
    voxel_volume_nm3: float | None
    volume_error: float | None
    area_nm2: float
    thickness_nm: float
    thickness_voxels: float | None
    closed: bool
    oriented: bool
    manifold: bool
    components_before: int | None
    components: int
    euler_before: int | None
    euler: int
    quality: TetQuality
    surface: FacetQuality
    distance: SourceDistance | None = None

    @property
    def distance_p99_voxels(self) -> float | None:
        """99th percentile of the distance to the source (the larger of both directions), in voxels of the longest edge."""
        return None if self.distance is None else self.distance.p99_nm / self.distance.unit_nm

    @property
    def faults(self) -> list[str]:
        """What keeps the boundary from being the surface of a solid, in words."""
        flags = {"closed": self.closed, "consistently oriented": self.oriented, "manifold": self.manifold}
        return [f"not {flag}" for flag, holds in flags.items() if not holds]

    @property
    def topology_changed(self) -> bool | None:
        """Whether components or Euler number differ from those of the source; None without one."""
        if self.components_before is None:
            return None
        return (self.components_before, self.euler_before) != (self.components, self.euler)


def certify_region(
    mesh: TetMesh,
    number: int,
    shapes: TetShapes,
    walls: Membranes,
    volume_nm3: float,
    components: int,
    *,
    before: SourceRegion | None,
    voxel_nm: float | None,
    distance: SourceDistance | None,
) -> RegionCertificate:
    """Measure a region that has tetrahedra.

    shapes: of all tetrahedra of the mesh; walls: all its membranes; volume_nm3, components: of the region; before: what it was in the
    source; voxel_nm: cube root of the volume of a voxel; distance: to the source.
    """
    faces = walls.around(number)
    chosen = mesh.regions == number
    topology = surface_topology(faces)
    surface = facet_quality(mesh.points, faces)
    thickness = 2.0 * volume_nm3 / surface.area_nm2
    return RegionCertificate(
        voxels=None if before is None else before.voxels,
        volume_nm3=volume_nm3,
        voxel_volume_nm3=None if before is None else before.volume_nm3,
        volume_error=None if before is None else volume_nm3 / before.volume_nm3 - 1.0,
        area_nm2=surface.area_nm2,
        thickness_nm=thickness,
        thickness_voxels=None if voxel_nm is None else thickness / voxel_nm,
        closed=topology.closed,
        oriented=topology.oriented,
        manifold=topology.manifold,
        components_before=None if before is None else before.components,
        components=components,
        euler_before=None if before is None else before.euler,
        euler=topology.euler,
        quality=shapes.of(np.asarray(chosen)),
        surface=surface,
        distance=distance,
    )
