"""Level sets as surfaces that are closed and manifold by construction: marching tetrahedra.

Each cube of voxel centres is cut into six tetrahedra around its main diagonal (Freudenthal 1942), alike in all cubes, so that neighbours
agree on their common faces. Inside a tetrahedron the level set is one triangle or one quadrilateral. Its corners stay away from the ends of
the edges that they lie on, so that values which hit the level exactly, or whole plateaus of them, neither join sheets nor flatten faces.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.signed_distance import smooth_signed_distance
from cellml.types import Labels, Surface, Triple, Volume

Floats = NDArray[np.float64]
Index = NDArray[np.int64]

_CLAMP = 0.02  # least distance of a vertex from either end of its edge, as part of the edge
_STEPS = 6
_VOLUME_TOLERANCE = 1e-3


def extract_surface(
    field: Volume | Labels, *, level: float = 0.0, label: int | None = None, smoothing: float = 1.0, keep_volume: bool = True
) -> Surface:
    """The surface around everything below a level, or around one label.

    Where the object leaves the volume, it is capped by a plane half a voxel outside the outermost voxel centres. The surface is closed,
    manifold and oriented outwards whatever the values, and does not intersect itself: all of it lies in disjoint pieces of tetrahedra.

    field: a Volume (Z, Y, X) with the inside below `level` (such as a signed distance), or Labels, of which `label` (all that is not zero,
    if None) is taken through its smooth signed distance, with smoothing: σ in voxels; keep_volume: move that distance's level so that the
    surface encloses the volume of the voxels. Raises CellmlError for NaN values, an absent label, and where nothing lies below the level.
    """
    if isinstance(field, Labels):
        values, origin = _distance_of_label(field, label, smoothing)
        level = level_of_volume(values, field, label, level) if keep_volume else level
    else:
        values, origin = np.asarray(field.data, np.float64), field.origin
    _check(values, level, field.name)
    vertices, faces = marching_tetrahedra(values - level, field.spacing, origin)
    return Surface(vertices, faces, name=field.name)


def level_of_volume(values: Floats, labels: Labels, label: int | None, level: float = 0.0) -> float:
    """The level below which a label's distance, (Z, Y, X) in nm, encloses the volume of its voxels to 0.1 %, by steps dφ = dV / A."""
    target = float(np.prod(labels.spacing)) * int(_mask(labels, label).sum())
    limit = max(labels.spacing)
    shift = 0.0
    for _ in range(_STEPS):
        vertices, faces = marching_tetrahedra(values - level - shift, labels.spacing, (0.0, 0.0, 0.0))
        surface = Surface(vertices, faces)
        missing = target - surface.volume()
        if len(faces) == 0 or abs(missing) < _VOLUME_TOLERANCE * target:
            break
        shift = float(np.clip(shift + missing / surface.areas().sum(), -limit, limit))
    return level + shift


def marching_tetrahedra(values: Floats, spacing: Triple, origin: Triple) -> tuple[Floats, Index]:
    """Zero level set of a field that is negative inside, capped where the inside meets the border.

    values: (Z, Y, X), finite; zero counts as outside; spacing, origin: (z, y, x) in nm. Returns vertices (V, 3), columns (x, y, z) in nm,
    and faces (F, 3), counter-clockwise from outside; both empty where nothing is negative.
    """
    padded = np.pad(values, 1, constant_values=np.inf)
    inside = padded < 0
    corner = _cut_cubes(inside)
    triangles = np.concatenate([_triangles(inside, corner, tet) for tet in _freudenthal()])
    edges, faces = np.unique(triangles.reshape(-1), return_inverse=True)
    vertices = _crossings(padded, edges)
    scale, start = np.array(spacing), np.array(origin)
    return np.ascontiguousarray(((vertices - 1) * scale + start)[:, ::-1]), faces.reshape(-1, 3)


def _mask(labels: Labels, label: int | None) -> NDArray[np.bool_]:
    return np.asarray(labels.data != 0 if label is None else labels.data == label)


def _distance_of_label(labels: Labels, label: int | None, smoothing: float) -> tuple[Floats, Triple]:
    """Signed distance of a label in the box around it, and the origin of that box."""
    mask = _mask(labels, label)
    if not mask.any():
        found = np.unique(labels.data)
        raise CellmlError(f"{labels.name!r} holds no label {label if label is not None else 'but 0'}; it has {found[:10].tolist()}.")
    margin = 3 + int(np.ceil(3 * smoothing))
    box = []
    for axis in range(3):
        used = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        box.append(slice(max(int(used[0]) - margin, 0), int(used[-1]) + margin + 1))
    part = mask[tuple(box)]
    z, y, x = (o + s * b.start for o, s, b in zip(labels.origin, labels.spacing, box, strict=True))
    if part.all():
        return np.full(part.shape, -0.5 * min(labels.spacing)), (z, y, x)
    return smooth_signed_distance(part, labels.spacing, smoothing=smoothing), (z, y, x)


