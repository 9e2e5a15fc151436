"""Simulated answers of procedural cells, from the formulas on a grid finer than any image shows: the truth of a physics loss."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from cellml.data.procedural_cells import VoxelCell, voxelise
from cellml.errors import CellmlError
from cellml.meshhead.head import CertifiedHead, Frame
from cellml.sim.shape_gradient.answers import answers_of_cut


class ProceduralAnswers:
    """A cell → its answers, (O,) float64.

    observables: by name, as for `cellml.losses.physics`; finer: how many times as fine as the image's the voxels are on which formulas are
    evaluated; step_voxels: edge of the grid's cubes in these voxels.
    """

    def __init__(self, observables: Mapping[str, Any], finer: int = 2, step_voxels: float = 1.5) -> None:
        if finer < 1 or not observables:
            raise CellmlError(f"True answers need observables and voxels at least as fine as the image's, got {finer} times as fine.")
        self.observables, self.finer = dict(observables), int(finer)
        self.head = CertifiedHead(step_voxels, 0.0)

    @torch.no_grad()
    def __call__(self, made: VoxelCell) -> Tensor:
        """NaN where an answer cannot be had."""
        z, y, x = (self.finer * n for n in made.labels.shape)
        down, along, across = (s / self.finer for s in made.spacing)
        frame = Frame((z, y, x), (down, along, across))
        fine = voxelise(made.cell, frame.shape, frame.spacing)
        maps = torch.cat([torch.from_numpy(fine.distances) / self.head.step_nm(frame.spacing), torch.zeros(3, z, y, x)])
        grid = self.head.grid(frame, maps)
        return answers_of_cut(self.observables, grid, self.head(grid, frame, maps), dict(enumerate(made.cell.names, start=1)))
