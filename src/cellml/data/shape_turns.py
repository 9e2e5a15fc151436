"""The same shape as it might have lain: turned about the vertical axis and mirrored. For grids of distances."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError


class VerticalTurn:
    """Turns a grid (C, Z, Y, X) by any angle about its vertical axis z, through the grid's middle.

    Distances stay distances, for nothing is stretched; they are interpolated linearly, and what comes in from outside of the grid is as far
    from the shape as the grid's largest value. share: of samples that are turned. Raises CellmlError for a share that is none.
    """

    def __init__(self, share: float = 1.0) -> None:
        if not 0 <= share <= 1:
            raise CellmlError(f"A share lies between 0 and 1, and data.augmentations turn {share} of the samples.")
        self.share = share

    def __call__(self, values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """values: (C, Z, Y, X); rng: draws whether, and by how much."""
        turn, angle = rng.random() < self.share, rng.uniform(0, 2 * np.pi)
        return turned(values, angle) if turn else values


class Mirror:
    """Mirrors a grid (C, Z, Y, X) along each axis of `axes` (numbers of z, y, x: 0, 1, 2), every other time."""

    def __init__(self, axes: tuple[int, ...] | list[int] = (2,)) -> None:
        if any(axis not in (0, 1, 2) for axis in axes):
            raise CellmlError(f"The axes of a grid are 0, 1 and 2 (z, y, x); data.augmentations mirror {list(axes)}.")
        self.axes = list(axes)

    def __call__(self, values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """values: (C, Z, Y, X); rng: draws which axes."""
        drawn = rng.random(len(self.axes)) < 0.5
        return np.flip(values, tuple(1 + axis for axis, flip in zip(self.axes, drawn, strict=True) if flip))


def turned(values: NDArray[np.float32], angle: float) -> NDArray[np.float32]:
    """A grid (C, Z, Y, X), turned by an angle in radians about z from y to x."""
    from scipy import ndimage

    c, s = np.cos(angle), np.sin(angle)
    matrix = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    middle = (np.array(values.shape[1:]) - 1) / 2
    offset = middle - matrix @ middle
    far = float(values.max())
    return np.stack([ndimage.affine_transform(one, matrix, offset, order=1, cval=far) for one in values]).astype(np.float32)
