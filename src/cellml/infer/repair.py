"""Repair of a whole reconstruction: tiles through the network, then the measured coefficients of all of it return."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from cellml.errors import CellmlError, ContractError
from cellml.types import TiltSeries, Volume

log = logging.getLogger(__name__)

_FULL_WEDGE = 0.2  # power in the wedge that is too much for a reconstruction
_EMPTY_EDGE = 0.1  # power at the outermost tilts that is too little for them to have been measured
_TOLERANCE = 1.0  # degrees, and a tenth of a degree of step, that a wedge may differ from what was learned


def repair_volume(
    task: Any,
    window: Any,
    image: Any,
    name: str,
    output: str,
    contract: Mapping[str, Any],
    *,
    wedge: Sequence[float] | None = None,
    consistency: bool = True,
    series: TiltSeries | None = None,
    information: str | None = None,
) -> dict[str, Any]:
    """Repair an opened reconstruction and write it in its own grey values, or on the grey scale of its tilt series, float32 with axes ZYX.

    wedge: first and last tilt in degrees and, as a third number, the step between tilts; the series', or the checkpoint's where it knows
    but one; consistency: whether what was measured returns, the network alone is written otherwise; series: as `recorded_series` reads it,
    whose projections return (`cellml.tomography.tilt_return`) in place of the reconstruction's Fourier coefficients
    (`cellml.tasks.measured_return`); information: where the map of what was inferred goes (`cellml.tomography.information_files`). The
    transforms hold the whole volume: about seven times its float32 size in memory, ten with a series. Returns seconds and voxels. Raises
    ContractError where the wedge is not one that the checkpoint learned to repair, the reconstruction has no such wedge, or the series is
    not that of the reconstruction.
    """
    from cellml.data.normalisation import Normalisation
    from cellml.infer.information import returned_weights, series_weights, write_repair_map
    from cellml.infer.recorded import range_of, require_same_grid
    from cellml.io import write_volume
    from cellml.tomography.likeness import require_likeness
    from cellml.tomography.tilt_return import tilts_returned

    if "T" in image.axes:
        raise CellmlError(f"{name} has a time axis ({image.axes}); repair its frames one by one.")
    tilts = known_tilts(contract["wedge"], wedge if series is None else wedge or range_of(series), name)
    if series is not None:
        require_same_grid(image.shape[-3:], image.spacing, series, name)
    begin = time.perf_counter()
    numbers = Normalisation.measure(image, method=contract["normalisation"], name=name)
    voxels = numbers.apply(image.read())
    known = slice(None) if contract.get("halves") else slice(0, 1)  # halves are measured alike, other channels are made of the first
    measured = voxels[known].mean(axis=0)
    require_wedge(measured, tilts, name)
    if series is not None:
        require_likeness(Volume(measured, image.spacing, name=name), series)
    answer = predicted(task, window, voxels)
    network = time.perf_counter() - begin
    if series is None:
        shift, scale = (np.float32(np.ravel(v)[known].mean()) for v in (numbers.shift, numbers.scale))
        data = returned(answer, measured, tilts, strength=1.0 if consistency else 0.0) * scale + shift
        repaired = Volume(data, image.spacing, image.origin, name="repaired")
    else:
        repaired = tilts_returned(Volume(answer, image.spacing, image.origin, name="repaired"), series, consistency=consistency)
    write_volume(repaired, output)
    seconds = time.perf_counter() - begin
    log.info("%s: %d voxels in %.1f s, of which the network %.1f s", output, answer.size, seconds, network)
    done = {"output": output, "voxels": int(answer.size), "network": network, "total": seconds, "consistency": consistency}
    if information is None:
        return done
    weights = returned_weights(answer, measured, tilts) if series is None else series_weights(repaired.shape, series)
    return {**done, **write_repair_map(repaired, output, information, weights, tilts if series is None else series.tilts)}


def returned(answer: NDArray[np.float32], measured: NDArray[np.float32], tilts: NDArray[np.float64], *, strength: float) -> NDArray[Any]:
    """An answer (Z, Y, X) on the grey scale of the reconstruction, with measured coefficients returned.

    The scale is the least-squares gain over measured coefficients, for those alone both volumes hold, and the mean is the measured one;
    strength: as in `MeasuredReturn`.
    """
    from cellml.tasks.measured_return import MeasuredReturn

    with torch.inference_mode():
        inferred, known = torch.from_numpy(answer), torch.from_numpy(measured)
        gain = measured_gain(torch.fft.rfftn(inferred), torch.fft.rfftn(known), answer.shape, tilts)
        if strength > 0:
            inferred = MeasuredReturn(strength=strength).one(inferred, known, tilts)
        return np.asarray((inferred - inferred.mean()) * gain + known.mean(), np.float32)


def measured_gain(inferred: torch.Tensor, measured: torch.Tensor, shape: Sequence[int], tilts: NDArray[np.float64]) -> float:
    """Σ Re F_out* F_in / Σ |F_out|² over measured coefficients other than the mean; 1 where the answer holds nothing there."""
    from cellml.tomography.wedge import measured_mask

    mask = torch.from_numpy(measured_mask(shape, tilts)).expand(inferred.shape).clone()
    mask[0, 0, 0] = False
    f, g = inferred[mask], measured[mask]
    power = float(f.abs().square().sum(dtype=torch.float64))
    gain = float((f.conj() * g).real.sum(dtype=torch.float64)) / power if power > 0 else 1.0
    return gain if gain > 0 else 1.0


def known_tilts(learned: Mapping[str, Any], wedge: Sequence[float] | None, name: str) -> NDArray[np.float64]:
    """Tilts (N,) in degrees. Raises ContractError where they are not among the learned ones, naming both."""
    from cellml.data.wedge_damage import tilts_of

    low, high = (float(v) for v in learned["half_range"])
    steps, slant = [float(v) for v in learned["step"]], float(learned["slant"])
    if wedge is None and "tilts" in learned:
        return tilts_of(float(learned["tilts"][0]), float(learned["tilts"][1]), steps[0])
    if wedge is None:
        if high > low or len(steps) > 1 or slant:
            raise ContractError(
                f"The checkpoint repairs wedges of ±{low:g}° to ±{high:g}° with steps of {steps}°; say which {name} has: wedge=[-60,60,2]."
            )
        return tilts_of(-low, low, steps[0])
    if len(wedge) not in (2, 3) or (len(wedge) == 2 and len(steps) > 1):
        raise CellmlError(
            f"wedge={list(wedge)} must be the first and the last tilt and the step between tilts in degrees: wedge=[-60,60,2]."
        )
    step = float(wedge[2]) if len(wedge) == 3 else steps[0]
    if not np.isfinite([*wedge, step]).all() or not wedge[0] < wedge[1] or step <= 0:
        raise CellmlError(f"wedge={list(wedge)} must have a last tilt above the first, and a positive step: wedge=[-60,60,2], in degrees.")
    half, centre = (wedge[1] - wedge[0]) / 2, (wedge[1] + wedge[0]) / 2
    fits = low - _TOLERANCE <= half <= high + _TOLERANCE and abs(centre) <= slant + _TOLERANCE
    again = f"data.damage.half_range=[{half:g},{half:g}] data.damage.step=[{step:g}]."
    again = f"data.wedge=[{wedge[0]:g},{wedge[1]:g},{step:g}]." if "tilts" in learned else again
    if not fits or all(abs(step - s) > 0.1 * s for s in steps):
        raise ContractError(
            f"{name} has tilts from {wedge[0]:g}° to {wedge[1]:g}° in steps of {step:g}°, but the checkpoint learned to repair ±{low:g}° "
            f"to ±{high:g}°, off centre by at most {slant:g}°, in steps of {steps}°. Take a checkpoint of this range, or train one: {again}"
        )
    return tilts_of(float(wedge[0]), float(wedge[1]), step)


def require_wedge(image: NDArray[np.float32], tilts: NDArray[np.float64], name: str) -> None:
    """Raise ContractError where a reconstruction (Z, Y, X) is strong in its missing wedge, or empty where it was measured.

    By `edge_power` reconstructions of the range that is said have 0.35 to 0.7; of one narrower by 10° at each end 0.01 to 0.03 by linear
    methods, 0.18 by total variation, which fills. By `wedge_power` back-projections and SIRT of tissue have 0.003 to 0.02, whatever their
    noise; the specimen itself about 1, a reconstruction whose axes were exchanged 0.3 to 2.
    """
    ratio = wedge_power(image, tilts)
    if ratio > _FULL_WEDGE:
        raise ContractError(
            f"{name} is too strong where tilts from {tilts.min():g}° to {tilts.max():g}° measured nothing (power {ratio:.2f} of what it "
            f"has where they did, at most {_FULL_WEDGE:g}): it has another wedge, another tilt axis than Y, was repaired already, is a "
            "tilt series, or its projections had a background that no volume explains (grey values whose mean was left in). Correct "
            "wedge=, turn the volume so that the tilt axis runs along Y, or repair from the series, whose means are taken off: "
            "input=tilts.mrc, with angles=FILE where none stand beside it."
        )
    edge = edge_power(image, tilts)
    if edge < _EMPTY_EDGE:
        raise ContractError(
            f"{name} is nearly empty where only the outermost tilts from {tilts.min():g}° to {tilts.max():g}° measured (power {edge:.3f} "
            f"of what it has at the others, at least {_EMPTY_EDGE:g}): its range of tilts was narrower. "
            "Give the range that was recorded as wedge=[first,last,step], and a checkpoint that learned it."
        )


def wedge_power(image: NDArray[np.float32], tilts: NDArray[np.float64]) -> float:
    """Power in the missing wedge over power where tilts (N,) measured, as `power_ratio` compares them for an image (Z, Y, X)."""
    from cellml.tomography.wedge import measured_mask, missing_wedge

    return power_ratio(image, missing_wedge(image.shape, tilts, margin=1.0), measured_mask(image.shape, tilts))


def edge_power(image: NDArray[np.float32], tilts: NDArray[np.float64]) -> float:
    """Power where only the outermost 15 % of the range of tilts (N,) measured over power where the others did, as `wedge_power`.

    1 where a volume is too small, or tilts are too few, to tell them apart.
    """
    from cellml.tomography.wedge import measured_mask, missing_wedge

    inner = tilts[np.abs(tilts - (tilts.min() + tilts.max()) / 2) <= 0.85 * np.ptp(tilts) / 2]
    if len(inner) < 2:
        return 1.0
    outer = measured_mask(image.shape, tilts) & missing_wedge(image.shape, inner, margin=1.0)
    return power_ratio(image, outer, measured_mask(image.shape, inner)) or 1.0


def power_ratio(image: NDArray[np.float32], one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """Power in one mask over power in the other, the geometric mean over shells from 1/16 to 1/2 Nyquist.

    image: (Z, Y, X), apodised by a Hann window; masks: of coefficients in rfftn's layout; coefficients nearer to the tilt axis than 45° do
    not count. 0 where no shell holds power in both, or none does in `one`.
    """
    from scipy.fft import rfftn

    from cellml.metrics.wedge_correlation import apodised
    from cellml.tomography.wedge import frequencies

    power = np.abs(rfftn(apodised(image))) ** 2
    kz, ky, kx = frequencies(image.shape)
    radius = np.sqrt(kz**2 + ky**2 + kx**2)
    band = (radius > 1 / 32) & (radius < 1 / 4) & (np.abs(ky) < np.sqrt(kz**2 + kx**2))
    shell = (radius * 64).astype(int)
    means = []
    for mask in (one, other):
        chosen = band & mask
        count = np.bincount(shell[chosen], minlength=17)
        means.append(np.bincount(shell[chosen], weights=power[chosen], minlength=17) / np.maximum(count, 1))
    both = (means[0] > 0) & (means[1] > 0)
    return float(np.exp(np.log(means[0][both] / means[1][both]).mean())) if both.any() else 0.0


def predicted(task: Any, window: Any, voxels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The network's answer, (Z, Y, X), with a progress bar."""
    from cellml.infer.progress import tile_progress

    shape, net = voxels.shape[1:], task.predictor
    with tile_progress(sum(len(row) for row in window.plan(net, shape).rows())) as advance:
        return np.asarray(window.whole(net, voxels, activation=task.target.activation, on_tile=advance)[0])
