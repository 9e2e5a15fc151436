"""Tilt series of a volume whose truth is known, with what goes wrong in a microscope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError
from cellml.tomography.defocus import Optics, defocused
from cellml.tomography.misalignment import Misalignment, misaligned
from cellml.tomography.noise import Exposure, Slab, counted, noisy
from cellml.types import TiltSeries, Volume

_ROWS = 64  # of the volume along y that are projected at once


@dataclass(frozen=True, eq=False)
class TiltErrors:
    """What goes wrong, each part or none: in the order in which it happens.

    optics: blur by defocus; misalignment: of each projection; field: (Y, X) pixels that the camera sees, from the middle; slab: absorption
    and its growth with the tilt; exposure: counted electrons; snr: of Gaussian noise; seed: of the noise.
    """

    optics: Optics | None = None
    misalignment: Misalignment | None = None
    field: tuple[int, int] | None = None
    slab: Slab | None = None
    exposure: Exposure | None = None
    snr: float | None = None
    seed: int = 0


def simulate_tilts(
    volume: Volume,
    tilts: ArrayLike,
    *,
    snr: float | None = None,
    dose: float | Exposure | None = None,
    misalignment: Misalignment | None = None,
    defocus: Optics | None = None,
    slab: Slab | None = None,
    field: Sequence[int] | None = None,
    pretilt: float = 0.0,
    support: NDArray[np.bool_] | None = None,
    seed: int = 0,
) -> TiltSeries:
    """Project a volume (Z, Y, X) at angles (N,) in degrees and degrade the projections.

    snr: variance of the noise-free projections inside the support over that of white Gaussian noise, pooled over tilts; None or infinite
    for none; dose: electrons per Å² and projection, counted (or an `Exposure`); misalignment, defocus, slab, field: see TiltErrors;
    support: (Z, Y, X) of the specimen, the voxels that are not 0 where None; seed: of the noise. Values are sums over voxels along the ray.
    Raises CellmlError for voxels that are not cubes (TiltSeries has one pixel size), channels, and values that are not finite.
    """
    exposure = Exposure(float(dose)) if isinstance(dose, int | float) else dose
    camera = None if field is None else (int(field[0]), int(field[1]))
    errors = TiltErrors(defocus, misalignment, camera, slab, exposure, snr, seed)
    series = projected(volume, tilts, pretilt)
    if exposure is None and (snr is None or np.isinf(snr)):
        return degraded(series, errors, np.ones(1, bool))
    specimen = (volume.data != 0) if support is None else np.asarray(support, bool)
    shadow = projected(replace(volume, data=specimen.astype(np.float32)), tilts, pretilt)
    return degraded(series, errors, shadow.data > 0.5)


def projected(volume: Volume, tilts: ArrayLike, pretilt: float = 0.0) -> TiltSeries:
    """Noise-free projections (N, Y, X) of a volume (Z, Y, X) with cubic voxels; see `ParallelProjector`."""
    import torch

    from cellml.tomography.projector import ParallelProjector

    _check(volume)
    angles = np.asarray(tilts, dtype=np.float64).reshape(-1)
    depth, height, width = volume.data.shape
    empty = np.broadcast_to(np.float32(0), (len(angles), height, width))
    series = TiltSeries(empty, angles, volume.spacing[2], pretilt=pretilt, name=volume.name)
    data = np.empty(empty.shape, np.float32)
    for start in range(0, height, _ROWS):
        part = np.ascontiguousarray(volume.data[:, start : start + _ROWS], np.float32)
        projector = ParallelProjector(series.tilts, (depth, part.shape[1], width))
        data[:, start : start + part.shape[1]] = projector.forward(torch.from_numpy(part)).numpy()
    return replace(series, data=data)


def degraded(series: TiltSeries, errors: TiltErrors, inside: NDArray[np.bool_]) -> TiltSeries:
    """A noise-free series with errors; inside: (N, Y, X) pixels of the specimen's support, used where there is noise.

    The same series, errors and seed give the same result. Raises CellmlError where a field of view or a misalignment does not fit.
    """
    rng = np.random.default_rng(errors.seed)
    if errors.optics is not None:
        series = defocused(series, errors.optics)
    if errors.misalignment is not None:
        series = misaligned(series, errors.misalignment)
    if errors.field is not None:
        series = replace(series, data=_cropped(series.data, errors.field))
        inside = _cropped(inside, errors.field) if inside.ndim == 3 else inside
    if errors.exposure is not None:
        series = counted(series, errors.exposure, errors.slab, inside, rng)
    elif errors.slab is not None:
        series = replace(series, data=_shaded(series, errors.slab))
    if errors.snr is not None and np.isfinite(errors.snr):
        series = noisy(series, errors.snr, inside, rng, errors.slab)
    return series


def _shaded(series: TiltSeries, slab: Slab) -> NDArray[np.float32]:
    """The slab's own projection added, without counting: as bright as the specimen at the least tilt, and growing as 1 / cos t."""
    depth, least = slab.depth(series.tilts), int(np.abs(series.tilts).argmin())
    level = float(series.data[least].mean(dtype=np.float64)) if slab.thickness_nm else 0.0
    return np.asarray(series.data + (level * depth / max(depth[least], 1e-30)).astype(np.float32)[:, None, None], np.float32)


def _cropped(data: NDArray[Any], field: tuple[int, int]) -> NDArray[Any]:
    height, width = data.shape[1:]
    if not (1 <= field[0] <= height and 1 <= field[1] <= width):
        raise CellmlError(f"A camera of {field[0]} × {field[1]} pixels (y, x) does not fit the projections of {height} × {width}.")
    top, left = (height - field[0]) // 2, (width - field[1]) // 2
    return np.ascontiguousarray(data[:, top : top + field[0], left : left + field[1]])


def _check(volume: Volume) -> None:
    if volume.axes != "ZYX":
        raise CellmlError(f"{volume.name!r} has the axes {volume.axes}; one channel at one time (Z, Y, X) can be projected.")
    if not np.allclose(volume.spacing, volume.spacing[2], rtol=1e-3):
        raise CellmlError(
            f"{volume.name!r} has voxels of {volume.spacing} nm (z, y, x); projections need cubes. Resample it to one voxel size first."
        )
    if not np.isfinite(volume.data).all():
        bad = int((~np.isfinite(volume.data)).sum())
        raise CellmlError(f"{volume.name!r} holds {bad} NaN or infinite voxels, and projections would spread them; replace them first.")
