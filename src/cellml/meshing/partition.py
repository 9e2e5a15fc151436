"""Labels to conforming tetrahedra, before optimisation: sequential multi-material cuts of the background.

The outer surface is the zero of φ_F, the smooth signed distance of all labels together. Inside it label k is separated from the labels
still to come by ψ_k = ½ (φ_k − φ_later), so that every point belongs to the label it lies deeper in: nested and touching labels share
their interface exactly. Each level is shifted so that volumes are those of the voxels.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix

from cellml.meshing.background import FAR, background, value_near
from cellml.meshing.cut import CutMesh, split_at_level, volume_preserving_level, volumes, warp_to_level
from cellml.meshing.domain import Local, Shapes
from cellml.meshing.errors import MeshingError
from cellml.meshing.left_out import Places
from cellml.meshing.topology import boundary_facets, components, facet_pairs, surface_topology
from cellml.meshing.watch import Watch

Floats = NDArray[np.float64]

_UNDECIDED = 0
_OUTSIDE = -1
_DROPPED = -3
_REST = -2  # foreground whose label is not yet decided
_FIRST_CUT_BIT = 64  # the bits below belong to the walls
_CUT_BITS = 56  # bits for cuts; the surfaces of later labels share them in turn
_WARP_SHARE = 0.35  # vertices nearer than this share of an edge are moved onto the level set
_MOST_SHIFT = 0.5  # voxels by which an interface moves to give its label the volume of its voxels
_ROUNDS = 12  # of freezing vertices where the warp pinches a surface


def partition(shapes: Shapes, watch: Watch, *, step: float, smoothing: float, finest: float, places: Places | None = None) -> CutMesh:
    """Tetrahedra of each label, conforming, in the region of that number.

    watch: told of each cut; step: size of the background cubes in nm; smoothing: σ in voxels; finest: size in nm down to which the
    background is refined; places: where it is refined further. Raises MeshingError if a label leaves no tetrahedron, and where the time
    is over.
    """
    watch.begin(f"making a background of {step:.3g} nm")
    mesh = background(shapes, step, smoothing, finest, places)
    cap = shapes.outer_cap(smoothing)
    outer_cap = None if cap is None else shapes.frame.sample(cap, mesh.points)
    watch.begin("cutting the outer surface")
    mesh = _with_level(mesh, outer_cap, shapes.target(shapes.numbers), reach=step)
    mesh = _only(mesh, np.asarray((mesh.values[mesh.tets] < 0).any(axis=1)))
    mesh = _cut(mesh, _UNDECIDED, _REST, _OUTSIDE, _FIRST_CUT_BIT)
    mesh = _only(mesh, np.asarray(mesh.regions == _REST))
    for k, number in enumerate(shapes.numbers[:-1]):
        watch.begin(f"cutting out label {number}, {k + 1} of {len(shapes.numbers) - 1}")
        later = shapes.numbers[k + 1 :]
        bit = _FIRST_CUT_BIT << (1 + k % (_CUT_BITS - 1))
        mesh = _cut_out(mesh, shapes, shapes.against(number, later, smoothing), number, bit, reach=_MOST_SHIFT * shapes.frame.voxel_nm)
    last = shapes.numbers[-1]
    mesh = replace(mesh, regions=np.where(mesh.regions == _REST, last, mesh.regions).astype(np.int32))
    lost = sorted(set(shapes.numbers) - set(mesh.regions.tolist()))
    if lost:
        raise MeshingError(
            f"Label {lost[0]} leaves no tetrahedron on a background of {step:g} nm: it is too thin, or enclosed in what is cut before it. "
            "Give a smaller edge_nm or remove that label."
        )
    return mesh


def largest_piece(mesh: CutMesh, member: NDArray[np.int64]) -> tuple[CutMesh, float]:
    """The component of tetrahedra with the largest volume, and the share of the volume that was dropped; member: (T,) component numbers."""
    sizes = np.bincount(member, weights=volumes(mesh.points, mesh.tets))
    kept = int(sizes.argmax())
    return _only(mesh, member == kept), float(1.0 - sizes[kept] / sizes.sum())


def without_fragments(mesh: CutMesh, shapes: Shapes, least: float) -> tuple[CutMesh, int, float]:
    """Give pieces of a region below a volume in nm³ to the neighbour that they share most with, or drop them.

    Smoothing and cutting pinch them off. The largest piece of a region stays, and so does that of each component of the shape of at least
    this volume: it was a piece before. Returns the mesh, how many went, and their share of the whole volume.
    """
    volume = volumes(mesh.points, mesh.tets)
    pairs = facet_pairs(mesh.tets)
    inner = pairs.second >= 0
    first, second = pairs.first[inner], pairs.second[inner]
    same = mesh.regions[first] == mesh.regions[second]
    count, member = components(len(mesh.tets), first[same], second[same])
    sizes: Floats = np.bincount(member, weights=volume, minlength=count).astype(np.float64)
    region = np.zeros(count, np.int64)
    region[member] = mesh.regions
    small = (sizes < least) & ~_largest_of(region, sizes)
    if small.any():
        component = _components_of(mesh, shapes, member, region, volume, least)
        small &= (component == 0) | ~_largest_of(component, sizes)
    if not small.any():
        return mesh, 0, 0.0
    corner = mesh.points[pairs.facets[inner][~same]]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1)
    new = _given_away(small, region, member[first[~same]], member[second[~same]], area)
    regions = new[member]
    mesh = replace(mesh, regions=regions.astype(np.int32))
    return _only(mesh, regions != _DROPPED), int(small.sum()), float(sizes[small].sum() / sizes.sum())


def _largest_of(group: NDArray[np.int64], sizes: Floats) -> NDArray[np.bool_]:
    """Which pieces are the largest of their group, (N,)."""
    largest = np.zeros(len(group), bool)
    largest[[np.flatnonzero(group == n)[sizes[group == n].argmax()] for n in np.unique(group)]] = True
    return largest


def _components_of(
    mesh: CutMesh, shapes: Shapes, member: NDArray[np.int64], region: NDArray[np.int64], volume: Floats, least: float
) -> NDArray[np.int64]:
    """The component of the shapes that holds most of each piece, (N,); 0 for none, or one of less than a volume."""
    middles = mesh.points[mesh.tets].mean(axis=1)
    component, sizes = np.zeros(len(mesh.tets), np.int64), [0.0]
    for number in np.unique(region):
        chosen = np.flatnonzero(mesh.regions == number)
        at, of_this = shapes.components_at(int(number), middles[chosen])
        component[chosen] = np.where(at > 0, at + len(sizes) - 1, 0)
        sizes += of_this[1:].tolist()
    share = coo_matrix((volume, (member, component)), shape=(len(region), len(sizes))).toarray()
    most = share.argmax(axis=1)
    return np.where(np.array(sizes)[most] >= least, most, 0)


def _given_away(
    small: NDArray[np.bool_], region: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64], area: Floats
) -> NDArray[np.int64]:
    """The region of each piece, small ones in that of the neighbour with the largest common area; one, other, area: (I,) of interfaces."""
    new = np.where(small, _DROPPED, region)
    for fragment in np.flatnonzero(small):
        beside = np.concatenate([other[one == fragment], one[other == fragment]])
        shared = np.concatenate([area[one == fragment], area[other == fragment]])
        solid = ~small[beside]
        if solid.any():
            new[fragment] = np.bincount(region[beside[solid]], weights=shared[solid]).argmax()
    return new


def _cut_out(mesh: CutMesh, shapes: Shapes, local: Local, number: int, bit: int, *, reach: float) -> CutMesh:
    """Cut one label out of the rest, in the part of the mesh that its level set is known in."""
    values = value_near(shapes.frame, local, mesh.points)
    chosen = np.asarray((values < FAR)[mesh.tets].any(axis=1))
    part, outer = _only(mesh, chosen), mesh.tets[~chosen]
    used = np.unique(mesh.tets[chosen])
    part = replace(part, values=values[used])
    cap = None if local.cap is None else value_near(shapes.frame, local, part.points, cap=True)
    part = _with_level(part, cap, shapes.target([number]), reach=reach, region=_REST)
    part = _cut(part, _REST, number, _REST, bit)
    return _joined(mesh, part, used, outer, mesh.regions[~chosen])


def _with_level(mesh: CutMesh, cap: Floats | None, target: float, *, reach: float, region: int = _UNDECIDED) -> CutMesh:
    """Values shifted so that the region's part below zero has the target volume, but nowhere below the cap."""
    tets = mesh.tets[mesh.regions == region]
    corner_cap = None if cap is None else cap[tets]
    level = volume_preserving_level(volumes(mesh.points, tets), mesh.values[tets], target, reach=reach, cap=corner_cap)
    values = mesh.values - level
    return replace(mesh, values=values if cap is None else np.maximum(values, cap))


