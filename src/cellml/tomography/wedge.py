"""Which Fourier coefficients of a volume a tilt series measured, and which lie in the missing wedge.

A projection at tilt t is the central slice of the volume's transform spanned by k_y and (k_x, k_z) ∝ (cos t, SENSE sin t) (Crowther,
DeRosier and Klug 1970, doi:10.1098/rspa.1970.0119), with the sense of `cellml.tomography.geometry`. Nothing here depends on k_y, so
masks have one row along Y and broadcast over it: a mask of 512³ takes 130 kB.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError
from cellml.tomography.geometry import SENSE

Shape = tuple[int, int, int]
Floats = NDArray[np.float64]


def frequencies(shape: Sequence[int], *, full: bool = False) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """k_z (Z, 1, 1), k_y (1, Y, 1) and k_x (1, 1, X // 2 + 1) in cycles per voxel, in the layout of rfftn; of fftn if `full`.

    Raises CellmlError unless the shape is three sizes of at least two voxels along z and x.
    """
    if len(shape) != 3 or min(shape[0], shape[2]) < 2 or shape[1] < 1:
        raise CellmlError(f"Wedge geometry needs a volume of (Z, Y, X) voxels, at least 2 along z and x; got {tuple(shape)}.")
    z, y, x = (int(n) for n in shape)
    kx = np.fft.fftfreq(x) if full else np.fft.rfftfreq(x)
    return np.fft.fftfreq(z)[:, None, None], np.fft.fftfreq(y)[None, :, None], kx[None, None, :]


def checked_tilts(tilts: ArrayLike) -> Floats:
    """Tilts (N,) in degrees as finite float64. Raises CellmlError where there are none or one is not finite."""
    values = np.asarray(tilts, dtype=np.float64).reshape(-1)
    if not values.size or not np.isfinite(values).all():
        raise CellmlError(f"Wedge geometry needs finite tilts in degrees, got {values.tolist()[:5]}.")
    return values


def slice_distance(shape: Sequence[int], tilt: float, *, full: bool = False) -> Floats:
    """Distance of each coefficient from the central slice of a tilt, in Fourier samples, (Z, 1, X // 2 + 1), signed.

    In samples i_x = X k_x and i_z = Z k_z the slice is a line of direction (X cos t, Z SENSE sin t), from which the distance is
    (i_z X cos t − i_x Z SENSE sin t) / √((X cos t)² + (Z sin t)²); on a cubic grid that is N (k_z cos t − k_x SENSE sin t).
    """
    kz, _, kx = frequencies(shape, full=full)
    cosine, sine = np.cos(np.deg2rad(tilt)), SENSE * np.sin(np.deg2rad(tilt))
    size_z, size_x = shape[0], shape[2]
    return np.asarray((kz * cosine - kx * sine) * (size_z * size_x) / np.hypot(size_x * cosine, size_z * sine))


def coverage(shape: Sequence[int], tilts: ArrayLike, *, full: bool = False) -> NDArray[np.int32]:
    """How many tilts measured each coefficient, (Z, 1, X // 2 + 1): those whose central slice passes within half a sample.

    shape: (Z, Y, X) of the volume; tilts: (N,) in degrees (`TiltSeries.tilts`). A projection sampled by one pixel a voxel ends at its
    Nyquist frequency, so that coefficients with √(k_x² + k_z²) ≥ 1/2 count as measured by none.
    """
    kz, _, kx = frequencies(shape, full=full)
    count = np.zeros(np.broadcast_shapes(kz.shape, kx.shape), np.int32)
    for tilt in checked_tilts(tilts):
        count += np.abs(slice_distance(shape, float(tilt), full=full)) <= 0.5
    count[kz**2 + kx**2 >= 0.25] = 0
    return count


def measured_mask(shape: Sequence[int], tilts: ArrayLike, *, full: bool = False) -> NDArray[np.bool_]:
    """Coefficients within half a sample of some tilt's central slice, (Z, 1, X // 2 + 1); for fftn's layout (Z, 1, X) if `full`."""
    return np.asarray(coverage(shape, tilts, full=full) > 0)


def sampled_wedge(shape: Sequence[int], tilts: ArrayLike, *, full: bool = False) -> NDArray[np.bool_]:
    """Coefficients whose direction lies between the first and the last tilt, (Z, 1, X // 2 + 1), gaps between tilts filled.

    The complement is the missing wedge as methods for tomograms without a tilt series know it. The origin is sampled; the direction of
    (k_x, k_z) is a tilt modulo 180°, so that ranges that reach past ±90° by a pre-tilt are right too.
    """
    values = checked_tilts(tilts)
    low, high = float(values.min()), float(values.max())
    kz, _, kx = frequencies(shape, full=full)
    direction = np.rad2deg(np.arctan2(SENSE * kz, kx))
    tolerance = 1e-9  # degrees: a coefficient on the bounding slice itself was measured
    inside = (direction - low + tolerance) % 180 <= high - low + 2 * tolerance
    return np.asarray(inside | ((kz == 0) & (kx == 0)))


def missing_wedge(shape: Sequence[int], tilts: ArrayLike, *, margin: float = 0.0, full: bool = False) -> NDArray[np.bool_]:
    """Coefficients at least `margin` Fourier samples inside the missing wedge, (Z, 1, X // 2 + 1).

    The margin is the distance from the central slices of the first and the last tilt: coefficients beside them are correlated with
    measured ones wherever the specimen fills less than the volume, and would flatter an estimate of what was inferred.
    """
    values = checked_tilts(tilts)
    mask = ~sampled_wedge(shape, values, full=full)
    for tilt in (values.min(), values.max()):
        mask &= np.abs(slice_distance(shape, float(tilt), full=full)) >= margin
    return np.asarray(mask)


def as_tensor(mask: NDArray[Any], like: Any) -> Any:
    """A mask or weight as a torch tensor on the device of `like`; numbers take its precision, truth values stay."""
    import torch

    tensor = torch.as_tensor(np.ascontiguousarray(mask), device=like.device)
    return tensor if tensor.dtype == torch.bool else tensor.to(like.real.dtype if like.is_complex() else like.dtype)
