"""How far the volume of a surface by marching tetrahedra jumps where a grid vertex changes sign."""

from __future__ import annotations

import numpy as np
import torch

from cellml.meshing.lattice import body_centred_cubic
from cellml.meshops.geometry import volumes
from cellml.meshops.marching_tetrahedra import marching_tetrahedra


def largest(closeness: float, cubes: int = 10, vertices: int = 40) -> float:
    """Largest jump over sign changes of a growing sphere, in volumes of a cube of the grid.

    The field is |x| − r: at r = |x_k| vertex k goes from outside to inside. The volume just after minus that just before, r a billionth
    apart, is the jump: without the clamp to `closeness` it would be 0, and faces would degenerate instead.
    """
    low, high, kept = np.full(3, -1.0), np.full(3, 1.0), np.ones((cubes,) * 3, dtype=bool)
    points, tets = (torch.from_numpy(part) for part in body_centred_cubic(low, high, kept))
    distance = points.norm(dim=1)
    radii = distance[(distance > 0.4) & (distance < 0.9)].unique()
    jumps = []
    for radius in radii[:: max(1, len(radii) // vertices)]:
        fields = torch.stack([distance - radius * (1 - 1e-9), distance - radius * (1 + 1e-9)])
        before, after = volumes(marching_tetrahedra(points, tets, fields, closeness)).tolist()
        jumps.append(abs(after - before) / int(torch.isclose(distance, radius, rtol=1e-9, atol=0).sum()))
    return max(jumps) / (2 / cubes) ** 3
