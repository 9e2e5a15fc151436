"""Shapes given by signed distances on a grid, extended beyond the border where it cuts them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from cellml.meshing.domain import MARGIN, Frame, Local, components_of

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FieldShapes:
    """Shapes given by signed distances (nm, negative inside) over the frame's grid, by label, and their volumes in nm³."""

    frame: Frame
    fields: Mapping[int, Floats]
    numbers: list[int]
    volumes: Mapping[int, float]

    def target(self, numbers: Sequence[int]) -> float:
        """Volume in nm³ of the shapes together."""
        return sum(self.volumes[n] for n in numbers)

    def outer(self, smoothing: float) -> Floats:
        """Distance to all shapes together."""
        return np.asarray(np.minimum.reduce([self.fields[n] for n in self.numbers]))

    def outer_cap(self, smoothing: float) -> Floats | None:
        """None: fields that touch share their interface."""
        return None

    def against(self, number: int, later: Sequence[int], smoothing: float) -> Local:
        """½ (φ of the label − the least φ of the later ones)."""
        rest = np.minimum.reduce([self.fields[n] for n in later])
        return Local(0.5 * (self.fields[number] - rest), (0, 0, 0))

    def components_at(self, number: int, points: Floats) -> tuple[NDArray[np.int64], Floats]:
        """Components of the voxels whose centre lies deepest in the shape."""
        field = self.fields[number]
        others = [other for n, other in self.fields.items() if n != number]
        return components_of(self.frame, np.asarray(np.logical_and.reduce([field < 0, *(field < other for other in others)])), points)


def shapes_of_fields(
    fields: Mapping[int, Floats], spacing: Floats, origin: Floats, volumes: Mapping[int, float], *, cut_faces: bool
) -> FieldShapes:
    """The box around signed distances on one grid, extended beyond the border where a shape touches it; volumes: nm³ of each."""
    union = np.minimum.reduce(list(fields.values()))
    walls = np.array([[(np.take(union, [side * (union.shape[axis] - 1)], axis=axis) < 0).any() for side in (0, 1)] for axis in range(3)])
    extended = {number: _extended(field, walls & cut_faces, float(spacing.max())) for number, field in fields.items()}
    shape = np.array(union.shape)
    wall_low, wall_high = origin - 0.5 * spacing, origin + (shape - 0.5) * spacing
    free = (MARGIN - 1) * spacing
    frame = Frame(
        shape=(int(shape[0]) + 2 * MARGIN, int(shape[1]) + 2 * MARGIN, int(shape[2]) + 2 * MARGIN),
        origin=origin - MARGIN * spacing,
        spacing=spacing,
        low=np.where(walls[:, 0] & cut_faces, wall_low, wall_low - free),
        high=np.where(walls[:, 1] & cut_faces, wall_high, wall_high + free),
        walls=walls & cut_faces,
        detail_nm=float(np.cbrt(spacing.prod())),
    )
    order = sorted(extended, key=lambda n: (int((extended[n] < 0).sum()), n))
    return FieldShapes(frame, extended, order, volumes)


def _extended(field: Floats, walls: NDArray[np.bool_], voxel: float) -> Floats:
    """A field with its margin: repeated beyond a cutting wall, positive and growing beyond any other border."""
    for axis, side in product(range(3), (0, 1)):
        width = [(0, 0)] * 3
        width[axis] = (MARGIN, 0) if side == 0 else (0, MARGIN)
        padded = np.pad(field, width, mode="edge")
        if not walls[axis, side]:
            beyond = np.arange(MARGIN, 0, -1) if side == 0 else np.arange(1, MARGIN + 1)
            shape = [1, 1, 1]
            shape[axis] = MARGIN
            rows = [slice(None)] * 3
            rows[axis] = slice(0, MARGIN) if side == 0 else slice(-MARGIN, None)
            least = (voxel * (beyond - 0.5)).reshape(shape)
            padded[tuple(rows)] = np.maximum(padded[tuple(rows)], least)
        field = padded
    return field
