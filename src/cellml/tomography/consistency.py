"""Data consistency: what the tilt series measured returns to an inferred volume.

    F_out(k) = w(k) F_measured(k) + (1 − w(k)) F_inferred(k),    w(k) = n(k) SNR(|k|) / (1 + n(k) SNR(|k|))

w is Wiener's weight of n(k) measurements of one coefficient with the signal-to-noise ratio of the tilts at that frequency (Wiener 1949;
as a step of reconstruction: Schlemper et al. 2018, doi:10.1109/TMI.2017.2760978, eq. 6), zero where no tilt passes within half a sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cellml.errors import CellmlError
from cellml.tomography.shell_snr import ShellSnr
from cellml.tomography.wedge import as_tensor, coverage, frequencies


def wiener_weights(shape: Sequence[int], tilts: ArrayLike, snr: ShellSnr | float = np.inf) -> NDArray[np.float32]:
    """Weight of the measurement at each coefficient, in rfftn's layout: (Z, Y, X // 2 + 1) float32, 0 to 1.

    tilts: (N,) degrees; snr: signal-to-noise power ratio of one projection's coefficients by frequency, or one number for all. Where it
    is infinite everywhere, w is the measured mask, and has one row along Y. Raises CellmlError for a negative or undefined ratio.
    """
    count = coverage(shape, tilts).astype(np.float32)
    if not isinstance(snr, ShellSnr):
        if not snr >= 0:
            raise CellmlError(f"The tilts' signal-to-noise ratio must be 0 or more, got {snr}.")
        return np.asarray(count > 0, np.float32) if np.isinf(snr) else count * np.float32(snr) / (1 + count * np.float32(snr))
    kz, ky, kx = frequencies(shape)
    weights = np.empty((shape[0], shape[1], shape[2] // 2 + 1), np.float32)
    for section in range(shape[0]):  # one plane of k_z at a time: nothing of the volume's size but the weights themselves
        ratio = count[section] * snr.at(np.sqrt(kz[section] ** 2 + ky[0] ** 2 + kx[0] ** 2)).astype(np.float32)
        weights[section] = np.where(np.isinf(ratio), 1, ratio / np.where(np.isinf(ratio), 1, 1 + ratio))
    return np.nan_to_num(weights, copy=False)


def impose(volume: Any, measured: Any, weights: Any) -> Any:
    """Return measured coefficients to an inferred volume: x + F⁻¹[w (F_measured − F x)].

    volume: (…, Z, Y, X), numpy array or torch tensor (differentiable; any device); measured: a volume like it, or its coefficients in
    rfftn's layout (…, Z, Y, X // 2 + 1), complex; weights: 0 to 1, broadcastable to that layout. Returns what `volume` is, in its
    precision, arrays of whole numbers as floating point. Raises CellmlError where shapes do not fit.
    """
    shape = tuple(volume.shape[-3:])
    half = (shape[0], shape[1], shape[2] // 2 + 1)
    complex_ = measured.is_complex() if hasattr(measured, "is_complex") else np.iscomplexobj(measured)
    if tuple(measured.shape[-3:]) != (half if complex_ else shape):
        raise CellmlError(f"The inferred volume has shape {shape}, what was measured {tuple(measured.shape[-3:])}; they must agree.")
    if any(w not in (1, n) for w, n in zip(tuple(weights.shape)[-3:], half, strict=True)):
        raise CellmlError(f"Weights of shape {tuple(weights.shape)} do not fit coefficients of shape {half}.")
    return _impose_array(volume, measured, weights) if isinstance(volume, np.ndarray) else _impose_tensor(volume, measured, weights)


def _impose_array(volume: NDArray[Any], measured: NDArray[Any], weights: NDArray[Any]) -> NDArray[Any]:
    from scipy.fft import irfftn, rfftn

    axes = (-3, -2, -1)
    volume = np.asarray(volume, np.result_type(volume.dtype, np.float32))  # grey values of 8 bits must not wrap around
    change = measured - rfftn(volume, axes=axes) if np.iscomplexobj(measured) else rfftn(measured - volume, axes=axes)
    change *= weights
    returned = irfftn(change, s=volume.shape[-3:], axes=axes, overwrite_x=True)
    return np.asarray(volume + returned, dtype=volume.dtype)


def _impose_tensor(volume: Any, measured: Any, weights: Any) -> Any:
    import torch

    axes = (-3, -2, -1)
    weights = as_tensor(weights, volume) if isinstance(weights, np.ndarray) else weights
    measured = torch.as_tensor(measured, device=volume.device)
    if measured.is_complex():
        change = measured - torch.fft.rfftn(volume, dim=axes)
    else:
        change = torch.fft.rfftn(measured.to(volume.dtype) - volume, dim=axes)
    return volume + torch.fft.irfftn(change * weights, s=tuple(volume.shape[-3:]), dim=axes).to(volume.dtype)
