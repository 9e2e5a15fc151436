"""How far a predicted surface is from the true one, and what is wrong with it as a mesh."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Surface

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class MeshSoundness:
    """closed, manifold: as `cellml.meshing.topology` has them; euler: V − E + F; components; genus: components − euler / 2, −1 where the
    surface is not closed and manifold; crossing_faces: faces that meet another one where they share nothing; faces.
    """

    closed: bool
    manifold: bool
    euler: int
    components: int
    genus: int
    crossing_faces: int
    faces: int

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a certificate."""
        return asdict(self)


def mesh_soundness(surface: Surface) -> MeshSoundness:
    """Count what can be wrong with a surface; decisions about crossings are exact. Raises CellmlError for a surface without faces."""
    from cellml.meshing.intersections import crossing_facets
    from cellml.meshing.topology import surface_topology

    _require_faces(surface)
    found = surface_topology(surface.faces)
    crossing = len(np.unique(crossing_facets(surface.vertices, surface.faces)))
    genus = found.components - found.euler // 2 if found.closed and found.manifold else -1
    return MeshSoundness(found.closed, found.manifold, found.euler, found.components, genus, crossing, len(surface.faces))


def mesh_distances(prediction: Surface, truth: Surface, *, samples: int = 4000, seed: int = 0) -> tuple[float, float]:
    """ASSD and HD95 in nm: of `samples` points uniform in area on either surface, the exact distance to the nearest triangle of the other.

    ASSD: (Σ d(p, T) + Σ d(t, P)) / 2 · samples; HD95: the larger of the 95th percentiles of either side, as `SurfaceScores` has them. Both
    are zero for the same surface, however it is triangulated. Raises CellmlError for a surface without faces.
    """
    import torch

    from cellml.meshops.batch import batch_of_surfaces
    from cellml.meshops.point_mesh import distance_to_simplices
    from cellml.meshops.sampling import sample_surfaces

    for surface in (prediction, truth):
        _require_faces(surface)
    batches = [batch_of_surfaces([surface], torch.float64) for surface in (prediction, truth)]
    generator = torch.Generator().manual_seed(seed)
    clouds = [sample_surfaces(batch, samples, generator).points[0] for batch in batches]
    there, back = (distance_to_simplices(cloud, batch.corners()).sqrt() for cloud, batch in zip(clouds, reversed(batches), strict=True))
    worst = max(float(torch.quantile(side, 0.95)) for side in (there, back))
    return float((there.mean() + back.mean()) / 2), worst


def _require_faces(surface: Surface) -> None:
    if not len(surface.faces):
        raise CellmlError(f"{surface.name!r} has no faces; the network predicted no surface where one was to be scored.")
