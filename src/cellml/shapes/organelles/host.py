"""What is filled: a cell with its nucleus, or a neurite with its core."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Triple

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

CORE_SHARE = 0.3  # of the local radius: the inner frame of a host without a nucleus
_CORE_VOXELS = 150_000  # of the grid that a centreline is found on


@dataclass(frozen=True, eq=False)
class Host:
    """A host on voxels.

    inside: (Z, Y, X), all of the host, what the inner frame occupies included; inner: (Z, Y, X), the inner frame, part of `inside`;
    solid: whether the inner frame is closed to organelles, as a nucleus is and the core of a neurite is not; centre: (3,) or (M, 3) points
    (x, y, z) in nm that directions are counted from: the centroid of a nucleus, or the centreline of a neurite; spacing, origin: (z, y, x)
    in nm; window: (Z, Y, X), where centres of organelles may lie, None for all of the host; axes: (3, 3), rows are the unit vectors (x, y,
    z) that directions are told in, None for the host's own principal axes.
    outer: (Z, Y, X), part of `inside` that is beyond the outer frame, None where the outer frame is the membrane.
    """

    inside: Mask
    inner: Mask
    solid: bool
    centre: Floats
    spacing: Triple
    origin: Triple
    name: str = "host"
    window: Mask | None = None
    axes: Floats | None = None
    outer: Mask | None = None

    @property
    def within(self) -> Mask:
        """What lies inside of the outer frame, (Z, Y, X)."""
        return self.inside if self.outer is None else self.inside & ~self.outer

    @property
    def volume(self) -> float:
        """Volume in nm³ that organelles may occupy."""
        free = self.inside & ~self.inner if self.solid else self.inside
        return float(free.sum()) * float(np.prod(self.spacing))


def host_of_labels(
    labels: Labels, cell: int | None = None, nucleus: int | None = None, *, inner: Labels | None = None, name: str | None = None
) -> Host:
    """A host from labels.

    cell: the label that is filled (None: all labels but 0); nucleus: the label of its nucleus in the same volume; inner: a mask of the
    nucleus in a volume of its own, on the same grid. Without either the inner frame is the core of the host: all points within three
    tenths of the local radius of its centreline (skeleton of Lee et al. 1994). The largest 6-connected piece is taken, cropped to its box.
    Raises CellmlError for a label that is absent, grids that disagree, and a nucleus that is not wholly inside the cell.
    """
    nuclear = _nucleus(labels, nucleus, inner)
    mask = labels.data != 0 if cell is None else labels.data == cell
    if not mask.any():
        raise CellmlError(f"{labels.name!r} holds no label {cell if cell is not None else 'but 0'}; it has {_present(labels)}.")
    if nuclear is not None:
        _require_inside(mask | (nuclear if nucleus is not None else False), nuclear, labels.name)
        mask = mask | nuclear
    mask, box = _largest(mask)
    origin = tuple(o + s * part.start for o, s, part in zip(labels.origin, labels.spacing, box, strict=True))
    title = name or labels.name
    if nuclear is not None:
        part = nuclear[box] & mask
        return Host(mask, part, True, _centroid(part, labels.spacing, origin), labels.spacing, _triple(origin), title)
    core, line = _core(mask, labels.spacing)
    return Host(mask, core, False, _points(line, labels.spacing, origin), labels.spacing, _triple(origin), title)


def _nucleus(labels: Labels, nucleus: int | None, inner: Labels | None) -> Mask | None:
    if inner is not None:
        if inner.shape != labels.shape or not np.allclose(inner.spacing, labels.spacing):
            raise CellmlError(
                f"The nucleus {inner.name!r} has shape {inner.shape} and spacing {inner.spacing} nm, its cell {labels.name!r} "
                f"{labels.shape} and {labels.spacing} nm; bring both to one grid."
            )
        if not (inner.data != 0).any():
            raise CellmlError(f"The nucleus {inner.name!r} is empty; leave it out for a host without one.")
        return np.asarray(inner.data != 0)
    if nucleus is None:
        return None
    if not (labels.data == nucleus).any():
        raise CellmlError(f"{labels.name!r} holds no label {nucleus} for the nucleus; it has {_present(labels)}.")
    return np.asarray(labels.data == nucleus)


def _present(labels: Labels) -> str:
    found = np.unique(labels.data)
    return ", ".join(map(str, found[:12].tolist())) + (f" … ({len(found)} in all)" if len(found) > 12 else "")


def _require_inside(whole: Mask, nuclear: Mask, name: str) -> None:
    """Every neighbour of a nuclear voxel, inside the volume, must belong to the cell or the nucleus."""
    from scipy.ndimage import binary_dilation

    outside = int((nuclear & ~whole).sum())
    open_ = int((binary_dilation(nuclear) & ~whole).sum()) if outside == 0 else 0
    if outside or open_:
        where = f"{outside} of its {int(nuclear.sum())} voxels lie" if outside else f"it touches {open_} voxels that lie"
        raise CellmlError(
            f"The nucleus of {name!r} is not inside its cell: {where} outside. Look at the two labels, or at their alignment."
        )


def _largest(mask: Mask) -> tuple[Mask, tuple[slice, ...]]:
    from scipy.ndimage import find_objects, label

    pieces, count = label(mask)
    number = 1 + int(np.bincount(pieces.ravel())[1:].argmax()) if count > 1 else 1
    box = find_objects(pieces)[number - 1]
    return np.asarray(pieces[box] == number), box


def _core(mask: Mask, spacing: Triple) -> tuple[Mask, Floats]:
    """Voxels within CORE_SHARE of the local radius of the centreline, and its points (M, 3) in voxels of the mask.

    Found on every n-th voxel, for a centreline need not be finer.
    """
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    step = max(1, int(np.ceil(np.cbrt(mask.sum() / _CORE_VOXELS))))
    steps = np.array([step if n > 2 * step else 1 for n in mask.shape])
    coarse = mask[tuple(slice(n // 2, None, n) for n in steps)]
    sampling = steps * np.array(spacing)
    depth = distance_transform_edt(np.pad(coarse, 1, mode="edge"), sampling=sampling)[1:-1, 1:-1, 1:-1]
    line = skeletonize(coarse) != 0 if min(coarse.shape) > 1 else skeletonize(coarse[0])[None] != 0
    voxels = np.argwhere(line & coarse) if line.any() else np.argwhere(depth == depth.max())[:1]
    voxels = voxels[_no_spur(voxels * sampling, depth[tuple(voxels.T)])]
    seeds = np.ones(coarse.shape, bool)
    seeds[tuple(voxels.T)] = False
    away, nearest = distance_transform_edt(seeds, sampling=sampling, return_indices=True)
    core = coarse & (away <= CORE_SHARE * depth[tuple(nearest)])
    for axis, n in enumerate(steps):
        core = np.take(core, np.minimum(np.arange(mask.shape[axis]) // n, core.shape[axis] - 1), axis=axis)
    return np.asarray(core & mask), voxels * steps + steps // 2


def _no_spur(points: Floats, depth: Floats) -> NDArray[np.bool_]:
    """Centreline points that do not lie in the ball of one that is clearly deeper: those that do run from the line towards the membrane."""
    from scipy.spatial import cKDTree

    kept = np.ones(len(points), bool)
    tree = cKDTree(points)
    for k, near in enumerate(tree.query_ball_point(points, depth)):
        kept[near] &= depth[near] >= 0.7 * depth[k]
    return kept


def _points(voxels: NDArray[Any], spacing: Triple, origin: tuple[float, ...]) -> Floats:
    return np.ascontiguousarray((voxels * np.array(spacing) + np.array(origin))[:, ::-1])


def _centroid(mask: Mask, spacing: Triple, origin: tuple[float, ...]) -> Floats:
    return _points(np.argwhere(mask), spacing, origin).mean(axis=0)


def _triple(values: tuple[float, ...]) -> Triple:
    z, y, x = (float(v) for v in values)
    return (z, y, x)


def coarser(host: Host, steps: Sequence[int]) -> Host:
    """The host on every n-th voxel, from the middle of the first n; steps: n along (z, y, x). A thin inner frame stays."""

    def every(mask: Mask) -> Mask:
        return np.asarray(mask[tuple(slice(n // 2, None, n) for n in steps)])

    z, y, x = (s * n for s, n in zip(host.spacing, steps, strict=True))
    origin = tuple(o + s * (n // 2) for o, s, n in zip(host.origin, host.spacing, steps, strict=True))
    inside, inner = every(host.inside), every(host.inner).copy()
    if not inner.any():
        place = np.minimum(np.argwhere(host.inner) // np.array(steps), np.array(inner.shape) - 1)
        inner[tuple(place.T)] = True
        inner &= inside
    window, outer = (None if mask is None else every(mask) for mask in (host.window, host.outer))
    return Host(inside, inner, host.solid, host.centre, (z, y, x), _triple(origin), host.name, window, host.axes, outer)
