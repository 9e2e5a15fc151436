"""Background tetrahedra over the shapes: a coarse body-centred cubic lattice, finer where a shape has detail."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Frame, Local, Shapes
from cellml.meshing.errors import MeshingError
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.left_out import Places
from cellml.meshing.refine import refine
from cellml.meshing.signed_distance import sample_linear

Floats = NDArray[np.float64]

MOST_TETS = 3_000_000  # of the background: about 5 GB and ten minutes further on
_TOLERANCE = 0.25  # voxels by which the signed distance may differ from linear along an edge
_LONGEST = 1.42  # longest edge of the lattice, the diagonal of a face on a wall, over its step
FAR = 1e30  # value of a level set where it is not known and cannot cross


def background(shapes: Shapes, step: float, smoothing: float, finest: float, places: Places | None = None) -> CutMesh:
    """Tetrahedra of about `step` nm that cover the shapes, down to about `finest` nm where a surface has more detail, and
    further in places.

    Returns them with the outer signed distance as values, nm, and walls as `held`. Raises MeshingError where they would be too many.
    """
    frame = shapes.frame
    outer = shapes.outer(smoothing)
    points, tets = _lattice(frame, outer, step)
    mesh = CutMesh(points, tets, np.zeros(len(points)), np.zeros(len(points), np.int64), np.zeros(len(tets), np.int32))
    locals_ = [shapes.against(number, shapes.numbers[k + 1 :], smoothing) for k, number in enumerate(shapes.numbers[:-1])]
    fields = [partial(frame.sample, outer), *(partial(value_near, frame, local) for local in locals_)]
    mesh = refine(mesh, fields, tolerance=_TOLERANCE * frame.voxel_nm, smallest=_LONGEST * finest, most=MOST_TETS, places=places)
    if len(mesh.tets) >= MOST_TETS:
        raise _too_many(len(mesh.tets), step)
    return CutMesh(mesh.points, mesh.tets, frame.sample(outer, mesh.points), frame.held(mesh.points), mesh.regions)


def value_near(frame: Frame, local: Local, points: Floats, *, cap: bool = False) -> Floats:
    """Values (P,) of a label's level set, or of its cap, at points (P, 3; x, y, z in nm); 1e30 outside the part where it is known."""
    index = (points[:, ::-1] - frame.origin) / frame.spacing - np.asarray(local.first)
    known = ((index >= 0) & (index <= np.array(local.values.shape) - 1)).all(axis=1)
    values = np.full(len(points), FAR)
    field = local.cap if cap and local.cap is not None else local.values
    values[known] = sample_linear(field, index[known])
    return values


def _lattice(frame: Frame, outer: Floats, step: float) -> tuple[Floats, NDArray[np.int64]]:
    size = frame.high - frame.low
    cubes = np.maximum(np.round(size / step), 1).astype(int)
    if 12 * float(np.prod(cubes.astype(float))) > 20 * MOST_TETS:
        raise _too_many(12 * float(np.prod(cubes.astype(float))), step)
    edge = size / cubes
    centres = [frame.low[axis] + (np.arange(cubes[axis]) + 0.5) * edge[axis] for axis in range(3)]
    grid = np.stack(np.meshgrid(*centres, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = frame.sample(outer, grid[:, ::-1]).reshape(tuple(cubes))
    # A cube is kept if it, or a neighbour through a face, may hold the surface: half a diagonal, one step, and room for the iso-shift.
    keep = distance <= (0.5 * np.sqrt(3) + 1.0) * edge.max() + 0.5 * frame.spacing.max()
    if 12 * keep.sum() > MOST_TETS:
        raise _too_many(12 * float(keep.sum()), step)
    return body_centred_cubic(frame.low, frame.high, keep)


def _too_many(tets: float, step: float) -> MeshingError:
    return MeshingError(
        f"A background of {step:g} nm would take about {tets:.1e} tetrahedra; at most {MOST_TETS:.0e} are made at once. Give a larger "
        "edge_nm, or mesh a part: label=NUMBER, or a smaller block."
    )
