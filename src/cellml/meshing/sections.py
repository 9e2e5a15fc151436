"""Shapes between thick sections.

Serial sections sample a cell ten times more coarsely across than along them. Between two sections each label's signed distance, taken
within its section, is interpolated linearly, and every point goes to the label that it lies deepest in: shape-based interpolation (Raya &
Udupa 1990; Herman, Zheng & Bucholtz 1992). An object that ends between two sections ends half-way, as its voxels do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.alignment import align_sections
from cellml.meshing.crop import bounding_box
from cellml.types import Labels, Triple

Floats = NDArray[np.float64]

_FINEST = 2.0  # sections are made at most this many times as thick as the voxel within them is wide
_CHANCE = 1e-3  # with which changes of a shape may lie whole runs apart though nothing is repeated: the sides of a few boxes do, by chance


@dataclass(frozen=True)
class Sections:
    """How a volume was really sampled along one axis.

    axis: 0, 1 or 2; edges: where sections begin and end, in voxels along it, (S + 1,); factor: new voxels for each old one; run: voxels
    that repeat a section (1 where none do).
    """

    axis: int
    edges: NDArray[np.int64]
    factor: int
    run: int


def aligned_sections(labels: Labels) -> tuple[Labels, str]:
    """Labels with jitter between their sections taken back, and what was done in words; sections lie across the longest voxel edge, or are
    what voxels repeat, or else lie across z.
    """
    found = _sections(labels)
    if found is not None:
        return align_sections(labels, found.axis, found.edges)
    return align_sections(labels, int(np.argmax(labels.spacing)))


def between_sections(labels: Labels) -> tuple[Labels, Triple, tuple[str, ...]]:
    """Labels on a finer grid across their sections, where those are much thicker than wide, or repeated (terraces).

    Returns the labels, the spacing (z, y, x) at which they were really sampled in nm, and what was done in words. The new voxels fill the
    same box.
    """
    found = _sections(labels)
    if found is None:
        return labels, labels.spacing, ()
    sampled = list(labels.spacing)
    sampled[found.axis] *= found.run
    data = np.moveaxis(_interpolated(labels, found), 0, found.axis)
    spacing, origin = list(labels.spacing), list(labels.origin)
    spacing[found.axis] /= found.factor
    origin[found.axis] += 0.5 * (spacing[found.axis] - labels.spacing[found.axis])
    fine = replace(labels, data=data, spacing=_as_triple(spacing), origin=_as_triple(origin))
    return fine, _as_triple(sampled), (_said(found, sampled, spacing),)


def repeated_sections(data: NDArray[np.int64], axis: int) -> tuple[int, NDArray[np.int64]]:
    """Into runs of how many equal sections a volume falls along an axis (1 if into none), and where runs begin, ascending from 0.

    The first and the last change may lie within a run: there an object ends. Each of the others lies whole runs from the one before it with
    a chance of 1 / run, and runs count only where that is too small for all of them together (below 1e-3).
    """
    sections = np.moveaxis(data, axis, 0)
    changes = np.flatnonzero((sections[1:] != sections[:-1]).any(axis=(1, 2))) + 1
    inner = changes[1:-1]
    steps = np.diff(inner)
    run = int(np.gcd.reduce(steps)) if len(steps) else 1
    if run == 1 or np.median(steps) != run or float(run) ** -len(steps) > _CHANCE:
        return 1, np.arange(len(sections))
    return run, np.unique([0, *range(int(inner[0]) % run, len(sections), run), *changes])


def _sections(labels: Labels) -> Sections | None:
    runs = [repeated_sections(labels.data, axis) for axis in range(3)]
    repeated = [axis for axis, (run, _) in enumerate(runs) if run > 1]
    if len(repeated) == 1:
        (axis,) = repeated
        run, starts = runs[axis]
        return Sections(axis, np.append(starts, labels.shape[axis]), 1, run)
    axis = int(np.argmax(labels.spacing))
    across, along = labels.spacing[axis], sorted(labels.spacing)[1]
    factor = round(across / (_FINEST * along))
    if factor < 2:
        return None
    return Sections(axis, np.arange(labels.shape[axis] + 1), factor, 1)


def _interpolated(labels: Labels, found: Sections) -> NDArray[np.int64]:
    data = np.moveaxis(labels.data, found.axis, 0)[found.edges[:-1]]
    pixel = [s for axis, s in enumerate(labels.spacing) if axis != found.axis]
    centres: Floats = 0.5 * (found.edges[:-1] + found.edges[1:]).astype(np.float64)
    fine = (np.arange(found.edges[-1] * found.factor) + 0.5) / found.factor
    parts = [(int(number), *_part(data == number, pixel)) for number in np.unique(data[data > 0])]
    # Background is what no label reaches: were it a shape of its own, far from all others in a section without any, labels would end early.
    nearest = np.full(data.shape, np.hypot(*(size * width for size, width in zip(data.shape[1:], pixel, strict=True))))
    for _, part, distances in parts:
        nearest[part] = np.minimum(nearest[part], distances)
    best = _at(fine, centres, -nearest)
    label = np.zeros(best.shape, np.int64)
    for number, part, distances in parts:
        rows = np.flatnonzero((fine >= found.edges[part[0].start]) & (fine < found.edges[part[0].stop]))
        box = slice(rows[0], rows[-1] + 1), part[1], part[2]
        field = _at(fine[rows], centres[part[0]], distances)
        deeper = field < best[box]
        best[box][deeper], label[box][deeper] = field[deeper], number
    return label


def _part(mask: NDArray[np.bool_], pixel: list[float]) -> tuple[tuple[slice, slice, slice], Floats]:
    """The box of a label with two voxels around it, and the distances in its sections."""
    first, last = bounding_box(mask)
    first, last = np.maximum(first - 2, 0), np.minimum(last + 2, mask.shape)
    part = slice(first[0], last[0]), slice(first[1], last[1]), slice(first[2], last[2])
    return part, section_distances(mask[part], pixel)


def section_distances(mask: NDArray[np.bool_], pixel: list[float]) -> Floats:
    """Signed distance within each section (S, H, W), negative inside, such that an object ends half-way to a section without it."""
    far = float(np.hypot(mask.shape[1] * pixel[0], mask.shape[2] * pixel[1]))
    distances: Floats = np.full(mask.shape, far)
    present = np.asarray(mask.any(axis=(1, 2)))
    for section in np.flatnonzero(present):
        inside = mask[section]
        if inside.all():
            distances[section] = -far
            continue
        half = 0.5 * min(pixel)
        outwards = ndimage.distance_transform_edt(~inside, sampling=pixel) - half
        inwards = ndimage.distance_transform_edt(inside, sampling=pixel) - half
        distances[section] = np.where(inside, -inwards, outwards)
    for section in np.flatnonzero(~present):
        for other in (section - 1, section + 1):
            if 0 <= other < len(present) and present[other]:
                distances[section] = np.minimum(distances[section], np.abs(distances[other]))
    return distances


def _at(fine: Floats, centres: Floats, distances: Floats) -> Floats:
    """Distances (S, H, W) interpolated linearly between section centres, the nearest one's beyond the last, (len(fine), H, W)."""
    if len(centres) == 1:
        return np.repeat(distances, len(fine), axis=0)
    above = np.clip(np.searchsorted(centres, fine), 1, len(centres) - 1)
    share = np.clip((fine - centres[above - 1]) / (centres[above] - centres[above - 1]), 0.0, 1.0)[:, None, None]
    return np.asarray((1.0 - share) * distances[above - 1] + share * distances[above])


def _as_triple(values: list[float]) -> Triple:
    return values[0], values[1], values[2]


def _said(found: Sections, sampled: list[float], spacing: list[float]) -> str:
    axis = "zyx"[found.axis]
    if found.run > 1:
        taken = f"taken as sections of {sampled[found.axis]:g} nm, shapes interpolated between"
        return f"sections repeat in runs of {found.run} along {axis}: {taken}"
    return f"shapes interpolated between sections of {sampled[found.axis]:g} nm along {axis}, to {spacing[found.axis]:g} nm"
