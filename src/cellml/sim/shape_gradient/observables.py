"""Volume, area, first-passage time, conductance and slowest decay as differentiable functions of the nodes of a mesh.

An observable is called with a TetMesh, which says how nodes hang together and what regions and facets are called, and with where its
points are, a float64 tensor (P, 3) in nm that may have a gradient. Values are those of linear elements: the first of the two numbers
between which `cellml.sim.estimate` extrapolates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cellml.sim.adjoint.potential import potential
from cellml.sim.adjoint.shape import cell_geometry
from cellml.sim.domain import UM_PER_NM, Domain
from cellml.sim.errors import SimulationError
from cellml.sim.part import part_of
from cellml.sim.relaxation import slowest_mode
from cellml.types import TetMesh

Index = NDArray[np.int64]
Observable = Callable[[TetMesh, Tensor], Tensor]


@dataclass(frozen=True)
class Volume:
    """Volume in µm³ of all pieces of some regions; regions: names, all where empty."""

    regions: Sequence[str] = ()

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar."""
        corners = torch.from_numpy(mesh.tets[chosen(mesh, self.regions)])
        sizes, _ = cell_geometry(points * UM_PER_NM, corners)
        return torch.as_tensor(sizes.sum())


@dataclass(frozen=True)
class Area:
    """Area in µm² of a set of facets; on: its name."""

    on: str = "membrane"

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar. Raises CellmlError where the mesh has no such facets."""
        sizes, _ = cell_geometry(points * UM_PER_NM, torch.from_numpy(mesh.facets_named(self.on)))
        return torch.as_tensor(sizes.sum())


@dataclass(frozen=True)
class FirstPassage:
    """Mean time in s until a set of facets is reached from a uniform start, as `cellml.sim.first_passage`.

    to: name of the facets; regions: where molecules are, all where empty; of several pieces the largest counts; D: in µm²/s.
    """

    to: str
    regions: Sequence[str] = ()
    D: float = 1.0

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar. Raises SimulationError where the largest piece does not touch the facets."""
        part, where = largest_part(mesh, self.regions), points * UM_PER_NM
        tets = mesh.tets[part]
        target = patch(mesh, self.to, part)
        sizes, _ = cell_geometry(where, torch.from_numpy(tets))
        load = torch.zeros(len(points), dtype=torch.float64)
        load = load.index_add(0, torch.from_numpy(tets.reshape(-1)), (sizes / 4).repeat_interleave(4))
        time = potential(where, tets, load, target, torch.zeros(len(target), dtype=torch.float64))
        return (load @ time) / (sizes.sum() * self.D)


@dataclass(frozen=True)
class Conductance:
    """Steady diffusive conductance in µm³/s between two sets of facets, D ∫ |∇u|², as `cellml.sim.conductance`.

    source, sink: names of the facets; regions, D: as in `FirstPassage`.
    """

    source: str
    sink: str
    regions: Sequence[str] = ()
    D: float = 1.0

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar. Raises SimulationError where the largest piece does not touch both ends, or these touch each other."""
        part, where = largest_part(mesh, self.regions), points * UM_PER_NM
        tets = mesh.tets[part]
        high, low = patch(mesh, self.source, part), patch(mesh, self.sink, part)
        if len(np.intersect1d(high, low)):
            raise SimulationError(
                f"{self.source!r} and {self.sink!r} touch each other in {mesh.name!r}: the flux between them is infinite."
            )
        values = torch.cat([torch.ones(len(high)), torch.zeros(len(low))]).double()
        u = potential(where, tets, torch.zeros(len(points), dtype=torch.float64), np.concatenate([high, low]), values)
        return self.D * _energy(where, tets, u)


@dataclass(frozen=True)
class Relaxation:
    """Time in s in which the slowest inhomogeneity of a sealed shape decays by e, as `cellml.sim.relaxation`.

    The derivative of a simple eigenvalue is that of its Rayleigh quotient with the mode held still: δλ = vᵀ(δK − λ δM)v / vᵀMv.
    regions, D: as in `FirstPassage`.
    """

    regions: Sequence[str] = ()
    D: float = 1.0

    def __call__(self, mesh: TetMesh, points: Tensor) -> Tensor:
        """A float64 scalar."""
        part, where = largest_part(mesh, self.regions), points * UM_PER_NM
        tets = mesh.tets[part]
        domain = Domain(TetMesh(points.detach().numpy(), tets, np.ones(len(tets), np.int32), name=mesh.name))
        mode = torch.from_numpy(np.nan_to_num(domain.field(slowest_mode(domain)[1])))
        sizes, _ = cell_geometry(where, torch.from_numpy(tets))
        at_corner = mode[torch.from_numpy(tets)]
        mass = (sizes / 20 * (at_corner.sum(1).square() + at_corner.square().sum(1))).sum()
        return mass / (self.D * _energy(where, tets, mode))


def _energy(where: Tensor, tets: Index, u: Tensor) -> Tensor:
    """∫ |∇u|² of values (P,) at points (P, 3)."""
    corners = torch.from_numpy(tets)
    sizes, slopes = cell_geometry(where, corners)
    gradient = (u[corners][:, :, None] * slopes).sum(1)
    return torch.as_tensor((sizes * gradient.square().sum(1)).sum())


def chosen(mesh: TetMesh, regions: Sequence[str]) -> NDArray[np.bool_]:
    """Which tetrahedra lie in some regions, by name, (T,); all where no name is given. Raises SimulationError for one without any."""
    if not regions:
        return np.ones(len(mesh.tets), bool)
    numbers = {name: number for number, name in mesh.region_names.items()}
    absent = [name for name in regions if name not in numbers or not (mesh.regions == numbers[name]).any()]
    if absent:
        raise SimulationError(f"{mesh.name!r} has no region {absent[0]!r}; it has: {', '.join(sorted(numbers))}.")
    return np.isin(mesh.regions, [numbers[name] for name in regions])


def largest_part(mesh: TetMesh, regions: Sequence[str]) -> NDArray[np.bool_]:
    """Which tetrahedra are the largest piece, by volume, of some regions that hangs together through facets, (T,)."""
    from cellml.meshing.topology import facet_components

    held = np.flatnonzero(chosen(mesh, regions))
    _, member = facet_components(mesh.tets[held])
    sizes = np.bincount(member, weights=mesh.volumes()[held])
    part = np.zeros(len(mesh.tets), bool)
    part[held[member == sizes.argmax()]] = True
    return part


def patch(mesh: TetMesh, name: str, part: NDArray[np.bool_]) -> Index:
    """The corners of a set of facets that are facets of some tetrahedra (T,), as points (N,).

    Raises CellmlError where the mesh has no such facets, SimulationError where none of them bounds the tetrahedra.
    """
    mesh.facets_named(name)
    kept = part_of(mesh, part)
    found = kept.facets[np.isin(kept.facet_tags, [tag for tag, known in mesh.facet_names.items() if known == name])]
    if not len(found):
        raise SimulationError(f"{name!r} does not bound the largest piece of {mesh.name!r}.")
    return np.unique(found)
