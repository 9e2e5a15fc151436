"""Cells made by formulas: compartments with known distances and known genus, for judging meshes without a doubt about the truth.

Everything is drawn from one seed and sized as shares of the shortest side of the box, so that any shape and voxel size gives the same
kind of cell. Points have columns (x, y, z) in nm, and the centre of the first voxel is the origin.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.data.distance_shapes import Field, Floats
from cellml.errors import CellmlError
from cellml.types import Labels, Triple

_FEWEST_VOXELS = 24
_CHUNK = 4096  # points whose intermediate results stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Compartment:
    """name; field: (P, 3) nm → (P,) nm, negative inside, sign exact, Lipschitz 1 (so |field| ≤ distance to its surface); genus of that
    surface, which is one closed piece.
    """

    name: str
    field: Field
    genus: int


@dataclass(frozen=True, eq=False)
class ProceduralCell:
    """compartments: in the order of their labels 1, 2, …; where two overlap, as a nucleus and its cell do, the later one holds the voxel.

    stained: fields whose zero sets are membranes, which an electron microscope shows dark (a cut between head and neck is none);
    extent: (x, y, z) of the box in nm, from the first voxel's centre to the last's.
    """

    kind: str
    compartments: tuple[Compartment, ...]
    stained: tuple[Field, ...]
    extent: Floats

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the compartments."""
        return tuple(part.name for part in self.compartments)

    @property
    def genus(self) -> tuple[int, ...]:
        """Genus of each compartment's surface."""
        return tuple(part.genus for part in self.compartments)

    def distances(self, points: Floats) -> Floats:
        """Signed distance to each compartment's own surface, nested ones included in what holds them: (P, 3) → (K, P) nm."""
        return np.stack([part.field(points) for part in self.compartments])


CellKind = Callable[[np.random.Generator, Floats], ProceduralCell]


@dataclass(frozen=True, eq=False)
class VoxelCell:
    """A cell on a grid. distances: (K, Z, Y, X) float32 nm, negative inside; labels: semantic, 1 … K by `ProceduralCell.names`."""

    cell: ProceduralCell
    distances: NDArray[np.float32]
    labels: Labels

    @property
    def spacing(self) -> Triple:
        """(z, y, x) in nm."""
        return self.labels.spacing


def draw_cell(kind: CellKind, shape: Sequence[int], spacing: Sequence[float], *, seed: int | Sequence[int] = 0) -> ProceduralCell:
    """A random cell for a grid. kind: such as `cellml.data.procedural_kinds.Spine()`; shape: (Z, Y, X); spacing: (z, y, x) in nm.

    Equal arguments give an equal cell. Raises CellmlError for a grid of fewer than 24 voxels along an axis: nothing would be resolved.
    """
    if len(shape) != 3 or min(shape) < _FEWEST_VOXELS or len(spacing) != 3 or min(spacing) <= 0:
        raise CellmlError(
            f"A procedural cell needs three axes of at least {_FEWEST_VOXELS} voxels of positive size (z, y, x), got shape "
            f"{tuple(shape)} and spacing {tuple(spacing)} nm; take more voxels, or finer ones."
        )
    extent = np.array([(n - 1) * s for n, s in zip(shape, spacing, strict=True)][::-1], float)
    return kind(np.random.default_rng(seed), extent)


def three_numbers(values: Sequence[float], setting: str, example: str) -> Triple:
    """(z, y, x) as numbers. setting, example: of the message. Raises CellmlError where they are not three."""
    if len(values) != 3:
        raise CellmlError(f"{setting} needs three numbers (z, y, x), such as {setting}={example}, got {list(values)}.")
    return (float(values[0]), float(values[1]), float(values[2]))


def voxelise(cell: ProceduralCell, shape: Sequence[int], spacing: Sequence[float]) -> VoxelCell:
    """Distances and labels at the voxel centres of a grid, shape (Z, Y, X), spacing (z, y, x) in nm; a point on a surface is outside."""
    z, y, x = (int(n) for n in shape)
    frame: Triple = (float(spacing[0]), float(spacing[1]), float(spacing[2]))
    axes = [np.arange(n) * s for n, s in zip((z, y, x), frame, strict=True)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)[:, ::-1]
    parts = [cell.distances(np.ascontiguousarray(grid[i : i + _CHUNK])) for i in range(0, len(grid), _CHUNK)]
    distances = np.concatenate(parts, axis=1).astype(np.float32).reshape(-1, z, y, x)
    labels = np.zeros((z, y, x), np.uint8)
    for number, distance in enumerate(distances, start=1):
        labels[distance < 0] = number
    names = dict(enumerate(cell.names, start=1))
    return VoxelCell(cell, distances, Labels(labels, frame, kind="semantic", names=names, name=cell.kind))


def random_frame(rng: np.random.Generator) -> Floats:
    """A random rotation, (3, 3), rows are unit vectors (x, y, z); uniform (QR of a normal matrix with signs mended, Mezzadri 2007)."""
    q, r = np.linalg.qr(rng.normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    q[0] *= np.sign(np.linalg.det(q))
    return np.asarray(q)
