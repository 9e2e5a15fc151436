"""New boundary points back to the shape that the mesh stands for.

Halving an edge of a curved boundary leaves its midpoint inside the shape. A signed distance φ says where it belongs: x − φ ∇φ / |∇φ|².
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.meshing.quality import radius_ratio
from cellml.sim.adaptive.edges import Floats, Index
from cellml.types import Labels, TetMesh, Volume

# Points (N, 3) in nm to distances (N,) in nm and gradients (N, 3).
Distance = Callable[[Floats], tuple[Floats, Floats]]

# A move is halved until the tetrahedra around it are as good as this, then given up.
LEAST_QUALITY = 0.15
_HALVINGS = 3
# Newton steps towards φ = 0 along the gradient; two suffice for a distance, more for a function that merely has the right zero set.
_STEPS = 4


def project_boundary(
    mesh: TetMesh,
    points: Index,
    distance: Distance,
    *,
    surfaces: tuple[str, ...] | None = None,
    rims: Mapping[tuple[str, str], Distance] | None = None,
    least_quality: float = LEAST_QUALITY,
) -> TetMesh:
    """Move points of the boundary to φ = 0 as far as the tetrahedra around them allow.

    points: numbers of the points that may move; of these, points of the named surfaces do, unless they also belong to facets of another
    name, such as the rim of a cut, which stay on both. surfaces: names of facets, by default all that do not begin with "cut". A move is
    accepted, in full, by a half, a quarter or an eighth, where each tetrahedron around the point keeps a positive volume and a radius ratio
    3 r_in/r_circ of at least `least_quality`, or does not get worse. Connectivity stays.

    rims: for a pair of names, a second function ψ, such that the line where both surfaces meet is {φ = 0, ψ = 0}: new points of that line
    go there, so that the rim of a round patch becomes round. Raises CellmlError for a name the mesh lacks.
    """
    moving = movable(mesh, points, surfaces)
    if len(moving) == 0:
        return mesh
    step = _towards([distance], mesh.points[moving])
    for names, second in (rims or {}).items():
        shared = np.logical_and(*(np.isin(moving, mesh.facets_named(name)) for name in names))
        step[shared] = _towards([distance, second], mesh.points[moving[shared]])
    before = radius_ratio(mesh.points, mesh.tets)
    floor = np.minimum(before, least_quality) * (1.0 - 1e-12)
    number = np.full(len(mesh.points), -1, np.int64)
    number[moving] = np.arange(len(moving))
    near = np.flatnonzero((number[mesh.tets] >= 0).any(axis=1))
    owners = number[mesh.tets[near]]
    scale = np.ones(len(moving))
    while True:
        trial = mesh.points.copy()
        trial[moving] += scale[:, None] * step
        bad = _bad(trial, mesh.tets[near], floor[near])
        blamed = np.unique(owners[bad])
        blamed = blamed[blamed >= 0]
        blamed = blamed[scale[blamed] > 0]
        if len(blamed) == 0:
            return replace(mesh, points=trial)
        scale[blamed] = np.where(scale[blamed] > 0.5**_HALVINGS, scale[blamed] / 2, 0.0)


def movable(mesh: TetMesh, points: Index, surfaces: tuple[str, ...] | None) -> Index:
    """Those of the points that lie on the named surfaces (None: all but cuts) and on no other facets."""
    if surfaces is None:
        surfaces = tuple(name for name in mesh.facet_names.values() if not name.startswith("cut"))
    for name in surfaces:
        mesh.facets_named(name)
    chosen = np.isin(mesh.facet_tags, [tag for tag, name in mesh.facet_names.items() if name in surfaces])
    on, off = np.zeros(len(mesh.points), bool), np.zeros(len(mesh.points), bool)
    on[mesh.facets[chosen]] = True
    off[mesh.facets[~chosen]] = True
    return np.asarray(points[(on & ~off)[points]])


def _towards(distances: list[Distance], start: Floats) -> Floats:
    """The step from each point to where all distances are zero, by steps of Newton along one gradient after the other."""
    at = start.copy()
    for _ in range(_STEPS):
        for distance in distances:
            value, gradient = distance(at)
            square = (gradient**2).sum(axis=1)
            at -= np.where(square > 0, value / np.where(square > 0, square, 1.0), 0.0)[:, None] * gradient
    return at - start


def _bad(points: Floats, tets: Index, floor: Floats) -> NDArray[np.bool_]:
    origin = points[tets[:, 0]]
    b, c, d = (points[tets[:, i]] - origin for i in (1, 2, 3))
    return np.asarray((np.einsum("ij,ij->i", b, np.cross(c, d)) <= 0) | (radius_ratio(points, tets) < floor))


def distance_on_grid(volume: Volume) -> Distance:
    """The trilinear interpolant of signed distances sampled at voxels (Z, Y, X), with its gradient by central differences of half a voxel.

    volume: distances in nm, negative inside, such as `cellml.surfaces.distance.signed_distance_of` gives for a surface. Points outside the
    grid take the value of its nearest border voxel.
    """
    from cellml.meshing.signed_distance import sample_linear

    spacing, origin = (np.asarray(t)[::-1] for t in (volume.spacing, volume.origin))
    field = np.asarray(volume.data, dtype=np.float64)

    def at(points: Floats) -> Floats:
        return sample_linear(field, ((points - origin) / spacing)[:, ::-1])

    def value_and_gradient(points: Floats) -> tuple[Floats, Floats]:
        half = 0.5 * np.diag(spacing)
        slopes = [(at(points + half[axis]) - at(points - half[axis])) / spacing[axis] for axis in range(3)]
        return at(points), np.stack(slopes, axis=1)

    return value_and_gradient


def distance_of_labels(labels: Labels, chosen: tuple[int, ...] | None = None, *, smoothing: float = 1.0) -> Distance:
    """Signed distance of the smooth shape behind labels, as the mesher sees it: that of the voxels, smoothed, shifted to their volume.

    The level is that below which as many voxels lie as the object has. chosen: labels that make the object together, by default all but
    0; smoothing: σ in voxels. Raises CellmlError if the object is empty or fills the volume.
    """
    from cellml.meshing.signed_distance import smooth_signed_distance

    mask = labels.data > 0 if chosen is None else np.isin(labels.data, chosen)
    if mask.all() or not mask.any():
        raise CellmlError(
            f"{labels.name!r} is {'full' if mask.all() else 'empty'} of the labels {chosen or 'above 0'}; it has no boundary."
        )
    field = smooth_signed_distance(mask, labels.spacing, smoothing=smoothing)
    inside = int(mask.sum())
    level = float(np.partition(field, (inside - 1, inside), axis=None)[inside - 1 : inside + 1].mean())
    return distance_on_grid(Volume(field - level, labels.spacing, labels.origin))