def _cut(mesh: CutMesh, region: int, inside: int, outside: int, bit: int) -> CutMesh:
    """Cut a region at zero, freezing vertices whose warp would pinch the surface until it is manifold.

    Without any warp, and with no value exactly zero, the surface is manifold by construction.
    """
    beside = 1e-2 * float(np.cbrt(volumes(mesh.points, mesh.tets).mean()))
    mesh = replace(mesh, values=np.where(mesh.values == 0, beside, mesh.values))
    frozen = np.zeros(len(mesh.points), bool)
    sides = [inside] if outside == _OUTSIDE else [inside, outside]
    for _ in range(_ROUNDS):
        warped = warp_to_level(mesh, share=_WARP_SHARE, frozen=frozen)
        result = split_at_level(warped, region=region, inside=inside, outside=outside, bit=bit)
        on_level = result.values == 0
        defects = np.concatenate([surface_topology(boundary_facets(result.tets[result.regions == side])).defects for side in sides])
        near = _corners_at(result, defects[on_level[defects]], len(frozen))
        if frozen[near].all():
            break
        frozen[near] = True
    return result


def _corners_at(mesh: CutMesh, vertices: NDArray[np.int64], below: int) -> NDArray[np.int64]:
    """Vertices numbered below a limit, among given ones and, for given ones above it, among the corners of their tetrahedra."""
    chosen = np.zeros(len(mesh.points), bool)
    chosen[vertices[vertices >= below]] = True
    corners = np.unique(mesh.tets[chosen[mesh.tets].any(axis=1)]) if chosen.any() else vertices[:0]
    return np.union1d(vertices[vertices < below], corners[corners < below])


def _joined(mesh: CutMesh, part: CutMesh, used: NDArray[np.int64], outer: NDArray[np.int64], regions: NDArray[np.int32]) -> CutMesh:
    """A mesh with a changed part put back; used: (U,) numbers in the mesh of the part's first U points; outer: its unchanged tetrahedra."""
    number = np.concatenate([used, len(mesh.points) + np.arange(len(part.points) - len(used))])
    points = np.concatenate([mesh.points, part.points[len(used) :]])
    held = np.concatenate([mesh.held, part.held[len(used) :]])
    points[used], held[used] = part.points[: len(used)], part.held[: len(used)]
    return CutMesh(
        points=points,
        tets=np.concatenate([outer, number[part.tets]]),
        values=np.zeros(len(points)),
        held=held,
        regions=np.concatenate([regions, part.regions]),
    )


def _only(mesh: CutMesh, chosen: NDArray[np.bool_]) -> CutMesh:
    """The chosen tetrahedra, without the points that they do not use."""
    used, inverse = np.unique(mesh.tets[chosen], return_inverse=True)
    tets = inverse.reshape(-1, 4)
    return CutMesh(mesh.points[used], tets, mesh.values[used], mesh.held[used], mesh.regions[chosen])
