"""Repair from a tilt series: reconstructed and repaired, or its sinograms filled and cleaned; the recorded projections return."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cellml.errors import ContractError
from cellml.types import TiltSeries

log = logging.getLogger(__name__)


def repair_series(
    task: Any,
    window: Any,
    series: TiltSeries,
    output: str,
    contract: Mapping[str, Any],
    *,
    thickness: int | None = None,
    consistency: bool = True,
    device: str = "cpu",
    information: str | None = None,
) -> dict[str, Any]:
    """Repair a series that `recorded_series` read and write the volume, float32 with axes ZYX, in value of the projections per voxel.

    Networks of volumes see reconstructions by the methods that they learned from, sinogram networks the projections. thickness: voxels
    along z, the width of the projections where None; consistency: whether the recorded projections return, by least squares
    (`cellml.tomography.tilt_return`); device: of the reconstruction; information: where the map of what was inferred goes. Returns seconds
    and voxels. Raises CellmlError for a thickness out of range, ContractError as `reconstructions`.
    """
    from cellml.infer.information import series_weights, write_repair_map
    from cellml.infer.recorded import depth_of
    from cellml.infer.repair import predicted
    from cellml.io import write_volume
    from cellml.tomography.tilt_return import tilts_returned
    from cellml.types import Volume

    begin, depth = time.perf_counter(), depth_of(series, thickness)
    if contract.get("axes") == "TILTS":
        task.window = window
        answer = filled_and_cleaned(task, series, depth)
    else:
        answer = predicted(task, window, reconstructions(series, depth, contract, device))
    network = time.perf_counter() - begin
    repaired = tilts_returned(Volume(answer, (series.pixel,) * 3, name="repaired"), series, consistency=consistency)
    write_volume(repaired, output)
    seconds = time.perf_counter() - begin
    log.info("%s: %d voxels in %.1f s, of which reconstruction and network %.1f s", output, answer.size, seconds, network)
    done = {"output": output, "voxels": int(answer.size), "network": network, "total": seconds, "consistency": consistency}
    if information is None:
        return done
    return {**done, **write_repair_map(repaired, output, information, series_weights(repaired.shape, series), series.tilts)}


def reconstructions(series: TiltSeries, depth: int, contract: Mapping[str, Any], device: str = "cpu") -> NDArray[np.float32]:
    """What a network of volumes is shown of a series: (C, Z, Y, X), by each method of its contract, of mean 0 and deviation 1.

    Raises ContractError where the contract names no method, as for networks that learned from one tomogram, or one that is not known.
    """
    from cellml.data.wedge_damage import standardised
    from cellml.tomography.known_methods import method_of
    from cellml.tomography.reconstruction import reconstruct

    methods = contract["wedge"].get("reconstruction")
    if not methods:
        files = "input=[even.mrc,odd.mrc]" if contract.get("halves") else "input=reconstruction.mrc"
        raise ContractError(
            f"The checkpoint learned from a tomogram, not from tilt series, and does not know how {series.name} is to be reconstructed. "
            f"Reconstruct it as that tomogram was (cellml reconstruct), and give both: {files} tilts=SERIES."
        )
    return np.stack([standardised(reconstruct(series, depth, method_of(text), device=device).data) for text in methods])


def filled_and_cleaned(task: Any, series: TiltSeries, depth: int) -> NDArray[np.float32]:
    """The answer of a network that fills sinograms (`SinogramGanTask`) to a levelled series (N, Y, W): (Z, Y, W) of deviation 1."""
    from cellml.data.sinogram_grid import sinogram_grid
    from cellml.data.sinogram_pairs import shown

    grid = sinogram_grid(series.tilts)
    lines = np.asarray(series.data / max(float(series.data.std(dtype=np.float64)), 1e-12), np.float32)
    return np.asarray(task.repaired_series(shown(lines, grid), grid.tilts, depth), np.float32)
