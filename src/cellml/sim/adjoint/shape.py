"""How finite-element matrices depend on the points of the mesh, pulled back from what they are multiplied with.

Every matrix of the engine is a sum over cells of closed forms of their corners, so that a scalar Σ_ij W_ij M_ij(x) + V_ij K_ij(x) needs
W and V only cell by cell: one pass of automatic differentiation over all cells gives its gradient by every coordinate at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.sim.engine.space import Space

Vector = NDArray[np.float64]


@dataclass(eq=False)
class ShapeSeed:
    """What has been multiplied with the matrices of one space.

    of_sizes: (C,) factor of each cell's volume or area; of_stiffness: (C, k, k) factor of each cell's stiffness matrix.
    """

    space: Space
    lumped: bool
    of_sizes: Vector = field(init=False)
    of_stiffness: Vector = field(init=False)

    def __post_init__(self) -> None:
        count, corners = self.space.cells.shape
        self.of_sizes, self.of_stiffness = np.zeros(count), np.zeros((count, corners, corners))

    def add_mass(self, left: Vector, right: Vector) -> None:
        """Add leftᵀ M right; (N,) each."""
        corners = self.space.cells.shape[1]
        a, b = left[self.space.cells], right[self.space.cells]
        same = np.einsum("ci,ci->c", a, b)
        self.of_sizes += same / corners if self.lumped else (a.sum(axis=1) * b.sum(axis=1) + same) / (corners * (corners + 1))

    def add_stiffness(self, left: Vector, right: Vector) -> None:
        """Add leftᵀ K right."""
        self.of_stiffness += left[self.space.cells][:, :, None] * right[self.space.cells][:, None, :]

    def add_weights(self, factors: Vector) -> None:
        """Add factors · w, with w = M 1."""
        self.of_sizes += factors[self.space.cells].mean(axis=1)

    def pull_back(self) -> Vector:
        """The gradient by the points of the mesh, (P, 3) per µm."""
        import torch

        corners = torch.from_numpy(np.ascontiguousarray(self.space.corners))
        with torch.enable_grad():  # also where this is called inside another backward pass
            points = torch.tensor(self.space.points, requires_grad=True)
            sizes, gradients = cell_geometry(points, corners)
            products = torch.einsum("cid,cjd->cij", gradients, gradients)
            energy = (products * torch.from_numpy(self.of_stiffness)).sum((1, 2))
            total = (sizes * (torch.from_numpy(self.of_sizes) + energy)).sum()
            (gradient,) = torch.autograd.grad(total, points)
        return np.asarray(gradient.numpy())


def cell_geometry(points: Any, corners: Any) -> tuple[Any, Any]:
    """Sizes (C,) and gradients of barycentric coordinates (C, k, 3) of cells, as in `cellml.sim.engine.space`, for torch.

    points: (P, 3) tensor; corners: (C, 4) tetrahedra or (C, 3) triangles of them, int64 tensor.
    """
    import torch

    a, b, c = (points[corners[:, i]] for i in range(3))
    normal = torch.linalg.cross(b - a, c - a)
    if corners.shape[1] == 3:
        square = (normal**2).sum(1, keepdim=True)
        directions = normal / square
        return 0.5 * square[:, 0].sqrt(), torch.stack([torch.linalg.cross(directions, e) for e in (c - b, a - c, b - a)], 1)
    d = points[corners[:, 3]]
    sixfold = (normal * (d - a)).sum(1)
    pairs = ((d - b, c - b), (c - a, d - a), (d - a, b - a), (b - a, c - a))
    return sixfold / 6, torch.stack([torch.linalg.cross(p, q) for p, q in pairs], 1) / sixfold[:, None, None]