def _check(values: Floats, level: float, name: str) -> None:
    if values.ndim != 3:
        raise CellmlError(f"{name!r} has shape {values.shape}; a surface is extracted from one (Z, Y, X) field.")
    if not np.isfinite(values).all():
        raise CellmlError(f"{name!r} has {int((~np.isfinite(values)).sum())} NaN or infinite values; fill them before extraction.")
    if not (values < level).any():
        raise CellmlError(f"Nothing in {name!r} lies below level={level:g}: its values go from {values.min():.4g} to {values.max():.4g}.")


def _freudenthal() -> list[NDArray[np.int64]]:
    """Six positively oriented tetrahedra that fill a cube, each (4, 3) corner offsets (z, y, x), from corner 0 to corner 7."""
    tets = []
    for order in permutations(range(3)):
        path = np.zeros((4, 3), np.int64)
        for step, axis in enumerate(order):
            path[step + 1 :, axis] = 1
        # Orientation counts in (x, y, z), the reverse of the array axes.
        edges = (path[1:] - path[0])[:, ::-1]
        tets.append(path if np.linalg.det(edges) > 0 else path[[0, 2, 1, 3]])
    return tets


def _cut_cubes(inside: NDArray[np.bool_]) -> Index:
    """First corners of the cubes with corners on both sides, (C, 3)."""
    parts = [inside[z : z - 1 or None, y : y - 1 or None, x : x - 1 or None] for z in (0, 1) for y in (0, 1) for x in (0, 1)]
    some, every = parts[0].copy(), parts[0].copy()
    for part in parts[1:]:
        some |= part
        every &= part
    return np.argwhere(some & ~every)


# Triangles of a positively oriented tetrahedron (p, q, r, s) whose first k corners are inside, as pairs of corners: normals point outwards.
_CASES = {1: [(0, 1), (0, 2), (0, 3)], 2: [(0, 2), (0, 3), (1, 3), (0, 2), (1, 3), (1, 2)], 3: [(0, 3), (1, 3), (2, 3)]}


def _triangles(inside: NDArray[np.bool_], cubes: Index, tet: Index) -> Index:
    """Triangles in one of the six tetrahedra of each cube, as numbers of grid edges, (F, 3)."""
    corners = cubes[:, None, :] + tet[None, :, :]
    state = inside[tuple(corners.transpose(2, 0, 1))]
    found = [np.zeros((0, 3), np.int64)]
    for pattern in range(1, 15):
        signs = np.array([bool(pattern >> k & 1) for k in range(4)])
        chosen = corners[(state == signs).all(axis=1)]
        if len(chosen) == 0:
            continue
        order = _inside_first(signs)
        pairs = _CASES[int(signs.sum())]
        numbers = [_edge_number(chosen[:, order[a]], chosen[:, order[b]], inside.shape) for a, b in pairs]
        found.append(np.stack(numbers, axis=1).reshape(-1, 3))
    return np.concatenate(found)


def _inside_first(signs: NDArray[np.bool_]) -> list[int]:
    """An even permutation of the four corners that puts those inside first."""
    for order in permutations(range(4)):
        odd = sum(order[i] > order[j] for i in range(4) for j in range(i + 1, 4)) % 2
        if not odd and all(signs[list(order)] == np.sort(signs)[::-1]):
            return list(order)
    raise AssertionError("an even permutation exists for every pattern that cuts a tetrahedron")


def _edge_number(a: Index, b: Index, shape: tuple[int, ...]) -> Index:
    """One number for each grid edge: its lower end, and one of seven directions."""
    low = np.minimum(a, b)
    direction = np.abs(a - b) @ np.array([4, 2, 1])
    return np.asarray(np.ravel_multi_index(tuple(low.T), shape) * 8 + direction)


def _crossings(padded: Floats, edges: Index) -> Floats:
    """Positions of the vertices in voxels of the padded field, (V, 3), columns (z, y, x).

    t = v₀ / (v₀ − v₁) for linear values along the edge, held off both ends; half-way on edges that leave the volume.
    """
    low = np.stack(np.unravel_index(edges // 8, padded.shape), axis=1)
    direction = np.stack([edges >> 2 & 1, edges >> 1 & 1, edges & 1], axis=1)
    first, second = padded[tuple(low.T)], padded[tuple((low + direction).T)]
    leaves = np.isinf(first) | np.isinf(second)
    first, second = np.where(leaves, -1.0, first), np.where(leaves, 1.0, second)
    t = np.clip(first / (first - second), _CLAMP, 1 - _CLAMP)
    return np.asarray(low + t[:, None] * direction)
