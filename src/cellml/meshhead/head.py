"""From a network's maps to the cut grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.cut import CutGrid, Cutting
from cellml.meshhead.flow import Flow
from cellml.meshhead.grid import BackgroundGrid, grid_of_volume
from cellml.meshhead.scores import scores_of_nested
from cellml.meshops.feature_pooling import to_normalised, vert_align
from cellml.types import Triple


@dataclass(frozen=True)
class Frame:
    """Where a volume is: shape (z, y, x) in voxels, spacing and origin (z, y, x) in nm."""

    shape: tuple[int, int, int]
    spacing: Triple
    origin: Triple = (0.0, 0.0, 0.0)

    def sampled(self, maps: Tensor, points: Tensor) -> Tensor:
        """Maps (C, Z, Y, X) at points (V, 3) in nm, (C, V) float32; beyond the outermost voxel centres as there. With gradient to both."""
        place = to_normalised(points, self.shape, self.spacing, self.origin).to(maps.dtype)
        return vert_align(maps[None], place[None], padding="border")[0].T


@dataclass(frozen=True)
class CertifiedHead:
    """K signed distances and a velocity on voxels → tetrahedra of K compartments.

    step_voxels: edge of the grid's cubes, in cube roots of the voxel's volume; bound: largest displacement of a vertex by the flow along
    any axis, in cubes; cutting, flow: how; offsets: cubes by which the surface of each compartment is moved inwards (none where empty):
    sheets between parts of a compartment that are about a cube thick stay whole, for a little volume.
    """

    step_voxels: float = 2.0
    bound: float = 0.3
    cutting: Cutting = field(default_factory=Cutting)
    flow: Flow = field(default_factory=Flow)
    offsets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0.25 <= self.step_voxels <= 64 or not 0 <= self.bound <= 2:
            raise CellmlError(
                f"A head needs cubes of 0.25 to 64 voxels and a displacement bound of 0 to 2 cubes, got {self.step_voxels}, {self.bound}."
            )

    def step_nm(self, spacing: Sequence[float]) -> float:
        """Edge of the cubes in nm for voxels (z, y, x) in nm."""
        return self.step_voxels * float(np.prod(spacing)) ** (1 / 3)

    def grid(self, frame: Frame, maps: Tensor | None = None) -> BackgroundGrid:
        """The grid over all voxels of a volume, or, for maps (K + 3, Z, Y, X), over what is near the compartments that they give.

        Raises CellmlError for maps that are not finite, which would pass for what lies outside.
        """
        if maps is not None and not torch.isfinite(maps).all():
            bad = int((~torch.isfinite(maps)).sum())
            raise CellmlError(f"{bad} of {maps.numel()} numbers of the network's answer are not finite; was it trained to the end?")
        inside = None if maps is None else (self.moved(maps[:-3]) < 0).any(0).cpu().numpy()
        return grid_of_volume(frame.shape, frame.spacing, frame.origin, self.step_nm(frame.spacing), inside)

    def moved(self, distances: Tensor) -> Tensor:
        """Distances (K, …) in cubes, with the offsets. Raises CellmlError where there are not as many."""
        if not self.offsets:
            return distances
        if len(self.offsets) != len(distances):
            raise CellmlError(f"There are {len(self.offsets)} offsets (task.offsets) for {len(distances)} compartments; give one for each.")
        return distances + distances.new_tensor(self.offsets).reshape(-1, *[1] * (distances.ndim - 1))

    def __call__(self, grid: BackgroundGrid, frame: Frame, maps: Tensor) -> CutGrid:
        """Cut the grid. maps: (K + 3, Z, Y, X): distances to K surfaces in cubes, negative inside, later ones inside earlier ones; then the
        velocity along x, y, z, of which tanh(v) · bound is what a vertex moves in unit time. With gradient to the maps.
        """
        size = self.step_nm(frame.spacing)
        scores = scores_of_nested(size * frame.sampled(self.moved(maps[:-3]), grid.points).double())
        points = self.flow(grid, lambda place: self.bound * size * torch.tanh(frame.sampled(maps[-3:], place)).T) if self.bound else None
        return self.cutting(grid, scores, points)


def membranes_of(made: CutGrid) -> Tensor:
    """All triangles between two labels as nodes of the cut grid, (F, 3), each twice: as seen from either side.

    These are the facets without a vertex of the grid.
    """
    first_cut = len(made.labels)
    parts = made.cells.tets[(made.cells.tets >= first_cut).sum(1) == 3]
    return parts[parts >= first_cut].reshape(-1, 3)
