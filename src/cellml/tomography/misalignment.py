"""Where each projection lies on the detector: shifts, rotations and magnifications, and images resampled by them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError
from cellml.types import TiltSeries

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Misalignment:
    """A point at r from the middle of a true projection lies at m R(φ) r + d on the recorded one.

    shifts: (N, 2) d in pixels (v, u), as `ParallelProjector` takes them; rotations: (N,) φ in degrees, from u towards v (counter-clockwise
    with row 0 at the bottom); magnifications: (N,) m. Raises CellmlError for other lengths, numbers that are not finite, and m ≤ 0.
    """

    shifts: Floats
    rotations: Floats
    magnifications: Floats

    def __post_init__(self) -> None:
        count = len(self.rotations)
        for name, shape in (("shifts", (count, 2)), ("rotations", (count,)), ("magnifications", (count,))):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != shape or not np.isfinite(values).all():
                raise CellmlError(f"The {name} of {count} projections must be finite numbers of shape {shape}, got {values.tolist()}.")
            object.__setattr__(self, name, values)
        if (self.magnifications <= 0).any():
            raise CellmlError(f"Magnifications must be positive, got {self.magnifications.min():g}.")

    @classmethod
    def of(cls, count: int, shifts: ArrayLike = 0.0, rotations: ArrayLike = 0.0, magnifications: ArrayLike = 1.0) -> Misalignment:
        """One that is the same, or none, in what is not given; each value alone or one for each of `count` projections."""
        return cls(
            np.array(np.broadcast_to(np.asarray(shifts, np.float64), (count, 2))),
            np.array(np.broadcast_to(np.asarray(rotations, np.float64), (count,))),
            np.array(np.broadcast_to(np.asarray(magnifications, np.float64), (count,))),
        )

    @classmethod
    def drawn(
        cls, count: int, rng: np.random.Generator, shift: float = 0.0, axis: float = 0.0, rotation: float = 0.0, magnification: float = 0.0
    ) -> Misalignment:
        """Evenly drawn shifts of at most `shift` pixels along v and u, one rotation of at most `axis` degrees for all (the tilt axis is
        elsewhere than it is said to be) plus at most `rotation` degrees for each, magnifications within 1 ± `magnification`. Raises
        CellmlError for greatest errors that are negative or no numbers.
        """
        for name, most in (("shift", shift), ("axis", axis), ("rotation", rotation), ("magnification", magnification)):
            if not 0 <= most < np.inf:
                raise CellmlError(f"{name}={most:g} is the greatest error to either side; it must be a finite number, 0 or more.")
        turned = rng.uniform(-axis, axis) + rng.uniform(-rotation, rotation, count)
        return cls(rng.uniform(-shift, shift, (count, 2)), turned, 1 + rng.uniform(-magnification, magnification, count))

    def matrices(self) -> Floats:
        """(N, 2, 2) m R(φ) on (v, u)."""
        angle = np.deg2rad(self.rotations)
        cos, sin = self.magnifications * np.cos(angle), self.magnifications * np.sin(angle)
        return np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], -2)


def misaligned(series: TiltSeries, errors: Misalignment, order: int = 3) -> TiltSeries:
    """The series as it would be recorded with these errors: image(m R r + d) = true(r). Beyond the border images repeat their edge."""
    back = np.asarray(np.linalg.inv(errors.matrices()), np.float64)
    offsets = -np.einsum("nij,nj->ni", back, errors.shifts)
    shape = (series.data.shape[1], series.data.shape[2])
    return replace(series, data=sampled(series.data, back, offsets, shape, order))


def realigned(series: TiltSeries, errors: Misalignment, order: int = 3) -> TiltSeries:
    """The series with these errors taken out: true(r) = image(m R r + d), by one interpolation. The inverse of `misaligned`."""
    shape = (series.data.shape[1], series.data.shape[2])
    return replace(series, data=sampled(series.data, errors.matrices(), errors.shifts, shape, order))


def sampled(images: NDArray[np.float32], matrices: Floats, offsets: Floats, shape: tuple[int, int], order: int = 3) -> NDArray[np.float32]:
    """out(r) = image(M r + d) for each image, with r counted from the middle of both; edges repeated beyond the border.

    images: (N, Y, X); matrices: (N, 2, 2) and offsets: (N, 2), on (v, u) in pixels; shape: (Y, X) of the result; order: of the spline.
    """
    from scipy.ndimage import affine_transform

    if len(matrices) != len(images):
        raise CellmlError(f"{len(images)} projections need as many shifts, rotations and magnifications; there are {len(matrices)}.")
    result = np.empty((len(images), *shape), np.float32)
    middle_in = (np.array(images.shape[1:]) - 1) / 2
    middle_out = (np.array(shape) - 1) / 2
    for image, matrix, offset, target in zip(images, matrices, offsets, result, strict=True):
        start = middle_in + offset - matrix @ middle_out
        if np.array_equal(matrix, np.eye(2)) and np.array_equal(start, np.round(start)) and shape == image.shape:
            target[:] = _whole(image, start.astype(int))
        else:
            affine_transform(np.asarray(image, np.float32), matrix, start, shape, output=target, order=order, mode="nearest")
    return result


def _whole(image: NDArray[np.float32], start: NDArray[np.int64]) -> NDArray[np.float32]:
    """A displacement by whole pixels, exact."""
    rows, columns = (np.clip(np.arange(n) + s, 0, n - 1) for n, s in zip(image.shape, start, strict=True))
    return np.asarray(image[rows[:, None], columns[None]], np.float32)
