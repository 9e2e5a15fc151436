"""Several observables of one mesh, with failures counted instead of raised."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import torch
from torch import Tensor

from cellml.errors import CellmlError
from cellml.meshhead.certified import mesh_of
from cellml.meshhead.cut import CutGrid
from cellml.meshhead.grid import BackgroundGrid
from cellml.sim.shape_gradient.observables import Observable
from cellml.types import TetMesh

log = logging.getLogger(__name__)


def moving_mesh(grid: BackgroundGrid, made: CutGrid, names: Mapping[int, str]) -> tuple[TetMesh, Tensor]:
    """The tetrahedra of a cut grid as `mesh_of` names them, and where their points are, (P, 3) in nm with gradient.

    Raises MeshingError where the whole grid is outside.
    """
    mesh = mesh_of(grid, made, names)
    used = torch.unique(made.cells.tets[made.cells.regions != 0])
    return mesh, made.points[used].cpu()


def answers(observables: Mapping[str, Observable], mesh: TetMesh, points: Tensor) -> Tensor:
    """Each observable's value, (O,) float64 with gradient to the points; NaN, without one, where it cannot be had: a region or a patch is
    missing, or what it asks for hangs together no more.
    """
    found = []
    for name, observable in observables.items():
        try:
            found.append(observable(mesh, points))
        except CellmlError as error:
            log.debug("%s of %s: %s", name, mesh.name, error)
            found.append(torch.tensor(torch.nan, dtype=torch.float64))
    return torch.stack(found)


def answers_of_cut(observables: Mapping[str, Observable], grid: BackgroundGrid, made: CutGrid, names: Mapping[int, str]) -> Tensor:
    """`answers` of a cut grid; NaN where nothing lies inside any compartment."""
    if not (made.cells.regions != 0).any():
        return torch.full((len(observables),), torch.nan, dtype=torch.float64)
    return answers(observables, *moving_mesh(grid, made, names))
