"""Body-centred cubic background tetrahedra, kept only near an object.

Cubes of the box are divided into tetrahedra that join the centres of two neighbouring cubes to an edge of their common face (Labelle &
Shewchuk 2007, isosurface stuffing, figure 3). On the walls of the box each face is closed by two tetrahedra, so that the walls are
exactly flat: an object that is cut by the border of its image gets a plane end face.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

Index = NDArray[np.int64]

_SQUARE = ((0, 0), (1, 0), (1, 1), (0, 1))


def body_centred_cubic(low: NDArray[np.float64], high: NDArray[np.float64], keep: NDArray[np.bool_]) -> tuple[NDArray[np.float64], Index]:
    """Tetrahedra of the kept cubes of a box.

    low, high: (3,) corners of the box, order (z, y, x), in nm; keep: (K, J, I), which cubes of the box take part. A face between a kept and
    a dropped cube is left open (the lattice is ragged there), a face on a wall of the box is closed.
    Returns points (P, 3) with columns (x, y, z) in nm and tets (T, 4), positively oriented.
    """
    tets = [_across_faces(keep, axis) for axis in range(3)]
    tets += [_on_wall(keep, axis, side) for axis, side in product(range(3), (0, 1))]
    used, inverse = np.unique(np.concatenate(tets), return_inverse=True)
    points = _positions(used, np.asarray(low, float), np.asarray(high, float), keep.shape)
    return points, positively_oriented(points, inverse.reshape(-1, 4))


def positively_oriented(points: NDArray[np.float64], tets: Index) -> Index:
    """The same tetrahedra with two corners swapped wherever the signed volume is negative, (T, 4)."""
    a, b, c, d = (points[tets[:, i]] for i in range(4))
    negative = np.einsum("ij,ij->i", b - a, np.cross(c - a, d - a)) < 0
    result = tets.copy()
    result[negative, 2:] = tets[negative, :1:-1]
    return result


def _across_faces(keep: NDArray[np.bool_], axis: int) -> Index:
    """Four tetrahedra around the segment between the centres of each two neighbouring kept cubes."""
    first = [slice(None)] * 3
    second = [slice(None)] * 3
    first[axis], second[axis] = slice(0, -1), slice(1, None)
    cubes = np.argwhere(keep[tuple(first)] & keep[tuple(second)])
    beyond = cubes.copy()
    beyond[:, axis] += 1
    a, b = _centre(cubes, keep.shape), _centre(beyond, keep.shape)
    ring = _face_corners(beyond, axis, keep.shape)
    return np.concatenate([np.stack([a, b, ring[i], ring[(i + 1) % 4]], axis=1) for i in range(4)])


def _on_wall(keep: NDArray[np.bool_], axis: int, side: int) -> Index:
    """Two tetrahedra between the centre of each kept cube at a wall of the box and its face in the wall."""
    last = keep.shape[axis] - 1
    cubes = np.argwhere(np.take(keep, [side * last], axis=axis))
    cubes[:, axis] = side * last
    centre = _centre(cubes, keep.shape)
    at_face = cubes.copy()
    at_face[:, axis] += side
    a, b, c, d = _face_corners(at_face, axis, keep.shape)
    return np.concatenate([np.stack([centre, a, b, c], axis=1), np.stack([centre, a, c, d], axis=1)])


def _corner(cube: Index, shape: tuple[int, ...]) -> Index:
    return np.asarray(np.ravel_multi_index(tuple(cube.T), tuple(n + 1 for n in shape)))


def _centre(cube: Index, shape: tuple[int, ...]) -> Index:
    corners = int(np.prod([n + 1 for n in shape]))
    return corners + np.asarray(np.ravel_multi_index(tuple(cube.T), shape))


def _face_corners(low_corner: Index, axis: int, shape: tuple[int, ...]) -> list[Index]:
    """Numbers of the four corners, in cyclic order, of the face normal to `axis` that starts at a lattice corner."""
    u, v = (other for other in range(3) if other != axis)
    ring = []
    for du, dv in _SQUARE:
        corner = low_corner.copy()
        corner[:, u] += du
        corner[:, v] += dv
        ring.append(_corner(corner, shape))
    return ring


def _positions(used: Index, low: NDArray[np.float64], high: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    corner_shape = tuple(n + 1 for n in shape)
    corners = int(np.prod(corner_shape))
    is_corner = used < corners
    fraction = np.empty((len(used), 3))
    fraction[is_corner] = np.stack(np.unravel_index(used[is_corner], corner_shape), axis=1)
    fraction[~is_corner] = np.stack(np.unravel_index(used[~is_corner] - corners, shape), axis=1) + 0.5
    fraction /= np.asarray(shape)
    # Weighted this way both ends are hit exactly, without round-off: the walls stay planes to the last bit.
    return np.ascontiguousarray((low * (1.0 - fraction) + high * fraction)[:, ::-1])
