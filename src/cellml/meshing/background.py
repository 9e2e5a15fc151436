"""Background tetrahedra over the shapes: a coarse body-centred cubic lattice, finer where a shape or a gap is thin."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.cut import CutMesh
from cellml.meshing.domain import Frame, Shapes
from cellml.meshing.errors import MeshingError
from cellml.meshing.lattice import body_centred_cubic
from cellml.meshing.refine import refine

Floats = NDArray[np.float64]

MOST_TETS = 3_000_000  # of the background: about 5 GB and ten minutes further on
_WINDOW = 9  # voxels across which half a thickness is looked for
_NEAR = 1.0  # voxels from a surface within which thickness counts
_THIN = 1.2  # voxels of half-thickness below which a part is thin
_LONGEST = 1.42  # longest edge of the lattice, the diagonal of a face on a wall, over its step
_SPREAD = 3  # voxels over which a wish for small tetrahedra spreads, so that no corner of a coarse one misses it


def background(shapes: Shapes, step: float, smoothing: float) -> CutMesh:
    """Tetrahedra of about `step` nm that cover the shapes, down to a third of that where they, or the gaps between them, are thinner.

    Returns them with the outer signed distance as values, nm, and walls as `held`. Raises MeshingError where they would be too many.
    """
    frame = shapes.frame
    outer = shapes.outer(smoothing)
    points, tets = _lattice(frame, outer, step)
    sizes = _wanted_sizes(shapes, outer, step, smoothing)
    mesh = CutMesh(points, tets, np.zeros(len(points)), frame.held(points), np.zeros(len(tets), np.int32))
    mesh = refine(mesh, lambda p: _nearest(frame, sizes, p), most=MOST_TETS)
    if len(mesh.tets) >= MOST_TETS:
        raise _too_many(len(mesh.tets), step)
    return CutMesh(mesh.points, mesh.tets, frame.sample(outer, mesh.points), frame.held(mesh.points), mesh.regions)


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


def _wanted_sizes(shapes: Shapes, outer: Floats, step: float, smoothing: float) -> Floats:
    """Longest edge wanted in each voxel, nm: that of the lattice, less near surfaces of thin parts: half their thickness."""
    voxel = shapes.frame.voxel_nm
    sizes = np.full(outer.shape, _LONGEST * step)
    _make_fine(sizes, outer, step, voxel)
    for k, number in enumerate(shapes.numbers[:-1]):
        local = shapes.against(number, shapes.numbers[k + 1 :], smoothing)
        box = tuple(slice(a, a + n) for a, n in zip(local.first, local.values.shape, strict=True))
        _make_fine(sizes[box], local.values, step, voxel)
    return sizes


def _make_fine(sizes: Floats, field: Floats, step: float, voxel: float) -> None:
    """Lower the sizes where |field| is small and the largest distance to the surface nearby, on either side, is so too."""
    near = np.abs(field) < _NEAR * voxel
    if not near.any():
        return
    for side in (-field, field):
        half = ndimage.maximum_filter(side, size=_WINDOW, mode="nearest")
        thin = near & (half < _THIN * voxel) & (half > 0)
        if thin.any():
            wanted = np.where(thin, np.clip(half, step / 3.0, step) * _LONGEST, np.inf)
            np.minimum(sizes, ndimage.minimum_filter(wanted, size=_SPREAD, mode="nearest"), out=sizes)


def _nearest(frame: Frame, field: Floats, points: Floats) -> Floats:
    index = np.round((points[:, ::-1] - frame.origin) / frame.spacing).astype(int)
    index = np.clip(index, 0, np.array(frame.shape) - 1)
    return np.asarray(field[tuple(index.T)])


def _too_many(tets: float, step: float) -> MeshingError:
    return MeshingError(
        f"A background of {step:g} nm would take about {tets:.1e} tetrahedra; at most {MOST_TETS:.0e} are made at once. Give a larger edge_nm, "
        "or mesh a part: label=NUMBER, or a smaller block."
    )
