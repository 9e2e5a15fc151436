"""What a mesh must reach before it is handed on."""

from __future__ import annotations

from dataclasses import dataclass

from cellml.errors import CellmlError


@dataclass(frozen=True)
class Gate:
    """Limits for a certificate.

    min_dihedral_deg: smallest dihedral angle allowed; surface_angle_min_deg, surface_angle_max_deg: corner angles allowed in the facets of
    all surfaces; distance_p99_voxels: largest 99th percentile of the distance between a region's boundary and that of its source, either
    way, in voxels of the longest edge; volume_error: largest relative error of a region's volume against its voxels; thin_volume_error: the
    same for regions thinner than `thin_voxels` voxels, where thickness is 2 V / A (the thickness of a sheet, the radius of a cylinder).
    Raises CellmlError for limits that nothing, or anything, could pass.
    """

    min_dihedral_deg: float = 10.0
    surface_angle_min_deg: float = 20.0
    surface_angle_max_deg: float = 130.0
    distance_p99_voxels: float = 1.0
    volume_error: float = 0.02
    thin_volume_error: float = 0.05
    thin_voxels: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.min_dihedral_deg < 70.5:
            raise CellmlError(
                f"The gate's smallest dihedral angle must lie between 0° and 70.5° (a regular tetrahedron), got {self.min_dihedral_deg}°."
            )
        if not 0 <= self.surface_angle_min_deg < 60 < self.surface_angle_max_deg <= 180:
            raise CellmlError(
                "The gate's surface angles must leave room for an equilateral triangle (0° ≤ smallest < 60° < largest ≤ 180°), got "
                f"{self.surface_angle_min_deg}° and {self.surface_angle_max_deg}°."
            )
        if self.distance_p99_voxels <= 0:
            raise CellmlError(f"The gate's distance must be positive, got {self.distance_p99_voxels} voxels.")
        if self.volume_error <= 0 or self.thin_volume_error <= 0:
            raise CellmlError(f"The gate's volume errors must be positive, got {self.volume_error} and {self.thin_volume_error} (thin).")

    def volume_limit(self, thickness_voxels: float) -> float:
        """Largest relative volume error for a region of that thickness in voxels."""
        return self.thin_volume_error if thickness_voxels < self.thin_voxels else self.volume_error
