"""What is filled: a cell with its nucleus, or a neurite with its core."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError
from cellml.types import Labels, Triple

Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]

CORE_SHARE = 0.3  # of the local radius: the inner frame of a host without a nucleus


@dataclass(frozen=True, eq=False)
class Host:
    """A host on voxels.

    inside: (Z, Y, X), all of the host, what the inner frame occupies included; inner: (Z, Y, X), the inner frame, part of `inside`;
    solid: whether the inner frame is closed to organelles, as a nucleus is and the core of a neurite is not; centre: (3,) or (M, 3) points
    (x, y, z) in nm that directions are counted from: the centroid of a nucleus, or the centreline of a neurite; spacing, origin: (z, y, x)
    in nm; window: (Z, Y, X), where centres of organelles may lie, None for all of the host.
    """

    inside: Mask
    inner: Mask
    solid: bool
    centre: Floats
    spacing: Triple
    origin: Triple
    name: str = "host"
    window: Mask | None = None

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
                f"The nucleus {inner.name!r} has shape {inner.shape} and spacing {inner.spacing} nm, its cell {labels.name!r} {labels.shape} "
                f"and {labels.spacing} nm; bring both to one grid."
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
        raise CellmlError(f"The nucleus of {name!r} is not inside its cell: {where} outside. Look at the two labels, or at their alignment.")


def _largest(mask: Mask) -> tuple[Mask, tuple[slice, ...]]:
    from scipy.ndimage import find_objects, label

    pieces, count = label(mask)
    number = 1 + int(np.bincount(pieces.ravel())[1:].argmax()) if count > 1 else 1
    box = find_objects(pieces)[number - 1]
    return np.asarray(pieces[box] == number), box


def _core(mask: Mask, spacing: Triple) -> tuple[Mask, NDArray[np.int64]]:
    """Voxels within CORE_SHARE of the local radius of the centreline, and its voxels (M, 3); the deepest voxel alone where it is empty."""
    from scipy.ndimage import distance_transform_edt
    from skimage.morphology import skeletonize

    depth = distance_transform_edt(np.pad(mask, 1, mode="edge"), sampling=spacing)[1:-1, 1:-1, 1:-1]
    line = skeletonize(mask) != 0 if min(mask.shape) > 1 else skeletonize(mask[0])[None] != 0
    line &= depth >= 0.5 * depth[line].max(initial=0.0) if depth[line].max(initial=0.0) > 0 else True
    if not line.any():
        line = depth == depth.max()
    away, nearest = distance_transform_edt(~line, sampling=spacing, return_indices=True)
    return np.asarray(mask & (away <= CORE_SHARE * depth[tuple(nearest)])), np.argwhere(line)


def _points(voxels: NDArray[np.int64], spacing: Triple, origin: tuple[float, ...]) -> Floats:
    return np.ascontiguousarray((voxels * np.array(spacing) + np.array(origin))[:, ::-1])


def _centroid(mask: Mask, spacing: Triple, origin: tuple[float, ...]) -> Floats:
    return _points(np.argwhere(mask), spacing, origin).mean(axis=0)


def _triple(values: tuple[float, ...]) -> Triple:
    z, y, x = (float(v) for v in values)
    return (z, y, x)
