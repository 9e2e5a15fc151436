"""The box that is meshed: shapes given by labels or by signed distances, and the walls of the image that cut them.

Where an object touches a wall of its image it goes on beyond. Its voxels are therefore repeated outwards before distances are taken, and
the background lattice ends exactly at the wall (half a voxel outside the last voxel centre): the mesh is cut there by a plane, not rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from cellml.meshing.crop import bounding_box
from cellml.meshing.signed_distance import sample_linear, smooth_signed_distance
from cellml.types import Labels

Floats = NDArray[np.float64]

MARGIN = 5  # voxels of distance kept around the object: beyond the reach of the smoothing and of the iso-shift


@dataclass(frozen=True, eq=False)
class Frame:
    """A grid of voxels, and the box that is meshed within it.

    shape: (Z, Y, X); origin: centre of its first voxel, spacing: both (3,) zyx, nm; low, high: (3,) corners of the box, zyx, nm; walls:
    (3, 2) whether the low and the high wall along each axis cut the shapes; detail_nm: size of the finest detail that they can hold, the
    cube root of the volume of a voxel as it was really sampled.
    """

    shape: tuple[int, int, int]
    origin: Floats
    spacing: Floats
    low: Floats
    high: Floats
    walls: NDArray[np.bool_]
    detail_nm: float

    @property
    def voxel_nm(self) -> float:
        """Cube root of the voxel volume in nm: the voxel size where one number is wanted."""
        return float(np.cbrt(self.spacing.prod()))

    def sample(self, field: Floats, points: Floats, first: Sequence[int] = (0, 0, 0)) -> Floats:
        """Trilinear values (P,) of a field, whose voxel (0, 0, 0) is voxel `first` of the grid, at points (P, 3; x, y, z in nm)."""
        return sample_linear(field, (points[:, ::-1] - self.origin) / self.spacing - np.asarray(first))

    def planes(self) -> dict[tuple[int, int], float]:
        """Coordinate in nm of each cutting wall, by (axis, side), axes (z, y, x)."""
        return {(int(axis), int(side)): float((self.high if side else self.low)[axis]) for axis, side in np.argwhere(self.walls)}

    def held(self, points: Floats) -> NDArray[np.int64]:
        """Bits 2·axis + side of the cutting walls that points (P, 3; x, y, z in nm) lie on exactly, (P,)."""
        held = np.zeros(len(points), np.int64)
        for (axis, side), plane in self.planes().items():
            held[points[:, 2 - axis] == plane] |= 1 << (2 * axis + side)
        return held


@dataclass(frozen=True, eq=False)
class Local:
    """A level set near one label: values over a part of the grid in nm, negative inside, the first voxel of that part, and a lower bound.

    cap: values below which the level set never goes, of the same shape (the cleft to what the label must not touch); None for no bound.
    """

    values: Floats
    first: tuple[int, int, int]
    cap: Floats | None = None


class Shapes(Protocol):
    """What is meshed: shapes on a frame, wherever they come from."""

    @property
    def frame(self) -> Frame:
        """The grid and the box."""

    @property
    def numbers(self) -> list[int]:
        """The labels in the order in which they are cut out; the last one is the rest."""

    def target(self, numbers: Sequence[int]) -> float:
        """Volume in nm³ that labels shall have together."""

    def outer(self, smoothing: float) -> Floats:
        """Smooth signed distance of all labels together, (Z, Y, X) in nm."""

    def outer_cap(self, smoothing: float) -> Floats | None:
        """Values below which the outer distance never goes however it is shifted (clefts); None for no bound."""

    def against(self, number: int, later: Sequence[int], smoothing: float) -> Local:
        """Level set that separates a label from those still to be cut."""

    def components_at(self, number: int, points: Floats) -> tuple[NDArray[np.int64], Floats]:
        """The 6-connected component of a label in whose voxels points (P, 3; x, y, z in nm) lie, (P,), 0 for none, and the volume of each
        component in nm³, from number 0, (C + 1,).
        """


@dataclass(frozen=True, eq=False)
class Contact:
    """What happens where labels touch: "fuse" (they share their interface) or "cleft" (a gap of `gap_nm`, filled with label `host`)."""

    rule: str = "fuse"
    host: int = 0
    gap_nm: float = 0.0


@dataclass(frozen=True, eq=False)
class LabelShapes:
    """Shapes given by labels.

    data: (Z, Y, X) labels of the frame's grid; volumes: nm³ of each label in the voxels that were given.
    """

    frame: Frame
    data: NDArray[np.int64]
    numbers: list[int]
    volumes: Mapping[int, float]
    contact: Contact

    def target(self, numbers: Sequence[int]) -> float:
        """Volume in nm³ of the labels' voxels."""
        return sum(self.volumes[n] for n in numbers)

    def outer(self, smoothing: float) -> Floats:
        """Smooth signed distance of the foreground; with a cleft to the background, of the labels pulled back from each other."""
        union = self._distance(self.data > 0, smoothing)
        cap = self.outer_cap(smoothing)
        return union if cap is None else np.maximum(union, cap)

    def outer_cap(self, smoothing: float) -> Floats | None:
        """With a cleft to the background: half its width less the distance to other labels, for the label that a voxel lies deepest in."""
        if self.contact.rule != "cleft" or self.contact.host != 0:
            return None
        nearest, cap = np.full(self.data.shape, np.inf), np.full(self.data.shape, -np.inf)
        for number in self.numbers:
            box = self._box(number)
            part = self.data[box]
            others = (part > 0) & (part != number)
            distance = self._distance(part == number, smoothing)
            bound = 0.5 * self.contact.gap_nm - self._distance(others, smoothing) if others.any() else np.full(part.shape, -np.inf)
            closer = distance < nearest[box]
            nearest[box][closer], cap[box][closer] = distance[closer], bound[closer]
        return np.maximum(cap, -float((np.array(cap.shape) * self.frame.spacing).max()))

    def against(self, number: int, later: Sequence[int], smoothing: float) -> Local:
        """½ (φ of the label − φ of the later ones), with a cap where the label must keep away from others."""
        box = self._box(number)
        part = self.data[box]
        own, rest = part == number, np.isin(part, list(later))
        values = self._distance(own, smoothing)
        far = 2.0 * MARGIN * float(self.frame.spacing.max())
        values = 0.5 * (values - self._distance(rest, smoothing)) if rest.any() else values - far
        first = (box[0].start, box[1].start, box[2].start)
        return Local(values, first, self._cap(part, number, smoothing))

    def components_at(self, number: int, points: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Components of the label's voxels."""
        return components_of(self.frame, self.data == number, points)

    def _cap(self, part: NDArray[np.int64], number: int, smoothing: float) -> Floats | None:
        host = self.contact.host
        if self.contact.rule != "cleft" or host == 0 or number == host or most_touched(part, number) != host:
            return None
        outside, others = part == 0, (part > 0) & (part != number) & (part != host)
        caps = [self.contact.gap_nm - self._distance(outside, smoothing)] if outside.any() else []
        caps += [0.5 * self.contact.gap_nm - self._distance(others, smoothing)] if others.any() else []
        return np.maximum.reduce(caps) if caps else None

    def _box(self, number: int) -> tuple[slice, slice, slice]:
        first, last = bounding_box(self.data == number)
        first, last = np.maximum(first - MARGIN - 1, 0), np.minimum(last + MARGIN + 1, self.data.shape)
        return slice(int(first[0]), int(last[0])), slice(int(first[1]), int(last[1])), slice(int(first[2]), int(last[2]))

    def _distance(self, mask: NDArray[np.bool_], smoothing: float) -> Floats:
        z, y, x = (float(s) for s in self.frame.spacing)
        if mask.all():
            return np.full(mask.shape, -float((np.array(mask.shape) * self.frame.spacing).max()))
        return smooth_signed_distance(mask, (z, y, x), smoothing=smoothing)


def shapes_of_labels(
    labels: Labels, numbers: list[int], volumes: Mapping[int, float], detail_nm: float, *, cut_faces: bool, contact: Contact
) -> LabelShapes:
    """The box around the foreground of labels.

    numbers: labels in the order of the cuts; volumes: what each shall have, nm³; detail_nm: as in `Frame`; cut_faces: whether labels
    that touch the border of the image are cut there; otherwise they are closed as if nothing followed.
    """
    data, spacing, origin = labels.data, np.array(labels.spacing), np.array(labels.origin)
    first, last = bounding_box(data > 0)
    walls = np.stack([first == 0, last == np.array(data.shape)], axis=1) & cut_faces
    part = data[tuple(slice(a, b) for a, b in zip(first, last, strict=True))]
    for axis, side in product(range(3), (0, 1)):
        width = [(0, 0)] * 3
        width[axis] = (MARGIN, 0) if side == 0 else (0, MARGIN)
        part = np.pad(part, width, mode="edge" if walls[axis, side] else "constant")
    wall_low, wall_high = origin + (first - 0.5) * spacing, origin + (last - 0.5) * spacing
    free = (MARGIN - 1) * spacing
    frame = Frame(
        shape=(part.shape[0], part.shape[1], part.shape[2]),
        origin=origin + (first - MARGIN) * spacing,
        spacing=spacing,
        low=np.where(walls[:, 0], wall_low, wall_low - free),
        high=np.where(walls[:, 1], wall_high, wall_high + free),
        walls=walls,
        detail_nm=detail_nm,
    )
    return LabelShapes(frame, part, numbers, volumes, contact)


def components_of(frame: Frame, mask: NDArray[np.bool_], points: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The 6-connected component of a mask in which each point lies, and volumes, as `Shapes.components_at`."""
    member = np.asarray(ndimage.label(mask)[0], np.int64)
    index = np.round((points[:, ::-1] - frame.origin) / frame.spacing).astype(np.int64)
    z, y, x = np.clip(index, 0, np.array(mask.shape) - 1).T
    return member[z, y, x], np.bincount(member.ravel()).astype(np.float64) * float(frame.spacing.prod())


def most_touched(data: NDArray[np.int64], number: int) -> int:
    """The label, or 0, that shares most faces of voxels with a label."""
    own = data == number
    beside = []
    for axis in range(3):
        first, second = np.moveaxis(data, axis, 0)[:-1], np.moveaxis(data, axis, 0)[1:]
        of_first, of_second = np.moveaxis(own, axis, 0)[:-1], np.moveaxis(own, axis, 0)[1:]
        beside += [second[of_first & ~of_second], first[of_second & ~of_first]]
    numbers, counts = np.unique(np.concatenate(beside), return_counts=True)
    return int(numbers[counts.argmax()]) if len(numbers) else 0
