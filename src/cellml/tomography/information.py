"""How much of a repaired volume was measured and how much inferred: in Fourier space, around each voxel, in each object.

In Fourier space a coefficient's weight w of `cellml.tomography.consistency.wiener_weights` says it: 1 measured, 0 inferred. A voxel is
never simply one of them, for it sums all coefficients. So the energy of the volume is split between two volumes,

    x_inferred = F⁻¹[√(1 − w) F(x − x̄)],    x_measured = F⁻¹[√w F(x − x̄)],

whose energies add up to that of x − x̄ whatever the weights (Parseval); where the weights are a mask, the two volumes add up to it too.
Around each voxel the share is the local power of the inferred part over that of both, s = G ∗ x_inferred² / G ∗ (x_inferred² +
x_measured²), G a Gaussian window. Weighed by the denominator s has the mean Σ (1 − w) |F|² / Σ |F|².
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError
from cellml.tomography.consistency import wiener_weights
from cellml.tomography.shell_snr import ShellSnr
from cellml.types import Labels, Volume

Floats = NDArray[np.float32]
_DENSE = 1 << 24  # labels up to here are counted in an array of as many places, larger ones sorted first


def inferred_share(volume: Volume, tilts: ArrayLike, *, snr: ShellSnr | float = np.inf, window_nm: float | None = None) -> Volume:
    """Share of the energy around each voxel that was inferred rather than measured, (Z, Y, X) float32 from 0 to 1.

    volume: a repaired (or any) volume (Z, Y, X); tilts: (N,) in degrees, of the series that it rests on; snr: of one projection, by
    frequency or for all; window_nm: as in `local_share`.
    """
    return local_share(volume, wiener_weights(volume.shape, tilts, snr), window_nm=window_nm)


def local_share(volume: Volume, weights: NDArray[Any], *, window_nm: float | None = None) -> Volume:
    """The same for weights of measurements that are known, such as those of `cellml.tasks.measured_return`.

    weights: 0 to 1, of coefficients in rfftn's layout, broadcastable; window_nm: standard deviation of the Gaussian window, two voxels
    where None. Voxels without any structure around them are 0. Raises CellmlError for a window that is not positive.
    """
    from scipy.ndimage import gaussian_filter

    if window_nm is not None and not window_nm > 0:
        raise CellmlError(f"The window of an information map must be wider than 0 nm, got {window_nm}.")
    inferred, measured = split(volume.data, weights)
    sigma = [2.0 if window_nm is None else window_nm / s for s in volume.spacing]
    inferred, measured = (gaussian_filter(part**2, sigma, mode="wrap") for part in (inferred, measured))  # periodic, as the transform is
    total = inferred + measured
    share = np.divide(inferred, total, out=np.zeros_like(total), where=total > 0)
    return Volume(share, volume.spacing, volume.origin, name=f"inferred share of {volume.name}")


def split(data: NDArray[Any], weights: NDArray[Any]) -> tuple[Floats, Floats]:
    """The inferred and the measured part of (Z, Y, X) less its mean; weights: of coefficients in rfftn's layout, broadcastable."""
    from scipy.fft import irfftn, rfftn

    coefficients = rfftn(np.asarray(data, np.float32) - np.float32(data.mean(dtype=np.float64)), overwrite_x=True)
    weights = weights.astype(np.float32)
    inferred = irfftn(coefficients * np.sqrt(1 - weights), s=data.shape, overwrite_x=True)
    coefficients *= np.sqrt(weights)
    measured = irfftn(coefficients, s=data.shape, overwrite_x=True)
    return np.asarray(inferred, np.float32), np.asarray(measured, np.float32)


def global_inferred_share(volume: Volume, tilts: ArrayLike, *, snr: ShellSnr | float = np.inf) -> float:
    """Share of the whole volume's energy (its variance) that was inferred, 0 to 1; 0 for a constant volume."""
    inferred, measured = split(volume.data, wiener_weights(volume.shape, tilts, snr))
    parts = [float(np.square(part, dtype=np.float64).sum()) for part in (inferred, measured)]
    return parts[0] / sum(parts) if sum(parts) > 0 else 0.0


def object_information(labels: Labels, share: Volume) -> dict[int, float]:
    """Mean inferred share of each object's voxels, by label (0 left out): what a segmentation carries into tables and reports.

    labels, share: the same (Z, Y, X). Raises CellmlError where shapes differ.
    """
    if labels.shape != share.shape:
        raise CellmlError(f"The labels have shape {labels.shape}, the information map {share.shape}; they must cover the same voxels.")
    counts, sums = label_sums(labels.data, share.data)
    return {n: sums[n] / counts[n] for n in counts if n != 0}


def label_sums(labels: NDArray[Any], values: NDArray[Any]) -> tuple[dict[int, int], dict[int, float]]:
    """Voxels of each label, and the sum of values (Z, Y, X) over them."""
    flat = labels.ravel()
    if int(flat.max()) < _DENSE:
        numbers, index = np.arange(int(flat.max()) + 1), flat
    else:
        numbers, index = np.unique(flat, return_inverse=True)
    counts, sums = np.bincount(index), np.bincount(index, weights=values.ravel())
    found = np.flatnonzero(counts)
    keys = numbers[found].tolist()
    return dict(zip(keys, counts[found].tolist(), strict=True)), dict(zip(keys, sums[found].tolist(), strict=True))


@dataclass(frozen=True, eq=False)
class Ensemble:
    """mean, deviation: (Z, Y, X) float32, of several repairs of one volume; members: how many."""

    mean: Floats
    deviation: Floats
    members: int


def ensemble_uncertainty(members: Iterable[NDArray[Any]]) -> Ensemble:
    """Mean and standard deviation of repairs (Z, Y, X) by different networks, seeds or noise draws, one at a time (Welford 1962).

    The deviation is that of the members (n − 1); it says where they disagree, which bounds what was invented from below only: members
    trained on the same images share what they believe. Raises CellmlError for fewer than two members or unlike shapes.
    """
    mean = square = np.zeros(0)
    count = 0
    for member in members:
        values = np.asarray(member, np.float64)
        count += 1
        if count == 1:
            mean, square = values.copy(), np.zeros_like(values)
            continue
        if values.shape != mean.shape:
            raise CellmlError(f"Member {count} of the ensemble has shape {values.shape}, the first has {mean.shape}.")
        change = values - mean
        mean += change / count
        square += change * (values - mean)
    if count < 2:
        raise CellmlError(f"An ensemble needs at least two members to disagree, got {count}.")
    return Ensemble(mean.astype(np.float32), np.sqrt(square / (count - 1)).astype(np.float32), count)
