"""Repair from a tilt series: sinograms are filled, reconstructed and cleaned, and the recorded projections return to the volume."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import CellmlError, ContractError

log = logging.getLogger(__name__)


def repair_series(
    task: Any,
    window: Any,
    reference: str,
    output: str,
    contract: Mapping[str, Any],
    *,
    wedge: Sequence[float] | None = None,
    thickness: int | None = None,
    spacing_nm: Sequence[float] | None = None,
    consistency: bool = True,
) -> dict[str, Any]:
    """Read a tilt series, repair it and write the volume, float32 with axes ZYX on the grey scale of the projections per voxel.

    wedge: first and last tilt and step where they are not the series' own; thickness: voxels along z, the width of the projections where
    None; spacing_nm: pixel size where the file does not know it; consistency: whether the recorded projections return, by least squares
    (`cellml.tomography.tilt_consistency`). Returns seconds and voxels. Raises ContractError where the series contradicts the checkpoint.
    """
    from cellml.data.sinogram_grid import sinogram_grid
    from cellml.data.sinogram_pairs import shown
    from cellml.infer.repair import known_tilts
    from cellml.io import read_tilts, write_volume
    from cellml.tomography.tilt_consistency import consistent_with_tilts
    from cellml.types import Volume

    begin = time.perf_counter()
    series = read_tilts(reference, pixel=None if spacing_nm is None else float(spacing_nm[-1]))
    _require_pixel(series.pixel, contract, reference)
    tilts = np.sort(series.tilts)
    known_tilts(contract["wedge"], wedge or [tilts[0], tilts[-1], float(np.median(np.diff(tilts)))], reference)
    depth = series.data.shape[2] if thickness is None else int(thickness)
    if not 1 <= depth <= series.data.shape[2]:
        raise CellmlError(f"thickness={thickness} must be 1 to {series.data.shape[2]} voxels, the width of {reference}.")
    grid = sinogram_grid(series.tilts)
    lines = series.data.astype(np.float32) - np.float32(series.data.mean(dtype=np.float64))
    unit = np.float32(max(float(lines.std(dtype=np.float64)), 1e-12))
    task.window = window
    answer = task.repaired_series(shown(lines / unit, grid), grid.tilts, depth)
    network = time.perf_counter() - begin
    volume = Volume(answer * np.float32(grey_gain(answer, lines, series.tilts)), (series.pixel,) * 3, name="repaired")
    if consistency:
        from dataclasses import replace

        volume = consistent_with_tilts(volume, replace(series, data=lines))
    write_volume(volume, output)
    seconds = time.perf_counter() - begin
    log.info("%s: %d voxels in %.1f s, of which the networks %.1f s", output, answer.size, seconds, network)
    return {"output": output, "voxels": int(answer.size), "network": network, "total": seconds, "consistency": consistency}


def grey_gain(answer: NDArray[np.float32], lines: NDArray[np.float32], tilts: NDArray[np.float64]) -> float:
    """Least-squares gain of a volume's projections on the recorded ones (N, Y, W), means apart; 1 where they do not resemble each other."""
    from cellml.data.wedge_damage import clean_projections

    projected = clean_projections(answer, tilts)[..., : lines.shape[2]]
    ours, theirs = projected - projected.mean(dtype=np.float64), lines - lines.mean(dtype=np.float64)
    gain = float(np.vdot(ours, theirs)) / max(float(np.vdot(ours, ours)), 1e-30)
    return gain if gain > 0 else 1.0


def _require_pixel(pixel: float, contract: Mapping[str, Any], name: str) -> None:
    trained = float(contract["spacing_nm"][-1])
    if abs(pixel - trained) > 0.02 * trained:
        raise ContractError(
            f"{name} has pixels of {pixel:g} nm, but the checkpoint was trained at {trained:g} nm. Bin the series, correct its pixel size "
            "(spacing_nm=[z,y,x]), or train at this size."
        )
