"""What is simulated in a shape: how long molecules take to find the way out through its base."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.shapes.base import lowest_part
from cellml.types import TetMesh

Floats = NDArray[np.float64]

FACING = -0.5  # x of the outward normal of a facet that faces the dendrite: within 60° of it
SHARE = 0.2  # of the extent along x in which the base lies


@dataclass(frozen=True)
class Escape:
    """time_s: mean first-passage time from a uniform start at D = 1 µm²/s; error_s: what the mesh leaves in it; base_um2, volume_um3."""

    time_s: float
    error_s: float
    base_um2: float
    volume_um3: float


def facing_base(mesh: TetMesh, share: float = SHARE) -> NDArray[np.bool_]:
    """Facets (F,) of the base of a spine in the frame of `cellml.shapes.base.base_frame`: in the lowest `share` of its extent along x, and
    facing the dendrite, which lies towards −x.
    """
    corners = mesh.points[mesh.facets]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    across = normals[:, 0] / np.maximum(np.linalg.norm(normals, axis=1), 1e-30)
    return np.asarray(lowest_part(mesh.points, mesh.facets, share) & (across < FACING))


def escape_through(mesh: TetMesh, chosen: NDArray[np.bool_]) -> Escape:
    """Solve D ∇²t = −1 with t = 0 on the chosen facets, sealed elsewhere, as the model `narrow_escape` does, without its time course.

    chosen: (F,) of mesh.facets, the facets' corners counter-clockwise from outside. Raises CellmlError where none is chosen, and for a mesh
    in several parts: from some of them no molecule would find the base.
    """
    from cellml.sim.domain import Domain, require_connected
    from cellml.sim.enrichment import Enrichment
    from cellml.sim.first_passage import first_passage_time

    if not chosen.any():
        raise CellmlError(f"No facet of {mesh.name!r} is its base, where molecules leave; mesh it more finely, or take a larger share.")
    require_connected(mesh)
    domain = Domain(mesh)
    target = domain.local(mesh.facets[chosen].ravel()).reshape(-1, 3)
    found = first_passage_time(domain, Enrichment(domain), 1.0, target)
    return Escape(found.value, found.error, float(domain.facet_areas(target).sum()), domain.volume)
